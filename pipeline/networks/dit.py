"""The diffusion transformer: noisy latents, context and condition in, velocity out."""

from __future__ import annotations

import math

import mlx.core as mx
import numpy as np
from mlx import nn

from .config import AceStepConfig, StackConfig
from .layers import MLP, Attention
from .ops import Ops

FREQUENCIES = 256
CrossKV = list[tuple[mx.array, mx.array]]  # one pair of (B, kv_heads, S, head_dim) per layer


def sinusoid(t: mx.array) -> mx.array:
    """(B,) in 0..1 -> (B, 256), cosines first, of 1000 t."""
    half = FREQUENCIES // 2
    # Rounded as in torch: 1000 times an error of the last bit would be seen in the cosine.
    exponents = (
        np.float32(-math.log(10000.0)) * np.arange(half, dtype=np.float32) / np.float32(half)
    )
    frequencies = mx.array(np.exp(exponents.astype(np.float64)).astype(np.float32))
    angles = (1000.0 * t.astype(mx.float32))[:, None] * frequencies
    return mx.concatenate([mx.cos(angles), mx.sin(angles)], axis=-1)


class TimeEmbedding(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(FREQUENCIES, width)
        self.linear_2 = nn.Linear(width, width)
        self.time_proj = nn.Linear(width, 6 * width)

    def __call__(self, t: mx.array) -> tuple[mx.array, mx.array]:
        """(B,) -> (B, width) and the layers' modulation (B, 6, width)."""
        x = self.linear_1(sinusoid(t).astype(self.linear_1.weight.dtype))
        x = self.linear_2(nn.silu(x))
        return x, self.time_proj(nn.silu(x)).reshape(x.shape[0], 6, -1)


class DiTLayer(nn.Module):
    def __init__(self, config: StackConfig, ops: Ops, window: int | None) -> None:
        super().__init__()
        self.self_attn_norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config, ops, window)
        self.cross_attn_norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.cross_attn = Attention(config, ops)
        self.mlp_norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = MLP(config, ops)
        self.scale_shift_table = mx.zeros((1, 6, config.hidden_size))

    def __call__(
        self, x: mx.array, modulation: mx.array, cross: tuple[mx.array, mx.array]
    ) -> mx.array:
        table = self.scale_shift_table + modulation
        # each (B, 1, width)
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = mx.split(table, 6, axis=1)
        x = x + gate * self.self_attn(self.self_attn_norm(x) * (1 + scale) + shift)
        x = x + self.cross_attn.cross(self.cross_attn_norm(x), cross)
        return x + mlp_gate * self.mlp(self.mlp_norm(x) * (1 + mlp_scale) + mlp_shift)


class Patches(nn.Module):
    """A convolution whose kernel is its stride, as one matrix product over patches of frames.

    The checkpoint's tensor is (out, in, patch), or (in, out, patch) for the transposed convolution
    at the end. `fold` turns it into the matrix.
    """

    def __init__(self, inputs: int, outputs: int, patch: int, transposed: bool) -> None:
        super().__init__()
        self.weight = mx.zeros(
            (inputs if transposed else outputs, outputs if transposed else inputs, patch)
        )
        self.bias = mx.zeros((outputs,))
        self._patch = patch
        self._transposed = transposed

    def fold(self) -> None:
        rows = self.weight.transpose(0, 2, 1)
        if self._transposed:  # (in, out, patch) -> (patch * out, in)
            self.weight = mx.contiguous(rows.reshape(self.weight.shape[0], -1).T)
            self.bias = mx.tile(self.bias, self._patch)
        else:  # (out, in, patch) -> (out, patch * in)
            self.weight = mx.contiguous(rows.reshape(self.weight.shape[0], -1))

    def __call__(self, x: mx.array) -> mx.array:
        """(B, T, in) -> (B, T / patch, out), or transposed (B, T, in) -> (B, T * patch, out)."""
        batch, length, _ = x.shape
        if self._transposed:
            return mx.addmm(self.bias, x, self.weight.T).reshape(batch, length * self._patch, -1)
        return mx.addmm(self.bias, x.reshape(batch, length // self._patch, -1), self.weight.T)


class DiT(nn.Module):
    def __init__(self, config: AceStepConfig, ops: Ops) -> None:
        super().__init__()
        width = config.hidden_size
        latent = config.audio_acoustic_hidden_dim
        self._patch = config.patch_size
        # The checkpoint counts a transposition before each convolution as a module of its own,
        # hence the index 1.
        self.proj_in = [
            nn.Identity(),
            Patches(config.in_channels, width, config.patch_size, transposed=False),
        ]
        self.time_embed = TimeEmbedding(width)
        self.time_embed_r = TimeEmbedding(width)
        self.condition_embedder = nn.Linear(config.condition_size, width)
        self.layers = [
            DiTLayer(config.decoder_stack, ops, window) for window in config.decoder_stack.windows
        ]
        self.norm_out = nn.RMSNorm(width, config.rms_norm_eps)
        self.proj_out = [nn.Identity(), Patches(width, latent, config.patch_size, transposed=True)]
        self.scale_shift_table = mx.zeros((1, 2, width))

    def fold(self) -> None:
        self.proj_in[1].fold()
        self.proj_out[1].fold()

    def cross(self, condition: mx.array) -> CrossKV:
        """The condition (B, S, condition width) as every layer's keys and values: constant over the
        steps.
        """
        states = self.condition_embedder(condition)
        return [layer.cross_attn.keys_values(states) for layer in self.layers]

    def __call__(
        self, x: mx.array, context: mx.array, t: mx.array, r: mx.array, cross: CrossKV
    ) -> mx.array:
        """Velocity of x.

        x (B, T, 64), context (B, T, 128) = source latents and chunk mask, t and r (B,), cross from
        `cross`. An odd T is padded by a frame of zeros and cropped again.
        """
        length = x.shape[1]
        temb, modulation = self.modulation(t, r)
        h = self.patches(x, context)
        for layer, keys_values in zip(self.layers, cross, strict=True):
            h = layer(h, modulation, keys_values)
        return self.velocity(h, temb)[:, :length]

    def modulation(self, t: mx.array, r: mx.array) -> tuple[mx.array, mx.array]:
        """The embeddings of t and of t - r, added: (B, width) and (B, 6, width)."""
        (at_t, by_t), (at_r, by_r) = self.time_embed(t), self.time_embed_r(t - r)
        return at_t + at_r, by_t + by_r

    def patches(self, x: mx.array, context: mx.array) -> mx.array:
        """(B, T, 64) and (B, T, 128) -> (B, ceil(T / patch), width)."""
        h = mx.concatenate([context, x], axis=-1).astype(self.scale_shift_table.dtype)
        pad = -h.shape[1] % self._patch
        return self.proj_in[1](mx.pad(h, [(0, 0), (0, pad), (0, 0)]) if pad else h)

    def velocity(self, h: mx.array, temb: mx.array) -> mx.array:
        shift, scale = mx.split(self.scale_shift_table + temb[:, None], 2, axis=1)
        return self.proj_out[1](self.norm_out(h) * (1 + scale) + shift).astype(mx.float32)
