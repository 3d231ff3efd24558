"""Keys and chords as pitch classes, 0 for C to 11 for B."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .chord_qualities import QUALITIES, read_quality

NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT_NOTES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
FLAT_KEYS = ("F major", "D minor", "G minor", "C minor", "F minor")  # without a flat in their names
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
MAX_CHORDS = 256
MAX_NAME = 32  # characters of one chord

_ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}
_CHORD = re.compile(r"([A-Ha-g][#b♯♭]?)(.*?)(?:/([A-Ha-g][#b♯♭]?))?")
_REST = re.compile(r"\(?n\.?/?c\.?\)?", re.IGNORECASE)
# a (b9) by itself belongs to the chord before it
_LOOSE = re.compile(r"\s(?=\((?:[#b♯♭+-]?[0-9]|add|no|omit|sus|maj|M7))")
_SEPARATOR = re.compile(r",(?![^()|,]{0,9}\))")
_SOLFEGE = re.compile(r"(^|/)(do|r[eé]|mi|fa|sol|la|si)", re.IGNORECASE)
_SOLFEGE_NOTES = {"do": "C", "re": "D", "mi": "E", "fa": "F", "sol": "G", "la": "A", "si": "B"}
_GERMAN = re.compile(r"(^|/)([BH])(?![b♭#♯])")


def parse_chord_line(text: str) -> tuple[str, ...]:
    """A chord line as its bars: "Am F C G" is four; in "Am F | C" the first bar is "Am F", two
    chords. In one with a German H every B is a Bb, and both are named as in English; so are the
    names of one in solfège, Do Fa Sol Lam.

    Raises ValueError naming the chord that is none, and what is allowed.
    """
    text = _SEPARATOR.sub(" ", _LOOSE.sub("", text))
    bars = [bar.split() for bar in re.split(r"[|\n]+", text) if bar.strip()]
    names = [name for bar in bars for name in bar]
    if not 1 <= len(names) <= MAX_CHORDS:
        raise ValueError(
            f"a chord line has 1 to {MAX_CHORDS} chords, like Am F C G, got {len(names)}"
        )
    try:
        chords = [parse_chord(name) for name in names]
    except ValueError:
        if (translated := _translate_solfege(bars)) is None:
            raise
        return parse_chord_line(translated)
    if not any(chords):
        raise ValueError(f"a chord line has a chord, like Am F C G, got {names[0]} only")
    if any("H" in name for name in names):
        bars = [[_GERMAN.sub(_translate_german, name) for name in bar] for bar in bars]
        names = [name for bar in bars for name in bar]
    return tuple(names if len(bars) == 1 else map(" ".join, bars))


def parse_chord(name: str) -> tuple[int, ...]:
    """The pitch classes of a chord like "F#m7", root first, then third, fifth, seventh and what is
    above; with a slash the bass first. Of N.C., where no chord is played, none.

    Raises ValueError naming it, and what is allowed.
    """
    if _REST.fullmatch(name):
        return ()
    if name.startswith("Do"):
        raise ValueError(
            "chords must be written like Ddim or D° for D diminished, and C for the Do of "
            f'solfège, got "{name[:20]}"'
        )
    match = _CHORD.fullmatch(name) if len(name) <= MAX_NAME else None
    intervals = read_quality(match[2]) if match else None
    if not match or intervals is None:
        kinds = " ".join(QUALITIES).strip()
        raise ValueError(
            f'chords must be written like Am, F, C7 or G/B, and N.C. for none, got "{name[:20]}" '
            f"(kinds: {kinds})"
        )
    root = _parse_note(match[1])
    chord = [(root + interval) % 12 for interval in intervals]
    return tuple(dict.fromkeys([_parse_note(match[3]), *chord] if match[3] else chord))


def scale_of(key: str) -> tuple[int, ...]:
    """The pitch classes of a key like "A minor", tonic first."""
    note, mode = key.split()
    tonic = _parse_note(note)
    return tuple((tonic + step) % 12 for step in SCALES[mode])


def spell_note(pitch_class: int, key: str) -> str:
    """A note as people write it in a key: Bb in F major, A# in B minor."""
    note, _ = key.split()
    is_flat = note.endswith(("b", "♭")) or key in FLAT_KEYS
    return (FLAT_NOTES if is_flat else NOTES)[pitch_class % 12]


def adapt_scale(scale: tuple[int, ...], chord: tuple[int, ...]) -> tuple[int, ...]:
    """The scale with a chord's foreign notes in place of their neighbours: G# instead of G with E
    major in A minor.
    """
    neighbours = {
        (pitch + shift) % 12 for pitch in chord if pitch not in scale for shift in (-1, 1)
    }
    return tuple(sorted({*chord} | ({*scale} - neighbours)))


def fit_key(chords: Iterable[str]) -> str:
    """The key with the most notes of a chord line; between equals the one whose tonic chord begins
    it, or ends it.
    """
    named = (parse_chord(name) for bar in chords for name in bar.split())
    line = [chord for chord in named if chord]

    def fit(key: str) -> float:
        scale = scale_of(key)
        tonic_chord = {scale[0], scale[2]}  # of which the root and the third are enough
        inside = sum(pitch in scale for chord in line for pitch in chord)
        begins = line[0][0] in tonic_chord and tonic_chord <= {*line[0]}
        ends = tonic_chord <= {*line[-1]}
        return inside + (1.0 if begins else 0.0) + (0.5 if ends else 0.0)

    return max((f"{note} {mode}" for mode in SCALES for note in NOTES), key=fit)


def _translate_solfege(bars: Iterable[list[str]]) -> str | None:
    """A chord line with every name in solfège, as in English; None of any other, of a name alone
    (La may be a word), and of nothing but Do, which may be meant as D diminished.
    """
    names = [name for bar in bars for name in bar if not _REST.fullmatch(name)]
    matches = [_SOLFEGE.match(name) for name in names]
    if (
        len(names) < 2
        or not all(matches)
        or {match[2].lower() for match in matches if match} == {"do"}
    ):
        return None
    line = " | ".join(" ".join(_SOLFEGE.sub(_name_note, name) for name in bar) for bar in bars)
    try:
        for name in line.replace("|", " ").split():
            parse_chord(name)
    except ValueError:
        return None
    return line


def _name_note(match: re.Match[str]) -> str:
    return match[1] + _SOLFEGE_NOTES[match[2].lower().replace("é", "e")]


def _translate_german(match: re.Match[str]) -> str:
    return match[1] + {"B": "Bb", "H": "B"}[match[2]]


def _parse_note(note: str) -> int:
    note = note.replace("H", "B")
    return (NOTES.index(note[0].upper()) + _ACCIDENTALS[note[1:]]) % 12
