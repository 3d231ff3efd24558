"""Japanese: moras of kana and romaji."""

from __future__ import annotations

import pytest

from tests.support.sung import sing


@pytest.mark.parametrize(
    ("word", "moras"),
    [
        ("きみ", "K IY1 . M IY"),
        ("さよなら", "S A1 . Y O . N A . DX A"),
        ("ありがとう", "A1 . DX IY . G A . T O . O"),
        ("とうきょう", "T O1 . O . K Y O . O"),
        ("がっこう", "G A1 K . K O . O"),
        ("きって", "K IY1 T . T E"),
        ("まっちゃ", "M A1 T . CH A"),
        ("しんぶん", "SH IY1 . MM . B UW . NN"),
        ("ほん", "HH O1 . NN"),
        ("ラーメン", "DX A1 . A . M E . NN"),
        ("ファン", "F A1 . NN"),
        ("パーティー", "P A1 . A . T IY . IY"),
        ("ウィスキー", "W IY1 . S UW . K IY . IY"),
        ("シェリー", "SH E1 . DX IY . IY"),
        ("つづく", "TS UW1 . Z UW . K UW"),
        ("は", "W A1"),
        ("を", "O1"),
        ("こんにちは", "K O1 . NN . N IY . CH IY . W A"),
    ],
)
def test_kana_are_moras(word: str, moras: str) -> None:
    assert sing([word], "ja") == [moras]


@pytest.mark.parametrize(
    ("romaji", "kana"),
    [
        ("kimi", "きみ"),
        ("arigatou", "ありがとう"),
        ("tōkyō", "とうきょう"),
        ("gakkou", "がっこう"),
        ("kitte", "きって"),
        ("matcha", "まっちゃ"),
        ("maccha", "まっちゃ"),
        ("shinbun", "しんぶん"),
        ("shimbun", "しんぶん"),
        ("si", "し"),
        ("tu", "つ"),
        ("kon'ya", "こんや"),
        ("konnichiwa", "こんにちは"),
    ],
)
def test_romaji_is_sung_as_the_kana_that_it_stands_for(romaji: str, kana: str) -> None:
    assert sing([romaji], "ja") == sing([kana], "ja")


@pytest.mark.parametrize("word", ["hello", "love", "street", "x", "君", "kimix"])
def test_what_is_neither_is_not_read(word: str) -> None:
    assert sing([word], "ja") == [""]
