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
