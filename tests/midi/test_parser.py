"""Bytes of a MIDI cable to whole messages."""

from __future__ import annotations

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.midi import StreamParser
from daemon.midi.parser import MAX_INVALID, MAX_MESSAGE

DATA = st.integers(0, 127)
LENGTHS = {
    0x80: 2,
    0x90: 2,
    0xA0: 2,
    0xB0: 2,
    0xC0: 1,
    0xD0: 1,
    0xE0: 2,
    0xF1: 1,
    0xF2: 2,
    0xF3: 1,
    0xF6: 0,
}
TICKS = st.sampled_from([0xF8, 0xFA, 0xFB, 0xFC, 0xFE])


@st.composite
def whole(draw: st.DrawFn) -> bytes:
    """One message that is not realtime."""
    status = draw(st.sampled_from([*LENGTHS, 0xF0]))
    if status == 0xF0:
        return bytes([0xF0, *draw(st.lists(DATA, max_size=9)), 0xF7])
    channel = draw(st.integers(0, 15)) if status < 0xF0 else 0
    return bytes([status + channel, *(draw(DATA) for _ in range(LENGTHS[status]))])


def fed(*packets: bytes) -> list[bytes]:
    stream = StreamParser()
    return [message for packet in packets for message in stream.feed(packet)]


def hexes(*texts: str) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


@pytest.mark.parametrize(
    ("came", "meant"),
    [
        ("90 24 40 25 41", ["90 24 40", "90 25 41"]),  # running status
        ("90 24 F8 40 25 F8 41", ["F8", "90 24 40", "F8", "90 25 41"]),  # ticks amid messages
        ("F0 01 F8 02 F7", ["F8", "F0 01 02 F7"]),
        ("F0 01 02 90 24 40", ["90 24 40"]),  # a system exclusive without an end
        ("F0 01 90 24 40 F7", ["90 24 40"]),
        ("90 24 80 25 00", ["80 25 00"]),  # a note that was cut off
        ("24 40 90 24 40", ["90 24 40"]),  # plugged in amid a message
        (
            "90 24 40 F6 25 41",
            ["90 24 40", "F6"],
        ),  # what is common to all channels ends running status
        ("90 24 40 F0 01 F7 25 41 90 26 42", ["90 24 40", "F0 01 F7", "90 26 42"]),
        ("F4 01 F5 F9 FD 90 24 40", ["F9", "FD", "90 24 40"]),  # undefined ones
        ("F7 F7 C0 05 06", ["C0 05", "C0 06"]),
        ("F2 10 20 F3 01", ["F2 10 20", "F3 01"]),
        ("", []),
    ],
)
def test_what_comes_means(came: str, meant: list[str]) -> None:
    assert fed(bytes.fromhex(came)) == hexes(*meant)


@given(st.lists(whole() | TICKS.map(lambda tick: bytes([tick]))), st.data())
def test_whole_messages_come_out_however_they_are_cut_into_packets(
    messages: list[bytes], data: st.DataObject
) -> None:
    stream = StreamParser()
    came = b"".join(messages)
    out = []
    while came:
        size = data.draw(st.integers(1, len(came)))
        out += stream.feed(came[:size])
        came = came[size:]
    assert out == messages
    assert stream.take_invalid() == (b"", 0)


@given(st.lists(whole(), min_size=1), st.lists(TICKS), st.data())
def test_ticks_go_before_what_they_came_into_and_change_nothing(
    messages: list[bytes], ticks: list[int], data: st.DataObject
) -> None:
    came = list(b"".join(messages))
    for tick in ticks:
        came.insert(data.draw(st.integers(0, len(came))), tick)
    out = fed(bytes(came))
    assert [message for message in out if message[0] < 0xF8] == messages
    assert [message[0] for message in out if message[0] >= 0xF8] == [
        byte for byte in came if byte >= 0xF8
    ]


@given(st.integers(0x80, 0xEF), st.lists(st.tuples(DATA, DATA), min_size=1))
def test_running_status_is_the_same_as_all_of_them(
    status: int, values: list[tuple[int, int]]
) -> None:
    size = LENGTHS[status & 0xF0]
    full = [bytes([status, *value[:size]]) for value in values]
    assert fed(full[0] + b"".join(message[1:] for message in full[1:])) == full


@given(st.binary(max_size=200), whole())
def test_invalid_bytes_raise_nothing_and_swallow_no_whole_message_behind_it(
    invalid: bytes, message: bytes
) -> None:
    stream = StreamParser()
    before = stream.feed(invalid)
    assert stream.feed(message) == [message]
    for parsed in before:
        assert parsed[0] >= 0x80
        assert all(byte < 0x80 for byte in parsed[1:-1])
    begins, count = stream.take_invalid()
    assert count <= len(invalid)
    assert len(begins) == min(count, MAX_INVALID)
    assert stream.take_invalid() == (b"", 0)


def test_a_system_exclusive_without_an_end_is_given_up_and_what_follows_is_heard() -> None:
    stream = StreamParser()
    assert stream.feed(b"\xf0" + bytes(MAX_MESSAGE - 1)) == []
    assert stream.take_invalid() == (b"", 0), "it may still end"
    for _ in range(9):
        assert stream.feed(bytes(MAX_MESSAGE)) == []
        assert len(stream._message) + len(stream._invalid) <= MAX_INVALID, "nothing of it is kept"
    assert stream.take_invalid() == (b"\xf0" + bytes(MAX_INVALID - 1), 10 * MAX_MESSAGE)
    assert stream.feed(b"\xf7\x90\x24\x40") == [b"\x90\x24\x40"]


def test_a_system_exclusive_may_be_long() -> None:
    message = b"\xf0" + bytes(MAX_MESSAGE - 1) + b"\xf7"
    assert fed(message) == [message]


@given(st.lists(whole()))
def test_mido_understands_what_comes_out(messages: list[bytes]) -> None:
    for message in fed(*messages):
        assert bytes(mido.Message.from_bytes(message).bytes()) == message
