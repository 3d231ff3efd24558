"""Samples an answer's tokens, one after the other, from a decoding batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import mlx.core as mx
import numpy as np

from . import logits
from .grammar import TokenSet
from .logits import Sampling
from .network import CausalLM, DecodingBatch


class TokenSampler:
    """The sampling of one answer, with a random key for each of its places."""

    def __init__(
        self, lm: CausalLM, prompt: Sequence[int], sampling: Sampling, places: int
    ) -> None:
        self._lm = lm
        self._sampling = sampling
        self._keys = mx.random.split(mx.random.key(sampling.seed), max(2, places))
        self._history = list(prompt)

    def record(self, ids: Sequence[int]) -> None:
        """`ids` were written: the repetition penalty counts them."""
        self._history += ids

    def sample(
        self, hidden: mx.array, tokens: TokenSet, place: int, greedy: bool = False
    ) -> mx.array:
        """The next token's id (1,), after hidden states (B, 1, width). Nothing is computed yet."""
        seen = self._seen_mask(tokens)
        return mx.array(tokens.ids)[self._sample_index(hidden, tokens, seen, place, greedy)]

    def stream(self, batch: DecodingBatch, tokens: TokenSet, place: int, end: int) -> Iterator[int]:
        """Token after token out of the same ones, from a place on. The next is being computed while
        one is looked at.
        """
        ids = mx.array(tokens.ids)
        seen = self._seen_mask(tokens)
        columns = mx.arange(len(tokens))
        hidden = batch.hidden
        waiting = None
        for at in range(place, end):
            index = self._sample_index(hidden, tokens, seen, at, False)
            if seen is not None:
                seen = seen | (columns == index)
            id = ids[index]
            if at + 1 < end:
                hidden = batch.append(id)
            mx.async_eval(id)
            if waiting is not None:
                yield read_id(waiting)
            waiting = id
        if waiting is not None:
            yield read_id(waiting)

    def _sample_index(
        self, hidden: mx.array, tokens: TokenSet, seen: mx.array | None, place: int, greedy: bool
    ) -> mx.array:
        """(1,): which of the tokens. With a second row guidance leads away from that."""
        scores = self._lm.logits(hidden[:, 0], tokens)
        if len(scores) == 2:
            scores = logits.apply_guidance(scores[:1], scores[1:], self._sampling.guidance)
        scores = logits.filter_logits(scores, self._sampling, seen)
        temperature = 0.0 if greedy else self._sampling.temperature
        return logits.sample_token(scores, temperature, self._keys[place])

    def _seen_mask(self, tokens: TokenSet) -> mx.array | None:
        """(1, len(tokens)): which of them were read or written before; None where that does not
        matter.
        """
        if self._sampling.repetition_penalty == 1:
            return None
        return mx.array(np.isin(tokens.ids, self._history)[None])


def read_id(one: mx.array) -> int:
    """The number in an array of one."""
    mx.eval(one)  # lets other threads run, which reading it does not
    id = one.item()
    assert isinstance(id, int)
    return id
