"""Real volumes, where the machine lets a test mount one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


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
