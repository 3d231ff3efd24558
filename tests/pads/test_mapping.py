"""Which note is which pad."""

from __future__ import annotations

import logging

import pytest

from daemon.pads import mapping, profiles
from daemon.pads.mapping import PadMapping
from daemon.settings import Midi, PadSettings


def list_pads(midi: Midi, profile: str = "generic") -> dict[int, int]:
    """By note, on the first channel."""
    found = PadMapping(midi, profiles.load_profile(profile))
    return {note: slot for note in range(128) if (slot := found.find_pad(note, 0)) is not None}


def test_four_by_four_begins_at_the_lower_left() -> None:
    assert list_pads(Midi()) == {36 + index: index for index in range(16)}
    corner = list_pads(Midi(), "launchpad-x")
    assert corner[11] == 0
    assert corner[14] == 3
    assert corner[21] == 4
    assert corner[44] == 15
    assert len(corner) == 16


def test_eight_by_eight_is_the_whole_launchpad() -> None:
    whole = list_pads(Midi(grid="8x8"), "launchpad-x")
    assert whole[11] == 0
    assert whole[18] == 7
    assert whole[21] == 8
    assert whole[88] == 63
    assert 19 not in whole
    assert list_pads(Midi(grid="8x8"), "apc-mini") == {note: note for note in range(64)}


def test_the_first_note_and_the_channel_can_be_others() -> None:
    found = PadMapping(Midi(first_note=48, channel=10), profiles.load_profile("generic"))
    assert found.find_pad(48, 9) == 0
    assert found.find_pad(48, 0) is None
    assert found.find_pad(36, 9) is None


def test_a_pad_may_have_a_note_of_its_own() -> None:
    found = list_pads(Midi(pad=(PadSettings(slot=1, note=100),)))
    assert found[100] == 0
    assert 36 not in found


def test_a_pads_own_note_displaces_the_one_that_has_it_by_default(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        found = list_pads(Midi(pad=(PadSettings(slot=1, note=40),)))
    assert found[40] == 0
    assert 4 not in found.values()
    assert "pads 1 and 5 are both on note 40" in caplog.text


def test_one_note_on_two_channels_is_two_pads() -> None:
    pads = (PadSettings(slot=1, note=60, channel=1), PadSettings(slot=2, note=60, channel=2))
    found = PadMapping(Midi(pad=pads), profiles.load_profile("generic"))
    assert found.find_pad(60, 0) == 0
    assert found.find_pad(60, 1) == 1
    assert found.find_pad(60, 2) is None


def test_the_shift_is_the_profiles_or_a_pedal() -> None:
    assert str(PadMapping(Midi(), profiles.load_profile("apc-mini")).shift) == "note 98"
    assert str(PadMapping(Midi(), profiles.load_profile("generic")).shift) == "cc 64"
    assert (
        str(PadMapping(Midi(shift="cc 70 ch 2"), profiles.load_profile("apc-mini")).shift)
        == "cc 70 ch 2"
    )
    assert PadMapping(Midi(shift=""), profiles.load_profile("apc-mini")).shift is None


def test_a_shift_that_lies_on_a_pad_is_none(caplog: pytest.LogCaptureFixture) -> None:
    assert PadMapping(Midi(first_note=90), profiles.load_profile("apc-mini")).shift is None
    assert "pad 5 lies on note 98, which is the shift of apc-mini: no shift" in caplog.text


@pytest.mark.parametrize(
    ("wrong", "reason"),
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
        ({"pad": (PadSettings(slot=17),)}, "pad slot must be in 1..16"),
        (
            {"pad": (PadSettings(slot=1, note=60), PadSettings(slot=2, note=60))},
            "pads 1 and 2 are both on note 60",
        ),
        (
            {"pad": (PadSettings(slot=1, note=60, channel=3), PadSettings(slot=2, note=60))},
            "pads 1 and 2 are both on note 60",
        ),
        ({"pad": (PadSettings(slot=1), PadSettings(slot=1))}, "about pad 1"),
    ],
)
def test_what_is_wrong_is_said(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        mapping.check_settings(Midi(**wrong))  # type: ignore[arg-type]


def test_the_defaults_are_fine() -> None:
    mapping.check_settings(Midi())
    mapping.check_settings(Midi(grid="8x8", profile="launchpad-pro-mk3"))
