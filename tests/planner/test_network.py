"""The network remembers what it has read, and it makes no difference to what it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.networks.ops import choose_ops
from pipeline.planner import find as planners  # before MLX

# isort: split
import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from pipeline.planner import network as planner
from pipeline.planner.grammar import Tokens
from pipeline.planner.network import Prompts, Read, Reading
from pipeline.planner.planner import Planner
from tests.support.studio import planner_folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    return planners.load(
        planner_folder(tmp_path_factory.mktemp("lm") / "acestep-5Hz-lm-0.6B"),
        choose_ops(),
        mx.float32,
    )


def ids(count: int, seed: int = 0) -> list[int]:
    return np.random.default_rng(seed).integers(0, 900, count).tolist()


def read(model: Planner, prompt: Sequence[int], prompts: Prompts | None = None) -> Read:
    *_, last = planner.read(model.lm, prompt, prompts or Prompts())
    assert last is not None
    return last


def last_state(model: Planner, prompt: Sequence[int]) -> np.ndarray:
    return np.array(model.lm(mx.array([list(prompt)]))[:, -1:])


@pytest.mark.parametrize("length", [1, 2, 511, 512, 513, 1300])
def test_a_prompt_read_in_parts_is_the_prompt(model: Planner, length: int) -> None:
    prompt = ids(length)
    assert np.abs(np.array(read(model, prompt).last) - last_state(model, prompt)).max() < 1e-4


def test_a_long_prompt_can_be_left_between_its_parts(model: Planner) -> None:
    assert [part is None for part in planner.read(model.lm, ids(1300), Prompts())] == [
        True,
        True,
        False,
    ]


def test_what_a_prompt_shares_with_one_before_is_not_read_again(
    model: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    recall = planner.CausalLM.recall

    def counting(self: planner.CausalLM, tokens: mx.array, *more: object) -> mx.array:
        counted.append(tokens.shape[1])
        return recall(self, tokens, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(planner.CausalLM, "recall", counting)
    prompts = Prompts()
    first = ids(60)
    second = [*first[:45], *ids(20, seed=1)]
    read(model, first, prompts)
    other = read(model, second, prompts)
    again = read(model, first, prompts)
    assert counted == [60, 20]
    assert np.abs(np.array(other.last) - last_state(model, second)).max() < 1e-4
    assert np.abs(np.array(again.last) - last_state(model, first)).max() < 1e-4


def test_a_prompt_that_is_the_beginning_of_another_reads_one_token(model: Planner) -> None:
    prompts = Prompts()
    read(model, ids(60), prompts)
    assert (
        np.abs(
            np.array(read(model, ids(60)[:30], prompts).last) - last_state(model, ids(60)[:30])
        ).max()
        < 1e-4
    )


def test_old_prompts_make_room(model: Planner) -> None:
    prompts = Prompts(room=100)
    for seed in range(4):
        read(model, ids(40, seed), prompts)
    assert [prompts.alike(ids(40, seed))[1] for seed in range(4)] == [0, 0, 40, 40]
    prompts.forget()
    assert prompts.alike(ids(40, 3)) == (None, 0)


def test_it_goes_on_with_two_prompts_of_different_lengths_as_with_each_alone(
    model: Planner,
) -> None:
    rows = [ids(37), ids(20, seed=1)]
    reading = Reading(model.lm, [read(model, row) for row in rows])
    more: list[int] = []
    for step in (ids(3, seed=2), ids(1, seed=3), ids(270, seed=4), ids(1, seed=5)):
        reading.go_on(mx.array(step))
        more += step
    for i, row in enumerate(rows):
        assert (
            np.abs(np.array(reading.hidden[i : i + 1]) - last_state(model, row + more)).max() < 1e-4
        )


def test_going_on_leaves_what_was_read_as_it_was(model: Planner) -> None:
    prompts = Prompts()
    before = [np.array(keys) for keys, _ in read(model, ids(30), prompts).layers]
    Reading(model.lm, [read(model, ids(30), prompts)]).go_on(mx.array(ids(9, seed=1)))
    after = [np.array(keys) for keys, _ in read(model, ids(30), prompts).layers]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("bits", [0, 4, 8])
def test_a_part_of_the_head_is_that_part_of_all_of_it(tmp_path: Path, bits: int) -> None:
    model = planners.load(
        planner_folder(tmp_path / "acestep-5Hz-lm-0.6B"), choose_ops(), mx.float32, bits
    )
    hidden = model.lm(mx.array([ids(9)]))
    whole = np.array(model.lm.logits(hidden, model.vocabulary.every))
    for part in (
        model.vocabulary.codes,
        model.vocabulary.codes_or_end,
        Tokens(range(0, 200, 7)),
        Tokens([3]),
    ):
        assert np.abs(np.array(model.lm.logits(hidden, part)) - whole[..., part.ids]).max() < 1e-5


def test_fewer_bits_take_less_memory_and_say_nearly_the_same(tmp_path: Path) -> None:
    folder = planner_folder(tmp_path / "acestep-5Hz-lm-0.6B")
    whole, eight, four = (
        planners.load(folder, choose_ops(), mx.float32, bits) for bits in (0, 8, 4)
    )
    models = whole, eight, four
    states = [np.array(one.lm(mx.array([ids(50)]))).ravel() for one in models]
    sizes = [
        sum(array.nbytes for array in dict(tree_flatten(one.lm.parameters())).values())
        for one in models
    ]
    assert sizes[0] > 3 * sizes[1] > 3 * sizes[2]
    assert np.corrcoef(states[0], states[1])[0, 1] > 0.999
    assert np.corrcoef(states[0], states[2])[0, 1] > 0.9
