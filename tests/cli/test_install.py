"""Services, installed into a home of the test's own with managers that only write down what they
are asked.
"""

from __future__ import annotations

import plistlib
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.cli import install
from tests.support.command_line import run_here

ROOT = Path(__file__).parents[2]
MANAGER = """#!/bin/sh
echo "$(basename "$0") $*" >> "{log}"
case "$*" in
    {refused}) echo "no such bus" >&2; exit 1;;
esac
"""


class Machine:
    """A home folder, and a PATH on which there is nothing but what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.programs = folder / "programs"
        self._log = folder / "asked"
        self.home.mkdir()
        self.programs.mkdir()
        for name in ("sh", "basename"):
            (self.programs / name).symlink_to(shutil.which(name) or name)
        self.more: dict[str, str] = {}

    def has(self, manager: str, refused: str = "nothing") -> None:
        program = self.programs / manager
        program.write_text(MANAGER.format(log=self._log, refused=refused))
        program.chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PYTHONPATH": str(ROOT),
            "PATH": str(self.programs),
            "HOME": str(self.home),
        } | self.more
        return run_here(self.home, *arguments, environment=environment)

    @property
    def calls(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []

    @property
    def files(self) -> list[Path]:
        return [path.relative_to(self.home) for path in self.home.rglob("*") if path.is_file()]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


UNIT = Path(".config/systemd/user/acestepd.service")
PLIST = Path("Library/LaunchAgents/local.acestepd.plist")


def command_of(unit: str) -> list[str]:
    [line] = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    return [
        word.replace("%%", "%").replace("$$", "$")
        for word in shlex.split(line.removeprefix("ExecStart="))
    ]


def test_systemd_gets_a_user_unit_and_starts_it(machine: Machine) -> None:
    machine.has("systemctl")
    done = machine.run("--port", "9200", "service", "install", "--out", "my $ 100% clips")
    assert done.returncode == 0, done.stderr
    assert machine.files == [UNIT]
    unit = (machine.home / UNIT).read_text()
    command = command_of(unit)
    flags = ["--quiet", "--port", "9200", "--out", str(machine.home / "my $ 100% clips")]
    assert command[-len(flags) :] == flags
    assert Path(command[0]).is_absolute()
    assert "RestartPreventExitStatus=2" in unit, "wrong settings are not tried again and again"
    assert machine.calls == [
        "systemctl --user show-environment",
        "systemctl --user daemon-reload",
        "systemctl --user enable acestepd.service",
        "systemctl --user restart acestepd.service",
    ]
    assert str(machine.home / UNIT) in done.stdout
    assert "loginctl enable-linger" in done.stdout


@pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="needs systemd-analyze: how systemd reads it"
)
def test_systemd_itself_finds_nothing_wrong_with_the_unit(machine: Machine, tmp_path: Path) -> None:
    machine.has("systemctl")
    machine.more = {"HF_HOME": '/music/50% "big" \\ drive'}
    machine.run("service", "install", "--out", "a b%c")
    command = ["systemd-analyze", "verify", "--user", "--man=no", str(machine.home / UNIT)]
    environment = {
        "PATH": "/usr/bin:/bin",
        "XDG_RUNTIME_DIR": str(tmp_path),
        "HOME": str(machine.home),
    }
    read = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert read.stderr == ""
    assert read.returncode == 0


def test_a_unit_goes_where_the_user_keeps_configuration(machine: Machine) -> None:
    machine.has("systemctl")
    machine.more = {"XDG_CONFIG_HOME": str(machine.home / "config")}
    assert machine.run("service", "install").returncode == 0
    assert machine.files == [Path("config/systemd/user/acestepd.service")]


def test_launchd_gets_an_agent_and_starts_it(machine: Machine) -> None:
    machine.has("launchctl", refused="print*")  # it is not loaded
    done = machine.run("service", "install", "--model", "mini")
    assert done.returncode == 0, done.stderr
    assert machine.files == [PLIST]
    agent = plistlib.loads((machine.home / PLIST).read_bytes())
    assert agent["Label"] == "local.acestepd"
    assert agent["ProgramArguments"][-3:] == ["--quiet", "--model", "mini"]
    assert agent["RunAtLoad"] is True
    assert agent["KeepAlive"] == {"SuccessfulExit": False}, (
        "after a crash, and not after it was stopped"
    )
    assert [line.split()[1] for line in machine.calls] == ["bootout", "print", "bootstrap"]
    assert machine.calls[-1].endswith(str(machine.home / PLIST))


def test_what_the_shell_says_about_models_and_midi_is_kept_for_the_service(
    machine: Machine,
) -> None:
    machine.has("launchctl", refused="print*")
    machine.more = {"HF_HOME": "/Volumes/models", "HF_TOKEN": "secret"}
    machine.run("service", "install")
    environment = plistlib.loads((machine.home / PLIST).read_bytes())["EnvironmentVariables"]
    assert environment["HF_HOME"] == "/Volumes/models"
    assert "secret" not in (machine.home / PLIST).read_text()


@pytest.mark.parametrize(("manager", "path"), [("systemctl", UNIT), ("launchctl", PLIST)])
def test_what_was_installed_can_be_installed_again_and_removed(
    machine: Machine, manager: str, path: Path
) -> None:
    machine.has(manager, refused="print*")
    for port in ("9200", "9300"):
        assert machine.run("service", "install", "--port", port).returncode == 0
    assert "9300" in (machine.home / path).read_text()
    assert "9200" not in (machine.home / path).read_text()
    done = machine.run("service", "uninstall")
    assert done.returncode == 0
    assert machine.files == []
    assert "removed" in done.stdout
    again = machine.run("service", "uninstall")
    assert again.returncode == 0
    assert "nothing to remove" in again.stdout


def test_where_there_is_neither_it_says_so_and_writes_nothing(machine: Machine) -> None:
    for do in ("install", "uninstall"):
        done = machine.run("service", do)
        assert done.returncode == 2
        assert "neither launchd nor systemd" in done.stderr
    assert machine.files == []


def test_a_systemd_that_knows_no_user_refuses_before_anything_is_written(machine: Machine) -> None:
    machine.has("systemctl", refused="*show-environment")
    done = machine.run("service", "install")
    assert done.returncode == 2
    assert "systemctl --user show-environment refused: no such bus" in done.stderr
    assert machine.files == []


def test_wrong_settings_are_said_now_and_not_to_a_log(machine: Machine) -> None:
    machine.has("systemctl")
    done = machine.run("service", "install", "--port", "70000")
    assert done.returncode == 2
    assert "port must be in 0..65535" in done.stderr
    assert machine.files == []


def test_a_settings_file_is_kept_with_its_whole_path(machine: Machine) -> None:
    machine.has("systemctl")
    (machine.home / "my.toml").write_text("queue = 3")
    machine.run("service", "install", "--settings", "my.toml")
    assert command_of((machine.home / UNIT).read_text())[-2:] == [
        "--settings",
        str(machine.home / "my.toml"),
    ]


def test_a_checkout_that_is_not_installed_is_found_by_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(install, "find_program", lambda: [sys.executable, "-m", "daemon"])
    assert install.collect_environment()["PYTHONPATH"] == str(ROOT)
