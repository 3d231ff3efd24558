"""OSC's messages as JSON over a WebSocket: the same answers, events and limits."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from daemon.osc.server import MAX_RECEIVED
from daemon.osc.wire import Peer, encode
from daemon.page import connections, page
from tests.page.conftest import Asker
from tests.support.stage import Stage, on_stage, slow_guards_clock, subscribed
from tests.support.waiting import until


class Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._messages: list[list[Any]] = []

    def send(self, *messages: list[Any]) -> None:
        self._connection.send(json.dumps(messages))

    def send_text(self, text: str) -> None:
        self._connection.send(text)

    def receive(self) -> list[Any]:
        while not self._messages:
            self._messages = json.loads(self._connection.recv(timeout=60))
        return self._messages.pop(0)

    def until(self, address: str) -> list[Any]:
        while (message := self.receive())[0] != address:
            pass
        return message[1:]


def read_single(message: list[Any]) -> list[Any]:
    """The message with its numbers as UDP has them."""
    return [float(np.float32(each)) if isinstance(each, float) else each for each in message]


@pytest.fixture
def socket(asker: Asker) -> Iterator[Socket]:
    with asker.connect() as connection:
        yield Socket(connection)


@pytest.fixture
def shared_socket(shared_asker: Asker) -> Iterator[Socket]:
    with shared_asker.connect() as connection:
        yield Socket(connection)


def test_a_ping_is_answered(socket: Socket) -> None:
    socket.send(["/ace/ping", "here"])
    assert socket.receive()[:2] == ["/ace/pong", "here"]


def test_it_gets_the_snapshot_that_every_subscriber_gets(stage: Stage, socket: Socket) -> None:
    socket.send(["/ace/notify", 1])
    socket.until("/ace/done")
    socket.send(["/ace/sync", 5])
    heard = []
    while (message := socket.receive())[0] != "/ace/synced":
        heard.append(message)
    with closing(stage.client()) as client:
        client.send("/ace/notify", 1)
        client.until("/ace/done")
        client.send("/ace/sync", 5)
        others = []
        while (other := client.receive())[0] != "/ace/synced":
            others.append([other[0], *other[1]])
    assert [read_single(each) for each in heard] == others


def test_what_it_sets_the_others_see_and_what_they_set_it_sees(
    stage: Stage, socket: Socket
) -> None:
    socket.send(["/ace/notify", 1, 0, "param"], ["/ace/sync", 1])
    socket.until("/ace/synced")
    with subscribed(stage, "param") as other:
        socket.send(["/ace/set/prompt", "warm keys 日本 🎹"])
        *_, (_, values) = other.until("/ace/param/prompt")
        assert values == ["warm keys 日本 🎹"]
        other.send("/ace/set/bpm", 93.5)
        assert socket.until("/ace/param/bpm") == [93.5]


def test_lyrics_of_any_length_are_one_message(stage: Stage, socket: Socket) -> None:
    lyrics = "\n".join(f"line {number} of a very long song" for number in range(1000))
    socket.send(["/ace/set/lyrics", lyrics])
    socket.send(["/ace/sync", 1])
    socket.until("/ace/synced")
    assert stage.panel.request.lyrics == lyrics


def test_a_take_of_it_is_told_to_its_end(socket: Socket) -> None:
    socket.send(["/ace/generate", "mine", "prompt", "x", "bars", 1])
    assert socket.until("/ace/queued")[0] == "mine"
    assert socket.until("/ace/clip")[0] == "mine"
    assert socket.until("/ace/finished")[0] == "mine"


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "{}", "[]", "[1]", "[[]]", '[["ping"]]', '[["/ace/ping", {}]]',
        '[["/ace/ping", [1]]]', "[" * 5000, '[["/ace/ping", 1e999]]', '[["/ace/ping", NaN]]',
        json.dumps([["/ace/ping"]] * (connections.MAX_MESSAGES + 1)),
        json.dumps([["/ace/ping", *range(300)]]),
    ],
)  # fmt: skip
def test_what_is_no_message_is_answered_and_the_next_one_is_read(
    shared_socket: Socket, text: str
) -> None:
    shared_socket.send_text(text)
    assert shared_socket.until("/ace/fail")[2] == 400
    shared_socket.send(["/ace/ping", "after"])
    assert shared_socket.until("/ace/pong")[0] == "after"


def test_a_message_that_makes_no_sense_is_refused_as_over_osc(socket: Socket) -> None:
    socket.send(["/ace/set/bpm", "ninety"], ["/ace/gernate", "x"])
    assert socket.until("/ace/fail")[1:3] == ["/ace/set/bpm", 400]
    assert socket.until("/ace/fail")[1:3] == ["/ace/gernate", 404]


def test_two_pages_see_the_same(stage: Stage, asker: Asker, socket: Socket) -> None:
    with asker.connect() as connection:
        other = Socket(connection)
        for each in (socket, other):
            each.send(["/ace/notify", 1])
            each.until("/ace/done")
        other.send(["/ace/generate", "theirs", "prompt", "x", "bars", 1])
        for each in (socket, other):
            assert each.until("/ace/finished")[0] == "theirs"


def test_who_is_gone_is_sent_nothing_more(stage: Stage, asker: Asker) -> None:
    with asker.connect() as connection:
        socket = Socket(connection)
        socket.send(["/ace/notify", 1])
        socket.until("/ace/done")
        assert stage.osc.subscribers.list_peers("state")
    with subscribed(stage, "state") as other:
        other.send("/ace/sync", 9)
        other.until("/ace/synced")
        kinds = [peer.client for peer in stage.osc.subscribers.list_peers("state")]
        assert not any(kind.startswith("page:") for kind in kinds)


@pytest.mark.parametrize("most", ["MAX_CONNECTIONS", "MAX_PER_HOST"])
def test_of_too_many_pages_the_one_that_has_been_silent_for_longest_makes_room(
    asker: Asker, monkeypatch: pytest.MonkeyPatch, most: str
) -> None:
    monkeypatch.setattr(connections, most, 3)
    with ExitStack() as opened:
        held = [opened.enter_context(asker.connect()) for _ in range(3)]
        for number in (1, 0, 2):  # in this order they speak
            socket = Socket(held[number])
            socket.send(["/ace/ping", "here"])
            socket.until("/ace/pong")
        Socket(held[1]).send(["/ace/ping", "again"])
        Socket(held[1]).until("/ace/pong")
        newest = Socket(opened.enter_context(asker.connect()))
        newest.send(["/ace/ping", "new"])
        assert newest.until("/ace/pong")[0] == "new"
        with pytest.raises(ConnectionClosed) as closed:
            held[0].recv(timeout=60)
        assert closed.value.rcvd
        assert closed.value.rcvd.code == connections.TRY_AGAIN_LATER
        for number in (1, 2):
            Socket(held[number]).send(["/ace/ping", "still"])
            assert Socket(held[number]).until("/ace/pong")[0] == "still"


def test_a_page_that_is_gone_before_it_was_heard_is_no_subscriber(
    stage: Stage, asker: Asker
) -> None:
    """It asked, and was gone before its turn came: who ends it waits behind what it asked."""
    is_busy, may_go_on = threading.Event(), threading.Event()

    def keep_busy() -> Iterator[None]:
        is_busy.set()
        may_go_on.wait(60)
        yield

    stage.osc.queue_work(Peer("udp:127.0.0.1:9", "127.0.0.1"), keep_busy())
    stage.osc.wake()
    is_busy.wait(60)
    with asker.connect() as connection:
        Socket(connection).send(["/ace/notify", 1])
    until(lambda: len(stage.osc._received) == 2)  # what it asked, and its end
    may_go_on.set()
    with subscribed(stage, "param") as other:
        other.send("/ace/sync", 9)
        other.until("/ace/synced")
        kinds = [peer.client for peer in stage.osc.subscribers.list_peers("state")]
        assert not any(kind.startswith("page:") for kind in kinds)


# --- floods, and who is let in no more ------------------------------------------------------------


def test_a_flood_is_answered_with_429_and_another_page_is_served(
    stage: Stage, asker: Asker
) -> None:
    """Each page has the budget of a program on this machine."""
    stage.osc.guard.change_settings(dataclasses.replace(stage.settings, rate=10))
    slow_guards_clock(stage)
    with asker.connect() as first, asker.connect() as second:
        flooding, calm = Socket(first), Socket(second)
        for number in range(10):
            flooding.send(*(["/ace/ping", f"{number}"] for _ in range(20)))
        assert flooding.until("/ace/fail")[2] == 429
        calm.send(["/ace/ping", "here"])
        assert calm.until("/ace/pong")[0] == "here"


def test_much_is_read_no_faster_than_it_is_served(stage: Stage, asker: Asker) -> None:
    """What one page sends waits in its own socket once enough of it waits here."""
    is_busy, may_go_on = threading.Event(), threading.Event()

    def keep_busy() -> Iterator[None]:
        is_busy.set()
        may_go_on.wait(60)
        yield

    stage.osc.queue_work(Peer("udp:127.0.0.1:9", "127.0.0.1"), keep_busy())
    stage.osc.wake()
    is_busy.wait(60)
    with asker.connect() as connection:
        socket = Socket(connection)

        def flood() -> None:
            for _ in range(5):
                socket.send(*[["/ace/ping", "x" * 1000]] * 60)

        sending = threading.Thread(target=flood)
        sending.start()
        until(lambda: stage.osc.is_behind)
        assert len(stage.osc._received) <= MAX_RECEIVED + connections.MAX_MESSAGES
        may_go_on.set()
        for _ in range(300):
            socket.until("/ace/pong")
        sending.join()


def test_bytes_are_no_messages(shared_asker: Asker) -> None:
    with shared_asker.connect() as connection:
        connection.send(b'[["/ace/ping", "bytes"]]')
        socket = Socket(connection)
        assert socket.until("/ace/fail")[2] == 400
        socket.send(["/ace/ping", "text"])
        assert socket.until("/ace/pong")[0] == "text"


def test_a_text_that_is_too_large_ends_the_connection(shared_asker: Asker) -> None:
    with shared_asker.connect() as connection:
        connection.send("x" * (page.MAX_TEXT + 1))
        with pytest.raises(ConnectionClosed):
            Socket(connection).receive()
    assert shared_asker.ask("/takes").status == 200


def test_a_machine_that_is_let_in_no_more_is_hung_up_on(
    stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asker.connect() as connection:
        socket = Socket(connection)
        socket.send(["/ace/notify", 1])
        socket.until("/ace/done")
        monkeypatch.setattr("daemon.osc.guard.is_loopback", lambda host: False)
        stage.apply(dataclasses.replace(stage.settings, token="another"))
        with pytest.raises(ConnectionClosed):
            socket.until("/ace/never")


def test_a_text_in_many_parts_has_the_same_limit(shared_asker: Asker) -> None:
    with shared_asker.connect() as connection:
        with suppress(ConnectionClosed):
            connection.send("x" * 1000 for _ in range(2 * page.MAX_TEXT // 1000))
        with pytest.raises(ConnectionClosed):
            Socket(connection).receive()
    assert shared_asker.ask("/takes").status == 200


def test_what_a_page_does_not_take_is_not_kept_without_end(
    stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stage.page
    monkeypatch.setattr(connections, "MAX_UNSENT", 1000)
    with asker.connect() as connection:
        socket = Socket(connection)
        socket.send(["/ace/ping"])
        socket.until("/ace/pong")
        [server_side] = stage.page._connections._open.values()
        with server_side._lock:  # nothing is sent meanwhile
            server_side._unsent_bytes = 1000
        server_side.push(encode("/ace/pong", "s", "too much"))
        with pytest.raises(ConnectionClosed) as ended:
            socket.until("/never")
        assert server_side._unsent == []
    assert ended.value.rcvd
    assert ended.value.rcvd.reason == "it reads too slowly"


def test_a_page_of_yesterday_is_another_client(tmp_path: Path) -> None:
    """The ids that it used are its own."""
    for prompt in ("one", "two"):
        with on_stage(tmp_path, page=0) as stage:
            assert stage.page
            with Asker(stage.page.port).connect() as connection:
                socket = Socket(connection)
                socket.send(["/ace/generate", "same", "prompt", prompt, "bars", 1])
                assert socket.until("/ace/finished")[0] == "same"
            newest = stage.journal.find_newest()
            assert newest
            assert newest.request.prompt == prompt
