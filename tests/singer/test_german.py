"""German: long and short vowels, ch after its vowel, hard ends, and prefixes."""

from __future__ import annotations

import pytest

from tests.support.sung import sing


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("liebe", "L IY1 . B AX"),
        ("schön", "SH OE1 N"),
        ("straße", "SH T RX A1 . S AX"),
        ("nacht", "N A1 X T"),
        ("ich", "IH C"),
        ("könig", "K OE1 . N IH C"),
        ("tag", "T A1 K"),
        ("herz", "HH EH1 RX TS"),
        ("sprechen", "SH P RX EH1 . C AX N"),
        ("verstehen", "F EH RX . SH T E1 . AX N"),
        ("aufstehen", "AW1 F . SH T E . AX N"),
        ("träume", "T RX OY1 . M AX"),
        ("abend", "A1 . B AX N T"),
        ("feuer", "F OY1 . AH"),
        ("quelle", "K V EH1 . L AX"),
        ("zwei", "TS V AY1"),
        ("vogel", "F O1 . G AX L"),
        ("süß", "Z UE1 S"),
        ("mädchen", "M EH1 D . C AX N"),
        ("lächeln", "L EH1 . C AX L N"),
        ("gegangen", "G AX . G A1 NG . AX N"),
        ("himmel", "HH IH1 . M AX L"),
        ("bett", "B EH1 T"),
        ("singen", "Z IH1 NG . AX N"),
        ("sechs", "Z EH1 K S"),
        ("freundlich", "F RX OY1 N T . L IH C"),
        ("geist", "G AY1 S T"),
    ],
)
def test_words_are_sung_as_they_are_spelled(word: str, syllables: str) -> None:
    assert sing([word], "de") == [syllables]


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("verlieben", "F EH RX . L IY1 . B AX N"),
        ("beginnen", "B AX . G IH1 . N AX N"),
        ("gestern", "G EH1 S . T AH N"),  # no ge-
        ("geben", "G E1 . B AX N"),
        ("beide", "B AY1 . D AX"),
        ("unendlich", "UH1 . N EH N T . L IH C"),
        ("allein", "A . L AY1 N"),
        ("damit", "D A . M IH1 T"),
        ("station", "SH T A TS . Y O1 N"),
        ("melodie", "M E . L O . D IY1"),
        ("studieren", "SH T UW . D IY1 . RX AX N"),
    ],
)
def test_stress_is_on_the_stem(word: str, syllables: str) -> None:
    assert sing([word], "de") == [syllables]


def test_function_words_have_no_stress() -> None:
    assert sing("ich liebe dich", "de") == ["IH C", "L IY1 . B AX", "D IH C"]
