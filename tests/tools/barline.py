"""How far from the bar line `/ace/clip` of a ready pad is told: `python -m tests.tools.barline [link]
[clock] [hits]`.

A whole daemon with the embedded voice on one side; on the other a process that plays in the same
session, hits a pad, and notes where its own bars were when it heard of the clip. Not a test: it
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
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
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
BEATS = 4.0
PERIOD = 1024  # frames of JACK, 21 ms: MIDI comes once in each


# --- the musician's process -----------------------------------------------------------------------


def linked(port: int, hits: int) -> list[float]:
    """Beats between each clip and the nearest bar line of a Link peer."""
    import aalink

    async def made() -> Any:
        return aalink.Link(BPM["link"])

    loop = asyncio.new_event_loop()
    peer = loop.run_until_complete(made())
    peer.quantum = BEATS
    peer.enabled = True
    said("there")
    sys.stdin.readline()
    heard = [peer.beat for _ in clips(port, hits)]
    peer.enabled = False
    loop.close()
    return [off(beat) for beat in heard]


def clocked(port: int, hits: int) -> list[float]:
    """Beats between each clip and the nearest bar line of the clock, as it is heard over there."""
    from daemon.midi import Input

    # the newest tick: when it came, and the next one's number
    song: list[tuple[float, int]] = [(0.0, 0)]
    playing = Input(
        "jack_midi_clock",
        lambda at, message: song.append(counted(song[-1], at, message)),
        every=0.2,
    )
    playing.start()
    until(lambda: playing.port)
    said("there")
    sys.stdin.readline()
    heard = [where(song[-1], time.monotonic()) for _ in clips(port, hits)]
    playing.close()
    return [off(beat) for beat in heard]


def counted(before: tuple[float, int], at: float, message: dict[str, Any]) -> tuple[float, int]:
    match message["type"]:
        case "clock":
            return at, before[1] + 1
        case "start":
            return at, 0
        case "songpos":
            return at, message["pos"] * 6
    return before


def where(newest: tuple[float, int], now: float) -> float:
    at, number = newest
    return (number - 1) / 24 + (now - at) * BPM["clock"] / 60


def clips(port: int, hits: int) -> Iterable[None]:
    """One for each hit, at the moment in which its clip is heard of."""
    dice = random.Random(5)
    with closing(OscClient(("127.0.0.1", port))) as client:
        for _ in range(hits):
            client.send("/ace/pad/hit", 1)
            client.until("/ace/clip")
            yield
            client.until("/ace/finished")
            time.sleep(dice.uniform(0.2, 2.0))


def off(beat: float) -> float:
    return beat - BEATS * round(beat / BEATS)


def said(line: str) -> None:
    print(line, flush=True)


# --- the daemon's ---------------------------------------------------------------------------------


def measured(kind: str, hits: int) -> list[float]:
    """Milliseconds behind the bar line."""
    with ExitStack() as open_things:
        folder = Path(open_things.enter_context(tempfile.TemporaryDirectory()))
        rolling: Callable[[], object] = (
            open_things.enter_context(rolled()) if kind == "clock" else lambda: None
        )
        follow: dict[str, Any] = (
            {"link": True} if kind == "link" else {"midi_clock": "jack_midi_clock"}
        )
        settings = Settings(
            port=0, out=folder / "out", state=folder / "state", model="mini", quantise="bar",
            request=Request(num_steps=2, bars=1), **follow,
        )  # fmt: skip
        daemon = open_things.enter_context(Daemon(settings))
        client = open_things.enter_context(closing(OscClient(daemon.osc.address)))
        client.ask("/ace/bank/fill", "dusty lo-fi", 1, 1)
        # or the take is another one whenever a dummy JACK stumbles
        client.ask("/ace/pad/set", 1, "bpm", BPM[kind])
        arguments = [
            sys.executable,
            "-m",
            "tests.tools.barline",
            "musician",
            kind,
            str(daemon.osc.address[1]),
            str(hits),
        ]
        musician = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        open_things.enter_context(musician)
        open_things.callback(musician.kill)
        assert musician.stdout
        assert musician.stdin
        assert musician.stdout.readline() == "there\n"
        rolling()
        until(lambda: daemon.tempo.find_next_beat(BEATS) > 0)
        # a dummy JACK plays as fast as it can
        until(lambda: abs(daemon.tempo.current[0] - BPM[kind]) < 6)
        client.send("/ace/pad/hit", 1)
        client.until("/ace/finished")
        time.sleep(1.0)
        musician.stdin.write("go\n")
        musician.stdin.flush()
        return [beats * 60_000 / BPM[kind] for beats in json.loads(musician.stdout.readline())]


class rolled:  # noqa: N801
    """A JACK server whose transport rolls when it is told to, and its clock."""

    def __enter__(self) -> Callable[[], object]:
        self._jack = Jack(PERIOD)
        os.environ |= self._jack.environment
        self._jack.start()
        self._clock: subprocess.Popen[bytes] | None = None
        until(self._ticks)
        return lambda: subprocess.run(
            ["jack_transport"], input="play\nquit\n", text=True, capture_output=True
        )

    def _ticks(self) -> bool:
        """On a busy machine it does not always find the server at once."""
        if self._clock is None or self._clock.poll() is not None:
            command = ["jack_midi_clock", "-B", "-b", str(BPM["clock"])]
            self._clock = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        present = midi.list_ports(midi.load_backend())
        return present is not None and any("jack_midi_clock" in name for name in present.inputs)

    def __exit__(self, *_: object) -> None:
        if self._clock:
            self._clock.send_signal(signal.SIGINT)
            self._clock.wait()
        self._jack.close()


def told(kind: str, late: list[float]) -> str:
    worst = max(late, key=abs)
    return (
        f"{kind}: {len(late)} hits, median {statistics.median(late):+.2f} ms, worst {worst:+.2f} ms"
    )


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["musician"]:
        play = linked if arguments[1] == "link" else clocked
        said(json.dumps(play(int(arguments[2]), int(arguments[3]))))
        return
    hits = next((int(text) for text in arguments if text.isdigit()), 20)
    for kind in [kind for kind in BPM if kind in arguments] or list(BPM):
        print(told(kind, measured(kind, hits)))


if __name__ == "__main__":
    main(sys.argv[1:])
