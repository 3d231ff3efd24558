"""A folder that machines share: it is known to be the same, and nothing of nobody stays there."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from daemon.cli.main import main
from daemon.cluster.shared_folder import (
    OLD_SECONDS,
    is_marked,
    marked,
    remove_later,
)
from daemon.settings import SettingsError
from tests.support.waiting import until

LEFT = f".acestepd-{'0' * 32}"


def test_whoever_finds_a_workers_mark_has_its_folder_whatever_it_is_called(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    here = tmp_path / "here"
    here.symlink_to(there)
    with marked(there) as mark:
        assert is_marked(here, mark)
        assert not is_marked(tmp_path, mark)
        assert not is_marked(None, mark)
    assert not is_marked(here, mark)
    assert not list(there.iterdir())


def test_without_a_folder_there_is_no_mark() -> None:
    with marked(None) as mark:
        assert mark == ""


@pytest.mark.parametrize("mark", ["", ".", "secret", "../secret", "/etc/passwd", "\0"])
def test_no_other_file_is_a_mark(tmp_path: Path, mark: str) -> None:
    (tmp_path / "secret").touch()
    assert not is_marked(tmp_path, mark)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(SettingsError, match=f"cannot be left in {missing}: No such file"):
        marked(missing).__enter__()


def test_a_worker_does_not_begin_without_its_folder(
    tmp_path: Path, quick_voice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[cluster]\nshared = "{tmp_path}/missing"\n')
    options = ("--settings", str(settings), "--state", str(tmp_path), "--model", quick_voice)
    assert main(("worker", "tcp://127.0.0.1:1", *options)) == 2
    assert f"results cannot be left in {tmp_path}/missing" in capsys.readouterr().err


def test_what_nobody_took_is_removed_by_the_next_worker_and_nothing_else(tmp_path: Path) -> None:
    killed = f".acestepd-worker-{'1' * 32}"
    for name in (LEFT, killed, f".acestepd-{'2' * 32}", "song.wav", ".acestepd-once-12345678"):
        (tmp_path / name).touch()
    with marked(tmp_path) as mark:
        now = (tmp_path / mark).stat().st_mtime
    for name in (LEFT, killed, "song.wav", ".acestepd-once-12345678"):
        os.utime(tmp_path / name, (now - OLD_SECONDS - 60,) * 2)
    with marked(tmp_path):
        pass
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {f".acestepd-{'2' * 32}", "song.wav", ".acestepd-once-12345678"}


def test_a_result_that_nobody_takes_is_removed_after_a_while(tmp_path: Path) -> None:
    result = tmp_path / LEFT
    result.touch()

    async def leave() -> None:
        remove_later(result, asyncio.get_running_loop(), 0.0)
        await asyncio.to_thread(until, lambda: not result.exists())

    asyncio.run(leave())
