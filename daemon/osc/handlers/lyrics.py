"""Long lyrics arrive in parts and become the parameter."""

from __future__ import annotations

from pipeline.request import WrongType

from ..arguments import Arguments, join_words, parse_id, parse_id_at, parse_int
from ..command import Command, Context
from ..lyric_uploads import TIMEOUT


def begin(context: Context, arguments: Arguments) -> None:
    context.lyric_uploads.begin(context.sender, parse_id_at(arguments, 0))
    context.answer("done", "/ace/lyrics/begin", 0, TIMEOUT)


def append(context: Context, arguments: Arguments) -> None:
    if len(arguments) < 2:
        raise WrongType("send the name, the number of the part (1, 2, ...), and its lines")
    name = parse_id(arguments[0])
    number = parse_int("number", arguments[1])
    lines = join_words(arguments[2:])
    parts = context.lyric_uploads.append(context.sender, name, number, lines)
    context.answer("done", "/ace/lyrics/append", parts, TIMEOUT)


def end(context: Context, arguments: Arguments) -> None:
    if len(arguments) < 2:
        raise WrongType(
            "send the name, and how many parts there were: nobody else knows whether one was lost"
        )
    parts = parse_int("parts", arguments[1])
    lyrics = context.lyric_uploads.end(context.sender, parse_id(arguments[0]), parts)
    if lyrics is not None:
        context.panel.set("lyrics", lyrics)
        context.read_lyrics_ahead()
    context.answer("done", "/ace/lyrics/end", parts, TIMEOUT)


COMMANDS = (
    Command("/ace/lyrics/begin", "s", "s name", "/ace/done", "long lyrics follow, in parts", begin),
    Command(
        "/ace/lyrics/append",
        "sis",
        "s name, i number, s lines",
        "/ace/done",
        "part 1, 2, ... of them: whole lines",
        append,
    ),
    Command(
        "/ace/lyrics/end",
        "si",
        "s name, i parts",
        "/ace/done",
        "if none is lost, they are now the parameter `lyrics`",
        end,
    ),
)
