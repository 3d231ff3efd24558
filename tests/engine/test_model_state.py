"""What is known of the model that plays."""

from __future__ import annotations

from pathlib import Path

from daemon.engine.model_state import ModelChoice, ModelState
from daemon.jobs import Job
from daemon.settings import Settings
from pipeline.request import Request
from pipeline.weights.adapter import Adapter

LOFI = Adapter("/lofi")
DEFAULTS = {"num_steps": 4, "shift": 1.0, "guidance_scale": 1.0, "guidance_interval": 1.0}
LOADED = {"title": "tape (turbo)", "defaults": DEFAULTS, "pace": 2.0, "token": 0.0, "adapters": []}


def nothing() -> None: ...


def loaded(known_pace: float = 0.0) -> ModelState:
    model = ModelState(ModelChoice("tape", ""), nothing)
    model.loaded(LOADED, lambda title: known_pace)
    return model


def test_a_change_of_its_state_is_told_once() -> None:
    told: list[str] = []
    model = ModelState(ModelChoice("tape", ""), lambda: told.append(model.state))
    for state in ("loading", "loading", "warm", "cold"):
        model.become(state)
    assert told == ["loading", "warm", "cold"]


def test_its_adapters_stay_with_it_and_not_with_another_one() -> None:
    model = ModelState(ModelChoice("tape", "turbo", (LOFI,)), nothing)
    model.choose("tape", "turbo")
    assert model.wanted.adapters == (LOFI,)
    model.choose("tape", "base")
    assert model.wanted == ModelChoice("tape", "base", ())


def test_it_fits_badly_only_while_it_is_loaded_and_wears_something_else() -> None:
    model = ModelState(ModelChoice("tape", "", (LOFI,)), nothing)
    assert not model.misfit
    model.loaded(LOADED, lambda title: 0.0)
    assert model.misfit
    model.fitted({"title": "tape (lofi)", "adapters": [["/lofi", 1.0]]})
    assert not model.misfit
    model.wear(())
    model.unfit()
    assert model.wanted.adapters == (LOFI,), "it goes on with what it wore"
    model.wear(())
    model.gone()
    assert not model.misfit


def test_this_machines_pace_is_the_journals_or_what_the_worker_measured() -> None:
    wish = Request(prompt="x", seconds=1, seed=1)
    jobs = [Job("me", "a", wish, wish, Path("/out")) for _ in range(2)]
    models = loaded(), loaded(known_pace=4.0)
    for job, model in zip(jobs, models):
        model.estimate(job)
        assert job.cost > 0
    assert [model.pace.remaining(job) / job.cost for job, model in zip(jobs, models)] == [2.0, 4.0]


def test_a_request_whose_file_is_gone_can_be_estimated(tmp_path: Path) -> None:
    gone = Request(prompt="x", seconds=1, seed=1, guide=str(tmp_path / "gone.mid"))
    job = Job("me", "a", gone, gone, tmp_path)
    loaded().estimate(job)
    assert job.cost > 0


def test_the_load_message_has_the_model_and_its_limits(tmp_path: Path) -> None:
    settings = Settings(out=tmp_path, state=tmp_path, bits=8, cache_gb=1.5)
    about = ModelState(ModelChoice("tape", "base", (LOFI,)), nothing).load_message(settings)
    assert about["model"] == "tape"
    assert about["variant"] == "base"
    assert about["adapters"] == (LOFI,)
    assert about["bits"] == 8
    assert about["cache_gb"] == 1.5
    assert about["latents"] == str(tmp_path / "latents")
