"""The VAE in torch, for training: the same tensors under the same names as in
`pipeline/networks/vae.py`.

`write_linear_codec` starts it as a codec that needs no training: each strided convolution keeps the
strongest directions of its input blocks (a principal component analysis), each transposed
convolution interpolates between two frames as well as a linear map can, and the residual branches
are almost silent. Training then only has to add what a linear code cannot do; from random weights
it collapses.
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
    # decoder: 128 channels at 3 kHz, where harmonics are made, 256 at 300 Hz, 288 at 50 and 25 Hz;
    # encoder: half of that
    "channel_multiples": [32, 64, 72, 72],
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
USED = 44  # latents that the linear codec uses
ROWS = 12_000  # frames that a stage of it learns from, at most
RIDGE = 1e-4  # of its regression, as a part of the mean power


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


@torch.no_grad()
def write_linear_codec(vae: VAE, audio: Tensor, strides: list[int], used: int = USED) -> None:
    """Write the linear codec for `audio` (B, 2, samples) into `vae`, with `used` of the latents.

    A block of the decoder's is made of two frames that overlap, not of one alone: blocks that meet
    abruptly are heard as a comb at their rate, and training does not get rid of it.
    """
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
        blocks = signal.reshape(batch, channels, length // stride, stride).permute(0, 2, 1, 3)
        blocks = blocks.flatten(2)  # (batch, frames, channels * stride)
        count = min(down.out_channels, up.in_channels, channels * stride)
        directions = _find_directions(blocks.flatten(0, 1), count)
        weight = _fuse(down)
        at = math.ceil(stride / 2)
        weight[:count] = 0
        weight[:count, :channels, at : at + stride] = directions.T.reshape(count, channels, stride)
        _write_weight(down, weight)
        coded = (blocks @ directions).transpose(1, 2)
        sent = count if stage < len(strides) - 1 else min(count, used)
        weight = _fuse(up)
        weight[:sent] = 0
        weight[:sent, :channels] = _fit_synthesis(coded[:, :sent], signal, stride)
        _write_weight(up, weight)
        signal = coded
    size = signal[:, :used].std((0, 2))
    scale = size**-NARROW
    scale = scale / (size * scale).square().mean().sqrt()
    _write_weight(encoder.conv2, torch.randn_like(encoder.conv2.weight_v) * SPARE)
    _write_diagonal(encoder.conv2, scale)
    _write_diagonal(decoder.conv1, 1 / scale)


def _thin_out(rows: Tensor) -> Tensor:
    """At most ROWS of the rows, evenly chosen."""
    return rows[:: math.ceil(len(rows) / ROWS)]


def _fit_synthesis(coded: Tensor, signal: Tensor, stride: int) -> Tensor:
    """(count, C, 2 * stride): the transposed convolution's weight that brings `coded`
    (B, count, L / stride) back to `signal` (B, C, L) with the least squared error.

    A block of `stride` samples is made of the frame whose first half lies there, and of the second
    half of the one before.
    """
    count, channels = coded.shape[1], signal.shape[1]
    pairs = torch.cat([coded[:, :, 1:], coded[:, :, :-1]], dim=1)
    pairs = _thin_out(pairs.transpose(1, 2).flatten(0, 1)).double()
    blocks = signal[:, :, stride - stride // 2 : -(stride // 2)].unfold(2, stride, stride)
    blocks = _thin_out(blocks.permute(0, 2, 1, 3).flatten(2).flatten(0, 1)).double()
    products = pairs.T @ pairs
    ridge = RIDGE * products.diagonal().mean() * torch.eye(2 * count).to(products)
    halves = torch.linalg.solve(products + ridge, pairs.T @ blocks)
    return halves.reshape(2, count, channels, stride).permute(1, 2, 0, 3).flatten(2).float()


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
    chosen = _thin_out(rows)
    return torch.linalg.eigh(chosen.T @ chosen / len(chosen))[1].flip(1)[:, :count]


def _write_diagonal(module: Any, values: Tensor) -> None:
    """Let channel i go to channel i with these factors, in the kernel's middle tap."""
    weight = _fuse(module)
    count = len(values)
    weight[:count] = 0
    weight[range(count), range(count), weight.shape[2] // 2] = values.to(weight)
    _write_weight(module, weight)


def _fuse(module: Any) -> Tensor:
    """The weight of a weight-normed convolution."""
    v = module.weight_v
    return module.weight_g * v / v.flatten(1).norm(dim=1).view(-1, 1, 1)


def _write_weight(module: Any, weight: Tensor) -> None:
    """As direction and length."""
    module.weight_v.copy_(weight)
    module.weight_g.copy_(weight.flatten(1).norm(dim=1).view(-1, 1, 1))
