"""Lyrics in parts: nothing that was lost, repeated or never ended goes unnoticed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from daemon.jobs import Refused
from daemon.osc import lyric_uploads
from daemon.osc.lyric_uploads import LyricUploads
from daemon.osc.wire import Peer
from pipeline.request import OutOfRange
from tests.support.clock import Clock

ME = Peer("udp:127.0.0.1:1", "127.0.0.1")
ME_AGAIN = Peer("udp:127.0.0.1:2", "127.0.0.1")  # oscsend: a new port for every message
YOU = Peer("udp:10.0.0.2:1", "10.0.0.2")


def expect_refusal(code: int, act: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(Refused) as error:
        act(*arguments)
    assert error.value.code == code
    return str(error.value)


def test_parts_in_any_order_and_from_any_port_become_lines() -> None:
    uploads = LyricUploads()
    uploads.begin(ME, "song")
    assert uploads.append(ME_AGAIN, "song", 2, "second line\nthird") == 1
    assert uploads.append(ME, "song", 1, "[verse]") == 2
    assert uploads.end(ME_AGAIN, "song", 2) == "[verse]\nsecond line\nthird"


def test_what_did_not_arrive_is_named_and_can_be_sent_again() -> None:
    uploads = LyricUploads()
    uploads.begin(ME, "song")
    uploads.append(ME, "song", 2, "b")
    assert "did not arrive: 1, 3" in expect_refusal(409, uploads.end, ME, "song", 3)
    uploads.append(ME, "song", 1, "a")
    uploads.append(ME, "song", 3, "c")
    assert uploads.end(ME, "song", 3) == "a\nb\nc"


def test_a_part_that_comes_twice_is_one_and_another_under_its_number_is_refused() -> None:
    uploads = LyricUploads()
    uploads.begin(ME, "song")
    assert uploads.append(ME, "song", 1, "a") == uploads.append(ME, "song", 1, "a") == 1
    assert "another part 1" in expect_refusal(409, uploads.append, ME, "song", 1, "b")


def test_an_end_that_comes_twice_ends_once() -> None:
    uploads = LyricUploads()
    uploads.begin(ME, "song")
    uploads.append(ME, "song", 1, "a")
    assert uploads.end(ME, "song", 1) == "a"
    assert uploads.end(ME, "song", 1) is None
    assert uploads.append(ME, "song", 1, "a") == 1
    expect_refusal(409, uploads.append, ME, "song", 2, "b")


def test_what_was_not_begun_or_begun_elsewhere_is_not_there() -> None:
    uploads = LyricUploads()
    uploads.begin(ME, "song")
    expect_refusal(404, uploads.append, YOU, "song", 1, "a")
    expect_refusal(404, uploads.end, ME, "another", 1)


@pytest.mark.parametrize("number", [0, -1, lyric_uploads.MAX_PARTS + 1])
def test_parts_are_numbered_from_one(number: int) -> None:
    uploads = LyricUploads()
    uploads.begin(ME, "song")
    with pytest.raises(OutOfRange):
        uploads.append(ME, "song", number, "a")


@pytest.mark.parametrize("count", [0, 1, 2**31 - 1])
def test_an_end_with_another_number_of_parts_is_refused(count: int) -> None:
    uploads = LyricUploads()
    uploads.begin(ME, "song")
    for number in (1, 2):
        uploads.append(ME, "song", number, "a")
    with pytest.raises((OutOfRange, Refused)):
        uploads.end(ME, "song", count)
    assert uploads.end(ME, "song", 2) == "a\na"


def test_lengths_and_numbers_are_limited() -> None:
    uploads = LyricUploads()
    for name in ("", "x" * 129):
        with pytest.raises(OutOfRange):
            uploads.begin(ME, name)
    for number in range(lyric_uploads.MAX_UPLOADS):
        uploads.begin(ME, str(number))
    expect_refusal(429, uploads.begin, ME, "one more")
    uploads.begin(ME, "0")  # anew
    uploads.append(ME, "1", 1, "a")
    uploads.end(ME, "1", 1)
    uploads.begin(ME, "one more")  # what has ended keeps nobody out
    uploads.append(ME, "0", 1, "a" * 60_000)
    expect_refusal(413, uploads.append, ME, "0", 2, "a" * 6_000)


def find_port(number: int) -> Peer:
    return Peer(f"udp:127.0.0.1:{10_000 + number}", "127.0.0.1")


def test_one_sender_with_all_that_it_may_keeps_nobody_out() -> None:
    uploads = LyricUploads()
    for number in range(lyric_uploads.MAX_UPLOADS):
        uploads.begin(YOU, str(number))
    expect_refusal(429, uploads.begin, YOU, "one more")
    uploads.begin(ME, "song")
    uploads.append(ME, "song", 1, "a")
    assert uploads.end(ME, "song", 1) == "a"


def test_who_begins_as_many_as_there_may_be_from_many_ports_makes_room_for_others() -> None:
    uploads = LyricUploads()
    for number in range(lyric_uploads.MAX_IN_ALL):
        uploads.begin(find_port(number % 4), str(number))
    uploads.begin(ME, "song")
    uploads.append(ME, "song", 1, "a")
    assert [upload.name for upload in uploads.remove_expired()] == ["0"], "it is told"
    assert uploads.deadline > 0
    assert uploads.end(ME, "song", 1) == "a"
    expect_refusal(404, uploads.append, find_port(0), "0", 1, "a")


def test_who_has_as_many_as_anybody_makes_no_room_for_itself() -> None:
    uploads = LyricUploads()
    for number in range(lyric_uploads.MAX_IN_ALL):
        uploads.begin(find_port(number), "song")
    expect_refusal(429, uploads.begin, find_port(0), "another")
    assert uploads.remove_expired() == []


def test_another_under_the_same_name_overwrites_nothing() -> None:
    uploads = LyricUploads()
    uploads.begin(ME, "song")
    uploads.append(ME, "song", 1, "mine")
    uploads.begin(ME_AGAIN, "song")
    uploads.append(ME_AGAIN, "song", 1, "yours")
    uploads.append(ME, "song", 2, "too")
    assert uploads.end(ME, "song", 2) == "mine\ntoo"
    assert uploads.end(ME_AGAIN, "song", 1) == "yours"


def test_nobody_else_goes_on_with_what_a_sender_goes_on_with_itself() -> None:
    uploads = LyricUploads()
    uploads.begin(ME, "song")
    uploads.append(ME, "song", 1, "mine")
    expect_refusal(404, uploads.append, ME_AGAIN, "song", 2, "yours")
    expect_refusal(404, uploads.end, ME_AGAIN, "song", 1)


def test_a_part_that_comes_twice_counts_once_towards_the_limit() -> None:
    uploads = LyricUploads()
    uploads.begin(ME, "song")
    for _ in range(3):
        assert uploads.append(ME, "song", 1, "a" * 40_000) == 1
    assert uploads.append(ME, "song", 2, "b" * (lyric_uploads.MAX_BYTES - 40_002)) == 2
    expect_refusal(413, uploads.append, ME, "song", 3, "")


def test_what_nobody_goes_on_with_is_forgotten_and_told_if_it_had_not_ended() -> None:
    clock = Clock()
    uploads = LyricUploads(clock)
    for name in ("open", "ended"):
        uploads.begin(ME, name)
        uploads.append(ME, name, 1, "a")
    uploads.end(ME, "ended", 1)
    assert uploads.deadline == lyric_uploads.TIMEOUT
    assert uploads.remove_expired() == []
    clock.now = lyric_uploads.TIMEOUT
    assert [upload.name for upload in uploads.remove_expired()] == ["open"]
    expect_refusal(404, uploads.append, ME, "open", 2, "b")
    assert uploads.deadline == float("inf")
