"""The panel's parameters are set and read."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.request import FIELDS, WrongType, field_name

from ...jobs import Refused
from ..arguments import Arguments, join_value
from ..command import Command, Context
from ..outgoing import PARAM
from ..patterns import Pattern, is_pattern


def set_parameter(context: Context, arguments: Arguments) -> None:
    name = field_name(str(arguments[0]))
    if len(arguments) < 2:
        raise WrongType(f"{name} needs a value")
    values = context.allowed_folders.resolve_values({name: join_value(arguments[1:])})
    changed = context.panel.set(name, values[name])
    if changed and name == "lyrics":
        context.read_lyrics_ahead()
    # a subscriber has been sent it already where it is news
    if not changed or context.sender not in context.subscribers.list_peers(PARAM):
        context.send_parameter(name)


def get_parameters(context: Context, arguments: Arguments) -> Iterator[None]:
    name = str(arguments[0])
    if not is_pattern(name):
        context.send_parameter(field_name(name))
        return
    pattern = Pattern(name)
    matching = [field for field in FIELDS if pattern.matches(field)]
    if not matching:
        raise Refused(404, f"{name[:40]!r} matches no parameter", "parameters: " + " ".join(FIELDS))
    for field in matching:
        context.send_parameter(field)
        yield


COMMANDS = (
    Command(
        "/ace/set/<param>",
        "",
        "value",
        "/ace/param/<param>",
        "change what messages leave out, until the daemon ends",
        set_parameter,
    ),
    Command(
        "/ace/get/<param>",
        "",
        "",
        "/ace/param/<param>",
        "what it is; `*`, `?`, `[a-k]`, `{bars,bpm}` match several",
        get_parameters,
    ),
)
