"""Knobs, faders and encoders."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.pads.controls import DETENT, Control, ControlReader, Movement, SoftTakeover


def cc(number: int, value: int, channel: int = 0) -> dict[str, Any]:
    return {"type": "control_change", "channel": channel, "control": number, "value": value}


def read(control: str, *messages: dict[str, Any]) -> list[Movement | None]:
    reader = ControlReader({Control.of(control): "bars"})
    return [reader.read(message) for message in messages]


@pytest.mark.parametrize(
    "text",
    ["cc 21", "cc14 3", "rel 16", "rel-offset 16 ch 2", "rel-sign 0", "pitch ch 3", "note 98"],
)
def test_a_control_is_written_as_it_is_read(text: str) -> None:
    assert str(Control.of(text)) == text


@pytest.mark.parametrize(
    "text", ["", "21", "cc", "cc 128", "cc14 32", "cc 1 ch 17", "knob 3", "cc 1 ch", "pitch 3"]
)
def test_what_is_no_control_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="got "):
        Control.of(text)


def test_controls_that_one_message_could_be_of_are_the_same() -> None:
    assert Control.of("cc 35").overlaps(Control.of("cc14 3"))
    assert Control.of("cc 3").overlaps(Control.of("rel 3 ch 2"))
    assert not Control.of("cc 3 ch 1").overlaps(Control.of("cc 3 ch 2"))
    assert not Control.of("note 3").overlaps(Control.of("cc 3"))


def test_a_fader_goes_from_nothing_to_all() -> None:
    low, high = read("cc 21", cc(21, 0), cc(21, 127))
    assert low
    assert high
    assert low.position == 0
    assert high.position == 1
    assert read("cc 21 ch 2", cc(21, 5, channel=0), cc(22, 5, channel=1)) == [None, None]


def test_a_pair_is_finer_than_its_half_and_does_not_jump_between_the_two() -> None:
    moved = read("cc14 3", cc(3, 64), cc(35, 0), cc(3, 64), cc(35, 1), cc(3, 127), cc(35, 127))
    assert [one and round(one.position * 16383) for one in moved] == [
        8256,
        8192,
        None,
        8193,
        None,
        16383,
    ]


def test_a_pair_that_sends_its_coarse_half_alone_is_heard() -> None:
    assert [one and one.position for one in read("cc14 3", cc(3, 0), cc(3, 127))] == [0, 1]


@pytest.mark.parametrize(
    ("kind", "one_up", "two_down", "rest"),
    [("rel", 1, 126, 0), ("rel-offset", 65, 62, 64), ("rel-sign", 1, 66, 0)],
)
def test_encoders_say_how_far_they_were_turned(
    kind: str, one_up: int, two_down: int, rest: int
) -> None:
    up, down, still = read(f"{kind} 16", cc(16, one_up), cc(16, two_down), cc(16, rest))
    assert up
    assert down
    assert up.clicks == 1
    assert down.clicks == -2
    assert still is None


def test_a_pitch_wheel_is_a_fader() -> None:
    ends = [{"type": "pitchwheel", "channel": 0, "pitch": pitch} for pitch in (-8192, 8191)]
    assert [one and one.position for one in read("pitch", *ends)] == [0, 1]


class Field:
    """A field of so many values, as the player keeps it."""

    def __init__(self, position: float, values: int = 10_000) -> None:
        self.takeover = SoftTakeover()
        self.position = position
        self._values = values

    def move(self, position: float = 0.0, clicks: int = 0) -> float:
        turned = self.takeover.turn(Movement(Control("cc", 1), position, clicks), self.position)
        if turned is not None:
            self.position = round(turned * self._values) / self._values
            self.takeover.leave(self.position)
        return self.position


def test_a_knob_takes_over_where_it_comes_by() -> None:
    field = Field(0.5)
    assert [field.move(share) for share in (0.0, 0.3, 0.4)] == [0.5, 0.5, 0.5]
    assert field.move(0.6) == 0.6  # it has passed
    assert field.move(0.2) == 0.2


def test_a_knob_lets_go_when_somebody_else_turns_its_field() -> None:
    field = Field(0.5)
    field.move(0.5)
    field.position = 0.9
    assert field.move(0.52) == 0.9
    assert field.move(0.95) == 0.95


def test_a_knob_keeps_hold_of_a_field_of_few_values() -> None:
    field = Field(0.0, values=2)
    assert [field.move(share) for share in (0.0, 0.2, 0.3, 0.6, 0.9, 0.1)] == [0, 0, 0.5, 0.5, 1, 0]


def test_an_encoder_turns_at_once_and_comes_to_every_value_of_a_field_of_few() -> None:
    field = Field(0.5, values=4)
    seen = [field.move(clicks=1) for _ in range(int(0.5 / DETENT))]
    assert sorted(set(seen)) == [0.5, 0.75, 1]


@given(st.lists(st.integers(-64, 63).filter(bool)))
def test_an_encoder_never_leaves_the_range(turns: list[int]) -> None:
    field = Field(0.5)
    assert all(0 <= field.move(clicks=clicks) <= 1 for clicks in turns)
