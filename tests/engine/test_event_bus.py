from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon.engine.event_bus import EventBus
from daemon.engine.fair_lock import FairLock
from daemon.jobs import Event, Job
from pipeline.request import Request

REQUEST = Request(prompt="x", seconds=0.5, seed=1)


@pytest.fixture
def bus() -> Iterator[EventBus]:
    with closing(EventBus(FairLock())) as opened:
        yield opened


def test_all_hear_it_although_one_fails(bus: EventBus) -> None:
    received: list[Event] = []
    bus.subscribe(lambda event: 1 / 0)  # type: ignore[arg-type]
    bus.subscribe(received.append)
    bus.publish(Event("tempo", None, (120.0, "link")))
    assert [event.kind for event in received] == ["tempo"]


def test_a_job_remembers_how_it_stands_and_not_what_else_was_told(bus: EventBus) -> None:
    job = Job("me", "a", REQUEST, REQUEST, Path("/out"))
    for kind in ("queued", "favourite", "clip"):
        bus.publish(Event(kind, job))
    assert job.last_event is not None
    assert job.last_event.kind == "queued"


def test_what_waits_for_its_time_is_told_before_the_end(bus: EventBus) -> None:
    received: list[str] = []
    bus.subscribe(lambda event: received.append(event.kind))
    bus.publish(Event("clip", None), time.monotonic() + 3600)
    bus.publish(Event("state", None))
    assert received == ["state"]
    bus.close()
    assert received == ["state", "clip"]
