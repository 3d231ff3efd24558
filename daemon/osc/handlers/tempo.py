"""The session's tempo."""

from __future__ import annotations

from pipeline.request import coerce

from ...jobs import Event, Refused
from ..arguments import Arguments
from ..command import Command, Context


def set_or_tell_tempo(context: Context, arguments: Arguments) -> None:
    tempo = context.panel.tempo
    if tempo is None:
        raise Refused(503, "this daemon has no tempo of its own", "give bpm with every request")
    if arguments:
        tempo.set(coerce("bpm", arguments[0]))
    context.send_event(Event("tempo", None, tempo.current))


COMMANDS = (
    Command(
        "/ace/tempo",
        "f",
        "[f bpm]",
        "/ace/tempo",
        "the session's tempo; 0 follows Link or MIDI clock again",
        set_or_tell_tempo,
    ),
)
