"""A program that runs beside a test, and what it prints."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from typing import IO, Self

PATIENCE = 60.0  # seconds


class RunningProgram:
    """Started at once; `wait_for` a line that it prints. The end of the `with` ends it."""

    def __init__(
        self, *command: str | Path, environment: Mapping[str, str] | None = None, folder: Path
    ) -> None:
        self.lines: list[str] = []
        self._change = Condition()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",  # junk may be printed
            env=os.environ | dict(environment or {}),
            cwd=folder,
            start_new_session=True,
        )
        self._reader = Thread(target=self._read, name="program")
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # as with Ctrl-C: a client of JACK that is killed makes its server hang
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with suppress(ProcessLookupError):  # what it has started itself
            os.killpg(self._process.pid, signal.SIGKILL)
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def input(self) -> IO[str]:
        assert self._process.stdin
        return self._process.stdin

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, words: str, times: int = 1) -> str:
        """The line that has these words in it, for the so manieth time."""
        with self._change:
            found = self._change.wait_for(lambda: self._count(words) >= times, PATIENCE)
            assert found, f"{words!r} was not printed: {self.text[-4000:]}"
            return [line for line in self.lines if words in line][times - 1]

    def kill_all(self) -> None:
        """It and what it has started, as when a plug is pulled."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def wait(self) -> int:
        """Its exit status, when it has ended by itself."""
        status = self._process.wait(PATIENCE)
        self._reader.join()
        return status

    def _count(self, words: str) -> int:
        return sum(words in line for line in self.lines)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._change:
                self.lines.append(line.rstrip("\n"))
                self._change.notify_all()
