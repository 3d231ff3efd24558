"""Who is let in, and how much each may send."""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ..jobs import Refused
from ..settings import Settings
from .wire import Sender

LEASE = 24 * 3600  # seconds that a token, and a subscription, is good for
BURST = 4.0  # seconds' worth of messages that may come at once
MAX_BUCKETS = 1024
COMPLAINT_SECONDS = (
    1.0  # between two answers to somebody who is not let in; and between two tokens that are tried
)


@dataclass
class Bucket:
    """A token bucket: each message takes one, and they come back at the settings' rate."""

    left: float
    at: float
    complained: float = float("-inf")


class Guard:
    """The allow-list, the token, and a bucket for every address.

    On this machine every program has a bucket of its own, so that one that runs wild does not
    silence the others; of another machine all programs share one, as a port costs nothing.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._greeted: dict[str, float] = {}
        self._guessed: dict[str, float] = {}
        self.change(settings)

    def change(self, settings: Settings) -> None:
        """Other settings from now on. Another token has to be said anew."""
        token = settings.token.encode()
        if getattr(self, "_token", token) != token:
            self._greeted = {}
        self._token = token
        self._rate = settings.rate
        self._allowed = {settings.host, *settings.allow}

    def knows(self, host: str) -> bool:
        """Whether a machine is answered at all."""
        return _is_loopback(host) or host in self._allowed

    def greeted(self, host: str) -> bool:
        """Whether it need not say the token (any more)."""
        return not self._token or _is_loopback(host) or self._greeted.get(host, 0) > self._clock()

    def hello(self, host: str, token: str) -> None:
        """Raises `Refused` 401 for a wrong token, and 429 for the next one within a second,
        whatever it is.
        """
        if self.greeted(host) and not self._token:
            return
        now = self._clock()
        if self._guessed.get(host, float("-inf")) + COMPLAINT_SECONDS > now:
            raise Refused(429, "a wrong token was sent just now", "wait a second")
        if not hmac.compare_digest(token.encode(), self._token):
            self._guessed[host] = now
            raise Refused(
                401, "this is not the token", "it is called token in the daemon's settings"
            )
        self._greeted[host] = now + LEASE

    def admits(self, sender: Sender) -> bool:
        """Take one message out of the sender's bucket. False: it was empty."""
        bucket = self._bucket(sender)
        now = self._clock()
        bucket.left = min(self._rate * BURST, bucket.left + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True

    def may_complain(self, sender: Sender) -> bool:
        """Whether the sender has not been told for a second that it is not let in."""
        bucket = self._bucket(sender)
        now = self._clock()
        if bucket.complained + COMPLAINT_SECONDS > now:
            return False
        bucket.complained = now
        return True

    def _bucket(self, sender: Sender) -> Bucket:
        key = sender.client if _is_loopback(sender.host) else sender.host
        bucket = self._buckets.pop(key, None) or Bucket(self._rate * BURST, self._clock())
        self._buckets[key] = bucket  # the newest is last
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback
