"""Songs to learn from: what is composed, what plays it, and what a person would write to ask for
it.

Everything follows from one number, so that a set of songs is a range of seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipeline.guide import palette
from pipeline.guide.bands import BANDS
from pipeline.guide.composer.captions import read_mood, read_sounds
from pipeline.guide.composer.compose import Composition, compose
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.sketch import Sketch
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.guide import Guide
from pipeline.guide.production import Production, choose_production
from pipeline.guide.score import ROLES, Score
from pipeline.guide.tracks import TRACK_OF, add_up
from pipeline.request import SAMPLE_RATE, VOCALS, Request
from pipeline.singer.lyrics import parse_lyrics
from pipeline.singer.vocals import write_vocals
from pipeline.singing import put_before, put_before_tracks, render_vocals
from pipeline.steps import complete

from .bands import CHORD_WORDS, DRUM_WORDS, SINGER_WORDS, UNSUNG, WORDS
from .metrics import HeldNote
from .singing import write_lines

Audio = npt.NDArray[np.float32]  # (samples, 2)
# sings a seed's words for so many seconds, as loud as a stem
Singer = Callable[[int, float], Audio]

FIRST_SEED = 100_000  # of the songs that the DiT learns from
SECONDS = 8.0  # of each of them
SHARD = 50  # so many are encoded into one file
SUNG_SHARE = 0.2  # of the excerpts, where there is a singer
SUNG_SONGS = 0.25  # of the songs whose style has singers, where songs may be sung
LINE_SECONDS = (2.7, 5.0)  # of a sung line, about
LANGUAGE = "en"  # of all words
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
    lyrics: str = ""
    singer: str = ""  # of those: "man" or "woman"

    @property
    def samples(self) -> int:
        return round(self.seconds * SAMPLE_RATE)

    @property
    def tracks(self) -> dict[str, str]:
        """The standard track of each role, and of the vocals where somebody sings."""
        played = {role: TRACK_OF[sound] for role, sound in self.sounds.items()}
        return {**played, VOCALS: VOCALS} if self.lyrics else played

    @cached_property
    def composition(self) -> Composition:
        return compose(self.sketch)

    @property
    def score(self) -> Score:
        return self.composition.score

    @property
    def production(self) -> Production:
        return choose_production(self.sketch.style, self.sketch.mood)

    @cached_property
    def vocals(self) -> Audio:
        """The lyrics on the tune of the composition, (samples, 2), as the guide's singer sings
        them; silence without any.
        """
        lyrics = parse_lyrics(self.lyrics, LANGUAGE)
        part = write_vocals(self.composition.arrangement, lyrics, self.singer, self.seconds)
        if part is None:
            return np.zeros((self.samples, 2), np.float32)
        request = Request("", seconds=self.seconds, guide_seed=self.sketch.seed)
        return complete(render_vocals(part, request))

    def render_stems(self) -> dict[str, Audio]:
        """By role, (samples, 2), as loud as they are in the mix: they add up to it. The vocals are
        one of them where somebody sings.
        """
        return self._sing_over(
            palette.render(self.score, self.sounds, self.samples, self.production)
        )

    def render_tracks(self) -> dict[str, Audio]:
        """The stems under the standard track names; two sounds of one track are one stem."""
        return add_up(self.render_stems(), self.tracks)

    def render_band(self) -> dict[str, Audio]:
        """All stems but the vocals together, as "band", and the vocals where somebody sings: in
        less time than all stems take.
        """
        mix = palette.render_mix(self.score, self.sounds, self.samples, self.production)
        return self._sing_over({"band": mix})

    def render_mix(self) -> Audio:
        """All stems together."""
        return palette.mix(self.render_band())

    @cached_property
    def caption(self) -> str:
        """How its guide is asked for: one of the many ways."""
        return self.write_caption(np.random.default_rng([self.seed, *b"guide"]))

    def render_guide(self) -> Audio:
        """The same notes, as those play them whom the caption names, and for the others those who
        usually do, and what is sung over them: the guide of a take.
        """
        sounds = read_sounds(self.caption, self.sketch.style)
        band = palette.render_mix(self.score, sounds, self.samples, self.production)
        return np.add(*complete(put_before(band, self.vocals))) if self.lyrics else band

    def render_guide_tracks(self, caption: str, asked: str) -> dict[str, Audio]:
        """The tracks of the guide of a take that the caption asks for, and that one track."""
        sounds = read_sounds(caption, self.sketch.style)
        guide = Guide(self.score, self.seconds, sounds, self.production)
        tracks = complete(guide.render_tracks_in_steps(self.samples, (asked,)))
        return complete(put_before_tracks(tracks, self.vocals)) if self.lyrics else tracks

    def _sing_over(self, band: dict[str, Audio]) -> dict[str, Audio]:
        """The stems of the band, giving way to the vocals, and those, as a take's are put before
        its band; together they are as loud as the band alone, and the bus lets no sum of them clip.
        """
        if not self.lyrics:
            return band
        alone = palette.mix(band)
        stems = complete(put_before_tracks(band, self.vocals))
        level = np.float32(np.sqrt(np.mean(alone**2) / np.mean(palette.mix(stems) ** 2)))
        return palette.limit({role: level * stem for role, stem in stems.items()})

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
        """One of the many ways to ask for this song; who sings is mostly said."""
        caption = self._describe_band(rng)
        if not self.lyrics or rng.random() < 0.2:
            return caption
        singer = _choose(rng, SINGER_WORDS[self.singer])
        return _choose(rng, (f"{caption}, {singer}", f"{singer}, {caption}"))

    def _describe_band(self, rng: np.random.Generator) -> str:
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
        # of who sings nothing could be said behind "only"
        if missing and not self.lyrics and (len(parts) == 1 or rng.random() < 0.6):
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


def make_lesson(number: int) -> Song:
    """The song of this place among those that the DiT learns from."""
    return make_song(FIRST_SEED + number, SECONDS, singing=True)


def make_song(
    seed: int, seconds: float, parts: tuple[str, ...] = (), singing: bool = False
) -> Song:
    """The song of this number; `parts` replaces those that the number would choose. With `singing`
    some numbers are songs that are sung, and all others the same songs as without.
    """
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
    word = _choose(rng, WORDS[style])
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
    song = Song(sketch, word, sounds, seconds, seed)
    rng = np.random.default_rng([seed, *VOCALS.encode()])
    # a lead alone would rest where words are sung
    has_singer = singing and style not in UNSUNG and playing != ("lead",)
    return _add_lyrics(song, rng) if has_singer and rng.random() < SUNG_SONGS else song


def _add_lyrics(song: Song, rng: np.random.Generator) -> Song:
    """The song with words on a tune of its own. The form follows them, and no instrument has the
    track of the vocals.
    """
    count = math.ceil(song.seconds / rng.uniform(*LINE_SECONDS))
    lyrics = f"{_choose(rng, ('[Verse]', '[Chorus]'))}\n{write_lines(rng, count)}"
    sections = parse_lyrics(lyrics, LANGUAGE).sections
    sounds = dict(song.sounds)
    for role, sound in song.sounds.items():
        if TRACK_OF[sound] == VOCALS:
            usual = getattr(BANDS[song.sketch.style], role)
            sounds[role] = _choose(rng, [each for each in usual if TRACK_OF[each] != VOCALS])
    return replace(
        song,
        sketch=replace(song.sketch, lyrics=sections),
        sounds=sounds,
        lyrics=lyrics,
        singer=_choose(rng, tuple(SINGER_WORDS)),
    )


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
        return palette.mix(palette.limit({"band": song.render_mix(), VOCALS: voice}))
    if kind < 0.15:
        return song.render_guide()
    if kind < 0.3 and len(song.sketch.parts) > 1:
        stems = list(song.render_stems().values())
        return stems[seed % len(stems)]
    return song.render_mix()
