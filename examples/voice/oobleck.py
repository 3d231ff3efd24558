"""The VAE in torch, for training: the same tensors under the same names as `pipeline.vae`.

`linear` starts it as a codec that needs no training: each strided convolution keeps the strongest
directions of its input blocks (a principal component analysis), the decoder is the transpose, and
the residual branches are almost silent. Training then only has to add what a linear code cannot do;
from random weights it collapses.
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
    "_class_name": "AutoencoderOobleck", "audio_channels": 2, "channel_multiples": [24, 56, 64, 64],
    "decoder_channels": 4, "decoder_input_channels": LATENT, "downsampling_ratios": [16, 10, 6, 2],
    "encoder_hidden_size": 2, "sampling_rate": 48000,
}  # fmt: skip
# sizes of the random weights beside the linear codec, and at the ends of its branches
QUIET = 0.002
FAINT = 0.01
SPARE = 0.05  # size of the weights that lead to latents the linear codec does not use
STRAIGHT = 4.0  # logarithm of a snake's beta: high is nearly a straight line
NARROW = 0.6  # exponent that evens out the latents' sizes: 1 makes all equal


class _Snake(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
        ctx.save_for_backward(x, alpha, beta)
        return torch.addcmul(x, torch.sin(alpha * x).square_(), 1 / (beta + 1e-9))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, alpha, beta = ctx.saved_tensors
        inverse = 1 / (beta + 1e-9)
        slope = grad * torch.sin(2 * alpha * x) * inverse
        lean = (
            -(grad * torch.sin(alpha * x).square_()).sum((0, 2), keepdim=True) * inverse * inverse
        )
        return torch.addcmul(grad, slope, alpha), (slope * x).sum((0, 2), keepdim=True), lean


class Snake(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(1, channels, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        return _Snake.apply(x, self.alpha.exp(), self.beta.exp())


def conv(inputs: int, outputs: int, kernel: int, bias: bool = True, **geometry: int) -> Any:
    geometry = {"padding": kernel // 2} | geometry
    return weight_norm(nn.Conv1d(inputs, outputs, kernel, bias=bias, **geometry))


class ResidualUnit(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.snake1 = Snake(channels)
        self.conv1 = conv(channels, channels, 7, dilation=dilation, padding=3 * dilation)
        self.snake2 = Snake(channels)
        self.conv2 = conv(channels, channels, 1)

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
            self.conv1 = conv(inputs, outputs, 2 * stride, **geometry)
        self.res_unit1, self.res_unit2, self.res_unit3 = (ResidualUnit(width, d) for d in (1, 3, 9))

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
        self.conv1 = conv(ends[0], widths[0], 7)
        self.block = nn.ModuleList(
            Block(a, b, s, up) for a, b, s in zip(widths, widths[1:], strides, strict=False)
        )
        self.snake1 = Snake(widths[-1])
        self.conv2 = conv(widths[-1], ends[1], 7 if up else 3, bias=not up)

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
        return self.encoder(audio).chunk(2, 1)[0]

    def decode(self, latents: Tensor) -> Tensor:
        return self.decoder(latents)


@torch.no_grad()
def linear(vae: VAE, audio: Tensor, strides: list[int], used: int = 44) -> None:
    """Write the linear codec for `audio` (B, 2, samples) into `vae`, with `used` of the latents."""
    name: str
    module: Any
    for name, module in vae.named_modules():
        if hasattr(module, "weight_g"):
            fan = module.weight_v[0].numel()
            branch = "res_unit" in name
            size = (
                QUIET if not branch else (1.0 if name.endswith("conv1") else FAINT) / math.sqrt(fan)
            )
            _write(module, torch.randn_like(module.weight_v) * size)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, Snake) and "res_unit" not in name:
            module.beta.fill_(STRAIGHT)
    encoder: Any = vae.encoder
    decoder: Any = vae.decoder
    _diagonal(encoder.conv1, torch.ones(2))
    _diagonal(decoder.conv2, torch.ones(2))
    signal = audio
    for stage, stride in enumerate(strides):
        down = encoder.block[stage].conv1
        up = decoder.block[len(strides) - 1 - stage].conv_t1
        batch, channels, length = signal.shape
        blocks = signal.reshape(batch, channels, length // stride, stride).permute(0, 2, 3, 1)
        blocks = blocks.reshape(batch, length // stride, stride * channels)
        most = min(down.out_channels, up.in_channels, stride * channels)
        kept = _directions(blocks.flatten(0, 1), most)
        # (direction, channel, place in the block)
        taps = kept.T.reshape(most, stride, channels).permute(0, 2, 1)
        for module in (down, up):
            weight = _fused(module)
            at = math.ceil(stride / 2)
            weight[:most] = 0
            weight[:most, :channels, at : at + stride] = taps
            _write(module, weight)
        signal = (blocks @ kept).permute(0, 2, 1)
    size = signal[:, :used].std((0, 2))
    scale = size**-NARROW
    scale = scale / (size * scale).square().mean().sqrt()
    _write(encoder.conv2, torch.randn_like(encoder.conv2.weight_v) * SPARE)
    _diagonal(encoder.conv2, scale)
    _diagonal(decoder.conv1, 1 / scale)


def _directions(rows: Tensor, count: int) -> Tensor:
    """The `count` strongest directions of rows (N, width), as columns."""
    return torch.linalg.eigh(rows.T @ rows / len(rows))[1].flip(1)[:, :count]


def _diagonal(module: Any, values: Tensor) -> None:
    """Channel i goes to channel i with these factors, in the kernel's middle tap."""
    weight = _fused(module)
    count = len(values)
    weight[:count] = 0
    weight[range(count), range(count), weight.shape[2] // 2] = values
    _write(module, weight)


def _fused(module: Any) -> Tensor:
    v = module.weight_v
    return module.weight_g * v / v.flatten(1).norm(dim=1).view(-1, 1, 1)


def _write(module: Any, weight: Tensor) -> None:
    module.weight_v.copy_(weight)
    module.weight_g.copy_(weight.flatten(1).norm(dim=1).view(-1, 1, 1))
