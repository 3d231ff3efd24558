"""The operations for a CPU. `ops.Ops` says what each does.

On a CPU, MLX's convolutions and its exp are slow (scalar, one thread), while a matrix product runs
at the BLAS library's speed: so convolutions become matrix products over shifted rows, and exp, SiLU
and sin become short polynomials that `mx.compile` fuses. Errors against the plain operations are
about 1e-6 (tests/networks/test_ops.py). Half precision takes the plain operations.

MLX makes one kernel, a pass over the memory and half a second of the C++ compiler, of a chain of a
dozen operations at most, and many of a longer one. So formulas are compiled in parts, cut where
little is passed on, and what is computed with a row or column for all others is done apart.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import mlx.core as mx

from ..device import compile_if_possible
from . import gpu_ops

DTYPE = mx.float32  # half-precision products are fifty times slower


def quantized_matmul(
    x: mx.array, weight: mx.array, scales: mx.array, biases: mx.array, group: int, bits: int
) -> mx.array:
    """MLX's own product of these runs on one number at a time on a CPU: here the matrix is unpacked
    for each use, which costs about as much as multiplying 200 rows by it.
    """
    return x @ mx.dequantize(weight, scales, biases, group, bits).T


# --- activations ----------------------------------------------------------------------------------

_ROUND = 12582912.0  # 1.5 * 2**23: adding it leaves a float32's integer part in its low bits
# Coefficients from the constant term up.
_EXP2 = (
    1.0,
    0.6931471805599453,
    0.2402265069591007,
    0.05550410866482158,
    0.009618129107628477,
    0.0013333558146428443,
    0.00015403530393381606,
)
_TANH_P = (
    4.89352455891786e-03,
    6.37261928875436e-04,
    1.48572235717979e-05,
    5.12229709037114e-08,
    -8.60467152213735e-11,
    2.00018790482477e-13,
    -2.76076847742355e-16,
)
_TANH_Q = (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)
_TANH_CUT = 3  # of P: what `_finish_tanh` adds
_TANH_LIMIT = 7.90531110763549805  # tanh is 1 in float32 from here on
_SIN2 = (
    9.869597434997559,
    -32.46839141845703,
    42.686222076416016,
    -29.64255714416504,
    10.952228546142578,
)


def _polynomial(x: mx.array, coefficients: tuple[float, ...]) -> mx.array:
    begun = coefficients[-1] * x + coefficients[-2]
    return _continue(begun, x, coefficients[:-2])


def _continue(total: mx.array, x: mx.array, coefficients: tuple[float, ...]) -> mx.array:
    """The polynomial of which `total` has the coefficients behind these already (Horner)."""
    for coefficient in coefficients[::-1]:
        total = total * x + coefficient
    return total


def _exp_below(x: mx.array, top: mx.array) -> mx.array:
    """exp(x - top) for x <= top: 2**n through the exponent bits, times a polynomial for the
    fraction.
    """
    whole, fraction, begun = _begin_exp(x, top)
    power = _finish_exp2(begun, fraction)
    return _raise_exponent(power.view(mx.int32), whole.view(mx.int32)).view(mx.float32)


@compile_if_possible
def _begin_exp(x: mx.array, top: mx.array) -> tuple[mx.array, mx.array, mx.array]:
    """Of (x - top) log2 e: the whole part, in the low bits, the fraction, and 2**fraction begun."""
    scaled = mx.maximum((x - top) * math.log2(math.e), -100.0)
    whole = scaled + _ROUND
    fraction = scaled - (whole - _ROUND)
    return whole, fraction, _polynomial(fraction, _EXP2[-2:])


@compile_if_possible
def _finish_exp2(begun: mx.array, fraction: mx.array) -> mx.array:
    return _continue(begun, fraction, _EXP2[:-2])


@compile_if_possible
def _raise_exponent(bits: mx.array, whole: mx.array) -> mx.array:
    """The bits of a float32, multiplied with 2**whole."""
    return bits + mx.left_shift(whole, mx.array(23, mx.int32))


def tanh(x: mx.array) -> mx.array:
    """The float32 hyperbolic tangent without its exp, to be fused by `mx.compile`."""
    return _finish_tanh(*_begin_tanh(x))


def _begin_tanh(x: mx.array) -> tuple[mx.array, mx.array]:
    """x within the limits, and the polynomial P begun."""
    x = mx.minimum(mx.maximum(x, -_TANH_LIMIT), _TANH_LIMIT)
    return x, _polynomial(x * x, _TANH_P[_TANH_CUT:])


def _finish_tanh(x: mx.array, begun: mx.array) -> mx.array:
    square = x * x
    p = _continue(begun, square, _TANH_P[:_TANH_CUT])
    return x * p / _polynomial(square, _TANH_Q)


@compile_if_possible
def _begin_swiglu(gate: mx.array) -> tuple[mx.array, mx.array]:
    return _begin_tanh(0.5 * gate)


@compile_if_possible
def _finish_swiglu(gate: mx.array, up: mx.array, x: mx.array, begun: mx.array) -> mx.array:
    half = 0.5 * gate
    return (half + half * _finish_tanh(x, begun)) * up


@compile_if_possible
def _square_rest(x: mx.array, frequency_over_pi: mx.array) -> mx.array:
    """The square of how far t = a x / pi is from a whole number."""
    turns = x * frequency_over_pi
    rest = turns - ((turns + _ROUND) - _ROUND)
    return rest * rest


@compile_if_possible
def _square_sine(square: mx.array) -> mx.array:
    """sin(pi t)^2 of t^2, for t from -1/2 to 1/2."""
    return square * _polynomial(square, _SIN2)


def swiglu(gate: mx.array, up: mx.array) -> mx.array:
    if gate.dtype != mx.float32:
        return gpu_ops.swiglu(gate, up)
    return _finish_swiglu(gate, up, *_begin_swiglu(gate))


def snake(x: mx.array, alpha: mx.array, inverse_beta: mx.array) -> mx.array:
    if x.dtype != mx.float32:
        return gpu_ops.snake(x, alpha, inverse_beta)
    # sin(a x)^2 = sin(pi t)^2 with t = a x / pi repeats with every whole t
    return x + inverse_beta * _square_sine(_square_rest(x, alpha / math.pi))


# --- attention ------------------------------------------------------------------------------------


def attention(q: mx.array, k: mx.array, v: mx.array, mask: mx.array | None = None) -> mx.array:
    if q.dtype != mx.float32:
        return gpu_ops.attention(q, k, v, mask)
    scale = q.shape[-1] ** -0.5
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


# --- convolutions ---------------------------------------------------------------------------------

_BLOCK = 2**18  # numbers in one block of rows: a megabyte
_FEWEST_ROWS = 512


def fold_conv(weight: mx.array) -> mx.array:
    """(out, kernel, in) -> (kernel, in, out): a matrix for every tap."""
    return mx.contiguous(weight.transpose(1, 2, 0))


def conv1d(
    x: mx.array, weight: mx.array, stride: int = 1, padding: int = 0, dilation: int = 1
) -> mx.array:
    kernel, inputs, outputs = weight.shape
    x = mx.pad(x, [(0, 0), (padding, padding), (0, 0)]) if padding else x
    length = (x.shape[1] - dilation * (kernel - 1) - 1) // stride + 1
    if stride == 1 and outputs * kernel <= 64:
        # few outputs: one wide product, then the shifted columns are added
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


def fold_conv_transpose(weight: mx.array, stride: int) -> mx.array:
    """(out, 2 * stride, in) -> a table (2 * in, stride * out).

    With a kernel of twice the stride every output mixes two neighbouring inputs, so the convolution
    is one product of pairs of rows with that table.
    """
    outputs, kernel, inputs = weight.shape
    if kernel != 2 * stride:
        raise ValueError(
            "the kernel of a transposed convolution must be twice its stride, "
            f"got {kernel} and {stride}"
        )
    # the earlier input meets the kernel's later half
    halves = weight.reshape(outputs, 2, stride, inputs)[:, ::-1]
    return mx.contiguous(halves.transpose(1, 3, 2, 0).reshape(2 * inputs, stride * outputs))


def conv_transpose1d(x: mx.array, weight: mx.array, stride: int, padding: int) -> mx.array:
    batch, length, inputs = x.shape
    x = mx.contiguous(mx.pad(x, [(0, 0), (1, 1), (0, 0)]))
    pairs = mx.as_strided(x, (batch, length + 1, 2 * inputs), ((length + 2) * inputs, inputs, 1))
    rows = (pairs @ weight).reshape(batch, (length + 1) * stride, -1)
    return rows[:, padding : rows.shape[1] - padding]


def add_residual(x: mx.array, branch: Callable[[mx.array, int], mx.array], reach: int) -> mx.array:
    """In blocks of rows. Zeros around x do for the padding inside of the branch."""

    def add(rows: mx.array) -> mx.array:
        return rows[:, reach:-reach] + branch(rows, 0)

    return _map_blocks(add, x, reach)


def _map_blocks(function: Callable[[mx.array], mx.array], x: mx.array, halo: int) -> mx.array:
    """`function` of x (B, L, C) with `halo` rows of zeros around it -> L rows again.

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
