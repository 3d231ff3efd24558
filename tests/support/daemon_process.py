"""The daemon as a process of its own, as a musician starts it, and what its terminal shows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.osc_client import OscClient
from tests.support.quick_voice import write_quick_voice
from tests.support.waiting import PATIENCE

LAST_LINE = "Stop with Ctrl-C."  # of what the terminal shows at the start


class DaemonProcess:
    """A running daemon: `screen` has the lines that the terminal showed at the start."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.screen: list[str] = []
        assert process.stdout
        for line in process.stdout:
            self.screen.append(line.rstrip("\n"))
            if self.screen[-1] == LAST_LINE:
                break
        else:
            pytest.fail(f"the daemon ended with {process.wait()}: {self.screen}")

    @property
    def port(self) -> int:
        found = re.search(r"OSC in\s+UDP 127\.0\.0\.1:(\d+)", "\n".join(self.screen))
        assert found
        return int(found[1])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> list[str]:
        """End it. What the terminal showed since the start."""
        self.process.send_signal(number)
        assert self.process.stdout
        lines = self.process.stdout.read().splitlines()
        assert self.process.wait(60) == 0
        return lines


@contextmanager
def started(
    out: Path, *flags: str, model: str = "", environment: Mapping[str, str] = os.environ
) -> Iterator[tuple[DaemonProcess, OscClient]]:
    """A daemon whose clips land in `out`, whose home is the folder around it, and a client.

    Unless another model is given, it has a quick voice, which lies in its home.
    """
    if not model:
        voice = out.parent / "voice"
        model = str(voice if voice.exists() else write_quick_voice(voice))
    ports = ["--port", "0", "--page", "-1"]
    command = [sys.executable, "-m", "daemon", *ports, "--out", str(out), "--model", model]
    process = subprocess.Popen(
        [*command, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**environment, "HOME": str(out.parent)},
    )
    try:
        daemon = DaemonProcess(process)
        with closing(OscClient(("127.0.0.1", daemon.port))) as client:
            yield daemon, client
    finally:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """As a musician does: a client of JACK that is killed makes the others hang."""
    process.terminate()
    try:
        process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
