"""Other people's programs: JACK's own sequencer, monitor and clock, and mido in another process
play a real daemon.
"""

from __future__ import annotations

import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from daemon.pads import profiles
from daemon.pads.interface import Light, PadState
from daemon.service import Daemon
from daemon.settings import Midi, Settings
from pipeline.request import Request
from tests.support.jack import Jack
from tests.support.osc_client import OscClient
from tests.support.waiting import PATIENCE, until

OURS = "acestepd:acestepd"  # where hits go
MIDO = """
import mido, sys
out = mido.open_output(next(name for name in mido.get_output_names() if "acestepd" in name))
print("there", flush=True)
for line in sys.stdin:
    out.send(mido.Message.from_str(line))
"""


# They wait for other programs, and for a machine that may be busy: not for every commit.
pytestmark = [pytest.mark.soak, pytest.mark.timeout(300)]


class Orchestra:
    """Programs that run until the end of the test."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def plays(self, *command: str) -> subprocess.Popen[str]:
        if not shutil.which(command[0]):
            pytest.skip(f"needs {command[0]} (jackd2 or jack-example-tools, jack-midi-clock)")
        pipes: dict[str, Any] = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.DEVNULL,
        }
        process = subprocess.Popen(command, text=True, bufsize=1, **pipes)
        self._stack.callback(_ended, process)
        return process

    def close(self) -> None:
        self._stack.close()


def _ended(process: subprocess.Popen[str]) -> None:
    """As by Ctrl+C: for a client that is killed JACK waits ten seconds, and with it whoever asks
    for ports.
    """
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


@pytest.fixture
def orchestra(jack: Jack) -> Iterator[Orchestra]:
    with closing(Orchestra()) as playing:
        yield playing


@pytest.fixture
def daemon(jack: Jack, quick_voice: str, tmp_path: Path) -> Iterator[Daemon]:
    pads = Midi(
        ports=("virtual",),
        hold_ms=0,
        knobs={"cc 21": "bars 1 128", "cc14 3": "guidance_scale 1 17"},
    )
    panel = Request(num_steps=2, bars=1)
    clock = "jack_midi_clock"
    with Daemon(
        Settings(
            port=0,
            page=-1,
            out=tmp_path / "out",
            state=tmp_path / "state",
            model=quick_voice,
            midi=pads,
            midi_clock=clock,
            request=panel,
            prepare_mb=0.0,
        )
    ) as running:
        yield running


def next_line(process: subprocess.Popen[str]) -> str:
    """The next line, if there is one before long."""
    assert process.stdout
    assert select.select([process.stdout], [], [], PATIENCE)[0], "it says nothing"
    return process.stdout.readline()


def connect(out_of: str, into: str) -> None:
    """Once both are there."""
    until(
        lambda: (
            not subprocess.run(
                ["jack_connect", out_of, into], capture_output=True, check=False, timeout=PATIENCE
            ).returncode
        )
    )


def our_output() -> str:
    """Empty while it is not there, or nobody can say."""
    listed = subprocess.run(
        ["jack_lsp", "-p"], capture_output=True, text=True, check=False, timeout=PATIENCE
    ).stdout
    pairs = zip(*[iter(listed.splitlines())] * 2)
    return next(
        (name for name, about in pairs if name.startswith("acestepd") and "output" in about), ""
    )


def lights(dump: Path) -> list[tuple[int, int]]:
    """Note and velocity of everything that jack_midi_dump has seen."""
    found = re.findall(r"\b90 ([0-9a-f]{2}) ([0-9a-f]{2})\b", dump.read_text(), re.IGNORECASE)
    return [(int(note, 16), int(velocity, 16)) for note, velocity in found]


def state_of(velocity: int) -> str:
    looks = profiles.load_profile("generic").looks
    known = {look["velocity"]: name for name, states in looks.items() for look in states}
    return {"pulse": "rendering"}.get(known[velocity], known[velocity])


def is_part(part: list[str], whole: list[str]) -> bool:
    """Whether it is the whole, with some left out."""
    rest = iter(whole)
    return all(any(word == other for other in rest) for word in part)


def test_jacks_sequencer_hits_pads_while_a_bank_renders_and_the_lights_are_the_states(
    daemon: Daemon, orchestra: Orchestra, tmp_path: Path
) -> None:
    until(our_output)
    dump = tmp_path / "dump.txt"
    orchestra.plays("sh", "-c", f"exec stdbuf -oL jack_midi_dump Monitor > {dump}")
    connect(our_output(), "Monitor:input")
    with (
        closing(OscClient(daemon.osc.address)) as client,
        closing(OscClient(daemon.osc.address)) as listener,
    ):
        client.ask("/ace/bank/fill", "dusty lo-fi", 1, 4)
        # it hears them all, over and over
        until(lambda: len({note for note, _ in lights(dump)}) == 16)
        listener.ask("/ace/notify", 1, 0, "pad")
        # pads 1 and 2, twice a second and for longer than it takes to make them
        orchestra.plays(
            "jack_midiseq", "Sequencer", "24000", "0", "36", "4000", "12000", "37", "4000"
        )
        connect("Sequencer:out", OURS)
        mido = orchestra.plays(sys.executable, "-c", MIDO)
        assert mido.stdin
        assert next_line(mido) == "there\n"
        until(
            lambda: hit_third_pad(mido, daemon, "note_on note=38 velocity=90", "note_off note=38")
        )
        until(
            lambda: [light.state for light in daemon.pads.list_lights()[:3]] == [PadState.READY] * 3
        )
        client.ask("/ace/pad/favourite", 1, 1)
        profile = profiles.load_profile("generic")
        expected = {
            36 + index: profile.encode_light(36 + index, 0, light, False)[2]
            for index, light in grid(daemon)
        }
        until(lambda: dict(lights(dump)) == expected)
        client.send("/ace/sync", 1)
        client.until("/ace/synced")
        states = [values for address, values in receive_all(listener) if address == "/ace/pad"]
    assert [light.state for _, light in grid(daemon)[:4]] == [
        PadState.FAVOURITE,
        PadState.READY,
        PadState.READY,
        PadState.EMPTY,
    ]
    for pad in (1, 2, 3):
        announced = [
            state for state, _ in groupby(values[1] for values in states if values[0] == pad)
        ]
        lit = [
            state
            for state, _ in groupby(
                state_of(velocity) for note, velocity in lights(dump) if note == 35 + pad
            )
        ]
        assert is_part(lit, announced), (lit, announced)
        assert lit[-1] == announced[-1]
    assert len({job.id for job in daemon.engine.journal.search()}) == 3, "many hits, one take each"


def grid(daemon: Daemon) -> list[tuple[int, Light]]:
    return list(enumerate(daemon.pads.list_lights()))


def hit_third_pad(mido: subprocess.Popen[str], daemon: Daemon, *messages: str) -> bool:
    """A dummy JACK on a busy machine drops a message now and then."""
    assert mido.stdin
    if daemon.pads.list_lights()[2].state is PadState.EMPTY:
        mido.stdin.write("".join(f"{message}\n" for message in messages))
    return daemon.pads.list_lights()[2].state is not PadState.EMPTY


def receive_all(client: OscClient) -> list[tuple[str, list[Any]]]:
    client.send("/ace/sync", 2)
    return client.until("/ace/synced")


def test_faders_of_another_process_turn_the_panel_while_something_renders(
    daemon: Daemon, orchestra: Orchestra
) -> None:
    with closing(OscClient(daemon.osc.address)) as client:
        client.send("/ace/generate", "long", "prompt", "long", "bars", 32, "num_steps", 100)
        client.until("/ace/progress", "long")
        until(our_output)
        mido = orchestra.plays(sys.executable, "-c", MIDO)
        assert mido.stdin
        assert next_line(mido) == "there\n"
        line = mido.stdin.write

        def turned(control: int, values: range, field: str, expected: float) -> bool:
            for value in values:
                line(f"control_change control={control} value={value}\n")
            return bool(getattr(daemon.panel.request, field) == expected)

        until(lambda: turned(21, range(101), "bars", 101))

        def fine() -> bool:
            for high, low in ((0, 0), (64, 0)):
                line(
                    f"control_change control=3 value={high}\n"
                    f"control_change control=35 value={low}\n"
                )
            return daemon.panel.request.guidance_scale == pytest.approx(
                1 + 16 * 64 * 128 / 16383, abs=1e-3
            )

        daemon.panel.set("guidance_scale", 4)
        until(fine)
        client.send("/ace/cancel", "long")
        client.until("/ace/cancelled", "long")


def test_jacks_clock_is_the_tempo_while_its_transport_rolls(
    daemon: Daemon, orchestra: Orchestra
) -> None:
    orchestra.plays("jack_midi_clock", "-b", "150")
    until(lambda: daemon.tempo._sources[0]._input.port)  # type: ignore[attr-defined]
    transport = orchestra.plays("jack_transport")
    assert transport.stdin
    transport.stdin.write("play\n")
    until(lambda: daemon.tempo.current[1] == "midi")
    until(lambda: daemon.tempo.current[0] == pytest.approx(150, abs=6))
    until(lambda: daemon.tempo.find_next_beat(4.0) > 0)  # it says where the bar is
    transport.stdin.write("stop\n")
    until(lambda: daemon.tempo.current == (120.0, "default"))
    assert daemon.tempo.find_next_beat(4.0) == 0.0
