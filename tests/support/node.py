"""A script of ours under Node.js, in a stand-in for its program: lines of JSON in and out."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


class NodeProgram:
    """Node with a script. What it printed is read by `wait`; a line that it refused something ends
    the test.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.seen: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _read_rest(self) -> str:
        return "".join(iter(lambda: self._lines.get(timeout=PATIENCE) or "", ""))

    def end(self) -> None:
        """Kill it. Its output is closed once nobody reads it any more."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.kill()
        self._process.wait()
        self._reader.join()
        with suppress(BrokenPipeError):  # what was written last and never read
            self._process.stdin.close()
        self._process.stdout.close()

    def do(self, **deeds: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(deeds) + "\n")
        self._process.stdin.flush()

    def wait(self, kind: str, containing: str = "") -> Any:
        """The next line of that kind, with that text in it where it is one."""
        while True:
            line = self._lines.get(timeout=PATIENCE)
            assert line is not None, f"it ended: {self.seen[-5:]}"
            try:
                self.seen.append(json.loads(line))
            except ValueError:
                pytest.fail(f"it said {line}" + self._read_rest())
            [(found, value)] = self.seen[-1].items()
            assert found != "refused", value
            if found == kind and (not containing or containing in value):
                return value

    def list_seen(self, kind: str) -> list[Any]:
        return [line[kind] for line in self.seen if kind in line]


@contextmanager
def running(script: Path, *arguments: object) -> Iterator[NodeProgram]:
    process = subprocess.Popen(
        ["node", str(script), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    program = NodeProgram(process)
    try:
        yield program
    finally:
        program.end()


def find_module(name: str) -> Path:
    """A package of npm's, in this checkout or around it."""
    for folder in (ROOT, *ROOT.parents):
        if (found := folder / "node_modules" / name).exists():
            return found
    pytest.skip(f"no node_modules with {name}: npm install --no-save {name}")
