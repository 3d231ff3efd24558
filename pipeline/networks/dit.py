"""The diffusion transformer: noisy latents, context and condition in, velocity out."""

from __future__ import annotations

import math

import mlx.core as mx
import numpy as np
from mlx import nn

from .config import AceStepConfig, StackConfig
from .layers import MLP, Attention
from .ops import Ops
from .typed import TypedModule

FREQUENCIES = 256
CrossKV = list[tuple[mx.array, mx.array]]  # one pair of (B, kv_heads, S, head_dim) per layer


def embed_timesteps(t: mx.array) -> mx.array:
    """The sinusoidal embedding of 1000 t: (B,) in 0..1 -> (B, 256), cosines first."""
    half = FREQUENCIES // 2
    # Rounded as in torch: 1000 times an error in the last bit would show in the cosine.
    exponents = (
        np.float32(-math.log(10000.0)) * np.arange(half, dtype=np.float32) / np.float32(half)
    )
    frequencies = mx.array(np.exp(exponents.astype(np.float64)).astype(np.float32))
    angles = (1000.0 * t.astype(mx.float32))[:, None] * frequencies
    return mx.concatenate([mx.cos(angles), mx.sin(angles)], axis=-1)


class TimeEmbedding(TypedModule):
    """A timestep -> a vector, and what modulates the layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(FREQUENCIES, width)
        self.linear_2 = nn.Linear(width, width)
        self.time_proj = nn.Linear(width, 6 * width)

    def __call__(self, t: mx.array) -> tuple[mx.array, mx.array]:
        """(B,) -> (B, width) and the layers' modulation (B, 6, width)."""
        x = self.linear_1(embed_timesteps(t).astype(self.linear_1.weight.dtype))
        x = self.linear_2(nn.silu(x))
        return x, self.time_proj(nn.silu(x)).reshape(x.shape[0], 6, -1)


class DiTLayer(TypedModule):
    """Self attention, cross attention and MLP; the first and the last are modulated."""

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
        """x (B, T, width), modulation (B, 6, width), and the condition's keys and values for this
        layer.
        """
        table = self.scale_shift_table + modulation
        # each (B, 1, width)
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = mx.split(table, 6, axis=1)
        x = x + gate * self.self_attn(self.self_attn_norm(x) * (1 + scale) + shift)
        x = x + self.cross_attn.attend_to(self.cross_attn_norm(x), cross)
        return x + mlp_gate * self.mlp(self.mlp_norm(x) * (1 + mlp_scale) + mlp_shift)


class Patches(TypedModule):
    """A convolution whose kernel is its stride, as one matrix product over patches of frames.

    The checkpoint's tensor is (out, in, patch), or (in, out, patch) for the transposed convolution
    at the end. `fold` makes the matrix of it.
    """

    def __init__(self, inputs: int, outputs: int, patch: int, transposed: bool) -> None:
        super().__init__()
        shape = (inputs, outputs, patch) if transposed else (outputs, inputs, patch)
        self.weight = mx.zeros(shape)
        self.bias = mx.zeros((outputs,))
        self._patch = patch
        self._transposed = transposed

    def fold(self) -> None:
        """Once, after loading."""
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


class DiT(TypedModule):
    """The whole of it. `fold` has to be called once the weights are loaded."""

    def __init__(self, config: AceStepConfig, ops: Ops) -> None:
        super().__init__()
        width = config.hidden_size
        latent = config.audio_acoustic_hidden_dim
        self._patch = config.patch_size
        # The checkpoint counts a transposition before each convolution as a module: hence index 1.
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
        """Make the patches' matrices."""
        self.proj_in[1].fold()
        self.proj_out[1].fold()

    def project_condition(self, condition: mx.array) -> CrossKV:
        """The condition (B, S, condition width) -> every layer's keys and values, which all steps
        share.
        """
        states = self.condition_embedder(condition)
        return [layer.cross_attn.project_keys_values(states) for layer in self.layers]

    def __call__(
        self, x: mx.array, context: mx.array, t: mx.array, r: mx.array, cross: CrossKV
    ) -> mx.array:
        """The velocity of x, (B, T, 64).

        x (B, T, 64), context (B, T, 128) = source latents and chunk mask, t and r (B,), cross from
        `project_condition`. An odd T is padded by a frame of zeros and cropped again.
        """
        length = x.shape[1]
        temb, modulation = self.embed_times(t, r)
        h = self.patchify(x, context)
        for layer, keys_values in zip(self.layers, cross, strict=True):
            h = layer(h, modulation, keys_values)
        return self.unpatchify(h, temb)[:, :length]

    def embed_times(self, t: mx.array, r: mx.array) -> tuple[mx.array, mx.array]:
        """The embeddings of t and of t - r, added: (B, width) and (B, 6, width)."""
        embedding, modulation = self.time_embed(t)
        difference, its_modulation = self.time_embed_r(t - r)
        return embedding + difference, modulation + its_modulation

    def patchify(self, x: mx.array, context: mx.array) -> mx.array:
        """(B, T, 64) and (B, T, 128) -> (B, ceil(T / patch), width)."""
        h = mx.concatenate([context, x], axis=-1).astype(self.scale_shift_table.dtype)
        pad = -h.shape[1] % self._patch
        patches: mx.array = self.proj_in[1](mx.pad(h, [(0, 0), (0, pad), (0, 0)]) if pad else h)
        return patches

    def unpatchify(self, h: mx.array, temb: mx.array) -> mx.array:
        """(B, patches, width) and the embedding of the times (B, width) -> velocity
        (B, patches * patch, 64) in float32.
        """
        shift, scale = mx.split(self.scale_shift_table + temb[:, None], 2, axis=1)
        velocity: mx.array = self.proj_out[1](self.norm_out(h) * (1 + scale) + shift)
        return velocity.astype(mx.float32)
