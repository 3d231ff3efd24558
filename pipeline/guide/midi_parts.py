"""Who plays what in a MIDI file: its tracks' channels as parts, their keys as long as they sound,
and the role that each of them seems to play.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from . import smf
from .score import DRUMS

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
_NO_ROLE = re.compile(
    r"steel.?(drum|pan)|hang.?drum|tongue.?drum|bassoon|bass(et)?.?(clarinet|horn)"
)
_DRUM_NAMES = {  # one drum of a kit, and the one of ours
    "kick|bass.?drum|bd|808.?kick": 36,
    "snare|sd|rim.?shot": 38,
    "claps?": 39,
    "open.?(hi.?)?hats?|hi.?hats?.?open|oh|oph|crash|ride|cymbals?": 46,
    "(closed.?)?(hi.?)?hats?|hh|ch|chh": 42,
    "toms?|congas?|bongos?": 45,
    "rim|claves?|cowbell|wood.?block": 37,
    "shakers?|tamb(ourine)?|maracas?|cabasa": 70,
}
_ONE_DRUM = [
    (re.compile(rf"(?<![a-z])({names})(?![a-z])"), drum) for names, drum in _DRUM_NAMES.items()
]
_OTHER_NAMES = {  # in other languages
    "drums": re.compile(
        "schlagzeug|batterie|bater[ií]a|batteria|trommel|slagwerk|trummor|perkus|ударн|барабан"
        "|ドラム|太鼓|鼓|드럼"
    ),
    "bass": re.compile(
        "kontrabass|contrabass|contrebasse|\\bbasse|\\bbajo|\\bбас|ベース|贝斯|베이스"
    ),
    "lead": re.compile("gesang|\\bchant\\b|\\bvoz\\b|\\bvoce\\b|вокал|ボーカル|メロディ|人声|보컬"),
}
_INSTRUMENTS = re.compile(  # that are no drums
    r"piano|klavier|guitar|gitarr|orgel|organ\b|keyboard|rhodes|wurli|string|violin|geige|cello"
    r"|flute|fl[öo]te|trumpet|brass|\bhorn|\bsax|\bharp|choir|\bsynth|\bpad\b|\bbass|\blead\b"
    r"|melod|vocal|\bchords?\b|ピアノ|ギター|鋼琴|钢琴|пиан|гитар"
)
_VOCALS = re.compile(r"vocal|\bvoice|\bvox\b")  # tracks of the lead that may be sung,
_OTHER_VOCALS = re.compile("gesang|\\bchant\\b|\\bvoz\\b|\\bvoce\\b|вокал|ボーカル|人声|보컬")
_BACKING = re.compile(r"back|harmon")  # but for these
_BASS_PROGRAMS = range(32, 40)
DRUM_CHANNEL = 9
_DRUM_BANKS = (120, 126, 127)  # of GM2 and XG, on any channel
_BASS_BELOW = 52  # a melody with a mean pitch below this is a bass
_KICKS = frozenset((35, 36))
_SNARES = frozenset((37, 38, 39, 40))
_HATS = frozenset((42, 44, 46))
_CYMBALS = _HATS | {49, 51, 52, 53, 55, 57, 59}
_CORE = _KICKS | _SNARES | _CYMBALS
_KIT = range(35, 82)  # General MIDI's
_LARGE_KIT = range(27, 88)  # of GM2 and XG
_SHORT = 0.5  # beats: how long programs write drums at most
_SHORTER = 0.3  # those of a part without two at a time, which may as well be a bass


class KeyPress(NamedTuple):
    """A key that was pressed, in ticks. `held`: when a pedal that was down let it go."""

    start: int
    end: int
    pitch: int
    velocity: int
    held: int


@dataclass
class MidiPart:
    """What one channel of one track plays."""

    channel: int
    name: str
    program: int = -1
    keys: list[KeyPress] = dataclasses.field(default_factory=list)
    is_held: bool = False  # its pedal goes down and never up
    bank: int = 0
    loudest: int = -1  # the highest volume that it is told to have; -1: none is told
    hanging: list[int] = dataclasses.field(default_factory=list)  # which keys are never released

    @property
    def mean_pitch(self) -> float:
        return sum(key.pitch for key in self.keys) / len(self.keys)

    @property
    def end(self) -> int:
        """The tick at which the last key is released, or pressed that never is."""
        ends = [key.end for key in self.keys]
        for index in self.hanging:
            ends[index] = self.keys[index].start
        return max(ends)

    @property
    def is_polyphonic(self) -> bool:
        """Whether most keys start together with another, or well inside it."""
        keys = sorted(self.keys)
        within = [start + max(1, (end - start) / 2) for start, end, _, _, _ in keys]
        together = sum(later[0] < until for later, until in zip(keys[1:], within))
        return together > len(keys) * 0.3

    @property
    def is_sung(self) -> bool:
        """Whether it is named as vocals, and not as the backing ones."""
        name = self.name.lower()
        return bool(_VOCALS.search(name)) and not _BACKING.search(name)

    @property
    def title(self) -> str:
        """What to call it."""
        return f'track "{self.name}"' if self.name else f"channel {self.channel + 1}"


class PlayedPart(NamedTuple):
    """A part and its role; `guess`: what was decided by its pitches alone, and may be wrong."""

    part: MidiPart
    role: str
    guess: str = ""


def list_parts(file: smf.MidiFile, reads_controllers: bool = True) -> list[MidiPart]:
    """Every track's channels, with what pedals do or without."""
    listed = list_track_parts(file, reads_controllers)
    return [part for _, parts in listed for part in parts]


def list_track_parts(
    file: smf.MidiFile, reads_controllers: bool = True
) -> Iterator[tuple[smf.Track, list[MidiPart]]]:
    """Every track and its channels."""
    end = 0 if file.format == 2 else max((track.end for track in file.tracks), default=0)
    for begin, track in place_tracks(file):
        yield track, _read_channels(track, begin, end, reads_controllers)


def place_tracks(file: smf.MidiFile) -> Iterator[tuple[int, smf.Track]]:
    """Every track, and the tick at which it begins. A format 2 file's tracks are patterns: one
    after the other.
    """
    begin = 0
    for track in file.tracks:
        yield begin, track
        begin += track.end if file.format == 2 else 0


class _Channel:
    """The keys of one channel while its track is read. A key is released in the order in which it
    was pressed; while the pedal is down, it sounds on until it is pressed again.
    """

    def __init__(self, part: MidiPart) -> None:
        self.part = part
        self.pressed: dict[int, deque[tuple[int, int]]] = defaultdict(deque)
        self.is_down = False
        self.was_lifted = False
        self._ringing: dict[int, list[int]] = defaultdict(list)  # by pitch, which of its keys

    @property
    def is_ringing(self) -> bool:
        return bool(self._ringing)

    def press(self, now: int, pitch: int, velocity: int) -> None:
        if self._ringing:
            self._let_go(now, pitch)
        self.pressed[pitch].append((now, velocity))

    def release(self, now: int, pitch: int) -> None:
        if not (waiting := self.pressed.get(pitch)):
            return
        start, velocity = waiting.popleft()
        if not waiting:
            del self.pressed[pitch]
        if self.is_down:
            self._ringing[pitch].append(len(self.part.keys))
        self.part.keys.append(KeyPress(start, now, pitch, velocity, now))

    def release_all(self, now: int) -> None:
        for pitch in list(self.pressed):
            while pitch in self.pressed:
                self.release(now, pitch)

    def lift(self, now: int) -> None:
        """The pedal goes up."""
        self.was_lifted = self.was_lifted or self.is_down
        self.is_down = False
        for pitch in list(self._ringing):
            self._let_go(now, pitch)

    def push(self) -> None:
        """The pedal goes down."""
        self.is_down = True

    def _let_go(self, now: int, pitch: int) -> None:
        for index in self._ringing.pop(pitch, ()):
            self.part.keys[index] = self.part.keys[index]._replace(held=now)


def _read_channels(
    track: smf.Track, begin: int, end: int, reads_controllers: bool
) -> list[MidiPart]:
    """One track's parts, from the tick `begin` on. Keys that are never released end with the track;
    a pedal that is never lifted holds its notes up to there, or to the file's `end`.
    """
    channels: dict[int, _Channel] = {}
    for tick, kind, number, written, written_value in track.events:
        now = begin + tick
        value = written if written < 128 else 127  # as most programs read such files
        second = written_value if written_value < 128 else 127
        if kind == smf.CONTROL and not reads_controllers:
            continue
        if number not in channels:
            channels[number] = _Channel(MidiPart(number, track.name))
        channel = channels[number]
        if kind == smf.PROGRAM:
            if not channel.part.keys:
                channel.part.program = value
        elif kind == smf.CONTROL:
            _turn_controller(channel, now, value, second)
        elif kind == smf.NOTE_ON and second:
            channel.press(now, value, second)
        else:
            channel.release(now, value)
    for channel in channels.values():
        channel.part.is_held = channel.is_ringing and not channel.was_lifted
        channel.is_down = False
        released = len(channel.part.keys)
        channel.release_all(begin + track.end)
        channel.part.hanging.extend(range(released, len(channel.part.keys)))
        channel.lift(max(begin + track.end, end))
    played = [channel.part for channel in channels.values() if channel.part.keys]
    if len(played) > 1:  # the name is the song's
        played = [dataclasses.replace(part, name="") for part in played]
    return played


def _turn_controller(channel: _Channel, now: int, number: int, value: int) -> None:
    if number == smf.SUSTAIN and value >= 64:  # half a pedal is one or the other
        channel.push()
    elif number in (smf.SUSTAIN, smf.RESET):
        channel.lift(now)
    elif number == smf.BANK and not channel.part.keys:
        channel.part.bank = value
    elif number == smf.VOLUME:
        channel.part.loudest = max(channel.part.loudest, value)
    elif number == smf.SOUND_OFF:
        channel.release_all(now)
        channel.lift(now)
    elif number == smf.NOTES_OFF:
        channel.release_all(now)


def assign_roles(parts: Iterable[MidiPart], ticks_per_beat: float) -> Iterator[PlayedPart]:
    """Who plays what: by channel, name or program if they say it; by the drums that pitches stand
    for; else by register and polyphony. Of the remaining single lines the highest leads, the others
    are harmony. `ticks_per_beat` 0: as before pitches and other names were looked at.
    """
    undecided = []
    for part in parts:
        if ticks_per_beat and _is_misplaced(part):
            guess = "was not taken for drums, by its name and its pitches"
            role = _find_named_role(part, True) or ("chords" if part.is_polyphonic else "lead")
            yield PlayedPart(part, role, guess)
        elif role := _find_stated_role(part, bool(ticks_per_beat)):
            yield PlayedPart(part, role)
        elif ticks_per_beat and _plays_drums(part, ticks_per_beat):
            yield PlayedPart(part, "drums", "was taken for drums, by its pitches")
        elif part.is_polyphonic:
            yield PlayedPart(part, "chords")
        elif part.mean_pitch < _BASS_BELOW:
            few = {key.pitch for key in part.keys} <= _CORE and part.program <= 0
            yield PlayedPart(part, "bass", "was taken for a bass, not for drums" if few else "")
        else:
            undecided.append(part)
    undecided.sort(key=lambda part: part.mean_pitch)
    for part in undecided:
        yield PlayedPart(part, "lead" if part is undecided[-1] else "chords")


def _find_stated_role(part: MidiPart, reads_more: bool) -> str:
    """The role that channel, name or program of a part say; "" where they say none."""
    is_kit = part.bank in _DRUM_BANKS and all(key.pitch in _LARGE_KIT for key in part.keys)
    if part.channel == DRUM_CHANNEL or is_kit:
        return "drums"
    return _find_named_role(part, reads_more)


def _is_misplaced(part: MidiPart) -> bool:
    """Whether a part on the channel of drums is named after another instrument and plays no kick,
    snare, hat or cymbal: some programs write every track there.
    """
    if part.channel != DRUM_CHANNEL or any(key.pitch in _CORE for key in part.keys):
        return False
    if _find_named_role(part, True) == "drums":
        return False
    return bool(_INSTRUMENTS.search(part.name.lower()))


def _find_named_role(part: MidiPart, reads_more: bool) -> str:
    """The role that name or program of a part say; "" where they say none."""
    name = part.name.lower()
    tables = (_TRACK_NAMES, _OTHER_NAMES) if reads_more else (_TRACK_NAMES,)
    if not (reads_more and _NO_ROLE.search(name)):
        for role, pattern in itertools.chain.from_iterable(table.items() for table in tables):
            if pattern.search(name):
                return role
        if reads_more and _find_one_drum(part):
            return "drums"
    return "bass" if part.program in _BASS_PROGRAMS else ""


def _find_one_drum(part: MidiPart) -> int:
    """The drum that a track is named after, as those of a sampler are; 0 where it is none."""
    name = part.name.lower()
    return next((drum for pattern, drum in _ONE_DRUM if pattern.search(name)), 0)


def _plays_drums(part: MidiPart, ticks_per_beat: float) -> bool:
    """Whether a part without a word about it plays a kit: short notes on General MIDI's percussion
    keys, mostly kick, snare and hats, several at a time. Where none sound together, only what no
    bass would play: fast hats alone, or kick, snare and hats on notes that make no chord.
    """
    if part.program > 0:
        return False
    pitches = [key.pitch for key in part.keys]
    if not all(pitch in _KIT for pitch in pitches):
        return False
    played = set(pitches)
    lengths = sorted(key.end - key.start for key in part.keys)
    usual = lengths[len(lengths) // 2] / ticks_per_beat
    if usual > _SHORT:
        return False
    if played <= _HATS:
        span = max(key.start for key in part.keys) - min(key.start for key in part.keys)
        return usual <= _SHORTER and len(pitches) > max(7.0, 1.9 * span / ticks_per_beat)
    core = sum(pitch in _CORE for pitch in pitches) / len(pitches)
    kinds = sum(bool(played & kind) for kind in (_KICKS, _SNARES, _CYMBALS))
    if core < 0.6 or kinds < 2 or not played & (_KICKS | _SNARES):
        return False
    starts = [key.start for key in part.keys]
    if len(starts) - len(set(starts)) >= 0.08 * len(starts):
        return True
    is_no_chord = 36 in played and bool(played & {38, 40}) and bool(played & {42, 44})
    return is_no_chord and core > 0.95 and usual <= _SHORTER


def choose_drum(part: MidiPart) -> int:
    """The drum that a part of one pitch is named after, whatever the pitch; 0 of any other."""
    return _find_one_drum(part) if len({key.pitch for key in part.keys}) == 1 else 0


def fold_drum(pitch: int) -> int:
    """The drum of ours that stands for a percussion key: outside of General MIDI's range a kick
    below it, a shaker above.
    """
    return _DRUM_OF.get(pitch, 36 if pitch < 36 else 70)
