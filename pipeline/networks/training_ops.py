"""The operations for training on a CPU: as `gpu_ops`, but for the gated activation.

The scalar exp of the plain one would take a third of a training step.
"""

from __future__ import annotations

from typing import cast

import mlx.core as mx

from ..device import compile_if_possible
from . import cpu_ops
from .gpu_ops import add_residual as add_residual
from .gpu_ops import attention as attention
from .gpu_ops import conv1d as conv1d
from .gpu_ops import conv_transpose1d as conv_transpose1d
from .gpu_ops import fold_conv as fold_conv
from .gpu_ops import fold_conv_transpose as fold_conv_transpose
from .gpu_ops import quantized_matmul as quantized_matmul
from .gpu_ops import snake as snake

DTYPE = mx.float32


def swiglu(gate: mx.array, up: mx.array) -> mx.array:
    """Of float32, with a gradient."""
    return cast(mx.array, _swiglu(gate, up))


_swiglu = mx.custom_function(cpu_ops.swiglu)


@_swiglu.vjp
def _swiglu_vjp(
    inputs: tuple[mx.array, mx.array], grad: mx.array, _output: mx.array
) -> tuple[mx.array, mx.array]:
    return _swiglu_gradients(*inputs, grad)


@compile_if_possible
def _swiglu_gradients(gate: mx.array, up: mx.array, grad: mx.array) -> tuple[mx.array, mx.array]:
    """Of gate and up."""
    sigmoid = 0.5 + 0.5 * cpu_ops.tanh(0.5 * gate)
    return grad * up * sigmoid * (1 + gate * (1 - sigmoid)), grad * gate * sigmoid
