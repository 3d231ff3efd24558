"""How long a clip is whose request gives neither bars nor seconds. No MLX.

A loop that fits in is what most ask for: four bars, where there is a tempo, or a guide that has
one. Where the guide's chords, its MIDI file, or lyrics need more, as many as they need.
"""

from __future__ import annotations

import math
import os
from collections.abc import Container, Iterator

from .guide.composer.captions import read_caption
from .guide.composer.meter import read_meter
from .guide.composer.sections import count_lyric_bars
from .guide.composer.sketch import Sketch
from .guide.composer_1.captions import read_caption as read_first_caption
from .guide.guide import guide_kind
from .guide.harmony import parse_chord_line
from .guide.midi_file import BadMidi, read_first_bpm, read_music
from .request import MAX_SECONDS, Request
from .singer.lyrics import parse_lyrics

DEFAULT_BARS = 4
_INEXACT = 0.5  # seconds that two lengths may differ, and mean the same
PLANS_OF_SONGS = ("simple", "rewrite")  # in which the planner chooses the length


def has_no_length(request: Request) -> bool:
    """Whether nothing says how long the clip is: new music without bars and seconds."""
    given = request.bars or request.seconds or request.task or request.codes
    return not given and request.plan not in PLANS_OF_SONGS


def fill_length(request: Request, default_guide: str = "off") -> Request:
    """A resolved request with the bars, and the tempo, of a clip that has no length: as it is where
    it has one, or where there are neither a tempo nor a guide, and it has 30 seconds.

    `default_guide`: what its guide is where it leaves that open.
    """
    if not has_no_length(request):
        return request
    guide = (request.guide or default_guide) if request.guide_strength else "off"
    kind = guide_kind(guide)
    bpm = request.bpm
    if kind == "midi" and not bpm:
        bpm = _read_midi_bpm(guide)
    if not bpm and kind not in ("auto", "chords"):
        return request
    chords = parse_chord_line(guide) if kind == "chords" else ()
    sketch = _read_sketch(request, bpm, chords)
    bar = request.beats * 60 / sketch.bpm
    needed = DEFAULT_BARS
    for played in _count_guide_bars(request, kind, chords):
        needed = math.ceil(DEFAULT_BARS / played) * played  # as often as it takes, and whole
    needed = max(needed, count_lyric_bars(sketch))
    most = max(1, math.floor(MAX_SECONDS / bar))
    return request.changed({"bars": min(needed, most), "bpm": sketch.bpm})


def explain_two_lengths(request: Request, given: Container[str]) -> tuple[str, ...]:
    """That bars count, in a sentence, where both are among the fields that somebody has `given`;
    none where they do not contradict each other.
    """
    has_both = "bars" in given and "seconds" in given and request.bars and request.seconds
    if not has_both or abs(request.seconds - request.length) < _INEXACT:
        return ()
    bars = f"{request.bars} bar{'s' if request.bars > 1 else ''}"
    return (f"bars and seconds are both given: it has {bars}, and not {request.seconds:.10g} s",)


def explain_length(asked: Request, made: Request) -> tuple[str, ...]:
    """What `fill_length` has made of a request, in a sentence; none where it has not."""
    if not has_no_length(asked) or not made.bars:
        return ()
    bars = f"{made.bars} bar{'s' if made.bars > 1 else ''} at {made.bpm:.10g} bpm"
    needs = " for its lyrics" if made.lyrics.strip() and made.bars != DEFAULT_BARS else ""
    return (f"{bars}{needs}, as neither bars nor seconds were given",)


def _read_sketch(request: Request, bpm: float, chords: tuple[str, ...]) -> Sketch:
    """What would be composed, with its tempo, and the lyrics that it leaves bars for."""
    seed = request.seed if request.guide_seed < 0 else request.guide_seed
    if request.composer == 1 and not bpm:
        first = read_first_caption(
            request.prompt,
            bpm=0.0,
            key=request.key,
            bars=1,
            beats_per_bar=request.beats,
            seed=seed,
            chords=chords,
        )
        bpm = first.bpm
    sections = parse_lyrics(request.lyrics, request.language).sections if request.lyrics else ()
    return read_caption(
        request.prompt,
        bpm=bpm,
        key=request.key,
        bars=1,
        meter=read_meter(request.beats, request.time_signature),
        seed=seed,
        chords=chords,
        loop=request.loop,
        lyrics=sections,
    ).sketch


def _count_guide_bars(request: Request, kind: str, chords: tuple[str, ...]) -> Iterator[int]:
    """The bars after which the guide repeats, where it says so."""
    if kind == "chords":
        yield len(chords)
    elif kind == "midi" and request.read_midi:
        try:
            music = read_music(os.path.expanduser(request.guide), request.given_meter)
        except BadMidi:
            return  # that is said when it is played
        loop = math.ceil(music.facts.loop / request.beats - 1e-6)
        yield loop or music.score.count_bars(request.beats)


def _read_midi_bpm(path: str) -> float:
    try:
        return read_first_bpm(os.path.expanduser(path))
    except BadMidi:
        return 0.0
