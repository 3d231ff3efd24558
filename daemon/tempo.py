"""The tempo that bars are counted in: who says it, and how exactly it is known.

The first of these that says one counts: what was set explicitly, an Ableton Link session, a MIDI
clock, the default. Whoever follows a session or a clock gets the number that the DAW shows, as clip
lengths are computed from it.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from pipeline.request import DEFAULT_BPM, coerce

from .midi import Input
from .settings import SettingsError

log = logging.getLogger("acestepd.tempo")

TICKS = 96  # of a MIDI clock that a tempo is estimated from first: one bar
LONG = 8 * TICKS  # and as long as it stays, from so many: then a late tick weighs next to nothing
PER_BEAT = 24
PER_SIXTEENTH = PER_BEAT // 4  # what a song position counts
PLAUSIBLE = (20.0, 400.0)  # bpm
GONE = 2.0  # seconds of silence after which a clock counts as stopped
GAP = (
    0.5  # seconds between two ticks after which the estimate begins anew; 20 bpm ticks every 0.125
)
DRIFT = 3e-5  # relative: two crystals, the sound card's and this computer's, never quite agree
ALIKE = 0.99  # of two neighbouring ticks' lateness: the highest that is reckoned with
ANNOUNCED = 0.05  # bpm: a smaller change is not news
ON_IT = 1e-6  # of a group of beats: rounding
EVERY = 0.1  # seconds between two looks at the sources, and so between two announcements

Listener = Callable[[float, str], None]


class BeatPosition(NamedTuple):
    """Where a song was `at` that time.monotonic(): in quarter notes from its beginning, at that
    tempo.
    """

    at: float
    beat: float
    bpm: float

    def next(self, beats: float, after: float) -> float:
        """When the first beat that is a multiple of `beats` comes, not before `after`."""
        count = (self.beat + (after - self.at) * self.bpm / 60) / beats
        whole = math.ceil(count - ON_IT)
        return max(after, after + (whole - count) * beats * 60 / self.bpm)


class Source(Protocol):
    """Something that may say a tempo. All but `bpm` happens on one thread."""

    name: str

    @property
    def bpm(self) -> float:
        """0 while it says none. From any thread."""

    @property
    def place(self) -> BeatPosition | None:
        """None while it does not say where the beat is. From any thread."""

    def start(self) -> None: ...
    def look(self, now: float) -> None: ...
    def close(self) -> None: ...


class Tempo:
    """Which tempo counts now. Raises `SettingsError` when a source needs a library that is not
    installed.
    """

    def __init__(
        self, link: bool = False, midi_clock: str = "", *, sources: Iterable[Source] = ()
    ) -> None:
        self._sources: list[Source] = [*sources]
        if link:
            self._sources.append(Link())
        if midi_clock:
            self._sources.append(Clock(midi_clock))
        self._explicit = 0.0
        self._listeners: list[Listener] = []
        self._announced = (DEFAULT_BPM, "default")
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="tempo", daemon=True)

    def bpm(self) -> tuple[float, str]:
        """The tempo and who says it: explicit, link, midi or default."""
        said = ((source.bpm, source.name) for source in self._sources)
        choices = ((self._explicit, "explicit"), *said, (DEFAULT_BPM, "default"))
        return next((bpm, source) for bpm, source in choices if bpm)

    def next(self, beats: float, ahead: float = 0.0) -> float:
        """The time.monotonic() that is `ahead` seconds before the next multiple of `beats` of the
        session; 0, long ago, where nobody says where its beat is.
        """
        for source in self._sources:
            if place := source.place:
                return place.next(beats, time.monotonic() + ahead) - ahead
        return 0.0

    def set(self, bpm: float) -> None:
        """Set it explicitly; 0 lets go. Raises `BadRequest`."""
        self._explicit = coerce("bpm", bpm)
        self._wake.set()

    def listen(self, listener: Listener) -> None:
        """`listener(bpm, source)` hears every change of 0.05 bpm or more, at most ten a second."""
        self._listeners.append(listener)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _follow(self) -> None:
        for source in self._sources:
            _tried(source.start)
        while not self._closing.is_set():
            for source in self._sources:
                _tried(source.look, time.monotonic())
            self._announce(*self.bpm())
            self._closing.wait(EVERY)
            if not self._sources:
                self._wake.wait()
                self._wake.clear()
        for source in self._sources:
            _tried(source.close)

    def _announce(self, bpm: float, source: str) -> None:
        if source == self._announced[1] and abs(bpm - self._announced[0]) < ANNOUNCED:
            return
        self._announced = (bpm, source)
        for listener in self._listeners:
            _tried(listener, bpm, source)


def _tried(call: Callable[..., None], *values: Any) -> None:
    """One source's or listener's troubles must not silence the others."""
    try:
        call(*values)
    except Exception:
        log.exception("tempo: %s", getattr(call, "__qualname__", call))


# --- MIDI clock -----------------------------------------------------------------------------------


class Estimate(NamedTuple):
    bpm: float
    error: float  # standard error of it


class Clock:
    """The tempo of a MIDI clock, 24 ticks a beat: a straight line through the last ticks, by least
    squares. They are those of one bar, and of up to eight while the newest bar does not contradict
    the others.
    """

    name = "midi"

    def __init__(self, port: str = "") -> None:
        """`port` is part of an input's name; without one, `heard` is called by somebody else."""
        self._input = Input(port, self.heard) if port else None
        self._lock = threading.Lock()
        self._ticks: deque[float] = deque(maxlen=LONG)
        self._last = -math.inf
        self._known = Estimate(0.0, 0.0)
        self._playing = False  # from a start or a continue to a stop
        self._next: int | None = (
            None  # which tick of the song comes next; None: nobody has said where it is
        )
        self._place: tuple[float, int] | None = None  # the newest tick while it plays

    @property
    def bpm(self) -> float:
        return self._known.bpm

    @property
    def place(self) -> BeatPosition | None:
        with self._lock:
            bpm = self._known.bpm
            place = self._place
        return (
            BeatPosition(place[0], place[1] / PER_BEAT, bpm)
            if bpm and place and self._playing
            else None
        )

    def start(self) -> None:
        if self._input:
            self._input.start()

    def close(self) -> None:
        if self._input:
            self._input.close()

    def heard(self, at: float, message: dict[str, Any]) -> None:
        with self._lock:
            kind = message["type"]
            if kind in ("start", "continue"):
                self._ticks.clear()
                self._playing = True
                self._place = None
                self._next = 0 if kind == "start" else self._next
            elif kind == "stop":
                self._playing = False
            elif kind == "songpos":
                self._next = message["pos"] * PER_SIXTEENTH
                self._place = None
            elif kind == "clock":
                if at - self._last > GAP:
                    self._ticks.clear()
                self._ticks.append(at)
                self._last = at
                if self._playing and self._next is not None:
                    self._place = at, self._next
                    self._next += 1

    def look(self, now: float) -> None:
        with self._lock:
            ticks = list(self._ticks)
            last = self._last
        if now - last > GONE:
            self._known = Estimate(0.0, 0.0)
        elif len(ticks) >= TICKS:
            bar = fitted(ticks[-TICKS:])
            if contradicts(bar, self._known):
                self._forget(before=ticks[-TICKS])
                ticks = ticks[-TICKS:]
            measured = fitted(ticks)
            if PLAUSIBLE[0] <= measured.bpm <= PLAUSIBLE[1]:
                self._known = settled(self._known, measured)

    def _forget(self, before: float) -> None:
        with self._lock:
            while self._ticks and self._ticks[0] < before:
                self._ticks.popleft()


def fitted(ticks: list[float]) -> Estimate:
    """The tempo of a clock's ticks, which came at these seconds."""
    count = len(ticks)
    middle = (count - 1) / 2
    mean = sum(ticks) / count
    spread = sum((n - middle) ** 2 for n in range(count))
    slope = sum((n - middle) * (at - mean) for n, at in enumerate(ticks)) / spread
    if slope <= 0:
        return Estimate(math.inf, math.inf)
    rest = [at - mean - slope * (n - middle) for n, at in enumerate(ticks)]
    residue = sum(one * one for one in rest)
    # A busy computer is late for a while: what neighbours have in common says less than as many
    # ticks on their own
    common = sum(one * next for one, next in itertools.pairwise(rest)) / residue if residue else 0.0
    alike = min(ALIKE, max(0.0, common))
    error = math.sqrt(residue / (count - 2) / spread * (1 + alike) / (1 - alike))
    bpm = 60 / PER_BEAT / slope
    return Estimate(bpm, bpm * (error / slope + DRIFT))


def contradicts(measured: Estimate, known: Estimate) -> bool:
    """Whether it cannot be the same tempo."""
    return abs(known.bpm - measured.bpm) > 4 * measured.error


def settled(known: Estimate, measured: Estimate) -> Estimate:
    """The number that was meant: the roundest one that is as likely as the measured one.

    A DAW's clock of exactly 120 measures as 120.03 or 119.98, and anew every moment. Whatever lies
    within three standard errors fits what was heard just as well, and people set 120, rarely 127.5,
    hardly ever 120.03: of these the roundest is the likeliest, and never further from the truth
    than the estimate may be itself. It stays until something contradicts it: takes that were made
    for it would be worth nothing.
    """
    if known.bpm and not contradicts(measured, known):
        return known
    for digits in (0, 1, 2):
        if abs(round(measured.bpm, digits) - measured.bpm) <= 3 * measured.error:
            break
    return Estimate(round(measured.bpm, digits), measured.error)


# --- Ableton Link ---------------------------------------------------------------------------------

GROUP = "224.76.78.75"  # where Link's peers tell of themselves, four times a second
PORT = 20808
ALIVE = (
    b"_asdp_v\x01\x01"  # how such a datagram begins; one that leaves says 3 instead of the last 1
)
# seconds that others must have been heard before we join, so that their session is the older one
HEARD = 1.0
QUANTUM = 4.0  # beats that peers count together: where a bar begins
ALONE = 3.0  # seconds without a peer after which we leave
REJOIN = 5.0  # seconds between two looks for network interfaces


class Link:
    """The tempo of an Ableton Link session that others have begun.

    Two peers that meet take the older one's tempo. A daemon is always the older one, so it must
    never wait in a session of its own: Live, started at 140, would be set to our 120. It listens to
    Link's group first, joins when it has heard somebody for a second, leaves when it is alone
    again, and never sets a tempo.
    """

    name = "link"

    def __init__(self) -> None:
        try:
            import aalink
        except ImportError as error:
            raise SettingsError(
                "link needs a library that is not here: pip install 'acestepd[link]'"
            ) from error
        self._make = aalink.Link
        self._loop: asyncio.AbstractEventLoop | None = None
        self._peer: Any = None
        self._ear: ClockPort | None = None
        self._joined = False
        self._company = 0.0  # when there was a peer last
        self._bpm = 0.0
        self._place: BeatPosition | None = None

    @property
    def bpm(self) -> float:
        return self._bpm

    @property
    def place(self) -> BeatPosition | None:
        return self._place

    def start(self) -> None:
        self._ear = ClockPort()
        self._loop = asyncio.new_event_loop()
        self._peer = self._loop.run_until_complete(self._made())
        self._peer.quantum = QUANTUM

    async def _made(self) -> Any:
        # it wants a running loop, although nothing here waits for beats
        return self._make(DEFAULT_BPM)

    def look(self, now: float) -> None:
        if self._peer is None or self._ear is None:
            return
        self._ear.listen(now)
        if not self._joined and self._ear.heard_for(now) >= HEARD:
            self._enable(True, now)
        elif self._joined and self._peer.num_peers:
            self._company = now
            self._bpm = linked(self._peer.tempo)
            self._place = (
                BeatPosition(time.monotonic(), self._peer.beat, self._bpm) if self._bpm else None
            )
        elif self._joined:
            self._bpm = 0.0
            self._place = None
            if now - self._company > ALONE:
                self._enable(False, now)
                self._ear.forget()

    def _enable(self, on: bool, now: float) -> None:
        self._peer.enabled = self._joined = on
        self._company = now
        log.info(
            "joined an Ableton Link session" if on else "left Ableton Link: nobody else is there"
        )

    def close(self) -> None:
        self._bpm = 0.0
        self._place = None
        if self._peer is not None:
            self._peer.enabled = False
            self._peer = None
        if self._loop:
            self._loop.close()
        if self._ear:
            self._ear.close()


def linked(bpm: float) -> float:
    """The tempo that was set: Link carries whole microseconds a beat, and makes 140.00014 of
    140.
    """
    return round(bpm, 2) if PLAUSIBLE[0] <= bpm <= PLAUSIBLE[1] else 0.0


class ClockPort:
    """Hears whether there are Link peers on the network, and says nothing itself."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.setblocking(False)
        self._bound = False
        self._looked = self._first = self._last = -math.inf

    def listen(self, now: float) -> None:
        """Take in what has been said since the last time."""
        if now - self._looked > REJOIN:
            self._looked = now
            self._join()
        with suppress(BlockingIOError):
            while self._bound:
                if self._socket.recv(2048).startswith(ALIVE):
                    self._first = now if now - self._last > GONE else self._first
                    self._last = now

    def heard_for(self, now: float) -> float:
        """Seconds for which somebody has been heard, and still is."""
        return self._last - self._first if now - self._last < HEARD else 0.0

    def forget(self) -> None:
        self._first = self._last = -math.inf
        with suppress(OSError):
            while self._bound:
                self._socket.recv(2048)

    def _join(self) -> None:
        """On every interface: some come and go."""
        if not self._bound:
            try:
                self._socket.bind((GROUP, PORT))
                self._bound = True
            except OSError as error:
                log.warning("Ableton Link cannot be heard: %s", error)
        for index, _ in socket.if_nameindex():
            with suppress(OSError):  # joined already, or it knows no multicast
                membership = struct.pack("=4s4si", socket.inet_aton(GROUP), bytes(4), index)
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)

    def close(self) -> None:
        self._socket.close()
