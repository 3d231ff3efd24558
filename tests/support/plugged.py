"""A daemon in a process of its own, with a quick voice, whose plug can be pulled."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from daemon.jobs import Job
from daemon.journal import Journal
from tests.support.quick_voice import write_quick_voice
from tests.support.relay import find_free_port

STARTED = re.compile(r"OSC in\s+UDP 127\.0\.0\.1:(\d+)")


class Plugged:
    """A daemon whose plug can be pulled; always on the same port, folder and journal."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.out = folder / "out"
        self.state = folder / "state"
        self.port = find_free_port()
        self._flags = flags
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        settings = self.state.parent / "settings.toml"
        if not settings.exists():
            settings.write_text(
                f'state = "{self.state}"\nqueue = 2000\nqueue_per_client = 2000\n'
                "conditions_mb = 8\npage = -1\n"
            )
        voice = self.state.parent / "voice"
        if not voice.exists():
            write_quick_voice(voice)
        places = [
            "--settings",
            str(settings),
            "--port",
            str(self.port),
            "--out",
            str(self.out),
            "--model",
            str(voice),
        ]
        with (self.state.parent / "stderr.txt").open("a") as errors:
            command = [sys.executable, "-m", "daemon", *places, *self._flags]
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self._process.stdout
        for line in self._process.stdout:
            if STARTED.search(line):
                return
        printed = (self.state.parent / "stderr.txt").read_text()
        pytest.fail(f"the daemon ended with {self._process.wait()}: {printed}")

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def worker(self) -> int:
        """The pid of the process that renders; 0 while there is none, which nobody should send a
        signal to.
        """
        found = subprocess.run(
            ["pgrep", "-P", str(self.pid)], capture_output=True, text=True, check=False
        ).stdout
        return int(found.split()[0]) if found.strip() else 0

    def pull(self) -> None:
        assert self._process
        self._process.kill()
        self._process.communicate()

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.communicate(timeout=60)

    def __enter__(self) -> Plugged:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def journaled(daemon: Plugged) -> list[Job]:
    with closing(Journal.open_read_only(daemon.state / "journal.sqlite")) as journal:
        return journal.search(limit=100_000)
