from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

import pytest

from daemon.runtime import battery


@pytest.mark.parametrize(
    ("supplies", "is_on_battery"),
    [
        ({}, False),
        ({"AC": {"type": "Mains", "online": "1"}}, False),
        ({"BAT0": {"type": "Battery", "status": "Discharging"}}, True),
        ({"BAT0": {"type": "Battery", "status": "Charging"}}, False),
        ({"BAT0": {"type": "Battery", "status": "Full"}}, False),
        ({"mouse": {"type": "Battery", "status": "Discharging", "scope": "Device"}}, False),
        ({"BAT0": {"type": "Battery"}}, False),
    ],
)
def test_linux_tells_it_by_its_power_supplies(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    supplies: Mapping[str, Mapping[str, str]],
    is_on_battery: bool,
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(battery, "SUPPLIES", tmp_path)
    for name, files in supplies.items():
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text + "\n")
    assert battery.is_on_battery() is is_on_battery


def test_a_system_without_power_supplies_is_not_on_battery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(battery, "SUPPLIES", tmp_path / "none")
    assert battery.is_on_battery() is False


@pytest.mark.parametrize(
    ("script", "is_on_battery"),
    [
        ("echo \"Now drawing from 'Battery Power'\"; echo ' -InternalBattery-0 80%'", True),
        ("echo \"Now drawing from 'AC Power'\"; echo ' -InternalBattery-0 80%'", False),
        ("exit 1", False),
    ],
)
def test_a_mac_is_asked_by_its_pmset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, is_on_battery: bool
) -> None:
    program = tmp_path / "pmset"
    program.write_text(f'#!/bin/sh\n[ "$*" = "-g batt" ] || exit 2\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert battery.is_on_battery() is is_on_battery


def test_a_mac_without_pmset_is_not_on_battery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert battery.is_on_battery() is False
