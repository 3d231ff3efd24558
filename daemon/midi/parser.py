"""MIDI's bytes become whole messages."""

from __future__ import annotations

from collections.abc import Iterable

MAX_MESSAGE = 16 * 1024  # bytes: what controllers send about themselves has some dozens
MAX_INVALID = 16  # invalid bytes that are kept to be shown

SYSEX = 0xF0
SYSEX_END = 0xF7
REALTIME = 0xF8  # this status and those above
DATA_BYTES = {
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


class StreamParser:
    """Whole messages from a stream of bytes, with running status and with realtime messages within
    others; invalid bytes are collected.
    """

    def __init__(self) -> None:
        self._invalid = bytearray()  # the first of them
        self._invalid_count = 0
        # the status of the message that has begun, and of those that follow without one of their
        # own (running status); 0: none
        self._status = 0
        self._message = bytearray()  # as far as it has come

    def feed(self, data: Iterable[int]) -> list[bytes]:
        """The messages that these bytes complete."""
        messages: list[bytes] = []
        for byte in data:
            if byte >= REALTIME:
                messages.append(bytes([byte]))
            elif byte == SYSEX_END:  # outside of a system exclusive it means nothing
                if self._status == SYSEX:
                    messages.append(bytes([*self._message, SYSEX_END]))
                    self._begin(0)
            elif byte >= 0x80:
                self._discard_unfinished()
                self._begin(byte)
            else:
                self._add_data(byte)
            if self._is_complete():
                messages.append(bytes(self._message))
                self._begin(self._status if self._status < SYSEX else 0)
                self._message.clear()
        return messages

    def take_invalid(self) -> tuple[bytes, int]:
        """The first invalid bytes since the last time, and how many they were."""
        taken = bytes(self._invalid), self._invalid_count
        self._invalid = bytearray()
        self._invalid_count = 0
        return taken

    def discard(self, data: Iterable[int]) -> None:
        """These bytes are invalid."""
        discarded = bytes(data)
        self._invalid_count += len(discarded)
        self._invalid += discarded[: max(0, MAX_INVALID - len(self._invalid))]

    def _begin(self, status: int) -> None:
        has_meaning = status == SYSEX or _count_data_bytes(status) is not None
        self._status = status if has_meaning else 0
        self._message = bytearray([status] if self._status else [])

    def _add_data(self, byte: int) -> None:
        if not self._status:
            self.discard([byte])
            return
        if not self._message:
            self._message.append(self._status)
        self._message.append(byte)
        # only a system exclusive can be that long: one that never ends is dropped
        if len(self._message) > MAX_MESSAGE:
            self._discard_unfinished()
            self._begin(0)

    def _is_complete(self) -> bool:
        return (
            bool(self._message)
            and self._status != SYSEX
            and len(self._message) - 1 == _count_data_bytes(self._status)
        )

    def _discard_unfinished(self) -> None:
        if self._message:
            self.discard(self._message)


def _count_data_bytes(status: int) -> int | None:
    """How many data bytes follow; None for what is not a status with a fixed length."""
    return DATA_BYTES.get(status if status >= SYSEX else status & 0xF0)
