from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.pads.knobs import Knob
from pipeline.request import FIELDS, Request

NUMERIC = [name for name, spec in FIELDS.items() if type(spec.default) in (int, float)]


@given(st.sampled_from(NUMERIC), st.floats(0, 1))
def test_every_place_of_every_knob_is_a_value_that_the_field_takes(
    field: str, position: float
) -> None:
    value = Knob.of(field).to_value(position)
    assert FIELDS[field].low <= value <= FIELDS[field].high
    assert type(value) is type(FIELDS[field].default)


@given(st.integers(0, 127))
def test_where_a_knob_was_turned_to_is_where_it_stands(step: int) -> None:
    for text in ("guidance_scale", "bars 1 1000", "bpm 180 60"):
        knob = Knob.of(text)
        assert knob.to_position(knob.to_value(step / 127)) == pytest.approx(step / 127, abs=0.001)


def test_a_part_of_the_range_and_backwards() -> None:
    assert [Knob.of("bars 1 16").to_value(position) for position in (0, 0.5, 1, 2)] == [
        1,
        8,
        16,
        16,
    ]
    assert Knob.of("tempo 140 60").to_value(1) == 60
    assert Knob.of("bars 1 16").to_position(Request().bars) == 0, "outside counts as the nearer end"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "no parameter"),
        ("wobble", "no parameter"),
        ("prompt", "no number"),
        ("normalize", "no number"),
        ("bars 1", "two numbers"),
        ("bars one two", "two numbers"),
        ("bars 0 5000", "must stay in 0..1024"),
        ("bars 4 4", "must stay"),
        ("bars 1 2 3", "two numbers"),
    ],
)
def test_what_cannot_be_turned_is_said(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        Knob.of(text)
