"""What the terminal shows when `acestepd` starts, run as a musician runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from daemon import VERSION, midi
from daemon.runtime.lock import read_holder
from tests.support.daemon_process import DaemonProcess, started
from tests.support.jack import Jack
from tests.support.osc_client import OscClient
from tests.support.waiting import until


@contextmanager
def running(
    folder: Path, settings: str = "", model: str = ""
) -> Iterator[tuple[DaemonProcess, OscClient]]:
    file = folder / "settings.toml"
    file.write_text(settings)
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub")}
    with started(folder / "out", "--settings", str(file), model=model, environment=environment) as (
        daemon,
        client,
    ):
        yield daemon, client


def labels(screen: list[str]) -> list[str]:
    """What the lines are about."""
    return [line[2:10].strip() for line in screen if line.startswith("  ") and line[2] != " "]


def text_of(screen: list[str], label: str) -> list[str]:
    """The lines about this."""
    start = next(n for n, line in enumerate(screen) if line.startswith(f"  {label:8} "))
    lines = [screen[start][11:]]
    for line in screen[start + 1 :]:
        if not line.startswith(" " * 11):
            break
        lines.append(line[11:])
    return lines


def test_it_shows_how_a_worker_joins_where_others_make_the_takes(tmp_path: Path) -> None:
    cluster = '[cluster]\nscheduler = "tcp://127.0.0.1:9"\nlocal = false\n'
    with running(tmp_path, cluster, model="mini") as (daemon, client):
        client.ask("/ace/ping")
        daemon.stop()
    assert text_of(daemon.screen, "workers") == ["one joins with acestepd worker tcp://127.0.0.1:9"]
    assert "waits until one is there" in text_of(daemon.screen, "model")[0]


def test_it_shows_what_a_musician_needs_in_order_and_nothing_above_it(tmp_path: Path) -> None:
    with running(tmp_path, model="mini") as (daemon, client):
        client.ask("/ace/ping")
        log = daemon.stop()
    screen = daemon.screen
    assert screen[0] == f"acestepd {VERSION} is ready"
    assert labels(screen) == ["model", "clips", "OSC in", "tempo", "try"]
    assert text_of(screen, "model")[0].startswith("mini")
    assert "twenty styles, in tempo and in key" in text_of(screen, "model")[1]
    assert text_of(screen, "clips") == [str(tmp_path / "out")]
    assert text_of(screen, "OSC in")[0] == f"UDP 127.0.0.1:{daemon.port}"
    assert "/ace/notify 1 9101" in text_of(screen, "OSC in")[1]
    assert text_of(screen, "tempo") == ["120 bpm until you say another: /ace/tempo 98"]
    example = f'oscsend 127.0.0.1 {daemon.port} /ace/go ssfi take1 "warm lo-fi beat" 4 7'
    assert text_of(screen, "try") == [example]
    assert screen[-1] == "Stop with Ctrl-C."
    assert all(len(line) <= 120 for line in screen)
    assert not [line for line in log if " pad " in line or "in force" in line]


def test_without_the_real_model_it_says_why_and_how_to_get_it(tmp_path: Path) -> None:
    with running(tmp_path, model="auto") as (daemon, _):
        name, voice, reason = text_of(daemon.screen, "model")
    assert name.startswith("mini")
    assert "it sings with a plain singer" in voice
    assert "is not on this machine" in reason
    assert "run: acestepd pull" in reason


def test_watched_folders_are_shown_and_what_is_followed(tmp_path: Path) -> None:
    watches = "".join(f'[[watch]]\nfolder = "{tmp_path / name}"\n' for name in ("songs", "loops"))
    with running(tmp_path, f"tcp = 0\n{watches}") as (daemon, _):
        screen = daemon.screen
    assert labels(screen) == ["model", "clips", "OSC in", "watched", "tempo", "try"]
    assert text_of(screen, "watched") == [str(tmp_path / "songs"), str(tmp_path / "loops")]
    assert ", TCP " in text_of(screen, "OSC in")[0]


@pytest.mark.long
def test_midi_controllers_and_the_clock_that_are_found_are_shown(
    tmp_path: Path, jack: Jack
) -> None:
    backend = midi.load_backend()
    settings = 'midi_clock = "drum machine"\n[midi]\nports = ["launchpad", "virtual"]'
    with ExitStack() as ports:
        for name in ("Launchpad X LPX MIDI", "Drum Machine"):
            ports.enter_context(closing(backend.open_output(name, virtual=True)))
        with running(tmp_path, settings) as (daemon, _):
            pads, found = text_of(daemon.screen, "MIDI")
            tempo = text_of(daemon.screen, "tempo")
            ports.close()  # JACK takes long to close them once who was connected has gone
    assert labels(daemon.screen) == ["model", "clips", "OSC in", "MIDI", "tempo", "try"]
    assert pads.startswith("pads on ")
    assert "Launchpad X LPX MIDI" in pads
    assert "(launchpad-x)" in pads
    assert "a port of our own called acestepd" in pads
    assert found.startswith("clock from ")
    assert "Drum Machine" in found
    assert tempo == ["120 bpm until MIDI clock says another, or you: /ace/tempo 98"]


@pytest.mark.long
def test_midi_that_is_not_there_is_said(tmp_path: Path, jack: Jack) -> None:
    with running(tmp_path, 'midi_clock = "drums"\n[midi]\nports = ["launchpad"]') as (daemon, _):
        pads, clock = text_of(daemon.screen, "MIDI")
    assert pads.startswith("no input is one of [midi] ports yet; there are: ")
    assert clock.startswith("no input is called 'drums' yet; there are: ")


@pytest.mark.long
def test_pads_are_told_when_they_change_and_not_before(tmp_path: Path) -> None:
    with running(tmp_path, "prepare_mb = 0") as (daemon, client):
        client.ask("/ace/set/prompt", "warm lo-fi beat")
        client.ask("/ace/set/seconds", 0.5)
        client.ask("/ace/set/num_steps", 1)
        client.send("/ace/pad/hit", 3)
        client.until("/ace/finished")
        log = "\n".join(daemon.stop())
    assert " pad 3 queued" in log
    assert " pad 3 ready" in log
    for number in (*range(1, 3), *range(4, 17)):
        assert f" pad {number} " not in log


def test_a_quiet_one_shows_nothing_where_nothing_is_wrong(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "daemon", "--quiet", "--model", "mini", "--port", "0"]
    command += ["--page", "-1"]
    places = ["--out", str(tmp_path / "out"), "--state", str(tmp_path / "state")]
    with subprocess.Popen(
        [*command, *places],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"HOME": str(tmp_path)},
    ) as process:
        until(lambda: (holder := read_holder(tmp_path / "state")) and holder.port)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    assert output == ""
