"""What others do to the journal while it is open: it is noticed, said and put right, and what was
accepted is there after a kill.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from queue import Empty

import pytest

from daemon.jobs import Event, Job, JobState, Refused
from daemon.journal import Journal, database, writer
from daemon.journal.writer import Waiter
from daemon.runtime.logs import LimitedLog
from pipeline.request import Request
from tests.support.waiting import until

ME = "udp:127.0.0.1:1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(Journal(path)) as journal:
        yield journal


def make_job(id: str) -> Job:
    request = Request(prompt=id, seed=7, seconds=2)
    return Job(ME, id, request, request.resolved(), Path("/clips"))


def accept(journal: Journal, id: str) -> Job:
    job = make_job(id)
    journal.add([job])
    return job


def end(job: Job) -> None:
    job.state = JobState.FINISHED
    clip = Event("clip", job, ("mix", f"/clips/{job.id}.wav", 84.0, 4, "7"))
    job.clip_events = (clip,)
    job.last_event = Event("finished", job, (1, "/clips/m.json"))


@contextmanager
def holding_commit(journal: Journal) -> Iterator[Waiter]:
    """What comes meanwhile comes during a commit. Yields who is told when that is on disk."""
    entered = threading.Event()
    go_on = threading.Event()

    def hold(db: sqlite3.Connection) -> None:
        entered.set()
        assert go_on.wait(60)

    waiter = Waiter()
    journal._writer.put(hold, waiter)
    assert entered.wait(60)
    yield waiter
    go_on.set()


def list_files(folder: Path) -> list[tuple[str, int, int, int]]:
    """What tells whether anything has changed: name, which file it is, its size and its time."""
    with os.scandir(folder) as entries:
        stats = [(entry.name, entry.stat()) for entry in entries]
    return sorted((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def copy_folder(folder: Path, copy: Path) -> bool:
    """False where files changed while they were copied, as they do while the journal is put back:
    a kill leaves those of one moment.
    """
    shutil.rmtree(copy, ignore_errors=True)
    try:
        before = list_files(folder)
        shutil.copytree(folder, copy)
        return list_files(folder) == before
    except (FileNotFoundError, shutil.Error):
        return False


def after_a_kill(path: Path) -> list[Job]:
    """The jobs that a daemon would find if this one were killed now, oldest first."""
    copy = path.parent.with_name("after a kill")
    until(lambda: copy_folder(path.parent, copy))
    with closing(Journal(copy / path.name)) as journal:
        return journal.search()[::-1]


def ids(jobs: list[Job]) -> list[str]:
    return [job.id for job in jobs]


# --- it is taken away -----------------------------------------------------------------------------


def delete(path: Path) -> None:
    path.unlink()


def delete_all(path: Path) -> None:
    shutil.rmtree(path.parent)


def delete_wal(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


def move(path: Path) -> None:
    path.rename(path.with_name("moved.sqlite"))


def replace(path: Path) -> None:
    foreign = path.with_name("foreign.sqlite")
    with closing(sqlite3.connect(foreign)) as db:
        db.execute("CREATE TABLE mine (x)")
    foreign.replace(path)


def replace_all(path: Path) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink()
    replace(path)


def cut_short(path: Path) -> None:
    path.write_bytes(b"")


def cut_wal_short(path: Path) -> None:
    path.with_name(path.name + "-wal").write_bytes(b"")


ATTACKS = (
    delete, delete_all, delete_wal, move, replace, replace_all, cut_short, cut_wal_short,
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: str(attack.__name__))
@pytest.mark.parametrize("checkpointed", [False, True], ids=["in the wal", "in the file"])
def test_what_was_accepted_is_there_after_a_kill_whatever_was_done_to_the_file(
    journal: Journal, path: Path, attack: Callable[[Path], None], checkpointed: bool
) -> None:
    told: list[str] = []
    journal.on_restored = told.append
    accept(journal, "before")
    journal.update(accept(journal, "staged"), landing="the staged files")
    if checkpointed:
        journal._file.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        accept(journal, "later")
    attack(path)
    accept(journal, "after")
    found = after_a_kill(path)
    journal.flush()
    expected = ["before", "staged", *(["later"] if checkpointed else []), "after"]
    assert ids(found) == expected
    assert [job.state for job in found] == ["waiting"] * len(expected)
    [text] = told
    assert str(path) in text
    assert ids(journal.search()) == expected[::-1]
    with closing(Journal(path.parent.with_name("after a kill") / path.name)) as next_one:
        [staged] = [job for job in next_one.find_unfinished() if job.id == "staged"]
        assert next_one.read_landing(staged) == "the staged files"
        assert next_one.token == journal.token


def test_it_is_put_back_although_nothing_is_written(journal: Journal, path: Path) -> None:
    accept(journal, "a")
    path.unlink()
    until(path.exists)
    until(lambda: ids(after_a_kill(path)) == ["a"])


def test_whoever_deletes_one_file_after_the_other_takes_nothing_away(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is put back while somebody is still deleting: the file, and then its -wal."""
    accept(journal, "before")
    opened = database.open_database
    left = ["", "-wal"]

    def delete_behind(place: Path) -> sqlite3.Connection:
        connection = opened(place)
        if place == path and left:
            path.with_name(path.name + left.pop(0)).unlink()
        return connection

    monkeypatch.setattr(database, "open_database", delete_behind)
    path.unlink()
    accept(journal, "after")
    assert not left
    assert [job.id for job in after_a_kill(path)] == ["before", "after"]


def test_what_is_asked_before_it_is_noticed_is_answered(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LOOK_SECONDS", 3600.0)
    with closing(Journal(path)) as journal:
        accept(journal, "dusty")
        path.unlink()
        assert [job.id for job in journal.list_past(5, "dusty")] == ["dusty"]


def test_a_foreign_file_in_its_place_is_set_aside_whole(journal: Journal, path: Path) -> None:
    accept(journal, "a")
    replace_all(path)
    accept(journal, "b")
    [aside] = path.parent.glob("journal.replaced-*.sqlite")
    with closing(sqlite3.connect(aside)) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]
    assert ids(journal.search()) == ["b", "a"]


def test_what_another_program_tidies_up_is_no_damage(journal: Journal, path: Path) -> None:
    told: list[str] = []
    journal.on_restored = told.append
    for number in range(50):
        accept(journal, str(number))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("DELETE FROM jobs WHERE number > 1")
        other.execute("VACUUM")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    accept(journal, "after")
    journal.flush()
    assert told == []
    assert ids(journal.search()) == ["after", "0"]


# --- another program changes what is in it ----------------------------------------------------


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(statement)


@pytest.mark.parametrize("table", ["jobs", "files"])
def test_a_table_that_is_dropped_is_put_back_with_the_jobs_that_wait(
    journal: Journal, path: Path, table: str
) -> None:
    told: list[str] = []
    journal.on_restored = told.append
    job = accept(journal, "before")
    journal.update(accept(journal, "staged"), landing="the staged files")
    change(path, f"DROP TABLE {table}")
    end(job)
    journal.update(job)
    journal.update(accept(journal, "after"))
    assert [(found.id, found.state) for found in after_a_kill(path)] == [
        ("before", "finished"),
        ("staged", "waiting"),
        ("after", "waiting"),
    ]
    assert journal.find_by_path("/clips/before.wav")
    journal.flush()
    assert "was damaged: it was begun anew with the jobs that wait" in told[0]
    [aside] = path.parent.glob("journal.damaged-*.sqlite")
    assert aside.name in told[0]


def test_a_question_behind_a_dropped_table_is_refused_and_the_next_answered(
    journal: Journal, path: Path
) -> None:
    accept(journal, "a")
    change(path, "DROP TABLE jobs")
    with pytest.raises(Refused, match="cannot be read now") as caught:
        journal.find(ME, "a")
    assert caught.value.code == 503
    until(lambda: ids(after_a_kill(path)) == ["a"])


def test_jobs_that_are_deleted_are_put_back_when_one_of_them_goes_on(
    journal: Journal, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    journal.on_restored = told.append
    finished = accept(journal, "finished")
    running = accept(journal, "running")
    journal.update(accept(journal, "staged"), landing="the staged files")
    change(path, "DELETE FROM jobs")
    end(finished)
    journal.update(finished, model="mini")
    running.state = JobState.RUNNING
    journal.update(running)
    assert [(found.id, found.state) for found in after_a_kill(path)] == [
        ("finished", "finished"),
        ("running", "running"),
        ("staged", "waiting"),
    ]
    assert journal.list_past(1, "finished")[0].path == "/clips/finished.wav"
    with closing(Journal(path.parent.with_name("after a kill") / path.name)) as next_one:
        [staged] = [job for job in next_one.find_unfinished() if job.id == "staged"]
        assert next_one.read_landing(staged) == "the staged files"
    journal.flush()
    [text] = told
    assert str(path) in text
    assert [record.message for record in caplog.records] == [text]
    assert [*path.parent.glob("*.sqlite")] == [path], "nothing is set aside"


def test_what_is_new_of_an_ended_job_that_was_deleted_is_dropped_which_is_said_once(
    journal: Journal,
    path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "limited_log", LimitedLog(writer.log))
    jobs = [accept(journal, id) for id in ("a", "b")]
    for job in jobs:
        end(job)
        journal.update(job)
    change(path, "DELETE FROM jobs")
    for job in jobs:
        job.insert_for = "live"
        journal.note_insertion(job)
    accept(journal, "after")
    until(lambda: journal._writer.list_unwritten() == {})
    assert ids(after_a_kill(path)) == ["after"]
    messages = [record.message for record in caplog.records]
    assert messages == ["job a is not in the journal any more: what is new of it is not kept"]


class Stubborn:
    """A value that SQLite does not take until it is told to."""

    def __init__(self) -> None:
        self.yields = False

    def __conform__(self, protocol: object) -> str | None:
        return "mini" if self.yields else None


def test_one_that_cannot_be_written_while_others_are_is_said_once(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    model = Stubborn()
    journal.note(accept(journal, "bad"), {"model": model})
    for number in range(3):
        accept(journal, str(number))
    model.yields = True
    until(lambda: len(caplog.records) > 1 and journal._writer.list_unwritten() == {})
    first, *others = [record.message for record in caplog.records]
    assert "could not be written" in first
    assert others == ["the journal is written again"]


# --- another program holds it ---------------------------------------------------------------------


@contextmanager
def held(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_while_another_program_holds_it_nothing_is_accepted_which_is_said(
    journal: Journal, path: Path
) -> None:
    with held(path):
        job = make_job("refused")
        with pytest.raises(OSError, match="another program holds the journal") as caught:
            journal.add([job])
        assert caught.value.errno == errno.EBUSY
        assert job.number == 0
    accept(journal, "a")
    assert ids(journal.search()) == ["a"]


def test_how_a_job_stands_is_told_and_found_while_another_program_holds_it(
    journal: Journal, path: Path
) -> None:
    job = accept(journal, "a")
    other = accept(journal, "b")
    told = threading.Event()
    with held(path):
        end(job)
        journal.note(job, {"model": "mini"}, lambda error: told.set())
        assert told.wait(60), "nobody waits for the other program"
        for found in (journal.find(ME, "a"), journal.find_newest_clip(ME)):
            assert found is job, "what was told is found"
        assert journal.find_by_path("/clips/a.wav") is job
        assert [past.path for past in journal.list_past(9)] == ["", "/clips/a.wav"]
        other.favourite = True
        with pytest.raises(OSError, match="another program"):
            mark(journal, other)
    until(lambda: journal._writer.list_unwritten() == {})
    assert [job.state for job in after_a_kill(path)] == ["finished", "waiting"]


def mark(journal: Journal, job: Job) -> None:
    waiter = Waiter()
    journal.begin_mark(job, waiter)
    waiter.wait()


def test_readers_and_checkpoints_of_other_programs_keep_nothing_out(
    journal: Journal, path: Path
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM jobs").fetchall()
        accept(journal, "a")
        other.execute("COMMIT")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        accept(journal, "b")
    assert ids(after_a_kill(path)) == ["a", "b"]


def test_what_waits_for_another_program_is_written_when_it_closes(path: Path) -> None:
    journal = Journal(path)
    job = accept(journal, "a")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    end(job)
    journal.note(job)
    released = threading.Timer(0.1, lambda: other.execute("ROLLBACK"))
    released.start()
    journal.close()
    released.join()
    other.close()
    with closing(Journal(path)) as next_one:
        assert next_one.find_unfinished() == []


# --- groups ---------------------------------------------------------------------------------------


def test_what_comes_during_a_commit_is_written_in_the_next_one(journal: Journal) -> None:
    commits: list[str] = []
    journal._file.db.set_trace_callback(
        lambda statement: commits.append(statement) if statement == "COMMIT" else None
    )
    entered = threading.Event()
    go_on = threading.Event()

    def hold(db: sqlite3.Connection) -> None:
        entered.set()
        assert go_on.wait(60)

    waiters = [Waiter() for _ in range(51)]
    journal._writer.put(hold, waiters[0])
    assert entered.wait(60)
    for number, waiter in enumerate(waiters[1:]):
        journal.begin_add([make_job(str(number))], "", waiter)
    go_on.set()
    for waiter in waiters:
        waiter.wait()
    assert len(commits) == 2
    assert len(journal.find_unfinished()) == 50


def test_what_comes_in_a_crowd_gathers_for_the_next_commit(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "GATHER_SECONDS", 60.0)
    monkeypatch.setattr(writer, "HASTY_COMMITS", 0)
    accept(journal, "alone")
    accept(journal, "alone, too")  # nothing came meanwhile: at once
    with holding_commit(journal) as held:
        early = Waiter()
        journal.begin_add([make_job("early")], "", early)
    held.wait()
    with pytest.raises(Empty):
        early._answers.get(timeout=0.1)
    late = Waiter()
    journal.begin_add([make_job("late")], "", late)
    journal._writer.close()  # which waits for nothing
    for waiter in (early, late):
        waiter.wait()
    assert len(journal.find_unfinished()) == 4


def test_a_few_commits_follow_each_other_at_once(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "GATHER_SECONDS", 60.0)
    for number in range(writer.HASTY_COMMITS):
        with holding_commit(journal):
            early = Waiter()
            journal.begin_add([make_job(str(number))], "", early)
        early.wait()


def test_one_that_cannot_be_written_takes_no_other_with_it(journal: Journal) -> None:
    good = [Waiter(), Waiter()]
    bad = Waiter()
    broken = make_job("bad")
    broken.origin = object()  # type: ignore[assignment]  # nothing SQLite could keep
    with journal._writer._changed:  # in one group
        journal.begin_add([make_job("a")], "", good[0])
        journal.begin_add([broken], "", bad)
        journal.begin_add([make_job("b")], "", good[1])
    for waiter in good:
        waiter.wait()
    with pytest.raises(OSError, match="could not be written"):
        bad.wait()
    assert ids(journal.find_unfinished()) == ["a", "b"]


def test_what_a_full_disk_did_not_take_is_written_when_there_is_room(
    journal: Journal, path: Path
) -> None:
    job = accept(journal, "a")
    db = journal._file.db
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages}")
    end(job)
    with pytest.raises(OSError, match="full") as caught:
        journal.update(job, timings="x" * 100_000)
    assert caught.value.errno == errno.ENOSPC
    assert [found.state for found in after_a_kill(path)] == ["waiting"]
    db.execute("PRAGMA max_page_count = 100000")
    until(lambda: journal._writer.list_unwritten() == {})
    assert [found.state for found in after_a_kill(path)] == ["finished"]
