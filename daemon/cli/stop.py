"""`acestepd stop`: ends the daemon that runs on this machine."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

from ..runtime import lock
from ..settings import Settings, SettingsError

PATIENCE = 60.0  # seconds: it lets a clip be landed
PAUSE_SECONDS = 0.05


def stop(settings: Settings) -> str:
    """End the daemon of the settings' state folder, as Ctrl-C would: what waits stays in its
    journal. Returns what there is to say. Raises `SettingsError` where none runs, or it does not
    end.
    """
    holder = lock.read_holder(settings.state)
    if holder is None or not lock.is_held(settings.state):
        raise SettingsError(f"acestepd is not running with the state folder {settings.state}")
    with suppress(ProcessLookupError):  # it has ended meanwhile
        os.kill(holder.pid, signal.SIGTERM)
    end = time.monotonic() + PATIENCE
    while lock.is_held(settings.state):
        if time.monotonic() > end:
            raise SettingsError(
                f"acestepd (process {holder.pid}) has been told to stop, but goes on after "
                f"{PATIENCE:g} seconds; kill -9 {holder.pid} loses no job"
            )
        time.sleep(PAUSE_SECONDS)
    return f"acestepd (process {holder.pid}) has stopped; what waits goes on when it starts again"
