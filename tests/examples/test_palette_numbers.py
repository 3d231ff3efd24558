"""The table of how the training music sounds is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.voice.bands import BANDS
from tests.tools.palette_numbers import measure_style, write_row

README = (Path(__file__).parents[2] / "examples/voice/README.md").read_text("utf-8")
STREAMED = -14  # LUFS
OFF = 3.1  # dB by which a mix may be louder or quieter


def read_rows() -> dict[str, list[str]]:
    table = README.split("| style | LUFS |", 1)[1].split("\n\n", 1)[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    return {style: numbers for style, *numbers in cells}


def test_every_style_is_about_as_loud_as_it_is_streamed() -> None:
    rows = read_rows()
    assert [*rows] == [*BANDS, "mean"]
    for style, (loudness, _, width, *_) in rows.items():
        assert float(loudness) == pytest.approx(STREAMED, abs=OFF), style
        assert -14 <= float(width) <= -9, style


@pytest.mark.long
@pytest.mark.parametrize("style", BANDS)
def test_a_style_sounds_as_the_table_says(style: str) -> None:
    row = write_row(style, measure_style(style))
    assert row == [style, *read_rows()[style]], "run: python -m tests.tools.palette_numbers"
