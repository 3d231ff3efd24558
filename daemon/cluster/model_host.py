"""A warm model on a machine of the cluster: the process that has it, as the local engine keeps it,
and the runs that daemons have given to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from pipeline.request import Request

from ..engine.fair_lock import FairLock
from ..engine.model_state import ModelChoice, ModelState
from ..engine.process import WorkerHandle, WorkerProcess
from ..engine.render_worker import RenderWorker
from ..engine.run import NOBODY, Loss, Run
from ..engine.supervisor import Supervisor
from ..jobs import Job
from ..messages import (
    MixLatents,
    ModelLoaded,
    ModelLoadFailed,
    RenderCancelled,
    RenderClip,
    RenderDescribed,
    RenderFailed,
    RenderFinished,
    WorkerMessage,
)
from ..settings import Settings

LOADING = "loading"
WARM = "warm"
ERROR = "error"


class Lost(NamedTuple):
    """What comes of a run in place of messages, and why. `has_ended`: the process that made it."""

    reason: str
    has_ended: bool


Outcome = list[WorkerMessage] | Lost


class Standing(NamedTuple):
    """How the model stands: loading, warm or error, and why it is in the latter. `loaded` is what
    its process said of it when it was warm last.
    """

    state: str
    error: str = ""
    loaded: ModelLoaded | None = None


@dataclass(eq=False)
class _Rendering:
    """`tell` hears what comes on the way, `end` how it ended, once."""

    run: Run
    tell: Callable[[WorkerMessage], None]
    end: Callable[[Outcome], None]
    pieces: list[WorkerMessage] = field(default_factory=list)


class ModelHost:
    """`WorkSource` of a supervisor, whose work comes from elsewhere. `on_change` is called when it
    stands otherwise. All callbacks come from the supervisor's thread, and must be quick.
    """

    def __init__(
        self,
        settings: Settings,
        choice: ModelChoice,
        on_change: Callable[[Standing], None],
        start_worker: Callable[[], WorkerHandle] = WorkerProcess,
    ) -> None:
        settings = replace(settings, idle_unload=0.0)  # it is here to be warm
        self.choice = choice
        self.standing = Standing(LOADING)
        self._on_change = on_change
        self._lock = FairLock()
        self._model = ModelState(choice, lambda: None)
        self._renderings: dict[int, _Rendering] = {}  # by ticket, here
        self._supervisor = Supervisor(self._lock, settings, self._model, self, start_worker)

    def start(self) -> None:
        self._supervisor.start()

    def close(self) -> None:
        self._supervisor.close()
        with self._lock:
            self._lose("the worker is closed", has_ended=False)

    def render(
        self,
        request: Request,
        tell: Callable[[WorkerMessage], None],
        end: Callable[[Outcome], None],
    ) -> Run:
        """Make this now; what is being made goes on afterwards. The tickets of the messages are
        the run's.
        """
        job = Job("cluster", "", request, request, Path())
        run = Run(job, NOBODY)  # its daemon's, elsewhere
        with self._lock:
            if not self._supervisor.is_ready:
                end(Lost("its model is not loaded", has_ended=False))
                return run
            self._renderings[run.ticket] = _Rendering(run, tell, end)
            self._supervisor.running.append(run)
            self._supervisor.render(run)
        return run

    def cancel(self, run: Run) -> None:
        """Stop it between two steps, where it has not ended."""
        with self._lock:
            if run.ticket in self._renderings:
                self._supervisor.cancel(run)

    # --- what the supervisor asks and tells -------------------------------------------------------

    @property
    def has_waiting(self) -> bool:
        return False

    def add_worker(self, worker: RenderWorker) -> None: ...

    def remove_worker(self, worker: RenderWorker) -> None: ...

    def dispatch(self) -> None: ...

    def on_tick(self) -> None: ...

    def show_status(self) -> None: ...

    def on_message(self, worker: RenderWorker, message: WorkerMessage) -> None:
        match message:
            case ModelLoaded():
                self._model.on_loaded(message, lambda title: 0.0)
                self._stand(Standing(WARM, loaded=message))
            case ModelLoadFailed():
                self._fail_to_load(message.message)
            case _:
                self._on_render_message(message)

    def on_worker_exit(
        self, worker: RenderWorker, reason: str, gives_up: bool = False, loss: Loss = Loss.ENDED
    ) -> None:
        self._lose(f"its process has ended ({reason})", has_ended=True)
        if gives_up:
            self._fail_to_load(f"its process ends while it loads the model ({reason})")
        else:
            self._stand(Standing(LOADING))

    def _on_render_message(self, message: WorkerMessage) -> None:
        rendering = self._renderings.get(getattr(message, "ticket", 0))
        if rendering is None:
            return
        match message:
            case RenderDescribed():
                pass  # the end says it, too, and comes with the clips
            case RenderClip() | MixLatents():
                rendering.pieces.append(message)
            case RenderFinished() | RenderFailed() | RenderCancelled():
                del self._renderings[rendering.run.ticket]
                self._supervisor.running.remove(rendering.run)
                rendering.end([*rendering.pieces, message])
            case _:
                rendering.tell(message)

    def _fail_to_load(self, message: str) -> None:
        self._model.on_load_failed(message)
        self._stand(Standing(ERROR, message))

    def _lose(self, reason: str, has_ended: bool) -> None:
        lost = list(self._renderings.values())
        self._renderings.clear()
        self._supervisor.running.clear()
        for rendering in lost:
            rendering.end(Lost(reason, has_ended))

    def _stand(self, standing: Standing) -> None:
        self.standing = standing
        self._on_change(standing)
