"""Files and folders, shown in the system's file manager: hidden ones are hard to find there."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

PATIENCE = 3.0  # seconds: some desktops' openers end with the window that they open
MAX_OPENERS = 8  # that have not ended
_openers: list[subprocess.Popen[bytes]] = []


class NotShown(Exception):
    """It could not be shown: says why."""


def show(path: Path) -> bool:
    """Whether there is a desktop to show it on. Raises `NotShown` where that fails."""
    command = _build_command(path)
    if not command or not shutil.which(command[0]):
        return False
    _openers[:] = [each for each in _openers if each.poll() is None]
    if len(_openers) >= MAX_OPENERS:
        raise NotShown(f"{MAX_OPENERS} windows of {command[0]} are still open")
    quiet = subprocess.DEVNULL
    opener = subprocess.Popen(command, stdin=quiet, stdout=quiet, start_new_session=True)
    try:
        status = opener.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        _openers.append(opener)
        return True
    if status:
        raise NotShown(f"{command[0]} could not show it (exit status {status})")
    return True


def _build_command(path: Path) -> list[str]:
    """Empty where there is no desktop."""
    if platform.system() == "Darwin":
        return ["open", str(path)] if path.is_dir() else ["open", "-R", str(path)]
    if "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ:
        return ["xdg-open", str(path if path.is_dir() else path.parent)]
    return []
