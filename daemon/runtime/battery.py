"""Whether this computer runs on its battery: macOS's pmset says so, or Linux's power supplies."""

from __future__ import annotations

import platform
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

SUPPLIES = Path("/sys/class/power_supply")
ON_BATTERY = "Now drawing from 'Battery Power'"  # what pmset begins with
PATIENCE = 5.0  # seconds


def is_on_battery() -> bool:
    """It runs a program or reads files: nobody who plays may wait for it. Where nothing says so, it
    does not.
    """
    with suppress(OSError, subprocess.SubprocessError):
        return _ask_pmset() if platform.system() == "Darwin" else _read_supplies()
    return False


def _ask_pmset() -> bool:
    program = shutil.which("pmset")
    if program is None:
        return False
    command = [program, "-g", "batt"]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True)
    return done.stdout.decode(errors="replace").lstrip().startswith(ON_BATTERY)


def _read_supplies() -> bool:
    """A battery of the computer is discharging: that of a mouse is none."""
    return any(
        _read(supply / "type") == "Battery"
        and _read(supply / "scope") != "Device"
        and _read(supply / "status") == "Discharging"
        for supply in SUPPLIES.iterdir()
    )


def _read(path: Path) -> str:
    """Empty where there is no such file: not every supply has all."""
    with suppress(OSError):
        return path.read_text("ascii", "replace").strip()
    return ""
