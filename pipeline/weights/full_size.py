"""A checkpoint as large as the published turbo model, with random weights: it makes noise, in the
time of the real one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten

from ..networks.config import AceStepConfig, TextEncoderConfig, VAEConfig
from ..networks.ops import choose_ops
from ..networks.text_encoder import TextEncoder
from ..networks.typed import TypedModule
from ..networks.vae import VAE
from ..voices import voice_folder
from .checkpoint import TEXT_ENCODER, TURBO, VAE_FOLDER, AceStepModel

Config = Mapping[str, Any]

_WIDE = {  # what the DiT and the text encoder have in common
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1e6,
}
DIT: Config = _WIDE | {
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 24,
    "sliding_window": 128,
    "layer_types": ["sliding_attention", "full_attention"] * 12,
    "text_hidden_dim": 1024,
    "timbre_hidden_dim": 64,
    "audio_acoustic_hidden_dim": 64,
    "in_channels": 192,
    "patch_size": 2,
    "pool_window_size": 5,
    "num_lyric_encoder_hidden_layers": 8,
    "num_timbre_encoder_hidden_layers": 4,
    "num_attention_pooler_hidden_layers": 2,
    "fsq_input_levels": [8, 8, 8, 5, 5, 5],
    "is_turbo": True,
}
TEXT: Config = _WIDE | {
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "vocab_size": 151669,
}
VAE_SIZES: Config = {
    "audio_channels": 2,
    "channel_multiples": [1, 2, 4, 8, 16],
    "decoder_channels": 128,
    "decoder_input_channels": 64,
    "downsampling_ratios": [2, 4, 4, 6, 10],
    "encoder_hidden_size": 128,
    "sampling_rate": 48000,
}


def write_full_size(
    root: Path, dit: Config = DIT, text: Config = TEXT, vae: Config = VAE_SIZES
) -> None:
    """Write it into the folder `root`: 6.3 GB. Raises OSError.

    Its tokenizer is the embedded voice's, which knows fewer words, and its silence too.
    """
    ops = choose_ops()
    mini = voice_folder("mini")
    network: TypedModule = AceStepModel(AceStepConfig.from_dict(dit), ops)
    _write(root / TURBO, "model", dit, network, mx.bfloat16)
    shutil.copyfile(mini / TURBO / "silence_latent.pt", root / TURBO / "silence_latent.pt")
    network = TextEncoder(TextEncoderConfig.from_dict(text), ops)
    _write(root / TEXT_ENCODER, "model", text, network, mx.bfloat16)
    tokenizer = "tokenizer.json"
    shutil.copyfile(mini / TEXT_ENCODER / tokenizer, root / TEXT_ENCODER / tokenizer)
    network = VAE(VAEConfig.from_dict(vae), ops)
    _write(root / VAE_FOLDER, "diffusion_pytorch_model", vae, network, mx.bfloat16)


def _write(folder: Path, stem: str, config: Config, network: TypedModule, dtype: mx.Dtype) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    parameters: dict[str, mx.array] = dict(tree_flatten(network.parameters()))
    keys = mx.random.split(mx.random.key(0), len(parameters))
    tensors = {
        name: _draw(name, parameters[name].shape, key).astype(dtype)
        for name, key in zip(parameters, keys)
    }
    mx.save_safetensors(str(folder / f"{stem}.safetensors"), tensors)


def _draw(name: str, shape: tuple[int, ...], key: mx.array) -> mx.array:
    """Numbers with which every layer's outputs stay about as large as its inputs."""
    last = name.rpartition(".")[2]
    if "norm" in name and last == "weight":
        return mx.ones(shape)
    if last in ("alpha", "beta", "bias"):
        return mx.zeros(shape)
    if last == "weight_g":
        return mx.full(shape, 0.5 if "res_unit" in name else 1.0)
    return 0.02 * mx.random.normal(shape, key=key)
