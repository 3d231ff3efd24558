"""What `acestepd doctor` says of the things that settings ask for; the rest of it is in
test_cli.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import platform
import re
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon import midi
from daemon.cli import client, doctor
from daemon.cli import install as services
from daemon.integrations import installer
from daemon.integrations.catalogue import CATALOGUE
from daemon.integrations.clients import HEARD
from daemon.integrations.installer import Installation
from daemon.integrations.places import Machine
from daemon.osc.wire import Address, Message
from daemon.runtime import lock
from daemon.runtime.launchd import LOG_VARIABLE
from daemon.runtime.lock import StateLock
from daemon.service import Daemon
from daemon.settings import Midi, Settings, SettingsError, Watch
from tests.support.hub import FakeHub
from tests.support.planners import make_planned_root
from tests.support.relay import find_free_port
from tests.support.stage import on_stage


def run_check(name: str, settings: Settings) -> str:
    """Verdict, finding and advice of one check, as it is asked for by these settings."""
    finding = dict(doctor.list_checks(settings))[name](settings)
    return " ".join(finding).strip()


def test_only_what_is_asked_for_is_checked() -> None:
    assert [name for name, _ in doctor.list_checks(Settings())] == list(doctor.CHECKS)
    watch = (Watch(Path("/lyrics")), Watch(Path("/verses")))
    names = [
        name
        for name, _ in doctor.list_checks(
            Settings(watch=watch, tcp=0, link=True, discovery=True, midi_clock="DAW")
        )
    ]
    assert names[len(doctor.CHECKS) :] == ["watch", "watch", "tcp", "link", "discovery", "midi"]


def test_a_watched_folder_must_be_readable_and_its_output_writable(tmp_path: Path) -> None:
    (tmp_path / "lyrics").mkdir()
    (tmp_path / "file").touch()
    assert run_check("watch", Settings(watch=(Watch(tmp_path / "lyrics"),))) == (
        f"ok {tmp_path}/lyrics, its takes land in {tmp_path}/lyrics/takes"
    )
    assert "is not there make it" in run_check(
        "watch", Settings(watch=(Watch(tmp_path / "absent"),))
    )
    with pytest.raises(SettingsError, match="cannot write into"):
        run_check("watch", Settings(watch=(Watch(tmp_path / "lyrics", tmp_path / "file" / "x"),)))


@pytest.mark.parametrize("name", [".inbox", ".sources"])
def test_folders_of_its_own_must_be_its_own(tmp_path: Path, name: str) -> None:
    settings = Settings(out=tmp_path / "out")
    assert run_check("folder", settings).startswith(f"ok {tmp_path}/out is writable, ")
    (tmp_path / "out" / name).symlink_to(tmp_path)
    assert run_check("folder", settings) == (
        f"note {tmp_path}/out/{name} cannot be used: it is a link, or no folder "
        "move it away: acestepd makes its own"
    )


def test_a_planner_is_found_or_the_command_that_fetches_it(tmp_path: Path, hub: FakeHub) -> None:
    root = str(make_planned_root(tmp_path / "root"))
    assert (
        run_check("planner", Settings(model=root))
        == f"ok acestep-5Hz-lm-0.6B in {root}/acestep-5Hz-lm-0.6B"
    )
    missing = run_check("planner", Settings(model=root, planner="4B"))
    assert "WRONG" in missing
    assert "run: acestepd pull --planner 4B" in missing
    assert run_check("planner", Settings(model="mini")) == "ok mini needs none"
    (tmp_path / "root" / "acestep-5Hz-lm-0.6B" / "config.json").unlink()
    alone = run_check("planner", Settings(model=root))
    assert "note" in alone
    assert "run: acestepd pull --planner 1.7B" in alone


def test_a_tcp_port_must_be_free(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(tcp=taken.getsockname()[1], state=tmp_path)
        assert run_check("tcp", settings).startswith(
            f"WRONG TCP 127.0.0.1:{settings.tcp}: Address already in use"
        )
    assert run_check("tcp", settings) == f"ok TCP 127.0.0.1:{settings.tcp} is free"


def test_a_state_folder_is_free_or_a_daemons(
    tmp_path: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "TRIES", 1)
    assert (
        run_check("state", Settings(state=tmp_path))
        == f"ok {tmp_path} is writable, and no daemon uses it"
    )
    assert re.match(
        rf"ok {daemon.settings.state} is used by acestepd .* process {os.getpid()}",
        run_check("state", daemon.settings),
    )
    with StateLock(tmp_path), pytest.raises(SettingsError, match=f"process {os.getpid()}"):
        run_check("state", Settings(state=tmp_path))


def test_a_check_that_fails_is_a_finding_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(settings: Settings) -> doctor.Finding:
        raise SettingsError("this cannot be")

    def crash(settings: Settings) -> doctor.Finding:
        raise KeyError("a bug")

    monkeypatch.setattr(doctor, "CHECKS", {"one": refuse, "two": crash})
    assert doctor.doctor(Settings(state=tmp_path)) == 1
    assert capsys.readouterr().out.splitlines() == [
        "WRONG  one      this cannot be",
        "WRONG  two      KeyError: 'a bug'",
    ]


def test_midi_says_which_ports_there_are_or_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings(midi_clock="daw")
    monkeypatch.setenv("MIDO_BACKEND", "no_such_library")
    with pytest.raises(SettingsError, match="MIDI ports need a library"):
        run_check("midi", settings)
    monkeypatch.setattr(midi, "load_backend", lambda: None)
    for names, answer in (
        (["My DAW 1", "Pads"], "ok MIDI clock from My DAW 1"),
        (["Pads"], "note no MIDI input is called 'daw' now midi_clock may name one of: Pads"),
        ([], "note no MIDI input is called 'daw' now midi_clock may name one of: none"),
        (None, "WRONG no MIDI system answers"),
    ):
        monkeypatch.setattr(midi, "list_inputs", lambda _, names=names: names)
        assert run_check("midi", settings).startswith(answer)


def test_pads_say_which_ports_are_played_and_with_which_profile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings(midi=Midi(ports=("launchpad", "mpd")))
    monkeypatch.setattr(midi, "load_backend", lambda: None)
    for names, answer in (
        (["Launchpad X LPX MIDI", "Launchpad X LPX DAW", "Piano", "MPD218"],
         "ok pads on Launchpad X LPX MIDI (launchpad-x), MPD218 (generic)"),
        (["Piano"], "note no MIDI input is one of [midi] ports now ports may name parts of: Piano"),
    ):  # fmt: skip
        monkeypatch.setattr(midi, "list_inputs", lambda _, names=names: names)
        assert run_check("pads", settings).startswith(answer)
    monkeypatch.setattr(midi, "list_inputs", lambda _: None)
    assert run_check("pads", settings).startswith("WRONG no MIDI system answers")


def test_the_daemon_that_runs_is_asked_which_midi_inputs_it_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(midi, "list_inputs", lambda _: None)  # here there is no MIDI system
    seen: midi.PortNames | None = midi.PortNames(["MPD218", "Piano"], [])
    monkeypatch.setattr(midi.PORT_WATCHER, "wait_for_ports", lambda timeout: seen)
    with on_stage(tmp_path, midi=Midi(ports=("mpd",)), midi_clock="piano") as stage:
        settings = stage.settings
        assert run_check("pads", settings) == "ok pads on MPD218 (generic)"
        assert run_check("midi", settings) == "ok MIDI clock from Piano"
        assert "can read its 2 folders" in run_check("service", settings)
        seen = None
        assert run_check("pads", settings).startswith("WRONG no MIDI system answers")
        assert "can read its 2 folders" in run_check("service", settings)


def test_link_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aalink", None)
    with pytest.raises(SettingsError, match="link needs a library"):
        run_check("link", Settings(link=True))


# --- what macOS protects, and the service ---------------------------------------------------------


@contextmanager
def protected(folder: Path) -> Iterator[None]:
    """As macOS keeps a program from a folder that nobody has allowed it."""

    def refuse(path: str | Path) -> Any:
        if Path(path) == folder:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))
        return scandir(path)

    scandir = os.scandir
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform, "system", lambda: "Darwin")
        patch.setattr(os, "scandir", refuse)
        yield


def test_a_folder_that_macos_protects_says_where_the_switch_is(tmp_path: Path) -> None:
    songs = tmp_path / "Documents" / "songs"
    songs.mkdir(parents=True)
    settings = Settings(out=tmp_path, state=tmp_path / "state", watch=(Watch(songs),))
    assert run_check("access", settings).startswith("ok 4 folders can be read")
    with protected(songs):
        said = run_check("access", settings)
    assert said.startswith(f"WRONG watch: {songs}: Operation not permitted ")
    assert "Privacy & Security > Files and Folders" in said
    assert "the terminal that you start acestepd from" in said
    assert "move the folder" in said


def test_the_daemon_that_runs_is_asked_what_it_may_read(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_check("service", daemon.settings) == (
        "ok the acestepd that runs can read its 3 folders"
    ), "out, state and the model's"
    monkeypatch.setenv(LOG_VARIABLE, "log")  # it is launchd's, which asks about another program
    with protected(daemon.settings.out):
        said = run_check("service", daemon.settings)
    assert said.startswith(f"WRONG out: {daemon.settings.out}: Operation not permitted ")
    assert os.path.realpath(sys.executable) in said
    assert "Full Disk Access" in said


def test_an_older_daemon_that_runs_does_not_know_the_question(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = client.ask  # it refuses any address that it does not know

    def ask_older(server: Address, question: client.Question, **more: Any) -> Iterator[Message]:
        return ask(server, ("/ace/of/tomorrow",), **more)

    monkeypatch.setattr(client, "ask", ask_older)
    assert run_check("service", daemon.settings) == (
        "note the acestepd that runs is another version start it again"
    )


@pytest.mark.parametrize("manager", ["launchctl", "systemctl"])
def test_a_service_that_does_not_run_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manager: str
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("HOME", str(tmp_path / "home $ 100%"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    settings = Settings(state=tmp_path / "state", port=find_free_port())
    none = "ok no acestepd runs, so none was asked"
    assert run_check("service", settings) == none
    (programs / manager).touch()
    (programs / manager).chmod(0o755)
    assert run_check("service", settings) == none
    service = services.choose_service()
    service.path.parent.mkdir(parents=True)
    program = tmp_path / "home $ 100%" / "acestepd"
    service.path.write_bytes(service.describe([str(program)], {}))
    assert run_check("service", settings).startswith(
        f"WRONG {service.path} starts {program}, which is not there"
    )
    program.touch()
    program.chmod(0o755)
    assert run_check("service", settings).startswith(
        "note the service is installed, and does not run see "
    )
    service.path.write_bytes(b"<broken")
    with pytest.raises(SettingsError, match="install it again"):
        run_check("service", settings)


def test_a_mac_that_is_shared_with_a_daw_gets_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_read_memory", lambda: 16 * 2**30)
    real = str(make_planned_root(tmp_path / "root"))
    said = run_check("memory", Settings(model=real))
    assert said.startswith("note 16 GB, with ")
    assert "memory_gb = 8 and idle_unload = 10 (minutes)" in said
    assert "bits = 8" in said
    assert "bits" not in run_check("memory", Settings(model=real, bits=8)).split("note")[1]
    assert run_check("memory", Settings(model="mini")) == "ok 16 GB"
    settled = Settings(model=real, memory_gb=6, idle_unload=5)
    assert run_check("memory", settled) == "ok 16 GB"
    monkeypatch.setattr(doctor, "_read_memory", lambda: 32 * 2**30)
    assert run_check("memory", Settings(model=real)) == "ok 32 GB"


# --- integrations ---------------------------------------------------------------------------------


def install(state: Path, name: str, to: Path) -> Installation:
    [one] = installer.install(CATALOGUE[name], state, Machine("Linux", to), to)
    return one


def test_only_what_was_installed_is_looked_after(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path / "state", port=find_free_port())
    install(settings.state, "folder", tmp_path / "to")
    install(settings.state, "live", tmp_path / "to")
    names = [name for name, _ in doctor.list_checks(settings)]
    assert names[len(doctor.CHECKS) :] == ["folder", "live", "inserting"]
    assert run_check("folder", settings) == f"ok in {tmp_path}/to", "a page is never heard"


def test_a_record_that_is_broken_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / installer.RECORD).write_text("{")
    [*_, (name, check)] = doctor.list_checks(Settings(state=tmp_path))
    assert name == "programs"
    with pytest.raises(SettingsError, match="move it away, and install again"):
        check(Settings(state=tmp_path))


def test_a_program_that_was_never_heard_gets_the_clicks_that_are_left(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path / "state", port=find_free_port())
    install(settings.state, "live", tmp_path / "to")
    finding = run_check("live", settings)
    assert finding.startswith(f"note in {tmp_path}/to, and never heard")
    assert "Control Surface: acestepd" in finding
    (settings.state / HEARD).write_text(json.dumps({"live": time.time() - 7300}))
    assert run_check("live", settings) == f"ok in {tmp_path}/to, heard 2 h ago"


def test_an_installation_that_is_gone_edited_or_old_is_said(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path / "state", port=find_free_port())
    install(settings.state, "live", tmp_path / "to")
    record = settings.state / installer.RECORD
    edited = tmp_path / "to" / "acestepd" / "__init__.py"
    edited.write_text("mine")
    finding = run_check("live", settings)
    assert finding.startswith(f"note in {tmp_path}/to; edited or removed since: acestepd/__init__")
    digest = hashlib.sha256(b"mine").hexdigest()
    rows = json.loads(record.read_text())
    rows[0]["files"]["acestepd/__init__.py"] = digest
    record.write_text(json.dumps(rows))
    assert "of another version of acestepd acestepd integrations install live" in run_check(
        "live", settings
    )
    rows[0]["pending"] = rows[0]["files"]
    record.write_text(json.dumps(rows))
    assert run_check("live", settings) == (
        f"note in {tmp_path}/to; installing it was cut off acestepd integrations install live"
    )
    shutil.rmtree(tmp_path / "to")
    assert run_check("live", settings).startswith(f"WRONG {tmp_path}/to is gone")


def test_who_is_connected_is_asked_of_the_daemon_that_runs(tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, closing(stage.client()) as one:
        install(stage.settings.state, "live", tmp_path / "to")
        assert run_check("inserting", stage.settings) == "ok nobody is there now"
        one.send("/ace/notify", 1, 0, "clip insert", "live")
        one.until("/ace/done")
        told = run_check("live", stage.settings)
        assert re.fullmatch(r"ok in \S+/to, heard \d s ago", told), (
            "on a busy machine it takes some"
        )
        assert run_check("inserting", stage.settings) == "ok live gets the clips"
        with closing(stage.client()) as other:
            other.send("/ace/notify", 1, 0, "clip insert", "reaper")
            other.until("/ace/done")
            assert run_check("inserting", stage.settings) == (
                "note live, reaper are there: live gets the clips "
                'choose in the settings, like insert_to = "reaper"'
            )
            settings = dataclasses.replace(stage.settings, insert_to="reaper")
            assert run_check("inserting", settings) == "ok reaper gets the clips"
            nobody = dataclasses.replace(stage.settings, insert_to="")
            assert run_check("inserting", nobody).startswith("note nobody gets clips by itself")


def test_nobody_is_told_to_install_a_library_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.device.measure_matmul", lambda: 7.0)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    for loaded in (True, False):
        monkeypatch.setattr("pipeline.blas.is_loaded", lambda loaded=loaded: loaded)
        said = run_check("BLAS", Settings())
        assert "7 GFLOP/s" in said
        assert ("pip install mkl" in said) is not loaded
