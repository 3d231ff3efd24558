"""A worker on a thread, and a model that plays silence a step at a time: for tests of what happens
around them. The fixtures `build` and `out` (conftest.py) put an engine around both.
"""

from __future__ import annotations

import dataclasses
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from multiprocessing import Pipe
from typing import Any

import numpy as np

from daemon.engine import Engine
from daemon.jobs import Event, Job, Order, Refused
from daemon.messages import LoadModel
from daemon.worker import Loader, Worker
from pipeline.capabilities import Capabilities
from pipeline.cost import estimate_cost
from pipeline.guide.guide import resolve_guide
from pipeline.request import PREVIEW, BadRequest, Request
from pipeline.request_files import check_files, explain
from pipeline.singer.lines import LineTime
from pipeline.take import PendingClip, Progress, TakeInfo
from pipeline.variants import BASE_TASKS, COMMON_TASKS, Defaults
from pipeline.weights.adapter import (
    Adapter,
    AdapterError,
    AdapterLike,
    format_title,
    parse_adapters,
)

PATIENCE = 60.0
ME = "udp:127.0.0.1:1"
YOU = "udp:127.0.0.1:2"
SHORT = Request(prompt="short", seconds=0.5)

Build = Callable[..., Engine]  # build(model, name="tape", **settings)


def submit(
    engine: Engine, id: str = "", request: Request = SHORT, client: str = ME, **more: Any
) -> Job:
    """Order one take; `more` is what else an order has."""
    return engine.submit(Order(client, id, request, **more))[0]


def reroll(engine: Engine, client: str, id: str, parent: str = "", seed: int = -1) -> Job:
    """Raises what the order is refused with."""
    refused: list[Exception] = []
    engine.begin_reroll(client, id, refused.append, parent, seed)
    taken_in = threading.Event()
    engine.arrivals.put(client, lambda: engine.lanes.put(client, taken_in.set))
    assert taken_in.wait(PATIENCE)
    engine.journal.flush()
    if refused:
        raise refused[0]
    return engine.find(client, id)


def favourite(engine: Engine, client: str, id: str, on: bool = True) -> None:
    """Raises `Refused` where that cannot be written down."""
    refused: list[Refused | None] = []
    engine.begin_favourite(client, id, on, refused.append)
    engine.journal.flush()
    if refused[0]:
        raise refused[0]


def panic(engine: Engine, client: str) -> int:
    """Cancel everything; returns how many jobs that were."""
    count, steps = engine.begin_panic(client)
    deque(steps, maxlen=0)
    return count


def make_request(prompt: str, **more: Any) -> Request:
    """A short one."""
    return Request(prompt=prompt, seconds=0.5, **more)


def stop(engine: Engine) -> None:
    engine.close()
    engine.journal.close()


class ThreadWorker:
    """What `process.WorkerProcess` is, without the process."""

    def __init__(self, load: Loader) -> None:
        self.connection, theirs = Pipe()
        self._thread = threading.Thread(target=self._run, args=(Worker(theirs, load),), daemon=True)
        self._thread.start()

    def _run(self, worker: Worker) -> None:
        with suppress(SystemExit):
            worker.run()

    def stop(self) -> None:
        self.connection.close()
        self._thread.join(1.0)  # one that hangs cannot be killed

    def exit_reason(self) -> str:
        return "its thread ended"


class SteppedModel:
    """A model that makes a step when the test lets it: `step` lets the job on top make one, `run`
    all that ever come.

    A prompt of "bad" is refused, "die" ends the worker, "hang" never takes another step. A model
    called "broken" cannot be loaded, "stuck" never is, and "far away" is fetched, until `hung` is
    set.
    """

    name = "tape"
    token_cost = 0.0
    can_plan = False
    plays_guides = False
    has_room_for_planner = False
    keeps_latents = False
    tasks: tuple[str, ...] = COMMON_TASKS + BASE_TASKS
    defaults = Defaults(num_steps=4, shift=1.0, guidance_scale=1.0, guidance_interval=1.0)

    def __init__(self, running: bool = True) -> None:
        self._steps = threading.Semaphore(0)
        self._free = threading.Event()
        self.hung = threading.Event()
        self.loads = 0
        self.adapters: tuple[Adapter, ...] = ()
        self.played: list[str] = []
        self.filled: dict[str, Any] = {}  # by its planner
        self.lines: tuple[LineTime, ...] = ()  # of the lyrics, sung
        self.obstacle: BadRequest | None = None  # to putting a recording into words
        if running:
            self.run()

    def load(self, message: LoadModel, on_fetching: Callable[[], None]) -> Any:
        self.loads += 1
        if message.model == "stuck":
            self.hung.wait(PATIENCE)
        if message.model == "far away":
            while not self.hung.wait(0.1):
                on_fetching()
        if message.model == "broken":
            raise ValueError("no model is called broken")
        self.name = message.model
        self.set_adapters(*message.adapters)
        return self

    @property
    def title(self) -> str:
        return format_title(self.name, 0, self.adapters)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            self.name,
            self.tasks,
            self.defaults,
            turbo=False,
            plays_guides=self.plays_guides,
            sings=True,
        )

    def set_adapters(self, *adapters: AdapterLike) -> None:
        chosen = parse_adapters(adapters)
        if any("torn" in one.path for one in chosen):
            raise AdapterError("it is torn")
        self.adapters = chosen

    def step(self, count: int = 1) -> None:
        """Let the job on top make so many steps."""
        self._steps.release(count)

    def run(self) -> None:
        """Let all jobs make all their steps, from now on."""
        self._free.set()

    def rehearse(self, request: Request) -> None: ...

    def find_obstacle_to_understanding(self) -> BadRequest | None:
        return self.obstacle

    def count_cached(self) -> dict[str, list[int]]:
        return {"text": [len(self.played) - 1, 1]}

    def estimate_cost(self, request: Request) -> float:
        return estimate_cost(request, self.defaults, token_cost=self.token_cost)

    def render_pending(self, request: Request) -> Generator[Progress | PendingClip, None, None]:
        check_files(request)
        if request.prompt == "bad":
            raise BadRequest("it is bad", "be good")
        self.played.append(request.prompt)
        request = dataclasses.replace(request, num_steps=request.num_steps or 4)
        if self.filled:
            yield Progress("plan", 0.0, planned=self.filled)
        if self.lines:
            yield Progress("guide", 0.0, lines=self.lines)
        for number in range(4):
            yield Progress("diffusion", number / 4)
            if str(number) in request.preview.split():
                early: Any = np.full((2, request.samples), 0.125, np.float32)
                yield PendingClip(f"{PREVIEW}{number}", early, TakeInfo(request, self.name))
            if request.prompt == "die":
                raise SystemExit
            while not self._free.is_set() and not self._steps.acquire(timeout=0.02):
                yield Progress("diffusion", number / 4)
            if request.prompt == "hang":
                self.hung.wait(PATIENCE)
        audio: Any = np.full((2, request.samples), 0.25, np.float32)
        info = TakeInfo(
            request,
            self.name,
            adapters=self.adapters,
            planned=self.filled,
            lines=self.lines,
            notes=explain(request),
        )
        for name in ("mix", *request.stems.split()):
            yield PendingClip(name, audio, info)


class ComposingModel(SteppedModel):
    """One whose takes are composed, as the embedded voice's are: what a request leaves open of key
    and tempo, its seed decides.
    """

    plays_guides = True

    def render_pending(self, request: Request) -> Generator[Progress | PendingClip, None, None]:
        composed, _ = resolve_guide(request, "auto")
        yield from super().render_pending(composed)


class Recorder:
    """Keeps every event, and waits for one."""

    def __init__(self, engine: Any) -> None:
        self.events: list[Event] = []
        self._new: queue.Queue[Event] = queue.Queue()
        engine.subscribe(self._record)

    def _record(self, event: Event) -> None:
        self.events.append(event)
        self._new.put(event)

    def wait(self, kind: str, id: str | None = None, first: object = None) -> Event:
        while True:
            event = self._new.get(timeout=PATIENCE)
            about = id is None or (event.job is not None and event.job.id == id)
            if (
                event.kind == kind
                and about
                and first in (None, event.values[0] if event.values else None)
            ):
                return event

    def kinds_of(self, id: str) -> list[str]:
        """The kinds of a job's events, repeated progress once."""
        kinds = [event.kind for event in self.events if event.job and event.job.id == id]
        return [
            kind for n, kind in enumerate(kinds) if kind != "progress" or kinds[n - 1] != "progress"
        ]

    def ids_with(self, kind: str) -> list[str]:
        """The ids of the jobs that had such an event, in order."""
        return [event.job.id for event in self.events if event.kind == kind and event.job]
