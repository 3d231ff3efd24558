"""What the VAE is trained against: spectra of six sizes, what harmonics are known by, and the wave.

Signals are (N, samples), float32: mid and side of a batch, one after the other.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.request import SAMPLE_RATE

from . import metrics
from .oobleck import LATENT

HOP = 1920  # samples per latent frame
# sizes of the spectra: their mel bands, and how much these count
SIZES = {
    4096: (128, 0.8),
    2048: (96, 1.6),
    1024: (64, 1.0),
    512: (40, 0.7),
    256: (20, 0.4),
    128: (12, 0.3),
}
TILT_FROM = 1500.0  # Hz: above it a spectrum counts 6 dB an octave more
STEEPEST = 8.0  # but at most so much
LOG_FLOOR = 3e-4
MEL_FLOOR = 1e-4
ADVANCED = (2048, 512)  # sizes at which the phase's advance counts
ADVANCE_WEIGHT = 0.4
PERIODIC = 4096  # size of the spectrum whose autocorrelation counts
PERIODIC_FROM = 2000.0  # Hz
SHORTEST = 24  # samples: lags of that autocorrelation
LONGEST = 2048
PERIODIC_WEIGHT = 4.0
# samples: the decoder's own frames, from 3 kHz to 25 Hz. What it makes of one frame and then of the
# next is alike; in noise that is heard as a comb
OWN_LAGS = (16, 160, 320, 480, 640, 800, 960, 1920)
COMB_WEIGHT = 1.0
SILENT = 1e-6  # power of a frame's highs, below which it has no period
WAVE_WEIGHT = 0.2
PROBED = 1024  # window of the envelope that `Probe` predicts, twice per latent frame
BANDS = 32  # of it


def to_mid_side(audio: Tensor) -> Tensor:
    """(B, 2, samples) -> (2 B, samples)."""
    return torch.cat([(audio[:, 0] + audio[:, 1]) / 2, (audio[:, 0] - audio[:, 1]) / 2])


class Spectra(nn.Module):
    """The distance between two signals. Its buffers go to the device with it."""

    highs: Tensor
    judged_bank: Tensor
    own_lags: Tensor

    def __init__(self) -> None:
        super().__init__()
        for size, (bands, _) in SIZES.items():
            top = 20_000.0 if size > 128 else 16_000.0
            bank = metrics.make_mel_bank(bands, size, high=top)
            frequencies = torch.fft.rfftfreq(size, 1 / SAMPLE_RATE)
            tilt = (1 + (frequencies / TILT_FROM) ** 2).sqrt().clamp(max=STEEPEST)
            self.register_buffer(f"bank{size}", torch.from_numpy(bank).float())
            self.register_buffer(f"tilt{size}", tilt[:, None])
            self.register_buffer(f"window{size}", torch.hann_window(size))
        judged = torch.from_numpy(metrics.make_mel_bank(96, 2048)).float()
        self.register_buffer("judged_bank", judged)
        frequencies = torch.fft.rfftfreq(PERIODIC, 1 / SAMPLE_RATE)
        highs = (frequencies / PERIODIC_FROM).clamp(max=1) ** 4
        self.register_buffer("highs", highs[:, None])
        self.register_buffer("own_lags", torch.tensor(OWN_LAGS))

    def forward(self, ours: Tensor, theirs: Tensor) -> dict[str, Tensor]:
        """The distance in parts, each weighted: their sum is what is made small."""
        parts: dict[str, Tensor] = dict.fromkeys(
            ("spectrum", "mel", "advance", "period", "comb"), ours.new_zeros(())
        )
        for size, (_, weight) in SIZES.items():
            a, b = self._transform(ours, size), self._transform(theirs, size)
            spectrum, mel = self._compare_magnitudes(a, b, size)
            parts["spectrum"] = parts["spectrum"] + spectrum / len(SIZES)
            parts["mel"] = parts["mel"] + weight * mel
            if size in ADVANCED:
                advance = self._compare_advances(a, b, size)
                parts["advance"] = parts["advance"] + ADVANCE_WEIGHT * advance
            if size == PERIODIC:
                period, comb = self._compare_periods(a, b)
                parts["period"] = PERIODIC_WEIGHT * period
                parts["comb"] = COMB_WEIGHT * comb
        wave = (ours - theirs).abs().mean() / (theirs.abs().mean() + 1e-3)
        return parts | {"wave": WAVE_WEIGHT * wave}

    def measure_log_mel(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """`metrics.measure_log_mel_distance` of each signal, in dB (N,)."""
        logarithms = [
            torch.log10(self.judged_bank @ self._magnitude(each, 2048) + MEL_FLOOR)
            for each in (self._transform(ours, 2048), self._transform(theirs, 2048))
        ]
        return 20 * (logarithms[0] - logarithms[1]).abs().mean((1, 2))

    def measure_si_sdr(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """`metrics.measure_si_sdr` of each of (N, ...), in dB (N,)."""
        a, b = ours.flatten(1).double(), theirs.flatten(1).double()
        target = (a * b).sum(1, keepdim=True) / b.square().sum(1, keepdim=True) * b
        return 10 * torch.log10(target.square().sum(1) / (a - target).square().sum(1))

    def _get(self, name: str, size: int) -> Tensor:
        buffer: Tensor = getattr(self, f"{name}{size}")
        return buffer

    def _transform(self, signal: Tensor, size: int) -> Tensor:
        """(N, size // 2 + 1, frames), complex: a full-scale sine is 1."""
        window = self._get("window", size)
        spectrum: Tensor = torch.stft(signal, size, size // 4, window=window, return_complex=True)
        return spectrum * (4 / size)

    def _magnitude(self, spectrum: Tensor, size: int) -> Tensor:
        """Never 0, where its slope would be infinite."""
        return (spectrum.real.square() + spectrum.imag.square() + 1e-9 * (4 / size) ** 2).sqrt()

    def _compare_magnitudes(self, ours: Tensor, theirs: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Tilted magnitudes as they are and as logarithms; and mel bands."""
        tilt = self._get("tilt", size)
        bank = self._get("bank", size)
        a, b = self._magnitude(ours, size), self._magnitude(theirs, size)
        mel = (torch.log(bank @ a + MEL_FLOOR) - torch.log(bank @ b + MEL_FLOOR)).abs().mean()
        a, b = a * tilt, b * tilt
        floor = 1e-3 * math.sqrt(b.shape[1] * b.shape[2])
        converging = (a - b).square().sum((1, 2)).sqrt() / (b.square().sum((1, 2)).sqrt() + floor)
        logarithm = (torch.log(a + LOG_FLOOR) - torch.log(b + LOG_FLOOR)).abs().mean()
        return converging.mean() + logarithm, mel

    def _compare_advances(self, ours: Tensor, theirs: Tensor, size: int) -> Tensor:
        """How far each bin's phase turns from frame to frame: its instantaneous frequency, which
        tells a harmonic from noise of the same level. 0 to 4, and 2 for noise; loud bins count
        more.
        """
        a = ours[..., 1:] * ours[..., :-1].conj()
        b = theirs[..., 1:] * theirs[..., :-1].conj()
        strength = b.abs().sqrt() * self._get("tilt", size)
        a = a / (a.real.square() + a.imag.square() + 1e-14).sqrt()
        b = b / (b.abs() + 1e-7)
        difference = a - b
        turned = difference.real.square() + difference.imag.square()
        return (strength * turned).sum() / (strength.sum() + 1e-3)

    def _compare_periods(self, ours: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
        """How periodic the highs are: over all lags, which sees the distance of harmonics wherever
        they lie; and at the decoder's own lags, where its comb is.
        """
        correlations = []
        energies = []
        for spectrum in (ours, theirs):
            power = (spectrum.real.square() + spectrum.imag.square()) * self.highs
            lags = torch.fft.irfft(power.transpose(1, 2), n=PERIODIC)
            energy = lags[..., :1]
            correlations.append(lags[..., :LONGEST] / (energy + 1e-10))
            energies.append(energy)
        sounding = (energies[1] * PERIODIC / 2 > SILENT).float()
        distance = correlations[0] - correlations[1]
        every = (distance[..., SHORTEST:].square().mean(-1, keepdim=True) + 1e-8).sqrt()
        own = distance.index_select(-1, self.own_lags).abs().mean(-1, keepdim=True)
        count = sounding.sum() + 1
        return (sounding * every).sum() / count, (sounding * own).sum() / count


class Probe(nn.Module):
    """Predicts the spectrum's envelope from the latents, in training only.

    Without it the encoder leaves those latents empty that the linear codec does not use, and hats
    and partials are lost.
    """

    bank: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(LATENT, 2 * BANDS, 3, padding=1)
        bank = torch.from_numpy(metrics.make_mel_bank(BANDS, PROBED)).float()
        self.register_buffer("bank", bank, persistent=False)
        self.register_buffer("window", torch.hann_window(PROBED), persistent=False)

    def measure_loss(self, latents: Tensor, audio: Tensor) -> Tensor:
        """Latents (B, 64, T) and their audio (B, 2, samples)."""
        geometry: Any = {"window": self.window, "return_complex": True}
        spectrum = torch.stft(audio.mean(1), PROBED, HOP // 2, **geometry)
        envelope = torch.log(self.bank @ spectrum.abs() * (4 / PROBED) + 1e-4) / 2 + 3
        batch = latents.shape[0]
        frames = latents.shape[2]
        target = envelope[..., : 2 * frames].reshape(batch, BANDS, frames, 2)
        target = target.transpose(2, 3).flatten(1, 2)
        return (self.conv(latents) - target).square().mean()
