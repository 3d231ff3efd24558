from __future__ import annotations

import time
from queue import Queue

from daemon.engine.scheduler import Scheduler

PATIENCE = 30.0
FAR = 3600.0


def test_things_are_done_in_the_order_of_their_times() -> None:
    done: Queue[tuple[str, float]] = Queue()
    later = Scheduler()
    now = time.monotonic()
    for name, wait in (("second", 0.1), ("first", 0.02), ("third", 0.1)):
        later.at(now + wait, lambda name=name: done.put((name, time.monotonic())))  # type: ignore[misc]
    told = [done.get(timeout=PATIENCE) for _ in range(3)]
    later.close()
    assert [name for name, _ in told] == ["first", "second", "third"]
    assert all(at >= now + wait for (_, at), wait in zip(told, (0.02, 0.1, 0.1)))


def test_what_is_due_is_done_at_once_by_whoever_says_so() -> None:
    done: list[str] = []
    later = Scheduler()
    later.at(0.0, lambda: done.append("now"))
    assert done == ["now"]
    later.close()


def test_nothing_that_was_promised_is_dropped_at_the_end() -> None:
    done: list[str] = []
    later = Scheduler()
    for name in "ab":
        later.at(time.monotonic() + FAR, lambda name=name: done.append(name))  # type: ignore[misc]
    later.close()
    assert done == ["a", "b"]
    later.at(time.monotonic() + FAR, lambda: done.append("after"))
    assert done[-1] == "after"


def test_one_that_fails_does_not_take_the_others_with_it() -> None:
    done: Queue[str] = Queue()
    later = Scheduler()
    soon = time.monotonic() + 0.02
    later.at(soon, lambda: 1 / 0)  # type: ignore[arg-type]
    later.at(soon, lambda: done.put("fine"))
    assert done.get(timeout=PATIENCE) == "fine"
    later.close()
