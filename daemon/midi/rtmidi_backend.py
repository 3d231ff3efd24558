"""mido's ports on RtMidi (CoreMIDI, ALSA, JACK): a backend like `mido.backends.rtmidi`, which needs
python-rtmidi, of which there are no wheels for Python 3.13 and newer.

Other programs may use it too: `MIDO_BACKEND=daemon.midi.rtmidi_backend/UNIX_JACK`.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Generic, Self, TypedDict, TypeVar

import mido

from ..port_names import number_names

if sys.platform == "linux":
    # The machine's own libjack, where there is one, with global symbols: RtMidi's calls resolve to
    # it then. Wheels bundle one that servers since JACK 1.9.15 refuse, and that PipeWire is not.
    with suppress(OSError):
        ctypes.CDLL("libjack.so.0", mode=ctypes.RTLD_GLOBAL)

try:
    from supriya_midi import MidiIn, MidiOut, RtMidiAPI, RtMidiError, get_compiled_apis
except ImportError as error:
    MISSING = str(error)  # a library of the system's that it needs, like ALSA's
else:
    MISSING = ""

CALLBACK_SECONDS = 0.02  # until a callback that waited for Python has ended

BytesHandler = Callable[[Sequence[int]], None]

_Client = TypeVar("_Client", "MidiIn", "MidiOut")  # in quotes: they may be missing


class Device(TypedDict):
    name: str
    is_input: bool
    is_output: bool


def get_devices(api: str = "", **_: object) -> list[Device]:
    """Every port that is there. Raises OSError or RuntimeError where no MIDI system answers."""
    chosen = _choose_api(api)
    inputs = _list_names(MidiIn(chosen, RtMidiInput.client_name))
    outputs = _list_names(MidiOut(chosen, RtMidiOutput.client_name))
    return [
        {"name": name, "is_input": name in inputs, "is_output": name in outputs}
        for name in dict.fromkeys(inputs + outputs)
    ]


def get_api_names() -> list[str]:
    """The MIDI systems that it can use here."""
    return [api.name for api in get_compiled_apis()]


class _Port(Generic[_Client]):
    """A port that is open until it is closed."""

    def __init__(self, client: _Client, name: str, virtual: bool) -> None:
        """Raises OSError when there is no such port, RuntimeError when it cannot be opened."""
        self.name = name
        self._rt: _Client = client
        self.api = client.get_current_api().name
        _open(client, name, virtual)

    def close(self) -> None:
        if not self._rt.is_deleted:
            self._end()
            _close(self._rt)

    def _end(self) -> None:
        """What is to be done before it is closed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RtMidiInput(_Port["MidiIn"]):
    """An input that is open until it is closed. Whoever plays on it is heard once there is a
    callback, or by `read`.
    """

    client_name: ClassVar[str] = "RtMidiIn Client"

    def __init__(
        self,
        name: str,
        client_name: str = "",
        virtual: bool = False,
        api: str = "",
        callback: Callable[[mido.Message], None] | None = None,
    ) -> None:
        """`callback` gets whatever is one whole message. Raises OSError when there is no such port,
        RuntimeError when it cannot be opened.
        """
        self._listening = False
        client = MidiIn(_choose_api(api), client_name or self.client_name)
        super().__init__(client, name, virtual)
        self._rt.ignore_types(sysex=False, timing=False, active_sense=True)
        if callback:
            self.listen(lambda data: _pass_message(data, callback))

    def listen(self, handle: BytesHandler) -> None:
        """Call it from now on, on RtMidi's thread, with the bytes of everything that arrives."""
        self._listening = True
        self._rt.set_callback(lambda data, _seconds, _: handle(list(data)))

    def read(self) -> Sequence[int]:
        """The bytes of what has arrived first and was not read yet; none when that is all."""
        event = self._rt.get_message()
        return event[0] if event else []

    def _end(self) -> None:
        if self._listening:
            self._rt.cancel_callback()
            # ALSA's thread is waited for while this one has Python: a callback that waits for
            # Python would wait for ever
            time.sleep(CALLBACK_SECONDS)


class RtMidiOutput(_Port["MidiOut"]):
    """An output that is open until it is closed."""

    client_name: ClassVar[str] = "RtMidiOut Client"

    def __init__(
        self,
        name: str,
        client_name: str = "",
        virtual: bool = False,
        api: str = "",
        autoreset: bool = False,
    ) -> None:
        """`autoreset`: end all notes when it is closed. Raises OSError when there is no such port,
        RuntimeError when it cannot be opened.
        """
        self._autoreset = autoreset
        client = MidiOut(_choose_api(api), client_name or self.client_name)
        super().__init__(client, name, virtual)

    def send(self, message: mido.Message) -> None:
        self.send_bytes(message.bytes())

    def send_bytes(self, data: Sequence[int]) -> None:
        """Also what is no whole message."""
        self._rt.send_message(data)

    def _end(self) -> None:
        if self._autoreset:
            for message in mido.ports.reset_messages():
                self.send(message)


def _choose_api(name: str) -> RtMidiAPI:
    """The MIDI system of that name; the first that there is, without one. Raises OSError where
    RtMidi cannot be loaded.
    """
    if MISSING:
        raise OSError(f"RtMidi cannot be loaded: {MISSING}")
    if not name:
        return RtMidiAPI.UNSPECIFIED
    names = get_api_names()
    if name not in names:
        raise ValueError(f"MIDI is by one of {', '.join(names)} here, not {name!r}")
    return RtMidiAPI[name]


Input = RtMidiInput  # by these names mido looks for them
Output = RtMidiOutput


def _list_names(client: MidiIn | MidiOut) -> list[str]:
    """Of the ports that a client could be connected to, each by a name of its own."""
    names = []
    for number in range(client.get_port_count()):
        with suppress(RtMidiError):  # it has gone since they were counted
            names.append(client.get_port_name(number))
    return number_names(name for name in names if name)


def _open(client: MidiIn | MidiOut, name: str, virtual: bool) -> None:
    if virtual:
        client.open_virtual_port(name)
        return
    names = number_names(client.get_ports())
    if name not in names:
        raise OSError(f"no MIDI port is called {name!r}; there are: {', '.join(names) or 'none'}")
    client.open_port(names.index(name))


def _close(client: MidiIn | MidiOut) -> None:
    client.close_port()
    client.delete()  # a virtual port ends only so


def _pass_message(data: Sequence[int], callback: Callable[[Any], None]) -> None:
    with suppress(ValueError):  # not one whole message
        callback(mido.Message.from_bytes(data))
