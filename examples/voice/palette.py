"""The sounds that play our training music: additive tones and small drum kits, all computed here.

Every note of a sound is the same waveform each time it is played, as from a sampler: computed once,
then cached. Arrays inside this file are planar, (channels, samples), and mono sounds have one
channel; stems are (samples, 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from pipeline.guide.score import Score

Floats = npt.NDArray[np.floating]

SAMPLE_RATE = 48_000
MIDDLE_C = 261.63
BRIGHTEST = 8_000  # Hz: no harmonic is higher
FADE_IN = round(0.001 * SAMPLE_RATE)
FADE_OUT = round(0.3 * SAMPLE_RATE)
CLIP_FADE = round(0.005 * SAMPLE_RATE)
RELEASE = np.linspace(1, 0, round(0.03 * SAMPLE_RATE), dtype=np.float32) ** 2


@dataclass(frozen=True)
class Filter:
    """A low-pass whose cutoff in Hz falls from `floor + sweep` to `floor`, plus `tracking` times
    the note's pitch.
    """

    floor: float
    sweep: float = 0.0
    rate: float = 0.0  # per second
    tracking: float = 0.0

    def cutoff(self, frequency: float, time: Floats) -> Floats | float:
        """In Hz, for a note of this frequency, at times in seconds."""
        swept = self.sweep * np.exp(-self.rate * time) if self.sweep else 0.0
        return self.floor + self.tracking * frequency + swept


@dataclass(frozen=True)
class Tone:
    """A sum of harmonics locked in phase. Rates are per second at middle C, and faster for higher
    notes.
    """

    partials: tuple[float, ...]
    seconds: float
    decay: float
    damping: float = 0.0  # added to the decay by each harmonic above the first
    attack: float = 0.0  # seconds
    filter: Filter | None = None
    chorus: tuple[float, ...] = ()  # tunings of more copies, half as loud: no beating falls silent
    width: float = 0.0  # how much of one more copy, a little out of tune, is at the sides
    vibrato: float = 0.0  # depth, as a part of the frequency
    formants: tuple[tuple[float, float, float], ...] = ()  # (centre in Hz, bandwidth in Hz, gain)
    drive: float = 0.0  # of a soft clipper; 0 is clean


@dataclass(frozen=True)
class Instrument:
    """A tone, the parts that it may play, and its range."""

    roles: tuple[str, ...]
    low: int
    high: int
    gain: float  # a note's RMS over its first half second, at velocity 1
    tone: Tone

    def fold(self, pitch: int) -> int:
        """The pitch, moved by octaves into the instrument's range."""
        if pitch < self.low:
            return self.low + (pitch - self.low) % 12
        if pitch > self.high:
            return self.high - (self.high - pitch) % 12
        return pitch


@dataclass(frozen=True)
class Body:
    """The drum's skin: a sine that falls to its pitch."""

    pitch: float
    decay: float
    fall: float = 0.0  # Hz above its pitch at the onset
    rate: float = 40.0  # of the fall, per second
    level: float = 1.0


@dataclass(frozen=True)
class Noise:
    """The rattle of a drum: filtered noise that decays."""

    low: float  # Hz
    high: float
    decay: float
    level: float = 1.0
    attack: float = 0.0  # seconds
    claps: tuple[float, ...] = ()  # more bursts, at these seconds


@dataclass(frozen=True)
class Drum:
    """One drum of a kit."""

    gain: float  # peak
    seconds: float
    body: Body | None = None
    noise: Noise | None = None
    pan: float = 0.0  # -1 is left, 1 is right


SAW = tuple(1 / k for k in range(1, 61))
SQUARE = tuple(k % 2 / k for k in range(1, 61))
FELT = tuple(1 / k**1.35 for k in range(1, 25))
SOFT = tuple(1 / k**1.6 for k in range(1, 11))
PLUCKED = tuple(float(abs(np.sin(np.pi * k * 0.19))) / k**0.8 for k in range(1, 26))
FLAT = (1.0,) * 60

AH = ((750, 160, 1), (1150, 180, 0.6), (2600, 300, 0.25), (3300, 350, 0.12))

BASS = ("bass",)
CHORDS = ("chords",)
LEAD = ("lead",)
BOTH = ("chords", "lead")

INSTRUMENTS: dict[str, Instrument] = {
    "sub bass": Instrument(BASS, 24, 48, 0.15, Tone((1, 0.25, 0.08), 4, 0.7)),
    "synth bass": Instrument(BASS, 24, 52, 0.15, Tone(SAW, 2.6, 2, filter=Filter(120, 1800, 9, 2))),
    "electric bass": Instrument(
        BASS, 28, 55, 0.15, Tone((1, 0.7, 0.5, 0.3, 0.22, 0.15, 0.1, 0.07), 2.6, 2.6, 3)
    ),
    "acid bass": Instrument(
        BASS, 24, 55, 0.13, Tone(SQUARE, 2.2, 3, filter=Filter(200, 3200, 14, 1))
    ),
    "piano": Instrument(BOTH, 41, 89, 0.1, Tone(FELT, 2.6, 1.8, 0.55, width=0.25)),
    "electric piano": Instrument(
        BOTH, 41, 84, 0.1, Tone((1, 0.55, 0.2, 0.05, 0, 0, 0.2), 2.6, 1.3, 2, width=0.2)
    ),
    "organ": Instrument(
        BOTH, 41, 84, 0.085, Tone((0.8, 0.6, 0.5, 0.35, 0, 0.2, 0, 0.15), 4, 0.05, attack=0.006)
    ),
    "pluck": Instrument(
        BOTH, 48, 91, 0.09, Tone(SAW, 1.2, 4, filter=Filter(300, 5000, 18, 1), width=0.2)
    ),
    "supersaw": Instrument(
        BOTH,
        45,
        84,
        0.085,
        Tone(SAW, 3, 0.3, filter=Filter(4000), chorus=(1.006, 0.9945), width=0.3),
    ),
    "pad": Instrument(
        CHORDS, 41, 84, 0.085, Tone(SOFT, 4, 0.1, attack=0.25, chorus=(1.004,), width=0.3)
    ),
    "strings": Instrument(
        BOTH,
        41,
        88,
        0.085,
        Tone(SAW, 4, 0.1, attack=0.12, filter=Filter(2500), chorus=(0.997,), width=0.3),
    ),
    "guitar": Instrument(BOTH, 40, 84, 0.1, Tone(PLUCKED, 2.2, 2.1, 0.7, width=0.15)),
    "distorted guitar": Instrument(BOTH, 36, 79, 0.085, Tone(SAW[:16], 3, 0.5, 0.1, drive=4)),
    "square lead": Instrument(
        LEAD, 55, 91, 0.1, Tone(SQUARE, 4, 0.3, attack=0.004, filter=Filter(3500))
    ),
    "saw lead": Instrument(
        LEAD, 55, 91, 0.1, Tone(SAW, 4, 0.3, filter=Filter(4500), chorus=(1.003,), width=0.15)
    ),
    "bell": Instrument(
        BOTH, 60, 96, 0.085, Tone((1, 0, 0.5, 0, 0, 0.35, 0, 0, 0.2), 2.6, 1.7, 0.5)
    ),
    "flute": Instrument(
        LEAD, 60, 91, 0.1, Tone((1, 0.25, 0.12, 0.04), 4, 0.1, attack=0.06, vibrato=0.004)
    ),
    "vocal": Instrument(
        BOTH, 53, 79, 0.1, Tone(FLAT, 4, 0.1, attack=0.05, vibrato=0.008, formants=AH)
    ),
}

KICK = 36
RIM = 37
SNARE = 38
CLAP = 39
HAT = 42
TOM = 45
OPEN_HAT = 46
SHAKER = 70

KITS: dict[str, dict[int, Drum]] = {
    "909": {
        KICK: Drum(0.7, 0.6, Body(48, 9, fall=180), Noise(500, 6000, 400, level=0.3)),
        SNARE: Drum(0.5, 0.35, Body(185, 22, fall=60, level=0.5), Noise(900, 7000, 14)),
        CLAP: Drum(0.46, 0.35, noise=Noise(900, 3500, 16, claps=(0.012, 0.024))),
        HAT: Drum(0.25, 0.1, noise=Noise(6000, 11000, 55), pan=0.08),
        OPEN_HAT: Drum(0.22, 0.5, noise=Noise(5500, 11000, 9), pan=0.1),
        TOM: Drum(0.45, 0.5, Body(95, 8, fall=60, rate=20), pan=-0.15),
        RIM: Drum(0.28, 0.06, Body(1700, 90), Noise(800, 4000, 200, level=0.5), pan=0.2),
        SHAKER: Drum(0.18, 0.1, noise=Noise(4500, 9000, 45, attack=0.015), pan=-0.2),
    },
    "808": {
        KICK: Drum(0.56, 1, Body(42, 6, fall=110), Noise(500, 4000, 500, level=0.15)),
        SNARE: Drum(0.46, 0.3, Body(210, 20, level=0.8), Noise(1500, 6000, 18, level=0.8)),
        CLAP: Drum(0.4, 0.4, noise=Noise(700, 2800, 13, claps=(0.01, 0.021, 0.032))),
        HAT: Drum(0.22, 0.08, noise=Noise(7000, 11000, 75), pan=0.08),
        OPEN_HAT: Drum(0.2, 0.6, noise=Noise(6500, 11000, 7), pan=0.1),
        TOM: Drum(0.45, 0.7, Body(80, 6, fall=30, rate=15), pan=-0.15),
        RIM: Drum(0.26, 0.06, Body(1500, 110), pan=0.2),
        SHAKER: Drum(0.16, 0.08, noise=Noise(5500, 10000, 60, attack=0.01), pan=-0.2),
    },
    "acoustic": {
        KICK: Drum(0.65, 0.4, Body(58, 14, fall=130), Noise(1000, 5000, 250, level=0.35)),
        SNARE: Drum(0.52, 0.35, Body(190, 25, fall=40, level=0.6), Noise(700, 5500, 17)),
        CLAP: Drum(0.38, 0.25, noise=Noise(1100, 4500, 22, claps=(0.008, 0.019))),
        HAT: Drum(0.22, 0.12, noise=Noise(4500, 10000, 40), pan=0.08),
        OPEN_HAT: Drum(0.2, 0.5, noise=Noise(4000, 9500, 8), pan=0.1),
        TOM: Drum(
            0.45, 0.5, Body(110, 9, fall=40, rate=20), Noise(300, 2000, 60, level=0.3), pan=-0.15
        ),
        RIM: Drum(0.28, 0.06, Body(900, 90), Noise(1500, 5000, 120, level=0.7), pan=0.2),
        SHAKER: Drum(0.17, 0.12, noise=Noise(4000, 8500, 35, attack=0.02), pan=-0.2),
    },
    "lo-fi": {
        KICK: Drum(0.65, 0.45, Body(52, 12, fall=120), Noise(300, 2000, 200, level=0.3)),
        SNARE: Drum(0.48, 0.3, Body(170, 25, fall=30, level=0.7), Noise(500, 3200, 20)),
        CLAP: Drum(0.36, 0.3, noise=Noise(700, 2500, 20, claps=(0.013, 0.026))),
        HAT: Drum(0.18, 0.1, noise=Noise(4000, 7000, 60), pan=0.08),
        OPEN_HAT: Drum(0.16, 0.4, noise=Noise(3500, 7000, 11), pan=0.1),
        TOM: Drum(0.42, 0.4, Body(85, 10, fall=40, rate=20), pan=-0.15),
        RIM: Drum(0.26, 0.06, Body(1200, 100), Noise(600, 3000, 200, level=0.4), pan=0.2),
        SHAKER: Drum(0.15, 0.1, noise=Noise(3000, 6500, 45, attack=0.015), pan=-0.2),
    },
}


def render(score: Score, sounds: Mapping[str, str], samples: int) -> dict[str, Floats]:
    """The stem (samples, 2) of each role that has notes and a sound: an instrument or, for drums, a
    kit, by its name.
    """
    return {
        role: _render_stem(score, role, sound, samples)
        for role, sound in sounds.items()
        if any(note.role == role for note in score.notes)
    }


def mix(stems: Mapping[str, Floats]) -> Floats:
    """All stems together."""
    return master(np.sum(list(stems.values()), axis=0))


def master(sound: Floats) -> Floats:
    """The sound, gently saturated so that no peak reaches full scale."""
    mastered: Floats = np.tanh(np.float32(0.8) * sound)
    return mastered


def _render_stem(score: Score, role: str, sound: str, samples: int) -> Floats:
    stem = np.zeros((2, samples), np.float32)
    beat = 60 / score.bpm * SAMPLE_RATE
    for note in score.notes:
        start = round(note.start * beat)
        if note.role != role or start >= samples:
            continue
        if role == "drums":
            shot = _render_drum(sound, note.pitch)
            held = shot.shape[1]
        else:
            shot = _render_tone(sound, INSTRUMENTS[sound].fold(note.pitch))
            held = round((note.start + note.length) * beat) - start
        _add_shot(stem[:, start:], shot, held, note.velocity)
    stem[:, -CLIP_FADE:] *= np.linspace(1, 0, CLIP_FADE, dtype=np.float32)[-samples:]
    return np.ascontiguousarray(stem.T)


def _add_shot(stem: Floats, shot: Floats, held: int, velocity: float) -> None:
    """Add the shot to the stem from its first sample, released once it has been held."""
    end = min(held + len(RELEASE), shot.shape[1], stem.shape[1])
    played = np.float32(velocity) * shot[:, :end]
    played[:, held:] *= RELEASE[: max(end - held, 0)]
    stem[:, :end] += played


@cache
def _render_tone(name: str, pitch: int) -> Floats:
    instrument = INSTRUMENTS[name]
    tone = instrument.tone
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    sound = _sum_harmonics(tone, frequency)
    for tuning in tone.chorus:
        sound += 0.5 * _sum_harmonics(tone, frequency * tuning)
    shot = sound[None]
    if tone.drive:
        shot = _filter_band(np.tanh(tone.drive * shot / np.abs(shot).max()), 0, 4500)
    if tone.width:
        side = tone.width * _sum_harmonics(tone, frequency * 1.004)
        shot = np.concatenate([shot + side, shot - side])
    loudness = np.sqrt(np.mean(shot[:, : SAMPLE_RATE // 2] ** 2))
    return _finish_shot(shot * (instrument.gain / loudness))


def _sum_harmonics(tone: Tone, frequency: float) -> Floats:
    """One copy of the tone. The k-th power of a decaying phasor is its k-th harmonic, damped k
    times as much.
    """
    time = _make_times(tone.seconds)
    age = np.sqrt(frequency / MIDDLE_C) * time
    wobble = tone.vibrato * np.minimum(1, time / 0.4) * np.sin(2 * np.pi * 5.2 * time)
    cycles = frequency * (time + np.cumsum(wobble) / SAMPLE_RATE)
    phasor = np.exp(2j * np.pi * cycles - tone.damping * age).astype(np.complex64)
    harmonic = np.exp((tone.damping - tone.decay) * age).astype(np.complex64)
    darkness = (frequency / tone.filter.cutoff(frequency, time)) ** 4 if tone.filter else 0.0
    sound = np.zeros(len(time))
    for k, amplitude in enumerate(tone.partials, 1):
        if k * frequency > BRIGHTEST:
            break
        harmonic *= phasor
        if amplitude:
            gain = amplitude * _formant_gain(tone, k * frequency) / (1 + k**4 * darkness)
            sound += gain * harmonic.imag
    if tone.attack:
        sound = sound * np.minimum(1, time / tone.attack)
    return sound


def _formant_gain(tone: Tone, frequency: float) -> float:
    if not tone.formants:
        return 1.0
    # NumPy's float on purpose: its products with float32 arrays are float64
    total: float = sum(
        gain * np.exp(-(((frequency - at) / bandwidth) ** 2))
        for at, bandwidth, gain in tone.formants
    )
    return 0.01 + total


@cache
def _render_drum(kit: str, pitch: int) -> Floats:
    drum = KITS[kit][pitch]
    time = _make_times(drum.seconds)
    shot = np.zeros(len(time))
    if drum.body:
        shot += _render_body(drum.body, time)
    if drum.noise:
        shot += _render_noise(drum.noise, time, np.random.default_rng([*kit.encode(), pitch]))
    shot *= drum.gain / np.abs(shot).max()
    if drum.pan:
        return _finish_shot(np.stack([shot * (1 - drum.pan), shot * (1 + drum.pan)]))
    return _finish_shot(shot[None])


def _render_body(body: Body, time: Floats) -> Floats:
    cycles = body.pitch * time + body.fall * (1 - np.exp(-body.rate * time)) / body.rate
    sound: Floats = body.level * np.sin(2 * np.pi * cycles) * np.exp(-body.decay * time)
    return sound


def _render_noise(noise: Noise, time: Floats, rng: np.random.Generator) -> Floats:
    """Filtered noise, as loud as `level` at its peak."""
    loudness = np.exp(-noise.decay * time)
    for at in noise.claps:
        loudness += 0.8 * np.exp(-120 * np.abs(time - at))
    if noise.attack:
        loudness *= np.minimum(1, time / noise.attack)
    sound = _filter_band(rng.standard_normal(len(time)), noise.low, noise.high) * loudness
    scaled: Floats = sound * (noise.level / np.abs(sound).max())
    return scaled


def _filter_band(sound: Floats, low: float, high: float) -> Floats:
    frequency = np.fft.rfftfreq(sound.shape[-1], 1 / SAMPLE_RATE)
    gain = 1 / (1 + (low / np.maximum(frequency, 1)) ** 4) / (1 + (frequency / high) ** 4)
    return np.fft.irfft(gain * np.fft.rfft(sound), sound.shape[-1])


def _finish_shot(sound: Floats) -> Floats:
    """The sound as it is cached: no DC, faded in and out, read-only."""
    shot: npt.NDArray[np.float32] = sound - sound.mean(axis=1, keepdims=True)
    shot = shot.astype(np.float32)
    fade_out = min(FADE_OUT, shot.shape[1] // 4)
    shot[:, :FADE_IN] *= np.linspace(0, 1, FADE_IN, dtype=np.float32)
    shot[:, -fade_out:] *= np.linspace(1, 0, fade_out, dtype=np.float32)
    shot.flags.writeable = False
    return shot


def _make_times(length: float) -> Floats:
    return np.arange(round(length * SAMPLE_RATE)) / SAMPLE_RATE
