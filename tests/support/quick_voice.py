"""A voice for the tests that are not about how it sounds: a take costs less than half of the
embedded voice's.
"""

from __future__ import annotations

import json
from pathlib import Path

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten
from safetensors.numpy import save_file

from pipeline.networks.config import VAEConfig
from pipeline.networks.ops import choose_ops
from pipeline.networks.vae import VAE
from pipeline.voices import voice_folder
from pipeline.weights.checkpoint import VAE_FOLDER

EMBEDDED = voice_folder("mini")
CHANNELS = 2  # of the VAE, at every rate
QUIET = 0.01  # how loud it is: a take whose peaks pass full scale would be turned down


def write_quick_voice(folder: Path, root: Path = EMBEDDED) -> Path:
    """The model of `root`, but what takes cost most by far is a VAE of two channels, with random
    weights: it plays noise. Returns the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for part in root.iterdir():
        if part.is_dir() and part.name != VAE_FOLDER:
            (folder / part.name).symlink_to(part)
    values = json.loads((root / VAE_FOLDER / "config.json").read_text())
    values |= {
        "channel_multiples": [1] * len(values["downsampling_ratios"]),
        "decoder_channels": CHANNELS,
        "encoder_hidden_size": CHANNELS,
    }
    (folder / VAE_FOLDER).mkdir()
    (folder / VAE_FOLDER / "config.json").write_text(json.dumps(values))
    network = VAE(VAEConfig.from_folder(folder / VAE_FOLDER), choose_ops())
    tensors: dict[str, mx.array] = dict(tree_flatten(network.parameters()))
    random = np.random.default_rng(0)
    weights = {
        name: random.standard_normal(tensor.shape, np.float32) for name, tensor in tensors.items()
    }
    loudness = "decoder.conv2.weight_g"
    weights[loudness] = weights[loudness] * np.float32(QUIET)
    save_file(weights, folder / VAE_FOLDER / "diffusion_pytorch_model.safetensors")
    return folder
