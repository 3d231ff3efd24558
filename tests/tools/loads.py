"""How long a player's ping takes while others send a lot, and a take renders: `python -m
tests.tools.loads [SECONDS] [BIN] [LOADS]`. The daemon is a process of its own, and so is the
sender. Nothing is asserted.

BIN is the folder with another environment's `acestepd`, to compare it with; LOADS are names of
loads with commas between them.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.junk import make_bent_commands
from tests.support.osc_client import OscClient, encode_message

PING_INTERVAL = 0.02  # seconds
LOST_AFTER = 1.0  # seconds that an answer may take

Messages = Iterator[bytes]


class Pings(NamedTuple):
    seconds: list[float]  # that each answer took
    lost: int


# --- what is sent ---------------------------------------------------------------------------------


def make_get() -> Messages:
    while True:
        yield encode_message("/ace/get/bars")


def make_set() -> Messages:
    number = 0
    while True:
        number += 1
        yield encode_message("/ace/set/bars", 4 + number % 2)


def make_generate() -> Messages:
    number = 0
    while True:
        number += 1
        yield encode_message("/ace/generate", f"g{number}", "prompt", f"warm {number}")


LOADS: dict[str, tuple[Callable[[], Messages], int]] = {  # and how many a second
    "get": (make_get, 4000),
    "set": (make_set, 2000),
    "generate": (make_generate, 400),
    "fuzz 500": (make_bent_commands, 500),
    "fuzz": (make_bent_commands, 3000),
    "fuzz 25000": (make_bent_commands, 25_000),
}


def send(load: str, server: tuple[str, int], seconds: float, started: Event) -> None:
    """As many a second as the load says, from one port. What comes back is read by nobody."""
    make, rate = LOADS[load]
    messages = make()
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
        started.set()
        began = time.perf_counter()
        sent = 0
        while (elapsed := time.perf_counter() - began) < seconds:
            while sent < elapsed * rate:
                sender.sendto(next(messages), server)
                sent += 1
            time.sleep(0.001)
    print(f"  ({load}: {sent / seconds:.0f} a second)", file=sys.stderr)


# --- what is measured -----------------------------------------------------------------------------


def ping(server: tuple[str, int], seconds: float) -> Pings:
    taken: list[float] = []
    lost = 0
    ends = time.perf_counter() + seconds
    with closing(OscClient(server)) as client:
        client._socket.settimeout(LOST_AFTER)
        while time.perf_counter() < ends:
            try:
                taken.append(ping_once(client, f"p{len(taken) + lost}"))
            except TimeoutError:
                lost += 1
            time.sleep(PING_INTERVAL)
    return Pings(taken, lost)


def ping_once(client: OscClient, token: str) -> float:
    started = time.perf_counter()
    client.send("/ace/ping", token)
    client.until("/ace/pong", token)
    return time.perf_counter() - started


def ping_beside(load: str, server: tuple[str, int], seconds: float) -> Pings:
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    sender = context.Process(target=send, args=(load, server, seconds + 1, started))
    sender.start()
    started.wait()
    pings = ping(server, seconds)
    sender.join()
    return pings


def ping_behind(what: Callable[[], None], server: tuple[str, int], runs: int) -> Pings:
    """How long a ping of another program takes right behind a message."""
    taken = []
    with closing(OscClient(server)) as client:
        for number in range(runs):
            what()
            taken.append(ping_once(client, f"p{number}"))
            time.sleep(0.1)
    return Pings(taken, 0)


@contextmanager
def busy_daemon(folder: Path, program: Path | None) -> Iterator[tuple[str, int]]:
    """A daemon that renders a long take."""
    with run_daemon(folder, program) as server, closing(OscClient(server)) as client:
        for id, seconds in (("w0", 4), ("long", 600)):
            client.send("/ace/generate", id, "prompt", "warm", "seconds", seconds)
            client.until("/ace/finished" if id == "w0" else "/ace/progress", id)
        yield server


@contextmanager
def run_daemon(folder: Path, program: Path | None) -> Iterator[tuple[str, int]]:
    """A daemon that answers, in a process of its own, of this environment or the program's folder;
    whatever is sent to it is within its rate.
    """
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        server: tuple[str, int] = probe.getsockname()
    settings = folder / "settings.toml"
    settings.write_text(
        f'port = {server[1]}\nout = "{folder}/out"\nstate = "{folder}/state"\nrate = 100000\n'
        'model = "mini"\nqueue = 1000\nqueue_per_client = 1000\n'
    )
    command = [str(program / "acestepd")] if program else [sys.executable, "-m", "daemon"]
    cache = os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")  # of compiled kernels
    with (folder / "terminal").open("w") as terminal:
        process = subprocess.Popen(
            [*command, "--settings", str(settings)],
            stdout=terminal,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": str(folder), "XDG_CACHE_HOME": str(cache)},
        )
    try:
        with closing(OscClient(server)) as client:
            wait_for_answer(client)
        yield server
    finally:
        process.terminate()
        process.wait(60)


def wait_for_answer(client: OscClient) -> None:
    client._socket.settimeout(0.2)
    while True:
        try:
            client.send("/ace/ping", "there")
            client.until("/ace/pong", "there")
        except (TimeoutError, ConnectionRefusedError):
            continue
        client._socket.settimeout(120)
        return


def report(what: str, pings: Pings) -> None:
    middle = 1e3 * statistics.median(pings.seconds or [float("nan")])
    ordered = sorted(pings.seconds) or [float("nan")]
    late = 1e3 * ordered[int(0.99 * len(ordered))]
    total = len(pings.seconds) + pings.lost
    print(f"{what:40} p50 {middle:8.2f} p99 {late:8.2f} ms, {pings.lost} of {total} lost")


def main(seconds: float = 10, program: Path | None = None, loads: str = "") -> None:
    """All loads, or those with the names in `loads`, and what is measured one by one ("single")."""
    for load, (_, rate) in LOADS.items():
        if not loads or load in loads.split(","):
            with (
                tempfile.TemporaryDirectory() as folder,
                busy_daemon(Path(folder), program) as server,
            ):
                pings = ping_beside(load, server, seconds)
            report(f"a ping beside {load.split()[0]}, {rate} a second", pings)
    if loads and "single" not in loads.split(","):
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        busy_daemon(Path(folder), program) as server,
        closing(OscClient(server)) as other,
    ):
        report("a ping, nothing besides", ping(server, seconds))
        messages: list[tuple[Any, ...]] = [
            ("/ace/favourite", 1.0),
            ("/ace/history", 20),
            ("/ace/get/*",),
        ]
        for message in messages:
            pings = ping_behind(partial(other.send, *message), server, 50)
            report(f"a ping behind {' '.join(map(str, message))}", pings)

        def panic() -> None:
            for number in range(300):
                other.send("/ace/generate", f"{time.perf_counter_ns()}.{number}", "prompt", "p")
            other.send("/ace/sync", 1)
            other.until("/ace/synced")
            time.sleep(0.5)
            other.send("/ace/panic")

        report("a ping behind panic of 300 jobs", ping_behind(panic, server, 10))


if __name__ == "__main__":
    print(f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    main(
        float(sys.argv[1]) if len(sys.argv) > 1 else 10,
        Path(sys.argv[2]) if len(sys.argv) > 2 else None,
        sys.argv[3] if len(sys.argv) > 3 else "",
    )
