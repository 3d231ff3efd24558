"""A reroll keeps what the take was. The takes are composed by the real composer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from daemon.engine.model_state import ModelChoice, ModelState
from daemon.engine.rerolls import describe_unknown, find_made, list_kept
from daemon.jobs import Event, Job, JobState
from pipeline.request import Request
from tests.support.harness import ComposingModel
from tests.support.osc_client import OscClient
from tests.support.stage import Stage, on_stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path, ComposingModel()) as running:
        yield running


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as connected:
        yield connected


def play(client: OscClient, address: str, id: str, *arguments: Any) -> dict[str, Any]:
    """The manifest of the take."""
    client.send(address, id, *arguments)
    ended, values = client.until_end(id)[-1]
    assert ended == "/ace/finished", values
    manifest: dict[str, Any] = json.loads(Path(str(values[2])).read_text("utf-8"))
    return manifest


def pick(manifest: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(manifest["request"][name] for name in ("key", "bpm", "bars"))


def test_four_rerolls_of_a_take_have_its_key_tempo_and_bars(client: OscClient) -> None:
    first = play(client, "/ace/generate", "t0", "prompt", "techno", "bars", 2, "seed", 3)
    alone = {
        play(client, "/ace/generate", f"a{seed}", "prompt", "techno", "bars", 2, "seed", seed)[
            "request"
        ]["key"]
        for seed in range(4, 8)
    }
    assert len(alone) > 1, "seeds choose keys"
    rerolls = [play(client, "/ace/reroll", f"t{n}", f"t{n - 1}") for n in range(1, 5)]
    assert {pick(take) for take in rerolls} == {pick(first)}
    assert len({take["request"]["seed"] for take in [first, *rerolls]}) == 5


def test_what_is_kept_is_said_and_in_the_manifest(client: OscClient) -> None:
    play(client, "/ace/generate", "t0", "prompt", "techno in G major", "bars", 2, "seed", 3)
    client.send("/ace/reroll", "t1", "t0")
    notes = [str(values[1]) for address, values in client.until_end("t1") if address == "/ace/note"]
    assert "as in t0: bpm 120" in notes
    keyed = play(client, "/ace/generate", "u0", "prompt", "techno", "bars", 2, "seed", 3)
    again = play(client, "/ace/reroll", "u1", "u0")
    key = keyed["request"]["key"]
    assert f"as in u0: bpm 120, key {key}; key any asks for others" in again["notes"]


def test_any_key_asks_for_others_and_stays_asked_for(client: OscClient) -> None:
    play(client, "/ace/generate", "t0", "prompt", "techno", "bars", 2, "seed", 3)
    others = [play(client, "/ace/reroll", f"t{n}", "t0", str(n), "key", "any") for n in range(4, 8)]
    assert len({take["request"]["key"] for take in others}) > 1
    assert {take["request"]["bpm"] for take in others} == {120.0}
    further = [play(client, "/ace/reroll", f"u{n}", "t7", str(n)) for n in range(4, 8)]
    assert [pick(take) for take in further] == [pick(take) for take in others]


def test_a_reroll_without_its_parents_files_keeps_what_the_journal_knows(
    stage: Stage, client: OscClient
) -> None:
    first = play(client, "/ace/generate", "t0", "prompt", "techno", "seconds", 2, "seed", 3)
    for path in stage.settings.out.glob("*.json"):
        path.unlink()
    again = play(client, "/ace/reroll", "t1", "t0")
    assert again["request"]["bpm"] == first["request"]["bpm"]


def test_what_a_reroll_is_asked_for_goes_before_what_the_take_was(client: OscClient) -> None:
    play(client, "/ace/generate", "t0", "prompt", "techno", "bars", 2, "seed", 3)
    other = play(client, "/ace/reroll", "t1", "t0", "key", "Dm", "bars", 1)
    assert pick(other) == ("D minor", 120.0, 1)
    client.send("/ace/reroll", "t2", "t0", "7", "wobble", 3)
    assert client.until_end("t2")[-1][1][2] == 404


def test_nothing_is_kept_of_what_is_said_or_a_midi_guide_says() -> None:
    made = Request(key="G major", bpm=90, bars=8, time_signature="3")
    assert list_kept(Request(), made) == {
        "key": "G major",
        "bpm": 90,
        "bars": 8,
        "time_signature": "3",
    }
    assert list_kept(Request(prompt="waltz in Am, 3/4, 100 bpm", bars=2), made) == {}
    assert list_kept(Request(key="any", bpm=80, beats_per_bar=5, seconds=9), made) == {}
    assert list_kept(Request(guide="verse.mid"), made) == {}
    assert list_kept(Request(task="cover", source="a.wav", bpm=90, key="C"), made) == {
        "time_signature": "3"
    }


# --- takes that are not finished ------------------------------------------------------------------


@pytest.mark.parametrize("asked", [{"bars": 2}, {"seconds": 2}, {}, {"guide": "Am F", "bars": 2}])
def test_a_reroll_of_a_take_that_waits_has_the_key_tempo_and_bars_that_it_will_have(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    model = ComposingModel(running=False)
    with on_stage(tmp_path, model) as stage, closing(stage.client()) as client:
        pairs = [part for pair in asked.items() for part in pair]
        client.send("/ace/generate", "t0", "prompt", "techno", "seed", "3", *pairs)
        client.until("/ace/queued", "t0")
        client.send("/ace/reroll", "t1", "t0", "7")
        client.send("/ace/reroll", "t2", "t1", "8")
        assert "as in t0: " in str(client.until("/ace/queued", "t2")), "before either is made"
        model.run()
        client.until_end("t2")
        for id in ("t0", "t1", "t2"):
            client.send("/ace/query", id)
            client.until("/ace/finished", id)
        takes = [json.loads(path.read_text("utf-8")) for path in stage.settings.out.glob("*.json")]
    assert {take["request"]["seed"] for take in takes} == {3, 7, 8}
    assert len({pick(take) for take in takes}) == 1


def make_job(**more: Any) -> Job:
    request = Request(prompt="techno", seed=3, seconds=4, **more)
    return Job("me", "t0", request, request, Path())


def test_the_tempo_and_key_of_the_first_composer_are_known_beforehand_too() -> None:
    made = [find_made(make_job(composer=number), "auto") for number in (1, 2)]
    assert len({(each.bpm, each.key) for each in made}) == 2
    assert all(each.bpm and each.key for each in made)


@pytest.mark.parametrize(
    "more", [{"guide": "off"}, {"guide_strength": 0}, {"codes": "<|audio_code_1|>"}]
)
def test_what_nothing_composes_has_nothing_that_is_known_beforehand(more: dict[str, Any]) -> None:
    assert find_made(make_job(**more), "auto").key == ""
    assert find_made(make_job(), "off").key == ""


def test_what_was_planned_of_a_take_is_kept_and_what_is_still_to_be_planned_is_said() -> None:
    request = Request(prompt="techno", seed=4)
    job = make_job()
    assert list_kept(request, find_made(job, "off")) == {"seconds": 4}
    assert describe_unknown(request, job) == (
        "t0 is not planned yet: this take may have another bpm and key and time_signature",
    )
    keyed = request.changed({"key": "any", "bpm": 90, "time_signature": "3"})
    assert describe_unknown(keyed, job) == ()
    job.plan_events = tuple(
        Event("planned", job, values) for values in (("bpm", "97"), ("key", "E minor"))
    )
    assert list_kept(request, find_made(job, "off")) == {
        "bpm": 97.0,
        "key": "E minor",
        "seconds": 4,
    }
    assert describe_unknown(request, job) == ()
    gone = make_job()
    gone.state = JobState.CANCELLED
    assert describe_unknown(request, gone) == (), "it never will be"


def test_whether_a_planner_will_fill_in_what_is_open_is_known_of_the_model() -> None:
    for model, may_plan in (("mini", False), ("/checkpoints/turbo", True)):
        state = ModelState(ModelChoice(model, ""), lambda: None)
        assert state.may_plan(Request(prompt="techno")) == may_plan
        assert not state.may_plan(Request(prompt="techno", plan="off"))
