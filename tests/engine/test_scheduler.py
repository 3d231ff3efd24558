from __future__ import annotations

import time
from queue import Queue

from daemon.engine.scheduler import Scheduler

PATIENCE = 30.0
FAR = 3600.0


def test_things_are_done_in_the_order_of_their_times() -> None:
    done: Queue[tuple[str, float]] = Queue()
    scheduler = Scheduler()
    now = time.monotonic()
    for name, wait in (("second", 0.5), ("first", 0.1), ("third", 0.5)):
        scheduler.call_at(now + wait, lambda name=name: done.put((name, time.monotonic())))  # type: ignore[misc]
    done_at = [done.get(timeout=PATIENCE) for _ in range(3)]
    scheduler.close()
    assert [name for name, _ in done_at] == ["first", "second", "third"]
    assert all(at >= now + wait for (_, at), wait in zip(done_at, (0.1, 0.5, 0.5)))


def test_what_is_due_is_done_at_once_by_whoever_says_so() -> None:
    done: list[str] = []
    scheduler = Scheduler()
    scheduler.call_at(0.0, lambda: done.append("now"))
    assert done == ["now"]
    scheduler.close()


def test_nothing_that_was_promised_is_dropped_at_the_end() -> None:
    done: list[str] = []
    scheduler = Scheduler()
    for name in "ab":
        scheduler.call_at(time.monotonic() + FAR, lambda name=name: done.append(name))  # type: ignore[misc]
    scheduler.close()
    assert done == ["a", "b"]
    scheduler.call_at(time.monotonic() + FAR, lambda: done.append("after"))
    assert done[-1] == "after"


def test_one_that_fails_does_not_take_the_others_with_it() -> None:
    done: Queue[str] = Queue()
    scheduler = Scheduler()
    soon = time.monotonic() + 0.02
    scheduler.call_at(soon, lambda: 1 / 0)  # type: ignore[arg-type]
    scheduler.call_at(soon, lambda: done.put("fine"))
    assert done.get(timeout=PATIENCE) == "fine"
    scheduler.close()
