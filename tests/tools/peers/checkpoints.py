"""Random weights for both: `python -m tests.tools.peers.checkpoints KIND SIZE DIR`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pipeline.networks.ops import choose_ops
from pipeline.weights import full_size

# isort: split
import mlx.core as mx
from mlx.utils import tree_flatten

from pipeline.planner.network import CausalLM, PlannerConfig
from pipeline.weights.full_size import Config
from tests.support import planners

TAKES = "takes"
PLANS = "plans"
CODES = 64_000
_SMALL: Config = {
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
}
_FEW_ENCODERS: Config = {
    "num_lyric_encoder_hidden_layers": 2,
    "num_timbre_encoder_hidden_layers": 1,
}
# DiT, text encoder and VAE, as they differ from the published sizes. Where that does not fit twice:
# a quarter of the encoders' layers, which are a few hundredths of a take; of the DiT's too
SIZES: dict[str, tuple[Config, Config, Config]] = {
    "full": ({}, {}, {}),
    "lean": (_FEW_ENCODERS, {"num_hidden_layers": 7}, {}),
    "quarter": (
        {
            **_FEW_ENCODERS,
            "num_hidden_layers": 6,
            "layer_types": ["sliding_attention", "full_attention"] * 3,
        },
        {"num_hidden_layers": 7},
        {},
    ),
    "tiny": (
        {
            **_SMALL,
            "text_hidden_dim": 64,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
        },
        {**_SMALL, "hidden_size": 64},
        {"decoder_channels": 8, "encoder_hidden_size": 128},
    ),
}
PLANNERS: dict[str, Config] = {
    "full": {"hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 28},
    "lean": {"hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 14},
    "quarter": {"hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 7},
    "tiny": _SMALL,
}
_PLANNER: Config = {
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1e6,
    "vocab_size": 217_204,
    "max_position_embeddings": 32_768,
    "tie_word_embeddings": True,
}


def write(kind: str, size: str, folder: Path) -> None:
    if kind == PLANS:
        write_planner(folder, {**_PLANNER, **PLANNERS[size]})
        return
    dit, text, vae = SIZES[size]
    full_size.write_full_size(
        folder, {**full_size.DIT, **dit}, {**full_size.TEXT, **text}, {**full_size.VAE_SIZES, **vae}
    )


def write_planner(folder: Path, config: Config) -> None:
    """Of random weights, and the embedded voice's tokenizer with every audio code."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    planners.make_tokenizer(range(CODES)).save(str(folder / "tokenizer.json"))
    lm = CausalLM(PlannerConfig.from_dict(config), choose_ops())
    parameters: dict[str, mx.array] = dict(tree_flatten(lm.parameters()))
    keys = mx.random.split(mx.random.key(0), len(parameters))
    tensors = {
        f"model.{name}": draw(name, parameters[name].shape, key)
        for name, key in zip(parameters, keys)
    }
    mx.save_safetensors(str(folder / "model.safetensors"), tensors)


def draw(name: str, shape: tuple[int, ...], key: mx.array) -> mx.array:
    if "norm" in name:
        return mx.ones(shape, mx.bfloat16)
    return (0.02 * mx.random.normal(shape, key=key)).astype(mx.bfloat16)


if __name__ == "__main__":
    kind, size, folder = sys.argv[1:]
    write(kind, size, Path(folder))
