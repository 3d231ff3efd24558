"""A worker in a process of its own: how it is started, why it ended, how it is stopped."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

log = logging.getLogger("acestepd.worker")

LAST_LINES = 12  # that a worker printed last
PATIENCE = 5.0  # seconds to wait for the end of a process or a thread


class WorkerHandle(Protocol):
    """A worker, seen from the daemon."""

    connection: Connection

    def stop(self) -> None:
        """End it now."""

    def exit_reason(self) -> str:
        """Why it ended, as half a sentence, when it has."""


class WorkerProcess:
    """A worker in a process of its own: what kills it does not kill the daemon."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        command = [
            sys.executable,
            "-P",
            "-m",
            "daemon.worker",
            str(theirs.fileno()),
            str(os.getpid()),
        ]
        environment = os.environ | {"PYTHONPATH": module_path()}
        self._process = subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        theirs.close()
        self._lines: deque[str] = deque(maxlen=LAST_LINES)
        self._reader = threading.Thread(
            target=self._read_output, name="worker's output", daemon=True
        )
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        self.connection.close()
        if self._process.poll() is None:
            self._process.kill()  # it holds no file: there is nothing to tidy up
        self._process.wait()
        self._reader.join(PATIENCE)
        if self._process.stderr:
            self._process.stderr.close()

    def exit_reason(self) -> str:
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return "it closed its pipe"
        self._reader.join(PATIENCE)
        reason = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return f"{reason}: {self._lines[-1]}" if self._lines and code else reason

    def _read_output(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            self._lines.append(line.rstrip())
            log.info("%s", line.rstrip())


def module_path() -> str:
    """The module search path, with where this package lies: the process may have been started
    anywhere.
    """
    return os.pathsep.join(
        filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    )
