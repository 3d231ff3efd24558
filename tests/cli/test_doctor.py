"""What `acestepd doctor` says of the things that settings ask for; the rest of it is in
test_cli.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path

import pytest

from daemon import midi
from daemon.cli import doctor
from daemon.runtime import lock
from daemon.runtime.lock import StateLock
from daemon.service import Daemon
from daemon.settings import Midi, Settings, SettingsError, Watch
from tests.support.hub import FakeHub
from tests.support.planners import make_planned_root


def run_check(name: str, settings: Settings) -> str:
    """Verdict, finding and advice of one check, as it is asked for by these settings."""
    finding = dict(doctor.list_checks(settings))[name](settings)
    return " ".join(finding).strip()


def test_only_what_is_asked_for_is_checked() -> None:
    assert [name for name, _ in doctor.list_checks(Settings())] == list(doctor.CHECKS)
    watch = (Watch(Path("/lyrics")), Watch(Path("/verses")))
    names = [
        name
        for name, _ in doctor.list_checks(Settings(watch=watch, tcp=0, link=True, midi_clock="DAW"))
    ]
    assert names[len(doctor.CHECKS) :] == ["watch", "watch", "tcp", "link", "midi"]


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
        monkeypatch.setattr(midi, "list_ports", lambda _, names=names: midi.PortNames(names, names))
        assert run_check("pads", settings).startswith(answer)
    monkeypatch.setattr(midi, "list_ports", lambda _: None)
    assert run_check("pads", settings).startswith("WRONG no MIDI system answers")


def test_link_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aalink", None)
    with pytest.raises(SettingsError, match="link needs a library"):
        run_check("link", Settings(link=True))
