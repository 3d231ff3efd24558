"""A JACK server of the tests' own: real ports, without a device."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable

from daemon import midi

PATIENCE = 30.0
NAMES = 5


class Jack:
    """A JACK server that plays nowhere, under a name of its own: nobody's real one is touched."""

    def __init__(self) -> None:
        # JACK remembers eight names of servers at most, those that were killed as well: take few, again and again
        self.name = f"acestepd-{os.getpid() % NAMES}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {
            "JACK_DEFAULT_SERVER": self.name,
            "JACK_NO_AUDIO_RESERVATION": "1",
            "JACK_NO_START_SERVER": "1",
            "MIDO_BACKEND": "mido.backends.rtmidi/UNIX_JACK",
        }

    def start(self) -> None:
        until(self._started)

    def _started(self) -> bool:
        if self._process is None:
            command = ["jackd", "-n", self.name, "-r", "--no-realtime", "-d", "dummy", "-p", "2048"]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            self._process = subprocess.Popen(command, preexec_fn=die_with_us, **quiet)  # type: ignore[call-overload]
        elif self._process.poll() is not None:  # other tests have taken the name
            self.name = f"acestepd-{(int(self.name[-1]) + 1) % NAMES}"
            os.environ["JACK_DEFAULT_SERVER"] = self.name
            self._process = None
        return self._process is not None and midi.names(midi.backend()) is not None and self._process.poll() is None

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """As it likes to be ended: then it forgets its name."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None


def die_with_us() -> None:
    """Linux: a server that outlives killed tests keeps its name, and the next ones would play on it."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def until(what: Callable[[], object]) -> None:
    """Wait for something that another thread or program does."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
