"""What a disk is asked for: bytes that stay, names that were free, a look at what is there. OSError
as it comes.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from io import FileIO
from pathlib import Path

_FULL_SYNC = getattr(fcntl, "F_FULLFSYNC", 0)
# what systems answer that do not sync folders
_FOLDERS_NOT_SYNCED = {
    errno.EINVAL,
    errno.ENOTSUP,
    errno.ENOSYS,
    errno.EBADF,
    errno.EACCES,
    errno.EPERM,
}

_HASHED_HERE = 2**20  # bytes of a file whose hashing takes no longer than a thread for it
_SYNCED_TOGETHER = 2**24  # bytes of a file that is still written
_sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has one for both


class NoLinks(Exception):
    """The volume makes no hard links, or not this one."""


def write_synced(path: Path, content: bytes | memoryview, mode: int = 0o666) -> str:
    """Write a new file and wait until the disk has it. The SHA-256 of `content`. Of `mode`, the
    umask takes away what it takes from all files.

    What has the name already loses it, and keeps its content: that may have another name by now.
    """
    with _open_new(path, mode) as stream:
        _write_all(stream, content)
        _sync(stream.fileno())
    return hashlib.sha256(content).hexdigest()


def write_pieces_synced(path: Path, pieces: Iterable[bytes | memoryview]) -> str:
    """The same, of a content that comes piece by piece: each is hashed while it is written and the
    next one is made, and the disk gets what is there meanwhile.
    """
    hashed = hashlib.sha256()
    written = 0
    synced: list[Future[None]] = []
    with (
        _open_new(path, 0o666) as stream,
        ThreadPoolExecutor(1, "hashing") as hashing,
        ThreadPoolExecutor(1, "syncing") as syncing,
    ):
        for piece in pieces:
            if written < _HASHED_HERE:
                hashed.update(piece)
            else:
                hashing.submit(hashed.update, piece)
            _write_all(stream, piece)
            written += memoryview(piece).nbytes
            if written >= _SYNCED_TOGETHER * (len(synced) + 1):
                synced.append(syncing.submit(_sync_data, stream.fileno()))
        for each in synced:
            each.result()  # the system tells of a failure once
        _sync(stream.fileno())
    return hashed.hexdigest()


def _open_new(path: Path, mode: int) -> FileIO:
    path.unlink(missing_ok=True)
    return open(path, "xb", buffering=0, opener=partial(os.open, mode=mode))


def _write_all(stream: FileIO, piece: bytes | memoryview) -> None:
    """A write may take a part of what it was given."""
    rest = memoryview(piece).cast("B")
    while rest:
        rest = rest[stream.write(rest) :]


def hash_file(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_taken(path: Path) -> bool:
    """Whether the name is taken, be it by a link to nowhere. A disk that does not answer is an
    OSError, not a no.
    """
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two names are one file's: hard links. (A volume without links may number its files at
    will.)
    """
    first = os.lstat(one)
    second = os.lstat(other)
    return os.path.samestat(first, second) and first.st_nlink > 1


def take_name(source: Path, target: Path) -> bool:
    """Give `source` the name `target` too, or instead. False when that is another file's: nothing
    is overwritten.

    A hard link does it in one step. Where the volume has none (exFAT, some network volumes) the
    file is renamed, and whoever does so through here waits for the others, as renaming alone would
    overwrite.
    """
    with suppress(NoLinks):
        return take_name_by_link(source, target)
    with lock_folder(target.parent):
        return take_name_by_rename(source, target)


def take_name_by_link(source: Path, target: Path) -> bool:
    """`take_name` by a hard link. Raises `NoLinks`."""
    try:
        os.link(source, target)
    except FileExistsError:
        return is_same_file(source, target)
    except OSError as error:
        raise NoLinks from error
    return True


def take_name_by_rename(source: Path, target: Path) -> bool:
    """`take_name` by renaming, for a caller that has locked the folder."""
    if is_taken(target):
        return False
    os.rename(source, target)
    return True


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """One at a time per folder, among processes and threads; the system lets go of it when a
    process is killed.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a network volume without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder, where the system can do that."""
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _FOLDERS_NOT_SYNCED:
            raise


def _sync(handle: int) -> None:
    if _FULL_SYNC:  # on a Mac fsync leaves the data in the drive's own memory
        with suppress(OSError):  # a network volume knows nothing of it
            fcntl.fcntl(handle, _FULL_SYNC)
            return
    os.fsync(handle)
