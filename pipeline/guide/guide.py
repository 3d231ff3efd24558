"""The guide: a plain drawing of the music, one fixed timbre per role, which the model paints over.
Imports no MLX.

A request's guide is "auto" (composed from the caption), "off", a chord line, or a MIDI file.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..request import SAMPLE_RATE, BadRequest, Request
from .captions import sketch
from .compose import compose
from .harmony import parse_chords
from .score import DRUMS, BadMidi, Note, Score, from_midi

Wave = np.ndarray  # (samples,) float32


class Timbre(NamedTuple):
    """A tonal role's sound: amplitudes of the harmonics, and gains of the left and right
    channel.
    """

    harmonics: tuple[float, ...]
    left: float
    right: float


class Strike(NamedTuple):
    """A drum's sound: sines that fade out over `milliseconds`, rising over `attack` of them."""

    hertz: tuple[float, ...]
    milliseconds: float
    gain: float
    attack: float = 0.5
    drop: float = 0.0  # how many times higher the pitch begins
    again: float = 0.0  # milliseconds until the same once more


TIMBRES = {
    "bass": Timbre((1.0, 0.5, 0.1), 0.17, 0.17),
    "chords": Timbre((1.0, 0.3, 0.1), 0.085, 0.065),
    "lead": Timbre((1.0, 0.3, 0.1), 0.105, 0.14),
}
STRIKES = {
    "kick": Strike((55,), 90, 0.45, drop=4),
    "snare": Strike((330, 1300), 60, 0.17),
    "clap": Strike((900,), 20, 0.24, again=22),
    "closed hat": Strike((3000,), 15, 0.14),
    "open hat": Strike((3000,), 90, 0.12),
    "tom": Strike((120,), 120, 0.32, drop=1),
    "rim": Strike((1800,), 12, 0.2),
    "shaker": Strike((2400,), 30, 0.3, attack=12),
}
CEILING = 0.89  # nothing is louder
DECAY = 0.8  # of a tone, per second
ATTACK = 0.003  # of a tone, in seconds
RELEASE = 0.020
LONGEST = 8.0  # seconds: a tone has decayed by 55 dB


def render(score: Score, samples: int) -> np.ndarray:
    """`score` from its beginning as (samples, 2) float32 at 48 kHz, below 0.9. Same score, same
    bytes; every onset is on the sample next to it.
    """
    mix = np.zeros((2, samples), np.float32)
    for note in score.notes:
        begin = round(note.start * 60 / score.bpm * SAMPLE_RATE)
        if begin >= samples:
            continue
        left, right, wave = _sound(note, score.bpm)
        wave = wave[: samples - begin]
        mix[0, begin : begin + len(wave)] += left * wave
        mix[1, begin : begin + len(wave)] += right * wave
    return np.ascontiguousarray((CEILING * np.tanh(mix / CEILING)).T)


def _sound(note: Note, bpm: float) -> tuple[float, float, Wave]:
    """A note's channel gains and its samples."""
    if note.role == "drums":
        return note.velocity, note.velocity, _strike(DRUMS[note.pitch])
    seconds = min(note.length * 60 / bpm, LONGEST)
    timbre = TIMBRES[note.role]
    wave = _tone(note.role, note.pitch, round(seconds * SAMPLE_RATE))
    return note.velocity * timbre.left, note.velocity * timbre.right, wave


def _tone(role: str, pitch: int, samples: int) -> Wave:
    """A tone of which `samples` are held, then released."""
    release = round(RELEASE * SAMPLE_RATE)
    wave = _held(role, pitch, math.ceil((samples + release) / SAMPLE_RATE))[
        : samples + release
    ].copy()
    wave[-release:] *= np.linspace(1, 0, release, dtype=np.float32)
    return wave


@functools.lru_cache(maxsize=96)
def _held(role: str, pitch: int, seconds: int) -> Wave:
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


@functools.lru_cache(maxsize=len(STRIKES))
def _strike(name: str) -> Wave:
    kind = STRIKES[name]
    length = round(kind.milliseconds / 1000 * SAMPLE_RATE)
    time = np.arange(length) / SAMPLE_RATE
    sinking = kind.drop * (1 - np.exp(-60 * time)) / 60  # the integral of a drop within some 40 ms
    burst = sum(np.sin(2 * np.pi * hertz * (time + sinking)) for hertz in kind.hertz)
    burst = burst * np.minimum(time / (kind.attack / 1000), 1) * (1 - time / time[-1]) ** 2
    later = round(kind.again / 1000 * SAMPLE_RATE)
    wave = np.pad(burst, (0, later))
    if later:
        wave[later:] += burst
    return (kind.gain * wave).astype(np.float32)


# ---------------------------------------------------------------------------------------- what a re

HINT = "a guide is auto, off, a chord line like Am F C G, or the path of a .mid file"


def guide_kind(text: str) -> str:
    """What a request's guide is: "auto", "off", "midi" or "chords" (of which nothing is checked
    yet).
    """
    word = text.strip().lower()
    if word in ("auto", "off"):
        return word
    return "midi" if word.endswith((".mid", ".midi")) else "chords"


def drawn(request: Request, usual: str = "off") -> tuple[Request, Score | None]:
    """The notes of a resolved request's guide, exactly as long as its clip, or None if it has none;
    and the request with what the guide decided: its kind (`usual` where it was left open), its
    seed, bpm and key.

    A MIDI file keeps its beats at another bpm, and its own tempo where none is asked for. Raises
    `BadRequest`.
    """
    text = (request.guide or usual) if request.guide_strength else "off"
    kind = guide_kind(text)
    if kind == "off":
        return dataclasses.replace(request, guide="off"), None
    seed = request.seed if request.guide_seed < 0 else request.guide_seed
    request = dataclasses.replace(request, guide=text, guide_seed=seed)
    return (
        _played(request)
        if kind == "midi"
        else _composed(request, _chord_line(text) if kind == "chords" else ())
    )


def _composed(request: Request, chords: tuple[str, ...]) -> tuple[Request, Score]:
    beats = request.beats
    asked = sketch(
        request.prompt,
        bpm=request.bpm,
        key=request.key,
        bars=1,
        beats_per_bar=beats,
        seed=request.guide_seed,
        chords=chords,
    )
    request = dataclasses.replace(request, bpm=asked.bpm, key=asked.key)
    total = request.length * asked.bpm / 60
    bars = max(1, math.ceil(total / beats - 1e-6))
    return request, compose(dataclasses.replace(asked, bars=bars)).cut(total)


def _played(request: Request) -> tuple[Request, Score]:
    try:
        score = from_midi(Path(request.guide).expanduser())
        score = dataclasses.replace(score, bpm=request.bpm or score.bpm)
        request = dataclasses.replace(request, bpm=score.bpm)
        return request, score.looped(request.beats, request.length * score.bpm / 60)
    except BadMidi as error:
        raise BadRequest(f"guide: {error}", HINT) from None


def _chord_line(text: str) -> tuple[str, ...]:
    try:
        return parse_chords(text)
    except ValueError as error:
        raise BadRequest(f"guide: {error}", HINT) from None
