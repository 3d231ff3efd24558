"""The dtype of a network's weights, and which of its matrices stay in bfloat16 on a CPU."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_unflatten

from .. import blas
from ..networks.bfloat16 import Bfloat16Embedding, Bfloat16Linear, Bfloat16Matrix
from ..networks.dit import DiT
from ..networks.ops import Ops
from ..networks.typed import TypedModule
from .quantise import is_matrix

# Weights of the smallest matrix that is worth it: each product ends a piece of MLX's graph. The
# published models have no smaller ones, the embedded voice no larger.
_SMALLEST = 2**20


def set_dtype(module: TypedModule, dtype: mx.Dtype | None, ops: Ops) -> None:
    """Give a network's weights that dtype, once they are loaded.

    None is the device's own, `ops.DTYPE`. Where that is float32 and bfloat16 is multiplied faster,
    large matrices that were published in bfloat16 stay so: those that can also be quantised, as the
    others are small or delicate.
    """
    if dtype is None and _keeps_bfloat16(ops):
        _keep_matrices(module)
    module.set_dtype(dtype or ops.DTYPE)


def find_size(dtype: mx.Dtype | None, ops: Ops) -> int:
    """How many bytes most weights of a large network have that was published in bfloat16, once it
    is loaded so.
    """
    kept = dtype is None and _keeps_bfloat16(ops)
    return (mx.bfloat16 if kept else dtype or ops.DTYPE).size


def find_dtype(decoder: DiT) -> mx.Dtype:
    """What most products of a loaded DiT are multiplied in."""
    if any(isinstance(layer, Bfloat16Matrix) for layer in decoder.modules()):
        return mx.bfloat16
    return decoder.scale_shift_table.dtype


def _keeps_bfloat16(ops: Ops) -> bool:
    own = ops.DTYPE
    return own == mx.float32 and blas.is_bfloat16_fast()


def _keep_matrices(module: TypedModule) -> None:
    kept: list[tuple[str, nn.Module]] = []
    for name, layer in module.named_modules():
        if not is_matrix(name) or not isinstance(layer, nn.Linear | nn.Embedding):
            continue
        if layer.weight.dtype != mx.bfloat16 or layer.weight.size < _SMALLEST or "bias" in layer:
            continue
        kind = Bfloat16Linear if isinstance(layer, nn.Linear) else Bfloat16Embedding
        kept.append((name, kind(layer.weight)))
    if kept:
        module.update_modules(tree_unflatten(kept))
