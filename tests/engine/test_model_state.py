"""What is known of the model that plays."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.engine.model_state import (
    KNOWN_SECONDS,
    MemoryNeed,
    ModelChoice,
    ModelState,
    ModelStatus,
    RenderSpeed,
)
from daemon.engine.run import LOCAL
from daemon.messages import AdaptersSet, ModelLoaded, RenderFinished
from daemon.settings import Settings
from pipeline.request import Request
from pipeline.take import TakeInfo
from pipeline.weights.adapter import Adapter
from tests.support.clock import Clock
from tests.support.harness import SteppedModel
from tests.support.takes import make_run

LOFI = Adapter("/lofi")
LOADED = ModelLoaded(
    title="tape (turbo)",
    adapters=(),
    capabilities=SteppedModel().capabilities,
    seconds_per_cost=2.0,
    token_cost=0.0,
)
SECOND = Request(prompt="x", seconds=1, seed=1)


def ignore_change() -> None: ...


def make_loaded(journaled_speed: float = 0.0) -> ModelState:
    model = ModelState(ModelChoice("tape", ""), ignore_change)
    model.on_loaded(LOADED, lambda title: journaled_speed)
    return model


def test_a_change_of_its_status_is_told_once() -> None:
    published: list[str] = []
    model = ModelState(ModelChoice("tape", ""), lambda: published.append(model.status))
    statuses: list[ModelStatus] = ["loading", "loading", "warm", "cold"]
    for status in statuses:
        model.set_status(status)
    assert published == ["loading", "warm", "cold"]


def test_its_adapters_stay_with_it_and_not_with_another_one() -> None:
    model = ModelState(ModelChoice("tape", "turbo", (LOFI,)), ignore_change)
    model.choose_model("tape", "turbo")
    assert model.choice.adapters == (LOFI,)
    model.choose_model("tape", "base")
    assert model.choice == ModelChoice("tape", "base", ())


def test_it_needs_adapters_only_while_it_is_loaded_and_has_others() -> None:
    model = ModelState(ModelChoice("tape", "", (LOFI,)), ignore_change)
    assert not model.needs_adapters
    model.on_loaded(LOADED, lambda title: 0.0)
    assert model.needs_adapters
    model.on_adapters_set(AdaptersSet("tape (lofi)", (LOFI,)))
    assert not model.needs_adapters
    model.choose_adapters(())
    model.on_adapters_refused()
    assert model.choice.adapters == (LOFI,), "it goes on with those it has"
    model.choose_adapters(())
    model.on_worker_exit()
    assert not model.needs_adapters


def test_this_machines_speed_is_the_journals_or_what_the_worker_measured() -> None:
    for model, seconds_per_cost in ((make_loaded(), 2.0), (make_loaded(4.0), 4.0)):
        job = make_run(SECOND).job
        model.estimate_cost(job)
        assert job.cost > 0
        assert model.find_speed(LOCAL) == seconds_per_cost


def test_what_remains_is_known_from_its_speed_and_then_from_its_own_progress() -> None:
    model = make_loaded()
    run = make_run(SECOND)
    model.estimate_cost(run.job)
    expected = 2.0 * run.job.cost
    assert model.estimate_remaining(run) == expected
    run.fraction = 0.5
    run._elapsed = expected  # twice as slow
    assert model.estimate_remaining(run) == 0.75 * expected


def test_every_take_teaches_how_long_the_next_one_takes_and_how_much_memory_it_needs() -> None:
    model = make_loaded()
    run = make_run(SECOND)
    model.estimate_cost(run.job)
    run._elapsed = 4.0 * run.job.cost
    info = TakeInfo(SECOND, "tape", memory={"decode": 600, "text": 100})
    model.learn(run, RenderFinished(run.ticket, info, token_cost=0.0))
    assert model.find_speed(LOCAL) == pytest.approx(4.0), "its warm-up is forgotten"
    assert model.memory_need.estimate_bytes(48_000) == 600


def test_a_speed_is_learned_from_takes_and_known_for_a_while() -> None:
    clock = Clock()
    speed = RenderSpeed(expected=50.0, now=clock)
    assert not speed.is_known, "a busy machine warms up slowly"
    speed.learn(2.0, 4.0)
    assert (speed.is_known, speed.seconds_per_cost) == (True, 2.0)
    speed.learn(1.0, 4.0)
    assert speed.seconds_per_cost == 3.0
    clock.now += KNOWN_SECONDS
    assert not speed.is_known
    speed.learn(1.0, 1.0)
    assert speed.seconds_per_cost == 1.0, "what it was before is not held against it"
    assert RenderSpeed(2.0, 50.0, clock).is_known, "by the journal"


def test_a_longer_take_needs_more_memory_and_a_shorter_one_as_much() -> None:
    need = MemoryNeed()
    assert need.estimate_bytes(48_000) == 0
    need.learn(TakeInfo(SECOND, "tape", memory={"decode": 600}), 48_000)
    need.learn(TakeInfo(SECOND, "tape", memory={"decode": 500}), 24_000)
    assert [need.estimate_bytes(samples) for samples in (96_000, 24_000)] == [1200, 600]


def test_a_request_whose_file_is_gone_can_be_estimated(tmp_path: Path) -> None:
    request = Request(prompt="x", seconds=1, seed=1, guide=str(tmp_path / "gone.mid"))
    job = make_run(request).job
    make_loaded().estimate_cost(job)
    assert job.cost > 0


def test_the_load_message_has_the_model_and_its_limits(tmp_path: Path) -> None:
    settings = Settings(out=tmp_path, state=tmp_path, bits=8, cache_gb=1.5)
    model = ModelState(ModelChoice("tape", "base", (LOFI,)), ignore_change)
    message = model.make_load_message(settings)
    assert message.model == "tape"
    assert message.variant == "base"
    assert message.adapters == (LOFI,)
    assert message.bits == 8
    assert message.cache_gb == 1.5
    assert message.latents_folder == str(tmp_path / "latents")
    assert message.plans_takes
