"""The chords of a composition: its rhythms, as full as each section wants them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..score import Note
from .arrangement import Arrangement, ChordSpan
from .fills import count_last_steps
from .form import Section
from .groove import place, read_level
from .meter import BarMeter
from .rhythms import RHYTHMS, find_texture, fit_rhythm
from .sketch import Sketch, pick
from .styles import STYLES
from .voicings import CLEAR, voice_chord

LOUDNESS = {"X": 0.86, "x": 0.74, "o": 0.52, "?": 0.5, "b": 0.74, "t": 0.62, "d": 0.75, "u": 0.6}
SINGLE = 0.68  # of a single note
STRUM = 0.013  # seconds from one string to the next
# levels from which on a rhythm is thinned, played, filled
CALM = 0.22
PLAIN = 0.38
LIVELY = 0.66
OFFSET = 3  # from one material's rhythm to the next one's
DREAMY = 0.4


class Stroke(NamedTuple):
    """What a rhythm plays at a step of a bar, and for how many steps."""

    step: int
    length: int
    symbol: str


def play_chords(arrangement: Arrangement) -> Iterator[Note]:
    """Every section's rhythm, on chords that lead into each other; every eight bars begin with an
    inversion of their own.
    """
    sketch = arrangement.sketch
    rng = sketch.make_rng("chords")
    kind = _choose_voicing(sketch, rng)
    contour = [int(shift) for shift in rng.permutation((-3, 0, 2, 4))]
    for section in arrangement.sections:
        if "chords" not in section.parts:
            continue
        rhythm = _choose_rhythm(arrangement, section)
        voicing: tuple[int, ...] = ()
        for bar in range(section.bar, section.end):
            place_in_section = bar - section.bar
            if place_in_section % 4 == 0:
                voicing = ()
            shift = contour[place_in_section // 8 % 4] + section.lift / 2
            strokes = _write_bar(arrangement, section, rhythm, bar)
            for span in arrangement.spans_by_bar[bar]:
                voicing = _voice_span(sketch, span, kind, shift, voicing)
                for stroke in _cut(strokes, span):
                    yield from _strike(arrangement, bar, stroke, voicing)


def _choose_rhythm(arrangement: Arrangement, section: Section) -> str:
    """A section's rhythm: the one that was dealt, or the next that suits the mood."""
    rhythms = RHYTHMS[arrangement.sketch.style]
    first = arrangement.hand["chords"] + OFFSET * section.backing
    turned = [rhythms[(first + index) % len(rhythms)] for index in range(len(rhythms))]
    suited = [rhythm for rhythm in turned if _suits(arrangement.sketch, rhythm)]
    return (suited or turned)[0]


def _suits(sketch: Sketch, rhythm: str) -> bool:
    mood = sketch.mood
    hits = sum(symbol not in ".-" for symbol in rhythm)
    if mood.dream > DREAMY and find_texture(rhythm) not in ("held", "broken"):
        return False
    if mood.density < -0.4:
        return hits <= 4
    return mood.density <= 0.4 or hits >= 5


def _write_bar(arrangement: Arrangement, section: Section, rhythm: str, bar: int) -> list[Stroke]:
    """A bar's strokes: as full as its level wants, and not twice the same."""
    sketch = arrangement.sketch
    index = bar - section.bar
    level = read_level(arrangement, bar) + 0.25 * sketch.mood.density
    symbols = fit_rhythm(rhythm, sketch.meter, index // 2 if sketch.mood.half_time else index)
    if sketch.mood.half_time:
        symbols = _halve(symbols, index % 2)
    strokes = list(_read_strokes(symbols))
    if section.ending and bar == section.end - 1:
        return [Stroke(0, count_last_steps(sketch), "x")]
    rng = sketch.make_rng("chords", section.backing, index % 16)
    strokes = _vary(strokes, index, sketch.meter, rng)
    if _is_alone(arrangement, section):
        sure = [stroke for stroke in strokes if stroke.symbol != "?"]
        return _hold(sure, sketch.meter)
    if level < CALM:
        strokes = _calm(strokes, sketch.meter)
    elif level < PLAIN:
        strokes = _thin(strokes)
    if level < LIVELY:
        return [stroke for stroke in strokes if stroke.symbol != "?"]
    return list(_fill(strokes))


def _halve(symbols: str, half: int) -> str:
    """One half of a bar's rhythm, which takes the whole bar; what is held into it is struck."""
    steps = len(symbols)
    begin = steps // 2 * half
    slow = "".join(
        symbol + ("." if symbol in ".?" else "-") for symbol in symbols[begin : begin + steps]
    )
    return ("x" + slow[1:] if slow.startswith("-") else slow)[:steps]


def _read_strokes(symbols: str) -> Iterator[Stroke]:
    for match in re.finditer(r"[^.-]-*", symbols.replace("?-", "--")):
        yield Stroke(match.start(), len(match[0]), match[0][0])


def _vary(
    strokes: list[Stroke], index: int, meter: BarMeter, rng: np.random.Generator
) -> list[Stroke]:
    """Now and then, and mostly at a phrase's end, a stroke is left out or an up-beat added."""
    drawn, place = rng.random(2)
    wanted = 0.75 if index % 4 == 3 else 0.3 if index % 4 else 0.1
    if drawn > wanted or not strokes or meter.steps < 8:
        return strokes
    last = strokes[-1]
    upbeat = meter.steps - (2 if place < 0.7 else 1)
    if drawn < wanted / 2 and last.step < upbeat:
        held = last._replace(length=min(last.length, upbeat - last.step))
        symbol = "o" if last.symbol in "xXob?" else last.symbol
        return [*strokes[:-1], held, Stroke(upbeat, meter.steps - upbeat, symbol)]
    if len(strokes) > 2:
        left_out = 1 + int(place * (len(strokes) - 1))
        return strokes[:left_out] + strokes[left_out + 1 :]
    return strokes


def _is_alone(arrangement: Arrangement, section: Section) -> bool:
    """Whether only the chords keep a section from silence: neither drums nor bass play in it, of
    those that play elsewhere.
    """
    sketch = arrangement.sketch
    rhythm = {"drums", "bass"}
    return sketch.composer > 2 and bool(rhythm & {*sketch.parts}) and not rhythm & {*section.parts}


def _hold(strokes: Sequence[Stroke], meter: BarMeter) -> list[Stroke]:
    """Every stroke lasts until the next."""
    ends = [*(stroke.step for stroke in strokes[1:]), meter.steps]
    return [stroke._replace(length=end - stroke.step) for stroke, end in zip(strokes, ends)]


def _calm(strokes: Sequence[Stroke], meter: BarMeter) -> list[Stroke]:
    """One stroke a bar, held on; of single notes every second."""
    if not strokes:
        return []
    if strokes[0].symbol.isdigit():
        kept = list(strokes[::2])
        ends = [stroke.step for stroke in kept[1:]] + [meter.steps]
        return [stroke._replace(length=end - stroke.step) for stroke, end in zip(kept, ends)]
    return [Stroke(strokes[0].step, meter.steps - strokes[0].step, "x")]


def _thin(strokes: Sequence[Stroke]) -> list[Stroke]:
    """The stroke on the one, and of the others those that are not soft and not twice in a beat."""
    kept: list[Stroke] = []
    for stroke in strokes:
        is_close = bool(kept) and stroke.step - kept[-1].step < 3
        if stroke.symbol not in "o?u" and not is_close:
            kept.append(stroke)
    return kept


def _fill(strokes: Sequence[Stroke]) -> Iterator[Stroke]:
    """What is held for more than half a bar is struck again."""
    for stroke in strokes:
        if stroke.length >= 12 and not stroke.symbol.isdigit():
            yield stroke._replace(length=8)
            yield Stroke(stroke.step + 8, stroke.length - 8, stroke.symbol)
        else:
            yield stroke


def _choose_voicing(sketch: Sketch, rng: np.random.Generator) -> str:
    """One of the style's; all tones of the chords of a chord line are heard."""
    drawn = pick(rng, STYLES[sketch.style].voicings)
    if sketch.chords and drawn in ("power", "shell"):
        return "close"
    return "spread" if sketch.mood.dream > DREAMY and drawn != "power" else drawn


def _voice_span(
    sketch: Sketch, span: ChordSpan, kind: str, shift: float, previous: tuple[int, ...]
) -> tuple[int, ...]:
    """A span's chord in the style's register, higher where it is bright, lower where dark."""
    low, high = STYLES[sketch.style].chords
    brightness = sketch.mood.brightness
    low += min(0, round(4 * brightness))
    high += max(0, round(6 * brightness))
    centre = (low + high) / 2 + shift + 5 * brightness
    return voice_chord(span.chord, kind, low, high, centre, previous)


def _cut(strokes: Sequence[Stroke], span: ChordSpan) -> Iterator[Stroke]:
    """The strokes of a span; one that is held into it is struck again with it."""
    for stroke in strokes:
        begin = max(stroke.step, span.begin)
        end = min(stroke.step + stroke.length, span.end)
        if begin < end:
            yield Stroke(begin, end - begin, stroke.symbol)


def _strike(
    arrangement: Arrangement, bar: int, stroke: Stroke, voicing: tuple[int, ...]
) -> Iterator[Note]:
    """The notes of a stroke."""
    symbol = stroke.symbol
    velocity = LOUDNESS.get(symbol, SINGLE)
    late = 0.0
    if symbol in "du":
        late = STRUM * arrangement.sketch.bpm / 60 * 4
    played = _choose_strings(symbol, voicing)
    for index, pitch in enumerate(played):
        step = stroke.step + min(index * late, 0.4 * stroke.length)
        length = stroke.step + stroke.length - step
        yield from place(arrangement, "chords", bar, step, length, pitch, velocity)


def _choose_strings(symbol: str, voicing: tuple[int, ...]) -> tuple[int, ...]:
    """The pitches of a voicing that a symbol plays, in their order."""
    if symbol.isdigit():
        return (voicing[(int(symbol) - 1) % len(voicing)],)
    if symbol == "b":
        return voicing[:1]
    if symbol not in "tu" or len(voicing) < 3:
        return voicing
    upper = voicing[1:] if symbol == "t" else voicing[-3:]
    if upper[1] - upper[0] < CLEAR:
        upper = upper[1:]
    return upper if symbol == "t" else upper[::-1]
