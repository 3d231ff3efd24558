"""How many milliseconds `/ace/clip` of a ready pad is away from the bar line:
`python -m tests.tools.barline [link] [clock] [hits]`.

A whole daemon with the embedded voice on one side; on the other a process that plays in the same
session, hits a pad, and notes where its own bars were when the clip was announced. Not a test: it
measures this machine and its load too.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from daemon import midi
from daemon.service import Daemon
from daemon.settings import Settings
from pipeline.request import Request
from tests.support.jack import Jack
from tests.support.osc_client import OscClient
from tests.support.waiting import until

BPM = {"link": 97.0, "clock": 150.0}
BEATS = 4.0  # of a bar
PERIOD = 1024  # frames of JACK, 21 ms: MIDI comes once in each


# --- the musician's process -----------------------------------------------------------------------


def play_with_link(port: int, hits: int) -> list[float]:
    """Beats between each clip and the nearest bar line of a Link peer."""
    import aalink

    async def create_peer() -> Any:
        return aalink.Link(BPM["link"])

    loop = asyncio.new_event_loop()
    peer = loop.run_until_complete(create_peer())
    peer.quantum = BEATS
    peer.enabled = True
    print_line("there")
    sys.stdin.readline()
    beats = [peer.beat for _ in hit_pad(port, hits)]
    peer.enabled = False
    loop.close()
    return [measure_offset(beat) for beat in beats]


def play_with_clock(port: int, hits: int) -> list[float]:
    """Beats between each clip and the nearest bar line of the clock, as it arrives over there."""
    from daemon.midi import Input

    # when the newest tick came, and the number of the next one
    ticks: list[tuple[float, int]] = [(0.0, 0)]
    clock = Input(
        "jack_midi_clock",
        lambda at, message: ticks.append(count_tick(ticks[-1], at, message)),
        every=0.2,
    )
    clock.start()
    until(lambda: clock.port)
    print_line("there")
    sys.stdin.readline()
    beats = [find_beat(ticks[-1], time.monotonic()) for _ in hit_pad(port, hits)]
    clock.close()
    return [measure_offset(beat) for beat in beats]


def count_tick(before: tuple[float, int], at: float, message: dict[str, Any]) -> tuple[float, int]:
    match message["type"]:
        case "clock":
            return at, before[1] + 1
        case "start":
            return at, 0
        case "songpos":
            return at, message["pos"] * 6
    return before


def find_beat(newest: tuple[float, int], now: float) -> float:
    at, number = newest
    return (number - 1) / 24 + (now - at) * BPM["clock"] / 60


def hit_pad(port: int, hits: int) -> Iterable[None]:
    """One for each hit, at the moment in which its clip is announced."""
    dice = random.Random(5)
    with closing(OscClient(("127.0.0.1", port))) as client:
        for _ in range(hits):
            client.send("/ace/pad/hit", 1)
            client.until("/ace/clip")
            yield
            client.until("/ace/finished")
            time.sleep(dice.uniform(0.2, 2.0))


def measure_offset(beat: float) -> float:
    """Beats behind the nearest bar line."""
    return beat - BEATS * round(beat / BEATS)


def print_line(line: str) -> None:
    print(line, flush=True)


# --- the daemon's ---------------------------------------------------------------------------------


def measure(kind: str, hits: int) -> list[float]:
    """Milliseconds behind the bar line."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source: dict[str, Any] = {"link": True}
        start_transport: Callable[[], object] | None = None
        if kind == "clock":
            source = {"midi_clock": "jack_midi_clock"}
            start_transport = stack.enter_context(jack_clock())
        settings = Settings(
            port=0,
            page=-1,
            out=folder / "out",
            state=folder / "state",
            model="mini",
            quantise="bar",
            request=Request(num_steps=2, bars=1),
            **source,
        )
        daemon = stack.enter_context(Daemon(settings))
        client = stack.enter_context(closing(OscClient(daemon.osc.address)))
        client.ask("/ace/bank/fill", "dusty lo-fi", 1, 1)
        # or the take is another one whenever a dummy JACK stumbles
        client.ask("/ace/pad/set", 1, "bpm", BPM[kind])
        musician = stack.enter_context(start_musician(kind, daemon.osc.address[1], hits))
        stack.callback(musician.kill)
        assert musician.stdout
        assert musician.stdin
        assert musician.stdout.readline() == "there\n"
        if start_transport:
            start_transport()
        until(lambda: daemon.tempo.find_next_beat(BEATS) > 0)
        # a dummy JACK plays as fast as it can
        until(lambda: abs(daemon.tempo.current[0] - BPM[kind]) < 6)
        client.send("/ace/pad/hit", 1)
        client.until("/ace/finished")
        time.sleep(1.0)
        musician.stdin.write("go\n")
        musician.stdin.flush()
        return [beats * 60_000 / BPM[kind] for beats in json.loads(musician.stdout.readline())]


def start_musician(kind: str, port: int, hits: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.tools.barline", "musician", kind, str(port), str(hits)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def jack_clock() -> Iterator[Callable[[], object]]:
    """A JACK server and its MIDI clock. Gives what starts its transport."""
    jack = Jack(PERIOD)
    os.environ |= jack.environment
    clocks: list[subprocess.Popen[bytes]] = []

    def has_clock() -> bool:
        """On a busy machine the clock does not always find the server at once."""
        if not clocks or clocks[-1].poll() is not None:
            command = ["jack_midi_clock", "-B", "-b", str(BPM["clock"])]
            clocks.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        present = midi.list_ports(midi.load_backend())
        return present is not None and any("jack_midi_clock" in name for name in present.inputs)

    try:
        jack.start()
        until(has_clock)
        yield lambda: subprocess.run(
            ["jack_transport"], input="play\nquit\n", text=True, capture_output=True
        )
    finally:
        for clock in clocks:
            clock.send_signal(signal.SIGINT)
            clock.wait()
        jack.close()


def summarize(kind: str, offsets: list[float]) -> str:
    worst = max(offsets, key=abs)
    return (
        f"{kind}: {len(offsets)} hits, median {statistics.median(offsets):+.2f} ms, "
        f"worst {worst:+.2f} ms"
    )


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["musician"]:
        play = play_with_link if arguments[1] == "link" else play_with_clock
        print_line(json.dumps(play(int(arguments[2]), int(arguments[3]))))
        return
    hits = next((int(text) for text in arguments if text.isdigit()), 20)
    for kind in [kind for kind in BPM if kind in arguments] or list(BPM):
        print(summarize(kind, measure(kind, hits)))


if __name__ == "__main__":
    main(sys.argv[1:])
