"""`acestepd stop`: the daemon ends as Ctrl-C ends it, or one take does."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from daemon.runtime.lock import StateLock, is_held
from tests.support.daemon_process import started
from tests.support.harness import SteppedModel
from tests.support.stage import on_stage

from .test_play import begun, run


def test_a_daemon_ends_and_says_nothing_is_lost(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with started(tmp_path / "out", "--state", str(state)) as (daemon, _):
        assert is_held(state)
        done = run(state, "stop")
        assert done.returncode == 0, done.stderr
        assert f"(process {daemon.process.pid}) has stopped; what waits goes on" in done.stdout
        assert daemon.process.wait(60) == 0
        again = run(state, "stop")
    assert again.returncode == 2
    assert f"acestepd is not running with the state folder {state}" in again.stderr


def test_a_daemon_that_was_killed_is_nobody_to_stop(tmp_path: Path) -> None:
    lock = StateLock(tmp_path)
    assert is_held(tmp_path)
    written = (tmp_path / "acestepd.lock").read_bytes()
    lock.close()
    (tmp_path / "acestepd.lock").write_bytes(written)  # a pid that is another's by now
    assert not is_held(tmp_path)
    assert run(tmp_path, "stop").returncode == 2
    assert not is_held(tmp_path / "nowhere")


def test_one_take_is_stopped(tmp_path: Path) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model) as stage, closing(stage.client()) as client:
        client.send("/ace/generate", "one", "prompt", "pad", "seconds", 0.5)
        client.until("/ace/queued", "one")
        with begun(stage.settings.state, "stop", "one") as process:
            out, _ = process.communicate(timeout=60)
        assert process.returncode in (0, 1), out
        assert client.until("/ace/cancelled", "one")
