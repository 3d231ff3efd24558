"""A file of the set as the source of a cover: acestepd reads only what lies in its own folders, so
the others are copied to `.sources` in its folder, a piece at every tick.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from typing import Generator, Iterator

FOLDER = ".sources"
PIECE = 4 << 20  # bytes at a time
MAX_SIZE = 1 << 30  # bytes; acestepd reads no more
SUFFIXES = tuple(  # what acestepd reads, the second line where ffmpeg is installed
    ".wav .wave .bwf .rf64 .w64 .flac .mp3 .aif .aiff .aifc .ogg .oga .opus .caf "
    ".m4a .m4b .mp4 .mov .aac .3gp .3g2 .amr .wma .webm .mka .mkv .ac3 .wv .ape".split()
)


class Unreadable(Exception):
    """It cannot be a source, and why: for a person."""


def copy(path: str, out: str) -> Generator[str, None, None]:
    """The path under which acestepd may read the file, yielded last; before it, "" for every piece
    that was copied. Raises `Unreadable`.
    """
    name, suffix = os.path.splitext(os.path.basename(path))
    if suffix.lower() not in SUFFIXES:
        raise Unreadable(f"acestepd cannot read {suffix or 'such'} files")
    if not out:
        raise Unreadable("acestepd does not say where its folder is; add this one to its folders")
    if _is_below(path, out):
        yield path
        return
    try:
        facts = os.stat(path)
        if facts.st_size > MAX_SIZE:
            raise Unreadable("the file is larger than a gigabyte")
        target = os.path.join(out, FOLDER, _name_copy(path, name, suffix, facts))
        if not os.path.exists(target):
            for _ in _copy_pieces(path, target):
                yield ""
        os.utime(target, None)  # the oldest go first when acestepd makes room
    except OSError as error:
        raise Unreadable(f"the file cannot be copied: {error.strerror or error}") from error
    yield target


def _copy_pieces(path: str, target: str) -> Iterator[None]:
    """To a hidden name first, so that nobody reads half a file."""
    folder, name = os.path.split(target)
    os.makedirs(folder, 0o700, exist_ok=True)
    part = os.path.join(folder, f".{name}.part")
    try:
        with open(path, "rb") as source, open(part, "wb") as copied:
            while True:
                piece = source.read(PIECE)
                if not piece:
                    break
                copied.write(piece)
                yield
        shutil.copymode(path, part)
        os.replace(part, target)
    finally:
        if os.path.exists(part):
            os.remove(part)


def _name_copy(path: str, name: str, suffix: str, facts: os.stat_result) -> str:
    """The same for the same file, so that a second cover copies nothing."""
    key = f"{path}|{facts.st_size}|{facts.st_mtime_ns}"
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    plain = re.sub(r"[^\w -]+", "_", name)[:60].strip(" .") or "clip"
    return f"{plain}-{digest}{suffix.lower()}"


def _is_below(path: str, folder: str) -> bool:
    below = os.path.join(os.path.realpath(folder), "")
    return os.path.realpath(path).startswith(below)
