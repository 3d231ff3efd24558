"""What the planner can write is always music's metadata, and exactly the codes that were asked
for.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from pipeline.planner import grammar, templates
from pipeline.planner.grammar import (
    AnswerFormat,
    GrammarMatcher,
    TokenSet,
    Vocabulary,
    VocabularyError,
)
from pipeline.request import LANGUAGES
from tests.support.planners import make_tokenizer

TOKENIZER = make_tokenizer()
VOCABULARY = Vocabulary(TOKENIZER, TOKENIZER.get_vocab_size())
WORDLESS = frozenset({"caption", "genres"})


def write_at_random(matcher: GrammarMatcher, rng: random.Random, most: int = 2000) -> list[int]:
    """Tokens at random, out of those that are allowed."""
    written: list[int] = []
    while len(written) < most and (not written or written[-1] != VOCABULARY.end):
        if matcher.needs_top_token:
            matcher.see_top_token(rng.choice(VOCABULARY.text.ids).item())
        written.append(int(rng.choice(matcher.allowed_tokens().tokens.ids)))
        matcher.accept(written[-1])
    return written


def write_text(matcher: GrammarMatcher, text: str) -> None:
    """Writes a text, in which the network is sure of itself."""
    for token in VOCABULARY.encode(text):
        if matcher.needs_top_token:
            matcher.see_top_token(token)
        assert token in matcher.allowed_tokens().tokens.ids, VOCABULARY.decode([token])
        matcher.accept(token)


@given(st.integers(0, 2**32))
def test_whatever_is_chosen_the_metadata_are_possible(seed: int) -> None:
    matcher = grammar.build_matcher(VOCABULARY, AnswerFormat(skipped=WORDLESS))
    metadata = templates.parse_metadata(
        VOCABULARY.decode(write_at_random(matcher, random.Random(seed)))
    )
    assert set(metadata) == {"bpm", "duration", "keyscale", "language", "timesignature"}
    assert metadata["bpm"] in range(30, 301)
    assert metadata["duration"] in range(10, 601)
    assert metadata["keyscale"] in grammar.KEYS
    assert metadata["language"] in LANGUAGES
    assert metadata["timesignature"] in {"2", "3", "4", "6"}


def test_every_value_can_be_written() -> None:
    for name, values in grammar.VALUES.items():
        for value in values:
            skipped = frozenset(grammar.FIELDS) - {name}
            matcher = grammar.build_matcher(VOCABULARY, AnswerFormat(skipped=skipped))
            matcher.accept_forced()
            ids = VOCABULARY.encode(f"{name}: {value}")[len(VOCABULARY.encode(f"{name}:")) :]
            for token in ids[count_forced(matcher, ids) :]:
                assert token in matcher.allowed_tokens().tokens.ids, (name, value)
                matcher.accept(token)
            assert VOCABULARY.newline in matcher.allowed_tokens().tokens.ids, (name, value)


def count_forced(matcher: GrammarMatcher, ids: list[int]) -> int:
    """How many of a value\'s first tokens left no choice and were written with the name."""
    return 0 if ids[0] in matcher.allowed_tokens().tokens.ids else 1


def test_what_is_given_is_written_as_it_is() -> None:
    given = {
        "bpm": "412",
        "caption": "Über allem: Ruh",
        "keyscale": "H dur",
        "language": "fr",
        "timesignature": "7",
    }
    matcher = grammar.build_matcher(
        VOCABULARY, AnswerFormat(given, frozenset({"genres", "duration"}))
    )
    text = VOCABULARY.decode(matcher.accept_forced())
    assert templates.parse_metadata(text) == given | {"bpm": 412}
    assert text.endswith("<|im_end|>")


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_there_are_exactly_five_codes_a_second(seed: int, tenths: int) -> None:
    seconds = tenths / 5
    written = write_at_random(grammar.build_codes_matcher(VOCABULARY, seconds), random.Random(seed))
    assert len(written) == tenths + 1
    assert all(id in VOCABULARY.code_of for id in written[:-1])
    assert written[-1] == VOCABULARY.end


def test_codes_without_a_length_end_when_the_network_ends_them() -> None:
    matcher = grammar.build_codes_matcher(VOCABULARY, None)
    assert set(matcher.allowed_tokens().tokens.ids.tolist()) == {
        *VOCABULARY.code_of,
        VOCABULARY.end,
    }


def test_a_caption_ends_with_the_name_of_the_field_that_comes_next() -> None:
    matcher = grammar.build_matcher(VOCABULARY, AnswerFormat({"bpm": "90"}))
    matcher.accept_forced()
    write_text(matcher, " Soft piano.\n  Then strings.\nkeyscale:")
    assert (
        VOCABULARY.decode([int(i) for i in matcher.allowed_tokens().tokens.ids]).strip()[0]
        in grammar.NOTE_LETTERS
    )


def test_a_caption_that_ends_with_another_name_goes_on_with_the_next_field() -> None:
    matcher = grammar.build_matcher(VOCABULARY, AnswerFormat({"bpm": "90"}))
    matcher.accept_forced()
    write_text(matcher, " Soft piano.\nmood:")
    assert VOCABULARY.decode(matcher.accept_forced()).startswith("duration:")


def test_no_audio_codes_and_no_backticks_in_a_caption() -> None:
    matcher = grammar.build_matcher(VOCABULARY, AnswerFormat({"bpm": "90"}))
    matcher.accept_forced()
    allowed = set(matcher.allowed_tokens().tokens.ids.tolist())
    assert not allowed & {*VOCABULARY.code_of, *VOCABULARY.encode("`")}
    assert len(allowed) == len(VOCABULARY.all_tokens) - len(VOCABULARY.codes) - 1


def test_captions_and_genres_have_a_longest_length() -> None:
    (word,) = VOCABULARY.encode("a")
    for skipped, most in (
        ({"genres"}, grammar.CAPTION_TOKENS),
        ({"caption", "duration"}, grammar.GENRES_TOKENS),
    ):
        matcher = grammar.build_matcher(VOCABULARY, AnswerFormat({"bpm": "90"}, frozenset(skipped)))
        matcher.accept_forced()
        for _ in range(most):
            if matcher.needs_top_token:
                matcher.see_top_token(word)
            matcher.accept(word)
        assert matcher.allowed_tokens().tokens.ids.tolist() == [VOCABULARY.newline]


def test_after_understanding_come_words_and_no_codes() -> None:
    matcher = grammar.build_matcher(
        VOCABULARY, AnswerFormat({"bpm": "90"}, frozenset(grammar.FIELDS) - {"bpm"}, "text")
    )
    assert VOCABULARY.decode(matcher.accept_forced()) == "<think>\nbpm: 90\n</think>"
    assert matcher.is_free_text
    assert matcher.allowed_tokens().tokens is VOCABULARY.text


@pytest.mark.parametrize(
    ("seconds", "phase", "tokens"),
    [
        (None, "cot", 3500),
        (5.0, "codes", 60),
        (30.0, "cot", 650),
        (600.0, "codes", 3010),
        (9999.0, "codes", 3010),
    ],
)
def test_there_is_a_budget(seconds: float | None, phase: str, tokens: int) -> None:
    assert grammar.budget_tokens(seconds, phase) == tokens


def test_a_row_of_neighbours_is_one_run() -> None:
    assert TokenSet([5, 3, 4, 9]).runs == [slice(3, 6), slice(9, 10)]
    assert TokenSet(range(0, 100, 2)).runs is None


def test_gaps_in_the_audio_tokens_are_counted_and_never_written() -> None:
    tokenizer = make_tokenizer(codes=[0, 1, 7, 64_000, 65_534])
    vocabulary = Vocabulary(tokenizer, tokenizer.get_vocab_size())
    assert list(vocabulary.code_ids) == [0, 1, 7]
    assert vocabulary.missing_codes == 64_000 - 3
    assert len(grammar.build_codes_matcher(vocabulary, 1.0).allowed_tokens().tokens) == 3


@pytest.mark.parametrize(
    ("tokenizer", "size", "message"),
    [
        (make_tokenizer(codes=[]), 9999, "has no audio tokens"),
        (make_tokenizer(codes=[64_000]), 9999, "has no audio tokens"),
        (make_tokenizer(special_tokens=["<think>"]), 9999, "has no </think> <|im_end|>"),
        (TOKENIZER, 400, "the network knows 400 tokens"),
    ],
)
def test_a_tokenizer_that_is_no_planners_is_refused(
    tokenizer: Tokenizer, size: int, message: str
) -> None:
    with pytest.raises(VocabularyError) as refused:
        Vocabulary(tokenizer, size)
    assert message in str(refused.value)
