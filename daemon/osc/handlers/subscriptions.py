"""Who is sent events, of which topics."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

from pipeline.did_you_mean import suggest
from pipeline.request import FIELDS, OutOfRange

from ...jobs import Event
from ...runtime.logs import LimitedLog
from ...settings import AUTO, NAME
from ..arguments import Arguments, parse_id, parse_int, parse_int_at
from ..command import Command, Context
from ..guard import LEASE
from ..outgoing import PARAM, TOPICS
from ..refusals import describe_sender
from ..wire import Peer

NOTIFY = "/ace/notify"
log = LimitedLog(logging.getLogger("acestepd.osc"))

SIMILAR = 0.85  # of 1: as much is a name like a topic that it may be a misspelt one


def notify(context: Context, arguments: Arguments) -> Iterator[None]:
    on = parse_int_at(arguments, 0, "on", 1)
    name, rest = _split_name(arguments[1:])
    port, words = _parse_port_and_topics(rest)
    sender = context.sender
    peer = Peer(f"udp:{sender.host}:{port}", sender.host) if port else sender
    if not on:
        context.clients.remove(peer.client)
        context.answer("done", NOTIFY, context.subscribers.remove(peer.client), 0)
        return
    topics = frozenset(words) or frozenset(TOPICS)
    if unknown := topics - set(TOPICS):
        word = min(unknown)
        raise OutOfRange(
            f"topics must be of {' '.join(TOPICS)}, got {word[:40]!r}",
            suggest(word, TOPICS) or "a name stands behind them, as an argument of its own",
        )
    if removed := context.subscribers.make_room(peer):
        _tell_removed(context, removed)
    if name:  # before it subscribes: both are written down together
        context.clients.add(name, peer.client, sender.client, inserts="insert" in topics)
    subscriber = context.subscribers.add(peer, topics)
    for recipient in {sender, peer}:
        context.answer("done", NOTIFY, subscriber.number, LEASE, to=recipient)
    yield from _send_snapshot(context, peer, topics)
    if name:
        context.redeliver(name, peer)


def _tell_removed(context: Context, removed: Peer) -> None:
    context.clients.remove(removed.client)
    text = "others have subscribed since, and you make room for them"
    log.warning(removed.host, "%s hears no events any more: %s", describe_sender(removed), text)
    event = Event("fail", None, (NOTIFY, 429, text, "send /ace/notify 1 again, now and then"))
    context.send_event(event, to=removed)


def _split_name(arguments: Arguments) -> tuple[str, Arguments]:
    """The client's name, and what stands before it. It is a text of its own behind the topics,
    which may be an empty text. Raises `OutOfRange` where a topic may be meant.
    """
    has_port = bool(arguments) and _is_number(parse_id(arguments[0]))
    last = arguments[-1] if len(arguments) >= 2 + has_port else None
    name = last.strip().lower() if isinstance(last, str) else ""
    if name in TOPICS or not NAME.fullmatch(name):
        return "", arguments
    if hint := suggest(name, TOPICS, SIMILAR):
        raise OutOfRange(f"{name!r} is no topic, and no name", hint)
    if name == AUTO:
        raise OutOfRange(f"a client cannot be called {AUTO}", "choose another name")
    return name, arguments[:-1]


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"-?\d+(\.\d+)?", text))


def list_clients(context: Context, arguments: Arguments) -> Iterator[None]:
    clients = context.clients.list_all()
    for one in clients:
        seconds = context.clients.seconds_since(one)
        context.answer("client", one.name, one.client, seconds, int(one.inserts))
        yield
    context.answer("done", "/ace/clients", len(clients), 0)


def _parse_port_and_topics(arguments: Arguments) -> tuple[int, list[str]]:
    """The port, 0 where it is the sender's own, and the topics: both may be left out."""
    words = " ".join(map(parse_id, arguments)).replace(",", " ").split()
    if not words or not _is_number(words[0]):
        return 0, words
    port = parse_int("port", words[0])
    if not 0 <= port <= 65535:
        raise OutOfRange(f"port must be in 1..65535, or 0 for where this comes from, got {port}")
    return port, words[1:]


def _send_snapshot(context: Context, peer: Peer, topics: frozenset[str]) -> Iterator[None]:
    """How things stand, of every topic that has such a thing."""
    for event in _snapshot(context):
        if event.kind in topics:
            context.send_event(event, to=peer)
        yield
    if PARAM in topics:
        for name in FIELDS:
            context.send_parameter(name, to=peer)
            yield


def _snapshot(context: Context) -> Iterator[Event]:
    """Each as it is when it is sent: nobody is told of what was, after what is."""
    yield context.engine.state_event()
    if context.panel.tempo:
        yield Event("tempo", None, context.panel.tempo.current)
    if context.pads:
        yield context.pads.preparing
        yield from context.pads.snapshot()
    for job in context.engine.active():
        yield from job.status_events


COMMANDS = (
    Command(
        NOTIFY,
        "iiss",
        "i on, [i port], [s topics], [s name]",
        "/ace/done",
        "send me every event (or some kinds), there; first, how things stand",
        notify,
    ),
    Command(
        "/ace/clients",
        "",
        "",
        "/ace/client each, /ace/done",
        "the programs that have given a name",
        list_clients,
    ),
)
