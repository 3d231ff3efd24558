"""Keys and chords as pitch classes, 0 for C to 11 for B."""

from __future__ import annotations

import re
from collections.abc import Iterable

NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT_NOTES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
FLAT_KEYS = ("F major", "D minor", "G minor", "C minor", "F minor")  # without a flat in their names
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_QUALITIES = {  # spellings: semitones above the root
    ("", "maj", "M"): (0, 4, 7),
    ("m", "min", "-"): (0, 3, 7),
    ("7",): (0, 4, 7, 10),
    ("maj7", "M7", "Δ"): (0, 4, 7, 11),
    ("m7", "min7", "-7"): (0, 3, 7, 10),
    ("dim", "°"): (0, 3, 6),
    ("dim7", "°7"): (0, 3, 6, 9),
    ("m7b5", "ø"): (0, 3, 6, 10),
    ("aug", "+"): (0, 4, 8),
    ("sus2",): (0, 2, 7),
    ("sus4", "sus"): (0, 5, 7),
    ("5",): (0, 7),
    ("6",): (0, 4, 7, 9),
    ("m6", "min6"): (0, 3, 7, 9),
    ("9",): (0, 4, 7, 10, 14),
    ("m9", "min9"): (0, 3, 7, 10, 14),
    ("maj9",): (0, 4, 7, 11, 14),
    ("add9",): (0, 4, 7, 14),
    ("madd9",): (0, 3, 7, 14),
    ("7sus4", "7sus"): (0, 5, 7, 10),
    ("7b9",): (0, 4, 7, 10, 13),
    ("13",): (0, 4, 7, 10, 21),
    ("m11", "min11"): (0, 3, 7, 10, 17),
    ("69",): (0, 4, 7, 9, 14),
}
QUALITIES = {
    spelling: intervals for spellings, intervals in _QUALITIES.items() for spelling in spellings
}
_KINDS = " ".join(kind for kind in QUALITIES if kind.isascii())
MAX_CHORDS = 256

_ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}


def parse_chord_line(text: str) -> tuple[str, ...]:
    """A chord line as its bars: "Am F C G" is four; in "Am F | C" the first bar is "Am F", two
    chords.

    Raises ValueError naming the chord that is none, and what is allowed.
    """
    bars = [bar.split() for bar in re.split(r"[|\n]+", text.replace(",", " ")) if bar.strip()]
    names = [name for bar in bars for name in bar]
    if not 1 <= len(names) <= MAX_CHORDS:
        raise ValueError(
            f"a chord line has 1 to {MAX_CHORDS} chords, like Am F C G, got {len(names)}"
        )
    for name in names:
        parse_chord(name)
    return tuple(names if len(bars) == 1 else map(" ".join, bars))


def parse_chord(name: str) -> tuple[int, ...]:
    """The pitch classes of a chord like "F#m7", root first; with a slash the bass first. Raises
    ValueError naming it, and what is allowed.
    """
    match = re.fullmatch(r"([A-Ga-g][#b♯♭]?)([^/]*)(?:/([A-Ga-g][#b♯♭]?))?", name)
    if not match or match[2] not in QUALITIES:
        raise ValueError(
            f'chords must be written like Am, F, C7 or G/B (kinds: {_KINDS}), got "{name[:20]}"'
        )
    root = _parse_note(match[1])
    chord = [(root + interval) % 12 for interval in QUALITIES[match[2]]]
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
    line = [parse_chord(name) for bar in chords for name in bar.split()]

    def fit(key: str) -> float:
        scale = scale_of(key)
        tonic_chord = {scale[0], scale[2]}  # of which the root and the third are enough
        inside = sum(pitch in scale for chord in line for pitch in chord)
        begins = line[0][0] in tonic_chord and tonic_chord <= {*line[0]}
        ends = tonic_chord <= {*line[-1]}
        return inside + (1.0 if begins else 0.0) + (0.5 if ends else 0.0)

    return max((f"{note} {mode}" for mode in SCALES for note in NOTES), key=fit)


def _parse_note(note: str) -> int:
    return (NOTES.index(note[0].upper()) + _ACCIDENTALS[note[1:]]) % 12
