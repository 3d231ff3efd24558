"""What stands behind a chord's root, as lead sheets write it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.guide.chord_qualities import QUALITIES, SPELLINGS, read_quality
from pipeline.guide.harmony import parse_chord

SPELLED = {  # what is written: the tones in semitones above the root
    "maj Maj M major MAJ": (0, 4, 7),
    "m min - mi minor MIN": (0, 3, 7),
    "dim ° o": (0, 3, 6),
    "aug + #5 (#5) +5": (0, 4, 8),
    "5 no3 (no3rd) omit3": (0, 7),
    "b5 (b5) ♭5": (0, 4, 6),
    "6 maj6 M6 add6": (0, 4, 7, 9),
    "69 6/9 6(9) maj6/9": (0, 4, 7, 9, 14),
    "m6/9 m69 -6/9 min6/9": (0, 3, 7, 9, 14),
    "sus sus4 (sus4)": (0, 5, 7),
    "sus2 Sus2": (0, 2, 7),
    "sus2/4 sus24": (0, 2, 5, 7),
    "add9 (add9) (9) /9 add2": (0, 4, 7, 14),
    "add11 (11) add4": (0, 4, 7, 17),
    "madd9 m(add9) m(9)": (0, 3, 7, 14),
    "maj7 M7 Δ Δ7 △7 Maj7 ma7 MA7 7M (maj7)": (0, 4, 7, 11),
    "m7 min7 -7 mi7 −7": (0, 3, 7, 10),
    "m(maj7) mMaj7 mM7 -Δ m/maj7 mmaj7 minmaj7": (0, 3, 7, 11),
    "ø ø7 Ø m7b5 m7(b5) -7b5 m7♭5 m7-5 min7b5": (0, 3, 6, 10),
    "dim7 °7 o7 º7": (0, 3, 6, 9),
    "7sus4 7sus sus7 7(sus4)": (0, 5, 7, 10),
    "7b5 7(b5) 7-5": (0, 4, 6, 10),
    "7#5 7+ +7 aug7 7(#5) 7+5": (0, 4, 8, 10),
    "maj7#5 Δ#5 +M7 augmaj7": (0, 4, 8, 11),
    "7b9 7(b9) 7-9 7♭9": (0, 4, 7, 10, 13),
    "7#9 7(#9) 7+9": (0, 4, 7, 10, 15),
    "7alt alt 7#5#9 7(#5,#9)": (0, 4, 8, 10, 15),
    "9 7(9)": (0, 4, 7, 10, 14),
    "m9 -9 m7(9)": (0, 3, 7, 10, 14),
    "maj9 M9 Δ9 maj7(9)": (0, 4, 7, 11, 14),
    "9sus4 9sus sus9 11": (0, 5, 7, 10, 14),
    "m11 -11 min11 m7(11) m7add11": (0, 3, 7, 10, 17),
    "9#11 9(#11)": (0, 4, 7, 10, 14, 18),
    "maj7#11 Δ#11 maj7(#11)": (0, 4, 7, 11, 18),
    "13 7(13)": (0, 4, 7, 10, 21),
    "maj13 M13 Δ13": (0, 4, 7, 11, 21),
    "13b9 13(b9)": (0, 4, 7, 10, 13, 21),
    "m7b5(9) ø9 m9b5": (0, 3, 6, 10, 14),
}
PARTS = (
    "maj m M - min dim aug + ° ø Δ 5 6 7 9 11 13 b5 #5 b9 #9 #11 b13 sus sus4 add9 no3 alt ( ) , /"
)


@pytest.mark.parametrize(
    ("spelling", "tones"),
    [(one, tones) for spellings, tones in SPELLED.items() for one in spellings.split()],
)
def test_a_quality_is_read_however_it_is_spelled(spelling: str, tones: tuple[int, ...]) -> None:
    assert read_quality(spelling) == tones


@pytest.mark.parametrize("bad", ["77", "79", "711", "m5", "mmaj", "2", "4", "7b", "x", "Δ5", "7/"])
def test_what_may_mean_something_else_is_none(bad: str) -> None:
    assert read_quality(bad) is None


def test_the_spellings_that_readers_are_told_are_what_they_are_said_to_be() -> None:
    for others, meant in SPELLINGS.items():
        spelled = others.split()
        for other, quality in zip(spelled, itertools.cycle(meant.split(", "))):
            if len(meant.split(", ")) in (1, len(spelled)):
                assert read_quality(other) == read_quality(quality)
    assert None not in map(read_quality, QUALITIES)


@given(st.lists(st.sampled_from(PARTS.split()), max_size=8).map("".join))
def test_any_spelling_is_a_chord_or_none(text: str) -> None:
    tones = read_quality(text)
    if tones is None:
        return
    assert tones[0] == 0
    assert len(set(tones)) == len(tones)
    assert all(0 <= tone < 24 for tone in tones)
    if len(text) < 30 and text[:1] not in ("b", "#"):  # those are the root
        assert set(parse_chord(f"C{text}")) == {tone % 12 for tone in tones}
