"""What can be measured of music without listening: NumPy only. Audio is float32, (samples, 2) or
(samples,), 48 kHz.

Nothing here depends on how loud a clip is, except `measure_log_mel_distance`, `measure_level`,
`measure_peak` and `measure_first_sample`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.guide.harmony import NOTES, scale_of
from pipeline.request import SAMPLE_RATE

Floats = npt.NDArray[np.floating]

LOUDNESS = 0.1  # RMS that a clip is brought to before its onsets and its timbre are measured
FLOOR_DB = -200.0  # of silence
SLOWEST = 55.0  # bpm that are searched
FASTEST = 185.0
# of a tempo, all of them right: how beats are counted is a matter of taste
OCTAVES = (0.5, 1.0, 2.0)
COMB = (0.5, 1, 1.5, 2, 3, 4, 6, 8)  # beats after which music is like itself
ONSET_SIZE = 1024
ONSET_HOP = 240
ONSET_RATE = SAMPLE_RATE / ONSET_HOP  # frames per second
BANDS = 24  # of an onset's spectrum
STEPS = 16  # of a bar


def mix_to_mono(audio: Floats) -> Floats:
    """The mid signal (samples,)."""
    if audio.ndim == 1:
        return audio
    mid: Floats = audio.mean(axis=1)
    return mid


def level_mono(audio: Floats) -> Floats:
    """The mid signal at LOUDNESS (samples,)."""
    signal = mix_to_mono(audio)
    loudness = math.sqrt(float(np.mean(np.square(signal, dtype=np.float64))))
    return signal * np.float32(LOUDNESS / max(loudness, 1e-6))


def compute_spectrum(signal: Floats, size: int, hop: int) -> Floats:
    """Magnitudes (frames, size // 2 + 1): a full-scale sine is 1. Frames are centred, as in
    torch.stft.
    """
    mode: Literal["reflect", "constant"] = "reflect" if len(signal) > size // 2 else "constant"
    padded = np.pad(signal.astype(np.float32), size // 2, mode=mode)
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    magnitude: Floats = np.abs(np.fft.rfft(frames * window, axis=1))
    return magnitude * np.float32(2 / window.sum())


# --- distances, in dB -----------------------------------------------------------------------------


def measure_si_sdr(estimate: Floats, truth: Floats) -> float:
    """The scale-invariant signal-to-distortion ratio in dB: how much stronger `truth`, at whatever
    level, is in `estimate` than everything else. Infinite for a copy.
    """
    ours = estimate.ravel().astype(np.float64)
    theirs = truth.ravel().astype(np.float64)
    target = float(ours @ theirs) / max(float(theirs @ theirs), 1e-20) * theirs
    energy = float(target @ target)
    error = float(np.square(ours - target).sum())
    if not energy:
        return FLOOR_DB
    return 10 * math.log10(energy / error) if error else math.inf


def measure_log_mel_distance(a: Floats, b: Floats) -> float:
    """The mean difference of two clips' `compute_log_mel`, in dB."""
    return float(np.abs(compute_log_mel(a) - compute_log_mel(b)).mean())


def compute_log_mel(audio: Floats) -> Floats:
    """The mid signal's mel bands (frames, 96) in dBFS, at least -80, every 512 samples."""
    # as `compute_magnitude` in train_vae
    magnitude = np.sqrt(compute_spectrum(mix_to_mono(audio), 2048, 512) ** 2 + 1e-9 / 512**2)
    bands: Floats = 20 * np.log10(magnitude @ make_mel_bank(96, 2048).T + 1e-4)
    return bands


@cache
def make_mel_bank(bands: int, size: int, low: float = 30.0, high: float = 16_000.0) -> Floats:
    """(bands, size // 2 + 1): triangles of equal area, evenly spaced on the mel scale."""
    lowest, highest = (2595 * math.log10(1 + hertz / 700) for hertz in (low, high))
    mels = np.linspace(lowest, highest, bands + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    rising = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    bank = np.maximum(0, np.minimum(rising, falling))
    even: Floats = (bank / (bank.sum(axis=1, keepdims=True) + 1e-9)).astype(np.float32)
    return even


# --- level, in dBFS -------------------------------------------------------------------------------


def measure_level(audio: Floats) -> float:
    """RMS over all samples of all channels, in dBFS: a full-scale square is 0."""
    return to_decibels(math.sqrt(float(np.mean(np.square(audio, dtype=np.float64)))))


def measure_peak(audio: Floats) -> float:
    """The loudest sample, in dBFS."""
    return to_decibels(float(np.abs(audio).max(initial=0.0)))


def to_decibels(amplitude: float) -> float:
    """At least FLOOR_DB."""
    return 20 * math.log10(amplitude) if amplitude > 1e-10 else FLOOR_DB


# --- how a mix is made ----------------------------------------------------------------------------


def measure_crest(audio: Floats) -> float:
    """The peak over the RMS, in dB."""
    return measure_peak(audio) - measure_level(audio)


def measure_width(audio: Floats, low: float = 0.0, high: float = math.inf) -> float:
    """The power of the sides over that of the middle between two frequencies in Hz, in dB."""
    middle, side = audio.mean(axis=1), (audio[:, 0] - audio[:, 1]) / 2
    return to_decibels(
        math.sqrt(_sum_power(side, low, high) / max(_sum_power(middle, low, high), 1e-20))
    )


def measure_band(audio: Floats, low: float, high: float = math.inf) -> float:
    """How much of the power of both channels lies between two frequencies in Hz, in dB."""
    power = sum(_sum_power(channel, low, high) for channel in audio.T)
    whole = sum(_sum_power(channel, 0, math.inf) for channel in audio.T)
    return to_decibels(math.sqrt(power / max(whole, 1e-20)))


def measure_slope(audio: Floats, low: float = 100.0, high: float = 4000.0) -> float:
    """How the spectral density of both channels rises between two frequencies in Hz, in dB an
    octave: a line through thirds of octaves. Pink noise has -3.
    """
    left, right = audio.T
    power = _compute_power(left) + _compute_power(right)
    thirds = np.arange(round(3 * math.log2(high / low)) + 1)
    edges = low * 2.0 ** (thirds / 3)
    places = np.round(edges * 2 * (len(power) - 1) / SAMPLE_RATE).astype(int)
    density = [power[first:last].mean() for first, last in itertools.pairwise(places)]
    slope, _ = np.polyfit(thirds[:-1] / 3, 10 * np.log10(density), 1)
    return float(slope)


def measure_true_peak(audio: Floats) -> float:
    """The loudest place of the curve through the samples, in dBFS, found at four times the rate."""
    return max(map(_find_true_peak, np.atleast_2d(audio.T)))


def _find_true_peak(signal: Floats) -> float:
    size = 1 << 16
    rim = 64  # samples that a piece needs of its neighbours
    padded = np.pad(signal.astype(np.float64), (rim, size))
    highest = 0.0
    for begin in range(0, len(signal), size - 2 * rim):
        spectrum = np.fft.rfft(padded[begin : begin + size] * 4)
        finer = np.fft.irfft(spectrum, 4 * size)[4 * rim : -4 * rim]
        highest = max(highest, float(np.abs(finer).max()))
    return to_decibels(highest)


def _sum_power(signal: Floats, low: float, high: float) -> float:
    power = _compute_power(signal)
    size = 2 * (len(power) - 1)
    first, last = (round(min(hertz * size / SAMPLE_RATE, len(power))) for hertz in (low, high))
    return float(np.sum(power[first:last]))


def _compute_power(signal: Floats) -> Floats:
    """Of all frequencies up to half the rate."""
    size = 1 << len(signal).bit_length()  # quick, whatever the length
    power: Floats = np.square(np.abs(np.fft.rfft(signal.astype(np.float64), size)))
    return power


class Balance(NamedTuple):
    """How a mix is balanced, however loud it is. Nothing is under FAINT."""

    presence: float  # dB: 1 to 4 kHz, of all
    treble: float  # dB: 4 to 8 kHz, of all
    width: float  # dB: the sides over the middle
    crest: float  # dB
    centroid: float  # Hz


FAINT = -40.0  # dB of all, or of the middle: bands and sides below it are none
MASKED = -50.0  # dB of the loudest frequency: others below it do not count


def measure_balance(audio: Floats) -> Balance:
    """What a render has, and what is made of its notes should have."""
    return Balance(
        max(measure_band(audio, 1000, 4000), FAINT),
        max(measure_band(audio, 4000, 8000), FAINT),
        max(measure_width(audio), FAINT),
        measure_crest(audio),
        measure_centroid(audio),
    )


def measure_centroid(audio: Floats) -> float:
    """The mean frequency in Hz, weighted by the amplitudes of the mid signal; 0 of silence. What is
    MASKED has no say: hiss behind a bass reaches far up.
    """
    amplitudes = compute_spectrum(mix_to_mono(audio), 2048, 512).sum(axis=0)
    heard = np.where(amplitudes > amplitudes.max() * 10 ** (MASKED / 20), amplitudes, 0)
    frequencies = np.fft.rfftfreq(2048, 1 / SAMPLE_RATE)
    return float(frequencies @ heard / max(heard.sum(), 1e-12))


# --- where a clip begins and ends -----------------------------------------------------------------

SEAM_SAMPLES = 480  # on each side of a seam that it is compared with: 10 ms


def measure_first_sample(audio: Floats) -> float:
    """How far the first sample is from 0: a step out of silence is a click."""
    return float(np.abs(audio[0]).max())


def measure_seam(audio: Floats) -> float:
    """The step from the last sample of a loop to its first, over the largest that is near it: above
    1 it is a click.
    """
    around = np.concatenate([audio[-SEAM_SAMPLES:], audio[:SEAM_SAMPLES]])
    steps = np.abs(np.diff(around, axis=0)).max(axis=1)
    seam = steps[SEAM_SAMPLES - 1]
    return float(seam / max(np.delete(steps, SEAM_SAMPLES - 1).max(), 1e-12))


# --- what a codec does to tones -------------------------------------------------------------------

COMB_SIZE = 9600  # of the spectrum: a bin is 5 Hz
COMB_SPACING = 300.0  # Hz: a rate within the VAE's decoder
COMB_BAND = (4000.0, 16_000.0)
FAINTEST_COMB = 0.5  # dB: a spectrum as smooth as that has none
SHORTEST_NOTE = 0.2  # seconds
LONGEST_LOOK = 0.5  # seconds of a note that are looked at
ONSET_LEFT_OUT = 0.03  # seconds
HARMONIC_BAND = (2000.0, 6000.0)
MISTUNED = 0.012  # part of a harmonic's frequency that it may be off: chorus and vibrato
STANDS_OUT = 16.0  # dB over what lies between harmonics: clear enough in the truth
STILL_OUT = 10.0  # dB that have to be left of it
LEVEL_OFF = 6.0  # dB that harmonics may be off
FEWEST = 3  # clear harmonics of a note that is looked at


def measure_comb(audio: Floats, spacing: float = COMB_SPACING) -> float:
    """The autocorrelation, -1..1, of the logarithmic mean spectrum above 4 kHz after `spacing` Hz.

    A network that plays the same frame again and again has a comb there. Music has about 0, unless
    its notes' pitches divide the spacing.
    """
    power = np.square(compute_spectrum(mix_to_mono(audio), COMB_SIZE, COMB_SIZE // 2)).mean(axis=0)
    logarithm = 10 * np.log10(power + 1e-12)
    lag = round(spacing * COMB_SIZE / SAMPLE_RATE)
    low, high = (round(edge * COMB_SIZE / SAMPLE_RATE) for edge in COMB_BAND)
    # the mean over one spacing is the spectrum's shape, without any comb
    shape = np.convolve(logarithm, np.full(lag, 1 / lag), mode="same")
    detail = (logarithm - shape)[low:high]
    products = float(detail[lag:] @ detail[:-lag])
    energy = float(detail[lag:] @ detail[lag:]) * float(detail[:-lag] @ detail[:-lag])
    return products / max(math.sqrt(energy), FAINTEST_COMB**2 * (len(detail) - lag))


class HeldNote(NamedTuple):
    """A note of one pitch, in seconds and Hz."""

    start: float
    stop: float
    frequency: float


def measure_harmonics(audio: Floats, truth: Floats, notes: Iterable[HeldNote]) -> list[bool]:
    """For each note whose harmonics between 2 and 6 kHz are clear in the truth: whether they are in
    `audio` too, within 6 dB of their level, and 10 dB over what lies between them.
    """
    ours = mix_to_mono(audio)
    theirs = mix_to_mono(truth)
    results = []
    for note in notes:
        start = round((note.start + ONSET_LEFT_OUT) * SAMPLE_RATE)
        stop = min(round(note.stop * SAMPLE_RATE), start + round(LONGEST_LOOK * SAMPLE_RATE))
        if stop - start < SHORTEST_NOTE * SAMPLE_RATE or stop > min(len(ours), len(theirs)):
            continue
        peaks, gaps = _measure_peaks(theirs[start:stop], note.frequency)
        clear = peaks - gaps >= STANDS_OUT
        if clear.sum() < FEWEST:
            continue
        our_peaks, our_gaps = _measure_peaks(ours[start:stop], note.frequency)
        off = np.median(np.abs(our_peaks - peaks)[clear])
        out = np.median((our_peaks - our_gaps)[clear])
        results.append(bool(off <= LEVEL_OFF and out >= STILL_OUT))
    return results


def measure_melody(pitches: Floats, rate: float, notes: Iterable[HeldNote]) -> float:
    """The part, 0..1, of the time of some notes in which their pitch, within half a semitone, is
    among `pitches` (frames,) in Hz, `rate` a second, NaN where there is none. NaN without a note.
    """
    right: list[bool] = []
    for note in notes:
        first, last = (math.ceil(at * rate) for at in (note.start + ONSET_LEFT_OUT, note.stop))
        heard = pitches[first:last]
        right += (np.abs(12 * np.log2(heard / note.frequency)) <= 0.5).tolist()
        right += [False] * (last - first - len(heard))
    return float(np.mean(right)) if right else math.nan


def _measure_peaks(signal: Floats, pitch: float) -> tuple[Floats, Floats]:
    """In dB, for each harmonic of the pitch in HARMONIC_BAND: its peak, and the mean between it and
    its neighbours.
    """
    power = np.abs(np.fft.rfft(signal * np.hanning(len(signal)))) ** 2 / len(signal) ** 2
    bins = len(signal) / SAMPLE_RATE  # of one Hz
    low, high = HARMONIC_BAND
    peaks = []
    gaps = []
    for number in range(math.ceil(low / pitch), math.floor(high / pitch) + 1):
        frequency = number * pitch
        reach = min(max(MISTUNED * frequency, 2 / bins), 0.25 * pitch)
        peak = power[round((frequency - reach) * bins) : round((frequency + reach) * bins) + 1]
        sides = [
            power[round((frequency + a * pitch) * bins) : round((frequency + b * pitch) * bins) + 1]
            for a, b in ((-0.65, -0.35), (0.35, 0.65))
        ]
        peaks.append(to_decibels(math.sqrt(float(peak.max()))))
        gaps.append(to_decibels(math.sqrt(float(np.concatenate(sides).mean()))))
    return np.array(peaks), np.array(gaps)


# --- tempo ----------------------------------------------------------------------------------------


def compute_onsets(audio: Floats) -> Floats:
    """(frames, BANDS), 200 frames a second: how much louder, in nepers, each band becomes within
    10 ms.
    """
    banded = compute_spectrum(level_mono(audio), ONSET_SIZE, ONSET_HOP) @ _make_onset_bank().T
    logarithm = np.log(banded + 1e-3)
    return np.pad(np.maximum(0, logarithm[2:] - logarithm[:-2]), ((1, 1), (0, 0)))


@cache
def _make_onset_bank() -> Floats:
    """Means over bands between 40 Hz and 14 kHz, as wide as each other in octaves where there are
    enough bins.
    """
    frequencies = np.fft.rfftfreq(ONSET_SIZE, 1 / SAMPLE_RATE)
    edges = np.searchsorted(frequencies, np.geomspace(40, 14_000, BANDS + 1))
    bank = np.zeros((BANDS, len(frequencies)), np.float32)
    for band, (low, high) in enumerate(itertools.pairwise(edges)):
        bank[band, low : max(high, low + 1)] = 1 / max(high - low, 1)
    return bank


def measure_tempo(audio: Floats) -> float:
    """The bpm, between 55 and 185, after whose beats and multiples the onsets repeat best. The
    octave may be wrong.
    """
    likeness = _autocorrelate(compute_onsets(audio).sum(axis=1))
    coarse = np.arange(SLOWEST, FASTEST + 0.25, 0.25)
    best = coarse[np.argmax(_score_tempos(likeness, coarse))]
    fine = best + np.arange(-0.5, 0.501, 0.02)
    return float(fine[np.argmax(_score_tempos(likeness, fine))])


def is_tempo_right(audio: Floats, bpm: float, tolerance: float = 0.02) -> bool:
    """Whether the measured tempo is `bpm`, half or twice that. Three halves, for instance, are
    wrong.
    """
    return is_same_tempo(measure_tempo(audio), bpm, tolerance)


def is_same_tempo(measured: float, bpm: float, tolerance: float = 0.02) -> bool:
    """`is_tempo_right` for a tempo that was measured."""
    return any(abs(measured / (octave * bpm) - 1) <= tolerance for octave in OCTAVES)


def _autocorrelate(envelope: Floats) -> Floats:
    """By lag in frames, 1 at lag 0; shorter overlaps count as much as long ones."""
    centred = envelope - envelope.mean()
    length = len(centred)
    power = np.abs(np.fft.rfft(centred, 2 * length)) ** 2
    products = np.fft.irfft(power)[:length]
    likeness: Floats = products / max(products[0], 1e-12) / (1 - np.arange(length) / length)
    return likeness


def _score_tempos(likeness: Floats, bpm: Floats) -> Floats:
    """The mean likeness at the COMB's lags for each tempo. Lags over 70 % of the clip are too
    uncertain to count.
    """
    lags = np.outer(60 * ONSET_RATE / bpm, COMB)
    values = np.interp(lags, np.arange(len(likeness)), likeness)
    short = lags < 0.7 * len(likeness)
    scores: Floats = (values * short).sum(axis=1) / np.maximum(short.sum(axis=1), 1)
    return scores


# --- key ------------------------------------------------------------------------------------------


def compute_chroma(audio: Floats, peaks: bool = False) -> Floats:
    """(12,) from C, of sum 1: the amplitudes between 110 and 2200 Hz by pitch class.

    `peaks`: only the energy of spectral peaks. Drums and noise have none that last, so they count
    less.
    """
    magnitude = compute_spectrum(mix_to_mono(audio), 8192, 2400)
    if peaks:
        middle = magnitude[:, 1:-1]
        highest = (middle > magnitude[:, :-2]) & (middle >= magnitude[:, 2:])
        magnitude = np.pad(np.where(highest, middle, 0) ** 2, ((0, 0), (1, 1)))
    frequencies = np.fft.rfftfreq(8192, 1 / SAMPLE_RATE)
    inside = (frequencies > 110) & (frequencies < 2200)
    pitches = np.round(69 + 12 * np.log2(frequencies[inside] / 440)).astype(int) % 12
    folded = np.bincount(pitches, magnitude.sum(axis=0)[inside], 12)
    shares: Floats = folded / max(folded.sum(), 1e-12)
    return shares


def measure_key_share(audio: Floats, key: str, peaks: bool = False) -> float:
    """The part, 0..1, of the chroma that is on the scale of a key like "A minor". Noise: 7/12."""
    return sum_scale(compute_chroma(audio, peaks), key)


def sum_scale(pitch_classes: Floats, key: str) -> float:
    """`measure_key_share` of a chroma."""
    return float(pitch_classes[list(scale_of(key))].sum())


def is_best_key(audio: Floats, key: str, peaks: bool = False) -> bool:
    """Whether no other of the twelve scales has more of the clip's chroma. Relative keys share
    theirs.
    """
    return is_best_scale(compute_chroma(audio, peaks), key)


def is_best_scale(pitch_classes: Floats, key: str) -> bool:
    """`is_best_key` for a chroma."""
    share = sum_scale(pitch_classes, key)
    rivals = (note for note in NOTES if set(scale_of(f"{note} major")) != set(scale_of(key)))
    return all(sum_scale(pitch_classes, f"{note} major") < share for note in rivals)


# --- drums and style: classifiers learned from real renders ---------------------------------------


def compute_drum_features(audio: Floats) -> Floats:
    """(13,) In four ranges of frequency the mean onset and the 97th percentile; and how loud it is
    above 5 kHz: mean, deviation and percentiles. There drums come and go, and tones are faint.
    """
    parts = np.array_split(compute_onsets(audio), 4, axis=1)
    ranges = np.stack([part.mean(axis=1) for part in parts], axis=1)
    top = compute_log_mel(level_mono(audio))[:, 64:].mean(axis=1)
    loudness = (top.mean(), top.std(), *np.percentile(top, [50, 90, 97]))
    return np.concatenate([ranges.mean(axis=0), np.percentile(ranges, 97, axis=0), loudness])


def compute_style_features(audio: Floats, bpm: float) -> Floats:
    """(96,) The timbre: mean and deviation of 24 mel bands. The rhythm: onsets in three ranges on a
    4/4 bar's 16ths.
    """
    bands = compute_log_mel(level_mono(audio)).reshape(-1, BANDS, 96 // BANDS).mean(axis=2)
    parts = np.array_split(compute_onsets(audio), 3, axis=1)
    bars = [compute_bar_pattern(part.mean(axis=1), bpm) for part in parts]
    return np.concatenate([bands.mean(axis=0), bands.std(axis=0), *bars])


def compute_bar_pattern(envelope: Floats, bpm: float) -> Floats:
    """(16,) The mean onset around each 16th of a 4/4 bar, if bars begin with the clip."""
    sixteenths = np.arange(len(envelope)) / ONSET_RATE * bpm / 15
    step = np.round(sixteenths).astype(int) % STEPS
    return np.bincount(step, envelope, STEPS) / np.maximum(np.bincount(step, minlength=STEPS), 1)


@dataclass(frozen=True)
class Classifier:
    """Softmax regression: linear in the standardised features."""

    labels: tuple[str, ...]
    mean: Floats
    deviation: Floats
    weights: Floats  # (features + 1, labels), the last row is the bias

    def __call__(self, features: Floats) -> str:
        """The label of features (features,)."""
        scores = _standardise(features, self.mean, self.deviation) @ self.weights
        return self.labels[int(np.argmax(scores))]

    def measure_accuracy(self, features: Iterable[Floats], truth: Sequence[str]) -> float:
        """The part, 0..1, whose label is right."""
        right = [self(each) == label for each, label in zip(features, truth, strict=True)]
        return float(np.mean(right))


def fit_classifier(
    features: Sequence[Floats], truth: Sequence[str], decay: float = 1e-3, steps: int = 500
) -> Classifier:
    """Learn the labels of features (features,): gradient descent with momentum, from zero, on all
    of them in every step.
    """
    labels = tuple(sorted(set(truth)))
    table = np.stack(features)
    mean = table.mean(axis=0)
    deviation = table.std(axis=0) + 1e-6
    x = _standardise(table, mean, deviation)
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


def _standardise(features: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Standardised features with a 1 behind. At most 5 deviations off: what no render has must not
    decide alone.
    """
    scaled = np.clip((features - mean) / deviation, -5, 5)
    return np.concatenate([scaled, np.ones((*scaled.shape[:-1], 1))], axis=-1)
