"""MIDI learn: which control turns which parameter."""

from __future__ import annotations

from pipeline.request import OutOfRange

from ...jobs import Refused
from ...pads.controllers import Controllers
from ...pads.knobs import Knob
from ..arguments import Arguments, join_words
from ..command import Command, Context


def learn(context: Context, arguments: Arguments) -> None:
    controllers = _controllers(context)
    text = join_words(arguments).strip()
    if text in ("", "off"):
        text = ""
    else:
        try:
            Knob.of(text)
        except ValueError as error:
            raise OutOfRange(str(error)) from error
    controllers.learn(text)
    context.answer("done", "/ace/midi/learn", int(bool(text)), 0)


def forget(context: Context, arguments: Arguments) -> None:
    forgotten = _controllers(context).forget(join_words(arguments).strip())
    context.answer("done", "/ace/midi/forget", forgotten, 0)


def _controllers(context: Context) -> Controllers:
    if context.controllers is None:
        raise Refused(
            503,
            "no controller can be learned from: there are no MIDI ports",
            "list some in [midi] ports",
        )
    return context.controllers


LEARN = Command(
    "/ace/midi/learn",
    "sff",
    "s param, [f from, f to]",
    "/ace/done",
    "the next control that moves turns it (in that range); `off` ends it",
    learn,
)
FORGET = Command(
    "/ace/midi/forget",
    "s",
    "[s param]",
    "/ace/done",
    "what was learned for it, or all of that, turns nothing more",
    forget,
)
