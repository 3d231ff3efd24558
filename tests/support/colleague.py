"""A worker beside the local one, as a machine of a cluster is one: it says what the test says."""

from __future__ import annotations

import numpy as np

from daemon.engine import Engine
from daemon.engine.run import Loss, Run
from daemon.messages import (
    ModelLoaded,
    RenderCancelled,
    RenderClip,
    RenderDescribed,
    RenderFailed,
    RenderFinished,
    RenderProgress,
    WorkerMessage,
)
from pipeline.take import TakeInfo
from tests.support.harness import SteppedModel
from tests.support.waiting import until


class Colleague:
    """A `RenderWorker`. `given` and `cancelled` have every run that it was told of, in order. Its
    takes need `seconds_per_cost`, as far as anybody is told; 0: it does not know.
    """

    def __init__(self, engine: Engine, name: str, seconds_per_cost: float = 1.0) -> None:
        self.name = name
        self.running: list[Run] = []
        self.is_ready = False
        self.given: list[Run] = []
        self.cancelled: list[Run] = []
        self._engine = engine
        self._work = engine.work_source
        self.seconds_per_cost = seconds_per_cost

    def render(self, run: Run) -> None:
        self.given.append(run)

    def cancel(self, run: Run) -> None:
        self.cancelled.append(run)

    @property
    def ids(self) -> list[str]:
        """Of the jobs that it was given."""
        return [run.job.id for run in self.given]

    def wait_for(self, id: str) -> Run:
        """The newest run of a job, when it has been given that."""
        until(lambda: id in self.ids)
        return next(run for run in reversed(self.given) if run.job.id == id)

    # --- what it tells ----------------------------------------------------------------------------

    def join(self) -> None:
        """It is there, and its model is loaded."""
        with self._engine.lock:
            self._work.add_worker(self)
        self.recover()

    def recover(self) -> None:
        """It is ready again."""
        self.is_ready = True
        self.say(ModelLoaded("tape", (), SteppedModel().capabilities, self.seconds_per_cost, 0.0))

    def leave(self) -> None:
        with self._engine.lock:
            self.is_ready = False
            self._work.remove_worker(self)
        self._work.dispatch()

    def exit(self, reason: str, loss: Loss = Loss.ENDED) -> None:
        """It has lost what it had, and may be told to `recover`."""
        with self._engine.lock:
            self.is_ready = False
            self._work.on_worker_exit(self, reason, loss=loss)
        self._work.dispatch()

    def say(self, message: WorkerMessage) -> None:
        with self._engine.lock:
            self._work.on_message(self, message)
        self._work.dispatch()

    def progress(self, run: Run, fraction: float) -> None:
        self.say(RenderProgress(run.ticket, fraction, "diffusion"))

    def bring_half(self, run: Run) -> None:
        """The take is made, and half of it has come."""
        request = run.job.resolved
        self.say(RenderDescribed(run.ticket, TakeInfo(request, "tape"), request.samples))
        half = np.full((2, request.samples // 2), 0.25, np.float32)
        self.say(RenderClip(run.ticket, "mix", half))

    def bring_rest(self, run: Run) -> None:
        request = run.job.resolved
        info = TakeInfo(request, "tape")
        rest = np.full((2, request.samples - request.samples // 2), 0.25, np.float32)
        self.say(RenderClip(run.ticket, "mix", rest))
        with self._engine.lock:  # it has taken as long as its takes do
            run.pause()
            run._elapsed = run.job.cost * self.seconds_per_cost
            self._work.on_message(self, RenderFinished(run.ticket, info, 0.0))
        self._work.dispatch()

    def finish(self, run: Run) -> None:
        self.bring_half(run)
        self.bring_rest(run)

    def fail(self, run: Run, code: int, message: str) -> None:
        self.say(RenderFailed(run.ticket, code, message, ""))

    def stop(self, run: Run) -> None:
        self.say(RenderCancelled(run.ticket))


def meet(engine: Engine, name: str, speed: float = 1.0) -> Colleague:
    """Another worker joins."""
    colleague = Colleague(engine, name, speed)
    colleague.join()
    return colleague
