"""The table of how the training music sounds is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.guide.bands import BANDS
from tests.tools.palette_numbers import compare_row, measure_style, write_row

README = (Path(__file__).parents[2] / "examples/voice/README.md").read_text("utf-8")
LOUDEST = -11.5  # LUFS
RANGE = 3.1  # LU between the loudest style and the quietest


def read_rows(name: str) -> dict[str, list[str]]:
    table = README.split(f"<!-- table: {name} -->\n", 1)[1].split("\n<!-- end -->", 1)[0]
    cells = [line.strip("|").split("|") for line in table.splitlines()[2:]]
    return {style.strip(): [number.strip() for number in numbers] for style, *numbers in cells}


def test_all_styles_are_about_as_loud_wide_and_bright_and_leave_a_decibel_of_headroom() -> None:
    rows = read_rows("sounds")
    assert [*rows] == [*BANDS, "mean"]
    loudness = [float(row[0]) for row in rows.values()]
    assert max(loudness) <= LOUDEST
    assert max(loudness) - min(loudness) <= RANGE
    for style, (_, peak, _, width, _, _, _, treble, _) in rows.items():
        assert float(peak) <= -1.0, style
        assert -14 <= float(width) <= -9, style
        assert float(treble) >= -21, style


def test_the_table_beside_records_is_of_the_same_numbers() -> None:
    columns = ("LUFS", "", "", "side/mid", "", "slope", "", "4 to 8 kHz", "")
    compared = read_rows("records")
    assert [*compared] == [*BANDS]
    for style, row in read_rows("sounds").items():
        numbers = {name: float(cell) for name, cell in zip(columns, row) if name}
        if style in compared:
            assert compare_row(style, numbers)[1:3] == compared[style][:2]


@pytest.mark.long
@pytest.mark.parametrize("style", BANDS)
def test_a_style_sounds_as_the_table_says(style: str) -> None:
    row = write_row(style, measure_style(style))
    assert row == [style, *read_rows("sounds")[style]], "run: python -m tests.tools.palette_numbers"
