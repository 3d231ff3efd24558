"""How the guide sounds: one fixed timbre per role, plain enough for the model to paint over."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..request import SAMPLE_RATE
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
}
CEILING = 0.89  # nothing is louder
DECAY = 0.8  # of a tone, per second
ATTACK = 0.003  # of a tone, in seconds
RELEASE = 0.020
LONGEST = 8.0  # seconds: a tone has decayed by 55 dB


def render(score: Score, samples: int) -> npt.NDArray[np.float32]:
    """`score` from its beginning as (samples, 2) float32 at 48 kHz, below 0.9. Same score, same
    bytes; every onset is on the sample next to it.
    """
    mix = np.zeros((2, samples), np.float32)
    for note in score.notes:
        begin = round(note.start * 60 / score.bpm * SAMPLE_RATE)
        if begin >= samples:
            continue
        left, right, wave = _render_note(note, score.bpm)
        wave = wave[: samples - begin]
        mix[0, begin : begin + len(wave)] += left * wave
        mix[1, begin : begin + len(wave)] += right * wave
    return np.ascontiguousarray((CEILING * np.tanh(mix / CEILING)).T)


def count_sounding_seconds(score: Score) -> float:
    """How many seconds of tones have to be rendered for it. Drums cost nothing beside them."""
    lengths = (note.length for note in score.notes if note.role != "drums")
    return sum(min(length * 60 / score.bpm, LONGEST) for length in lengths)


def _render_note(note: Note, bpm: float) -> tuple[float, float, Wave]:
    """A note's channel gains and its samples."""
    if note.role == "drums":
        return note.velocity, note.velocity, _render_drum(DRUMS[note.pitch])
    seconds = min(note.length * 60 / bpm, LONGEST)
    timbre = TIMBRES[note.role]
    wave = _render_tone(note.role, note.pitch, round(seconds * SAMPLE_RATE))
    return note.velocity * timbre.left, note.velocity * timbre.right, wave


def _render_tone(role: str, pitch: int, samples: int) -> Wave:
    """A tone of which `samples` are held, then released."""
    release = round(RELEASE * SAMPLE_RATE)
    seconds = math.ceil((samples + release) / SAMPLE_RATE)
    wave = _sustain_tone(role, pitch, seconds)[: samples + release].copy()
    wave[-release:] *= np.linspace(1, 0, release, dtype=np.float32)
    return wave


@functools.lru_cache(maxsize=96)
def _sustain_tone(role: str, pitch: int, seconds: int) -> Wave:
    """A tone that is still held after whole seconds: what shorter ones are cut from."""
    time = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    turns = hertz * time
    phase = (2 * np.pi * (turns - np.floor(turns))).astype(np.float32)
    wave = np.zeros(len(time), np.float32)
    for number, amplitude in enumerate(TIMBRES[role].harmonics, 1):
        if number * hertz < SAMPLE_RATE / 2:
            wave += np.float32(amplitude) * np.sin(np.float32(number) * phase)
    wave *= np.exp(-DECAY * time).astype(np.float32)
    attack = round(ATTACK * SAMPLE_RATE)
    wave[:attack] *= np.linspace(0, 1, attack, dtype=np.float32)
    return wave


@functools.lru_cache(maxsize=len(DRUM_SOUNDS))
def _render_drum(name: str) -> Wave:
    sound = DRUM_SOUNDS[name]
    length = round(sound.milliseconds / 1000 * SAMPLE_RATE)
    time = np.arange(length) / SAMPLE_RATE
    # the integral of a drop within some 40 ms
    sinking = sound.drop * (1 - np.exp(-60 * time)) / 60
    burst = sum(np.sin(2 * np.pi * hertz * (time + sinking)) for hertz in sound.hertz)
    burst = burst * np.minimum(time / (sound.attack / 1000), 1) * (1 - time / time[-1]) ** 2
    later = round(sound.repeat / 1000 * SAMPLE_RATE)
    wave = np.pad(burst, (0, later))
    if later:
        wave[later:] += burst
    return (sound.gain * wave).astype(np.float32)
