"""Takes that are planned before their diffusion; the slot that their planner has in memory."""

from __future__ import annotations

import dataclasses
import gc
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from daemon.landing.manifest import JobFacts, build_manifest
from daemon.worker import warm_up
from pipeline import AceStep, load
from pipeline.memory import set_limits
from pipeline.networks.ops import choose_ops
from pipeline.planner import grammar, loading
from pipeline.planner.logits import Sampling
from pipeline.planner.network import CausalLM
from pipeline.planner.planner import Planner
from pipeline.request import BadRequest, Request
from pipeline.take import Clip, Progress
from pipeline.weights import checkpoint
from pipeline.weights.checkpoint import CheckpointError
from pipeline.weights.convert import convert
from tests.support.planners import OFFICIAL, finish, make_planned_root

# isort: split
import mlx.core as mx
from mlx.utils import tree_flatten

SONG = Request(prompt="slow waltz", lyrics="[verse]\nla", seconds=1, seed=3, num_steps=2)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_planned_root(tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="module")
def model(root: Path) -> AceStep:
    return load(str(root))


@pytest.fixture(autouse=True)
def no_cap() -> Iterator[None]:
    yield
    set_limits()


def record_loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of the planners that are loaded from now on."""
    folders: list[Path] = []
    real = loading.load_planner

    def load(folder: Path, *more: Any) -> Planner:
        folders.append(folder)
        return real(folder, *more)

    monkeypatch.setattr(loading, "load_planner", load)
    return folders


def make_clip(model: AceStep, request: Request) -> Clip:
    (clip,) = (event for event in model.render(request) if isinstance(event, Clip))
    return clip


def planner_of(ace_step: AceStep) -> Planner:
    with ace_step.model.planner_slot.borrow() as planner:
        return planner


def audio_of(clip: Clip) -> np.ndarray:
    return np.array(clip.audio)


def test_a_take_is_planned_where_there_is_a_planner(model: AceStep) -> None:
    clip = make_clip(model, SONG)
    assert len(clip.info.codes.split()) == 5
    assert clip.request.codes == clip.info.codes
    assert set(clip.info.planned) == {"bpm", "key", "language"}
    assert clip.request.time_signature == "3/4", "the prompt says waltz"
    assert all(getattr(clip.request, name) == value for name, value in clip.info.planned.items())
    assert any(note.startswith("planned by acestep-5Hz-lm-0.6B: bpm ") for note in clip.info.notes)
    assert "plan" in clip.info.timings


def test_off_is_the_path_without_it(model: AceStep) -> None:
    clip = make_clip(model, dataclasses.replace(SONG, plan="off"))
    assert clip.info.codes == ""
    assert clip.info.planned == {}
    assert "plan" not in clip.info.timings
    assert not np.array_equal(audio_of(clip), audio_of(make_clip(model, SONG)))


@pytest.mark.long
def test_its_request_makes_the_same_take_again_without_planning(model: AceStep, root: Path) -> None:
    clip = make_clip(model, SONG)
    kept = Request(**json.loads(json.dumps(dataclasses.asdict(clip.request))))
    again = make_clip(model, kept)
    assert np.array_equal(audio_of(clip), audio_of(again))
    assert "plan" not in again.info.timings
    # and a fresh start plans the same
    assert np.array_equal(audio_of(clip), audio_of(make_clip(load(str(root)), SONG)))


def test_a_reroll_keeps_the_plan_or_the_noise(model: AceStep) -> None:
    clip = make_clip(model, SONG)
    other_noise = make_clip(model, clip.request.changed({"seed": 4}))
    assert other_noise.info.codes == clip.info.codes
    assert not np.array_equal(audio_of(other_noise), audio_of(clip))
    replanned = make_clip(model, SONG.changed({"plan_seed": 9}))
    assert replanned.request.seed == 3
    assert replanned.request.plan_seed == 9
    assert replanned.info.codes != clip.info.codes
    assert clip.request.plan_seed == 3  # its seed, unless it has one of its own


def test_a_reroll_reads_nothing_again_and_another_plan_what_is_new(
    model: AceStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: list[int] = []
    forward = CausalLM.forward

    def counted(self: CausalLM, ids: mx.array, *more: Any) -> mx.array:
        lengths.append(ids.shape[1])
        return forward(self, ids, *more)

    monkeypatch.setattr(CausalLM, "forward", counted)
    complete = SONG.changed(
        {"bpm": 90, "key": "A minor", "time_signature": "3", "prompt": "a slow waltz at night"}
    )
    planner_of(model).prompt_cache.clear()
    clip = make_clip(model, complete)
    assert lengths[0] > 100, "the prompt; guidance reads another, from where it differs"
    assert lengths.count(1) == len(lengths) - 2 == 4, "then a code each, and nothing after the last"
    lengths.clear()
    make_clip(model, complete.changed({"plan_seed": 9}))
    assert lengths == [1] * 4, "the prompt is cached"
    lengths.clear()
    make_clip(model, clip.request.changed({"seed": 9}))
    assert lengths == [], "the plan is kept"


def test_progress_counts_tokens_and_never_goes_back(model: AceStep) -> None:
    steps = [event for event in model.render(SONG) if isinstance(event, Progress)]
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert [step.tokens for step in steps if step.total == 5 and step.tokens][-1] == 5
    assert max(step.fraction for step in steps) < 1
    plans = [step for step in steps if step.stage == "plan"]
    share = plans[-1].fraction
    assert 0 < share < 1
    assert [step.fraction for step in steps if step.stage == "text"] == [share]
    thinking = [step for step in plans if step.tokens and not step.total]
    assert 0 < thinking[0].fraction < thinking[-1].fraction < share
    assert thinking[-1].label == f"plan {thinking[-1].tokens}"


def test_a_planned_take_costs_its_tokens_too(model: AceStep) -> None:
    alone = model.estimate_cost(dataclasses.replace(SONG, plan="off"))
    assert model.token_cost > 0
    # metadata, five codes a second
    assert model.estimate_cost(SONG) == pytest.approx(alone + model.token_cost * (40 + 5))
    complete = SONG.changed({"bpm": 90, "key": "A minor", "time_signature": "3"})
    # nothing is left to think about
    assert model.estimate_cost(complete) == pytest.approx(alone + model.token_cost * 5)
    assert (
        model.estimate_cost(SONG.changed({"plan": "simple"}))
        > model.estimate_cost(SONG.changed({"prompt": ""}))
        > model.estimate_cost(SONG)
    )
    for planless in ({"codes": "1 2 3"}, {"task": "cover"}, {"guide": "auto"}):
        request = SONG.changed(planless)
        assert model.estimate_cost(request) == model.estimate_cost(request.changed({"plan": "off"}))


def test_a_model_learns_what_its_tokens_cost(model: AceStep) -> None:
    clip = make_clip(model, SONG)
    planned = clip.info.timings["plan"]
    painted = sum(seconds for stage, seconds in clip.info.timings.items() if stage != "plan")
    share = planned / (planned + painted)
    estimated = 1 - model.estimate_cost(
        dataclasses.replace(SONG, plan="off")
    ) / model.estimate_cost(SONG)
    assert estimated == pytest.approx(share, rel=0.05)  # the last pass over the clip comes later


@pytest.mark.long
def test_a_warm_up_loads_the_planner_where_takes_are_planned_and_there_is_room(root: Path) -> None:
    fresh = load(str(root))
    # the model alone is more
    set_limits(
        memory_gb=(fresh.model.planner_slot.folder / "model.safetensors").stat().st_size / 2**30
    )
    assert warm_up(fresh) > 0
    assert fresh.model.planner_slot.bytes == 0
    set_limits()
    warm_up(fresh, with_planner=False)
    assert fresh.model.planner_slot.bytes == 0
    warm_up(fresh)
    assert fresh.model.planner_slot.bytes > 0


def test_cancelling_between_two_tokens_leaves_everything_usable(model: AceStep) -> None:
    whole = audio_of(make_clip(model, SONG))
    work = model.render(SONG)
    while next(work).tokens < 3:  # type: ignore[union-attr]
        pass
    work.close()
    assert np.array_equal(audio_of(make_clip(model, SONG)), whole)


def test_two_songs_under_way_share_one_planner(
    model: AceStep, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    fresh = load(str(root))
    loads = record_loads(monkeypatch)
    alone = [audio_of(make_clip(fresh, SONG.changed({"seed": seed}))) for seed in (1, 2)]
    works = [fresh.render(SONG.changed({"seed": seed})) for seed in (1, 2)]
    done: dict[int, Clip] = {}
    while len(done) < 2:
        for i, work in enumerate(works):
            event = next(work, None)
            if isinstance(event, Clip):
                done[i] = event
    assert all(np.array_equal(audio_of(done[i]), alone[i]) for i in (0, 1))
    assert len(loads) == 1


@pytest.mark.long
def test_the_planner_is_unloaded_when_memory_is_short_and_loaded_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = load(str(root))
    loads = record_loads(monkeypatch)
    first = audio_of(make_clip(small, SONG))
    weights = sum(
        array.nbytes for array in dict(tree_flatten(planner_of(small).lm.parameters())).values()
    )
    set_limits(memory_gb=(small.model.peak_bytes + weights - 1) / 2**30)  # not enough by a byte
    again = audio_of(make_clip(small, SONG))
    assert small.model.planner_slot.bytes == 0
    assert np.array_equal(first, again)
    assert np.array_equal(first, audio_of(make_clip(small, SONG)))
    assert len(loads) == 2


def test_its_cached_prompts_count_and_are_dropped_before_it_is_unloaded(root: Path) -> None:
    small = load(str(root))
    first = audio_of(make_clip(small, SONG))
    planner = planner_of(small)
    weights = sum(array.nbytes for array in dict(tree_flatten(planner.lm.parameters())).values())
    assert small.model.planner_slot.bytes == weights + planner.prompt_cache.bytes > weights
    set_limits(memory_gb=(small.model.peak_bytes + weights + 1) / 2**30)
    assert np.array_equal(first, audio_of(make_clip(small, SONG)))
    assert planner_of(small) is planner, "it is still loaded"
    assert small.model.planner_slot.bytes == weights, "and has no cached prompts"


def test_the_bytes_of_its_cached_prompts_are_what_they_take(model: AceStep) -> None:
    make_clip(model, SONG)
    planner = planner_of(model)
    gc.collect()  # what earlier tests left
    mx.clear_cache()
    before = mx.get_active_memory()
    counted = planner.prompt_cache.bytes
    planner.prompt_cache.clear()
    gc.collect()
    freed = before - mx.get_active_memory()
    assert counted <= freed <= counted + 16_384 * 2 * len(planner.lm.layers) * 4  # whole pages


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"guide": "Am F"}, "the guide says what is played"),
        ({"task": "repaint"}, "repaint follows its source"),
    ],
)
def test_what_cannot_be_planned_is_refused_when_it_is_requested(
    model: AceStep, tmp_path: Path, change: dict[str, str], message: str
) -> None:
    if "task" in change:
        import soundfile

        soundfile.write(tmp_path / "a.wav", np.zeros((4800, 2), np.float32), 48_000)
        change = change | {"source": str(tmp_path / "a.wav")}
    with pytest.raises(BadRequest, match=message):
        make_clip(model, SONG.changed({"plan": "on", **change}))


def test_without_a_planner_auto_goes_without_and_on_says_what_to_do() -> None:
    (tiny,) = {path.parent for path in OFFICIAL.glob("*/acestep-v15-turbo")}
    alone = load(str(tiny))
    assert make_clip(alone, SONG).info.codes == ""
    with pytest.raises(
        BadRequest, match=r"no planner acestep-5Hz-lm-1\.7B; it has none"
    ) as refused:
        make_clip(alone, SONG.changed({"plan": "on"}))
    assert "acestepd pull --planner" in refused.value.hint
    with pytest.raises(BadRequest, match=r"it has none; run: acestepd pull --planner 1\.7B"):
        finish(alone.understand(Request(source=str(OFFICIAL / "audio" / "src.wav"))))
    with pytest.raises(BadRequest, match="understand makes words"):
        make_clip(alone, Request(task="understand", source=str(OFFICIAL / "audio" / "src.wav")))
    with pytest.raises(CheckpointError, match="no planner acestep-5Hz-lm-4B"):
        load(str(tiny), planner="4B")


def test_a_planner_that_was_not_fetched_whole_is_not_taken(tmp_path: Path) -> None:
    root = make_planned_root(tmp_path / "root")
    (root / "acestep-5Hz-lm-0.6B" / "model.safetensors").unlink()
    broken = load(str(root))
    assert make_clip(broken, SONG).info.codes == ""
    assert broken.token_cost == 0
    with pytest.raises(
        CheckpointError,
        match=r"no planner acestep-5Hz-lm-0\.6B; .*run: acestepd pull --planner 0\.6B",
    ):
        load(str(root), planner="0.6B")


def test_a_voice_without_codes_cannot_be_planned() -> None:
    with pytest.raises(BadRequest, match="has no audio codes"):
        make_clip(load("mini"), SONG.changed({"plan": "on"}))


def test_the_manifest_has_the_plan_and_what_was_filled_in(model: AceStep) -> None:
    clip = make_clip(model, SONG)
    data = build_manifest(JobFacts("one", "test"), clip.info, time.gmtime(0))
    assert data["planned"] == dict(clip.info.planned)
    assert data["request"]["codes"] == clip.info.codes
    json.dumps(data)


@pytest.mark.parametrize("mode", ["simple", "rewrite"])
def test_a_song_is_put_into_words_first(
    model: AceStep, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(grammar, "budget_tokens", lambda *_: 60)  # random weights find no end
    clip = make_clip(model, SONG.changed({"plan": mode, "language": "de", "bpm": 99}))
    assert clip.info.planned["prompt"] == clip.request.prompt != SONG.prompt
    assert not clip.request.read_prompt, "what the planner wrote names what it filled in"
    assert clip.request.language == "de"
    assert clip.request.bpm == 99
    assert clip.request.seconds == 1
    assert any("stopped after 60 tokens" in note for note in clip.info.notes)
    assert len(clip.info.codes.split()) == 5


@pytest.mark.long
def test_a_source_is_understood(
    model: AceStep, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(grammar, "budget_tokens", lambda *_: 60)
    received: list[Sequence[int]] = []
    real = Planner.understand

    def understand(self: Planner, codes: Sequence[int], *more: Any) -> Any:
        received.append(codes)
        # the planner of this test has so many tokens
        return real(self, [code % 2000 for code in codes], *more)

    monkeypatch.setattr(Planner, "understand", understand)
    samples, rate = soundfile.read(OFFICIAL / "audio" / "src.wav", frames=28_800)
    soundfile.write(tmp_path / "brief.wav", samples, rate)
    described = finish(model.understand(Request(source=str(tmp_path / "brief.wav"), seed=1)))
    assert len(received[0]) == 3  # 0.6 seconds
    assert 30 <= described.values["bpm"] <= 300


@pytest.mark.long
@pytest.mark.parametrize("bits", [8, 4])
def test_a_converted_planner_plays_and_says_what_it_is(
    root: Path, tmp_path: Path, bits: int
) -> None:
    list(convert(checkpoint.find(str(root)), tmp_path / "small", bits))
    folder = loading.find_planner(tmp_path / "small")
    greedy = Sampling(temperature=0.0, guidance=1.0)
    small = loading.load_planner(folder, choose_ops(), mx.float32)
    whole = loading.load_planner(loading.find_planner(root), choose_ops(), mx.float32)
    assert small.name == f"acestep-5Hz-lm-0.6B ({bits} bit)"
    plans = [finish(one.plan(SONG, greedy)) for one in (small, whole)]
    assert len(plans[0].codes) == 5
    assert plans[0].filled.keys() == plans[1].filled.keys()
    loaded = loading.load_planner(loading.find_planner(root), choose_ops(), mx.float32, bits)
    assert finish(loaded.plan(SONG, greedy)) == plans[0], "as if it were loaded in so many bits"
    prompt = [whole.vocabulary.encode("a slow waltz")]
    scores = [
        np.array(one.lm.logits(one.lm(mx.array(prompt))[:, -1], one.vocabulary.all_tokens))
        for one in (small, whole)
    ]
    assert np.corrcoef(scores[0].ravel(), scores[1].ravel())[0, 1] > {8: 0.999, 4: 0.95}[bits]
