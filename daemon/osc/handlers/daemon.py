"""The daemon itself: is it there, who may talk to it, and how it stands."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain

from ... import API, VERSION, midi
from ...jobs import Refused
from ...runtime import access
from ...settings import Settings
from ..arguments import Arguments, join_words, parse_id_at, parse_int_at
from ..command import Command, Context, always, never
from ..guard import HELLO, LEASE
from ..outgoing import shorten

DOCTOR = "/ace/doctor"
MIDI = "midi"  # what a finding about a MIDI input is called


def ping(context: Context, arguments: Arguments) -> None:
    context.answer("pong", shorten(parse_id_at(arguments, 0)), VERSION, API)


def hello(context: Context, arguments: Arguments) -> None:
    context.guard.authenticate(context.sender.host, join_words(arguments))
    context.answer("done", HELLO, LEASE, 0)


def status(context: Context, arguments: Arguments) -> None:
    context.send_event(context.engine.state_event())
    if found := context.engine.describe_cluster():
        reached, local = int(found.is_reached), int(found.is_local)
        context.answer("cluster", found.scheduler, reached, local, found.trouble)
        for worker in found.workers:
            context.answer("worker", worker.name, worker.state, worker.device, worker.text)
    for kind, counts in context.engine.caches.items():
        context.answer("cache", kind, *counts)
    if context.pads:
        context.send_event(context.pads.preparing)


def doctor(context: Context, arguments: Arguments) -> Iterator[None]:
    """Only what the settings name is tried: nobody can ask about other folders."""
    host = context.sender.host
    if not host.startswith("127.") and host != context.settings.host:
        hint = "run acestepd doctor where acestepd runs"
        raise Refused(403, "where its folders are is told on its own machine alone", hint)
    return _try_each(context)


def _try_each(context: Context) -> Iterator[None]:
    count = 0
    for tried in chain(access.try_all(context.settings), _list_midi(context.settings)):
        context.answer("finding", *tried)
        count += 1
        yield
    context.answer("done", DOCTOR, count, 0)


def _list_midi(settings: Settings) -> Iterator[access.Access]:
    """The MIDI inputs that it sees, where the settings want any: another program on this machine
    may see others, or none.
    """
    if not (settings.midi.ports or settings.midi_clock):
        return
    present = midi.PORT_WATCHER.wait_for_ports(access.ANSWER_SECONDS)
    if present is None:
        yield access.Access(MIDI, "", midi.MISSING, midi.MISSING_HINT)
        return
    for name in dict.fromkeys(present.inputs):
        yield access.Access(MIDI, name)


def sync(context: Context, arguments: Arguments) -> None:
    answer = partial(context.answer, "synced", parse_int_at(arguments, 0, "n", 0))
    if context.engine.searches.is_busy(context.sender.client):
        context.engine.searches.put(context.sender.client, answer)
    else:
        answer()


COMMANDS = (
    Command("/ace/ping", "s", "[s token]", "/ace/pong", "is anybody there?", ping),
    Command(
        HELLO,
        "s",
        "s token",
        "/ace/done",
        "from another machine: the token of the settings, first of all",
        hello,
    ),
    Command(
        "/ace/status",
        "",
        "",
        "/ace/state, /ace/cluster, /ace/worker each, /ace/cache each kind, /ace/preparing",
        "what the engine is doing, here and elsewhere; what it had computed before; which pad it "
        "prepares",
        status,
    ),
    Command(
        DOCTOR,
        "",
        "",
        "/ace/finding each, /ace/done",
        "may it read the folders of its settings, and use the network? Which MIDI inputs does it "
        "see? From its own machine",
        doctor,
        is_slow=always,
        is_search=True,
    ),
)
SYNC = Command(
    "/ace/sync",
    "i",
    "i n",
    "/ace/synced",
    "answers once everything before it has been handled",
    sync,
    is_slow=never,
    follows_orders=True,
)
