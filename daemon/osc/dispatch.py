"""Calls the command of a message; whatever is wrong with it is answered with /ace/fail."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from pipeline.did_you_mean import find_similar
from pipeline.request import BadRequest

from ..jobs import Refused
from ..runtime.logs import LimitedLog
from .arguments import Arguments, is_release, parse_id_at, parse_id_unless_button
from .command import Command, Context
from .command_table import COMMANDS
from .outgoing import OUTGOING, PARAM, OutgoingMessage
from .refusals import describe_message, log_ignored
from .wire import Message

log = LimitedLog(logging.getLogger("acestepd.osc"))

ROOT = "/ace/"
SEARCH_WAIT = 5.0  # seconds that a search waits for its turn

Call = Callable[[], Iterator[None] | None]  # of a handler


def dispatch(message: Message, context: Context) -> Iterator[None]:
    """Answer one message, piece by piece; what is slow, on the thread aside. Never raises."""
    if is_outgoing(message):
        log_ignored(context.sender, message)
        return
    with _refusing(message, context):
        command, arguments = _find_command(message)
        if command.ignores_release and is_release(message.arguments):
            return
        call = partial(command.handler, context, arguments)
        if _waits_for_orders(command, context, arguments):
            behind = partial(_answer_behind, command, arguments, message, context, call)
            context.engine.arrivals.put(context.sender.client, behind)
        elif _goes_aside(command, context, arguments):
            _put_aside(command, message, context, call)
        else:
            yield from call() or ()


def _waits_for_orders(command: Command, context: Context, arguments: Arguments) -> bool:
    if not command.follows_orders and command.is_slow is None:
        return False
    if not context.engine.arrivals.is_busy(context.sender.client):
        return False
    return command.follows_orders or _goes_aside(command, context, arguments)


def _answer_behind(
    command: Command, arguments: Arguments, message: Message, context: Context, call: Call
) -> None:
    """Answer what waited for its sender's orders."""
    with _refusing(message, context):
        if _goes_aside(command, context, arguments):
            _put_aside(command, message, context, call)
        else:
            _answer_aside(message, context, call)


def _goes_aside(command: Command, context: Context, arguments: Arguments) -> bool:
    if command.is_slow is None:
        return False
    client = context.sender.client
    is_waiting = context.engine.lanes.is_busy(client)
    if command.is_search:
        is_waiting |= context.engine.searches.is_busy(client)
    return is_waiting or command.is_slow(context, arguments)


def _put_aside(command: Command, message: Message, context: Context, call: Call) -> None:
    """Raises `Refused`."""
    engine = context.engine
    client = context.sender.client
    answer = partial(_answer_aside, message, context, call)
    if not command.is_search:
        engine.lanes.put(client, answer)
        return
    search = partial(_search, message, context, answer, time.monotonic() + SEARCH_WAIT)
    if engine.lanes.is_busy(client):  # behind what came before it
        engine.lanes.put(client, partial(_pass_on, message, context, search))
    else:
        engine.searches.put(client, search)


def _pass_on(message: Message, context: Context, search: Callable[[], None]) -> None:
    with _refusing(message, context):
        context.engine.searches.put(context.sender.client, search)


def _search(message: Message, context: Context, answer: Callable[[], None], late: float) -> None:
    """`late`: when nobody waits for it any more, in time.monotonic()."""
    if time.monotonic() < late:
        answer()
    else:
        text = f"so many search that it was not its turn within {SEARCH_WAIT:g} seconds"
        reject(message, context, 503, text, "search again in a moment")


def _answer_aside(message: Message, context: Context, call: Call) -> None:
    """Answer one message as a whole. Its sender pays for that, too."""
    started = time.thread_time()
    with _refusing(message, context):
        deque(call() or (), maxlen=0)
    context.guard.charge(context.sender, seconds=time.thread_time() - started)


@contextmanager
def _refusing(message: Message, context: Context) -> Iterator[None]:
    """Answer with what is raised within."""
    try:
        yield
    except (Refused, BadRequest) as error:
        context.refuse(_find_id(message), message.address, error)
    except Exception as error:
        described = describe_message(message, has_arguments=bool(context.command))
        log.exception(context.sender.client, "%s could not be handled", described)
        context.refuse(_find_id(message), message.address, error)


def reject(message: Message, context: Context, code: int, text: str, hint: str) -> None:
    """Answer with /ace/fail, and the id of the job that the message names."""
    context.fail(_find_id(message), message.address, code, text, hint)


def _find_id(message: Message) -> str:
    command = COMMANDS.get(message.address)
    if command is None or not command.names_job:
        return ""
    parse = parse_id_unless_button if command.ignores_release else partial(parse_id_at, index=0)
    return parse(message.arguments)


def makes_job(message: Message) -> bool:
    """Whether it would have something made or played."""
    command = COMMANDS.get(message.address)
    return command is not None and command.makes_job


def is_outgoing(message: Message) -> bool:
    """Whether it is a message that daemons send: another one's, or our own, sent back to us. It is
    never answered, as two daemons would go on for ever. Where one has the address of a command,
    it is told from that by having more arguments, and a whole path among them.
    """
    name = message.address.removeprefix("/ace/")
    if name == message.address:
        return False
    if message.address in COMMANDS:
        return name in OUTGOING and _fits(message.arguments, OUTGOING[name])
    return name in OUTGOING or name.startswith(f"{PARAM}/")


def _fits(arguments: Arguments, row: OutgoingMessage) -> bool:
    """Whether these can be the arguments of a message that daemons send."""
    values = dict(zip(row.fields.split(), arguments))
    is_path_whole = str(values.get("path", "/")).startswith("/")
    return len(values) == len(row.types) and is_path_whole


def _find_command(message: Message) -> tuple[Command, Arguments]:
    """The message's row of the table, and the arguments as its handler gets them. Raises `Refused`
    404.
    """
    address, arguments = _resolve_address(message.address, message.arguments)
    command = COMMANDS.get(address)
    if command is None:
        hint = _suggest_address(address) or "messages: " + " ".join(COMMANDS)
        raise Refused(404, f"no such message: {message.address[:80]}", hint)
    return command, arguments


def _suggest_address(address: str) -> str:
    """Compared without `/ace/`, which all of them begin with, and which is often forgotten."""
    names = [command.removeprefix(ROOT) for command in COMMANDS]
    similar = find_similar(address.lower().removeprefix(ROOT).strip("/"), names)
    return f"did you mean {ROOT}{similar}?" if similar else ""


def find_row(address: str) -> str:
    """The address as the table has it; "" where it has none."""
    resolved, _ = _resolve_address(address, ())
    return resolved if resolved in COMMANDS else ""


def _resolve_address(address: str, arguments: Arguments) -> tuple[str, Arguments]:
    """The address as the table has it, and the arguments. Of /ace/set/bars 8 these are
    /ace/set/<param> and ("bars", 8).
    """
    folder, _, name = address.rpartition("/")
    if folder in ("/ace/set", "/ace/get"):
        return f"{folder}/<param>", (name, *arguments)
    return address, arguments
