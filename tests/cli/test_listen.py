"""`acestepd listen` as a process of its own, beside a daemon."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon import VERSION
from tests.cli.test_play import begun, rows, run, run_into
from tests.support import daemon_process
from tests.support.osc_client import SHORT, make_clip
from tests.support.stage import Stage, on_stage
from tests.support.waiting import until


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path) as stage:
        yield stage


def wait_until_subscribed(stage: Stage, topic: str = "clip") -> None:
    until(lambda: stage.osc.subscribers.list_peers(topic))


def next_row(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout
    row: dict[str, object] = json.loads(process.stdout.readline())
    return row


def test_it_tells_what_others_ask_for_by_name(stage: Stage) -> None:
    arguments = ("listen", "--topics", "clip finished", "--count", "2", "--json")
    with begun(stage.settings.state, *arguments) as one, closing(stage.client()) as client:
        wait_until_subscribed(stage)
        clip = make_clip(client, "theirs")
        out, _ = one.communicate(timeout=60)
    assert one.returncode == 0
    assert [row["event"] for row in rows(out)] == ["clip", "finished"]
    assert list(rows(out)[0].values())[1:] == clip
    until(lambda: not stage.osc.subscribers.list_peers("clip"))


def test_for_people_it_is_a_line_each(stage: Stage) -> None:
    done = run(stage.settings.state, "listen", "--topics", "state", "--count", "1")
    assert done.stdout.split()[:2] == ["state", "warm"]
    assert len(done.stdout.splitlines()) == 1


def test_one_take_can_be_listened_for(stage: Stage) -> None:
    arguments = ("listen", "--for", "two", "--topics", "finished", "--count", "2", "--json")
    with begun(stage.settings.state, *arguments) as one, closing(stage.client()) as client:
        wait_until_subscribed(stage, "finished")
        make_clip(client, "one")
        make_clip(client, "two")
        client.send("/ace/generate", "two.x", *SHORT)
        out, _ = one.communicate(timeout=60)
    assert [row["id"] for row in rows(out)] == ["two", "two.x"]


def test_where_a_program_put_a_clip_is_told(stage: Stage) -> None:
    arguments = ("listen", "--topics", "inserted", "--json", "--count", "1")
    with closing(stage.client()) as live, begun(stage.settings.state, *arguments) as one:
        wait_until_subscribed(stage, "inserted")
        live.send("/ace/notify", 1, 0, "clip insert", "live")
        live.until("/ace/done")
        live.send("/ace/generate", "mine", *SHORT)
        live.until("/ace/insert", "mine")
        live.send("/ace/inserted", "mine", "live", "track 3, slot 5")
        out, _ = one.communicate(timeout=60)
        [row] = rows(out)
        assert row["event"] == "inserted"
        assert row["id"] == "mine"
        assert row["program"] == "live"
        assert row["where"] == "track 3, slot 5"
        assert [client.name for client in stage.clients.list_all()] == ["live"], "no other has one"


def test_parameters_are_told_by_their_names(stage: Stage) -> None:
    arguments = ("listen", "--topics", "param", "--json")
    with begun(stage.settings.state, *arguments) as one:
        assert next_row(one) == {"event": "param", "name": "prompt", "value": ""}


def test_a_reader_that_has_had_enough_ends_it_quietly(stage: Stage) -> None:
    with begun(stage.settings.state, "listen", "--topics", "state clip") as one:
        wait_until_subscribed(stage)
        assert one.stdout
        assert one.stderr
        one.stdout.close()
        with closing(stage.client()) as client:
            make_clip(client, "a")
            make_clip(client, "b")
        assert one.wait(60) == 0
        assert one.stderr.read() == ""


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_where_its_output_cannot_be_written_it_ends_and_says_why(
    stage: Stage, as_json: tuple[str, ...]
) -> None:
    with open("/dev/full", "w") as full:
        done = run_into(full, stage.settings.state, "listen", "--topics", "state", *as_json)
    assert done.returncode == 2
    assert done.stderr == "acestepd: what it prints cannot be written: No space left on device\n"
    until(lambda: not stage.osc.subscribers.list_peers("state"))


def test_whatever_others_call_their_takes_each_event_is_a_line(stage: Stage) -> None:
    arguments = ("listen", "--topics", "queued fail", "--count", "2")
    with begun(stage.settings.state, *arguments) as one, closing(stage.client()) as client:
        wait_until_subscribed(stage, "queued")
        client.send("/ace/generate", "a\nfail  b\u2028\u202ec", *SHORT)
        client.until("/ace/queued")
        client.send("/ace/query", "gone\r\n\x07")
        client.until("/ace/fail")
        out, _ = one.communicate(timeout=60)
    lines = out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(r"queued     a\nfail  b\u2028\u202ec  ")
    assert lines[1].startswith("fail       gone")
    assert out.replace("\n", "").isprintable()


def test_control_c_ends_it_and_its_subscription(stage: Stage) -> None:
    with begun(stage.settings.state, "listen") as one:
        wait_until_subscribed(stage)
        one.send_signal(signal.SIGINT)
        assert one.wait(60) == 130
    until(lambda: not stage.osc.subscribers.list_peers("clip"))


@pytest.mark.long
def test_a_daemon_that_is_killed_and_started_again_is_listened_to_again(tmp_path: Path) -> None:
    state = tmp_path / "state"
    flags = ("--state", str(state))
    arguments = ("listen", "--topics", "state finished", "--json")
    with begun(state, *arguments) as one:
        assert next_row(one) == {"event": "gone"}, "there is none yet"
        with daemon_process.started(tmp_path / "out", *flags) as (daemon, client):
            assert next_row(one) == {"event": "back", "version": VERSION}
            assert next_row(one)["event"] == "state"
            make_clip(client, "first")
            while next_row(one)["event"] != "finished":
                pass
            os.kill(daemon.process.pid, signal.SIGKILL)
            daemon.process.wait()
            while (row := next_row(one))["event"] == "state":
                pass
            assert row == {"event": "gone"}
        with daemon_process.started(tmp_path / "out", *flags) as (_, client):
            assert next_row(one) == {"event": "back", "version": VERSION}
            make_clip(client, "second")
            while (row := next_row(one))["event"] != "finished":
                pass
            assert row["id"] == "second"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--topics", "clip insrt"], "no topic is called 'insrt' (did you mean insert?)"),
        (["--topics", "all"], "there are: queued note progress"),
        (["--count", "-1"], "--count must be"),
    ],
)
def test_mistakes_end_with_one_sentence_and_status_2(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    done = run(tmp_path / "state", "listen", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
