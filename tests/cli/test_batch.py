"""`acestepd batch` as a process of its own: whatever ends it or the daemon, the same command makes
what is not made yet, and nothing twice.
"""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon.cli.batch.folder import NAME, BatchFolder
from daemon.granted_folders import FOLDER
from daemon.journal import Journal
from daemon.service import JOURNAL
from daemon.settings import SettingsError
from tests.support import daemon_process
from tests.support.harness import SteppedModel
from tests.support.quick_voice import write_quick_voice
from tests.support.sounds import encode
from tests.support.stage import Stage, on_stage
from tests.support.waiting import until

from .test_play import begun, run

TAKES = 100  # more than wait in a daemon at a time
MANY = 600
FEW = 12  # of a voice that computes


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path) as stage:
        yield stage


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the takes are to land."""
    return tmp_path / "Lieder"


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """A table of `TAKES` takes."""
    return write_table(tmp_path / "songs.csv", TAKES)


def write_table(path: Path, takes: int) -> Path:
    lines = [f"song {number};0.5" for number in range(takes)]
    path.write_text("\n".join(["prompt;seconds", *lines]))
    return path


def make(state: Path, songs: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """The command in this process, to its end."""
    return run(state, "batch", str(songs), "--out", str(out), *more)


def read_report(out: Path, stem: str = "songs") -> list[dict[str, str]]:
    with open(out / f"{stem}.report.csv", encoding="utf-8-sig", newline="") as stream:
        delimiter = stream.readline()[len("row")]
        stream.seek(0)
        return list(csv.DictReader(stream, delimiter=delimiter))


def list_jobs(state: Path) -> list[str]:
    """The prompts of all jobs, and how they ended."""
    with closing(Journal.open_read_only(state / JOURNAL)) as journal:
        return [f"{job.request.prompt} {job.state}" for job in journal.search(limit=10**6)]


def await_takes(out: Path, least: int) -> None:
    until(lambda: len(list(out.glob("*.wav"))) >= least)


def check_once(state: Path, out: Path, takes: int = TAKES) -> None:
    """Every take was made, once, and is where it should be."""
    finished = [job for job in list_jobs(state) if job.endswith("finished")]
    assert sorted(finished) == sorted(f"song {number} finished" for number in range(takes))
    assert len(list(out.glob("*.wav"))) == takes
    report = read_report(out)
    assert [row["row"] for row in report] == [str(number + 2) for number in range(takes)]
    assert {row["status"] for row in report} == {"finished"}
    assert all((out / row["files"]).is_file() for row in report)


def test_all_takes_land_in_the_folder_and_the_report_says_what_they_are(
    stage: Stage, tmp_path: Path, out: Path
) -> None:
    songs = tmp_path / "songs.csv"
    songs.write_text("prompt,seconds,count,seed\npad,0.5,2,7\nbad,0.5,,\n")
    done = make(stage.settings.state, songs, out)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [str(out / "songs.report.csv")]
    assert done.stderr.splitlines()[-1] == "2 of 3 takes are made, 1 could not be"
    first, second, bad = read_report(out)
    assert [first["row"], second["row"], bad["row"]] == ["2", "2", "3"]
    assert [first["seed"], second["seed"]] == ["7", "8"]
    assert [first["seconds"], first["status"], bad["status"]] == ["0.50", "finished", "fail"]
    assert (out / second["files"]).read_bytes()[:4] == b"RIFF"
    assert float(first["took"]) >= 0
    assert "bad" in bad["notes"]
    assert not list(stage.settings.out.glob("*.wav")), "they land in this folder only"
    assert not list((stage.settings.state / FOLDER).iterdir()), "nothing else may land there"


def test_the_same_command_again_makes_nothing_and_what_is_new_alone(
    stage: Stage, songs: Path, out: Path
) -> None:
    assert make(stage.settings.state, songs, out).returncode == 0
    check_once(stage.settings.state, out)
    assert make(stage.settings.state, songs, out).returncode == 0
    check_once(stage.settings.state, out)
    first, *lines = songs.read_text().splitlines()
    songs.write_text("\n".join([first, "another;0.5", *reversed(lines)]))
    assert make(stage.settings.state, songs, out).returncode == 0
    assert len(list_jobs(stage.settings.state)) == TAKES + 1
    assert [row["status"] for row in read_report(out)] == ["finished"] * (TAKES + 1)


def test_takes_that_failed_are_tried_again(stage: Stage, tmp_path: Path, out: Path) -> None:
    songs = tmp_path / "songs.csv"
    songs.write_text("prompt,seconds\nbad,0.5\npad,0.5\n")
    state = stage.settings.state
    assert [make(state, songs, out).returncode for _ in range(2)] == [1, 1]
    assert sorted(list_jobs(state)) == ["bad fail", "bad fail", "pad finished"]


def test_wrong_rows_are_told_before_anything_is_made(
    stage: Stage, tmp_path: Path, out: Path
) -> None:
    songs = tmp_path / "songs.csv"
    songs.write_text("prompt,bpm,seconds\npad,9000,0.5\npad,90,0.5\n")
    told = "line 2, bpm: bpm must be in 30..300 or 0, got 9000"
    refused = make(stage.settings.state, songs, out)
    assert refused.returncode == 2
    assert told in refused.stderr.splitlines()
    assert "1 line is wrong: nothing was made; --skip-bad leaves out " in refused.stderr
    assert not out.exists()
    dry = make(stage.settings.state, songs, out, "--dry-run")
    assert (dry.returncode, dry.stderr.splitlines()[0]) == (2, told)
    skipped = make(stage.settings.state, songs, out, "--skip-bad")
    assert skipped.returncode == 1
    assert [row["status"] for row in read_report(out)] == ["refused", "finished"]
    songs.write_text("prompt,Artist,count\npad,me,3\n")
    right = make(stage.settings.state, songs, out, "--dry-run")
    assert (right.returncode, right.stdout) == (0, "3 takes; nothing is read of Artist\n")
    assert list_jobs(stage.settings.state) == ["pad finished"]


def test_a_folder_of_sheets_makes_a_take_of_each(stage: Stage, tmp_path: Path, out: Path) -> None:
    sheets = tmp_path / "sheets"
    sheets.mkdir()
    (sheets / "acestepd.txt").write_text("seconds: 0.5\n")
    (sheets / "Erstes Lied.txt").write_text("[Verse]\nWir gehen\n")
    (sheets / "loop.wav").write_bytes(encode())
    done = make(stage.settings.state, sheets, out)
    assert done.returncode == 0, done.stderr
    report = read_report(out, "sheets")
    assert [row["row"] for row in report] == ["Erstes Lied.txt", "loop.wav"]
    assert report[0]["files"].startswith("erstes-lied")
    assert [row["status"] for row in report] == ["finished", "finished"]


def test_ctrl_c_takes_back_what_waits_and_the_same_command_goes_on(
    tmp_path: Path, songs: Path, out: Path
) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model) as stage:
        state = stage.settings.state
        with begun(state, "batch", str(songs), "--out", str(out)) as process:
            model.step(3 * 5)
            await_takes(out, 2)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert not stage.engine.active()
        assert "the same command goes on with the rest" in err
        statuses = {row["status"] for row in read_report(out)}
        assert statuses == {"finished", "cancelled", "not ordered"}
        model.run()
        assert make(state, songs, out).returncode == 0
        check_once(state, out)


@pytest.mark.parametrize("takes", [0, 1, 5])
def test_a_batch_that_was_killed_finds_what_it_had_ordered(
    tmp_path: Path, songs: Path, out: Path, takes: int
) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model) as stage:
        state = stage.settings.state
        with begun(state, "batch", str(songs), "--out", str(out)) as process:
            until(stage.engine.active)
            for _ in range(takes * 5):
                model.step()
            await_takes(out, takes)
            process.kill()
            process.wait()
        model.run()
        assert make(state, songs, out).returncode == 0
        assert len(list_jobs(state)) == TAKES
        check_once(state, out)


def test_a_daemon_that_was_killed_goes_on_with_it_when_it_is_back(
    tmp_path: Path, out: Path
) -> None:
    songs = write_table(tmp_path / "songs.csv", FEW)
    state = tmp_path / "state"
    home = tmp_path / "out"
    with (
        daemon_process.started(home, "--state", str(state)) as (daemon, _),
        begun(state, "batch", str(songs), "--out", str(out)) as process,
    ):
        await_takes(out, 3)
        os.kill(daemon.process.pid, signal.SIGKILL)
        daemon.process.wait()
        with daemon_process.started(home, "--state", str(state)):
            _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    assert len(list_jobs(state)) == FEW
    check_once(state, out, FEW)


def test_where_no_daemon_runs_it_runs_one_and_a_kill_9_loses_nothing(
    tmp_path: Path, out: Path
) -> None:
    songs = write_table(tmp_path / "songs.csv", FEW)
    state = tmp_path / "state"
    voice = ("--model", str(write_quick_voice(tmp_path / "voice")))
    with begun(state, "batch", str(songs), "--out", str(out), *voice) as process:
        await_takes(out, 3)
        process.kill()
        process.wait()
    with begun(state, "batch", str(songs), "--out", str(out), *voice) as process:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    assert len(list_jobs(state)) == FEW
    check_once(state, out, FEW)


def test_a_model_that_cannot_be_loaded_ends_it_with_the_reason(
    tmp_path: Path, songs: Path, out: Path
) -> None:
    with begun(
        tmp_path / "state", "batch", str(songs), "--out", str(out), "--model", "/nowhere"
    ) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "/nowhere" in err.splitlines()[-1]


def test_one_batch_at_a_time_works_in_a_folder(stage: Stage, songs: Path, out: Path) -> None:
    with BatchFolder(out) as folder:
        name = folder.name
        with pytest.raises(SettingsError, match="another acestepd batch works on"):
            BatchFolder(out)
        refused = make(stage.settings.state, songs, out)
    assert refused.returncode == 2
    with BatchFolder(out) as again:
        assert again.name == name
    (out / NAME).write_text("garbled")
    with BatchFolder(out) as anew:
        assert anew.name != name


def test_a_small_queue_is_no_obstacle(tmp_path: Path, songs: Path, out: Path) -> None:
    with on_stage(tmp_path, queue=4, queue_per_client=2) as stage:
        assert make(stage.settings.state, songs, out).returncode == 0
        check_once(stage.settings.state, out)


@pytest.mark.long
def test_a_batch_that_is_ended_again_and_again_makes_every_take_once(
    tmp_path: Path, out: Path
) -> None:
    songs = write_table(tmp_path / "songs.csv", MANY)
    draw = random.Random(7)
    ends = (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
    with on_stage(tmp_path) as stage:
        state = stage.settings.state
        for times in range(1, 16):
            landed = min(MANY - 100, times * 30) + draw.randrange(30)
            with begun(state, "batch", str(songs), "--out", str(out)) as process:
                await_takes(out, landed)
                process.send_signal(draw.choice(ends))
                process.communicate(timeout=60)
        assert make(state, songs, out).returncode == 0
        check_once(state, out, MANY)


@pytest.mark.long
def test_a_thousand_takes_wait_in_turn(tmp_path: Path, out: Path) -> None:
    songs = tmp_path / "songs.csv"
    songs.write_text("prompt;seconds;count\npad;0,5;1000\n")
    with on_stage(tmp_path) as stage:
        longest = 0

        def note(event: object) -> None:
            nonlocal longest
            longest = max(longest, len(stage.engine.active()))

        stage.engine.subscribe(note)
        done = make(stage.settings.state, songs, out)
        assert done.returncode == 0, done.stderr
        assert longest <= 64
    assert [row["status"] for row in read_report(out)] == ["finished"] * 1000
    assert len(list(out.glob("*.wav"))) == 1000
