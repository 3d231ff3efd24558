"""Sounds with tags, byte by byte: ID3, Vorbis comments, an MP4's atoms."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping

from .sounds import encode, make_tone

MP3 = encode("MP3", "MPEG_LAYER_III", make_tone(0.1))


def make_synchsafe(number: int) -> bytes:
    return bytes(number >> 7 * place & 0x7F for place in (3, 2, 1, 0))


def make_frame(name: str, text: bytes, version: int = 3, flags: bytes = b"\0\0") -> bytes:
    """`text` begins with the number of its encoding."""
    if version == 2:
        return name.encode() + len(text).to_bytes(3) + text
    size = make_synchsafe(len(text)) if version == 4 else len(text).to_bytes(4)
    return name.encode() + size + flags + text


def make_id3(frames: bytes, version: int = 3, flags: int = 0) -> bytes:
    padded = frames + bytes(50)
    return b"ID3" + bytes([version, 0, flags]) + make_synchsafe(len(padded)) + padded


def make_frames(texts: Mapping[str, str], version: int = 3) -> bytes:
    return b"".join(make_frame(each, b"\0" + texts[each].encode(), version) for each in texts)


def make_comments(texts: Mapping[str, str]) -> bytes:
    pairs = [f"{name}={text}".encode() for name, text in texts.items()]
    head = struct.pack("<I4sI", 4, b"test", len(pairs))
    return head + b"".join(struct.pack("<I", len(pair)) + pair for pair in pairs)


def make_ogg(*packets: bytes, serial: int = 7) -> bytes:
    """A page for each segment that a page can have."""
    table: list[int] = []
    for packet in packets:
        table += [255] * (len(packet) // 255) + [len(packet) % 255]
    content = io.BytesIO(b"".join(packets))
    pages = [table[place : place + 250] for place in range(0, len(table), 250)]
    head = struct.pack("<4sBBqIII", b"OggS", 0, 0, 0, serial, 0, 0)
    return b"".join(
        head + bytes([len(page)]) + bytes(page) + content.read(sum(page)) for page in pages
    )


def make_atom(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def make_m4a(*entries: bytes, version: bytes = bytes(4)) -> bytes:
    tags = version + make_atom(b"hdlr", bytes(25)) + make_atom(b"ilst", b"".join(entries))
    movie = make_atom(b"mvhd", bytes(100)) + make_atom(b"udta", make_atom(b"meta", tags))
    sound = make_atom(b"mdat", bytes(999))
    return make_atom(b"ftyp", b"M4A \0\0\0\0") + sound + make_atom(b"moov", movie)


def make_entry(name: bytes, kind: int, value: bytes) -> bytes:
    return make_atom(name, make_atom(b"data", struct.pack(">II", kind, 0) + value))
