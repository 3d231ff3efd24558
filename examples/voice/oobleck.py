"""The VAE in torch, for training: the same tensors under the same names as in
`pipeline/networks/vae.py`.

`write_linear_codec` starts it as a codec that needs no training: each strided convolution keeps the
strongest directions of its input blocks (a principal component analysis), the decoder is the
transpose, and the residual branches are almost silent. Training then only has to add what a linear
code cannot do; from random weights it collapses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import weight_norm

LATENT = 64
CONFIG: dict[str, Any] = {
    "_class_name": "AutoencoderOobleck",
    "audio_channels": 2,
    "channel_multiples": [24, 56, 64, 64],
    "decoder_channels": 4,
    "decoder_input_channels": LATENT,
    "downsampling_ratios": [16, 10, 6, 2],
    "encoder_hidden_size": 2,
    "sampling_rate": 48000,
}
# sizes of the random weights beside the linear codec, and at the ends of its branches
QUIET = 0.002
FAINT = 0.01
SPARE = 0.05  # size of the weights that lead to latents the linear codec does not use
STRAIGHT = 4.0  # logarithm of a snake's beta: high is nearly a straight line
NARROW = 0.6  # exponent that evens out the latents' sizes: 1 makes all equal


class _SnakeFunction(torch.autograd.Function):
    """x + sin(alpha x)^2 / beta, with a backward pass that keeps no more than its inputs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
        ctx.save_for_backward(x, alpha, beta)
        return torch.addcmul(x, torch.sin(alpha * x).square_(), 1 / (beta + 1e-9))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, alpha, beta = ctx.saved_tensors
        inverse = 1 / (beta + 1e-9)
        slope = grad * torch.sin(2 * alpha * x) * inverse
        grad_x = torch.addcmul(grad, slope, alpha)
        grad_alpha = (slope * x).sum((0, 2), keepdim=True)
        bend = (grad * torch.sin(alpha * x).square_()).sum((0, 2), keepdim=True)
        grad_beta = -bend * inverse * inverse
        return grad_x, grad_alpha, grad_beta


class Snake(nn.Module):
    """The VAE's activation, with one alpha and beta per channel, stored as logarithms."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(1, channels, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        return _SnakeFunction.apply(x, self.alpha.exp(), self.beta.exp())


def make_conv(inputs: int, outputs: int, kernel: int, bias: bool = True, **geometry: int) -> Any:
    """A weight-normed convolution; the padding of an odd kernel keeps the length by default."""
    geometry = {"padding": kernel // 2} | geometry
    return weight_norm(nn.Conv1d(inputs, outputs, kernel, bias=bias, **geometry))


class ResidualUnit(nn.Module):
    """A dilated and a plain convolution beside a residual connection."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.snake1 = Snake(channels)
        self.conv1 = make_conv(channels, channels, 7, dilation=dilation, padding=3 * dilation)
        self.snake2 = Snake(channels)
        self.conv2 = make_conv(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(self.snake2(self.conv1(self.snake1(x))))


class Block(nn.Module):
    """Residual units and a change of rate: down after them in the encoder, up before them in the
    decoder.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, up: bool) -> None:
        super().__init__()
        geometry: Any = {"stride": stride, "padding": math.ceil(stride / 2)}
        width = outputs if up else inputs
        self.up = up
        self.snake1 = Snake(inputs)
        if up:
            self.conv_t1 = weight_norm(nn.ConvTranspose1d(inputs, outputs, 2 * stride, **geometry))
        else:
            self.conv1 = make_conv(inputs, outputs, 2 * stride, **geometry)
        self.res_unit1 = ResidualUnit(width, 1)
        self.res_unit2 = ResidualUnit(width, 3)
        self.res_unit3 = ResidualUnit(width, 9)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_t1(self.snake1(x)) if self.up else x
        x = self.res_unit3(self.res_unit2(self.res_unit1(x)))
        return x if self.up else self.conv1(self.snake1(x))


class Coder(nn.Module):
    """The encoder (audio -> mean and scale of the latents) or the decoder (latents -> audio)."""

    def __init__(
        self, ends: tuple[int, int], widths: list[int], strides: list[int], up: bool
    ) -> None:
        super().__init__()
        self.conv1 = make_conv(ends[0], widths[0], 7)
        self.block = nn.ModuleList(
            Block(inputs, outputs, stride, up)
            for inputs, outputs, stride in zip(widths, widths[1:], strides, strict=False)
        )
        self.snake1 = Snake(widths[-1])
        self.conv2 = make_conv(widths[-1], ends[1], 7 if up else 3, bias=not up)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        for block in self.block:
            x = block(x)
        return self.conv2(self.snake1(x))


class VAE(nn.Module):
    """Arrays are channels first: audio (B, 2, samples), latents (B, 64, frames)."""

    def __init__(self, config: Mapping[str, Any] = CONFIG) -> None:
        super().__init__()
        multiples = [1, *config["channel_multiples"]]
        strides = config["downsampling_ratios"]
        audio = config["audio_channels"]
        latent = config["decoder_input_channels"]
        down = [config["encoder_hidden_size"] * m for m in multiples]
        up = [config["decoder_channels"] * m for m in multiples][::-1]
        self.encoder = Coder((audio, 2 * latent), down, strides, up=False)
        self.decoder = Coder((latent, audio), up, strides[::-1], up=True)

    def encode(self, audio: Tensor) -> Tensor:
        """Audio -> the posterior's mean."""
        return self.encoder(audio).chunk(2, 1)[0]

    def decode(self, latents: Tensor) -> Tensor:
        """Latents -> audio."""
        return self.decoder(latents)


@torch.no_grad()
def write_linear_codec(vae: VAE, audio: Tensor, strides: list[int], used: int = 44) -> None:
    """Write the linear codec for `audio` (B, 2, samples) into `vae`, with `used` of the latents."""
    _write_quiet_weights(vae)
    encoder: Any = vae.encoder
    decoder: Any = vae.decoder
    _write_diagonal(encoder.conv1, torch.ones(2))
    _write_diagonal(decoder.conv2, torch.ones(2))
    signal = audio
    for stage, stride in enumerate(strides):
        down = encoder.block[stage].conv1
        up = decoder.block[len(strides) - 1 - stage].conv_t1
        batch, channels, length = signal.shape
        blocks = signal.reshape(batch, channels, length // stride, stride).permute(0, 2, 3, 1)
        blocks = blocks.reshape(batch, length // stride, stride * channels)
        count = min(down.out_channels, up.in_channels, stride * channels)
        directions = _find_directions(blocks.flatten(0, 1), count)
        # (direction, channel, place in the block)
        taps = directions.T.reshape(count, stride, channels).permute(0, 2, 1)
        for module in (down, up):
            weight = _fuse(module)
            at = math.ceil(stride / 2)
            weight[:count] = 0
            weight[:count, :channels, at : at + stride] = taps
            _write_weight(module, weight)
        signal = (blocks @ directions).permute(0, 2, 1)
    size = signal[:, :used].std((0, 2))
    scale = size**-NARROW
    scale = scale / (size * scale).square().mean().sqrt()
    _write_weight(encoder.conv2, torch.randn_like(encoder.conv2.weight_v) * SPARE)
    _write_diagonal(encoder.conv2, scale)
    _write_diagonal(decoder.conv1, 1 / scale)


def _write_quiet_weights(vae: VAE) -> None:
    """Small random weights everywhere, so that the residual branches add almost nothing."""
    name: str
    module: Any
    for name, module in vae.named_modules():
        if hasattr(module, "weight_g"):
            size = QUIET
            if "res_unit" in name:
                inside = 1.0 if name.endswith("conv1") else FAINT
                size = inside / math.sqrt(module.weight_v[0].numel())
            _write_weight(module, torch.randn_like(module.weight_v) * size)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, Snake) and "res_unit" not in name:
            module.beta.fill_(STRAIGHT)


def _find_directions(rows: Tensor, count: int) -> Tensor:
    """The `count` strongest directions of rows (N, width), as columns."""
    return torch.linalg.eigh(rows.T @ rows / len(rows))[1].flip(1)[:, :count]


def _write_diagonal(module: Any, values: Tensor) -> None:
    """Let channel i go to channel i with these factors, in the kernel's middle tap."""
    weight = _fuse(module)
    count = len(values)
    weight[:count] = 0
    weight[range(count), range(count), weight.shape[2] // 2] = values
    _write_weight(module, weight)


def _fuse(module: Any) -> Tensor:
    """The weight of a weight-normed convolution."""
    v = module.weight_v
    return module.weight_g * v / v.flatten(1).norm(dim=1).view(-1, 1, 1)


def _write_weight(module: Any, weight: Tensor) -> None:
    """As direction and length."""
    module.weight_v.copy_(weight)
    module.weight_g.copy_(weight.flatten(1).norm(dim=1).view(-1, 1, 1))
