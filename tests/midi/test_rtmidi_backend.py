"""mido's ports on RtMidi."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import mido
import pytest
from supriya_midi import RtMidiError

from daemon import midi
from daemon.cli import start_screen
from daemon.midi import rtmidi_backend
from daemon.midi.port_watcher import PortWatcher
from daemon.midi.system_ports import BACKEND, NoMidiSystem, PortNames, read_ports
from daemon.service import Daemon
from daemon.settings import Midi, Settings
from tests.support.jack import Jack
from tests.support.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
JACK = f"{BACKEND}/UNIX_JACK"
RESEND_SECONDS = 5.0


@pytest.fixture
def no_rtmidi(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine where a library is missing that RtMidi needs."""
    monkeypatch.delenv("MIDO_BACKEND", raising=False)
    monkeypatch.setattr(rtmidi_backend, "MISSING", "libasound.so.2: cannot open shared object file")


@pytest.mark.parametrize("name", ["", BACKEND, "mido.backends.rtmidi", "mido.backends.rtmidi/X"])
def test_it_is_the_backend_unless_another_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MIDO_BACKEND", raising=False)
    if name:
        monkeypatch.setenv("MIDO_BACKEND", name)
    backend = midi.load_backend()
    assert backend.module is rtmidi_backend
    assert backend.api == ("X" if name.endswith("/X") else None)


def send_until_received(
    out: Any, message: mido.Message, received: Queue[mido.Message]
) -> mido.Message:
    """What comes first. JACK drops what is sent while it connects ports, or when a program comes
    late for a cycle: it is sent again.
    """
    for _ in range(round(PATIENCE / RESEND_SECONDS)):
        out.send(message)
        with suppress(Empty):
            return received.get(timeout=RESEND_SECONDS)
    raise AssertionError(f"{message} never came")


def test_what_one_program_sends_another_receives_whole(jack: Jack) -> None:
    received: Queue[mido.Message] = Queue()
    program = mido.Backend(JACK)
    with program.open_output("Keys", virtual=True) as out:
        name = next(name for name in program.get_input_names() if "Keys" in name)
        with program.open_input(name, callback=received.put):
            for message in (
                mido.Message("note_on", note=60, velocity=100),
                mido.Message("sysex", data=range(100)),
                mido.Message("clock"),
            ):
                assert send_until_received(out, message, received) == message
        out.close()  # again
    assert not [name for name in program.get_input_names() if "Keys" in name]


def test_an_input_is_closed_whether_it_was_listened_to_or_not(jack: Jack) -> None:
    program = mido.Backend(JACK)
    for listened in (False, True):
        port = program.open_input("Keys", virtual=True)
        if listened:
            port.listen(print)
        port.close()
        assert not [name for name in program.get_output_names() if "Keys" in name]


def test_autoreset_ends_notes_when_it_is_closed(jack: Jack) -> None:
    program = mido.Backend(JACK)
    sent: list[int] = []
    out = program.open_output("Keys", virtual=True, autoreset=True)
    out.send_bytes = lambda data: sent.append(data[1])
    out.close()
    assert sent == [123, 121] * 16


def test_a_port_or_a_system_that_is_not_there_is_refused_with_those_that_are(jack: Jack) -> None:
    program = mido.Backend(JACK)
    with (
        closing(program.open_output("Keys", virtual=True)),
        pytest.raises(OSError, match=r"no MIDI port is called 'Piano'; there are: .*Keys"),
    ):
        program.open_input("Piano")
    with pytest.raises(ValueError, match=r"UNIX_JACK.* here, not 'AMIGA'"):
        program.open_input("Piano", api="AMIGA")


def test_the_machines_own_libjack_speaks_to_the_server(jack: Jack) -> None:
    """The one in the wheel is refused by servers since 1.9.15."""
    code = (
        "from daemon.midi import load_backend, list_ports\n"
        "assert list_ports(load_backend()) is not None\n"
        "print(*{line.split()[-1] for line in open('/proc/self/maps') if 'libjack' in line})"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert any(Path(name).name.startswith("libjack.so.0") for name in found.stdout.split())


def test_a_process_that_ends_with_open_jack_ports_says_nothing_of_leaks(jack: Jack) -> None:
    code = (
        "from daemon.midi import Ports\n"
        "class Nobody:\n"
        "    def wants_port(self, name): return False\n"
        "    def on_output_opened(self, port): print('open', flush=True)\n"
        "    def on_output_closed(self, port): ...\n"
        "    def on_input_closed(self, name): ...\n"
        "ports = Ports(Nobody(), virtual=True, every=0.05)\n"
        "ports.start()\n"
        "input()\n"
        "ports.close()"
    )
    command = [sys.executable, "-c", code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == "open\n"
        _, errors = process.communicate("\n", timeout=PATIENCE)
    assert process.returncode == 0
    assert "leaked" not in errors


def test_the_daemon_starts_without_midi_and_says_so(
    no_rtmidi: None,
    quick_voice: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "acestepd.midi")
    settings = Settings(
        port=0,
        page=-1,
        out=tmp_path / "out",
        state=tmp_path / "state",
        model=quick_voice,
        midi=Midi(ports=("virtual",)),
        midi_clock="DAW",
    )
    monkeypatch.setattr(midi.PORT_WATCHER, "_failures", 0)
    with Daemon(settings) as daemon:
        until(lambda: midi.PORT_WATCHER._failures)
        assert start_screen._describe_midi(daemon) == ["no MIDI system answers"]
    said = [text for text in caplog.messages if "no MIDI system answers" in text]
    assert said == [
        "no MIDI system answers; ports are opened once one does: RtMidi cannot be loaded: "
        "libasound.so.2: cannot open shared object file"
    ]


def test_that_there_is_no_midi_is_said_again_only_when_there_was_some(
    no_rtmidi: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "acestepd.midi")
    watcher = PortWatcher()
    watcher._callbacks[lambda present: None] = 60.0
    for _ in range(3):
        watcher._look()
    assert len(caplog.messages) == 1
    with monkeypatch.context() as patch:
        patch.setattr(rtmidi_backend, "MISSING", "")
        patch.setattr(rtmidi_backend, "get_devices", list)
        watcher._look()
    watcher._look()
    assert len(caplog.messages) == 2


def test_a_port_that_goes_while_ports_are_listed_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Client:
        def __init__(self, *_: object) -> None: ...

        def get_port_count(self) -> int:
            return 3

        def get_port_name(self, number: int) -> str:
            if number == 1:
                raise RtMidiError("the 'portNumber' argument (1) is invalid")
            return f"Keys {number}"

    monkeypatch.delenv("MIDO_BACKEND", raising=False)
    monkeypatch.setattr(rtmidi_backend, "MidiIn", Client)
    monkeypatch.setattr(rtmidi_backend, "MidiOut", Client)
    assert read_ports(midi.load_backend()) == PortNames(["Keys 0", "Keys 2"], ["Keys 0", "Keys 2"])


def test_what_the_system_said_is_told(no_rtmidi: None) -> None:
    assert "MIDO_BACKEND" not in os.environ
    with pytest.raises(NoMidiSystem, match=r"libasound\.so\.2"):
        read_ports(midi.load_backend())
