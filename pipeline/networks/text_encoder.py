"""The text encoder (Qwen3-Embedding): captions go through all of it, lyrics through its embedding
table only.
"""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from .config import TextEncoderConfig
from .layers import encoder_layers
from .ops import Ops
from .windows import causal_mask


class TextEncoder(nn.Module):
    def __init__(self, config: TextEncoderConfig, ops: Ops) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = encoder_layers(config.stack, ops)
        self.norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)

    def __call__(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> the last hidden state of every token (B, T, width); causal, no pooling."""
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x, causal_mask(ids.shape[1]))
        return self.norm(x)

    def embed(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> (B, T, width): the lyric path."""
        return self.embed_tokens(ids)


def sanitize(weights: dict[str, mx.array]) -> dict[str, mx.array]:
    """Both name styles are published: with and without `model.` in front."""
    return {name.removeprefix("model."): array for name, array in weights.items()}
