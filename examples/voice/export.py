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
import torch
from mlx.utils import tree_flatten

from pipeline.weights.checkpoint import TEXT_ENCODER, TURBO, VAE_FOLDER

from .layout import DIT, TEXT, write_config, write_silence
from .oobleck import CONFIG, LATENT
from .train_dit import scale, steady, tokenizer_for

UNTRAINED = ("tokenizer.", "detokenizer.")  # the audio codes: in the layout, but not in any lesson
CAN = {"guided": True, "sings": False, "extracts": True, "extract_steps": 1}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("into", type=Path)
    options = parser.parse_args()
    factors = scale(np.load(options.folder / "latents" / "0000.npz")["mix"])
    loaded: Any = mx.load(str(options.folder / "dit_state.safetensors"))
    average = {
        name.removeprefix("average."): x
        for name, x in loaded.items()
        if name.startswith("average.")
    }
    write_text(options.into / TEXT_ENCODER, average)
    tokenizer_for(options.folder).save(str(options.into / TEXT_ENCODER / "tokenizer.json"))
    write_dit(options.into / TURBO, average)
    silence = (
        steady(np.load(options.folder / "latents" / "silence.npy").astype(np.float32)) * factors
    )
    write_silence(options.into / TURBO / "silence_latent.pt", silence.T[None])
    write_vae(
        options.into / VAE_FOLDER, torch.load(options.folder / "vae.pt", weights_only=True), factors
    )


def write_text(folder: Path, average: dict[str, mx.array]) -> None:
    write_config(folder, TEXT)
    tensors = {
        name.removeprefix("text."): x for name, x in average.items() if name.startswith("text.")
    }
    mx.save_safetensors(str(folder / "model.safetensors"), halved(tensors))


def write_dit(folder: Path, average: dict[str, mx.array]) -> None:
    write_config(folder, DIT | CAN)
    tensors = {
        name.removeprefix("model."): x for name, x in average.items() if name.startswith("model.")
    }
    tensors = {
        name: mx.zeros_like(x) if name.startswith(UNTRAINED) else x for name, x in tensors.items()
    }
    mx.save_safetensors(str(folder / "model.safetensors"), halved(unfolded(tensors)))


def unfolded(tensors: dict[str, mx.array]) -> dict[str, mx.array]:
    """The DiT's patches as the convolutions that the layout has; see `dit.Patches.fold`."""
    patch = DIT["patch_size"]
    width = DIT["hidden_size"]
    into = "decoder.proj_in.1.weight"
    out = "decoder.proj_out.1"
    rows = {
        into: tensors[into].reshape(width, patch, -1).transpose(0, 2, 1),
        f"{out}.weight": tensors[f"{out}.weight"].T.reshape(width, patch, -1).transpose(0, 2, 1),
        f"{out}.bias": tensors[f"{out}.bias"].reshape(patch, -1).mean(axis=0),
    }
    return tensors | {name: mx.contiguous(x) for name, x in rows.items()}


def write_vae(folder: Path, state: dict[str, torch.Tensor], factors: np.ndarray) -> None:
    """`factors` (64,) multiply what the encoder gives and divide what the decoder takes."""
    write_config(folder, CONFIG)
    by = torch.from_numpy(factors)
    state["encoder.conv2.weight_g"][:LATENT] *= by[:, None, None]
    state["encoder.conv2.bias"][:LATENT] *= by
    fused = (
        fuse(state["decoder.conv1.weight_g"], state["decoder.conv1.weight_v"]) / by[None, :, None]
    )
    state["decoder.conv1.weight_v"] = fused
    state["decoder.conv1.weight_g"] = fused.flatten(1).norm(dim=1).view(-1, 1, 1)
    tensors = {name: mx.array(x.numpy()) for name, x in state.items()}
    mx.save_safetensors(
        str(folder / "diffusion_pytorch_model.safetensors"), halved(tensors, mx.float16)
    )


def fuse(length: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    return length * direction / direction.flatten(1).norm(dim=1).view(-1, 1, 1)


def halved(tensors: dict[str, mx.array], dtype: mx.Dtype = mx.bfloat16) -> dict[str, mx.array]:
    return {
        name: array.astype(dtype) for name, array in sorted(dict(tree_flatten(tensors)).items())
    }


if __name__ == "__main__":
    main()
