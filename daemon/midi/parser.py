"""MIDI's bytes."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 16 * 1024  # bytes of a message: what controllers say of themselves has some dozens
SHOWN = 16  # bytes of rubbish that are kept to be shown

SYSEX = 0xF0
SYSEX_END = 0xF7
REALTIME = 0xF8
FOLLOWED_BY = {
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
    """Whole messages out of what a cable carries: running status, clock ticks in the midst of a
    message, rubbish.
    """

    def __init__(self) -> None:
        self._rubbish = bytearray()
        self._lost = 0
        self._status = (
            0  # also of the messages to come, as long as nothing else is said: running status
        )
        self._message = bytearray()

    def feed(self, data: Iterable[int]) -> list[bytes]:
        messages: list[bytes] = []
        for byte in data:
            if byte >= REALTIME:
                messages.append(bytes([byte]))
            elif byte == SYSEX_END:  # outside of a system exclusive it means nothing
                if self._status == SYSEX:
                    messages.append(bytes([*self._message, SYSEX_END]))
                    self._begin(0)
            elif byte >= 0x80:
                self._give_up()
                self._begin(byte)
            else:
                self._data(byte)
            if self._whole():
                messages.append(bytes(self._message))
                self._begin(self._status if self._status < SYSEX else 0)
                self._message.clear()
        return messages

    def take_rubbish(self) -> tuple[bytes, int]:
        """How what was no message since the last time began, and how many bytes that were."""
        taken = bytes(self._rubbish), self._lost
        self._rubbish = bytearray()
        self._lost = 0
        return taken

    def waste(self, data: Iterable[int]) -> None:
        """That is no message."""
        wasted = bytes(data)
        self._lost += len(wasted)
        self._rubbish += wasted[: max(0, SHOWN - len(self._rubbish))]

    def _begin(self, status: int) -> None:
        self._status = status if status == SYSEX or _length(status) is not None else 0
        self._message = bytearray([status] if self._status else [])

    def _data(self, byte: int) -> None:
        if not self._status:
            self.waste([byte])
            return
        if not self._message:
            self._message.append(self._status)
        self._message.append(byte)
        if (
            len(self._message) > LONGEST
        ):  # only a system exclusive can be: whoever never ends it is not listened to
            self._give_up()
            self._begin(0)

    def _whole(self) -> bool:
        return (
            bool(self._message)
            and self._status != SYSEX
            and len(self._message) - 1 == _length(self._status)
        )

    def _give_up(self) -> None:
        """What has begun ends in the middle."""
        if self._message:
            self.waste(self._message)


def _length(status: int) -> int | None:
    """How many bytes follow; None where that is not a status with a fixed length."""
    return FOLLOWED_BY.get(status if status >= SYSEX else status & 0xF0)
