"""A reader of RIFF files that shares nothing with the writer: what chunks there are, and that they
are well formed.
"""

from __future__ import annotations

import struct


def walk(content: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a WAV in their order. Fails where a size, a padding byte or the whole does not
    fit.
    """
    letters, size, form = struct.unpack("<4sI4s", content[:12])
    assert letters == b"RIFF"
    assert size + 8 == len(content)
    assert form == b"WAVE"
    return _chunks(content[12:])


def texts(content: bytes) -> dict[int, str]:
    """Cue point -> label, of a LIST of type adtl."""
    assert content[:4] == b"adtl"
    labels = {}
    for name, label in _chunks(content[4:]):
        assert name == b"labl"
        assert label.endswith(b"\0")
        labels[struct.unpack("<I", label[:4])[0]] = label[4:-1].decode()
    return labels


def _chunks(rest: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    while rest:
        name, size = struct.unpack("<4sI", rest[:8])
        padded = size + size % 2
        assert len(rest) >= 8 + padded, f"{name!r} is cut off"
        assert not any(rest[8 + size : 8 + padded]), f"{name!r} is padded with something"
        found.append((name, rest[8 : 8 + size]))
        rest = rest[8 + padded :]
    return found
