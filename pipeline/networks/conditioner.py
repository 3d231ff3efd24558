"""The condition encoder: caption states, lyric embeddings and reference audio become the sequence
that the DiT reads.
"""

from __future__ import annotations

import mlx.core as mx
import numpy as np
from mlx import nn

from .config import AceStepConfig
from .layers import TransformerEncoder
from .ops import Ops
from .typed import TypedModule


class TimbreEncoder(TransformerEncoder):
    """Reference latents -> one vector: position 0 of the encoded sequence.

    In the XL files that is a learned token put in front. In the others it is the first frame of
    audio, although `special_token` is in the checkpoint there too.
    """

    def __init__(self, config: AceStepConfig, ops: Ops) -> None:
        super().__init__(
            config.encoder_stack(config.num_timbre_encoder_hidden_layers),
            ops,
            config.timbre_hidden_dim,
        )
        self.special_token = mx.zeros((1, 1, config.condition_size))
        self._prepend = config.is_xl

    def __call__(self, latents: mx.array) -> mx.array:
        """(N, T, 64) -> (N, width)."""
        x = self.embed_tokens(latents)
        if self._prepend:
            token = mx.broadcast_to(self.special_token, (x.shape[0], 1, x.shape[2]))
            x = mx.concatenate([token, x], axis=1)
        return self.encode(x)[:, 0]


class LyricEncoder(TransformerEncoder):
    """Embeddings of lyrics -> one vector per token."""

    def __call__(self, embedded: mx.array, keep: mx.array | None = None) -> mx.array:
        """(B, T, text width) -> (B, T, width). `keep` (B, T) is 1 where there is a token."""
        return self.encode(self.embed_tokens(embedded), keep)


class ConditionEncoder(TypedModule):
    """Text, lyrics and reference audio -> the condition."""

    def __init__(self, config: AceStepConfig, ops: Ops) -> None:
        super().__init__()
        self.text_projector = nn.Linear(config.text_hidden_dim, config.condition_size, bias=False)
        lyrics = config.encoder_stack(config.num_lyric_encoder_hidden_layers)
        self.lyric_encoder = LyricEncoder(lyrics, ops, config.text_hidden_dim)
        self.timbre_encoder = TimbreEncoder(config, ops)

    def __call__(self, text: mx.array, lyrics: mx.array, reference: mx.array) -> mx.array:
        """Caption states (1, T, text width), lyric embeddings (1, L, text width) and reference
        latents (N, R, 64) -> (1, L + N + T, width), in the order lyrics, timbre, text.
        """
        return self.join(text, self.lyric_encoder(lyrics), self.timbre_encoder(reference)[None])

    def join(self, text: mx.array, lyrics: mx.array, timbre: mx.array) -> mx.array:
        """The same from lyrics (1, L, width) and timbre (1, N, width) that are encoded already."""
        return mx.concatenate([lyrics, timbre, self.text_projector(text)], axis=1)

    def encode_batch(
        self,
        text: tuple[mx.array, mx.array],
        lyrics: tuple[mx.array, mx.array],
        reference: tuple[mx.array, mx.array],
    ) -> tuple[mx.array, mx.array]:
        """Padded batches, each with its mask (B, T); `reference` is latents (N, R, 64) and the
        batch row of each.

        Returns the packed sequence (B, S, width) and its mask: valid positions first, padding last.
        The DiT attends to the padding too, as the official code does.
        """
        timbre, timbre_mask = group_by_row(
            self.timbre_encoder(reference[0]), reference[1], text[0].shape[0]
        )
        states, mask = pack(self.lyric_encoder(*lyrics), lyrics[1], timbre, timbre_mask)
        return pack(states, mask, self.text_projector(text[0]), text[1])


def pack(
    first: mx.array, first_mask: mx.array, second: mx.array, second_mask: mx.array
) -> tuple[mx.array, mx.array]:
    """Two padded sequences (B, T, width), one behind the other. A stable sort moves all padding to
    the end. Returns the sequence and its mask.
    """
    mask = np.concatenate([np.array(first_mask), np.array(second_mask)], axis=1).astype(bool)
    order = np.argsort(~mask, axis=1, kind="stable")
    states = mx.concatenate([first, second], axis=1)
    packed = mx.take_along_axis(states, mx.array(order)[:, :, None], axis=1)
    return packed, mx.array(np.take_along_axis(mask, order, axis=1))


def group_by_row(timbre: mx.array, rows: mx.array, batch: int) -> tuple[mx.array, mx.array]:
    """Vectors (N, width) and the batch row of each -> (B, most, width), padded with zeros, and its
    mask.
    """
    owner = np.array(rows)
    members = [np.flatnonzero(owner == b).tolist() for b in range(batch)]
    most = max(map(len, members))
    mask = np.array([[i < len(m) for i in range(most)] for m in members])
    index = mx.array([m + [0] * (most - len(m)) for m in members])
    valid = mx.array(mask)
    return mx.where(valid[:, :, None], timbre[index], 0.0), valid
