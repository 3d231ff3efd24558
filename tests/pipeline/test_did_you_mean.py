"""A misspelt word is answered with the one that it may be a slip for."""

from __future__ import annotations

import pytest

from pipeline.did_you_mean import find_similar, suggest
from pipeline.request import BadRequest, Request

KNOWN = ("bars", "bpm", "Take_One")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("brs", "did you mean bars?"),
        ("BARS", "did you mean bars?"),
        ("take one", "did you mean Take_One?"),
        ("xylophone", ""),
        ("", ""),
    ],
)
def test_a_word_is_compared_whatever_its_case(word: str, hint: str) -> None:
    assert suggest(word, KNOWN) == hint


def test_nothing_is_suggested_where_nothing_is_known() -> None:
    assert find_similar("bars", ()) == ""
    assert find_similar("bars", ("",)) == ""


@pytest.mark.parametrize(
    ("field", "value", "hint"),
    [
        ("sampler", "uler", "did you mean euler?"),
        ("language", "germn", "did you mean german?"),
        ("task", "repant", "did you mean repaint?"),
    ],
)
def test_a_parameters_words_are_suggested(field: str, value: str, hint: str) -> None:
    with pytest.raises(BadRequest) as refused:
        Request().changed({field: value})
    assert refused.value.hint == hint
