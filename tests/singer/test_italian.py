"""Italian: sounds follow from the spelling, stress from accents, endings and a list."""

from __future__ import annotations

import pytest

from tests.support.sung import sing


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("amore", "A . M O1 . DX E"),
        ("cielo", "CH E1 . L O"),
        ("ciao", "CH AW1"),
        ("famiglia", "F A . M IY1 . LY A"),
        ("gnocchi", "NY O1 K . K IY"),
        ("notte", "N O1 T . T E"),
        ("grazie", "G DX A1 . TS Y E"),
        ("più", "P Y UW1"),
        ("città", "CH IY T . T A1"),
        ("chiesa", "K Y E1 . Z A"),
        ("giorno", "JH O1 RR . N O"),
        ("scena", "SH E1 . N A"),
        ("può", "P W AO1"),
        ("zero", "DZ E1 . DX O"),
        ("uomo", "W O1 . M O"),
        ("gli", "LY IY"),
        ("bacio", "B A1 . CH O"),
        ("acqua", "A1 K . K W A"),
        ("perché", "P E RR . K E1"),
        ("guerra", "G W E1 RR . RR A"),
        ("sbaglio", "Z B A1 . LY O"),
        ("quello", "K W E1 L . L O"),
        ("sole", "S O1 . L E"),
    ],
)
def test_words_are_sung_as_they_are_spelled(word: str, syllables: str) -> None:
    assert sing([word], "it") == [syllables]


@pytest.mark.parametrize(
    ("word", "place"),
    [
        ("amore", -2),
        ("musica", -3),
        ("bellissima", -3),
        ("anima", -3),
        ("ballavano", -3),
        ("credere", -3),
        ("vedere", -2),
        ("amico", -2),
        ("parola", -2),
        ("piccolo", -3),
        ("poesia", -2),
        ("malinconia", -2),
        ("storia", -2),
        ("nessun", -1),
        ("vorrei", -1),
        ("felicità", -1),
        ("l'angelo", -3),
    ],
)
def test_stress_follows_from_accents_endings_and_known_words(word: str, place: int) -> None:
    syllables = sing([word], "it")[0].split(" . ")
    assert [each for each in syllables if each.endswith("1") or "1 " in each] == [syllables[place]]


def test_an_article_with_an_apostrophe_is_sung_with_its_word() -> None:
    assert sing(["l'amore", "un'altra"], "it") == ["L A . M O1 . DX E", "UW . N A1 L . T DX A"]
