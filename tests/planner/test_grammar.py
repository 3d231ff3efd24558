"""What the planner can write is always music's metadata, and exactly the codes that were asked
for.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from pipeline.planner import grammar, templates
from pipeline.planner.grammar import Outline, Tokens, Vocabulary, VocabularyError, Walk
from pipeline.request import LANGUAGES
from tests.support.studio import tokenizer

WORDS = tokenizer()
VOCABULARY = Vocabulary(WORDS, WORDS.get_vocab_size())
WORDLESS = frozenset({"caption", "genres"})


def wander(walk: Walk, chance: random.Random, most: int = 2000) -> list[int]:
    """Tokens at random, out of those that are allowed."""
    written: list[int] = []
    while len(written) < most and (not written or written[-1] != VOCABULARY.end):
        if walk.curious:
            walk.see(chance.choice(VOCABULARY.text.ids).item())
        written.append(int(chance.choice(walk.allowed().tokens.ids)))
        walk.take(written[-1])
    return written


def typed(walk: Walk, text: str) -> None:
    """Writes a text, in which the network is sure of itself."""
    for token in VOCABULARY.encode(text):
        if walk.curious:
            walk.see(token)
        assert token in walk.allowed().tokens.ids, VOCABULARY.decode([token])
        walk.take(token)


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_is_chosen_the_metadata_are_possible(seed: int) -> None:
    walk = grammar.walk(VOCABULARY, Outline(skipped=WORDLESS))
    metas = templates.metas_of(VOCABULARY.decode(wander(walk, random.Random(seed))))
    assert set(metas) == {"bpm", "duration", "keyscale", "language", "timesignature"}
    assert metas["bpm"] in range(30, 301)
    assert metas["duration"] in range(10, 601)
    assert metas["keyscale"] in grammar.KEYS
    assert metas["language"] in LANGUAGES
    assert metas["timesignature"] in {"2", "3", "4", "6"}


def test_every_value_can_be_written() -> None:
    for name, values in grammar.VALUES.items():
        for value in values:
            skipped = frozenset(grammar.FIELDS) - {name}
            walk = grammar.walk(VOCABULARY, Outline(skipped=skipped))
            walk.forced()
            ids = VOCABULARY.encode(f"{name}: {value}")[len(VOCABULARY.encode(f"{name}:")) :]
            for token in ids[walk_started(walk, ids) :]:
                assert token in walk.allowed().tokens.ids, (name, value)
                walk.take(token)
            assert VOCABULARY.newline in walk.allowed().tokens.ids, (name, value)


def walk_started(walk: Walk, ids: list[int]) -> int:
    """How many of a value's first tokens left no choice and were written with the name."""
    return 0 if ids[0] in walk.allowed().tokens.ids else 1


def test_what_is_given_is_written_as_it_is() -> None:
    given = {
        "bpm": "412",
        "caption": "Über allem: Ruh",
        "keyscale": "H dur",
        "language": "fr",
        "timesignature": "7",
    }
    walk = grammar.walk(VOCABULARY, Outline(given, frozenset({"genres", "duration"})))
    text = VOCABULARY.decode(walk.forced())
    assert templates.metas_of(text) == given | {"bpm": 412}
    assert text.endswith("<|im_end|>")


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60))
def test_there_are_exactly_five_codes_a_second(seed: int, tenths: int) -> None:
    seconds = tenths / 5
    written = wander(grammar.codes_walk(VOCABULARY, seconds), random.Random(seed))
    assert len(written) == tenths + 1
    assert all(id in VOCABULARY.code_of for id in written[:-1])
    assert written[-1] == VOCABULARY.end


def test_codes_without_a_length_end_when_the_network_ends_them() -> None:
    walk = grammar.codes_walk(VOCABULARY, None)
    assert set(walk.allowed().tokens.ids.tolist()) == {*VOCABULARY.code_of, VOCABULARY.end}


def test_a_caption_ends_with_the_name_of_the_field_that_comes_next() -> None:
    walk = grammar.walk(VOCABULARY, Outline({"bpm": "90"}))
    walk.forced()
    typed(walk, " Soft piano.\n  Then strings.\nkeyscale:")
    assert (
        VOCABULARY.decode([int(i) for i in walk.allowed().tokens.ids]).strip()[0] in grammar.NOTES
    )


def test_a_caption_that_ends_with_another_name_goes_on_with_the_next_field() -> None:
    walk = grammar.walk(VOCABULARY, Outline({"bpm": "90"}))
    walk.forced()
    typed(walk, " Soft piano.\nmood:")
    assert VOCABULARY.decode(walk.forced()).startswith("duration:")


def test_no_audio_codes_and_no_backticks_in_a_caption() -> None:
    walk = grammar.walk(VOCABULARY, Outline({"bpm": "90"}))
    walk.forced()
    allowed = set(walk.allowed().tokens.ids.tolist())
    assert not allowed & {*VOCABULARY.code_of, *VOCABULARY.encode("`")}
    assert len(allowed) == len(VOCABULARY.every) - len(VOCABULARY.codes) - 1


def test_captions_and_genres_have_a_longest_length() -> None:
    (word,) = VOCABULARY.encode("a")
    for skipped, most in (
        ({"genres"}, grammar.CAPTION_TOKENS),
        ({"caption", "duration"}, grammar.GENRES_TOKENS),
    ):
        walk = grammar.walk(VOCABULARY, Outline({"bpm": "90"}, frozenset(skipped)))
        walk.forced()
        for _ in range(most):
            if walk.curious:
                walk.see(word)
            walk.take(word)
        assert walk.allowed().tokens.ids.tolist() == [VOCABULARY.newline]


def test_after_understanding_come_words_and_no_codes() -> None:
    walk = grammar.walk(
        VOCABULARY, Outline({"bpm": "90"}, frozenset(grammar.FIELDS) - {"bpm"}, "text")
    )
    assert VOCABULARY.decode(walk.forced()) == "<think>\nbpm: 90\n</think>"
    assert walk.free
    assert walk.allowed().tokens is VOCABULARY.text


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
    assert grammar.budget(seconds, phase) == tokens


def test_a_row_of_neighbours_is_one_run() -> None:
    assert Tokens([5, 3, 4, 9]).runs == [slice(3, 6), slice(9, 10)]
    assert Tokens(range(0, 100, 2)).runs is None


def test_gaps_in_the_audio_tokens_are_counted_and_never_written() -> None:
    words = tokenizer(codes=[0, 1, 7, 64_000, 65_534])
    vocabulary = Vocabulary(words, words.get_vocab_size())
    assert list(vocabulary.code_ids) == [0, 1, 7]
    assert vocabulary.gaps == 64_000 - 3
    assert len(grammar.codes_walk(vocabulary, 1.0).allowed().tokens) == 3


@pytest.mark.parametrize(
    ("words", "size", "message"),
    [
        (tokenizer(codes=[]), 9999, "has no audio tokens"),
        (tokenizer(codes=[64_000]), 9999, "has no audio tokens"),
        (tokenizer(words=["<think>"]), 9999, "has no </think> <|im_end|>"),
        (WORDS, 400, "the network knows 400 tokens"),
    ],
)
def test_a_tokenizer_that_is_no_planners_is_refused(
    words: Tokenizer, size: int, message: str
) -> None:
    with pytest.raises(VocabularyError) as refused:
        Vocabulary(words, size)
    assert message in str(refused.value)
