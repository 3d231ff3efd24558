"""MIDI learn."""

from __future__ import annotations

import pytest

from daemon.pads.learn import WINDOW, MidiLearn
from tests.pads.test_controls import cc


def learn_control(number: int, *values: int) -> str:
    learn = MidiLearn("bars")
    for value in values:
        learn.receive(1.0, cc(number, value, channel=1))
    return str(learn.detect_control())


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((10, 11, 12, 14), "cc"),
        ((127,), "cc"),
        ((1, 1, 1, 2), "rel"),
        ((1, 1, 127, 127), "rel"),
        ((65, 65, 63, 63), "rel-offset"),
        ((1, 1, 65, 65), "rel-sign"),
        ((60, 61, 62, 63), "cc"),
    ],
)
def test_the_kind_is_detected(values: tuple[int, ...], kind: str) -> None:
    assert learn_control(16, *values) == f"{kind} 16 ch 2"


def test_a_pair_is_known_by_its_finer_half() -> None:
    learn = MidiLearn("bars")
    for value in range(5):
        learn.receive(0.0, cc(3, 7))
        learn.receive(0.0, cc(35, value))
    assert str(learn.detect_control()) == "cc14 3 ch 1"


def test_it_waits_for_the_first_message_and_then_for_half_a_second() -> None:
    learn = MidiLearn("bars")
    learn.receive(4.0, {"type": "note_on", "channel": 0, "note": 1, "velocity": 1})
    assert learn.deadline is None
    learn.receive(5.0, cc(1, 1))
    learn.receive(5.2, cc(1, 2))
    assert learn.deadline == 5.0 + WINDOW


def test_whoever_moves_most_is_meant() -> None:
    learn = MidiLearn("bars")
    learn.receive(0.0, cc(7, 63))  # an old pot that is not quite still
    for value in range(9):
        learn.receive(0.1, cc(21, value))
    assert str(learn.detect_control()) == "cc 21 ch 1"


def test_a_pitch_wheel_is_learned() -> None:
    learn = MidiLearn("bars")
    learn.receive(0.0, {"type": "pitchwheel", "channel": 2, "pitch": 100})
    assert str(learn.detect_control()) == "pitch ch 3"
