"""The operations that a CPU wants in another formulation than a GPU, as one value.

`choose_ops` is called once, when a model is loaded, and its result is handed to the networks, which
read the same everywhere. This is the only place that decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import mlx.core as mx

from .. import device
from . import cpu_ops, gpu_ops


class Ops(Protocol):
    """What the modules `cpu_ops` and `gpu_ops` have. Arrays are channels last."""

    DTYPE: mx.Dtype  # of weights, by default

    def quantized_matmul(
        self,
        x: mx.array,
        weight: mx.array,
        scales: mx.array,
        biases: mx.array,
        group: int,
        bits: int,
    ) -> mx.array:
        """x (..., in) times a quantised matrix (out, in) -> (..., out)."""
        ...

    def swiglu(self, gate: mx.array, up: mx.array) -> mx.array:
        """silu(gate) * up."""
        ...

    def snake(self, x: mx.array, alpha: mx.array, inverse_beta: mx.array) -> mx.array:
        """x + sin(alpha x)^2 * inverse_beta, the two of shape (channels,)."""
        ...

    def attention(
        self, q: mx.array, k: mx.array, v: mx.array, mask: mx.array | None = None
    ) -> mx.array:
        """Softmax attention, grouped: q (B, heads, T, d), k and v (B, kv_heads, S, d)
        -> (B, heads, T, d).

        `mask` is added to the scores and broadcasts to (B, 1, T, S).
        """
        ...

    def fold_conv(self, weight: mx.array) -> mx.array:
        """(out, kernel, in) -> what `conv1d` takes. Weights are folded once, at load."""
        ...

    def conv1d(
        self, x: mx.array, weight: mx.array, stride: int = 1, padding: int = 0, dilation: int = 1
    ) -> mx.array:
        """x (B, L, in) with a folded weight -> (B, L', out)."""
        ...

    def fold_conv_transpose(self, weight: mx.array, stride: int) -> mx.array:
        """(out, 2 * stride, in) -> what `conv_transpose1d` takes. Folded once, at load."""
        ...

    def conv_transpose1d(
        self, x: mx.array, weight: mx.array, stride: int, padding: int
    ) -> mx.array:
        """x (B, L, in) with a folded weight -> (B, (L + 1) * stride - 2 * padding, out)."""
        ...

    def add_residual(
        self, x: mx.array, branch: Callable[[mx.array, int], mx.array], reach: int
    ) -> mx.array:
        """x (B, L, C) + `branch` of it -> (B, L, C).

        `branch(rows, padding)` pads with `padding` rows of zeros and sees `reach` rows to each
        side: `branch(x, reach)` has as many rows as x. Zeros in x must stay zeros up to there.
        """
        ...


def choose_ops() -> Ops:
    """The operations for the device that MLX uses by default now."""
    return cpu_ops if device.is_cpu() else gpu_ops
