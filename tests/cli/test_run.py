"""What is said before the daemon starts, and on a terminal that nobody reads."""

from __future__ import annotations

import fcntl
import gc
import logging
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.cli import run
from daemon.cli.run import warn_of_open_token
from daemon.settings import Settings
from tests.support.daemon_process import started
from tests.support.harness import SteppedModel
from tests.support.stage import Stage


@pytest.mark.parametrize(
    ("token", "mode", "warns"),
    [("open sesame", 0o644, True), ("open sesame", 0o600, False), ("", 0o644, False)],
)
def test_a_token_that_other_users_can_read_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, token: str, mode: int, warns: bool
) -> None:
    file = tmp_path / "settings.toml"
    file.touch()
    file.chmod(mode)
    warn_of_open_token(Settings(token=token), file)
    assert [f"chmod 600 {file}" in one.getMessage() for one in caplog.records] == [True] * warns


def test_without_a_settings_file_there_is_nothing_to_tell(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_open_token(Settings(token="open sesame"), tmp_path / "none.toml")
    assert caplog.records == []


def test_as_many_files_may_be_open_as_it_may_need() -> None:
    """In a process that begins as on a Mac."""
    script = """
import resource
from daemon.cli.run import allow_open_files
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
allow_open_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert 256 < int(done.stdout) <= run.OPEN_FILES


@pytest.mark.long
@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="pipes cannot be made small here")
def test_a_daemon_whose_terminal_is_stopped_answers_all_the_same(tmp_path: Path) -> None:
    with started(tmp_path / "out") as (daemon, client):
        assert daemon.process.stdout
        size = fcntl.fcntl(daemon.process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        client.send("/ace/generate", "j", "prompt", "a beat", "seconds", 1, "num_steps", 1)
        client.until_end("j")
        for _ in range(size // 10):  # each is a line of the log
            client.send("/ace/favourite", "j")
            client.until("/ace/done", "/ace/favourite")
        assert fcntl.fcntl(daemon.process.stdout, fcntl.F_GETPIPE_SZ) == size
        assert client.ask("/ace/ping", "here")


class SignalAtOnce:
    """What `SignalReceiver` is, for a daemon that is to end as soon as it has started."""

    def __init__(self, *numbers: signal.Signals) -> None:
        self.spared: int | None = None

    def receive(self) -> signal.Signals:
        self.spared = gc.get_freeze_count()
        return signal.SIGTERM


def test_a_garbage_collection_does_not_go_through_what_is_there_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To go through all of it once takes long, and is over before anybody can ask anything."""
    signals = SignalAtOnce()
    found: list[int] = []  # objects that were gone through
    found_before: list[int] = []  # until the daemon had sockets
    collect = gc.collect

    def collect_all() -> int:
        found.append(len(gc.get_objects()))
        return collect()

    def build(settings: Settings) -> Stage:
        found_before.extend(found)
        return Stage(settings, SteppedModel())

    monkeypatch.setattr(gc, "collect", collect_all)
    monkeypatch.setattr(run, "SignalReceiver", lambda *numbers: signals)
    monkeypatch.setattr(run, "Daemon", build)
    monkeypatch.setattr(sys, "setswitchinterval", lambda seconds: None)
    settings = Settings(
        port=0, page=-1, out=tmp_path / "out", state=tmp_path / "state", model="mini"
    )
    root = logging.getLogger()
    before = list(root.handlers)
    try:
        run.run(settings, file=tmp_path / "settings.toml", read=lambda: settings, quiet=True)
    finally:
        gc.unfreeze()
        for handler in [handler for handler in root.handlers if handler not in before]:
            root.removeHandler(handler)
            handler.close()
    assert signals.spared is not None
    assert signals.spared > 20_000
    assert len(found_before) == 1
    assert sum(found[1:]) < 20_000
