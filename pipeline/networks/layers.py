"""What several networks share: grouped-query attention with per-head norms, the gated MLP, an
encoder layer.

Attribute names are the checkpoint's, so that loading needs no renaming.
"""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from .config import StackConfig
from .ops import Ops
from .typed import TypedModule
from .windows import make_band_mask, window_attention


class QuantizedMatrix(TypedModule):
    """A matrix (rows, columns) with few bits per weight: groups of `group` weights in a row share a
    scale and an offset.
    """

    def __init__(self, rows: int, columns: int, group: int, bits: int, ops: Ops) -> None:
        super().__init__()
        self._ops = ops
        self.weight = mx.zeros((rows, columns * bits // 32), mx.uint32)
        self.scales = mx.zeros((rows, columns // group))
        self.biases = mx.zeros((rows, columns // group))
        self.shape = (rows, columns)  # of the matrix that this stands for
        self.group = group
        self.bits = bits

    def multiply(self, x: mx.array, rows: slice | mx.array | None = None) -> mx.array:
        """x (..., columns) times the matrix, or some of its rows -> (..., rows)."""
        packed = self.weight, self.scales, self.biases
        if rows is not None:
            packed = self.weight[rows], self.scales[rows], self.biases[rows]
        return self._ops.quantized_matmul(x, *packed, self.group, self.bits)


class QuantizedLinear(QuantizedMatrix):
    """A linear layer."""

    def __init__(
        self, inputs: int, outputs: int, bias: bool, group: int, bits: int, ops: Ops
    ) -> None:
        super().__init__(outputs, inputs, group, bits, ops)
        if bias:
            self.bias = mx.zeros((outputs,))

    def __call__(self, x: mx.array) -> mx.array:
        """x (..., in) -> (..., out)."""
        y = self.multiply(x)
        return y + self.bias if "bias" in self else y


class QuantizedEmbedding(QuantizedMatrix):
    """A table of embeddings, which a language model also has as its last layer."""

    def __call__(self, ids: mx.array) -> mx.array:
        """ids (...) -> (..., width)."""
        rows = self.weight[ids], self.scales[ids], self.biases[ids]
        return mx.dequantize(*rows, group_size=self.group, bits=self.bits)

    def as_linear(self, x: mx.array) -> mx.array:
        """x (..., width) -> (..., count): the product with the table."""
        return self.multiply(x)


class Attention(TypedModule):
    """Attention as in Qwen3: RMSNorm on every head's q and k, and half-split rotary positions in
    self attention.
    """

    def __init__(self, config: StackConfig, ops: Ops, window: int | None = None) -> None:
        super().__init__()
        self._ops = ops
        self._config = config
        self._window = window
        width = config.hidden_size
        size = config.head_dim
        self.q_proj = nn.Linear(width, config.num_attention_heads * size, bias=False)
        self.k_proj = nn.Linear(width, config.num_key_value_heads * size, bias=False)
        self.v_proj = nn.Linear(width, config.num_key_value_heads * size, bias=False)
        self.o_proj = nn.Linear(config.num_attention_heads * size, width, bias=False)
        self.q_norm = nn.RMSNorm(size, config.rms_norm_eps)
        self.k_norm = nn.RMSNorm(size, config.rms_norm_eps)

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        """Self attention over x (B, T, width) -> (B, T, width). A mask replaces the layer's window,
        so it has to hide what is outside of it too.
        """
        q = self._rotate(self.project_queries(x))
        k, v = self.project_keys_values(x)
        k = self._rotate(k)
        if mask is None and self._window is not None:
            return self._merge_heads(window_attention(self._ops.attention, q, k, v, self._window))
        return self._merge_heads(self._ops.attention(q, k, v, mask))

    def attend_to(self, x: mx.array, keys_values: tuple[mx.array, mx.array]) -> mx.array:
        """Attention to another sequence, whose keys and values were projected once."""
        return self._merge_heads(self._ops.attention(self.project_queries(x), *keys_values))

    def project_queries(self, x: mx.array) -> mx.array:
        """(B, T, width) -> (B, heads, T, head_dim)."""
        normed: mx.array = self.q_norm(self._split_heads(self.q_proj(x)))
        return normed.swapaxes(1, 2)

    def project_keys_values(self, x: mx.array) -> tuple[mx.array, mx.array]:
        """(B, S, width) -> two of (B, kv_heads, S, head_dim)."""
        k = self.k_norm(self._split_heads(self.k_proj(x))).swapaxes(1, 2)
        return k, self._split_heads(self.v_proj(x)).swapaxes(1, 2)

    def _split_heads(self, x: mx.array) -> mx.array:
        return x.reshape(*x.shape[:2], -1, self._config.head_dim)

    def _rotate(self, x: mx.array, offset: int | mx.array = 0) -> mx.array:
        """Rotary positions on x (B, heads, T, head_dim); `offset` is the first one, or (B,)."""
        size = self._config.head_dim
        theta = self._config.rope_theta
        return mx.fast.rope(x, size, traditional=False, base=theta, scale=1.0, offset=offset)

    def _merge_heads(self, heads: mx.array) -> mx.array:
        batch, _, length, _ = heads.shape
        projected: mx.array = self.o_proj(heads.swapaxes(1, 2).reshape(batch, length, -1))
        return projected


class MLP(TypedModule):
    """The gated one: down(silu(gate) * up)."""

    def __init__(self, config: StackConfig, ops: Ops) -> None:
        super().__init__()
        self._ops = ops
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def __call__(self, x: mx.array) -> mx.array:
        """(..., width) -> (..., width)."""
        projected: mx.array = self.down_proj(self._ops.swiglu(self.gate_proj(x), self.up_proj(x)))
        return projected


class EncoderLayer(TypedModule):
    """Attention and MLP, each behind a norm and beside a residual connection."""

    def __init__(self, config: StackConfig, ops: Ops, window: int | None) -> None:
        super().__init__()
        self.window = window
        self.input_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config, ops, window)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = MLP(config, ops)

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        x = x + self.self_attn(self.input_layernorm(x), mask)
        return x + self.mlp(self.post_attention_layernorm(x))


def make_encoder_layers(config: StackConfig, ops: Ops) -> list[EncoderLayer]:
    """One layer for each of the configuration's windows."""
    return [EncoderLayer(config, ops, window) for window in config.windows]


class TransformerEncoder(TypedModule):
    """A projection, layers and a final norm: the lyric, timbre and audio code networks are made of
    these.
    """

    def __init__(self, config: StackConfig, ops: Ops, inputs: int) -> None:
        super().__init__()
        self.embed_tokens = nn.Linear(inputs, config.hidden_size)
        self.layers = make_encoder_layers(config, ops)
        self.norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)

    def encode(self, x: mx.array, keep: mx.array | None = None) -> mx.array:
        """x (B, T, width) through the layers. `keep` (B, T) is 1 for the positions that may be
        attended to.
        """
        for layer in self.layers:
            x = layer(x, None if keep is None else _make_mask(keep, layer.window))
        normed: mx.array = self.norm(x)
        return normed


def _make_mask(keep: mx.array, window: int | None) -> mx.array:
    """(B, T) -> (B, 1, T, T), added to the scores: hides padding keys and what lies outside the
    window.
    """
    mask = mx.where(keep[:, None, None, :] > 0, 0.0, -1e9)
    return mask if window is None else mask + make_band_mask(keep.shape[1], window)
