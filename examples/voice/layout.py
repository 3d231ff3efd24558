"""The voice's sizes, its tokenizer, and the files of the official layout."""

from __future__ import annotations

import io
import json
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from pipeline import prompts
from pipeline.request import LANGUAGES

END = "<|endoftext|>"
SILENT_FRAMES = 750
TEXT: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 320,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000,
    "model_type": "qwen3",
    "vocab_size": 1024,
}
DIT: dict[str, Any] = {
    "hidden_size": 384,
    "intermediate_size": 640,
    "num_hidden_layers": 5,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "sliding_window": 40,
    "text_hidden_dim": 128,
    "timbre_hidden_dim": 64,
    "layer_types": ["sliding_attention"] * 5,
    "audio_acoustic_hidden_dim": 64,
    "in_channels": 192,
    "patch_size": 2,
    "pool_window_size": 5,
    "num_lyric_encoder_hidden_layers": 0,
    "num_timbre_encoder_hidden_layers": 0,
    "num_attention_pooler_hidden_layers": 0,
    "fsq_input_levels": [8, 8, 8, 5, 5, 5],
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000,
    "is_turbo": True,
    "model_version": "turbo",
    "model_type": "acestep",
    "use_sliding_window": True,
    "timbre_fix_frame": 750,
}


def train_tokenizer(captions: Iterable[str]) -> Tokenizer:
    """A byte-level BPE like Qwen's, with the words of the prompts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    lyrics = (prompts.build_lyric_prompt(prompts.INSTRUMENTAL, code) for code in LANGUAGES)
    corpus = [text.replace(END, "") for text in (*captions, *lyrics)]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=TEXT["vocab_size"],
        special_tokens=[END],
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    end = (END, tokenizer.token_to_id(END))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", special_tokens=[end]
    )
    return tokenizer


def write_config(folder: Path, config: dict[str, Any]) -> None:
    """Write `config.json`, making the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def write_silence(path: Path, latent: npt.NDArray[np.float32]) -> None:
    """Write what `torch.save` writes for one float32 tensor, without torch: a zip with a pickle and
    the numbers.
    """
    latent = np.ascontiguousarray(latent, np.float32)
    strides = tuple(step // latent.itemsize for step in latent.strides)
    parts = {
        "data.pkl": _pickle_tensor(latent.shape, strides, latent.size),
        "byteorder": b"little",
        "data/0": latent.tobytes(),
        "version": b"3\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            # always the same date: 1980
            archive.writestr(zipfile.ZipInfo(f"silence_latent/{name}"), content)


def _pickle_tensor(shape: tuple[int, ...], strides: tuple[int, ...], count: int) -> bytes:
    """Pickle a call of torch's rebuild function; torch's own objects are named through
    stand-ins.
    """
    storage = type("FloatStorage", (), {"__module__": "torch"})

    def _rebuild_tensor_v2(*_: Any) -> None: ...

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"

    class Data: ...

    class Tensor:
        def __reduce__(self) -> tuple[Any, ...]:
            return _rebuild_tensor_v2, (Data(), 0, shape, strides, False, OrderedDict())

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing: Any) -> Any:
            return ("storage", storage, "0", "cpu", count) if isinstance(thing, Data) else None

    torch = types.ModuleType("torch")
    utils = types.ModuleType("torch._utils")
    vars(torch)["FloatStorage"] = storage
    vars(utils)["_rebuild_tensor_v2"] = _rebuild_tensor_v2
    with patch.dict(sys.modules, {"torch": torch, "torch._utils": utils}):
        stream = io.BytesIO()
        Pickler(stream, protocol=2).dump(Tensor())
        return stream.getvalue()
