"""How the guide sounds: one timbre per role, plain enough for the model to paint over. A palette
turns it brighter or darker, softer or longer, as a caption's mood asks.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple, overload

import numpy as np
import numpy.typing as npt

from ..request import SAMPLE_RATE
from ..steps import Steps, complete
from .score import DRUMS, Note, Score

Wave = npt.NDArray[np.float32]  # (samples,)


class Timbre(NamedTuple):
    """A tonal role's sound: amplitudes of the harmonics, and gains of the left and right
    channel.
    """

    harmonics: tuple[float, ...]
    left: float
    right: float


class DrumSound(NamedTuple):
    """A drum's sound: sines that fade out over `milliseconds`, rising over `attack` of them."""

    hertz: tuple[float, ...]
    milliseconds: float
    gain: float
    attack: float = 0.5
    drop: float = 0.0  # how many times higher the pitch begins
    repeat: float = 0.0  # milliseconds until the same once more


class GuidePalette(NamedTuple):
    """How a mood turns the sounds. All 0 is `PLAIN`, the sounds as they are."""

    brightness: float = 0.0  # -1..1: how strong the upper harmonics are, and how high hats lie
    drive: float = 0.0  # 0..1: the bass is saturated
    softness: float = 0.0  # 0..1: tones begin slowly, and ring on
    metal: float = 0.0  # 0..1: how much hats and cymbals hiss and ring


PLAIN = GuidePalette()


TIMBRES = {
    "bass": Timbre((1.0, 0.5, 0.1), 0.17, 0.17),
    "chords": Timbre((1.0, 0.3, 0.1), 0.085, 0.065),
    "lead": Timbre((1.0, 0.3, 0.1), 0.105, 0.14),
}
DRUM_SOUNDS = {
    "kick": DrumSound((55,), 90, 0.45, drop=4),
    "snare": DrumSound((330, 1300), 60, 0.17),
    "clap": DrumSound((900,), 20, 0.24, repeat=22),
    "closed hat": DrumSound((3000,), 15, 0.14),
    "open hat": DrumSound((3000,), 90, 0.12),
    "tom": DrumSound((120,), 120, 0.32, drop=1),
    "rim": DrumSound((1800,), 12, 0.2),
    "shaker": DrumSound((2400,), 30, 0.3, attack=12),
    "low tom": DrumSound((85,), 150, 0.34, drop=1),
    "high tom": DrumSound((170,), 100, 0.3, drop=1),
    "pedal hat": DrumSound((2700,), 18, 0.11),
    "crash": DrumSound((2450, 3170, 3890), 700, 0.06),
    "ride": DrumSound((2900, 3550), 180, 0.07),
    "tambourine": DrumSound((2600, 3300), 55, 0.1, attack=3),
    "cowbell": DrumSound((560, 845), 110, 0.11),
    "high conga": DrumSound((330,), 90, 0.24, drop=0.3),
    "low conga": DrumSound((220,), 130, 0.26, drop=0.3),
    "claves": DrumSound((2100,), 22, 0.18),
}
METAL = ("closed hat", "open hat", "pedal hat", "crash", "ride", "tambourine", "shaker")
CEILING = 0.89  # nothing is louder
DECAY = 0.8  # of a tone, per second
ATTACK = 0.003  # of a tone, in seconds
RELEASE = 0.020
LONGEST = 8.0  # seconds: a tone has decayed by 55 dB
SLIDE = 0.09  # seconds in which a note slides into its pitch, or half of it where that is less
OVERTONES = 7  # of a bright tone
HISS = 0.45  # of metal, beside its pitch
RING = 2.0  # of its length, longer
STEP = 100  # notes that are drawn without a pause
# samples that the last note may ring on for: a crash of much metal
RINGING = round(max(sound.milliseconds for sound in DRUM_SOUNDS.values()) * (1 + RING) * 48)


def render(score: Score, samples: int, palette: GuidePalette = PLAIN) -> npt.NDArray[np.float32]:
    """`score` from its beginning as (samples, 2) float32 at 48 kHz, below 0.9. Same score, same
    bytes; every onset is on the sample next to it.
    """
    return complete(render_in_steps(score, samples, palette))


def render_in_steps(
    score: Score, samples: int, palette: GuidePalette = PLAIN
) -> Steps[npt.NDArray[np.float32]]:
    """The same, with a pause every `STEP` notes."""
    mix = np.zeros((2, samples), np.float32)
    for number, note in enumerate(score.notes, 1):
        if number % STEP == 0:
            yield
        begin = round(note.start * 60 / score.bpm * SAMPLE_RATE)
        if begin >= samples:
            continue
        left, right, wave = _render_note(note, score.bpm, palette)
        wave = wave[: samples - begin]
        mix[0, begin : begin + len(wave)] += left * wave
        mix[1, begin : begin + len(wave)] += right * wave
    return np.ascontiguousarray((CEILING * np.tanh(mix / CEILING)).T)


def count_sounding_seconds(score: Score) -> float:
    """How many seconds of tones have to be rendered for it. Drums cost nothing beside them."""
    lengths = (note.length for note in score.notes if note.role != "drums")
    return sum(min(length * 60 / score.bpm, LONGEST) for length in lengths)


def _render_note(note: Note, bpm: float, palette: GuidePalette) -> tuple[float, float, Wave]:
    """A note's channel gains and its samples."""
    if note.role == "drums":
        wave = _render_drum(DRUMS[note.pitch], palette.brightness, palette.metal)
        return note.velocity, note.velocity, wave
    seconds = min(note.length * 60 / bpm, LONGEST)
    timbre = TIMBRES[note.role]
    samples = round(seconds * SAMPLE_RATE)
    wave = _render_tone(note.role, note.pitch, note.slide_from, samples, palette)
    return note.velocity * timbre.left, note.velocity * timbre.right, wave


def _render_tone(
    role: str, pitch: int, slide_from: int | None, samples: int, palette: GuidePalette
) -> Wave:
    """A tone of which `samples` are held, then released."""
    release = round(RELEASE * (1 + 6 * palette.softness) * SAMPLE_RATE)
    seconds = math.ceil((samples + release) / SAMPLE_RATE)
    if slide_from is None:
        wave = _sustain_tone(role, pitch, seconds, palette)[: samples + release].copy()
    else:
        slide = min(round(SLIDE * SAMPLE_RATE), samples // 2)
        wave = _slide_tone(role, pitch, slide_from, samples + release, slide, palette)
    wave[-release:] *= np.linspace(1, 0, release, dtype=np.float32)
    return wave


@functools.lru_cache(maxsize=96)
def _sustain_tone(role: str, pitch: int, seconds: int, palette: GuidePalette) -> Wave:
    """A tone that is still held after whole seconds: what shorter ones are cut from."""
    time = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    hertz = _to_hertz(pitch)
    return _add_harmonics(role, hertz * time, hertz, palette)


def _slide_tone(
    role: str, pitch: int, slide_from: int, samples: int, slide: int, palette: GuidePalette
) -> Wave:
    """A tone that comes from another pitch within its first `slide` samples."""
    pitches = np.full(samples, float(pitch))
    pitches[:slide] = np.linspace(slide_from, pitch, slide, endpoint=False)
    hertz = _to_hertz(pitches)
    turns = np.concatenate([[0.0], np.cumsum(hertz[:-1])]) / SAMPLE_RATE
    return _add_harmonics(role, turns, _to_hertz(max(pitch, slide_from)), palette)


def _add_harmonics(
    role: str, turns: npt.NDArray[np.float64], highest: float, palette: GuidePalette
) -> Wave:
    """The tone whose first harmonic has turned so often at each sample; `highest` is the most that
    it has in Hz.
    """
    phase = (2 * np.pi * (turns - np.floor(turns))).astype(np.float32)
    wave = np.zeros(len(turns), np.float32)
    for number, amplitude in enumerate(_tilt_harmonics(role, palette.brightness), 1):
        if number * highest < SAMPLE_RATE / 2:
            wave += np.float32(amplitude) * np.sin(np.float32(number) * phase)
    if palette.drive and role == "bass":
        gain = np.float32(1 + 3 * palette.drive)
        wave = np.tanh(gain * wave) / np.float32(np.sqrt(gain))
    time = np.arange(len(turns)) / SAMPLE_RATE
    wave *= np.exp(-DECAY * time).astype(np.float32)
    attack = round(ATTACK * (1 + 9 * palette.softness) * SAMPLE_RATE)
    attack = min(attack, len(wave))
    wave[:attack] *= np.linspace(0, 1, attack, dtype=np.float32)
    return wave


def _tilt_harmonics(role: str, brightness: float) -> tuple[float, ...]:
    """The amplitudes of a role's harmonics: more of them, and stronger, in a bright palette."""
    plain = TIMBRES[role].harmonics
    if not brightness:
        return plain
    ratio = plain[-1] / plain[-2]
    more = (plain[-1] * ratio**number for number in range(1, OVERTONES - len(plain) + 1))
    amplitudes = (*plain, *more) if brightness > 0 else plain
    return tuple(
        amplitude * 2 ** (brightness * number) for number, amplitude in enumerate(amplitudes)
    )


@overload
def _to_hertz(pitch: float) -> float: ...
@overload
def _to_hertz(pitch: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]: ...
def _to_hertz(pitch: float | npt.NDArray[np.float64]) -> float | npt.NDArray[np.float64]:
    return 440 * 2 ** ((pitch - 69) / 12)


def _make_hiss(name: str, samples: int) -> npt.NDArray[np.float64]:
    """Noise that rises with its frequency; each drum has its own, always the same."""
    noise = np.random.default_rng([*name.encode()]).standard_normal(samples + 1)
    return np.diff(noise)


@functools.lru_cache(maxsize=4 * len(DRUM_SOUNDS))
def _render_drum(name: str, brightness: float, metal: float) -> Wave:
    sound = DRUM_SOUNDS[name]
    higher = 1 + 0.3 * brightness if name in METAL else 1.0
    longer = 1 + RING * metal if name in METAL else 1.0
    length = round(longer * sound.milliseconds / 1000 * SAMPLE_RATE)
    time = np.arange(length) / SAMPLE_RATE
    # the integral of a drop within some 40 ms
    sinking = sound.drop * (1 - np.exp(-60 * time)) / 60
    burst = sum(np.sin(2 * np.pi * higher * hertz * (time + sinking)) for hertz in sound.hertz)
    if metal and name in METAL:
        burst = burst + HISS * metal * _make_hiss(name, length)
    burst = burst * np.minimum(time / (sound.attack / 1000), 1) * (1 - time / time[-1]) ** 2
    later = round(sound.repeat / 1000 * SAMPLE_RATE)
    wave = np.pad(burst, (0, later))
    if later:
        wave[later:] += burst
    return (sound.gain * wave).astype(np.float32)
