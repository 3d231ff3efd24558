"""Which note is which pad."""

from __future__ import annotations

import logging

import pytest

from daemon.pads import mapping, profiles
from daemon.pads.mapping import Mapping
from daemon.settings import Midi, Pad


def slots(midi: Midi, profile: str = "generic") -> dict[int, int]:
    """By note, on the first channel."""
    made = Mapping(midi, profiles.named(profile))
    return {note: slot for note in range(128) if (slot := made.slot(note, 0)) is not None}


def test_four_by_four_begins_at_the_lower_left() -> None:
    assert slots(Midi()) == {36 + slot: slot for slot in range(16)}
    corner = slots(Midi(), "launchpad-x")
    assert corner[11] == 0
    assert corner[14] == 3
    assert corner[21] == 4
    assert corner[44] == 15
    assert len(corner) == 16


def test_eight_by_eight_is_the_whole_launchpad() -> None:
    whole = slots(Midi(grid="8x8"), "launchpad-x")
    assert whole[11] == 0
    assert whole[18] == 7
    assert whole[21] == 8
    assert whole[88] == 63
    assert 19 not in whole
    assert slots(Midi(grid="8x8"), "apc-mini") == {note: note for note in range(64)}


def test_the_first_note_and_the_channel_can_be_others() -> None:
    made = Mapping(Midi(first_note=48, channel=10), profiles.named("generic"))
    assert made.slot(48, 9) == 0
    assert made.slot(48, 0) is None
    assert made.slot(36, 9) is None


def test_a_pad_may_have_a_note_of_its_own() -> None:
    made = slots(Midi(pad=(Pad(slot=1, note=100),)))
    assert made[100] == 0
    assert 36 not in made


def test_a_pads_own_note_displaces_the_one_that_has_it_by_default(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        made = slots(Midi(pad=(Pad(slot=1, note=40),)))
    assert made[40] == 0
    assert 4 not in made.values()
    assert "pads 1 and 5 are both on note 40" in caplog.text


def test_one_note_on_two_channels_is_two_pads() -> None:
    pads = (Pad(slot=1, note=60, channel=1), Pad(slot=2, note=60, channel=2))
    made = Mapping(Midi(pad=pads), profiles.named("generic"))
    assert made.slot(60, 0) == 0
    assert made.slot(60, 1) == 1
    assert made.slot(60, 2) is None


def test_the_shift_is_the_profiles_or_a_pedal() -> None:
    assert str(Mapping(Midi(), profiles.named("apc-mini")).shift) == "note 98"
    assert str(Mapping(Midi(), profiles.named("generic")).shift) == "cc 64"
    assert str(Mapping(Midi(shift="cc 70 ch 2"), profiles.named("apc-mini")).shift) == "cc 70 ch 2"
    assert Mapping(Midi(shift=""), profiles.named("apc-mini")).shift is None


def test_a_shift_that_lies_on_a_pad_is_none(caplog: pytest.LogCaptureFixture) -> None:
    assert Mapping(Midi(first_note=90), profiles.named("apc-mini")).shift is None
    assert "pad 5 lies on note 98, which is the shift of apc-mini: no shift" in caplog.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"grid": "5x5"}, "grid must be 4x4 or 8x8"),
        ({"channel": 17}, "channel must be in 0..16, got 17"),
        ({"hold_ms": -1}, "hold_ms must be in 0..10000"),
        ({"profile": "push"}, "profile must be auto"),
        ({"first_note": 120}, "first_note must be in 0..112"),
        ({"ports": ("",)}, "got an empty one"),
        ({"shift": "pitch"}, "shift must be a note or a cc"),
        ({"knobs": {"cc 300": "bars"}}, "from 0 to 127"),
        ({"knobs": {"note 3": "bars"}}, "a note cannot turn anything"),
        ({"knobs": {"cc 3": "prompt"}}, "only numeric parameters"),
        ({"knobs": {"cc 3": "bars", "cc14 3": "bpm"}}, "cc 3 and cc14 3 are the same control"),
        ({"knobs": {"cc 3": "bars"}, "shift": "cc 3"}, "are the same control"),
        ({"pad": (Pad(slot=17),)}, "pad slot must be in 1..16"),
        ({"pad": (Pad(slot=1, note=60), Pad(slot=2, note=60))}, "pads 1 and 2 are both on note 60"),
        (
            {"pad": (Pad(slot=1, note=60, channel=3), Pad(slot=2, note=60))},
            "pads 1 and 2 are both on note 60",
        ),
        ({"pad": (Pad(slot=1), Pad(slot=1))}, "about pad 1"),
    ],
)
def test_what_is_wrong_is_said(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        mapping.check(Midi(**wrong))  # type: ignore[arg-type]


def test_the_defaults_are_fine() -> None:
    mapping.check(Midi())
    mapping.check(Midi(grid="8x8", profile="launchpad-pro-mk3"))
