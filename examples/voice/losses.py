"""What the VAE is trained against: spectra of six sizes, what harmonics are known by, and the wave.

Signals are (N, samples), float32: mid and side of a batch, one after the other.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, pad

from pipeline.request import SAMPLE_RATE

from . import metrics
from .fused import Chain
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
EXTENDED = max(SIZES) // 2  # samples that a signal gets at both ends, for all of these
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
# samples: the decoder's own frames at 200, 50 and 25 Hz, some of them together. What it makes of
# one frame and then of the next is alike; in noise that is heard as a comb
OWN_LAGS = (240, 480, 720, 960, 1200, 1440, 1680, 1920)
COMB_WEIGHT = 1.0
# Hz: the decoder's rates, and what both divide. A spectrum of a whole example that is the same
# again after so much is a comb
SPACINGS = (50.0, 200.0, 300.0)
REPEATS_WEIGHT = 4.0
COMB_FLOOR = 1e-6  # power, in that spectrum
SILENT = 1e-6  # power of a frame's highs, below which it has no period
WAVE_WEIGHT = 1.0
THIRD_OCTAVES = tuple(62.5 * 2 ** (n / 3) for n in range(24))  # Hz, up to 16 kHz
FAINT_BAND = 1e-4  # part of a signal's power, below which a band does not count
BALANCE_FLOOR = 1e-7  # power of a sample
BALANCE_WEIGHT = 3.0
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
            self.register_buffer(f"tilt{size}", tilt)
            self.register_buffer(f"window{size}", torch.hann_window(size))
        judged = torch.from_numpy(metrics.make_mel_bank(96, 2048)).float()
        self.register_buffer("judged_bank", judged)
        frequencies = torch.fft.rfftfreq(PERIODIC, 1 / SAMPLE_RATE)
        highs = (frequencies / PERIODIC_FROM).clamp(max=1) ** 4
        self.register_buffer("highs", highs)
        self.register_buffer("own_lags", torch.tensor(OWN_LAGS))

    def forward(
        self, ours: Tensor, theirs: Tensor, sizes: Collection[int] = tuple(SIZES)
    ) -> dict[str, Tensor]:
        """The distance in parts, each weighted: their sum is what is made small. Spectra and mel
        bands of some `sizes` alone count as much as all; what is found in one size counts where
        that is among them.
        """
        counts = len(SIZES) / len(sizes)
        parts: dict[str, Tensor] = dict.fromkeys(
            ("spectrum", "mel", "advance", "period", "comb"), ours.new_zeros(())
        )
        ours_padded, theirs_padded = extend(ours), extend(theirs)
        for size in sizes:
            weight = counts * SIZES[size][1]
            a, b = self._transform(ours_padded, size), self._transform(theirs_padded, size)
            tilt = self._get("tilt", size)
            spectrum, mel = compare_magnitudes(*a, *b, tilt, self._get("bank", size))
            parts["spectrum"] = parts["spectrum"] + spectrum / len(sizes)
            parts["mel"] = parts["mel"] + weight * mel
            if size in ADVANCED:
                advance = compare_advances(*a, *b, tilt)
                parts["advance"] = parts["advance"] + ADVANCE_WEIGHT * advance
            if size == PERIODIC:
                period, comb = self._compare_periods(a, b)
                parts["period"] = PERIODIC_WEIGHT * period
                parts["comb"] = COMB_WEIGHT * comb
        parts["repeats"] = REPEATS_WEIGHT * compare_combs(ours, theirs)
        wave = (ours - theirs).abs().mean() / (theirs.abs().mean() + 1e-3)
        return parts | {"wave": WAVE_WEIGHT * wave}

    def measure_log_mel(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """`metrics.measure_log_mel_distance` of each signal, in dB (N,)."""
        logarithms = [
            torch.log10(
                measure_magnitude(*self._transform(extend(each), 2048)) @ self.judged_bank.T
                + MEL_FLOOR
            )
            for each in (ours, theirs)
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

    def _transform(self, extended: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Real and imaginary parts of what `extend` gave, (N, frames, size // 2 + 1) each, as
        `torch.stft` has them with four frames to a window: a full-scale sine is 1.
        """
        spare = EXTENDED - size // 2
        signal = extended[:, spare : extended.shape[1] - spare]
        spectrum: tuple[Tensor, Tensor] = _Transform.apply(
            signal, self._get("window", size) * (4 / size)
        )
        return spectrum

    def _compare_periods(self, *pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """How periodic the highs are: over all lags, which sees the distance of harmonics wherever
        they lie; and at the decoder's own lags, where its comb is. `pair` is ours and theirs.
        """
        powers = (measure_high_power(*each, self.highs) for each in pair)
        lags = [torch.fft.irfft(power, n=PERIODIC)[..., :LONGEST] for power in powers]
        periods: tuple[Tensor, Tensor] = compare_lags(*lags, self.own_lags)
        return periods


def extend(signal: Tensor) -> Tensor:
    """Signals (N, samples), mirrored at both ends: frames of all sizes are centred on samples."""
    return pad(signal[None], (EXTENDED, EXTENDED), mode="reflect")[0]


class _Transform(torch.autograd.Function):
    """A windowed Fourier transform of signals (N, samples), a quarter of a window from one frame to
    the next. Its gradient is a Fourier transform and a sum of frames again; that of `torch.stft`
    takes six times as long on a CPU.
    """

    @staticmethod
    def forward(ctx: Any, signal: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
        size = len(window)
        ctx.save_for_backward(window)
        ctx.samples = signal.shape[1]
        spectrum = torch.fft.rfft(signal.unfold(1, size, size // 4) * window)
        return spectrum.real.contiguous(), spectrum.imag.contiguous()

    @staticmethod
    def backward(ctx: Any, real: Tensor, imag: Tensor) -> tuple[Tensor, None]:
        (window,) = ctx.saved_tensors
        size = len(window)
        hop = size // 4
        spectrum = torch.complex(real, imag)
        # all others are counted twice: each stands for a frequency and its mirror image
        spectrum[..., [0, -1]] *= 2
        frames = torch.fft.irfft(spectrum, n=size, norm="forward") * (window / 2)
        count = frames.shape[1]
        grad = frames.new_zeros(len(frames), ctx.samples)
        hops = grad[:, : (count + 3) * hop].view(len(frames), count + 3, hop)
        for quarter in range(4):
            hops[:, quarter : quarter + count] += frames[..., quarter * hop : (quarter + 1) * hop]
        return grad, None


def measure_magnitude(real: Tensor, imag: Tensor) -> Tensor:
    """Never 0, where its slope would be infinite."""
    size = 2 * (real.shape[-1] - 1)
    return (real.square() + imag.square() + 1e-9 * (4 / size) ** 2).sqrt()


@Chain
def compare_magnitudes(
    real: Tensor, imag: Tensor, true_real: Tensor, true_imag: Tensor, tilt: Tensor, bank: Tensor
) -> tuple[Tensor, Tensor]:
    """Tilted magnitudes as they are and as logarithms; and mel bands."""
    a, b = measure_magnitude(real, imag), measure_magnitude(true_real, true_imag)
    mel = (torch.log(a @ bank.T + MEL_FLOOR) - torch.log(b @ bank.T + MEL_FLOOR)).abs().mean()
    a, b = a * tilt, b * tilt
    floor = 1e-3 * (b.shape[1] * b.shape[2]) ** 0.5
    converging = (a - b).square().sum((1, 2)).sqrt() / (b.square().sum((1, 2)).sqrt() + floor)
    logarithm = (torch.log(a + LOG_FLOOR) - torch.log(b + LOG_FLOOR)).abs().mean()
    return converging.mean() + logarithm, mel


@Chain
def compare_advances(
    real: Tensor, imag: Tensor, true_real: Tensor, true_imag: Tensor, tilt: Tensor
) -> Tensor:
    """How far each bin's phase turns from frame to frame: its instantaneous frequency, which tells
    a harmonic from noise of the same level. 0 to 4, and 2 for noise; loud bins count more.
    """
    a_real, a_imag = _turn(real, imag)
    b_real, b_imag = _turn(true_real, true_imag)
    a = (a_real.square() + a_imag.square() + 1e-14).sqrt()
    b = (b_real.square() + b_imag.square()).sqrt()
    strength = b.sqrt() * tilt
    b = b + 1e-7
    turned = (a_real / a - b_real / b).square() + (a_imag / a - b_imag / b).square()
    return (strength * turned).sum() / (strength.sum() + 1e-3)


def _turn(real: Tensor, imag: Tensor) -> tuple[Tensor, Tensor]:
    """Each frame times the conjugate of the one before."""
    x, y, x0, y0 = real[:, 1:], imag[:, 1:], real[:, :-1], imag[:, :-1]
    return x * x0 + y * y0, y * x0 - x * y0


@Chain
def measure_high_power(real: Tensor, imag: Tensor, highs: Tensor) -> Tensor:
    """The power of each bin, less and less of it below PERIODIC_FROM."""
    return (real.square() + imag.square()) * highs


@Chain
def compare_lags(ours: Tensor, theirs: Tensor, own_lags: Tensor) -> tuple[Tensor, Tensor]:
    """How far two autocorrelations (N, frames, lags) are apart, where there is sound: over all
    lags, and at the decoder's own.
    """
    energy, true_energy = ours[..., :1], theirs[..., :1]
    sounding = (true_energy * PERIODIC / 2 > SILENT).float()
    distance = ours / (energy + 1e-10) - theirs / (true_energy + 1e-10)
    every = (distance[..., SHORTEST:].square().mean(-1, keepdim=True) + 1e-8).sqrt()
    own = distance.index_select(-1, own_lags).abs().mean(-1, keepdim=True)
    count = sounding.sum() + 1
    return (sounding * every).sum() / count, (sounding * own).sum() / count


def compare_combs(ours: Tensor, theirs: Tensor) -> Tensor:
    """How far what `measure_combs` finds is apart; 0 of signals that are too short for it."""
    if ours.shape[1] < 2 * metrics.COMB_SIZE:
        return ours.new_zeros(())
    return (measure_combs(ours) - measure_combs(theirs)).square().mean()


def measure_combs(signal: Tensor) -> Tensor:
    """(N, spacings): `metrics.measure_comb` of each signal (N, samples), at all of `SPACINGS`."""
    size = metrics.COMB_SIZE
    window = torch.hann_window(size, device=signal.device)
    spectra = torch.fft.rfft(signal.unfold(1, size, size // 2) * window)
    power = torch.view_as_real(spectra).square().sum(-1).mean(1)
    logarithm = torch.log10(power + COMB_FLOOR)[:, None]
    bins = [round(edge * size / SAMPLE_RATE) for edge in metrics.COMB_BAND]
    combs = []
    for spacing in SPACINGS:
        lag = round(spacing * size / SAMPLE_RATE)
        # the mean over one spacing is the spectrum's shape, without any comb
        shape = avg_pool1d(logarithm, lag, 1, lag // 2)[..., : logarithm.shape[2]]
        detail = (logarithm - shape)[:, 0, slice(*bins)]
        ahead, behind = detail[:, lag:], detail[:, :-lag]
        energy = (ahead.square().sum(1) * behind.square().sum(1)).sqrt()
        combs.append((ahead * behind).sum(1) / (energy + 1))
    return torch.stack(combs, 1)


def compare_balances(ours: Tensor, theirs: Tensor) -> Tensor:
    """How far the power of thirds of octaves is apart in whole signals (N, samples), in bels: what
    is blurred is too soft on the whole, though no frame of it is far off.
    """
    samples = ours.shape[1]
    window = torch.hann_window(samples, device=ours.device)
    bank = torch.from_numpy(make_third_octaves(samples)).to(ours.device)
    powers = [
        torch.view_as_real(torch.fft.rfft(each * window)).square().sum(-1) @ bank.T
        for each in (ours, theirs)
    ]
    floor = FAINT_BAND * powers[1].sum(1, keepdim=True) + BALANCE_FLOOR * samples
    first, second = (torch.log10(power + floor) for power in powers)
    return BALANCE_WEIGHT * (first - second).abs().mean()


@functools.cache
def make_third_octaves(samples: int) -> npt.NDArray[np.float32]:
    """(bands, samples / 2 + 1): 1 where a frequency is in the band."""
    frequencies = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE)
    bands = [(low <= frequencies) & (frequencies < 2 ** (1 / 3) * low) for low in THIRD_OCTAVES]
    return np.stack(bands).astype(np.float32)


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
