from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from daemon.engine.job_queue import JobQueue
from daemon.jobs import Job, Priority
from pipeline.request import Request

REQUEST = Request(prompt="x")


def job(client: str, id: str = "", priority: Priority = Priority.NORMAL) -> Job:
    return Job(client, id, REQUEST, REQUEST, Path(), priority)


def drained(queue: JobQueue) -> list[str]:
    return [queue.pop().id for _ in range(len(queue))]


def test_one_clients_jobs_come_out_in_the_order_they_came() -> None:
    queue = JobQueue()
    for id in "abc":
        queue.add(job("me", id))
    assert drained(queue) == ["a", "b", "c"]


def test_clients_take_turns() -> None:
    queue = JobQueue()
    for number in range(4):
        queue.add(job("many", f"m{number}"))
    queue.add(job("few", "f0"))
    queue.add(job("few", "f1"))
    assert drained(queue) == ["m0", "f0", "m1", "f1", "m2", "m3"]


def test_a_late_client_is_not_served_before_those_whose_turn_it_is() -> None:
    queue = JobQueue()
    for number in range(3):
        queue.add(job("many", f"m{number}"))
    assert [queue.pop().id, queue.pop().id] == ["m0", "m1"]
    queue.add(job("late", "l0"))
    queue.add(job("late", "l1"))
    assert drained(queue) == ["m2", "l0", "l1"]


def test_a_pad_goes_before_a_clip_before_a_batch_before_speculation() -> None:
    queue = JobQueue()
    for priority in Priority:
        queue.add(job("me", priority.name, priority))
    assert drained(queue) == ["PLAYED", "LIVE", "NORMAL", "BATCH", "SPECULATION"]


def test_one_may_be_taken_out_of_its_turn_and_the_others_keep_theirs() -> None:
    queue = JobQueue()
    for number in range(2):
        queue.add(job("many", f"m{number}", Priority.LIVE))
    wanted = job("few", "f0", Priority.LIVE)
    queue.add(wanted)
    queue.add(job("many", "typed"))
    assert [each.id for each in queue.list_of(Priority.LIVE)] == ["m0", "f0", "m1"]
    assert queue.list_of(Priority.PLAYED) == []
    assert queue.pop(wanted) is wanted
    assert drained(queue) == ["m0", "m1", "typed"]


def test_an_interrupted_job_goes_on_before_all_others_of_its_kind() -> None:
    queue = JobQueue()
    queue.add(job("me", "waiting"))
    queue.add(job("me", "live", Priority.LIVE))
    queue.put_back(job("you", "first"))
    queue.put_back(job("you", "newest"))
    assert drained(queue) == ["live", "newest", "first", "waiting"]


def test_a_job_can_leave() -> None:
    queue = JobQueue()
    stays = job("me", "stays")
    leaves = job("me", "leaves")
    queue.add(leaves)
    queue.add(stays)
    assert queue.remove(leaves)
    assert not queue.remove(leaves)
    assert len(queue) == 1
    assert [waiting.id for waiting in queue] == ["stays"]
    assert drained(queue) == ["stays"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(Priority)), max_size=30))
def test_looking_at_the_line_shows_what_comes_out(entries: list[tuple[str, Priority]]) -> None:
    queue = JobQueue()
    for number, (client, priority) in enumerate(entries):
        queue.add(job(client, str(number), priority))
    ids = [waiting.id for waiting in queue]
    first = queue.first()
    assert (first.id if first else None) == (ids[0] if ids else None)
    assert drained(queue) == ids
    assert sorted(ids, key=int) == [str(n) for n in range(len(entries))]


def test_where_jobs_wait_is_said_with_what_those_before_them_cost() -> None:
    queue = JobQueue()
    jobs = [job("me", str(number)) for number in range(4)]
    for number, each in enumerate(jobs):
        each.cost = number + 1.0
        queue.add(each)
    live = job("me", "live", Priority.LIVE)
    queue.add(live)
    assert queue.locate([live]) == {live: (0, 0.0)}
    live.cost = 10.0
    assert queue.locate([jobs[0], jobs[2]]) == {jobs[0]: (1, 10.0), jobs[2]: (3, 13.0)}
    assert queue.pop() is live
    assert queue.locate([live, jobs[1]]) == {jobs[1]: (1, 1.0)}, "what does not wait is nowhere"
