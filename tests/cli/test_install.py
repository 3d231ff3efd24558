"""Services, installed into a home of the test's own with managers that only write down what they
are asked.
"""

from __future__ import annotations

import json
import plistlib
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import API, VERSION
from daemon.cli import install, status
from daemon.landing import folders
from daemon.osc.outgoing import encode_reply
from daemon.runtime.launchd import LOG_VARIABLE, MAX_LOG_BYTES
from daemon.runtime.lock import StateLock, read_holder
from daemon.settings import SettingsError
from tests.support.command_line import run_here
from tests.support.fake_launchd import FakeLaunchd
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
MANAGER = """#!/bin/sh
echo "$(basename "$0") $*" >> "{log}"
case "$*" in
    {refused}) echo "no such bus" >&2; exit 1;;
    *restart*|bootstrap*) echo '{record}' > "{lock}";;
esac
"""
STATE = Path(".local/state/acestepd")


class FakeDaemon:
    """It answers pings, as one would that a service manager has started."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def record(self, started: float) -> str:
        """What it would write into the lock of its state folder."""
        return json.dumps({"pid": 77, "host": "127.0.0.1", "port": self._port, "started": started})

    def _answer(self) -> None:
        while True:
            question, sender = self._socket.recvfrom(1000)
            if not question:
                return
            is_ping = question.startswith(b"/ace/ping")
            pong = encode_reply("pong", "status", VERSION, API)
            self._socket.sendto(pong if is_ping else encode_reply("synced", 1), sender)

    def close(self) -> None:
        if self._thread.is_alive():
            self._socket.sendto(b"", ("127.0.0.1", self._port))
            self._thread.join()
        self._socket.close()


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
        (self.home / STATE).mkdir(parents=True)
        self.lock = self.home / STATE / "acestepd.lock"
        self.daemon = FakeDaemon()
        self.more: dict[str, str] = {}

    def has(self, manager: str, refused: str = "nothing", started: float = 0.0) -> None:
        """A manager that starts a daemon. `started`: which says that it began then; 0: now."""
        program = self.programs / manager
        record = self.daemon.record(started or time.time() + 60)
        text = MANAGER.format(log=self._log, refused=refused, record=record, lock=self.lock)
        program.write_text(text)
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
        """All but what the daemon writes."""
        files = [path.relative_to(self.home) for path in self.home.rglob("*") if path.is_file()]
        return [path for path in files if STATE not in path.parents]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.daemon.close()


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
    assert "StartLimitBurst=10" in unit, "nor is anything else, for ever"
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
    assert [line.split()[1] for line in machine.calls] == [
        "bootout",
        "print",
        "enable",
        "bootstrap",
    ]
    assert machine.calls[-1].endswith(str(machine.home / PLIST))
    assert agent["ProcessType"] == "Interactive", "App Nap and late timers are for others"
    assert agent["ThrottleInterval"] == agent["ExitTimeOut"] == 30


def test_a_launchd_that_refuses_it_says_where_it_is_allowed(machine: Machine) -> None:
    machine.has("launchctl", refused="print*|bootstrap*")
    done = machine.run("service", "install")
    assert done.returncode == 2
    assert "launchctl bootstrap" in done.stderr
    assert "no such bus; is it allowed in System Settings > General > Login Items" in done.stderr


def test_it_says_that_it_runs_once_it_answers(machine: Machine) -> None:
    machine.has("launchctl", refused="print*")
    done = machine.run("service", "install")
    assert "acestepd runs now (process 77, running since" in done.stdout


def test_a_daemon_that_is_there_already_is_not_taken_for_the_service(machine: Machine) -> None:
    machine.has("launchctl", refused="print*", started=time.time() - 60)
    done = machine.run("service", "install")
    assert done.returncode == 2
    assert "another acestepd runs already (process 77" in done.stderr
    assert "kill 77" in done.stderr
    assert "runs now" not in done.stdout


@pytest.mark.parametrize(
    ("manager", "log"), [("systemctl", "journalctl --user"), ("launchctl", "acestepd.log")]
)
def test_a_service_that_does_not_answer_is_said_and_where_its_words_are(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, manager: str, log: str
) -> None:
    monkeypatch.setattr(install, "START_SECONDS", 0.1)
    machine.daemon.close()
    machine.has(manager, refused="print*")
    done = machine.run("service", "install")
    assert done.returncode == 2
    assert "is installed, but nobody answers" in done.stderr
    assert log in done.stderr
    assert "runs now" not in done.stdout


@pytest.mark.long
def test_launchd_starts_it_again_after_a_crash_and_not_with_wrong_settings(
    machine: Machine,
) -> None:
    launchd = FakeLaunchd(machine.programs.parent, machine.programs)
    settings = machine.home / ".config/acestepd/settings.toml"
    try:
        done = machine.run("service", "install", "--model", "mini", "--port", "0")
        assert done.returncode == 0, done.stderr
        first = launchd.pid
        assert f"acestepd runs now (process {first}, " in done.stdout
        launchd.kill()
        until(lambda: bool(answering(machine) not in (0, first)))
        settings.parent.mkdir(parents=True)
        settings.write_text("queue = true")
        launchd.kill()
        until(lambda: not launchd.pid and len(launchd.ends) == 3)
        assert launchd.ends == [-9, -9, 0], "launchd leaves alone only what ends with 0"
        log = (machine.home / "Library/Logs/acestepd.log").read_text()
        assert "queue must be a whole number, got True" in log
    finally:
        machine.run("service", "uninstall")
    assert launchd.pid == 0


def answering(machine: Machine) -> int:
    """The process that answers a ping; 0: none."""
    holder = read_holder(machine.home / STATE)
    return holder.pid if holder and status.ask_version(holder.host, holder.port) else 0


@pytest.mark.parametrize("is_launchd", [False, True])
def test_only_launchd_is_told_that_a_start_in_vain_went_well(
    machine: Machine, is_launchd: bool
) -> None:
    machine.more = {LOG_VARIABLE: str(machine.home / "log")} if is_launchd else {}
    expected = 0 if is_launchd else 2
    with StateLock(machine.home / STATE):
        done = machine.run("--model", "mini", "--port", "0")
    assert (done.returncode, "is running already" in done.stderr) == (expected, True)
    assert machine.run("--no-such-option").returncode == expected
    assert machine.run("--port", "70000").returncode == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folders, "VOLUMES", {"/proc": 1})
        away = machine.run("--model", "mini", "--out", "/proc/drive/clips")
    assert away.returncode == 75, "a drive may be plugged in a minute later: it is tried again"
    assert "cannot write into /proc/drive/clips" in away.stderr


def test_the_file_that_launchd_writes_to_is_rotated_and_stays_the_same_file(
    machine: Machine,
) -> None:
    log = machine.home / "log"
    machine.more = {LOG_VARIABLE: str(log)}
    log.write_bytes(b"x" * MAX_LOG_BYTES)
    machine.run("--version")
    assert len(log.read_bytes()) == MAX_LOG_BYTES
    with log.open("ab") as held:
        held.write(b"last words\n")
        held.flush()
        machine.run("--version")
        held.write(b"new words\n")
    assert log.read_bytes() == b"new words\n"
    assert (machine.home / "log.1").read_bytes().endswith(b"xlast words\n")
    machine.more = {LOG_VARIABLE: str(machine.home / "nowhere" / "log")}
    assert machine.run("--version").returncode == 0


def test_what_the_shell_says_about_models_and_midi_is_kept_for_the_service(
    machine: Machine,
) -> None:
    machine.has("launchctl", refused="print*")
    machine.more = {"HF_HOME": "/Volumes/models", "HF_TOKEN": "secret"}
    machine.run("service", "install")
    environment = plistlib.loads((machine.home / PLIST).read_bytes())["EnvironmentVariables"]
    assert environment["HF_HOME"] == "/Volumes/models"
    assert environment["PATH"] == str(machine.programs), "where ffmpeg is"
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


@pytest.mark.parametrize("folder", [".cache/pipx/1f2e3d", "uv/archive-v0/Xy12", "Caches/pipx/1f"])
def test_a_service_is_not_installed_from_a_cache(
    folder: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of `pipx run` and `uvx` are: it would be gone one day."""
    (machine.home / "uv").mkdir()
    (machine.home / "uv" / "CACHEDIR.TAG").touch()
    monkeypatch.setattr(sys, "prefix", str(machine.home / folder))
    with pytest.raises(SettingsError, match=r"uv tool install \. or pipx install \."):
        install.check_permanent()
    monkeypatch.setattr(sys, "prefix", str(machine.home / ".local/share/uv/tools/acestepd"))
    install.check_permanent()


def test_the_service_starts_the_script_of_its_environment_or_the_package_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert install.find_program() == [str(tmp_path / "python"), "-P", "-m", "daemon"]
    (tmp_path / "acestepd").touch(0o755)
    assert install.find_program() == [str(tmp_path / "acestepd")]
