"""Which job a client means, with a journal and a list of the jobs that live."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon.engine.lookup import JobLookup
from daemon.jobs import Job, JobState, Order, Refused
from daemon.journal import Journal
from tests.support.harness import ME, SHORT, YOU


class Jobs:
    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.active = list[Job]()
        self.lookup = JobLookup(journal, lambda: self.active)

    def add(self, id: str, client: str = ME, batch: str = "", state: str = "waiting") -> Job:
        job = Job(client, id, SHORT, SHORT.resolved(), Path("/out"), batch=batch)
        self.journal.add([job])
        job.state = JobState(state)
        self.journal.update(job)
        if not job.has_ended:
            self.active.append(job)
        return job


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    with closing(Journal(None)) as journal:
        yield Jobs(journal)


def code(refused: pytest.ExceptionInfo[Refused]) -> int:
    return refused.value.code


def test_an_order_that_is_known_gives_the_jobs_that_live(jobs: Jobs) -> None:
    first = jobs.add("b.1", batch="b")
    second = jobs.add("b.2", batch="b", state="finished")
    accepted = jobs.lookup.find_accepted(Order(ME, "b", SHORT, count=2))
    assert accepted[0] is first
    assert accepted[1].number == second.number
    assert jobs.lookup.find_batch(ME, "b")[0] is first
    assert jobs.lookup.find_accepted(Order(YOU, "b", SHORT, count=2)) == []
    assert jobs.lookup.find_accepted(Order(ME, "", SHORT)) == []


@pytest.mark.parametrize(
    "order",
    [Order(ME, "a", SHORT, count=2), Order(ME, "a", dataclasses.replace(SHORT, prompt="other"))],
    ids=["count", "request"],
)
def test_an_id_is_for_one_order(jobs: Jobs, order: Order) -> None:
    jobs.add("a")
    with pytest.raises(Refused, match="was used for") as refused:
        jobs.lookup.find_accepted(order)
    assert code(refused) == 409


def test_a_name_means_ones_own_then_what_lives_then_the_newest(jobs: Jobs) -> None:
    old = jobs.add("a", YOU, state="finished")
    mine = jobs.add("a", ME, state="finished")
    assert jobs.lookup.find(ME, "a").number == mine.number
    assert jobs.lookup.find("third", "a").number == mine.number
    living = jobs.add("a", YOU)
    assert jobs.lookup.find("third", "a") is living
    assert jobs.lookup.find(YOU, "a") is living
    assert jobs.lookup.find(ME, "a").number == mine.number
    assert old.number < mine.number
    with pytest.raises(Refused, match="no job is called 'nothing'") as refused:
        jobs.lookup.find(ME, "nothing")
    assert code(refused) == 404
    assert "/ace/history" in refused.value.hint


def test_cancelling_means_what_is_not_landing(jobs: Jobs) -> None:
    lands = jobs.add("lands", state="landing")
    waits = jobs.add("waits")
    first = jobs.add("b.1", batch="b", state="landing")
    second = jobs.add("b.2", batch="b")
    assert jobs.lookup.find_cancellable(YOU, "*") == [waits, second]
    assert jobs.lookup.find_cancellable(ME, "b") == [second]
    assert first not in jobs.lookup.find_cancellable(ME, "*")
    with pytest.raises(Refused, match="just landing") as refused:
        jobs.lookup.find_cancellable(ME, "lands")
    assert code(refused) == 409
    jobs.add("over", state="cancelled")
    with pytest.raises(Refused, match="already ended") as refused:
        jobs.lookup.find_cancellable(ME, "over")
    assert code(refused) == 404
    assert lands in jobs.active


def test_the_newest_is_ones_own_if_there_is_one(jobs: Jobs) -> None:
    with pytest.raises(Refused, match="nothing to reroll"):
        jobs.lookup.find_newest(ME)
    mine = jobs.add("mine")
    yours = jobs.add("yours", YOU)
    assert jobs.lookup.find_newest(ME).number == mine.number
    assert jobs.lookup.find_newest("third").number == yours.number


def test_a_new_id_costs_one_question(jobs: Jobs) -> None:
    """Orders may come by the hundred in a second, and each is looked up under the engine's lock."""
    asked: list[str] = []
    with jobs.journal._file.reading() as db:
        db.set_trace_callback(asked.append)
    assert jobs.lookup.find_accepted(Order(ME, "new", SHORT)) == []
    assert len(asked) == 1


def test_an_id_of_another_client_is_a_new_one(jobs: Jobs) -> None:
    jobs.add("a", client=YOU)
    jobs.add("b.1", client=YOU, batch="b")
    for id in "ab":
        assert jobs.lookup.find_accepted(Order(ME, id, SHORT)) == []


def test_of_jobs_with_the_same_id_the_number_says_which(jobs: Jobs) -> None:
    older = jobs.add("take", client=YOU)
    newer = jobs.add("take", client="udp:127.0.0.1:3", state="finished")
    assert jobs.lookup.find(ME, f"#{older.number}") is older
    assert jobs.lookup.find(ME, f"#{newer.number}").number == newer.number
    assert jobs.lookup.find_cancellable(ME, f"#{older.number}") == [older]
    named = jobs.add(f"#{older.number}")
    assert jobs.lookup.find(ME, f"#{older.number}") is named, "an id is an id"
    for nobody in ("#999", "#", "#-1", "#1e0", "#" + "9" * 40, "#\u0663"):
        with pytest.raises(Refused) as refused:
            jobs.lookup.find(ME, nobody)
        assert code(refused) == 404
