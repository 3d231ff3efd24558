"""OSC's patterns, and that none of them takes long."""

from __future__ import annotations

import fnmatch
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.osc.patterns import MAX_PATTERN, Pattern
from pipeline.request import BadRequest
from tests.support.growth import assert_linear

WORDS = st.lists(st.text("abc", max_size=3), min_size=1, max_size=3)
# of a pattern: what is written, and the regular expression that means it
PATTERNS = st.lists(
    st.one_of(
        st.sampled_from([("*", ".*"), ("?", "."), ("[a-b]", "[a-b]"), ("[!a]", "[^a]")]),
        st.sampled_from([("a", "a"), ("b", "b"), ("[c]", "c")]),
        WORDS.map(lambda words: ("{" + ",".join(words) + "}", "(" + "|".join(words) + ")")),
    ),
    max_size=6,
)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("", [""], ["a"]),
        ("bars", ["bars"], ["bar", "barss"]),
        ("*", ["", "anything"], []),
        ("b*", ["b", "bars", "bpm"], ["", "abc"]),
        ("*s*t*", ["st", "shift", "guidance_steps_t"], ["ts"]),
        ("b?m", ["bpm"], ["bm", "bppm"]),
        ("[bk]*", ["bars", "key"], ["seed"]),
        ("[a-c][!0-9]", ["ab", "c-"], ["a1", "db"]),
        ("[!]", ["x", "!"], [""]),
        ("[-a]x", ["-x", "ax"], ["bx"]),
        ("{bars,bpm}", ["bars", "bpm"], ["", "barsbpm"]),
        ("x{,y}z", ["xz", "xyz"], ["xyyz"]),
        ("{a,ab}{c,bc}", ["ac", "abc", "abbc"], ["a", "bc"]),
        ("*{a,b}*", ["a", "xbx"], ["", "xyz"]),
        ("{}x", ["x"], ["{}x"]),
        ("a.b", ["a.b"], ["axb"]),
    ],
)
def test_a_pattern_matches_what_osc_says(pattern: str, yes: list[str], no: list[str]) -> None:
    assert [text for text in yes if not Pattern(pattern).matches(text)] == []
    assert [text for text in no if Pattern(pattern).matches(text)] == []


@given(st.text("ab*?"), st.text("ab"))
def test_stars_and_question_marks_mean_what_they_mean_in_a_shell(pattern: str, text: str) -> None:
    if len(pattern) <= MAX_PATTERN:
        assert Pattern(pattern).matches(text) == fnmatch.fnmatchcase(text, pattern)


def test_fifty_stars_are_no_more_than_fifty_steps_a_character() -> None:
    assert not Pattern("*a" * 50 + "b").matches("a" * 200)


@pytest.mark.parametrize(
    "pattern", ["*a" * 50 + "b", "*" + "?" * 127, "{a,aa}" * 21, "*[!b-z]" * 18, "{,a,*,}*" * 16]
)
def test_a_pattern_takes_no_longer_the_more_of_it_is_walked_at_once(pattern: str) -> None:
    assert_linear(Pattern(pattern).matches, lambda size: "a" * size)


def test_a_pattern_looks_at_each_character_that_there_is_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    find_mask = Pattern._find_mask

    def count(pattern: Pattern, character: str) -> int:
        asked.append(character)
        return find_mask(pattern, character)

    monkeypatch.setattr(Pattern, "_find_mask", count)
    pattern = Pattern("*[a-b]" * 20)
    for _ in range(10):
        assert pattern.matches("ab" * 60)
    assert asked == ["a", "b"]


@given(PATTERNS, st.text("abc", max_size=12))
def test_a_pattern_means_what_its_regular_expression_does(
    pieces: list[tuple[str, str]], text: str
) -> None:
    pattern = "".join(piece for piece, _ in pieces)
    expression = "".join(meaning for _, meaning in pieces)
    assert Pattern(pattern).matches(text) == bool(re.fullmatch(expression, text))


@pytest.mark.parametrize("pattern", ["[ab", "x{a,b", "*" * (MAX_PATTERN + 1)])
def test_what_is_not_closed_or_too_long_is_refused(pattern: str) -> None:
    with pytest.raises(BadRequest):
        Pattern(pattern)


@given(st.text("ab*?[]{},!-"), st.text("ab-"))
def test_no_pattern_breaks_the_matcher(pattern: str, text: str) -> None:
    with suppress(BadRequest):
        Pattern(pattern).matches(text)
