"""A launchctl for one agent: it runs what a plist says, and again where that asks for it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

LAUNCHCTL = """#!{python}
import os, plistlib, signal, subprocess, sys, time
from pathlib import Path

folder = Path({folder!r})
running = folder / "running"
command, *rest = sys.argv[1:]
if command == "print":
    sys.exit(0 if running.exists() else 113)
if command == "bootout" and running.exists():
    os.kill(int(running.read_text()), signal.SIGTERM)
if command == "bootstrap":
    agent = plistlib.loads(Path(rest[-1]).read_bytes())
    running.write_text("")
    if os.fork():
        sys.exit(0)
    os.setsid()
    for number in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), number)
    for _ in range({most}):
        with open(agent["StandardErrorPath"], "ab") as log:
            child = subprocess.Popen(
                agent["ProgramArguments"],
                env=agent["EnvironmentVariables"] | {{"HOME": os.environ["HOME"]}},
                stdout=log,
                stderr=log,
                cwd="/",
            )
        running.write_text(str(child.pid))
        status = child.wait()
        with (folder / "ends").open("a") as ends:
            print(status, file=ends)
        if status == 0 and agent["KeepAlive"] == {{"SuccessfulExit": False}}:
            break
    running.unlink()
"""


class FakeLaunchd:
    """`most` is how often it starts a program at most: launchd goes on for ever."""

    def __init__(self, folder: Path, programs: Path, most: int = 4) -> None:
        self._folder = folder
        program = programs / "launchctl"
        program.write_text(LAUNCHCTL.format(python=sys.executable, folder=str(folder), most=most))
        program.chmod(0o755)

    @property
    def pid(self) -> int:
        """Of what it runs now; 0: nothing."""
        try:
            return int((self._folder / "running").read_text() or 0)
        except FileNotFoundError:
            return 0

    @property
    def ends(self) -> list[int]:
        """How what it ran has ended: exit statuses, and signals as negative numbers."""
        file = self._folder / "ends"
        return [int(line) for line in file.read_text().splitlines()] if file.exists() else []

    def kill(self) -> None:
        """Let what runs crash."""
        os.kill(self.pid, signal.SIGKILL)
