"""Every refusal is in the log, and so on the terminal: who sends with oscsend hears no answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon.osc.guard import HELLO
from daemon.osc.refusals import describe_message, describe_sender
from daemon.osc.wire import Malformed, Message, Peer
from daemon.runtime.logs import LimitedLog
from tests.support.osc_client import OscClient
from tests.support.stage import Stage, named, on_stage


@pytest.fixture
def heard(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Stage, OscClient]]:
    caplog.clear()
    fresh = LimitedLog(logging.getLogger("acestepd.osc"))  # other tests' senders are in ours
    monkeypatch.setattr("daemon.osc.refusals.log", fresh)
    with closing(stage.client()) as sender:
        yield stage, sender


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "acestepd.osc" and record.levelname == "WARNING"
    ]


def test_it_is_said_who_asked_for_what_and_why_not(
    heard: tuple[Stage, OscClient], caplog: pytest.LogCaptureFixture
) -> None:
    _, sender = heard
    sender.ask("/ace/generate", "x", "prompt", "warm beat", "brs", 4)
    sender.ask("/ace/set/bpm", "quick")
    sender.ask("/ace/genrate", "x")
    me = f"127.0.0.1:{sender.port}"
    assert refusals(caplog) == [
        f'refused /ace/generate x prompt "warm beat" brs 4 from {me}: no parameter is called '
        "'brs'; did you mean bars?",
        f"refused /ace/set/bpm quick from {me}: bpm must be a number, got 'quick'; write it like "
        "92, 92.5 or 92 BPM",
        f"refused /ace/genrate from {me}: no such message: /ace/genrate; did you mean "
        "/ace/generate?",
    ]


def test_what_is_refused_later_is_said_as_well(
    heard: tuple[Stage, OscClient], caplog: pytest.LogCaptureFixture
) -> None:
    _, sender = heard
    sender.ask("/ace/reroll", "x", "nobody")  # looked up on another thread
    sender.ask("/ace/bank/load", "nowhere")
    assert [line.partition(" from ")[0] for line in refusals(caplog)] == [
        "refused /ace/reroll x nobody",
        "refused /ace/bank/load nowhere",
    ]


def test_a_client_that_has_a_name_is_called_by_it(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    with named(stage, "reaper") as program:
        program.ask("/ace/pad/hit", 99)
        [line] = refusals(caplog)
        assert line.startswith(f"refused /ace/pad/hit 99 from reaper (127.0.0.1:{program.port}): ")


def test_what_is_no_osc_is_said_too(
    heard: tuple[Stage, OscClient], caplog: pytest.LogCaptureFixture
) -> None:
    _, sender = heard
    sender.send_raw(b"GET / HTTP/1.0\r\n\r\n")
    sender.receive()
    [line] = refusals(caplog)
    assert line.startswith(f"refused a message from 127.0.0.1:{sender.port}: not an OSC message")


def test_what_only_a_daemon_sends_is_ignored_aloud(
    heard: tuple[Stage, OscClient], caplog: pytest.LogCaptureFixture
) -> None:
    _, sender = heard
    sender.send("/ace/param/bars", 8)
    assert sender.is_quiet()
    assert refusals(caplog) == [
        f"ignored /ace/param/bars from 127.0.0.1:{sender.port}: it is what acestepd sends; "
        "/ace/set/bars sets it"
    ]


def test_who_repeats_a_mistake_fills_no_log(
    heard: tuple[Stage, OscClient], caplog: pytest.LogCaptureFixture
) -> None:
    stage, sender = heard
    for number in range(50):
        sender.ask(f"/ace/nonsense{number}")
        sender.ask("/ace/set/bars", "many")
    assert len(refusals(caplog)) == 2
    with closing(stage.client()) as another:
        another.ask("/ace/set/bars", "many")
    assert len(refusals(caplog)) == 3


def test_no_token_is_ever_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with on_stage(tmp_path, token="open sesame") as stage, closing(stage.client()) as sender:
        sender.ask(HELLO, "open sesame now")
        sender.ask("/ace/helo", "open sesame")
        assert "sesame" not in caplog.text
        assert len(refusals(caplog)) == 2
    assert describe_message(Message(HELLO, ("open sesame",))) == HELLO


def test_with_private_only_the_message_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with on_stage(tmp_path, private=True) as stage, closing(stage.client()) as sender:
        sender.ask("/ace/go", "x" * 200, "my secret")
        [line] = refusals(caplog)
        assert line.startswith(f"refused /ace/go from 127.0.0.1:{sender.port}: an id must have")


def test_long_arguments_are_shortened() -> None:
    message = Message("/ace/go", ("a\nb", 1.5, None, "x" * 100, 4, 7, "more"))
    assert describe_message(message) == f"/ace/go a\nb 1.5 None {'x' * 37}… 4 7 …"
    assert describe_message(Message("/ace/go", ("",))) == '/ace/go ""'
    assert describe_message(Malformed("no OSC")) == "a message"
    assert len(describe_message(Message("/" + "a" * 10_000, ()))) < 100


def test_a_client_of_each_transport_has_an_address() -> None:
    assert describe_sender(Peer("udp:192.168.0.7:9001", "192.168.0.7")) == "192.168.0.7:9001"
    assert describe_sender(Peer("tcp:7", "192.168.0.7")) == "192.168.0.7 by TCP"
    assert describe_sender(Peer("page:1a2b", "127.0.0.1")) == "a page on 127.0.0.1"
