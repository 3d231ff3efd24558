"""Spanish: sounds and stress follow from the spelling."""

from __future__ import annotations

import pytest

from tests.support.sung import sing


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("corazón", "K O . DX A . S O1 N"),
        ("guitarra", "G IY . T A1 . RR A"),
        ("méxico", "M E1 . X IY . K O"),
        ("niño", "N IY1 . NY O"),
        ("llorar", "Y O . DX A1 DX"),
        ("cielo", "S Y E1 . L O"),
        ("noche", "N O1 . CH E"),
        ("guerra", "G E1 . RR A"),
        ("pingüino", "P IY NG . G W IY1 . N O"),
        ("tierra", "T Y E1 . RR A"),
        ("muy", "M W IY1"),
        ("hoy", "OY1"),
        ("ciudad", "S Y UW . DH A1 DH"),
        ("hueso", "W E1 . S O"),
        ("jueves", "X W E1 . B E S"),
        ("español", "E S . P A . NY O1 L"),
        ("caótico", "K A . O1 . T IY . K O"),
        ("reír", "RR E . IY1 DX"),
        ("llave", "Y A1 . B E"),
        ("viento", "B Y E1 N . T O"),
        ("canción", "K A N . S Y O1 N"),
        ("amigo", "A . M IY1 . G O"),
        ("dulce", "D UW1 L . S E"),
        ("quiero", "K Y E1 . DX O"),
    ],
)
def test_words_are_sung_as_they_are_spelled(word: str, syllables: str) -> None:
    assert sing([word], "es") == [syllables]


def test_adverbs_keep_the_stress_of_their_adjective_as_a_second_one() -> None:
    assert sing(["fácilmente"], "es") == ["F A2 . S IY L . M E1 N . T E"]
    assert sing(["realmente"], "es") == ["RR E . A2 L . M E1 N . T E"]
    assert sing(["mente"], "es") == ["M E1 N . T E"]


def test_function_words_have_no_stress() -> None:
    assert sing("por qué te vas", "es") == ["P O DX", "K E1", "T E", "B A1 S"]
