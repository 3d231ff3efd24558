"""What takes much longer where it is than it would elsewhere is begun there, too, and made once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from daemon.engine import Engine, model_state, stragglers
from daemon.engine.run import Loss, Run
from daemon.jobs import JobState, Priority
from daemon.messages import RenderFailed, RenderPlan
from tests.support.colleague import Colleague
from tests.support.harness import ME, Recorder, make_request, submit
from tests.support.waiting import until

SPEED = 0.01  # seconds per cost: a take of some seconds


@pytest.fixture
def late(remote: Engine) -> tuple[Colleague, Colleague, Run]:
    """Who has a take, who has nothing to do, and that take's run, which is late."""
    studio, attic = (Colleague(remote, name, SPEED) for name in ("studio", "attic"))
    for each in (studio, attic):
        each.join()
    submit(remote, "a", make_request("a"))
    run = studio.wait_for("a")
    make_late(remote, run)
    return studio, attic, run


def make_late(engine: Engine, run: Run) -> None:
    """It has taken ten times as long as it should, and is half done."""
    with engine.lock:
        run.fraction = 0.5
        run._started = time.monotonic() - 10 * SPEED * run.job.cost


def test_a_take_that_is_in_time_is_made_once(remote: Engine) -> None:
    studio, attic = (Colleague(remote, name, SPEED) for name in ("studio", "attic"))
    for each in (studio, attic):
        each.join()
    submit(remote, "a", make_request("a"))
    run = studio.wait_for("a")
    with remote.lock:
        remote._dispatcher.start_idle_run()
        run.fraction = 0.5
        remote._dispatcher.start_idle_run()
    assert attic.given == []


def test_what_is_late_is_made_elsewhere_too_and_whoever_is_first_counts(
    remote: Engine, late: tuple[Colleague, Colleague, Run], out: Path
) -> None:
    recorder = Recorder(remote)
    studio, attic, slow = late
    quick = attic.wait_for("a")
    assert quick.ticket != slow.ticket
    assert [job.id for job in remote.active()] == ["a"]
    attic.finish(quick)
    recorder.wait("finished", "a")
    assert studio.cancelled == [slow]
    studio.finish(slow)  # it had just been made
    assert studio.running == []
    submit(remote, "b", make_request("b"))
    attic.finish(attic.wait_for("b"))
    recorder.wait("finished", "b")
    assert sorted(recorder.ids_with("finished")) == ["a", "b"]
    assert len(list(out.iterdir())) == 4, "a sound and a manifest of each"


def test_the_client_is_told_that_it_is_made_elsewhere_too(remote: Engine) -> None:
    recorder = Recorder(remote)
    studio = Colleague(remote, "studio", SPEED)
    studio.join()
    submit(remote, "a", make_request("a"))
    make_late(remote, studio.wait_for("a"))
    Colleague(remote, "attic", SPEED).join()
    said = "studio is late: attic makes this take, too"
    assert recorder.wait("note", "a").values == (said,)


def test_the_slow_one_may_be_first_all_the_same(
    remote: Engine, late: tuple[Colleague, Colleague, Run], out: Path
) -> None:
    recorder = Recorder(remote)
    studio, attic, slow = late
    quick = attic.wait_for("a")
    studio.finish(slow)
    recorder.wait("finished", "a")
    assert attic.cancelled == [quick]
    attic.stop(quick)
    assert attic.running == []
    assert len(list(out.iterdir())) == 2


def test_who_was_late_is_known_to_be_slow(
    remote: Engine, late: tuple[Colleague, Colleague, Run]
) -> None:
    recorder = Recorder(remote)
    studio, attic, slow = late
    attic.finish(attic.wait_for("a"))
    recorder.wait("finished", "a")
    studio.stop(slow)
    assert remote._model.find_speed("studio") > 2 * SPEED
    submit(remote, "b", make_request("b"))
    attic.wait_for("b")


def test_who_was_late_a_while_ago_helps_who_is_late_now(
    remote: Engine, late: tuple[Colleague, Colleague, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(remote)
    studio, attic, slow = late
    attic.finish(attic.wait_for("a"))
    recorder.wait("finished", "a")
    studio.stop(slow)
    submit(remote, "b", make_request("b"))
    monkeypatch.setattr(model_state, "KNOWN_SECONDS", 0.0)  # they have passed
    make_late(remote, attic.wait_for("b"))
    with remote.lock:
        remote._dispatcher.start_idle_run()
    studio.wait_for("b")


def test_it_is_begun_a_second_time_and_no_third(
    remote: Engine, late: tuple[Colleague, Colleague, Run]
) -> None:
    _, attic, _ = late
    make_late(remote, attic.wait_for("a"))
    cellar = Colleague(remote, "cellar", SPEED)
    cellar.join()
    with remote.lock:
        remote._dispatcher.start_idle_run()
    assert cellar.given == []


def test_what_waits_goes_before_it(remote: Engine) -> None:
    studio = Colleague(remote, "studio", SPEED)
    studio.join()
    submit(remote, "a", make_request("a"))
    submit(remote, "b", make_request("b"))
    make_late(remote, studio.wait_for("a"))
    attic = Colleague(remote, "attic", SPEED)
    attic.join()
    attic.finish(attic.wait_for("b"))
    attic.wait_for("a")
    assert attic.ids == ["b", "a"]


def test_what_something_else_interrupts_for_long_goes_on_elsewhere(remote: Engine) -> None:
    studio = Colleague(remote, "studio", SPEED)
    studio.join()
    submit(remote, "a", make_request("a"))
    studio.wait_for("a")
    submit(remote, "live", make_request("live").changed({"seconds": 300}), priority=Priority.LIVE)
    studio.wait_for("live")
    attic = Colleague(remote, "attic", SPEED)
    attic.join()
    attic.wait_for("a")


def test_a_job_that_is_cancelled_is_stopped_twice_and_ends_once(
    remote: Engine, late: tuple[Colleague, Colleague, Run]
) -> None:
    recorder = Recorder(remote)
    studio, attic, slow = late
    quick = attic.wait_for("a")
    remote.begin_cancel(ME, "a")
    until(lambda: studio.cancelled == [slow] and attic.cancelled == [quick])
    studio.stop(slow)
    assert recorder.ids_with("cancelled") == []
    attic.finish(quick)  # it had just been made
    recorder.wait("cancelled", "a")
    assert recorder.ids_with("finished") == []


def test_one_that_fails_leaves_it_to_the_other(
    remote: Engine, late: tuple[Colleague, Colleague, Run]
) -> None:
    recorder = Recorder(remote)
    studio, attic, slow = late
    quick = attic.wait_for("a")
    attic.say(RenderFailed(quick.ticket, 500, "out of memory", "ask for a shorter clip"))
    assert recorder.ids_with("fail") == []
    studio.finish(slow)
    recorder.wait("finished", "a")


@pytest.mark.parametrize("loss", [Loss.ENDED, Loss.AWAY])
def test_one_that_is_lost_leaves_it_to_the_other(
    remote: Engine, late: tuple[Colleague, Colleague, Run], loss: Loss
) -> None:
    recorder = Recorder(remote)
    studio, attic, slow = late
    quick = attic.wait_for("a")
    studio.exit("studio is gone", loss=loss)
    assert quick.job.state is JobState.RUNNING
    assert quick.job.crashes == (loss is Loss.ENDED)
    studio.recover()
    attic.finish(quick)
    recorder.wait("finished", "a")
    assert studio.given == [slow], "nobody begins it once more"


def test_both_tell_of_one_take(remote: Engine, late: tuple[Colleague, Colleague, Run]) -> None:
    recorder = Recorder(remote)
    studio, attic, slow = late
    quick = attic.wait_for("a")
    for worker, run in ((studio, slow), (attic, quick)):
        worker.say(RenderPlan(run.ticket, {"bpm": 90}))
    attic.progress(quick, 0.25)
    studio.progress(slow, 0.6)
    studio.say(RenderFailed(slow.ticket, 500, "x", ""))
    attic.finish(quick)
    recorder.wait("finished", "a")
    told = [event for event in recorder.events if event.kind in ("planned", "progress")]
    assert [event.values[0] for event in told] == ["bpm", 0.6], "it never goes back"


def test_nothing_is_begun_for_what_would_be_there_soon(
    remote: Engine, late: tuple[Colleague, Colleague, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, attic, slow = late
    attic.stop(attic.wait_for("a"))
    monkeypatch.setattr(stragglers, "LEAST_GAIN", 1e6)
    attic.given.clear()
    with remote.lock:
        remote._dispatcher.start_idle_run()
    assert attic.given == []
    assert studio.running == [slow]
