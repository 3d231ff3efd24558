"""Tones: harmonics locked in phase, whose strengths change with time, played from wavetables.

A table is one cycle of the tone as it is at one moment; between moments they are cross-faded. So a
tone costs the same however many harmonics it has, and may slide. It is rendered in pieces of half a
second, each by itself: as many of them as a note needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...request import SAMPLE_RATE
from .signals import Floats, Noise, Planar, fade_in

Cycles = npt.NDArray[np.complex64]

MIDDLE_C = 261.63
BRIGHTEST = 16_000  # Hz: no harmonic is higher
SLIDE = 0.1  # seconds in which a note glides into its pitch, or half of it where that is less
USUAL_HARDNESS = 0.6  # at which a tone is as loud as its instrument's gain says
PIECE = SAMPLE_RATE // 2  # samples
VIBRATO = 5.2  # Hz
STILL, SWINGING = 0.15, 0.55  # seconds: until then there is no vibrato, and from then on all of it
FADED = 9.0  # nepers, 78 dB: nothing is heard of a tone that has decayed so far


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


class Slide(NamedTuple):
    """Where a note comes from, in Hz, and in how many seconds."""

    origin: float
    seconds: float


def render_tone(tone: Tone, hertz: float, number: int, slide: Slide | None = None) -> Shot:
    """Half a second of a tone that is held, the `number`-th."""
    time = np.arange(number * PIECE, (number + 1) * PIECE) / SAMPLE_RATE
    strengths = _find_strengths(tone, hertz, _choose_moments(number))
    darker = np.arange(1, strengths.shape[1] + 1) ** -tone.velocity
    cycles = _make_cycles(strengths * darker, strengths * (1 - darker))
    turns = _count_turns(tone, hertz, time, slide)
    middle = _play_cycles(cycles, number, turns)
    for copy, tuning in enumerate(tone.unison, 1):
        # a copy starts elsewhere in its cycle
        middle += np.float32(0.5) * _play_cycles(cycles, number, turns * tuning + 0.382 * copy)
    channels = middle[None]
    if tone.width:
        side = np.float32(tone.width) * _play_cycles(cycles, number, turns * 1.004 + 0.25)
        channels = np.stack([middle + side, middle - side])
    if time[0] < tone.attack:
        channels *= np.minimum(1, time / tone.attack).astype(np.float32)
    layers = np.ascontiguousarray(channels.real), np.ascontiguousarray(channels.imag)
    for layer in layers:
        if not number:
            fade_in(layer)
        layer.flags.writeable = False
    return Shot(*layers)


def measure_loudness(beginning: Shot) -> float:
    """The RMS of a tone's first half second."""
    usual = beginning.soft + np.float32(USUAL_HARDNESS) * beginning.edge
    return float(np.sqrt(np.mean(np.square(usual))))


def count_heard(tone: Tone, hertz: float) -> int:
    """After how many samples nothing is heard of a tone, though it is held."""
    if not tone.decay:
        return 1 << 40
    return round(FADED / (tone.decay * math.sqrt(hertz / MIDDLE_C)) * SAMPLE_RATE)


@lru_cache(maxsize=2)
def _list_moments(seconds: int) -> Floats:
    """Close together at the beginning, where most happens; then 20 in a second."""
    steps = np.minimum(0.004 * 1.12 ** np.arange(200), 0.05)
    steps = np.concatenate([steps, np.full(20 * seconds, 0.05)])
    return np.concatenate([[0.0], np.cumsum(steps)])


def _choose_moments(number: int) -> Floats:
    """Those around one piece."""
    begin, end = number * PIECE / SAMPLE_RATE, (number + 1) * PIECE / SAMPLE_RATE
    moments = _list_moments(64 * math.ceil(end / 64))
    first = int(np.searchsorted(moments, begin, "right")) - 1
    return moments[first : int(np.searchsorted(moments, end)) + 1]


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


def _count_turns(tone: Tone, hertz: float, time: Floats, slide: Slide | None) -> Floats:
    """How many cycles have passed at each sample."""
    turns = hertz * time
    if slide is not None and slide.origin != hertz and slide.seconds:
        turns += _count_more_turns(hertz, np.minimum(time, slide.seconds), slide)
    if tone.vibrato:
        turns += hertz * tone.vibrato * _swing(time)
    return turns


def _count_more_turns(hertz: float, time: Floats, slide: Slide) -> Floats:
    """What a slide adds: its frequency falls or rises to `hertz` by as much of itself at all
    times.
    """
    ratio = slide.origin / hertz
    slid = slide.seconds / math.log(ratio) * (ratio - ratio ** (1 - time / slide.seconds))
    more: Floats = hertz * (slid - time)
    return more


def _swing(time: Floats) -> Floats:
    """The integral of a vibrato that sets in slowly, in seconds."""
    rate = 2 * np.pi * VIBRATO
    begun = np.clip(time, STILL, SWINGING)
    swelling = -(begun - STILL) * np.cos(rate * begun) / rate
    swelling += (np.sin(rate * begun) - np.sin(rate * STILL)) / rate**2
    late = np.maximum(time, SWINGING)
    swung: Floats = swelling / (SWINGING - STILL)
    swung += (np.cos(rate * SWINGING) - np.cos(rate * late)) / rate
    return swung


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


@lru_cache(maxsize=8)
def _place_rows(number: int) -> tuple[npt.NDArray[np.intp], Planar]:
    """Between which moments each sample of a piece is: the number of the earlier one, and how far
    from it, for both layers.
    """
    moments = _choose_moments(number)
    time = np.arange(number * PIECE, (number + 1) * PIECE) / SAMPLE_RATE
    rows = np.interp(time, moments, np.arange(len(moments)))
    row = np.minimum(rows.astype(np.intp), len(moments) - 2)
    return row, _repeat((rows - row).astype(np.float32))


def _play_cycles(cycles: Cycles, number: int, turns: Floats) -> Cycles:
    """Both layers at these places of the cycles, by bilinear interpolation: (samples,)."""
    width = cycles.shape[1]
    column = (turns - np.floor(turns)) * (width - 1)
    left = np.minimum(column.astype(np.intp), width - 2)
    across = _repeat((column - left).astype(np.float32))
    row, down = _place_rows(number)
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
