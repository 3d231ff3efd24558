"""Who is let in, and how much each may send."""

from __future__ import annotations

import hmac
import ipaddress
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from ..jobs import Refused
from ..settings import Settings
from .arguments import join_words
from .wire import MAX_ARGUMENTS, Peer, encode, read_message

NUMBER = re.compile(r"[0-9]{1,9}")  # as a whole
HELLO = "/ace/hello"  # the one command that needs no authentication
LEASE = 24 * 3600  # seconds that an authentication, and a subscription, is good for
BURST = 4.0  # seconds' worth of messages that may come at once
MAX_DEBT = 1.0  # seconds' worth that a message may cost more than its sender has
MAX_BUCKETS = 1024
# seconds between two answers to somebody who is not let in, or who sends wrong tokens
REJECTION_INTERVAL = 1.0


@dataclass
class TokenBucket:
    """What a sender may cost: tokens, which come back at the settings' rate. A message takes one,
    each datagram that it causes besides its answer another, and its time as many as come back
    meanwhile.
    """

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
        self._hellos = spell_hello(settings.token)
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
        if self.is_token(token):
            self._authenticated[host] = now + LEASE
            return
        if self._failed.get(host, float("-inf")) + REJECTION_INTERVAL > now:
            raise Refused(429, "another wrong token was sent just now", "wait a second")
        self._failed[host] = now
        raise Refused(401, "this is not the token", "it is called token in the daemon's settings")

    def is_token(self, text: str) -> bool:
        """Whether it is the token. How long that takes does not tell how much of it is right."""
        return hmac.compare_digest(text.encode(), self._token)

    def is_right_hello(self, packet: bytes) -> bool:
        """Whether a packet says the token, in one of the spellings that programs have for it.
        Nothing is read for that: what a wrong one costs does not depend on what it says.
        """
        return any(hmac.compare_digest(packet, right) for right in self._hellos)

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

    def charge(self, sender: Peer, datagrams: int = 0, seconds: float = 0.0) -> None:
        """Take tokens for what a message that was let in has caused: `datagrams` besides its
        answer, to whomever, and `seconds` of computing.
        """
        with self._lock:
            bucket = self._bucket(sender)
            cost = datagrams + seconds * self._rate
            bucket.tokens = max(bucket.tokens - cost, -self._rate * MAX_DEBT)

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
        account = find_account(sender)
        bucket = self._buckets.pop(account, None) or TokenBucket(self._rate * BURST, self._clock())
        self._buckets[account] = bucket  # the newest is last
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket


def spell_hello(token: str) -> tuple[bytes, ...]:
    """The packets that say a token: as one text, and word by word, with the numbers among the words
    as texts, as ints and, as Pd has them, as floats.
    """
    packets = [encode(HELLO, "s", token)]
    words = token.split(" ")
    if len(words) <= MAX_ARGUMENTS:
        for tag in "sif":
            types = [tag if NUMBER.fullmatch(word) else "s" for word in words]
            packets.append(encode(HELLO, "".join(types), *words))
    right = (one for one in packets if join_words(read_message(one).arguments) == token)
    return tuple(dict.fromkeys(right))


def find_account(sender: Peer) -> str:
    """Who pays for what a sender causes: itself on this machine, where every program has a bucket
    of its own; or else its machine, all of whose ports share one.
    """
    return sender.client if is_loopback(sender.host) else sender.host


@lru_cache(1024)
def is_loopback(host: str) -> bool:
    """Whether a machine is this one."""
    return ipaddress.ip_address(host).is_loopback
