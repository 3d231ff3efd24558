"""The voice's networks but for the VAE, in torch: text encoder, condition encoder and DiT.

The modules have the names of the official layout, so that their tensors are its tensors; sizes and
what they do are those of `pipeline/networks`, which plays them. Torch, as a CPU with matrix units
takes a tenth of the time that MLX takes for a step, and a rented card has it already.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.networks.config import AceStepConfig, StackConfig, TextEncoderConfig
from pipeline.networks.dit import FREQUENCIES

from .layout import DIT, TEXT

GATES = [2, 5]  # places of them in a layer's modulation
KeysValues = tuple[Tensor, Tensor]  # (B, kv_heads, S, head_dim) each


class RMSNorm(nn.RMSNorm):
    """In float32, whatever it normalises."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., size) -> (..., size)."""
        return super().forward(x.float())


class Attention(nn.Module):
    """Grouped, with a norm on each head's queries and keys."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        width, size = config.hidden_size, config.head_dim
        self.size = size
        self.theta = config.rope_theta
        self.q_proj = nn.Linear(width, config.num_attention_heads * size, bias=False)
        self.k_proj = nn.Linear(width, config.num_key_value_heads * size, bias=False)
        self.v_proj = nn.Linear(width, config.num_key_value_heads * size, bias=False)
        self.o_proj = nn.Linear(config.num_attention_heads * size, width, bias=False)
        self.q_norm = RMSNorm(size, config.rms_norm_eps)
        self.k_norm = RMSNorm(size, config.rms_norm_eps)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Self attention over x (B, T, width); `mask` (T, T) is true for what may be seen."""
        keys, values = self.project_keys_values(x)
        queries = rotate(self.project_queries(x), self.theta)
        return self._attend(queries, rotate(keys, self.theta), values, mask)

    def attend_to(self, x: Tensor, keys_values: KeysValues) -> Tensor:
        """Attention of x (B, T, width) to another sequence."""
        return self._attend(self.project_queries(x), *keys_values, None)

    def project_queries(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, heads, T, head_dim)."""
        queries: Tensor = self.q_norm(self._split(self.q_proj(x)))
        return queries

    def project_keys_values(self, x: Tensor) -> KeysValues:
        """(B, S, width) -> two of (B, kv_heads, S, head_dim)."""
        return self.k_norm(self._split(self.k_proj(x))), self._split(self.v_proj(x))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.size)).transpose(1, 2)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """Not by `scaled_dot_product_attention`: its gradient takes a third of a step on a CPU."""
        q, k = q.to(v.dtype), k.to(v.dtype)
        q = q.unflatten(1, (k.shape[1], -1))  # (B, kv_heads, group, T, head_dim)
        scores = q @ k[:, :, None].transpose(-1, -2) * self.size**-0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        heads = scores.softmax(-1) @ v[:, :, None]
        joined: Tensor = self.o_proj(heads.flatten(1, 2).transpose(1, 2).flatten(2))
        return joined


def rotate(x: Tensor, theta: float) -> Tensor:
    """Rotary positions, halves together, on x (B, heads, T, head_dim)."""
    half = x.shape[-1] // 2
    frequencies = theta ** (-torch.arange(half, device=x.device) / half)
    angles = torch.arange(x.shape[2], device=x.device)[:, None] * frequencies
    cosines, sines = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    low, high = x.chunk(2, dim=-1)
    return torch.cat([low * cosines - high * sines, high * cosines + low * sines], dim=-1)


class MLP(nn.Module):
    """The gated one."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., width)."""
        y: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return y


class EncoderLayer(nn.Module):
    """Attention and MLP, each behind a norm and beside a residual connection."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), mask)
        y: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return y


class TextEncoder(nn.Module):
    """Token ids -> hidden states."""

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(EncoderLayer(config.stack) for _ in config.stack.windows)
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, ids: Tensor) -> Tensor:
        """ids (B, S) -> (B, S, width)."""
        x: Tensor = self.embed_tokens(ids)
        mask = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=ids.device).tril()
        for layer in self.layers:
            x = layer(x, mask)
        states: Tensor = self.norm(x)
        return states


class Encoder(nn.Module):
    """A projection and a norm, and no layers between: a lyric encoder, or one of timbre."""

    def __init__(self, inputs: int, width: int, epsilon: float) -> None:
        super().__init__()
        self.embed_tokens = nn.Linear(inputs, width)
        self.norm = RMSNorm(width, epsilon)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, inputs) -> (B, T, width)."""
        states: Tensor = self.norm(self.embed_tokens(x))
        return states


class ConditionEncoder(nn.Module):
    """Lyrics, timbre and caption, in this order."""

    def __init__(self, config: AceStepConfig) -> None:
        super().__init__()
        width, epsilon = config.hidden_size, config.rms_norm_eps
        self.text_projector = nn.Linear(config.text_hidden_dim, width, bias=False)
        self.lyric_encoder = Encoder(config.text_hidden_dim, width, epsilon)
        self.timbre_encoder = Encoder(config.timbre_hidden_dim, width, epsilon)
        # of the layout; only the XL files use theirs
        self.timbre_encoder.special_token = nn.Parameter(torch.zeros(1, 1, width))

    def forward(self, caption: Tensor, lyrics: Tensor, silence: Tensor) -> Tensor:
        """Caption states (B, S, text width), embedded lyrics (1, L, text width) and the latents
        of silence (1, R, 64), which all of the batch share -> (B, L + 1 + S, width).
        """
        timbre = self.timbre_encoder(silence[:, :1])
        shared = torch.cat([self.lyric_encoder(lyrics), timbre], dim=1)
        text: Tensor = self.text_projector(caption)
        return torch.cat([shared.to(text.dtype).expand(len(text), -1, -1), text], dim=1)


class TimeEmbedding(nn.Module):
    """A timestep -> a vector, and what modulates the layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(FREQUENCIES, width)
        self.linear_2 = nn.Linear(width, width)
        self.time_proj = nn.Linear(width, 6 * width)

    def forward(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """(B,) -> (B, width), and (B, 6, width) for the layers."""
        x: Tensor = self.linear_2(functional.silu(self.linear_1(embed_timesteps(t))))
        return x, self.time_proj(functional.silu(x)).unflatten(-1, (6, -1))


def embed_timesteps(t: Tensor) -> Tensor:
    """(B,) in 0..1 -> (B, FREQUENCIES), cosines first."""
    half = FREQUENCIES // 2
    frequencies = torch.exp(-math.log(1e4) * torch.arange(half, device=t.device) / half)
    angles = 1000 * t[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class DiTLayer(nn.Module):
    """Self attention, cross attention and MLP; the first and the last are modulated."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        width, epsilon = config.hidden_size, config.rms_norm_eps
        self.self_attn_norm = RMSNorm(width, epsilon)
        self.self_attn = Attention(config)
        self.cross_attn_norm = RMSNorm(width, epsilon)
        self.cross_attn = Attention(config)
        self.mlp_norm = RMSNorm(width, epsilon)
        self.mlp = MLP(config)
        self.scale_shift_table = nn.Parameter(torch.zeros(1, 6, width))

    def forward(self, x: Tensor, modulation: Tensor, condition: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, width), modulation (B, 6, width), condition (B, S, width), mask (T, T)."""
        table = self.scale_shift_table + modulation
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = table.chunk(6, dim=1)
        x = x + gate * self.self_attn(self.self_attn_norm(x) * (1 + scale) + shift, mask)
        keys_values = self.cross_attn.project_keys_values(condition)
        x = x + self.cross_attn.attend_to(self.cross_attn_norm(x), keys_values)
        return x + mlp_gate * self.mlp(self.mlp_norm(x) * (1 + mlp_scale) + mlp_shift)


class DiT(nn.Module):
    """Noisy latents, source and condition in, velocity out."""

    def __init__(self, config: AceStepConfig) -> None:
        super().__init__()
        width, patch = config.hidden_size, config.patch_size
        latent = config.audio_acoustic_hidden_dim
        # the layout counts a transposition before each convolution as a module
        into = nn.Conv1d(config.in_channels, width, patch, patch)
        out = nn.ConvTranspose1d(width, latent, patch, patch)
        self.proj_in = nn.ModuleList([nn.Identity(), into])
        self.time_embed = TimeEmbedding(width)
        self.time_embed_r = TimeEmbedding(width)
        self.condition_embedder = nn.Linear(config.condition_size, width)
        stack = config.decoder_stack
        self.layers = nn.ModuleList(DiTLayer(stack) for _ in stack.windows)
        self.norm_out = RMSNorm(width, config.rms_norm_eps)
        self.proj_out = nn.ModuleList([nn.Identity(), out])
        self.scale_shift_table = nn.Parameter(torch.zeros(1, 2, width))
        self.window = config.sliding_window

    def forward(self, x: Tensor, source: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """The velocity (B, T, 64) float32 of x (B, T, 64): source (B, T, 64), t (B,), condition
        (B, S, width).
        """
        embedding, modulation = self.time_embed(t)
        ending, its_modulation = self.time_embed_r(torch.zeros_like(t))  # t - r
        embedding, modulation = embedding + ending, modulation + its_modulation
        latents = torch.cat([source, torch.ones_like(source), x], dim=-1)
        h: Tensor = self.proj_in[1](latents.transpose(1, 2)).transpose(1, 2)
        condition = self.condition_embedder(condition)
        places = torch.arange(h.shape[1], device=h.device)
        mask = (places[:, None] - places).abs() <= self.window
        for layer in self.layers:
            h = layer(h, modulation, condition, mask)
        shift, scale = (self.scale_shift_table + embedding[:, None]).chunk(2, dim=1)
        h = self.norm_out(h) * (1 + scale) + shift
        velocity: Tensor = self.proj_out[1](h.transpose(1, 2)).transpose(1, 2)
        return velocity.float()


class AceStep(nn.Module):
    """What a checkpoint's `model.safetensors` has, but for the audio codes' networks."""

    def __init__(self, config: AceStepConfig) -> None:
        super().__init__()
        self.encoder = ConditionEncoder(config)
        self.decoder = DiT(config)
        self.null_condition_emb = nn.Parameter(torch.zeros(1, 1, config.condition_size))


class Lesson(NamedTuple):
    """One batch to learn from."""

    target: Tensor  # (B, T, 64)
    source: Tensor  # (B, T, 64): the guide, the mix or silence
    # (B, S) token ids, all of one length: nothing is padded, here as when it plays
    caption: Tensor
    lyrics: Tensor  # (1, L)
    silence: Tensor  # (1, R, 64)
    unconditional: bool = False  # whether the condition is left out
    single_step: bool = False  # whether it is made in a single step, from zeros


class Voice(nn.Module):
    """All networks that are trained. Their tensors are those of a checkpoint's folders."""

    def __init__(self, dit: dict[str, Any] = DIT, text: dict[str, Any] = TEXT) -> None:
        super().__init__()
        self.text = TextEncoder(TextEncoderConfig.from_dict(text))
        self.model = AceStep(AceStepConfig.from_dict(dit))
        fill_weights(self)

    def compile_layers(self) -> None:
        """Let what lies between a layer's products be a kernel or two: a step takes .6 of the time.
        Captions have many lengths.
        """
        for layer in (*self.text.layers, *self.model.decoder.layers):
            layer.compile(dynamic=True)

    def predict_velocity(self, lesson: Lesson, noisy: Tensor, t: Tensor) -> Tensor:
        """The velocity (B, T, 64) at `noisy` (B, T, 64) and the timesteps t (B,)."""
        model = self.model
        if lesson.unconditional:
            condition = model.null_condition_emb.expand(len(noisy), -1, -1)
        else:
            lyrics = self.text.embed_tokens(lesson.lyrics)
            condition = model.encoder(self.text(lesson.caption), lyrics, lesson.silence)
        velocity: Tensor = model.decoder(noisy, lesson.source, t, condition)
        return velocity


def fill_weights(voice: Voice) -> None:
    """Small random weights, and open gates. The noisy latents and the source pass through the
    residual stream.
    """
    with torch.no_grad():
        for name, parameter in voice.named_parameters():
            if parameter.ndim == 1 or "scale_shift_table" in name or "time_proj" in name:
                parameter.fill_(1.0 if name.endswith(("norm.weight", "norm_out.weight")) else 0.0)
            elif name.startswith("text.embed_tokens") or name.endswith(("special_token", "emb")):
                parameter.normal_(std=0.05)
            else:
                ends_branch = name.endswith(("o_proj.weight", "down_proj.weight"))
                parameter.normal_(std=parameter.shape[1] ** -0.5 * (0.3 if ends_branch else 1.0))
        _pass_latents(voice.model.decoder)
        for layer in voice.model.decoder.layers:
            layer.scale_shift_table[:, GATES] = 1.0


def _pass_latents(decoder: DiT) -> None:
    """The first channels are the noisy latents of a patch, those behind them the source's; what
    goes out is the first.
    """
    into, out = decoder.proj_in[1].weight, decoder.proj_out[1].weight
    into.zero_()
    out.zero_()
    latent, patch = out.shape[1:]
    for place in range(patch):
        rows = torch.arange(latent)
        into[place * latent + rows, 2 * latent + rows, place] = 1
        into[(patch + place) * latent + rows, rows, place] = 1
        out[place * latent + rows, rows, place] = 0.7
