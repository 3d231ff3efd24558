"""The file in a real Csound, without a sound card, beside a real daemon."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import soundfile

from daemon.service import Daemon
from tests.integrations.conftest import KEY_NOTE, NOTED_PROMPT, TEMPO_NOTE, Start
from tests.support.harness import SteppedModel
from tests.support.relay import find_free_port
from tests.support.stage import on_stage

pytestmark = pytest.mark.skipif(shutil.which("csound") is None, reason="csound is not installed")


def test_it_asks_waits_and_plays(spaced: Daemon, start_csound: Start) -> None:
    port, listen = spaced.osc.address[1], find_free_port()
    wish = {"PROMPT": "wärm lo-fi, key of the 80s; slow", "LYRICS": "[verse]\\nHöld, on", "SEED": 7}
    with start_csound(port, listen, **wish) as csound:
        path = Path(csound.wait_for("playing").partition("playing ")[2])
    request = json.loads(path.with_suffix(".json").read_text("utf-8"))["request"]
    assert request["prompt"] == wish["PROMPT"]
    assert request["lyrics"] == "[verse]\nHöld, on"
    assert request["seed"] == 7
    assert soundfile.info(path).frames == 4 * 60 * 48_000 // 150
    assert "rror:" not in csound.text


def test_errors_are_said_with_their_hint_and_end_it(tmp_path: Path, start_csound: Start) -> None:
    with (
        on_stage(tmp_path, SteppedModel()) as stage,
        start_csound(stage.osc.address[1], find_free_port(), BARS=-4) as csound,
    ):
        csound.wait_for("acestepd: bars must be in 0..1024, got -4")
        csound.wait()


def test_every_note_on_the_prompt_is_said(tmp_path: Path, start_csound: Start) -> None:
    with (
        on_stage(tmp_path, SteppedModel()) as stage,
        start_csound(stage.osc.address[1], find_free_port(), PROMPT=NOTED_PROMPT) as csound,
    ):
        csound.wait_for(f"acestepd: {TEMPO_NOTE}, and bpm 150 was given: it is 150")
        csound.wait_for(f"acestepd: {KEY_NOTE}")
