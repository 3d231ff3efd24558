"""Songs to learn from: what is composed, what plays it, and what a person would write to ask for
it.

Everything follows from one number, so that a set of songs is a range of seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipeline.guide import synth
from pipeline.guide.composer.captions import read_mood
from pipeline.guide.composer.compose import compose
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.sketch import Sketch
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.guide import choose_palette
from pipeline.guide.score import ROLES, Score
from pipeline.request import SAMPLE_RATE

from . import palette
from .bands import BANDS, CHORD_WORDS, DRUM_WORDS, TRACK_OF
from .metrics import HeldNote

Audio = npt.NDArray[np.float32]  # (samples, 2)
# sings a seed's words for so many seconds, as loud as a stem
Singer = Callable[[int, float], Audio]

FIRST_SEED = 100_000  # of the songs that the DiT learns from
SECONDS = 8.0  # of each of them
SHARD = 50  # so many are encoded into one file
SUNG_SHARE = 0.2  # of the excerpts, where there is a singer
NOTES = "C C# D D# E F F# G G# A A# B".split()


PARTS = (  # in what share of the songs which parts play
    (0.52, ROLES),
    (0.12, ("drums", "bass", "chords")),
    (0.08, ("drums", "bass")),
    (0.07, ("drums",)),
    (0.03, ("bass",)),
    (0.05, ("chords",)),
    (0.03, ("lead",)),
    (0.05, ("chords", "lead")),
    (0.05, ("bass", "chords", "lead")),
)


@dataclass(frozen=True)
class Song:
    """A composition and what plays it."""

    sketch: Sketch
    word: str  # what its caption may call it: its mood is that
    sounds: dict[str, str]  # an instrument or a kit for every part
    seconds: float
    seed: int

    @property
    def samples(self) -> int:
        return round(self.seconds * SAMPLE_RATE)

    @cached_property
    def score(self) -> Score:
        return compose(self.sketch).score

    @property
    def production(self) -> palette.Production:
        return palette.choose_production(self.sketch.style, self.sketch.mood)

    def render_stems(self) -> dict[str, Audio]:
        """By role, (samples, 2), as loud as they are in the mix: they add up to it."""
        return palette.render(self.score, self.sounds, self.samples, self.production)

    def render_tracks(self) -> dict[str, Audio]:
        """The stems under the standard track names; two sounds of one track are one stem."""
        tracks: dict[str, Audio] = {}
        for role, stem in self.render_stems().items():
            track = TRACK_OF[self.sounds[role]]
            tracks[track] = tracks[track] + stem if track in tracks else stem
        return tracks

    def render_mix(self) -> Audio:
        """All stems together."""
        return palette.render_mix(self.score, self.sounds, self.samples, self.production)

    def render_guide(self) -> Audio:
        """The same notes, as the guide's plain synthesiser plays them."""
        return synth.render(self.score, self.samples, choose_palette(self.sketch.mood))

    def list_held_notes(self) -> list[HeldNote]:
        """The notes of all parts but the drums, as their instruments play them."""
        beat = 60 / self.score.bpm
        instruments = {
            role: palette.INSTRUMENTS[sound]
            for role, sound in self.sounds.items()
            if role != "drums"
        }
        return [
            HeldNote(
                note.start * beat,
                (note.start + note.length) * beat,
                440 * 2 ** ((instruments[note.role].fold(note.pitch) - 69) / 12),
            )
            for note in self.score.notes
            if note.role in instruments
        ]

    def write_caption(self, rng: np.random.Generator) -> str:
        """One of the many ways to ask for this song."""
        style = self.sketch.style
        parts = self.sketch.parts
        word = self.word
        usual = tuple(role for role in ROLES if getattr(BANDS[style], role))
        names = [_name_part(role, self.sounds[role], rng) for role in parts]
        rng.shuffle(names)
        if parts == usual:
            if rng.random() < 0.2:
                plain = (f"{word} {style}", style, f"{style} loop", f"{word} {style} track")
                return _choose(rng, plain)
            names = names[: int(rng.integers(1, len(names) + 1))]
        joined = ", ".join(names)
        spoken = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        shapes: tuple[str, ...] = (
            f"{word} {style} with {spoken}",
            f"{style}, {joined}",
            f"{word} {style}, {joined}",
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
        return _choose(rng, shapes)


def _name_part(role: str, sound: str, rng: np.random.Generator) -> str:
    """A part as a caption may call it."""
    if role == "drums":
        return _choose(rng, (*DRUM_WORDS[sound], "drums"))
    if role == "chords":
        return sound + ("" if sound in CHORD_WORDS and rng.random() < 0.3 else " chords")
    if role == "lead" and not sound.endswith("lead"):
        return sound + _choose(rng, (" melody", " lead"))
    return sound


def _choose(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]


def make_song(seed: int, seconds: float, parts: tuple[str, ...] = ()) -> Song:
    """The song of this number; `parts` replaces those that the number would choose."""
    rng = np.random.default_rng(seed)
    style = _choose(rng, tuple(BANDS))
    band = BANDS[style]
    low, high = STYLES[style].bpm
    bpm = int(rng.integers(low, high + 1)) if rng.random() < 0.6 else int(rng.integers(60, 181))
    beats = 3.0 if rng.random() < 0.08 else 4.0
    shares = np.array([share for share, _ in PARTS])
    _, chosen = PARTS[int(rng.choice(len(PARTS), p=shares / sum(share for share, _ in PARTS)))]
    playing = tuple(role for role in (parts or chosen) if getattr(band, role)) or ("chords",)
    key = f"{_choose(rng, NOTES)} {_choose(rng, ('major', 'minor'))}"
    sounds = {role: _choose(rng, getattr(band, role)) for role in playing}
    bars = math.ceil(seconds * bpm / 60 / beats)
    word = _choose(rng, band.words)
    sketch = Sketch(
        style,
        float(bpm),
        key,
        bars,
        read_meter(beats),
        playing,
        int(rng.integers(2**31)),
        mood=read_mood(f"{word} {style}"),
    )
    return Song(sketch, word, sounds, seconds, seed)


def render_excerpt(seed: int, seconds: float, singer: Singer | None = None) -> Audio:
    """For the VAE: a mix mostly, sometimes one stem of it, or a guide. With a singer a fifth is
    sung: half of that alone, half over the song.
    """
    song = make_song(seed, seconds)
    rng = np.random.default_rng(seed + 1)
    kind = rng.random()
    if singer is not None and rng.random() < SUNG_SHARE:
        voice = singer(seed, seconds)
        if rng.random() < 0.5:
            return voice
        return palette.limit(song.render_mix() + voice)
    if kind < 0.15:
        return song.render_guide()
    if kind < 0.3 and len(song.sketch.parts) > 1:
        stems = list(song.render_stems().values())
        return stems[seed % len(stems)]
    return song.render_mix()
