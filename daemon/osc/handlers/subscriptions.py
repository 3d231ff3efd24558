"""Who is sent events, of which topics."""

from __future__ import annotations

import re

from pipeline.request import FIELDS, OutOfRange

from ...jobs import Event
from ..arguments import Arguments, parse_id, parse_int, parse_int_at
from ..command import Command, Context
from ..guard import LEASE
from ..outgoing import PARAM, TOPICS
from ..wire import Peer


def notify(context: Context, arguments: Arguments) -> None:
    on = parse_int_at(arguments, 0, "on", 1)
    port, words = _parse_port_and_topics(arguments[1:])
    sender = context.sender
    peer = Peer(f"udp:{sender.host}:{port}", sender.host) if port else sender
    if not on:
        context.answer("done", "/ace/notify", context.subscribers.remove(peer.client), 0)
        return
    topics = frozenset(words) or frozenset(TOPICS)
    if unknown := topics - set(TOPICS):
        raise OutOfRange(f"topics must be of {' '.join(TOPICS)}, got {min(unknown)[:40]!r}")
    subscriber = context.subscribers.add(peer, topics)
    for recipient in {sender, peer}:
        context.publisher.send_reply(recipient, "done", "/ace/notify", subscriber.number, LEASE)
    _send_snapshot(context, peer, topics)


def _parse_port_and_topics(arguments: Arguments) -> tuple[int, list[str]]:
    """The port, 0 where it is the sender's own, and the topics: both may be left out."""
    words = " ".join(map(parse_id, arguments)).replace(",", " ").split()
    if not words or not re.fullmatch(r"-?\d+(\.\d+)?", words[0]):
        return 0, words
    port = parse_int("port", words[0])
    if not 0 <= port <= 65535:
        raise OutOfRange(f"port must be in 1..65535, or 0 for where this comes from, got {port}")
    return port, words[1:]


def _send_snapshot(context: Context, peer: Peer, topics: frozenset[str]) -> None:
    """How things stand, of every topic that has such a thing."""
    for event in _snapshot(context):
        if event.kind in topics:
            context.publisher.send_event(peer, event)
    if PARAM in topics:
        for name in FIELDS:
            context.publisher.send_parameter(peer, name, getattr(context.panel.request, name))


def _snapshot(context: Context) -> list[Event]:
    events = [context.engine.state_event()]
    if context.panel.tempo:
        events.append(Event("tempo", None, context.panel.tempo.current))
    if context.pads:
        events += context.pads.snapshot()
    for job in context.engine.active():
        events += job.status_events
    return events


COMMANDS = (
    Command(
        "/ace/notify",
        "iis",
        "i on, [i port], [s topics]",
        "/ace/done",
        "send me every event (or some kinds), there; first, how things stand",
        notify,
    ),
)
