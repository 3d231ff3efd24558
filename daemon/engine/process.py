"""A worker in a process of its own: starting it, hearing why it ended, ending it."""

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

LAST_WORDS = 12  # lines a worker said before it ended
PATIENCE = 5.0  # seconds for a process to end after it was told to


class WorkerHandle(Protocol):
    """A worker, seen from the daemon."""

    connection: Connection

    def stop(self) -> None:
        """End it now."""

    def obituary(self) -> str:
        """How it ended, as half a sentence; to be asked when it has."""


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
        environment = os.environ | {"PYTHONPATH": _path()}
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
        self._said: deque[str] = deque(maxlen=LAST_WORDS)
        self._listener = threading.Thread(target=self._listen, name="worker's words", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        self.connection.close()
        if self._process.poll() is None:
            self._process.kill()  # it holds no file: there is nothing to tidy up
        self._process.wait()
        self._listener.join(PATIENCE)
        if self._process.stderr:
            self._process.stderr.close()

    def obituary(self) -> str:
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return "it closed its pipe"
        self._listener.join(PATIENCE)
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return f"{how}: {self._said[-1]}" if self._said and code else how

    def _listen(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            self._said.append(line.rstrip())
            log.info("%s", line.rstrip())


def _path() -> str:
    """The module search path, with where this package lies: the process may have been started
    anywhere.
    """
    return os.pathsep.join(
        filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    )
