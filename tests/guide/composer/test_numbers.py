"""The table of what the composer makes is true, and reaches what it is to reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.guide.composer.styles import STYLES
from pipeline.guide.score import ROLES
from tests.tools.compose_numbers import HEAD, SEEDS, measure_piece, measure_style, write_row

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def read_table() -> dict[str, tuple[float, ...]]:
    """The numbers of every style."""
    rows = (
        README.split("| " + " | ".join(HEAD) + " |\n", 1)[1]
        .split("\n<!-- end -->")[0]
        .splitlines()[1:]
    )
    cells = [row.strip("| ").split(" | ") for row in rows]
    return {style: tuple(map(float, ", ".join(numbers).split(", "))) for style, *numbers in cells}


TABLE = read_table()


def test_every_style_reaches_its_goals() -> None:
    assert [*TABLE] == [*STYLES]
    for style, numbers in TABLE.items():
        patterns, alike, density, drums, bass, chords, lead, off, pads, breath = numbers
        assert patterns >= 8
        assert alike <= 0.75
        assert density >= 0.15
        assert (drums >= 14, bass >= 8, chords >= 8, lead >= 24) == (True,) * 4, style
        assert off >= 0.4 or style not in ("lo-fi", "hip hop")
        assert pads <= 0.3
        assert breath <= 16


@pytest.mark.parametrize("style", ["pop", "lo-fi"])
def test_a_piece_is_as_the_table_says(style: str) -> None:
    numbers = measure_piece(style, 1)
    _, alike, density, *bars, off, _, breath = TABLE[style]
    assert numbers["alike 4 bars ago"] == pytest.approx(alike, abs=0.15)
    assert numbers["density CV"] == pytest.approx(density, abs=0.2)
    assert numbers["hats off the grid"] == pytest.approx(off, abs=0.25)
    assert numbers["beats without a breath"] <= 2 * breath
    for role, written in zip(ROLES, bars):
        assert numbers[f"{role} bars"] == pytest.approx(written, rel=0.5)


@pytest.mark.long
@pytest.mark.parametrize("style", STYLES)
def test_the_table_is_what_the_composer_makes(style: str) -> None:
    row = write_row(style, measure_style(style, SEEDS))
    assert "| " + " | ".join(row) + " |" in README, "run: python -m tests.tools.compose_numbers"
