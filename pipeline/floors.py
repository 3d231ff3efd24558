"""How fast a take could be at best: the work of its two big stages, and what this machine can do.

The work of a stage is what its formulas cannot do without, whatever the implementation: each
product is a multiplication and an addition (2 FLOP), and what has to be read or written once
counts in bytes. The floor is the longer of two times: the FLOP at the speed of a large matrix
product, or the bytes at the speed of a copy, both measured here and now.

**Diffusion**, a pass over a clip of T frames: n = ceil(T / patch) tokens of width D go through
every layer, with A = heads x head size and B = kv heads x head size:

    projections   D (2 A + 2 B) for self-attention's q, o, k, v; 2 D A for cross-attention's q, o;
                  3 D I for the gated MLP: one product for each weight and token
    self          2 s A products for each token, s being how many it sees: n, or at most 2 w + 1
                  where a window of w slides over it (scores, and their sum of values)
    cross         2 c A products for each token, c tokens being the condition

and through the patches at both ends, patch x D x (inputs + outputs). Cross-attention's keys and
values are made once for a take and are left out, as are norms, activations and the time's
embedding. Bytes: every one of those weights once in each pass.

**Decode**, T frames: a convolution has kernel x in x out products for each of its outputs; a
transposed one has 2 x stride taps, of which each output sees two, so 2 x in x out. A block that
goes from width a to b multiplies the length by its stride and has, for each output, 2 a b and
three residual units of (7 + 1) b b. Bytes: what every convolution reads and writes, once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import mlx.core as mx

from . import blas, device
from .networks.bfloat16 import Bfloat16Matrix
from .networks.config import AceStepConfig, VAEConfig

_PRODUCT = 2048  # rows and columns of the matrices that are multiplied
_COPY = 2**26  # numbers that are copied
_TRIES = 5


class Work(NamedTuple):
    flop: float
    bytes: float

    def repeat(self, times: float) -> Work:
        return Work(self.flop * times, self.bytes * times)


class Speed(NamedTuple):
    """FLOP and bytes in a second: of a matrix product, and of a copy that reads and writes."""

    flop: float
    bytes: float

    def find_floor(self, work: Work) -> float:
        """The seconds that the work takes at least."""
        return max(work.flop / self.flop, work.bytes / self.bytes)


def count_pass(config: AceStepConfig, frames: int, condition: int, size: int) -> Work:
    """One pass of the DiT over so many frames, with a condition of so many tokens. `size`: bytes of
    a weight.
    """
    stack = config.decoder_stack
    tokens = -(-frames // config.patch_size)
    width = stack.hidden_size
    queries = stack.num_attention_heads * stack.head_dim
    keys = stack.num_key_value_heads * stack.head_dim
    layer = width * (2 * queries + 2 * keys) + 2 * width * queries
    layer += 3 * width * stack.intermediate_size
    latent = config.audio_acoustic_hidden_dim
    ends = config.patch_size * width * (config.in_channels + latent)
    weights = len(stack.windows) * layer + ends
    seen = sum(
        tokens if window is None else min(tokens, 2 * window + 1) for window in stack.windows
    )
    attention = 2 * queries * (seen + len(stack.windows) * condition)
    return Work(2.0 * tokens * (weights + attention), float(size * weights))


def count_decode(config: VAEConfig, frames: int, size: int = 4) -> Work:
    """Decoding so many frames. `size`: bytes of a number."""
    widths = [config.decoder_channels * m for m in (1, *config.channel_multiples)][::-1]
    length = frames
    products = 7 * config.decoder_input_channels * widths[0] * length
    moved = (config.decoder_input_channels + widths[0]) * length
    for before, after, stride in zip(widths, widths[1:], config.downsampling_ratios[::-1]):
        moved += before * length
        length *= stride
        products += (2 * before * after + 3 * 8 * after * after) * length
        moved += after * length + 3 * 2 * 2 * after * length
    products += 7 * widths[-1] * config.audio_channels * length
    moved += (widths[-1] + config.audio_channels) * length
    return Work(2.0 * products, float(size * moved))


def measure_speed(dtype: mx.Dtype) -> Speed:
    """Of this machine with matrices of that dtype, the best of a few tries."""
    a = mx.random.normal((_PRODUCT, _PRODUCT), key=mx.random.key(0))
    half = a.astype(dtype)
    multiply = partial(mx.matmul, half, half)
    if dtype == mx.bfloat16 and device.is_cpu() and blas.is_bfloat16_fast():
        multiply = partial(Bfloat16Matrix(half).multiply, a)
    product = _find_shortest(multiply)
    numbers = mx.zeros((_COPY,), mx.float32)
    copy = _find_shortest(lambda: numbers + 1)
    return Speed(2 * _PRODUCT**3 / product, 2 * numbers.nbytes / copy)


def _find_shortest(compute: Callable[[], mx.array]) -> float:
    """The seconds of the shortest try; a first one warms up."""
    shortest = math.inf
    for number in range(_TRIES + 1):
        started = time.perf_counter()
        mx.eval(compute())
        if number:
            shortest = min(shortest, time.perf_counter() - started)
    return shortest
