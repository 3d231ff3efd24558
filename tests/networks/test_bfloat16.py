"""The product with a bfloat16 matrix is the plain one of the same numbers, rounded to bfloat16.

MKL computes it on every processor, only not fast, so that AMX is not needed here.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from pipeline import blas
from pipeline.networks.bfloat16 import Bfloat16Embedding, Bfloat16Linear
from tests.conftest import ROOT

# isort: split
import mlx.core as mx
import numpy as np

pytestmark = pytest.mark.skipif(not blas.is_loaded(), reason="it is MKL's product")


@pytest.fixture(autouse=True)
def cpu() -> Iterator[None]:
    before = mx.default_device()
    mx.set_default_device(mx.Device(mx.cpu))
    yield
    mx.set_default_device(before)


def normal(*shape: int, seed: int = 0) -> mx.array:
    return mx.random.normal(shape, key=mx.random.key(seed))


def make_layer(inputs: int, outputs: int) -> tuple[Bfloat16Linear, mx.array]:
    """A layer, and its matrix in float32."""
    matrix = normal(outputs, inputs, seed=1).astype(mx.bfloat16)
    return Bfloat16Linear(matrix), matrix.astype(mx.float32)


def multiply_plainly(x: mx.array, matrix: mx.array) -> np.ndarray:
    rounded = x.astype(mx.bfloat16).astype(mx.float32)
    return np.array(rounded, np.float64) @ np.array(matrix, np.float64).T


@pytest.mark.parametrize(
    "shape", [(40,), (1, 40), (1, 1, 40), (7, 40), (2, 125, 40), (1, 33, 2048), (2, 3, 5, 6144)]
)
@pytest.mark.parametrize("outputs", [1, 24, 1000])
def test_a_layer_is_the_plain_product_of_rounded_numbers(
    shape: tuple[int, ...], outputs: int
) -> None:
    layer, matrix = make_layer(shape[-1], outputs)
    x = normal(*shape)
    product = layer(x)
    expected = multiply_plainly(x, matrix)
    assert product.dtype == mx.float32
    assert product.shape == (*shape[:-1], outputs)
    # the sums' own rounding: a bfloat16 sum would be off by a hundredth
    assert np.abs(np.array(product) - expected).max() < 1e-5 * np.sqrt(shape[-1]) * 4


def test_what_is_multiplied_may_lie_anyhow_in_memory() -> None:
    layer, matrix = make_layer(64, 48)
    turned = normal(2, 64, 9).swapaxes(1, 2)
    every_other = normal(2, 18, 64)[:, ::2]
    repeated = mx.broadcast_to(normal(1, 64), (5, 64))
    for x in (turned, every_other, repeated):
        assert np.abs(np.array(layer(x)) - multiply_plainly(x, matrix)).max() < 1e-3


def test_some_rows_of_a_table_are_multiplied_as_in_all_of_it() -> None:
    table = Bfloat16Embedding(normal(100, 64).astype(mx.bfloat16))
    x = normal(2, 3, 64)
    whole = np.array(table.multiply(x))
    for rows in (slice(20, 60), mx.array([3, 99, 0]), slice(99, 100)):
        ours = np.array(table.multiply(x, rows))
        chosen = rows if isinstance(rows, slice) else np.array(rows)
        assert np.abs(ours - whole[..., chosen]).max() < 1e-4


def test_the_product_is_an_array_of_its_own() -> None:
    """It is written into memory of MLX's: what was computed before must not change with it."""
    layer, _ = make_layer(64, 64)
    x = normal(8, 64)
    first = layer(x)
    before = np.array(first)
    second = layer(-x)
    assert np.array_equal(np.array(first), before)
    assert np.array_equal(np.array(second), -before)


def test_the_matrix_takes_two_bytes_a_weight_whatever_dtype_the_network_gets() -> None:
    layer, _ = make_layer(64, 48)
    before = layer(normal(3, 64))
    layer.set_dtype(mx.float32)
    assert layer.weight.nbytes == 2 * 64 * 48
    assert mx.array_equal(layer(normal(3, 64)), before)


def test_a_table_of_embeddings_is_exact() -> None:
    table = normal(100, 16).astype(mx.bfloat16)
    ids = mx.array([[3, 99, 0], [5, 5, 7]])
    looked_up = Bfloat16Embedding(table)(ids)
    assert looked_up.dtype == mx.float32
    assert mx.array_equal(looked_up, table[ids].astype(mx.float32))


@pytest.mark.skipif(not blas.is_bfloat16_fast(), reason="of AMX")
def test_a_row_of_the_product_does_not_depend_on_the_others() -> None:
    """So that a take is the same one alone and beside others."""
    layer, _ = make_layer(2048, 512)
    x = normal(300, 2048)
    together = layer(x)
    for rows in (2, 3, 16, 77, 125, 256):
        assert mx.array_equal(layer(x[:rows]), together[:rows])
        assert mx.array_equal(layer(x[-rows:]), together[-rows:])


def test_the_product_has_the_same_bytes_in_every_process() -> None:
    code = """
from pipeline.networks.bfloat16 import Bfloat16Linear
import hashlib
import mlx.core as mx
import numpy as np
mx.set_default_device(mx.cpu)
matrix = mx.random.normal((311, 1000), key=mx.random.key(0)).astype(mx.bfloat16)
product = Bfloat16Linear(matrix)(mx.random.normal((257, 1000), key=mx.random.key(1)))
print(hashlib.sha256(np.array(product).tobytes()).hexdigest())
"""
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(hashes) == 1
