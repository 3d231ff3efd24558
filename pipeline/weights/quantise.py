"""Weights in 8 or 4 bits: which of a checkpoint's tensors, and the layers that use them.

Tensors are quantised by their names, before any network sees them. So it is the same for all
networks, and a folder that was saved quantised holds exactly what loading its original with as many
bits makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_unflatten

from .. import untrusted
from ..limits import LIMITS
from ..networks.layers import QuantizedEmbedding, QuantizedLinear, QuantizedMatrix
from ..networks.ops import Ops
from ..networks.typed import TypedModule
from .adapter import check_bits

_GROUPS = (64, 32)  # weights that share a scale: the first of these that divides the row
_KEY = "quantization"  # in config.json, where MLX programs look for it
# The transformer layers of the DiT, its encoders, the text encoder and the planner, and the tables
# of the last two. The rest is small or delicate: time and patches, norms, and the audio tokenizer,
# whose codes would be other ones.
_MATRIX = re.compile(
    r"((decoder|encoder\.\w+|model)\.)?layers\.\d+\.\w+\.\w+_proj\.weight"
    r"|(model\.)?embed_tokens\.weight"
)


class WeightFormat(NamedTuple):
    """How a network's weights are stored: in so many bits, where 0 is as they were published, and
    the layers that could not be quantised.
    """

    bits: int = 0
    unquantised: tuple[str, ...] = ()


def read_bits(folder: Path) -> int:
    """How many bits the weights in a checkpoint's folder have, by its config.json; 0 where they are
    not quantised. Raises ValueError.
    """
    path = folder / "config.json"
    try:
        quantisation = untrusted.read_json(path, LIMITS.config_bytes).get(_KEY)
        return check_bits(int(quantisation["bits"])) if quantisation else 0
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: {_KEY} cannot be read ({error})") from error


def add_quantisation(config: Mapping[str, object], bits: int) -> dict[str, object]:
    """The content of a config.json, and in it how many bits the weights have."""
    return {**config, _KEY: {"bits": bits, "group_size": _GROUPS[0]}}


def quantise_tensors(tensors: Mapping[str, mx.array], bits: int) -> dict[str, mx.array]:
    """The tensors, with each matrix that can be quantised as a packed `weight`, its `scales` and
    its `biases`, which keep the dtype.
    """
    result: dict[str, mx.array] = {}
    for name, array in tensors.items():
        group = _group(array.shape[-1]) if _MATRIX.fullmatch(name) and array.ndim == 2 else 0
        if group and mx.issubdtype(array.dtype, mx.floating):
            stem = name.removesuffix(".weight")
            parts = mx.quantize(array, group_size=group, bits=bits)
            result |= dict(zip((name, f"{stem}.scales", f"{stem}.biases"), parts, strict=True))
        else:
            result[name] = array
    return result


def find_unquantised(names: Iterable[str]) -> tuple[str, ...]:
    """Among the tensors of a quantised file, the layers whose matrices could not be quantised:
    their rows are no multiple of a group.
    """
    tensors = set(names)
    stems = (name.removesuffix(".weight") for name in tensors if _MATRIX.fullmatch(name))
    return tuple(sorted(stem for stem in stems if f"{stem}.scales" not in tensors))


def is_matrix(layer: str) -> bool:
    """Whether a layer of that name is one whose matrix can be quantised."""
    return _MATRIX.fullmatch(f"{layer}.weight") is not None


def detect_format(module: TypedModule) -> WeightFormat:
    """How the weights of a loaded network are stored."""
    matrices = {name: layer for name, layer in module.named_modules() if is_matrix(name)}
    packed = {name: layer for name, layer in matrices.items() if isinstance(layer, QuantizedMatrix)}
    if not packed:
        return WeightFormat()
    bits = next(iter(packed.values())).bits
    return WeightFormat(bits, tuple(sorted(matrices.keys() - packed.keys())))


def replace_layers(
    module: TypedModule, tensors: Mapping[str, mx.array], bits: int, ops: Ops
) -> None:
    """Put quantised layers into `module` wherever the tensors are quantised."""
    changed: list[tuple[str, nn.Module]] = []
    for name, layer in module.named_modules():
        scales = tensors.get(f"{name}.scales")
        if scales is None or scales.ndim != 2 or not isinstance(layer, nn.Linear | nn.Embedding):
            continue
        rows, columns = layer.weight.shape
        group = max(1, columns // max(1, scales.shape[1]))
        if isinstance(layer, nn.Embedding):
            changed.append((name, QuantizedEmbedding(rows, columns, group, bits, ops)))
        else:
            biased = "bias" in layer
            changed.append((name, QuantizedLinear(columns, rows, biased, group, bits, ops)))
    if changed:
        module.update_modules(tree_unflatten(changed))


def _group(columns: int) -> int:
    """How many weights of a row share a scale; 0 where no group divides it."""
    return next((group for group in _GROUPS if columns % group == 0), 0)
