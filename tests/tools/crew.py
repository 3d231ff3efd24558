"""How many jobs a second the daemon hands out, lands and journals: `python -m tests.tools.crew
[WORKERS] [SECONDS] [JOBS] [CLIP] [SLOW]`, with workers in this process that need so many SECONDS
for a take, and nothing else, whose CLIP is so many seconds long. One of them is SLOW times as slow.
Meanwhile somebody plays. Queue, files and journal are real. Nothing is asserted.

Behind the figures: where the threads were, also those that waited. TMPDIR=/dev/shm leaves out the
disk.
"""

from __future__ import annotations

import heapq
import itertools
import os
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import numpy as np

from daemon.engine import Engine, ModelChoice
from daemon.engine.run import Run
from daemon.jobs import Event, Order, Priority
from daemon.journal import Journal
from daemon.messages import (
    ModelLoaded,
    RenderClip,
    RenderDescribed,
    RenderFinished,
    RenderProgress,
    WorkerMessage,
)
from daemon.settings import Settings
from pipeline.request import Request
from pipeline.take import TakeInfo
from tests.support.harness import SteppedModel

STEPS = 4  # messages about progress for each take
SAMPLE_SECONDS = 0.02  # between two looks at what the threads do
BATCH = "batch"  # the client
LIVE_SECONDS = 0.25  # between two orders of a player
PLACES = 30  # where they were most often


class Clock:
    """Calls at a time, on one thread: as a cluster's messages come."""

    def __init__(self) -> None:
        self._calls: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="workers", daemon=True)
        self._thread.start()

    def call_in(self, seconds: float, call: Callable[[], None]) -> None:
        with self._changed:
            entry = (time.monotonic() + seconds, next(self._numbers), call)
            heapq.heappush(self._calls, entry)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._calls or self._calls[0][0] > time.monotonic():
                    due = self._calls[0][0] - time.monotonic() if self._calls else None
                    self._changed.wait(due)
                _, _, call = heapq.heappop(self._calls)
            call()


class FakeWorker:
    """A `RenderWorker` whose takes are there after `seconds`."""

    def __init__(self, engine: Engine, name: str, seconds: float, clock: Clock) -> None:
        self.name = name
        self.running: list[Run] = []
        self.is_ready = True
        self._engine = engine
        self._work = engine.work_source
        self._seconds = seconds
        self._clock = clock

    def join(self) -> None:
        loaded = ModelLoaded("fake", (), SteppedModel().capabilities, 0.0, 0.0)
        with self._engine.lock:
            self._work.add_worker(self)
            self._work.on_message(self, loaded)

    def render(self, run: Run) -> None:
        for step in range(STEPS):
            fraction = step / STEPS
            message = RenderProgress(run.ticket, fraction, "diffusion")
            self._clock.call_in(fraction * self._seconds, partial(self._say, message))
        self._clock.call_in(self._seconds, partial(self._finish, run))

    def cancel(self, run: Run) -> None: ...

    def _say(self, *messages: WorkerMessage) -> None:
        for message in messages:
            with self._engine.lock:
                self._work.on_message(self, message)
        self._work.dispatch()

    def _finish(self, run: Run) -> None:
        request = run.job.resolved
        audio = np.full((2, request.samples), 0.25, np.float32)
        info = TakeInfo(request, "fake", timings={"diffusion": self._seconds})
        self._say(
            RenderDescribed(run.ticket, info, request.samples),
            RenderClip(run.ticket, "mix", audio),
            RenderFinished(run.ticket, info, 0.0),
        )


class Landings:
    """Counts the jobs of the batch that have ended: `done` is set when so many have."""

    def __init__(self, engine: Engine, jobs: int) -> None:
        self.done = threading.Event()
        self._left = jobs
        engine.subscribe(self._listen)

    def _listen(self, event: Event) -> None:
        if event.kind == "finished" and event.job and event.job.client == BATCH:
            self._left -= 1
            if not self._left:
                self.done.set()


class Player:
    """Orders a live take every now and then, on a thread of its own, until `done`. `queued` and
    `finished` are the seconds that each answer took.
    """

    def __init__(self, engine: Engine, done: threading.Event) -> None:
        self.queued: list[float] = []
        self.finished: list[float] = []
        self._engine = engine
        self._done = done
        self._ordered: dict[str, float] = {}
        engine.subscribe(self._listen)
        threading.Thread(target=self._play, name="player", daemon=True).start()

    def _play(self) -> None:
        number = 0
        while not self._done.wait(LIVE_SECONDS):
            number += 1
            request = Request(prompt="live", seconds=1, seed=number)
            self._ordered[f"live {number}"] = time.monotonic()
            order = Order("player", f"live {number}", request, priority=Priority.LIVE)
            self._engine.begin_submit(order, self._refuse)

    def _refuse(self, error: Exception) -> None:
        print(error, file=sys.stderr)

    def _listen(self, event: Event) -> None:
        if event.job and event.job.client == "player" and event.kind in ("queued", "finished"):
            seconds = time.monotonic() - self._ordered[event.job.id]
            (self.queued if event.kind == "queued" else self.finished).append(seconds)


def sample_threads(done: threading.Event) -> Counter[str]:
    """How often each thread was where, by its name and the innermost code of the daemon."""
    seen: Counter[str] = Counter()
    me = threading.get_ident()
    while not done.wait(SAMPLE_SECONDS):
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():
            if ident != me:
                name = names.get(ident, "").rpartition("_")[0] or names.get(ident, "")
                seen[f"{name:16} {describe_place(frame)}"] += 1
    return seen


def describe_place(frame: FrameType) -> str:
    innermost = frame.f_code
    ours: FrameType | None = frame
    while ours and "/daemon/" not in ours.f_code.co_filename:
        ours = ours.f_back
    codes = (ours.f_code, innermost) if ours else (innermost,)
    return " > ".join(f"{Path(code.co_filename).stem}.{code.co_name}" for code in codes)


def main(
    workers: int = 32,
    seconds: float = 0.1,
    jobs: int = 1000,
    clip: float = 1.0,
    slow: float = 1.0,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        out.mkdir()
        settings = Settings(
            out=out, state=Path(folder) / "state", queue=10_000, queue_per_client=10_000
        )
        journal = Journal(settings.state / "journal.sqlite")
        engine = Engine(settings, ModelChoice("fake", ""), journal, None)
        engine.start()
        landings = Landings(engine, jobs)
        clock = Clock()
        needed = [slow * seconds, *[seconds] * (workers - 1)]
        crew = [FakeWorker(engine, f"worker {n}", each, clock) for n, each in enumerate(needed)]
        order = Order(
            BATCH,
            "many",
            Request(prompt="x", seconds=clip, seed=1),
            count=jobs,
            priority=Priority.BATCH,
        )
        came = time.monotonic()
        engine.submit(order)
        began = time.monotonic()
        used = time.process_time()
        for worker in crew:
            worker.join()
        engine.work_source.dispatch()
        player = Player(engine, landings.done)
        seen = sample_threads(landings.done)
        took = time.monotonic() - began
        used = time.process_time() - used
        most = sum(1 / each for each in needed)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        slowest = f", one of them in {needed[0]:g} s" if slow > 1 else ""
        print(f"{jobs} takes of {clip:g} s, by {workers} workers in {seconds:g} s each{slowest}")
        print(f"accepted: {jobs / (began - came):.0f} a second")
        print(
            f"made, landed and journaled in {took:.1f} s: {jobs / took:.1f} of {most:.1f} a second"
        )
        print(
            f"processor: {used / took:.2f} of {os.cpu_count()}, {1000 * used / jobs:.1f} ms a job"
        )
        print(f"memory at most: {memory:.0f} MB")
        for answer, times in (("queued", player.queued), ("finished", player.finished)):
            if times:
                middle, longest = 1000 * statistics.median(times), 1000 * max(times)
                print(f"a live order to its {answer}: {middle:.0f} ms, at most {longest:.0f}")
        for place, count in seen.most_common(PLACES):
            print(f"  {count * SAMPLE_SECONDS / took:5.2f} of the time: {place}")
        engine.close()
        journal.close()


if __name__ == "__main__":
    main(*(kind(text) for kind, text in zip((int, float, int, float, float), sys.argv[1:])))
