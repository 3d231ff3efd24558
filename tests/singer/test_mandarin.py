"""Mandarin: syllables of pinyin, and of Chinese characters."""

from __future__ import annotations

import pytest

from pipeline.singer.mandarin import spell_characters
from tests.support.sung import sing


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("nǐ", "N IY1"),
        ("ni3", "N IY1"),
        ("ni", "N IY1"),
        ("hǎo", "X AW1"),
        ("nihao", "N IY1 . X AW2"),
        ("ni3hao3", "N IY1 . X AW2"),
        ("xian", "C Y EH1 N"),
        ("xi'an", "C IY1 . A2 N"),
        ("yinian", "IY1 . N Y EH2 N"),  # not yin and ian
        ("women", "W AO1 . M AX N"),
        ("nǚhái", "N UE1 . X AY2"),
        ("lv4", "L UE1"),
        ("shi", "SH IX1"),
        ("xi", "C IY1"),
        ("zhongguo", "JH UH1 NG . G W AO2"),
        ("yueliang", "WY EH1 . L Y AA2 NG"),
        ("xue", "C WY EH1"),
        ("chuang", "CH W AA1 NG"),
        ("qiong", "CH Y UH1 NG"),
        ("yuan", "WY EH1 N"),
        ("er", "AA1 R"),
        ("de", "D EU"),
    ],
)
def test_pinyin_is_sung_with_or_without_its_tones(word: str, syllables: str) -> None:
    assert sing([word], "zh") == [syllables]


@pytest.mark.parametrize("word", ["hello", "love", "street", "b", "nihaox", "你"])
def test_what_is_no_pinyin_is_not_read(word: str) -> None:
    assert sing([word], "zh") == [""]


def test_characters_are_read_as_those_beside_them_want_it() -> None:
    assert spell_characters("快乐音乐") == ["kuai", "le", "yin", "yue"]
    assert sing(spell_characters("女"), "zh") == ["N UE1"]
