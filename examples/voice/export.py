"""Write what was trained as a checkpoint in the official layout.

    python -m examples.voice.export runs/voice pipeline/voices/mini

The latents' scale, which the DiT was trained with, is folded into the VAE's convolutions around
them.
"""

from __future__ import annotations

import os

os.environ["ACESTEPD_MKL"] = "0"

import argparse
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import numpy.typing as npt
import torch
from mlx.utils import tree_flatten

from pipeline.networks.config import AceStepConfig
from pipeline.networks.ops import choose_ops
from pipeline.weights.checkpoint import TEXT_ENCODER, TURBO, VAE_FOLDER, AceStepModel

from .layout import DIT, TEXT, write_config, write_silence
from .lessons import find_steady_silence, get_tokenizer, measure_scale
from .oobleck import CONFIG, LATENT

UNTRAINED = ("tokenizer.", "detokenizer.")  # the audio codes: in the layout, but not in any lesson
CAPABILITIES = {
    "guided": True,
    "sings": False,
    "sings_guide": True,
    "steps": 4,
    "extracts": True,
    "extract_steps": 1,
    "masks_stems": True,
}

Tensors = dict[str, torch.Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("into", type=Path)
    parser.add_argument(
        "--vae-alone", action="store_true", help="of a run that went on from a voice (--voice)"
    )
    options = parser.parse_args()
    run_state = torch.load(options.folder / "vae_state.pt", weights_only=True)
    if options.vae_alone:
        as_they_are = np.ones(LATENT, np.float32)
        weights = run_state["average"]
        write_vae(options.into / VAE_FOLDER, weights, as_they_are, run_state["config"])
        return
    latents = options.folder / "latents"
    factors = measure_scale(np.load(latents / "0000.npz")["mix"])
    average = torch.load(options.folder / "dit.pt", weights_only=True)
    write_text(options.into / TEXT_ENCODER, average)
    get_tokenizer(options.folder).save(str(options.into / TEXT_ENCODER / "tokenizer.json"))
    write_dit(options.into / TURBO, average)
    encoded = np.load(latents / "silence.npy").astype(np.float32)
    silence = find_steady_silence(encoded) * factors
    write_silence(options.into / TURBO / "silence_latent.pt", silence.T[None])
    state = torch.load(options.folder / "vae.pt", weights_only=True)
    write_vae(options.into / VAE_FOLDER, state, factors, run_state["config"])


def write_text(folder: Path, average: Tensors) -> None:
    """The text encoder's folder."""
    write_config(folder, TEXT)
    tensors = to_arrays(select(average, "text."))
    mx.save_safetensors(str(folder / "model.safetensors"), to_half(tensors))


def write_dit(folder: Path, average: Tensors) -> None:
    """The folder of the DiT and its encoders."""
    write_config(folder, DIT | CAPABILITIES)
    layout = AceStepModel(AceStepConfig.from_dict(DIT), choose_ops())
    parameters: dict[str, mx.array] = dict(tree_flatten(layout.parameters()))
    untrained = {
        name: mx.zeros_like(array)
        for name, array in parameters.items()
        if name.startswith(UNTRAINED)
    }
    tensors = untrained | to_arrays(select(average, "model."))
    mx.save_safetensors(str(folder / "model.safetensors"), to_half(tensors))


def select(tensors: Tensors, prefix: str) -> Tensors:
    """The tensors whose names begin with the prefix, without it."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def to_arrays(tensors: Tensors) -> dict[str, mx.array]:
    """The same for MLX, in float32."""
    return {name: mx.array(tensor.float().numpy()) for name, tensor in tensors.items()}


def write_vae(
    folder: Path,
    state: Tensors,
    factors: npt.NDArray[np.float32],
    config: dict[str, Any] = CONFIG,
) -> None:
    """The VAE's folder. `factors` (64,) multiply what the encoder gives and divide what the decoder
    takes.
    """
    write_config(folder, config)
    state = {name: tensor.float() for name, tensor in state.items()}
    by = torch.from_numpy(factors)
    state["encoder.conv2.weight_g"][:LATENT] *= by[:, None, None]
    state["encoder.conv2.bias"][:LATENT] *= by
    fused = fuse(state["decoder.conv1.weight_g"], state["decoder.conv1.weight_v"])
    fused = fused / by[None, :, None]
    state["decoder.conv1.weight_v"] = fused
    state["decoder.conv1.weight_g"] = fused.flatten(1).norm(dim=1).view(-1, 1, 1)
    path = folder / "diffusion_pytorch_model.safetensors"
    mx.save_safetensors(str(path), to_half(to_arrays(state), mx.float16))


def fuse(length: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """The weight of a weight-normed convolution."""
    return length * direction / direction.flatten(1).norm(dim=1).view(-1, 1, 1)


def to_half(tensors: dict[str, mx.array], dtype: mx.Dtype = mx.bfloat16) -> dict[str, mx.array]:
    """The tensors in half precision, by name."""
    return {name: array.astype(dtype) for name, array in sorted(tensors.items())}


if __name__ == "__main__":
    main()
