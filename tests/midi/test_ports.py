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
from daemon.settings import SettingsError
from daemon.tempo import Tempo
from daemon.tempo.midi_clock import TICKS_PER_BEAT
from tests.support.jack import Jack
from tests.support.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
SOON = 0.05  # seconds between two looks, so that tests need not wait

Heard = tuple[float, dict[str, Any]]


@pytest.fixture
def heard() -> Queue[Heard]:
    return Queue()


@pytest.fixture
def clock(jack: Jack, heard: Queue[Heard]) -> Iterator[Input]:
    """An input that looks for a DAW's clock."""
    opened = Input("daw CLOCK", lambda at, message: heard.put((at, message)), every=SOON)
    opened.start()
    yield opened
    opened.close()


def daw(name: str = "My DAW clock") -> Any:
    return midi.load_backend().open_output(name, virtual=True)


def test_a_port_is_opened_when_it_appears_and_heard_with_the_time(
    clock: Input, heard: Queue[Heard]
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
    (first, tick), (second, note) = heard.get(timeout=PATIENCE), heard.get(timeout=PATIENCE)
    assert before <= first <= second <= time.monotonic()
    assert tick["type"] == "clock"
    assert note == {"type": "note_on", "channel": 2, "note": 60, "velocity": 100, "time": 0}
    other.close()
    out.close()


def test_a_port_that_is_unplugged_is_opened_again_when_it_is_back(
    clock: Input, heard: Queue[Heard]
) -> None:
    for _ in range(3):
        out = daw()
        until(lambda: clock.port)
        out.send(mido.Message("start"))
        assert heard.get(timeout=PATIENCE)[1]["type"] == "start"
        out.close()
        until(lambda: not clock.port)


def test_a_silent_port_is_opened_anew_and_goes_on_being_heard(
    jack: Jack, heard: Queue[Heard]
) -> None:
    """It may have been away and back between two looks, and then it would be silent for ever."""
    out = daw()
    opened = Input("DAW", lambda at, message: heard.put((at, message)), every=SOON, max_silence=0.5)
    opened.start()
    until(lambda: opened.port)
    before = opened._port
    until(lambda: opened._port not in (before, None))
    while heard.empty():  # what is sent in the very moment between the two is lost
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
opened = Input("clock", lambda at, message: print("heard", message["type"], flush=True), every=0.05)
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
SENDER = "import mido, sys; out = mido.open_output('DAW clock', virtual=True); print('there', flush=True);"
SENDER += "[out.send(mido.Message(line.strip())) for line in sys.stdin]"


def started(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=1,
    )


def said(process: subprocess.Popen[str], what: str) -> None:
    assert process.stdout
    assert any(line.startswith(what) for line in process.stdout), f"it ended before it said {what}"


def put_away(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(BrokenPipeError):
                if pipe:
                    pipe.close()


def test_it_lives_on_when_jack_ends_and_plays_on_when_jack_is_back(jack: Jack) -> None:
    """In processes of their own: rtmidi crashes whoever closes a port of a server that has
    ended.
    """

    follower = started(FOLLOWER)
    senders = []
    try:
        for _ in range(2):
            senders.append(started(SENDER))
            said(senders[-1], "there")
            said(follower, "port RtMidiOut")
            assert senders[-1].stdin
            senders[-1].stdin.write("start\n")
            said(follower, "heard start")
            jack.kill()
            said(follower, "port \n")
            jack.start()
        assert follower.stdin
        follower.stdin.close()
        said(follower, "closed")
        assert follower.wait(PATIENCE) == 0
    finally:
        put_away(follower, *senders)


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
PADS = "import mido, sys; ports = [open('DAW', virtual=True) for open in (mido.open_input, mido.open_output)];"
PADS += "sys.stdin.read()"


@pytest.mark.long
def test_a_jack_that_is_back_before_anybody_looks_is_played_on_and_crashes_nothing(
    jack: Jack,
) -> None:
    """What was open belonged to the server before: to close it would end the process."""
    player = started(PLAYER)
    pads = []
    try:
        for how in (jack.stop, jack.kill):
            said(player, "opened acestepd")
            pads.append(started(PADS))
            said(player, "opened RtMidiIn")
            how()
            jack.start()
            said(player, "gone acestepd")
        said(player, "opened acestepd")
        assert player.stdin
        player.stdin.close()
        said(player, "closed")
        assert player.wait(PATIENCE) == 0
    finally:
        put_away(player, *pads)


def test_a_daws_clock_sets_the_tempo_and_lets_go_when_it_stops(jack: Jack) -> None:
    said: Queue[tuple[float, str]] = Queue()
    out = daw()
    followed = Tempo(midi_clock="my daw")
    followed.listen(lambda *change: said.put(change))
    followed.start()
    try:
        until(lambda: followed._sources[0]._input.port)  # type: ignore[attr-defined]
        out.send(mido.Message("start"))
        while said.empty():
            out.send(mido.Message("clock"))
            time.sleep(60 / TICKS_PER_BEAT / 240)
        assert said.get()[1] == "midi", "how fast, a busy machine cannot promise"
        while (change := said.get(timeout=PATIENCE))[1] == "midi":
            pass
        assert change == (120, "default")
    finally:
        followed.close()
        out.close()


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDO_BACKEND", "no_such_library")
    with pytest.raises(SettingsError, match=r"acestepd\[midi\]"):
        Tempo(midi_clock="DAW")


def test_a_machine_without_midi_is_waited_on(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rtmidi", reason="needs python-rtmidi (the extra 'midi')")
    monkeypatch.setenv("MIDO_BACKEND", "mido.backends.rtmidi/UNIX_JACK")
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
