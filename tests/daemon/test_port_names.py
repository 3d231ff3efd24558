"""Names of MIDI ports as CoreMIDI gives them. No Mac was here: they were looked up."""

from __future__ import annotations

import pytest

from daemon.midi import find_port
from daemon.pads.mapping import wants_port
from daemon.port_names import find_gone, is_meant, number_names
from daemon.settings import Midi

IAC = [  # as people have them in their programs
    "IAC Driver Bus 1",
    "IAC-Treiber Bus 1",
    "IAC-Treiber IAC-Bus 1",
    "Gestionnaire IAC Bus 1",
    "Gestionnaire IAC Bus IAC 1",
    "Pilote IAC Bus 1",
    "IACドライバ バス1",
]


@pytest.mark.parametrize("setting", [*IAC, "IAC", "iac driver", "IAC-Treiber", "IAC bus 1"])
@pytest.mark.parametrize("port", IAC)
def test_a_bus_of_iac_is_meant_in_whatever_language_it_is_written(setting: str, port: str) -> None:
    assert is_meant(setting, port)
    assert find_port(setting, ["Piano", port]) == port
    assert wants_port(Midi(ports=(setting,)), port)
    assert not is_meant(setting, "Piano 1")


@pytest.mark.parametrize(
    ("setting", "port"),
    [
        ("IAC Driver Bus 2", "IAC-Treiber Bus 1"),
        ("IAC Driver Bus 1", "IAC-Treiber Bus 11"),
        ("IAC Driver Clock", "IAC-Treiber Bus 1"),
        ("Maniac 1", "IAC Driver Bus 1"),
        ("IAC Driver Bus 1", "Maniac 1"),
        ("1", "IAC Driver Bus 2"),
    ],
)
def test_another_bus_is_not_meant(setting: str, port: str) -> None:
    assert not is_meant(setting, port)


def test_a_bus_that_has_a_name_is_known_by_it_and_the_name_as_it_is_written_goes_first() -> None:
    assert find_port("IAC Driver Clock", ["IAC-Treiber Bus 1", "IAC-Treiber Clock"]) == (
        "IAC-Treiber Clock"
    )
    names = ["IAC-Treiber Bus 1", "IAC Driver Bus 1"]
    assert find_port("IAC Driver Bus 1", names) == "IAC Driver Bus 1"


def test_two_controllers_of_one_name_have_names_of_their_own() -> None:
    assert number_names(["LPX MIDI", "Piano", "LPX MIDI", "LPX MIDI"]) == [
        "LPX MIDI",
        "Piano",
        "LPX MIDI #2",
        "LPX MIDI #3",
    ]


@pytest.mark.parametrize(
    ("before", "now", "gone"),
    [
        (["A", "B"], ["A", "B"], []),
        (["A", "B"], ["B", "C"], ["A"]),
        # which of both was unplugged, nobody knows
        (["A", "A #2", "B"], ["A", "B"], ["A", "A #2"]),
        # the new one may be the first of them now
        (["A", "B"], ["A", "A #2", "B"], ["A"]),
    ],
)
def test_ports_of_one_name_are_opened_again_when_their_number_changes(
    before: list[str], now: list[str], gone: list[str]
) -> None:
    assert find_gone(before, now) == gone


# A Launchpad has two USB MIDI ports or three, and CoreMIDI puts the device's name in front.
@pytest.mark.parametrize(
    ("ports", "played"),
    [
        (
            ["Launchpad Mini MK3 LPMiniMK3 DAW Out", "Launchpad Mini MK3 LPMiniMK3 MIDI Out"],
            ["Launchpad Mini MK3 LPMiniMK3 MIDI Out"],
        ),
        (["Launchpad X LPX DAW In", "Launchpad X LPX MIDI In"], ["Launchpad X LPX MIDI In"]),
        (
            [
                "Launchpad Pro MK3 LPProMK3 MIDI",
                "Launchpad Pro MK3 LPProMK3 DIN",
                "Launchpad Pro MK3 LPProMK3 DAW",
            ],
            ["Launchpad Pro MK3 LPProMK3 MIDI"],
        ),
        (["LPX MIDI", "LPX DAW", "LPX MIDI #2", "LPX DAW #2"], ["LPX MIDI", "LPX MIDI #2"]),
    ],
)
def test_only_the_launchpads_own_port_is_played(ports: list[str], played: list[str]) -> None:
    midi = Midi(ports=("launchpad", "lpx"))
    assert [port for port in ports if wants_port(midi, port)] == played
