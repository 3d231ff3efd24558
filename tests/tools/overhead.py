"""What a take costs beside its model: `python -m tests.tools.overhead [RUNS] [SECONDS] [BIN ...]`.

From the datagram that orders a take of so many seconds (30,240) to its `/ace/finished`, without
what the manifest counts for the stages of the model. The daemon is a process of its own, with the
embedded voice. Each BIN is the folder with another environment's `acestepd`: they take turns with
this one. Nothing is asserted. Run it on an otherwise idle machine and quote the medians.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

from tests.support.osc_client import OscClient
from tests.tools.loads import run_daemon

PROMPT = "upbeat electronic dance music, 120 bpm, A minor"


class MeasuredTake(NamedTuple):
    seconds: float  # from the datagram to `/ace/finished`
    stages: dict[str, float]  # seconds

    @property
    def beside(self) -> float:
        return self.seconds - sum(self.stages.values())


def make_take(client: OscClient, length: float, seed: int) -> MeasuredTake:
    id = f"{length:g} {seed}"
    started = time.perf_counter()
    client.send("/ace/generate", id, "prompt", PROMPT, "seconds", length, "seed", seed)
    address, arguments = client.until_end(id)[-1]
    seconds = time.perf_counter() - started
    if address != "/ace/finished":
        raise SystemExit(f"{address} {arguments}")
    manifest = json.loads(Path(arguments[-1]).read_text())
    return MeasuredTake(seconds, manifest["seconds_spent"])


def main(runs: int, lengths: list[float], programs: list[Path | None]) -> None:
    with ExitStack() as opened:
        clients = {}
        for program in programs:
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
            server = opened.enter_context(run_daemon(folder, program))
            clients[program] = opened.enter_context(closing(OscClient(server)))
            clients[program]._socket.settimeout(None)  # a long take may say nothing for long
        for length in lengths:
            takes = defaultdict(list)
            for seed in range(runs + 1):
                for program, client in clients.items():
                    takes[program].append(make_take(client, length, seed))
            for program in programs:
                report(program, length, takes[program][1:])  # the first one warms up


def report(program: Path | None, length: float, takes: list[MeasuredTake]) -> None:
    whole = statistics.median(take.seconds for take in takes)
    beside = sorted(1e3 * take.beside for take in takes)
    stages = ", ".join(
        f"{name} {statistics.median(take.stages[name] for take in takes):.3f}"
        for name in takes[0].stages
    )
    print(
        f"{program or 'here'}: {length:g} s of audio in {whole:.2f} s, beside the model "
        f"{beside[0]:.0f} {statistics.median(beside):.0f} {beside[-1]:.0f} ms "
        f"(min, median, max of {len(takes)}): {stages}",
        flush=True,
    )


if __name__ == "__main__":
    print(f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 5,
        [float(text) for text in (sys.argv[2] if len(sys.argv) > 2 else "30,240").split(",")],
        [None, *map(Path, sys.argv[3:])],
    )
