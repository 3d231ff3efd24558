"""Waiting for what another thread or program does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

PATIENCE = 60.0  # seconds
PAUSE = 0.02  # seconds between two looks


def until(condition: Callable[[], object]) -> None:
    """Return as soon as it is true. Fails after a minute."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(PAUSE)


@contextmanager
def held_elsewhere(lock: AbstractContextManager[object]) -> Iterator[None]:
    """Another thread has the lock."""
    is_held = threading.Event()
    go_on = threading.Event()

    def hold() -> None:
        with lock:
            is_held.set()
            assert go_on.wait(PATIENCE)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert is_held.wait(PATIENCE)
        yield
    finally:
        go_on.set()
        holder.join(PATIENCE)
