"""acestepd as a service of this user: a launchd agent on a Mac, a systemd user unit on Linux."""

from __future__ import annotations

import os
import plistlib
import re
import shlex
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from xml.parsers.expat import ExpatError

from ..runtime import lock
from ..runtime.launchd import LOG_VARIABLE, USAGE_ERROR
from ..runtime.lock import RunningDaemon
from ..settings import Settings, SettingsError
from . import status

LABEL = "local.acestepd"
CHECKOUT = Path(__file__).parents[2]
# variables that it keeps: a service has no shell to set them
VARIABLES = (
    "PATH",  # launchd's has no Homebrew in it, where ffmpeg is
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_ENDPOINT",
    "MIDO_BACKEND",
    "ACESTEPD_MKL",
    "ACESTEPD_BFLOAT16",
)
CACHES = (".cache", "Caches")
CACHE_TAG = "CACHEDIR.TAG"  # how a cache is marked: bford.info/cachedir
TRIES = 100
PAUSE_SECONDS = 0.2  # between two tries
START_SECONDS = 30.0  # until a daemon answers that was started
STOP_SECONDS = 30  # that it may take to end


class Service(ABC):
    """One kind of service. `path` is the file that describes it."""

    path: Path

    @abstractmethod
    def describe(self, command: Sequence[str], environment: dict[str, str]) -> bytes:
        """What the file says."""

    @abstractmethod
    def read_program(self) -> str:
        """What the file that is there starts. Raises `SettingsError` where that cannot be read."""

    @abstractmethod
    def check(self) -> None:
        """Raises `SettingsError` where services cannot be used."""

    @abstractmethod
    def enable(self) -> None:
        """Start it now and at every login; again, where it runs with another description."""

    @abstractmethod
    def disable(self) -> None: ...

    @property
    @abstractmethod
    def hint(self) -> str: ...

    @property
    @abstractmethod
    def log(self) -> str:
        """Where it says why it has ended, in words that follow "see"."""

    def install(self, flags: Sequence[str]) -> None:
        """Raises `SettingsError` with what the system said."""
        check_permanent()
        self.check()
        command = [*find_program(), "--quiet", *flags]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(self.describe(command, collect_environment()))
        except OSError as error:
            raise SettingsError(f"cannot write {self.path}: {error.strerror}") from error
        self.enable()

    def uninstall(self) -> bool:
        """False when there was nothing to remove."""
        if not self.path.exists():
            return False
        self.disable()
        self.path.unlink()
        return True


class Launchd(Service):
    def __init__(self) -> None:
        self.path = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        self._log = Path.home() / "Library" / "Logs" / "acestepd.log"
        self._domain = f"gui/{os.getuid()}"

    def describe(self, command: Sequence[str], environment: dict[str, str]) -> bytes:
        return plistlib.dumps(
            {
                "Label": LABEL,
                "ProgramArguments": list(command),
                "EnvironmentVariables": {**environment, LOG_VARIABLE: str(self._log)},
                "RunAtLoad": True,
                # whatever else it ends with: wrong settings end with 0, too (runtime/launchd.py)
                "KeepAlive": {"SuccessfulExit": False},
                "ThrottleInterval": 30,
                "ExitTimeOut": STOP_SECONDS,
                # A background process is given less of the machine, and its timers are late. App
                # Nap is for programs with windows, and needs no switch here.
                "ProcessType": "Interactive",
                "StandardOutPath": str(self._log),
                "StandardErrorPath": str(self._log),
            }
        )

    def read_program(self) -> str:
        try:
            return str(plistlib.loads(self.path.read_bytes())["ProgramArguments"][0])
        except (OSError, ValueError, LookupError, TypeError, ExpatError) as error:
            raise SettingsError(f"{self.path} cannot be read: {error}; install it again") from error

    def check(self) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)

    def enable(self) -> None:
        self.disable()
        # or else one that somebody has switched off under Login Items stays off
        run_manager("launchctl", "enable", f"{self._domain}/{LABEL}", may_fail=True)
        try:
            run_manager("launchctl", "bootstrap", self._domain, str(self.path))
        except SettingsError as error:
            switch = "System Settings > General > Login Items & Extensions"
            raise SettingsError(f"{error}; is it allowed in {switch}?") from error

    def disable(self) -> None:
        run_manager("launchctl", "bootout", f"{self._domain}/{LABEL}", may_fail=True)
        for _ in range(TRIES):  # bootout only begins to end it
            if not run_manager("launchctl", "print", f"{self._domain}/{LABEL}", may_fail=True):
                return
            time.sleep(PAUSE_SECONDS)

    @property
    def hint(self) -> str:
        command = f"launchctl print {self._domain}/{LABEL}"
        return f"{command} says how it is; what it could not log is in {self._log}"

    @property
    def log(self) -> str:
        return str(self._log)


class Systemd(Service):
    name = "acestepd.service"

    def __init__(self) -> None:
        config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        self.path = config / "systemd" / "user" / self.name

    def describe(self, command: Sequence[str], environment: dict[str, str]) -> bytes:
        variables = "".join(
            f"Environment={_quote(f'{name}={value}')}\n" for name, value in environment.items()
        )
        start = " ".join(_quote(word).replace("$", "$$") for word in command)
        return f"""\
[Unit]
Description=acestepd, a music generation model played from OSC
StartLimitIntervalSec=600
StartLimitBurst=10

[Service]
ExecStart={start}
ExecReload=/bin/kill -HUP $MAINPID
{variables}Restart=on-failure
RestartSec=5
RestartPreventExitStatus={USAGE_ERROR}
TimeoutStopSec={STOP_SECONDS}

[Install]
WantedBy=default.target
""".encode()

    def read_program(self) -> str:
        try:
            [start] = re.findall(r"^ExecStart=(.+)$", self.path.read_text("utf-8"), re.MULTILINE)
            return shlex.split(start)[0].replace("$$", "$").replace("%%", "%")
        except (OSError, ValueError, LookupError) as error:
            raise SettingsError(f"{self.path} cannot be read: {error}; install it again") from error

    def check(self) -> None:
        run_manager("systemctl", "--user", "show-environment")

    def enable(self) -> None:
        run_manager("systemctl", "--user", "daemon-reload")
        run_manager("systemctl", "--user", "enable", self.name)
        run_manager("systemctl", "--user", "restart", self.name)

    def disable(self) -> None:
        run_manager("systemctl", "--user", "disable", "--now", self.name)

    def uninstall(self) -> bool:
        if removed := super().uninstall():
            run_manager("systemctl", "--user", "daemon-reload")
        return removed

    @property
    def hint(self) -> str:
        return "it ends when you log out, unless you let it stay: loginctl enable-linger"

    @property
    def log(self) -> str:
        return f"journalctl --user -u {self.name}"


def choose_service() -> Service:
    """The kind this machine has. Raises `SettingsError` where it has none."""
    for command, kind in (("launchctl", Launchd), ("systemctl", Systemd)):
        if shutil.which(command):
            return kind()
    raise SettingsError(
        "this machine has neither launchd nor systemd: start acestepd from whatever starts "
        "programs here"
    )


def wait_until_it_answers(service: Service, settings: Settings, since: float) -> RunningDaemon:
    """The daemon of these settings that was started `since` then (time.time()), once it answers a
    ping. Raises `SettingsError` where none does, or an older one.
    """
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        holder = lock.read_holder(settings.state)
        if holder and holder.port and status.ask_version(holder.host, holder.port):
            if holder.started >= since:
                return holder
            raise SettingsError(
                f"{service.path} is installed, but another acestepd runs already ({holder}): stop "
                f"that (kill {holder.pid}), then install the service again"
            )
        time.sleep(PAUSE_SECONDS)
    raise SettingsError(
        f"{service.path} is installed, but nobody answers after {START_SECONDS:.0f} s: see "
        f"{service.log}, and acestepd doctor"
    )


def run_manager(*command: str, may_fail: bool = False) -> bool:
    """The one place that talks to the service manager. Whether it agreed; raises `SettingsError`
    with what it said.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and not may_fail:
        reason = (done.stderr or done.stdout).strip() or f"exit status {done.returncode}"
        raise SettingsError(f"{' '.join(command[:3])} refused: {reason}")
    return not done.returncode


def check_permanent() -> None:
    """Raises `SettingsError` where this acestepd is in a cache, as those of `uvx` and `pipx run`
    are: what a service starts must still be there at the next login.
    """
    for folder in Path(sys.prefix).parents:
        if folder.name in CACHES or (folder / CACHE_TAG).exists():
            raise SettingsError(
                f"this acestepd is in a cache ({sys.prefix}), where it may be removed any day: "
                "install it (uv tool install . or pipx install . in its folder), then "
                "acestepd service install"
            )


def find_program() -> list[str]:
    """How this very acestepd is started: by the script of its environment, also where that is
    installed anew. Where there is none, -P keeps the folder it is started in out of its imports.
    """
    script = Path(sys.executable).with_name("acestepd")
    return [str(script)] if os.access(script, os.X_OK) else [sys.executable, "-P", "-m", "daemon"]


def collect_environment() -> dict[str, str]:
    environment = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    if len(find_program()) > 1:  # not installed, but started in its checkout
        environment["PYTHONPATH"] = str(CHECKOUT)
    return environment


def _quote(word: str) -> str:
    """A word as systemd reads it."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%")
    return f'"{escaped}"'
