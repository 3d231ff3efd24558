"""The operations that want another formulation on a CPU than on a GPU; the networks read the same
on both.

On Metal every function is the plain MLX operation. On a CPU, MLX's convolutions and its exp are
slow (scalar, one thread), while a matrix product runs at the BLAS library's speed: so convolutions
become matrix products over shifted rows, and exp, SiLU and sin become short polynomials that
`mx.compile` fuses. Errors against the plain operations are about 1e-6 (tests/networks/test_ops.py). All
arrays are channels last.
"""

from __future__ import annotations

import atexit
import functools
import math
import os
import time
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import mlx.core as mx

# as it is when this is imported; later changes are not followed
ON_CPU = mx.default_device() == mx.Device(mx.cpu)


def leave_thread() -> None:
    """To be called at the end of every thread that used MLX: its workers abort the process when
    they outlive it.
    """
    mx.synchronize()
    mx.clear_streams()


atexit.register(mx.clear_streams)  # the same for the main thread


@functools.cache
def can_compile() -> bool:
    """Whether `mx.compile` works here; where it does not, MLX is told to do without.

    On a CPU it calls the C++ compiler, which a machine may not have, and keeps what it made in a
    folder among the temporary files, which may belong to another user.
    """
    try:
        made = Path(os.environ.get("TMPDIR", "/tmp")) / "mlx" / metadata.version("mlx") / "cpu"
        if ON_CPU and made.exists() and not os.access(made, os.W_OK):
            raise PermissionError(made)
        mx.eval(mx.compile(lambda x: mx.exp(x) * 3 + x)(mx.zeros((3,))))
    except Exception:
        mx.disable_compile()
        return False
    return True


def device() -> str:
    """What computes here, for people: GPU or CPU, and MLX's version."""
    return f"{'CPU' if ON_CPU else 'GPU'}, MLX {metadata.version('mlx')}"


def matmul_speed() -> float:
    """GFLOP/s of a square float32 product, which tells a fast BLAS from a slow one."""
    a = mx.random.normal((1024, 1024), key=mx.random.key(0))
    mx.eval(a @ a)
    started = time.perf_counter()
    mx.eval(a @ a)
    return 2 * 1024**3 / (time.perf_counter() - started) / 1e9


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`mx.compile` where it works, the function itself elsewhere. Decided at the first call."""
    fused = mx.compile(function)

    @functools.wraps(function)
    def call(*arrays: mx.array) -> Any:
        return fused(*arrays) if can_compile() else function(*arrays)

    return call


def quantized_matmul(
    x: mx.array, weight: mx.array, scales: mx.array, biases: mx.array, group: int, bits: int
) -> mx.array:
    """x (..., in) times a quantised matrix (out, in) -> (..., out).

    MLX's own product of these runs on one number at a time on a CPU: there the matrix is unpacked
    for each use, which costs about as much as multiplying 200 rows by it.
    """
    if ON_CPU:
        return x @ mx.dequantize(weight, scales, biases, group, bits).T
    return mx.quantized_matmul(
        x, weight, scales, biases, transpose=True, group_size=group, bits=bits
    )


# --- activations ----------------------------------------------------------------------------------

_ROUND = 12582912.0  # 1.5 * 2**23: adding it leaves a float32's integer part in its low bits
# Coefficients from the constant term up.
# fmt: off
_EXP2 = (1.0, 0.6931471805599453, 0.2402265069591007, 0.05550410866482158, 0.009618129107628477, 0.0013333558146428443,
         0.00015403530393381606)
_TANH_P = (4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08,
           -8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16)
# fmt: on
_TANH_Q = (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)
_TANH_LIMIT = 7.90531110763549805  # tanh is 1 in float32 from here on
_SIN2 = (
    9.869597434997559,
    -32.46839141845703,
    42.686222076416016,
    -29.64255714416504,
    10.952228546142578,
)


def _polynomial(x: mx.array, coefficients: tuple[float, ...]) -> mx.array:
    total = coefficients[-1] * x + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        total = total * x + coefficient
    return total


@compiled
def _exp_below(x: mx.array, top: mx.array) -> mx.array:
    """exp(x - top) for x <= top: 2**n through the exponent bits, times a polynomial for the
    fraction.
    """
    scaled = mx.maximum((x - top) * math.log2(math.e), -100.0)
    whole = scaled + _ROUND
    fraction = _polynomial(scaled - (whole - _ROUND), _EXP2)
    bits = fraction.view(mx.int32) + mx.left_shift(whole.view(mx.int32), mx.array(23, mx.int32))
    return bits.view(mx.float32)


@compiled
def _swiglu(gate: mx.array, up: mx.array) -> mx.array:
    half = 0.5 * gate
    x = mx.minimum(mx.maximum(half, -_TANH_LIMIT), _TANH_LIMIT)
    square = x * x
    tanh = x * _polynomial(square, _TANH_P) / _polynomial(square, _TANH_Q)
    return (half + half * tanh) * up


@compiled
def _snake(x: mx.array, frequency_over_pi: mx.array, inverse_beta: mx.array) -> mx.array:
    """sin(a x)^2 = sin(pi t)^2 with t = a x / pi, which repeats with every whole t."""
    turns = x * frequency_over_pi
    rest = turns - ((turns + _ROUND) - _ROUND)
    square = rest * rest
    return x + inverse_beta * (square * _polynomial(square, _SIN2))


@partial(
    mx.compile, shapeless=True
)  # one kernel for every length: a trace for each would be memory that never returns
def _plain_swiglu(gate: mx.array, up: mx.array) -> mx.array:
    return gate * mx.sigmoid(gate) * up


@partial(mx.compile, shapeless=True)
def _plain_snake(x: mx.array, alpha: mx.array, inverse_beta: mx.array) -> mx.array:
    return x + mx.square(mx.sin(alpha * x)) * inverse_beta


def swiglu(gate: mx.array, up: mx.array) -> mx.array:
    """silu(gate) * up."""
    return _swiglu(gate, up) if ON_CPU and gate.dtype == mx.float32 else _plain_swiglu(gate, up)


def snake(x: mx.array, alpha: mx.array, inverse_beta: mx.array) -> mx.array:
    """x + sin(alpha x)^2 * inverse_beta, the two of shape (channels,)."""
    if ON_CPU and x.dtype == mx.float32:
        return _snake(x, alpha / math.pi, inverse_beta)
    return _plain_snake(x, alpha, inverse_beta)


# --- attention ------------------------------------------------------------------------------------


def attention(q: mx.array, k: mx.array, v: mx.array, mask: mx.array | None = None) -> mx.array:
    """Softmax attention, grouped: q (B, heads, T, d), k and v (B, kv_heads, S, d) -> (B, heads, T,
    d).

    `mask` is added to the scores and broadcasts to (B, 1, T, S).
    """
    scale = q.shape[-1] ** -0.5
    if not (ON_CPU and q.dtype == mx.float32):
        mask = mask if mask is None else mask.astype(q.dtype)
        return mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask=mask)
    batch, heads, length, size = q.shape
    groups = k.shape[1]
    # the heads of a group share its keys
    q = (q * scale).reshape(batch, groups, heads // groups * length, size)
    scores = q @ k.swapaxes(-1, -2)
    if mask is not None:
        scores = (
            scores.reshape(batch, groups, heads // groups, length, -1) + mask[:, :, None]
        ).reshape(scores.shape)
    weights = _exp_below(scores, mx.max(scores, axis=-1, keepdims=True))
    out = (weights @ v) / mx.sum(weights, axis=-1, keepdims=True)
    return out.reshape(batch, heads, length, size)


def window_attention(q: mx.array, k: mx.array, v: mx.array, window: int) -> mx.array:
    """Attention in which position i sees the positions j with |i - j| <= window.

    Long sequences are cut into blocks of `window` queries that see three blocks of keys, so the
    cost grows with the length and not with its square.
    """
    length = q.shape[2]
    if length <= 3 * window:
        return attention(q, k, v, band_mask(length, window) if length > window + 1 else None)
    blocks = -(-length // window)
    pad = blocks * window - length
    q = _blocks(mx.pad(q, [(0, 0), (0, 0), (0, pad), (0, 0)]), blocks, window, window)
    around = [(0, 0), (0, 0), (window, window + pad), (0, 0)]
    k, v = (_blocks(mx.pad(x, around), blocks, 3 * window, window) for x in (k, v))
    out = attention(q, k, v, mx.tile(_block_mask(length, window), (q.shape[0] // blocks, 1, 1, 1)))
    batch = q.shape[0] // blocks
    heads = q.shape[1]
    size = q.shape[3]
    out = out.reshape(batch, blocks, heads, window, size).transpose(0, 2, 1, 3, 4)
    return out.reshape(batch, heads, blocks * window, size)[:, :, :length]


def _blocks(x: mx.array, count: int, size: int, step: int) -> mx.array:
    """(B, heads, T, d) -> (B * count, heads, size, d): windows of `size` that start `step`
    apart.
    """
    batch, heads, length, width = x.shape
    row = (heads * length * width, step * width, length * width, width, 1)
    windows = mx.as_strided(mx.contiguous(x), (batch, count, heads, size, width), row)
    return windows.reshape(batch * count, heads, size, width)


@functools.lru_cache(maxsize=8)
def band_mask(length: int, window: int) -> mx.array:
    """(1, 1, length, length): 0 where |i - j| <= window, a large negative number elsewhere."""
    i = mx.arange(length)
    return _constant(mx.where(mx.abs(i[:, None] - i[None]) <= window, 0.0, -1e9)[None, None])


@functools.lru_cache(maxsize=8)
def _block_mask(length: int, window: int) -> mx.array:
    """(blocks, 1, window, 3 * window): the same band, seen from each block; the padding is outside
    of it.
    """
    blocks = -(-length // window)
    query = mx.arange(window)[:, None]
    key = mx.arange(3 * window)[None] - window
    place = (mx.arange(blocks) * window)[:, None, None] + key
    inside = (mx.abs(key - query) <= window)[None] & (place >= 0) & (place < length)
    return _constant(mx.where(inside, 0.0, -1e9)[:, None])


@functools.lru_cache(maxsize=8)
def causal_mask(length: int) -> mx.array:
    """(1, 1, length, length): position i sees 0..i."""
    return _constant(mx.triu(mx.full((length, length), -1e9), k=1)[None, None])


def _constant(array: mx.array) -> mx.array:
    """Computed now: a cached array that is still a recipe can only be used on the thread that made
    it.
    """
    mx.eval(array)
    return array


# --- convolutions ---------------------------------------------------------------------------------
_BLOCK = 2**18  # numbers in one block of rows: a megabyte
_FEWEST_ROWS = 512

# Weights are brought into the device's form once, at load: `fold_conv` and `fold_conv_transpose`.


def fold_conv(weight: mx.array) -> mx.array:
    """(out, kernel, in) -> what `conv1d` takes here: on a CPU (kernel, in, out), a matrix for every
    tap.
    """
    return mx.contiguous(weight.transpose(1, 2, 0) if ON_CPU else weight)


def conv1d(
    x: mx.array, weight: mx.array, stride: int = 1, padding: int = 0, dilation: int = 1
) -> mx.array:
    """x (B, L, in) with a folded weight -> (B, L', out)."""
    if not ON_CPU:
        return mx.conv1d(x, weight, stride, padding, dilation)
    kernel, inputs, outputs = weight.shape
    x = mx.pad(x, [(0, 0), (padding, padding), (0, 0)]) if padding else x
    length = (x.shape[1] - dilation * (kernel - 1) - 1) // stride + 1
    if (
        stride == 1 and outputs * kernel <= 64
    ):  # few outputs: one wide product, then the shifted columns are added
        wide = x @ weight.transpose(1, 0, 2).reshape(inputs, kernel * outputs)
        columns = (
            wide[:, k * dilation :, k * outputs : (k + 1) * outputs][:, :length]
            for k in range(kernel)
        )
        return functools.reduce(mx.add, columns)
    if stride == 1 and inputs >= 16:  # one product per tap
        total = x[:, :length] @ weight[0]
        for k in range(1, kernel):
            total = mx.addmm(total, x[:, k * dilation :][:, :length], weight[k])
        return total
    batch, rows, _ = x.shape
    strides = (rows * inputs, stride * inputs, dilation * inputs, 1)
    windows = mx.as_strided(mx.contiguous(x), (batch, length, kernel, inputs), strides)
    return windows.reshape(batch, length, kernel * inputs) @ weight.reshape(
        kernel * inputs, outputs
    )


def by_rows(function: Callable[[mx.array], mx.array], x: mx.array, halo: int) -> mx.array:
    """`function` of x (B, L, C) with `halo` rows of zeros around it, which returns L rows again.

    In blocks of rows, so that what lies between the function's operations stays in a CPU's cache.
    """
    length = x.shape[1]
    x = mx.pad(x, [(0, 0), (halo, halo), (0, 0)])
    rows = max(_FEWEST_ROWS, _BLOCK // x.shape[2])
    if length <= rows:
        return function(x)
    return mx.concatenate(
        [function(x[:, at : at + rows + 2 * halo]) for at in range(0, length, rows)], axis=1
    )


def fold_conv_transpose(weight: mx.array, stride: int) -> mx.array:
    """(out, 2 * stride, in) -> what `conv_transpose1d` takes here.

    With a kernel of twice the stride every output mixes two neighbouring inputs, so on a CPU the
    convolution is one product of pairs of rows with a table (2 * in, stride * out).
    """
    if not ON_CPU:
        return mx.contiguous(weight)
    outputs, kernel, inputs = weight.shape
    if kernel != 2 * stride:
        raise ValueError(
            f"the kernel of a transposed convolution must be twice its stride, got {kernel} and {stride}"
        )
    # the earlier input meets the kernel's later half
    halves = weight.reshape(outputs, 2, stride, inputs)[:, ::-1]
    return mx.contiguous(halves.transpose(1, 3, 2, 0).reshape(2 * inputs, stride * outputs))


def conv_transpose1d(x: mx.array, weight: mx.array, stride: int, padding: int) -> mx.array:
    """x (B, L, in) with a folded weight -> (B, (L + 1) * stride - 2 * padding, out)."""
    if not ON_CPU:
        return mx.conv_transpose1d(x, weight, stride, padding)
    batch, length, inputs = x.shape
    x = mx.contiguous(mx.pad(x, [(0, 0), (1, 1), (0, 0)]))
    pairs = mx.as_strided(x, (batch, length + 1, 2 * inputs), ((length + 2) * inputs, inputs, 1))
    rows = (pairs @ weight).reshape(batch, (length + 1) * stride, -1)
    return rows[:, padding : rows.shape[1] - padding]
