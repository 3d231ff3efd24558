"""The file in a real ChucK, on a JACK that plays nowhere, beside a real daemon."""

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

pytestmark = pytest.mark.skipif(shutil.which("chuck") is None, reason="chuck is not installed")


def test_it_asks_waits_and_plays(spaced: Daemon, start_chuck: Start) -> None:
    prompt = "wärm lo-fi, key of the 80s; slow"
    port, listen = spaced.osc.address[1], find_free_port()
    with start_chuck(port, listen, prompt) as chuck:
        said, _, samples = chuck.wait_for("playing").partition(", samples: ")
    path = Path(said.partition("playing ")[2])
    request = json.loads(path.with_suffix(".json").read_text("utf-8"))["request"]
    assert request["prompt"] == prompt
    assert request["seed"] == 7
    assert soundfile.info(path).frames == int(samples) == 4 * 60 * 48_000 // 150


def test_errors_are_said_with_their_hint(tmp_path: Path, start_chuck: Start) -> None:
    with (
        on_stage(tmp_path, SteppedModel()) as stage,
        start_chuck(stage.osc.address[1], find_free_port(), bars=-4) as chuck,
    ):
        chuck.wait_for("acestepd: bars must be in 0..1024, got -4")


def test_every_note_on_the_prompt_is_said(tmp_path: Path, start_chuck: Start) -> None:
    with (
        on_stage(tmp_path, SteppedModel()) as stage,
        start_chuck(stage.osc.address[1], find_free_port(), NOTED_PROMPT) as chuck,
    ):
        chuck.wait_for(f"acestepd: {TEMPO_NOTE}, and bpm 150 was given: it is 150")
        chuck.wait_for(f"acestepd: {KEY_NOTE}")
