"""MIDI ports that are there whenever they are plugged in. The daemon's only door to mido's ports."""

from __future__ import annotations

import ctypes
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, ClassVar, NamedTuple, Protocol

import mido

from .settings import SettingsError

log = logging.getLogger("acestepd.midi")

Heard = Callable[[float, dict[str, Any]], None]

EVERY = 1.0  # seconds between two looks at which ports there are
SELDOM = 32  # times as long, in the end, where the system has no MIDI: drivers complain to the terminal each time
SILENCE = 60.0  # seconds after which a port is opened anew: it may have been away and back between two looks
VIRTUAL = "acestepd"  # our own port, where other programs and cables can be connected to
UNSTICK = 0.1  # seconds between two ends of a system exclusive on JACK: see `SysexEnds`
SETTLED = 2.0  # seconds at most until the first has arrived
POLL = 0.002  # seconds between two looks at what has come on JACK: see `Ear`
COMPLAIN = 10.0  # seconds between two lines in the log about the rubbish of one port


# --- bytes ----------------------------------------------------------------------------------------------------------

SYSEX, SYSEX_END, REALTIME = 0xF0, 0xF7, 0xF8
FOLLOWED_BY = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2, 0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0}


class Stream:
    """Whole messages out of what a cable carries: running status, clock ticks in the midst of a message, rubbish."""

    def __init__(self) -> None:
        self.rubbish = b""  # what was no message, until somebody takes it
        self._status = 0  # also of the messages to come, as long as nothing else is said: running status
        self._message = bytearray()

    def feed(self, data: Iterable[int]) -> list[bytes]:
        messages: list[bytes] = []
        for byte in data:
            if byte >= REALTIME:
                messages.append(bytes([byte]))
            elif byte == SYSEX_END:  # outside of a system exclusive it means nothing
                if self._status == SYSEX:
                    messages.append(bytes([*self._message, SYSEX_END]))
                    self._begin(0)
            elif byte >= 0x80:
                self._give_up()
                self._begin(byte)
            else:
                self._data(byte)
            if self._whole():
                messages.append(bytes(self._message))
                self._begin(self._status if self._status < SYSEX else 0)
                self._message.clear()
        return messages

    def _begin(self, status: int) -> None:
        self._status = status if status == SYSEX or _length(status) is not None else 0
        self._message = bytearray([status] if self._status else [])

    def _data(self, byte: int) -> None:
        if not self._status:
            self.rubbish += bytes([byte])
            return
        if not self._message:
            self._message.append(self._status)
        self._message.append(byte)

    def _whole(self) -> bool:
        return bool(self._message) and self._status != SYSEX and len(self._message) - 1 == _length(self._status)

    def _give_up(self) -> None:
        """What has begun ends in the middle."""
        if self._message:
            self.rubbish += bytes(self._message)


def _length(status: int) -> int | None:
    """How many bytes follow; None where that is not a status with a fixed length."""
    return FOLLOWED_BY.get(status if status >= SYSEX else status & 0xF0)


# --- which ports there are -------------------------------------------------------------------------------------------


class Names(NamedTuple):
    inputs: list[str]
    outputs: list[str]


Look = Callable[[Names | None], None]


class Lookout:
    """Tells everybody who wants to know, every now and then, which ports there are; None where there is no MIDI at all.

    One thread for the whole process, and it never ends: CoreMIDI tells of what is plugged in only where it was asked
    first.
    """

    def __init__(self) -> None:
        self._looks: dict[Look, float] = {}
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._vain = 0  # looks in a row at a system without MIDI

    def add(self, look: Look, every: float) -> None:
        with self._lock:
            self._looks[look] = every
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="midi", daemon=True)
                self._thread.start()
        self._wake.set()

    def remove(self, look: Look) -> None:
        """It is not called any more when this returns."""
        with self._lock:
            self._looks.pop(look, None)

    def _watch(self) -> None:
        pause: float | None = 0.0
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            with self._lock:
                pause = self._look()

    def _look(self) -> float | None:
        """The seconds until the next time; None: nobody wants to know."""
        if not self._looks:
            return None
        present = names(backend())
        if not LIFELINE.holds(present):
            LIFELINE.cut()
            self._tell(None)
        if present:
            self._tell(present)
        self._vain = 0 if present else self._vain + 1
        return min(self._looks.values()) * min(SELDOM, 2.0**self._vain)

    def _tell(self, present: Names | None) -> None:
        for look in list(self._looks):
            try:
                look(present)
            except Exception:  # a driver's troubles must not end this: it may be back in a minute
                log.exception("MIDI ports")


class Lifeline:
    """Tells whether the JACK server that our ports belong to is still there.

    To close a port of a server that has ended is a crash of the process, and another server may have begun since the
    last look, with ports of the same names. So there is one port whose name nobody else has. It is never closed.
    """

    def __init__(self) -> None:
        self._name = ""
        self._numbers = itertools.count(1)

    def holds(self, present: Names | None) -> bool:
        """Whether ports may be closed."""
        return present is not None and (not self._name or any(self._name in name for name in present.inputs))

    def cut(self) -> None:
        self._name = ""

    def tie(self, chosen: Any) -> None:
        """To the server that is there now."""
        if self._name:
            return
        name = f"ace-lifeline-{os.getpid()}-{next(self._numbers)}"
        try:
            _keep(chosen.open_output("lifeline", virtual=True, client_name=name))
            self._name = name
        except Exception as error:  # it has just ended: the next look will see it
            log.debug("no lifeline: %s", str(error))


LOOKOUT, LIFELINE = Lookout(), Lifeline()


# --- opened ports ----------------------------------------------------------------------------------------------------


class Ear:
    """An input that is open. `heard(at, message)` is called on MIDI's own thread.

    It takes the bytes as rtmidi gives them: mido drops whatever is not exactly one message, and says nothing.
    """

    def __init__(self, chosen: Any, name: str, heard: Heard, present: Names, virtual: bool = False) -> None:
        self.name, self._heard = name, heard
        self.last = time.monotonic()  # when it was opened, or heard last
        self._stream = Stream()
        self._complained, self._rubbish = -COMPLAIN, 0
        self._ends: SysexEnds | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._port = _opened(chosen, "input", name, virtual)
        if rtmidi := getattr(self._port, "_rt", None):
            if "JACK" in getattr(self._port, "api", ""):
                rtmidi.cancel_callback()
                self._thread = threading.Thread(target=self._poll, args=(rtmidi,), name=f"midi {name}", daemon=True)
                self._thread.start()
                self._ends = SysexEnds(chosen, present)
                self._ends.start()
            else:
                rtmidi.set_callback(lambda event, _: self._received(event[0]))
        else:
            self._port.callback = lambda message: self._received(message.bytes())

    def close(self, there: bool = True) -> None:
        self._closing.set()
        if self._thread:
            self._thread.join()
        if self._ends:
            self._ends.close(there)
        _close(self._port, there)

    def _poll(self, rtmidi: Any) -> None:
        """JACK calls back in the midst of its cycle: what waits for Python there is overwritten by the next one."""
        while not self._closing.wait(POLL):
            while event := rtmidi.get_message():
                self._received(event[0])

    def _received(self, data: Sequence[int]) -> None:
        at = time.monotonic()
        if list(data) != [SYSEX_END]:
            self.last = at
        elif self._ends:
            self._ends.arrived.set()
        for message in self._stream.feed(data):
            try:
                self._heard(at, mido.Message.from_bytes(message).dict())
            except ValueError:
                self._stream.rubbish += message
            except Exception:  # it would end up on MIDI's thread, where nobody reads it
                log.exception("%s could not be handled", message.hex(" "))
        if self._stream.rubbish:
            self._complain(at)

    def _complain(self, at: float) -> None:
        rubbish, self._stream.rubbish = self._stream.rubbish, b""
        self._rubbish += len(rubbish)
        if at - self._complained >= COMPLAIN:
            log.warning("MIDI from %s: %d bytes are no message: %s", self.name, self._rubbish, rubbish[:16].hex(" "))
            self._complained, self._rubbish = at, 0


class SysexEnds:
    """On JACK, rtmidi keeps everything back that follows a system exclusive without an end: ends, ten a second."""

    _taken: ClassVar[set[str]] = set()  # the inputs that have them

    def __init__(self, chosen: Any, present: Names) -> None:
        """For the input that was opened just now: the only one of ours that was not there before."""
        self.arrived = threading.Event()
        self._closing, self._lock = threading.Event(), threading.Lock()
        now = names(chosen)
        fresh = [name for name in now.outputs if name not in {*present.outputs} | self._taken] if now else []
        ours = [name for name in fresh if name.startswith(("RtMidiIn Client", VIRTUAL))]
        self._port: Any = chosen.open_output(ours[0]) if len(ours) == 1 else None
        self._taken.update(ours if self._port else [])

    def start(self) -> None:
        """JACK drops what comes to an input in the moment in which a second output is connected to it: wait for it."""
        if self._port:
            threading.Thread(target=self._send, name="midi ends", daemon=True).start()
            self.arrived.wait(SETTLED)

    def _send(self) -> None:
        while not self._closing.wait(UNSTICK if self.arrived.is_set() else UNSTICK / 10):
            with self._lock:
                if not self._closing.is_set():
                    self._port._rt.send_message([SYSEX_END])

    def close(self, there: bool) -> None:
        self._closing.set()
        with self._lock:
            self._taken.discard(getattr(self._port, "name", ""))
            _close(self._port, there)


class Mouth:
    """An output that is open."""

    def __init__(self, chosen: Any, name: str, virtual: bool = False) -> None:
        self.name = name
        self._port = _opened(chosen, "output", name, virtual)

    def send(self, message: bytes) -> None:
        """Raises ValueError when that is no message, and what the driver raises when it is not there any more."""
        self._port.send(mido.Message.from_bytes(message))

    def close(self, there: bool = True) -> None:
        _close(self._port, there)


def _opened(chosen: Any, kind: str, name: str, virtual: bool) -> Any:
    open_port = getattr(chosen, f"open_{kind}")
    port = open_port(name, virtual=True, client_name=VIRTUAL) if virtual else open_port(name)
    if "JACK" in getattr(port, "api", ""):
        LIFELINE.tie(chosen)
    return port


def _keep(port: Any) -> None:
    """For ever: it is not even freed."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(port))


def _close(port: Any, there: bool) -> None:
    """`there`: whether the MIDI system still is."""
    if port and not there:
        _keep(port)
    elif port:
        with suppress(Exception):  # what is unplugged cannot always be closed
            port.close()


class Input:
    """The input whose name contains `name`, opened when it appears and again when it comes back.

    `heard(at, message)` is called on MIDI's own thread and must be quick: `at` is `time.monotonic()` at the arrival,
    `message` what mido says of it, like {"type": "note_on", "channel": 0, "note": 60, "velocity": 64, "time": 0}.
    """

    def __init__(self, name: str, heard: Heard, every: float = EVERY, silence: float = SILENCE) -> None:
        self._name, self._heard, self._every, self._silence = name, heard, every, silence
        self._backend = backend()
        self._ear: Ear | None = None
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
        if self._ear and self._ear.name not in inputs:
            log.warning("MIDI input %s is gone", self._ear.name)
            self._drop(there=present is not None)
        if self._ear is None:
            self._open(present or Names([], []))
        elif present and time.monotonic() - self._ear.last > self._silence:
            silent, self._ear = self._ear, Ear(self._backend, self._ear.name, self._heard, present)
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
        self._missing, self._met = False, True
        self._ear = Ear(self._backend, found, self._heard, present)

    def _drop(self, there: bool) -> None:
        ear, self._ear = self._ear, None
        if ear:
            ear.close(there)


class Surface(Protocol):
    """Whoever plays on `Ports`. All but `heard` happens on the lookout's thread, and all of it must be quick."""

    def wants(self, name: str) -> bool:
        """Whether the port of that name is one to open."""

    def heard(self, name: str, at: float, message: dict[str, Any]) -> None:
        """On MIDI's own thread."""

    def gone(self, name: str) -> None:
        """The input of that name."""

    def opened(self, mouth: Mouth) -> None:
        """An output; also one that was open before, and may have been away for a moment."""

    def closed(self, mouth: Mouth) -> None: ...


class Ports:
    """Every input and output that a surface wants, opened when they appear, and a virtual port if that is wanted."""

    def __init__(self, surface: Surface, virtual: bool = False, every: float = EVERY, silence: float = SILENCE) -> None:
        self._surface, self._virtual, self._every, self._silence = surface, virtual, every, silence
        self._backend = backend()
        self._ears: dict[str, Ear] = {}
        self._mouths: dict[str, Mouth] = {}
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
        else:
            self._follow(present)

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
        if silent := [name for name, ear in self._ears.items() if self._is_silent(ear)]:
            self._open_anew(silent, present)

    def _is_silent(self, ear: Ear) -> bool:
        return ear.name != VIRTUAL and time.monotonic() - ear.last > self._silence

    def _open_anew(self, silent: list[str], present: Names) -> None:
        """Each before the old one is closed: nothing is lost between the two."""
        for name in silent:
            if ear := self._ear(name, present):
                self._ears[name].close()
                self._ears[name] = ear
        for name in [name for name in self._mouths if name != VIRTUAL]:
            if mouth := self._mouth(name):
                old, self._mouths[name] = self._mouths[name], mouth
                self._surface.opened(mouth)
                old.close()

    def _wanted(self, name: str) -> bool:
        return not name.startswith(VIRTUAL) and self._surface.wants(name)

    def _ear(self, name: str, present: Names) -> Ear | None:
        def heard(at: float, message: dict[str, Any]) -> None:
            self._surface.heard(name, at, message)

        return self._tried(name, lambda: Ear(self._backend, name, heard, present, name == VIRTUAL))

    def _mouth(self, name: str) -> Mouth | None:
        return self._tried(name, lambda: Mouth(self._backend, name, name == VIRTUAL))

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
                # as a text: whoever keeps the error keeps a half-opened port, and JACK may end before it is freed
                log.warning("MIDI port %s cannot be opened, and is tried again: %s", name, str(error))
            self._failed.add(name)
            return None


# --- mido ------------------------------------------------------------------------------------------------------------


def backend() -> Any:
    """mido's backend: rtmidi, or what MIDO_BACKEND names. Raises `SettingsError` where it is not installed."""
    chosen = mido.Backend()
    try:
        chosen.load()
    except ImportError as error:
        raise SettingsError(
            f"MIDI ports need a library that is not here ({error}): pip install 'acestepd[midi]'"
        ) from error
    return chosen


def names(chosen: Any) -> Names | None:
    """Of all the ports that are there; None where the system has no MIDI at all."""
    try:
        devices = chosen.module.get_devices(**({"api": chosen.api} if chosen.api else {}))
    except Exception as error:  # rtmidi has an error of its own for every driver
        log.debug("no MIDI on this system: %s", str(error))
        return None
    return Names(*([device["name"] for device in devices if device[kind]] for kind in ("is_input", "is_output")))


def inputs(chosen: Any) -> list[str] | None:
    """The names of the inputs that are there; None where the system has no MIDI at all."""
    present = names(chosen)
    return list(dict.fromkeys(present.inputs)) if present else None


def matching(name: str, names: list[str]) -> str:
    """The first port whose name contains `name`, whatever its case; empty when there is none."""
    return next((port for port in names if name.casefold() in port.casefold()), "")
