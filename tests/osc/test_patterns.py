"""OSC's patterns, and that none of them takes long."""

from __future__ import annotations

import fnmatch
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.osc.patterns import MAX_PATTERN, Pattern
from pipeline.request import BadRequest


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


@pytest.mark.parametrize("pattern", ["[ab", "x{a,b", "*" * (MAX_PATTERN + 1)])
def test_what_is_not_closed_or_too_long_is_refused(pattern: str) -> None:
    with pytest.raises(BadRequest):
        Pattern(pattern)


@given(st.text("ab*?[]{},!-"), st.text("ab-"))
def test_no_pattern_breaks_the_matcher(pattern: str, text: str) -> None:
    with suppress(BadRequest):
        Pattern(pattern).matches(text)
