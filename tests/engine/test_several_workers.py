"""Runs are given to several workers: the local one, whose model makes a step when it is told to,
and others that say what the test says.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from daemon.engine import Engine, dispatcher, model_state
from daemon.engine.run import Loss
from daemon.jobs import Event, Order, Priority, Refused
from daemon.landing import staging
from daemon.landing.manifest import JobFacts
from daemon.messages import RenderProgress
from tests.support.colleague import Colleague, meet
from tests.support.harness import (
    ME,
    PATIENCE,
    YOU,
    Build,
    Recorder,
    SteppedModel,
    make_request,
    submit,
)
from tests.support.waiting import until

UNKNOWN = 0.0  # how quick it is, beside a model that plays silence


def start_local(build: Build, model: SteppedModel) -> tuple[Engine, Recorder]:
    engine = build(model)
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="warm")
    return engine, recorder


def meet_two(engine: Engine) -> tuple[Colleague, Colleague]:
    return meet(engine, "studio"), meet(engine, "attic")


# --- who makes what -------------------------------------------------------------------------------


def test_two_jobs_are_made_at_once_the_first_by_this_machine(build: Build, out: Path) -> None:
    model = SteppedModel(running=False)
    engine, recorder = start_local(build, model)
    studio = meet(engine, "studio", UNKNOWN)
    for id in "abc":
        submit(engine, id, make_request(id))
    recorder.wait("progress", "a")
    run = studio.wait_for("b")
    assert run.worker == "studio"
    assert [job.id for job in engine.active()] == ["a", "b", "c"]
    studio.progress(run, 0.5)
    assert recorder.wait("progress", "b").values[:2] == (0.5, "diffusion")
    studio.finish(run)
    assert studio.wait_for("c")
    model.run()
    studio.finish(studio.wait_for("c"))
    until(lambda: len(recorder.ids_with("finished")) == 3)
    assert model.played == ["a"]
    assert len(list(out.iterdir())) == 6, "a sound and a manifest of each"


def test_an_order_of_many_takes_goes_to_whoever_is_free(remote: Engine) -> None:
    recorder = Recorder(remote)
    studio, attic = meet_two(remote)
    remote.submit(Order(ME, "many", make_request("x", seed=1), count=8, priority=Priority.BATCH))
    slow = attic.wait_for("many.2")
    while len(recorder.ids_with("finished")) < 7:
        studio.finish(studio.given[-1])
        until(lambda: studio.running or len(recorder.ids_with("finished")) == 7)
    assert attic.given == [slow], "who is slow has one, and the others do not wait for it"
    attic.finish(slow)
    recorder.wait("finished", "many.2")
    assert sorted([*studio.ids, *attic.ids]) == [f"many.{n}" for n in range(1, 9)]


def test_where_nobody_is_ready_the_client_is_told_that_it_waits(remote: Engine) -> None:
    recorder = Recorder(remote)
    remote.submit(Order(ME, "many", make_request("x", seed=1), count=3))
    assert "waits for one" in recorder.wait("note", "many.1").values[0]
    studio = meet(remote, "studio")
    for n in (1, 2, 3):
        studio.finish(studio.wait_for(f"many.{n}"))
    recorder.wait("finished", "many.3")
    submit(remote, "next")
    studio.wait_for("next")
    assert recorder.ids_with("note") == ["many.1"], "once for all of them"


def test_a_worker_that_is_not_ready_is_given_nothing(remote: Engine) -> None:
    studio, attic = meet_two(remote)
    studio.is_ready = False
    for id in "ab":
        submit(remote, id, make_request(id))
    attic.finish(attic.wait_for("a"))
    attic.wait_for("b")
    assert studio.given == []


def test_the_next_job_of_a_prompt_goes_where_its_caches_are_warm(remote: Engine) -> None:
    recorder = Recorder(remote)
    studio, attic = meet_two(remote)
    for id, prompt in (("a", "waltz"), ("b", "polka")):
        submit(remote, id, make_request(prompt))
    studio.finish(studio.wait_for("a"))
    attic.finish(attic.wait_for("b"))
    for n in range(3):
        submit(remote, f"p{n}", make_request("polka"))
        attic.finish(attic.wait_for(f"p{n}"))
        recorder.wait("finished", f"p{n}")
    submit(remote, "w", make_request("waltz"))
    studio.wait_for("w")
    submit(remote, "w2", make_request("waltz"))
    assert attic.wait_for("w2"), "it does not wait for the warm one, where another is free"


def test_of_those_that_are_free_the_quickest_is_given_the_job(remote: Engine) -> None:
    slow, quick = meet(remote, "slow", 1.5), meet(remote, "quick", 1.0)
    submit(remote, "a")
    quick.wait_for("a")
    submit(remote, "b", make_request("b"))
    slow.wait_for("b")


def test_a_very_slow_one_is_given_what_the_quick_one_would_not_have_made_sooner(
    remote: Engine,
) -> None:
    slow = meet(remote, "slow", 10.0)
    show(remote, slow)
    quick = meet(remote, "quick", 1.0)
    submit(remote, "a")
    quick.wait_for("a")
    submit(remote, "b", make_request("b"))
    assert slow.given == [], "the quick one has made it before"
    remote.submit(Order(ME, "many", make_request("many"), count=20))
    run = slow.wait_for("many.8")
    assert slow.given == [run]
    quick.exit("the plug was pulled", loss=Loss.AWAY)
    slow.finish(run)
    slow.wait_for("a")


def show(engine: Engine, worker: Colleague) -> None:
    """A worker, the only one as yet, makes a take: how quick it is, is known."""
    recorder = Recorder(engine)
    submit(engine, "first", make_request("first"))
    worker.finish(worker.wait_for("first"))
    recorder.wait("finished", "first")
    worker.given.clear()


def test_whose_warm_up_alone_was_slow_is_tried(remote: Engine) -> None:
    slow, quick = meet(remote, "slow", 10.0), meet(remote, "quick", 1.0)
    submit(remote, "a")
    quick.wait_for("a")
    submit(remote, "b", make_request("b"))
    slow.wait_for("b")


def test_what_was_slow_once_is_tried_again_after_a_while(
    remote: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = meet(remote, "slow", 10.0)
    show(remote, slow)
    quick = meet(remote, "quick", 1.0)
    submit(remote, "a")
    quick.wait_for("a")
    monkeypatch.setattr(model_state, "KNOWN_SECONDS", 0.0)  # they have passed
    submit(remote, "b", make_request("b"))
    slow.wait_for("b")


def test_what_is_urgent_interrupts_a_quick_one_rather_than_begin_on_a_slow_one(
    remote: Engine,
) -> None:
    slow, quick = meet(remote, "slow", 10.0), meet(remote, "quick", 1.0)
    submit(remote, "batch", priority=Priority.BATCH)
    quick.wait_for("batch")
    submit(remote, "live", make_request("live"), priority=Priority.LIVE)
    quick.wait_for("live")
    assert slow.given == []


def test_how_quick_a_worker_is_is_learned_from_its_takes(remote: Engine) -> None:
    recorder = Recorder(remote)
    studio, attic = meet_two(remote)
    submit(remote, "a", make_request("a"))
    run = studio.wait_for("a")
    studio.seconds_per_cost = 1000.0
    studio.finish(run)
    recorder.wait("finished", "a")
    submit(remote, "b", make_request("a"))
    assert attic.wait_for("b"), "although the other is warm"
    attic.finish(attic.given[-1])
    recorder.wait("finished", "b")
    assert remote.journal.seconds_per_cost("tape", "studio") == pytest.approx(1000.0)
    assert remote.journal.seconds_per_cost("tape") == 0.0


# --- what is urgent -------------------------------------------------------------------------------


def test_a_live_job_interrupts_the_batch_one_where_all_are_busy(remote: Engine) -> None:
    recorder = Recorder(remote)
    studio, attic = meet_two(remote)
    submit(remote, "normal", make_request("normal"))
    studio.wait_for("normal")
    submit(remote, "batch", make_request("batch"), priority=Priority.BATCH)
    batch = attic.wait_for("batch")
    submit(remote, "live", make_request("live"), priority=Priority.LIVE)
    live = attic.wait_for("live")
    assert [run.job.id for run in attic.running] == ["batch", "live"]
    assert batch.is_paused
    attic.finish(live)
    assert not batch.is_paused
    attic.finish(batch)
    recorder.wait("finished", "batch")
    assert studio.ids == ["normal"]


def test_a_short_live_job_goes_before_a_long_one_of_another_client(remote: Engine) -> None:
    studio, attic = meet_two(remote)
    for id in ("long", "long too"):
        submit(remote, id, make_request(id, num_steps=80), "stranger", priority=Priority.LIVE)
    studio.wait_for("long")
    attic.progress(attic.wait_for("long too"), 0.99)
    submit(remote, "mine", make_request("mine"), priority=Priority.LIVE)
    studio.wait_for("mine")
    submit(remote, "mine too", make_request("mine"), priority=Priority.LIVE)
    assert [job.id for job in remote.active()][-1] == "mine too"


def keep_told() -> tuple[list[tuple[str, str]], Callable[[Event], None]]:
    """What the listener beside it will have heard: kinds of events, and of which job."""
    told: list[tuple[str, str]] = []

    def listen(event: Event) -> None:
        assert event.job
        told.append((event.kind, event.job.id))

    return told, listen


def test_what_nobody_has_asked_for_is_made_where_nothing_else_is_to_do(remote: Engine) -> None:
    told, listen = keep_told()
    recorder = Recorder(remote)
    studio, attic = meet_two(remote)
    guess = Order(ME, "guess", make_request("guess", seed=1))
    remote.prepare([guess], listen)
    run = studio.wait_for("guess")
    assert remote.state == "warm"
    submit(remote, "a", make_request("a"))
    attic.wait_for("a")
    assert studio.running == [run], "it is not interrupted where another worker is free"
    submit(remote, "b", make_request("b"))
    studio.finish(studio.wait_for("b"))
    remote.submit(guess)
    studio.finish(run)
    recorder.wait("finished", "guess")
    assert told == []


def test_of_several_workers_all_but_one_make_what_nobody_has_asked_for(remote: Engine) -> None:
    told, listen = keep_told()
    recorder = Recorder(remote)
    workers = [meet(remote, name) for name in ("studio", "attic", "cellar")]
    orders = [Order(ME, f"guess {n}", make_request("guess", seed=n)) for n in range(3)]
    remote.prepare(orders, listen)
    until(lambda: sum(len(worker.running) for worker in workers) == 2)
    busy = [worker for worker in workers if worker.running]
    free = next(worker for worker in workers if not worker.running)
    submit(remote, "a", make_request("a"))
    free.finish(free.wait_for("a"))
    recorder.wait("finished", "a")
    busy[0].finish(busy[0].running[-1])
    until(lambda: ("prepared", "guess 0") in told)
    remote.submit(orders[0])
    recorder.wait("finished", "guess 0")
    remote.prepare([])
    until(lambda: len(busy[1].cancelled) == 1)
    assert len({run.job.id for worker in workers for run in worker.given}) == 4, "none twice"


# --- cancelled ------------------------------------------------------------------------------------


def test_who_makes_it_is_told_to_stop(build: Build) -> None:
    model = SteppedModel(running=False)
    engine, recorder = start_local(build, model)
    studio = meet(engine, "studio", UNKNOWN)
    for id in "ab":
        submit(engine, id, make_request(id))
    run = studio.wait_for("b")
    engine.cancel(ME, "b")
    assert studio.cancelled == [run]
    studio.stop(run)
    recorder.wait("cancelled", "b")
    engine.cancel(ME, "a")
    recorder.wait("cancelled", "a")
    assert studio.cancelled == [run]
    assert engine.active() == []


# --- lost -----------------------------------------------------------------------------------------


def test_what_a_lost_worker_had_is_made_by_the_other_once_and_told(
    remote: Engine, out: Path
) -> None:
    recorder = Recorder(remote)
    studio, attic = meet_two(remote)
    for id in ("a", "b", "c"):
        submit(remote, id, make_request(id))
    lost = studio.wait_for("a")
    studio.progress(lost, 0.5)
    studio.exit("studio is gone")
    assert recorder.wait("note", "a").values == ("studio is gone: this take is made again",)
    attic.finish(attic.wait_for("b"))
    again = attic.wait_for("a")
    assert again is not lost
    studio.finish(lost)  # it was not lost at all
    assert attic.running == [again], "a take is taken from who has it"
    attic.finish(again)
    recorder.wait("finished", "a")
    studio.finish(lost)
    attic.finish(again)
    attic.finish(attic.wait_for("c"))
    recorder.wait("finished", "c")
    assert sorted(recorder.ids_with("finished")) == ["a", "b", "c"]
    assert len(list(out.iterdir())) == 6, "nothing is there twice"
    assert not any(event.kind == "fail" for event in recorder.events), "nothing has failed"


def test_a_late_answer_of_a_worker_that_is_back_is_not_taken_for_another_run(
    remote: Engine,
) -> None:
    recorder = Recorder(remote)
    studio = meet(remote, "studio")
    submit(remote, "a", make_request("a"))
    lost = studio.wait_for("a")
    studio.exit("the network is gone", loss=Loss.AWAY)
    studio.recover()
    until(lambda: len(studio.given) == 2)
    again = studio.given[-1]
    assert again.ticket != lost.ticket
    studio.finish(lost)
    assert studio.running == [again]
    assert recorder.ids_with("finished") == []


def test_only_its_own_runs_go_back_when_the_local_worker_ends(build: Build) -> None:
    model = SteppedModel(running=False)
    engine, recorder = start_local(build, model)
    studio = meet(engine, "studio", UNKNOWN)
    for id in "ab":
        submit(engine, id, make_request(id))
    run = studio.wait_for("b")
    recorder.wait("progress", "a")
    assert engine._supervisor.connection
    engine._supervisor.connection.pipe.close()
    recorder.wait("fail")
    assert studio.running == [run]
    studio.finish(run)
    recorder.wait("finished", "b")
    model.run()
    until(lambda: "a" in studio.ids or "a" in recorder.ids_with("finished"))


def test_a_job_that_ends_two_workers_is_given_up_and_one_whose_machines_went_away_is_not(
    remote: Engine,
) -> None:
    recorder = Recorder(remote)
    studio, attic = meet_two(remote)
    submit(remote, "deadly", make_request("deadly"))
    studio.wait_for("deadly")
    studio.exit("signal SIGSEGV")
    attic.wait_for("deadly")
    attic.exit("signal SIGSEGV")
    assert "failed twice" in recorder.wait("fail", "deadly").values[2]
    for worker in (studio, attic):
        worker.recover()
    submit(remote, "unlucky", make_request("unlucky"))
    for worker in (studio, attic) * 2:
        worker.wait_for("unlucky")
        worker.exit("the scheduler is gone", loss=Loss.AWAY)
        worker.recover()
    studio.finish(studio.wait_for("unlucky"))


def test_a_worker_that_leaves_gives_back_what_it_has(remote: Engine) -> None:
    recorder = Recorder(remote)
    studio = meet(remote, "studio")
    submit(remote, "a", make_request("a"))
    studio.wait_for("a")
    studio.leave()
    assert studio.running == []
    assert remote.state == "cold"
    attic = meet(remote, "attic")
    attic.finish(attic.wait_for("a"))
    recorder.wait("finished", "a")
    assert recorder.ids_with("fail") == []


# --- many at once ---------------------------------------------------------------------------------


def hold_stage(monkeypatch: pytest.MonkeyPatch, id: str) -> threading.Event:
    """The files of this job are not written before the event is set."""
    go_on = threading.Event()
    stage = staging.stage

    def wait(folder: Path, token: str, job: JobFacts, *more: Any) -> staging.Staged:
        if job.id == id:
            assert go_on.wait(PATIENCE)
        return stage(folder, token, job, *more)

    monkeypatch.setattr(staging, "stage", wait)
    return go_on


def test_the_takes_of_a_worker_land_in_their_order_and_wait_for_no_other_workers(
    remote: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(remote)
    studio, attic = meet_two(remote)
    go_on = hold_stage(monkeypatch, "a")
    for id in "abcd":
        submit(remote, id, make_request(id))
    studio.finish(studio.wait_for("a"))
    studio.finish(studio.wait_for("c"))
    attic.finish(attic.wait_for("b"))
    recorder.wait("finished", "b")
    studio.finish(studio.wait_for("d"))
    assert recorder.ids_with("finished") == ["b"]
    go_on.set()
    recorder.wait("finished", "d")
    assert recorder.ids_with("finished") == ["b", "a", "c", "d"]


def test_a_live_take_lands_before_the_others_of_its_worker(
    remote: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(remote)
    studio = meet(remote, "studio")
    go_on = hold_stage(monkeypatch, "a")
    for id in "ab":
        submit(remote, id, make_request(id))
    for id in "ab":
        studio.finish(studio.wait_for(id))
    submit(remote, "live", make_request("live"), priority=Priority.LIVE)
    studio.finish(studio.wait_for("live"))
    go_on.set()
    recorder.wait("finished", "b")
    assert recorder.ids_with("finished") == ["a", "live", "b"]


@pytest.mark.parametrize("limit", ["MOST_LANDING", "MOST_LANDING_BYTES"])
def test_no_other_job_is_begun_while_too_much_waits_for_the_disk_but_a_live_one(
    remote: Engine, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    recorder = Recorder(remote)
    studio = meet(remote, "studio")
    go_on = hold_stage(monkeypatch, "a")
    monkeypatch.setattr(dispatcher, limit, 1)
    for id in "abc":
        submit(remote, id, make_request(id))
    for id in "ab":
        studio.finish(studio.wait_for(id))
    submit(remote, "live", make_request("live"), priority=Priority.LIVE)
    studio.finish(studio.wait_for("live"))
    assert studio.ids == ["a", "b", "live"]
    go_on.set()
    studio.finish(studio.wait_for("c"))
    recorder.wait("finished", "c")


@pytest.mark.parametrize("seed", range(8))
def test_whatever_workers_do_every_job_ends_once(remote: Engine, out: Path, seed: int) -> None:
    """They answer late, twice, after they were lost or cancelled, leave and come back."""
    dice = random.Random(seed)
    recorder = Recorder(remote)
    workers = [meet(remote, name) for name in ("studio", "attic", "cellar")]
    ids: list[str] = []

    def order() -> None:
        ids.append(f"j{len(ids)}")
        priority = dice.choice((Priority.BATCH, Priority.NORMAL, Priority.LIVE))
        prompt = dice.choice("xyz")
        submit(remote, ids[-1], make_request(prompt), dice.choice((ME, YOU)), priority=priority)

    def cancel() -> None:
        with suppress(Refused):  # it has ended, or its files are landing
            remote.cancel(ME, dice.choice(ids))

    def act(worker: Colleague) -> None:
        run = dice.choice(worker.given) if worker.given else None
        current = worker.running[-1:] or worker.given[-1:]
        action = dice.randrange(8)
        if action == 0:
            worker.exit("the network is gone", loss=Loss.AWAY)
        elif action == 1:
            worker.leave()
        elif action == 2 and run:
            worker.finish(run)
        elif action == 3 and run:
            worker.progress(run, dice.random())
        elif action == 4:
            while worker.cancelled:
                worker.stop(worker.cancelled.pop())
        elif current:
            worker.finish(current[0])
        if not worker.is_ready and dice.random() < 0.5:
            worker.join()

    actions: list[Callable[[], None]] = [order, cancel]
    actions += [partial(act, worker) for worker in workers * 4]
    for _ in range(20):
        order()
    for _ in range(200):
        dice.choice(actions)()
    for worker in workers:
        worker.join()
    until(lambda: finish_all(remote, workers))
    ends = [id for kind in ("finished", "cancelled", "fail") for id in recorder.ids_with(kind)]
    assert sorted(ends) == sorted(ids)
    assert len(list(out.iterdir())) == 2 * len(recorder.ids_with("finished"))
    assert all(worker.running == [] for worker in workers)


def finish_all(engine: Engine, workers: list[Colleague]) -> bool:
    """Whether nothing is left, when each has made what it has."""
    for worker in workers:
        if worker.running:
            worker.finish(worker.running[-1])
    engine.journal.flush()
    return not engine.active()


# --- how all of it stands -------------------------------------------------------------------------


def test_without_a_local_worker_jobs_wait_for_the_first_that_comes(remote: Engine) -> None:
    recorder = Recorder(remote)
    submit(remote, "a", make_request("a"))
    assert remote.state_event().values[0] == "cold"
    studio = meet(remote, "studio")
    assert remote.title == "tape"
    assert remote.sings
    run = studio.wait_for("a")
    recorder.wait("state", first="busy")
    studio.finish(run)
    recorder.wait("finished", "a")
    assert remote.state == "warm"


def test_it_is_busy_while_any_is_and_warm_while_one_is_there(build: Build) -> None:
    model = SteppedModel(running=False)
    engine, recorder = start_local(build, model)
    studio = meet(engine, "studio", UNKNOWN)
    for id in "ab":
        submit(engine, id, make_request(id))
    run = studio.wait_for("b")
    model.run()
    recorder.wait("finished", "a")
    assert engine.state == "busy"
    studio.finish(run)
    until(lambda: engine.state == "warm")


def test_what_cannot_be_loaded_here_does_not_hold_what_others_can_make(build: Build) -> None:
    engine = build(SteppedModel(), name="broken")
    recorder = Recorder(engine)
    studio = meet(engine, "studio", UNKNOWN)
    for id in "ab":
        submit(engine, id, make_request(id))
    engine.start()
    recorder.wait("fail", first="/ace/model")
    for id in "ab":
        studio.finish(studio.wait_for(id))
        recorder.wait("finished", id)
    assert recorder.ids_with("fail") == []


def test_a_model_that_has_left_the_memory_comes_back_only_where_nobody_else_is_free(
    build: Build,
) -> None:
    model = SteppedModel()
    engine = build(model, idle_unload=0.001)
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="cold")
    studio = meet(engine, "studio")
    needed: list[bool] = []  # a worker, when each job is queued

    def look(event: Event) -> None:
        if event.kind == "queued":
            needed.append(engine.work_source.has_waiting)

    engine.subscribe(look)
    submit(engine, "a", make_request("a"))
    studio.wait_for("a")
    submit(engine, "b", make_request("b"))
    recorder.wait("finished", "b")
    assert needed == [False, True]
    assert model.loads == 2
    assert studio.ids == ["a"]


def test_jobs_that_were_held_for_a_model_go_on_when_another_worker_has_it(build: Build) -> None:
    engine = build(SteppedModel(), name="broken")
    recorder = Recorder(engine)
    submit(engine, "a")
    engine.start()
    recorder.wait("fail", "a")
    studio = meet(engine, "studio", UNKNOWN)
    studio.finish(studio.wait_for("a"))
    recorder.wait("finished", "a")


def test_places_and_times_in_the_queue_count_all_workers(remote: Engine) -> None:
    recorder = Recorder(remote)
    meet_two(remote)
    for n in range(5):
        submit(remote, f"{n}", make_request(f"{n}"))
    queued = [event.values for event in recorder.events if event.kind == "queued"]
    assert [position for position, _ in queued] == [0, 0, 1, 2, 3]
    cost = remote.find(ME, "0").cost
    assert [eta / cost for _, eta in queued] == pytest.approx([1, 1, 2, 2.5, 3], abs=0.1)


def test_what_is_live_waits_for_nothing_that_gives_way_to_it(remote: Engine) -> None:
    recorder = Recorder(remote)
    meet_two(remote)
    for n in range(5):
        submit(remote, f"{n}", make_request(f"{n}"), priority=Priority.BATCH)
    job = submit(remote, "live", make_request("live"), priority=Priority.LIVE)
    assert recorder.wait("queued", "live").values == (0, pytest.approx(job.cost, rel=0.1))
    other = submit(remote, "other", make_request("other"), client=YOU, priority=Priority.BATCH)
    position, eta = recorder.wait("queued", "other").values
    assert position == 3, "in turn with whoever has many: two runs, what is live, or one job"
    assert eta / other.cost == pytest.approx(3, abs=0.6)


def test_who_has_not_made_anything_yet_is_taken_for_as_quick_as_the_others(
    remote: Engine,
) -> None:
    recorder = Recorder(remote)
    meet(remote, "studio", UNKNOWN)
    meet(remote, "attic", 1.0)
    for n in range(3):
        submit(remote, f"{n}", make_request(f"{n}"))
    cost = remote.find(ME, "0").cost
    queued = [event.values for event in recorder.events if event.kind == "queued"]
    assert [eta / cost for _, eta in queued] == pytest.approx([1, 1, 2], abs=0.1)


def test_a_message_about_a_run_that_nobody_has_changes_nothing(remote: Engine) -> None:
    studio = meet(remote, "studio")
    studio.say(RenderProgress(12345, 0.5, "diffusion"))
    assert remote.state == "warm"
    submit(remote, "a", client=YOU)
    studio.wait_for("a")
