"""Which parts of a MIDI file are played: the channels of one expressive keyboard are a part, and
metronomes, silent channels and key switches are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from .midi_parts import DRUM_CHANNEL, KeyPress, MidiPart
from .smf import Track

LEAST_CHANNELS = 3  # of an expressive keyboard (MPE), each of which has a note at a time
_MOST_REPEATED = 0.2  # of its notes follow another one on their channel
_WIDEST = 12  # keys between the mean pitches of its channels, where these have notes enough
MOST_TOLD = 8  # parts that are left out
_CLICK = re.compile(r"\b(?:clic[ck]s?|klick|metronome?o?|metronom|count.?(?:in|off))\b")
_SWITCHES_BELOW = 24  # a sampler's switches lie below what its instrument plays,
_APART = 12  # so many keys at least


class Selection(NamedTuple):
    """`remarks`: what was left out, in sentences about the file."""

    parts: list[MidiPart]
    remarks: list[str]


def select_parts(parts: Sequence[MidiPart]) -> Selection:
    """The parts that are music; all of them where none would be left."""
    kept: list[MidiPart] = []
    remarks: list[str] = []
    for part in parts:
        if _CLICK.search(part.name.lower()):
            remarks.append(f"its {part.title} is a metronome: left out")
        elif part.loudest == 0:
            remarks.append(f"its {part.title} has volume 0: left out")
        else:
            kept.append(part)
    if not kept:
        return Selection([*parts], [])
    if len(remarks) > MOST_TOLD:
        more = len(remarks) - MOST_TOLD
        remarks[MOST_TOLD:] = [f"{more} more of its parts are left out, for the same reasons"]
    for part in kept:
        if switches := _find_switches(part):
            pitches = " ".join(map(str, sorted({part.keys[index].pitch for index in switches})))
            remarks.append(f"its {part.title} has key switches, left out (notes {pitches})")
            _drop_keys(part, switches)
    return Selection(kept, remarks)


def join_expressive(parts: Sequence[MidiPart], track: Track) -> list[MidiPart]:
    """The parts of one track; as one, where its notes go round the channels, each of which is bent
    by itself (MPE).
    """
    programs = {part.program for part in parts}
    bent = sum(part.channel in track.wheels for part in parts)
    if len(parts) < LEAST_CHANNELS or len(programs) > 1 or 2 * bent < len(parts):
        return [*parts]
    pitches = [part.mean_pitch for part in parts if len(part.keys) > 2] or [0.0]
    if max(pitches) - min(pitches) > _WIDEST or any(part.is_polyphonic for part in parts):
        return [*parts]
    keys = sorted((key, part.channel) for part in parts for key in part.keys)
    repeated = sum(channel == before for (_, before), (_, channel) in pairwise(keys))
    return [*parts] if repeated > _MOST_REPEATED * len(keys) else [_join(parts, track.name)]


def _join(parts: Iterable[MidiPart], name: str) -> MidiPart:
    first, *others = sorted(parts, key=lambda part: part.channel == DRUM_CHANNEL)
    joined = replace(first, name=name, keys=[*first.keys], hanging=[*first.hanging])
    for part in others:
        joined.hanging += [len(joined.keys) + index for index in part.hanging]
        joined.keys += part.keys
        joined.is_held = joined.is_held or part.is_held
    return joined


def _find_switches(part: MidiPart) -> set[int]:
    """Which keys are a sampler's switches: few, and far below all others."""
    if part.channel == DRUM_CHANNEL:
        return set()
    low = {index for index, key in enumerate(part.keys) if key.pitch < _SWITCHES_BELOW}
    others = [key.pitch for index, key in enumerate(part.keys) if index not in low]
    highest = max((part.keys[index].pitch for index in low), default=0)
    if not low or len(others) < 2 * len(low) or min(others) < highest + _APART:
        return set()
    return low


def _drop_keys(part: MidiPart, dropped: set[int]) -> None:
    kept = [index for index in range(len(part.keys)) if index not in dropped]
    places = {index: place for place, index in enumerate(kept)}
    keys: list[KeyPress] = [part.keys[index] for index in kept]
    part.hanging[:] = [places[index] for index in part.hanging if index in places]
    part.keys[:] = keys
