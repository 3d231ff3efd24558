"""Music as notes: what the guide is drawn from. Made by `compose`, or read from a MIDI file.
Imports no MLX.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import math
import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import mido

ROLES = ("drums", "bass", "chords", "lead")
DRUMS = {
    36: "kick",
    38: "snare",
    39: "clap",
    42: "closed hat",
    46: "open hat",
    45: "tom",
    37: "rim",
    70: "shaker",
}
MAX_NOTES = 100_000
MAX_BYTES = 8_000_000
MAX_BPM = 1000.0

# General MIDI's percussion by the drum of ours that stands for it; ours stand for themselves
_FOLDED = {
    36: (35,),
    38: (40,),
    39: (28,),
    42: (44, 80),
    46: (34, 49, 51, 52, 53, 55, 57, 59, 71, 72, 81, 84),
    45: (41, 43, 47, 48, 50, 60, 61, 62, 63, 64, 65, 66, 78, 79, 86, 87),
    37: (27, 31, 32, 33, 56, 67, 68, 75, 76, 77, 85),
    70: (29, 30, 54, 58, 69, 73, 74, 82, 83),
}
_DRUM_OF = {pitch: pitch for pitch in DRUMS} | {
    other: ours for ours, others in _FOLDED.items() for other in others
}
_NAMED = {
    "drums": r"drum|perc|\bkit\b|\bbeat",
    "bass": r"\bbass",
    "lead": r"\blead|melody|vocal|\bvoice",
}
_BASS_PROGRAMS = range(32, 40)
_DRUM_CHANNEL = 9
_LOW = 52  # a melody with a mean pitch below this is a bass
_SHORTEST = 1 / 32  # of a beat: some programs write drums without a length


class BadMidi(ValueError):
    """The MIDI file cannot be used: the message names it, what is wrong and what is allowed."""


@dataclass(frozen=True)
class Note:
    """`start` and `length` in beats (quarter notes) from the clip's start; a drum's `pitch` is one
    of `DRUMS`.
    """

    role: str
    start: float
    length: float
    pitch: int
    velocity: float  # 0..1


@dataclass(frozen=True)
class Score:
    bpm: float
    notes: tuple[Note, ...]

    @property
    def end(self) -> float:
        """The beat at which the last note ends."""
        return max((note.start + note.length for note in self.notes), default=0.0)

    def cut(self, beats: float) -> Score:
        """The first `beats`: nothing starts or sounds after them."""
        inside = (note for note in self.notes if note.start < beats - 1e-6)
        kept = (
            dataclasses.replace(note, length=min(note.length, beats - note.start))
            for note in inside
        )
        return Score(self.bpm, tuple(kept))

    def looped(self, beats_per_bar: float, beats: float) -> Score:
        """Exactly `beats`: repeated by whole bars when shorter, cut when longer. Raises `BadMidi`
        past `MAX_NOTES`.
        """
        last = max((note.start for note in self.notes), default=0.0)
        # what rings a little into the next bar does not fill it
        sounding = max(self.end - 0.25, last)
        bars = max(math.ceil(sounding / beats_per_bar), math.floor(last / beats_per_bar) + 1)
        times = math.ceil(beats / (bars * beats_per_bar))
        if times * len(self.notes) > MAX_NOTES:
            raise BadMidi(
                f"{len(self.notes)} notes, repeated {times} times, are more than {MAX_NOTES}"
            )
        shifts = [turn * bars * beats_per_bar for turn in range(times)]
        notes = tuple(
            dataclasses.replace(note, start=note.start + shift)
            for shift in shifts
            for note in self.notes
        )
        return Score(self.bpm, notes).cut(beats)


def from_midi(path: str | Path) -> Score:
    """The notes of a MIDI file at its first tempo (120 bpm if it has none): later tempos move notes
    in beats, so that nothing drifts in seconds. Channel 10 is the drums; every other part gets the
    role that it seems to play.

    Raises `BadMidi`.
    """
    file = _read(Path(path))
    parts, clock = _parts(file)
    if not any(part.keys for part in parts):
        raise BadMidi(f"{path} has no notes: a guide needs at least one")
    if sum(len(part.keys) for part in parts) > MAX_NOTES:
        raise BadMidi(f"{path} has more than {MAX_NOTES} notes, which is the most")
    if clock.bpm > MAX_BPM:
        raise BadMidi(f"{path} has a tempo of {clock.bpm:g} bpm: at most {MAX_BPM:g}")
    notes = [note for part, role in _cast(parts) for note in _notes(part, role, clock)]
    notes.sort(key=lambda note: (note.start, ROLES.index(note.role), note.pitch))
    return Score(clock.bpm, tuple(notes))


class _Key(NamedTuple):
    """A key that was pressed, in ticks."""

    start: int
    end: int
    pitch: int
    velocity: int


@dataclass
class _Part:
    """What one channel of one track plays."""

    channel: int
    name: str
    program: int = -1
    keys: list[_Key] = dataclasses.field(default_factory=list)

    @property
    def height(self) -> float:
        return sum(key.pitch for key in self.keys) / len(self.keys)

    @property
    def polyphonic(self) -> bool:
        """Whether most keys start together with another, or well inside it."""
        keys = sorted(self.keys)
        pairs = itertools.pairwise(keys)
        together = sum(
            later.start < key.start + max(1, (key.end - key.start) / 2) for key, later in pairs
        )
        return together > len(keys) * 0.3


class _Clock:
    """Ticks to beats at the first tempo."""

    def __init__(self, division: int, tempos: dict[int, int]) -> None:
        changes = sorted(tempos.items())
        self._first = changes[0][1] if changes else 500_000
        self.bpm = round(60e6 / self._first, 3)  # 90 is written as 666667 microseconds
        self._division = division
        self._marks = [(0, 0.0, 500_000)]  # tick, seconds, microseconds per beat from here
        for tick, tempo in changes:
            self._marks.append((tick, self._seconds(tick), tempo))

    def _seconds(self, tick: int) -> float:
        at, seconds, tempo = next(mark for mark in reversed(self._marks) if mark[0] <= tick)
        if self._division < 0:  # SMPTE: frames per second and ticks per frame, whatever the tempo
            return tick / (-(self._division >> 8) * (self._division & 0xFF))
        return seconds + (tick - at) / self._division * tempo / 1e6

    def beats(self, tick: int) -> float:
        return round(self._seconds(tick) * 1e6 / self._first, 9)


def _read(path: Path) -> mido.MidiFile:
    data = _bytes(path)
    try:
        file = mido.MidiFile(file=io.BytesIO(data), clip=True)
    except (
        OSError,
        EOFError,
        ValueError,
        LookupError,
        TypeError,
        struct.error,
        mido.KeySignatureError,
    ) as error:
        raise BadMidi(f"{path} is a damaged MIDI file: {error or 'it ends too early'}") from None
    if (
        file.type > 2
        or file.ticks_per_beat == 0
        or (file.ticks_per_beat < 0 and not file.ticks_per_beat & 0xFF)
    ):
        raise BadMidi(
            f"{path} is a damaged MIDI file: formats are 0, 1 and 2, and a beat has ticks"
        )
    if any(message.time >= 2**28 for track in file.tracks for message in track):
        raise BadMidi(f"{path} is a damaged MIDI file: it has a pause longer than MIDI can write")
    return file


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadMidi(f"{path} is larger than {MAX_BYTES // 10**6} MB, which is the most")
        data = path.read_bytes()
    except OSError as error:
        raise BadMidi(f"{path} cannot be read: {error.strerror}") from None
    if not data.startswith(b"MThd"):
        raise BadMidi(f"{path} is not a MIDI file: those begin with MThd")
    if re.search(rb"[\x80-\xff]{4096}", data):  # mido would read it as one number, for hours
        raise BadMidi(f"{path} is a damaged MIDI file: it has a number of thousands of digits")
    return data


def _parts(file: mido.MidiFile) -> tuple[list[_Part], _Clock]:
    """Every track's channels, and the time they share. A format 2 file's tracks are patterns: one
    after the other.
    """
    parts: list[_Part] = []
    tempos: dict[int, int] = {}
    begin = 0
    for track in file.tracks:
        end = begin + sum(message.time for message in track)
        parts += _channels(_timed(track, begin), end, tempos)
        begin = end if file.type == 2 else 0
    return parts, _Clock(file.ticks_per_beat, tempos)


def _timed(track: Iterable[mido.Message], begin: int) -> Iterator[tuple[int, mido.Message]]:
    for message in track:
        begin += message.time
        yield begin, message


def _channels(
    messages: Iterable[tuple[int, mido.Message]], end: int, tempos: dict[int, int]
) -> list[_Part]:
    """One track's parts, and its tempos into `tempos`. Keys that are never released end with the
    track.
    """
    parts: dict[int, _Part] = {}
    held: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    name = ""
    for tick, message in messages:
        if message.type == "set_tempo" and message.tempo > 0:
            tempos[tick] = message.tempo
        elif message.type == "track_name":
            name = name or message.name
        elif message.type == "program_change":
            part = parts.setdefault(message.channel, _Part(message.channel, name))
            part.program = message.program if not part.keys else part.program
        elif message.type == "note_on" and message.velocity:
            parts.setdefault(message.channel, _Part(message.channel, name))
            held[message.channel, message.note].append((tick, message.velocity))
        elif message.type in ("note_on", "note_off") and held[message.channel, message.note]:
            start, velocity = held[message.channel, message.note].pop(0)
            parts[message.channel].keys.append(_Key(start, tick, message.note, velocity))
    hanging = ((channel, pitch, key) for (channel, pitch), keys in held.items() for key in keys)
    for channel, pitch, (start, velocity) in hanging:
        parts[channel].keys.append(_Key(start, end, pitch, velocity))
    played = [part for part in parts.values() if part.keys]
    if len(played) > 1:  # the name is the song's
        played = [dataclasses.replace(part, name="") for part in played]
    return played


def _cast(parts: Iterable[_Part]) -> Iterator[tuple[_Part, str]]:
    """Who plays what: by channel, name or program if they say it; else by register and polyphony.
    Of the remaining single lines the highest leads, the others are harmony.
    """
    lines = []
    for part in parts:
        role = _evident_role(part)
        if role:
            yield part, role
        else:
            lines.append(part)
    lines.sort(key=lambda part: part.height)
    yield from ((part, "lead" if part is lines[-1] else "chords") for part in lines)


def _evident_role(part: _Part) -> str:
    if part.channel == _DRUM_CHANNEL:
        return "drums"
    for role, pattern in _NAMED.items():
        if re.search(pattern, part.name.lower()):
            return role
    if part.program in _BASS_PROGRAMS:
        return "bass"
    if part.polyphonic:
        return "chords"
    return "bass" if part.height < _LOW else ""


def _notes(part: _Part, role: str, clock: _Clock) -> Iterator[Note]:
    for key in part.keys:
        pitch = (
            _DRUM_OF.get(key.pitch, 36 if key.pitch < 36 else 70) if role == "drums" else key.pitch
        )
        start = clock.beats(key.start)
        yield Note(
            role, start, max(clock.beats(key.end) - start, _SHORTEST), pitch, key.velocity / 127
        )
