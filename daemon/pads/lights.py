"""What the pads of the current bank show, announced when it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..engine import Engine
from ..jobs import Event
from .bank import Values
from .current_bank import CurrentBank
from .interface import ALL_PADS, DARK, Light, LightListener, PadState


class PadLights:
    """Guarded by the engine's lock. `get_speculative_light` tells what a pad with these values
    shows when it has nothing else to show.
    """

    def __init__(
        self,
        engine: Engine,
        current: CurrentBank,
        get_speculative_light: Callable[[Values], Light],
    ) -> None:
        self._engine = engine
        self._current = current
        self._get_speculative_light = get_speculative_light
        self._announced: list[Light] = []
        self._listeners: list[LightListener] = []

    def listen(self, listener: LightListener) -> None:
        self._listeners.append(listener)

    def get_light(self, index: int) -> Light:
        pad = self._current.bank.get_pad(index)
        if pad.state is PadState.RENDERING:
            return Light(PadState.RENDERING, pad.progress)
        if pad.state in (PadState.QUEUED, PadState.FAILED):
            return Light(pad.state)
        speculative = self._get_speculative_light(pad.resolved)
        if pad.ready or speculative.state is PadState.READY:
            return Light(PadState.FAVOURITE if pad.favourite else PadState.READY)
        return speculative

    def list_lights(self) -> list[Light]:
        return [self.get_light(index) for index in range(self._current.count)]

    def update(self) -> None:
        """Announce the lights that have changed."""
        lights = self.list_lights()
        announced = self._announced
        self._announced = lights
        for index, light in enumerate(lights):
            if index >= len(announced) or announced[index] != light:
                self._engine.publish(make_pad_event(index, light))
                for listener in self._listeners if announced else ():
                    listener(index, light)

    def on_event(self, event: Event) -> None:
        """Any event of the engine: pads flash whose clip was put in."""
        if event.kind != "inserted" or event.job is None or event.job.inserted is None:
            return
        for index, pad in enumerate(self._current.bank.pads):
            if pad.take and pad.take.job_id == event.job.id:
                for listener in self._listeners:
                    listener(index, replace(self.get_light(index), flashes=True))

    def update_all(self) -> None:
        """Announce another bank, or another grid, and every light."""
        self._announced = []
        self._engine.publish(self.make_bank_event())
        self.update()
        for listener in self._listeners:
            listener(ALL_PADS, DARK)

    def make_bank_event(self) -> Event:
        return Event("bank", None, self._current.description)


def make_pad_event(index: int, light: Light) -> Event:
    return Event("pad", None, (index + 1, light.state.value, light.progress))
