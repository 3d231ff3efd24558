"""Convolutions as a CPU multiplies them fast. On a GPU they are torch's own.

Arrays are (B, channels, length) as everywhere, but in memory a frame's channels lie side by side:
torch's library then multiplies matrices without a copy, in bfloat16 four times as fast. A change of
rate by a whole factor is a kernel of two frames, each as wide as the frames it is made of; and the
few channels at the audio's rate are as many times more at a lower one.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, one_hot, pad

PHASES = 16  # samples that are taken for one frame where there are few channels
FEW = 8  # channels


def lay_out(x: Tensor) -> Tensor:
    """(B, C, L) -> the same, with a frame's channels side by side in memory."""
    return x if x.is_cuda else x.transpose(1, 2).contiguous().transpose(1, 2)


def fold(x: Tensor, phases: int) -> Tensor:
    """(B, C, L) -> (B, phases * C, L / phases): no copy of what is laid out."""
    batch, channels, length = x.shape
    rows = x.transpose(1, 2).reshape(batch, length // phases, phases * channels)
    return rows.transpose(1, 2)


def unfold(x: Tensor, phases: int) -> Tensor:
    """What `fold` was given."""
    batch, channels, length = x.shape
    rows = x.transpose(1, 2).reshape(batch, length * phases, channels // phases)
    return rows.transpose(1, 2)


def choose_phases(x: Tensor) -> int:
    """How many frames of x (B, C, L) are taken for one."""
    return PHASES if x.shape[1] <= FEW and x.shape[2] % PHASES == 0 else 1


class Conv(nn.Conv1d):
    """A convolution that keeps the length, or one whose kernel is two strides long."""

    def forward(self, x: Tensor) -> Tensor:
        stride, padding, dilation = self.stride[0], int(self.padding[0]), self.dilation[0]
        kernel = self.kernel_size[0]
        if x.is_cuda:
            return super().forward(x)
        if stride > 1:
            if kernel != 2 * stride or 2 * padding != stride:
                return super().forward(x)
            # (O, C, 2 * stride) -> (O, stride * C, 2)
            weight = self.weight.unflatten(2, (2, stride)).permute(0, 3, 1, 2).flatten(1, 2)
            rows = pad(x.transpose(1, 2), (0, 0, padding, padding))
            return _convolve(fold(rows.transpose(1, 2), stride), weight, self.bias)
        phases = choose_phases(x) if self.out_channels <= FEW else 1
        if phases == 1:
            return _convolve(x, self.weight, self.bias, padding, dilation)
        weight = spread(self.weight, dilation, phases)
        bias = None if self.bias is None else self.bias.repeat(phases)
        made = _convolve(fold(x, phases), weight, bias, weight.shape[2] // 2)
        return unfold(made, phases)


class Transposed(nn.ConvTranspose1d):
    """One whose kernel is two strides long: each frame becomes `stride` of them."""

    def forward(self, x: Tensor, output_size: Any = None) -> Tensor:
        stride, padding = self.stride[0], int(self.padding[0])
        if x.is_cuda or self.kernel_size[0] != 2 * stride or 2 * padding != stride:
            return super().forward(x, output_size)
        # (C, O, 2 * stride) -> (stride * O, C, 2): the frame before comes first
        weight = self.weight.unflatten(2, (2, stride)).flip(2).permute(3, 1, 0, 2).flatten(0, 1)
        bias = None if self.bias is None else self.bias.repeat(stride)
        made = unfold(_convolve(x, weight, bias, padding=1), stride)
        return lay_out(made[:, :, padding : made.shape[2] - padding])


def spread(weight: Tensor, dilation: int, phases: int) -> Tensor:
    """(O, C, K) -> (phases * O, phases * C, taps): the convolution of what `fold` gave."""
    outputs, inputs, size = weight.shape
    reach = dilation * (size // 2)
    taps = 2 * math.ceil(reach / phases) + 1
    place = torch.arange(phases)
    frame = torch.arange(taps) - taps // 2
    # of each (phase out, phase in, tap): how far the sample that it sees is away
    away = phases * frame + place[:, None] - place[:, None, None]
    seen = (away % dilation == 0) & (away.abs() <= reach)
    tap = torch.where(seen, (away + reach) // dilation, size)
    chosen = one_hot(tap, size + 1)[..., :size].flatten(0, 2).to(weight)
    spreading = weight.flatten(0, 1) @ chosen.T
    shaped = spreading.view(outputs, inputs, phases, phases, taps).permute(2, 0, 3, 1, 4)
    return shaped.reshape(phases * outputs, phases * inputs, taps)


def _convolve(
    x: Tensor, weight: Tensor, bias: Tensor | None, padding: int = 0, dilation: int = 1
) -> Tensor:
    """In two dimensions: with one, torch would copy x to another order."""
    made = conv2d(
        x[:, :, None], weight[:, :, None], bias, padding=(0, padding), dilation=(1, dilation)
    )
    return made[:, :, 0]
