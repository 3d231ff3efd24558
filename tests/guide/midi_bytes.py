"""MIDI files as programs write them, byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Iterable

# ticks from the start, and the event without its pause
Timed = tuple[int, bytes]


def number(value: int) -> bytes:
    """Of variable length."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


def meta(kind: int, content: bytes | str = b"") -> bytes:
    data = content.encode("latin-1") if isinstance(content, str) else content
    return b"\xff" + bytes([kind]) + number(len(data)) + data


def tempo(bpm: float) -> bytes:
    return meta(0x51, round(60e6 / bpm).to_bytes(3, "big"))


def signature(beats: int, unit: int, clocks: int = 24) -> bytes:
    return meta(0x58, bytes([beats, unit.bit_length() - 1, clocks, 8]))


def key(sharps: int, minor: int = 0) -> bytes:
    return meta(0x59, struct.pack("bB", sharps, minor))


def control(number: int, value: int, channel: int = 0) -> bytes:
    return bytes([0xB0 | channel, number, value])


def program(value: int, channel: int = 0) -> bytes:
    return bytes([0xC0 | channel, value])


def notes(
    keys: Iterable[tuple[float, float, int]],
    division: int,
    channel: int = 0,
    *,
    off: int | None = 64,
) -> list[Timed]:
    """(beat, beats, pitch), released by a note off of that velocity; None: by a note on of 0."""
    events: list[tuple[int, int, bytes]] = []
    for beat, beats, pitch in keys:
        begin, end = round(beat * division), round((beat + beats) * division)
        released = bytes([0x90 | channel, pitch, 0])
        if off is not None:
            released = bytes([0x80 | channel, pitch, off])
        last = 2 if begin == end else 0
        events += [(begin, 1, bytes([0x90 | channel, pitch, 100])), (end, last, released)]
    return [(tick, event) for tick, _, event in sorted(events)]


def track(*events: Timed, end: int | None = None, runs: bool = False) -> bytes:
    """A chunk; `end`: its end of track, None where its last event is. `runs`: with running
    status.
    """
    content = b""
    now = last = 0
    ordered = sorted(events, key=lambda event: event[0])
    final = end if end is not None else max((tick for tick, _ in events), default=0)
    for tick, event in [*ordered, (final, meta(0x2F))]:
        is_repeated = runs and event[0] == last < 0xF0
        content += number(tick - now) + (event[1:] if is_repeated else event)
        now, last = tick, event[0]
    return b"MTrk" + struct.pack(">L", len(content)) + content


def file(format: int, division: int, *chunks: bytes, count: int | None = None) -> bytes:
    tracks = sum(chunk[:4] == b"MTrk" for chunk in chunks) if count is None else count
    return b"MThd" + struct.pack(">LHHh", 6, format, tracks, division) + b"".join(chunks)


def riff(content: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """An RMID, with other chunks behind the file."""
    parts = b"".join(
        name + struct.pack("<L", len(data)) + data + b"\0" * (len(data) % 2)
        for name, data in ((b"data", content), *chunks)
    )
    return b"RIFF" + struct.pack("<L", 4 + len(parts)) + b"RMID" + parts
