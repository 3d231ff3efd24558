"""MIDI learn."""

from __future__ import annotations

import pytest

from daemon.pads.learn import WINDOW, Learner
from tests.pads.test_controls import cc


def learnt(number: int, *values: int) -> str:
    learner = Learner("bars")
    for value in values:
        learner.heard(1.0, cc(number, value, channel=1))
    return str(learner.control())


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
def test_the_kind_is_heard(values: tuple[int, ...], kind: str) -> None:
    assert learnt(16, *values) == f"{kind} 16 ch 2"


def test_a_pair_is_known_by_its_finer_half() -> None:
    learner = Learner("bars")
    for value in range(5):
        learner.heard(0.0, cc(3, 7))
        learner.heard(0.0, cc(35, value))
    assert str(learner.control()) == "cc14 3 ch 1"


def test_it_waits_for_the_first_word_and_then_for_half_a_second() -> None:
    learner = Learner("bars")
    learner.heard(4.0, {"type": "note_on", "channel": 0, "note": 1, "velocity": 1})
    assert learner.until is None
    learner.heard(5.0, cc(1, 1))
    learner.heard(5.2, cc(1, 2))
    assert learner.until == 5.0 + WINDOW


def test_whoever_moves_most_is_meant() -> None:
    learner = Learner("bars")
    learner.heard(0.0, cc(7, 63))  # an old pot that is not quite still
    for value in range(9):
        learner.heard(0.1, cc(21, value))
    assert str(learner.control()) == "cc 21 ch 1"


def test_a_pitch_wheel_is_learnt() -> None:
    learner = Learner("bars")
    learner.heard(0.0, {"type": "pitchwheel", "channel": 2, "pitch": 100})
    assert str(learner.control()) == "pitch ch 3"
