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
    try:
        return wheels.find_missing(platform, python)
    except wheels.NoRegistry:
        pytest.skip("no package registry answers")


@pytest.mark.parametrize(
    "said",
    [
        "Because only mlx<0.32 has no wheels with a matching platform tag (e.g., "
        "`macosx_14_0_x86_64`) and acestepd depends on mlx{sys_platform == 'darwin'}>=0.31.2, your "
        "requirements are unsatisfiable.",
        "No solution: mlx has nothing for this platform",
    ],
)
def test_what_is_missing_is_said_by_its_name_however_uv_puts_it(said: str) -> None:
    assert wheels.describe_missing(said) == "there are no wheels of mlx"


def test_what_uv_says_otherwise_is_passed_on() -> None:
    assert wheels.describe_missing("the disk is full") == "the disk is full"
    with pytest.raises(wheels.NoRegistry):
        wheels.describe_missing("mlx: error sending request for url")


def test_all_dependencies_are_known_by_name() -> None:
    names = wheels.list_dependencies()
    assert {"mlx", "python-osc", "supriya-midi", "huggingface-hub", "aalink", "zeroconf"} <= {
        *names
    }
    assert len(names) == len(set(names))


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("python", wheels.PYTHONS)
@pytest.mark.parametrize("machine", wheels.MACHINES)
def test_there_are_wheels_of_everything(machine: str, python: str) -> None:
    assert not ask_registry(wheels.MACHINES[machine], python)


@pytest.mark.long
def test_a_mac_with_an_intel_processor_is_told_that_mlx_is_not_for_it() -> None:
    missing = ask_registry("x86_64-apple-darwin", "3.12")
    assert missing == "there are no wheels of mlx"
