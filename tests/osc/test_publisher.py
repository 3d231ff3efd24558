"""What is sent, to whom."""

from __future__ import annotations

import pytest

from daemon.jobs import Event
from daemon.osc import outgoing, publisher
from daemon.osc.guard import Guard
from daemon.osc.publisher import Publisher
from daemon.osc.subscribers import Subscribers
from daemon.osc.wire import Peer
from daemon.settings import Settings

PEER = Peer("udp:127.0.0.1:9001", "127.0.0.1")


class Transport:
    def __init__(self) -> None:
        self.sent: list[tuple[bytes, str]] = []

    def send(self, packet: bytes, client: str) -> None:
        self.sent.append((packet, client))


def test_what_nobody_listens_to_is_not_even_written(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def write_event(event: Event) -> bytes:
        written.append(event.kind)
        return b"state"

    def write_parameter(name: str, value: object) -> bytes:
        written.append(name)
        return b"bars"

    monkeypatch.setattr(publisher, "encode_event", write_event)
    monkeypatch.setattr(publisher, "encode_parameter", write_parameter)
    transport = Transport()
    subscribers = Subscribers(())
    sender = Publisher({"udp": transport}, Guard(Settings()), subscribers)
    sender.publish_event(Event("state", None, ("busy", "mini", 3)))
    sender.publish_parameter("bars", 4)
    assert written == []
    subscribers.add(PEER, frozenset({"state", "param"}))
    sender.publish_event(Event("state", None, ("busy", "mini", 3)))
    sender.publish_parameter("bars", 4)
    assert written == ["state", "bars"]
    assert transport.sent == [(b"state", PEER.client), (b"bars", PEER.client)]


def test_a_parameter_that_stays_as_it_is_is_written_once_for_all_who_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[object] = []
    encode = outgoing.encode_parameter

    def write(name: str, value: str | float) -> bytes:
        written.append(value)
        return encode(name, value)

    monkeypatch.setattr(publisher, "encode_parameter", write)
    transport = Transport()
    sender = Publisher({"udp": transport}, Guard(Settings()), Subscribers(()))
    values = (4, 4.0, 4.0, 0, False, "", "4", "4", 4)
    for value in values:
        sender.send_parameter(PEER, "bars", value)
    assert transport.sent == [(encode("bars", value), PEER.client) for value in values]
    assert written == [4, 4.0, 0, False, "", "4", 4]
