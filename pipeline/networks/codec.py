"""The audio tokenizer and detokenizer: 25 Hz latents <-> 5 Hz codes (finite scalar quantisation,
64,000 codes).
"""

from __future__ import annotations

import mlx.core as mx
import numpy as np
from mlx import nn

from .config import AceStepConfig
from .layers import TransformerEncoder
from .ops import Ops
from .typed import TypedModule


class Pooler(TransformerEncoder):
    """Five frames -> one token: the output of a learned token that is put in front of them."""

    def __init__(self, config: AceStepConfig, ops: Ops) -> None:
        super().__init__(
            config.encoder_stack(config.num_attention_pooler_hidden_layers),
            ops,
            config.condition_size,
        )
        self.special_token = mx.zeros((1, 1, config.condition_size))

    def __call__(self, x: mx.array) -> mx.array:
        """(B, T, window, width) -> (B, T, width)."""
        batch, tokens, window, width = x.shape
        x = self.embed_tokens(x.reshape(batch * tokens, window, width))
        token = mx.broadcast_to(self.special_token, (batch * tokens, 1, width))
        encoded = self.encode(mx.concatenate([token, x], axis=1))
        return encoded[:, 0].reshape(batch, tokens, width)


class Quantizer(TypedModule):
    """Finite scalar quantisation: every dimension is rounded to one of its few levels."""

    def __init__(self, config: AceStepConfig) -> None:
        super().__init__()
        self.project_in = nn.Linear(config.condition_size, len(config.fsq_input_levels))
        self.project_out = nn.Linear(len(config.fsq_input_levels), config.condition_size)
        self._levels = config.fsq_input_levels

    def bound(self, x: mx.array) -> mx.array:
        """(..., width) -> (..., dims) softly clamped just outside [-1, 1]."""
        limit = 1 + 1 / (mx.array(self._levels, mx.float32) - 1)
        return mx.tanh(self.project_in(x).astype(mx.float32) / limit) * limit

    def round_to_levels(self, bounded: mx.array) -> mx.array:
        """(..., dims), as `bound` returns it -> the level of every dimension, 0..L-1 (int32)."""
        steps = mx.array(self._levels, mx.float32) - 1
        return mx.floor(steps * (mx.clip(bounded, -1, 1) + 1) / 2 + 0.5).astype(mx.int32)

    def pack_levels(self, levels: mx.array) -> mx.array:
        """Levels (..., dims) -> codes (...): one number, the first level varying fastest."""
        return mx.sum(levels * mx.array(self._bases(), mx.int32), axis=-1)

    def unpack_codes(self, codes: mx.array) -> mx.array:
        """Codes (...) -> (..., dims) in [-1, 1]."""
        counts = mx.array(self._levels, mx.int32)
        levels = (codes[..., None].astype(mx.int32) // mx.array(self._bases(), mx.int32)) % counts
        return levels.astype(mx.float32) * 2 / (counts.astype(mx.float32) - 1) - 1

    def dequantise(self, codes: mx.array) -> mx.array:
        """Codes (...) -> tokens (..., width)."""
        vectors = self.unpack_codes(codes).astype(self.project_out.weight.dtype)
        tokens: mx.array = self.project_out(vectors)
        return tokens

    def _bases(self) -> list[int]:
        bases = [1]
        for count in self._levels[:-1]:
            bases.append(bases[-1] * count)
        return bases


class AudioTokenizer(TypedModule):
    """Latents -> codes."""

    def __init__(self, config: AceStepConfig, ops: Ops) -> None:
        super().__init__()
        self.audio_acoustic_proj = nn.Linear(
            config.audio_acoustic_hidden_dim, config.condition_size
        )
        self.attention_pooler = Pooler(config, ops)
        self.quantizer = Quantizer(config)
        self._window = config.pool_window_size

    def pool(self, latents: mx.array) -> mx.array:
        """(B, T, 64), T a multiple of the window (5) -> (B, T / 5, width)."""
        batch, length, _ = latents.shape
        x = self.audio_acoustic_proj(latents)
        return self.attention_pooler(x.reshape(batch, length // self._window, self._window, -1))

    def __call__(self, latents: mx.array) -> mx.array:
        """(B, T, 64) -> codes (B, T / 5)."""
        bounded = self.quantizer.bound(self.pool(latents))
        return self.quantizer.pack_levels(self.quantizer.round_to_levels(bounded))


class Detokenizer(TransformerEncoder):
    """Tokens -> latents, five frames from each."""

    def __init__(self, config: AceStepConfig, ops: Ops) -> None:
        super().__init__(
            config.encoder_stack(config.num_attention_pooler_hidden_layers),
            ops,
            config.condition_size,
        )
        self.special_tokens = mx.zeros((1, config.pool_window_size, config.condition_size))
        self.proj_out = nn.Linear(config.condition_size, config.audio_acoustic_hidden_dim)

    def __call__(self, x: mx.array) -> mx.array:
        """Quantised tokens (B, T, width) -> 25 Hz latents (B, T * 5, 64)."""
        batch, tokens, width = x.shape
        x = self.embed_tokens(x)[:, :, None] + self.special_tokens[:, None]  # (B, T, 5, width)
        x = self.encode(x.reshape(batch * tokens, -1, width))
        return self.proj_out(x).reshape(batch, -1, self.proj_out.weight.shape[0])


def make_token_mask(mask: mx.array, window: int) -> mx.array:
    """Which frames of a padded batch are music, (B, T) -> which of its codes hold any of it,
    (B, ceil(T / window)).
    """
    frames = np.array(mask)
    frames = np.pad(frames, ((0, 0), (0, -frames.shape[1] % window)))
    return mx.array(frames.reshape(len(frames), -1, window).max(axis=2))
