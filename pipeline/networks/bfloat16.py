"""Matrices that stay in bfloat16, as they are published, while all else is float32: for CPUs that
multiply bfloat16 several times as fast (Intel's AMX), where the weights take half the memory too.

What is multiplied by such a matrix is rounded to bfloat16; the products are summed in float32. MLX
has no such product on a CPU, so MKL's is called from here, on what has been computed up to there:
a network with these layers can be neither compiled nor differentiated.
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import numpy as np
import numpy.typing as npt

from .. import blas
from .typed import TypedModule


class Bfloat16Matrix(TypedModule):
    """A bfloat16 matrix (rows, columns). `weight` has its bits as uint16: NumPy, through which MKL
    finds them, knows no bfloat16.
    """

    def __init__(self, matrix: mx.array) -> None:
        super().__init__()
        self.weight = matrix.view(mx.uint16)

    def multiply(self, x: mx.array, rows: slice | mx.array | None = None) -> mx.array:
        """Float32 x (..., columns) times the matrix, or some of its rows -> (..., rows), float32,
        which is computed when this returns.
        """
        weight = self.weight if rows is None else self.weight[rows]
        count, columns = weight.shape
        rounded = mx.contiguous(x.astype(mx.bfloat16).view(mx.uint16))
        product = mx.zeros((*x.shape[:-1], count))
        mx.eval(rounded, weight, product)
        blas.multiply_bfloat16(
            _view(rounded).reshape(-1, columns), _view(weight), _view(product).reshape(-1, count)
        )
        return product


class Bfloat16Linear(Bfloat16Matrix):
    """A linear layer without a bias."""

    def __call__(self, x: mx.array) -> mx.array:
        """x (..., in) -> (..., out)."""
        return self.multiply(x)


class Bfloat16Embedding(Bfloat16Matrix):
    """A table of embeddings, which a language model also has as its last layer."""

    def __call__(self, ids: mx.array) -> mx.array:
        """ids (...) -> (..., width), exact."""
        return self.weight[ids].view(mx.bfloat16).astype(mx.float32)


def _view(array: mx.array) -> npt.NDArray[Any]:
    """The memory of an array that was evaluated, not a copy of it: writing there changes it."""
    return np.array(array, copy=False)
