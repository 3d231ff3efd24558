"""What is sent, to whom: events to the clients and subscribers whom they concern."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..jobs import Event, Job
from .guard import Guard
from .outgoing import (
    PARAM,
    encode_event,
    encode_fail,
    encode_parameter,
    encode_reply,
    find_topic,
)
from .subscribers import Subscribers
from .wire import Peer, Value


class Transport(Protocol):
    def send(self, packet: bytes, client: str) -> None:
        """From any thread, and never waiting."""
        ...


class Publisher:
    """Sends from whichever thread calls, and never waits. `transports` are found by how a client's
    text begins: "udp" or "tcp".
    """

    def __init__(
        self, transports: Mapping[str, Transport], guard: Guard, subscribers: Subscribers
    ) -> None:
        self._transports = dict(transports)
        self._guard = guard
        self._subscribers = subscribers
        # by command: the client whose request may fail after it was answered
        self._requesters: dict[str, str] = {}
        # by name: a parameter's value, and the packet that tells it; most have the same for long
        self._told: dict[str, tuple[Any, bytes]] = {}

    def add_transport(self, kind: str, transport: Transport) -> None:
        """From now on clients whose texts begin with `kind` are sent to by it."""
        self._transports[kind] = transport

    def remember_requester(self, command: str, client: str) -> None:
        """A `fail` event of `command` that is about no job is sent to this client as well."""
        self._requesters[command] = client

    def publish_event(self, event: Event) -> None:
        """To the one client it goes to; or else to the client whose job or request it is about, and
        to the subscribers of its topic.
        """
        if event.to:
            if self.is_reachable(event.to):
                self._send(encode_event(event), event.to)
            return
        if clients := self._list_receivers(event):
            packet = encode_event(event)
            for client in clients:
                self._send(packet, client)

    def is_sent(self, event: Event, client: str) -> bool:
        """Whether `publish_event` sends it to that client."""
        return client in self._list_receivers(event)

    def publish_parameter(self, name: str, value: Any) -> None:
        if peers := self._subscribers.list_peers(PARAM):
            packet = self._encode_parameter(name, value)
            for peer in peers:
                self._send(packet, peer.client)

    def is_reachable(self, client: str) -> bool:
        """Whether a client's text names one that OSC reaches and that is allowed: an earlier daemon
        may have had other settings, and other surfaces have clients too.
        """
        kind, _, rest = client.partition(":")
        if kind == "udp":
            return self._guard.is_allowed(rest.partition(":")[0])
        return kind in self._transports

    def send_event(self, peer: Peer, event: Event) -> None:
        self._send(encode_event(event), peer.client)

    def send_parameter(self, peer: Peer, name: str, value: Any) -> None:
        self._send(self._encode_parameter(name, value), peer.client)

    def send_reply(self, peer: Peer, name: str, *values: Value) -> None:
        self._send(encode_reply(name, *values), peer.client)

    def send_fail(
        self, sender: Peer, id: str, command: str, code: int, message: str, hint: str
    ) -> int:
        """To the sender, and to subscribers on its machine: it may not listen where it sends
        from. Returns to how many.
        """
        packet = encode_fail(id, command, code, message, hint)
        subscribers = self._subscribers.list_peers("fail")
        neighbours = {peer.client for peer in subscribers if peer.host == sender.host}
        clients = {sender.client, *neighbours}
        for client in clients:
            self._send(packet, client)
        return len(clients)

    def _list_receivers(self, event: Event) -> set[str]:
        clients = {peer.client for peer in self._subscribers.list_peers(find_topic(event.kind))}
        return clients | {each for each in self._list_clients(event) if self.is_reachable(each)}

    def _encode_parameter(self, name: str, value: Any) -> bytes:
        told, packet = self._told.get(name, (None, b""))
        if told is not value:
            packet = encode_parameter(name, value)
            self._told[name] = (value, packet)
        return packet

    def _list_clients(self, event: Event) -> set[str]:
        if event.job is not None:
            return _list_clients_of_job(event.job)
        if event.kind != "fail":
            return set()
        requester = self._requesters.get(str(event.values[0]))
        return {requester} if requester else set()

    def _send(self, packet: bytes, client: str) -> None:
        if transport := self._transports.get(client.partition(":")[0]):
            transport.send(packet, client)


def _list_clients_of_job(job: Job) -> set[str]:
    """The client that asked for it; at its end also those that wait for that."""
    return {job.client, *job.observers} if job.has_ended else {job.client}
