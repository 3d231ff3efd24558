"""What several networks share: grouped-query attention with per-head norms, the gated MLP, an
encoder layer.

Attribute names are the checkpoint's, so that loading needs no renaming.
"""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from . import ops
from .config import StackConfig


class QuantizedLinear(nn.Module):
    """A linear layer with few bits per weight: groups of `group` weights in a row share a scale and
    an offset.
    """

    def __init__(self, inputs: int, outputs: int, bias: bool, group: int, bits: int) -> None:
        super().__init__()
        self.weight = mx.zeros((outputs, inputs * bits // 32), mx.uint32)
        self.scales = mx.zeros((outputs, inputs // group))
        self.biases = mx.zeros((outputs, inputs // group))
        if bias:
            self.bias = mx.zeros((outputs,))
        self.shape = (outputs, inputs)  # of the matrix that this stands for
        self.group = group
        self.bits = bits

    def __call__(self, x: mx.array) -> mx.array:
        y = ops.quantized_matmul(x, self.weight, self.scales, self.biases, self.group, self.bits)
        return y + self.bias if "bias" in self else y


class QuantizedEmbedding(nn.Module):
    """The same for a table of embeddings, which a language model also has as its last layer."""

    def __init__(self, count: int, width: int, group: int, bits: int) -> None:
        super().__init__()
        self.weight = mx.zeros((count, width * bits // 32), mx.uint32)
        self.scales = mx.zeros((count, width // group))
        self.biases = mx.zeros((count, width // group))
        self.shape = (count, width)
        self.group = group
        self.bits = bits

    def __call__(self, ids: mx.array) -> mx.array:
        rows = self.weight[ids], self.scales[ids], self.biases[ids]
        return mx.dequantize(*rows, group_size=self.group, bits=self.bits)

    def as_linear(self, x: mx.array) -> mx.array:
        return ops.quantized_matmul(x, self.weight, self.scales, self.biases, self.group, self.bits)


class Attention(nn.Module):
    """Qwen3-style attention: RMSNorm on every head's q and k, half-split rotary positions on self
    attention.
    """

    def __init__(self, config: StackConfig, window: int | None = None) -> None:
        super().__init__()
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
        """Self attention over x (B, T, width). A mask replaces the layer's window: give the whole
        one.
        """
        q = self.queries(x)
        (k, v) = self.keys_values(x)
        q = self._rotated(q)
        k = self._rotated(k)
        if mask is None and self._window is not None:
            return self._out(ops.window_attention(q, k, v, self._window))
        return self._out(ops.attention(q, k, v, mask))

    def cross(self, x: mx.array, keys_values: tuple[mx.array, mx.array]) -> mx.array:
        """Attention over another sequence, whose `keys_values` were computed once."""
        return self._out(ops.attention(self.queries(x), *keys_values))

    def queries(self, x: mx.array) -> mx.array:
        return self.q_norm(self._heads(self.q_proj(x))).swapaxes(1, 2)

    def keys_values(self, x: mx.array) -> tuple[mx.array, mx.array]:
        """(B, S, width) -> two of (B, kv_heads, S, head_dim)."""
        k = self.k_norm(self._heads(self.k_proj(x))).swapaxes(1, 2)
        return k, self._heads(self.v_proj(x)).swapaxes(1, 2)

    def _heads(self, x: mx.array) -> mx.array:
        return x.reshape(*x.shape[:2], -1, self._config.head_dim)

    def _rotated(self, x: mx.array) -> mx.array:
        size = self._config.head_dim
        theta = self._config.rope_theta
        return mx.fast.rope(x, size, traditional=False, base=theta, scale=1.0, offset=0)

    def _out(self, heads: mx.array) -> mx.array:
        batch, _, length, _ = heads.shape
        return self.o_proj(heads.swapaxes(1, 2).reshape(batch, length, -1))


class MLP(nn.Module):
    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def __call__(self, x: mx.array) -> mx.array:
        return self.down_proj(ops.swiglu(self.gate_proj(x), self.up_proj(x)))


class EncoderLayer(nn.Module):
    def __init__(self, config: StackConfig, window: int | None) -> None:
        super().__init__()
        self.window = window
        self.input_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config, window)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = MLP(config)

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        x = x + self.self_attn(self.input_layernorm(x), mask)
        return x + self.mlp(self.post_attention_layernorm(x))


def encoder_layers(config: StackConfig) -> list[EncoderLayer]:
    return [EncoderLayer(config, window) for window in config.windows]


class TransformerEncoder(nn.Module):
    """A projection, layers, a final norm: what the lyric, timbre and audio-code networks are made
    of.
    """

    def __init__(self, config: StackConfig, inputs: int) -> None:
        super().__init__()
        self.embed_tokens = nn.Linear(inputs, config.hidden_size)
        self.layers = encoder_layers(config)
        self.norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)

    def encode(self, x: mx.array, keep: mx.array | None = None) -> mx.array:
        """x (B, T, width) through the layers. `keep` (B, T) is 1 for the positions that may be
        attended to.
        """
        for layer in self.layers:
            x = layer(x, None if keep is None else _masked(keep, layer.window))
        return self.norm(x)


def _masked(keep: mx.array, window: int | None) -> mx.array:
    """(B, T) -> (B, 1, T, T), added to the scores: hides padding keys and what lies outside the
    window.
    """
    mask = mx.where(keep[:, None, None, :] > 0, 0.0, -1e9)
    return mask if window is None else mask + ops.band_mask(keep.shape[1], window)
