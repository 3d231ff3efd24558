"""The daemon as a process of its own, as a musician starts and stops it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.osc_client import OscClient


@contextmanager
def started(out: Path, *flags: str) -> Iterator[tuple[subprocess.Popen[str], OscClient]]:
    command = [
        sys.executable,
        "-m",
        "daemon",
        "--model",
        "mini",
        "--port",
        "0",
        "--out",
        str(out),
        *flags,
    ]
    environment = os.environ | {"HOME": str(out.parent)}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    assert process.stdout
    try:
        for line in process.stdout:
            if found := re.search(r"OSC in\s+UDP 127\.0\.0\.1:(\d+)", line):
                break
        else:
            pytest.fail(f"the daemon ended with {process.wait()}")
        with closing(OscClient(("127.0.0.1", int(found[1])))) as client:
            yield process, client
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_leaves_nothing_half_written_and_the_next_daemon_goes_on(
    tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    with started(out) as (process, client):
        client.send("/ace/generate", "done", "prompt", "done", "seconds", 1)
        client.until("/ace/finished", "done")
        client.send("/ace/generate", "running", "prompt", "x", "seconds", 60)
        client.until("/ace/progress", "running")
        client.send("/ace/generate", "waiting", "prompt", "x", "seconds", 1)
        client.until("/ace/queued", "waiting")
        process.send_signal(number)
        assert process.wait(60) == 0
    assert sorted(path.suffix for path in out.iterdir()) == [".json", ".wav"]
    with started(out) as (process, client):
        client.send("/ace/notify", 1)
        finished = [
            values[0]
            for address, values in client.until("/ace/finished", "waiting")
            if "finished" in address
        ]
    assert finished == ["running", "waiting"]
    assert sorted(path.suffix for path in out.iterdir()) == [".json"] * 3 + [".wav"] * 3


def test_a_signal_while_the_model_loads_ends_it_too(tmp_path: Path) -> None:
    with started(tmp_path / "out") as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_a_signal_ends_it_although_the_model_never_finishes_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = socket.create_server(("127.0.0.1", 0))  # takes the call and never answers
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.getsockname()[1]}")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    with hub, started(tmp_path / "out", "--model", "ACE-Step/Ace-Step1.5") as (process, client):
        assert client.ask("/ace/status")[1][0] == "loading"
        assert client.ask("/ace/generate", "early", "prompt", "x")[0] == "/ace/queued"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_the_screen_says_what_to_send_and_which_voice_plays(tmp_path: Path) -> None:
    with started(tmp_path / "out") as (process, client):
        client.ask("/ace/ping")
        process.send_signal(signal.SIGTERM)
        assert process.stdout
        rest = process.stdout.read()
    assert "/ace/go ssfi take1" in rest
    assert "/ace/notify 1" in rest


def test_a_second_daemon_on_the_same_port_refuses_politely(tmp_path: Path) -> None:
    with started(tmp_path / "out") as (_, client):
        command = [
            sys.executable,
            "-m",
            "daemon",
            "--model",
            "mini",
            "--out",
            str(tmp_path),
            "--port",
        ]
        second = subprocess.run(
            [*command, str(client._server[1])], capture_output=True, text=True, check=False
        )
    assert second.returncode == 2
    assert "is acestepd running already? Choose another port" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_folder_that_cannot_be_written_is_said_before_anything_loads(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [
        sys.executable,
        "-m",
        "daemon",
        "--model",
        "mini",
        "--port",
        "0",
        "--out",
        str(tmp_path / "file" / "x"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cannot write into" in done.stderr
    assert "--out" in done.stderr
