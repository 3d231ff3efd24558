"""Who is sent which events, and for how long."""

from __future__ import annotations

import difflib
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from daemon.integrations.catalogue import CATALOGUE
from daemon.jobs import Event
from daemon.osc import guard
from daemon.osc.handlers.subscriptions import SIMILAR
from daemon.osc.outgoing import TOPICS
from daemon.osc.subscribers import FOR_EVER, MAX_PER_MACHINE
from daemon.osc.wire import Peer
from daemon.settings import NAME, Settings
from pipeline.request import FIELDS
from tests.support.osc_client import (
    SHORT,
    OscClient,
    addresses,
    expect_fail,
    make_clip,
)
from tests.support.stage import Stage, named, on_stage, subscribed


def test_a_subscriber_on_another_port_hears_everything(client: OscClient, stage: Stage) -> None:
    with closing(stage.client()) as listener:
        assert client.ask("/ace/notify", 1, listener.port)[0] == "/ace/done"
        assert listener.receive() == (
            "/ace/done",
            ["/ace/notify", pytest.approx(1, abs=1000), guard.LEASE],
        )
        listener.until("/ace/param/" + list(FIELDS)[-1])
        make_clip(client, "heard", *SHORT)
        jobs = [h for h in listener.until("/ace/finished", "heard") if h[0] != "/ace/state"]
        assert addresses(jobs) == ["/ace/queued", "/ace/progress", "/ace/clip", "/ace/finished"]
        assert client.ask("/ace/notify", 0, listener.port)[0] == "/ace/done"
        make_clip(client, "unheard", *SHORT)
        while (received := listener.ask("/ace/ping", "end"))[
            0
        ] == "/ace/state":  # what came before it left
            pass
        assert received[1][0] == "end"


def test_a_snapshot_tells_how_everything_stands(
    paused_client: OscClient, paused_stage: Stage
) -> None:
    for id, event in (("running", "/ace/progress"), ("behind", "/ace/queued")):
        paused_client.send("/ace/generate", id, *SHORT)
        paused_client.until(event, id)
    paused_stage.journal.flush()  # then the state that follows `queued` was told, too
    paused_stage.panel.set("bars", 3)
    with closing(paused_stage.client()) as listener:
        listener.send("/ace/notify", 1)
        answers = listener.until("/ace/param/" + list(FIELDS)[-1])
        kinds = [address for address, _ in answers]
        assert kinds[:3] == ["/ace/done", "/ace/state", "/ace/tempo"]
        assert answers[1][1] == ["busy", "mini", 1]
        assert ("/ace/param/bars", [3]) in answers
        assert {
            address.removeprefix("/ace/param/") for address in kinds if "param" in address
        } == set(FIELDS)
        jobs = [
            (address, values[0])
            for address, values in answers
            if values[0] in ("running", "behind")
        ]
        assert jobs[0] == ("/ace/progress", "running")
        assert ("/ace/queued", "behind") in jobs


def test_topics_choose_what_a_subscriber_hears(client: OscClient, stage: Stage) -> None:
    with closing(stage.client()) as listener:
        listener.send("/ace/notify", 1, listener.port, "clip")
        assert listener.receive()[0] == "/ace/done"
        make_clip(client, "topic", *SHORT)
        assert listener.receive()[0] == "/ace/clip"
        assert listener.is_quiet()
        listener.send("/ace/notify", 1, "tempo,state")  # without a port
        assert [listener.receive()[0] for _ in range(3)] == [
            "/ace/done",
            "/ace/state",
            "/ace/tempo",
        ]
        assert expect_fail(listener, "/ace/notify", 1, listener.port, "weather")[1] == 422
        assert expect_fail(listener, "/ace/notify", 1, 70_000)[1] == 422
        listener.send("/ace/notify", 0)


@pytest.mark.parametrize(
    ("arguments", "topics", "name"),
    [
        ((1, 0, "clip insert", "live"), {"clip", "insert"}, "live"),
        ((1, 0, "clip", "insert", "live"), {"clip", "insert"}, "live"),  # Pd's words
        ((1.0, 0.0, "clip,insert", "Live "), {"clip", "insert"}, "live"),
        ((1, "clip", "pd"), {"clip"}, "pd"),
        ((1, "", "max-8"), set(TOPICS), "max-8"),
        ((1, 0, "", "live"), set(TOPICS), "live"),
        ((1, "0 clip", "live"), {"clip"}, "live"),
        ((1, 0, "clip", "insert"), {"clip", "insert"}, ""),
        ((1, 0, "clip", ""), {"clip"}, ""),
        ((1, 0, "clip"), {"clip"}, ""),
        ((1,), set(TOPICS), ""),
    ],
)
def test_the_last_text_that_is_no_topic_is_a_name(
    client: OscClient, stage: Stage, arguments: tuple[Any, ...], topics: set[str], name: str
) -> None:
    client.send("/ace/notify", *arguments)
    client.send("/ace/sync", 5)
    client.until("/ace/synced")
    assert [one.name for one in stage.clients.list_all()] == ([name] if name else [])
    listening = [kind for kind in TOPICS if stage.osc.subscribers.list_peers(kind)]
    assert set(listening) == topics
    client.send("/ace/notify", 0)
    client.until("/ace/done")
    assert stage.clients.list_all() == []


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ((1, 0, "clip", "insrt"), "did you mean insert?"),
        ((1, 0, "clip", "auto"), "choose another name"),
        ((1, 0, "live"), "a name stands behind them"),
        ((1, 0, "clip live"), "a name stands behind them"),
        ((1, 0, "clip", "no name!"), "a name stands behind them"),
    ],
)
def test_what_may_be_a_misspelt_topic_is_no_name(
    client: OscClient, stage: Stage, arguments: tuple[Any, ...], hint: str
) -> None:
    _, code, _, said = expect_fail(client, "/ace/notify", *arguments)
    assert code == 422
    assert hint in said
    assert stage.clients.list_all() == []


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_the_programs_that_something_ships_for_have_names(name: str) -> None:
    assert NAME.fullmatch(name)
    assert not difflib.get_close_matches(name, TOPICS, 1, SIMILAR)


def test_a_subscriber_is_told_about_a_job_once_although_it_is_its_own(
    client: OscClient, stage: Stage
) -> None:
    with subscribed(stage) as listener:
        listener.send("/ace/generate", "once", *SHORT)
        story = listener.until_end("once")
        assert addresses(story) == ["/ace/queued", "/ace/progress", "/ace/clip", "/ace/finished"]


def test_failures_reach_the_subscriber_on_the_senders_machine(stage: Stage) -> None:
    with subscribed(stage, "fail") as listener, closing(stage.client()) as thrown_away:
        thrown_away.send("/ace/go", "x", "prompt", -5)
        assert listener.receive()[1][:3] == ["x", "/ace/go", 422]


def test_what_a_watched_file_said_reaches_subscribers(stage: Stage) -> None:
    with subscribed(stage, "read") as listener:
        stage.engine.publish(
            Event("read", None, ("/lyrics/song.md", 3, 422, "no parameter is called 'brs'"))
        )
        assert listener.receive() == (
            "/ace/read",
            ["/lyrics/song.md", 3, 422, "no parameter is called 'brs'"],
        )


def test_a_failure_that_is_about_no_job_reaches_subscribers(stage: Stage) -> None:
    with subscribed(stage, "fail") as listener:
        stage.engine.publish(
            Event("fail", None, ("/ace/generate", 500, "the engine's process ended", ""))
        )
        assert listener.receive()[1][:3] == ["", "/ace/generate", 500]


def test_subscribers_whose_lease_ran_out_make_room(tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        for port in range(2000, 2100):
            stage.osc.subscribers.add(Peer(f"udp:127.0.0.1:{port}", "127.0.0.1"), frozenset(), 0.0)
        assert client.ask("/ace/notify", 1, 0, "read")[0] == "/ace/done"


def test_who_subscribes_from_ever_new_ports_takes_nobody_elses_place(tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, closing(stage.client()) as client, ExitStack() as opened:
        ports = [opened.enter_context(closing(stage.client())) for _ in range(2 * MAX_PER_MACHINE)]
        for one in ports:
            assert one.ask("/ace/notify", 1, 0, "read")[0] == "/ace/done"
        assert client.ask("/ace/notify", 1, 0, "read")[0] == "/ace/done"
        assert ports[0].receive()[1][:3] == ["", "/ace/notify", 429]


def test_who_had_to_make_room_is_told_and_is_not_there_any_more(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path) as stage,
        closing(stage.client()) as client,
        named(stage, "live", "read") as first,
    ):
        for port in range(2000, 2000 + MAX_PER_MACHINE - 1):
            stage.osc.subscribers.add(Peer(f"udp:127.0.0.1:{port}", "127.0.0.1"), frozenset())
        assert client.ask("/ace/notify", 1, 0, "read")[0] == "/ace/done"
        address, values = first.receive()
        assert (address, values[:3]) == ("/ace/fail", ["", "/ace/notify", 429])
        assert stage.clients.list_all() == []
        assert first.ask("/ace/notify", 1, 0, "read")[0] == "/ace/done"


def test_static_subscribers_hear_without_asking_and_without_end(tmp_path: Path) -> None:
    with closing(OscClient(("127.0.0.1", 9))) as listener:
        static = f"127.0.0.1:{listener.port}"
        with on_stage(tmp_path, subscribers=(static,)) as stage:
            assert listener.until("/ace/state")[-1][1][0] == "loading"
            listener._server = stage.osc.address
            listener.send("/ace/notify", 1, 0, "clip")
            listener.until("/ace/done")
            (kept,) = stage.osc.subscribers.list_peers("clip")
            assert stage.osc.subscribers._subscribers[kept.client].expires == FOR_EVER


def test_other_settings_are_taken_up_while_it_runs(tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, closing(OscClient(stage.osc.address)) as listener:
        changed = Settings(
            out=tmp_path, state=tmp_path, subscribers=(f"127.0.0.1:{listener.port}",), rate=7
        )
        stage.osc.change_settings(changed, stage.osc.allowed_folders)
        make_clip(listener, "seen", *SHORT)
        assert [sender.client for sender in stage.osc.subscribers.list_peers("clip")] == [
            f"udp:127.0.0.1:{listener.port}"
        ]
        stage.osc.change_settings(Settings(out=tmp_path, state=tmp_path), stage.osc.allowed_folders)
        assert stage.osc.subscribers.list_peers("clip") == []
