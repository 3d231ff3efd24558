"""Real volumes, where the machine lets a test mount one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.waiting import until


def mounted(where: Path, *command: str | Path) -> Iterator[Path]:
    where.mkdir()
    done = subprocess.run([*command, where], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", where], capture_output=True)


def resize(where: Path, size: int) -> None:
    """Give a tmpfs so many bytes, at least those that are on it."""
    subprocess.run(["mount", "-o", f"remount,size={size}", where], check=True)


def fill(where: Path) -> None:
    """Take a tmpfs all the bytes that are free, although others write to it meanwhile."""

    def take_what_is_free() -> bool:
        found = os.statvfs(where)
        try:
            resize(where, (found.f_blocks - found.f_bfree) * found.f_frsize)
        except subprocess.CalledProcessError:  # by now more is on it
            return False
        return True

    until(take_what_is_free)
