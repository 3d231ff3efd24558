"""Who has one machine pays nothing for those who have several."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from daemon import service
from daemon.cli import doctor
from daemon.cli.main import main
from daemon.settings import SettingsError, from_values

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from pathlib import Path
import daemon.cli.commands, daemon.cli.demo, daemon.cli.doctor, daemon.cli.main, daemon.cli.run
from daemon.service import Daemon
from daemon.settings import Settings
folder = Path(sys.argv[1])
with Daemon(Settings(port=0, page=-1, out=folder / "out", state=folder / "state", model="mini")):
    pass
print(*(name for name in ("dask", "distributed", "tornado", "psutil") if name in sys.modules))
"""


def test_a_daemon_without_a_scheduler_imports_nothing_of_dask(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


def test_whoever_has_not_got_the_extra_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(service, "find_spec", lambda name: None)
    state = ("--state", str(tmp_path / "state"))
    for arguments in (
        ("worker", "tcp://127.0.0.1:8786", *state),
        ("cluster", "tcp://127.0.0.1:8786", *state),
        ("demo", "--workers", "2"),
    ):
        assert main(arguments) == 2
        said = capsys.readouterr()
        assert "pip install 'acestepd[cluster]'" in said.err
        assert not said.out, "nothing was begun"
    settings = from_values(
        {
            "port": 0,
            "page": -1,
            "out": str(tmp_path / "out"),
            "state": str(tmp_path / "state"),
            "model": "mini",
            "cluster": {"scheduler": "auto"},
        }
    )
    with pytest.raises(SettingsError, match=r"pip install 'acestepd\[cluster\]'"):
        service.Daemon(settings)
    verdict, _, hint = dict(doctor.list_checks(settings))["cluster"](settings)
    assert verdict == doctor.WRONG, "although this machine makes takes, too"
    assert "does not start" in hint


@pytest.mark.parametrize("command", ["worker", "cluster"])
def test_it_has_the_options_that_say_something_of_it_and_no_others(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    options = set(re.findall(r"--[a-z]+", capsys.readouterr().out.partition("\noptions:")[2]))
    own = {"worker": {"--name"}, "cluster": {"--json"}}[command]
    assert options == own | set("--help --settings --state --model --variant --insecure".split())


@pytest.mark.parametrize("command", ["worker", "cluster"])
def test_another_machine_without_tls_is_refused(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ("--state", str(tmp_path / "state"), "--model", "mini")
    assert main([command, "tcp://192.0.2.1:8786", *state]) == 2
    said = capsys.readouterr().err
    assert "tcp://192.0.2.1:8786 is another machine" in said
    assert "insecure = true" in said


def test_a_daemon_does_not_listen_for_others_without_tls(tmp_path: Path) -> None:
    settings = from_values(
        {
            "port": 0,
            "page": -1,
            "out": str(tmp_path / "out"),
            "state": str(tmp_path / "state"),
            "model": "mini",
            "cluster": {"scheduler": "auto", "listen": "tcp://0.0.0.0:0"},
        }
    )
    with pytest.raises(SettingsError, match="is another machine"):
        service.Daemon(settings)


def test_no_scheduler_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ("--state", str(tmp_path / "state"), "--model", "mini")
    assert main(["cluster", *state]) == 2
    assert "which cluster?" in capsys.readouterr().err
