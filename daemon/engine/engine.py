"""What the surfaces may ask of the engine."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from pipeline.request import Request
from pipeline.request_files import resolve_request
from pipeline.weights.adapter import Adapter

from ..jobs import Event, Job, JobState, Listener, Order, Refused
from ..journal import Journal
from ..landing import staging
from ..settings import Settings
from . import orders
from .dispatcher import ADAPTER, Dispatcher
from .event_bus import EventBus, ignore_event
from .given_up import GivenUpAdapters
from .lookup import JobLookup
from .model_state import ModelChoice, ModelState, ModelStatus
from .prepared_takes import PreparedTake
from .process import WorkerHandle, WorkerProcess
from .speculation import Speculation

log = logging.getLogger("acestepd.engine")


class Engine:
    """Takes orders from any thread. A thread of its own talks to the worker; others land the files.

    Listeners are called with every event, on the thread where it happens, and must be quick. How a
    job stands changes, and is published, under one lock: nobody is told of two ends, or of progress
    after the end. Whoever submits something waits for the journal under that lock, and for no other
    file: a slow disk keeps only those waiting whose order is about it.
    """

    def __init__(
        self,
        settings: Settings,
        choice: ModelChoice,
        journal: Journal,
        start_worker: Callable[[], WorkerHandle] = WorkerProcess,
    ) -> None:
        self.settings = settings
        self.journal = journal
        # for a listener that has a lock of its own: it takes this one first, and submits without
        # either, as files are looked at then
        self.lock = threading.RLock()
        self._bus = EventBus(self.lock)
        self._given_up = GivenUpAdapters(settings.state)
        self._left_off = self._given_up.find(choice.adapters)
        adapters = tuple(one for one in choice.adapters if one not in self._left_off)
        self._model = ModelState(choice._replace(adapters=adapters), self._publish_state)
        self._dispatcher = Dispatcher(
            self.lock, settings, journal, self._bus, self._model, start_worker, self._given_up
        )
        self._client_jobs = self._dispatcher.client_jobs
        self._supervisor = self._dispatcher.supervisor
        self._lander = self._dispatcher.lander
        self._speculation = Speculation(
            self.lock,
            settings,
            self._dispatcher,
            self._client_jobs.accept,
            self._model.memory_need.estimate_bytes,
        )
        self._lookup = JobLookup(journal, self._dispatcher.active)

    # --- how it stands ----------------------------------------------------------------------------

    @property
    def state(self) -> ModelStatus:
        return self._model.status

    @property
    def title(self) -> str:
        """The model that plays, the bits of its weights and its adapters, as people read it."""
        return self._model.title

    @property
    def error(self) -> str:
        """Why the model could not be loaded."""
        return self._model.error

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """Those that the model has, or will have from the next job on."""
        return self._model.choice.adapters

    @property
    def caches(self) -> Mapping[str, list[int]]:
        """Hits and misses by kind, of the model that plays."""
        return self._model.cache_counts

    def subscribe(self, listener: Listener) -> None:
        """Call it with every event from now on."""
        self._bus.subscribe(listener)

    def ask_inserter(self, choose: Callable[[Job], str]) -> None:
        """Call this for the program that is to put a finished job's clips in; empty: nobody. It is
        called under the engine's lock.
        """
        self._dispatcher.ask_inserter(choose)

    def state_event(self) -> Event:
        return Event("state", None, (self.state, self.title, len(self._dispatcher.queue)))

    def publish(self, event: Event, due: float = 0.0) -> None:
        """Let a surface tell all surfaces something, at `due` (time.monotonic()) or now."""
        self._bus.publish(event, due)

    def _publish_state(self) -> None:
        self._bus.publish(self.state_event())

    # --- from its start to its end ----------------------------------------------------------------

    def start(self) -> None:
        """Go on with what an earlier daemon left, and begin."""
        with self.lock:
            self._dispatcher.resume()
        if self._left_off:
            names = " ".join(map(str, self._left_off))
            message = f"the engine has failed twice with the adapters {names}: they are left off"
            hint = "change their files, or put them on with /ace/adapter"
            log.warning("%s; %s", message, hint)
            self._bus.publish(Event("fail", None, (ADAPTER, 409, message, hint)))
        self._supervisor.start()

    def change_settings(self, settings: Settings) -> None:
        """Other limits from now on."""
        with self.lock:
            self.settings = settings
            self._supervisor.settings = settings
            self._lander.settings = settings
            self._speculation.change_settings(settings)

    def close(self) -> None:
        """Stop. What has not ended stays in the journal and goes on with the next daemon; what is
        landing, lands.
        """
        with self.lock:
            self._speculation.close()
        self._supervisor.close()
        self._lander.close()
        self._bus.close()
        for staged in self._speculation.clear():
            staging.discard(staged)
        self._model.set_status("cold")

    # --- orders -----------------------------------------------------------------------------------

    def submit(self, order: Order, on_repeat: Listener = ignore_event) -> list[Job]:
        """Queue an order: one job, or `count` of them called id.1, id.2 and so on, with seeds in a
        row.

        The same (client, id) with the same request is the order that is there already: `on_repeat`
        gets the events that say how it stands. Only failed jobs are tried anew. Raises `Refused`:
        409 for the same id with another request, 429 when the queue is full, 503 when the daemon
        closes, 507 when the order cannot be written down. Raises `BadRequest` for files that do not
        exist.
        """
        with self.lock:
            order = self._with_parent(order)
            take = self._speculation.find_take(order)
        incomplete = take if take and not take.is_complete else None
        resolved = None
        while True:
            jobs = self._try_to_submit(order, resolved, incomplete, on_repeat)
            if jobs is not None:
                return jobs
            resolved = resolve_request(order.request)

    def _with_parent(self, order: Order) -> Order:
        """The order, with the job as its parent whose clip it works on, where the journal knows."""
        source = order.request.source
        job = self.journal.find_by_path(source) if source and not order.parent else None
        return dataclasses.replace(order, parent=job.id) if job else order

    def _try_to_submit(
        self,
        order: Order,
        resolved: Request | None,
        incomplete: PreparedTake | None,
        on_repeat: Listener,
    ) -> list[Job] | None:
        """None where a request has to be `resolved` first: that reads files, so it is done without
        the lock. `incomplete` is the order's prepared take, where files of it are gone.
        """
        with self.lock:
            accepted = self._lookup.find_accepted(order)
            if accepted and not all(job.state is JobState.FAILED for job in accepted):
                for job in accepted:
                    for event in job.status_events:
                        on_repeat(event)
                return accepted
            if self._supervisor.closing:
                raise Refused(503, "the daemon is closing")
            claimed = self._speculation.claim(order, incomplete)
            if claimed is None:
                waiting = [*self._dispatcher.queue, *self._dispatcher.held]
                orders.check_order(order, self.settings, waiting)
                if resolved is None:
                    return None
                jobs = orders.make_jobs(order, resolved, self.settings.out)
                self._client_jobs.accept(jobs)
                self._speculation.withdraw(order)
                self._dispatcher.enqueue(*jobs)
                self._publish_state()
                self._supervisor.wake()
        if claimed is not None:
            self._dispatcher.land_claimed()
            return [claimed]
        self._dispatcher.dispatch()
        return jobs

    def reroll(
        self,
        client: str,
        id: str,
        parent: str = "",
        seed: int = -1,
        on_repeat: Listener = ignore_event,
    ) -> list[Job]:
        """Submit the request of another job with a new seed. Without `parent` it is the client's
        newest, or the newest of all. Raises what `submit` raises, and `Refused` 404.
        """
        job = self.find(client, parent) if parent else self._lookup.find_newest(client)
        request = job.request.changed({"seed": seed})
        origin = job.origin or f"reroll of {job.id}"
        order = Order(client, id, request, out=job.out, origin=origin, parent=job.id)
        return self.submit(order, on_repeat)

    def cancel(self, client: str, id: str) -> int:
        """Cancel a job or an order's jobs, the client's own or the newest of that name; `*` cancels
        all. Returns how many.

        The client is told how each of them ends. Raises `Refused` 404, or 409 when the files are
        just landing.
        """
        with self.lock:
            jobs = self._lookup.find_cancellable(client, id)
            for job in jobs:
                job.observers.add(client)
                self._dispatcher.cancel(job)
            self._publish_state()
            return len(jobs)

    def panic(self, client: str) -> int:
        """Cancel everything. Returns how many jobs that were."""
        with self.lock:
            self._speculation.pause()
            return self.cancel(client, "*")

    def favourite(self, client: str, id: str, on: bool = True) -> Job:
        """Mark a job as a favourite, or not any more. Raises `Refused` 404, or 507 when that cannot
        be written down.
        """
        with self.lock:
            job = self.find(client, id)
            job.favourite = on
            try:
                self.journal.update_favourite(job)
            except OSError as error:
                hint = "free some space, then mark it again"
                raise Refused(507, str(error.strerror), hint) from error
            self._bus.publish(Event("favourite", job, (int(on),)))
            return job

    def find(self, client: str, id: str) -> Job:
        """The client's own job, or else the newest of that name: see `JobLookup.find`. Raises
        `Refused` 404.
        """
        with self.lock:
            return self._lookup.find(client, id)

    def batch(self, client: str, id: str) -> list[Job]:
        """The jobs of an order of several, also those that have ended."""
        with self.lock:
            return self._lookup.find_batch(client, id)

    def active(self) -> list[Job]:
        """The jobs that have not ended: what lands and runs, what waits, in order, and what is
        held.
        """
        with self.lock:
            return self._dispatcher.active()

    def prepare(self, orders: Sequence[Order], listener: Listener = ignore_event) -> None:
        """Make the takes of these orders in advance, the likeliest first, while nothing else is to
        do, and within the settings' budget.

        They replace those that were expected before. Whoever submits one of them, with its id and
        request, has its take at once. Until then it is nobody's: only `listener` is told of it
        ("progress", "prepared", "dropped"), no file of it has a name, and the journal does not know
        it. The requests must be complete: with their seeds.
        """
        with self.lock:
            self._speculation.prepare(orders, listener)

    # --- the model --------------------------------------------------------------------------------

    def switch_model(self, model: str, variant: str = "") -> None:
        """Play another model from the next job on; the queue waits for it. The same model is loaded
        afresh.
        """
        with self.lock:
            self._model.choose_model(model, variant)
            self._supervisor.replace_worker()
            self._speculation.reset()

    def set_adapters(self, *adapters: Adapter) -> None:
        """Play with these adapters and no others from the next job on; the queue waits for it.
        Nothing is loaded anew.

        If they cannot be set, that is published as a fail, and it goes on with those it has.
        """
        with self.lock:
            self._model.choose_adapters(adapters)
            self._speculation.reset()
            if self.error:  # perhaps because of them
                self._supervisor.replace_worker()
        self._dispatcher.call_aside(lambda: self._given_up.forget(adapters))
        self._dispatcher.dispatch()
