"""A dry voice becomes a vocals stem that stands in a band, and the band makes room for it."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from ..request import SAMPLE_RATE
from ..steps import Steps, complete
from .voice import limit

Mono = npt.NDArray[np.floating]  # (samples,); all are of 32 bits
Stereo = npt.NDArray[np.floating]  # (samples, 2)

LOUDNESS = -20.0  # dB: of the stem where it sings
THRESHOLD = -8.0  # dB against the mean: what is louder is compressed
RATIO = 3.0
COMPRESSOR_SECONDS = 0.03  # in which it acts, and lets go: soft consonants are not vowels
PRESENCE = 4.0  # dB: how much brighter the stem is than the dry voice
CLEAR = (1500.0, 5000.0)  # Hz: there words are told apart; most of an S lies above
DOUBLES = ((0.017, 0.31), (0.024, 0.23))  # seconds behind, and Hz of their drift: left and right
DRIFT = 0.0015  # seconds: with those rates three to five cents
DOUBLE_LEVEL = 0.2
ROOM_SECONDS = 0.4  # until it is 60 dB softer
ROOM_DELAY = 0.02  # seconds before its first reflection
ROOM_LEVEL = 0.15
MONO_BELOW = 200.0  # Hz: nothing lower is at the sides

BALANCE = 8.0  # dB: a voice above the band, in the octaves of speech
SPEECH = (300.0, 5000.0)  # Hz
VOICED = (200.0, 4000.0)  # Hz: from a woman's pitch to a third formant
DUCKING = 8.0  # dB that the band gives way there
DUCKING_SECONDS = 0.2  # in which it does

WINDOW = 2048  # samples whose spectrum is measured
HOP = 480  # samples: levels are measured every 10 ms
SILENT = -25.0  # dB against the loudest: nothing is sung there
TAPS = 1024  # of a filter
BLOCK = 1 << 19  # samples that are worked on at once, about 11 s


def produce(dry: Mono) -> Stereo:
    """`dry` (samples,) as a stem (samples, 2): compressed to one loudness, brighter where words
    are told apart, a double a few cents and milliseconds away on each side, in a short room.
    Silent if `dry` is.
    """
    return complete(produce_in_steps(dry))


def produce_in_steps(dry: Mono) -> Steps[Stereo]:
    """The same, with pauses."""
    levels = _measure_levels(dry)
    if not levels.any():
        return np.zeros((len(dry), 2), np.float32)
    voice = dry * _spread(_compress(levels), len(dry))
    yield
    clear = (yield from _convolve(voice, _build_filter(*CLEAR)))[0]
    voice = voice + np.float32(10 ** (PRESENCE / 20) - 1) * clear
    rooms = yield from _convolve(voice, _build_room())
    sides = []
    for double, room in zip(DOUBLES, rooms):
        sides.append(DOUBLE_LEVEL * (yield from _double(voice, *double)) + ROOM_LEVEL * room)
        yield
    left, right = sides
    middle = voice + (left + right) / 2
    yield
    side = (yield from _convolve((left - right) / 2, _build_filter(MONO_BELOW, SAMPLE_RATE)))[0]
    gain = 10 ** (LOUDNESS / 20) / _measure_loudness(_measure_levels(middle))
    yield
    stem = gain * np.stack([middle + side, middle - side], axis=1)
    for begin in range(0, len(stem), BLOCK):
        stem[begin : begin + BLOCK] = limit(stem[begin : begin + BLOCK])
        yield
    return stem


def find_balance(band: Stereo, vocals: Stereo) -> float:
    """The gain with which `vocals` stand in front of `band`, both (samples, 2): by what the two
    have in the octaves of speech while somebody sings. 1 if nobody does, or no band is there.
    """
    return complete(find_balance_in_steps(band, vocals))


def find_balance_in_steps(band: Stereo, vocals: Stereo) -> Steps[float]:
    """The same, with pauses."""
    voice = yield from _measure_speech(vocals)
    others = yield from _measure_speech(band)
    sings = voice > voice.max(initial=0) * 10 ** (SILENT / 10)
    if not sings.any() or not others[sings].any():
        return 1.0
    apart = np.sqrt(np.mean(others[sings]) / np.mean(voice[sings]))
    return float(10 ** (BALANCE / 20) * apart)


def duck(band: Stereo, vocals: Stereo) -> Stereo:
    """`band`, or a stem of it, (samples, 2), giving way where a voice has its pitch and formants
    while `vocals` sing. The ducked stems of a band are its ducked mix.
    """
    return complete(duck_in_steps(band, vocals))


def duck_in_steps(band: Stereo, vocals: Stereo) -> Steps[Stereo]:
    """The same, with pauses."""
    levels = _measure_levels(_mix_down(vocals))
    sings = (levels > max(levels.max(initial=0) * 10 ** (SILENT / 20), 1e-9)).astype(np.float32)
    depth = 1 - 10 ** (-DUCKING / 20)
    given = _spread(depth * _smooth(sings, DUCKING_SECONDS), len(band))
    yield
    ducked: Stereo = np.empty(band.shape, np.float32)
    for number, channel in enumerate(band.T):
        given_way = yield from _convolve(channel, _build_filter(*VOICED))
        ducked[:, number] = channel - given * given_way[0]
        yield
    return ducked


def _mix_down(sound: Stereo) -> Mono:
    mono: Mono = (sound[:, 0] + sound[:, 1]) / 2
    return mono


def _measure_levels(sound: Mono) -> Mono:
    """The rms of every `HOP` samples."""
    padded = np.pad(sound, (0, -len(sound) % HOP)).reshape(-1, HOP)
    levels: Mono = np.sqrt(np.mean(padded * padded, axis=1))
    return levels


def _measure_speech(sound: Stereo) -> Steps[Mono]:
    """The power in the octaves of speech of every `WINDOW` samples."""
    first, last = (round(hertz * WINDOW / SAMPLE_RATE) for hertz in SPEECH)
    window = np.hanning(WINDOW).astype(np.float32)
    powers = []
    for begin in range(0, len(sound), BLOCK):
        mono = _mix_down(sound[begin : begin + BLOCK])
        frames = np.pad(mono, (0, -len(mono) % WINDOW)).reshape(-1, WINDOW)
        spectra = np.fft.rfft(frames * window)[:, first:last]
        powers.append(np.sum(spectra.real**2 + spectra.imag**2, axis=1))
        yield
    return np.concatenate(powers)


def _measure_loudness(levels: Mono) -> float:
    """The rms where somebody sings."""
    sung = levels[levels > levels.max() * 10 ** (SILENT / 20)]
    return float(np.sqrt(np.mean(sung**2)))


def _compress(levels: Mono) -> Mono:
    """The gain of every level."""
    above = 20 * np.log10(np.maximum(levels, 1e-6) / _measure_loudness(levels)) - THRESHOLD
    reduction = np.maximum(above, 0) * (1 - 1 / RATIO)
    return _smooth(10 ** (-reduction / 20), COMPRESSOR_SECONDS)


def _smooth(levels: Mono, seconds: float) -> Mono:
    window = np.hanning(round(seconds * SAMPLE_RATE / HOP) // 2 * 2 + 3)
    half = len(window) // 2
    padded = np.pad(levels, half, mode="edge")
    return np.convolve(padded, window / window.sum(), "valid").astype(np.float32)


def _spread(levels: Mono, samples: int) -> Mono:
    """Levels as (samples,): each is in the middle of its `HOP`."""
    middles = (np.arange(len(levels)) + 0.5) * HOP
    return np.interp(np.arange(samples), middles, levels).astype(np.float32)


def _double(voice: Mono, seconds: float, rate: float) -> Steps[Mono]:
    """`voice` that comes later, and drifts."""
    double: Mono = np.empty(len(voice), np.float32)
    for begin in range(0, len(voice), BLOCK):
        time = np.arange(begin, min(begin + BLOCK, len(voice)))
        swing = np.sin(np.float32(2 * np.pi * rate / SAMPLE_RATE) * time.astype(np.float32))
        behind = SAMPLE_RATE * (seconds + np.float32(DRIFT) * swing)
        whole = np.ceil(behind)
        part = whole - behind
        at = time - whole.astype(np.int64)
        early, late = (voice.take(at + step, mode="clip") for step in (0, 1))
        double[time] = early + part * (late - early)
        yield
    return double


@functools.lru_cache(maxsize=1)
def _build_room() -> npt.NDArray[np.floating]:
    """Impulse responses of the left and the right, (2, taps): noise that dies away, duller than
    the voice.
    """
    time = np.arange(round(ROOM_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    noise = np.random.default_rng(3).standard_normal((2, len(time)))
    spectrum = np.fft.rfft(noise * 10 ** (-3 * time / ROOM_SECONDS))
    hertz = np.fft.rfftfreq(len(time), 1 / SAMPLE_RATE)
    spectrum *= hertz / np.sqrt(hertz**2 + 300**2) / np.sqrt(1 + (hertz / 5000) ** 4)
    tail = np.fft.irfft(spectrum, len(time))
    tail /= np.sqrt(np.sum(tail**2, axis=1, keepdims=True))
    return np.pad(tail, ((0, 0), (round(ROOM_DELAY * SAMPLE_RATE), 0))).astype(np.float32)


@functools.lru_cache(maxsize=8)
def _build_filter(low: float, high: float) -> npt.NDArray[np.floating]:
    """A band-pass without delay, (1, TAPS + 1): for `_convolve`, which centres odd kernels."""
    hertz = np.fft.rfftfreq(TAPS, 1 / SAMPLE_RATE)
    passed = ((hertz >= low) & (hertz <= high)).astype(np.float64)
    kernel = np.fft.fftshift(np.fft.irfft(passed, TAPS))
    kernel = np.append(kernel, kernel[0]) * np.hanning(TAPS + 1)
    return kernel[None].astype(np.float32)


def _convolve(sound: Mono, kernels: npt.NDArray[np.floating]) -> Steps[npt.NDArray[np.floating]]:
    """`sound` through each of `kernels` (number, taps): (number, samples). Odd ones are centred."""
    number, taps = kernels.shape
    size = 1 << max(13, (2 * taps).bit_length())
    block = size - taps + 1
    gains = np.fft.rfft(kernels, size)
    made = np.zeros((number, len(sound) + size), np.float32)
    for begin in range(0, len(sound), block):
        piece = sound[begin : begin + block]
        if piece.any():
            made[:, begin : begin + size] += np.fft.irfft(gains * np.fft.rfft(piece, size), size)
            yield
    delay = taps // 2 if taps % 2 else 0
    return made[:, delay : delay + len(sound)]
