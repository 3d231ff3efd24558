"""How fast it answers: `python -m tests.bench [RUNS]`, with the embedded voice, over real UDP. Nothing is asserted.

Timings belong here and not in tests. Run it on an otherwise idle machine and quote the medians.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from daemon.service import Daemon
from daemon.settings import Settings
from tests.osc_client import OscClient

LONG = 60  # seconds of the clip that keeps the engine busy


def main(runs: int) -> None:
    with (
        tempfile.TemporaryDirectory() as out,
        Daemon(Settings(port=0, out=Path(out), state=Path(out) / "state", model="mini")) as daemon,
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


def measured(runs: int, once: Callable[[int], tuple[float, float]]) -> tuple[list[float], list[float]]:
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
    print(f"{what:40} {low:8.2f} {middle:8.2f} {high:8.2f} {unit}  (min, median, max of {len(seconds)})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
