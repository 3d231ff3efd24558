"""A MIDI file becomes a score, and what is to be known of it before it is played: its tempo, its
metre, its key.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..keys import parse_key
from ..limits import LIMITS
from ..real_files import open_real
from . import smf
from .midi_parts import (
    KeyPress,
    PlayedPart,
    assign_roles,
    choose_drum,
    fold_drum,
    list_parts,
    list_track_parts,
    place_tracks,
)
from .midi_selection import join_expressive, select_parts
from .midi_time import (
    BarLines,
    Floats,
    GuideMeter,
    Span,
    TickClock,
    choose_tempo,
    lay_out,
    round_beats,
    to_bpm,
)
from .score import MAX_NOTES, ROLES, Note, Score

MAX_BYTES = LIMITS.midi_bytes

_SHORTEST = 1 / 32  # of a beat: some programs write drums without a length
_PEDAL_BEATS = 8  # for which a pedal holds a note at most: a piano's has gone by then
_NEAR = 1 / 8  # of a beat: notes that late are not moved by a bar
_STICKS = frozenset((31, 33, 34, 37, 75, 76, 77))  # of which counts are: sticks, clicks and claves
_COMMON = GuideMeter(4, 4)
_MAJORS = "Cb Gb Db Ab Eb Bb F C G D A E B F# C#".split()  # from seven flats to seven sharps
_MINORS = "Ab Eb Bb F C G D A E B F# C# G# D# A#".split()


class BadMidi(ValueError):
    """The MIDI file cannot be used: the message names it, what is wrong and what is allowed."""


class MidiFacts(NamedTuple):
    """What a MIDI file says of a clip: `bpm`, `time_signature` and `key` as a request takes them, 0
    or "" where it says nothing; `loop`: the beats (quarter notes) after which it repeats, 0: after
    the bars that its notes fill. `remarks`: what was read of it, and what otherwise than it stands
    there, in sentences.
    """

    bpm: float
    time_signature: str = ""
    key: str = ""
    loop: float = 0.0
    remarks: tuple[str, ...] = ()


class Music(NamedTuple):
    """A MIDI file as it is played."""

    score: Score
    facts: MidiFacts


def read_midi(path: str | Path) -> Score:
    """The notes of a MIDI file, as `read_music` reads them. Raises `BadMidi`."""
    return read_music(path).score


def read_music(path: str | Path, meter: tuple[int, int] | None = None) -> Music:
    """The notes of a MIDI file at the tempo that holds for most of them (120 bpm if it has none),
    without empty bars in front; as long as pedals hold them. Channel 10 is the drums; every other
    part gets the role that it seems to play. `meter` is the request's, if it has one: bars are
    counted so where the file says nothing.

    Raises `BadMidi`.
    """
    music = _read_music(str(path), _read_bytes(Path(path)), meter)
    if isinstance(music, str):
        raise BadMidi(music)
    return music


def read_first_music(path: str | Path) -> Music:
    """As versions before read MIDI files: notes at the first tempo and as they were released, from
    the file's beginning, and parts by channel, name, program and register. Raises `BadMidi`.
    """
    file = _parse(Path(path), _read_bytes(Path(path)))
    parts = list_parts(file, reads_controllers=False)
    _check_notes(Path(path), sum(len(part.keys) for part in parts))
    clock = TickClock(file.division, _list_tempos(file))
    played = list(assign_roles(parts, 0.0))
    keys = [key for part, _, _ in played for key in part.keys]
    starts = clock.first_beats_at(np.array([key.start for key in keys], np.float64))
    ends = clock.first_beats_at(np.array([key.end for key in keys], np.float64))
    notes = _build_notes(played, starts, ends, reads_names=False)
    bpm = to_bpm(clock.first)
    return Music(Score(bpm, _sort_notes(notes)), MidiFacts(bpm))


def read_facts(path: str | Path, meter: tuple[int, int] | None = None) -> MidiFacts:
    """The facts of `read_music`, without its notes. A file that has not changed is read once.

    Raises `BadMidi`.
    """
    return _read_facts(str(path), _sign(path), meter)


def read_first_bpm(path: str | Path) -> float:
    """The tempo of `read_first_music`. Raises `BadMidi`."""
    return _read_first_bpm(str(path), _sign(path))


def _sign(path: str | Path) -> tuple[int, ...]:
    """What tells this content from those that the file had before."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise BadMidi(f"{path} cannot be read: {error.strerror}") from None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@lru_cache(2)  # a file is looked at, checked and counted for one request; its notes may be many
def _read_music(path: str, data: bytes, meter: tuple[int, int] | None) -> Music | str:
    """Or why there is none: that is not found out again either."""
    try:
        return _Reading(Path(path), data, meter).read()
    except BadMidi as error:
        return str(error)


@lru_cache(256)
def _read_facts(path: str, signature: tuple[int, ...], meter: tuple[int, int] | None) -> MidiFacts:
    return read_music(path, meter).facts


@lru_cache(256)
def _read_first_bpm(path: str, signature: tuple[int, ...]) -> float:
    file = _parse(Path(path), _read_bytes(Path(path)))
    return to_bpm(TickClock(file.division, _list_tempos(file)).first)


class _Reading:
    """One MIDI file while it is read. Raises `BadMidi`."""

    def __init__(self, path: Path, data: bytes, meter: tuple[int, int] | None) -> None:
        file = _parse(path, data)
        listed = [*list_track_parts(file)]
        _check_notes(path, sum(len(part.keys) for _, parts in listed for part in parts))
        joined = [part for track, parts in listed for part in join_expressive(parts, track)]
        parts, self._left_out = select_parts(joined)
        starts = [key.start for part in parts for key in part.keys]
        span = Span(min(starts), max(starts), max(part.end for part in parts))
        self._file = file
        self._clock = TickClock(file.division, _list_tempos(file))
        self._tempo = choose_tempo(self._clock, span)
        self._ticks = self._clock.count_ticks(self._tempo.written)
        self._signatures = _list_signatures(file)
        self._lines = self._find_bars(span, GuideMeter(*meter) if meter else None)
        self._layout = lay_out(self._lines, span, self._end, self._ticks)
        self._late = 0.0
        self._late = self._align()
        for part in parts:
            for index in part.hanging:
                part.keys[index] = self._release(part.keys[index])
        self._parts = list(assign_roles(parts, self._ticks))
        self._first, self._last = span.first, span.last

    @property
    def facts(self) -> MidiFacts:
        signature = self._layout.meter.signature if self._signatures else ""
        bpm = self._tempo.bpm if self._clock.changes else 0.0
        return MidiFacts(bpm, signature, self._key, self._loop, tuple(self._list_remarks()))

    def read(self) -> Music:
        return Music(Score(self._tempo.bpm, _sort_notes(self._list_notes())), self.facts)

    @property
    def _end(self) -> int | None:
        """The last tick at which a track ends; None where none says so."""
        ends = [begin + track.end for begin, track in place_tracks(self._file) if track.is_ended]
        return max(ends, default=None)

    def _release(self, key: KeyPress) -> KeyPress:
        """One that is never released, at the end of its bar."""
        number = self._lines.locate(key.start + self._ticks * 1e-3).number
        end = math.ceil(self._lines.find_line(number + 1))
        return key._replace(end=end, held=end)

    def _align(self) -> float:
        """The beats by which notes are late, so that the bars of the tempo that was taken are the
        clip's, where notes keep their seconds.
        """
        if not self._tempo.follows or self._tempo.since is None:
            return 0.0
        place = self._lines.locate(self._tempo.since)
        line = place.start
        if line < self._tempo.since - 1:
            line = self._lines.find_line(place.number + 1)
        bar = self._layout.meter.quarters * self._tempo.scale
        late = -self._beat_at(line) % bar
        return late - bar if late > bar - _NEAR else late

    def _find_bars(self, span: Span, asked: GuideMeter | None) -> BarLines:
        """By the file's metre, which is common time until it says one; by the one that is asked
        for where it has none, or where it ends with a bar of that, and with none of its own.
        """
        end = self._end
        default = _COMMON if self._signatures else asked or _COMMON
        lines = BarLines(self._signatures, default, self._ticks)
        if asked and self._signatures and end:
            own = lines.choose_meter(lines.locate(span.first).start)[0]
            if _fits(end / self._ticks, asked) and not _fits(end / self._ticks, own):
                lines = BarLines({}, asked, self._ticks)
        return lines

    @property
    def _counts_in(self) -> bool:
        """Whether sticks play alone in the first bar, and other notes follow."""
        number = self._lines.locate(self._layout.origin + self._ticks * 1e-3).number
        line = self._lines.find_line(number + 1) - self._ticks / 8
        first = [
            (key.pitch, role)
            for part, role, _ in self._parts
            for key in part.keys
            if key.start < line
        ]
        is_sticks = all(role == "drums" and pitch in _STICKS for pitch, role in first)
        count = sum(len(part.keys) for part, _, _ in self._parts)
        return is_sticks and 2 <= len(first) <= 8 and count > len(first)

    @property
    def _loop(self) -> float:
        """In beats of the clip."""
        layout = self._layout
        if not self._tempo.follows:
            return round(layout.loop / self._ticks * self._tempo.scale, 9)
        bar = layout.meter.quarters * self._tempo.scale
        beats = self._beat_at(layout.origin + layout.loop - layout.shift)
        filled = math.floor(self._beat_at(self._last) / bar) + 1
        return max(math.ceil(round(beats / bar - 0.25, 6)), filled) * bar

    @property
    def _key(self) -> str:
        """The one in which the notes begin. C major is what programs write who know of none."""
        return next(iter(self._keys), "")

    @property
    def _keys(self) -> list[str]:
        """The keys while notes begin, in their order."""
        keys = {
            begin + tick: key
            for begin, track in place_tracks(self._file)
            for tick, key in track.keys.items()
        }
        ticks = sorted(keys)
        before = [tick for tick in ticks if tick <= self._first]
        behind = [tick for tick in ticks if self._first < tick <= self._last]
        first = before[-1] if before else min(keys, default=None)
        if first is None or keys[first] == (0, 0):
            return []
        later = (keys[tick] for tick in behind if tick != first)
        return [_name_key(*key) for key in (keys[first], *later)]

    def _list_notes(self) -> Iterator[Note]:
        pedal = _PEDAL_BEATS * self._ticks
        starts = self._beats_at([key.start for part, _, _ in self._parts for key in part.keys])
        ends = [  # a drum stops sounding by itself, anything else when a pedal lets it go
            key.end if role == "drums" else min(key.held, key.end + pedal)
            for part, role, _ in self._parts
            for key in part.keys
        ]
        starts = np.where(starts < 0.0, 0.0, starts)
        return _build_notes(self._parts, starts, self._beats_at(ends), reads_names=True)

    def _beat_at(self, tick: float) -> float:
        """In beats from the clip's start, at its tempo."""
        return float(self._beats_at([tick])[0])

    def _beats_at(self, ticks: Sequence[float]) -> Floats:
        layout = self._layout
        at = np.array(ticks, np.float64)
        beats = (at - layout.origin) / self._ticks
        if self._tempo.follows:
            seconds = self._clock.seconds_at_each(at) - self._clock.seconds_at(layout.origin)
            beats = seconds * self._tempo.written / 60
        beats += layout.shift / self._ticks
        return round_beats(beats * self._tempo.scale + self._late)

    def _list_remarks(self) -> Iterator[str]:
        layout = self._layout
        roles = [role for role in ROLES if any(played.role == role for played in self._parts)]
        key = f", {self._key}" if self._key else ""
        bars = f"{layout.bars} bar{'s' if layout.bars > 1 else ''} of {layout.meter}"
        tempo = f"at {self._tempo.bpm:.10g} bpm" if self._clock.changes else "without a tempo"
        yield f"the MIDI guide: {bars} {tempo}{key}: {', '.join(roles)}"
        remarks = [*self._tempo.remarks, *layout.remarks, *self._left_out]
        if len(keys := [*dict.fromkeys(self._keys)]) > 1:
            remarks.append(f"its key changes ({', '.join(keys)}): it is {keys[0]}")
        if any(track.is_bent for track in self._file.tracks):
            remarks.append("its pitch wheel is not followed: notes keep their pitch")
        if self._signatures and not layout.meter.signature:
            remarks.append(f"its metre of {layout.meter} is none that a request can have")
        if self._file.format == 2:
            remarks.append("its tracks are patterns (format 2): they are played in a row")
        if self._clock.is_smpte:
            remarks.append(f"its times are in frames: bars are those of {self._tempo.bpm:g} bpm")
        for part, _, guess in self._parts:
            if guess:
                pitches = " ".join(map(str, sorted({key.pitch for key in part.keys})))
                remarks.append(f"its {part.title} {guess} (notes {pitches})")
        if any(played.part.is_held for played in self._parts):
            remarks.append(
                f"its pedal is never lifted: notes are held for {_PEDAL_BEATS} beats at most"
            )
        count = sum(len(played.part.hanging) for played in self._parts)
        if count and not self._file.problems:  # of a file that is cut off that is said
            which = "note is" if count == 1 else "notes are"
            remarks.append(f"{count} {which} never released: held to the end of the bar")
        if any(track.has_words for track in self._file.tracks):
            remarks.append("its words are not read: write them as the lyrics")
        if self._counts_in:
            remarks.append("its first bar is a count-in, and is played too")
        if self._file.problems:
            remarks.append(f"{'; '.join(self._file.problems)}: read as far as it goes")
        yield from (f"the MIDI guide: {remark}" for remark in remarks)


def _name_key(sharps: int, minor: int) -> str:
    names, mode = (_MINORS, "minor") if minor else (_MAJORS, "major")
    return parse_key(f"{names[sharps + 7]} {mode}")


def _fits(beats: float, meter: GuideMeter) -> bool:
    """Whether so many beats are whole bars, but for a few ticks."""
    bars = beats / meter.quarters
    return bars > 0.5 and abs(bars - round(bars)) * meter.quarters < 0.02


def _build_notes(
    parts: Iterable[PlayedPart], starts: Floats, ends: Floats, reads_names: bool
) -> Iterator[Note]:
    """Of the parts' keys in their order, with the beats at which they begin and end.
    `reads_names`: a track that is named after a drum plays that.
    """
    times = zip(starts.tolist(), np.maximum(ends - starts, _SHORTEST).tolist())
    for part, role, _ in parts:
        is_drums = role == "drums"
        drum = choose_drum(part) if is_drums and reads_names else 0
        sung = role == "lead" and part.is_sung
        for (_, _, key, velocity, _), (start, length) in zip(part.keys, times):
            pitch = (drum or fold_drum(key)) if is_drums else key
            yield Note(role, start, length, pitch, velocity / 127, None, sung)


def _sort_notes(notes: Iterable[Note]) -> tuple[Note, ...]:
    return tuple(sorted(notes, key=lambda note: (note.start, ROLES.index(note.role), note.pitch)))


def _check_notes(path: Path, count: int) -> None:
    if not count:
        raise BadMidi(f"{path} has no notes: a guide needs at least one")
    if count > MAX_NOTES:
        raise BadMidi(f"{path} has more than {MAX_NOTES} notes, which is the most")


def _parse(path: Path, data: bytes) -> smf.MidiFile:
    try:
        return smf.parse(data)
    except smf.NoMidi as error:
        raise BadMidi(f"{path} is {error}") from None
    except smf.Damaged as error:
        raise BadMidi(f"{path} is a damaged MIDI file: {error}") from None
    except smf.TooMuch as error:
        raise BadMidi(f"{path} has {error}") from None


def _read_bytes(path: Path) -> bytes:
    try:
        with open_real(os.path.abspath(path)) as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadMidi(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise BadMidi(f"{path} is larger than {MAX_BYTES // 10**6} MB, which is the most")
    return data


def _list_tempos(file: smf.MidiFile) -> dict[int, int]:
    """Microseconds per beat, by tick: a tempo in any track is everyone's."""
    tempos: dict[int, int] = {}
    for begin, track in place_tracks(file):
        tempos |= {begin + tick: tempo for tick, tempo in track.tempos.items()}
    return tempos


def _list_signatures(file: smf.MidiFile) -> dict[int, tuple[int, int]]:
    """Beats in a bar and their note, by tick: those of any track are everyone's."""
    signatures: dict[int, tuple[int, int]] = {}
    for begin, track in place_tracks(file):
        signatures |= {begin + tick: found for tick, found in track.signatures.items()}
    return signatures
