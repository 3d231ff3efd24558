"""Lyrics in parts: nothing that was lost, repeated or never ended goes unnoticed."""

from __future__ import annotations

import pytest

from daemon.jobs import Refused
from daemon.osc import lyric_uploads
from daemon.osc.lyric_uploads import LyricUploads
from daemon.osc.wire import Sender
from pipeline.request import OutOfRange

ME = Sender("udp:127.0.0.1:1", "127.0.0.1")
ME_AGAIN = Sender("udp:127.0.0.1:2", "127.0.0.1")  # oscsend: a new port for every message
YOU = Sender("udp:10.0.0.2:1", "10.0.0.2")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refused(code: int, act: object, *arguments: object) -> str:
    assert callable(act)
    with pytest.raises(Refused) as error:
        act(*arguments)
    assert error.value.code == code
    return str(error.value)


def test_parts_in_any_order_and_from_any_port_become_lines() -> None:
    kept = LyricUploads()
    kept.begin(ME, "song")
    assert kept.append(ME_AGAIN, "song", 2, "second line\nthird") == 1
    assert kept.append(ME, "song", 1, "[verse]") == 2
    assert kept.end(ME_AGAIN, "song", 2) == "[verse]\nsecond line\nthird"


def test_what_did_not_arrive_is_named_and_can_be_sent_again() -> None:
    kept = LyricUploads()
    kept.begin(ME, "song")
    kept.append(ME, "song", 2, "b")
    assert "did not arrive: 1, 3" in refused(409, kept.end, ME, "song", 3)
    kept.append(ME, "song", 1, "a")
    kept.append(ME, "song", 3, "c")
    assert kept.end(ME, "song", 3) == "a\nb\nc"


def test_a_part_that_comes_twice_is_one_and_another_under_its_number_is_refused() -> None:
    kept = LyricUploads()
    kept.begin(ME, "song")
    assert kept.append(ME, "song", 1, "a") == kept.append(ME, "song", 1, "a") == 1
    assert "another part 1" in refused(409, kept.append, ME, "song", 1, "b")


def test_an_end_that_comes_twice_ends_once() -> None:
    kept = LyricUploads()
    kept.begin(ME, "song")
    kept.append(ME, "song", 1, "a")
    assert kept.end(ME, "song", 1) == "a"
    assert kept.end(ME, "song", 1) is None
    assert kept.append(ME, "song", 1, "a") == 1
    refused(409, kept.append, ME, "song", 2, "b")


def test_what_was_not_begun_or_begun_elsewhere_is_not_there() -> None:
    kept = LyricUploads()
    kept.begin(ME, "song")
    refused(404, kept.append, YOU, "song", 1, "a")
    refused(404, kept.end, ME, "another", 1)


@pytest.mark.parametrize("number", [0, -1, lyric_uploads.MAX_PARTS + 1])
def test_parts_are_numbered_from_one(number: int) -> None:
    kept = LyricUploads()
    kept.begin(ME, "song")
    with pytest.raises(OutOfRange):
        kept.append(ME, "song", number, "a")


@pytest.mark.parametrize("count", [0, 1, 2**31 - 1])
def test_an_end_with_another_number_of_parts_is_refused(count: int) -> None:
    kept = LyricUploads()
    kept.begin(ME, "song")
    for number in (1, 2):
        kept.append(ME, "song", number, "a")
    with pytest.raises((OutOfRange, Refused)):
        kept.end(ME, "song", count)
    assert kept.end(ME, "song", 2) == "a\na"


def test_lengths_and_numbers_are_limited() -> None:
    kept = LyricUploads()
    for name in ("", "x" * 129):
        with pytest.raises(OutOfRange):
            kept.begin(ME, name)
    for number in range(lyric_uploads.MAX_DRAFTS):
        kept.begin(ME, str(number))
    refused(429, kept.begin, ME, "one more")
    kept.begin(ME, "0")  # anew
    kept.append(ME, "1", 1, "a")
    kept.end(ME, "1", 1)
    kept.begin(ME, "one more")  # what has ended keeps nobody out
    kept.append(ME, "0", 1, "a" * 60_000)
    refused(413, kept.append, ME, "0", 2, "a" * 6_000)


def test_what_nobody_goes_on_with_is_forgotten_and_told_if_it_had_not_ended() -> None:
    clock = Clock()
    kept = LyricUploads(clock)
    for name in ("open", "ended"):
        kept.begin(ME, name)
        kept.append(ME, name, 1, "a")
    kept.end(ME, "ended", 1)
    assert kept.deadline == lyric_uploads.PATIENCE
    assert kept.expired() == []
    clock.now = lyric_uploads.PATIENCE
    assert [draft.name for draft in kept.expired()] == ["open"]
    refused(404, kept.append, ME, "open", 2, "b")
    assert kept.deadline == float("inf")
