"""Small JSON files that others may have written: read with suspicion, written in one step."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path

PART = ".part"
MAX_LISTED = 20_000  # names of a folder that are looked at


def read_object(path: Path, limit: int) -> dict[str, object]:
    """The object in a regular file of at most `limit` bytes. Raises ValueError for what is none,
    also for a link or a pipe, and OSError.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError(f"{path} is no file")
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{path} has more than {limit} bytes")
    try:
        data = json.loads(content)
    except RecursionError:
        raise ValueError(f"{path} is nested too deeply") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path} is no JSON object")
    return data


def write_object(path: Path, data: Mapping[str, object]) -> None:
    """Write a file that is there as a whole or not at all: `.NAME.part`, then renamed. Only its
    owner may read it. Raises OSError, and leaves no part then.
    """
    part = path.with_name(f".{path.stem}{PART}")
    with suppress(FileNotFoundError):  # what a crash left
        part.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(part, flags, 0o600), "wb") as stream:
            # file names may be odd
            text = json.dumps(data, ensure_ascii=False)
            stream.write(text.encode("utf-8", "backslashreplace") + b"\n")
        os.rename(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def list_files(folder: Path, pattern: re.Pattern[str]) -> list[str]:
    """The names of the regular files that match, sorted; of very many names, some. Raises
    OSError.
    """
    with os.scandir(folder) as entries:
        return sorted(
            entry.name
            for entry in islice(entries, MAX_LISTED)
            if pattern.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
        )
