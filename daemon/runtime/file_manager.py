"""Files and folders, shown in the system's file manager: hidden ones are hard to find there."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path


class NotShown(Exception):
    """It could not be shown: says why."""


def show(path: Path) -> bool:
    """Whether there is a desktop to show it on. Raises `NotShown` where that fails."""
    command = _build_command(path)
    if not command or not shutil.which(command[0]):
        return False
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise NotShown(f"{command[0]} could not show it (exit status {done.returncode})")
    return True


def _build_command(path: Path) -> list[str]:
    """Empty where there is no desktop."""
    if platform.system() == "Darwin":
        return ["open", str(path)] if path.is_dir() else ["open", "-R", str(path)]
    if "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ:
        return ["xdg-open", str(path if path.is_dir() else path.parent)]
    return []
