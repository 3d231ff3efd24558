"""Who is let in, and how much each may send."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from daemon.jobs import Refused
from daemon.osc import guard
from daemon.osc.guard import Guard
from daemon.osc.wire import Sender
from daemon.settings import Settings
from tests.osc.test_lyric_uploads import Clock

NEAR = [Sender(f"udp:127.0.0.1:{port}", "127.0.0.1") for port in (1, 2)]
FAR = [Sender(f"udp:10.9.8.7:{port}", "10.9.8.7") for port in (1, 2)]


def guarding(clock: Clock | None = None, **settings: Any) -> Guard:
    return Guard(
        Settings(**{"host": "0.0.0.0", "allow": ("10.9.8.7",)} | settings), clock or Clock()
    )


def test_only_this_machine_and_those_on_the_list_are_known() -> None:
    known = guarding()
    assert [
        host
        for host in ("127.0.0.1", "127.5.5.5", "10.9.8.7", "10.9.8.6", "0.0.0.1")
        if known.knows(host)
    ] == [
        "127.0.0.1",
        "127.5.5.5",
        "10.9.8.7",
    ]


def test_another_machine_says_the_token_once_for_all_of_its_ports() -> None:
    clock = Clock()
    known = guarding(clock, token="open sesame")
    assert known.greeted("127.0.0.1")
    assert not known.greeted("10.9.8.7")
    known.hello("10.9.8.7", "open sesame")
    assert known.greeted("10.9.8.7")
    clock.now += guard.LEASE
    assert not known.greeted("10.9.8.7")


def test_a_wrong_token_is_refused_and_the_next_second_no_other_is_tried() -> None:
    clock = Clock()
    known = guarding(clock, token="right")
    for wanted, token in ((401, "wrong"), (429, "right")):
        with pytest.raises(Refused) as error:
            known.hello("10.9.8.7", token)
        assert error.value.code == wanted
    clock.now += guard.COMPLAINT_SECONDS
    known.hello("10.9.8.7", "right")
    assert known.greeted("10.9.8.7")


def test_without_a_token_everybody_on_the_list_is_greeted() -> None:
    known = guarding()
    known.hello("10.9.8.7", "whatever")
    assert known.greeted("10.9.8.7")


def test_another_token_has_to_be_said_anew() -> None:
    settings = Settings(host="0.0.0.0", allow=("10.9.8.7",), token="old")
    known = Guard(settings, Clock())
    known.hello("10.9.8.7", "old")
    known.change(dataclasses.replace(settings, rate=7))
    assert known.greeted("10.9.8.7")
    known.change(dataclasses.replace(settings, token="new"))
    assert not known.greeted("10.9.8.7")


def admitted(known: Guard, sender: Sender, tries: int = 1000) -> int:
    return sum(known.admits(sender) for _ in range(tries))


def test_a_burst_is_let_in_and_then_the_rate() -> None:
    clock = Clock()
    known = guarding(clock, rate=10)
    assert admitted(known, NEAR[0]) == 10 * guard.BURST
    clock.now += 0.5
    assert admitted(known, NEAR[0]) == 5
    clock.now += 3600
    assert admitted(known, NEAR[0]) == 10 * guard.BURST


def test_a_program_of_this_machine_that_runs_wild_does_not_silence_another() -> None:
    known = guarding(rate=10)
    assert admitted(known, NEAR[0]) == admitted(known, NEAR[1])
    assert admitted(known, FAR[0]) > 0
    assert admitted(known, FAR[1]) == 0, "ports of another machine cost nothing"


def test_complaints_come_once_a_second() -> None:
    clock = Clock()
    known = guarding(clock)
    assert [known.may_complain(NEAR[0]) for _ in range(3)] == [True, False, False]
    clock.now += guard.COMPLAINT_SECONDS
    assert known.may_complain(NEAR[0])


def test_a_stranger_with_many_ports_fills_no_memory() -> None:
    known = guarding()
    for port in range(3 * guard.MAX_BUCKETS):
        known.admits(Sender(f"udp:127.0.0.1:{port}", "127.0.0.1"))
    assert len(known._buckets) == guard.MAX_BUCKETS
