"""`acestepd demo`: a real daemon on a free port, a real OSC client, and what they say to each
other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from pipeline.voices import VOICES

from ..engine.process import module_path
from ..osc.wire import Message, Value
from ..service import VOICE, Daemon, check_cluster_installed
from ..settings import ClusterSettings, Settings, SettingsError
from .client import OscClient
from .waveform import draw_waveform

TIMEOUT = 300.0  # seconds without a word from the daemon
LOOP = (
    "prompt",
    "warm lo-fi beat with mellow keys",
    "key",
    "A minor",
    "bars",
    2,
    "bpm",
    84,
    "seed",
    7,
)
SONG = (
    "prompt",
    "bright pop with piano, female vocals",
    "lyrics",
    "[Chorus]\nWe are alive tonight\nHold me closer in the rain",
    "key",
    "C major",
    "bars",
    4,
    "bpm",
    100,
    "seed",
    8,
)
REQUESTS: dict[str, tuple[str | int, ...]] = {"loop": LOOP, "song": SONG}


class DemoClient(OscClient):
    """A client that shows what is said."""

    def send(self, address: str, *values: Value) -> None:
        print(f"  -> {address} {' '.join(map(_format_argument, values))}", flush=True)
        super().send(address, *values)

    def receive(self, timeout: float) -> Message | None:
        message = super().receive(timeout)
        if message:
            arguments = " ".join(map(_format_argument, message.arguments))
            print(f"  <- {message.address} {arguments}", flush=True)
        return message


def _format_argument(argument: object) -> str:
    if isinstance(argument, float):
        return f"{argument:.2f}"
    return str(argument).replace("\n", " / ")


@contextmanager
def _running_workers(daemon: Daemon, state: Path, count: int) -> Iterator[None]:
    """So many of the daemon's cluster, as processes of their own."""
    if not daemon.cluster:
        yield
        return
    if not daemon.cluster.has_scheduler.wait(TIMEOUT):
        raise SettingsError("the cluster's scheduler did not start: see acestepd doctor")
    command = [sys.executable, "-P", "-m", "daemon", "worker", daemon.cluster.address]
    command += ["--model", VOICE, "--state", str(state)]
    environment = os.environ | {"PYTHONPATH": module_path()}
    workers = [subprocess.Popen(command, env=environment) for _ in range(count)]
    try:
        yield
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()


def _choose_settings(out: Path, state: Path, workers: int) -> Settings:
    settings = Settings(port=0, page=-1, out=out, model=VOICE, state=state)
    if not workers:
        return settings
    cluster = ClusterSettings(scheduler="auto", listen="tcp://127.0.0.1:0", local=False)
    return replace(settings, cluster=cluster)


def demo(out: Path, workers: int = 0) -> int:
    """Run it into the folder `out`, on so many workers of a cluster if there are any. Returns the
    exit status.
    """
    if workers:
        check_cluster_installed()
    print(f"The embedded voice '{VOICE}' plays. {VOICES[VOICE]}")
    print("Loading; the first time on a machine this takes half a minute.\n")
    with ExitStack() as opened:
        state = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        daemon = opened.enter_context(Daemon(_choose_settings(out, state, workers)))
        client = opened.enter_context(DemoClient(daemon.osc.address))
        opened.enter_context(_running_workers(daemon, state, workers))
        wavs = _play(client)
    if wavs is None:
        print(f"The daemon said nothing for {TIMEOUT:g} seconds. Please run: acestepd doctor")
        return 1
    if len(wavs) < len(REQUESTS):
        print("\nNot every clip was made; the /ace/fail line above says why.", end=" ")
        print("Please run: acestepd doctor")
        return 1
    picture = wavs[0].with_suffix(".png")
    draw_waveform(wavs[0], picture)
    print("\nFinished clips, the first one's waveform, and when the words are sung:", end="\n  ")
    print(*wavs, picture, *wavs[0].parent.glob("*.lrc"), sep="\n  ")
    return 0


def _play(client: DemoClient) -> list[Path] | None:
    """Send every request and wait for each to end. The paths of the clips; None where the daemon
    fell silent.
    """
    client.send("/ace/ping", "hello")
    for id, parameters in REQUESTS.items():
        client.send("/ace/generate", id, *parameters)
    waiting = set(REQUESTS)
    wavs = []
    while waiting:
        message = client.receive(TIMEOUT)
        if message is None:
            return None
        if message.address == "/ace/clip":
            wavs.append(Path(str(message.arguments[2])))
        if message.address in ("/ace/finished", "/ace/fail", "/ace/cancelled"):
            waiting.discard(str(message.arguments[0]))
    return wavs
