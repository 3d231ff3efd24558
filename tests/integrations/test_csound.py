"""The file in a real Csound, without a sound card, beside a real daemon."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest
import soundfile

from daemon.service import Daemon
from tests.support.harness import SteppedModel
from tests.support.relay import Relay, find_free_port, make_junk
from tests.support.running_program import RunningProgram
from tests.support.stage import on_stage

FILE = Path(__file__).parents[2] / "integrations" / "csound" / "acestepd.csd"

pytestmark = pytest.mark.skipif(shutil.which("csound") is None, reason="csound is not installed")


def start_csound(folder: Path, port: int, listen: int, **macros: object) -> RunningProgram:
    """In real time, and what it plays goes nowhere."""
    given = {"PORT": port, "LISTEN": listen, "BARS": 1, "BPM": 150} | macros
    flags = [f"--omacro:{name}={value}" for name, value in given.items()]
    # unbuffered: its lines are wanted while it runs
    command = ["stdbuf", "-o0", "-e0", "csound", "-+rtaudio=null", *flags, str(FILE)]
    return RunningProgram(*command, folder=folder)


def test_it_asks_waits_and_plays(spaced: Daemon, tmp_path: Path) -> None:
    port, listen = spaced.osc.address[1], find_free_port()
    wish = {"PROMPT": "wärm lo-fi, key of the 80s; slow", "LYRICS": "[verse]\\nHöld, on", "SEED": 7}
    with start_csound(tmp_path, port, listen, **wish) as csound:
        path = Path(csound.wait_for("playing").partition("playing ")[2])
    request = json.loads(path.with_suffix(".json").read_text("utf-8"))["request"]
    assert request["prompt"] == wish["PROMPT"]
    assert request["lyrics"] == "[verse]\nHöld, on"
    assert request["seed"] == 7
    assert soundfile.info(path).frames == 4 * 60 * 48_000 // 150
    assert "rror:" not in csound.text


def test_errors_are_said_with_their_hint_and_end_it(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path, SteppedModel()) as stage,
        start_csound(tmp_path, stage.osc.address[1], find_free_port(), BARS=-4) as csound,
    ):
        csound.wait_for("acestepd: bars must be in 0..1024, got -4")
        csound.wait()


@pytest.mark.long
def test_it_survives_junk_and_a_daemon_that_goes_and_comes(tmp_path: Path, relay: Relay) -> None:
    listen = find_free_port()
    with start_csound(tmp_path, relay.port, listen) as csound:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for datagram in make_junk(10_000):
                stranger.sendto(datagram, ("127.0.0.1", listen))
        csound.wait_for("acestepd: no answer")
        for times in (1, 2):
            with on_stage(tmp_path, SteppedModel()) as stage:
                relay.target = stage.osc.address
                csound.wait_for("acestepd: it answers", times)
                csound.wait_for(".wav")  # what it asked for before anybody was there
                relay.target = None
            csound.wait_for("acestepd: no answer", times + 1)
    assert len(list((tmp_path / "out").glob("*.wav"))) == 1
