"""What a request's guide means, and what it comes to. Imports no MLX.

A guide is "auto" (composed from the caption), "off", a chord line, or a MIDI file.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..limits import LIMITS
from ..request import MIDI_SUFFIXES, NEWEST_COMPOSER, UNDERSTAND, OutOfRange, Request
from ..steps import Steps, Tell, ignore
from .bands import DEFAULT_STYLE
from .composer.captions import Caption, read_caption, read_mood, read_sounds, read_style
from .composer.compose import Composition, compose
from .composer.form import LyricSection
from .composer.meter import read_meter
from .composer.sections import count_ending_bars
from .composer_1.captions import read_caption as read_first_caption
from .composer_1.compose import compose as compose_first
from .composer_1.sketch import FirstSketch
from .harmony import parse_chord, parse_chord_line
from .midi_file import BadMidi, read_first_music, read_music
from .production import Production, choose_production
from .score import Score, TooManyNotes

Waveform = npt.NDArray[np.float32]  # (samples, 2)

HINT = "a guide is auto, off, a chord line like Am F C G, or the path of a .mid file"


def guide_kind(text: str) -> str:
    """What a request's guide is: "auto", "off", "midi" or "chords" (of which nothing is checked
    yet).
    """
    word = text.strip().lower()
    if word in ("auto", "off"):
        return word
    return "midi" if word.endswith(MIDI_SUFFIXES) else "chords"


class TimedSection(NamedTuple):
    """A section of the guide, in seconds from the clip's start; `kind` is one of `form.KINDS`."""

    label: str
    kind: str
    begin: float
    end: float


class TimedChord(NamedTuple):
    """A chord of the guide, and when it begins, in seconds from the clip's start."""

    name: str
    begin: float


@dataclass(frozen=True)
class Guide:
    """What a clip follows: notes, exactly as long as it is, who plays them, and how that is
    produced. What they were composed of, and how the caption was read, is known of what composer 2
    makes.
    """

    score: Score
    seconds: float  # of the clip
    sounds: dict[str, str]  # an instrument or a kit for every role
    production: Production
    composition: Composition | None = None
    caption: Caption | None = None

    @property
    def sections(self) -> tuple[TimedSection, ...]:
        """In order; none where nothing is known of the form."""
        return tuple(self._time_sections())

    @property
    def chords(self) -> tuple[TimedChord, ...]:
        """In order, without those that only repeat the one before; none where none is known."""
        return tuple(self._time_chords())

    def render_in_steps(
        self, samples: int, is_loop: bool = False, tell: Tell = ignore
    ) -> Steps[Waveform]:
        """How it sounds (samples, 2), below 0.9, with pauses, and told how much of it is done. Of a
        loop what rings over the end is heard at the beginning. The same guide is the same bytes.
        """
        from . import palette  # where nothing is played it is not needed

        return palette.render_mix_in_steps(
            self.score, self.sounds, samples, self.production, is_loop, tell
        )

    def name_tracks(self, asked: Container[str] = ()) -> set[str]:
        """The standard tracks of all who play; `asked` are those that are asked for."""
        played = {note.role for note in self.score.notes}
        return {track for role, track in self._find_tracks(asked).items() if role in played}

    def render_tracks_in_steps(
        self, samples: int, asked: Container[str] = (), is_loop: bool = False, tell: Tell = ignore
    ) -> Steps[dict[str, Waveform]]:
        """The same as stems (samples, 2) that add up to it, by the standard tracks; `asked` are
        those that are asked for, see `tracks.find_track`.
        """
        from . import palette
        from .tracks import add_up

        stems = yield from palette.render_in_steps(
            self.score, self.sounds, samples, self.production, is_loop, tell
        )
        return add_up(stems, self._find_tracks(asked))

    def _find_tracks(self, asked: Container[str]) -> dict[str, str]:
        """The track of each role."""
        from .tracks import find_track

        return {role: find_track(sound, asked) for role, sound in self.sounds.items()}

    def _time_sections(self) -> Iterator[TimedSection]:
        if self.composition is None:
            return
        arrangement = self.composition.arrangement
        bar = arrangement.sketch.meter.quarters * 60 / self.score.bpm
        for section in arrangement.sections:
            end = self.seconds if section.end == arrangement.sketch.bars else section.end * bar
            yield TimedSection(
                section.label, section.kind, section.bar * bar, min(end, self.seconds)
            )

    def _time_chords(self) -> Iterator[TimedChord]:
        if self.composition is None:
            return
        arrangement = self.composition.arrangement
        step = 15 / self.score.bpm
        bar = arrangement.sketch.meter.quarters * 60 / self.score.bpm
        starts = [(span.name, span.bar * bar + span.begin * step) for span in arrangement.spans]
        for index, (name, begin) in enumerate(starts):
            if begin < self.seconds and (not index or starts[index - 1][0] != name):
                yield TimedChord(name, begin)


def resolve_guide(
    request: Request, default: str = "off", lyrics: tuple[LyricSection, ...] = ()
) -> tuple[Request, Guide | None]:
    """The guide of a resolved request, or None if it has none; and the request with what the guide
    decided: its kind (`default` where it was left open), its seed, composer, bpm and key.

    `lyrics` are what is to be sung, which decides the form of what is composed. A MIDI file keeps
    its beats at another bpm, and its own tempo where the request has none. Raises `BadRequest`.
    """
    text = (request.guide or default) if request.guide_strength else "off"
    kind = guide_kind(text)
    if kind == "off":
        return request.changed({"guide": "off"}), None
    seed = request.seed if request.guide_seed < 0 else request.guide_seed
    request = request.changed({"guide": text, "guide_seed": seed})
    if kind == "midi":
        return _read_midi_guide(request)
    chords = _parse_chord_line(text) if kind == "chords" else ()
    request = request.changed({"composer": request.composer or NEWEST_COMPOSER})
    if request.composer == 1:
        return _compose_first_guide(request, chords)
    return _compose_guide(request, chords, lyrics)


def check_guide(request: Request) -> None:
    """Raises `BadRequest` where the guide that a resolved request names cannot be played. Reads a
    MIDI file.
    """
    if not request.guide or not request.guide_strength:
        return
    kind = guide_kind(request.guide)
    if kind == "midi" and request.task != UNDERSTAND:
        _read_midi_guide(request)
    elif kind == "chords" and request.composer == 1:
        _check_rests(_parse_chord_line(request.guide))


def choose_tempo_and_key(request: Request) -> dict[str, float | str]:
    """The `bpm` and `key` in which the guide of a resolved request would be composed: its own, or
    picked for the style of its prompt by its seed. Nothing for a MIDI file, which has its own.
    Raises `BadRequest`.
    """
    kind = guide_kind(request.guide)
    if kind == "midi":
        return {}
    chords = _parse_chord_line(request.guide) if request.guide and kind == "chords" else ()
    seed = request.seed if request.guide_seed < 0 else request.guide_seed
    request = request.changed({"guide_seed": seed})
    if request.composer == 1:
        first = _read_first_caption(request, chords)
        return {"bpm": first.bpm, "key": first.key}
    sketch = _read_caption(request, chords).sketch
    return {"bpm": sketch.bpm, "key": sketch.key}


def _read_caption(
    request: Request, chords: tuple[str, ...], lyrics: tuple[LyricSection, ...] = ()
) -> Caption:
    return read_caption(
        request.prompt,
        bpm=request.bpm,
        key=request.key,
        bars=1,
        meter=read_meter(request.beats, request.time_signature),
        seed=request.guide_seed,
        chords=chords,
        loop=request.loop,
        lyrics=lyrics,
    )


def _compose_guide(
    request: Request, chords: tuple[str, ...], lyrics: tuple[LyricSection, ...]
) -> tuple[Request, Guide]:
    caption = _read_caption(request, chords, lyrics)
    sketch = caption.sketch
    meter = sketch.meter
    request = request.changed({"bpm": sketch.bpm, "key": sketch.key})
    beats = request.length * sketch.bpm / 60
    bars = max(1, math.ceil(beats / meter.quarters - 1e-6))
    over = beats / meter.quarters - (bars - 1)  # of the last bar, as much as the clip has
    if over < 0.5 and bars > count_ending_bars(sketch) and not request.loop:
        bars -= 1  # an ending rings on, rather than that it is cut
    sketch = dataclasses.replace(sketch, bars=bars, composer=request.composer)
    composition = compose(sketch)
    guide = Guide(
        composition.score.cut(beats),
        request.length,
        caption.sounds,
        choose_production(sketch.style, sketch.mood),
        composition,
        caption._replace(sketch=sketch),
    )
    return request, guide


def _check_rests(chords: tuple[str, ...]) -> None:
    if any(not parse_chord(name) for bar in chords for name in bar.split()):
        raise OutOfRange("guide: composer 1 has no rests (N.C.)", "leave composer out")


def _read_first_caption(request: Request, chords: tuple[str, ...]) -> FirstSketch:
    return read_first_caption(
        request.prompt,
        bpm=request.bpm,
        key=request.key,
        bars=1,
        beats_per_bar=request.beats,
        seed=request.guide_seed,
        chords=chords,
    )


def _compose_first_guide(request: Request, chords: tuple[str, ...]) -> tuple[Request, Guide]:
    """What was composed before there was form."""
    _check_rests(chords)
    sketch = _read_first_caption(request, chords)
    request = request.changed({"bpm": sketch.bpm, "key": sketch.key})
    beats = request.length * sketch.bpm / 60
    bars = max(1, math.ceil(beats / request.beats - 1e-6))
    score = compose_first(dataclasses.replace(sketch, bars=bars)).cut(beats)
    return request, _give_to_band(score, request, sketch.style)


def _give_to_band(score: Score, request: Request, style: str) -> Guide:
    """Notes of which no composition is known, played as a style is, by whom the prompt names, in
    its mood.
    """
    production = choose_production(style, read_mood(request.prompt))
    return Guide(score, request.length, read_sounds(request.prompt, style), production)


def _read_midi_guide(request: Request) -> tuple[Request, Guide]:
    try:
        path = Path(request.guide).expanduser()
        is_read = request.read_midi
        music = read_music(path, request.given_meter) if is_read else read_first_music(path)
        score = dataclasses.replace(music.score, bpm=request.bpm or music.score.bpm)
        request = request.changed({"bpm": score.bpm})
        beats = request.length * score.bpm / 60
        fitted = _fit(score, request.beats, beats, music.facts.loop, request.length)
        if isinstance(fitted, str):
            raise TooManyNotes(fitted)
        score = fitted
        if is_read and not score.notes:
            first = music.score.notes[0].start
            raise BadMidi(
                f"{path} has no notes in the clip: the first is in beat {first + 1:g}, and the "
                f"clip has {beats:g} beats"
            )
        style = read_style(request.prompt) or DEFAULT_STYLE
        return request, _give_to_band(score, request, style)
    except (BadMidi, TooManyNotes) as error:
        raise OutOfRange(f"guide: {error}", HINT) from None


@lru_cache(2)  # it is looked at again for each take that follows the same file
def _fit(
    score: Score, beats_per_bar: float, beats: float, loop: float, seconds: float
) -> Score | str:
    """The score as `repeat` makes it for a clip of so many seconds; or why it cannot be played."""
    try:
        fitted = score.repeat(beats_per_bar, beats, loop)
        _check_polyphony(fitted, seconds)
    except TooManyNotes as error:
        return str(error)
    return fitted


def _check_polyphony(score: Score, seconds: float) -> None:
    """Raises `TooManyNotes` where rendering the score would take too long."""
    beats = sum(note.length for note in score.notes if note.role != "drums")
    polyphony = beats * 60 / score.bpm / seconds
    if polyphony > LIMITS.midi_polyphony:
        raise TooManyNotes(
            f"at most {LIMITS.midi_polyphony} notes may sound at a time, on average, "
            f"got {polyphony:.1f}"
        )


def _parse_chord_line(text: str) -> tuple[str, ...]:
    try:
        return parse_chord_line(text)
    except ValueError as error:
        raise OutOfRange(f"guide: {error}", HINT) from None
