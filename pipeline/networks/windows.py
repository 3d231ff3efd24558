"""Attention within a window, and the masks that are added to scores. The same on every device."""

from __future__ import annotations

import functools
from typing import Protocol

import mlx.core as mx


class Attend(Protocol):
    """`Ops.attention`."""

    def __call__(
        self, q: mx.array, k: mx.array, v: mx.array, mask: mx.array | None = None
    ) -> mx.array: ...


def window_attention(
    attention: Attend, q: mx.array, k: mx.array, v: mx.array, window: int
) -> mx.array:
    """Attention in which position i sees the positions j with |i - j| <= window.

    Long sequences are cut into blocks of `window` queries that see three blocks of keys, so the
    cost grows with the length and not with its square.
    """
    batch, heads, length, size = q.shape
    if length <= window + 1:
        return attention(q, k, v)
    if length <= 3 * window:
        return attention(q, k, v, make_band_mask(length, window))
    count = -(-length // window)
    padding = count * window - length
    q = _cut_blocks(mx.pad(q, [(0, 0), (0, 0), (0, padding), (0, 0)]), count, window, window)
    around = [(0, 0), (0, 0), (window, window + padding), (0, 0)]
    k, v = (_cut_blocks(mx.pad(x, around), count, 3 * window, window) for x in (k, v))
    mask = mx.tile(_make_block_mask(length, window), (batch, 1, 1, 1))
    out = attention(q, k, v, mask).reshape(batch, count, heads, window, size)
    out = out.transpose(0, 2, 1, 3, 4).reshape(batch, heads, count * window, size)
    return out[:, :, :length]


def _cut_blocks(x: mx.array, count: int, size: int, step: int) -> mx.array:
    """(B, heads, T, d) -> (B * count, heads, size, d): windows of `size` frames, every `step`."""
    batch, heads, length, width = x.shape
    row = (heads * length * width, step * width, length * width, width, 1)
    windows = mx.as_strided(mx.contiguous(x), (batch, count, heads, size, width), row)
    return windows.reshape(batch * count, heads, size, width)


@functools.lru_cache(maxsize=8)
def make_band_mask(length: int, window: int) -> mx.array:
    """(1, 1, length, length): 0 where |i - j| <= window, a large negative number elsewhere."""
    i = mx.arange(length)
    return _evaluate(mx.where(mx.abs(i[:, None] - i[None]) <= window, 0.0, -1e9)[None, None])


@functools.lru_cache(maxsize=8)
def _make_block_mask(length: int, window: int) -> mx.array:
    """(blocks, 1, window, 3 * window): the same band for each block. The padding is outside of
    it.
    """
    blocks = -(-length // window)
    query = mx.arange(window)[:, None]
    key = mx.arange(3 * window)[None] - window
    place = (mx.arange(blocks) * window)[:, None, None] + key
    inside = (mx.abs(key - query) <= window)[None] & (place >= 0) & (place < length)
    return _evaluate(mx.where(inside, 0.0, -1e9)[:, None])


@functools.lru_cache(maxsize=8)
def make_causal_mask(length: int) -> mx.array:
    """(1, 1, length, length): position i sees 0..i."""
    return _evaluate(mx.triu(mx.full((length, length), -1e9), k=1)[None, None])


def _evaluate(array: mx.array) -> mx.array:
    """The array, computed now: a cached one that is still a graph can only be used on the thread
    that made it.
    """
    mx.eval(array)
    return array
