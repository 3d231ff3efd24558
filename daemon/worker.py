"""The process that owns the model and nothing else: it hears orders on a pipe, renders, and sends what it made.

It touches no file and no socket, so it may be killed at any time. Every message is JSON; the samples of a take follow
theirs as raw float32. `Engine` is at the other end.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.request import Progress, Request, Take

from .jobs import failure, machine

if TYPE_CHECKING:
    from pipeline.generate import AceStep

log = logging.getLogger("acestepd.worker")

PROGRESS_SECONDS = 0.05  # between two messages about a job's progress
ORPHAN_SECONDS = 2.0  # how often a process looks whether its daemon is still there

Load = Callable[[dict[str, Any]], "AceStep"]


def load(wanted: dict[str, Any]) -> AceStep:
    """The model of a load message."""
    from pipeline.generate import limits, load

    model = load(wanted["model"], wanted["variant"], revision=wanted["revision"])
    limits(wanted["cache_gb"], wanted["memory_gb"], wanted["wired_gb"])
    return model


class Worker:
    """Renders one job at a time; a more urgent one is put on top of it, and it goes on afterwards."""

    def __init__(self, connection: Connection, load: Load) -> None:
        self._connection, self._load = connection, load
        self._stack: list[Rendering] = []
        self._closing = False

    def run(self) -> None:
        """Until the other end closes."""
        try:
            self._serve()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            pass  # the daemon has gone, or does not need us any more
        finally:
            self._stack.clear()
            self._connection.close()
            from pipeline.ops import leave_thread

            leave_thread()

    def _serve(self) -> None:
        wanted = json.loads(self._connection.recv_bytes())
        try:
            model = self._load(wanted)
            pace = warm_up(model)
        except Exception as error:  # whatever a checkpoint can do wrong
            if not isinstance(error, ValueError):
                log.exception("the model could not be loaded")
            self._say("unloadable", message=f"the model could not be loaded: {error}")
            return
        self._say("loaded", title=model.name, defaults=model.defaults._asdict(), pace=pace)
        while not self._closing:
            while not self._stack or self._connection.poll():
                self._obey(model, json.loads(self._connection.recv_bytes()))
            self._advance()

    def _obey(self, model: AceStep, order: dict[str, Any]) -> None:
        if order["do"] == "render":
            self._stack.append(Rendering(model, order["job"], order["request"]))
        elif order["do"] == "cancel":
            for rendering in [one for one in self._stack if one.job == order["job"]]:
                self._stack.remove(rendering)
                rendering.close()
                self._say("cancelled", job=rendering.job)

    def _advance(self) -> None:
        """One step of the job on top."""
        rendering = self._stack[-1]
        try:
            event = next(rendering.events)
            if isinstance(event, Take):
                rendering.takes.append(event)
            elif time.monotonic() - rendering.told >= PROGRESS_SECONDS:
                rendering.told = time.monotonic()
                self._say("progress", job=rendering.job, fraction=event.fraction, stage=event.stage)
        except StopIteration:
            self._stack.pop()
            self._deliver(rendering)
        except Exception as error:
            self._stack.pop()
            code, message, hint = failure(error)
            if isinstance(error, OSError):
                code, message, hint = 422, f"a file could not be read: {error}", "check the request's files"
            if not isinstance(error, OSError | ValueError):
                log.exception("job %s failed", rendering.job)
            self._say("failed", job=rendering.job, code=code, message=message, hint=hint)

    def _deliver(self, rendering: Rendering) -> None:
        for take in rendering.takes:
            audio = np.ascontiguousarray(take.audio, np.float32)
            self._say("sound", job=rendering.job, name=take.name, channels=audio.shape[0])
            self._connection.send_bytes(audio.tobytes())
        take = rendering.takes[0]
        about: dict[str, Any] = {"request": asdict(take.request), "model": take.model}
        about |= {"timings": take.timings, "memory": take.memory}
        about |= {"timesteps": take.timesteps, "notes": take.notes, "machine": machine()}
        about["planned"] = dict(take.planned)
        self._say("made", job=rendering.job, **about)

    def _say(self, what: str, **about: Any) -> None:
        self._connection.send_bytes(json.dumps({"say": what, **about}).encode())


class Rendering:
    """A job in the making."""

    def __init__(self, model: AceStep, job: int, values: dict[str, Any]) -> None:
        self.job, self.told = job, 0.0
        self.takes: list[Take] = []
        self.events = self._events(model, values)

    def _events(self, model: AceStep, values: dict[str, Any]) -> Generator[Progress | Take, None, None]:
        yield from model.render(Request(**values))

    def close(self) -> None:
        self.events.close()


def warm_up(model: AceStep) -> float:
    """Short takes, thrown away: kernels are compiled, and the pace of this machine (seconds per cost) is known."""
    request = Request(prompt="warm up", seconds=1, seed=0, num_steps=2)
    seconds = 0.0
    for _ in range(2):  # the first one compiles
        started = time.monotonic()
        model.audition(request)
        seconds = time.monotonic() - started
    return seconds / model.cost(request)


def _leave_with_parent(parent: int) -> None:
    """A daemon that was killed says nothing: its worker would go on loading, or downloading, for nobody."""
    while os.getppid() == parent:
        time.sleep(ORPHAN_SECONDS)
    os._exit(1)


def main() -> None:
    handle, parent = map(int, sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # meant for the daemon, which ends us in its own time
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    threading.Thread(target=_leave_with_parent, args=(parent,), daemon=True).start()
    Worker(Connection(handle), load).run()


if __name__ == "__main__":
    main()
