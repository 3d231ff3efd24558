"""Portuguese: as it is sung in Brazil."""

from __future__ import annotations

import pytest

from tests.support.sung import sing


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("coração", "K O . DX A . S AN1 W"),
        ("saudade", "S AW . D A1 . JH IY"),
        ("mãe", "M AN1 Y"),
        ("não", "N AN W"),
        ("noite", "N OY1 . CH IY"),
        ("dia", "JH IY1 . A"),
        ("história", "IY S . T AO1 . DX Y A"),
        ("água", "A1 . G W A"),
        ("cidade", "S IY . D A1 . JH IY"),
        ("rio", "HH IY1 . UW"),
        ("mulher", "M UW . LY E1 DX"),
        ("manhã", "M A . NY AN1"),
        ("sim", "S IN1"),
        ("bom", "B ON1"),
        ("exemplo", "E . Z EN1 . P L UW"),
        ("brasil", "B DX A . Z IY1 W"),
        ("alma", "AW1 . M A"),
        ("muito", "M UN1 Y . T UW"),
        ("ainda", "A . IN1 . D A"),
        ("gente", "ZH EN1 . CH IY"),
        ("você", "V O . S E1"),
        ("carro", "K A1 . HH UW"),
        ("próximo", "P DX AO1 . S IY . M UW"),
        ("filho", "F IY1 . LY UW"),
        ("quente", "K EN1 . CH IY"),
    ],
)
def test_words_are_sung_as_in_brazil(word: str, syllables: str) -> None:
    assert sing([word], "pt") == [syllables]


def test_function_words_have_no_stress() -> None:
    assert sing("eu não sei", "pt") == ["E W", "N AN W", "S EY1"]
