"""What the log, and with it the terminal, says of a message that is refused: programs like oscsend
cannot hear the answer.
"""

from __future__ import annotations

import logging

from pipeline.request import FIELDS

from ..runtime.logs import LimitedLog
from .guard import HELLO, find_account
from .outgoing import PARAM, shorten
from .wire import Argument, Malformed, Message, Peer

log = LimitedLog(logging.getLogger("acestepd.osc"))

MAX_ARGUMENTS = 6  # that are shown of a message
MAX_ARGUMENT = 40  # bytes that are shown of one
MAX_ADDRESS = 80
UNAUTHENTICATED = 401


def log_refusal(sender: Peer, name: str, asked: str, reason: str, kind: str) -> None:
    """Of each of the few kinds, one line a minute about each sender. `name`: what the sender calls
    itself, where it does; `asked`: the message, described.
    """
    text = "refused %s from %s: %s"
    who = describe_sender(sender, name)
    log.warning(find_account(sender), text, asked, who, reason, kind=f"refused {kind}")


def log_ignored(sender: Peer, message: Message) -> None:
    """What only daemons send is never answered, as two of them would go on for ever."""
    text = "ignored %s from %s: it is what acestepd sends%s"
    asked = describe_message(message, has_arguments=False)
    name = message.address.removeprefix(f"/ace/{PARAM}/")
    hint = f"; /ace/set/{name} sets it" if name in FIELDS else ""
    log.warning(find_account(sender), text, asked, describe_sender(sender), hint)


def describe_sender(sender: Peer, name: str = "") -> str:
    """`127.0.0.1:9001`, or `live (127.0.0.1:9001)`; `192.168.0.7 by TCP`; `a page on 127.0.0.1`."""
    transport, _, rest = sender.client.partition(":")
    where = f"{sender.host} by TCP" if transport == "tcp" else rest
    if transport == "page":
        where = f"a page on {sender.host}"
    return f"{name} ({where})" if name else where


def describe_message(message: Message | Malformed, has_arguments: bool = True) -> str:
    """`/ace/go take1 "warm lo-fi beat" 4 7`: what was to be done, with its arguments or without.
    Those of /ace/hello are never shown.
    """
    address = shorten(message.address, MAX_ADDRESS) or "a message"
    if isinstance(message, Malformed) or not has_arguments or message.address == HELLO:
        return address
    shown = [_format_argument(argument) for argument in message.arguments[:MAX_ARGUMENTS]]
    more = ["…"] if len(message.arguments) > MAX_ARGUMENTS else []
    return " ".join([address, *shown, *more])


def _format_argument(argument: Argument) -> str:
    if isinstance(argument, str):
        text = shorten(argument, MAX_ARGUMENT)
        return text if text and " " not in text else f'"{text}"'
    return f"{argument:.6g}" if isinstance(argument, float) else str(argument)
