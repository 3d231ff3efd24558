"""MIDI ports that are open whenever they are plugged in."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

from .identity import QUESTION, IdentityPoll, IdentityResult, is_answer
from .open_ports import VIRTUAL, Heard, InputPort, OutputPort
from .system_ports import LIFELINE, LOOKOUT, DeviceNodes, Names, backend, matching, names

log = logging.getLogger("acestepd.midi")

EVERY = 1.0  # seconds between two looks at which ports there are
# seconds after which a port is opened anew: it may have been away and back between two looks
SILENCE = 60.0
ASKED = 1.0  # seconds between two questions who is there


class Input:
    """The input whose name contains `name`, opened when it appears and again when it comes back.

    `heard(at, message)` is called on MIDI's own thread and must be quick: `at` is
    `time.monotonic()` at the arrival, `message` what mido says of it, like {"type": "note_on",
    "channel": 0, "note": 60, "velocity": 64, "time": 0}.
    """

    def __init__(
        self, name: str, heard: Heard, every: float = EVERY, silence: float = SILENCE
    ) -> None:
        self._name = name
        self._heard = heard
        self._every = every
        self._silence = silence
        self._backend = backend()
        self._ear: InputPort | None = None
        self._cards = DeviceNodes()
        self._missing = self._met = False  # and said so

    @property
    def port(self) -> str:
        """The whole name of the port that is open; empty while there is none."""
        ear = self._ear
        return ear.name if ear else ""

    def start(self) -> None:
        LOOKOUT.add(self._look, self._every)

    def close(self) -> None:
        LOOKOUT.remove(self._look)
        self._drop(LIFELINE.holds(names(self._backend)))

    def _look(self, present: Names | None) -> None:
        inputs = present.inputs if present else []
        replaced = self._cards.replaced()
        if self._ear and self._ear.name not in inputs:
            log.warning("MIDI input %s is gone", self._ear.name)
            self._drop(there=present is not None)
        if self._ear is None:
            self._open(present or Names([], []))
        elif present and (replaced or time.monotonic() - self._ear.last > self._silence):
            silent = self._ear
            self._ear = InputPort(self._backend, self._ear.name, self._heard, present)
            silent.close()  # only now: nothing is lost between the two

    def _open(self, present: Names) -> None:
        found = matching(self._name, present.inputs)
        if not found:
            if not self._missing:
                there = ", ".join(present.inputs) or "none"
                log.warning("no MIDI input is called %r yet; there are: %s", self._name, there)
            self._missing = True
            return
        if self._missing or not self._met:
            log.info("MIDI input %s", found)
        self._missing = False
        self._met = True
        self._ear = InputPort(self._backend, found, self._heard, present)

    def _drop(self, there: bool) -> None:
        ear = self._ear
        self._ear = None
        if ear:
            ear.close(there)


class PortListener(Protocol):
    """Whoever plays on `Ports`. All but `heard` happens on the lookout's thread, and all of it must
    be quick.
    """

    def wants(self, name: str) -> bool:
        """Whether the port of that name is one to open."""

    def heard(self, name: str, at: float, message: dict[str, Any]) -> None:
        """On MIDI's own thread."""

    def gone(self, name: str) -> None:
        """The input of that name."""

    def opened(self, mouth: OutputPort) -> None:
        """An output; also one that was open before, and may have been away for a moment."""

    def closed(self, mouth: OutputPort) -> None: ...


class Ports:
    """Every input and output that a surface wants, opened when they appear, and a virtual port if
    that is wanted.
    """

    def __init__(
        self,
        surface: PortListener,
        virtual: bool = False,
        every: float = EVERY,
        silence: float = SILENCE,
        asked: float = ASKED,
    ) -> None:
        self._surface = surface
        self._virtual = virtual
        self._every = every
        self._silence = silence
        self._asked = asked  # when the next question is due
        self._asks = 0.0
        self._roll = IdentityPoll()
        self._cards = DeviceNodes()
        self._backend = backend()
        self._ears: dict[str, InputPort] = {}
        self._mouths: dict[str, OutputPort] = {}
        self._failed: set[str] = set()

    @property
    def names(self) -> Names:
        """Of what is open."""
        return Names(list(self._ears), list(self._mouths))

    def start(self) -> None:
        LOOKOUT.add(self._look, self._every)

    def close(self) -> None:
        LOOKOUT.remove(self._look)
        self._drop_all(there=LIFELINE.holds(names(self._backend)))

    def _drop_all(self, there: bool) -> None:
        for name in list(self._ears):
            self._drop_ear(name, there)
        for name in list(self._mouths):
            self._drop_mouth(name, there)

    def _look(self, present: Names | None) -> None:
        if present is None:
            self._drop_all(there=False)
            return
        before = self.names
        self._follow(present)
        if self._cards.replaced():
            self._open_anew(self._devices(self._ears), present)
        elif silent := [
            name for name in self._devices(self._ears) if self._is_silent(self._ears[name])
        ]:
            self._open_anew(silent, present)
        if self.names != before:
            self._roll = IdentityPoll()
            self._asks = 0.0
        if time.monotonic() >= self._asks:
            self._call_the_roll(present)

    def _call_the_roll(self, present: Names) -> None:
        match self._roll.end_round():
            case IdentityResult.MISSING:
                self._open_anew(self._devices(self._ears), present)
            case IdentityResult.BACK:
                for name in self._devices(self._mouths):
                    self._surface.opened(self._mouths[name])
        self._asks = time.monotonic() + self._asked
        for name in self._devices(self._mouths) if self._roll.asks else ():
            with suppress(Exception):  # what is unplugged cannot always be asked
                self._mouths[name].send(QUESTION)

    def _follow(self, present: Names) -> None:
        ours = [VIRTUAL] if self._virtual else []
        wanted = Names(*(ours + [name for name in kind if self._wanted(name)] for kind in present))
        for name in [name for name in self._ears if name not in wanted.inputs]:
            log.warning("MIDI input %s is gone", name)
            self._drop_ear(name, there=True)
        for name in [name for name in self._mouths if name not in wanted.outputs]:
            self._drop_mouth(name, there=True)
        self._failed &= {*wanted.inputs, *wanted.outputs}
        for name in wanted.inputs:
            if name not in self._ears and (ear := self._ear(name, present)):
                log.info("MIDI input %s", name)
                self._ears[name] = ear
        for name in wanted.outputs:
            if name not in self._mouths and (mouth := self._mouth(name)):
                self._mouths[name] = mouth
                self._surface.opened(mouth)

    def _is_silent(self, ear: InputPort) -> bool:
        return time.monotonic() - ear.last > self._silence

    @staticmethod
    def _devices(names: Iterable[str]) -> list[str]:
        """All but our own port."""
        return [name for name in names if name != VIRTUAL]

    def _open_anew(self, names: list[str], present: Names) -> None:
        """These inputs and every output, each before the old one is closed: nothing is lost between
        the two.
        """
        for name in names:
            if ear := self._ear(name, present):
                self._ears[name].close()
                self._ears[name] = ear
        for name in self._devices(self._mouths):
            if mouth := self._mouth(name):
                old = self._mouths[name]
                self._mouths[name] = mouth
                self._surface.opened(mouth)
                old.close()

    def _wanted(self, name: str) -> bool:
        return not name.startswith(VIRTUAL) and self._surface.wants(name)

    def _ear(self, name: str, present: Names) -> InputPort | None:
        def heard(at: float, message: dict[str, Any]) -> None:
            if is_answer(message):
                self._roll.answered()
            self._surface.heard(name, at, message)

        return self._tried(
            name, lambda: InputPort(self._backend, name, heard, present, name == VIRTUAL)
        )

    def _mouth(self, name: str) -> OutputPort | None:
        return self._tried(name, lambda: OutputPort(self._backend, name, name == VIRTUAL))

    def _drop_ear(self, name: str, there: bool) -> None:
        if ear := self._ears.pop(name, None):
            ear.close(there)
            self._surface.gone(name)

    def _drop_mouth(self, name: str, there: bool) -> None:
        if mouth := self._mouths.pop(name, None):
            self._surface.closed(mouth)
            mouth.close(there)

    def _tried(self, name: str, open_port: Callable[[], Any]) -> Any:
        try:
            opened = open_port()
            self._failed.discard(name)
            return opened
        except Exception as error:  # rtmidi has an error of its own for every driver
            if name not in self._failed:
                # as a text: whoever keeps the error keeps a half-opened port, and JACK may end
                # before it is freed
                log.warning(
                    "MIDI port %s cannot be opened, and is tried again: %s", name, str(error)
                )
            self._failed.add(name)
            return None
