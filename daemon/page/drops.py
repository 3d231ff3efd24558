"""Files that are dropped on the page: they land among the copies in out/.sources, where a request
may name them.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool

from pipeline.audio_files import read_blocks
from pipeline.guide import midi_file
from pipeline.private import make_private
from pipeline.request import BadRequest
from pipeline.source_facts import read_facts

from ..jobs import Refused

MAX_BYTES = 256 * 2**20  # of one file
MAX_FILES = 10_000  # in the folder: it is measured by looking at each
MEASURED = 2**20  # bytes of one after which it is looked again whether there is room
MAX_NAME = 80  # characters of its name that are kept
SOUNDS = (".wav", ".aif", ".aiff", ".flac", ".ogg", ".mp3", ".opus", ".m4a", ".caf")
NOTES = (".mid", ".midi")


class Drops:
    """How files are kept, also many at once. On the server's loop."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()  # of measuring
        self._checking = asyncio.Lock()  # one at a time: a decoder may take seconds

    async def keep(
        self, folder: Path, name: str, chunks: AsyncIterator[bytes], announced: int, limit: int
    ) -> dict[str, Any]:
        """Write what comes to a file of that folder, which is then what a request may name. So many
        bytes are `announced`, or 0. Returns its name there, what it is for (`source` or `guide`),
        and what it says of itself. Raises `Refused`: 413 where it is too large, 422 where it is no
        sound and no MIDI file, 507 where the folder has twice the bytes of its `limit`, or a file
        more once this one is being written, or very many files: what is new stays there for an hour
        whatever comes.
        """
        stem, suffix = _clean_name(name)
        _check_size(announced)
        try:
            path = await self._keep(folder, stem, suffix, chunks, limit)
        except OSError as error:
            text = f"{stem}{suffix} cannot be kept: {error.strerror or error}"
            raise Refused(507, text, "look at the folder of the clips") from error
        return await run_in_threadpool(_describe, path)

    async def _keep(
        self, folder: Path, stem: str, suffix: str, chunks: AsyncIterator[bytes], limit: int
    ) -> Path:
        """Returns where it is. Raises OSError as well."""
        make_private(folder)
        room = 2 * max(limit, MAX_BYTES)
        await run_in_threadpool(_check_room, folder, room)
        part = folder / f".{secrets.token_hex(8)}.part"
        try:
            digest = await self._write(part, chunks, room + MAX_BYTES)
            path = folder / f"{stem}-{digest[:8]}{suffix}"
            part = part.rename(part.with_suffix(suffix))  # what it is, is told by its ending
            async with self._checking:
                await run_in_threadpool(_check, part, stem + suffix)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path

    async def _write(self, path: Path, chunks: AsyncIterator[bytes], room: int) -> str:
        """Returns the content's SHA-256."""
        digest = hashlib.sha256()
        size = measured = 0
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            async for chunk in chunks:
                size += len(chunk)
                _check_size(size)
                digest.update(chunk)
                await run_in_threadpool(file.write, chunk)
                if size - measured >= MEASURED:
                    await self._keep_room(path, room)
                    measured = size
        await self._keep_room(path, room)
        return digest.hexdigest()

    async def _keep_room(self, path: Path, room: int) -> None:
        """Raises `Refused` 507. The part is gone then before another is looked at."""
        async with self._lock:
            try:
                await run_in_threadpool(_check_room, path.parent, room)
            except Refused:
                path.unlink()
                raise


def _check_size(size: int) -> None:
    """Raises `Refused` 413."""
    if size > MAX_BYTES:
        raise Refused(413, f"a file may have {MAX_BYTES >> 20} MB", "drop a shorter one")


def _check_room(folder: Path, room: int) -> None:
    """Raises `Refused` 507 where a folder has more than so many bytes, or too many files."""
    size, files = _measure(folder)
    if size > room or files > MAX_FILES:
        hint = "what no take uses goes after an hour; sources_mb in the settings has room for more"
        raise Refused(507, f"{folder.name} is full", hint)


def _check(path: Path, name: str) -> None:
    """Raises `Refused` 422 where the file that was called `name` cannot be read."""
    try:
        if path.suffix in NOTES:
            midi_file.read_first_music(path)
        else:
            next(iter(read_blocks(str(path))))
    except (BadRequest, midi_file.BadMidi, StopIteration) as error:
        text = str(error).replace(str(path), name).replace(path.name, name)
        text = text or f"there is no sound in {name}"
        hint = getattr(error, "hint", "") or "drop a file that other programs play"
        raise Refused(422, text, hint) from error


def _describe(path: Path) -> dict[str, Any]:
    """Its name, what it is for, and what it says of itself."""
    if path.suffix in NOTES:
        music = midi_file.read_facts(path)
        return {"name": path.name, "field": "guide", "bpm": music.bpm, "key": music.key}
    sound = read_facts(path)
    return {"name": path.name, "field": "source", "bpm": sound.bpm, "key": sound.key}


def _measure(folder: Path) -> tuple[int, int]:
    """The bytes of its files, and how many they are."""
    size = count = 0
    with os.scandir(folder) as files:
        for file in files:
            with suppress(FileNotFoundError):  # it has made room meanwhile
                size += file.stat(follow_symlinks=False).st_size
                count += 1
    return size, count


def _clean_name(name: str) -> tuple[str, str]:
    """A file's name without what leads elsewhere, and its suffix. Raises `Refused` 422."""
    text = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    stem, suffix = os.path.splitext(text)
    if suffix.lower() not in (*SOUNDS, *NOTES):
        allowed = " ".join((*SOUNDS, *NOTES))
        raise Refused(422, f"{text[:80]!r} is neither sound nor MIDI", f"drop one of {allowed}")
    stem = re.sub(r"[^\w -]+", "_", stem).strip(" ._-")[:MAX_NAME]
    return stem or "dropped", suffix.lower()
