"""What can be measured of music without listening: NumPy only. Audio is float32, (samples, 2) or
(samples,), 48 kHz.

Nothing here depends on how loud a clip is, except `log_mel_distance`, `level` and `peak`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from pipeline.guide.harmony import NOTES, scale_of
from pipeline.request import SAMPLE_RATE

LOUDNESS = 0.1  # RMS that a clip is brought to before its onsets and its timbre are measured
FLOOR_DB = -200.0  # what silence measures
SLOWEST = 55.0  # bpm that are searched
FASTEST = 185.0
# of a tempo, all of them right: how a beat is counted is a matter of taste
OCTAVES = (
    0.5,
    1.0,
    2.0,
)
COMB = (0.5, 1, 1.5, 2, 3, 4, 6, 8)  # beats after which music is like itself
ONSET_SIZE = 1024
ONSET_HOP = 240
ONSET_RATE = SAMPLE_RATE / ONSET_HOP  # frames per second
BANDS = 24  # of an onset's spectrum; of a bar
STEPS = 16


def mid(audio: np.ndarray) -> np.ndarray:
    return audio if audio.ndim == 1 else audio.mean(axis=1)


def levelled(audio: np.ndarray) -> np.ndarray:
    """The mid signal at LOUDNESS."""
    signal = mid(audio)
    loudness = math.sqrt(float(np.mean(np.square(signal, dtype=np.float64))))
    return signal * np.float32(LOUDNESS / max(loudness, 1e-6))


def spectrum(signal: np.ndarray, size: int, hop: int) -> np.ndarray:
    """(frames, size // 2 + 1): a full-scale sine is 1. Frames are centred, as in torch.stft."""
    padded = np.pad(
        signal.astype(np.float32),
        size // 2,
        mode="reflect" if len(signal) > size // 2 else "constant",
    )
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    return np.abs(np.fft.rfft(frames * window, axis=1)) * np.float32(2 / window.sum())


# --- distances, in dB -----------------------------------------------------------------------------


def si_sdr(estimate: np.ndarray, truth: np.ndarray) -> float:
    """How much stronger `truth`, at whatever level, is in `estimate` than everything else. dB;
    infinite for a copy.
    """
    ours = estimate.ravel().astype(np.float64)
    theirs = truth.ravel().astype(np.float64)
    target = float(ours @ theirs) / max(float(theirs @ theirs), 1e-20) * theirs
    wanted = float(target @ target)
    error = float(np.square(ours - target).sum())
    if not wanted:
        return FLOOR_DB
    return 10 * math.log10(wanted / error) if error else math.inf


def log_mel_distance(a: np.ndarray, b: np.ndarray) -> float:
    """The mean difference of two clips' `log_mel`, in dB."""
    return float(np.abs(log_mel(a) - log_mel(b)).mean())


def log_mel(audio: np.ndarray) -> np.ndarray:
    """(frames, 96) of the mid signal in dBFS, at least -80. Frames are 512 samples apart."""
    # as `magnitude` in train_vae
    magnitude = np.sqrt(spectrum(mid(audio), 2048, 512) ** 2 + 1e-9 / 512**2)
    return 20 * np.log10(magnitude @ mel_bank(96, 2048).T + 1e-4)


@cache
def mel_bank(bands: int, size: int, low: float = 30.0, high: float = 16_000.0) -> np.ndarray:
    """(bands, size // 2 + 1): triangles of equal area, evenly spaced on the mel scale."""
    mels = np.linspace(
        2595 * math.log10(1 + low / 700), 2595 * math.log10(1 + high / 700), bands + 2
    )
    edges = 700 * (10 ** (mels / 2595) - 1)
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    rising = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    bank = np.maximum(0, np.minimum(rising, falling))
    return (bank / (bank.sum(axis=1, keepdims=True) + 1e-9)).astype(np.float32)


# --- level, in dBFS -------------------------------------------------------------------------------


def level(audio: np.ndarray) -> float:
    """RMS over all samples of all channels, in dBFS: a full-scale square is 0."""
    return decibels(math.sqrt(float(np.mean(np.square(audio, dtype=np.float64)))))


def peak(audio: np.ndarray) -> float:
    """The loudest sample, in dBFS."""
    return decibels(float(np.abs(audio).max(initial=0.0)))


def decibels(amplitude: float) -> float:
    return 20 * math.log10(amplitude) if amplitude > 1e-10 else FLOOR_DB


# --- tempo ----------------------------------------------------------------------------------------


def onsets(audio: np.ndarray) -> np.ndarray:
    """(frames, BANDS): how much louder, in nepers, each band becomes within 10 ms. 200 frames a
    second.
    """
    banded = spectrum(levelled(audio), ONSET_SIZE, ONSET_HOP) @ _onset_bank().T
    logarithm = np.log(banded + 1e-3)
    return np.pad(np.maximum(0, logarithm[2:] - logarithm[:-2]), ((1, 1), (0, 0)))


@cache
def _onset_bank() -> np.ndarray:
    """Means over bands between 40 Hz and 14 kHz, as wide as each other in octaves where the bins
    allow it.
    """
    frequencies = np.fft.rfftfreq(ONSET_SIZE, 1 / SAMPLE_RATE)
    edges = np.searchsorted(frequencies, np.geomspace(40, 14_000, BANDS + 1))
    bank = np.zeros((BANDS, len(frequencies)), np.float32)
    for band, (low, high) in enumerate(itertools.pairwise(edges)):
        bank[band, low : max(high, low + 1)] = 1 / max(high - low, 1)
    return bank


def tempo(audio: np.ndarray) -> float:
    """The bpm, between 55 and 185, whose beats and multiples of them best repeat the onsets. An
    octave may be wrong.
    """
    likeness = _autocorrelation(onsets(audio).sum(axis=1))
    coarse = np.arange(SLOWEST, FASTEST + 0.25, 0.25)
    best = coarse[np.argmax(_comb(likeness, coarse))]
    fine = best + np.arange(-0.5, 0.501, 0.02)
    return float(fine[np.argmax(_comb(likeness, fine))])


def tempo_right(audio: np.ndarray, asked_bpm: float, tolerance: float = 0.02) -> bool:
    """Whether the measured tempo is the asked one, half or twice that. Three halves, for instance,
    is wrong.
    """
    return same_tempo(tempo(audio), asked_bpm, tolerance)


def same_tempo(measured: float, asked: float, tolerance: float = 0.02) -> bool:
    return any(abs(measured / (octave * asked) - 1) <= tolerance for octave in OCTAVES)


def _autocorrelation(envelope: np.ndarray) -> np.ndarray:
    """By lag in frames, 1 at lag 0; shorter overlaps count as much as long ones."""
    centred = envelope - envelope.mean()
    length = len(centred)
    power = np.abs(np.fft.rfft(centred, 2 * length)) ** 2
    products = np.fft.irfft(power)[:length]
    return products / max(products[0], 1e-12) / (1 - np.arange(length) / length)


def _comb(likeness: np.ndarray, bpm: np.ndarray) -> np.ndarray:
    """The mean likeness at the COMB's lags for each tempo. Lags over 70 % of the clip are too
    uncertain to count.
    """
    lags = np.outer(60 * ONSET_RATE / bpm, COMB)
    heard = np.interp(lags, np.arange(len(likeness)), likeness)
    short = lags < 0.7 * len(likeness)
    return (heard * short).sum(axis=1) / np.maximum(short.sum(axis=1), 1)


# --- key ------------------------------------------------------------------------------------------


def chroma(audio: np.ndarray, peaks: bool = False) -> np.ndarray:
    """(12,) from C, of sum 1: the amplitudes between 110 and 2200 Hz by pitch class.

    `peaks`: the energy of spectral peaks alone. Drums and noise, which have none that last, count
    less.
    """
    magnitude = spectrum(mid(audio), 8192, 2400)
    if peaks:
        middle = magnitude[:, 1:-1]
        highest = (middle > magnitude[:, :-2]) & (middle >= magnitude[:, 2:])
        magnitude = np.pad(np.where(highest, middle, 0) ** 2, ((0, 0), (1, 1)))
    frequencies = np.fft.rfftfreq(8192, 1 / SAMPLE_RATE)
    inside = (frequencies > 110) & (frequencies < 2200)
    pitches = np.round(69 + 12 * np.log2(frequencies[inside] / 440)).astype(int) % 12
    folded = np.bincount(pitches, magnitude.sum(axis=0)[inside], 12)
    return folded / max(folded.sum(), 1e-12)


def in_key(audio: np.ndarray, key: str, peaks: bool = False) -> float:
    """The part, 0..1, of `chroma` that is on the scale of a key like "A minor". Noise has 7/12."""
    return scale_share(chroma(audio, peaks), key)


def scale_share(pitch_classes: np.ndarray, key: str) -> float:
    return float(pitch_classes[list(scale_of(key))].sum())


def key_top1(audio: np.ndarray, key: str, peaks: bool = False) -> bool:
    """Whether no other scale has more of the clip's `chroma`: one of twelve, as relative keys share
    theirs.
    """
    return best_scale(chroma(audio, peaks), key)


def best_scale(pitch_classes: np.ndarray, key: str) -> bool:
    asked = scale_share(pitch_classes, key)
    rivals = (note for note in NOTES if set(scale_of(f"{note} major")) != set(scale_of(key)))
    return all(scale_share(pitch_classes, f"{note} major") < asked for note in rivals)


# --- drums and style: classifiers learned from real renders ---------------------------------------


def drum_features(audio: np.ndarray) -> np.ndarray:
    """(13,) In four ranges of frequency the mean onset and the 97th percentile; and how loud it is
    above 5 kHz: mean, deviation and percentiles. There drums come and go, and tones are faint.
    """
    ranges = np.stack(
        [part.mean(axis=1) for part in np.array_split(onsets(audio), 4, axis=1)], axis=1
    )
    top = log_mel(levelled(audio))[:, 64:].mean(axis=1)
    loudness = (top.mean(), top.std(), *np.percentile(top, [50, 90, 97]))
    return np.concatenate([ranges.mean(axis=0), np.percentile(ranges, 97, axis=0), loudness])


def style_features(audio: np.ndarray, bpm: float) -> np.ndarray:
    """(96,) The timbre: mean and deviation of 24 mel bands. The rhythm: onsets in three ranges on a
    4/4 bar's 16ths.
    """
    bands = log_mel(levelled(audio)).reshape(-1, BANDS, 96 // BANDS).mean(axis=2)
    bars = [
        bar_pattern(part.mean(axis=1), bpm) for part in np.array_split(onsets(audio), 3, axis=1)
    ]
    return np.concatenate([bands.mean(axis=0), bands.std(axis=0), *bars])


def bar_pattern(envelope: np.ndarray, bpm: float) -> np.ndarray:
    """(16,) The mean onset around each 16th of a 4/4 bar, if bars begin with the clip."""
    sixteenths = np.arange(len(envelope)) / ONSET_RATE * bpm / 15
    step = np.round(sixteenths).astype(int) % STEPS
    return np.bincount(step, envelope, STEPS) / np.maximum(np.bincount(step, minlength=STEPS), 1)


@dataclass(frozen=True)
class Classifier:
    """Softmax regression: linear in the standardised features."""

    labels: tuple[str, ...]
    mean: np.ndarray
    deviation: np.ndarray
    weights: np.ndarray  # (features + 1, labels), the last row is the bias

    def __call__(self, features: np.ndarray) -> str:
        return self.labels[
            int(np.argmax(_standard(features, self.mean, self.deviation) @ self.weights))
        ]

    def accuracy(self, features: Iterable[np.ndarray], truth: Sequence[str]) -> float:
        return float(
            np.mean([self(one) == label for one, label in zip(features, truth, strict=True)])
        )


def fit(
    features: Sequence[np.ndarray], truth: Sequence[str], decay: float = 1e-3, steps: int = 500
) -> Classifier:
    """Learn which label goes with which features: full-batch gradient descent with momentum, from
    zero.
    """
    labels = tuple(sorted(set(truth)))
    table = np.stack(features)
    mean = table.mean(axis=0)
    deviation = table.std(axis=0) + 1e-6
    x = _standard(table, mean, deviation)
    y = np.eye(len(labels))[[labels.index(label) for label in truth]]
    weights = np.zeros((x.shape[1], len(labels)))
    moving = np.zeros_like(weights)
    rate = 1 / (np.linalg.norm(x, 2) ** 2 / len(x) / 2 + decay)
    for _ in range(steps):
        scores = np.exp(x @ weights - (x @ weights).max(axis=1, keepdims=True))
        slope = x.T @ (scores / scores.sum(axis=1, keepdims=True) - y) / len(x) + decay * weights
        moving = 0.9 * moving - rate * slope
        weights = weights + moving
    return Classifier(labels, mean, deviation, weights)


def _standard(features: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Standardised, at most 5 deviations off, with a 1 behind: what no render shows must not decide
    alone.
    """
    scaled = np.clip((features - mean) / deviation, -5, 5)
    return np.concatenate([scaled, np.ones((*scaled.shape[:-1], 1))], axis=-1)
