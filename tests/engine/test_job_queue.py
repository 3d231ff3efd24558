from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from daemon.engine.job_queue import JobQueue
from daemon.jobs import Job, Priority
from pipeline.request import Request

WISH = Request(prompt="x")


def job(client: str, id: str = "", priority: Priority = Priority.NORMAL) -> Job:
    return Job(client, id, WISH, WISH, Path(), priority)


def drained(line: JobQueue) -> list[str]:
    return [line.pop().id for _ in range(len(line))]


def test_one_clients_jobs_come_out_in_the_order_they_came() -> None:
    line = JobQueue()
    for id in "abc":
        line.add(job("me", id))
    assert drained(line) == ["a", "b", "c"]


def test_clients_take_turns() -> None:
    line = JobQueue()
    for number in range(4):
        line.add(job("many", f"m{number}"))
    line.add(job("few", "f0"))
    line.add(job("few", "f1"))
    assert drained(line) == ["m0", "f0", "m1", "f1", "m2", "m3"]


def test_a_late_client_is_not_served_before_those_whose_turn_it_is() -> None:
    line = JobQueue()
    for number in range(3):
        line.add(job("many", f"m{number}"))
    assert [line.pop().id, line.pop().id] == ["m0", "m1"]
    line.add(job("late", "l0"))
    line.add(job("late", "l1"))
    assert drained(line) == ["m2", "l0", "l1"]


def test_a_pad_goes_before_a_clip_before_a_batch_before_speculation() -> None:
    line = JobQueue()
    for priority in Priority:
        line.add(job("me", priority.name, priority))
    assert drained(line) == ["LIVE", "NORMAL", "BATCH", "SPECULATION"]


def test_an_interrupted_job_goes_on_before_all_others_of_its_kind() -> None:
    line = JobQueue()
    line.add(job("me", "waiting"))
    line.add(job("me", "live", Priority.LIVE))
    line.back(job("you", "first"))
    line.back(job("you", "newest"))
    assert drained(line) == ["live", "newest", "first", "waiting"]


def test_a_job_can_leave() -> None:
    line = JobQueue()
    stays = job("me", "stays")
    leaves = job("me", "leaves")
    line.add(leaves)
    line.add(stays)
    assert line.remove(leaves)
    assert not line.remove(leaves)
    assert len(line) == 1
    assert [waiting.id for waiting in line] == ["stays"]
    assert drained(line) == ["stays"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(Priority)), max_size=30))
def test_looking_at_the_line_shows_what_comes_out(entries: list[tuple[str, Priority]]) -> None:
    line = JobQueue()
    for number, (client, priority) in enumerate(entries):
        line.add(job(client, str(number), priority))
    shown = [waiting.id for waiting in line]
    first = line.first()
    assert (first.id if first else None) == (shown[0] if shown else None)
    assert drained(line) == shown
    assert sorted(shown, key=int) == [str(n) for n in range(len(entries))]
