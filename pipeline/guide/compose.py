"""A sketch becomes notes: the styles, and how each part plays them. Same sketch, same notes.
Imports no MLX.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

from ..request import key_name
from .harmony import around, chord_pitches, scale
from .score import DRUMS, ROLES, Note, Score

T = TypeVar("T")

# --------------------------------------------------------------------------------------------------


class Feel(NamedTuple):
    """A style's numbers."""

    bpm: tuple[int, int]
    voices: int  # notes in a chord
    # fewest and most notes in a bar; their grid and their longest hold, in 16ths
    lead: tuple[int, int, int, int]
    swing: float  # how late off 16ths are, in 16ths
    minor: float  # how often a key is minor


class Style(NamedTuple):
    """How a style plays. Patterns have one character per 16th of a 4/4 bar: "." rests, "-" holds
    on.

    Drums: X loud, x, o soft, ? soft and only sometimes. Bass: 1 3 5 8 of the chord, "a" leads to
    the next one; "kick" follows the kick. Chords: x all notes, 1 2 3 4 one of them.
    """

    feel: Feel
    drums: tuple[dict[str, str], ...]
    bass: tuple[str, ...]
    chords: tuple[str, ...]


FOUR = "X...X...X...X..."
BACK = "....X.......X..."
DROP = "........X......."
OFF = "..x...x...x...x."
EIGHTHS = "x.x.x.x.x.x.x.x."
RUN = "xoxoxoxoxoxoxoxo"
HOLD = "x---------------"
HALVES = "x-------x-------"
ONCE = "x..............."
STYLES = {
    "house": Style(
        feel=Feel(bpm=(116, 130), voices=4, lead=(3, 6, 2, 4), swing=0.1, minor=0.6),
        drums=(
            {"kick": FOUR, "clap": BACK, "open hat": OFF, "closed hat": "o.o.o.o.o.o.o.o?"},
            {
                "kick": "X...X...X...X..?",
                "clap": "....x.......x..o",
                "closed hat": OFF,
                "shaker": RUN,
            },
            {"kick": FOUR, "clap": BACK, "open hat": OFF, "rim": "...x..x....x..x."},
        ),
        bass=("..1-..1-..1-..1-", "1..1..1...1..5..", "..1...1...8...1a"),
        chords=("x..x..x...x..x..", "..x-..x-..x-..x-", "x--x--x---------", HOLD),
    ),
    "techno": Style(
        feel=Feel(bpm=(124, 145), voices=3, lead=(2, 5, 1, 2), swing=0.0, minor=0.9),
        drums=(
            {"kick": FOUR, "open hat": OFF, "closed hat": RUN},
            {"kick": FOUR, "open hat": OFF, "rim": "...x..x....x..x.", "clap": "............x..?"},
            {
                "kick": FOUR,
                "closed hat": "..X...X...X...X.",
                "tom": "...o..x....o.x..",
                "shaker": RUN,
            },
        ),
        bass=(".111.111.111.111", "1.81.181.1811.81", "1..1..1..1..1.1."),
        chords=("..x....x..x.....", "x..x..x..x..x...", "1.2.3.2.1.2.3.2.", HOLD),
    ),
    "drum and bass": Style(
        feel=Feel(bpm=(160, 180), voices=3, lead=(2, 5, 2, 8), swing=0.0, minor=0.8),
        drums=(
            {"kick": "X.........X.....", "snare": BACK, "closed hat": EIGHTHS},
            {"kick": "X.X.......XX....", "snare": "....X..o.o..X..o", "closed hat": EIGHTHS},
            {
                "kick": "X.........X..?..",
                "snare": "....X..?....X...",
                "shaker": RUN,
                "open hat": "..x...?...x.....",
            },
        ),
        bass=("1-------........", "1-----1---5---1-", "1--1--1-----8-a-", "1---------3---5-"),
        chords=(HOLD, "x-------x-----x-", "x-----x---------"),
    ),
    "hip hop": Style(
        feel=Feel(bpm=(80, 100), voices=4, lead=(3, 6, 2, 6), swing=0.25, minor=0.7),
        drums=(
            {"kick": "X.....x.x.......", "snare": BACK, "closed hat": EIGHTHS},
            {"kick": "X..x......x..x..", "snare": BACK, "closed hat": "x.x.x.xox.x.x.x?"},
            {
                "kick": "X.......x.x....o",
                "clap": BACK,
                "closed hat": EIGHTHS,
                "open hat": "......x.........",
            },
        ),
        bass=("kick", "1--...1.1---..a-", "1---..5-1---...."),
        chords=(HOLD, "x-----x-x-------", "x..-....x-x-....", HALVES),
    ),
    "trap": Style(
        feel=Feel(bpm=(120, 160), voices=3, lead=(3, 7, 2, 4), swing=0.0, minor=0.9),
        drums=(
            {"kick": "X......x..x.....", "clap": DROP, "closed hat": "x.x.x.xxx.x.xxx."},
            {"kick": "X.....x.....x...", "clap": DROP, "closed hat": "xoxoxoxxxoxoxo??"},
            {
                "kick": "X..x......x....x",
                "snare": DROP,
                "closed hat": EIGHTHS,
                "open hat": "....x...........",
            },
        ),
        bass=("kick", "1-----1---1-----", "1------8--5-----"),
        chords=(HOLD, "1---2---3---2---", "x-----------x---", "1-2-3-1-2-3-2-3-"),
    ),
    "lo-fi": Style(
        feel=Feel(bpm=(66, 92), voices=4, lead=(2, 5, 2, 6), swing=0.3, minor=0.6),
        drums=(
            {
                "kick": "X.....x...x.....",
                "snare": "....x.......x...",
                "closed hat": EIGHTHS,
                "shaker": OFF,
            },
            {
                "kick": "X..x......x.....",
                "rim": "....x.......x...",
                "closed hat": "x.o.x.o.x.o.x.o?",
            },
            {"kick": "X.......x.x.....", "snare": "....x..?....x...", "closed hat": EIGHTHS},
        ),
        bass=("1---..5-1---..8-", "1-----1-3-..5---", "1-------5-----a-", "kick"),
        chords=(HOLD, HALVES, "x-----x---------", "x..x--..x..x--.."),
    ),
    "rock": Style(
        feel=Feel(bpm=(90, 150), voices=2, lead=(3, 7, 2, 6), swing=0.0, minor=0.5),
        drums=(
            {"kick": "X.......X.X.....", "snare": BACK, "closed hat": EIGHTHS},
            {"kick": "X.X.....X.......", "snare": BACK, "open hat": FOUR},
            {
                "kick": "X.....x.X.x.....",
                "snare": "....X..o....X...",
                "closed hat": "X.x.X.x.X.x.X.x.",
            },
            {"kick": FOUR, "snare": BACK, "tom": "..x...x...x...xx"},
        ),
        bass=("1-1-1-1-1-1-1-1-", "1-1-1-1-5-5-8-a-", "1---..1-1---..a-"),
        chords=("x-x-x-x-x-x-x-x-", HOLD, "x--x--x-x--x--x-", "x---x-x-..x-x-x-"),
    ),
    "pop": Style(
        feel=Feel(bpm=(90, 130), voices=3, lead=(4, 7, 2, 6), swing=0.0, minor=0.3),
        drums=(
            {"kick": "X.....x.x.......", "clap": BACK, "closed hat": EIGHTHS},
            {"kick": FOUR, "snare": BACK, "closed hat": OFF},
            {"kick": "X..x..x.........", "snare": BACK, "closed hat": EIGHTHS, "shaker": RUN},
        ),
        bass=("1-1-1-1-1-1-1-1-", "1--1--1-1--1--a-", "1-----1-5---1---", "kick"),
        chords=(HOLD, HALVES, "x---x---x---x---", "x--x--x-x--x--x-"),
    ),
    "reggae": Style(
        feel=Feel(bpm=(66, 90), voices=3, lead=(2, 5, 2, 4), swing=0.0, minor=0.5),
        drums=(
            {"kick": DROP, "rim": DROP, "closed hat": EIGHTHS},
            {"kick": FOUR, "rim": "........x.......", "closed hat": "x.xox.xox.xox.xo"},
            {
                "kick": "X.......X.......",
                "snare": BACK,
                "closed hat": EIGHTHS,
                "open hat": "..............?.",
            },
        ),
        bass=("1--.1-5-..8-5-1-", "..1-1-3-5---..1-", "1-----5-3-..1---", "1-1-..5-..5-1-a-"),
        chords=(OFF, "..xx..xx..xx..xx", "....x.......x..."),
    ),
    "synthwave": Style(
        feel=Feel(bpm=(84, 118), voices=3, lead=(3, 6, 2, 8), swing=0.0, minor=0.8),
        drums=(
            {"kick": FOUR, "snare": BACK, "closed hat": EIGHTHS},
            {"kick": "X.....x.X.......", "snare": BACK, "closed hat": RUN},
            {"kick": FOUR, "snare": BACK, "open hat": OFF, "tom": ".............?x."},
        ),
        bass=("1111111111111111", "1.8.1.8.1.8.1.8.", "1-11.11-1.11.18.", "1-1-1-1-1-1-1-1-"),
        chords=(HOLD, "1231231231231231", "1-2-3-2-1-2-3-2-", "x--x--x---------"),
    ),
    "funk": Style(
        feel=Feel(bpm=(96, 122), voices=4, lead=(3, 7, 1, 3), swing=0.15, minor=0.5),
        drums=(
            {
                "kick": "X..x..x...x.....",
                "snare": "....X..o.o..X..o",
                "closed hat": "XoxoXoxoXoxoXoxo",
            },
            {
                "kick": "X.x.......xx....",
                "snare": "....X..o.o..X...",
                "closed hat": EIGHTHS,
                "open hat": "......x.........",
            },
            {
                "kick": "X..x....x.x.....",
                "clap": BACK,
                "closed hat": "x.xxx.xxx.xxx.xx",
                "shaker": OFF,
            },
        ),
        bass=("1..1..8.1..5.38.", "1...5.8.1..8..a.", "11.8..1.5..8.1.a"),
        chords=("..x..x....x..x..", "x..x..x...x.....", "....xx......x.x.", "x.x..x.x..x....."),
    ),
    "ambient": Style(
        feel=Feel(bpm=(60, 90), voices=4, lead=(1, 3, 4, 12), swing=0.0, minor=0.5),
        drums=(
            {"kick": "x...............", "shaker": "..o...o...o...o."},
            {
                "kick": "x.........o.....",
                "rim": "........o......?",
                "closed hat": "..o...o...o...o.",
            },
        ),
        bass=("1---------------", "1-------5-------", "1-----------8---"),
        chords=(HOLD, "1---2---3---2---", "1-2-3-4-3-2-1-2-"),
    ),
}
PROGRESSIONS = {  # scale degrees, counted from 0
    "major": ("0534", "0345", "0453", "5304", "0304", "1400", "0353", "0245", "3045"),
    "minor": ("0526", "0340", "0654", "0534", "0056", "0362", "0536", "0365", "5600", "0263"),
}
FILLS: tuple[dict[str, str], ...] = (
    {"snare": "x.xx"},
    {"snare": "x.x.", "tom": ".x.x"},
    {"tom": "xxxx"},
    {"snare": "oxxX"},
    {"kick": "x...", "snare": "..xx"},
)
FORMS = ("AABA", "ABAB", "AAAB", "ABAA", "A-AB")  # a lead's four bars: its two motifs, or a rest

# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sketch:
    """What a composition is asked to be."""

    style: str  # one of STYLES
    bpm: float
    key: str  # as key_name writes it
    bars: int
    beats_per_bar: float  # in quarter notes: 3 for 3/4 and for 6/8
    parts: tuple[str, ...]  # of ROLES
    seed: int
    chords: tuple[str, ...] = ()  # one entry per bar, as parse_chords gives them; empty is composed


_STREAMS = ("sketch", "form", *ROLES)


def stream(seed: int, name: str) -> np.random.Generator:
    """A seed's random numbers for one purpose. Each role draws its own, so that leaving one out
    changes no other.
    """
    return np.random.default_rng([seed, _STREAMS.index(name)])


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]


# --------------------------------------------------------------------------------------------------


class ChordSpan(NamedTuple):
    """The 16ths `begin..end` of one bar, which have one chord."""

    bar: int
    begin: int
    end: int
    chord: tuple[int, ...]  # pitch classes, the bass first
    scale: tuple[int, ...]  # pitch classes that go with it


class Arrangement:
    """What all parts agree on: the meter, the harmony, and the drum pattern that a bass may
    follow.
    """

    def __init__(self, sketch: Sketch) -> None:
        rng = stream(sketch.seed, "form")
        self.sketch = sketch
        self.style = STYLES[sketch.style]
        self.bars = sketch.bars
        self.steps = math.ceil(sketch.beats_per_bar * 4 - 1e-6)  # 16ths in a bar
        self.drums = pick(rng, self.style.drums)
        self.scale = scale(sketch.key)
        self.spans = list(self._given() if sketch.chords else self._composed(rng))

    def beat(self, bar: int, step: float) -> float:
        """When a 16th of a bar is, in beats: off 16ths are late by the swing, and nothing is after
        the bar.
        """
        late = self.style.feel.swing if step % 2 == 1 else 0.0
        return bar * self.sketch.beats_per_bar + min((step + late) / 4, self.sketch.beats_per_bar)

    def cell(self, bar: int, step: int) -> int:
        """Where in a pattern of 16 a 16th of a bar is. Long bars repeat the pattern, short ones cut
        it, and those that are shorter than two beats share it.
        """
        return (step if self.steps >= 8 else bar * self.steps + step) % 16

    def note(
        self, role: str, at: tuple[int, int], steps: float, pitch: int, velocity: float
    ) -> Iterator[Note]:
        """A note at a bar's 16th that ends a little before others begin; none where the meter has
        no such 16th.
        """
        start = self.beat(*at)
        length = (self.beat(at[0], at[1] + steps) - start) * 0.95
        if length > 1e-6:
            yield Note(
                role,
                round(start, 6),
                round(length, 6),
                pitch,
                round(min(max(velocity, 0.05), 1.0), 3),
            )

    def _composed(self, rng: np.random.Generator) -> Iterator[ChordSpan]:
        """A progression of four chords: one in a bar or in half a bar, more in very long bars,
        fewer in short.
        """
        thirds = (0, 4) if self.style.feel.voices == 2 else (0, 2, 4, 6)[: self.style.feel.voices]
        degrees = pick(rng, PROGRESSIONS[self.sketch.key.split()[1]])
        halves = rng.random() < 0.2 and self.steps % 8 == 0
        each = max(1, round(self.steps / 16)) * (2 if halves else 1)
        shared = math.ceil(8 / self.steps)
        for bar in range(self.bars):
            for part in range(each):
                degree = int(degrees[(bar // shared * each + part) % 4])
                chord = tuple(self.scale[(degree + third) % 7] for third in thirds)
                yield ChordSpan(
                    bar,
                    self.steps * part // each,
                    self.steps * (part + 1) // each,
                    chord,
                    self.scale,
                )

    def _given(self) -> Iterator[ChordSpan]:
        """The chord line, one entry per bar, again and again; evenly over all bars if it has more
        of them.
        """
        line = self.sketch.chords
        many = len(line) > self.bars
        for bar in range(self.bars):
            first = bar * len(line) // self.bars if many else bar % len(line)
            after = (bar + 1) * len(line) // self.bars if many else first + 1
            names = " ".join(line[first:after]).split()
            edges = (self.steps * index // len(names) for index in range(len(names) + 1))
            for name, (begin, end) in zip(names, itertools.pairwise(edges)):
                chord = chord_pitches(name)
                if begin < end:
                    yield ChordSpan(bar, begin, end, chord, around(chord, self.scale))


def _hits(plan: Arrangement, pattern: str, span: ChordSpan) -> Iterator[tuple[int, int, str]]:
    """The (16th, length, character) that a pattern plays in a span. What is held into it begins
    again with it.
    """
    cells = "".join(pattern[plan.cell(span.bar, step)] for step in range(span.begin, span.end))
    if cells[0] == "-":
        before = pattern[: plan.cell(span.bar, span.begin)]
        cells = before.rstrip("-")[-1] + cells[1:]
    for match in re.finditer(r"[^.-]-*", cells):
        yield span.begin + match.start(), len(match[0]), match[0][0]


# --------------------------------------------------------------------------------------------------

PITCH_OF = {name: pitch for pitch, name in DRUMS.items()}
LOUDNESS = {"X": 1.0, "x": 0.8, "o": 0.5, "?": 0.45}
LIGHT = ("closed hat", "open hat", "shaker")  # louder on the beat than between
BASS = range(28, 52)  # where each part plays
CHORDS = range(48, 68)
LEAD = range(60, 82)
ROOTS = {pitch % 12: pitch for pitch in BASS[:12]}


def _drums(plan: Arrangement, rng: np.random.Generator) -> Iterator[Note]:
    for bar in range(plan.bars):
        fill = pick(rng, FILLS) if bar % 4 == 3 and plan.steps >= 8 and rng.random() < 0.5 else {}
        for step in range(plan.steps):
            for drum, character in _struck(plan, bar, step, fill if step >= plan.steps - 4 else {}):
                if character == "?" and rng.random() < 0.6:
                    continue
                accent = (
                    (1.0 if step % 4 == 0 else 0.85 if step % 2 == 0 else 0.75)
                    if drum in LIGHT
                    else 1.0
                )
                velocity = LOUDNESS[character] * accent + rng.uniform(-0.05, 0.05)
                yield from plan.note("drums", (bar, step), 1, PITCH_OF[drum], velocity)


def _struck(
    plan: Arrangement, bar: int, step: int, fill: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """The drums of one 16th. A fill has the last four of a bar, over the kick."""
    cell = plan.cell(bar, step)
    struck = {
        drum: pattern[cell]
        for drum, pattern in plan.drums.items()
        if not fill or drum in ("kick", "open hat")
    }
    struck |= {drum: pattern[step - plan.steps + 4] for drum, pattern in fill.items()}
    return ((drum, character) for drum, character in struck.items() if character != ".")


def _bass(plan: Arrangement, rng: np.random.Generator) -> Iterator[Note]:
    pattern = pick(rng, plan.style.bass)
    if pattern == "kick":
        pattern = _following(plan.drums.get("kick", ONCE))
    for span, after in zip(plan.spans, plan.spans[1:] + plan.spans[:1]):
        tones = _bass_tones(span, after, rng)
        for step, length, character in _hits(plan, pattern, span):
            changes = step == span.begin > 0  # a new chord within a bar begins with its root
            velocity = (0.9 if step % 4 == 0 else 0.78) + rng.uniform(-0.06, 0.06)
            yield from plan.note(
                "bass", (span.bar, step), length, tones["1" if changes else character], velocity
            )


def _following(kick: str) -> str:
    """A bass that plays with the kick and holds for up to three 16ths."""
    played = re.sub(r"[^.]", "1", kick.replace("?", "."))
    return re.sub(r"1\.{1,2}", lambda match: match[0].replace(".", "-"), played)


def _bass_tones(span: ChordSpan, after: ChordSpan, rng: np.random.Generator) -> dict[str, int]:
    root, following = (ROOTS[chord[0]] for chord in (span.chord, after.chord))
    third, fifth = (
        root + (span.chord[min(tone, len(span.chord) - 1)] - root) % 12 for tone in (1, 2)
    )
    below = max(pitch for pitch in range(following - 6, following) if pitch % 12 in span.scale)
    above = min(pitch for pitch in range(following + 1, following + 7) if pitch % 12 in span.scale)
    lead_in = pick(rng, (below, below, above))
    return {
        "1": root,
        "3": third,
        "5": fifth,
        "8": root + 12,
        "a": lead_in if lead_in in BASS else above,
    }


def _chords(plan: Arrangement, rng: np.random.Generator) -> Iterator[Note]:
    pattern = pick(rng, plan.style.chords)
    voiced: tuple[int, ...] = ()
    for span in plan.spans:
        voiced = _voiced(span.chord, voiced)
        for step, length, character in _hits(plan, pattern, span):
            played = voiced if character == "x" else (voiced[(int(character) - 1) % len(voiced)],)
            velocity = (0.75 if step % 4 == 0 else 0.66) + rng.uniform(-0.06, 0.06)
            for pitch in played:
                yield from plan.note("chords", (span.bar, step), length, pitch, velocity)


def _voiced(chord: tuple[int, ...], before: tuple[int, ...]) -> tuple[int, ...]:
    """The voicing that is nearest to the one before it, compact, and about the middle."""
    places = [[pitch for pitch in CHORDS if pitch % 12 == tone] for tone in chord]
    voicings = {tuple(sorted(voicing)) for voicing in itertools.product(*places)}

    def effort(voicing: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        moved = (
            sum(min(abs(pitch - other) for other in before) for pitch in voicing) if before else 0
        )
        width = max(0, voicing[-1] - voicing[0] - 12)
        return moved + width + abs(sum(voicing) / len(voicing) - 57), voicing

    return min(voicings, key=effort)


def _lead(plan: Arrangement, rng: np.random.Generator) -> Iterator[Note]:
    """Two motifs in a form of four bars. The fourth comes to rest on the chord's root, or the
    tonic.
    """
    hold = plan.style.feel.lead[3]
    motifs = {"A": _motif(plan, rng), "B": _motif(plan, rng), "-": {}}
    form = pick(rng, FORMS)
    centre = int(rng.integers(66, 75))
    by_bar = {
        bar: list(spans) for bar, spans in itertools.groupby(plan.spans, key=lambda span: span.bar)
    }
    for bar in range(plan.bars):
        motif = motifs[form[bar % 4]]
        tune = {
            step: motif[cell]
            for step in range(plan.steps)
            if (cell := plan.cell(bar, step)) in motif
        }
        rest = _rest(plan, tune) if bar % 4 == 3 else None
        if rest is not None:
            tune = {step: move for step, move in tune.items() if step < rest} | {rest: 0}
        for step, until in itertools.pairwise([*tune, plan.steps]):
            span = next(span for span in by_bar[bar] if span.begin <= step < span.end)
            move = tune[step] + (pick(rng, (-1, 1)) if rng.random() < 0.12 else 0)
            pitch = (
                _cadence(plan, span, centre)
                if step == rest
                else _tone(span, centre, move, step % 4 == 0)
            )
            length = min(until - step, hold * (2 if step == rest else 1))
            velocity = (0.85 if step % 4 == 0 else 0.75) + rng.uniform(-0.07, 0.07)
            yield from plan.note("lead", (bar, step), length, pitch, velocity)


def _motif(plan: Arrangement, rng: np.random.Generator) -> dict[int, int]:
    """Steps up and down a scale, by the 16th at which they are played: first of all on beats."""
    fewest, most, grid, _ = plan.style.feel.lead
    cells = range(0, min(16, plan.steps if plan.steps >= 8 else 16), grid)
    wanted = {cell: rng.random() + (0.3 if cell % 4 == 0 else 0.0) for cell in cells}
    count = int(rng.integers(fewest, most + 1))
    chosen = sorted(sorted(cells, key=lambda cell: -wanted[cell])[:count])
    moves = np.cumsum(rng.integers(-2, 3, len(chosen)))
    return {cell: int(np.clip(move, -4, 5)) for cell, move in zip(chosen, moves)}


def _rest(plan: Arrangement, tune: Mapping[int, int]) -> int:
    """Where a cadence comes to rest: on the last beat up to the middle of the bar, or at once if
    the bar is silent.
    """
    return plan.steps // 8 * 4 if tune else 0


def _tone(span: ChordSpan, centre: int, move: int, strong: bool) -> int:
    """The scale's tone `move` steps from the chord's tone next to the centre; itself a chord's tone
    if strong.
    """
    ladder = [pitch for pitch in LEAD if pitch % 12 in span.scale]
    home = ladder.index(_nearest(centre, span.chord))
    pitch = ladder[min(max(home + move, 0), len(ladder) - 1)]
    return _nearest(pitch, span.chord) if strong else pitch


def _cadence(plan: Arrangement, span: ChordSpan, centre: int) -> int:
    tonic = plan.scale[0]
    return _nearest(centre, (tonic,) if tonic in span.chord else span.chord[:1])


def _nearest(pitch: int, tones: Iterable[int]) -> int:
    allowed = set(tones)
    return min(
        (other for other in LEAD if other % 12 in allowed),
        key=lambda other: (abs(other - pitch), other),
    )


_PLAYERS = {"drums": _drums, "bass": _bass, "chords": _chords, "lead": _lead}


def compose(sketch: Sketch) -> Score:
    """The notes of a sketch: all in its key, or in its chord line's; exactly within its bars; same
    sketch, same notes. Raises ValueError for a chord, a style or a part that does not exist.
    """
    unknown = [part for part in sketch.parts if part not in ROLES]
    if sketch.style not in STYLES or unknown:
        raise ValueError(
            f"styles are {', '.join(STYLES)}; parts are {', '.join(ROLES)}; got {sketch}"
        )
    plan = Arrangement(dataclasses.replace(sketch, key=key_name(sketch.key)))
    notes = [
        note for role in sketch.parts for note in _PLAYERS[role](plan, stream(sketch.seed, role))
    ]
    notes.sort(key=lambda note: (note.start, ROLES.index(note.role), note.pitch))
    return Score(sketch.bpm, tuple(notes))
