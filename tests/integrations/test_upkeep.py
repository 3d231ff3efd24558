"""The thread that looks after what integrations leave in files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from daemon.integrations import upkeep
from daemon.integrations.upkeep import Upkeep
from daemon.jobs import Event

PATIENCE = 60.0


class Counted:
    """A task that has something to do with every event."""

    def __init__(self) -> None:
        self.ticks = 0
        self.ticked = threading.Event()

    def on_event(self, event: Event) -> bool:
        return True

    def tick(self) -> float:
        self.ticks += 1
        self.ticked.set()
        return 3600.0


@pytest.fixture
def task() -> Counted:
    return Counted()


@pytest.fixture
def running(task: Counted) -> Iterator[Upkeep]:
    with closing(Upkeep(task)) as running:
        running.start()
        assert task.ticked.wait(PATIENCE)
        task.ticked.clear()
        yield running


def test_however_much_happens_it_is_looked_after_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch, task: Counted
) -> None:
    monkeypatch.setattr(upkeep, "REST_SECONDS", 60.0)
    running = Upkeep(task)
    running.start()
    assert task.ticked.wait(PATIENCE)
    task.ticked.clear()
    for _ in range(5):
        running.on_event(Event("queued", None))
        task.ticked.wait(0.05)
        task.ticked.clear()
    running.close()
    assert task.ticks == 2, "when it began and when it ended, which did not wait for its rest"


def test_what_happens_while_it_rests_is_looked_after_then(running: Upkeep, task: Counted) -> None:
    running.on_event(Event("queued", None))
    assert task.ticked.wait(PATIENCE)
