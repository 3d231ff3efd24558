"""The default grid's picture, and a bank played from a terminal against a real daemon."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from daemon import midi
from daemon.settings import Midi
from tests.support.jack import Jack
from tests.support.stage import on_stage
from tests.support.waiting import until
from tests.tools.pad_grid import draw_pad_grid

ROOT = Path(__file__).parents[2]
PADS = ROOT / "examples" / "pads"


def test_the_picture_shows_the_default_grid() -> None:
    hint = "run: python -m tests.tools.pad_grid examples/pads/grid.svg"
    assert (PADS / "grid.svg").read_text("utf-8") == draw_pad_grid(), hint


@pytest.mark.long
def test_a_bank_is_played_from_a_terminal(jack: Jack, tmp_path: Path) -> None:
    with on_stage(tmp_path, midi=Midi(ports=("virtual",))) as stage:
        stage.panel.set("prompt", "warm keys")
        until(
            lambda: (
                "acestepd" in stage.controllers.ports.inputs
                and "acestepd" in stage.controllers.ports.outputs
            )
        )
        until(
            lambda: any(
                "acestepd" in name for name in (midi.list_inputs(midi.load_backend()) or [])
            )
        )

        def ready() -> bool:
            command = [sys.executable, str(PADS / "play.py"), "hit 3", "hum 4", "--listen", "2"]
            run = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
            assert not run.returncode, run.stderr
            assert "what is 'hum 4'?" in run.stderr
            return "pad 3 ready" in run.stdout

        until(ready)
    assert list((tmp_path / "out").glob("warm-keys*.wav"))
