from __future__ import annotations

import errno
import json
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from daemon.jobs import Event, Insertion, Job, JobState, Priority
from daemon.journal import Journal, JournalError, questions, schema
from daemon.journal import journal as journal_module
from daemon.journal.rows import read_row
from daemon.journal.schema import MIGRATIONS
from daemon.journal.writer import Waiter
from pipeline.request import OutOfRange, Request


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


def job(
    id: str = "a",
    client: str = "udp:127.0.0.1:1",
    prompt: str = "warm beat",
    seed: int = 7,
    **more: object,
) -> Job:
    request = Request(prompt=prompt, seed=seed, seconds=2)
    return Job(client, id, request, request.resolved(), Path("/clips"), **more)  # type: ignore[arg-type]


def ended(journal: Journal, one: Job, *clips: Event) -> None:
    one.state = JobState.FINISHED
    one.clip_events = clips
    one.last_event = Event("finished", one, (len(clips), "/clips/m.json"))
    journal.update(one)


def mark(journal: Journal, one: Job) -> None:
    waiter = Waiter()
    journal.begin_mark(one, waiter)
    waiter.wait()


def test_a_job_comes_back_as_it_was_written(path: Path) -> None:
    first = Journal(path)
    written = job(
        "b.2",
        batch="b",
        origin="chorus.txt",
        parent="a",
        takes=3,
        priority=Priority.LIVE,
        notes=("the guide is in 6/8", "its drums are on channel 3"),
    )
    first.add([written])
    first.close()
    [read] = Journal(path).find_unfinished()
    assert read.client == written.client
    assert read.id == "b.2"
    assert read.request == written.request
    assert read.resolved == written.resolved
    assert read.priority == Priority.LIVE
    assert read.batch == "b"
    assert read.origin == "chorus.txt"
    assert read.parent == "a"
    assert read.notes == written.notes
    assert read.note_events[-1].values == ("its drums are on channel 3",)
    assert (read.take, read.takes) == (2, 3)
    assert read.out == Path("/clips")
    assert read.number == written.number > 0


def test_what_ended_is_remembered_with_its_events_and_is_not_unfinished(path: Path) -> None:
    journal = Journal(path)
    one = job()
    journal.add([one])
    ended(journal, one, Event("clip", one, ("mix", "/clips/a.wav", 84.0, 4, "7")))
    read = journal.find(one.client, "a")
    assert read is not None
    assert read.has_ended
    assert [(event.kind, event.values) for event in read.status_events] == [
        ("clip", ("mix", "/clips/a.wav", 84.0, 4, "7")),
        ("finished", (1, "/clips/m.json")),
    ]
    assert journal.find_unfinished() == []


def test_what_finished_in_a_time_is_found_in_the_order_in_which_it_did(path: Path) -> None:
    journal = Journal(path)
    jobs = [job(id) for id in "abcd"]
    journal.add(jobs)
    ended(journal, jobs[2])
    since = time.time()
    ended(journal, jobs[1])
    ended(journal, jobs[0])
    until = time.time()
    jobs[3].state = JobState.CANCELLED
    journal.update(jobs[3])
    assert [one.id for one in journal.find_ended(since, until, 9)] == ["b", "a"]
    assert [one.id for one in journal.find_ended(0, until, 2)] == ["b", "a"], "the newest"
    assert journal.find_ended(until + 60, until + 120, 9) == []


def test_an_order_is_written_as_a_whole_or_not_at_all(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(path)
    good = job("a")
    bad = job("b")
    bad.origin = object()  # type: ignore[assignment]  # nothing SQLite could keep
    with pytest.raises(OSError, match="could not be written"):
        journal.add([good, bad])
    assert journal.find_unfinished() == []


def test_the_newest_of_a_name_counts(path: Path) -> None:
    journal = Journal(path)
    mine = job(seed=1)
    yours = job(client="udp:127.0.0.1:2", seed=2)
    again = job(seed=3)
    journal.add([mine, yours, again])
    assert [
        found and found.request.seed
        for found in (journal.find(mine.client, "a"), journal.find_by_id("a"))
    ] == [3, 3]
    assert [
        one and one.request.seed
        for one in (journal.find_newest("udp:127.0.0.1:2"), journal.find_newest())
    ] == [2, 3]
    assert journal.find("nobody", "a") is None


def test_the_newest_order_of_several_counts(path: Path) -> None:
    journal = Journal(path)
    for seed in (1, 5):
        journal.add([job(f"a.{n + 1}", batch="a", seed=seed + n) for n in range(2)])
    assert [one.request.seed for one in journal.find_batch("udp:127.0.0.1:1", "a")] == [5, 6]


def test_history_is_found_by_words_seed_date_and_favourite(path: Path) -> None:
    journal = Journal(path)
    before = time.time()
    journal.add(
        [
            job("a", prompt="Warm beat"),
            job("b", prompt="cold 100% pad", seed=8),
            job("c", prompt="warm pad"),
        ]
    )

    def found(**criteria: object) -> list[str]:
        return [one.id for one in journal.search(**criteria)]  # type: ignore[arg-type]

    assert found(text="WARM") == ["c", "a"]
    assert found(text="pad warm") == ["c"]
    assert found(text="100%") == ["b"]
    assert found(text="%") == ["b"]
    assert found(seed=8) == ["b"]
    assert found(since=before - 1, limit=2) == ["c", "b"]
    assert found(until=before - 1) == []
    liked = journal.find("udp:127.0.0.1:1", "a")
    assert liked
    liked.favourite = True
    mark(journal, liked)
    assert found(favourite=True) == ["a"]


def test_old_jobs_are_forgotten_except_favourites_and_open_ones(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "PRUNE_EVERY", 1)
    journal = Journal(path, remembered=2)
    jobs = [job(str(number)) for number in range(6)]
    jobs[0].favourite = True
    journal.add(jobs)
    for one in (*jobs[:1], *jobs[2:]):
        ended(journal, one)
    assert [one.id for one in journal.search()] == ["5", "4", "1", "0"]


def test_the_speed_is_the_median_of_a_model_on_a_worker(path: Path) -> None:
    journal = Journal(path)
    for seconds, worker in ((1.0, ""), (5.0, "studio"), (2.0, ""), (30.0, "")):
        one = job()
        one.cost = 10.0
        journal.add([one])
        one.state = JobState.FINISHED
        one.last_event = Event("finished", one, (0, ""))
        journal.update(one, model="mini", seconds=seconds, worker=worker)
    assert journal.seconds_per_cost("mini") == 0.2
    assert journal.seconds_per_cost("mini", "studio") == 0.5
    assert journal.seconds_per_cost("another") == 0.0


def test_a_damaged_journal_is_set_aside_and_said(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this was a journal once" * 100)
    journal = Journal(path)
    assert "damaged" in journal.warning
    [aside] = [other for other in path.parent.iterdir() if "damaged" in other.name]
    assert aside.read_bytes() == b"this was a journal once" * 100
    journal.add([job()])
    assert len(journal.find_unfinished()) == 1


def test_a_journal_damaged_in_the_middle_is_set_aside_too(path: Path) -> None:
    journal = Journal(path)
    journal.add([job(str(number), prompt="x" * 500) for number in range(200)])
    journal.close()
    data = bytearray(path.read_bytes())
    data[8192:16384] = b"\xff" * 8192
    path.write_bytes(data)
    assert "damaged" in Journal(path).warning


def test_a_database_without_our_tables_is_set_aside_too(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    db.close()
    assert "damaged" in Journal(path).warning


def test_a_row_that_cannot_be_read_hides_no_other(path: Path) -> None:
    journal = Journal(path)
    journal.add([job("bad"), job("good")])
    journal._file.db.execute("UPDATE jobs SET wish = '{bro' WHERE id = 'bad'")
    assert [one.id for one in journal.find_unfinished()] == ["good"]


def test_the_message_that_asked_for_a_job_is_known_after_a_restart(path: Path) -> None:
    asked = job()
    asked.command = "/ace/go"
    first = Journal(path)
    first.add([asked])
    first.close()
    assert [one.command for one in Journal(path).find_unfinished()] == ["/ace/go"]


def test_an_older_schema_is_brought_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Journal(path)
    old.add([job()])
    old.close()
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*MIGRATIONS, "ALTER TABLE jobs ADD COLUMN rating INTEGER")
    )
    assert len(Journal(path).find_unfinished()) == 1
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
        assert db.execute("SELECT rating FROM jobs").fetchone() == (None,)
    db.close()


@pytest.mark.parametrize("version", [len(MIGRATIONS), 6])
def test_a_take_is_found_by_what_a_list_shows_of_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """Also one that an earlier version has written down."""
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS[:version])
    journal = Journal(path)
    calm, fast = job("a", prompt="soft keys", seed=7654321), job("b", prompt="festive horns")
    calm.resolved = calm.resolved.changed({"key": "F minor", "bpm": 97.5})
    changes = {"key": "A minor", "bpm": 140, "task": "cover", "source": "/x.wav"}
    fast.resolved = fast.resolved.changed(changes)
    journal.add([calm, fast])
    if version < len(MIGRATIONS):  # as it was written then
        journal._file.db.execute(
            "UPDATE jobs SET words = id || ' ' || json_extract(wish, '$.prompt')"
        )
        journal._file.db.execute(
            "INSERT INTO jobs (client, id, batch, origin, priority, out, wish, request, words, "
            "seed, state, created) VALUES ('', 'c', '', '', 2, '', '{', '{', 'c', 1, 'waiting', 0)"
        )
        journal._file.db.commit()
    journal.close()
    monkeypatch.undo()
    with closing(Journal(path)) as journal:
        for text, ids in (
            ("F minor", ["a"]),  # and none whose words have an f in them
            ("97.5", ["a"]),
            ("7654321", ["a"]),
            ("140 bpm", ["b"]),
            ("cover", ["b"]),
            ("minor", ["b", "a"]),
        ):
            assert [one.id for one in journal.search(text)] == ids, text
            assert journal.count_listed(text) == len(ids)


def test_the_journal_of_an_earlier_version_is_read_and_then_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS[:1])
    first = Journal(path)
    request = json.dumps(asdict(job().request))
    first._file.db.execute(
        "INSERT INTO jobs (client, id, batch, origin, priority, out, wish, request, words, seed, "
        "state, created) VALUES ('cli', 'old', '', '', 2, '/clips', ?, ?, '', 7, 'waiting', 0)",
        (request, request),
    )
    first.close()
    monkeypatch.undo()
    with closing(Journal.open_read_only(path)) as reader:
        [read] = reader.search()
        assert (read.parent, read.take, read.takes, read.notes) == ("", 1, 1, ())
    with closing(Journal(path)) as writer:
        writer.add([job("new", parent="old")])
        assert [one.parent for one in writer.find_unfinished()] == ["", "old"]


def test_a_file_leads_to_the_newest_job_that_has_landed_it(path: Path) -> None:
    with closing(Journal(path)) as journal:
        for id in ("first", "second"):
            one = job(id)
            journal.add([one])
            ended(journal, one, Event("clip", one, ("mix", "/clips/a.wav", 84.0, 4, "7")))
        found = journal.find_by_path("/clips/a.wav")
        assert found
        assert found.id == "second"
        assert journal.find_by_path("/clips/b.wav") is None


def test_a_file_is_taken_over_by_whoever_lands_it_later(path: Path) -> None:
    """Not by the newer job: that may have been made first."""
    clip = ("mix", "/clips/a.wav", 84.0, 4, "7")
    with closing(Journal(path)) as journal:
        older, newer = job("older"), job("newer")
        journal.add([older, newer])
        ended(journal, newer, Event("clip", newer, clip))
        assert not journal.is_taken_over(newer, "/clips/a.wav")
        older.ended = newer.ended + 1
        ended(journal, older, Event("clip", older, clip))
        assert journal.is_taken_over(newer, "/clips/a.wav")
        assert not journal.is_taken_over(older, "/clips/a.wav")
        assert not journal.is_taken_over(newer, "/clips/b.wav")


def test_what_waits_for_a_program_is_found_until_it_is_in_or_too_old(path: Path) -> None:
    with closing(Journal(path)) as journal:
        for id, program in (("a", "live"), ("b", "reaper"), ("c", "live"), ("d", "")):
            one = job(id, insert_for=program)
            journal.add([one])
            ended(journal, one, Event("clip", one, ("mix", "/clips/a.wav", 84.0, 4, "7")))
        [first, second] = journal.find_to_insert("live", time.time() - 60, 10)
        assert [first.id, second.id] == ["a", "c"]
        assert [one.id for one in journal.find_to_insert("live", 0.0, 1)] == ["a"]
        first.insert_for = ""
        first.inserted = Insertion("live", "track 1, slot 2")
        journal.note_insertion(first)
        found = journal.find("udp:127.0.0.1:1", "a")
        assert found
        assert (found.insert_for, found.inserted) == ("", first.inserted)
        assert [one.id for one in journal.find_to_insert("live", 0.0, 10)] == ["c"]
        journal.drop_old_inserts("live", time.time() + 60)
        journal.flush()
        assert journal.find_to_insert("live", 0.0, 10) == []
        assert [one.id for one in journal.find_to_insert("reaper", 0.0, 10)] == ["b"]


def test_a_newer_schema_is_left_alone(path: Path) -> None:
    Journal(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(JournalError, match="newer acestepd"):
        Journal(path)
    assert [other.name for other in path.parent.iterdir() if "damaged" in other.name] == []


def test_a_journal_is_read_while_another_writes(path: Path) -> None:
    with pytest.raises(JournalError, match="no journal at"):
        Journal.open_read_only(path)
    writer = Journal(path)
    reader = Journal.open_read_only(path)
    writer.add([job("new")])
    assert [one.id for one in reader.search()] == ["new"]
    assert not hasattr(reader, "add")


def test_a_full_disk_is_said_as_such(path: Path) -> None:
    journal = Journal(path)
    journal._file.db.execute("PRAGMA max_page_count = 1")
    with pytest.raises(OSError) as caught:
        journal.add([job(str(n), prompt="x" * 4000) for n in range(100)])
    assert caught.value.errno == errno.ENOSPC


def test_what_a_newer_or_older_version_wrote_is_read_as_far_as_it_is_known(path: Path) -> None:
    journal = Journal(path)
    journal.add([job()])
    journal._file.db.execute(
        """UPDATE jobs SET wish = '{"prompt": "x", "hum": 3, "guide": "/gone.mid"}'"""
    )
    [read] = journal.find_unfinished()
    assert read.request.prompt == "x"
    assert read.request.guide == "/gone.mid"
    assert read.request.bars == 0


def test_it_knows_since_when_it_was_asked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(path, remembered=1)
    before = time.time()
    first = journal.known_since("watch:/lyrics")
    assert before <= first <= time.time()
    assert journal.known_since("watch:/lyrics") == first < journal.known_since("watch:/other")
    monkeypatch.setattr(journal_module, "PRUNE_EVERY", 1)
    jobs = [job(str(number)) for number in range(3)]
    journal.add(jobs)
    for one in jobs:
        ended(journal, one)
    assert journal.known_since("watch:/lyrics") == jobs[-1].created  # what came before is forgotten


def test_the_token_stays(path: Path) -> None:
    first = Journal(path)
    token = first.token
    first.close()
    assert Journal(path).token == token != Journal(None).token


def test_a_journal_that_another_program_holds_is_opened_and_asked(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.add([job("a")])
        since = journal.known_since("watch:/lyrics")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with closing(Journal(path)) as journal:
            assert [one.id for one in journal.find_unfinished()] == ["a"]
            assert journal.known_since("watch:/lyrics") == since
        other.execute("ROLLBACK")


def test_no_question_that_is_asked_while_somebody_plays_looks_at_every_job(path: Path) -> None:
    with closing(Journal(path)) as journal:
        asked: list[str] = []
        journal._file._reader.set_trace_callback(asked.append)
        journal.find("me", "a")
        journal.find_by_id("a")
        journal.find_by_path("/clips/a.wav")
        journal.find_batch("me", "a")
        journal.count_batch("me", "a")
        journal.find_newest("me")
        journal.find_newest()
        journal.find_newest_clip("me")
        journal.find_to_insert("live", 0.0, 64)
        journal.find_ended(0.0, 1.0, 64)
        journal.find_unfinished()
        journal.list_past(200)
        journal.seconds_per_cost("mini")
        journal._file._reader.set_trace_callback(None)
        plans = {
            question: [row[3] for row in journal._file.db.execute(f"EXPLAIN QUERY PLAN {question}")]
            for question in asked
        }
        assert len(plans) >= 13
        for question, steps in plans.items():
            limited = "WHERE 1 ORDER BY number DESC LIMIT" in question
            for step in steps:
                assert limited or not step.startswith("SCAN jobs") or "USING INDEX" in step, plans
                assert "TEMP B-TREE" not in step or "+number" in question or "files" in question
        batch = next(steps for question, steps in plans.items() if "batch = " in question)
        assert any("jobs_by_batch" in step for step in batch)


def test_a_search_takes_so_many_words_and_no_more(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.add([job("a", prompt="a b c")])
        assert len(journal.search("a " * 32)) == 1
        for text in ("a " * 33, "x" * 257):
            for ask in (journal.search, lambda words: journal.list_past(1, words)):
                with pytest.raises(OutOfRange, match="32 words of 256 characters"):
                    ask(text)


def test_an_order_is_counted_as_it_is_found(path: Path) -> None:
    with closing(Journal(path)) as journal:
        assert journal.count_batch("me", "b") == 0
        for client, takes in (("me", 3), ("you", 4), ("me", 2)):
            ids = [f"b.{take}" for take in range(1, takes + 1)]
            jobs = [job(id, client=client, batch="b", takes=takes) for id in ids]
            journal.add(jobs)
            assert [one.number for one in journal.find_batch(client, "b")] == [
                one.number for one in jobs
            ]
            assert journal.count_batch(client, "b") == takes
        assert journal.count_batch("you", "b") == 4


def test_no_more_jobs_are_read_than_are_wanted_whatever_is_not_written_yet(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Journal(path)) as journal:
        jobs = [job(f"a{number}", client="me") for number in range(20)]
        journal.add(jobs)
        for one in jobs[:10]:
            ended(journal, one, Event("clip", one, ("mix", f"/clips/{one.id}.wav", 84.0, 4, "7")))
        unwritten = {one.number: one for one in jobs[10:]}
        monkeypatch.setattr(journal, "_list_unwritten", lambda: unwritten)
        read: list[int] = []

        def note(row: Mapping[str, Any]) -> Job | None:
            read.append(row["number"])
            return read_row(row)

        monkeypatch.setattr(questions, "read_row", note)
        found = journal.find_newest_clip("me")
        assert found
        assert found.number == jobs[9].number
        assert read == [jobs[9].number]


def test_the_newest_clip_is_ones_own_or_else_the_newest_of_all(path: Path) -> None:
    with closing(Journal(path)) as journal:
        assert journal.find_newest_clip("me") is None
        jobs = [job("a", client="me"), job("b", client="you"), job("c", client="me")]
        journal.add(jobs)
        for one in jobs[:2]:
            ended(journal, one, Event("clip", one, ("mix", "/clips/a.wav", 84.0, 4, "7")))
        for client, id in (("me", "a"), ("you", "b"), ("third", "b")):
            found = journal.find_newest_clip(client)
            assert found
            assert found.id == id
