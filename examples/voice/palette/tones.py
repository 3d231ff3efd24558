"""Tones: harmonics locked in phase, whose strengths change with time, played from wavetables.

A table is one cycle of the tone as it is at one moment; between moments they are cross-faded. So a
tone costs the same however many harmonics it has, and may slide.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.request import SAMPLE_RATE

from .signals import Floats, Noise, Planar, fade_in, make_times

Cycles = npt.NDArray[np.complex64]

MIDDLE_C = 261.63
BRIGHTEST = 16_000  # Hz: no harmonic is higher
SLIDE = 0.1  # seconds in which a note glides into its pitch, or half of it where that is less
USUAL_HARDNESS = 0.6  # at which a tone is as loud as its instrument's gain says


@dataclass(frozen=True)
class Filter:
    """A low-pass whose cutoff in Hz goes from `floor + sweep` to `floor`, plus `tracking` times the
    note's pitch; a negative sweep opens it. An LFO moves it by octaves up and down.
    """

    floor: float
    sweep: float = 0.0
    rate: float = 0.0  # per second
    tracking: float = 0.0
    lfo: float = 0.0  # octaves
    lfo_rate: float = 0.0  # Hz

    def cutoff(self, hertz: float, time: Floats) -> Floats:
        """In Hz, for a note of this frequency, at times in seconds."""
        swept = self.floor + self.tracking * hertz + self.sweep * np.exp(-self.rate * time)
        wobble = self.lfo * np.sin(2 * np.pi * self.lfo_rate * time)
        cutoff: Floats = np.maximum(swept, 60) * np.exp2(wobble)
        return cutoff


@dataclass(frozen=True)
class Tone:
    """A sum of harmonics. Rates are per second at middle C, and faster for higher notes."""

    partials: tuple[float, ...]
    decay: float
    damping: float = 0.0  # added to the decay by each harmonic above the first
    attack: float = 0.0  # seconds
    release: float = 0.08  # seconds until it is silent, once it is let go
    filter: Filter | None = None
    unison: tuple[float, ...] = ()  # tunings of more copies, half as loud: no beating falls silent
    width: float = 0.0  # how much of one more copy, a little out of tune, is at the sides
    vibrato: float = 0.0  # depth, as a part of the frequency
    formants: tuple[tuple[float, float, float], ...] = ()  # (centre in Hz, bandwidth in Hz, gain)
    velocity: float = 0.5  # how dark a soft note is: its k-th harmonic is k ** -velocity as strong
    noise: Noise | None = None  # of the hammer, the pick, the breath


class Shot(NamedTuple):
    """A sound as it is softest, and what is added to it when it is played as hard as can be. Both
    (channels, samples), read-only: they are cached.
    """

    soft: Planar
    edge: Planar


def render_tone(tone: Tone, hertz: float, seconds: float, slide: tuple[float, float]) -> Shot:
    """A tone that is held. `slide`: the frequency that it comes from, and in how many seconds. A
    longer one begins with the same samples.
    """
    time = make_times(seconds)
    strengths = _find_strengths(tone, hertz, _choose_moments(seconds))
    darker = np.arange(1, strengths.shape[1] + 1) ** -tone.velocity
    cycles = _make_cycles(strengths * darker, strengths * (1 - darker))
    turns = _count_turns(tone, hertz, time, slide)
    middle = _play_cycles(cycles, seconds, turns)
    for number, tuning in enumerate(tone.unison, 1):
        # a copy starts elsewhere in its cycle
        copy = _play_cycles(cycles, seconds, turns * tuning + 0.382 * number)
        middle += np.float32(0.5) * copy
    channels = middle[None]
    if tone.width:
        side = np.float32(tone.width) * _play_cycles(cycles, seconds, turns * 1.004 + 0.25)
        channels = np.stack([middle + side, middle - side])
    if tone.attack:
        channels *= np.minimum(1, time / tone.attack).astype(np.float32)
    soft, edge = channels.real, channels.imag
    half = SAMPLE_RATE // 2
    usual = soft[:, :half] + np.float32(USUAL_HARDNESS) * edge[:, :half]
    loudness = np.sqrt(np.mean(np.square(usual)))
    return Shot(_finish(soft / loudness), _finish(edge / loudness))


def _choose_moments(seconds: float) -> Floats:
    """Close together at the beginning, where most happens; then 20 in a second."""
    count = round(seconds * 20) + 48
    steps = np.minimum(0.004 * 1.12 ** np.arange(count), 0.05)
    moments = np.concatenate([[0.0], np.cumsum(steps)])
    return moments[: int(np.searchsorted(moments, seconds)) + 2]


def _find_strengths(tone: Tone, hertz: float, time: Floats) -> Floats:
    """Of each harmonic at each moment (moments, harmonics)."""
    count = max(1, min(len(tone.partials), int(BRIGHTEST / hertz)))
    order = np.arange(1, count + 1)
    strengths = np.array(tone.partials[:count]) * _find_formants(tone, order * hertz)
    age = np.sqrt(hertz / MIDDLE_C) * time[:, None]
    fading: Floats = strengths * np.exp(-(tone.decay + tone.damping * (order - 1)) * age)
    if tone.filter:
        cutoff = tone.filter.cutoff(hertz, time)[:, None]
        fading /= 1 + (order * hertz / cutoff) ** 4
    return fading


def _find_formants(tone: Tone, frequency: Floats) -> Floats:
    if not tone.formants:
        return np.ones(len(frequency))
    gains: Floats = np.full(len(frequency), 0.01)
    for at, bandwidth, gain in tone.formants:
        gains += gain * np.exp(-(((frequency - at) / bandwidth) ** 2))
    return gains


def _count_turns(tone: Tone, hertz: float, time: Floats, slide: tuple[float, float]) -> Floats:
    """How many cycles have passed at each sample."""
    origin, gliding = slide
    if not gliding and not tone.vibrato:
        return hertz * time
    frequency = np.full(len(time), hertz)
    if gliding:
        frequency *= (origin / hertz) ** np.maximum(0, 1 - time / gliding)
    if tone.vibrato:
        swelling = np.clip((time - 0.15) / 0.4, 0, 1)
        frequency *= 1 + tone.vibrato * swelling * np.sin(2 * np.pi * 5.2 * time)
    return np.cumsum(frequency) / SAMPLE_RATE


def _make_cycles(soft: Floats, edge: Floats) -> Cycles:
    """One cycle for every moment (moments, size), of harmonics (moments, harmonics): the soft layer
    is the real part, the edge the imaginary one. The last sample is the first again.
    """
    count = soft.shape[1]
    size = 1 << max(9, (8 * count - 1).bit_length())
    spectrum = np.zeros((2, len(soft), size // 2 + 1), np.complex64)
    spectrum[:, :, 1 : count + 1] = np.float32(-0.5 * size) * 1j * np.stack([soft, edge])
    layers = np.fft.irfft(spectrum, size)
    cycles = np.empty((len(soft), size + 1), np.complex64)
    cycles.real[:, :size], cycles.imag[:, :size] = layers
    cycles[:, size] = cycles[:, 0]
    return cycles


@lru_cache(maxsize=16)
def _place_rows(seconds: float) -> tuple[npt.NDArray[np.intp], Planar]:
    """Between which moments each sample is: the number of the earlier one, and how far from it, for
    both layers.
    """
    moments = _choose_moments(seconds)
    rows = np.interp(make_times(seconds), moments, np.arange(len(moments)))
    row = np.minimum(rows.astype(np.intp), len(moments) - 2)
    return row, _repeat((rows - row).astype(np.float32))


def _play_cycles(cycles: Cycles, seconds: float, turns: Floats) -> Cycles:
    """Both layers at these places of the cycles, by bilinear interpolation: (samples,)."""
    width = cycles.shape[1]
    column = (turns - np.floor(turns)) * (width - 1)
    left = np.minimum(column.astype(np.intp), width - 2)
    across = _repeat((column - left).astype(np.float32))
    row, down = _place_rows(seconds)
    places = row * width
    places += left
    flat = cycles.reshape(-1)
    upper = _blend(flat.take(places), flat[1:].take(places), across)
    lower = _blend(flat[width:].take(places), flat[width + 1 :].take(places), across)
    return _blend(upper, lower, down)


def _repeat(part: Planar) -> Planar:
    """Each number twice: for both layers."""
    return np.repeat(part, 2)


def _blend(one: Cycles, other: Cycles, parts: Planar) -> Cycles:
    """In place: of the one, and so much of the other."""
    change = other.view(np.float32)
    blended = one.view(np.float32)
    change -= blended
    change *= parts
    blended += change
    return one


def _finish(layer: Floats) -> Planar:
    finished = layer.astype(np.float32)
    fade_in(finished)
    finished.flags.writeable = False
    return finished
