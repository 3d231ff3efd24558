"""A MIDI file becomes a score: its tempo, its tracks, and the role that each of them plays."""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ..limits import LIMITS
from ..real_files import open_real
from . import smf
from .score import DRUMS, MAX_NOTES, ROLES, Note, Score

MAX_BYTES = LIMITS.midi_bytes
MAX_BPM = 1000.0

# General MIDI's percussion, by the drum of ours that stands for it
_PERCUSSION = {
    36: (35,),
    38: (40,),
    39: (28,),
    42: (44, 80),
    46: (34, 49, 51, 52, 53, 55, 57, 59, 71, 72, 81, 84),
    45: (41, 43, 47, 48, 50, 60, 61, 62, 63, 64, 65, 66, 78, 79, 86, 87),
    37: (27, 31, 32, 33, 56, 67, 68, 75, 76, 77, 85),
    70: (29, 30, 54, 58, 69, 73, 74, 82, 83),
}
# ours stand for themselves
_DRUM_OF = {pitch: pitch for pitch in DRUMS} | {
    pitch: drum for drum, pitches in _PERCUSSION.items() for pitch in pitches
}
_TRACK_NAMES = {
    "drums": re.compile(r"drum|perc|\bkit\b|\bbeat"),
    "bass": re.compile(r"\bbass"),
    "lead": re.compile(r"\blead|melody|vocal|\bvoice|\bvox\b"),
}
_VOCALS = re.compile(r"vocal|\bvoice|\bvox\b")  # tracks of the lead that may be sung,
_BACKING = re.compile(r"back|harmon")  # but for these
_BASS_PROGRAMS = range(32, 40)
_DRUM_CHANNEL = 9
_BASS_BELOW = 52  # a melody with a mean pitch below this is a bass
_SHORTEST = 1 / 32  # of a beat: some programs write drums without a length


class BadMidi(ValueError):
    """The MIDI file cannot be used: the message names it, what is wrong and what is allowed."""


def read_midi(path: str | Path) -> Score:
    """The notes of a MIDI file at its first tempo (120 bpm if it has none): later tempos move notes
    in beats, so that nothing drifts in seconds. Channel 10 is the drums; every other part gets the
    role that it seems to play.

    Raises `BadMidi`.
    """
    file = _parse_file(Path(path))
    clock = _TickClock(file.division, _list_tempos(file))
    parts = _list_parts(file)
    if not any(part.keys for part in parts):
        raise BadMidi(f"{path} has no notes: a guide needs at least one")
    if sum(len(part.keys) for part in parts) > MAX_NOTES:
        raise BadMidi(f"{path} has more than {MAX_NOTES} notes, which is the most")
    if clock.bpm > MAX_BPM:
        raise BadMidi(f"{path} has a tempo of {clock.bpm:g} bpm: at most {MAX_BPM:g}")
    notes = [
        note for part, role in _assign_roles(parts) for note in _convert_notes(part, role, clock)
    ]
    notes.sort(key=lambda note: (note.start, ROLES.index(note.role), note.pitch))
    return Score(clock.bpm, tuple(notes))


def read_bpm(path: str | Path) -> float:
    """The tempo of a MIDI file's score, without its notes. A file that has not changed is read
    once.

    Raises `BadMidi`.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        raise BadMidi(f"{path} cannot be read: {error.strerror}") from None
    changed = found.st_mtime_ns, found.st_ctime_ns
    return _read_bpm(str(path), (found.st_dev, found.st_ino, found.st_size, *changed))


@lru_cache(256)
def _read_bpm(path: str, signature: tuple[int, ...]) -> float:
    """`signature` tells this content from those that the file had before."""
    file = _parse_file(Path(path))
    return _TickClock(file.division, _list_tempos(file)).bpm


class _KeyPress(NamedTuple):
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
    keys: list[_KeyPress] = dataclasses.field(default_factory=list)

    @property
    def mean_pitch(self) -> float:
        return sum(key.pitch for key in self.keys) / len(self.keys)

    @property
    def is_polyphonic(self) -> bool:
        """Whether most keys start together with another, or well inside it."""
        keys = sorted(self.keys)
        pairs = itertools.pairwise(keys)
        together = sum(
            later.start < key.start + max(1, (key.end - key.start) / 2) for key, later in pairs
        )
        return together > len(keys) * 0.3


class _TickClock:
    """Ticks to beats at the first tempo. `division`: ticks per beat; below 0 it is SMPTE's.
    `tempos`: microseconds per beat, by tick.
    """

    def __init__(self, division: int, tempos: dict[int, int]) -> None:
        changes = sorted(tempos.items())
        self._first = changes[0][1] if changes else 500_000
        self.bpm = round(60e6 / self._first, 3)  # 90 is written as 666667 microseconds
        self._division = division
        self._ticks = [0]  # at which tempos change
        self._marks = [(0, 0.0, 500_000)]  # tick, seconds, microseconds per beat from here
        for tick, tempo in changes:
            self._marks.append((tick, self._seconds(tick), tempo))
            self._ticks.append(tick)

    def _seconds(self, tick: int) -> float:
        at, seconds, tempo = self._marks[bisect_right(self._ticks, tick) - 1]
        if self._division < 0:  # SMPTE: frames per second and ticks per frame, whatever the tempo
            return tick / (-(self._division >> 8) * (self._division & 0xFF))
        return seconds + (tick - at) / self._division * tempo / 1e6

    def beat_at(self, tick: int) -> float:
        return round(self._seconds(tick) * 1e6 / self._first, 9)


def _parse_file(path: Path) -> smf.MidiFile:
    data = _read_bytes(path)
    try:
        return smf.parse(data)
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
    if not data.startswith(b"MThd"):
        raise BadMidi(f"{path} is not a MIDI file: those begin with MThd")
    return data


def _place_tracks(file: smf.MidiFile) -> Iterator[tuple[int, smf.Track]]:
    """Every track, and the tick at which it begins. A format 2 file's tracks are patterns: one
    after the other.
    """
    begin = 0
    for track in file.tracks:
        yield begin, track
        begin += track.end if file.format == 2 else 0


def _list_tempos(file: smf.MidiFile) -> dict[int, int]:
    """Microseconds per beat, by tick: a tempo in any track is everyone's."""
    tempos: dict[int, int] = {}
    for begin, track in _place_tracks(file):
        tempos |= {begin + tick: tempo for tick, tempo in track.tempos.items()}
    return tempos


def _list_parts(file: smf.MidiFile) -> list[_Part]:
    """Every track's channels."""
    return [part for begin, track in _place_tracks(file) for part in _read_channels(track, begin)]


def _read_channels(track: smf.Track, begin: int) -> list[_Part]:
    """One track's parts, from the tick `begin` on. Keys that are never released end with the
    track.
    """
    parts: dict[int, _Part] = {}
    held: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
    for tick, kind, channel, written, written_velocity in track.events:
        now = begin + tick
        value = min(written, 127)  # as most programs read such files
        velocity = min(written_velocity, 127)
        if kind == smf.PROGRAM:
            part = parts.setdefault(channel, _Part(channel, track.name))
            if not part.keys:
                part.program = value
        elif kind == smf.NOTE_ON and velocity:
            if channel not in parts:
                parts[channel] = _Part(channel, track.name)
            held[channel, value].append((now, velocity))
        elif keys := held[channel, value]:
            start, pressed = keys.popleft()
            parts[channel].keys.append(_KeyPress(start, now, value, pressed))
    for (channel, pitch), keys in held.items():
        for start, velocity in keys:
            parts[channel].keys.append(_KeyPress(start, begin + track.end, pitch, velocity))
    played = [part for part in parts.values() if part.keys]
    if len(played) > 1:  # the name is the song's
        played = [dataclasses.replace(part, name="") for part in played]
    return played


def _assign_roles(parts: Iterable[_Part]) -> Iterator[tuple[_Part, str]]:
    """Who plays what: by channel, name or program if they say it; else by register and polyphony.
    Of the remaining single lines the highest leads, the others are harmony.
    """
    undecided = []
    for part in parts:
        if role := _find_role(part):
            yield part, role
        else:
            undecided.append(part)
    undecided.sort(key=lambda part: part.mean_pitch)
    for part in undecided:
        yield part, "lead" if part is undecided[-1] else "chords"


def _find_role(part: _Part) -> str:
    """The role of one part, seen by itself; "" for a single line that is no bass."""
    if part.channel == _DRUM_CHANNEL:
        return "drums"
    for role, pattern in _TRACK_NAMES.items():
        if pattern.search(part.name.lower()):
            return role
    if part.program in _BASS_PROGRAMS:
        return "bass"
    if part.is_polyphonic:
        return "chords"
    return "bass" if part.mean_pitch < _BASS_BELOW else ""


def _convert_notes(part: _Part, role: str, clock: _TickClock) -> Iterator[Note]:
    name = part.name.lower()
    sung = role == "lead" and bool(_VOCALS.search(name)) and not _BACKING.search(name)
    for key in part.keys:
        pitch = _fold_drum(key.pitch) if role == "drums" else key.pitch
        start = clock.beat_at(key.start)
        length = max(clock.beat_at(key.end) - start, _SHORTEST)
        yield Note(role, start, length, pitch, key.velocity / 127, sung=sung)


def _fold_drum(pitch: int) -> int:
    """The drum of ours that stands for a percussion key: outside of General MIDI's range a kick
    below it, a shaker above.
    """
    return _DRUM_OF.get(pitch, 36 if pitch < 36 else 70)
