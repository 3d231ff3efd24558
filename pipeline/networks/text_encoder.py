"""The text encoder (Qwen3-Embedding): captions go through all of it, lyrics only through its table
of embeddings.
"""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from .config import TextEncoderConfig
from .layers import make_encoder_layers
from .ops import Ops
from .typed import TypedModule
from .windows import make_causal_mask


class TextEncoder(TypedModule):
    """Token ids -> hidden states."""

    def __init__(self, config: TextEncoderConfig, ops: Ops) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = make_encoder_layers(config.stack, ops)
        self.norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)

    def __call__(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> the last hidden state of every token (B, T, width); causal, no pooling."""
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x, make_causal_mask(ids.shape[1]))
        states: mx.array = self.norm(x)
        return states

    def embed(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> (B, T, width), as lyrics are read."""
        embedded: mx.array = self.embed_tokens(ids)
        return embedded


def sanitize(weights: dict[str, mx.array]) -> dict[str, mx.array]:
    """The weights without `model.` in front: both styles of names are published."""
    return {name.removeprefix("model."): array for name, array in weights.items()}
