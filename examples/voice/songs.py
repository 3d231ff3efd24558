"""Songs to learn from: what is composed, what plays it, and what a person would write to ask for
it.

Everything follows from one number, so that a set of songs is a range of seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from pipeline.guide import synth
from pipeline.guide.compose import compose
from pipeline.guide.score import ROLES, Score
from pipeline.guide.sketch import Sketch
from pipeline.guide.styles import STYLES

from . import palette

SAMPLE_RATE = palette.SAMPLE_RATE
# of the songs the DiT learns from; how many are encoded into one file
FIRST_SEED = 100_000
SECONDS = 8.0
SHARD = 50
LEVEL = 0.8  # of the stems in the mix, before its saturation
NOTES = "C C# D D# E F F# G G# A A# B".split()


class Band(NamedTuple):
    """What may play a style, and what people call it."""

    drums: tuple[str, ...]
    bass: tuple[str, ...]
    chords: tuple[str, ...]
    lead: tuple[str, ...]
    words: tuple[str, ...]


def _band(drums: str, bass: str, chords: str, lead: str, words: str) -> Band:
    return Band(
        *(tuple(filter(None, text.split(", "))) for text in (drums, bass, chords, lead, words))
    )


BANDS = {
    "house": _band("909", "synth bass, sub bass", "piano, organ, supersaw, pluck", "pluck, saw lead, vocal",
                   "groovy, upbeat, club"),
    "techno": _band("909", "acid bass, synth bass", "pluck, pad", "square lead, bell", "dark, driving, hypnotic"),
    "drum and bass": _band("acoustic, 909", "sub bass, synth bass", "pad, electric piano", "bell, vocal, pluck",
                           "fast, energetic, rolling"),
    "hip hop": _band("acoustic, 808", "sub bass, electric bass", "electric piano, piano, strings", "flute, bell",
                     "laid-back, boom bap, head-nodding"),
    "trap": _band("808", "sub bass", "bell, piano, pad", "flute, bell, square lead", "hard, moody, modern"),
    "lo-fi": _band("lo-fi", "electric bass, sub bass", "electric piano, guitar", "bell, guitar, flute",
                   "chill, dusty, relaxed"),
    "rock": _band("acoustic", "electric bass", "distorted guitar, guitar, organ", "saw lead, guitar",
                  "energetic, loud, raw"),
    "pop": _band("909, acoustic", "electric bass, synth bass", "piano, guitar, supersaw", "saw lead, vocal, bell",
                 "bright, catchy, happy"),
    "reggae": _band("acoustic", "electric bass", "guitar, organ", "organ, flute", "sunny, easy, offbeat"),
    "synthwave": _band("909", "synth bass", "supersaw, pad, strings", "saw lead, square lead", "retro, 80s, neon"),
    "funk": _band("acoustic", "electric bass", "guitar, electric piano", "saw lead, organ", "funky, tight, groovy"),
    "ambient": _band("", "sub bass", "pad, strings", "bell, flute, vocal", "calm, slow, dreamy"),
}  # fmt: skip
DRUM_WORDS = {
    "909": ("909 drums", "electronic drums", "drum machine"),
    "808": ("808 drums", "808 beat", "808 drum machine"),
    "acoustic": ("acoustic drums", "live drums", "drum kit"),
    "lo-fi": ("lo-fi drums", "dusty drums", "soft drums"),
}
TRACKS = {
    "drums": palette.KITS, "bass": ("sub bass", "synth bass", "electric bass", "acid bass"),
    "keyboard": ("piano", "electric piano", "organ"), "strings": ("strings",),
    "guitar": ("guitar", "distorted guitar"), "woodwinds": ("flute",), "vocals": ("vocal",),
    "synth": ("pluck", "supersaw", "pad", "square lead", "saw lead", "bell"),
}  # fmt: skip
TRACK_OF = {sound: track for track, sounds in TRACKS.items() for sound in sounds}
PARTS = (  # how often which parts play
    (0.52, ROLES), (0.12, ("drums", "bass", "chords")), (0.08, ("drums", "bass")), (0.07, ("drums",)),
    (0.03, ("bass",)), (0.05, ("chords",)), (0.03, ("lead",)), (0.05, ("chords", "lead")),
    (0.05, ("bass", "chords", "lead")),
)  # fmt: skip


@dataclass(frozen=True)
class Song:
    sketch: Sketch
    sounds: dict[str, str]  # an instrument or a kit for every part
    seconds: float
    seed: int

    @property
    def samples(self) -> int:
        return round(self.seconds * SAMPLE_RATE)

    @cached_property
    def score(self) -> Score:
        return compose(self.sketch)

    def stems(self) -> dict[str, np.ndarray]:
        """By role, (samples, 2), as loud as they are in the mix."""
        return {
            role: LEVEL * stem
            for role, stem in palette.render(self.score, self.sounds, self.samples).items()
        }

    def tracks(self) -> dict[str, np.ndarray]:
        """The stems under the standard track names; two sounds of one track are one stem."""
        tracks: dict[str, np.ndarray] = {}
        for role, stem in self.stems().items():
            track = TRACK_OF[self.sounds[role]]
            tracks[track] = tracks[track] + stem if track in tracks else stem
        return tracks

    def mix(self) -> np.ndarray:
        return np.tanh(sum(self.stems().values(), np.zeros((self.samples, 2), np.float32)))

    def guide(self) -> np.ndarray:
        return synth.render(self.score, self.samples)

    def caption(self, rng: np.random.Generator) -> str:
        """One of the many ways to ask for this song."""
        style = self.sketch.style
        parts = self.sketch.parts
        word = _one(rng, BANDS[style].words)
        usual = tuple(role for role in ROLES if getattr(BANDS[style], role))
        named = [_named(role, self.sounds[role], rng) for role in parts]
        rng.shuffle(named)
        if parts == usual:
            if rng.random() < 0.2:
                return _one(
                    rng, (f"{word} {style}", style, f"{style} loop", f"{word} {style} track")
                )
            named = named[: int(rng.integers(1, len(named) + 1))]
        joined = ", ".join(named)
        spoken = " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
        shapes: tuple[str, ...] = (
            f"{word} {style} with {spoken}",
            f"{style}, {joined}",
            f"{word} {style}, {joined}",
            # fmt: skip
            f"{style} loop with {spoken}",
            f"a {word} {style} track with {spoken}",
        )
        missing = [role for role in usual if role not in parts]
        if missing and (len(parts) == 1 or rng.random() < 0.6):
            shapes = (
                f"{spoken} only, {style}",
                f"only {spoken}, {word} {style}",
                f"{word} {style}, {spoken} only",
            )
        elif missing:
            joined += "".join(f", no {role}" for role in missing)
            shapes = (f"{word} {style}, {joined}", f"{style}, {joined}", f"{style} loop, {joined}")
        return _one(rng, shapes)


def _named(role: str, sound: str, rng: np.random.Generator) -> str:
    if role == "drums":
        return _one(rng, (*DRUM_WORDS[sound], "drums"))
    if role == "chords":
        return sound + ("" if sound != "bell" and rng.random() < 0.3 else " chords")
    if role == "lead" and not sound.endswith("lead"):
        return sound + _one(rng, (" melody", " lead"))
    return sound


def _one(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]


def song(seed: int, seconds: float, parts: tuple[str, ...] = ()) -> Song:
    """The song of this number; `parts` may be asked for instead of drawn."""
    rng = np.random.default_rng(seed)
    style = _one(rng, tuple(BANDS))
    band = BANDS[style]
    low, high = STYLES[style].bpm
    bpm = int(rng.integers(low, high + 1)) if rng.random() < 0.6 else int(rng.integers(60, 181))
    beats = 3.0 if rng.random() < 0.08 else 4.0
    drawn = PARTS[
        int(
            rng.choice(
                len(PARTS), p=np.array([share for share, _ in PARTS]) / sum(s for s, _ in PARTS)
            )
        )
    ][1]
    wanted = tuple(role for role in (parts or drawn) if getattr(band, role)) or ("chords",)
    key = f"{_one(rng, NOTES)} {_one(rng, ('major', 'minor'))}"
    sounds = {role: _one(rng, getattr(band, role)) for role in wanted}
    bars = math.ceil(seconds * bpm / 60 / beats)
    sketch = Sketch(style, float(bpm), key, bars, beats, wanted, int(rng.integers(2**31)))
    return Song(sketch, sounds, seconds, seed)


def excerpt(seed: int, seconds: float) -> np.ndarray:
    """(samples, 2) for the VAE: a mix mostly, sometimes one stem of it, or a guide."""
    made = song(seed, seconds)
    kind = np.random.default_rng(seed + 1).random()
    if kind < 0.15:
        return made.guide()
    if kind < 0.3 and len(made.sketch.parts) > 1:
        stems = list(made.stems().values())
        return stems[seed % len(stems)]
    return made.mix()
