"""What the surfaces ask of the engine: orders and what becomes of them, guesses, another model."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence

from pipeline.weights.adapter import Adapter

from ..jobs import Event, Job, JobState, Listener, Order, Refused
from ..journal import Journal
from ..landing import clips
from ..settings import Settings
from . import orders
from .dispatcher import Dispatcher
from .event_bus import EventBus, ignore_event
from .lookup import JobLookup
from .model_state import ModelChoice, ModelState
from .process import WorkerHandle, WorkerProcess
from .shelf import Prepared


class Engine:
    """Takes orders from any thread. A thread of its own talks to the worker; others land the files.

    Listeners hear every event, on the thread where it happens, and must be quick. How a job stands
    changes, and is told, under one lock: nobody hears two endings, or progress after the end.
    """

    def __init__(
        self,
        settings: Settings,
        wanted: ModelChoice,
        journal: Journal,
        start: Callable[[], WorkerHandle] = WorkerProcess,
    ) -> None:
        self.settings = settings
        self.journal = journal
        # a listener that also asks for jobs needs it, or a deadlock
        self.lock = self._lock = threading.RLock()
        self._bus = EventBus(self._lock)
        self._model = ModelState(wanted, self._publish_state)
        self._flow = Dispatcher(self._lock, settings, journal, self._bus, self._model, start)
        self._supervisor = self._flow.supervisor
        self._lander = self._flow.lander
        self._guesses = self._flow.guesses
        self._register = JobLookup(journal, self._flow.active)

    # --- how it stands ----------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """cold, loading, warm, busy or error."""
        return self._model.state

    @property
    def title(self) -> str:
        """What is called by name: the model that plays, and what it wears."""
        return self._model.title

    @property
    def error(self) -> str:
        """Why the model could not be loaded."""
        return self._model.error

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """What the model wears, or will from the next job on."""
        return self._model.wanted.adapters

    @property
    def caches(self) -> dict[str, list[int]]:
        """Hits and misses by kind, of the model that plays."""
        return self._model.caches

    def subscribe(self, listener: Listener) -> None:
        """Call it with every event from now on."""
        self._bus.subscribe(listener)

    def state_event(self) -> Event:
        return Event("state", None, (self.state, self.title, len(self._flow.line)))

    def publish(self, event: Event, due: float = 0.0) -> None:
        """Let a surface tell all surfaces something, at `due` (time.monotonic()) or now."""
        self._bus.publish(event, due)

    def _publish_state(self) -> None:
        self._bus.publish(self.state_event())

    # --- from its start to its end ----------------------------------------------------------------

    def start(self) -> None:
        """Take up what an earlier daemon left, and begin."""
        with self._lock:
            self._flow.resume()
        self._supervisor.start()

    def change_settings(self, settings: Settings) -> None:
        """Other limits from now on."""
        with self._lock:
            self.settings = self._supervisor.settings = self._lander.settings = settings
            self._guesses.change(settings)

    def close(self) -> None:
        """Stop. What has not ended stays in the journal and goes on with the next daemon; files
        that land, land.
        """
        self._supervisor.close()
        self._lander.close()
        self._bus.close()
        for prepared in self._guesses.clear():
            clips.discard(prepared.staged)
        self._model.become("cold")

    # --- orders -----------------------------------------------------------------------------------

    def submit(self, order: Order, on_repeat: Listener = ignore_event) -> list[Job]:
        """Queue an order: one job, or `count` of them called id.1, id.2 and so on, with seeds in a
        row.

        The same (client, id) with the same request is the order that is there already: `on_repeat`
        gets the events that say how it stands. Only failed jobs are tried anew. Raises `Refused`:
        409 for the same id with another request, 429 when the queue is full, 503 when the daemon
        closes, 507 when the order cannot be written down.
        """
        with self._lock:
            known = self._register.known(order)
            if known and not all(job.state is JobState.FAILED for job in known):
                for job in known:
                    for event in job.status_events:
                        on_repeat(event)
                return known
            if self._supervisor.closing:
                raise Refused(503, "the daemon is closing")
            if handed := self._in_advance(order):
                return [handed]
            orders.check(order, self.settings, [*self._flow.line, *self._flow.held])
            jobs = orders.jobs(order, self.settings.out)
            self._write_down(jobs)
            self._guesses.asked(order)
            self._flow.enter(*jobs)
            self._publish_state()
            self._flow.dispatch()
            self._supervisor.wake()
            return jobs

    def reroll(
        self,
        client: str,
        id: str,
        parent: str = "",
        seed: int = -1,
        on_repeat: Listener = ignore_event,
    ) -> list[Job]:
        """The request of another job with a new seed. Without `parent` it is the client's newest, or
        the newest of all.
        """
        old = self.find(client, parent) if parent else self._register.newest(client)
        request = dataclasses.replace(old.request, seed=seed)
        return self.submit(
            Order(client, id, request, out=old.out, origin=old.origin or f"reroll of {old.id}"),
            on_repeat,
        )

    def cancel(self, client: str, id: str) -> int:
        """Cancel a job or an order's jobs, the client's own or the newest of that name; `*` cancels
        all. How many.

        The client hears each of them end. Raises `Refused` 404, or 409 when the files are just
        landing.
        """
        with self._lock:
            found = self._register.cancellable(client, id)
            for job in found:
                job.observers.add(client)
                self._flow.cancel(job)
            self._publish_state()
            return len(found)

    def panic(self, client: str) -> int:
        """Cancel everything."""
        with self._lock:
            self._guesses.rest()
            self._guesses.drop()
            return self.cancel(client, "*")

    def favourite(self, client: str, id: str, on: bool = True) -> Job:
        with self._lock:
            job = self.find(client, id)
            job.favourite = on
            try:
                self.journal.mark(job)
            except OSError as error:
                raise Refused(
                    507, str(error.strerror), "free some space, then mark it again"
                ) from error
            self._bus.publish(Event("favourite", job, (int(on),)))
            return job

    def find(self, client: str, id: str) -> Job:
        """The client's own job, or else the newest of that name: see `JobLookup.find`. Raises
        `Refused` 404.
        """
        with self._lock:
            return self._register.find(client, id)

    def batch(self, client: str, id: str) -> list[Job]:
        """The jobs of an order of several, also those that have ended."""
        with self._lock:
            return self._register.batch(client, id)

    def active(self) -> list[Job]:
        """The jobs that have not ended: what runs and lands, what waits, in order, and what is
        held.
        """
        with self._lock:
            return self._flow.active()

    def _write_down(self, jobs: list[Job], landing: str = "") -> None:
        """Into the journal, before anybody hears of them. Raises `Refused` 507."""
        try:
            self.journal.add(jobs, landing)
        except OSError as error:
            hint = "free some space: nothing is accepted that could be lost"
            raise Refused(507, str(error.strerror), hint) from error

    # --- takes in advance -------------------------------------------------------------------------

    def prepare(self, orders: Sequence[Order], overhear: Listener = ignore_event) -> None:
        """Make these in advance, the likeliest first, while nothing else is to do, and within the
        settings' budget.

        They replace those that were wanted before. Whoever submits one of them, with its id and
        request, has its take at once. Until then it is nobody's: only `overhear` hears of it
        ("progress", "prepared", "dropped"), no file of it has a name, and the journal does not know
        it. The requests must be complete: with their seeds.
        """
        with self._lock:
            self._guesses.want(orders, overhear)
            self._flow.speculate()

    def _in_advance(self, order: Order) -> Job | None:
        """The job of an order whose take is on the shelf, or being made for it."""
        if order.count != 1:
            return None
        if prepared := self._guesses.prepared(order):
            return self._hand_out(order, prepared)
        if job := self._guesses.making(order):
            if self._flow.within_reach(job):
                return self._claim(order, job)
            # something else is on top of it: as a job of its own, it need not wait for that
            self._guesses.drop()
        return None

    def _hand_out(self, order: Order, prepared: Prepared) -> Job:
        """From the moment the journal has it the take will land, whatever happens."""
        made = prepared.job
        job = Job(
            order.client,
            made.id,
            order.request,
            made.resolved,
            made.out,
            order.priority,
            origin=order.origin,
        )
        job.state = JobState.LANDING
        job.cost = made.cost
        job.worked = made.worked
        self._write_down([job], prepared.staged.to_json())
        self._guesses.asked(order)
        self._flow.hand_out(job, prepared, order.due)
        return job

    def _claim(self, order: Order, job: Job) -> Job:
        """Somebody wants what is just being made."""
        before = job.client, job.request, job.priority
        job.client = order.client
        job.request = order.request
        job.priority = order.priority
        try:
            self._write_down([job])
        except Refused:
            job.client, job.request, job.priority = before
            raise
        self._guesses.claimed(order)
        self._flow.claimed(job)
        return job

    # --- the model --------------------------------------------------------------------------------

    def switch_model(self, model: str, variant: str = "") -> None:
        """Play another model from the next job on; the queue waits for it. The same model is loaded
        afresh.
        """
        with self._lock:
            self._model.choose(model, variant)
            self._supervisor.renew()
            self._guesses.forget()

    def set_adapters(self, *adapters: Adapter) -> None:
        """Play with these adapters and no others from the next job on; the queue waits for it.
        Nothing is loaded anew.

        If they cannot be put on, that is told as a fail, and it goes on with what is worn.
        """
        with self._lock:
            self._model.wear(adapters)
            self._guesses.forget()
            if self.error:  # perhaps because of them
                self._supervisor.renew()
            self._flow.dispatch()
