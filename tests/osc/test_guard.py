"""Who is let in, and how much each may send."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from daemon.jobs import Refused
from daemon.osc.guard import BURST, HELLO, LEASE, MAX_BUCKETS, MAX_DEBT, REJECTION_INTERVAL, Guard
from daemon.osc.wire import Peer, encode
from daemon.settings import Settings
from tests.support.clock import Clock

NEAR = [Peer(f"udp:127.0.0.1:{port}", "127.0.0.1") for port in (1, 2)]
FAR = [Peer(f"udp:10.9.8.7:{port}", "10.9.8.7") for port in (1, 2)]


def make_guard(clock: Clock | None = None, **settings: Any) -> Guard:
    return Guard(
        Settings(**{"host": "0.0.0.0", "allow": ("10.9.8.7",)} | settings), clock or Clock()
    )


def test_only_this_machine_and_those_on_the_list_are_allowed() -> None:
    guard = make_guard()
    assert [
        host
        for host in ("127.0.0.1", "127.5.5.5", "10.9.8.7", "10.9.8.6", "0.0.0.1")
        if guard.is_allowed(host)
    ] == [
        "127.0.0.1",
        "127.5.5.5",
        "10.9.8.7",
    ]


def test_another_machine_says_the_token_once_for_all_of_its_ports() -> None:
    clock = Clock()
    guard = make_guard(clock, token="open sesame")
    assert guard.is_authenticated("127.0.0.1")
    assert not guard.is_authenticated("10.9.8.7")
    guard.authenticate("10.9.8.7", "open sesame")
    assert guard.is_authenticated("10.9.8.7")
    clock.now += LEASE
    assert not guard.is_authenticated("10.9.8.7")


def test_wrong_tokens_are_answered_once_a_second_and_never_delay_the_right_one() -> None:
    clock = Clock()
    guard = make_guard(clock, token="right")
    for code in (401, 429, 429):
        with pytest.raises(Refused) as error:
            guard.authenticate("10.9.8.7", "wrong")
        assert error.value.code == code
    assert not guard.is_authenticated("10.9.8.7")
    guard.authenticate("10.9.8.7", "right")
    assert guard.is_authenticated("10.9.8.7")
    clock.now += REJECTION_INTERVAL
    with pytest.raises(Refused) as error:
        guard.authenticate("10.9.8.7", "wrong")
    assert error.value.code == 401


@pytest.mark.parametrize(
    ("token", "types", "words"),
    [
        ("right", "s", ("right",)),
        ("open sesame", "s", ("open sesame",)),
        ("open sesame", "ss", ("open", "sesame")),
        ("open 42 times", "sis", ("open", 42, "times")),
        ("open 42 times", "sfs", ("open", 42.0, "times")),
        ("open 42 times", "sss", ("open", "42", "times")),
        ("1234", "f", (1234.0,)),
    ],
)
def test_the_right_token_is_known_however_a_program_spells_it(
    token: str, types: str, words: tuple[str | int | float, ...]
) -> None:
    guard = make_guard(token=token)
    assert guard.is_right_hello(encode(HELLO, types, *words))
    assert not guard.is_right_hello(encode(HELLO, f"{types}s", *words, "more"))
    assert not guard.is_right_hello(encode("/ace/ping", types, *words))


def test_a_number_that_would_be_read_otherwise_is_no_spelling_of_the_token() -> None:
    guard = make_guard(token="007")
    assert guard.is_right_hello(encode(HELLO, "s", "007"))
    assert not guard.is_right_hello(encode(HELLO, "i", 7))


def test_a_token_of_very_many_words_is_one_text() -> None:
    token = "a " * 400 + "b"
    assert make_guard(token=token).is_right_hello(encode(HELLO, "s", token))


def test_without_a_token_everybody_on_the_list_is_authenticated() -> None:
    guard = make_guard()
    guard.authenticate("10.9.8.7", "whatever")
    assert guard.is_authenticated("10.9.8.7")


def test_another_token_has_to_be_said_anew() -> None:
    settings = Settings(host="0.0.0.0", allow=("10.9.8.7",), token="old")
    guard = Guard(settings, Clock())
    guard.authenticate("10.9.8.7", "old")
    guard.change_settings(dataclasses.replace(settings, rate=7))
    assert guard.is_authenticated("10.9.8.7")
    guard.change_settings(dataclasses.replace(settings, token="new"))
    assert not guard.is_authenticated("10.9.8.7")


def count_admitted(guard: Guard, sender: Peer, tries: int = 1000) -> int:
    return sum(guard.admit(sender) for _ in range(tries))


def test_a_burst_is_let_in_and_then_the_rate() -> None:
    clock = Clock()
    guard = make_guard(clock, rate=10)
    assert count_admitted(guard, NEAR[0]) == 10 * BURST
    clock.now += 0.5
    assert count_admitted(guard, NEAR[0]) == 5
    clock.now += 3600
    assert count_admitted(guard, NEAR[0]) == 10 * BURST


def test_a_program_of_this_machine_that_runs_wild_does_not_silence_another() -> None:
    guard = make_guard(rate=10)
    assert count_admitted(guard, NEAR[0]) == count_admitted(guard, NEAR[1])
    assert count_admitted(guard, FAR[0]) > 0
    assert count_admitted(guard, FAR[1]) == 0, "ports of another machine cost nothing"


def test_what_a_message_causes_and_how_long_it_takes_is_paid_for_up_to_a_debt() -> None:
    clock = Clock()
    guard = make_guard(clock, rate=10)
    guard.admit(NEAR[0])
    guard.charge(NEAR[0], datagrams=20)
    guard.charge(NEAR[0], seconds=0.5)
    assert count_admitted(guard, NEAR[0]) == 10 * BURST - 1 - 20 - 5
    guard.charge(NEAR[0], datagrams=100_000)
    clock.now += MAX_DEBT
    assert not guard.admit(NEAR[0])
    clock.now += 0.25
    assert count_admitted(guard, NEAR[0]) == 2
    assert count_admitted(guard, NEAR[1]) == 10 * BURST


def test_a_rejection_comes_once_a_second() -> None:
    clock = Clock()
    guard = make_guard(clock)
    assert [guard.take_rejection(NEAR[0]) for _ in range(3)] == [True, False, False]
    clock.now += REJECTION_INTERVAL
    assert guard.take_rejection(NEAR[0])


def test_a_stranger_with_many_ports_fills_no_memory() -> None:
    guard = make_guard()
    for port in range(3 * MAX_BUCKETS):
        guard.admit(Peer(f"udp:127.0.0.1:{port}", "127.0.0.1"))
    assert len(guard._buckets) == MAX_BUCKETS


def test_threads_that_ask_at_once_take_no_token_twice() -> None:
    guard = Guard(Settings(rate=1000), Clock())
    peer = Peer("http:127.0.0.1", "127.0.0.1")
    with ThreadPoolExecutor(8) as pool:
        admitted = list(pool.map(lambda _: guard.admit(peer), range(6000)))
    assert sum(admitted) == 1000 * BURST
