"""What the tags of a sound file say, as text: ID3, Vorbis comments, an MP4's metadata, a CAF's
strings.

Libraries that read tags keep all that a file says there is, and some search it again for each that
comes; here nobody waits for a file that says too much. Nothing here decodes sound. No MLX.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import BinaryIO

from .limits import LIMITS
from .sound_headers import SoundHeader, read_at, skip_tags

_INFO = b"INFO"
LIST_INFO = b"LIST" + _INFO  # a WAV's chunk of tags; other lists are about places in the sound
_MOST_TEXT = 1_000  # bytes of one: a tempo, a key or a title is shorter
_NAMES = {  # what a tag is called, in small letters, and what it says
    "tbpm": "bpm",
    "tbp": "bpm",
    "tmpo": "bpm",
    "bpm": "bpm",
    "ibpm": "bpm",
    "tempo": "bpm",
    "tkey": "key",
    "tke": "key",
    "key": "key",
    "initialkey": "key",
    "initial key": "key",
    "key signature": "key",
    "tit2": "title",
    "tt2": "title",
    "title": "title",
    "©nam": "title",
}

Tag = tuple[str, str]  # what it is called, and its text


def read_tags(
    stream: BinaryIO, header: SoundHeader, chunks: Mapping[bytes, bytes]
) -> dict[str, str]:
    """The first `bpm`, `key` and `title` that a file's tags say, as they are written there.
    `chunks`: those of a file that consists of chunks. Raises OSError.
    """
    found: dict[str, str] = {}
    with suppress(struct.error):  # it ends within its tags
        for name, text in islice(_list_tags(stream, header, chunks), LIMITS.sound_tags):
            known = _NAMES.get(name.strip().lower())
            if known and (text := text.strip("\0 \t\r\n")):
                found.setdefault(known, text)
    return found


def _list_tags(
    stream: BinaryIO, header: SoundHeader, chunks: Mapping[bytes, bytes]
) -> Iterator[Tag]:
    for name in (b"id3 ", b"ID3 "):
        yield from _parse_id3(chunks.get(name, b""))
    yield from parse_strings(chunks.get(b"info", b""))
    yield from parse_info(chunks.get(LIST_INFO, b""))
    if reader := _READERS.get(header.kind):
        yield from reader(stream, header.start)


# --- ID3 ------------------------------------------------------------------------------------------

_ENCODINGS = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}
_HEAD = 10  # bytes of a tag's own head
_UNSYNCHRONISED = 0x80  # flags of a tag
_EXTENDED = 0x40
_FRAME_UNSYNCHRONISED = 0x02  # flags of a frame of version 4
_FRAME_LENGTH = 0x01


def _read_mp3(stream: BinaryIO, start: int) -> Iterator[Tag]:
    size = _HEAD + _read_synchsafe(read_at(stream, start, _HEAD)[6:])
    return _parse_id3(read_at(stream, start, min(size, LIMITS.sound_tag_bytes)))


def _parse_id3(content: bytes) -> Iterator[Tag]:
    """The texts of a tag of ID3v2, by the names of their frames; those of TXXX by their own."""
    if len(content) < _HEAD or content[:3] != b"ID3":
        return
    version, flags = content[3], content[5]
    body = content[_HEAD : _HEAD + _read_synchsafe(content[6:_HEAD])]
    if flags & _UNSYNCHRONISED and version < 4:
        body = _synchronise(body)
    yield from _walk_frames(body, version, _skip_extended_header(body, version, flags))


def _skip_extended_header(body: bytes, version: int, flags: int) -> int:
    if not flags & _EXTENDED or version < 3:
        return 0
    return 4 + int.from_bytes(body[:4]) if version == 3 else _read_synchsafe(body[:4])


def _walk_frames(body: bytes, version: int, place: int) -> Iterator[Tag]:
    letters, size = (3, 6) if version == 2 else (4, 10)
    while place + size <= len(body) and body[place]:
        name = body[place : place + letters].decode("latin-1")
        length = _read_length(body[place + letters : place + 2 * letters], version)
        flags = 0 if version == 2 else body[place + 9]
        place += size
        if place + length > len(body):  # it is not whole
            return
        text = _open_frame(body[place : place + min(length, _MOST_TEXT)], version, flags)
        first, _, second = _decode(text).partition("\0")
        yield (first, second) if name in ("TXX", "TXXX") else (name, first)
        place += length


def _read_length(content: bytes, version: int) -> int:
    """Of a frame. Some programs write it as in version 3 where it should be synchsafe."""
    is_synchsafe = version == 4 and max(content) < 128
    return _read_synchsafe(content) if is_synchsafe else int.from_bytes(content)


def _open_frame(content: bytes, version: int, flags: int) -> bytes:
    """A frame's text; empty where it is compressed or encrypted."""
    if version == 4 and flags & _FRAME_UNSYNCHRONISED:
        content = _synchronise(content)
    if version == 4 and flags & _FRAME_LENGTH:
        content = content[4:]
    is_plain = not flags or (version == 4 and flags <= _FRAME_UNSYNCHRONISED | _FRAME_LENGTH)
    return content if is_plain else b""


def _decode(content: bytes) -> str:
    """Of its encoding and its text."""
    encoding = _ENCODINGS.get(content[0] if content else 0, "latin-1")
    return content[1:].decode(encoding, "replace").replace("\ufeff", "")


def _read_synchsafe(content: bytes) -> int:
    """Seven bits of each byte."""
    number = 0
    for byte in content:
        number = number << 7 | byte & 0x7F
    return number


def _synchronise(content: bytes) -> bytes:
    return content.replace(b"\xff\x00", b"\xff")


# --- Vorbis comments ------------------------------------------------------------------------------

_COMMENTS = 4  # the type of FLAC's block with them
_PAGE = 27  # bytes of the head of an Ogg page, without its table
# in front of the comments, by what the second packet of an Ogg stream begins with
_COMMENT_HEADS = ((b"\x03vorbis", 7), (b"OpusTags", 8), (bytes([_COMMENTS]), 4), (b"\x84", 4))


def _parse_comments(content: bytes) -> Iterator[Tag]:
    (vendor,) = struct.unpack_from("<I", content)
    (count,) = struct.unpack_from("<I", content, 4 + vendor)
    place = 8 + vendor
    for _ in range(count):
        (length,) = struct.unpack_from("<I", content, place)
        place += 4
        if place + length > len(content):  # it is not whole
            return
        text = content[place : place + min(length, _MOST_TEXT)].decode("utf-8", "replace")
        name, _, value = text.partition("=")
        yield name, value
        place += length


def _read_flac(stream: BinaryIO, start: int) -> Iterator[Tag]:
    place = (start or skip_tags(stream, os.fstat(stream.fileno()).st_size)) + 4
    for _ in range(LIMITS.sound_chunks):
        head = read_at(stream, place, 4)
        if len(head) < 4:
            return
        length = int.from_bytes(head[1:])
        if head[0] & 0x7F == _COMMENTS:
            content = read_at(stream, place + 4, min(length, LIMITS.sound_tag_bytes))
            yield from _parse_comments(content)
        if head[0] & 0x80:  # the last one
            return
        place += 4 + length


def _read_ogg(stream: BinaryIO, start: int) -> Iterator[Tag]:
    packet = _read_second_packet(stream, start)
    for beginning, length in _COMMENT_HEADS:
        if packet.startswith(beginning):
            yield from _parse_comments(packet[length:])
            return


def _read_second_packet(stream: BinaryIO, place: int) -> bytes:
    """That of the first stream in the file, which has its comments, as far as it is read."""
    serial = read_at(stream, place + 14, 4)
    packet = bytearray()
    ended = 0
    for _ in range(LIMITS.sound_chunks):
        head = read_at(stream, place, _PAGE)
        if len(head) < _PAGE or head[:4] != b"OggS":
            break
        table = read_at(stream, place + _PAGE, head[26])
        place += _PAGE + len(table)
        page = io.BytesIO(read_at(stream, place, sum(table)))
        place += sum(table)
        if head[14:18] != serial:
            continue
        for size in table:
            segment = page.read(size)
            if ended == 1:
                packet += segment
            ended += size < 255
            if ended == 2 or len(packet) > LIMITS.sound_tag_bytes:
                return bytes(packet)
    return bytes(packet)


# --- MP4 ------------------------------------------------------------------------------------------

_WHOLE_NUMBERS = (0, 21)  # the types of a tempo


def _read_mp4(stream: BinaryIO, start: int) -> Iterator[Tag]:
    place = start
    for _ in range(LIMITS.sound_chunks):
        head = read_at(stream, place, 16)
        if len(head) < 8:
            return
        length, name = struct.unpack_from(">I4s", head)
        if length == 1:
            (length,) = struct.unpack_from(">8xQ", head)
        if name == b"moov":
            content = read_at(stream, place, min(length, LIMITS.sound_tag_bytes))
            yield from _parse_movie(content)
            return
        if length < 8:  # up to the end, or nonsense
            return
        place += length


def _parse_movie(content: bytes) -> Iterator[Tag]:
    """The metadata of an atom `moov`."""
    part = range(8, len(content))
    for wanted in (b"udta", b"meta", b"ilst"):
        found = (each for name, each in _walk_atoms(content, part) if name == wanted)
        part = next(found, range(0))
        if wanted == b"meta" and content[part.start + 4 : part.start + 8] != b"hdlr":
            part = part[4:]  # behind its version, which QuickTime leaves out
    for name, entry in _walk_atoms(content, part):
        yield _parse_entry(content, name, dict(_walk_atoms(content, entry)))


def _parse_entry(content: bytes, name: bytes, parts: Mapping[bytes, range]) -> Tag:
    """An entry of `ilst`: its text; a whole number, where it is a tempo."""
    called = name.decode("latin-1")
    if name == b"----":
        called = _cut(content, parts.get(b"name", range(0))[4:]).decode("utf-8", "replace")
    data = _cut(content, parts.get(b"data", range(0)))
    kind = int.from_bytes(data[1:4])
    if name == b"tmpo" and kind in _WHOLE_NUMBERS:
        return called, str(int.from_bytes(data[8:]))
    return called, data[8:].decode("utf-8", "replace")


def _walk_atoms(content: bytes, part: range) -> Iterator[tuple[bytes, range]]:
    """The atoms of a part, and where their content is."""
    place = part.start
    for _ in range(LIMITS.sound_tags):
        if place + 8 > part.stop:
            return
        length, name = struct.unpack_from(">I4s", content, place)
        if length < 8 or place + length > part.stop:
            return
        yield name, range(place + 8, place + length)
        place += length


def _cut(content: bytes, part: range) -> bytes:
    return content[part.start : part.start + min(len(part), _MOST_TEXT)]


# --- CAF ------------------------------------------------------------------------------------------


def parse_strings(content: bytes) -> Iterator[Tag]:
    """The pairs of a CAF's strings, which it counts and ends with zeros."""
    count = int.from_bytes(content[:4])
    texts = iter(content[4:].split(b"\0", 2 * min(count, LIMITS.sound_tags)))
    for name, value in islice(zip(texts, texts), count):
        yield (
            name[:_MOST_TEXT].decode("utf-8", "replace"),
            value[:_MOST_TEXT].decode("utf-8", "replace"),
        )


def parse_info(content: bytes) -> Iterator[Tag]:
    """The texts of a WAV's LIST of kind INFO, by their names."""
    place = len(_INFO)
    while content.startswith(_INFO) and place + 8 <= len(content):
        name, length = struct.unpack("<4sI", content[place : place + 8])
        text = content[place + 8 : place + 8 + min(length, _MOST_TEXT)]
        yield name.decode("latin-1"), text.decode("utf-8", "replace")
        place += 8 + length + length % 2


_READERS: dict[str, Callable[[BinaryIO, int], Iterator[Tag]]] = {
    "mp3": _read_mp3,
    "flac": _read_flac,
    "ogg": _read_ogg,
    "mov": _read_mp4,
}
