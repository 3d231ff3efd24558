"""What runs inside a Dask worker: the plugin that keeps a model warm, and the tasks that daemons
send. A task is the name of a function here, with plain data.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from distributed import Worker, WorkerPlugin, get_worker

from pipeline.request import Request

from ..engine.model_state import ModelChoice
from ..engine.process import WorkerHandle, WorkerProcess
from ..engine.run import Run
from ..jobs import describe_failure
from ..messages import PreviewAudio, RenderFailed, RenderProgress, WorkerMessage
from ..runtime.lines import escape_line
from ..settings import Settings
from .model_host import Lost, ModelHost, Outcome, Standing
from .parcels import BadParcel, Parcel, pack
from .sent_files import FileCache
from .shared_folder import remove_later

log = logging.getLogger("acestepd.worker")

NAME = "acestepd"  # of the plugin, of the metric and of what is known of a worker from its start
STATES = "acestepd-workers"  # the topic of events that say that a worker stands otherwise
MOST_PREVIEWS = 8  # that wait to be fetched
GONE = ("cancelled", "released", "forgotten")  # states of a task that nobody waits for
INTERRUPTIONS = 8  # runs that may go on top of one
RESOURCES = {"ace": 1, "ace_interrupt": INTERRUPTIONS}
THREADS = 1 + INTERRUPTIONS  # tasks at once: they wait, and need no thread for it
PROGRESS_SECONDS = 0.25  # between two events about a take's progress: each has three processes work


class ModelPlugin(WorkerPlugin):  # type: ignore[misc]
    """Keeps the model of these settings warm as long as its Dask worker lives. `shared`: results
    are left in this folder, which the daemon has too.
    """

    name = NAME
    idempotent = True

    def __init__(
        self,
        settings: Settings,
        choice: ModelChoice,
        shared: str = "",
        start_worker: Callable[[], WorkerHandle] = WorkerProcess,
    ) -> None:
        self._settings = settings
        self._choice = choice
        self._shared = Path(shared) if shared else None
        self._start_worker = start_worker
        self._worker: Worker
        self.host: ModelHost
        self.files: FileCache
        self._tasks: dict[str, _Task] = {}  # by key
        self._previews: dict[int, Parcel] = {}
        self._newest_preview = 0

    def setup(self, worker: Worker) -> None:
        if threading.current_thread() is threading.main_thread():
            # Ctrl-C is meant for the nanny, which ends us in its own time
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._worker = worker
        self.files = FileCache(self._settings.state / "files")
        self.host = ModelHost(self._settings, self._choice, self._on_change, self._start_worker)
        self.host.start()

    def teardown(self, worker: Worker) -> None:
        self.host.close()

    def transition(self, key: str, start: str, finish: str, **kwargs: Any) -> None:
        """Stop what nobody waits for any more: it was cancelled, or its daemon is gone."""
        if finish in GONE and (task := self._tasks.pop(str(key), None)):
            self.host.cancel(task.run)

    def describe(self) -> dict[str, Any]:
        """How the model stands, for daemons and people."""
        standing = self.host.standing
        return {
            "state": standing.state,
            "error": standing.error,
            "doing": [task.describe() for task in self._tasks.values()],
            "free_memory": psutil.virtual_memory().available,
        }

    @property
    def used_files(self) -> set[str]:
        """The names of those that takes are made with now."""
        return {name for task in self._tasks.values() for name in task.files}

    async def render(self, order: Mapping[str, Any]) -> Parcel:
        """One task: everything of a take, or why it came to nothing."""
        key = str(order["key"])
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Outcome] = loop.create_future()
        ticket = int(order["ticket"])
        told = _Progress()

        def tell(message: WorkerMessage) -> None:
            if not told.is_worth_telling(message):
                return
            event: dict[str, Any] = {"ticket": ticket, "session": order["session"]}
            if isinstance(message, PreviewAudio):
                event["preview"] = self._keep_preview(replace(message, ticket=ticket))
            else:
                event |= pack([replace(message, ticket=ticket)])  # type: ignore[call-arg]
            self._worker.log_event(order["topic"], event)

        def settle(outcome: Outcome) -> None:
            if not ended.done():  # or else it was cancelled, and nobody waits for it
                ended.set_result(outcome)

        def end(outcome: Outcome) -> None:
            loop.call_soon_threadsafe(settle, outcome)

        try:
            request = Request.restore(order["request"])
            run = self.host.render(self.files.place(request, order["files"]), tell, end)
        except (ValueError, OSError) as error:
            return pack([RenderFailed(ticket, *describe_failure(error))])
        self._tasks[key] = _Task(run, str(order["name"]), told, tuple(order["files"].values()))
        try:
            outcome = await ended
        finally:
            self._tasks.pop(key, None)
        if isinstance(outcome, Lost):
            return {"lost": outcome.reason, "has_ended": outcome.has_ended}
        messages = [replace(each, ticket=ticket) for each in outcome]  # type: ignore[call-arg]
        return await asyncio.to_thread(self._pack, messages, loop)

    def _pack(self, messages: list[WorkerMessage], loop: asyncio.AbstractEventLoop) -> Parcel:
        parcel = pack(messages, self._shared)
        if self._shared is not None:
            remove_later(self._shared / parcel["file"], loop)
        return parcel

    def take_preview(self, number: int) -> Parcel | None:
        """None where newer ones have taken its place."""
        return self._previews.pop(number, None)

    def _keep_preview(self, message: PreviewAudio) -> int:
        self._newest_preview += 1
        self._previews[self._newest_preview] = pack([message])
        while len(self._previews) > MOST_PREVIEWS:
            del self._previews[min(self._previews)]
        return self._newest_preview

    def _on_change(self, standing: Standing) -> None:
        if standing.error:
            log.error("%s", standing.error)
        event = {"address": self._worker.address, "state": standing.state}
        self._worker.log_event(STATES, event)


class _Task(NamedTuple):
    """`name` is what its daemon calls the job, `files` are the names of those that its request
    needs.
    """

    run: Run
    name: str
    told: _Progress
    files: tuple[str, ...]

    def describe(self) -> str:
        """What is made, and how far it is."""
        return f"{self.name}, {self.told.fraction:.0%} {self.told.stage}".rstrip()


class _Progress:
    """How far a run is, and what of that is told."""

    def __init__(self) -> None:
        self.fraction = 0.0
        self.stage = ""
        self._due = 0.0  # time.monotonic() before which no more is told of this stage

    def is_worth_telling(self, message: WorkerMessage) -> bool:
        if not isinstance(message, RenderProgress):
            return True
        now = time.monotonic()
        is_due = message.stage != self.stage or now >= self._due
        self.fraction, self.stage = message.fraction, message.stage
        if is_due:
            self._due = now + PROGRESS_SECONDS
        return is_due


def describe(worker: Worker) -> dict[str, Any]:
    """The metric: it comes with every heartbeat of a worker."""
    plugin = worker.plugins.get(NAME)
    return plugin.describe() if plugin else {}


# --- what a daemon has run on a worker ------------------------------------------------------------


async def render(order: Mapping[str, Any]) -> Parcel:
    """Make a take: a `Parcel` of its messages, or `lost` with a reason, and whether the process
    that made it `has_ended`.
    """
    return await _plugin(get_worker()).render(order)


def describe_loaded(dask_worker: Worker) -> Parcel | None:
    """What the model's process has said of it; None where it is not warm."""
    loaded = _plugin(dask_worker).host.standing.loaded
    return pack([loaded]) if loaded else None


def take_preview(number: int, dask_worker: Worker) -> Parcel | None:
    return _plugin(dask_worker).take_preview(number)


def be_refused(daemon: str, reason: str) -> None:
    """Say on the worker's terminal why a daemon gives it nothing."""
    log.warning("%s", escape_line(f"the daemon on {daemon} does not use this worker: {reason}"))


def list_missing_files(names: list[str], dask_worker: Worker) -> list[str]:
    return _plugin(dask_worker).files.list_missing(names)


def begin_file(dask_worker: Worker) -> str:
    return _plugin(dask_worker).files.begin()


def add_to_file(upload: str, chunk: bytes, dask_worker: Worker) -> None:
    _plugin(dask_worker).files.add_chunk(upload, chunk)


def finish_file(upload: str, name: str, dask_worker: Worker) -> None:
    plugin = _plugin(dask_worker)
    plugin.files.finish(upload, name, plugin.used_files)


def _plugin(worker: Worker) -> ModelPlugin:
    plugin = worker.plugins.get(NAME)
    if not isinstance(plugin, ModelPlugin):
        raise BadParcel("this worker is not acestepd's: start it with acestepd worker")
    return plugin
