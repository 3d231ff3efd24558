"""The daemon as a process of its own, as a musician starts and stops it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.daemon_process import started
from tests.support.osc_client import SHORT

LONG_RUNNING = ("prompt", "x", "seconds", 1, "num_steps", 20)  # many steps, but few frames


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_leaves_nothing_half_written_and_the_next_daemon_goes_on(
    tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    with started(out) as (daemon, client):
        client.send("/ace/generate", "done", *SHORT)
        client.until("/ace/finished", "done")
        client.send("/ace/generate", "running", *LONG_RUNNING)
        client.until("/ace/progress", "running")
        client.send("/ace/generate", "waiting", *SHORT)
        client.until("/ace/queued", "waiting")
        daemon.process.send_signal(number)
        assert daemon.process.wait(60) == 0
    assert sorted(path.suffix for path in out.glob("[!.]*")) == [".json", ".wav"]
    with started(out) as (daemon, client):
        client.send("/ace/notify", 1)
        finished = [
            values[0]
            for address, values in client.until("/ace/finished", "waiting")
            if "finished" in address
        ]
    assert finished == ["running", "waiting"]
    assert sorted(path.suffix for path in out.glob("[!.]*")) == [".json"] * 3 + [".wav"] * 3


@pytest.mark.long
def test_a_signal_while_the_model_loads_ends_it_too(tmp_path: Path) -> None:
    with started(tmp_path / "out") as (daemon, _):
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(60) == 0


@pytest.mark.long
def test_a_signal_ends_it_although_the_model_never_finishes_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = socket.create_server(("127.0.0.1", 0))  # takes the call and never answers
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.getsockname()[1]}")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    with hub, started(tmp_path / "out", model="ACE-Step/Ace-Step1.5") as (daemon, client):
        assert client.ask("/ace/status")[1][0] == "loading"
        client.send("/ace/generate", "early", "prompt", "x")
        client.until("/ace/queued")
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(60) == 0


def test_a_second_daemon_on_the_same_port_refuses_politely(tmp_path: Path) -> None:
    with started(tmp_path / "out") as (daemon, _):
        command = [sys.executable, "-m", "daemon", "--model", "mini", "--out", str(tmp_path)]
        second = subprocess.run(
            [*command, "--port", str(daemon.port)], capture_output=True, text=True, check=False
        )
    assert second.returncode == 2
    assert "is acestepd running already? Choose another port" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_folder_that_cannot_be_written_is_said_before_anything_loads(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "daemon", "--model", "mini", "--port", "0", "--page", "-1"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "file" / "x")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "cannot write into" in done.stderr
    assert "--out" in done.stderr
