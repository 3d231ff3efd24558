"""The language of lyrics is told by scripts, common words and letters; English where nothing is."""

from __future__ import annotations

import pytest

from pipeline.request import LANGUAGES
from pipeline.singer.languages import NAMES, READERS, guess_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I've been walking in the summer rain", "en"),
        ("baby baby ooh", "en"),
        ("", "en"),
        ("🔥 123", "en"),
        ("¿dónde estás? te quiero", "es"),
        ("bailando con la luna y el mar", "es"),
        ("la mia vita è bella con te", "it"),
        ("ich liebe dich für immer", "de"),
        ("je t'aime, mon amour", "fr"),
        ("não sei o que fazer sem você", "pt"),
        ("kimi no na wa", "ja"),
        ("きみの love song", "ja"),
        ("君が好き", "ja"),
        ("月亮代表我的心", "zh"),
        ("wǒ ài nǐ", "zh"),
        ("안녕 my love", "ko"),
    ],
)
def test_languages_are_guessed(text: str, language: str) -> None:
    assert guess_language(text) == language


def test_every_reader_has_a_name_and_a_code_that_requests_know() -> None:
    assert READERS.keys() <= NAMES.keys() <= set(LANGUAGES)
