"""The engine's lock goes to those who wait for it, in their order: whoever gives it back does not
have it again before them, so that nobody waits for hundreds of answers.
"""

from __future__ import annotations

import threading

from daemon.engine.fair_lock import FairLock
from daemon.jobs import Event, Order
from tests.support.harness import ME, PATIENCE, YOU, Build, SteppedModel, make_request
from tests.support.waiting import until

ORDERS = 200


def test_whoever_waits_is_next_however_quickly_it_is_taken_again() -> None:
    lock = FairLock()
    order: list[str] = []

    def take() -> None:
        with lock:
            order.append("waited")

    with lock:
        waiting = threading.Thread(target=take)
        waiting.start()
        until(lambda: lock.waiting == 1)
    with lock:
        order.append("again")
    waiting.join(PATIENCE)
    assert order == ["waited", "again"]


def test_those_who_wait_come_in_their_order() -> None:
    lock = FairLock()
    order: list[int] = []
    threads: list[threading.Thread] = []

    def take(number: int) -> None:
        with lock:
            order.append(number)

    def all_wait() -> bool:
        return lock.waiting == len(threads)

    with lock:
        for number in range(8):
            threads.append(threading.Thread(target=take, args=(number,)))
            threads[-1].start()
            until(all_wait)
    for each in threads:
        each.join(PATIENCE)
    assert order == list(range(8))
    assert lock.waiting == 0


def test_who_has_it_may_take_it_again() -> None:
    lock = FairLock()
    with lock, lock:
        assert lock.is_held_here
    assert not lock.is_held_here


def test_who_waits_for_its_condition_gives_it_back_meanwhile() -> None:
    lock = FairLock()
    condition = lock.make_condition()
    is_over = False

    def end() -> None:
        nonlocal is_over
        with lock:
            is_over = True
            condition.notify_all()

    with lock:
        ending = threading.Thread(target=end)
        ending.start()
        assert condition.wait_for(lambda: is_over, PATIENCE)
        assert lock.is_held_here
    ending.join(PATIENCE)
    assert not lock.is_held_here


def test_an_order_that_comes_while_hundreds_are_answered_waits_for_few_of_them(
    build: Build,
) -> None:
    engine = build(SteppedModel(running=False), queue=1000, queue_per_client=1000)
    entered = threading.Event()
    go_on = threading.Event()
    is_taken_in = threading.Event()
    told: list[str] = []
    told_before: list[int] = []

    def wait(db: object) -> None:
        entered.set()
        assert go_on.wait(PATIENCE)

    def submit_late() -> None:
        engine.begin_submit(Order(YOU, "late", make_request("late")), told_refused)
        told_before.append(len(told))
        is_taken_in.set()

    def told_refused(error: Exception) -> None:
        raise AssertionError(error)

    def listen(event: Event) -> None:
        if event.kind == "queued" and event.job:
            told.append(event.job.id)
            if len(told) == 1:
                threading.Thread(target=submit_late, daemon=True).start()
                until(lambda: engine.lock.waiting > 0)

    engine.subscribe(listen)
    engine.journal._writer.put(wait)
    assert entered.wait(PATIENCE)
    for number in range(ORDERS):
        order = Order(ME, f"a{number}", make_request("a"))
        engine.begin_submit(order, told_refused)
    go_on.set()
    assert is_taken_in.wait(PATIENCE)
    engine.journal.flush()
    assert len(told) == ORDERS + 1
    assert told_before[0] < ORDERS / 2
