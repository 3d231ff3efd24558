"""Polish: sounds follow from the spelling, the stress is on the last syllable but one."""

from __future__ import annotations

import pytest

from pipeline.singer.pronounce import pronounce_lyrics
from tests.support.sung import sing, write


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("kocham", "K AO1 . X A M"),
        ("miłość", "M IY1 . W AO C CH"),
        ("dzień", "JH EH1 NY"),
        ("chleb", "X L EH1 P"),  # without voice at its end,
        ("wtorek", "F T AO1 . DX EH K"),  # and before what has none,
        ("kwiat", "K F Y A1 T"),  # and behind it
        ("przyjaciel", "P SH IH . Y A1 . CH EH L"),
        ("rzeka", "ZH EH1 . K A"),
        ("łóżko", "W UW1 . SH K AO"),
        ("zima", "ZH IY1 . M A"),
        ("ziemia", "ZH EH1 . M Y A"),
        ("siostra", "C AO1 . S T DX A"),
        ("niebo", "NY EH1 . B AO"),
        ("ząb", "Z AO1 M P"),
        ("ręka", "RR EH1 NG . K A"),
        ("piątek", "P Y AO1 N . T EH K"),
        ("pięć", "P Y EH1 NY CH"),
        ("mąż", "M ON1 SH"),
        ("idę", "IY1 . D EH"),
        ("także", "T A1 . G ZH EH"),
        ("świat", "C F Y A1 T"),
        ("dżem", "JH EH1 M"),
    ],
)
def test_words_are_sung_as_they_are_spelled(word: str, syllables: str) -> None:
    assert sing([word], "pl") == [syllables]


@pytest.mark.parametrize(
    ("word", "place"),
    [
        ("tęsknota", -2),
        ("samochody", -2),
        ("muzyka", -3),
        ("śpiewaliśmy", -3),
        ("jesteśmy", -2),
        ("chciałabym", -3),
        ("noc", -1),
    ],
)
def test_the_last_syllable_but_one_has_the_stress(word: str, place: int) -> None:
    syllables = sing([word], "pl")[0].split(" . ")
    assert [each for each in syllables if each.endswith("1") or "1 " in each] == [syllables[place]]


def test_words_without_a_vowel_are_short_syllables() -> None:
    assert sing("w domu", "pl") == ["V AX", "D AO1 . M UW"]


def test_a_polish_sheet_is_sung_as_polish_where_nobody_says_so() -> None:
    lyrics = pronounce_lyrics(["Noc przyszła nad miasto", "i znowu jestem sam"])
    assert lyrics.language == "pl"
    assert lyrics.notes == ("no language is given: sung as Polish",)
    assert write(lyrics.lines[1][2].syllables) == "Y EH1 . S T EH M"
