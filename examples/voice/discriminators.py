"""Networks that tell decoded audio from real, which the decoder learns to deceive: spectra at three
sizes as complex numbers, and the wave at five periods.

Distances of magnitudes are smallest for a mean of what could be there; a discriminator wants one of
it. Used in training only.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad, relu
from torch.nn.utils import weight_norm

SPECTRA = (2048, 1024, 512)
PERIODS = (2, 3, 5, 7, 11)
WIDTH = 32  # channels
LOUDER = 0.3  # exponent that evens out magnitudes
MATCHING_WEIGHT = 0.6  # of the features' distance
DECEIT_WEIGHT = 0.1
Scores = list[tuple[Tensor, list[Tensor]]]  # of each discriminator: its scores and features


def make_conv(inputs: int, outputs: int, kernel: tuple[int, int], across: tuple[int, int]) -> Any:
    """A weight-normed convolution with a stride, padded by half of its kernel."""
    padding = (kernel[0] // 2, kernel[1] // 2)
    return weight_norm(nn.Conv2d(inputs, outputs, kernel, across, padding))


class Discriminator(nn.Module):
    """A stack of convolutions over a picture of the audio, with a score for each place of it."""

    def __init__(self, layers: Iterable[Any], out: Any) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.out = out

    def draw(self, audio: Tensor) -> Tensor:
        """(B, 2, samples), mid and side -> the picture (B, channels, height, width)."""
        raise NotImplementedError

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The scores, high for what is real, and every layer's features."""
        x = self.draw(audio)
        features = []
        for layer in self.layers:
            x = leaky_relu(layer(x), 0.1)
            features.append(x)
        return self.out(x), features


class SpectrumDiscriminator(Discriminator):
    """Sees the complex spectrum of mid and side: phases tell harmonics from noise."""

    window: Tensor

    def __init__(self, size: int, width: int = WIDTH) -> None:
        wide = [make_conv(width, width, (3, 9), (1, 2)) for _ in range(3)]
        first = make_conv(4, width, (3, 9), (1, 2))
        last = make_conv(width, width, (3, 3), (1, 1))
        super().__init__([first, *wide, last], make_conv(width, 1, (3, 3), (1, 1)))
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)

    def draw(self, audio: Tensor) -> Tensor:
        """(B, 4, frames, bins)."""
        with torch.autocast(audio.device.type, enabled=False):
            spectrum = torch.stft(
                audio.float().flatten(0, 1),
                self.size,
                self.size // 4,
                window=self.window,
                return_complex=True,
            )
            power = spectrum.real.square() + spectrum.imag.square()
            picture = torch.view_as_real(spectrum) * (power + 1e-6)[..., None] ** ((LOUDER - 1) / 2)
        # (B * 2, bins, frames, 2) -> (B, 2 * 2, frames, bins)
        batch = audio.shape[0]
        picture = picture.unflatten(0, (batch, 2)).permute(0, 1, 4, 3, 2)
        return picture.flatten(1, 2)


class PeriodDiscriminator(Discriminator):
    """Sees every period-th sample in a column."""

    def __init__(self, period: int, width: int = WIDTH) -> None:
        widths = [2, width // 2, width, 2 * width, 4 * width]
        layers = [make_conv(a, b, (5, 1), (3, 1)) for a, b in pairwise(widths)]
        last = make_conv(widths[-1], widths[-1], (5, 1), (1, 1))
        super().__init__([*layers, last], make_conv(widths[-1], 1, (3, 1), (1, 1)))
        self.period = period

    def draw(self, audio: Tensor) -> Tensor:
        """(B, 2, samples / period, period)."""
        missing = -audio.shape[2] % self.period
        return pad(audio, (0, missing)).unflatten(2, (-1, self.period))


class Discriminators(nn.Module):
    """All of them, and what they say of the decoder's audio."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.spectra = nn.ModuleList(SpectrumDiscriminator(size, width) for size in SPECTRA)
        self.periods = nn.ModuleList(PeriodDiscriminator(period, width) for period in PERIODS)

    def forward(self, audio: Tensor) -> Scores:
        """(B, 2, samples), mid and side."""
        return [each(audio) for each in (*self.spectra, *self.periods)]

    def measure_loss(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """What the discriminators make small: real scores above 1, the decoder's below -1."""
        batch = len(theirs)
        scores = [score.float() for score, _ in self(torch.cat([theirs, ours.detach()]))]
        losses = [
            relu(1 - score[:batch]).mean() + relu(1 + score[batch:]).mean() for score in scores
        ]
        return torch.stack(losses).mean()

    def measure_deceit(self, ours: Tensor, theirs: Tensor) -> dict[str, Tensor]:
        """What the decoder makes small, in parts: low scores, and features unlike the real ones."""
        with torch.no_grad():
            real = self(theirs)
        decoded = self(ours)
        scores = torch.stack([-score.float().mean() for score, _ in decoded]).mean()
        distances = [
            (a.float() - b.float()).abs().mean() / (b.float().abs().mean() + 1e-3)
            for (_, features), (_, truth) in zip(decoded, real)
            for a, b in zip(features, truth)
        ]
        matching = torch.stack(distances).mean()
        return {"deceit": DECEIT_WEIGHT * scores, "matching": MATCHING_WEIGHT * matching}
