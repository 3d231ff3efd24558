"""A voice that sings words: pulses of the glottis, each through the vocal tract as it is then, and
the noises of the mouth.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..request import SAMPLE_RATE
from ..steps import Steps, complete
from .articulation import Articulation, Friction, articulate
from .formants import NOISES
from .pitch import trace_pitch
from .tract import BINS, KILOHERTZ, LENGTH, Pulses, Spectra, build_upper, shape_pulses
from .trajectories import Times
from .vocal_line import SungSyllable, check_line

Wave = npt.NDArray[np.float32]  # (samples,)


class Voice(NamedTuple):
    """Who sings. `size`: how much higher the formants are than a man's. `vibrato`: semitones.
    `tilt`: kHz above which it gets duller. `breathiness`: the noise in a vowel against its voice.
    `ring`: how near to each other the upper formants are, 0 to 1.
    """

    size: float
    vibrato: float
    tilt: float
    breathiness: float
    ring: float


MAN = Voice(size=1.0, vibrato=0.25, tilt=4.0, breathiness=0.006, ring=0.5)
WOMAN = Voice(size=1.17, vibrato=0.25, tilt=4.0, breathiness=0.009, ring=0.4)

CEILING = 0.89  # nothing is louder
KNEE = 0.6  # amplitude up to which a sound is left as it is
LEVEL = 3.3  # of a pulse
NOISE = 0.18  # of friction: its rms at 0 dB
LEAD = 360  # samples: a pulse begins that long before the glottis shuts
STEPS = 64  # places of a pulse between two samples
BLOCK = 256  # pulses that are shaped at once
GRAINS = 128  # noises of the glottis
SHIMMER = 0.02  # of a pulse's amplitude
INAUDIBLE = 1e-4
FADE = 240  # samples: where the sound is cut off at its end
NOISE_LENGTH = 1 << 17  # samples of friction, of which pieces are taken
USUAL_PITCH = 0.15  # kHz, at which a pulse is as loud as it is said to be


def sing(line: Sequence[SungSyllable], samples: int, voice: Voice, seed: int) -> Wave:
    """`line` as (samples,) float32 at 48 kHz, below 0.9, and exactly 0 where nothing is sung.

    Every vowel begins on its note, with its consonants before it. Same line, voice and seed: same
    bytes. ValueError for a line that cannot be sung.
    """
    return complete(sing_in_steps(line, samples, voice, seed))


def sing_in_steps(
    line: Sequence[SungSyllable], samples: int, voice: Voice, seed: int
) -> Steps[Wave]:
    """The same, with a pause every second or two of what is sung."""
    check_line(line)
    if not line:
        return np.zeros(samples, np.float32)
    unrest, shimmer, breath, hiss = np.random.default_rng(seed).spawn(4)
    movements = articulate(line)
    yield
    times, hertz = _place_pulses(line, samples / SAMPLE_RATE, voice, unrest)
    yield
    pulses = _describe_pulses(times, hertz, movements, voice, shimmer)
    yield
    sound = np.zeros(samples + 2 * LENGTH, np.float32)  # a pulse's length around it
    yield from _add_pulses(sound, times, pulses, voice, breath)
    for friction in movements.frictions:
        _add_friction(sound, friction, voice, hiss)
    yield
    sound = sound[LENGTH : LENGTH + samples]
    fade = min(FADE, samples)
    sound[samples - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return limit(sound)


def limit(sound: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """The same up to `KNEE`, and bent towards `CEILING` above it."""
    room = np.float32(CEILING - KNEE)
    over = sound - np.clip(sound, -KNEE, KNEE)
    if over.any():
        sound = sound - over + room * np.tanh(over / room)
    return sound


def _place_pulses(
    line: Sequence[SungSyllable], seconds: float, voice: Voice, rng: np.random.Generator
) -> tuple[Times, npt.NDArray[np.float64]]:
    """When the glottis shuts, and the pitch then in Hz."""
    grid = np.arange(int(1000 * seconds) + 2) / 1000
    hertz = trace_pitch(line, grid, voice.vibrato, rng)
    turns = np.concatenate([[0.0], np.cumsum(hertz[:-1])]) / 1000
    times = np.interp(np.arange(1, int(turns[-1])), turns, grid)
    return times, np.interp(times, grid, hertz)


def _describe_pulses(
    times: Times,
    hertz: npt.NDArray[np.float64],
    movements: Articulation,
    voice: Voice,
    rng: np.random.Generator,
) -> Pulses:
    pitch = hertz / 1000
    formants = movements.formants.sample(times) * voice.size / 1000
    formants[:, 0] = np.maximum(formants[:, 0], 1.05 * pitch)  # high notes open the mouth
    formants[:, 1] = np.maximum(formants[:, 1], formants[:, 0] + 0.15)
    nasal, zero = movements.nose.sample(times).T
    level = LEVEL * np.sqrt(USUAL_PITCH / pitch)  # more pulses a second are no louder
    sung = movements.voice.sample(times)[:, 0]
    breath = movements.breath.sample(times)[:, 0] + voice.breathiness * sung
    shimmer = 1 + SHIMMER * rng.standard_normal(len(times))
    columns = (
        pitch,
        formants,
        nasal,
        zero * voice.size / 1000,
        level * sung * shimmer,
        level * breath,
    )
    rows = (column.astype(np.float32).reshape(len(times), -1) for column in columns)
    return Pulses(*rows)


def _add_pulses(
    sound: Wave, times: Times, pulses: Pulses, voice: Voice, rng: np.random.Generator
) -> Steps[None]:
    upper = build_upper(voice.size, voice.ring)
    grains, delays, window = _make_grains(), _make_delays(), _make_window()
    chosen = rng.integers(GRAINS, size=len(times))
    begin, step = np.divmod(np.floor(times * SAMPLE_RATE * STEPS).astype(np.int64), STEPS)
    begin += LENGTH - LEAD
    heard = np.flatnonzero(np.maximum(pulses.voice, pulses.breath) > INAUDIBLE)
    for first in range(0, len(heard), BLOCK):
        rows = heard[first : first + BLOCK]
        block = Pulses(*(column[rows] for column in pulses))
        spectra = shape_pulses(block, voice.tilt, upper, grains[chosen[rows]])
        spectra *= delays[step[rows]]
        waves = np.fft.irfft(spectra, LENGTH, axis=1)
        waves *= window
        waves -= window * (waves.sum(axis=1, keepdims=True) / window.sum())  # no DC
        for at, wave in zip(begin[rows], waves):
            sound[at : at + LENGTH] += wave
        yield


def _add_friction(sound: Wave, friction: Friction, voice: Voice, rng: np.random.Generator) -> None:
    begin, end = (LENGTH + round(time * SAMPLE_RATE) for time in (friction.begin, friction.end))
    at = int(rng.integers(NOISE_LENGTH // 2))
    if not LENGTH // 2 < begin < end < len(sound) - LENGTH // 2:
        return
    wave = NOISE * friction.level * _make_noise(friction.noise, voice.size)[at : at + end - begin]
    rise, fall = (
        min(max(1, round(seconds * SAMPLE_RATE)), len(wave))
        for seconds in (friction.attack, friction.release)
    )
    wave[:rise] *= np.sin(np.linspace(0, np.pi / 2, rise, dtype=np.float32)) ** 2
    wave[-fall:] *= np.cos(np.linspace(0, np.pi / 2, fall, dtype=np.float32)) ** 2
    sound[begin:end] += wave


@functools.lru_cache(maxsize=1)
def _make_grains() -> Spectra:
    """Noises of the glottis, (GRAINS, BINS): as long as a deep pulse, and little of them low."""
    length = LENGTH // 2
    noise = np.random.default_rng(1).standard_normal((GRAINS, length)) * np.hanning(length)
    spectra = np.fft.rfft(noise, LENGTH, axis=1)[:, :BINS]
    spectra *= 0.3 * KILOHERTZ / np.sqrt(KILOHERTZ**2 + 1)
    return spectra.astype(np.complex64)


@functools.lru_cache(maxsize=1)
def _make_delays() -> Spectra:
    """What moves a pulse to its place between two samples, (STEPS, BINS)."""
    samples = LEAD + np.arange(STEPS)[:, None] / STEPS
    delays: Spectra = np.exp(-2j * np.pi * samples * np.arange(BINS) / LENGTH).astype(np.complex64)
    return delays


@functools.lru_cache(maxsize=1)
def _make_window() -> Wave:
    """A pulse has neither a beginning nor an end."""
    fade = np.sin(np.linspace(0, np.pi / 2, LENGTH // 8)) ** 2
    window = np.concatenate([fade, np.ones(LENGTH - 2 * len(fade)), fade[::-1]])
    return window.astype(np.float32)


@functools.lru_cache(maxsize=64)
def _make_noise(name: str, size: float) -> Wave:
    """Friction of rms 1, (NOISE_LENGTH,)."""
    spectrum = np.fft.rfft(np.random.default_rng(2).standard_normal(NOISE_LENGTH))
    hertz = np.maximum(np.fft.rfftfreq(NOISE_LENGTH, 1 / SAMPLE_RATE), 1)
    power = np.zeros(len(hertz))
    for hump in NOISES[name]:
        octaves = np.log2(hertz / (hump.hertz * np.sqrt(size)))
        power += 10 ** (hump.decibels / 10) * np.exp(-((octaves / hump.octaves) ** 2))
    wave = np.fft.irfft(spectrum * np.sqrt(power))
    noise: Wave = (wave / np.sqrt(np.mean(wave**2))).astype(np.float32)
    return noise
