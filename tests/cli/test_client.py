"""The command line's OSC client, and messages as JSON."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon.cli import client
from daemon.cli.client import OscClient, Turn
from daemon.osc.outgoing import EVENTS, OUTGOING
from daemon.osc.wire import Message, encode, read_message
from daemon.runtime.lock import RunningDaemon, StateLock
from daemon.settings import Settings


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(60)
        yield bound


def receive(server: socket.socket) -> tuple[Message, tuple[str, int]]:
    packet, sender = server.recvfrom(65_507)
    return read_message(packet), sender


def test_every_message_has_a_name_for_each_argument_in_json() -> None:
    for name, row in OUTGOING.items():
        if "<" in name:
            continue
        arguments = tuple(range(len(row.types)))
        told = client.to_json(Message(f"/ace/{name}", arguments))
        assert told.pop("event") == name
        assert tuple(told.values()) == arguments, name
        assert all(word.isidentifier() for word in told)
    told = client.to_json(Message("/ace/param/key", ("Am",)))
    assert told == {"event": "param", "name": "key", "value": "Am"}


def test_what_a_newer_daemon_says_is_told_too() -> None:
    assert client.to_json(Message("/ace/strange", (1,))) == {"event": "strange"}
    longer = Message("/ace/cancelled", ("a", "more"))
    assert client.to_json(longer) == {"event": "cancelled", "id": "a"}
    assert "cancelled" in EVENTS


def test_json_is_one_line_whatever_a_text_holds(capsys: pytest.CaptureFixture[str]) -> None:
    client.print_json({"event": "x", "prompt": 'a\nb\u2028 "ü"'})
    [line] = capsys.readouterr().out.split("\n")[:-1]
    assert json.loads(line)["prompt"] == 'a\nb\u2028 "ü"'


def test_arguments_go_out_with_the_types_of_their_values(server: socket.socket) -> None:
    with OscClient(server.getsockname()) as sender:
        sender.send("/x", "text", 3, 0.5)
    assert server.recv(100)[4:].startswith(b",sif\0")


def test_off_this_machine_the_token_goes_first(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OscClient(server.getsockname(), "secret") as near:
        near.send("/ace/ping", "x")
    assert receive(server)[0].address == "/ace/ping"
    monkeypatch.setattr(client, "is_here", lambda host: False)
    with OscClient(server.getsockname(), "secret"):
        assert receive(server)[0] == Message("/ace/hello", ("secret",))


def test_junk_is_not_heard(server: socket.socket) -> None:
    with OscClient(server.getsockname()) as listener:
        listener.send("/x")
        _, sender = receive(server)
        for packet in (b"", b"junk", b"/a\0\0,q\0\0", encode("/good", "i", 1)):
            server.sendto(packet, sender)
        assert listener.receive(60) == Message("/good", (1,))
        assert listener.receive(0.01) is None


@pytest.mark.parametrize(
    "message",
    [
        ("/ace/pong", "s", "token"),
        ("/ace/fail", "s", "mine"),
        ("/ace/clip", "sssssi", "mine", "mix", "/x.wav", "120", "4", 7),
        ("/ace/param/key", ""),
        ("/ace/client", "ssss", "live", "udp:1", "soon", "1"),
    ],
)
def test_a_message_without_its_arguments_is_junk(
    server: socket.socket, message: tuple[str, str, *tuple[str | int, ...]]
) -> None:
    with OscClient(server.getsockname()) as listener:
        listener.send("/x")
        _, sender = receive(server)
        server.sendto(encode(*message), sender)
        server.sendto(encode("/ace/pong", "ssi", "token", "1", 1), sender)
        assert listener.receive(60) == Message("/ace/pong", ("token", "1", 1))


def test_a_daemon_is_where_its_lock_file_says_or_on_the_settings_port(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path, port=4000, out=tmp_path / "out")
    nobody = RunningDaemon(0, "127.0.0.1", 4000, out=str(tmp_path / "out"))
    assert client.find_daemon(settings) == nobody
    with StateLock(tmp_path) as lock:
        assert client.find_daemon(settings) == nobody, "it does not listen yet"
        lock.record_address("127.0.0.1", 5000)
        assert client.find_daemon(settings).port == 5000
        assert client.find_daemon(settings, anywhere=False) == nobody


def test_a_daemon_that_moves_is_followed_from_the_same_port(server: socket.socket) -> None:
    """As after a restart with another port: the new one knows jobs of the old by where we are."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as newer:
        newer.bind(("127.0.0.1", 0))
        newer.settimeout(60)
        places = [RunningDaemon(1, *server.getsockname())]
        with OscClient(server.getsockname()) as listener:
            told = client.follow(listener, lambda: places[-1], pause=0.01)
            listener.send("/first")
            _, sender = receive(server)
            server.sendto(encode("/old", "i", 1), sender)
            assert next(told) == Message("/old", (1,))
            places.append(RunningDaemon(2, *newer.getsockname()))
            assert next(told) is Turn.GONE
            assert next(told) is None
            ping, moved = receive(newer)
            assert ping.address == "/ace/ping"
            assert moved == sender
            newer.sendto(encode("/new", "i", 2), moved)
            while (turn := next(told)) is None:
                pass
            assert turn is Turn.BACK
            assert next(told) == Message("/new", (2,))


def test_one_that_is_killed_and_started_again_at_its_port_is_gone_once(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RETRY_SECONDS", 0.0)
    address = server.getsockname()
    places = [RunningDaemon(1, *address)]
    with OscClient(address) as listener:
        told = client.follow(listener, lambda: places[-1], pause=0.01)
        listener.send("/first")
        _, sender = receive(server)
        server.close()
        places.append(RunningDaemon(0, *address))  # nobody holds the lock
        while (turn := next(told)) is None:
            pass
        assert turn is Turn.GONE
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as newer:
            newer.bind(address)
            places.append(RunningDaemon(2, *address))
            newer.sendto(encode("/new", "i", 2), sender)
            while (turn := next(told)) is None:
                pass
            assert turn is Turn.BACK
            assert next(told) == Message("/new", (2,))
            assert [next(told) for _ in range(3)] == [None, None, None]


def test_one_that_stays_away_is_given_up_once(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(client, "PATIENCE", -1.0)
    place = RunningDaemon(1, *server.getsockname())
    server.close()
    with OscClient((place.host, place.port)) as listener:
        listener.send("/x")
        told = client.follow(listener, lambda: place)
        assert [next(told) for _ in range(4)] == [Turn.GONE, Turn.AWAY, None, None]


def test_where_nobody_listens_it_is_not_asked_without_a_pause(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    place = RunningDaemon(1, *server.getsockname())
    server.close()
    with OscClient((place.host, place.port)) as listener:
        listener.send("/x")
        told = client.follow(listener, lambda: place)
        assert [next(told) for _ in range(3)] == [Turn.GONE, None, None]
        assert pauses
        assert min(pauses) > 0
