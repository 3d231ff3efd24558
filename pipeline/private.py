"""Folders and files that are the user's alone, on a machine that has other users too. No MLX."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

MAX_LINKS = 40  # on the way to one folder, as Linux has it
PART = ".part"  # of a file that is not complete


def make_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, for its owner alone: the umask has no say. One
    that is there stays as it is. Raises OSError.
    """
    for parent in reversed(folder.parents):
        with suppress(OSError):  # it is there, or the folder itself says what is wrong
            parent.mkdir(mode=0o700)
    folder.mkdir(mode=0o700, exist_ok=True)


def make_private(folder: Path) -> bool:
    """Make a folder that its owner alone may enter, in one that exists; the umask has no say.
    Returns whether it was there and open to others until now. Raises OSError, also where a link has
    the name, or somebody else's folder, or one that is meant for everybody (like /tmp).
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "it is a link, or no folder", str(folder))
    if found.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "it is another user's", str(folder))
    if found.st_mode & stat.S_ISVTX:
        raise PermissionError(errno.EPERM, "it is shared by all users", str(folder))
    return _tighten(folder, found.st_mode)


def tighten_files(paths: Iterable[Path]) -> int:
    """Take from all others what they may do with these files, and with these folders and all in
    them. Links stay as they are, and what they lead to. Returns how many were open to others.
    """
    tightened = 0
    for path in paths:
        with suppress(OSError):  # it is gone again, or another user's
            found = path.lstat()
            if stat.S_ISDIR(found.st_mode):
                tightened += tighten_files(path.iterdir())
            if stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode):
                tightened += _tighten(path, found.st_mode)
    return tightened


def open_private(path: str, flags: int) -> int:
    """An `opener` for `open`: what it makes is for its owner alone, and a link is not followed."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def replace_private(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, in one step: `.NAME.part`, then renamed. Raises OSError;
    the old one stays then, and no part.
    """
    part = path.with_name(f".{path.name}{PART}")
    part.unlink(missing_ok=True)  # what a crash left
    try:
        with open(part, "xb", opener=open_private) as stream:
            stream.write(content)
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def find_strangers(folder: Path) -> str:
    """How users other than us and root could have something in a folder, or put another in its
    place: a sentence, empty where they cannot. Every folder and link on the way to it counts.
    """
    path = Path(os.path.abspath(folder))
    waiting = list(reversed(path.parts[1:]))
    reached = Path(path.anchor)
    links = 0
    while True:
        found = reached.lstat()
        if found.st_uid not in (0, os.geteuid()):
            return f"{reached} is another user's"
        if stat.S_ISLNK(found.st_mode):
            links += 1
            if links > MAX_LINKS:
                return f"{folder} has too many links on its way"
            target = Path(os.readlink(reached))
            waiting.extend(reversed(target.parts[1:] if target.is_absolute() else target.parts))
            reached = Path(target.anchor) if target.is_absolute() else reached.parent
            continue
        # in a sticky one nobody takes another's away, and what follows is looked at too
        is_sticky_way = waiting and found.st_mode & stat.S_ISVTX
        if _is_open(found) and not is_sticky_way:
            return f"others may write into {reached}"
        if not waiting:
            return ""
        name = waiting.pop()
        reached = reached.parent if name == ".." else reached / name


def _is_open(found: os.stat_result) -> bool:
    """Whether others may write there. A group that has its user's name and nobody else is not
    others: many systems give every user one, and a umask of 002.
    """
    if found.st_mode & stat.S_IWOTH:
        return True
    if not found.st_mode & stat.S_IWGRP or found.st_gid == 0:
        return False
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
        group = grp.getgrgid(found.st_gid)
    except KeyError:
        return True
    return group.gr_name != user or bool(set(group.gr_mem) - {user})


def _tighten(path: Path, mode: int) -> bool:
    """Whether it was open to others, and is no more."""
    if not mode & 0o077:
        return False
    with suppress(OSError):  # exFAT has no such modes
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.fchmod(handle, stat.S_IMODE(mode) & 0o700)
        finally:
            os.close(handle)
    return not stat.S_IMODE(path.lstat().st_mode) & 0o077
