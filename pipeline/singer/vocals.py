"""The vocals of a composition: every line of the lyrics on notes, and when each word is heard."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..guide.composer.arrangement import Arrangement, ChordSpan
from ..guide.composer.form import Section, SungBars
from ..guide.composer.groove import read_level
from ..guide.composer.melody import (
    PICK_UP,
    Phrase,
    Register,
    Spot,
    span_of,
    sung_range,
    weigh,
    write_melody,
)
from ..guide.composer.sketch import pick
from ..steps import Steps, complete
from .lyrics import Line, LinesOfSection, Lyrics, LyricWord
from .prosody import (
    SPOKEN,
    SUNG,
    Pace,
    Slots,
    choose_pace,
    choose_unit,
    list_beats,
    make_slots,
    place_syllables,
)
from .syllables import Syllable
from .vocal_line import SungNote, SungSyllable
from .vocal_part import SungLine, VocalPart, assemble_part

# An octave at most, and nothing above E4, where words are still understood.
REGISTERS = {"man": Register(45, 50, 57), "woman": Register(53, 59, 64)}
BACKING_HIGHEST = 64
THIRDS = (4, 3, 5)  # semitones from a tune to its second voice, the best first
BREATH_BEATS = 0.5  # between lines, at least
LEAST_BREATH = 0.15  # seconds, where half a beat is less
LEAD_IN = 0.15  # seconds before the first vowel of all, for its consonants
FEW = 3  # syllables: no more have a melisma where time is left
MELISMA_FROM = 2.4  # seconds that are left for a last syllable
MELISMA_NOTE = 0.45  # seconds of each note, about
MELISMA_NOTES = 5  # besides the one that is held
PASSES = 4  # in which lines that come back find the room that all of them have


class _Sung(NamedTuple):
    """A syllable of a line with the notes that it gets: melodies give them pitches."""

    word: int  # index of the line's words
    syllable: Syllable
    spots: tuple[Spot, ...]
    times: tuple[tuple[float, float], ...]  # of every note: seconds at which it begins, and lasts


class _PlacedLine(NamedTuple):
    """A line in its bars."""

    line: Line
    section: str
    bars: SungBars
    words: tuple[LyricWord, ...]  # those for which there is time
    sung: tuple[_Sung, ...]
    spoken: bool


class _Return(NamedTuple):
    """A line that may come back: the kind of its section and its place in there, how it is sung,
    its bars and its words.
    """

    kind: str
    spoken: bool
    line: int
    bars: int
    words: tuple[str, ...]


class _Room(NamedTuple):
    """The time of a line's syllables, in seconds from where its bars begin."""

    begin: float
    end: float

    def narrow(self, other: _Room) -> _Room:
        return _Room(max(self.begin, other.begin), min(self.end, other.end))


def write_vocals(
    arrangement: Arrangement, lyrics: Lyrics, singer: str = "", seconds: float = math.inf
) -> VocalPart | None:
    """The lyrics on the composition's melody, within the clip's first `seconds`. None where no word
    is sung. `singer` is one of REGISTERS, or empty for the seed's choice.

    Raises ValueError where the composition was made from other lyrics.
    """
    return complete(write_vocals_in_steps(arrangement, lyrics, singer, seconds))


def write_vocals_in_steps(
    arrangement: Arrangement, lyrics: Lyrics, singer: str, seconds: float
) -> Steps[VocalPart | None]:
    """The same, with pauses."""
    if arrangement.sketch.lyrics != lyrics.sections:
        raise ValueError("vocals need the lyrics that the sketch was composed with")
    if not any(part.sung for part in lyrics.parts):
        return None
    singer = singer or pick(arrangement.sketch.make_rng("singer"), tuple(REGISTERS))
    sung: list[SungLine] = []
    for section, lines in (yield from _place_lines(arrangement, lyrics, seconds)):
        sung += _give_pitches(arrangement, section, lines, REGISTERS[singer])
        yield
    return assemble_part(singer, lyrics, sung)


# --- where the syllables are ----------------------------------------------------------------------


def _place_lines(
    arrangement: Arrangement, lyrics: Lyrics, seconds: float
) -> Steps[list[tuple[Section, list[_PlacedLine]]]]:
    """Every section's lines, each behind a breath after the one before it. A line that comes back
    with its section is sung in the same rhythm every time: in the room that it has every time.
    """
    shared: dict[_Return, _Room] = {}
    placed: dict[tuple[SungBars, _Room], _PlacedLine] = {}
    for _ in range(PASSES):
        before = dict(shared)
        sections = yield from _place_sections(arrangement, lyrics, seconds, shared, placed)
        if shared == before:
            break
    return sections


def _place_sections(
    arrangement: Arrangement,
    lyrics: Lyrics,
    seconds: float,
    shared: dict[_Return, _Room],
    placed: dict[tuple[SungBars, _Room], _PlacedLine],
) -> Steps[list[tuple[Section, list[_PlacedLine]]]]:
    """The lines in the room that they share with their returns, which is narrowed to what each of
    them leaves. `placed` are those that were placed before, by their room.
    """

    def place(room: _Room) -> _PlacedLine:
        if (bars, room) not in placed:
            placed[bars, room] = _place_line(arrangement, section, part, bars, room)
        return placed[bars, room]

    sketch = arrangement.sketch
    breath = max(BREATH_BEATS * 60 / sketch.bpm, LEAST_BREATH)
    bar = sketch.meter.quarters * 60 / sketch.bpm
    free = LEAD_IN
    sections = []
    for section in arrangement.sections:
        lines = []
        for index, bars in enumerate(section.lines):
            part = lyrics.parts[bars.section]
            following = _find_following(arrangement, section, index)
            pick_up = _count_pick_up(lyrics, following) if following else 0
            begin = bars.bar * bar
            end = min(bars.bars * bar, seconds - begin) - breath
            own = _find_room(arrangement, part, bars, free - begin, end, pick_up)
            key = _find_return(section, part, bars)
            room = own.narrow(shared.get(key, own))
            line = place(room)
            if len(line.words) < len(line.line.words):
                line = max(line, place(own), key=lambda each: len(each.words))
            if begin + bars.bars * bar <= seconds + 1e-6:
                shared[key] = room
            if line.sung:
                free = sum(line.sung[-1].times[-1]) + breath
            lines.append(line)
            yield
        sections.append((section, lines))
    return sections


def _find_return(section: Section, part: LinesOfSection, bars: SungBars) -> _Return:
    """What is the same of a line whenever its section comes back."""
    words = tuple(word.word.text for word in part.sung[bars.line].words)
    return _Return(section.kind, part.spoken, bars.line, bars.bars, words)


def _find_following(arrangement: Arrangement, section: Section, index: int) -> SungBars | None:
    """The line that begins where another ends."""
    bars = section.lines[index]
    following = section.lines[index + 1 : index + 2]
    if not following and section.end < arrangement.sketch.bars:
        following = arrangement.section_at(section.end).lines[:1]
    return next((line for line in following if line.bar == bars.bar + bars.bars), None)


def _count_pick_up(lyrics: Lyrics, bars: SungBars) -> int:
    """The syllables before a line's first stress."""
    line = lyrics.parts[bars.section].sung[bars.line]
    beats = list_beats([word.word for word in line.words])
    return next((index for index, beat in enumerate(beats) if beat.stress >= 1), 0)


def _find_room(
    arrangement: Arrangement,
    part: LinesOfSection,
    bars: SungBars,
    begin: float,
    end: float,
    pick_up: int,
) -> _Room:
    """What is left of a line's bars, from `begin` to `end` at most, in seconds from where they
    begin: time for the `pick_up` syllables of the next line stays where it can be spared.
    """
    pace = SPOKEN if part.spoken else SUNG
    spare = end - max(0.0, begin) - part.sung[bars.line].syllables * pace.quick
    end -= min(pick_up * pace.quick, PICK_UP * 15 / arrangement.sketch.bpm, max(spare, 0.0))
    return _Room(round(begin, 6), round(end, 6))


def _place_line(
    arrangement: Arrangement,
    section: Section,
    part: LinesOfSection,
    bars: SungBars,
    room: _Room,
) -> _PlacedLine:
    """A line in its room; without the words at its end for which there is no time."""
    line = part.sung[bars.line]
    sketch = arrangement.sketch
    begin, end = sung_range(arrangement, bars)
    pace = SPOKEN if part.spoken else SUNG
    anchor = bars.bar * sketch.meter.quarters * 60 / sketch.bpm
    steps = min(end - bars.bar * sketch.meter.steps, room.end * sketch.bpm / 15)
    for words in _shorten(line.words):
        beats = list_beats([word.word for word in words])
        gap = choose_pace(pace, room.end, len(beats))
        usual = choose_unit(15 / sketch.bpm, steps, len(beats), pace.shortest)
        for unit in (usual, usual / 2) if words == line.words else (usual,):
            slots = make_slots(arrangement, begin, end, unit)
            # rounded, so that the same place of another bar is the same number
            seconds = np.round(slots.seconds - anchor, 6)
            usable = seconds >= room.begin
            slots = Slots(*(column[usable] for column in slots))
            inside = slots._replace(seconds=seconds[usable])
            row = place_syllables(beats, inside, 0.0, room.end, gap, pace.shortest)
            if row is not None:
                sung = _hold(arrangement, words, slots, row, anchor + room.end, pace)
                return _PlacedLine(line, section.label, bars, words, tuple(sung), part.spoken)
    return _PlacedLine(line, section.label, bars, (), (), part.spoken)


def _shorten(words: tuple[LyricWord, ...]) -> Iterator[tuple[LyricWord, ...]]:
    """A line's words, then fewer and fewer of them."""
    count = len(words)
    while count:
        yield words[:count]
        count -= max(1, count // 8)


def _hold(
    arrangement: Arrangement,
    words: Sequence[LyricWord],
    slots: Slots,
    row: Sequence[int],
    until: float,
    pace: Pace,
) -> Iterator[_Sung]:
    """How long the syllables of a line last: until the next one, or as long as a breath allows; a
    last one that has much time gets several notes.
    """
    syllables = [
        (index, syllable) for index, word in enumerate(words) for syllable in word.word.syllables
    ]
    pauses = [beat.pauses for beat in list_beats([word.word for word in words])]
    step = 15 / arrangement.sketch.bpm
    for number, ((word, syllable), place) in enumerate(zip(syllables, row)):
        starts = [float(slots.seconds[place])]
        spots = [place]
        is_last = number + 1 == len(row)
        end = until if is_last else float(slots.seconds[row[number + 1]])
        has_time = is_last and until - starts[0] >= MELISMA_FROM
        if has_time and pace is SUNG and len(row) <= FEW:
            spots = _spread_melisma(slots, place, until)
            starts = [float(slots.seconds[spot]) for spot in spots]
        end = min(end, starts[-1] + pace.held)
        if pauses[number] and not is_last:
            end -= min(0.1, 0.3 * (end - starts[-1]))
        ends = [*starts[1:], end]
        yield _Sung(
            word,
            syllable,
            tuple(
                Spot(
                    float(slots.steps[spot]),
                    (stop - start) / step,
                    1.0 if is_last else _weigh(arrangement, float(slots.steps[spot]), syllable),
                )
                for spot, start, stop in zip(spots, starts, ends)
            ),
            tuple(
                (round(start, 6), round(round(stop, 6) - round(start, 6), 6))
                for start, stop in zip(starts, ends)
            ),
        )


def _spread_melisma(slots: Slots, place: int, until: float) -> list[int]:
    """The slots of a syllable's notes: the last of them is held."""
    spots = [place]
    for slot in range(place + 1, len(slots.steps)):
        if len(spots) > MELISMA_NOTES or until - slots.seconds[slot] < SUNG.held / 2:
            break
        if slots.seconds[slot] - slots.seconds[spots[-1]] >= MELISMA_NOTE - 1e-6:
            spots.append(slot)
    return spots


def _weigh(arrangement: Arrangement, step: float, syllable: Syllable) -> float:
    """How much a note wants to be of the chord: a stressed one on a beat most."""
    return weigh(arrangement.sketch.meter, step) * (0.5 + 0.5 * min(syllable.stress, 1.0))


# --- which pitches they get -----------------------------------------------------------------------


def _give_pitches(
    arrangement: Arrangement,
    section: Section,
    lines: Sequence[_PlacedLine],
    register: Register,
) -> Iterator[SungLine]:
    """A section's lines as its tune has them."""
    steps = arrangement.sketch.meter.steps
    phrases = [
        Phrase(
            line.bars.bar * steps,
            (line.bars.bar + line.bars.bars) * steps,
            tuple(spot for sung in line.sung for spot in sung.spots),
        )
        for line in lines
    ]
    tunes = write_melody(arrangement, section, phrases, register)
    for line, tune in zip(lines, tunes):
        pitches = iter(_speak(line, register) if line.spoken else map(float, tune))
        side = 1 if max(tune, default=0) + THIRDS[0] <= BACKING_HIGHEST else -1
        syllables = []
        for sung in line.sung:
            is_backing = line.words[sung.word].backing and not line.spoken
            notes = []
            for spot, (start, length) in zip(sung.spots, sung.times):
                pitch = next(pitches)
                if is_backing:
                    pitch = _find_third(span_of(arrangement, spot), pitch, side)
                notes.append(SungNote(start, length, pitch))
            velocity = _find_velocity(arrangement, line, sung)
            voiced = SungSyllable(sung.syllable, tuple(notes), velocity, line.spoken)
            syllables.append((sung.word, voiced))
        yield SungLine(
            line.line, line.section, line.bars.bar, line.bars.bars, line.words, tuple(syllables)
        )


def _speak(line: _PlacedLine, register: Register) -> Iterator[float]:
    """The pitches about which a rapped line falls: lower towards its end, higher on stresses."""
    count = len(line.sung)
    for index, sung in enumerate(line.sung):
        for _ in sung.spots:
            yield register.centre - 2 - 3 * index / count + 2 * sung.syllable.stress


def _find_third(span: ChordSpan, pitch: float, side: int) -> float:
    """The second voice's note: a third away in the scale, above where `side` is 1, below where it
    is -1.
    """
    thirds = (pitch + side * third for third in THIRDS)
    return next((third for third in thirds if third % 12 in span.scale), pitch)


def _find_velocity(arrangement: Arrangement, line: _PlacedLine, sung: _Sung) -> float:
    """Louder on stresses and in full sections."""
    level = read_level(arrangement, line.bars.bar)
    return round(min(0.5 + 0.2 * sung.syllable.stress + 0.25 * level, 1.0), 3)
