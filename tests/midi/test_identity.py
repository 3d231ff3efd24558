"""Whether devices that were there still are."""

from __future__ import annotations

import mido
import pytest

from daemon.midi.identity import (
    FIRST_ROUNDS,
    GIVE_UP_AFTER,
    IDENTITY_REQUEST,
    MISSING_AFTER,
    IdentityPoll,
    is_identity_reply,
)


def rounds(poll: IdentityPoll, *replies: int) -> list[str]:
    outcomes = []
    for count in replies:
        for _ in range(count):
            poll.add_reply()
        outcomes.append(poll.end_round().value)
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
    assert MISSING_AFTER == 2


def test_who_never_answers_is_not_asked_for_ever() -> None:
    poll = IdentityPoll()
    assert poll.needs_request
    assert rounds(poll, *[0] * FIRST_ROUNDS) == ["fine"] * FIRST_ROUNDS
    assert not poll.needs_request
    assert rounds(poll, 1) == ["fine"]
    assert poll.needs_request


def test_who_stops_answering_is_given_up() -> None:
    poll = IdentityPoll()
    assert rounds(poll, 1, *[0] * (GIVE_UP_AFTER + 1)).count("missing") == 1
    assert not poll.needs_request


@pytest.mark.parametrize(
    ("message", "is_reply"),
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
def test_an_answer_says_who_it_is(message: str, is_reply: bool) -> None:
    assert is_identity_reply(mido.Message.from_bytes(bytes.fromhex(message)).dict()) is is_reply
    assert not is_identity_reply(mido.Message.from_bytes(IDENTITY_REQUEST).dict())
