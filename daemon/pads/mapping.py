"""Which note is which pad, which control turns what, on one kind of controller."""

from __future__ import annotations

import logging
from collections.abc import Mapping as Map
from collections.abc import Sequence
from itertools import combinations
from typing import Protocol

from . import profiles
from .controls import Control
from .knobs import Knob
from .profiles import Profile

log = logging.getLogger("acestepd.pads")

GRIDS = {"4x4": 4, "8x8": 8}
VIRTUAL = "virtual"  # among the ports: one of our own
# the shift where neither the settings nor the profile name one: every keyboard has the socket
PEDAL = "cc 64"


class PadSettings(Protocol):
    """A [[midi.pad]] table."""

    @property
    def slot(self) -> int: ...
    @property
    def note(self) -> int: ...
    @property
    def channel(self) -> int: ...


class MidiSettings(Protocol):
    """The [midi] table, as far as it is about hands."""

    @property
    def ports(self) -> tuple[str, ...]: ...
    @property
    def grid(self) -> str: ...
    @property
    def profile(self) -> str: ...
    @property
    def first_note(self) -> int: ...
    @property
    def channel(self) -> int: ...
    @property
    def hold_ms(self) -> int: ...
    @property
    def shift(self) -> str: ...
    @property
    def knobs(self) -> Map[str, str]: ...
    @property
    def pad(self) -> Sequence[PadSettings]: ...


class NoteAddress(tuple[int, int]):
    """(note, channel); channel 0 is any."""

    def meets(self, other: NoteAddress) -> bool:
        return self[0] == other[0] and (self[1] == other[1] or not (self[1] and other[1]))

    def __str__(self) -> str:
        return f"note {self[0]}" + (f" ch {self[1]}" if self[1] else "")


class Mapping:
    """The settings, on a controller with this profile."""

    def __init__(self, midi: MidiSettings, profile: Profile) -> None:
        self.profile = profile
        self.columns = GRIDS[midi.grid]
        self.places = _places(midi, profile)
        self._slots = {place: slot for slot, place in self.places.items()}
        self.channel = midi.channel
        self.shift = self._shift(midi)

    @property
    def count(self) -> int:
        return self.columns**2

    def slot(self, note: int, channel: int) -> int | None:
        """Both as in the message: channels count from 0."""
        exact = self._slots.get(NoteAddress((note, channel + 1)))
        return self._slots.get(NoteAddress((note, 0))) if exact is None else exact

    def _shift(self, midi: MidiSettings) -> Control | None:
        if midi.shift != "auto":
            return Control.of(midi.shift) if midi.shift else None
        shift = Control.of(self.profile.shift or PEDAL)
        taken = [
            slot for slot, place in self.places.items() if shift.meets(Control("note", *place))
        ]
        if taken:
            log.warning(
                "pad %d lies on %s, which is the shift of %s: no shift",
                taken[0] + 1,
                shift,
                self.profile.name,
            )
        return None if taken or any(shift.meets(Control.of(text)) for text in midi.knobs) else shift


def _places(midi: MidiSettings, profile: Profile) -> dict[int, NoteAddress]:
    """By slot. A pad with a note of its own displaces one that has the same note by default."""
    columns = GRIDS[midi.grid]
    own = {
        pad.slot - 1: NoteAddress((pad.note, pad.channel or midi.channel))
        for pad in midi.pad
        if pad.note >= 0
    }
    places: dict[int, NoteAddress] = {}
    for slot in range(columns**2):
        place = own.get(slot) or NoteAddress(
            (profile.note(slot, columns, midi.first_note), midi.channel)
        )
        displaced = [
            other for other, theirs in own.items() if other != slot and theirs.meets(place)
        ]
        if displaced:
            log.warning("pads %d and %d are both on %s: it plays pad %d; give the other a note of its own",
                        displaced[0] + 1, slot + 1, place, displaced[0] + 1)  # fmt: skip
        else:
            places[slot] = place
    return places


def plays(midi: MidiSettings, port: str) -> bool:
    """Whether the port of that name is one of the settings', and not the one for something else of
    its device.
    """
    asked = any(part != VIRTUAL and part.casefold() in port.casefold() for part in midi.ports)
    return asked and not profiles.avoided(port, profiles.of_port(port, midi.profile))


def check(midi: MidiSettings) -> None:
    """Raises ValueError naming the setting, what is allowed and what came."""
    if midi.grid not in GRIDS:
        raise ValueError(f"grid must be {' or '.join(GRIDS)}, got {midi.grid!r}")
    for name, value, high in (("channel", midi.channel, 16), ("hold_ms", midi.hold_ms, 10_000)):
        if not 0 <= value <= high:
            raise ValueError(f"{name} must be in 0..{high}, got {value}")
    if "" in midi.ports:
        raise ValueError("ports must be parts of port names, got an empty one")
    _check_notes(midi)
    _check_pads(midi)
    _check_controls(midi)


def _check_notes(midi: MidiSettings) -> None:
    profile = profiles.of_port("", midi.profile)
    columns = GRIDS[midi.grid]
    highest = 127 - profile.note(columns**2 - 1, columns, 0)
    if not -1 <= midi.first_note <= highest:
        raise ValueError(
            f"first_note must be in 0..{highest} for {midi.grid} pads, or -1, got {midi.first_note}"
        )


def _check_pads(midi: MidiSettings) -> None:
    count = GRIDS[midi.grid] ** 2
    for pad in midi.pad:
        if not 1 <= pad.slot <= count:
            raise ValueError(f"pad slot must be in 1..{count}, got {pad.slot}")
        if not (-1 <= pad.note <= 127 and 0 <= pad.channel <= 16):
            raise ValueError(
                f"pad {pad.slot}: note must be in 0..127 and channel in 1..16, or left out"
            )
    for one, other in combinations(midi.pad, 2):
        if one.slot == other.slot:
            raise ValueError(f"two [[midi.pad]] tables are about pad {one.slot}")
        places = [NoteAddress((pad.note, pad.channel or midi.channel)) for pad in (one, other)]
        if one.note >= 0 and places[0].meets(places[1]):
            raise ValueError(
                f"pads {one.slot} and {other.slot} are both on {places[0]}: give one another note"
            )


def _check_controls(midi: MidiSettings) -> None:
    controls = {text: Control.of(text) for text in midi.knobs}
    for text, knob in midi.knobs.items():
        if controls[text].kind == "note":
            raise ValueError(f"knobs: a note cannot turn anything, got {text!r}")
        try:
            Knob.of(knob)
        except ValueError as error:
            raise ValueError(f"knobs: {text}: {error}") from error
    if midi.shift not in ("", "auto"):
        shift = Control.of(midi.shift)
        if shift.kind not in ("note", "cc"):
            raise ValueError(f"shift must be a note or a cc, got {midi.shift!r}")
        controls["shift"] = shift
    for (one, first), (other, second) in combinations(controls.items(), 2):
        if first.meets(second):
            raise ValueError(f"{one} and {other} are the same control")
