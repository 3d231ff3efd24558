"""Each of the CPU's own formulations gives what MLX's plain operation gives, and the choice is made
when a model is loaded.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest

from pipeline import device
from pipeline.networks import cpu_ops, gpu_ops
from pipeline.networks.ops import Ops, choose_ops
from pipeline.networks.windows import make_causal_mask, window_attention
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def cpu() -> Iterator[None]:
    """On a Mac too: float32 products on a GPU may be rounded more coarsely than what is compared
    here.
    """
    before = mx.default_device()
    mx.set_default_device(mx.Device(mx.cpu))
    yield
    mx.set_default_device(before)


def both(function: Callable[[Ops], mx.array]) -> tuple[np.ndarray, np.ndarray]:
    """What a function returns with the CPU's formulation and with the plain operations."""
    return np.array(function(cpu_ops)), np.array(function(gpu_ops))


@pytest.fixture(params=[True, False], ids=["compiled", "not compiled"])
def compiling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `mx.compile`, and as on a machine without a C++ compiler."""
    if request.param and not device.can_compile():
        pytest.skip("mx.compile wants a C++ compiler here")
    monkeypatch.setattr(device, "can_compile", lambda: request.param)


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> mx.array:
    return mx.array(scale * np.random.default_rng(seed).standard_normal(shape), mx.float32)


# --- activations ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("compiling")
@pytest.mark.parametrize("top", [1.0, 10.0, 100.0, 1e30])
def test_swiglu_equals_silu_times_up(top: float) -> None:
    gate = mx.linspace(-top, top, 4001)
    up = normal(4001)
    fast, plain = both(lambda ops: ops.swiglu(gate, up))
    np.testing.assert_allclose(fast, plain, rtol=1e-6, atol=1e-6 * min(top, 100.0))


@pytest.mark.usefixtures("compiling")
@pytest.mark.parametrize("alpha", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("top", [1.0, 30.0, 1000.0])
def test_snake_is_exact_over_a_large_range(top: float, alpha: float) -> None:
    """As exact as float32 can be: alpha x itself is rounded, by more the larger it is."""
    x = mx.array(np.random.default_rng(0).uniform(-top, top, (2, 500, 8)), mx.float32)
    alphas = mx.linspace(alpha / 2, alpha, 8)
    betas = mx.linspace(0.5, 2.0, 8)
    wide, a, b = (np.array(array, np.float64) for array in (x, alphas, betas))
    exact = wide + np.sin(a * wide) ** 2 / b
    for result in both(lambda ops: ops.snake(x, alphas, 1 / betas)):
        assert np.abs(result - exact).max() < 1e-5 + 4e-7 * top * max(1.0, alpha)


@pytest.mark.usefixtures("compiling")
def test_half_precision_takes_the_plain_operations() -> None:
    x = normal(1, 50, 8).astype(mx.bfloat16)
    one = mx.ones(8, mx.bfloat16)
    fast, plain = both(lambda ops: ops.swiglu(x, x).astype(mx.float32))
    assert np.array_equal(fast, plain)
    fast, plain = both(lambda ops: ops.snake(x, one, one).astype(mx.float32))
    assert np.array_equal(fast, plain)
    fast, plain = both(lambda ops: ops.attention(x[None], x[None], x[None]).astype(mx.float32))
    assert np.array_equal(fast, plain)


# --- attention ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("compiling")
@pytest.mark.parametrize(("heads", "groups"), [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(("length", "keys"), [(1, 1), (7, 7), (5, 33), (64, 3)])
def test_attention_equals_mlx_s_fused_kernel(
    batch: int, heads: int, groups: int, length: int, keys: int
) -> None:
    q = normal(batch, heads, length, 16)
    k = normal(batch, groups, keys, 16, seed=1)
    v = normal(batch, groups, keys, 16)
    fast, plain = both(lambda ops: ops.attention(q, k, v))
    assert fast.shape == (batch, heads, length, 16)
    np.testing.assert_allclose(fast, plain, atol=2e-6)


@pytest.mark.usefixtures("compiling")
@pytest.mark.parametrize("mask_batch", [1, 2])
def test_attention_adds_its_mask(mask_batch: int) -> None:
    q = normal(2, 4, 9, 16)
    k = normal(2, 2, 11, 16, seed=1)
    v = normal(2, 2, 11, 16, seed=2)
    hidden = np.random.default_rng(3).random((mask_batch, 1, 9, 11)) < 0.5
    hidden[..., 0] = False
    mask = mx.array(np.where(hidden, -1e9, 0.0), mx.float32)
    fast, plain = both(lambda ops: ops.attention(q, k, v, mask))
    np.testing.assert_allclose(fast, plain, atol=2e-6)


@pytest.mark.usefixtures("compiling")
def test_causal_attention_sees_nothing_of_the_future() -> None:
    q = normal(1, 2, 12, 8)
    k = normal(1, 2, 12, 8, seed=1)
    v = normal(1, 2, 12, 8, seed=2)
    changed = mx.concatenate([v[:, :, :6], v[:, :, 6:] + 100], axis=2)
    fast, plain = both(lambda ops: ops.attention(q, k, v, make_causal_mask(12)))
    other, _ = both(lambda ops: ops.attention(q, k, changed, make_causal_mask(12)))
    np.testing.assert_allclose(fast, plain, atol=2e-6)
    assert np.array_equal(fast[:, :, :6], other[:, :, :6])


@pytest.mark.usefixtures("compiling")
@pytest.mark.parametrize("scale", [0.0, 1e-20, 30.0, 1e3, 1e6])
def test_attention_survives_extreme_scores(scale: float) -> None:
    q = normal(1, 2, 20, 16, scale=scale)
    k = normal(1, 2, 20, 16, seed=1, scale=scale)
    v = normal(1, 2, 20, 16, seed=2)
    fast, plain = both(lambda ops: ops.attention(q, k, v))
    assert np.isfinite(fast).all()
    # Two keys may score the same but for float32's rounding, which each product does in its own
    # order.
    np.testing.assert_allclose(fast, plain, atol=2e-6 * max(1.0, scale))


@pytest.mark.usefixtures("compiling")
def test_a_row_that_sees_nothing_is_finite() -> None:
    q = normal(1, 2, 4, 8)
    mask = mx.full((1, 1, 4, 4), -1e9)
    fast, plain = both(lambda ops: ops.attention(q, q, q, mask))
    assert np.isfinite(fast).all()
    assert np.isfinite(plain).all()


WINDOW = 8


def dense(q: mx.array, k: mx.array, v: mx.array, window: int) -> mx.array:
    """The definition: one mask over the whole square."""
    place = np.arange(q.shape[2])
    seen = mx.array(np.abs(place[:, None] - place[None]) <= window)
    return mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask=seen)


@pytest.mark.parametrize("length", [1, 7, 8, 9, 23, 24, 25, 31, 32, 33, 40, 61, 80])
@pytest.mark.parametrize("batch", [1, 2])
def test_window_attention_equals_one_dense_band(batch: int, length: int) -> None:
    q = normal(batch, 4, length, 16)
    k = normal(batch, 2, length, 16, seed=1)
    v = normal(batch, 2, length, 16, seed=2)
    expected = np.array(dense(q, k, v, WINDOW))
    for result in both(lambda ops: window_attention(ops.attention, q, k, v, WINDOW)):
        np.testing.assert_allclose(result, expected, atol=2e-6)


@pytest.mark.parametrize("ops", [cpu_ops, gpu_ops])
@pytest.mark.parametrize("length", [30, 41])
def test_window_attention_sees_exactly_the_window(length: int, ops: Ops) -> None:
    """Values that are one-hot in their position show which positions were mixed in."""
    zeros = mx.zeros((1, 1, length, length))
    position = mx.eye(length)[None, None]
    seen = np.array(window_attention(ops.attention, zeros, zeros, position, WINDOW))[0, 0] > 1e-6
    place = np.arange(length)
    assert np.array_equal(seen, np.abs(place[:, None] - place[None]) <= WINDOW)


def test_window_attention_takes_views() -> None:
    """The networks hand over transposed arrays, whose memory is in another order."""
    q, k, v = (normal(2, 50, heads, 16, seed=heads).transpose(0, 2, 1, 3) for heads in (4, 2, 2))
    expected = np.array(dense(q, k, v, WINDOW))
    for result in both(lambda ops: window_attention(ops.attention, q, k, v, WINDOW)):
        np.testing.assert_allclose(result, expected, atol=2e-6)


# --- convolutions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "outputs", "kernel", "stride", "padding", "dilation"),
    [
        pytest.param(24, 20, 7, 1, 3, 1, id="one product per tap"),
        pytest.param(24, 20, 7, 1, 9, 3, id="dilation 3"),
        pytest.param(24, 20, 7, 1, 27, 9, id="dilation 9"),
        pytest.param(32, 48, 1, 1, 0, 1, id="one tap"),
        pytest.param(16, 8, 3, 1, 1, 1, id="few outputs"),
        pytest.param(24, 2, 7, 1, 3, 1, id="stereo out"),
        pytest.param(24, 2, 7, 1, 6, 2, id="stereo out, dilated"),
        pytest.param(2, 32, 7, 1, 3, 1, id="stereo in"),
        pytest.param(15, 70, 3, 1, 0, 1, id="few inputs"),
        pytest.param(16, 24, 4, 2, 1, 1, id="stride 2"),
        pytest.param(8, 24, 12, 6, 3, 1, id="stride 6"),
        pytest.param(8, 24, 20, 10, 5, 1, id="stride 10"),
        pytest.param(8, 24, 6, 3, 2, 1, id="odd stride"),
        pytest.param(8, 24, 3, 2, 0, 2, id="stride and dilation"),
    ],
)
@pytest.mark.parametrize("length", [61, 120])
@pytest.mark.parametrize("batch", [1, 2])
def test_conv1d_equals_mlx_s(
    batch: int,
    length: int,
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int,
    padding: int,
    dilation: int,
) -> None:
    x = normal(batch, length, inputs)
    weight = normal(outputs, kernel, inputs, seed=1, scale=0.1)
    fast, _ = both(lambda ops: ops.conv1d(x, ops.fold_conv(weight), stride, padding, dilation))
    np.testing.assert_allclose(
        fast, np.array(mx.conv1d(x, weight, stride, padding, dilation)), atol=1e-5
    )


@pytest.mark.parametrize("stride", [2, 3, 4, 5, 6, 10])
@pytest.mark.parametrize("length", [1, 2, 33])
@pytest.mark.parametrize("batch", [1, 2])
def test_conv_transpose1d_equals_mlx_s(batch: int, length: int, stride: int) -> None:
    x = normal(batch, length, 12)
    weight = normal(5, 2 * stride, 12, seed=1, scale=0.1)
    padding = -(-stride // 2)
    fast, _ = both(
        lambda ops: ops.conv_transpose1d(
            x, ops.fold_conv_transpose(weight, stride), stride, padding
        )
    )
    np.testing.assert_allclose(
        fast, np.array(mx.conv_transpose1d(x, weight, stride, padding)), atol=1e-5
    )


def test_conv_transpose1d_without_padding() -> None:
    x = normal(1, 9, 6)
    weight = normal(4, 8, 6, seed=1)
    fast, plain = both(
        lambda ops: ops.conv_transpose1d(x, ops.fold_conv_transpose(weight, 4), 4, 0)
    )
    assert fast.shape == (1, 40, 4)
    np.testing.assert_allclose(fast, plain, atol=1e-5)


def test_another_kernel_than_twice_the_stride_is_refused() -> None:
    with pytest.raises(ValueError, match="must be twice its stride, got 5 and 2"):
        cpu_ops.fold_conv_transpose(normal(3, 5, 4), 2)


def test_convolutions_take_views() -> None:
    x = normal(12, 40, 2).transpose(2, 1, 0)
    weight = normal(30, 6, 12, seed=1, scale=0.1)
    fast, plain = both(lambda ops: ops.conv1d(x, ops.fold_conv(weight), 3, 2))
    np.testing.assert_allclose(fast, plain, atol=1e-5)
    weight = normal(5, 6, 12, seed=2, scale=0.1)
    fast, plain = both(
        lambda ops: ops.conv_transpose1d(x, ops.fold_conv_transpose(weight, 3), 3, 2)
    )
    np.testing.assert_allclose(fast, plain, atol=1e-5)


@pytest.mark.parametrize("channels", [3, 16])
@pytest.mark.parametrize("length", [5, 600, 5000])
def test_a_residual_is_the_same_in_blocks_of_rows(length: int, channels: int) -> None:
    """600 rows are one block, 5000 are several."""
    x = normal(1, length, channels)
    kernel = normal(channels, 7, channels, seed=1, scale=0.1)
    weights = {id(ops): ops.fold_conv(kernel) for ops in (cpu_ops, gpu_ops)}

    def add(ops: Ops) -> mx.array:
        def branch(rows: mx.array, padding: int) -> mx.array:
            return ops.conv1d(rows, weights[id(ops)], padding=padding, dilation=3)

        return ops.add_residual(x, branch, 9)

    fast, plain = both(add)
    assert fast.shape == x.shape
    np.testing.assert_allclose(fast, plain, atol=1e-5)


# --- the choice -----------------------------------------------------------------------------------


def test_the_device_that_is_the_default_now_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_ops() is cpu_ops
    monkeypatch.setattr(mx, "default_device", lambda: mx.Device(mx.gpu))
    assert choose_ops() is gpu_ops


IMPORT_ALL = """
import pipeline
import mlx.core as mx

def default_device():
    raise AssertionError("the default device was looked at")

mx.default_device = default_device
import pipeline.generate, pipeline.planner.loading, pipeline.device
"""


def test_nothing_looks_at_the_default_device_when_it_is_imported() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", IMPORT_ALL], env=environment, check=True)


@pytest.mark.parametrize("ops", [cpu_ops, gpu_ops])
def test_every_module_of_operations_has_all_of_them(ops: Ops) -> None:
    expected = {name for name in vars(Ops) if not name.startswith("_")} | {"DTYPE"}
    assert expected <= vars(ops).keys()


# --- without a compiler ---------------------------------------------------------------------------

COMPUTE = """
import sys
import mlx.core as mx
import numpy as np
from pipeline.networks import cpu_ops as ops
mx.set_default_device(mx.Device(mx.cpu))
x, one = (mx.array(array) for array in np.load(sys.argv[1]).values())
np.savez(sys.argv[2], ops.attention(x, x, x), ops.swiglu(x, x), ops.snake(x, one, one))
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="the system's compiler is found without PATH")
@pytest.mark.parametrize("compiler", ["absent", "broken"])
def test_a_machine_without_a_working_compiler_computes_the_same(
    tmp_path: Path, compiler: str
) -> None:
    """MLX asks for `g++ --version` and does without; where g++ then fails, it raises and
    `can_compile` is False.
    """
    if compiler == "broken":
        (tmp_path / "g++").write_text('#!/bin/sh\n[ "$1" = --version ]\n')
        (tmp_path / "g++").chmod(0o755)
    x = normal(1, 2, 100, 20)
    one = mx.linspace(0.5, 2.0, 20)
    given = tmp_path / "given.npz"
    made = tmp_path / "made.npz"
    np.savez(given, x, one)
    # MLX keeps there what it has compiled
    environment = os.environ | {
        "PATH": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", COMPUTE, str(given), str(made)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    expected = (
        cpu_ops.attention(x, x, x),
        cpu_ops.swiglu(x, x),
        cpu_ops.snake(x, one, one),
    )
    for array, reference in zip(np.load(made).values(), expected, strict=True):
        np.testing.assert_allclose(array, np.array(reference), atol=1e-5)


COMPILE_ALL = """
import mlx.core as mx
from pipeline.networks import cpu_ops

x = mx.random.normal((1, 2, 30, 20))
one = mx.ones(20)
for made in (cpu_ops.attention(x, x, x), cpu_ops.swiglu(x, x), cpu_ops.snake(x, one, one)):
    mx.eval(made)
"""


@pytest.mark.long
def test_every_compiled_part_of_a_formula_is_one_kernel(tmp_path: Path) -> None:
    """More of them would be as many passes over the memory, and calls of the compiler."""
    if not device.can_compile():
        pytest.skip("mx.compile wants a C++ compiler here")
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", COMPILE_ALL], env=environment, check=True)
    source = Path(cpu_ops.__file__).read_text()
    kernels = list(tmp_path.glob("mlx/*/cpu/*.so"))
    assert len(kernels) == source.count("@compile_if_possible\n") + 1, "and the one that is tried"
