"""The seam between the engine and whatever makes takes for it: a process on this machine, or a
machine in a cluster. Both speak the messages of `messages.py`.
"""

from __future__ import annotations

from typing import Protocol

from ..messages import WorkerMessage
from .model_state import ModelChoice
from .run import LOCAL as LOCAL
from .run import Loss, Run


class RenderWorker(Protocol):
    """A warm model that is given runs. The dispatcher, which calls it under the engine's lock only,
    knows nothing else of it: nothing here waits for a process, a socket or a file.
    """

    @property
    def name(self) -> str:
        """What people call it: `LOCAL`, or the machine's name in the cluster. No two have one."""

    @property
    def running(self) -> list[Run]:
        """A stack: it works on the last one, which has interrupted the one before. The list stays
        the same one, and only the dispatcher changes it; the worker may look, under the lock. A run
        is in it from just before `render` until its end was told, or the worker's exit.
        """

    @property
    def is_ready(self) -> bool:
        """Whether it may be given a run now: its model is loaded and the one that is chosen, it is
        not rested, and it is not about to leave. It may have a run already, which the next one
        interrupts. Where this becomes true by itself, `WorkSource.dispatch` is called.
        """

    def render(self, run: Run) -> None:
        """Make this run now, on top of what it makes: `Render(run.ticket, run.job.resolved)`. It is
        answered by exactly one of `RenderFinished`, `RenderFailed` and `RenderCancelled`, or by
        `on_worker_exit`.
        """

    def cancel(self, run: Run) -> None:
        """Stop it between two steps: `CancelRender(run.ticket)`. `RenderCancelled` answers that, or
        its end where that came first.
        """


class WorkSource(Protocol):
    """Who has the jobs, seen from a worker: what it tells, on a thread of its own. Everything but
    `dispatch` is called under the engine's lock.
    """

    @property
    def has_waiting(self) -> bool:
        """Whether there is something to render, and nobody is free for it."""

    @property
    def choice(self) -> ModelChoice:
        """The model that is to play, with its adapters: `is_ready` of a worker with another one is
        false. What is chosen may change at any time; nobody is told.
        """

    def add_worker(self, worker: RenderWorker) -> None:
        """From now on it is given runs, whenever it is ready; it has said `ModelLoaded` by then, or
        says it afterwards. Those that came first go first where nothing else speaks for one.
        """

    def remove_worker(self, worker: RenderWorker) -> None:
        """It is not given any more. Its runs are made by others, and that is nobody's fault;
        nothing is told of it: see `on_worker_exit`, which may be called before.
        """

    def on_message(self, worker: RenderWorker, message: WorkerMessage) -> None:
        """What a worker says. `ModelLoaded`: its model is loaded, and the one that is chosen; it
        comes before the first run, and again whenever a worker is ready that was not. A message
        about a ticket that this worker does not have, or not any more, is dropped: so a take is
        taken once, whoever answers late or twice. A take is told by `RenderDescribed`, then what
        it has of `MixLatents` and `RenderClip`, then `RenderFinished`; it is written as it comes.
        `dispatch` is called afterwards, without the lock.
        """

    def show_status(self) -> None:
        """A worker has become ready, or is not any more, and nothing else says so: publish how all
        of it stands, where that has changed.
        """

    def dispatch(self) -> None:
        """There may be something to render: after every message, and after an exit where others may
        go on. Not under the lock; it may look at folders.
        """

    def on_worker_exit(
        self, worker: RenderWorker, reason: str, gives_up: bool = False, loss: Loss = Loss.ENDED
    ) -> None:
        """A worker has lost what it had: its runs go back to the front of the queue, for any
        worker, and their clients are told, with `reason`: of the local worker half a sentence, and
        all listeners are told; of another one a sentence that names it. It is not ready while this
        is called, and still known. `gives_up`: it has ended again and again while it loaded the
        model, and is not started again by itself. A job is given up whose fault the `loss` may have
        been twice.
        """

    def on_tick(self) -> None:
        """Every now and then, for what has no event of its own: the local worker's thread does
        that, also where no local worker is wanted.
        """
