"""The form of a piece is planned: from its lyrics, or from the number of its bars alone."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..score import ROLES
from .form import LyricSection, Section, SungBars
from .sketch import Sketch, pick
from .styles import STYLES

# Sections with the same material play the same patterns and the same tune.
MATERIALS = {
    "loop": 0,
    "intro": 0,
    "verse": 0,
    "chorus": 1,
    "outro": 1,
    "break": 1,
    "pre": 2,
    "bridge": 3,
    "solo": 4,
}
# For choruses: the usual one, and others that no section has.
CHORUS_MATERIALS: tuple[int, ...] = (MATERIALS["chorus"], 5, 6, 7)
AS_CHORUS = tuple(kind for kind, number in MATERIALS.items() if number == MATERIALS["chorus"])
# The progressions A, B, C, and D on the way to the chorus.
PROGRESSIONS = {
    "loop": 0,
    "intro": 0,
    "verse": 0,
    "chorus": 1,
    "outro": 0,
    "break": 1,
    "bridge": 2,
    "solo": 0,
    "pre": 3,
}
# How much fuller and louder than a verse.
ENERGIES = {
    "loop": 0.12,
    "intro": -0.22,
    "verse": 0.0,
    "pre": 0.08,
    "chorus": 0.27,
    "break": -0.28,
    "bridge": -0.08,
    "solo": 0.15,
    "outro": -0.15,
}
SIZES = (1, 2, 4, 8)  # of sections, in half phrases, or in phrases where there are many bars
NO_END = ("pre", "break", "bridge")  # what leads somewhere else
LIFTS = {"pre": 2, "chorus": 4, "bridge": 2, "solo": 5}  # semitones
SYLLABLES_PER_SECOND = (1.6, 3.4)  # of a line that is sung without haste, at rest and with energy
BREATH = 0.8  # seconds behind it
# seconds of a syllable at least, and behind the last
SUNG = 0.2
RAPPED = 0.15
PAUSE = 0.6
LINE_BARS = (1, 2, 4, 8, 16, 32)
LONG_BAR = 3.0  # seconds from which on a bar may be enough for a line


class SectionPlan(NamedTuple):
    """A section that a piece may have: the share of bars that is usual for it, and whether a piece
    cannot do without it.
    """

    kind: str
    share: int
    needed: bool = False


class FormFamily(NamedTuple):
    """How pieces of some styles are built: orders of sections, of which a seed picks one; the parts
    that may play in a kind of section, again to be picked; and what a kind of section is called
    where the style has a word of its own.
    """

    orders: tuple[tuple[SectionPlan, ...], ...]
    parts: dict[str, tuple[str, ...]]
    labels: dict[str, str]


def _read_order(text: str) -> tuple[SectionPlan, ...]:
    """From words like "verse:4" for a share, "chorus:4!" for a section that must be there."""
    words = (word.partition(":") for word in text.split())
    return tuple(SectionPlan(kind, int(share.strip("!")), "!" in share) for kind, _, share in words)


ALL = "drums bass chords lead"
SONG = FormFamily(
    orders=tuple(
        map(
            _read_order,
            (
                "intro:2 verse:4! pre:2 chorus:4! verse:4 chorus:4 break:2 bridge:4 chorus:4 "
                "outro:2",
                "intro:2 verse:4! chorus:4! verse:4 pre:2 chorus:4 solo:4 break:2 chorus:4 outro:2",
                "intro:2 verse:4! pre:2 chorus:4! break:2 verse:4 chorus:4 bridge:4 chorus:4 "
                "outro:2",
            ),
        )
    ),
    parts={
        "intro": ("chords", "drums chords", "chords lead", "drums bass", "bass chords lead"),
        "pre": ("drums bass chords", "drums chords lead", "bass chords lead"),
        "break": ("chords lead", "drums bass", "drums chords", "bass chords"),
        "bridge": ("bass chords lead", ALL, "chords lead"),
        "outro": ("drums bass chords", "chords lead", "bass chords lead"),
    },
    labels={},
)
CLUB = FormFamily(
    orders=tuple(
        map(
            _read_order,
            (
                "intro:4 verse:4! pre:2 chorus:4! break:4 pre:2 chorus:8 outro:4",
                "intro:4 verse:4! chorus:4! break:4 verse:4 pre:2 chorus:4 break:2 chorus:4 "
                "outro:2",
                "intro:2 verse:4! break:2 chorus:4! verse:4 break:4 pre:2 chorus:4 solo:4 outro:2",
            ),
        )
    ),
    parts={
        "intro": ("drums", "drums bass", "drums chords", "chords"),
        "verse": ("drums bass chords", "drums bass lead", ALL),
        "pre": ("drums chords", "drums chords lead", "chords lead"),
        "break": ("chords lead", "chords", "bass chords lead"),
        "outro": ("drums bass", "drums", "drums chords"),
    },
    labels={"verse": "Groove", "pre": "Build", "chorus": "Drop", "break": "Breakdown"},
)
JAZZ = FormFamily(
    orders=tuple(
        map(
            _read_order,
            (
                "intro:2 chorus:8! solo:8 break:2 solo:4 bridge:4 chorus:8 outro:2",
                "intro:2 verse:4! chorus:4! solo:8 bridge:4 solo:4 verse:4 chorus:4 outro:2",
            ),
        )
    ),
    parts={
        "intro": ("chords", "drums bass", "bass chords", "drums"),
        "break": ("drums bass", "drums", "bass chords"),
        "bridge": (ALL, "bass chords lead"),
        "outro": ("bass chords lead", ALL),
    },
    labels={"chorus": "Head", "break": "Trading"},
)
DRIFT = FormFamily(
    orders=tuple(
        map(
            _read_order,
            (
                "intro:4 verse:8! chorus:8! break:4 bridge:4 chorus:8 outro:4",
                "intro:4 verse:8! bridge:4 verse:8 chorus:8! outro:4",
            ),
        )
    ),
    parts={
        "intro": ("chords", "bass chords", "chords lead"),
        "verse": ("drums bass chords", "drums chords lead", ALL),
        "break": ("chords", "chords lead", "bass lead"),
        "bridge": ("chords lead", "bass chords", ALL),
        "outro": ("chords", "chords lead", "bass chords"),
    },
    labels={"verse": "Part A", "chorus": "Part B", "bridge": "Part C"},
)
FAMILIES = {
    "house": CLUB,
    "techno": CLUB,
    "drum and bass": CLUB,
    "uk garage": CLUB,
    "jazz": JAZZ,
    "ambient": DRIFT,
}


@dataclass(frozen=True)
class _Block:
    """A section before it is known what sets it apart."""

    kind: str
    label: str
    bars: int
    # with words: of each line its index of section and line, and its bars
    lines: tuple[tuple[int, int, int], ...] = ()


def plan_form(
    sketch: Sketch, chorus: int = MATERIALS["chorus"], busy: bool = False
) -> tuple[Section, ...]:
    """The sections of a piece, without gaps: those of its lyrics, where there are any, with others
    before, between and behind them where there are more bars than lines; those that are usual for
    the style where there are none.

    A loop is one section. Lines for which no bar is left are left out, the last ones first.
    `chorus` is the material of choruses, one of CHORUS_MATERIALS; `busy` whether they are busy
    verses with a tune of their own.
    """
    rng = sketch.make_rng("form")
    sung = any(section.lines for section in sketch.lyrics)
    if sketch.loop:
        lines = _fit_lines(sketch, sketch.bars) if sung else ()
        blocks = [_Block("loop", "Loop", sketch.bars, lines)]
    elif sung:
        blocks = _plan_words(sketch)
    else:
        blocks = _plan_bars(sketch, rng)
    return tuple(_tell_apart(sketch, blocks, chorus, busy, rng))


def count_phrase_bars(sketch: Sketch) -> int:
    """The bars of a phrase: four, or so many that it has about 16 quarter notes."""
    return int(2 ** min(max(round(math.log2(16 / sketch.meter.quarters)), 0), 4))


def count_lyric_bars(sketch: Sketch) -> int:
    """The bars in which its lyrics are sung as they should be, in whole phrases; 0 without any."""
    phrase = count_phrase_bars(sketch)
    usual = [_choose_line_bars(sketch, section) for section in sketch.lyrics]
    if not any(usual):
        return 0
    return math.ceil(_count_bars(_line_up(sketch, usual, phrase)) / phrase) * phrase


def count_ending_bars(sketch: Sketch) -> int:
    """From how many bars on a piece has an ending; shorter ones may be played again."""
    return 3 * count_phrase_bars(sketch)


# --- without words --------------------------------------------------------------------------------


def _plan_bars(sketch: Sketch, rng: np.random.Generator) -> list[_Block]:
    """Sections of 2, 4, 8 or 16 bars, where phrases have four; bars that are over belong to the
    last.
    """
    family = FAMILIES.get(sketch.style, SONG)
    order = pick(rng, family.orders)
    phrase = count_phrase_bars(sketch)
    half = max(1, phrase // 2)
    if sketch.bars < 2 * half:
        return [_Block("verse", _name(family, "verse"), sketch.bars)]
    if sketch.bars < 3 * phrase:
        first = phrase if sketch.bars >= 2 * phrase else half
        plan = [("verse", first), ("chorus", sketch.bars - first)]
    else:
        usual = sum(place.share for place in order) * half
        unit = half if sketch.bars <= 1.25 * usual else phrase
        units = sketch.bars // unit
        least = math.ceil(units / (SIZES[-1] * (len(order) - 2)))
        plan = list(_share_out_rounds(order, units, max(least, round(sketch.bars / usual / 2))))
        plan = [(kind, units * unit) for kind, units in plan]
        kind, bars = plan[-1]
        plan[-1] = kind, bars + sketch.bars % unit
    return _number([_Block(kind, _name(family, kind), bars) for kind, bars in plan])


def _share_out_rounds(
    order: tuple[SectionPlan, ...], units: int, rounds: int
) -> Iterable[tuple[str, int]]:
    """The order, as often as rounds are wanted, with one beginning and one end."""
    edges = [units * index // rounds for index in range(rounds + 1)]
    for index, (begin, end) in enumerate(itertools.pairwise(edges)):
        first = 0 if index == 0 else 1
        last = len(order) if index == rounds - 1 else -1
        yield from _share_out(order[first:last], end - begin)


@functools.cache
def _share_out(order: tuple[SectionPlan, ...], units: int) -> tuple[tuple[str, int], ...]:
    """Sections that together have so many units, most of them 1, 2, 4 or 8: those of the order, as
    near to their usual shares as can be, some of them left out. Found by dynamic programming.
    """
    total = sum(place.share for place in order)
    # of (units so far, the kind before): how far off, and the sections
    best: dict[tuple[int, str], tuple[float, tuple[tuple[str, int], ...]]] = {(0, ""): (0.0, ())}
    for place in order:
        ideal = place.share * units / total
        grown: dict[tuple[int, str], tuple[float, tuple[tuple[str, int], ...]]] = {}
        for (used, before), (cost, plan) in best.items():
            for size in range(SIZES[-1] + 5):
                is_missed = not size and place.needed
                if is_missed or used + size > units:
                    continue
                off = cost + _find_misfit(place, size, ideal, before)
                key = used + size, place.kind if size else before
                sections = (*plan, (place.kind, size)) if size else plan
                if key not in grown or off < grown[key][0]:
                    grown[key] = off, sections
        best = grown
    return min(
        (cost + (4.0 if kind in NO_END else 0.0), plan)
        for (used, kind), (cost, plan) in best.items()
        if used == units
    )[1]


def _find_misfit(place: SectionPlan, size: int, ideal: float, before: str) -> float:
    """How little a size suits a place: one that is odd, or far from its usual share, the same
    section twice, or a verse that is over when it has begun.
    """
    misfit = (size - ideal) ** 2 / (ideal + 0.5)
    if size:
        misfit += 0.5 + (3.0 if place.kind == before else 0.0)
        misfit += 0.0 if size in SIZES else 20.0
    if size == 1 and place.share >= 4:
        misfit += 4.0
    return misfit


def _name(family: FormFamily, kind: str) -> str:
    return family.labels.get(kind, {"pre": "Pre-chorus"}.get(kind, kind.capitalize()))


def _number(blocks: list[_Block]) -> list[_Block]:
    """Sections that come again are counted."""
    labels = [block.label for block in blocks]
    numbered = []
    for index, block in enumerate(blocks):
        if labels.count(block.label) > 1:
            number = labels[: index + 1].count(block.label)
            block = dataclasses.replace(block, label=f"{block.label} {number}")
        numbered.append(block)
    return numbered


# --- with words -----------------------------------------------------------------------------------


def _plan_words(sketch: Sketch) -> list[_Block]:
    """The sections of the lyrics, and what the bars that are over are for."""
    phrase = count_phrase_bars(sketch)
    blocks = _fit_words(sketch, phrase)
    spare = sketch.bars - sum(block.bars for block in blocks)
    blocks, spare = _round_up(blocks, spare, phrase)
    blocks, spare = _frame(blocks, spare, phrase)
    return _prolong(blocks, spare, phrase)


def _fit_words(sketch: Sketch, phrase: int) -> list[_Block]:
    """The lyrics' sections in the piece's bars. If they do not fit as they should be sung, those
    without words become shorter, then lines, and at last the last lines are left out.
    """
    half = max(1, phrase // 2)
    usual = [_choose_line_bars(sketch, section) for section in sketch.lyrics]
    blocks: list[_Block] = []
    for halvings, wordless in itertools.product(range(6), (phrase, half, 0)):
        shorter = [[max(1, each >> halvings) for each in bars] for bars in usual]
        blocks = _line_up(sketch, shorter, wordless)
        if _count_bars(blocks) <= sketch.bars:
            twice = [
                [min(2 * each, most) for each, most in zip(*bars)] for bars in zip(shorter, usual)
            ]
            return _lengthen(sketch, shorter, twice, wordless)
    return list(_cut(blocks, sketch.bars))


def _line_up(sketch: Sketch, line_bars: Sequence[Sequence[int]], wordless: int) -> list[_Block]:
    """The lyrics' sections with so many bars for each line, or for a section that has none."""
    blocks = []
    for index, section in enumerate(sketch.lyrics):
        bars = line_bars[index]
        lines = tuple((index, line, each) for line, each in enumerate(bars))
        label = section.label or _name(SONG, section.kind)
        if length := sum(bars) or wordless:
            blocks.append(_Block(section.kind, label, length, lines))
    return blocks


def _lengthen(
    sketch: Sketch, shorter: list[list[int]], longer: list[list[int]], wordless: int
) -> list[_Block]:
    """The lyrics' sections with longer lines wherever there are bars for it, before anything else
    gets them: in all choruses or in none, so that they stay alike, and then in all verses.
    """
    line_bars = shorter
    kinds = dict.fromkeys(section.kind for section in sketch.lyrics)
    for kind in sorted(kinds, key=lambda kind: kind != "chorus"):
        tried = [
            longer[index] if section.kind == kind else line_bars[index]
            for index, section in enumerate(sketch.lyrics)
        ]
        if _count_bars(_line_up(sketch, tried, wordless)) <= sketch.bars:
            line_bars = tried
    return _line_up(sketch, line_bars, wordless)


def _choose_line_bars(sketch: Sketch, section: LyricSection) -> list[int]:
    """How many bars each line of a section gets: two usually, one where it is rapped or where bars
    are long, more where they are short, and so many that its syllables can be sung.
    """
    if not section.lines:
        return []
    bar = sketch.meter.quarters * 60 / sketch.bpm
    is_rapped = "rap" in section.label.lower().split()
    slow, fast = SYLLABLES_PER_SECOND
    pace = slow + (fast - slow) * STYLES[sketch.style].energy
    syllables = sum(line.syllables for line in section.lines) / len(section.lines)
    seconds = syllables / (2 * pace if is_rapped else pace) + BREATH

    def distance(bars: int) -> float:
        off = abs(math.log2(seconds / (bars * bar)))
        if bars == (1 if is_rapped else 2):
            return off
        return off + (1.5 if bars == 1 and bar < LONG_BAR else 0.6)

    usual = min(LINE_BARS, key=distance)
    least = (line.syllables * (RAPPED if is_rapped else SUNG) + PAUSE for line in section.lines)
    return [
        next((bars for bars in LINE_BARS if usual <= bars and needed <= bars * bar), usual)
        for needed in least
    ]


def _fit_lines(sketch: Sketch, bars: int) -> tuple[tuple[int, int, int], ...]:
    """The lines of all sections one after the other, as far as there are bars; more than once where
    there are many.
    """
    blocks = [block for block in _fit_words(sketch, 1) if block.lines]
    lines = [line for block in blocks for line in block.lines]
    used = sum(length for _, _, length in lines)
    return tuple(lines * max(1, bars // used))


def _cut(blocks: Iterable[_Block], bars: int) -> Iterator[_Block]:
    """The first bars of blocks in which every line has one."""
    for block in blocks:
        kept = min(block.bars, bars)
        if kept:
            yield dataclasses.replace(block, bars=kept, lines=block.lines[:kept])
        bars -= kept


def _round_up(blocks: list[_Block], spare: int, phrase: int) -> tuple[list[_Block], int]:
    """Whole phrases, as far as there are bars for it: a section of three lines ends with bars that
    nobody sings in.
    """
    rounded = []
    for block in blocks:
        is_wide = block.bars > phrase // 2 or spare >= 4 * phrase
        missing = -block.bars % (phrase if is_wide else max(1, phrase // 2))
        added = missing if missing <= spare else 0
        spare -= added
        rounded.append(dataclasses.replace(block, bars=block.bars + added))
    return rounded, spare


def _frame(blocks: list[_Block], spare: int, phrase: int) -> tuple[list[_Block], int]:
    """An intro in front and an outro behind, as long as there are bars for them and the lyrics
    bring none.
    """
    half = max(1, phrase // 2)
    if blocks[0].kind != "intro" and spare >= half:
        bars = phrase if spare >= 2 * phrase else half
        blocks = [_Block("intro", "Intro", bars), *blocks]
        spare -= bars
    if blocks[-1].kind != "outro" and spare >= half:
        bars = phrase if spare >= 2 * phrase else half
        blocks = [*blocks, _Block("outro", "Outro", bars)]
        spare -= bars
    return blocks, spare


def _prolong(blocks: list[_Block], spare: int, phrase: int) -> list[_Block]:
    """Bars that are over: between the words and the outro parts without words, and after each the
    chorus once more, or all that is sung where there is room for that too.
    """
    outro = blocks[-1:] if blocks[-1].kind == "outro" else []
    body = blocks[: len(blocks) - len(outro)]
    sung = [block for block in body if block.lines]
    refrain = ([block for block in sung if block.kind == "chorus"] or sung)[-1:]
    kinds = itertools.cycle(("solo", "break", "bridge"))
    while 0 < _count_bars(refrain) <= spare:
        again = sung if spare >= _count_bars(sung) + 6 * phrase else refrain
        between = min(spare - _count_bars(again), phrase * (2 if spare >= 8 * phrase else 1))
        if between >= phrase:
            kind = next(kinds)
            body.append(_Block(kind, kind.capitalize(), between))
            spare -= between
        body += again
        spare -= _count_bars(again)
    if spare >= phrase:
        kind = next(kinds)
        body.append(_Block(kind, kind.capitalize(), spare - spare % phrase))
        spare %= phrase
    body += outro
    body[-1] = dataclasses.replace(body[-1], bars=body[-1].bars + spare)
    return body


def _count_bars(blocks: Iterable[_Block]) -> int:
    return sum(block.bars for block in blocks)


# --- what sets sections apart ---------------------------------------------------------------------


def _tell_apart(
    sketch: Sketch, blocks: Sequence[_Block], chorus: int, busy: bool, rng: np.random.Generator
) -> Iterator[Section]:
    """The blocks as sections: parts, energy, register, and how each leads into the next."""
    phrase = count_phrase_bars(sketch)
    is_short = sketch.bars < 2 * phrase
    parts = _choose_parts(sketch, rng)
    last_chorus = max((i for i, block in enumerate(blocks) if block.kind == "chorus"), default=-1)
    kinds = [block.kind for block in blocks]
    energies = [
        _find_energy(
            sketch,
            "chorus" if is_drum_solo(sketch, kind, parts[kind]) else kind,
            kinds[:index].count(kind),
            index == last_chorus,
        )
        for index, kind in enumerate(kinds)
    ]
    bar = 0
    for index, block in enumerate(blocks):
        following = kinds[index + 1] if index + 1 < len(blocks) else ""
        is_last = not following
        energy = energies[index]
        before = energies[index - 1] if index else 1.0
        grows = bool(following) and energies[index + 1] > energy + 0.1
        lift = LIFTS.get(block.kind, 0)
        if index == last_chorus and kinds.count("chorus") > 1:
            lift += 2
        yield Section(
            label=block.label,
            kind=block.kind,
            bar=bar,
            bars=block.bars,
            energy=round(energy, 3),
            parts=sketch.parts if is_short else parts[block.kind],
            material=chorus if block.kind in AS_CHORUS else MATERIALS[block.kind],
            progression=0 if is_short else PROGRESSIONS[block.kind],
            lift=lift,
            fill_beats=_choose_fill(sketch, block, is_last, following, rng),
            build=grows and block.kind in ("intro", "pre", "break", "bridge"),
            crash=energy >= 0.4 and (energy > before or block.kind == "chorus"),
            ending=is_last and not sketch.loop and sketch.bars >= count_ending_bars(sketch),
            busy=(busy and block.kind == "chorus")
            or is_drum_solo(sketch, block.kind, parts[block.kind]),
            lines=tuple(_place_lines(block, bar)),
        )
        bar += block.bars


def is_drum_solo(sketch: Sketch, kind: str, parts: tuple[str, ...]) -> bool:
    """Whether drums answer the band in a section, alone. Before composer 4 they held back there."""
    is_alone = parts == ("drums",) and sketch.parts != parts
    is_trading = kind == "break" and FAMILIES.get(sketch.style) is JAZZ
    return is_alone and is_trading and sketch.composer > 3


def _find_energy(sketch: Sketch, kind: str, earlier: int, is_last_chorus: bool) -> float:
    """A section's energy: the style's, its kind's, and more whenever it comes back."""
    verse = STYLES[sketch.style].energy
    energy = max(verse + ENERGIES[kind], 0.5 * verse) + 0.05 * min(earlier, 2)
    if is_last_chorus and earlier:
        energy += 0.05
    return min(energy, 1.0)


def _choose_parts(sketch: Sketch, rng: np.random.Generator) -> dict[str, tuple[str, ...]]:
    """The parts that play in each kind of section: of those that the piece has, or all of them
    where it has none of a section's.
    """
    family = FAMILIES.get(sketch.style, SONG)
    chosen = {}
    for kind in ENERGIES:
        choices = family.parts.get(kind, (ALL,))
        if kind == "break" and sketch.composer > 2:
            choices = tuple(choice for choice in choices if choice != "chords")
        named = pick(rng, choices).split()
        chosen[kind] = tuple(role for role in ROLES if role in named and role in sketch.parts)
    return {kind: parts or sketch.parts for kind, parts in chosen.items()}


def _choose_fill(
    sketch: Sketch, block: _Block, is_last: bool, following: str, rng: np.random.Generator
) -> int:
    """The beats of the fill at a section's end: long into a chorus, none at the end of all, but one
    where a loop goes on.
    """
    beats = len(sketch.meter.groups)
    drawn = int(rng.integers(1, 3))
    if is_last and sketch.bars >= count_ending_bars(sketch) and not sketch.loop:
        wanted = 0
    elif following == "chorus":
        wanted = 2 * drawn if block.kind in ("pre", "break") else 2
    else:
        wanted = drawn
    room = beats if block.bars > 1 else beats // 2
    return min(wanted, room)


def _place_lines(block: _Block, bar: int) -> Iterator[SungBars]:
    for section, line, bars in block.lines:
        yield SungBars(section, line, bar, bars)
        bar += bars
