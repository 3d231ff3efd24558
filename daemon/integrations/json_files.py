"""Small JSON files that others may have written: read with suspicion, written in one step."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.private import replace_private


def read_object(path: Path, limit: int) -> dict[str, object]:
    """The object in a regular file of at most `limit` bytes. Raises ValueError for what is none,
    also for a link or a pipe, and OSError.
    """
    content = untrusted.read_bytes(path, limit, follow_links=False)
    data = untrusted.parse_json(content)
    if not isinstance(data, dict):
        raise ValueError(f"{path} is no JSON object")
    return data


def write_object(path: Path, data: Mapping[str, object]) -> None:
    """Write a file that is there as a whole or not at all, and that only its owner may read. Raises
    OSError, and leaves no part then.
    """
    replace_private(path, encode_json(data) + b"\n")


def encode_json(data: object) -> bytes:
    """JSON as UTF-8. What is no Unicode, as in odd names of files, is written with backslashes."""
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "backslashreplace")


def list_files(folder: Path, pattern: re.Pattern[str]) -> list[str]:
    """The names of the regular files that match, sorted; of very many names, some. Raises
    OSError.
    """
    with os.scandir(folder) as entries:
        return sorted(
            entry.name
            for entry in islice(entries, LIMITS.inbox_files)
            if pattern.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
        )
