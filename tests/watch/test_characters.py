"""Line ends, invisible characters and the punctuation of other keyboards."""

from __future__ import annotations

import pytest

from daemon.watch.characters import fold, fold_word, split_lines
from daemon.watch.sheet import read_sheet


@pytest.mark.parametrize(
    "end", ["\n", "\r", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029"], ids=ascii
)
def test_every_line_end_is_one(end: str) -> None:
    lines = ["[verse]", "we are alive", "tonight", "", "[chorus]", "go on"]
    read = read_sheet(end.join(lines))
    assert read.values["lyrics"] == "[Verse]\nwe are alive\ntonight\n\n[Chorus]\ngo on"
    assert read.sung == (1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize("separator", ["\x1c", "\x1e", "\t", " "], ids=ascii)
def test_nothing_else_ends_a_line(separator: str) -> None:
    assert len(split_lines(f"one{separator}two")) == 1


@pytest.mark.parametrize(
    "character",
    [*"\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\xad\u202a\u202c\u2066\u2069\u180e\x07\x00"],
    ids=ascii,
)
def test_what_cannot_be_seen_hides_no_marker_and_no_parameter(character: str) -> None:
    text = "---\nbpm: 92\n---\n[verse]\nwe are\n(chorus)\nalive"
    hidden = character + character.join(text) + character
    assert read_sheet(hidden).values == read_sheet(text).values


@pytest.mark.parametrize("space", [*"\xa0\u2003\u2009\u202f\u3000"], ids=ascii)
def test_every_space_is_one(space: str) -> None:
    text = "bpm: 92\n\npre chorus 2:\nwe are alive"
    assert read_sheet(text.replace(" ", space)).values == read_sheet(text).values


@pytest.mark.parametrize(
    "words", ["👩\u200d🎤 sings", "می\u200cخواهم", "क्\u200dष", "🏳\ufe0f\u200d🌈"]
)
def test_joiners_stay_where_they_are_spelling(words: str) -> None:
    assert split_lines(words) == [words]


@pytest.mark.parametrize(
    ("written", "twin"),
    [
        ("【Ｖｅｒｓｅ　２】：", "[Verse 2]:"),
        ("（ｘ２）—“la”", '(x2)-"la"'),
        ("歌：…♪ÄЖ", "歌:…♪ÄЖ"),
    ],
)
def test_punctuation_of_other_keyboards_has_a_twin(written: str, twin: str) -> None:
    assert fold(written) == twin


def test_words_are_compared_without_case_and_accents() -> None:
    assert fold_word("Pré-Refrão Ё サビ 후렴 ß") == "pre-refrao е サビ 후렴 ß"
    assert len(fold_word("İéﬁ")) == 3
