"""Which tempo counts.

The first of these that has one: what was set explicitly, an Ableton Link session, a MIDI clock, the
default. Whoever follows a session or a clock gets the number that the DAW shows, as clip lengths
are computed from it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from pipeline.request import DEFAULT_BPM, coerce

from .link import Link
from .midi_clock import MidiClock
from .source import TempoSource

log = logging.getLogger("acestepd.tempo")

ANNOUNCED_CHANGE = 0.05  # bpm: a smaller change is not announced
POLL_SECONDS = 0.1  # between two looks at the sources, and so between two announcements

TempoListener = Callable[[float, str], None]


class Tempo:
    """Which tempo counts now. Raises `SettingsError` when a source needs a library that is not
    installed.
    """

    def __init__(
        self, link: bool = False, midi_clock: str = "", *, sources: Iterable[TempoSource] = ()
    ) -> None:
        self._sources: list[TempoSource] = [*sources]
        if link:
            self._sources.append(Link())
        if midi_clock:
            self._sources.append(MidiClock(midi_clock))
        self._explicit = 0.0
        self._listeners: list[TempoListener] = []
        self._announced = (DEFAULT_BPM, "default")
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tempo", daemon=True)

    @property
    def current(self) -> tuple[float, str]:
        """The tempo in bpm, and where it is from: explicit, link, midi or default."""
        if self._explicit:
            return self._explicit, "explicit"
        for source in self._sources:
            if bpm := source.bpm:
                return bpm, source.name
        return DEFAULT_BPM, "default"

    def find_next_beat(self, beats: float, ahead: float = 0.0) -> float:
        """The time.monotonic() that is `ahead` seconds before the next multiple of `beats` of the
        session; 0, long ago, where no source knows where the beat is.
        """
        for source in self._sources:
            if position := source.position:
                return position.find_next_beat(beats, time.monotonic() + ahead) - ahead
        return 0.0

    def set(self, bpm: float) -> None:
        """Set it explicitly; 0 follows the sources again. Raises `BadRequest`."""
        self._explicit = coerce("bpm", bpm)
        self._wake.set()

    def listen(self, listener: TempoListener) -> None:
        """Call `listener(bpm, source)` at every change of 0.05 bpm or more, at most ten times a
        second.
        """
        self._listeners.append(listener)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        for source in self._sources:
            _call_safely(source.start)
        while not self._closing.is_set():
            for source in self._sources:
                _call_safely(source.poll, time.monotonic())
            self._announce(*self.current)
            self._closing.wait(POLL_SECONDS)
            if not self._sources:
                self._wake.wait()
                self._wake.clear()
        for source in self._sources:
            _call_safely(source.close)

    def _announce(self, bpm: float, source: str) -> None:
        announced_bpm, announced_source = self._announced
        if source == announced_source and abs(bpm - announced_bpm) < ANNOUNCED_CHANGE:
            return
        self._announced = (bpm, source)
        for listener in self._listeners:
            _call_safely(listener, bpm, source)


def _call_safely(call: Callable[..., None], *values: float | str) -> None:
    """The troubles of one source or listener must not silence the others."""
    try:
        call(*values)
    except Exception:
        log.exception("tempo: %s", getattr(call, "__qualname__", call))
