"""The KV cache and the prompt cache make no difference to what the network says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.networks.ops import choose_ops
from pipeline.planner import loading  # before MLX

# isort: split
import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from pipeline.planner import network
from pipeline.planner.grammar import TokenSet
from pipeline.planner.network import CausalLM, DecodingBatch, PrefilledPrompt, PromptCache
from pipeline.planner.planner import Planner
from tests.support.planners import make_planner_folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    return loading.load_planner(
        make_planner_folder(tmp_path_factory.mktemp("lm") / "acestep-5Hz-lm-0.6B"),
        choose_ops(),
        mx.float32,
    )


def ids(count: int, seed: int = 0) -> list[int]:
    values: list[int] = np.random.default_rng(seed).integers(0, 900, count).tolist()
    return values


def prefill(
    model: Planner, prompt: Sequence[int], cache: PromptCache | None = None
) -> PrefilledPrompt:
    *_, last = network.prefill(model.lm, prompt, cache or PromptCache())
    assert last is not None
    return last


def last_state(model: Planner, prompt: Sequence[int]) -> np.ndarray:
    return np.array(model.lm(mx.array([list(prompt)]))[:, -1:])


@pytest.mark.parametrize("length", [1, 2, 511, 512, 513, 1300])
def test_a_prompt_prefilled_in_chunks_is_the_prompt(model: Planner, length: int) -> None:
    prompt = ids(length)
    assert np.abs(np.array(prefill(model, prompt).last) - last_state(model, prompt)).max() < 1e-4


def test_a_long_prompt_can_be_left_between_its_chunks(model: Planner) -> None:
    assert [step is None for step in network.prefill(model.lm, ids(1300), PromptCache())] == [
        True,
        True,
        False,
    ]


def test_what_a_prompt_shares_with_a_cached_one_is_not_read_again(
    model: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    forward = CausalLM.forward

    def counting(self: CausalLM, tokens: mx.array, *more: object) -> mx.array:
        counted.append(tokens.shape[1])
        return forward(self, tokens, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(CausalLM, "forward", counting)
    cache = PromptCache()
    first = ids(600)
    second = [*first[:545], *ids(20, seed=1)]
    prefill(model, first, cache)
    other = prefill(model, second, cache)
    again = prefill(model, first, cache)
    assert counted == [512, 88, 53]  # in whole chunks
    assert np.abs(np.array(other.last) - last_state(model, second)).max() < 1e-4
    assert np.abs(np.array(again.last) - last_state(model, first)).max() < 1e-4


@pytest.mark.parametrize("shared", [1, 30, 511, 512, 513, 700])
@pytest.mark.parametrize("length", [701, 1024])
def test_a_prompt_has_the_same_bits_whatever_was_read_before(
    model: Planner, shared: int, length: int
) -> None:
    prompt = ids(length)
    cache = PromptCache()
    prefill(model, [*prompt[:shared], *ids(300, seed=1)], cache)
    again = prefill(model, prompt, cache)
    alone = prefill(model, prompt)
    assert np.array_equal(np.array(again.last), np.array(alone.last))
    for ours, theirs in zip(again.layers, alone.layers, strict=True):
        assert all(mx.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_the_beginning_of_a_prompt_that_was_read_is_a_prompt(model: Planner) -> None:
    cache = PromptCache()
    prefill(model, ids(600), cache)
    for length in (30, 512, 513):
        state = prefill(model, ids(600)[:length], cache).last
        assert np.abs(np.array(state) - last_state(model, ids(600)[:length])).max() < 1e-4


def test_old_prompts_make_room(model: Planner) -> None:
    cache = PromptCache(max_tokens=100)
    for seed in range(4):
        prefill(model, ids(40, seed), cache)
    assert [cache.find_prefix(ids(40, seed))[1] for seed in range(4)] == [0, 0, 40, 40]
    cache.clear()
    assert cache.find_prefix(ids(40, 3)) == (None, 0)


def test_two_prompts_of_different_lengths_are_continued_as_each_alone(
    model: Planner,
) -> None:
    rows = [ids(37), ids(20, seed=1)]
    batch = DecodingBatch(model.lm, [prefill(model, row) for row in rows])
    more: list[int] = []
    for step in (ids(3, seed=2), ids(1, seed=3), ids(270, seed=4), ids(1, seed=5)):
        batch.append(mx.array(step))
        more += step
    for i, row in enumerate(rows):
        assert (
            np.abs(np.array(batch.hidden[i : i + 1]) - last_state(model, row + more)).max() < 1e-4
        )


def test_continuing_a_prompt_leaves_the_cache_as_it_was(model: Planner) -> None:
    cache = PromptCache()
    before = [np.array(keys) for keys, _ in prefill(model, ids(30), cache).layers]
    DecodingBatch(model.lm, [prefill(model, ids(30), cache)]).append(mx.array(ids(9, seed=1)))
    after = [np.array(keys) for keys, _ in prefill(model, ids(30), cache).layers]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("bits", [0, 4, 8])
def test_a_part_of_the_head_is_that_part_of_all_of_it(tmp_path: Path, bits: int) -> None:
    model = loading.load_planner(
        make_planner_folder(tmp_path / "acestep-5Hz-lm-0.6B"), choose_ops(), mx.float32, bits
    )
    hidden = model.lm(mx.array([ids(9)]))
    whole = np.array(model.lm.logits(hidden, model.vocabulary.all_tokens))
    for part in (
        model.vocabulary.codes,
        model.vocabulary.codes_or_end,
        TokenSet(range(0, 200, 7)),
        TokenSet([3]),
    ):
        assert np.abs(np.array(model.lm.logits(hidden, part)) - whole[..., part.ids]).max() < 1e-5


def test_fewer_bits_take_less_memory_and_say_nearly_the_same(tmp_path: Path) -> None:
    folder = make_planner_folder(tmp_path / "acestep-5Hz-lm-0.6B")
    whole, eight, four = (
        loading.load_planner(folder, choose_ops(), mx.float32, bits) for bits in (0, 8, 4)
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
