"""What arguments mean, however they are sent. test_generate has more of it, through datagrams."""

from __future__ import annotations

import difflib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.jobs import Priority
from daemon.osc.arguments import (
    OrderOptions,
    is_release,
    join_words,
    parse_flag_at,
    parse_id,
    parse_id_unless_button,
    parse_int,
    parse_int_at,
    parse_pairs,
    split_job_id,
    split_numbers,
    split_order_options,
)
from daemon.osc.wire import Argument
from pipeline.request import BadRequest, OutOfRange, UnknownField


@pytest.mark.parametrize(
    ("argument", "id"),
    [("a b ", "a b"), (7, "7"), (7.0, "7"), (0.5, "0.5"), (True, ""), (None, ""), (1e6, "1000000")],
)
def test_an_id_is_a_text_or_a_number(argument: Argument, id: str) -> None:
    assert parse_id(argument) == id


@pytest.mark.parametrize(
    ("argument", "number"), [(7, 7), (7.0, 7), ("7", 7), (" -7.0 ", -7), (True, 1), ("1e3", 1000)]
)
def test_any_integral_number_or_numeric_text_is_an_int(argument: Argument, number: int) -> None:
    assert parse_int("n", argument) == number


@pytest.mark.parametrize(
    "argument", [0.5, "x", "", None, float("nan"), float("inf"), 2.0**31, -(2**31) - 1, "9" * 400]
)
def test_everything_else_is_none(argument: Argument) -> None:
    with pytest.raises(BadRequest):
        parse_int("n", argument)


def test_what_is_left_out_has_its_default() -> None:
    assert parse_int_at((), 0, "n", 5) == 5
    assert parse_flag_at((1,), 1, "on", True) is True
    assert parse_flag_at((1, 0.0), 1, "on", True) is False
    with pytest.raises(OutOfRange):
        parse_flag_at((1, 2), 1, "on", True)


def test_a_lone_number_is_a_button_and_a_lone_int_an_id() -> None:
    assert is_release((0.0,))
    assert is_release((False,))
    assert not any(is_release(arguments) for arguments in ((), (1.0,), ("0",), (None,), (0.0, 1)))
    assert split_job_id((1.0,)) == split_job_id((True,)) == split_job_id(()) == ("", ())
    assert split_job_id((41,)) == ("41", ())
    assert split_job_id((41.0, "x")) == ("41", ("x",))
    assert parse_id_unless_button((1.0,)) == parse_id_unless_button(()) == ""
    assert parse_id_unless_button((41.0, 1)) == "41"


def test_count_and_priority_are_the_orders_and_the_rest_the_requests() -> None:
    said: dict[str, Argument] = {"prompt": "x", "Count": "3", "PRIORITY": "Batch", "land_in": "0f"}
    assert split_order_options(said) == OrderOptions(3, Priority.BATCH, "0f", {"prompt": "x"})
    assert split_order_options({"bars": 4}) == OrderOptions(1, None, "", {"bars": 4})


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        (("prompt", "warm beat", "bars", 4), {"prompt": "warm beat", "bars": 4}),
        (("prompt", "warm", "beat", "bars", 4.0), {"prompt": "warm beat", "bars": 4.0}),
        (("prompt", "bars", "of", "gold"), {"prompt": "bars of gold"}),
        (("prompt", "count", "me", "in"), {"prompt": "count me in"}),
        (("prompt", "warm", "beat", "count", 3.0, "priority", "live"),
         {"prompt": "warm beat", "count": 3.0, "priority": "live"}),
        (("lyrics", r"[verse]\nla", "la"), {"lyrics": "[verse]\nla la"}),
        (("prompt", "warm", "bpm", "92", "BPM"), {"prompt": "warm", "bpm": "92 BPM"}),
        (("prompt", "warm", "guide_strength", "80", "%"),
         {"prompt": "warm", "guide_strength": "80 %"}),
        (("prompt", "warm", "tempo", "about", "92"), {"prompt": "warm tempo about 92"}),
        (("prompt", "warm", "variation", "80", "proof"), {"prompt": "warm variation 80 proof"}),
        ((), {}),
    ],
)  # fmt: skip
def test_pairs_are_found_in_what_typed_clients_and_pd_send(
    arguments: tuple[Argument, ...], values: dict[str, Any]
) -> None:
    assert parse_pairs(arguments) == values


def test_a_message_of_names_that_nobody_knows_is_refused_at_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[str] = []

    def count(word: str, *rest: object) -> list[str]:
        compared.append(word)
        return []

    monkeypatch.setattr(difflib, "get_close_matches", count)
    with pytest.raises(UnknownField, match="'x0'"):
        parse_pairs(tuple(word for n in range(128) for word in (f"x{n}", 1)))
    assert compared == ["x0"]


@pytest.mark.parametrize(
    ("arguments", "words", "numbers"),
    [
        (("warm", "beat", 4.0, 7.0), ["warm", "beat"], [4.0, 7.0]),
        (("warm beat", "4"), ["warm beat"], ["4"]),
        (("4",), ["4"], []),
        ((4,), [], [4]),
        (("a", 1, 2, 3), ["a", "1"], [2, 3]),
    ],
)
def test_numbers_behind_words_are_numbers(
    arguments: tuple[Argument, ...], words: list[str], numbers: list[Argument]
) -> None:
    assert split_numbers(arguments) == (words, numbers)


ARGUMENTS = st.lists(
    st.one_of(
        st.sampled_from(["prompt", "bars", "count", "priority", "live", "seed"]),
        st.text(),
        st.integers(),
        st.floats(),
        st.booleans(),
        st.none(),
    )
)


@given(ARGUMENTS)
def test_no_arguments_do_worse_than_being_refused(arguments: list[Argument]) -> None:
    with suppress(BadRequest):
        options = split_order_options(parse_pairs(tuple(arguments)))
        assert 1 <= options.takes <= 1000
        assert not {"count", "priority", "land_in"} & options.values.keys()


@given(st.lists(st.text(st.characters(exclude_characters="\\ "), min_size=1), min_size=1))
def test_words_are_joined_with_spaces(words: list[str]) -> None:
    assert join_words(tuple(words)).split(" ") == words


@pytest.mark.parametrize(
    ("word", "value", "meant"),
    [
        ("keey", "Am", "key"),
        ("langage", "de", "language"),
        ("cfg_tipe", "apg", "cfg_type"),
        ("Keyy", "F#m", "key"),
        ("time_signatur", "3/4", "time_signature"),
    ],
)
def test_a_misspelt_name_before_a_text_that_it_may_have_is_no_part_of_a_prompt(
    word: str, value: str, meant: str
) -> None:
    with pytest.raises(UnknownField) as raised:
        parse_pairs(("prompt", "x", word, value))
    assert raised.value.hint == f"did you mean {meant}?"


@pytest.mark.parametrize("prompt", ["dusty keys Am", "monkey Am", "they Am", "warm keey days"])
def test_words_of_a_prompt_that_are_much_like_a_name_stay_in_it(prompt: str) -> None:
    assert parse_pairs(("prompt", *prompt.split(), "bars", 4.0)) == {"prompt": prompt, "bars": 4.0}
