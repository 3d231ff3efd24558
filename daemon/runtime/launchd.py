"""What is otherwise where launchd has started the daemon.

launchd knows no exit status that it should leave alone: whatever did not end with 0 is started
again, for ever. And nobody rotates the file that it writes our output to.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

LOG_VARIABLE = "ACESTEPD_LAUNCHD_LOG"  # of the agent alone: the file that launchd writes to
MAX_LOG_BYTES = 2**20
USAGE_ERROR = 2  # the exit status of wrong settings: starting again would not help


def has_started_us() -> bool:
    return LOG_VARIABLE in os.environ


def choose_status(status: int) -> int:
    """The exit status that tells launchd whether to start the daemon again."""
    return 0 if status == USAGE_ERROR and has_started_us() else status


def rotate_log() -> None:
    """Where the file has become long, its contents go to NAME.1. It is emptied and not renamed, as
    launchd has it open, and goes on at its end.
    """
    log = os.environ.get(LOG_VARIABLE)
    if not log:
        return
    with suppress(OSError):  # what it says is not worth ending for
        if os.path.getsize(log) > MAX_LOG_BYTES:
            shutil.copyfile(log, Path(f"{log}.1"))
            os.truncate(log, 0)
