"""While the journal waits for the disk, for another program or for a long search, everybody else is
answered, and what cannot be written down is refused.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import mido
import pytest

from daemon.engine import orders
from daemon.journal import Journal, database, questions
from daemon.osc import dispatch
from pipeline.request import Request
from pipeline.request_files import resolve_request
from tests.support.osc_client import SHORT, OscClient, make_clip
from tests.support.stage import Stage, on_stage
from tests.support.waiting import until

PATIENCE = 60.0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path) as running:
        yield running


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as client:
        yield client


@contextmanager
def slow_disk(journal: Journal) -> Iterator[None]:
    """What comes meanwhile is not on disk before the block ends."""
    entered = threading.Event()
    go_on = threading.Event()

    def wait(db: sqlite3.Connection) -> None:
        entered.set()
        assert go_on.wait(PATIENCE)

    journal._writer.put(wait)
    assert entered.wait(PATIENCE)
    try:
        yield
    finally:
        go_on.set()


@contextmanager
def held(stage: Stage) -> Iterator[None]:
    """Another program holds the journal."""
    path = stage.settings.state / "journal.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def ping(client: OscClient) -> list[str]:
    """The addresses of what came before the answer."""
    client.send("/ace/ping", "there?")
    return [address for address, _ in client.until("/ace/pong")[:-1]]


def test_everybody_is_answered_before_a_slow_disk_has_taken_an_order(
    stage: Stage, client: OscClient
) -> None:
    make_clip(client, "old", *SHORT)
    with slow_disk(stage.journal), closing(stage.client()) as other:
        client.send("/ace/generate", "new", *SHORT)
        client.send("/ace/favourite", 1.0)
        client.send("/ace/reroll", "again", "old")
        client.send("/ace/history", 20)
        past = client.until("/ace/done", "/ace/history")  # before or after the pong
        assert {address for address, _ in past} == {"/ace/past", "/ace/done"}, "history alone"
        assert ping(other) == []
    answers = client.until("/ace/finished", "again")
    assert [values[0] for address, values in answers if address == "/ace/queued"] == [
        "new",
        "again",
    ]
    assert ("/ace/done", ["/ace/favourite", 1, 0]) in answers


def test_the_same_order_again_while_it_is_written_down_is_one_job(
    stage: Stage, client: OscClient
) -> None:
    with slow_disk(stage.journal):
        for _ in range(2):
            client.send("/ace/generate", "a", *SHORT)
        client.send("/ace/generate", "a", *SHORT, "seed", 5)
        assert ping(client) == []
    fail = client.until("/ace/fail", "a")
    assert fail[-1][1][2] == 409
    client.until("/ace/finished", "a")
    assert [address for address, _ in fail].count("/ace/queued") == 2
    assert len(stage.journal.search()) == 1


def test_what_is_cancelled_while_it_is_written_down_is_queued_and_cancelled(
    stage: Stage, client: OscClient
) -> None:
    with slow_disk(stage.journal), closing(stage.client()) as other:
        for id in "abc":
            client.send("/ace/generate", id, *SHORT)
        client.send("/ace/cancel", "a")
        assert ping(client) == []
        assert ping(other) == []
        other.send("/ace/panic")
        assert other.until("/ace/done")[-1][1][:2] == ["/ace/panic", 3]
    ends = {client.until("/ace/cancelled")[-1][1][0] for _ in "abc"}
    assert ends == {"a", "b", "c"}
    assert stage.model.played == []
    assert {job.state for job in stage.journal.search()} == {"cancelled"}


def test_while_another_program_holds_the_journal_orders_are_refused_and_nothing_waits(
    stage: Stage, client: OscClient
) -> None:
    make_clip(client, "old", *SHORT)
    with held(stage):
        for command, arguments in (
            ("/ace/generate", ("new", *SHORT)),
            ("/ace/reroll", ("again", "old")),
            ("/ace/favourite", ("old",)),
        ):
            client.send(command, *arguments)
            id, about, code, text, hint = client.until("/ace/fail")[-1][1]
            assert (id, about, code) == (arguments[0], command, 503)
            assert "another program holds the journal" in text
            assert "backup" in hint
        assert client.ask("/ace/query", "new")[1][2] == 404, "it is nowhere"
    make_clip(client, "new", *SHORT)
    found = stage.journal.search()
    assert [(job.id, job.favourite) for job in found] == [("new", False), ("old", False)]


def test_a_job_ends_while_another_program_holds_the_journal(tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        stage.model._free.clear()
        client.send("/ace/generate", "a", *SHORT)
        client.until("/ace/progress", "a")
        with held(stage):
            client.send("/ace/cancel", "a")
            assert client.until("/ace/cancelled")[-1][1] == ["a"]
            client.send("/ace/query", "a")
            assert client.until("/ace/cancelled")[-1][1] == ["a"]
            assert client.ask("/ace/history", 1)[1][:2] == ["a", "cancelled"]
    with closing(Journal(tmp_path / "state" / "journal.sqlite")) as journal:
        assert journal.find_unfinished() == []


def test_a_pad_whose_order_is_refused_is_as_it_was_and_its_surface_is_told(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/bank/fill", "dusty", 1, 1)
    with held(stage):
        client.send("/ace/pad/hit", 1)
        assert client.until("/ace/fail")[-1][1][1:3] == ["/ace/pad/hit", 503]
        assert [light.state.value for light in stage.pads.list_lights()][:1] != ["queued"]
    client.send("/ace/pad/hit", 1)
    client.until("/ace/finished")


def save_guide(folder: Path) -> Path:
    track = mido.MidiTrack([mido.Message("note_on", note=60), mido.Message("note_off", time=480)])
    guide = folder / "verse.mid"
    mido.MidiFile(tracks=[track]).save(guide)
    return guide


def test_the_order_of_one_client_stays_while_a_guide_is_read_and_others_go_first(
    stage: Stage, client: OscClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = save_guide(tmp_path / "out")
    go_on = threading.Event()

    def resolve(request: Request, default_guide: str) -> Request:
        if request.guide == str(guide):
            assert go_on.wait(PATIENCE)
        return resolve_request(request, default_guide)

    monkeypatch.setattr(orders, "resolve_request", resolve)
    with closing(stage.client()) as other:
        client.send("/ace/generate", "guided", *SHORT, "guide", str(guide))
        client.send("/ace/generate", "cancelled", *SHORT, "guide", str(guide))
        client.send("/ace/generate", "plain", *SHORT)
        client.send("/ace/cancel", "cancelled")
        assert ping(client) == []
        make_clip(other, "theirs", *SHORT)
        go_on.set()
    queued: list[Any] = [client.until("/ace/queued")[-1][1][0] for _ in range(3)]
    assert queued == ["guided", "cancelled", "plain"]
    client.until("/ace/finished", "plain")
    assert [job.state for job in stage.journal.search()] == [
        "finished",
        "cancelled",
        "finished",
        "finished",
    ]


@contextmanager
def held_searches(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No search ends before the block does."""
    go_on = threading.Event()
    list_past = stage.journal.list_past

    def list_slowly(limit: int, text: str = "") -> Any:
        assert not text or go_on.wait(PATIENCE)
        return list_past(limit, text)

    monkeypatch.setattr(stage.journal, "list_past", list_slowly)
    try:
        yield
    finally:
        go_on.set()


def test_a_search_that_takes_long_keeps_nobody_waiting(
    stage: Stage, client: OscClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_clip(client, "a", *SHORT)
    with held_searches(stage, monkeypatch):
        client.send("/ace/history", "a", 20)
        client.send("/ace/history", 20)
        assert ping(client) == []
    dones = [client.until("/ace/done")[-1][1] for _ in range(2)]
    assert dones == [["/ace/history", 1, 0], ["/ace/history", 1, 0]]


def test_no_order_and_no_bank_waits_for_a_search_and_sync_waits_for_its_own(
    stage: Stage, client: OscClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = save_guide(tmp_path / "out")
    with closing(stage.client()) as other, held_searches(stage, monkeypatch):
        for _ in range(3):
            other.send("/ace/history", "somebody", "else's")
        client.send("/ace/history", "a")
        client.send("/ace/sync", 7)
        client.send("/ace/generate", "guided", *SHORT, "guide", str(guide))
        client.send("/ace/bank/save", "mine")
        assert client.until("/ace/done")[-1][1][0] == "/ace/bank/save"
        make_clip(other, "guided too", *SHORT, "guide", str(guide))
        assert "/ace/synced" not in ping(client)
    ends = [address for address, values in client.until("/ace/synced") if "past" not in address]
    assert [address for address in ends if address in ("/ace/done", "/ace/synced")] == [
        "/ace/done",
        "/ace/synced",
    ]


def test_a_search_waits_for_the_order_that_its_client_sent_before(
    stage: Stage, client: OscClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = save_guide(tmp_path / "out")
    go_on = threading.Event()

    def resolve(request: Request, default_guide: str) -> Request:
        assert go_on.wait(PATIENCE)
        return resolve_request(request, default_guide)

    monkeypatch.setattr(orders, "resolve_request", resolve)
    client.send("/ace/generate", "guided", *SHORT, "guide", str(guide))
    client.send("/ace/history", "guided")
    assert ping(client) == []
    assert stage.engine.searches._lanes == {}
    go_on.set()
    client.until("/ace/done")


def test_a_search_that_is_not_its_turn_for_long_is_refused(
    stage: Stage, client: OscClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as impatient:
        impatient.setattr(dispatch, "SEARCH_WAIT", -1.0)
        client.send("/ace/history", "a")
        assert client.until("/ace/fail")[-1][1][1:3] == ["/ace/history", 503]
    client.send("/ace/history", 1)
    assert client.until("/ace/done")[-1][1][0] == "/ace/history"


def test_a_search_that_takes_too_long_is_ended(
    stage: Stage, client: OscClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_clip(client, "a", *SHORT)
    monkeypatch.setattr(database, "PROGRESS_STEPS", 1)
    monkeypatch.setattr(questions, "SEARCH_SECONDS", -1.0)
    client.send("/ace/history", "a")
    assert client.until("/ace/fail")[-1][1][1:3] == ["/ace/history", 408]
    client.send("/ace/history", 1)
    assert client.until("/ace/done")[-1][1] == ["/ace/history", 1, 0]


def test_a_search_for_too_many_words_is_refused(client: OscClient) -> None:
    client.send("/ace/history", "a " * 999)
    command, code, text = client.until("/ace/fail")[-1][1][1:4]
    assert (command, code) == ("/ace/history", 422)
    assert "32 words" in text


def test_a_journal_that_is_deleted_is_put_back_which_is_said(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/notify", 1, 0, "fail")
    path = stage.settings.state / "journal.sqlite"
    path.unlink()
    text = client.until("/ace/fail")[-1][1][3]
    assert "was put back" in text
    assert path.is_file()


def test_a_journal_whose_wal_is_cut_short_says_so_until_it_is_put_back(
    stage: Stage, client: OscClient, caplog: pytest.LogCaptureFixture
) -> None:
    make_clip(client, "a", *SHORT, "lyrics", "la " * 20_000)
    os.truncate(stage.settings.state / "journal.sqlite-wal", 0)
    for command in ("/ace/history", "/ace/query", "/ace/favourite", "/ace/reroll"):
        for _ in range(3):
            client.send(command, "nobody")
    client.send("/ace/sync", 1)
    answers = client.until("/ace/synced")
    codes = {values[2] for address, values in answers if address == "/ace/fail" and values[1]}
    assert codes <= {404, 503}
    assert not any(record.exc_info for record in caplog.records)

    def is_answered() -> bool:
        client.send("/ace/history", 1)
        client.send("/ace/sync", 2)
        return ("/ace/done", ["/ace/history", 1, 0]) in client.until("/ace/synced")

    until(is_answered)
