"""What the README says of machines and Pythons."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools import wheels

ROOT = Path(__file__).parents[1]


def test_the_readme_names_what_is_checked() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert f"Python {wheels.PYTHONS[0]} to {wheels.PYTHONS[-1]}" in text
    assert "macOS 14" in text
    assert all(wheels.is_allowed(python) for python in wheels.PYTHONS)
    assert not wheels.is_allowed("3.10")
    assert not wheels.is_allowed("3.15")


def ask_registry(platform: str, python: str) -> str:
    """What is missing; skips where nobody can be asked."""
    missing = wheels.find_missing(platform, python)
    if any(words in missing for words in ("error sending request", "dns error", "timed out")):
        pytest.skip("no package registry answers")
    return missing


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("python", wheels.PYTHONS)
@pytest.mark.parametrize("machine", wheels.MACHINES)
def test_there_are_wheels_of_everything(machine: str, python: str) -> None:
    assert not ask_registry(wheels.MACHINES[machine], python)


@pytest.mark.long
def test_a_mac_with_an_intel_processor_is_told_that_mlx_is_not_for_it() -> None:
    missing = ask_registry("x86_64-apple-darwin", "3.12")
    assert "mlx" in missing
    assert "has no wheels" in missing
