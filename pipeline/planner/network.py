"""The planner's network: a Qwen3 language model that remembers what it has read.

`Reading` is what it has read of a prompt, or of two that it goes on with side by side; `Prompts`
keeps prompts across requests, so that a new one is read from where it differs. Attribute names are
the checkpoint's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

import mlx.core as mx
import numpy as np
from mlx import nn

from ..networks.config import StackConfig, TextEncoderConfig
from ..networks.layers import Attention, EncoderLayer, QuantizedMatrix
from ..networks.ops import Ops
from ..networks.windows import causal_mask
from .grammar import Tokens

_ROOM = 256  # tokens by which a memory grows
_FEW = 32
_CHUNK = 512  # tokens that are read at once
_KEPT = 2048  # tokens of prompts that are kept

KeysValues = tuple[mx.array, mx.array]  # each (B, kv_heads, tokens, head_dim)


@dataclass(frozen=True)
class PlannerConfig(TextEncoderConfig):
    """`acestep-5Hz-lm-*/config.json`."""

    max_position_embeddings: int = 32768
    tie_word_embeddings: bool = True


class Memory:
    """The keys and values that one layer has computed, with room for more."""

    def __init__(self, seen: KeysValues | None = None) -> None:
        self._arrays = seen
        self.length = 0 if seen is None else seen[0].shape[2]

    def extended(self, new: KeysValues) -> KeysValues:
        """All of them, with the new ones at the end."""
        end = self.length + new[0].shape[2]
        arrays = self._arrays or (new[0][:, :, :0], new[1][:, :, :0])
        if (missing := end - arrays[0].shape[2]) > 0:
            arrays = _roomier(arrays[0], missing), _roomier(arrays[1], missing)
        for array, part in zip(arrays, new):
            array[:, :, self.length : end] = part
        self._arrays = arrays
        self.length = end
        return self.seen

    @property
    def seen(self) -> KeysValues:
        assert self._arrays is not None, "nothing was read yet"
        keys, values = self._arrays
        return keys[:, :, : self.length], values[:, :, : self.length]

    @property
    def copied(self) -> KeysValues:
        """The same, without the room for more that a part of an array would keep in memory."""
        keys, values = self.seen
        return mx.contiguous(keys), mx.contiguous(values)


def _roomier(x: mx.array, missing: int) -> mx.array:
    batch, heads, _, size = x.shape
    return mx.concatenate([x, mx.zeros((batch, heads, max(_ROOM, missing), size), x.dtype)], axis=2)


class Recalling(Attention):
    """Attention to everything that was read before; `positions` are the first new token's in every
    row.
    """

    def recall(
        self, x: mx.array, memory: Memory, positions: mx.array, mask: mx.array | None
    ) -> mx.array:
        q = self.queries(x)
        (k, v) = self.keys_values(x)
        keys, values = memory.extended((self._turned(k, positions), v))
        return self._out(_attended(self._ops, self._turned(q, positions), keys, values, mask))

    def _turned(self, x: mx.array, positions: mx.array) -> mx.array:
        size = self._config.head_dim
        theta = self._config.rope_theta
        return mx.fast.rope(x, size, traditional=False, base=theta, scale=1.0, offset=positions)


def _attended(ops: Ops, q: mx.array, k: mx.array, v: mx.array, mask: mx.array | None) -> mx.array:
    """Few queries leave little to compute; what `ops` compiles, it would compile for every number
    of keys.
    """
    if q.shape[2] > _FEW:
        return ops.attention(q, k, v, mask)
    mask = mask if mask is None else mask.astype(q.dtype)
    return mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask=mask)


class Layer(EncoderLayer):
    def __init__(self, config: StackConfig, ops: Ops) -> None:
        super().__init__(config, ops, None)
        self.self_attn: Recalling = Recalling(config, ops)

    def recall(
        self, x: mx.array, memory: Memory, positions: mx.array, mask: mx.array | None
    ) -> mx.array:
        x = x + self.self_attn.recall(self.input_layernorm(x), memory, positions, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Read(NamedTuple):
    """A prompt that was read: enough to go on from any of its tokens, or from its end."""

    ids: tuple[int, ...]
    layers: list[KeysValues]
    last: mx.array  # (1, 1, width): the hidden state of its last token

    @property
    def bytes(self) -> int:
        return self.last.nbytes + sum(array.nbytes for pair in self.layers for array in pair)


class CausalLM(nn.Module):
    """Qwen3. The head is the embedding table, unless the checkpoint has one of its own."""

    def __init__(self, config: PlannerConfig, ops: Ops) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = [Layer(config.stack, ops) for _ in range(config.num_hidden_layers)]
        self.norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        if not config.tie_word_embeddings:
            self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def recall(
        self, ids: mx.array, memories: Sequence[Memory], positions: mx.array, mask: mx.array | None
    ) -> mx.array:
        """New ids (B, T) behind what the memories hold -> hidden states (B, T, width)."""
        x = self.embed_tokens(ids)
        for layer, memory in zip(self.layers, memories):
            x = layer.recall(x, memory, positions, mask)
        return self.norm(x)

    def __call__(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> hidden states (B, T, width), from nothing."""
        zeros = mx.zeros((len(ids),), mx.int32)
        return self.recall(ids, [Memory() for _ in self.layers], zeros, causal_mask(ids.shape[1]))

    def logits(self, hidden: mx.array, tokens: Tokens) -> mx.array:
        """Hidden states (..., width) -> float32 logits (..., len(tokens)) of those tokens only."""
        head = self.embed_tokens if "lm_head" not in self else self.lm_head
        if tokens.runs is None:
            return _rows(head, hidden, mx.array(tokens.ids)).astype(mx.float32)
        return mx.concatenate([_rows(head, hidden, run) for run in tokens.runs], axis=-1).astype(
            mx.float32
        )


def _rows(head: nn.Module, hidden: mx.array, rows: slice | mx.array) -> mx.array:
    """The product with some rows of a head's table. A slice of it is not copied."""
    if isinstance(head, QuantizedMatrix):
        return head.multiply(hidden, rows)
    return hidden @ head.weight[rows].T


def sanitize(weights: dict[str, mx.array]) -> dict[str, mx.array]:
    """Both name styles are published: with and without `model.` in front."""
    return {name.removeprefix("model."): array for name, array in weights.items()}


class Prompts:
    """The prompts that were read last, up to some thousand tokens of them."""

    def __init__(self, room: int = _KEPT) -> None:
        self._room = room
        self._kept = list[Read]()

    def alike(self, ids: Sequence[int]) -> tuple[Read | None, int]:
        """The one with the longest beginning in common with `ids`, and how long that is."""
        shared = [
            sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(read.ids, ids)))
            for read in self._kept
        ]
        if not any(shared):
            return None, 0
        best = max(range(len(shared)), key=shared.__getitem__)
        return self._kept[best], shared[best]

    def keep(self, read: Read) -> None:
        self._kept = [
            old for old in self._kept if old.ids != read.ids and old.ids != read.ids[: len(old.ids)]
        ]
        self._kept.append(read)
        while sum(len(old.ids) for old in self._kept) > self._room:
            self._kept.pop(0)

    def forget(self) -> None:
        self._kept.clear()

    @property
    def bytes(self) -> int:
        return sum(read.bytes for read in self._kept)


def read(lm: CausalLM, ids: Sequence[int], prompts: Prompts) -> Iterator[Read | None]:
    """Reads a prompt in parts, with a None between them; last comes the `Read`, which `prompts` has
    then too.
    """
    known, shared = prompts.alike(ids)
    if known is not None and shared == len(ids) == len(known.ids):
        prompts.keep(known)
        yield known
        return
    at = min(shared, len(ids) - 1)  # the last token's hidden state is wanted
    memories = [Memory() for _ in lm.layers]
    if known is not None and at:
        memories = [Memory((keys[:, :, :at], values[:, :, :at])) for keys, values in known.layers]
    while at < len(ids):
        part = ids[at : at + _CHUNK]
        hidden = lm.recall(mx.array([part]), memories, mx.array([at]), _causal(at, len(part)))
        at += len(part)
        mx.eval(hidden, [memory.seen for memory in memories])
        if at < len(ids):
            yield None
    done = Read(tuple(ids), [memory.copied for memory in memories], mx.contiguous(hidden[:, -1:]))
    mx.eval(done.layers, done.last)
    prompts.keep(done)
    yield done


def _causal(before: int, length: int) -> mx.array | None:
    """(1, 1, length, before + length): what was before is seen by all."""
    if length == 1:
        return None
    return mx.triu(mx.full((length, before + length), -1e9), k=before + 1)[None, None]


class Reading:
    """Where a network is in one text, or in several that go on with the same tokens.

    Prompts of different lengths are filled up at their end with what nobody sees; every row keeps
    its own positions.
    """

    def __init__(self, lm: CausalLM, reads: Sequence[Read]) -> None:
        self._lm = lm
        lengths = [len(one.ids) for one in reads]
        longest = max(lengths)
        # (B, 1, width): of the last token
        self.hidden = mx.concatenate([one.last for one in reads])
        self._positions = mx.array(lengths)
        self._memories = [
            Memory(_beside(layers, longest)) for layers in zip(*(one.layers for one in reads))
        ]
        self._hidden_from = None if min(lengths) == longest else np.array(lengths)
        self._longest = longest

    def go_on(self, ids: mx.array) -> mx.array:
        """New ids (T,) behind each row -> the hidden state of the last one (B, 1, width). Nothing
        is computed yet.
        """
        length = ids.shape[0]
        before = self._memories[0].length
        rows = mx.broadcast_to(ids[None], (len(self._positions), length))
        hidden = self._lm.recall(rows, self._memories, self._positions, self._mask(before, length))
        self._positions = self._positions + length
        self.hidden = hidden[:, -1:]
        return self.hidden

    def _mask(self, before: int, length: int) -> mx.array | None:
        causal = _causal(before, length)
        if self._hidden_from is None:
            return causal
        column = np.arange(before + length)[None]
        unseen = (column >= self._hidden_from[:, None]) & (column < self._longest)
        mask = mx.array(np.where(unseen, -1e9, 0.0).astype(np.float32))[:, None, None]
        return mask if causal is None else mask + causal


def _beside(layers: Sequence[KeysValues], length: int) -> KeysValues:
    """One layer of several prompts, as rows of the same length."""
    keys, values = (
        mx.concatenate(
            [mx.pad(x, [(0, 0), (0, 0), (0, length - x.shape[2]), (0, 0)]) for x in arrays]
        )
        for arrays in zip(*layers)
    )
    return keys, values
