"""The progressions of every style, in Roman numerals, and the three or four that a piece has.

Numerals count from the major scale whatever the mode, so that the minor key's own third is "bIII".
Capitals are major, small letters minor. What follows a numeral is the chord's kind as a lead sheet
writes it; without it the style's colours decide.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from ..harmony import FLAT_NOTES, parse_chord, scale_of, spell_note
from .sketch import Sketch, pick, pick_weighted
from .styles import STYLES

# By style and mode; chords between spaces.
POOLS: dict[str, dict[str, tuple[str, ...]]] = {}


def _pool(style: str, minor: str, major: str) -> None:
    POOLS[style] = {
        "minor": tuple(line.strip() for line in minor.split(",")),
        "major": tuple(line.strip() for line in major.split(",")),
    }


_pool(
    "house",
    "i bVII bVI bVII, i bVI bIII bVII, iv v i i, bVI bVII i i, i iv bVI v, i i bVI bVII,"
    "bVI v i bVII, i bIII iv bVI, iv i v i, i7 IV7, i9 bVImaj7 v7 iv7",
    "vi IV I V, ii V I vi, IV V iii vi, I iii vi IV, IV I ii vi, ii iii IV V, I vi IV V,"
    "IVmaj7 iii7 ii7 iii7, ii7 V7sus4 Imaj7 Imaj7",
)
_pool(
    "techno",
    "i, i bII, i bVI, i bVII, i v, i iv, i i iv i, i i bVI bVII, i bIII bII i, i bVI i v,"
    "i i bII bIII, i bIII bVI i",
    "I, I bVII, I IV, I ii, vi IV, I I bVII IV, I bII, vi vi I II",
)
_pool(
    "drum and bass",
    "i bVI bIII bVII, i bVII bVI V7, bVI bVII i v, i v bVI iv, i iv bVI bVII, bVI v i i,"
    "iv bVI i bVII, i bIII bVI bVII, bVImaj7 v7 iv7 i7, i9 iv9 bVImaj7 v7",
    "I V vi IV, IV I V vi, IV V vi iii, ii IV I V, vi iii IV V, IVmaj7 iii7 ii7 Imaj7,"
    "vi IV I V, IVmaj7 Imaj7 iii7 vi7",
)
_pool(
    "hip hop",
    "i7 iv7, i bVI, i iv bVI V7, iiø V7 i i, i7 bVImaj7 iiø V7, bVImaj7 V7 i i, i v bVI v,"
    "iv7 bVII7 bIIImaj7 bVImaj7, i bVII bVI V7, i iv i V7, i9 bII",
    "ii7 V7 Imaj7 vi7, Imaj7 iii7 vi7 ii7, IVmaj7 iii7 ii7 Imaj7, Imaj7 ii7, IV iv I I,"
    "vi7 ii7 V7 Imaj7, IVmaj7 V7 iii7 vi7, ii7 iii7",
)
_pool(
    "trap",
    "i bVI, i iv, i bVI bIII bVII, i v bVI iv, bVI bVII i i, i bII, i iv bVI V, i bVI i V7,"
    "iv i bVI V7, i bVI iv V, i i bVI v",
    "I vi, IV I, vi IV I V, I iii IV iv, IV iv I I, I V vi iii, vi iii IV I, IV V vi I",
)
_pool(
    "lo-fi",
    "i7 iv7 bVII7 bIIImaj7, iiø V7 i7 i7, i7 bVImaj7 iiø V7, bVImaj7 V7 i7 bIIImaj7, i9 iv9,"
    "iv7 v7 i7 i7, i7 bIIImaj7 bVImaj7 V7, bVImaj7 bVII7 i7 v7, i9 IV9 bVImaj7 V7",
    "ii7 V7 Imaj7 VI7, Imaj7 vi7 ii7 V7, IVmaj7 iii7 ii7 Imaj7, Imaj7 iii7 IVmaj7 iv6,"
    "IVmaj7 V7 iii7 vi7, ii7 iii7 IVmaj7 V7, Imaj7 III7 vi7 IVmaj7, IVmaj7 iv6 Imaj7 VI7,"
    "iii7 vi7 ii7 V7",
)
_pool(
    "rock",
    "i bVII bVI bVII, i bVI bIII bVII, i bIII bVII IV, i iv bVII bIII, i bVII IV i, bVI bVII i i,"
    "i v bVI bVII, i bIII iv V, i i bVI bVII, i bVII i iv",
    "I IV V IV, I bVII IV I, I V IV IV, I V vi IV, vi IV I V, I IV bVII IV, I bIII IV I,"
    "I ii IV V, IV V I vi, I iii IV V, I bVI bVII I",
)
_pool(
    "pop",
    "i bVI bIII bVII, bVI bVII i i, i iv bVI V, i bVII bVI bVII, iv bVI i bVII, i bIII bVII bVI,"
    "i v bVI bIII, bVI bIII bVII i, i bVI iv V7, iv i V i",
    "I V vi IV, vi IV I V, I vi IV V, IV I V vi, I IV vi V, IV V iii vi, I iii IV V, I ii vi IV,"
    "IV V vi I, I V:3 vi IV, IV iv I V, I III IV iv",
)
_pool(
    "reggae",
    "i iv, i bVII, i bVII bVI bVII, i iv v i, i bVI, i v, i bIII bVII iv, i bVI bVII i,"
    "iv i v i, i i iv V",
    "I IV, I ii, I vi IV V, I IV V IV, I IV I V, ii V I I, I iii IV V, I bVII, I V IV V,I IV ii V",
)
_pool(
    "synthwave",
    "i bVI bIII bVII, bVI bVII i i, i bVII bVI bVII, i iv bVI bVII, i bIII bVII bVI,"
    "iv bVI i bVII, bVI bIII bVII i, i v bVI bVII, i bVI iv V, bVI bVII v i",
    "I V vi IV, IV V vi I, vi IV I V, I iii IV V, IV I V vi, I bVII IV I, I IV ii V,I bVI bVII I",
)
_pool(
    "funk",
    "i7, i7 IV7, i7 iv7, i7 bVII7, i9 IV9, i7 bIII bVII IV, i7 i7 IV7 IV7, i7 v7, iv7 i7 bVI7 V7,"
    "i7 bVI7 i7 V7",
    "I9, I7 IV7, I7 I7 IV7 V7, ii7 V7, I7 bVII7 IV7 I7, I9 vi7 ii7 V7, IV9 I7, I9 bIII7 IV9 I9,"
    "ii7 iii7 IVmaj7 V7sus4",
)
_pool(
    "ambient",
    "i bVI, i bVI bIII bVII, i iv, i bVII bVI iv, i v bVI iv, i IV, bVI i, i bIII, bVI bVII i v,"
    "i iv bVI i",
    "I IV, Imaj7 IVmaj7, I iii IV vi, I vi, IV I, I II, I ii IV I, vi IV I V, I V:3 vi IV,"
    "IV I vi iii",
)
_pool(
    "disco",
    "i iv bVII bIII, i bVII bVI V7, i7 IV7, iv7 bVII7 bIIImaj7 bVImaj7, bVImaj7 V7 i i, iv v i i,"
    "i bIII iv V7, i bVI bVII v, iv7 bVII7 i7 i7",
    "I vi ii V, Imaj7 iii7 vi7 IV, ii7 V7 Imaj7 vi7, IV V iii vi, I IV ii V, vi ii V I,"
    "I iii IV V, IVmaj7 iii7 ii7 V7sus4",
)
_pool(
    "r&b",
    "i7 iv7, i9 bVImaj7 iv9 V7, iv9 bVII13 bIIImaj9 bVImaj7, bVImaj7 V7 i7 i7,"
    "i7 v7 bVImaj7 bVII7, iiø V7 i9 IV9, i9 IV9, bVImaj7 v7 iv7 i7, bVImaj7 bVII7 v7 i9",
    "IVmaj7 iii7 vi7 Imaj7, ii7 V7 Imaj7 VI7, Imaj7 iii7 IVmaj7 iv6, vi7 ii7 V7 Imaj7,"
    "IVmaj7 III7 vi7 v7, Imaj7 vi7 ii7 V7, IVmaj7 V7 iii7 vi7, Imaj7 III7 vi7 IVmaj7,"
    "ii9 V13 Imaj9 IVmaj7",
)
_pool(
    "jazz",
    "iiø V7 i6 i6, i6 bVImaj7 iiø V7, i7 iv7 bVII7 bIIImaj7, iv7 bVII7 bIIImaj7 bVImaj7,"
    "i6 viø iiø V7, bVI7 V7 i6 i6, iv7 i6 bVI7 V7, i7 IV7 i7 V7, iiø V7b9 i9 IV9",
    "ii7 V7 Imaj7 VI7, Imaj7 vi7 ii7 V7, iii7 VI7 ii7 V7, Imaj7 #Idim7 ii7 V7,"
    "Imaj7 IV7 iii7 VI7, Imaj7 II7 ii7 V7, ii7 V7 iii7 VI7, Imaj7 iv7 bVII7 Imaj7,"
    "IVmaj7 iv7 iii7 VI7, ii9 V13 Imaj9 I6",
)
_pool(
    "bossa nova",
    "i7 iv7, i6 iiø V7 i6, i7 iv7 bVII7 bIIImaj7, iiø V7 i9 i9, i7 bVImaj7 iiø V7, iv7 i7 iiø V7,"
    "i7 IV7, i9 bII7 i9 V7, bVImaj7 V7 i9 IV9",
    "Imaj7 II7 ii7 V7, Imaj7 vi7 ii7 V7, ii7 V7 Imaj7 Imaj7, Imaj7 iv7 bVII7 Imaj7,"
    "Imaj7 #Idim7 ii7 V7, iii7 VI7 ii7 V7, Imaj7 IVmaj7 iii7 VI7, Imaj9 bII7 Imaj9 V13",
)
_pool(
    "metal",
    "i bVI bVII i, i bII, i bVI bVII v, i bIII bII i, i iv bVI V, i i bVI bVII,"
    "i bVI bIII bVII, i bII bIII bII, i i bVI V, i bVII bVI bII, i bV iv bIII",
    "I bVII IV I, I bVI bVII I, vi IV I V, I IV bVI bVII, I bII I bVII, I V bVII IV",
)
_pool(
    "country",
    "i bVII bVI bVII, i iv V i, i bVI bIII bVII, i bIII bVII i, i iv bVII bIII, i bVII i V,"
    "i i iv V",
    "I IV I V, I V vi IV, I IV V I, I I IV V, I vi IV V, I V IV I, I ii IV V, I IV vi V,"
    "IV I V I, I V:3 vi IV, I II IV I",
)
_pool(
    "uk garage",
    "i7 iv7, i9 bVImaj7, bVImaj7 v7 i7 i7, i7 bVII bVI v7, iv7 v7 i7 bIII, i bVI iv V7,"
    "bVImaj7 bVII i7 v7, iv9 i9, i9 v7 bVImaj7 iv7",
    "ii7 iii7, IVmaj7 iii7 vi7 v7, Imaj7 iii7 IVmaj7 V, vi7 IVmaj7 Imaj7 V, ii9 V13 Imaj9 vi7,"
    "IVmaj7 iii7 ii7 iii7, IVmaj9 iv6 Imaj7 vi7",
)
_pool(
    "afrobeats",
    "i bVI bIII bVII, i iv bVII bIII, bVI bVII i v, i bVII bVI v, iv v i i, bVI i bVII iv,"
    "i v bVI iv, iv i v i, iv bVI i bVII",
    "I V vi IV, IV I V vi, vi IV I V, I IV ii V, I iii vi IV, IV V iii vi, ii IV I V, I vi ii V,"
    "IVmaj7 iii7 vi7 vi7",
)


# How many bars of 4/4 a chord lasts, with weights; 1 mostly where a style is not here.
USUAL_PACE = {1.0: 0.8, 2.0: 0.1, 0.5: 0.1}
PACES: dict[str, dict[float, float]] = {
    "house": {1.0: 0.65, 2.0: 0.35},
    "techno": {2.0: 0.45, 4.0: 0.35, 1.0: 0.2},
    "drum and bass": {2.0: 0.55, 1.0: 0.45},
    "hip hop": {1.0: 0.7, 2.0: 0.2, 0.5: 0.1},
    "trap": {1.0: 0.55, 2.0: 0.45},
    "lo-fi": {1.0: 0.8, 0.5: 0.2},
    "rock": {1.0: 0.7, 0.5: 0.2, 2.0: 0.1},
    "reggae": {1.0: 0.65, 2.0: 0.15, 0.5: 0.2},
    "funk": {1.0: 0.65, 2.0: 0.35},
    "ambient": {2.0: 0.6, 4.0: 0.2, 1.0: 0.2},
    "r&b": {1.0: 0.75, 0.5: 0.25},
    "jazz": {1.0: 0.75, 0.5: 0.25},
    "bossa nova": {1.0: 0.75, 2.0: 0.25},
    "metal": {1.0: 0.55, 2.0: 0.3, 0.5: 0.15},
    "uk garage": {1.0: 0.65, 2.0: 0.35},
    "afrobeats": {1.0: 0.7, 0.5: 0.3},
}
DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
_NUMERAL = re.compile(r"([b#]?)([IV]+|[iv]+)([^:]*):?([35]?)")
# Each colour as a chord's kind above major, dominant and minor; what a chord cannot have within its
# key, it has less of.
COLOURS = {
    "": ("", "", "m"),
    "5": ("5", "5", "5"),
    "6": ("6", "7", "m7"),
    "69": ("69", "9", "m7"),
    "7": ("maj7", "7", "m7"),
    "9": ("maj9", "9", "m9"),
    "11": ("maj9", "7sus4", "m11"),
    "13": ("maj9", "13", "m9"),
    "add9": ("add9", "add9", "madd9"),
    "sus2": ("sus2", "sus2", "sus2"),
    "sus4": ("sus4", "7sus4", "sus4"),
}
LESS = {"69": "6", "9": "7", "11": "7", "13": "9", "6": "7"}  # the rest falls back to the triad
BORROWED = 0.08  # how often a major key's IV is minor, as in the parallel minor


class Numeral(NamedTuple):
    """A chord relative to its key: semitones above the tonic; whether its third is minor; its kind,
    if the progression says so; and the tone in the bass, 1, 3 or 5.
    """

    offset: int
    is_minor: bool
    kind: str
    bass: int


class Progression(NamedTuple):
    """Chords by their names, each `pace` bars of 4/4 long, and again from the first."""

    chords: tuple[str, ...]
    pace: float


def read_numeral(text: str) -> Numeral:
    """What a Roman numeral says: "bVImaj7" or "V:3", a major chord with its third in the bass."""
    match = _NUMERAL.fullmatch(text)
    if not match or match[2].upper() not in DEGREES:
        raise ValueError(f"a chord must be a Roman numeral like bVImaj7, got {text!r}")
    sign = {"b": -1, "#": 1}.get(match[1], 0)
    is_minor = match[2].islower()
    kind = match[3]
    if is_minor and kind:
        kind = "m7b5" if kind == "ø" else f"m{kind}"
    return Numeral((DEGREES[match[2].upper()] + sign) % 12, is_minor, kind, int(match[4] or 1))


def choose_progressions(sketch: Sketch) -> tuple[Progression, ...]:
    """The progressions A, B, C, D of a piece, all in its key: A and B begin with another chord
    where the style's pool allows, C is away from the tonic, D leads back to it.
    """
    rng = sketch.make_rng("progressions")
    mode = sketch.key.split()[1]
    pool = POOLS[sketch.style][mode]
    first = pick(rng, pool)
    others = [line for line in pool if line != first]
    second = pick(rng, [line for line in others if _begins(line) != _begins(first)] or others)
    rest = [line for line in others if line != second]
    third = pick(rng, [line for line in rest if _begins(line).lower() != "i"] or rest)
    leading = [line for line in rest if line.split()[-1] in ("V", "V7", "v", "bVII", "IV", "iv")]
    fourth = pick(rng, leading or rest)
    pace = pick_weighted(rng, PACES.get(sketch.style, USUAL_PACE))
    paces = (pace, pick(rng, (pace, pace, 1.0)), pick(rng, (pace, 1.0)), 1.0)
    return tuple(
        Progression(_name_chords(sketch, line, rng), pace)
        for line, pace in zip((first, second, third, fourth), paces)
    )


def name_chord(sketch: Sketch, text: str, colour: str = "") -> str:
    """A numeral in the sketch's key as people write it: "bVII" is "G" in A minor."""
    numeral = read_numeral(text)
    scale = scale_of(sketch.key)
    pitch_class = (scale[0] + numeral.offset) % 12
    root = spell_note(pitch_class, sketch.key)
    if text.startswith("b") and pitch_class not in scale and "#" not in sketch.key:
        root = FLAT_NOTES[pitch_class]
    name = root + (numeral.kind or _colour(sketch, numeral, colour))
    if numeral.bass == 1:
        return name
    chord = parse_chord(name)
    return f"{name}/{spell_note(chord[numeral.bass // 2], sketch.key)}"


def _begins(line: str) -> str:
    """The degree of a progression's first chord."""
    return re.sub(r"[^ivIVb#].*", "", line.split()[0])


def _name_chords(sketch: Sketch, line: str, rng: np.random.Generator) -> tuple[str, ...]:
    """A line's chords with their colours, each time the same in a piece."""
    colours = _weigh_colours(sketch)
    borrows = rng.random() < BORROWED + 0.6 * max(-sketch.mood.valence, 0.0)
    names = []
    for index, text in enumerate(line.split()):
        colour = pick_weighted(rng, colours)
        if borrows and text == "IV" and index >= 2:
            text = "iv"
        names.append(name_chord(sketch, text, colour))
    return tuple(names)


def _weigh_colours(sketch: Sketch) -> dict[str, float]:
    """The style's colours: more open where it is dreamy, more sevenths where it is dusty, plain
    where it is heavy.
    """
    mood = sketch.mood
    more = {
        "add9": 0.6 * max(mood.dream, 0.0),
        "sus2": 0.3 * max(mood.dream, 0.0),
        "7": 0.5 * max(mood.dust, 0.0),
        "9": 0.3 * max(mood.dust, 0.0),
        "5": 0.6 * max(mood.weight, 0.0),
    }
    colours = dict(STYLES[sketch.style].colours)
    return colours | {name: colours.get(name, 0.0) + weight for name, weight in more.items()}


def _colour(sketch: Sketch, numeral: Numeral, colour: str) -> str:
    """The kind of a chord in a colour, as far as the key has its tones: a fifth degree gets the
    seventh of a dominant, a third degree no ninth.
    """
    scale = scale_of(sketch.key)
    root = scale[0] + numeral.offset
    is_dominant = numeral.offset == 7 or (root + 11) % 12 not in scale
    column = 2 if numeral.is_minor else 1 if is_dominant else 0
    while True:
        kind = COLOURS[colour][column]
        tones = parse_chord(spell_note(root, "C major") + kind)[3:]
        is_suspended = "sus" in kind and (root + (2 if kind == "sus2" else 5)) % 12 not in scale
        if colour in ("", "5") or not (is_suspended or any(tone not in scale for tone in tones)):
            return kind
        colour = LESS.get(colour, "")
