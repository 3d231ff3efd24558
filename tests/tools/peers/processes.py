"""The two processes that are compared, seen from the one that asks them."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from .turns import Turn

ROOT = Path(__file__).parents[3]
_STAT = Path("/proc/stat")
_REST = 0.3  # seconds until threads that spin for more work have gone to sleep


class PeerError(RuntimeError):
    """One of the two cannot do what it was asked for."""


class Process:
    """A process that serves (`serving`). `versions` are its libraries'."""

    def __init__(self, python: str, module: str, needs: str = "") -> None:
        """`needs` is said where it does not start. Raises `PeerError`."""
        self.name = f"{__package__}.{module}"
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 what libraries print
        try:
            self._process = subprocess.Popen(
                [python, "-m", self.name],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                text=True,
            )
        except OSError as error:
            self._said.close()
            raise PeerError(f"{python} cannot be started: {error}") from error
        try:
            self.versions: dict[str, str] = self._read()["versions"]
        except PeerError as error:
            self.close()
            raise PeerError(f"{error}\n{needs}".strip()) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Its answer. Raises `PeerError`."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # its last words are to be read
            print(json.dumps(request), file=self._process.stdin, flush=True)
        return self._read()

    def take_turn(self, request: Mapping[str, Any]) -> Turn:
        """The same, timed, while the other one waits."""
        time.sleep(_REST)
        busy = read_busy_seconds()
        started = time.perf_counter()
        answer = self.ask(request)
        elapsed = time.perf_counter() - started
        others = None
        if busy is not None and (now := read_busy_seconds()) is not None:
            others = max(0.0, (now - busy - answer["used"]) / elapsed)
        return Turn(answer["stages"], answer["processor"], answer["memory"], others)

    def close(self) -> None:
        """It is told that there is no more work, and ended where it does not listen."""
        try:
            self._process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._said.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        if line := self._process.stdout.readline():
            answer: dict[str, Any] = json.loads(line)
            if "error" in answer:
                raise PeerError(f"{self.name}: {answer['error']}")
            return answer
        self._process.wait()
        self._said.seek(0)
        lines = self._said.read().strip().splitlines()
        last = lines[-1] if lines else "it said nothing"
        raise PeerError(f"{self.name} ended with {self._process.returncode}: {last}")


def read_busy_seconds() -> float | None:
    """What all of this machine's cores have computed so far, together; None where nobody tells."""
    try:
        fields = _STAT.read_text().partition("\n")[0].split()[1:9]
    except OSError:
        return None
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
