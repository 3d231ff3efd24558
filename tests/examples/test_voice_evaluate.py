"""The evaluation's own machinery; what it measures with is in test_voice_metrics.py."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples.voice import evaluate
from examples.voice.evaluate import LabelledRender, Row
from pipeline import blas
from pipeline.weights import checkpoint

ROOT = Path(__file__).parents[2]


def test_it_computes_with_the_fast_library() -> None:
    """MLX takes it only if it is there first: otherwise the table takes hours."""
    code = "import examples.voice.evaluate; from pipeline import blas; print(blas.describe())"
    environment = {name: value for name, value in os.environ.items() if name != blas.SWITCH}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "imported before" not in done.stdout


def test_what_is_learned_from_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def render(name: str, number: int) -> LabelledRender:
        made.append(number)
        pair = (np.arange(3) / 3 + number, np.ones(2, np.float32))
        return LabelledRender("drums", "house", pair, pair)

    monkeypatch.setattr(evaluate, "render_labelled", render)
    first = evaluate.get_labelled_renders("mini", 3, map, tmp_path / "heard")
    again = evaluate.get_labelled_renders("mini", 3, map, tmp_path / "heard")
    assert made == [0, 1, 2]
    for a, b in zip(first, again):
        assert a.drums == b.drums
        assert a.style == b.style
        np.testing.assert_array_equal(
            np.concatenate(a.clean + a.decoded), np.concatenate(b.clean + b.decoded)
        )
    evaluate.get_labelled_renders("mini", 2, map, tmp_path / "heard")
    assert made == [0, 1, 2, 0, 1]
    assert not list(tmp_path.rglob("*.part"))


def test_another_vae_is_heard_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = evaluate._fingerprint("mini")
    found = checkpoint.find("mini")
    (tmp_path / "config.json").write_text("{}")
    other = dataclasses.replace(found, vae=tmp_path)
    monkeypatch.setattr(checkpoint, "find", lambda name: other)
    assert evaluate._fingerprint("mini") != before


def test_processes_give_the_values_in_order() -> None:
    with evaluate.start_pool(2) as parallel_map:
        assert list(parallel_map(abs, [-3, 2, -1])) == [3, 2, 1]
    with evaluate.start_pool(1) as parallel_map:
        assert list(parallel_map(abs, [-3, 2, -1])) == [3, 2, 1]


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
