from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.runtime import lock
from daemon.runtime.lock import RunningDaemon, StateLock, read_holder
from daemon.settings import SettingsError

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from pathlib import Path
from daemon.runtime.lock import StateLock
held = StateLock(Path(sys.argv[1]))
held.record_address("127.0.0.1", 9123, 9124)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "TRIES", 1)


@pytest.mark.usefixtures("impatient")
def test_a_second_daemon_is_told_which_process_has_it_where_and_what_to_do(tmp_path: Path) -> None:
    with holder(tmp_path / "state") as other:
        with pytest.raises(SettingsError) as refused:
            StateLock(tmp_path / "state")
        for part in (
            f"process {other.pid}",
            "127.0.0.1:9123",
            "acestepd stop",
            "--state",
            str(tmp_path),
        ):
            assert part in str(refused.value)
        StateLock(tmp_path / "another").close()


@pytest.mark.usefixtures("impatient")
def test_a_daemon_that_was_killed_leaves_no_lock_behind(tmp_path: Path) -> None:
    with holder(tmp_path) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
        found = read_holder(tmp_path)
        assert found is not None
        assert found == RunningDaemon(other.pid, "127.0.0.1", 9123, 9124, found.started)
        with StateLock(tmp_path):
            now = read_holder(tmp_path)
            assert now
            assert now.pid == os.getpid()
            assert now.port == 0


def test_a_daemon_that_is_just_ending_is_waited_for(tmp_path: Path) -> None:
    first = StateLock(tmp_path)
    ending = threading.Timer(0.2, first.close)
    ending.start()
    StateLock(tmp_path).close()
    ending.join()


def test_it_says_where_the_daemon_listens_and_takes_it_back(tmp_path: Path) -> None:
    held = StateLock(tmp_path)
    held.record_address("127.0.0.1", 9100, out=tmp_path / "clips")
    holder_now = read_holder(tmp_path)
    assert holder_now
    assert holder_now.pid == os.getpid()
    assert holder_now.host == "127.0.0.1"
    assert holder_now.port == 9100
    assert holder_now.tcp == 0
    assert holder_now.out == str(tmp_path / "clips")
    held.close()
    held.close()
    assert read_holder(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"more": 2}', "\x00\xff"])
def test_a_file_that_says_nothing_means_nobody_and_is_no_obstacle(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / lock.NAME).write_text(content, "latin-1")
    assert read_holder(tmp_path) is None
    with StateLock(tmp_path):
        assert read_holder(tmp_path)


def test_what_a_newer_daemon_says_besides_is_left_out(tmp_path: Path) -> None:
    (tmp_path / lock.NAME).write_text('{"pid": 1, "port": 9100, "more": 2}')
    assert read_holder(tmp_path) == RunningDaemon(1, port=9100)


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"state: cannot write into .*file.*Not a directory"):
        StateLock(tmp_path / "file" / "state")
