"""Clips that end where they begin: latents and waveforms taken as a circle.

A loop has the whole latent frames next to its length, and its decoded audio is brought to the exact
length by an exact periodic resampling: at most half a frame (20 ms) over the whole loop, which is 4
cents of pitch in 8 seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import mlx.core as mx
import numpy as np

from .audio import Waveform
from .cost import count_copies

_GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples are spread over the circle as evenly as any

# state (B, T, 64) and context (B, T, 128) -> velocity (B, T, 64)
Network = Callable[[mx.array, mx.array], mx.array]


def predict_circle(network: Network, x: mx.array, context: mx.array, step: int) -> mx.array:
    """The velocity of a circle x. In every step another place of it is the clip's beginning, so
    that none stays one.

    A circle that is shorter than the model's shortest clip is shown several times, and all are
    answered alike.
    """
    batch, frames, channels = x.shape
    copies = count_copies(frames)
    turn = int(frames * (step * _GOLDEN % 1))
    turned = (mx.roll(mx.tile(array, (1, copies, 1)), turn, 1) for array in (x, context))
    velocity = mx.roll(network(*turned), -turn, 1)
    return mx.mean(velocity.reshape(batch, copies, frames, channels), axis=1)


def surround(circle: mx.array, frames: int) -> mx.array:
    """(B, T, 64) -> (B, frames + T + frames, 64): with what comes before its beginning and after
    its end.
    """
    length = circle.shape[1]
    # indices of 32 bits, and `take`: brackets make 64 of them, for which Metal may lack a kernel
    place = np.arange(-frames, length + frames, dtype=np.int32) % length
    return mx.take(circle, mx.array(place), axis=1)


def fold_tail(waveform: Waveform, samples: int) -> Waveform:
    """A waveform (N, 2) whose end rings on over its beginning: (samples, 2)."""
    whole = waveform[:samples].copy()
    for start in range(samples, len(waveform), samples):
        tail = waveform[start : start + samples]
        whole[: len(tail)] += tail
    return whole
