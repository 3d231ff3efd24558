"""Weights in 8 or 4 bits: which of a checkpoint's tensors, and the layers that use them.

It happens to tensors, by their names, before any network knows of them: so it is the same for all
networks, and a folder that was saved quantised holds exactly what loading its original with as many
bits makes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_unflatten

from ..networks.layers import QuantizedEmbedding, QuantizedLinear, QuantizedMatrix
from ..networks.ops import Ops
from .adapter import checked_bits

_GROUPS = (64, 32)  # weights that share a scale: the first of these that divides the row
_KEY = "quantization"  # in config.json, where MLX programs look for it
# The transformer layers of the DiT, its encoders, the text encoder and the planner, and the tables
# of the last two.
# Left whole is what is small or delicate: time and patches, norms, and the audio codes, which would
# be other codes.
_MATRIX = re.compile(
    r"((decoder|encoder\.\w+|model)\.)?layers\.\d+\.\w+\.\w+_proj\.weight|(model\.)?embed_tokens\.weight"
)


class Weights(NamedTuple):
    """How a network's weights are kept: `bits`, 0 as they were published, and the layers that this
    left `whole`.
    """

    bits: int = 0
    whole: tuple[str, ...] = ()


def bits_of(folder: Path) -> int:
    """How many bits the weights in a checkpoint's folder have by its config.json; 0 where they were
    not quantised.

    Raises ValueError.
    """
    path = folder / "config.json"
    try:
        said = json.loads(path.read_text()).get(_KEY)
        return checked_bits(int(said["bits"])) if said else 0
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: {_KEY} cannot be read ({error})") from error


def described(config: Mapping[str, object], bits: int) -> dict[str, object]:
    """A config.json that says how many bits the weights have."""
    return {**config, _KEY: {"bits": bits, "group_size": _GROUPS[0]}}


def quantised(tensors: Mapping[str, mx.array], bits: int) -> dict[str, mx.array]:
    """The tensors with matrices as packed `weight`, `scales` and `biases`, in their dtype, where
    that is possible.
    """
    found: dict[str, mx.array] = {}
    for name, array in tensors.items():
        group = _group(array.shape[-1]) if _MATRIX.fullmatch(name) and array.ndim == 2 else 0
        if group and mx.issubdtype(array.dtype, mx.floating):
            stem = name.removesuffix(".weight")
            parts = mx.quantize(array, group_size=group, bits=bits)
            found |= dict(zip((name, f"{stem}.scales", f"{stem}.biases"), parts, strict=True))
        else:
            found[name] = array
    return found


def whole(names: Iterable[str]) -> tuple[str, ...]:
    """Of a quantised file's tensors, the layers whose matrices could not be: their rows are no
    multiple of a group.
    """
    known = set(names)
    stems = (name.removesuffix(".weight") for name in known if _MATRIX.fullmatch(name))
    return tuple(sorted(stem for stem in stems if f"{stem}.scales" not in known))


def weights(module: nn.Module) -> Weights:
    """How a loaded network's are kept."""
    matrices = {
        name: layer for name, layer in module.named_modules() if _MATRIX.fullmatch(f"{name}.weight")
    }
    packed = {name: layer for name, layer in matrices.items() if isinstance(layer, QuantizedMatrix)}
    if not packed:
        return Weights()
    return Weights(next(iter(packed.values())).bits, tuple(sorted(matrices.keys() - packed.keys())))


def reshape(module: nn.Module, tensors: Mapping[str, mx.array], bits: int, ops: Ops) -> None:
    """Give `module` quantised layers where the tensors are."""
    changed: list[tuple[str, nn.Module]] = []
    for name, layer in module.named_modules():
        scales = tensors.get(f"{name}.scales")
        if scales is None or scales.ndim != 2 or not isinstance(layer, nn.Linear | nn.Embedding):
            continue
        rows, columns = layer.weight.shape
        group = columns // max(1, scales.shape[1])
        if isinstance(layer, nn.Embedding):
            changed.append((name, QuantizedEmbedding(rows, columns, max(1, group), bits, ops)))
        else:
            changed.append(
                (name, QuantizedLinear(columns, rows, "bias" in layer, max(1, group), bits, ops))
            )
    if changed:
        module.update_modules(tree_unflatten(changed))


def _group(columns: int) -> int:
    return next((group for group in _GROUPS if columns % group == 0), 0)
