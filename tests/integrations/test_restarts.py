"""Programs of one file, in front of which the daemon goes and comes."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from tests.integrations.conftest import Start
from tests.support.harness import SteppedModel
from tests.support.junk import make_junk
from tests.support.relay import Relay, find_free_port
from tests.support.stage import on_stage


@pytest.mark.long
@pytest.mark.parametrize("name", ["csound", "chuck"])
def test_it_survives_junk_and_a_daemon_that_goes_and_comes(
    name: str, tmp_path: Path, relay: Relay, request: pytest.FixtureRequest
) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    start: Start = request.getfixturevalue(f"start_{name}")
    listen = find_free_port()
    with start(relay.port, listen) as program:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for datagram in make_junk(10_000):
                stranger.sendto(datagram, ("127.0.0.1", listen))
        program.wait_for("acestepd: no answer")
        for times in (1, 2):
            with on_stage(tmp_path, SteppedModel()) as stage:
                relay.target = stage.osc.address
                program.wait_for("acestepd: it answers", times)
                program.wait_for(".wav")  # what it asked for before anybody was there
                relay.target = None
            program.wait_for("acestepd: no answer", times + 1)
    assert len(list((tmp_path / "out").glob("*.wav"))) == 1
