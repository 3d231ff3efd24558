"""The VAE in torch, for training: the same tensors under the same names as in
`pipeline/networks/vae.py`. `linear_codec` writes what it starts as.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils import weight_norm

from .convolutions import Conv, Transposed, choose_phases, fold, lay_out, unfold
from .fused import Chain, compile_chains

LATENT = 64
CONFIG: dict[str, Any] = {
    "_class_name": "AutoencoderOobleck",
    "audio_channels": 2,
    # 256 channels at 200 and 50 Hz, where a step costs little; two, which are only put together of
    # frames that overlap, at the audio's rate, where it costs most
    "channel_multiples": [128, 128, 128],
    "decoder_channels": 2,
    "decoder_input_channels": LATENT,
    "downsampling_ratios": [240, 4, 2],
    "encoder_hidden_size": 2,
    "sampling_rate": 48000,
}


@Chain
def bend(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """x + sin(alpha x)^2 / beta in float32, in the type of x."""
    wide = x.float()
    return (wide + torch.sin(alpha * wide).square() / (beta + 1e-9)).to(x.dtype)


class _SnakeFunction(torch.autograd.Function):
    """x + sin(alpha x)^2 / beta, with a backward pass that keeps no more than its inputs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
        ctx.save_for_backward(x, alpha, beta)
        return torch.addcmul(x, torch.sin(alpha * x).square_(), 1 / (beta + 1e-9)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, alpha, beta = ctx.saved_tensors
        inverse = 1 / (beta + 1e-9)
        slope = grad * torch.sin(2 * alpha * x) * inverse
        grad_x = torch.addcmul(grad, slope, alpha)
        grad_alpha = (slope * x).sum_to_size(alpha.shape)
        bend = (grad * torch.sin(alpha * x).square_()).sum_to_size(beta.shape)
        grad_beta = -bend * inverse * inverse
        return grad_x.to(x.dtype), grad_alpha, grad_beta


class Snake(nn.Module):
    """The VAE's activation, with one alpha and beta per channel, stored as logarithms."""

    function: ClassVar[Callable[[Tensor, Tensor, Tensor], Tensor]] = staticmethod(
        _SnakeFunction.apply
    )

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(1, channels, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        alpha, beta = self.alpha.exp(), self.beta.exp()
        if x.is_cuda:
            return Snake.function(x, alpha, beta)
        phases = choose_phases(x)
        wide = fold(x, phases).transpose(1, 2)
        made = Snake.function(
            wide.flatten(0, 1), alpha.flatten().repeat(phases), beta.flatten().repeat(phases)
        )
        return unfold(made.view_as(wide).transpose(1, 2), phases)


def choose_device(name: str) -> torch.device:
    """The device of this name; "auto" is the GPU where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def compile_for(device: torch.device) -> None:
    """Let snakes and spectra be a kernel or two each, forwards and backwards, if this machine can
    compile them.
    """
    if compile_chains(device) or device.type == "cuda":
        Snake.function = staticmethod(bend)


def make_conv(inputs: int, outputs: int, kernel: int, bias: bool = True, **geometry: int) -> Any:
    """A weight-normed convolution; the padding of an odd kernel keeps the length by default."""
    geometry = {"padding": kernel // 2} | geometry
    return weight_norm(Conv(inputs, outputs, kernel, bias=bias, **geometry))


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
            self.conv_t1 = weight_norm(Transposed(inputs, outputs, 2 * stride, **geometry))
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
    """The encoder (audio -> mean and scale of the latents) or the decoder (latents -> audio).

    What is at the audio's rate is computed in float32 whatever autocast says: bfloat16's eight bits
    are noise 50 dB below the loudest sound, and cover the highs.
    """

    def __init__(
        self, ends: tuple[int, int], widths: list[int], strides: list[int], up: bool
    ) -> None:
        super().__init__()
        self.up = up
        self.conv1 = make_conv(ends[0], widths[0], 7)
        self.block = nn.ModuleList(
            Block(inputs, outputs, stride, up)
            for inputs, outputs, stride in zip(widths, widths[1:], strides, strict=False)
        )
        self.snake1 = Snake(widths[-1])
        self.conv2 = make_conv(widths[-1], ends[1], 7 if up else 3, bias=not up)

    def forward(self, x: Tensor) -> Tensor:
        *first, last = self.block
        x = lay_out(x)
        if self.up:
            x = self.conv1(x)
            for block in first:
                x = block(x)
            with torch.autocast(x.device.type, enabled=False):
                return self.conv2(self.snake1(last(x.float())))
        with torch.autocast(x.device.type, enabled=False):
            x = self.block[0](self.conv1(x.float()))
        for block in self.block[1:]:
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
