"""Packets are read and written as python-osc, which others use, reads and writes them."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage

from daemon.osc.wire import Malformed, Message, encode, read_message, read_packet
from tests.support.osc_client import encode_message

TEXTS = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), max_size=40)
VALUES = st.lists(
    st.one_of(
        TEXTS.map(lambda value: ("s", value)),
        st.integers(-(2**31), 2**31 - 1).map(lambda value: ("i", value)),
        st.floats(width=32, allow_nan=False).map(lambda value: ("f", value)),
    ),
    max_size=8,
)


@given(VALUES)
def test_what_we_write_others_read_and_what_they_write_we_read(
    arguments: list[tuple[str, str | int | float]],
) -> None:
    types = "".join(tag for tag, _ in arguments)
    values = [value for _, value in arguments]
    packet = encode("/ace/any", types, *values)
    assert packet == encode_message("/ace/any", *values, types=types)
    assert list(OscMessage(packet).params) == values
    read = read_message(packet).arguments
    assert [struct.pack(">f", value) for value in read if isinstance(value, float)] == [
        struct.pack(">f", value) for value in values if isinstance(value, float)
    ]
    assert [value for value in read if not isinstance(value, float)] == [
        value for value in values if not isinstance(value, float)
    ]


@pytest.mark.parametrize("value", [60.2, 8.0, 0.1, -1e-7, 16_777_215.0, 3.14159, 1e30, 123.456])
def test_a_float_is_the_number_that_was_typed(value: float) -> None:
    assert read_message(encode("/f", "f", value)).arguments == (value,)


@given(st.floats(width=32))
def test_every_float_comes_back_as_it_was(value: float) -> None:
    (read,) = read_message(encode("/f", "f", value)).arguments
    assert isinstance(read, float)
    if math.isnan(value):
        assert math.isnan(read)
    else:
        assert struct.pack(">f", read) == struct.pack(">f", value)


def test_longs_and_doubles_are_read() -> None:
    packet = b"/x\0\0,hd\0" + struct.pack(">qd", -(2**40), 0.1)
    assert read_message(packet) == Message("/x", (-(2**40), 0.1))


@pytest.mark.parametrize("tag", "ihd")
def test_an_argument_that_is_cut_off_is_malformed(tag: str) -> None:
    with pytest.raises(Malformed, match="not an OSC message"):
        read_message(f"/x\0\0,{tag}\0\0".encode() + b"\0\0\0")


def test_a_float_whose_zeros_were_left_out_is_read() -> None:
    """Reaktor does that."""
    assert read_message(b"/x\0\0,f\0\0\x41").arguments == (8.0,)


class CountingBytes(bytes):
    """Counts the bytes that are copied out of it."""

    copied = 0

    def __getitem__(self, key: Any) -> Any:
        part: Any = super().__getitem__(key)
        CountingBytes.copied += len(part) if isinstance(part, bytes) else 1
        return part


def test_reading_a_bundle_copies_each_byte_once_or_so() -> None:
    element = struct.pack(">i", 8) + b"/x\0\0,\0\0\0"
    packet = CountingBytes(b"#bundle\0" + struct.pack(">Q", 1) + element * 5000)
    assert len(list(read_packet(packet, 0.0))) == 5000
    assert CountingBytes.copied < 2 * len(packet)
