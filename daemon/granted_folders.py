"""Folders outside of the settings in which takes of a message may land.

A message names a file in the state folder, which says the folder: only who may write in there can
have takes land where he likes, and that is the user.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from pipeline import untrusted
from pipeline.private import make_private

from .jobs import Refused
from .paths import MAX_PATH

FOLDER = "granted"
NAME = re.compile(r"[0-9a-f]{16}")


def grant(state: Path, name: str, folder: Path) -> None:
    """From now on takes may land in `folder`, which is absolute, under this name: see `NAME`.
    `state` is there. Raises OSError.
    """
    make_private(state / FOLDER)
    part = state / FOLDER / f".{name}.part"
    part.write_bytes(os.fsencode(folder))
    part.replace(state / FOLDER / name)


def revoke(state: Path, name: str) -> None:
    """Not any more; what was accepted lands all the same."""
    with suppress(OSError):
        (state / FOLDER / name).unlink()


def find_granted(state: Path, name: str) -> Path:
    """The folder of that name. Raises `Refused` 403 where none is."""
    if NAME.fullmatch(name):
        with suppress(OSError, ValueError):
            content = untrusted.read_bytes(state / FOLDER / name, MAX_PATH, follow_links=False)
            folder = Path(os.fsdecode(content))
            if folder.is_absolute():
                return folder
    raise Refused(
        403,
        f"no folder is granted under the name {name[:40]!r}",
        "leave land_in out: acestepd batch says it, for takes in a folder of its own",
    )
