"""MIDI ports that are open whenever they are plugged in."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Container, Iterable
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from ..port_names import find_gone
from .identity import IDENTITY_REQUEST, IdentityPoll, IdentityResult, is_identity_reply
from .jack_sentinel import JACK_SENTINEL
from .open_ports import VIRTUAL, InputPort, MessageHandler, OutputPort
from .port_watcher import PORT_WATCHER, DeviceNodes
from .system_ports import PortNames, find_port, list_ports, load_backend

log = logging.getLogger("acestepd.midi")

POLL_SECONDS = 1.0  # between two looks at which ports there are
# seconds without a message after which a port is reopened: its device may have been away and back
# between two looks
MAX_SILENCE = 60.0
IDENTITY_SECONDS = 1.0  # between two identity requests

OpenPort = TypeVar("OpenPort")


class Input:
    """The input whose name contains `name`, opened when it appears and again when it comes back.

    `handle(at, message)` is called on the thread of `InputPort` and must be quick: `at` is
    `time.monotonic()` at the arrival, `message` mido's dictionary, like {"type": "note_on",
    "channel": 0, "note": 60, "velocity": 64, "time": 0}.
    """

    def __init__(
        self,
        name: str,
        handle: MessageHandler,
        every: float = POLL_SECONDS,
        max_silence: float = MAX_SILENCE,
    ) -> None:
        self._name = name
        self._handle = handle
        self._every = every
        self._max_silence = max_silence
        self._backend = load_backend()
        self._port: InputPort | None = None
        self._nodes = DeviceNodes()
        self._logged_missing = False
        self._logged_open = False

    @property
    def port(self) -> str:
        """The whole name of the port that is open; empty while there is none."""
        port = self._port
        return port.name if port else ""

    def start(self) -> None:
        PORT_WATCHER.add(self._update, self._every)

    def close(self) -> None:
        PORT_WATCHER.remove(self._update)
        self._close_port(JACK_SENTINEL.is_present(list_ports(self._backend)))

    def _update(self, present: PortNames | None) -> None:
        inputs = present.inputs if present else []
        replaced = self._nodes.check_replaced()
        if self._port and self._port.name not in inputs:
            log.warning("MIDI input %s is gone", self._port.name)
            self._close_port(server_present=present is not None)
        if self._port is None:
            self._open_port(present or PortNames([], []))
        elif present and (replaced or self._is_silent(self._port)):
            silent = self._port
            self._port = InputPort(self._backend, silent.name, self._handle, present)
            silent.close()  # only now: nothing is lost between the two

    def _is_silent(self, port: InputPort) -> bool:
        return time.monotonic() - port.last_arrival > self._max_silence

    def _open_port(self, present: PortNames) -> None:
        found = find_port(self._name, present.inputs)
        if not found:
            if not self._logged_missing:
                there = ", ".join(present.inputs) or "none"
                log.warning("no MIDI input is called %r yet; there are: %s", self._name, there)
            self._logged_missing = True
            return
        if self._logged_missing or not self._logged_open:
            log.info("MIDI input %s", found)
        self._logged_missing = False
        self._logged_open = True
        self._port = InputPort(self._backend, found, self._handle, present)

    def _close_port(self, server_present: bool) -> None:
        port = self._port
        self._port = None
        if port:
            port.close(server_present)


class PortListener(Protocol):
    """Whoever plays on `Ports`. All but `on_message` is called on the port watcher's thread, and
    all of it must be quick.
    """

    def wants_port(self, name: str) -> bool:
        """Whether the port of that name is one to open."""

    def on_message(self, name: str, at: float, message: dict[str, Any]) -> None:
        """From the input of that name, on the thread of its `InputPort`."""

    def on_input_closed(self, name: str) -> None: ...

    def on_output_opened(self, port: OutputPort) -> None:
        """Also for one that was open before, and whose device may have been away for a moment."""

    def on_output_closed(self, port: OutputPort) -> None:
        """Called before it is closed: messages can still be sent."""


class Ports:
    """Every input and output that a listener wants, opened when they appear, and a virtual port if
    that is wanted.
    """

    def __init__(
        self,
        listener: PortListener,
        virtual: bool = False,
        every: float = POLL_SECONDS,
        max_silence: float = MAX_SILENCE,
        identity_seconds: float = IDENTITY_SECONDS,
    ) -> None:
        self._listener = listener
        self._virtual = virtual
        self._every = every
        self._max_silence = max_silence
        self._identity_seconds = identity_seconds
        self._next_request = 0.0  # when the next identity request is due
        self._identity = IdentityPoll()
        self._nodes = DeviceNodes()
        self._backend = load_backend()
        self._inputs: dict[str, InputPort] = {}
        self._outputs: dict[str, OutputPort] = {}
        self._failed: set[str] = set()  # names of ports that could not be opened

    @property
    def names(self) -> PortNames:
        """Of the ports that are open."""
        return PortNames(list(self._inputs), list(self._outputs))

    def start(self) -> None:
        PORT_WATCHER.add(self._update, self._every)

    def close(self) -> None:
        PORT_WATCHER.remove(self._update)
        self._close_all(JACK_SENTINEL.is_present(list_ports(self._backend)))

    def _close_all(self, server_present: bool) -> None:
        for name in list(self._inputs):
            self._close_input(name, server_present)
        for name in list(self._outputs):
            self._close_output(name, server_present)

    def _update(self, present: PortNames | None) -> None:
        if present is None:
            self._close_all(server_present=False)
            return
        before = self.names
        self._open_and_close(present)
        inputs = self._skip_virtual(self._inputs)
        if self._nodes.check_replaced():
            self._reopen(inputs, present)
        elif silent := [name for name in inputs if self._is_silent(self._inputs[name])]:
            self._reopen(silent, present)
        if self.names != before:
            self._identity = IdentityPoll()
            self._next_request = 0.0
        if time.monotonic() >= self._next_request:
            self._poll_identity(present)

    def _poll_identity(self, present: PortNames) -> None:
        """End a round of identity requests, and begin the next one."""
        outputs = self._skip_virtual(self._outputs)
        match self._identity.end_round():
            case IdentityResult.MISSING:
                self._reopen(self._skip_virtual(self._inputs), present)
            case IdentityResult.BACK:
                for name in outputs:
                    self._listener.on_output_opened(self._outputs[name])
        self._next_request = time.monotonic() + self._identity_seconds
        if not self._identity.needs_request:
            return
        for name in outputs:
            with suppress(Exception):  # what is unplugged cannot always be asked
                self._outputs[name].send(IDENTITY_REQUEST)

    def _open_and_close(self, present: PortNames) -> None:
        """Open what has appeared, close what has gone."""
        inputs = self._choose_ports(present.inputs)
        outputs = self._choose_ports(present.outputs)
        for name in find_gone(self._inputs, self._skip_failed(inputs, self._inputs)):
            log.warning("MIDI input %s is gone", name)
            self._close_input(name, server_present=True)
        for name in find_gone(self._outputs, self._skip_failed(outputs, self._outputs)):
            self._close_output(name, server_present=True)
        self._failed &= {*inputs, *outputs}
        for name in inputs:
            if name not in self._inputs and (input_port := self._open_input(name, present)):
                log.info("MIDI input %s", name)
                self._inputs[name] = input_port
        for name in outputs:
            if name not in self._outputs and (output := self._open_output(name)):
                self._outputs[name] = output
                self._listener.on_output_opened(output)

    def _choose_ports(self, names: Iterable[str]) -> list[str]:
        """Which of them are to be open: ours if that is wanted, and the listener's."""
        ours = [VIRTUAL] if self._virtual else []
        theirs = (name for name in names if not name.startswith(VIRTUAL))
        return [*ours, *(name for name in theirs if self._listener.wants_port(name))]

    def _skip_failed(self, names: Iterable[str], opened: Container[str]) -> list[str]:
        """All but those that cannot be opened, which would seem to have just come at every look."""
        return [name for name in names if name in opened or name not in self._failed]

    def _is_silent(self, port: InputPort) -> bool:
        return time.monotonic() - port.last_arrival > self._max_silence

    @staticmethod
    def _skip_virtual(names: Iterable[str]) -> list[str]:
        """All but our own port: those of devices."""
        return [name for name in names if name != VIRTUAL]

    def _reopen(self, inputs: Iterable[str], present: PortNames) -> None:
        """These inputs and every output, each before the old one is closed: nothing is lost between
        the two.
        """
        for name in inputs:
            if input_port := self._open_input(name, present):
                self._inputs[name].close()
                self._inputs[name] = input_port
        for name in self._skip_virtual(self._outputs):
            if output := self._open_output(name):
                old = self._outputs[name]
                self._outputs[name] = output
                self._listener.on_output_opened(output)
                old.close()

    def _open_input(self, name: str, present: PortNames) -> InputPort | None:
        def handle(at: float, message: dict[str, Any]) -> None:
            if is_identity_reply(message):
                self._identity.add_reply()
            self._listener.on_message(name, at, message)

        return self._try_opening(
            name, lambda: InputPort(self._backend, name, handle, present, name == VIRTUAL)
        )

    def _open_output(self, name: str) -> OutputPort | None:
        return self._try_opening(name, lambda: OutputPort(self._backend, name, name == VIRTUAL))

    def _close_input(self, name: str, server_present: bool) -> None:
        if port := self._inputs.pop(name, None):
            port.close(server_present)
            self._listener.on_input_closed(name)

    def _close_output(self, name: str, server_present: bool) -> None:
        if port := self._outputs.pop(name, None):
            try:
                self._listener.on_output_closed(port)
            except Exception as error:  # last messages cannot be sent where the server has gone
                log.debug("the last messages to %s: %s", name, str(error))
            port.close(server_present)

    def _try_opening(self, name: str, open_port: Callable[[], OpenPort]) -> OpenPort | None:
        try:
            opened = open_port()
        except Exception as error:  # rtmidi has an error of its own for every driver
            if name not in self._failed:
                # as a text: whoever keeps the error keeps a half-opened port, and JACK may end
                # before it is freed
                log.warning(
                    "MIDI port %s cannot be opened, and is tried again: %s", name, str(error)
                )
            self._failed.add(name)
            return None
        self._failed.discard(name)
        return opened
