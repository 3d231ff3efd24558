"""When things are in a MIDI file: its tempo, its bars, and after how many of them it repeats."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MIN_BPM, MAX_BPM = 30.0, 300.0  # of a request
ABSURD_BPM = 1000.0  # above it a tempo is a mistake, and nothing can be heard at its speed
_DEFAULT = 500_000  # microseconds per beat where nothing is said: 120 bpm
_STEADY = 0.05  # how far tempos that a person played are from each other, at most
_HOLDS = 0.25  # of the music: a tempo that holds for less is none of it
_EARLY = 1 / 8  # of a beat: a note that much in front of a bar belongs to it
_RINGS = 0.25  # of a beat: what rings that much into a bar does not fill it
_TAIL = 8  # empty bars behind the last note that may be meant


class Span(NamedTuple):
    """Where music is, in ticks: the first note's start, the last one's, and the last end."""

    first: int
    last: int
    end: int


class GuideTempo(NamedTuple):
    """`bpm`: what the clip gets, `written`: what the file has. `follows`: whether notes keep their
    seconds at it, as the file's own tempo changes; otherwise they keep their beats. `remarks`: what
    was decided. `since`: the tick at which it holds longest; None where it is a mean of others.
    """

    bpm: float
    written: float
    follows: bool
    remarks: tuple[str, ...]
    since: int | None

    @property
    def scale(self) -> float:
        """Beats at `bpm` in one of the file's."""
        return self.bpm / self.written if self.written <= ABSURD_BPM else 1.0


class TickClock:
    """Ticks to seconds and beats. `division`: ticks per beat; below 0 it is SMPTE's: frames per
    second and ticks per frame, whatever the tempo. `tempos`: microseconds per beat, by tick.
    """

    def __init__(self, division: int, tempos: Mapping[int, int]) -> None:
        self.changes = sorted(tempos.items())
        self.first = self.changes[0][1] if self.changes else _DEFAULT
        self._division = division
        self._ticks = [0]  # at which tempos change
        self._marks = [(0, 0.0, _DEFAULT)]  # tick, seconds, microseconds per beat from here
        for tick, tempo in self.changes:
            self._marks.append((tick, self.seconds_at(tick), tempo))
            self._ticks.append(tick)

    @property
    def is_smpte(self) -> bool:
        return self._division < 0

    def count_ticks(self, bpm: float) -> float:
        """Ticks in a beat."""
        if self.is_smpte:
            return self._smpte_rate * 60 / bpm
        return float(self._division)

    def seconds_at(self, tick: float) -> float:
        at, seconds, tempo = self._marks[bisect_right(self._ticks, tick) - 1]
        if self.is_smpte:
            return tick / self._smpte_rate
        return seconds + (tick - at) / self._division * tempo / 1e6

    def seconds_at_each(self, ticks: Floats) -> Floats:
        """The same of many."""
        if self.is_smpte:
            return ticks / self._smpte_rate
        at, seconds, tempo = self._columns
        place = np.searchsorted(at, ticks, side="right") - 1
        since = (ticks - at[place]) / self._division * tempo[place] / 1e6
        found: Floats = seconds[place] + since
        return found

    def first_beats_at(self, ticks: Floats) -> Floats:
        """In beats of the first tempo, at which everything keeps its seconds."""
        return round_beats(self.seconds_at_each(ticks) * 1e6 / self.first)

    @cached_property
    def _columns(self) -> Floats:
        """The marks, as a row each of ticks, seconds and microseconds per beat."""
        return np.array(self._marks, np.float64).T

    @property
    def _smpte_rate(self) -> float:
        """Ticks per second."""
        return float(-(self._division >> 8) * (self._division & 0xFF))


def round_beats(beats: Floats) -> Floats:
    """To nine digits, each as Python's `round` does, which goes by the decimals of the number that
    it is: numpy's multiplies it first, and so takes some halves for more, or for less.
    """
    scaled = beats * 1e9
    rounded = np.rint(scaled)
    result = rounded / 1e9
    is_near_half = abs(abs(scaled - rounded) - 0.5) < 0.01  # more than is lost below 2 ** 44
    for index in np.flatnonzero(is_near_half | (abs(scaled) > 2.0**44)):
        result[index] = round(float(beats[index]), 9)
    return result


def to_bpm(microseconds: int) -> float:
    return round(60e6 / microseconds, 3)  # 90 is written as 666667 microseconds


def choose_tempo(clock: TickClock, span: Span) -> GuideTempo:
    """The tempo that holds for most of the music."""
    spans: dict[int, int] = defaultdict(int)  # ticks, by tempo
    stretches: dict[int, tuple[int, int]] = {}  # the longest, and minus where it begins
    tick, current = span.first, 0
    marks = [(0, _DEFAULT), *clock.changes]
    for (begin, tempo), (end, _) in zip(marks, [*marks[1:], (span.end, 0)]):
        if (length := min(end, span.end) - max(begin, span.first)) > 0:
            spans[tempo] += length
            if tempo != current:
                tick, current = max(begin, span.first), tempo
            stretch = min(end, span.end) - tick, -tick
            stretches[tempo] = max(stretches.get(tempo, stretch), stretch)
    # what a program begins with is no tempo of the music
    shortest = _EARLY * clock.count_ticks(to_bpm(clock.first))
    held = {tempo: ticks for tempo, ticks in spans.items() if ticks >= shortest}
    if not held:  # all of it is one moment
        held = {next(tempo for tick, tempo in reversed(marks) if tick <= span.first): 1}
    total = sum(held.values())
    longest = max(held, key=lambda tempo: held[tempo])
    written = to_bpm(longest)
    slowest, fastest = to_bpm(max(held)), to_bpm(min(held))
    remarks = []
    spread = f"between {slowest:g} and {fastest:g} bpm"
    follows = False
    since = -stretches[longest][1] if longest in stretches else span.first
    is_mean = held[longest] < _HOLDS * total
    if is_mean:
        beats = total
        microseconds = sum(tempo * ticks for tempo, ticks in held.items())
        written = round(60e6 * beats / microseconds, 2)
    if len(held) > 1:
        follows = not clock.is_smpte and (
            fastest > written * (1 + _STEADY) or slowest < written * (1 - _STEADY)
        )
        keeps = "seconds, so that its bars move" if follows else "beats"
        remarks.append(f"its tempo changes, {spread}: notes keep their {keeps}, at {written:g} bpm")
    elif clock.changes and clock.first != longest:
        remarks.append(
            f"its first tempo is {to_bpm(clock.first):g} bpm, and all notes are at {written:g}"
        )
    bpm = _fold(written)
    if written > ABSURD_BPM:
        follows = False
        remarks.append(
            f"its tempo of {written:.10g} bpm cannot be meant: notes keep their beats, "
            f"at {bpm:.10g} bpm"
        )
    elif bpm != written:
        verb = "halved" if bpm < written else "doubled"
        remarks.append(
            f"its tempo of {written:.10g} bpm was {verb} to {bpm:.10g}: "
            f"tempos are {MIN_BPM:g} to {MAX_BPM:g}"
        )
    return GuideTempo(bpm, written, follows, tuple(remarks), None if is_mean else since)


def _fold(bpm: float) -> float:
    """Doubled or halved into what a request may have."""
    while bpm > MAX_BPM:
        bpm /= 2
    while bpm < MIN_BPM:
        bpm *= 2
    return round(bpm, 3)


class GuideMeter(NamedTuple):
    """Beats in a bar, and the note that is one."""

    beats: int
    unit: int

    @property
    def quarters(self) -> float:
        return self.beats * 4 / self.unit

    @property
    def signature(self) -> str:
        """As a request takes it: the same bar in quarters or eighths where its own note is none;
        "" where there is no such.
        """
        if self.unit in (2, 4, 8, 16) and self.beats in (2, 3, 4, 6):
            return str(self)
        for unit in (8, 4) if self.unit >= 8 else (4, 8):
            count, rest = divmod(self.beats * unit, self.unit)
            if not rest and 2 <= count <= 16:
                return f"{count}/{unit}"
        return ""

    def __str__(self) -> str:
        return f"{self.beats}/{self.unit}"


class _Bars(NamedTuple):
    """Bars of one metre, from a tick on; `number`: of the first of them."""

    tick: float
    meter: GuideMeter
    length: float  # ticks of a bar
    number: int


class BarPlace(NamedTuple):
    number: int
    start: float  # tick
    bars: _Bars


class BarLines:
    """Where the bars of a file are. A change of metre begins a bar, wherever it stands."""

    def __init__(
        self, signatures: Mapping[int, tuple[int, int]], default: GuideMeter, ticks_per_beat: float
    ) -> None:
        changes = {0: default} | {
            tick: GuideMeter(*signatures[tick]) for tick in sorted(signatures)
        }
        self._spans: list[_Bars] = []
        for tick, meter in changes.items():
            begin: float = tick
            number = 0
            if self._spans:
                last = self._spans[-1]
                early = _EARLY * ticks_per_beat
                # a few ticks behind a bar line it is that bar's
                late = tick - last.tick - min(early, last.length / 2)
                number = last.number + max(math.ceil(late / last.length - 1e-6), 1)
                if tick - last.tick < early:  # what a program begins with
                    self._spans.pop()
                    begin, number = last.tick, last.number
            self._spans.append(_Bars(begin, meter, meter.quarters * ticks_per_beat, number))
        self._ticks = [bars.tick for bars in self._spans]
        self._numbers = [bars.number for bars in self._spans]

    def locate(self, tick: float) -> BarPlace:
        """The bar that this tick is in."""
        bars = self._spans[max(bisect_right(self._ticks, tick) - 1, 0)]
        count = math.floor((tick - bars.tick) / bars.length + 1e-6)
        return BarPlace(bars.number + count, bars.tick + count * bars.length, bars)

    def find_line(self, number: int) -> float:
        """The tick at which a bar begins."""
        bars = self._spans[max(bisect_right(self._numbers, number) - 1, 0)]
        return bars.tick + (number - bars.number) * bars.length

    def list_meters(self, first: float, end: float) -> list[GuideMeter]:
        """The metres between two ticks, each once, in their order."""
        ends = [*self._ticks[1:], math.inf]
        spans = zip(self._spans, ends)
        found = [bars.meter for bars, stop in spans if bars.tick < end and stop > first]
        return list(dict.fromkeys(found))

    def choose_meter(self, first: float) -> tuple[GuideMeter, float]:
        """The first metre that holds for a bar of the music, whose first bar begins at the tick
        `first`; and how many ticks in front of it are an upbeat's shorter bar.
        """
        place = max(bisect_right(self._ticks, first) - 1, 0)
        upbeat = 0.0
        for bars, later in zip(self._spans[place:], self._spans[place + 1 :]):
            if later.tick - max(bars.tick, first) >= max(bars.length, later.length) - 1:
                return bars.meter, upbeat
            upbeat = later.tick - first
        return self._spans[-1].meter, upbeat


class Layout(NamedTuple):
    """What of a file is played: from the tick `origin` on, which is `shift` ticks behind the clip's
    start; repeated after `loop` ticks, which are `bars` bars of `meter`.
    """

    origin: float
    shift: float
    loop: float
    bars: int
    meter: GuideMeter
    remarks: tuple[str, ...]


def lay_out(lines: BarLines, span: Span, end: int | None, ticks_per_beat: float) -> Layout:
    """Which bars are played: without empty ones in front; up to the file's `end` of track, rounded
    to bars, or to the last note where it has none.
    """
    early = _EARLY * ticks_per_beat
    first = lines.locate(span.first + early)
    meter, upbeat = lines.choose_meter(first.start)
    remarks = []
    number = first.number
    sounding = max(span.end - _RINGS * ticks_per_beat, span.last)
    last = lines.locate(max(sounding - 1, span.last))
    filled = max(last.number, number) + 1
    stop = filled
    if end is not None and end > span.last:
        nearest = lines.locate(end)
        length = nearest.bars.length
        stop = nearest.number + round((end - nearest.start) / length)
        if stop - filled > max(_TAIL, filled - number):
            remarks.append(
                f"its end is {stop - filled} bars behind its last note: it repeats after its music"
            )
            stop = filled
        stop = max(stop, filled)
    total = stop
    if number == 1 and total in (4, 8, 16, 32):
        number = 0
        remarks.append(f"its first bar is empty, and stays: it has {total} bars")
    if number:
        empty = "empty bar" if number == 1 else "empty bars"
        remarks.append(
            f"{number} {empty} in front of it {'was' if number == 1 else 'were'} left out"
        )
    origin = lines.find_line(number)
    stop_tick = lines.find_line(stop)
    meters = lines.list_meters(origin, stop_tick)
    if (len(meters) > 1 and not upbeat) or len(meters) > 2:
        names = ", ".join(map(str, meters))
        remarks.append(f"its metre changes ({names}): bars are {meter}")
    shift = 0.0
    if upbeat:
        shift = meter.quarters * ticks_per_beat - upbeat
        remarks.append("its upbeat is at the end of a bar of its own")
    return Layout(origin, shift, stop_tick - origin + shift, stop - number, meter, tuple(remarks))
