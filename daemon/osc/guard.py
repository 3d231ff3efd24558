"""Who is let in, and how much each may send."""

from __future__ import annotations

import hmac
import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ..jobs import Refused
from ..settings import Settings
from .wire import Peer

LEASE = 24 * 3600  # seconds that an authentication, and a subscription, is good for
BURST = 4.0  # seconds' worth of messages that may come at once
MAX_BUCKETS = 1024
# seconds between two answers to somebody who is not let in, or who sends wrong tokens
REJECTION_INTERVAL = 1.0


@dataclass
class TokenBucket:
    """Each message takes one token, and they come back at the settings' rate."""

    tokens: float
    refilled: float  # when, on the clock
    rejected: float = float("-inf")  # when its owner was last answered that it is not let in


class Guard:
    """The allow-list, the settings' token, and a token bucket for every address.

    On this machine every program has a bucket of its own, so that one that runs wild does not
    silence the others; of another machine all programs share one, as a port costs nothing. Any
    thread may ask.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # of the buckets
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()
        self._authenticated: dict[str, float] = {}  # until when, by host
        self._failed: dict[str, float] = {}  # when a wrong token last came, by host
        self._token = b""
        self.change_settings(settings)

    def change_settings(self, settings: Settings) -> None:
        """Other settings from now on. Another token has to be sent anew."""
        token = settings.token.encode()
        if self._token != token:
            self._authenticated = {}
        self._token = token
        self._rate = settings.rate
        self._allowed = {settings.host, *settings.allow}

    def is_allowed(self, host: str) -> bool:
        """Whether a machine is answered at all."""
        return is_loopback(host) or host in self._allowed

    def is_authenticated(self, host: str) -> bool:
        """Whether a machine need not send the token (any more)."""
        return (
            not self._token or is_loopback(host) or self._authenticated.get(host, 0) > self._clock()
        )

    def is_trusted(self, host: str) -> bool:
        """Whether a machine may send commands, and be sent events."""
        return self.is_allowed(host) and self.is_authenticated(host)

    def authenticate(self, host: str, token: str) -> None:
        """Raises `Refused`: 401 for a wrong token, 429 for further wrong ones within a second. The
        right one never waits for that: the wrong ones may have been somebody else's.
        """
        if not self._token:
            return
        now = self._clock()
        if hmac.compare_digest(token.encode(), self._token):
            self._authenticated[host] = now + LEASE
            return
        if self._failed.get(host, float("-inf")) + REJECTION_INTERVAL > now:
            raise Refused(429, "another wrong token was sent just now", "wait a second")
        self._failed[host] = now
        raise Refused(401, "this is not the token", "it is called token in the daemon's settings")

    def admit(self, sender: Peer) -> bool:
        """Take a token out of the sender's bucket, for one message. False: it was empty."""
        with self._lock:
            bucket = self._bucket(sender)
            now = self._clock()
            refill = (now - bucket.refilled) * self._rate
            bucket.tokens = min(self._rate * BURST, bucket.tokens + refill)
            bucket.refilled = now
            if bucket.tokens < 1:
                return False
            bucket.tokens -= 1
            return True

    def take_rejection(self, sender: Peer) -> bool:
        """Whether to answer a sender that it is not let in: once within `REJECTION_INTERVAL`."""
        with self._lock:
            bucket = self._bucket(sender)
            now = self._clock()
            if bucket.rejected + REJECTION_INTERVAL > now:
                return False
            bucket.rejected = now
            return True

    def _bucket(self, sender: Peer) -> TokenBucket:
        key = sender.client if is_loopback(sender.host) else sender.host
        bucket = self._buckets.pop(key, None) or TokenBucket(self._rate * BURST, self._clock())
        self._buckets[key] = bucket  # the newest is last
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket


def is_loopback(host: str) -> bool:
    """Whether a machine is this one."""
    return ipaddress.ip_address(host).is_loopback
