"""What a request's guide means, and the notes that it comes to. Imports no MLX.

A guide is "auto" (composed from the caption), "off", a chord line, or a MIDI file.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

from ..limits import LIMITS
from ..request import BadRequest, Request
from . import synth
from .captions import read_caption
from .compose import compose
from .harmony import parse_chord_line
from .midi_file import BadMidi, read_midi
from .score import Score, TooManyNotes

HINT = "a guide is auto, off, a chord line like Am F C G, or the path of a .mid file"


def guide_kind(text: str) -> str:
    """What a request's guide is: "auto", "off", "midi" or "chords" (of which nothing is checked
    yet).
    """
    word = text.strip().lower()
    if word in ("auto", "off"):
        return word
    return "midi" if word.endswith((".mid", ".midi")) else "chords"


def resolve_guide(request: Request, default: str = "off") -> tuple[Request, Score | None]:
    """The notes of a resolved request's guide, exactly as long as its clip, or None if it has none;
    and the request with what the guide decided: its kind (`default` where it was left open), its
    seed, bpm and key.

    A MIDI file keeps its beats at another bpm, and its own tempo where the request has none. Raises
    `BadRequest`.
    """
    text = (request.guide or default) if request.guide_strength else "off"
    kind = guide_kind(text)
    if kind == "off":
        return request.changed({"guide": "off"}), None
    seed = request.seed if request.guide_seed < 0 else request.guide_seed
    request = request.changed({"guide": text, "guide_seed": seed})
    if kind == "midi":
        return _read_midi_guide(request)
    return _compose_guide(request, _parse_chord_line(text) if kind == "chords" else ())


def _compose_guide(request: Request, chords: tuple[str, ...]) -> tuple[Request, Score]:
    beats_per_bar = request.beats
    sketch = read_caption(
        request.prompt,
        bpm=request.bpm,
        key=request.key,
        bars=1,
        beats_per_bar=beats_per_bar,
        seed=request.guide_seed,
        chords=chords,
    )
    request = request.changed({"bpm": sketch.bpm, "key": sketch.key})
    beats = request.length * sketch.bpm / 60
    bars = max(1, math.ceil(beats / beats_per_bar - 1e-6))
    return request, compose(dataclasses.replace(sketch, bars=bars)).cut(beats)


def _read_midi_guide(request: Request) -> tuple[Request, Score]:
    try:
        score = read_midi(Path(request.guide).expanduser())
        score = dataclasses.replace(score, bpm=request.bpm or score.bpm)
        request = request.changed({"bpm": score.bpm})
        score = score.repeat(request.beats, request.length * score.bpm / 60)
        _check_polyphony(score, request.length)
        return request, score
    except (BadMidi, TooManyNotes) as error:
        raise BadRequest(f"guide: {error}", HINT) from None


def _check_polyphony(score: Score, seconds: float) -> None:
    """Raises `TooManyNotes` where rendering the score would take too long: a tone takes about a
    thousandth of the time that it sounds, and nobody can cancel that.
    """
    polyphony = synth.count_sounding_seconds(score) / seconds
    if polyphony > LIMITS.midi_polyphony:
        raise TooManyNotes(
            f"at most {LIMITS.midi_polyphony} notes may sound at a time, on average, "
            f"got {polyphony:.1f}"
        )


def _parse_chord_line(text: str) -> tuple[str, ...]:
    try:
        return parse_chord_line(text)
    except ValueError as error:
        raise BadRequest(f"guide: {error}", HINT) from None
