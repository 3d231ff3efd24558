"""Files that others may have written: read with a limit, and nothing in them taken for granted.

JSON and TOML give plain values of ordinary size: no number is infinite, none has thousands of
digits, and nothing is nested deeper than anybody can walk through. The limits are in `limits`. No
MLX.
"""

from __future__ import annotations

import codecs
import json
import math
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

from .limits import LIMITS

_SHOWN = 20  # characters of a number that a message shows
# tomllib takes a time that is quadratic in the parts of a key
_LONG_KEY = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    f"{{{LIMITS.json_depth}}}"
)


class FileState(NamedTuple):
    """What changes when a file is saved, replaced, or lets itself be read."""

    device: int
    inode: int
    size: int
    modified: int  # nanoseconds since the epoch
    changed: int  # the same, of its name and rights too

    @classmethod
    def of(cls, path: str | Path) -> Self:
        """That of a file, or of what a link leads to. Raises OSError."""
        return cls.of_stat(os.stat(path))

    @classmethod
    def of_stat(cls, found: os.stat_result) -> Self:
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def read_bytes(path: Path, most: int, follow_links: bool = True) -> bytes:
    """All of a regular file of at most so many bytes. Raises ValueError for any other, and
    OSError.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_links else os.O_NOFOLLOW)
    with open(os.open(path, flags), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise ValueError(f"{path} is no file")
        return read_stream(stream, path, most)


def read_stream(stream: BinaryIO, path: Path, most: int) -> bytes:
    """All of an open file of at most so many bytes. Raises ValueError for any other, and
    OSError.
    """
    content = stream.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{path} has more than {most} bytes, which are the most")
    return content


def read_json(path: Path, most: int) -> Any:
    """What a file holds. Raises ValueError, and OSError."""
    return parse_json(read_bytes(path, most))


def parse_json(text: str | bytes) -> Any:
    """What a text says, in UTF-8, UTF-16 or UTF-32, with a byte order mark or without. Raises
    ValueError.
    """
    try:
        value = json.loads(
            text.removeprefix("\ufeff") if isinstance(text, str) else text,
            parse_int=_read_integer,
            parse_float=_read_float,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise _too_deep() from None
    _check_depth(value)
    return value


def read_toml(path: Path, most: int) -> dict[str, Any]:
    """What a file holds. Raises ValueError, and OSError."""
    return parse_toml(read_text(path, most))


def read_text(path: Path, most: int) -> str:
    """What a file says; it may begin with a byte order mark, which
    also tells UTF-16 from UTF-8. Raises ValueError, and OSError."""
    content = read_bytes(path, most)
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 from byte {error.start} on: save it as UTF-8") from None


def parse_toml(text: str) -> dict[str, Any]:
    """What a text says. Raises ValueError."""
    if long := _LONG_KEY.search(text):
        raise ValueError(f"a key has more than {LIMITS.json_depth} parts: {long[0][:_SHOWN]}...")
    try:
        values = tomllib.loads(text, parse_float=_read_float)
    except RecursionError:
        raise _too_deep() from None
    _check_depth(values)
    return values


def _read_integer(digits: str) -> int:
    if len(digits.lstrip("-")) > LIMITS.json_digits:
        raise ValueError(
            f"{digits[:_SHOWN]}... has {len(digits)} digits, at most {LIMITS.json_digits} are read"
        )
    return int(digits)


def _read_float(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"a number must be a finite one, got {number[:_SHOWN]}")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"a number must be a finite one, got {name}")


def _check_depth(value: object) -> None:
    """Raises ValueError. TOML's whole numbers are looked at here too, as they were read without
    us.
    """
    level = [value]
    depth = 0
    while level:
        for each in level:
            if isinstance(each, int) and abs(each) >= 10**LIMITS.json_digits:
                raise ValueError(f"a number has more than {LIMITS.json_digits} digits")
        containers = [each for each in level if isinstance(each, dict | list)]
        depth += bool(containers)
        if depth > LIMITS.json_depth:
            raise _too_deep()
        level = [child for container in containers for child in _list_children(container)]


def _list_children(container: dict[str, object] | list[object]) -> list[object]:
    return list(container.values()) if isinstance(container, dict) else container


def _too_deep() -> ValueError:
    return ValueError(f"nested deeper than {LIMITS.json_depth} levels")
