"""MIDI ports on a JACK server of their own: real ones, without a device."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Queue
from typing import Any

import mido
import pytest

from daemon import midi
from daemon.midi import Input, find_port
from daemon.midi.system_ports import SENTINEL
from daemon.settings import SettingsError
from daemon.tempo import Tempo
from daemon.tempo.midi_clock import TICKS_PER_BEAT
from tests.support.jack import Jack
from tests.support.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
SOON = 0.2  # seconds between two looks, so that tests need not wait

Received = tuple[float, dict[str, Any]]


@pytest.fixture
def received() -> Queue[Received]:
    return Queue()


@pytest.fixture
def clock(jack: Jack, received: Queue[Received]) -> Iterator[Input]:
    """An input that looks for a DAW's clock."""
    opened = Input("daw CLOCK", lambda at, message: received.put((at, message)), every=SOON)
    opened.start()
    yield opened
    opened.close()


def daw(name: str = "My DAW clock") -> Any:
    return midi.load_backend().open_output(name, virtual=True)


def test_a_port_is_opened_when_it_appears_and_read_with_the_time(
    clock: Input, received: Queue[Received]
) -> None:
    assert clock.port == ""
    other = daw("something else")
    out = daw()
    until(lambda: clock.port)
    assert "My DAW clock" in clock.port
    before = time.monotonic()
    other.send(mido.Message("stop"))
    out.send(mido.Message("clock"))
    out.send(mido.Message("note_on", channel=2, note=60, velocity=100))
    first, tick = received.get(timeout=PATIENCE)
    second, note = received.get(timeout=PATIENCE)
    assert before <= first <= second <= time.monotonic()
    assert tick["type"] == "clock"
    assert note == {"type": "note_on", "channel": 2, "note": 60, "velocity": 100, "time": 0}
    other.close()
    out.close()


@pytest.mark.long
def test_a_port_that_is_unplugged_is_opened_again_when_it_is_back(
    clock: Input, received: Queue[Received]
) -> None:
    for _ in range(3):
        out = daw()
        until(lambda: clock.port)
        out.send(mido.Message("start"))
        assert received.get(timeout=PATIENCE)[1]["type"] == "start"
        out.close()
        until(lambda: not clock.port)


def test_a_silent_port_is_opened_anew_and_goes_on_being_read(
    jack: Jack, received: Queue[Received]
) -> None:
    """It may have been away and back between two looks, and then it would be silent for ever."""
    out = daw()
    opened = Input(
        "DAW", lambda at, message: received.put((at, message)), every=SOON, max_silence=0.5
    )
    opened.start()
    until(lambda: opened.port)
    before = opened._port
    until(lambda: opened._port not in (before, None))
    while received.empty():  # what is sent in the very moment between the two is lost
        out.send(mido.Message("continue"))
        time.sleep(0.02)
    opened.close()
    out.close()


def test_a_handler_that_fails_goes_on_being_called(jack: Jack) -> None:
    called: Queue[str] = Queue()

    def fail(at: float, message: dict[str, Any]) -> None:
        called.put(message["type"])
        raise RuntimeError("a bug")

    out = daw()
    opened = Input("DAW", fail, every=SOON)
    opened.start()
    until(lambda: opened.port)
    for kind in ("start", "stop"):
        out.send(mido.Message(kind))
        assert called.get(timeout=PATIENCE) == kind
    opened.close()
    out.close()


FOLLOWER = """
import sys, threading
from daemon.midi import Input
def handle(at, message): print("received", message["type"], flush=True)
opened = Input("clock", handle, every=0.05)
opened.start()
threading.Thread(target=lambda: (sys.stdin.read(), done.set())).start()
done, before = threading.Event(), None
while not done.wait(0.02):
    if opened.port != before:
        before = opened.port
        print("port", before, flush=True)
opened.close()
print("closed", flush=True)
"""
SENDER = """
import mido, sys
out = mido.open_output("DAW clock", virtual=True)
print("there", flush=True)
for line in sys.stdin:
    out.send(mido.Message(line.strip()))
"""


def start(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=1,
    )


def read_until(process: subprocess.Popen[str], start: str) -> None:
    assert process.stdout
    assert any(line.startswith(start) for line in process.stdout), f"it ended before {start!r}"


def kill(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(BrokenPipeError):
                if pipe:
                    pipe.close()


def test_the_port_that_shows_whether_jack_is_there_is_nobodys_to_play(clock: Input) -> None:
    out = daw()
    until(lambda: clock.port)  # it is open, and so is that port
    backend = midi.load_backend()
    raw = midi.list_ports(backend)
    assert raw
    assert any(SENTINEL in name for name in raw.inputs)
    seen = midi.PORT_WATCHER.wait_for_ports(PATIENCE)
    assert seen
    for names in (midi.list_inputs(backend), seen.inputs):
        assert names
        assert not any(SENTINEL in name for name in names)
    out.close()


@pytest.mark.long
def test_it_lives_on_when_jack_ends_and_plays_on_when_jack_is_back(jack: Jack) -> None:
    """In processes of their own: rtmidi crashes whoever closes a port of a server that has
    ended.
    """

    follower = start(FOLLOWER)
    senders = []
    try:
        for _ in range(2):
            senders.append(start(SENDER))
            read_until(senders[-1], "there")
            read_until(follower, "port RtMidiOut")
            assert senders[-1].stdin
            senders[-1].stdin.write("start\n")
            read_until(follower, "received start")
            jack.kill()
            read_until(follower, "port \n")
            jack.start()
        assert follower.stdin
        follower.stdin.close()
        read_until(follower, "closed")
        assert follower.wait(PATIENCE) == 0
    finally:
        kill(follower, *senders)


PLAYER = """
import sys
from daemon.midi import Ports
class Surface:
    def wants_port(self, name): return "DAW" in name
    def on_message(self, name, at, message): ...
    def on_input_closed(self, name): print("gone", name, flush=True)
    def on_output_opened(self, port): print("opened", port.name, flush=True)
    def on_output_closed(self, port): port.send(bytes([0x90, 36, 0]))
ports = Ports(Surface(), virtual=True, every=0.7)
ports.start()
sys.stdin.read()
ports.close()
print("closed", flush=True)
"""
PADS = """
import mido, sys
ports = [mido.open_input("DAW", virtual=True), mido.open_output("DAW", virtual=True)]
sys.stdin.read()
"""


@pytest.mark.soak
def test_a_jack_that_is_back_before_anybody_looks_is_played_on_and_crashes_nothing(
    jack: Jack,
) -> None:
    """What was open belonged to the server before: to close it would end the process."""
    player = start(PLAYER)
    pads = []
    try:
        for how in (jack.stop, jack.kill):
            read_until(player, "opened acestepd")
            pads.append(start(PADS))
            read_until(player, "opened RtMidiIn")
            how()
            jack.start()
            read_until(player, "gone acestepd")
        read_until(player, "opened acestepd")
        assert player.stdin
        player.stdin.close()
        read_until(player, "closed")
        assert player.wait(PATIENCE) == 0
    finally:
        kill(player, *pads)


@pytest.mark.long
def test_a_daws_clock_sets_the_tempo_and_lets_go_when_it_stops(jack: Jack) -> None:
    changes: Queue[tuple[float, str]] = Queue()
    out = daw()
    tempo = Tempo(midi_clock="my daw")
    tempo.listen(lambda *change: changes.put(change))
    tempo.start()
    try:
        until(lambda: tempo._sources[0]._input.port)  # type: ignore[attr-defined]
        out.send(mido.Message("start"))
        while changes.empty():
            out.send(mido.Message("clock"))
            time.sleep(60 / TICKS_PER_BEAT / 240)
        assert changes.get()[1] == "midi", "how fast, a busy machine cannot promise"
        while (change := changes.get(timeout=PATIENCE))[1] == "midi":
            pass
        assert change == (120, "default")
    finally:
        tempo.close()
        out.close()


def test_a_backend_that_is_not_installed_is_refused_with_the_variable_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MIDO_BACKEND", "no_such_library")
    with pytest.raises(SettingsError, match="install what MIDO_BACKEND names, or unset it"):
        Tempo(midi_clock="DAW")


def test_a_machine_without_midi_is_waited_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDO_BACKEND", "daemon.midi.rtmidi_backend/UNIX_JACK")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "acestepd-nobody")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    assert midi.list_ports(midi.load_backend()) is None
    opened = Input("DAW", lambda at, message: None, every=SOON)
    opened.start()
    assert opened.port == ""
    opened.close()


def test_a_port_is_known_by_a_part_of_its_name_whatever_the_case() -> None:
    names = ["Midi Through 14:0", "IAC Driver Bus 1", "Launchpad X 20:1"]
    assert find_port("iac", names) == "IAC Driver Bus 1"
    assert find_port("launchpad", names) == "Launchpad X 20:1"
    assert find_port("Push", names) == ""
