"""The lines of the evaluation's table."""

from __future__ import annotations

import math

import pytest

from examples.voice.table import Row, mean, rotate, to_json


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row("a", 1.0, target=1.0), "ok"),
        (Row("a", 0.9, target=1.0), "short"),
        (Row("a", 0.9, target=1.0, better="less"), "ok"),
        (Row("a", float("nan"), target=1.0), "short"),
        (Row("a", 1.0), ""),
    ],
)
def test_a_target_is_reached_or_not(row: Row, verdict: str) -> None:
    assert row.verdict == verdict
    assert verdict in str(row)


def test_small_numbers_are_told_apart() -> None:
    assert " 0.004 " in str(Row("a", 0.0042, target=0.005, better="less"))
    assert " 12.34 " in str(Row("a", 12.341, target=13))


def test_what_was_not_measured_has_no_number_and_no_verdict() -> None:
    row = Row("a", math.nan, note="why")
    assert str(row).split() == ["a", "why"]
    assert to_json(row)["value"] is None


def test_nothing_has_no_mean_and_everything_a_neighbour() -> None:
    assert math.isnan(mean([]))
    assert mean([1, 2]) == 1.5
    assert rotate("abc") == ["b", "c", "a"]
