"""Notes -> stems, and their mix.

The stems of a mix add up to it exactly. Each goes by itself through its instrument's amplifier and
modulation, is ducked by the kick, coloured and put into the room, which is linear, and onto tape.
What follows is the same for all of them at every sample: the tape's speed, and the bus's compressor
and limiter, whose gain is found from the sum of the parts that play. A record's crackle is on the
drums' stem, or on the first where there are none.

A loop is a circle for all of that: what rings over its end, also in the room and on the bus, is
heard at its beginning.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np

from ...request import SAMPLE_RATE
from ...steps import Steps, Tell, complete, ignore
from ..production import Production
from ..score import Note, Score
from . import buses
from .effects import Blocks, choose_blocks, place_in_room
from .extents import Extent
from .players import Part, list_strikes, make_ducking
from .signals import Audio, fade_in

CLIP_FADE = round(0.005 * SAMPLE_RATE)
LEVEL = 1.5  # of the stems before the bus
DUCKED = ("bass", "chords")
STILL = Production()


def render(
    score: Score,
    sounds: Mapping[str, str],
    samples: int,
    production: Production = STILL,
    is_loop: bool = False,
) -> dict[str, Audio]:
    """The stem (samples, 2) of each role that has notes and a sound: an instrument or, for drums, a
    kit, by its name. Their sum is the mix.
    """
    return complete(render_in_steps(score, sounds, samples, production, is_loop))


def render_in_steps(
    score: Score,
    sounds: Mapping[str, str],
    samples: int,
    production: Production = STILL,
    is_loop: bool = False,
    tell: Tell = ignore,
) -> Steps[dict[str, Audio]]:
    """The same, with pauses, and told how much of it is done. Needs memory for all stems."""
    extent = Extent(samples, is_loop)
    blocks = choose_blocks(samples, production.room)
    parts = yield from _gather(score, sounds, production, blocks, extent)
    stems = {role: np.zeros((samples, 2), np.float32) for role in parts}
    for number, (role, stem) in enumerate(stems.items()):
        tell(number / len(stems))
        yield from _place(stem, [parts[role]], production, blocks, extent)
    if stems:
        dusty = [*stems].index("drums") if "drums" in stems else 0
        yield from _finish([*stems.values()], dusty, production, extent)
    return stems


def render_mix(
    score: Score,
    sounds: Mapping[str, str],
    samples: int,
    production: Production = STILL,
    is_loop: bool = False,
) -> Audio:
    """The sum (samples, 2) of what `render` makes, in less time: what is done to all stems alike is
    done to their sum.
    """
    return complete(render_mix_in_steps(score, sounds, samples, production, is_loop))


def render_mix_in_steps(
    score: Score,
    sounds: Mapping[str, str],
    samples: int,
    production: Production = STILL,
    is_loop: bool = False,
    tell: Tell = ignore,
) -> Steps[Audio]:
    """The same, with pauses, and told how much of it is done. Needs memory for the mix, once more
    of that with tape, and a bit that does not grow with the clip.
    """
    extent = Extent(samples, is_loop)
    blocks = choose_blocks(samples, production.room)
    mixed = np.zeros((samples, 2), np.float32)
    parts = yield from _gather(score, sounds, production, blocks, extent)
    if production.tape and len(parts) > 1:
        for number, part in enumerate(parts.values()):
            tell(number / len(parts))
            stem = np.zeros((samples, 2), np.float32)
            yield from _place(stem, [part], production, blocks, extent)
            yield from buses.add_stem(mixed, stem)
            del stem  # before there is another
    elif parts:
        yield from _place(mixed, [*parts.values()], production, blocks, extent, tell)
    if parts:
        yield from _finish([mixed], 0, production, extent)
    return mixed


def mix(stems: Mapping[str, Audio]) -> Audio:
    """All stems together."""
    return functools.reduce(np.add, stems.values())


def limit(stems: Mapping[str, Audio]) -> dict[str, Audio]:
    """The stems (samples, 2), turned down together for as long as their sum would clip."""
    limited = {name: stem.copy() for name, stem in stems.items()}
    extent = Extent(len(next(iter(limited.values()))))
    complete(buses.squeeze([*limited.values()], 0.0, extent))
    return limited


def _gather(
    score: Score,
    sounds: Mapping[str, str],
    production: Production,
    blocks: Blocks,
    extent: Extent,
) -> Steps[dict[str, Part]]:
    """Each part that has notes."""
    beat = 60 / score.bpm * SAMPLE_RATE
    notes: dict[str, list[Note]] = {role: [] for role in sounds}
    for note in score.notes:
        if note.role in notes and round(note.start * beat) < extent.samples:
            notes[note.role].append(note)
        yield
    ducking = make_ducking(notes, beat, production, extent)
    parts = {}
    for role, played in notes.items():
        if not played:
            continue
        part = Part(sounds[role], production.sends[role], ducking if role in DUCKED else None)
        strikes = yield from list_strikes(played, sounds[role], beat, production, extent)
        yield from part.rehearse(strikes, blocks.samples, extent)
        parts[role] = part
    return parts


def _place(
    stem: Audio,
    parts: Sequence[Part],
    production: Production,
    blocks: Blocks,
    extent: Extent,
    tell: Tell = ignore,
) -> Steps[None]:
    """All parts in their room, and on one tape."""
    level = LEVEL * 10 ** (production.level / 20)
    for number, begin in enumerate(range(0, extent.samples, blocks.samples)):
        tell(begin / extent.samples)
        dry = []
        for part in parts:
            dry += [(yield from part.play(number))]
        room = production.room, production.tint
        yield from place_in_room(stem, dry, level, room, (blocks, begin, extent))
    if production.tape:
        yield from buses.saturate(stem, production.tape, extent)


def _finish(
    stems: Sequence[Audio], dusty: int, production: Production, extent: Extent
) -> Steps[None]:
    """What is done to all stems alike. A clip begins and ends in silence."""
    if production.crackle:
        yield from buses.add_crackle(stems[dusty], production.crackle)
    if production.wow:
        for stem in stems:
            yield from buses.play_tape(stem, production.wow, extent)
    yield from buses.squeeze(stems, production.glue, extent)
    if extent.is_loop:
        return
    fading = min(CLIP_FADE, extent.samples)
    for stem in stems:
        fade_in(stem.T)
        stem[-fading:] *= np.linspace(1, 0, fading, dtype=np.float32)[:, None]
