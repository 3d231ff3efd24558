"""A JACK server of the tests' own: real ports, without a device."""

from __future__ import annotations

import ctypes
import fcntl
import itertools
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

from daemon import midi
from pipeline.private import open_private
from tests.support.waiting import until

NAMES = 5
PERIOD = 1024  # frames: MIDI comes once in each
PORTS = 128  # at most: every client clears the memory of all, and JACK's own 2,048 take 20 ms


class Jack:
    """A JACK server that plays nowhere, under a name of its own: nobody's real one is touched."""

    def __init__(self, period: int = PERIOD) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._period = period
        self._claim, self.name = _claimed()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "JACK_DEFAULT_SERVER": self.name,
            "JACK_NO_AUDIO_RESERVATION": "1",
            "JACK_NO_START_SERVER": "1",
            "MIDO_BACKEND": "daemon.midi.rtmidi_backend/UNIX_JACK",
        }

    def start(self) -> None:
        until(self._started)

    def _started(self) -> bool:
        if (
            self._process is None or self._process.poll() is not None
        ):  # the one before has not quite ended
            # synchronous and patient: on a busy machine nothing is dropped
            command = [
                "jackd",
                "-n",
                self.name,
                "-S",
                "-r",
                "-t",
                "2000",
                "-p",
                str(PORTS),
                "-d",
                "dummy",
                "-p",
                str(self._period),
            ]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            self._process = subprocess.Popen(command, preexec_fn=die_with_us, **quiet)  # type: ignore[call-overload]
        return midi.list_ports(midi.load_backend()) is not None and self._process.poll() is None

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As it likes to be ended."""
        self._end(signal.SIGTERM)

    def close(self) -> None:
        self.stop()
        self._claim.close()

    def _end(self, how: signal.Signals) -> None:
        if self._process:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None


def _claimed() -> tuple[IO[str], str]:
    """A server's name that is ours until the file is closed: with two servers of one name, one
    would play on the other's and crash when that ends. JACK remembers eight names at most, also of
    servers that were killed.
    """
    for number in itertools.cycle(range(NAMES)):
        path = Path(tempfile.gettempdir(), f"acestepd-jack-{os.geteuid()}-{number}.lock")
        claim = open(path, "w", opener=open_private)  # noqa: SIM115
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return claim, f"acestepd-{number}"
        except OSError:
            claim.close()
            time.sleep(0.05)
    raise AssertionError


def die_with_us() -> None:
    """Linux: a server that outlives killed tests keeps its name, and the next ones would play on
    it.
    """
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
