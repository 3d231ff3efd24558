"""Files that claim more than they hold: large ones are sparse, and take no room."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pipeline

LAYER = "base_model.model.layers.0.self_attn.q_proj"
_VOICE = Path(pipeline.__file__).parent / "voices" / "mini" / "acestep-v15-turbo"
WIDTH: int = json.loads((_VOICE / "config.json").read_text())["hidden_size"]  # of its DiT


def forge_wav(
    path: Path, channels: int = 2, rate: int = 48_000, data: int = 2**31, size: int = 0
) -> Path:
    """A WAV of 16 bits that claims `data` bytes of sound; `size` is how many bytes the file has, 0
    as many as it claims.
    """
    frame = 2 * channels
    form = struct.pack("<IHHIIHH", 16, 1, channels, rate, (rate * frame) % 2**32, frame, 16)
    head = b"RIFF" + struct.pack("<I", (data + 36) % 2**32) + b"WAVEfmt " + form
    with path.open("wb") as stream:
        stream.write(head + b"data" + struct.pack("<I", data % 2**32))
        stream.truncate(size or 44 + data)
    return path


def describe_tensor(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    """What the header of a safetensors file says of one tensor."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def forge_safetensors(path: Path, header: Mapping[str, Any] | bytes, size: int = 0) -> Path:
    """A safetensors file with this header, and `size` bytes behind it, all of them zero."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        stream.truncate(8 + len(text) + size)
    return path


def make_sparse(path: Path, size: int, content: bytes = b"") -> Path:
    """A file of so many bytes, which begins with `content`."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.truncate(size)
    return path


def write_peft(
    folder: Path, config: str = "{}", layer: str = LAYER, rank: int = 1, inputs: int = WIDTH
) -> Path:
    """A PEFT folder for one layer of the embedded voice, whose weights are zero."""
    folder.mkdir(exist_ok=True)
    down, up = 4 * rank * inputs, 4 * rank * WIDTH
    header = {
        f"{layer}.lora_A.weight": describe_tensor([rank, inputs], 0, down),
        f"{layer}.lora_B.weight": describe_tensor([WIDTH, rank], down, down + up),
    }
    forge_safetensors(folder / "adapter_model.safetensors", header, down + up)
    (folder / "adapter_config.json").write_text(config)
    return folder
