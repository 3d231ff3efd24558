"""`acestepd send`, `reroll` and `favourite` beside a daemon: what they print, and when they end."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from daemon.cli import client as daemon_client
from daemon.cli import send
from daemon.cli.send import SYNC, infer_values
from daemon.osc.wire import Value, encode, read_message
from daemon.runtime.lock import StateLock
from daemon.settings import SettingsError
from tests.support.harness import SteppedModel
from tests.support.osc_client import OscClient, make_clip
from tests.support.stage import Stage, on_stage
from tests.support.waiting import until

from .test_play import begun, rows, run

SHORT = ("seconds", "0.5")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path) as stage:
        yield stage


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as client:
        yield client


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["take1", "warm lo-fi beat", "4", "7"], ["take1", "warm lo-fi beat", 4, 7]),
        (["1.0", "-1", "+2", ".5", "1e2"], [1.0, -1, 2, 0.5, 100.0]),
        (["", " 4", "4 bars", "3/4", "1_000", "0x10", "٣"],) * 2,
        (["nan", "inf", "-inf", "1e999", "F#m", "true"],) * 2,
        (["2147483647", "-2147483648"], [2147483647, -2147483648]),
        (["4294967295", "99999999999", "2147483648.0"],) * 2,  # seeds: text keeps every digit
    ],
)
def test_numbers_are_sent_as_numbers_and_all_else_as_text(
    words: list[str], values: list[Value]
) -> None:
    found = infer_values(words)
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


def test_types_can_be_said() -> None:
    assert infer_values(["7", "4", "7"], "sfi") == ["7", 4.0, 7]
    assert isinstance(infer_values(["4"], "f")[0], float)


@pytest.mark.parametrize(
    ("words", "types", "told"),
    [
        (["a"], "x", "--types has the letters s, i and f, got 'x'"),
        (["a"], "ss", "--types is for 2 arguments, and there are 1"),
        (["a"], "i", "--types says a whole number, got 'a'"),
        (["4.5"], "i", "--types says a whole number, got '4.5'"),
        (["a"], "f", "--types says a number, got 'a'"),
    ],
)
def test_types_that_do_not_fit_are_refused(words: list[str], types: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        infer_values(words, types)
    assert str(refused.value) == told


def test_a_job_is_followed_to_its_end(stage: Stage) -> None:
    done = run(stage.settings.state, "send", "/ace/go", "one", "pad", "1", "7", "--json")
    assert done.returncode == 0, done.stderr
    told = [row["event"] for row in rows(done.stdout) if row["event"] != "progress"]
    assert told == ["queued", "clip", "finished"]
    assert stage.model.played == ["pad"]


def test_every_take_of_an_order_is_waited_for(stage: Stage) -> None:
    order = ("/ace/generate", "one", "prompt", "pad", *SHORT, "count", "3", "seed", "5")
    done = run(stage.settings.state, "send", *order, "--json")
    ended = [row["id"] for row in rows(done.stdout) if row["event"] == "finished"]
    assert sorted(map(str, ended)) == ["one.1", "one.2", "one.3"]


@contextmanager
def in_place_of_a_daemon(folder: Path) -> Iterator[socket.socket]:
    """A socket that is asked as the daemon of this folder would be."""
    with (
        StateLock(folder / "state") as lock,
        closing(socket.socket(type=socket.SOCK_DGRAM)) as here,
    ):
        here.bind(("127.0.0.1", 0))
        here.settimeout(60)
        lock.record_address(*here.getsockname())
        yield here


def test_what_is_told_again_is_printed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "PAUSE_SECONDS", 0.01)
    notes = [encode("/ace/note", "ss", "one", text) for text in ("4 bars", "A minor")]
    ended = encode("/ace/finished", "sis", "one", 1, "/x.json")
    with in_place_of_a_daemon(tmp_path) as here:

        def tell_again() -> None:
            asked = 0
            while asked < 3:
                content, sender = here.recvfrom(65_536)
                question = read_message(content)
                if question.address == "/ace/sync":
                    here.sendto(encode("/ace/queued", "sif", "one", 0, 1.0), sender)
                    here.sendto(encode("/ace/synced", "i", SYNC), sender)
                elif question.address == "/ace/query":
                    asked += 1
                    for message in notes if asked < 3 else (ended,):
                        here.sendto(message, sender)

        with ThreadPoolExecutor() as threads:
            threads.submit(tell_again)
            done = run(tmp_path / "state", "send", "/ace/generate", "one", "prompt", "pad")
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "queued",
        "note",
        "note",
        "finished",
    ]


def test_answers_are_printed_a_line_each(stage: Stage) -> None:
    assert run(stage.settings.state, "send", "/ace/ping", "x").stdout.startswith("pong       x  ")
    done = run(stage.settings.state, "send", "/ace/set/bpm", "92")
    assert done.stdout == "param/bpm  92\n"
    done = run(stage.settings.state, "send", "/ace/get/{bpm,bars}")
    assert done.stdout.split("\n")[:-1] == ["param/bars  0", "param/bpm  92"]


def test_a_search_is_told_to_its_last_row(stage: Stage, client: OscClient) -> None:
    make_clip(client, "a", "prompt", "rain", *SHORT)
    make_clip(client, "b", "prompt", "snow", *SHORT)
    done = run(stage.settings.state, "send", "/ace/history", "rain", "--json")
    assert [row["event"] for row in rows(done.stdout)] == ["past", "done"]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (("/ace/gnerate", "a"), "did you mean /ace/generate?"),
        (("/ace/generate", "a", "prompt", "x", "bars", "-3"), "bars must be in 0..1024, got -3"),
        (("/ace/cancel", "nobody"), "no job is called 'nobody'"),
    ],
)
def test_what_is_refused_is_printed_and_the_status_says_so(
    stage: Stage, message: tuple[str, ...], told: str
) -> None:
    done = run(stage.settings.state, "send", "--", *message)
    assert done.returncode == 1
    assert told in done.stdout


def test_an_address_begins_with_a_slash(stage: Stage) -> None:
    done = run(stage.settings.state, "send", "ace/ping")
    assert done.returncode == 2
    assert "an address begins with /, like /ace/ping, got 'ace/ping'" in done.stderr


def test_where_nobody_answers_it_says_so(tmp_path: Path) -> None:
    done = run(tmp_path / "state", "send", "/ace/ping", "--port", "9")
    assert done.returncode == 3
    assert "acestepd is not running" in done.stderr


@pytest.mark.parametrize("command", ["send", "play"])
def test_a_daemon_that_stays_away_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(daemon_client, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(daemon_client, "PATIENCE", -1.0)
    words = (
        ("/ace/generate", "one", "prompt", "pad") if command == "send" else ("pad", "--id", "one")
    )
    with in_place_of_a_daemon(tmp_path) as here:

        def queue_and_go() -> None:
            for _ in range(2 if command == "send" else 1):  # what is asked, and a sync
                _, sender = here.recvfrom(65_536)
            here.sendto(encode("/ace/queued", "sif", "one", 0, 1.0), sender)
            here.sendto(encode("/ace/synced", "i", SYNC), sender)
            here.close()

        with ThreadPoolExecutor() as threads:
            threads.submit(queue_and_go)
            done = run(tmp_path / "state", command, *words)
    assert done.returncode == 3
    assert "what it accepted goes on once it runs again" in done.stderr


def test_interrupted_it_only_ceases_to_listen(tmp_path: Path) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model) as stage:
        order = ("/ace/generate", "one", "prompt", "pad", *SHORT)
        with begun(stage.settings.state, "send", *order) as process:
            assert process.stdout
            assert process.stdout.readline().startswith("queued     one")
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        model.run()
        until(lambda: stage.model.played == ["pad"])


def test_a_take_is_made_again_with_another_seed(stage: Stage, client: OscClient) -> None:
    make_clip(client, "one", "prompt", "rain", *SHORT, "seed", 7)
    done = run(stage.settings.state, "reroll", "one", "--seed", "8")
    assert [Path(line).name for line in done.stdout.splitlines()] == ["rain_0.5s_s8.wav"]
    done = run(stage.settings.state, "reroll")
    assert done.returncode == 0, done.stderr
    assert stage.model.played == ["rain"] * 3


def test_a_take_is_marked_and_not_any_more(stage: Stage, client: OscClient) -> None:
    path = make_clip(client, "one", "prompt", "rain", *SHORT)[2]
    assert run(stage.settings.state, "favourite").stdout == f"one is a favourite: {path}\n"
    assert stage.journal.search("", None, None, None, True, 20)
    done = run(stage.settings.state, "favourite", "one", "--off", "--json")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"event": "favourite", "id": "one", "on": 0, "path": path},
        {"event": "done", "command": "/ace/favourite", "first": 0, "second": 0},
    ]
    assert not stage.journal.search("", None, None, None, True, 20)
    assert run(stage.settings.state, "favourite", "nobody").returncode == 1
