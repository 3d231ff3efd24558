"""The planner's network: a Qwen3 causal language model with a KV cache.

`prefill` reads a prompt; a `PromptCache` keeps prefilled prompts across requests, so that a new one
is read from the chunk where it differs. `DecodingBatch` continues one prompt, or several side by
side, with the same tokens. Attribute names are the checkpoint's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

import mlx.core as mx
import numpy as np
from mlx import nn

from ..networks.bfloat16 import Bfloat16Matrix
from ..networks.config import StackConfig, TextEncoderConfig
from ..networks.layers import Attention, EncoderLayer, QuantizedMatrix
from ..networks.ops import Ops
from ..networks.typed import TypedModule
from ..networks.windows import make_causal_mask
from .grammar import TokenSet

_GROWTH = 256  # tokens by which a KV cache grows
_FEW_QUERIES = 32
_CHUNK = 512  # tokens that are prefilled at once
_CACHED_TOKENS = 2048  # of all prompts in a prompt cache

KeysValues = tuple[mx.array, mx.array]  # each (B, kv_heads, tokens, head_dim)


@dataclass(frozen=True)
class PlannerConfig(TextEncoderConfig):
    """`acestep-5Hz-lm-*/config.json`."""

    max_position_embeddings: int = 32768
    tie_word_embeddings: bool = True


class KVCache:
    """The keys and values that one layer has computed, with room for more."""

    def __init__(self, state: KeysValues | None = None) -> None:
        self._arrays = state
        self.length = 0 if state is None else state[0].shape[2]

    def append(self, new: KeysValues) -> KeysValues:
        """All keys and values, with the new ones at the end."""
        end = self.length + new[0].shape[2]
        arrays = self._arrays or (new[0][:, :, :0], new[1][:, :, :0])
        if (missing := end - arrays[0].shape[2]) > 0:
            arrays = _grow(arrays[0], missing), _grow(arrays[1], missing)
        for array, part in zip(arrays, new):
            array[:, :, self.length : end] = part
        self._arrays = arrays
        self.length = end
        return self.state

    @property
    def state(self) -> KeysValues:
        assert self._arrays is not None, "nothing was read yet"
        keys, values = self._arrays
        return keys[:, :, : self.length], values[:, :, : self.length]

    def copy_state(self) -> KeysValues:
        """The state without the room for more, which a slice would keep in memory."""
        keys, values = self.state
        return mx.contiguous(keys), mx.contiguous(values)


def _grow(x: mx.array, missing: int) -> mx.array:
    batch, heads, _, size = x.shape
    more = mx.zeros((batch, heads, max(_GROWTH, missing), size), x.dtype)
    return mx.concatenate([x, more], axis=2)


class CachedAttention(Attention):
    """Self attention of new tokens to themselves and to everything in a KV cache."""

    def forward(
        self, x: mx.array, cache: KVCache, positions: mx.array, mask: mx.array | None
    ) -> mx.array:
        """New tokens x (B, T, width); `positions` (B,) are the first new token's in every row."""
        q = self.project_queries(x)
        k, v = self.project_keys_values(x)
        keys, values = cache.append((self._rotate(k, positions), v))
        return self._merge_heads(_attend(self._ops, self._rotate(q, positions), keys, values, mask))


def _attend(ops: Ops, q: mx.array, k: mx.array, v: mx.array, mask: mx.array | None) -> mx.array:
    """Few queries leave little to compute; what `ops` compiles, it would compile for every number
    of keys.
    """
    if q.shape[2] > _FEW_QUERIES:
        return ops.attention(q, k, v, mask)
    mask = mask if mask is None else mask.astype(q.dtype)
    return mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask=mask)


class DecoderLayer(EncoderLayer):
    """A layer whose attention has a KV cache."""

    def __init__(self, config: StackConfig, ops: Ops) -> None:
        super().__init__(config, ops, None)
        self.self_attn: CachedAttention = CachedAttention(config, ops)

    def forward(
        self, x: mx.array, cache: KVCache, positions: mx.array, mask: mx.array | None
    ) -> mx.array:
        x = x + self.self_attn.forward(self.input_layernorm(x), cache, positions, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class CausalLM(TypedModule):
    """Qwen3. The head is the embedding table, unless the checkpoint has one of its own."""

    def __init__(self, config: PlannerConfig, ops: Ops) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = [DecoderLayer(config.stack, ops) for _ in range(config.num_hidden_layers)]
        self.norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        if not config.tie_word_embeddings:
            self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def forward(
        self, ids: mx.array, caches: Sequence[KVCache], positions: mx.array, mask: mx.array | None
    ) -> mx.array:
        """New ids (B, T) behind what the caches hold, one for each layer -> hidden states (B, T,
        width). `positions` (B,) are the first new token's in every row.
        """
        x = self.embed_tokens(ids)
        for layer, cache in zip(self.layers, caches):
            x = layer.forward(x, cache, positions, mask)
        hidden: mx.array = self.norm(x)
        return hidden

    def __call__(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> hidden states (B, T, width), with nothing before them."""
        caches = [KVCache() for _ in self.layers]
        positions = mx.zeros((len(ids),), mx.int32)
        return self.forward(ids, caches, positions, make_causal_mask(ids.shape[1]))

    def logits(self, hidden: mx.array, tokens: TokenSet) -> mx.array:
        """Hidden states (..., width) -> float32 logits (..., len(tokens)) of those tokens only."""
        head = self.embed_tokens if "lm_head" not in self else self.lm_head
        if tokens.runs is None:
            scores = _project(head, hidden, mx.array(tokens.ids))
        else:
            scores = mx.concatenate([_project(head, hidden, run) for run in tokens.runs], axis=-1)
        return scores.astype(mx.float32)


def _project(head: nn.Module, hidden: mx.array, rows: slice | mx.array) -> mx.array:
    """The product with some rows of a head's table. A slice of it is not copied."""
    if isinstance(head, QuantizedMatrix | Bfloat16Matrix):
        return head.multiply(hidden, rows)
    product: mx.array = hidden @ head.weight[rows].T
    return product


def sanitize(weights: dict[str, mx.array]) -> dict[str, mx.array]:
    """Both name styles are published: with and without `model.` in front."""
    return {name.removeprefix("model."): array for name, array in weights.items()}


class PrefilledPrompt(NamedTuple):
    """A prompt that was read: enough to continue from any of its tokens, or from its end."""

    ids: tuple[int, ...]
    layers: list[KeysValues]
    last: mx.array  # (1, 1, width): the hidden state of its last token

    @property
    def bytes(self) -> int:
        return self.last.nbytes + sum(array.nbytes for pair in self.layers for array in pair)


class PromptCache:
    """The prompts that were read last, up to `max_tokens` of them together."""

    def __init__(self, max_tokens: int = _CACHED_TOKENS) -> None:
        self._max_tokens = max_tokens
        self._prompts = list[PrefilledPrompt]()

    def find_prefix(self, ids: Sequence[int]) -> tuple[PrefilledPrompt | None, int]:
        """The prompt with the longest prefix in common with `ids`, and how long that is."""
        lengths = [_count_shared(prompt.ids, ids) for prompt in self._prompts]
        if not any(lengths):
            return None, 0
        best = max(range(len(lengths)), key=lengths.__getitem__)
        return self._prompts[best], lengths[best]

    def add(self, prompt: PrefilledPrompt) -> None:
        """The newest prompt; it replaces those that are a prefix of it."""
        self._prompts = [
            other for other in self._prompts if other.ids != prompt.ids[: len(other.ids)]
        ]
        self._prompts.append(prompt)
        while sum(len(other.ids) for other in self._prompts) > self._max_tokens:
            self._prompts.pop(0)

    def clear(self) -> None:
        self._prompts.clear()

    @property
    def bytes(self) -> int:
        return sum(prompt.bytes for prompt in self._prompts)


def _count_shared(ids: Sequence[int], others: Sequence[int]) -> int:
    """How many first ids are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(ids, others)))


def prefill(
    lm: CausalLM, ids: Sequence[int], cache: PromptCache
) -> Iterator[PrefilledPrompt | None]:
    """Reads a prompt in chunks, with a None between them; last comes the prefilled prompt, which
    the cache has then too.

    Of another prompt only whole chunks are taken over. So each token is read together with the same
    others, whatever was read before, and rounded alike: the same seed writes the same plan.
    """
    cached, shared = cache.find_prefix(ids)
    if cached is not None and shared == len(ids) == len(cached.ids):
        cache.add(cached)
        yield cached
        return
    at = min(shared, len(ids) - 1) // _CHUNK * _CHUNK  # the last token's hidden state is needed
    kv_caches = [KVCache() for _ in lm.layers]
    if cached is not None and at:
        kv_caches = [
            KVCache((keys[:, :, :at], values[:, :, :at])) for keys, values in cached.layers
        ]
    while at < len(ids):
        chunk = ids[at : at + _CHUNK]
        mask = _causal_mask(at, len(chunk))
        hidden = lm.forward(mx.array([chunk]), kv_caches, mx.array([at]), mask)
        at += len(chunk)
        mx.eval(hidden, [kv.state for kv in kv_caches])
        if at < len(ids):
            yield None
    layers = [kv.copy_state() for kv in kv_caches]
    prompt = PrefilledPrompt(tuple(ids), layers, mx.contiguous(hidden[:, -1:]))
    mx.eval(prompt.layers, prompt.last)
    cache.add(prompt)
    yield prompt


def _causal_mask(before: int, length: int) -> mx.array | None:
    """(1, 1, length, before + length): what was before is visible to all."""
    if length == 1:
        return None
    return mx.triu(mx.full((length, before + length), -1e9), k=before + 1)[None, None]


class DecodingBatch:
    """One prompt, or several, that are continued with the same tokens.

    Prompts of different lengths are padded at their end, and the padding is masked; every row keeps
    its own positions.
    """

    def __init__(self, lm: CausalLM, prompts: Sequence[PrefilledPrompt]) -> None:
        self._lm = lm
        lengths = [len(prompt.ids) for prompt in prompts]
        longest = max(lengths)
        # (B, 1, width): of the last token
        self.hidden = mx.concatenate([prompt.last for prompt in prompts])
        self._positions = mx.array(lengths)
        self._caches = [
            KVCache(_stack_rows(layers, longest))
            for layers in zip(*(prompt.layers for prompt in prompts))
        ]
        self._padded_from = None if min(lengths) == longest else np.array(lengths)
        self._padded_to = longest

    def append(self, ids: mx.array) -> mx.array:
        """New ids (T,) behind each row -> the hidden state of the last one (B, 1, width). Nothing
        is computed yet.
        """
        length = ids.shape[0]
        before = self._caches[0].length
        rows = mx.broadcast_to(ids[None], (len(self._positions), length))
        hidden = self._lm.forward(rows, self._caches, self._positions, self._mask(before, length))
        self._positions = self._positions + length
        self.hidden = hidden[:, -1:]
        return self.hidden

    def _mask(self, before: int, length: int) -> mx.array | None:
        causal = _causal_mask(before, length)
        if self._padded_from is None:
            return causal
        column = np.arange(before + length)[None]
        padding = (column >= self._padded_from[:, None]) & (column < self._padded_to)
        mask = mx.array(np.where(padding, -1e9, 0.0).astype(np.float32))[:, None, None]
        return mask if causal is None else mask + causal


def _stack_rows(layers: Sequence[KeysValues], length: int) -> KeysValues:
    """One layer of several prompts, as rows of the same length."""
    keys, values = (
        mx.concatenate(
            [mx.pad(x, [(0, 0), (0, 0), (0, length - x.shape[2]), (0, 0)]) for x in arrays]
        )
        for arrays in zip(*layers)
    )
    return keys, values
