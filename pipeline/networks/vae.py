"""The VAE (Oobleck): latents at 25 Hz <-> 48 kHz stereo. Arrays are channels last."""

from __future__ import annotations

import math
from collections.abc import Iterator

import mlx.core as mx
from mlx import nn

from .config import VAEConfig
from .ops import Ops
from .typed import TypedModule

DILATIONS = (1, 3, 9)
# latent frames decoded at a time: larger ones take more memory, smaller ones waste more overlap
TILE = 256


class Snake(TypedModule):
    """x + sin(alpha x)^2 / beta, with one alpha and beta per channel, stored as logarithms.

    `fold` replaces alpha by its exponential, and beta by the inverse of its exponential.
    """

    def __init__(self, channels: int, ops: Ops) -> None:
        super().__init__()
        self._ops = ops
        self.alpha = mx.zeros((1, channels, 1))
        self.beta = mx.zeros((1, channels, 1))

    def fold(self) -> None:
        """Once, after loading."""
        self.alpha = mx.exp(self.alpha.astype(mx.float32)).reshape(-1)
        self.beta = 1 / (mx.exp(self.beta.astype(mx.float32)).reshape(-1) + 1e-9)

    def __call__(self, x: mx.array) -> mx.array:
        """(B, L, channels) -> the same shape."""
        return self._ops.snake(x, self.alpha, self.beta)


class WeightNorm(TypedModule):
    """A convolution's weight as direction `weight_v` and length `weight_g`. `fold` replaces both by
    one `weight`.

    The norm is over every dimension but the first, also in a transposed convolution (whose first
    one is the input).
    """

    def __init__(self, shape: tuple[int, int, int], bias: int) -> None:
        super().__init__()
        self.weight_g = mx.zeros((shape[0], 1, 1))
        self.weight_v = mx.zeros(shape)
        if bias:
            self.bias = mx.zeros((bias,))

    def fuse(self) -> mx.array:
        """The weight itself, (first, second, kernel) in float32."""
        v = self.weight_v.astype(mx.float32)
        return (
            self.weight_g.astype(mx.float32)
            * v
            / mx.sqrt(mx.sum(v * v, axis=(1, 2), keepdims=True))
        )

    def _set_weight(self, weight: mx.array) -> None:
        self.pop("weight_g")
        self.pop("weight_v")
        self.weight = weight


class Conv(WeightNorm):
    """A convolution: (B, L, in) -> (B, L', out)."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, ops: Ops, bias: bool = True, **geometry: int
    ) -> None:
        """`geometry`: stride, dilation and padding; the padding of an odd kernel keeps the length
        by default.
        """
        super().__init__((outputs, inputs, kernel), outputs if bias else 0)
        self._ops = ops
        self._geometry = {"padding": kernel // 2} | geometry

    def fold(self) -> None:
        """Once, after loading."""
        self._set_weight(self._ops.fold_conv(self.fuse().transpose(0, 2, 1)))

    def __call__(self, x: mx.array, padding: int | None = None) -> mx.array:
        """`padding` replaces that of the geometry."""
        geometry = self._geometry if padding is None else self._geometry | {"padding": padding}
        y = self._ops.conv1d(x, self.weight, **geometry)
        return y + self.bias if "bias" in self else y


class TransposedConv(WeightNorm):
    """A transposed convolution with a kernel of twice its stride: (B, L, in) -> (B, L * stride,
    out), a sample less where the stride is odd.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, ops: Ops) -> None:
        super().__init__((inputs, outputs, 2 * stride), outputs)
        self._ops = ops
        self._stride = stride

    def fold(self) -> None:
        """Once, after loading."""
        weight = self.fuse().transpose(1, 2, 0)
        self._set_weight(self._ops.fold_conv_transpose(weight, self._stride))

    def __call__(self, x: mx.array) -> mx.array:
        padding = math.ceil(self._stride / 2)
        return self._ops.conv_transpose1d(x, self.weight, self._stride, padding) + self.bias


class ResidualUnit(TypedModule):
    """A dilated and a plain convolution beside a residual connection: (B, L, C) -> the same."""

    def __init__(self, channels: int, dilation: int, ops: Ops) -> None:
        super().__init__()
        self._ops = ops
        self.snake1 = Snake(channels, ops)
        self.conv1 = Conv(channels, channels, 7, ops, dilation=dilation)
        self.snake2 = Snake(channels, ops)
        self.conv2 = Conv(channels, channels, 1, ops)
        self._reach = 3 * dilation

    def __call__(self, x: mx.array) -> mx.array:
        return self._ops.add_residual(x, self._branch, self._reach)

    def _branch(self, x: mx.array, padding: int) -> mx.array:
        """Zeros around x are zeros behind the first snake too, as its value at 0 is 0."""
        return self.conv2(self.snake2(self.conv1(self.snake1(x), padding)))


class DecoderBlock(TypedModule):
    """(B, L, in) -> (B, L * stride, out)."""

    def __init__(self, inputs: int, outputs: int, stride: int, ops: Ops) -> None:
        super().__init__()
        self.snake1 = Snake(inputs, ops)
        self.conv_t1 = TransposedConv(inputs, outputs, stride, ops)
        self.res_unit1, self.res_unit2, self.res_unit3 = (
            ResidualUnit(outputs, d, ops) for d in DILATIONS
        )

    def __call__(self, x: mx.array) -> mx.array:
        x = self.conv_t1(self.snake1(x))
        return self.res_unit3(self.res_unit2(self.res_unit1(x)))


class EncoderBlock(TypedModule):
    """(B, L, in) -> (B, L / stride, out)."""

    def __init__(self, inputs: int, outputs: int, stride: int, ops: Ops) -> None:
        super().__init__()
        self.res_unit1, self.res_unit2, self.res_unit3 = (
            ResidualUnit(inputs, d, ops) for d in DILATIONS
        )
        self.snake1 = Snake(inputs, ops)
        padding = math.ceil(stride / 2)
        self.conv1 = Conv(inputs, outputs, 2 * stride, ops, stride=stride, padding=padding)

    def __call__(self, x: mx.array) -> mx.array:
        return self.conv1(self.snake1(self.res_unit3(self.res_unit2(self.res_unit1(x)))))


class Decoder(TypedModule):
    """Latents -> audio."""

    def __init__(self, config: VAEConfig, ops: Ops) -> None:
        super().__init__()
        widths = [config.decoder_channels * m for m in (1, *config.channel_multiples)][::-1]
        strides = config.downsampling_ratios[::-1]
        self.conv1 = Conv(config.decoder_input_channels, widths[0], 7, ops)
        self.block = [
            DecoderBlock(a, b, s, ops) for a, b, s in zip(widths, widths[1:], strides, strict=False)
        ]
        self.snake1 = Snake(widths[-1], ops)
        self.conv2 = Conv(widths[-1], config.audio_channels, 7, ops, bias=False)

    def __call__(self, latents: mx.array) -> mx.array:
        """(B, T, 64) -> (B, T * hop, 2)."""
        x = self.conv1(latents)
        for block in self.block:
            x = block(x)
        return self.conv2(self.snake1(x))


class Encoder(TypedModule):
    """Audio -> the posterior's mean and scale."""

    def __init__(self, config: VAEConfig, ops: Ops) -> None:
        super().__init__()
        widths = [config.encoder_hidden_size * m for m in (1, *config.channel_multiples)]
        self.conv1 = Conv(config.audio_channels, widths[0], 7, ops)
        strides = config.downsampling_ratios
        self.block = [
            EncoderBlock(a, b, s, ops) for a, b, s in zip(widths, widths[1:], strides, strict=False)
        ]
        self.snake1 = Snake(widths[-1], ops)
        # diffusers: encoder_hidden_size, also 128
        self.conv2 = Conv(widths[-1], 2 * config.decoder_input_channels, 3, ops)

    def __call__(self, audio: mx.array) -> mx.array:
        """(B, samples, 2) -> mean and scale (B, T, 128)."""
        x = self.conv1(audio)
        for block in self.block:
            x = block(x)
        return self.conv2(self.snake1(x))


class VAE(TypedModule):
    """Encoder and decoder. `fold` has to be called once the weights are loaded."""

    def __init__(self, config: VAEConfig, ops: Ops) -> None:
        super().__init__()
        self.encoder = Encoder(config, ops)
        self.decoder = Decoder(config, ops)
        self.config = config

    def fold(self) -> None:
        """Bring every convolution's weight into the form that the operations take."""
        for module in self.modules():
            if module is not self and hasattr(module, "fold"):
                module.fold()

    def encode(self, audio: mx.array) -> tuple[mx.array, mx.array]:
        """(B, samples, 2) -> the posterior's mean and standard deviation, each (B, T, 64)."""
        mean, scale = mx.split(self.encoder(audio), 2, axis=-1)
        return mean, nn.softplus(scale) + 1e-4

    def encode_tiles(
        self, audio: mx.array, tile: int = TILE, noise: mx.array | None = None
    ) -> Iterator[mx.array]:
        """(B, samples, 2) -> the posterior's mean (B, T, 64) in pieces of `tile` frames, in bounded
        memory and without seams; with `noise` (B, T, 64), a sample of the posterior instead. Audio
        behind the last whole frame has no latent.

        Each tile is encoded with as many frames around it as the receptive field has.
        """
        hop = self.config.hop
        field = self.encoder_receptive_field
        length = audio.shape[1] // hop
        for start in range(0, length, tile):
            stop = min(start + tile, length)
            first = max(0, start - field)
            mean, std = self.encode(audio[:, first * hop : (stop + field) * hop])
            inside = slice(start - first, stop - first)
            if noise is None:
                yield mean[:, inside]
            else:
                yield mean[:, inside] + std[:, inside] * noise[:, start:stop]

    @property
    def encoder_receptive_field(self) -> int:
        """How many latent frames to each side reach one latent: those of audio around it."""
        samples = 3.0
        rate = 1
        for stride in self.config.downsampling_ratios:
            samples += rate * (3 * sum(DILATIONS) + 2 * stride)
            rate *= stride
        return math.ceil((samples + rate) / self.config.hop)

    def decode(self, latents: mx.array) -> mx.array:
        """(B, T, 64) -> (B, T * hop, 2), in one piece."""
        return self.decoder(latents)

    def decode_tiles(
        self, latents: mx.array, tile: int = TILE, overlap: int | None = None
    ) -> Iterator[mx.array]:
        """The same audio in pieces of `tile` frames, in bounded memory.

        Each tile is decoded with `overlap` more frames on both sides, which are cut off again: by
        default as many as one sample's receptive field has, so that the borders can be neither
        heard nor measured.
        """
        hop = self.config.hop
        length = latents.shape[1]
        if length <= tile or any(ratio % 2 for ratio in self.config.downsampling_ratios):
            # an odd stride shortens the audio, so that tiles would not meet
            yield self.decode(latents)
            return
        overlap = self.decoder_receptive_field if overlap is None else overlap
        for start in range(0, length, tile):
            stop = min(start + tile, length)
            first = max(0, start - overlap)
            last = min(length, stop + overlap)
            audio = self.decode(latents[:, first:last])
            yield audio[:, (start - first) * hop : (stop - first) * hop]

    @property
    def decoder_receptive_field(self) -> int:
        """How many latent frames to each side reach one audio sample."""
        dilated = 3 * sum(DILATIONS)
        rate = 1.0  # the first convolution sees three frames to each side
        frames = 3.0
        for stride in self.config.downsampling_ratios[::-1]:
            frames += 1 / rate  # the transposed convolution mixes two neighbours
            rate *= stride
            frames += dilated / rate
        return math.ceil(frames + 3 / rate)
