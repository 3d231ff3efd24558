"""How fast it answers: `python -m tests.tools.bench [RUNS]`, with the embedded voice, over real
UDP; and to a player while others send a lot (`tests.tools.loads` alone), or a page is open
(`tests.tools.page_load`). With `--peer`, takes or plans beside another implementation
(`tests.tools.peers`). Nothing is asserted.

Timings belong here and not in tests. Run it on an otherwise idle machine and quote the medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from daemon.pads.interface import PadState
from daemon.service import Daemon
from daemon.settings import Midi, Settings
from tests.support.osc_client import OscClient
from tests.tools import loads, page_load
from tests.tools.peers import bench as peers

LONG = 60  # seconds of the clip that keeps the engine busy


def main(runs: int) -> None:
    with (
        tempfile.TemporaryDirectory() as out,
        Daemon(
            Settings(port=0, page=-1, out=Path(out), state=Path(out) / "state", model="mini")
        ) as daemon,
    ):
        client = OscClient(daemon.osc.address)
        client.send("/ace/generate", "first", "prompt", "first", "seconds", 4)
        client.until_end("first")
        queued, finished = measured(runs, lambda n: one_clip(client, f"idle{n}"))
        report("datagram to queued, idle", queued, 1e3, "ms")
        report("datagram to a finished 4-second clip", finished, 1, "s")
        client.send("/ace/generate", "long", "prompt", "long", "seconds", LONG)
        client.until("/ace/progress", "long")
        busy, ended = measured(runs, lambda n: busy_cancel(client, f"busy{n}"))
        report("datagram to queued, while it renders", busy, 1e3, "ms")
        report("cancel to cancelled, waiting job", ended, 1e3, "ms")
        started = time.perf_counter()
        client.send("/ace/cancel", "long")
        client.until("/ace/cancelled", "long")
        report("cancel to cancelled, running job", [time.perf_counter() - started], 1e3, "ms")
        client.close()
    pads(runs)
    loads.main()
    if Path(page_load.CHROMIUM).exists():
        page_load.main()


def pads(runs: int) -> None:
    """From the hit of a pad whose take was made in advance to its /ace/clip; and how soon a guess
    steps back.
    """
    with (
        tempfile.TemporaryDirectory() as out,
        Daemon(
            Settings(
                port=0,
                page=-1,
                out=Path(out),
                state=Path(out) / "state",
                model="mini",
                midi=Midi(grid="8x8"),
            )
        ) as daemon,
    ):
        client = OscClient(daemon.osc.address)
        client.ask("/ace/set/num_steps", 2)
        client.ask("/ace/set/bpm", 240)
        client.ask("/ace/bank/fill", "warm beat", 1, 64)
        client.ask("/ace/notify", 1, 0, "clip progress")
        for what, hit in (
            ("message", lambda pad: client.send("/ace/pad/hit", pad)),
            ("note", by_note(daemon)),
        ):
            seconds = [until_clip(daemon, client, hit) for _ in range(runs)]
            report(f"{what} to the clip of a prepared pad", seconds, 1e3, "ms")
            client.ask("/ace/bank/reroll")
        report(
            "message to progress, while it guesses",
            [preempted(daemon, client) for _ in range(runs)],
            1e3,
            "ms",
        )
        client.close()


def by_note(daemon: Daemon) -> Callable[[int], None]:
    """As a controller's port would say it: what JACK, ALSA or CoreMIDI take is not counted."""

    def hit(pad: int) -> None:
        for kind, velocity in (("note_on", 100), ("note_off", 0)):
            note = {"type": kind, "note": 35 + pad, "velocity": velocity, "channel": 0}
            daemon.controllers.on_message("bench", time.monotonic(), note)

    return hit


def until_clip(daemon: Daemon, client: OscClient, hit: Callable[[int], None]) -> float:
    time.sleep(0.3)  # nobody hits again before that
    wait_for(lambda: bool(prepared(daemon)))
    pad = prepared(daemon)[0]
    started = time.perf_counter()
    hit(pad)
    client.until("/ace/clip")
    return time.perf_counter() - started


def prepared(daemon: Daemon) -> list[int]:
    """Pads that were never hit, and are ready."""
    ready = [
        number
        for number, light in enumerate(daemon.pads.list_lights())
        if light.state is PadState.READY
    ]
    return [number + 1 for number in ready if not daemon.pads._current.bank.get_pad(number).take]


def preempted(daemon: Daemon, client: OscClient) -> float:
    """A job that nobody has thought of, in the midst of one that nobody has asked for."""
    client.ask("/ace/bank/reroll")
    wait_for(lambda: daemon.pads._speculation._progress > 0)
    id = f"now{time.perf_counter_ns()}"
    started = time.perf_counter()
    client.send("/ace/generate", id, "prompt", id, "seconds", 1)
    client.until("/ace/progress", id)
    seconds = time.perf_counter() - started
    client.until_end(id)
    return seconds


def wait_for(what: Callable[[], bool]) -> None:
    while not what():
        time.sleep(0.01)


def measured(
    runs: int, once: Callable[[int], tuple[float, float]]
) -> tuple[list[float], list[float]]:
    pairs = [once(number) for number in range(runs)]
    return [first for first, _ in pairs], [second for _, second in pairs]


def one_clip(client: OscClient, id: str) -> tuple[float, float]:
    started = time.perf_counter()
    client.send("/ace/generate", id, "prompt", "warm beat", "seconds", 4)
    client.until("/ace/queued", id)
    queued = time.perf_counter() - started
    client.until_end(id)
    return queued, time.perf_counter() - started


def busy_cancel(client: OscClient, id: str) -> tuple[float, float]:
    started = time.perf_counter()
    client.send("/ace/generate", id, "prompt", "warm beat", "seconds", 4)
    client.until("/ace/queued", id)
    queued = time.perf_counter()
    client.send("/ace/cancel", id)
    client.until("/ace/cancelled", id)
    return queued - started, time.perf_counter() - queued


def report(what: str, seconds: list[float], scale: float, unit: str) -> None:
    low, middle, high = (scale * f(seconds) for f in (min, statistics.median, max))
    print(
        f"{what:40} {low:8.2f} {middle:8.2f} {high:8.2f} {unit}"
        f"  (min, median, max of {len(seconds)})"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.tools.bench", description=__doc__)
    parser.add_argument("runs", nargs="?", type=int, default=20, help="of each answer")
    peers.add_options(parser)
    options = parser.parse_args()
    print(
        f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", file=sys.stderr
    )
    if options.peer:
        sys.exit(peers.main(options))
    main(options.runs)
