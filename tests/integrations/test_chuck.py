"""The file in a real ChucK, on a JACK that plays nowhere, beside a real daemon."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from daemon.service import Daemon
from tests.support.harness import SteppedModel
from tests.support.jack import Jack
from tests.support.relay import Relay, find_free_port, make_junk
from tests.support.running_program import RunningProgram
from tests.support.stage import on_stage

FILE = Path(__file__).parents[2] / "integrations" / "chuck" / "acestepd.ck"

pytestmark = pytest.mark.skipif(shutil.which("chuck") is None, reason="chuck is not installed")

Start = Callable[..., RunningProgram]


@pytest.fixture
def start_chuck(jack_server: Jack, tmp_path: Path) -> Start:
    """start_chuck(prompt, bars, bpm, seed, port, listen)"""

    def start(*arguments: object) -> RunningProgram:
        code = ":".join([str(FILE), *(str(each) for each in arguments)])
        command = ("stdbuf", "-o0", "-e0", "chuck", "--in:0", code)
        return RunningProgram(*command, environment=jack_server.environment, folder=tmp_path)

    return start


def test_it_asks_waits_and_plays(spaced: Daemon, start_chuck: Start) -> None:
    prompt = "wärm lo-fi, key of the 80s; slow"
    port, listen = spaced.osc.address[1], find_free_port()
    with start_chuck(prompt, 1, 150, 7, port, listen) as chuck:
        said, _, samples = chuck.wait_for("playing").partition(", samples: ")
    path = Path(said.partition("playing ")[2])
    request = json.loads(path.with_suffix(".json").read_text("utf-8"))["request"]
    assert request["prompt"] == prompt
    assert request["seed"] == 7
    assert soundfile.info(path).frames == int(samples) == 4 * 60 * 48_000 // 150


def test_errors_are_said_with_their_hint(tmp_path: Path, start_chuck: Start) -> None:
    with (
        on_stage(tmp_path, SteppedModel()) as stage,
        start_chuck("tape", -4, 150, 7, stage.osc.address[1], find_free_port()) as chuck,
    ):
        chuck.wait_for("acestepd: bars must be in 0..1024, got -4")


@pytest.mark.long
def test_it_survives_junk_and_a_daemon_that_goes_and_comes(
    tmp_path: Path, relay: Relay, start_chuck: Start
) -> None:
    listen = find_free_port()
    with start_chuck("tape", 1, 150, 7, relay.port, listen) as chuck:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for datagram in make_junk(10_000):
                stranger.sendto(datagram, ("127.0.0.1", listen))
        chuck.wait_for("acestepd: no answer")
        for times in (1, 2):
            with on_stage(tmp_path, SteppedModel()) as stage:
                relay.target = stage.osc.address
                chuck.wait_for("acestepd: it answers", times)
                chuck.wait_for(".wav")  # what it asked for before anybody was there
                relay.target = None
            chuck.wait_for("acestepd: no answer", times + 1)
    assert len(list((tmp_path / "out").glob("*.wav"))) == 1
