"""What the planner decides, and what it leaves alone."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Generator
from pathlib import Path

from pipeline.networks.ops import choose_ops
from pipeline.planner import loading  # before MLX

# isort: split
import mlx.core as mx
import pytest

from pipeline.planner import grammar, templates
from pipeline.planner import planner as planner_module
from pipeline.planner.grammar import AnswerFormat
from pipeline.planner.logits import Sampling
from pipeline.planner.planner import Answer, Description, Plan, Planner, PlanProgress
from pipeline.request import BadRequest, Request
from tests.support.planners import finish, make_planner_folder

SAMPLING = Sampling(seed=4)
SONG = Request(prompt="slow waltz", lyrics="[verse]\nla la", seconds=2, seed=1)


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    return loading.load_planner(
        make_planner_folder(tmp_path_factory.mktemp("lm") / "acestep-5Hz-lm-0.6B"),
        choose_ops(),
        mx.float32,
    )


def make_plan(planner: Planner, request: Request, sampling: Sampling = SAMPLING) -> Plan:
    return finish(planner.plan(request, sampling))


@pytest.mark.parametrize(("seconds", "codes"), [(0.1, 1), (1.0, 5), (6.0, 30), (6.39, 31)])
def test_a_plan_has_five_codes_a_second(planner: Planner, seconds: float, codes: int) -> None:
    assert len(make_plan(planner, dataclasses.replace(SONG, seconds=seconds)).codes) == codes


def test_what_the_request_leaves_open_is_filled_in(planner: Planner) -> None:
    plan = make_plan(planner, SONG)
    assert set(plan.filled) == {"bpm", "key", "language", "time_signature"}
    filled = SONG.changed(plan.filled)  # a request takes them
    assert filled.prompt == SONG.prompt
    assert filled.lyrics == SONG.lyrics
    assert filled.seconds == SONG.seconds


def test_what_the_request_says_is_never_overwritten(planner: Planner) -> None:
    given = {"bpm": 93.4, "key": "F# minor", "time_signature": "6/8", "language": "de"}
    plan = make_plan(planner, SONG.changed(given))
    assert plan.filled == {}
    assert plan.metadata["keyscale"] == "F# minor"
    assert plan.metadata["timesignature"] == "6"
    assert plan.metadata["duration"] == "2"


def test_bars_are_not_made_longer_by_another_time_signature(planner: Planner) -> None:
    request = Request(prompt="x", bars=2, seed=1).resolved()
    filled = make_plan(planner, request).filled
    assert not {"time_signature", "bpm"} & filled.keys()
    assert request.changed(filled).samples == request.samples


def test_the_same_seed_plans_the_same_and_another_seed_does_not(planner: Planner) -> None:
    once = make_plan(planner, SONG)
    again = make_plan(planner, SONG)
    planner.prompt_cache.clear()
    anew = make_plan(planner, SONG)
    assert once == again == anew
    assert make_plan(planner, SONG, Sampling(seed=5)) != once


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.0},
        {"top_k": 2},
        {"top_p": 0.1},
        {"repetition_penalty": 1.5},
        {"guidance": 1.0},
        {"guidance": 5.0},
        {"negative_prompt": "low quality"},
    ],
)
def test_every_part_of_the_sampling_matters(planner: Planner, change: dict[str, float]) -> None:
    other = dataclasses.replace(SAMPLING, **change)  # type: ignore[arg-type]
    assert make_plan(planner, SONG, other).codes != make_plan(planner, SONG).codes


def test_it_tells_how_many_tokens_there_are_and_how_many_come(planner: Planner) -> None:
    steps = list(planner.plan(SONG, SAMPLING))
    codes = [step for step in steps if step.stage == "codes"]
    assert [step.tokens for step in codes if step.tokens] == list(range(1, 11))
    assert {step.total for step in codes} == {10}
    thoughts = [step.tokens for step in steps if step.stage == "plan"]
    assert thoughts == sorted(thoughts)
    assert {step.total for step in steps if step.stage == "plan"} == {0}


def test_closing_it_cancels_between_two_tokens_and_the_next_plan_is_whole(planner: Planner) -> None:
    whole = make_plan(planner, SONG)
    for steps in (1, 15):
        unfinished = planner.plan(SONG, SAMPLING)
        for _ in itertools.islice(unfinished, steps):
            pass
        unfinished.close()
        assert make_plan(planner, SONG) == whole


def test_a_plan_can_go_on_beside_another(planner: Planner) -> None:
    whole = [make_plan(planner, SONG, Sampling(seed=seed)) for seed in (1, 2)]
    plans = [planner.plan(SONG, Sampling(seed=seed)) for seed in (1, 2)]
    done = [None, None]
    while None in done:
        for i, steps in enumerate(plans):
            try:
                next(steps)
            except StopIteration as finished:
                done[i] = done[i] or finished.value
    assert done == whole


def test_a_prompt_beyond_the_context_is_refused_and_says_what_to_do(planner: Planner) -> None:
    with pytest.raises(
        BadRequest, match=r"can read \d+ tokens and write \d+, got a prompt of \d+"
    ) as refused:
        make_plan(planner, dataclasses.replace(SONG, lyrics="la la la\n" * 3000))
    assert "shorten the lyrics" in refused.value.hint


def test_a_small_context_of_the_network_counts(tmp_path: Path) -> None:
    folder = make_planner_folder(tmp_path / "acestep-5Hz-lm-0.6B", max_position_embeddings=300)
    small = loading.load_planner(folder, choose_ops(), mx.float32)
    with pytest.raises(BadRequest, match="can read 0 tokens"):
        make_plan(small, SONG)


def test_a_runaway_generation_ends_at_the_budget(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    # random weights do not come to an end by themselves
    monkeypatch.setattr(grammar, "budget_tokens", lambda *_: 50)
    format = AnswerFormat({"bpm": "90"}, frozenset(grammar.FIELDS) - {"bpm"}, "text")
    answer = finish(planner.write(templates.build_inspire_prompt("x", False), format, SAMPLING))
    assert answer.complete is False
    assert len(answer.ids) == 50


def test_a_description_of_a_runaway_says_so(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grammar, "budget_tokens", lambda *_: 80)
    described = finish(planner.inspire(Request(prompt="a song about rain"), SAMPLING))
    assert described.notes == ("the planner did not come to an end: stopped after 80 tokens",)


def write_answer_text(values: dict[str, object], lyrics: str = "[Verse]\nrain") -> str:
    thought = templates.format_thought(values)
    return f"{thought}\n\n# Lyric\n{lyrics}<|im_end|>"


@pytest.fixture
def dictated(planner: Planner, monkeypatch: pytest.MonkeyPatch) -> Planner:
    """A planner whose answers are written by us, to see what becomes of them."""
    values: dict[str, object] = {
        "bpm": 90,
        "caption": "A rainy ballad",
        "duration": 200,
        "keyscale": "D minor",
        "language": "en",
    }

    def write(
        self: Planner, prompt: str, format: AnswerFormat, sampling: Sampling, budget: int = 0
    ) -> Generator[PlanProgress, None, Answer]:
        yield PlanProgress("plan", 1)
        text = write_answer_text(values | {"timesignature": "3"} | dict(format.values))
        return Answer((1,), text, complete=True)

    monkeypatch.setattr(Planner, "write", write)
    return planner


def test_a_sentence_becomes_a_song(dictated: Planner) -> None:
    song = finish(dictated.inspire(Request(prompt="a song about rain"), SAMPLING))
    expected = {
        "prompt": "A rainy ballad",
        "lyrics": "[Verse]\nrain",
        "bpm": 90,
        "seconds": 200,
        "key": "D minor",
    }
    assert song == Description(expected | {"language": "en", "time_signature": "3"})
    assert Request().changed(song.values).prompt == "A rainy ballad"


def test_a_sentence_leaves_what_was_said(dictated: Planner) -> None:
    request = Request(
        prompt="rain", lyrics="my own", bpm=77, seconds=12, language="fr", key="C major"
    )
    song = finish(dictated.inspire(request, SAMPLING))
    assert song.values == {"prompt": "A rainy ballad", "time_signature": "3"}


def test_rewriting_changes_the_texts_and_nothing_else_that_was_said(dictated: Planner) -> None:
    song = finish(dictated.rewrite(Request(prompt="rain", lyrics="la", bpm=77), SAMPLING))
    assert song.values["prompt"] == "A rainy ballad"
    assert song.values["lyrics"] == "[Verse]\nrain"
    assert "bpm" not in song.values


def test_codes_become_a_description(planner: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar, "budget_tokens", lambda *_: 60)  # random weights find no end
    described = finish(planner.understand([3, 4, 5, 499], Sampling(temperature=0.3, seed=1)))
    assert 30 <= Request().changed(described.values).bpm <= 300


@pytest.mark.parametrize(
    ("codes", "came"), [([], "got none"), ([1, 500], "got 500"), ([64_000], "got 64000")]
)
def test_codes_without_a_token_are_refused(planner: Planner, codes: list[int], came: str) -> None:
    with pytest.raises(BadRequest, match=came):
        finish(planner.understand(codes, SAMPLING))


def test_a_language_without_a_code_is_refused(planner: Planner) -> None:
    request = dataclasses.replace(SONG)
    object.__setattr__(request, "language", "xx")  # a request itself would refuse it too
    with pytest.raises(BadRequest, match="language must be one of ar az"):
        make_plan(planner, request)


def test_a_planner_whose_audio_tokens_have_gaps_writes_those_it_has(tmp_path: Path) -> None:
    folder = make_planner_folder(tmp_path / "acestep-5Hz-lm-0.6B", codes=[5, 70, 63_999, 64_000])
    plan = make_plan(loading.load_planner(folder, choose_ops(), mx.float32), SONG)
    assert set(plan.codes) <= {5, 70, 63_999}
    assert "lacks 63997 of the 64000 audio codes" in plan.notes[-1]


def test_a_song_without_a_caption_gets_one_and_has_an_end(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner_module, "METADATA_TOKENS", 60)  # random weights find no end
    plan = make_plan(planner, dataclasses.replace(SONG, prompt=""))
    assert plan.filled["prompt"]
    assert plan.notes[0] == "the planner did not come to an end: stopped after 60 tokens"
    assert len(plan.codes) == 10
