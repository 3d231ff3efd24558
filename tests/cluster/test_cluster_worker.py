"""A machine as the dispatcher sees it: when it may be given takes, and how it signs them."""

from __future__ import annotations

from collections.abc import Callable

from daemon import VERSION
from daemon.cluster.cluster_worker import FAILURES, ClusterWorker, Health
from daemon.cluster.facts import Facts
from daemon.engine import ModelChoice
from daemon.machines import WorkerStanding
from daemon.messages import RenderFinished
from pipeline.request import Request
from pipeline.take import TakeInfo
from pipeline.weights.identity import ModelIdentity
from tests.support.clock import Clock
from tests.support.takes import make_run

FACTS = Facts.read(
    {
        "version": VERSION,
        "device": "GPU (Apple M4)",
        "kind": "Metal",
        "identity": ModelIdentity("mini", {"vae": "1234"}).to_json(),
    }
)


MINI = ModelChoice("mini", "")


def make_worker(
    health: Health, find_choice: Callable[[], ModelChoice] = lambda: MINI
) -> ClusterWorker:
    """One that was compared with `MINI`."""
    worker = ClusterWorker(
        "studio", "tcp://x:1", FACTS, health, lambda *_: None, lambda *_: None, find_choice
    )
    worker.compared_with = MINI
    return worker


def sign(info: TakeInfo, kinds: set[str], **files: str) -> TakeInfo:
    return make_worker(Health()).sign(RenderFinished(1, info, 0.0), files, kinds).info


def test_it_is_ready_while_its_model_is_warm_and_nothing_speaks_against_it() -> None:
    worker = make_worker(Health())
    assert not worker.is_ready
    worker.is_warm = True
    assert worker.is_ready
    worker.obstacle = "its vae differs"
    assert not worker.is_ready


def test_it_is_ready_for_the_model_that_it_was_compared_with_and_no_other() -> None:
    choice = MINI
    worker = make_worker(Health(), lambda: choice)
    worker.is_warm = True
    assert worker.is_ready
    choice = ModelChoice("another", "")
    assert not worker.is_ready, "whatever is known of what was chosen before"


def test_how_it_stands_is_said_with_the_reason_why_it_makes_nothing() -> None:
    health = Health(Clock())
    worker = make_worker(health)
    assert worker.standing == WorkerStanding("studio", "loading", "GPU (Apple M4)", "")
    worker.is_warm = True
    assert worker.standing.state == "idle"
    for _ in range(FAILURES):
        health.note_failure()
    standing = worker.standing
    assert standing.state == "rested"
    assert standing.text.endswith(": 5 min more")
    worker.trouble = "the model could not be loaded"
    assert (worker.standing.state, worker.standing.text) == ("error", worker.trouble)
    worker.obstacle = "its vae differs"
    assert (worker.standing.state, worker.standing.text) == ("unused", "its vae differs")
    run = make_run(Request(prompt="x"))
    run.fraction = 0.4
    worker.running.append(run)
    assert (worker.standing.state, worker.standing.text) == ("busy", "makes a, 40%")


def test_one_that_is_not_heard_from_says_so_and_for_how_long() -> None:
    worker = make_worker(Health())
    worker.is_warm = True
    worker.note_seen(1.0)
    worker.heard -= 44
    assert (worker.standing.state, worker.standing.text) == ("silent", "not heard from for 44 s")
    worker.running.append(make_run(Request(prompt="x")))
    assert worker.standing.text == "makes a, 0%; not heard from for 44 s"
    worker.note_seen(2.0)
    assert worker.standing.text == "makes a, 0%"


def test_three_failures_in_a_row_rest_it_and_each_time_for_longer() -> None:
    clock = Clock()
    health = Health(clock)
    for minutes in (5, 10, 20):
        assert [health.note_failure() for _ in range(FAILURES)] == [0, 0, 60 * minutes]
        assert health.rest
        clock.now += 60 * minutes
        assert not health.rest


def test_a_take_in_between_forgives_all() -> None:
    health = Health()
    for _ in range(3):
        assert not health.note_failure()
        assert not health.note_failure()
        health.note_take()
    assert not health.rest


def test_a_take_has_the_machines_name_and_the_paths_of_this_machine() -> None:
    request = Request(task="cover", source="/worker/files/1234.wav", prompt="x")
    info = TakeInfo(request, "mini", machine={"device": "GPU"}, notes=("read",))
    signed = sign(info, {"Metal"}, source="/home/me/beat.wav")
    assert signed.machine == {"name": "studio", "device": "GPU"}
    assert signed.request.source == "/home/me/beat.wav"
    assert signed.notes == ("read",)


def test_a_note_says_where_seeds_may_differ() -> None:
    signed = sign(TakeInfo(Request(prompt="x"), "mini"), {"Metal", "CUDA", "CPU", ""})
    assert signed.notes == (
        "made by studio, on Metal: on CPU or CUDA the same seed may come out a little otherwise",
    )
