"""Files opened by their real path: what was confined to a folder still is when it is opened.

A path without links is where its file is. Whoever may change a folder on the way could put a link
there afterwards, so each folder is opened out of the one before it, and none by a link. No MLX.
"""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from pathlib import Path
from typing import BinaryIO

_MAX_NAME = 255  # characters of a name
# of a Mac: refuses a link anywhere in a path
_NO_LINKS = getattr(os, "O_NOFOLLOW_ANY", 0)
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# of Linux: to walk through a folder one need not be allowed to list it
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class LinkOnTheWay(OSError):
    """A path leads over a link."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.ELOOP, "a link leads there", path)


def open_real(path: str | Path) -> BinaryIO:
    """A regular file at a path without links, to be read. Raises `LinkOnTheWay`,
    FileNotFoundError also for what is no regular file, and OSError.
    """
    path = os.path.abspath(path)
    try:
        handle = _open(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise LinkOnTheWay(path) from None
        if error.errno == errno.ENOTDIR:  # a file where a folder should be, or a link to one
            raise _explain(path) from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(errno.ENOENT, "it is no file", path)
    return open(handle, "rb")


def find_named(path: str) -> str:
    """The path by the names that are on the disk. What looks the same may be composed (NFC: Linux,
    Windows) or decomposed (NFD: a Mac): where nothing has the name that was given, and one thing
    has the same otherwise, it is that. A path that leads nowhere is returned as it is.
    """
    if path.isascii() or os.path.lexists(path):
        return path
    place = os.sep if os.path.isabs(path) else os.curdir
    for part in filter(None, path.split(os.sep)):
        inner = os.path.join(place, part)
        if not os.path.lexists(inner):
            same = _list_same(place, part)
            if len(same) != 1:
                return path
            inner = os.path.join(place, same[0])
        place = inner
    return place


def _list_same(folder: str, name: str) -> list[str]:
    """The names in a folder that differ from this one in their composition at most."""
    composed = unicodedata.normalize("NFC", name)
    if name.isascii() or len(name) > _MAX_NAME:
        return []
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not entry.name.isascii()]
    except OSError:
        return []
    return [each for each in names if unicodedata.normalize("NFC", each) == composed]


def _open(path: str) -> int:
    if _NO_LINKS:
        return os.open(path, _FILE | _NO_LINKS)
    *folders, name = [part for part in path.split(os.sep) if part] or [os.curdir]
    folder = os.open(os.sep, _FOLDER)
    try:
        for each in folders:
            inner = os.open(each, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(name, _FILE, dir_fd=folder)
    finally:
        os.close(folder)


def _explain(path: str) -> OSError:
    if os.path.realpath(path) != path:
        return LinkOnTheWay(path)
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
