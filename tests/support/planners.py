"""Planners made on the spot, with random weights and the embedded voice's tokenizer."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, TypeVar

from pipeline.networks.ops import choose_ops
from pipeline.voices import voice_folder  # before MLX

# isort: split
import mlx.core as mx
from mlx.utils import tree_flatten
from tokenizers import AddedToken, Tokenizer

from pipeline.planner.network import CausalLM, PlannerConfig

OFFICIAL = Path(__file__).parents[1] / "data" / "official"
SPECIAL_TOKENS = ("<|im_start|>", "<|im_end|>", "<think>", "</think>")
CODES = range(500)
CONFIG = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "head_dim": 16,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}

R = TypeVar("R")


def make_tokenizer(
    codes: Iterable[int] = CODES, special_tokens: Iterable[str] = SPECIAL_TOKENS
) -> Tokenizer:
    file = voice_folder("mini") / "Qwen3-Embedding-0.6B" / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special_tokens])
    tokenizer.add_special_tokens(
        [AddedToken(f"<|audio_code_{code}|>", special=True) for code in codes]
    )
    return tokenizer


def make_planner_folder(
    folder: Path, codes: Iterable[int] = CODES, prefix: str = "", **config: Any
) -> Path:
    """A planner's files in `folder`. `prefix` is before every tensor's name; `config` goes over
    the small network's.
    """
    folder.mkdir(parents=True)
    tokenizer = make_tokenizer(codes)
    tokenizer.save(str(folder / "tokenizer.json"))
    values = CONFIG | {"vocab_size": tokenizer.get_vocab_size()} | config
    (folder / "config.json").write_text(json.dumps(values))
    mx.random.seed(3)
    lm = CausalLM(PlannerConfig.from_dict(values), choose_ops())
    arrays = dict(tree_flatten(lm.parameters()))
    weights = {f"{prefix}{name}": array for name, array in arrays.items()}
    mx.save_safetensors(str(folder / "model.safetensors"), weights)
    return folder


def make_planned_root(folder: Path, **planner: Any) -> Path:
    """The turbo model of the tests, with a planner of 0.6B beside it."""
    (tiny,) = {path.parent for path in OFFICIAL.glob("*/acestep-v15-turbo")}
    folder.mkdir(exist_ok=True)
    for part in tiny.iterdir():
        (folder / part.name).symlink_to(part)
    make_planner_folder(folder / "acestep-5Hz-lm-0.6B", **{"codes": range(2000), **planner})
    return folder


def finish(steps: Generator[Any, None, R]) -> R:
    """What a generator returns in the end."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: R = done.value
            return result
