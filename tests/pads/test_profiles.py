"""What is known of controllers."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.pads import profiles
from daemon.pads.interface import Light, PadState

ALL = [Light(state) for state in PadState if state is not PadState.RENDERING]


@pytest.mark.parametrize(
    ("port", "profile"),
    [
        ("Launchpad X:Launchpad X LPX MIDI In 20:1", "launchpad-x"),
        ("LPMiniMK3 MIDI Out", "launchpad-mini-mk3"),
        ("Launchpad Pro MK3 LPProMK3 MIDI", "launchpad-pro-mk3"),
        ("APC MINI MIDI 1", "apc-mini"),
        ("APC mini mk2 Control", "apc-mini-mk2"),
        ("MPD218 Port A", "generic"),
        ("acestepd", "generic"),
    ],
)
def test_a_controller_is_known_by_its_ports(port: str, profile: str) -> None:
    assert profiles.choose_profile(port).name == profile
    assert profiles.choose_profile(port, "apc-mini").name == "apc-mini"


def test_ports_for_other_things_are_left_alone() -> None:
    assert profiles.is_avoided("LPX DAW Out", profiles.load_profile("launchpad-x"))
    assert not profiles.is_avoided("LPX MIDI Out", profiles.load_profile("launchpad-x"))


@pytest.mark.parametrize("name", profiles.load_shipped())
@pytest.mark.parametrize("columns", [4, 8])
def test_every_pad_has_a_note_of_its_own(name: str, columns: int) -> None:
    notes = [profiles.load_profile(name).find_note(index, columns) for index in range(columns**2)]
    assert len(set(notes)) == columns**2
    assert min(notes) >= 0
    assert max(notes) <= 127


@pytest.mark.parametrize("name", profiles.load_shipped())
def test_every_state_looks_different_and_rendering_shows_its_progress(name: str) -> None:
    profile = profiles.load_profile(name)
    looks = {profile.encode_light(60, 0, light, False) for light in ALL}
    going = {
        profile.encode_light(60, 0, Light(PadState.RENDERING, step / 20), False)
        for step in range(21)
    }
    assert len(looks) == len(ALL)
    assert not looks & going
    assert len(going) == len(profile.looks["rendering"])
    assert profile.encode_light(60, 0, Light(PadState.RENDERING, 0.5), True) not in going


def test_the_bytes_are_those_of_the_makers_manuals() -> None:
    ready = Light(PadState.READY)
    x = profiles.load_profile("launchpad-x")
    assert x.enter_message.hex(" ") == "f0 00 20 29 02 0c 0e 01 f7"
    assert (
        x.encode_light(x.find_note(63, 8), 0, ready, False).hex(" ")
        == "f0 00 20 29 02 0c 03 03 58 00 64 10 f7"
    )
    assert (
        profiles.load_profile("launchpad-mini-mk3").leave_message.hex(" ")
        == "f0 00 20 29 02 0d 0e 00 f7"
    )
    assert (
        profiles.load_profile("launchpad-pro-mk3").encode_light(11, 0, ready, False)[:8].hex(" ")
        == "f0 00 20 29 02 0e 03 03"
    )
    assert (
        profiles.load_profile("apc-mini").encode_light(5, 0, Light(PadState.FAILED), False).hex(" ")
        == "90 05 03"
    )
    assert (
        profiles.load_profile("apc-mini-mk2").encode_light(5, 0, ready, False).hex(" ")
        == "96 05 15"
    )
    assert profiles.load_profile("generic").encode_light(36, 9, ready, False).hex(" ") == "99 24 64"


OWN = """
light = "B0 note velocity"
[looks]
empty = 0
queued = 1
rendering = [2, 3]
pulse = 4
ready = 5
favourite = 6
failed = 7
"""


def test_a_profile_of_ones_own_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(OWN)
    mine = profiles.load_profile(str(file))
    assert mine.encode_light(9, 3, Light(PadState.RENDERING, 0.9), False).hex(" ") == "b0 09 03"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (OWN.replace("failed = 7", ""), "no look for failed"),
        (OWN.replace("ready = 5", "ready = 200"), "one MIDI message"),
        (OWN.replace("note velocity", "note colour"), "names that every look gives"),
        ("colour = 3\n" + OWN, "no key is called 'colour'"),
        ('shift = "button"\n' + OWN, "a control is written like"),
        ("light = ", "Invalid value"),
    ],
)
def test_what_is_wrong_with_a_profile_is_said(wrong: str, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(wrong)
    with pytest.raises(ValueError, match=f"profile .*mine.*{reason}"):
        profiles.load_profile(str(file))


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"apc-mini .*launchpad-x; got 'push'"):
        profiles.load_profile("push")
