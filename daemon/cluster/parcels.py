"""Messages with audio as they go from one machine to the other: in chunks with their checksums, or
as files in a folder that both machines have.

A parcel is plain data, texts, numbers and bytes: nothing is unpickled to read it.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.private import open_private

from ..messages import FloatArray, WorkerMessage, decode_message, encode_message

CHUNK_BYTES = 4 * 2**20
PREFIX = ".acestepd-"  # of a file in the shared folder

Frame = bytes | memoryview  # a message's head, or one of its arrays
Chunk = tuple[int, bytes]  # its CRC-32 goes first
Parcel = dict[str, Any]


class BadParcel(ValueError):
    """What came is not what was sent."""


def pack(messages: Iterable[WorkerMessage], shared: Path | None = None) -> Parcel:
    """Messages as a parcel, or as files in the `shared` folder with a parcel that names them.
    Raises OSError.
    """
    frames: list[Frame] = []
    for message in messages:
        head, arrays = encode_message(message)
        frames += [head, *arrays]
    if shared is None:
        return {"frames": [list(_split(frame)) for frame in frames]}
    name = f"{PREFIX}{uuid.uuid4().hex}"
    with open(shared / name, "xb", opener=open_private) as stream:
        for frame in frames:
            stream.write(frame)
    sums = [(len(frame), zlib.crc32(frame)) for frame in frames]
    return {"file": name, "sums": sums}


def unpack(parcel: Parcel, shared: Path | None = None) -> list[WorkerMessage]:
    """The messages of a parcel; files in the `shared` folder are removed then. Raises `BadParcel`,
    and OSError where there is no such file.
    """
    frames = _read_shared(parcel, shared) if "file" in parcel else _join(parcel)
    waiting = iter(frames)
    return [_decode(head, waiting) for head in waiting]


def _decode(head: Frame, rest: Iterator[Frame]) -> WorkerMessage:
    def read_array(length: int) -> FloatArray:
        array = np.frombuffer(next(rest), np.float32)
        if len(array) != length:
            raise BadParcel(f"an array of {length} numbers came with {len(array)}")
        return array

    try:
        return decode_message(bytes(head), read_array)
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise BadParcel(f"what came is no message: {error!r:.200}") from error


def _split(frame: Frame) -> Iterator[Chunk]:
    view = memoryview(frame)
    for begin in range(0, max(1, len(view)), CHUNK_BYTES):
        chunk = bytes(view[begin : begin + CHUNK_BYTES])
        yield zlib.crc32(chunk), chunk


def _join(parcel: Parcel) -> Iterator[Frame]:
    try:
        whole = parcel["frames"]
        for chunks in whole:
            for checksum, chunk in chunks:
                _check(checksum, chunk)
            yield b"".join(chunk for _, chunk in chunks) if len(chunks) > 1 else chunks[0][1]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise BadParcel(f"what came is no parcel: {error!r:.200}") from error


def _read_shared(parcel: Parcel, shared: Path | None) -> Iterator[Frame]:
    name = str(parcel["file"])
    if shared is None or Path(name).name != name or not name.startswith(PREFIX):
        raise BadParcel(
            f"it lies in a shared folder, as {name[:80]!r}: say which in [cluster] shared here, too"
        )
    path = shared / name
    try:
        with open(path, "rb", opener=open_private) as stream:
            for size, checksum in parcel["sums"]:
                frame = stream.read(size)
                _check(checksum, frame)
                yield frame
    finally:
        path.unlink(missing_ok=True)


def _check(checksum: object, chunk: bytes) -> None:
    if zlib.crc32(chunk) != checksum:
        raise BadParcel(f"{len(chunk)} bytes came otherwise than they were sent")
