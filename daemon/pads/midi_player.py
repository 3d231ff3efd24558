"""The pads as controllers play them: what fails is published, as a controller shows no errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from pipeline.request import BadRequest

from ..engine import Engine, Refusal
from ..jobs import Event, Refused
from ..panel import Panel
from ..runtime.logs import LimitedLog
from .interface import Light, LightListener
from .knobs import Knob
from .player import PadPlayer

log = LimitedLog(logging.getLogger("acestepd.pads"))


class MidiPlayer:
    """The `Player` of `interface`, on a `PadPlayer` and the panel."""

    def __init__(self, pads: PadPlayer, panel: Panel, engine: Engine) -> None:
        self._pads = pads
        self._panel = panel
        self._engine = engine

    def hit(self, index: int, velocity: int, port: str) -> None:
        self._try("/ace/pad/hit", port, lambda refuse: self._pads.hit(index, refuse, velocity))

    def reroll(self, index: int, port: str) -> None:
        self._try("/ace/pad/reroll", port, lambda refuse: self._pads.reroll(index, refuse))

    def toggle_favourite(self, index: int, port: str) -> None:
        self._try("/ace/pad/favourite", port, lambda refuse: self._pads.toggle_favourite(index))

    def load_program(self, number: int, port: str) -> None:
        self._try("/ace/bank/load", port, lambda refuse: self._pads.banks.load_program(number))

    def undo(self, port: str) -> None:
        self._try("/ace/bank/undo", port, lambda refuse: self._pads.banks.undo())

    def turn(self, field: str, position: float) -> None:
        knob = Knob.of(field)
        try:
            self._panel.set(knob.field, knob.to_value(position))
        # a fader sends many a second: none of them is published
        except BadRequest as error:
            log.warning(field, "refused a controller's %s: %s", field, error)

    def read_position(self, field: str) -> float | None:
        try:
            knob = Knob.of(field)
        except ValueError:
            return None
        return knob.to_position(getattr(self._panel.request, knob.field))

    def list_lights(self) -> Sequence[Light]:
        return self._pads.list_lights()

    def listen(self, listener: LightListener) -> None:
        self._pads.listen(listener)

    def announce_learned(self, field: str, control: str) -> None:
        self._engine.publish(Event("midi/learned", None, (field, control)))

    def _try(self, command: str, port: str, action: Callable[[Refusal], object]) -> None:
        """Publish what `action` raises, or calls its argument with, as the failure of `command` on
        that port.
        """
        refuse = partial(self._announce_refusal, command, port)
        try:
            action(refuse)
        except (Refused, BadRequest) as error:
            refuse(error)

    def _announce_refusal(self, command: str, port: str, error: Exception) -> None:
        match error:
            case Refused():
                code, hint = error.code, error.hint
            case BadRequest():
                code, hint = 422, error.hint
            case _:
                code, hint = 500, "this is a bug: see the log"
        text = f"{error} (asked for on {port})"
        self._engine.publish(Event("fail", None, (command, code, text, hint)))
