"""What is said before the daemon starts, and on a terminal that nobody reads."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from daemon.cli.run import warn_of_open_token
from daemon.settings import Settings
from tests.support.daemon_process import started


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
