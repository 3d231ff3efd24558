"""The operations for a GPU: MLX's own, which also have gradients. `ops.Ops` says what each does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import mlx.core as mx

DTYPE = mx.bfloat16


def quantized_matmul(
    x: mx.array, weight: mx.array, scales: mx.array, biases: mx.array, group: int, bits: int
) -> mx.array:
    return mx.quantized_matmul(
        x, weight, scales, biases, transpose=True, group_size=group, bits=bits
    )


# --- activations ----------------------------------------------------------------------------------

# One kernel for every length: a trace for each would be memory that never returns.


@partial(mx.compile, shapeless=True)
def swiglu(gate: mx.array, up: mx.array) -> mx.array:
    return gate * mx.sigmoid(gate) * up


@partial(mx.compile, shapeless=True)
def snake(x: mx.array, alpha: mx.array, inverse_beta: mx.array) -> mx.array:
    return x + mx.square(mx.sin(alpha * x)) * inverse_beta


# --- attention ------------------------------------------------------------------------------------


def attention(q: mx.array, k: mx.array, v: mx.array, mask: mx.array | None = None) -> mx.array:
    mask = mask if mask is None else mask.astype(q.dtype)
    return mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask=mask)


# --- convolutions ---------------------------------------------------------------------------------


def fold_conv(weight: mx.array) -> mx.array:
    return mx.contiguous(weight)


def conv1d(
    x: mx.array, weight: mx.array, stride: int = 1, padding: int = 0, dilation: int = 1
) -> mx.array:
    return mx.conv1d(x, weight, stride, padding, dilation)


def fold_conv_transpose(weight: mx.array, stride: int) -> mx.array:
    return mx.contiguous(weight)


def conv_transpose1d(x: mx.array, weight: mx.array, stride: int, padding: int) -> mx.array:
    return mx.conv_transpose1d(x, weight, stride, padding)


def add_residual(x: mx.array, branch: Callable[[mx.array, int], mx.array], reach: int) -> mx.array:
    return x + branch(x, reach)
