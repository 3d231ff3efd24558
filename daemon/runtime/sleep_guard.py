"""A Mac does not fall asleep while there is something to make: a power assertion.

It is held by macOS's own caffeinate, a process beside ours. However we end, it ends too.
"""

from __future__ import annotations

import logging
import math
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Sequence

from ..jobs import Event, Job, JobState

log = logging.getLogger("acestepd")

# nobody stays awake for those that are held: their drive may be away for days
AWAKE_FOR = (JobState.WAITING, JobState.RUNNING, JobState.LANDING)
EVENTS = ("queued", "state", "finished", "fail", "cancelled")  # kinds after which to look
# until the next look while there are jobs: an event may come before the job that it ends is gone
LOOK_SECONDS = 5.0


def find_program() -> str:
    """Empty on other systems: some have a caffeinate that means something else."""
    return shutil.which("caffeinate") or "" if platform.system() == "Darwin" else ""


class SleepGuard:
    """A task of `Upkeep`. Nothing but its thread calls `tick`."""

    def __init__(self, list_active: Callable[[], Sequence[Job]]) -> None:
        """`list_active` are the jobs that have not ended."""
        self._list_active = list_active
        self._program = find_program()
        self._process: subprocess.Popen[bytes] | None = None

    def on_event(self, event: Event) -> bool:
        return bool(self._program) and event.kind in EVENTS

    def tick(self) -> float:
        if self._program and any(job.state in AWAKE_FOR for job in self._list_active()):
            self._hold()
            return LOOK_SECONDS
        self.release()
        return math.inf

    def release(self) -> None:
        if process := self._process:
            self._process = None
            process.terminate()
            process.wait()

    def _hold(self) -> None:
        """It may still sleep when its lid is closed, or when somebody tells it to."""
        if self._process:
            return
        # -i: not for want of anybody at the keyboard; -w: until that process has ended
        command = [self._program, "-i", "-w", str(os.getpid())]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            self._program = ""
            log.warning("this Mac may fall asleep while takes are made: %s", error)
