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

from pipeline.weights.checkpoint import TEXT_ENCODER, TURBO, VAE_FOLDER

from .layout import DIT, TEXT, write_config, write_silence
from .oobleck import CONFIG, LATENT
from .train_dit import find_steady_silence, get_tokenizer, measure_scale

UNTRAINED = ("tokenizer.", "detokenizer.")  # the audio codes: in the layout, but not in any lesson
CAPABILITIES = {"guided": True, "sings": False, "extracts": True, "extract_steps": 1}


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
    loaded: Any = mx.load(str(options.folder / "dit_state.safetensors"))
    average = select(loaded, "average.")
    write_text(options.into / TEXT_ENCODER, average)
    get_tokenizer(options.folder).save(str(options.into / TEXT_ENCODER / "tokenizer.json"))
    write_dit(options.into / TURBO, average)
    encoded = np.load(latents / "silence.npy").astype(np.float32)
    silence = find_steady_silence(encoded) * factors
    write_silence(options.into / TURBO / "silence_latent.pt", silence.T[None])
    state = torch.load(options.folder / "vae.pt", weights_only=True)
    write_vae(options.into / VAE_FOLDER, state, factors, run_state["config"])


def write_text(folder: Path, average: dict[str, mx.array]) -> None:
    """The text encoder's folder."""
    write_config(folder, TEXT)
    tensors = select(average, "text.")
    mx.save_safetensors(str(folder / "model.safetensors"), to_half(tensors))


def write_dit(folder: Path, average: dict[str, mx.array]) -> None:
    """The folder of the DiT and its encoders."""
    write_config(folder, DIT | CAPABILITIES)
    tensors = {
        name: mx.zeros_like(array) if name.startswith(UNTRAINED) else array
        for name, array in select(average, "model.").items()
    }
    mx.save_safetensors(str(folder / "model.safetensors"), to_half(unfold_patches(tensors)))


def select(tensors: dict[str, mx.array], prefix: str) -> dict[str, mx.array]:
    """The tensors whose names begin with the prefix, without it."""
    return {
        name.removeprefix(prefix): array
        for name, array in tensors.items()
        if name.startswith(prefix)
    }


def unfold_patches(tensors: dict[str, mx.array]) -> dict[str, mx.array]:
    """The DiT's patches as the convolutions of the layout: see `dit.Patches.fold`."""
    patch = DIT["patch_size"]
    width = DIT["hidden_size"]
    into = "decoder.proj_in.1.weight"
    out = "decoder.proj_out.1"
    rows = {
        into: tensors[into].reshape(width, patch, -1).transpose(0, 2, 1),
        f"{out}.weight": tensors[f"{out}.weight"].T.reshape(width, patch, -1).transpose(0, 2, 1),
        f"{out}.bias": tensors[f"{out}.bias"].reshape(patch, -1).mean(axis=0),
    }
    return tensors | {name: mx.contiguous(array) for name, array in rows.items()}


def write_vae(
    folder: Path,
    state: dict[str, torch.Tensor],
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
    tensors = {name: mx.array(tensor.numpy()) for name, tensor in state.items()}
    path = folder / "diffusion_pytorch_model.safetensors"
    mx.save_safetensors(str(path), to_half(tensors, mx.float16))


def fuse(length: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """The weight of a weight-normed convolution."""
    return length * direction / direction.flatten(1).norm(dim=1).view(-1, 1, 1)


def to_half(tensors: dict[str, mx.array], dtype: mx.Dtype = mx.bfloat16) -> dict[str, mx.array]:
    """The tensors in half precision, by name."""
    return {name: array.astype(dtype) for name, array in sorted(tensors.items())}


if __name__ == "__main__":
    main()
