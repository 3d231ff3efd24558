"""The process that owns the model and nothing else: it hears orders on a pipe, renders, and sends
what it made.

It touches no file and no socket, so it may be killed at any time. Every message is JSON; the
samples of a take follow theirs as raw float32. `Engine` is at the other end.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.latent_store import LatentStore
from pipeline.request import PREVIEW, UNDERSTAND, Request
from pipeline.take import Progress, Take, TakeInfo, machine

from .jobs import failure

if TYPE_CHECKING:
    from pipeline.generate import AceStep
    from pipeline.planner.planner import Description

log = logging.getLogger("acestepd.worker")

PROGRESS_SECONDS = 0.05  # between two messages about a job's progress
ORPHAN_SECONDS = 2.0  # how often a process looks whether its daemon is still there

SIGN_SECONDS = 2.0  # between two signs of life while a model is fetched

Load = Callable[[dict[str, Any], Callable[[], None]], "AceStep"]


def load(wanted: dict[str, Any], fetching: Callable[[], None]) -> AceStep:
    """The model of a load message. `fetching` is called now and then while its files are
    downloaded.
    """
    from pipeline.generate import limits, load
    from pipeline.weights import checkpoint

    with _every(SIGN_SECONDS, fetching):
        checkpoint.fetch(wanted["model"], wanted["variant"], wanted["revision"])
    known = {name: wanted[name] for name in ("variant", "revision", "bits", "adapters", "planner")}
    model = load(wanted["model"], **known)
    limits(wanted["cache_gb"], wanted["memory_gb"], wanted["wired_gb"])
    model.cache.limit_mb = wanted["conditions_mb"]
    if wanted["latents_mb"]:
        model.store = LatentStore(Path(wanted["latents"]), wanted["latents_mb"])
    return model


@contextmanager
def _every(seconds: float, call: Callable[[], None]) -> Iterator[None]:
    """Call it every so often, from another thread, until the block ends."""
    done = threading.Event()

    def keep_calling() -> None:
        with suppress(OSError):  # nobody listens any more: the block will notice
            while not done.wait(seconds):
                call()

    thread = threading.Thread(target=keep_calling, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class Worker:
    """Renders one job at a time; a more urgent one is put on top of it, and it goes on
    afterwards.
    """

    def __init__(self, connection: Connection, load: Load) -> None:
        self._connection = connection
        self._load = load
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
            from pipeline.device import leave_thread

            leave_thread()

    def _serve(self) -> None:
        wanted = json.loads(self._connection.recv_bytes())
        try:
            model = self._load(wanted, lambda: self._say("fetching"))
            pace = warm_up(model, wanted["plan"] != "off")
        except Exception as error:  # whatever a checkpoint can do wrong
            if not isinstance(error, ValueError):
                log.exception("the model could not be loaded")
            self._say("unloadable", message=f"the model could not be loaded: {error}")
            return
        defaults = model.defaults._asdict()
        about = {"defaults": defaults, "pace": pace, "token": model.token}
        self._say("loaded", title=model.title, adapters=model.adapters, **about)
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

        elif order["do"] == "wear":
            self._wear(model, order["adapters"])

    def _wear(self, model: AceStep, adapters: list[tuple[str, float]]) -> None:
        try:
            model.wear(*adapters)
        except ValueError as error:
            self._say("unfit", message=str(error))
        except Exception as error:
            log.exception("the adapters %s", adapters)
            self._say("unfit", message=f"{type(error).__name__}: {error}")
        else:
            self._say("worn", title=model.title, adapters=model.adapters)

    def _advance(self) -> None:
        """One step of the job on top."""
        rendering = self._stack[-1]
        try:
            event = next(rendering.events)
            if isinstance(event, Take) and event.name.startswith(PREVIEW):
                self._say("preview", job=rendering.job, step=int(event.name.removeprefix(PREVIEW)))
                self._connection.send_bytes(np.ascontiguousarray(event.audio, np.float32).tobytes())
            elif isinstance(event, Take):
                rendering.takes.append(event)
            elif event.planned is not None:
                self._say("planned", job=rendering.job, values=dict(event.planned))
            elif time.monotonic() - rendering.told >= PROGRESS_SECONDS:
                rendering.told = time.monotonic()
                self._say("progress", job=rendering.job, fraction=event.fraction, stage=event.label)
        except StopIteration:
            self._stack.pop()
            self._deliver(rendering)
        except Exception as error:
            self._stack.pop()
            code, message, hint = failure(error)
            if isinstance(error, OSError):
                code = 422
                message = f"a file could not be read: {error}"
                hint = "check the request's files"
            if not isinstance(error, OSError | ValueError):
                log.exception("job %s failed", rendering.job)
            self._say("failed", job=rendering.job, code=code, message=message, hint=hint)

    def _deliver(self, rendering: Rendering) -> None:
        if rendering.described is not None:
            self._deliver_words(rendering, rendering.described)
            return
        for take in rendering.takes:
            audio: Any = np.ascontiguousarray(take.audio, np.float32)
            self._say("sound", job=rendering.job, name=take.name, channels=audio.shape[0])
            self._connection.send_bytes(audio.tobytes())
        take = rendering.takes[0]
        if take.latents is not None and rendering.model.store is not None:
            self._say("latents", job=rendering.job, vae=rendering.model.vae_digest, gain=take.gain)
            self._connection.send_bytes(np.ascontiguousarray(take.latents, np.float32).tobytes())
        self._made(rendering, take.info)

    def _deliver_words(self, rendering: Rendering, described: Description) -> None:
        """What was understood, as a request that plays it."""
        request = Request(seed=rendering.request.seed, name=rendering.request.name).changed(
            described.values
        )
        info = TakeInfo(
            request,
            rendering.model.title,
            codes=request.codes,
            planned=dict(described.values),
            machine=machine(),
            notes=described.notes,
        )
        self._made(rendering, info)

    def _made(self, rendering: Rendering, info: TakeInfo) -> None:
        self._say(
            "made",
            job=rendering.job,
            caches=rendering.model.reused(),
            token=rendering.model.token,
            info=info.to_json(),
        )

    def _say(self, what: str, **about: Any) -> None:
        self._connection.send_bytes(json.dumps({"say": what, **about}).encode())


class Rendering:
    """A job in the making."""

    def __init__(self, model: AceStep, job: int, values: dict[str, Any]) -> None:
        self.job = job
        self.told = 0.0
        self.takes: list[Take] = []
        self.described: Description | None = None  # where it makes words
        self.model = model
        self.request = Request()
        self.events = self._events(values)

    def _events(self, values: dict[str, Any]) -> Generator[Progress | Take, None, None]:
        self.request = Request(**values)
        if self.request.task != UNDERSTAND:
            yield from self.model.render(self.request)
            return
        self.described = yield from self.model.understand(self.request)
        yield Progress("plan", 1.0, planned=self.described.values)

    def close(self) -> None:
        self.events.close()


PAINTED = Request(prompt="warm up", seconds=1, seed=0, num_steps=2, plan="off")
PLANNED = PAINTED.changed(
    {"plan": "auto", "seconds": 3, "bpm": 120, "key": "C major", "time_signature": "4"}
)


def warm_up(model: AceStep, planning: bool = True) -> float:
    """Short takes, thrown away: kernels are compiled, and the pace of this machine (seconds per
    cost) is known.

    A planner that takes are made with, and that the memory has room for beside the model, is warmed
    up too.
    """
    planned = [PLANNED] * 2 if planning and model.plans and model.roomy else []
    seconds = 0.0
    for request in (*planned, PAINTED, PAINTED):  # the first ones compile
        started = time.monotonic()
        model.audition(request)
        seconds = time.monotonic() - started
    return seconds / model.cost(PAINTED)


def _leave_with_parent(parent: int) -> None:
    """A daemon that was killed says nothing: its worker would go on loading, or downloading, for
    nobody.
    """
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
