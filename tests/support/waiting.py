"""Waiting for what another thread or program does."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60.0  # seconds
PAUSE = 0.02  # seconds between two looks


def until(condition: Callable[[], object]) -> None:
    """Return as soon as it is true. Fails after a minute."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(PAUSE)
