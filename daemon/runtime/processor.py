"""What this computer's processor is called: on a Mac that is the GPU's name too."""

from __future__ import annotations

import functools
import platform
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
PATIENCE = 5.0  # seconds


@functools.cache
def name_processor() -> str:
    """ "Apple M2 Pro", say; "" where nothing says so. Runs a program, or reads a file."""
    with suppress(OSError, subprocess.SubprocessError):
        return _ask_sysctl() if platform.system() == "Darwin" else read_name(CPUINFO)
    return ""


def _ask_sysctl() -> str:
    program = shutil.which("sysctl", path="/usr/sbin:/sbin:/usr/bin")
    if program is None:
        return ""
    command = [program, "-n", "machdep.cpu.brand_string"]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True)
    return done.stdout.decode(errors="replace").strip()


def read_name(path: Path) -> str:
    """Of the first processor that Linux lists; "" where it says none, as on many of Arm."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            field, _, value = line.partition(":")
            if field.strip() == "model name":
                return " ".join(value.split())
    return ""
