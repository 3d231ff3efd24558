"""Write a small checkpoint with random weights in the official layout: the placeholder for a trained voice.

    python -m examples.voice.untrained pipeline/voices/mini

The numbers are random signs, so that the files stay small in a compressed package.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pipeline  # noqa: F401  (before MLX: it brings the fast matrix library)

import mlx.core as mx  # isort: skip
import numpy as np
from mlx import nn
from mlx.utils import tree_flatten, tree_unflatten
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from pipeline import prompts
from pipeline.checkpoint import TEXT_ENCODER, TURBO, VAE_FOLDER, AceStepModel
from pipeline.config import AceStepConfig, TextEncoderConfig, VAEConfig
from pipeline.request import LANGUAGES
from pipeline.text_encoder import TextEncoder
from pipeline.vae import VAE

SILENT_FRAMES = 750
LOUDNESS = 0.1  # RMS the decoder is scaled to
WORDS = """warm wide lo-fi hip hop beat house techno ambient pad drum and bass jazz funk soul rock pop metal folk trap
dub reggae disco synthwave orchestral cinematic piano electric guitar acoustic bass drums strings brass synth lead vocal
choir female male upbeat slow fast dark bright mellow dreamy energetic sad happy driving groove loop melody chords"""

TEXT = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 16, "rms_norm_eps": 1e-6, "rope_theta": 1000000, "model_type": "qwen3",
}  # fmt: skip
DIT = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 16, "sliding_window": 128, "text_hidden_dim": 64, "timbre_hidden_dim": 64,
    "layer_types": ["sliding_attention", "full_attention"] * 2, "audio_acoustic_hidden_dim": 64, "in_channels": 192,
    "patch_size": 2, "pool_window_size": 5, "num_lyric_encoder_hidden_layers": 2,
    "num_timbre_encoder_hidden_layers": 1, "num_attention_pooler_hidden_layers": 1,
    "fsq_input_levels": [8, 8, 8, 5, 5, 5], "rms_norm_eps": 1e-6, "rope_theta": 1000000, "is_turbo": True,
    "model_version": "turbo", "model_type": "acestep", "use_sliding_window": True, "timbre_fix_frame": 750,
}  # fmt: skip
OOBLECK = {
    "_class_name": "AutoencoderOobleck", "audio_channels": 2, "channel_multiples": [1, 1, 1, 1],
    "decoder_channels": 16, "decoder_input_channels": 64, "downsampling_ratios": [2, 6, 10, 16],
    "encoder_hidden_size": 128, "sampling_rate": 48000,
}  # fmt: skip


def main(root: Path) -> None:
    tokenizer = train_tokenizer()
    text = TEXT | {"vocab_size": tokenizer.get_vocab_size()}
    write(root / TEXT_ENCODER, "model", text, TextEncoder(TextEncoderConfig.from_dict(text)), key=1)
    tokenizer.save(str(root / TEXT_ENCODER / "tokenizer.json"))
    write(root / TURBO, "model", DIT, AceStepModel(AceStepConfig.from_dict(DIT)), key=2)
    write_silence(root / TURBO / "silence_latent.pt", np.zeros((1, 64, SILENT_FRAMES), np.float32))
    vae = VAE(VAEConfig.from_dict(OOBLECK))
    randomise(vae, mx.random.key(3))
    scale_output(vae)
    write(root / VAE_FOLDER, "diffusion_pytorch_model", OOBLECK, vae)


def write(folder: Path, stem: str, config: dict[str, Any], module: nn.Module, key: int | None = None) -> None:
    if key is not None:
        randomise(module, mx.random.key(key))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    tensors = {name: array.astype(mx.bfloat16) for name, array in dict(tree_flatten(module.parameters())).items()}
    mx.save_safetensors(str(folder / f"{stem}.safetensors"), tensors)


def randomise(module: nn.Module, key: mx.array) -> None:
    """Norms are 1, biases and Snake exponents 0, everything else random signs scaled by the fan-in."""
    arrays = dict(tree_flatten(module.parameters()))
    filled = {}
    for (name, array), k in zip(sorted(arrays.items()), mx.random.split(key, len(arrays))):
        if array.ndim == 1 or name.endswith(("alpha", "beta")):
            filled[name] = mx.zeros_like(array) if "norm" not in name else mx.ones_like(array)
        elif name.endswith("weight_g"):
            filled[name] = mx.ones_like(array)
        else:
            scale = (array.size / max(array.shape)) ** -0.5 if array.ndim > 2 else array.shape[-1] ** -0.5
            filled[name] = mx.where(mx.random.bernoulli(0.5, array.shape, key=k), scale, -scale)
    module.update(tree_unflatten(list(filled.items())))


def scale_output(vae: VAE) -> None:
    """Set the last convolution's length so that random latents decode at a moderate level."""
    twin = VAE(vae.config)
    twin.update(vae.parameters())
    twin.fold()
    audio = twin.decode(mx.random.normal((1, 16, 64), key=mx.random.key(4)))
    last = vae.decoder.conv2
    last.weight_g = last.weight_g * LOUDNESS / mx.sqrt(mx.mean(audio * audio))


def train_tokenizer() -> Tokenizer:
    """A byte-level BPE like Qwen's, of a few hundred merges, learned from the prompts' own words."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    meta_lines = prompts.metas({"bpm": 120, "key": "A minor", "time_signature": "4", "duration": 30})
    corpus = [prompts.text_prompt(WORDS, meta_lines), *(prompts.lyric_prompt(WORDS, code) for code in LANGUAGES)]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=768, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([text.replace("<|endoftext|>", "") for text in corpus], trainer)
    end = ("<|endoftext|>", tokenizer.token_to_id("<|endoftext|>"))
    tokenizer.post_processor = processors.TemplateProcessing(single="$A <|endoftext|>", special_tokens=[end])
    return tokenizer


def write_silence(path: Path, latent: np.ndarray) -> None:
    """What `torch.save` writes for one float32 tensor, without torch: a zip with a pickle and the numbers."""
    strides = tuple(step // latent.itemsize for step in latent.strides)
    parts = {
        "data.pkl": _torch_pickle(latent.shape, strides, latent.size),
        "byteorder": b"little",
        "data/0": latent.tobytes(),
        "version": b"3\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(f"silence_latent/{name}"), content)  # always the same date: 1980


def _torch_pickle(shape: tuple[int, ...], strides: tuple[int, ...], count: int) -> bytes:
    """Pickle a call of torch's rebuild function; torch's own objects are named through stand-ins."""
    storage = type("FloatStorage", (), {"__module__": "torch"})

    def _rebuild_tensor_v2(*_: Any) -> None: ...

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"

    class Data: ...

    class Tensor:
        def __reduce__(self) -> tuple[Any, ...]:
            return _rebuild_tensor_v2, (Data(), 0, shape, strides, False, OrderedDict())

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing: Any) -> Any:
            return ("storage", storage, "0", "cpu", count) if isinstance(thing, Data) else None

    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    vars(torch)["FloatStorage"], vars(utils)["_rebuild_tensor_v2"] = storage, _rebuild_tensor_v2
    with patch.dict(sys.modules, {"torch": torch, "torch._utils": utils}):
        stream = io.BytesIO()
        Pickler(stream, protocol=2).dump(Tensor())
        return stream.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
