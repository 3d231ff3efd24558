"""What a command is, one row of `command_table`; and what its handler may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from pipeline.request import BadRequest, OutOfRange, UnknownField

from ..engine import Engine
from ..integrations.clients import Clients
from ..integrations.inserter import Inserter
from ..jobs import Event, Refused
from ..pads.controllers import Controllers
from ..pads.player import PadPlayer
from ..panel import Panel
from ..paths import AllowedFolders
from ..settings import Settings
from .arguments import Arguments
from .guard import Guard
from .lyric_uploads import LyricUploads
from .publisher import Publisher
from .refusals import UNAUTHENTICATED, describe_message, log_refusal
from .subscribers import Subscribers
from .wire import Malformed, Message, Peer, Value

_CODES = {UnknownField: 404, OutOfRange: 422}


@dataclass
class Context:
    """For the handler of one message: it and who sent it, ways to answer, the parts of the daemon.

    What is sent is charged to the sender, wherever it goes; its message has paid for the first.
    """

    sender: Peer
    message: Message | Malformed
    command: str  # the address of its row in the table; "" where it has none
    publisher: Publisher
    settings: Settings
    engine: Engine
    panel: Panel
    allowed_folders: AllowedFolders
    guard: Guard
    subscribers: Subscribers
    clients: Clients
    inserter: Inserter
    lyric_uploads: LyricUploads
    # drops what waits for a bundle's time, and returns what tells each sender of that
    drop_timed: Callable[[], list[Callable[[], None]]]
    pads: PadPlayer | None
    controllers: Controllers | None  # None where there are no MIDI ports
    has_answered: bool = False

    def answer(self, name: str, *values: Value, to: Peer | None = None) -> None:
        """Send the reply of this name to the sender, or to another."""
        self._charge(1)
        self.publisher.send_reply(to or self.sender, name, *values)

    def send_event(self, event: Event, to: Peer | None = None) -> None:
        """Send an event to the sender alone, or to another."""
        self._charge(1)
        self.publisher.send_event(to or self.sender, event)

    def send_published(self, event: Event) -> None:
        """Send the sender an event that was published, unless it was sent that anyway."""
        if not self.publisher.is_sent(event, self.sender.client):
            self.send_event(event)

    def send_parameter(self, name: str, to: Peer | None = None) -> None:
        """Send the value of a parameter of the panel to the sender, or to another."""
        self._charge(1)
        value: Any = getattr(self.panel.request, name)
        self.publisher.send_parameter(to or self.sender, name, value)

    def fail(self, id: str, command: str, code: int, message: str, hint: str) -> None:
        """Tell the sender, and the log, that its message does not work, and what to do."""
        self._log_refusal(code, "; ".join(filter(None, (message, hint))))
        self._charge(self.publisher.send_fail(self.sender, id, command, code, message, hint))

    def _log_refusal(self, code: int, reason: str) -> None:
        named = self.clients.find_by_client(self.sender.client)
        name = named.name if named else ""
        # what else comes, and comes from a stranger, may have a token in it
        is_shown = bool(self.command) and code != UNAUTHENTICATED and not self.settings.private
        asked = describe_message(self.message, is_shown)
        log_refusal(self.sender, name, asked, reason, kind=f"{self.command} {code}")

    def _charge(self, datagrams: int) -> None:
        more = datagrams if self.has_answered else datagrams - 1
        self.has_answered = True
        if more:
            self.guard.charge(self.sender, datagrams=more)

    def refuse(self, id: str, command: str, error: Exception) -> None:
        """Tell the sender why its message does not work: `Refused`, `BadRequest`, or a bug."""
        match error:
            case Refused():
                self.fail(id, command, error.code, str(error), error.hint)
            case BadRequest():
                code = _CODES.get(type(error), 400)
                self.fail(id, command, code, str(error), error.hint)
            case _:
                self.fail(id, command, 500, f"{type(error).__name__}: {error}", "this is a bug")

    def read_lyrics_ahead(self) -> None:
        """The panel has other lyrics: they are read aside, before anybody plays them."""
        with suppress(Refused):  # too much waits: they are read when it is their turn
            self.engine.lanes.put(self.sender.client, self.panel.read_ahead)

    def redeliver(self, name: str, peer: Peer) -> None:
        """Send that peer what waits for the program of this name. It is looked up aside. Raises
        `Refused` 429 and 503.
        """
        send = partial(self.send_event, to=peer)
        self.engine.lanes.put(self.sender.client, partial(self.inserter.redeliver, name, send))

    def expect_fail(self, command: str) -> None:
        """Send the sender a later `fail` event of this command, too, though it is about no job."""
        self.publisher.remember_requester(command, self.sender.client)


# Raises `Refused` and `BadRequest`. Whoever has much to send returns an iterator that sends one
# piece after the other: in between, others are served.
Handler = Callable[[Context, Arguments], Iterator[None] | None]


# Whether a message takes long: it reads or writes files, or looks through much. To look whether a
# file is there may be done at once. Raises as a handler does.
Slowness = Callable[[Context, Arguments], bool]


def always(context: Context, arguments: Arguments) -> bool:
    return True


def never(context: Context, arguments: Arguments) -> bool:
    return False


@dataclass(frozen=True)
class Command:
    """A row of the table: a message that is understood. `/ace/set/<param>` stands for all that
    begin with `/ace/set/`, and its handler gets the parameter's name as the first argument.

    `types` are the type tags of the arguments that have a place of their own, also of those that
    may be left out; a value of several types, and pairs, are not among them. `arguments`, `answer`
    and `help` are texts for the README's table.

    A message that `is_slow` is handled on the thread aside. So is one that is not, while something
    of its sender is still to be done there, so as to keep the order. Without `is_slow` it is
    handled at once, whatever waits. What `is_search` looks through all that was: aside from the
    other slow ones, so that no order waits for it.

    What `follows_orders` is handled when those that its sender has sent before were taken in: it
    may be about them. So is what is handled aside.
    """

    address: str
    types: str
    arguments: str
    answer: str
    help: str
    handler: Handler
    ignores_release: bool = False  # a lone 0: a button that sends it is let go
    makes_job: bool = False  # a panic that came after it is for it, too
    names_job: bool = False  # its first argument is the id of a job; /ace/fail repeats it
    is_slow: Slowness | None = None
    is_search: bool = False
    follows_orders: bool = False
