"""Whether devices that were there still are."""

from __future__ import annotations

import mido
import pytest

from daemon.midi.identity import GIVEN_UP, LOST, NEW, QUESTION, IdentityPoll, is_answer


def rounds(roll: IdentityPoll, *answers: int) -> list[str]:
    outcomes = []
    for count in answers:
        for _ in range(count):
            roll.answered()
        outcomes.append(roll.end_round().value)
    return outcomes


def test_who_answers_every_time_is_there() -> None:
    assert rounds(IdentityPoll(), 0, 2, 2, 3, 3) == ["fine"] * 5


def test_who_is_silent_twice_is_missing_and_then_back() -> None:
    assert rounds(IdentityPoll(), 2, 2, 1, 1, 1, 2, 2) == [
        "fine",
        "fine",
        "fine",
        "missing",
        "fine",
        "back",
        "fine",
    ]


def test_one_late_answer_is_nobody_missing() -> None:
    """But its lights are looked after: it may have been without power for a second."""
    assert rounds(IdentityPoll(), 1, 0, 1, 1) == ["fine", "fine", "back", "fine"]
    assert LOST == 2


def test_who_never_answers_is_not_asked_for_ever() -> None:
    roll = IdentityPoll()
    assert roll.asks
    assert rounds(roll, *[0] * NEW) == ["fine"] * NEW
    assert not roll.asks
    assert rounds(roll, 1) == ["fine"]
    assert roll.asks


def test_who_stops_answering_is_given_up() -> None:
    roll = IdentityPoll()
    assert rounds(roll, 1, *[0] * (GIVEN_UP + 1)).count("missing") == 1
    assert not roll.asks


@pytest.mark.parametrize(
    ("came", "answers"),
    [
        ("F0 7E 00 06 02 00 20 29 03 01 00 00 00 01 05 02 F7", True),
        ("F0 7E 7F 06 02 F7", True),
        ("F0 7E 7F 06 01 F7", False),  # our own question, over a cable that leads back
        ("F0 7F 7F 06 02 F7", False),
        ("F0 7E F7", False),
        ("F0 F7", False),
        ("90 06 02", False),
    ],
)
def test_an_answer_says_who_it_is(came: str, answers: bool) -> None:
    assert is_answer(mido.Message.from_bytes(bytes.fromhex(came)).dict()) is answers
    assert not is_answer(mido.Message.from_bytes(QUESTION).dict())
