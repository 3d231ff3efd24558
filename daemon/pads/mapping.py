"""Which note is which pad, which control turns what, on one kind of controller."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple, Protocol

from ..port_names import is_meant
from . import profiles
from .controls import Control
from .knobs import Knob
from .profiles import Profile

log = logging.getLogger("acestepd.pads")

GRIDS = {"4x4": 4, "8x8": 8}  # columns, and as many rows
VIRTUAL = "virtual"  # among the ports: one of our own
# the shift where neither the settings nor the profile name one: every keyboard has a pedal socket
PEDAL = "cc 64"


class PadNote(Protocol):
    """A [[midi.pad]] table, as far as it is about its note. `slot` is the pad, counted from 1."""

    @property
    def slot(self) -> int: ...
    @property
    def note(self) -> int: ...
    @property
    def channel(self) -> int: ...


class MidiSettings(Protocol):
    """The [midi] table, as far as it is about controllers."""

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
    def undo(self) -> str: ...
    @property
    def knobs(self) -> Mapping[str, str]: ...
    @property
    def pad(self) -> Sequence[PadNote]: ...


class ChannelNote(NamedTuple):
    note: int
    channel: int  # 1 to 16; 0 is any

    def overlaps(self, other: ChannelNote) -> bool:
        """Whether one message could be of both."""
        same_channel = self.channel == other.channel or not (self.channel and other.channel)
        return self.note == other.note and same_channel

    def __str__(self) -> str:
        return f"note {self.note}" + (f" ch {self.channel}" if self.channel else "")


class PadMapping:
    """Which note is which pad by these settings, on a controller with this profile. Pads are meant
    by their index, from 0.
    """

    def __init__(self, midi: MidiSettings, profile: Profile) -> None:
        self.profile = profile
        self.columns = GRIDS[midi.grid]
        self.notes = _assign_notes(midi, profile)  # by the pad's index
        self._pads = {note: index for index, note in self.notes.items()}
        self.channel = midi.channel
        self.shift = self._choose_shift(midi)
        self.undo = Control.of(midi.undo) if midi.undo else None

    @property
    def count(self) -> int:
        return self.columns**2

    def find_pad(self, note: int, channel: int) -> int | None:
        """The index of the pad on that note. `channel` is as in the message: it counts from 0."""
        exact = self._pads.get(ChannelNote(note, channel + 1))
        return self._pads.get(ChannelNote(note, 0)) if exact is None else exact

    def _choose_shift(self, midi: MidiSettings) -> Control | None:
        if midi.shift != "auto":
            return Control.of(midi.shift) if midi.shift else None
        shift = Control.of(self.profile.shift or PEDAL)
        for index, note in self.notes.items():
            if shift.overlaps(Control("note", note.note, note.channel)):
                log.warning(
                    "pad %d lies on %s, which is the shift of %s: no shift",
                    index + 1,
                    shift,
                    self.profile.name,
                )
                return None
        if any(shift.overlaps(Control.of(text)) for text in midi.knobs):
            return None
        return shift


def _assign_notes(midi: MidiSettings, profile: Profile) -> dict[int, ChannelNote]:
    """By the pad's index. A pad with a note of its own displaces one that has the same note by
    default.
    """
    columns = GRIDS[midi.grid]
    own = {
        pad.slot - 1: ChannelNote(pad.note, pad.channel or midi.channel)
        for pad in midi.pad
        if pad.note >= 0
    }
    notes: dict[int, ChannelNote] = {}
    for index in range(columns**2):
        note = own.get(index) or ChannelNote(
            profile.find_note(index, columns, midi.first_note), midi.channel
        )
        displacing = [
            other for other, theirs in own.items() if other != index and theirs.overlaps(note)
        ]
        if displacing:
            log.warning(
                "pads %d and %d are both on %s: it plays pad %d; give the other a note of its own",
                displacing[0] + 1,
                index + 1,
                note,
                displacing[0] + 1,
            )
        else:
            notes[index] = note
    return notes


def wants_port(midi: MidiSettings, port: str) -> bool:
    """Whether the settings name that port, and it is not one that its device has for something
    else than pads.
    """
    is_named = any(part != VIRTUAL and is_meant(part, port) for part in midi.ports)
    return is_named and not profiles.is_avoided(port, profiles.choose_profile(port, midi.profile))


def check_settings(midi: MidiSettings) -> None:
    """Raises ValueError naming the setting, what is allowed and what came."""
    if midi.grid not in GRIDS:
        raise ValueError(f"grid must be {' or '.join(GRIDS)}, got {midi.grid!r}")
    for name, value, high in (("channel", midi.channel, 16), ("hold_ms", midi.hold_ms, 10_000)):
        if not 0 <= value <= high:
            raise ValueError(f"{name} must be in 0..{high}, got {value}")
    if "" in midi.ports:
        raise ValueError("ports must be parts of port names, got an empty one")
    _check_first_note(midi)
    _check_pads(midi)
    _check_controls(midi)


def _check_first_note(midi: MidiSettings) -> None:
    profile = profiles.choose_profile("", midi.profile)
    columns = GRIDS[midi.grid]
    highest = 127 - profile.find_note(columns**2 - 1, columns, 0)
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
        first = ChannelNote(one.note, one.channel or midi.channel)
        second = ChannelNote(other.note, other.channel or midi.channel)
        if one.note >= 0 and first.overlaps(second):
            raise ValueError(
                f"pads {one.slot} and {other.slot} are both on {first}: give one another note"
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
    for name, text in (("shift", midi.shift), ("undo", midi.undo)):
        if text not in ("", "auto"):
            button = Control.of(text)
            if button.kind not in ("note", "cc"):
                raise ValueError(f"{name} must be a note or a cc, got {text!r}")
            controls[name] = button
    for (one, first), (other, second) in combinations(controls.items(), 2):
        if first.overlaps(second):
            raise ValueError(f"{one} and {other} are the same control")
