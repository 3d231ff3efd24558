"""One program and no other puts a clip in, also when it was away, or the daemon."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon.integrations import clients as clients_module
from daemon.integrations import inserter as inserter_module
from daemon.integrations.clients import PRESENT_SECONDS
from daemon.jobs import Event, Job, Order
from pipeline.request import Request
from tests.support.harness import SteppedModel
from tests.support.osc_client import SHORT, OscClient, Received, addresses, expect_fail, make_clip
from tests.support.stage import Stage, named, on_stage, subscribed
from tests.support.waiting import until

AT_THE_CURSOR = [-1, -1]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path) as running:
        yield running


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as connected:
        yield connected


def next_insert(program: OscClient) -> list[object]:
    return program.until("/ace/insert")[-1][1]


def answer(program: OscClient, id: str, name: str, *where: str) -> None:
    program.send("/ace/inserted", id, name, *where)
    assert program.until("/ace/done")[-1][1] == ["/ace/inserted", 1, 0]


def make_while_nobody_is_there(stage: Stage, client: OscClient, id: str) -> str:
    """Make a clip; its path. When this returns, everybody has been told of it."""
    path = str(make_clip(client, id, *SHORT)[2])
    stage.engine.active()  # which waits for who publishes
    return path


def outside(stage: Stage, id: str, *, count: int = 1, insert: str = "") -> None:
    """An order of somebody else, such as a watched folder."""
    request = Request(prompt="p", seconds=0.5)
    stage.engine.submit(Order("watch:/songs", id, request, count=count, insert=insert))


# --- one program ----------------------------------------------------------------------------------


def test_a_program_is_to_put_in_what_others_ask_for_after_its_clips(
    stage: Stage, client: OscClient
) -> None:
    with named(stage, "live") as live:
        path = make_clip(client, "take1", *SHORT)[2]
        story = live.until("/ace/insert")
        assert addresses(story) == ["/ace/clip", "/ace/finished", "/ace/insert"]
        assert story[-1][1] == ["take1", *AT_THE_CURSOR, path]
        assert client.is_quiet(), "its client is not the one to put it in"


def test_of_two_programs_only_the_first_puts_a_clip_in(stage: Stage, client: OscClient) -> None:
    with named(stage, "live") as live, named(stage, "reaper") as reaper:
        make_clip(client, "take1", *SHORT)
        assert next_insert(live)[0] == "take1"
        assert addresses(reaper.until("/ace/finished")) == ["/ace/clip", "/ace/finished"]
        assert reaper.is_quiet()


def test_a_program_gets_what_it_has_asked_for_itself(stage: Stage) -> None:
    with named(stage, "live") as live, named(stage, "reaper", "insert") as reaper:
        reaper.send("/ace/generate", "mine", *SHORT)
        assert next_insert(reaper)[0] == "mine"
        live.until("/ace/finished")
        assert live.is_quiet()


def test_the_settings_name_one(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path, insert_to="reaper") as stage,
        named(stage, "live") as live,
        named(stage, "reaper") as reaper,
    ):
        outside(stage, "take1")
        assert next_insert(reaper)[0] == "take1"
        live.until("/ace/finished")
        assert live.is_quiet()


def test_nobody_puts_anything_in_where_the_settings_say_so(tmp_path: Path) -> None:
    with on_stage(tmp_path, insert_to="") as stage, named(stage, "live") as live:
        outside(stage, "take1")
        live.until("/ace/finished")
        assert live.is_quiet()
        live.send("/ace/insert", "take1", 2, 3)
        assert next_insert(live)[:3] == ["take1", 2, 3]


def test_an_order_names_one_or_nobody_whatever_the_settings_say(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path, insert_to="live") as stage,
        named(stage, "live") as live,
        named(stage, "reaper") as reaper,
    ):
        outside(stage, "take1", insert="reaper", count=2)
        assert [next_insert(reaper)[0] for _ in range(2)] == ["take1.1", "take1.2"]
        outside(stage, "take2", insert="no")
        live.until("/ace/finished", "take2")
        outside(stage, "take3", insert="auto")
        assert next_insert(live)[0] == "take3"
        assert addresses(reaper.until("/ace/finished", "take3")).count("/ace/insert") == 0
        stage.apply(dataclasses.replace(stage.settings, insert_to=""))
        outside(stage, "take4", insert="live")
        assert next_insert(live)[0] == "take4"


def test_what_an_order_says_of_that_outlives_the_daemon_and_no_take_waits_that_failed(
    tmp_path: Path,
) -> None:
    with on_stage(tmp_path, SteppedModel(running=False), insert_to="live") as stage:
        for id, insert in (("take1", "reaper"), ("take2", "no"), ("take3", "reaper")):
            outside(stage, id, insert=insert)
        stage.engine.cancel("watch:/songs", "take3")
    with on_stage(tmp_path, insert_to="live") as stage:
        until(lambda: all(job.has_ended for job in stage.engine.journal.search()))
        stage.journal.flush()  # until everybody has been told
        with named(stage, "live", "insert") as live, named(stage, "reaper", "insert") as reaper:
            assert next_insert(reaper)[0] == "take1"
            assert live.is_quiet()
            assert reaper.is_quiet()


def test_a_job_without_clips_is_put_in_by_nobody_although_its_order_names_one(
    stage: Stage,
) -> None:
    request = Request(prompt="p", seed=1)
    job = Job("watch:/songs", "words", request, request, Path("/out"), insert_for="live", number=1)
    with named(stage, "live", "insert") as live:
        stage.engine.publish(Event("finished", job, (0, "")))
        assert live.is_quiet()


def test_another_program_is_chosen_while_the_daemon_runs(stage: Stage) -> None:
    with named(stage, "live") as live, named(stage, "reaper") as reaper:
        stage.apply(dataclasses.replace(stage.settings, insert_to="reaper"))
        outside(stage, "take1")
        assert next_insert(reaper)[0] == "take1"
        live.until("/ace/finished")
        assert live.is_quiet()


def test_takes_by_the_dozen_only_go_to_the_program_that_asked_for_them(stage: Stage) -> None:
    with named(stage, "live") as live:
        outside(stage, "theirs", count=2)
        for _ in range(2):
            live.until("/ace/finished")
        assert live.is_quiet()
        live.send("/ace/generate", "mine", *SHORT, "count", 2)
        assert [next_insert(live)[0] for _ in range(2)] == ["mine.1", "mine.2"]


def test_who_has_no_name_hears_of_no_insert_by_itself(stage: Stage, client: OscClient) -> None:
    with subscribed(stage, "insert") as listener:
        make_clip(client, "take1", *SHORT)
        assert listener.is_quiet()


# --- asked by hand --------------------------------------------------------------------------------


def test_where_nobody_is_there_an_insert_is_refused(stage: Stage, client: OscClient) -> None:
    make_clip(client, "take1", *SHORT)
    id, code, text, hint = expect_fail(client, "/ace/insert", "take1")
    assert (id, code) == ("take1", 503)
    assert "no integration is connected" in text
    assert "acestepd integrations" in hint


def test_where_the_program_of_the_settings_is_away_an_insert_is_refused(tmp_path: Path) -> None:
    with on_stage(tmp_path, insert_to="reaper") as stage, named(stage, "live") as live:
        make_clip(live, "take1", *SHORT)
        _, code, text, _ = expect_fail(live, "/ace/insert", "take1")
        assert code == 503
        assert text.startswith("reaper")


def test_a_clip_that_is_asked_for_by_hand_goes_to_one_program(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path, insert_to="") as stage,
        closing(stage.client()) as client,
        named(stage, "live", "insert") as live,
        named(stage, "reaper", "insert") as reaper,
    ):
        path = make_clip(client, "take1", *SHORT)[2]
        assert client.ask("/ace/insert", "take1", 2, 3) == ("/ace/done", ["/ace/insert", 2, 3])
        assert live.receive() == ("/ace/insert", ["take1", 2, 3, path])
        assert reaper.is_quiet()
        reaper.send("/ace/insert", "take1")
        assert next_insert(reaper)[1:3] == AT_THE_CURSOR
        assert live.is_quiet()


# --- it answers -----------------------------------------------------------------------------------


def test_that_a_clip_is_in_is_told_and_kept(stage: Stage, client: OscClient) -> None:
    with named(stage, "live", "insert") as live, subscribed(stage, "inserted") as page:
        path = make_clip(client, "take1", *SHORT)[2]
        next_insert(live)
        answer(live, "take1", "live", "track 3, slot 5")
        told: Received = ("/ace/inserted", ["take1", "live", "track 3, slot 5", path])
        assert page.receive() == told
        assert client.receive() == told, "its client hears it without asking"
        answer(live, "take1", "live", "track 3, slot 5")
        assert page.is_quiet(), "it is no news"
        [job] = stage.engine.journal.search()
        assert (job.insert_for, job.inserted) == ("", ("live", "track 3, slot 5"))
        client.send("/ace/query", "take1")
        assert addresses([client.receive(), client.receive()]) == ["/ace/clip", "/ace/finished"]


def test_a_program_that_could_not_is_not_asked_again(stage: Stage, client: OscClient) -> None:
    with named(stage, "live", "insert") as live, subscribed(stage, "inserted") as page:
        path = make_clip(client, "take1", *SHORT)[2]
        next_insert(live)
        answer(live, "take1", "live")
        assert page.receive() == ("/ace/inserted", ["take1", "live", "", path])
        live.send("/ace/notify", 1, 0, "insert", "live")
        live.until("/ace/done")
        assert live.is_quiet()


def test_two_clients_may_have_called_their_takes_the_same(stage: Stage) -> None:
    with named(stage, "live", "insert inserted") as live:
        paths = []
        for seed in (1, 2):
            with closing(stage.client()) as client:
                values = ("prompt", "p", "seconds", 0.5, "seed", seed)
                paths.append(make_clip(client, "take1", *values)[2])
        assert [next_insert(live)[3] for _ in paths] == paths
        for path in paths:
            live.send("/ace/inserted", "take1", "live", "there")
            assert live.until("/ace/inserted")[-1][1][3] == path
            live.until("/ace/done")


def test_who_puts_a_clip_in_by_hand_takes_it_from_nobody(stage: Stage, client: OscClient) -> None:
    with named(stage, "live", "insert") as live:
        make_clip(client, "take1", *SHORT)
        next_insert(live)
        client.send("/ace/inserted", "take1", "Reaper", "track 1")
        assert client.until("/ace/inserted")[-1][1][1] == "reaper"
        [job] = stage.engine.journal.search()
        assert job.insert_for == "live"


def test_where_a_clip_is_may_come_in_words_apart(stage: Stage, client: OscClient) -> None:
    with named(stage, "live", "insert") as live, subscribed(stage, "inserted") as page:
        make_clip(client, "take1", *SHORT)
        next_insert(live)
        answer(live, "take1", "live", "track", "three,\n", "\x1b[31mslot", "5")
        assert page.receive()[1][2] == "track three, [31mslot 5"


@pytest.mark.parametrize(
    ("place", "code"),
    [((-7, 0), 422), ((0, -2), 422), ((1, 2**31), 422), ((0.5, 0), 400), ((-1, 0), 0), ((0,), 0)],
)
def test_a_place_is_one_or_the_programs_own(
    stage: Stage, client: OscClient, place: tuple[float, ...], code: int
) -> None:
    with named(stage, "live", "insert") as live:
        make_clip(client, "take1", *SHORT)
        next_insert(live)
        texts = [str(number) for number in place]
        if code:
            id, found, text, _ = expect_fail(client, "/ace/insert", "take1", *texts)
            assert (id, found) == ("take1", code)
            assert text.startswith(("track must ", "slot must "))
            assert live.is_quiet()
        else:
            assert client.ask("/ace/insert", "take1", *place)[0] == "/ace/done"
            assert next_insert(live)[1] == place[0]


def test_what_is_no_answer_is_refused(stage: Stage, client: OscClient) -> None:
    assert expect_fail(client, "/ace/inserted")[1] == 400
    assert expect_fail(client, "/ace/inserted", "nothing", "live")[1] == 404
    assert expect_fail(client, "/ace/inserted", "nothing")[1] == 422
    assert expect_fail(client, "/ace/inserted", "nothing", "a b")[1] == 422
    make_clip(client, "take1", *SHORT)
    long = "x" * 3000
    client.send("/ace/inserted", "take1", "live", long)
    assert len(client.until("/ace/inserted")[-1][1][2]) < 300


def test_who_does_not_answer_is_asked_once_more_and_then_that_is_said(
    stage: Stage, client: OscClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inserter_module, "ANSWER_SECONDS", 0.0)
    with named(stage, "live", "insert") as live, subscribed(stage, "fail") as page:
        make_clip(client, "take1", *SHORT)
        assert [next_insert(live)[0] for _ in range(2)] == ["take1", "take1"]
        assert page.receive()[1][:3] == ["", "/ace/insert", 503]
        assert live.is_quiet()
        [job] = stage.engine.journal.search()
        assert job.last_event
        assert job.last_event.kind == "finished"
        assert job.insert_for == "live"


def test_who_is_away_is_not_asked_again_until_it_comes_back(
    stage: Stage, client: OscClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with named(stage, "live", "insert") as live:
        make_clip(client, "take1", *SHORT)
        next_insert(live)
        monkeypatch.setattr(inserter_module, "ANSWER_SECONDS", 0.0)
        monkeypatch.setattr(clients_module, "PRESENT_SECONDS", 0.0)
        stage.inserter.tick()
        assert stage.inserter.tick() == float("inf")
        monkeypatch.undo()
        live.send("/ace/notify", 1, 0, "insert", "live")
        assert next_insert(live)[0] == "take1"


# --- away, and back -------------------------------------------------------------------------------


def test_a_program_that_was_away_gets_its_clips_when_it_comes_back(
    tmp_path: Path,
) -> None:
    with on_stage(tmp_path, insert_to="live") as stage, closing(stage.client()) as client:
        paths = [make_while_nobody_is_there(stage, client, id) for id in ("take1", "take2")]
        with closing(stage.client()) as live:
            live.send("/ace/notify", 1, 0, "insert", "live")
            story = live.until("/ace/insert", "take2")
            kinds = ["/ace/clip", "/ace/finished", "/ace/insert"]
            assert addresses(story) == ["/ace/done", *kinds, *kinds]
            assert [values[3] for address, values in story if address == "/ace/insert"] == paths
            for id in ("take1", "take2"):
                answer(live, id, "live", "somewhere")
            live.send("/ace/notify", 1, 0, "insert", "live")
            live.until("/ace/done")
            assert live.is_quiet(), "they are in"


def test_a_program_that_was_busy_for_a_while_gets_its_clips_with_its_next_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model) as stage, named(stage, "live") as live:
        live.send("/ace/generate", "take1", *SHORT)
        live.until("/ace/queued")
        monkeypatch.setattr(stage.clients, "_clock", lambda: time.time() + 2 * PRESENT_SECONDS)
        model.run()
        live.until("/ace/finished")
        stage.engine.active()  # waits for who publishes
        assert stage.inserter.tick() == float("inf"), "it is away, and was not asked"
        live.send("/ace/sync", 1)
        story = live.until("/ace/synced")
        assert addresses(story) == ["/ace/clip", "/ace/finished", "/ace/insert", "/ace/synced"]
        assert live.is_quiet()


def test_what_is_too_old_is_not_put_in_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_stage(tmp_path, insert_to="live") as stage, closing(stage.client()) as client:
        make_while_nobody_is_there(stage, client, "take1")
        monkeypatch.setattr(inserter_module, "REDELIVERY_SECONDS", 0.0)
        with named(stage, "live") as live:
            assert live.is_quiet()
        stage.journal.flush()
        [job] = stage.engine.journal.search()
        assert job.insert_for == ""


def test_a_clip_whose_file_was_removed_meanwhile_is_not_asked_for_which_is_said_once(
    tmp_path: Path,
) -> None:
    with on_stage(tmp_path, insert_to="live") as stage, closing(stage.client()) as client:
        for id in ("take1", "take2", "take3"):
            path = Path(make_while_nobody_is_there(stage, client, id))
            if id != "take2":
                path.unlink()
        with subscribed(stage, "fail") as page:
            with named(stage, "live", "insert") as live:
                assert next_insert(live)[0] == "take2"
                answer(live, "take2", "live", "track 1")
                assert live.is_quiet()
            id, command, code, text, hint = page.receive()[1]
            assert (id, command, code) == ("", "/ace/insert", 404)
            assert text == "live is not asked to put take1 in, nor 1 more"
            assert "there is no file any more" in hint
            with named(stage, "live", "insert") as live:
                assert live.is_quiet()
            assert page.is_quiet()
        assert {job.insert_for for job in stage.engine.journal.search()} == {""}


def test_a_clip_on_a_volume_that_is_away_waits_for_it(tmp_path: Path) -> None:
    with on_stage(tmp_path, insert_to="live") as stage, closing(stage.client()) as client:
        path = Path(make_while_nobody_is_there(stage, client, "take1"))
        away = tmp_path / "away"
        path.parent.rename(away)
        with named(stage, "live", "insert") as live:
            assert live.is_quiet()
        away.rename(path.parent)
        with named(stage, "live", "insert") as live:
            assert next_insert(live)[0] == "take1"


def test_a_restarted_daemon_gives_a_clip_again_that_nobody_said_was_in(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path) as stage,
        closing(stage.client()) as client,
        named(stage, "live") as live,
    ):
        path = make_clip(client, "take1", *SHORT)[2]
        next_insert(live)
    with on_stage(tmp_path) as stage, named(stage, "live") as live:
        assert next_insert(live) == ["take1", *AT_THE_CURSOR, path]
        answer(live, "take1", "live", "track 1")
    with on_stage(tmp_path) as stage, named(stage, "live") as live:
        assert live.is_quiet()


def test_a_clip_that_lands_before_anybody_can_be_there_again_waits_for_the_first(
    tmp_path: Path,
) -> None:
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        make_while_nobody_is_there(stage, client, "take1")
        with named(stage, "live", "clip") as listener:
            assert listener.is_quiet(), "it puts nothing in"
        with named(stage, "reaper") as reaper:
            assert next_insert(reaper)[0] == "take1"
        with named(stage, "live") as live:
            assert live.is_quiet()


def test_takes_by_the_dozen_wait_for_who_asked_for_them_over_a_restart(tmp_path: Path) -> None:
    with on_stage(tmp_path, SteppedModel(running=False)) as stage:
        live = stage.client()
        live.send("/ace/generate", "mine", *SHORT, "count", 2)
        live.until("/ace/queued", "mine.2")
    with closing(live), on_stage(tmp_path) as stage:
        until(lambda: all(job.has_ended for job in stage.engine.journal.search()))
        stage.journal.flush()  # until everybody has been told
        with named(stage, "reaper") as reaper:
            assert reaper.is_quiet()
        live._server = stage.osc.address
        live.send("/ace/notify", 1, 0, "insert", "live")
        assert [next_insert(live)[0] for _ in range(2)] == ["mine.1", "mine.2"]


def test_later_on_a_clip_waits_for_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inserter_module, "PRESENT_SECONDS", 0.0)
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        make_while_nobody_is_there(stage, client, "take1")
        with named(stage, "live") as live:
            assert live.is_quiet()


# --- other ways of being there --------------------------------------------------------------------


def test_a_program_that_reads_the_inbox_is_named_and_sent_nothing(
    stage: Stage, client: OscClient
) -> None:
    stage.clients.note_reader("reaper", 2e9)
    told: list[Event] = []
    stage.engine.subscribe(told.append)
    path = make_clip(client, "take1", *SHORT)[2]
    client.send("/ace/query", "take1")
    client.until("/ace/finished")
    [job] = stage.engine.journal.search()
    assert job.insert_for == "reaper"
    assert [event for event in told if event.kind == "insert"] == []
    assert client.ask("/ace/insert", "take1", 1, 2)[1] == ["/ace/insert", 1, 2]
    [insert] = [event for event in told if event.kind == "insert"]
    assert (insert.to, insert.values) == ("inbox:reaper", (1, 2, path))
    assert stage.inserter.tick() == float("inf"), "the inbox waits for its answer"


def test_a_take_that_is_announced_again_is_for_the_same_program(stage: Stage) -> None:
    request = Request(prompt="p", seed=1)
    job = Job("midi", "pad", request, request, Path("/out"))
    job.clip_events = (Event("clip", job, ("mix", "/out/a.wav", 0.0, 0, "1")),)
    with named(stage, "live", "insert") as live:
        stage.engine.publish(Event("finished", job, (1, "/out/a.json")))
        assert next_insert(live) == ["pad", *AT_THE_CURSOR, "/out/a.wav"]
        live.send("/ace/inserted", "pad", "live", "track 1")
        assert live.until("/ace/done")[-1][1] == ["/ace/inserted", 1, 0]


def test_a_program_may_listen_elsewhere_than_it_sends_from(stage: Stage, client: OscClient) -> None:
    with closing(stage.client()) as ear, closing(stage.client()) as max:
        max.send("/ace/notify", 1, ear.port, "insert", "max")
        max.until("/ace/done")
        make_clip(client, "take1", *SHORT)
        assert next_insert(ear)[0] == "take1"
        max.send("/ace/clients")
        address, (name, where, seconds, inserts) = max.receive()
        assert (address, name, where, inserts) == (
            "/ace/client",
            "max",
            f"udp:127.0.0.1:{ear.port}",
            1,
        )
        assert 0 <= seconds < 30
        assert max.receive() == ("/ace/done", ["/ace/clients", 1, 0])


def test_a_program_on_tcp_is_away_when_its_connection_ends(stage: Stage) -> None:
    with closing(stage.tcp_client()) as program:
        program.send("/ace/notify", 1, 0, "insert", "live")
        program.until("/ace/done")
        assert [one.name for one in stage.clients.list_all()] == ["live"]
    until(lambda: stage.clients.list_all() == [])


def test_one_that_says_goodbye_is_away(stage: Stage) -> None:
    with named(stage, "live") as live:
        live.send("/ace/notify", 0)
        live.until("/ace/done")
        assert stage.clients.list_all() == []


def test_the_journals_errors_take_no_clip_away(stage: Stage, client: OscClient) -> None:
    with named(stage, "live", "insert") as live:
        make_clip(client, "take1", *SHORT)
        stage.journal._file.db.execute("PRAGMA query_only = 1")
        assert next_insert(live)[0] == "take1"
        answer(live, "take1", "live", "track 1")
        stage.journal._file.db.execute("PRAGMA query_only = 0")
