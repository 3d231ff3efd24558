"""A caffeinate that writes down its life, and ends as the real one does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

CAFFEINATE = """#!{python}
import os, signal, sys, time

def write(line):
    with open({log!r}, "a") as log:
        print(line, file=log)

def end(*_):
    write("ends")
    sys.exit(0)

signal.signal(signal.SIGTERM, end)
write("begins " + " ".join(sys.argv[1:]))
while os.path.exists(f"/proc/{{sys.argv[-1]}}"):
    time.sleep(0.02)
end()
"""


class FakeCaffeinate:
    """Written into the folder `programs`, which is the whole PATH of this process from now on."""

    def __init__(self, programs: Path, patch: pytest.MonkeyPatch) -> None:
        programs.mkdir()
        self._log = programs / "life"
        program = programs / "caffeinate"
        program.write_text(CAFFEINATE.format(python=sys.executable, log=str(self._log)))
        program.chmod(0o755)
        patch.setenv("PATH", str(programs))

    @property
    def life(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []

    @property
    def is_held(self) -> bool:
        return self.life[-1:] != [] and self.life[-1].startswith("begins")
