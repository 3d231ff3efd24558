"""What the surfaces may ask of the engine."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from queue import SimpleQueue
from types import MappingProxyType
from typing import NamedTuple

from pipeline.request import Request
from pipeline.weights.adapter import Adapter

from ..jobs import REROLL, Event, Job, Listener, Order, Priority, Refused
from ..journal import Journal
from ..landing import staging
from ..machines import ClusterStanding
from ..settings import Settings
from . import rerolls
from .client_jobs import describe_refusal
from .client_lanes import ClientLanes
from .dispatcher import ADAPTER, Dispatcher
from .event_bus import EventBus, ignore_event
from .fair_lock import FairLock
from .given_up import GivenUpAdapters
from .intake import IncomingOrder, Intake
from .model_state import ModelChoice, ModelState, ModelStatus
from .process import WorkerHandle, WorkerProcess
from .render_worker import WorkSource
from .speculation import Speculation

log = logging.getLogger("acestepd.engine")

NO_CHANGES: Mapping[str, object] = MappingProxyType({})

Refusal = Callable[[Exception], None]  # gets `Refused` or `BadRequest`, or what a bug raised


class Cancelling(NamedTuple):
    """How many jobs are being cancelled, and what ends them, a few in each step: others are served
    in between. What is not gone on with is ended when the daemon closes.
    """

    jobs: int
    steps: Iterator[None]


class Engine:
    """Takes orders from any thread. A thread of its own talks to the local worker; others land the
    files.

    Listeners are called with every event, on the thread where it happens, and must be quick. How a
    job stands changes, and is published, under one lock: nobody is told of two ends, or of progress
    after the end. Nobody waits for the journal or another file under that lock.
    """

    def __init__(
        self,
        settings: Settings,
        choice: ModelChoice,
        journal: Journal,
        start_worker: Callable[[], WorkerHandle] | None = WorkerProcess,
    ) -> None:
        """Without `start_worker` no take is made on this machine, but by those that come to
        `work_source`.
        """
        self.settings = settings
        self.journal = journal
        # for a listener that has a lock of its own: it takes this one first, and submits without
        # either, as files are looked at then
        self.lock = FairLock()
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
            self._model.memory_need.estimate_bytes,
            lambda: self._model.default_guide,
            self._dispatcher.count_idle_runs,
        )
        self._intake = Intake(
            self.lock,
            settings,
            journal,
            self._dispatcher,
            self._speculation,
            self._publish_state,
            lambda: self._model.default_guide,
        )
        self._lookup = self._intake.lookup
        # for what comes behind a client's orders, and needs them taken in
        self.arrivals = self._intake.arrivals
        # for what takes long and is about no order; the order of a client's messages stays
        self.lanes = self._intake.lanes
        # for looking through all that was: no order waits for that, and it is dropped at the end
        self.searches = ClientLanes("searches", close_seconds=0.0)
        # how a cluster stands, where there is one: whoever leads to it says that
        self.describe_cluster: Callable[[], ClusterStanding | None] = lambda: None

    @property
    def work_source(self) -> WorkSource:
        """Where other workers come to for runs, and tell what becomes of them."""
        return self._dispatcher

    # --- how it stands ----------------------------------------------------------------------------

    @property
    def state(self) -> ModelStatus:
        return self._model.status

    @property
    def title(self) -> str:
        """The model that plays, the bits of its weights and its adapters, as people read it."""
        return self._model.title

    @property
    def model(self) -> str:
        """The name of the one that was chosen: it plays, or will once it is loaded."""
        return self._model.choice.model

    @property
    def variant(self) -> str:
        """The sub-folder of its DiT, where one was chosen."""
        return self._model.choice.variant

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

    @property
    def default_guide(self) -> str:
        """What a guide is where a request leaves that open: the loaded model's."""
        return self._model.default_guide

    @property
    def sings(self) -> bool:
        """Whether the model reads lyrics."""
        return self._model.sings

    @property
    def has_voice(self) -> bool:
        """Whether the model makes vocals."""
        return self._model.has_voice

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
            self._intake.settings = settings
            self._lander.settings = settings
            self._speculation.change_settings(settings)

    def close(self) -> None:
        """Stop. What has not ended stays in the journal and goes on with the next daemon; what is
        landing, lands.
        """
        with self.lock:
            self._speculation.close()
        self.searches.close()
        self.arrivals.close()
        self.lanes.close()
        self._supervisor.close()
        self._dispatcher.close()
        self.journal.flush()
        self._bus.close()
        for staged in self._speculation.clear():
            staging.discard(staged)
        self._model.set_status("cold")

    # --- orders -----------------------------------------------------------------------------------

    def submit(self, order: Order, on_repeat: Listener = ignore_event) -> list[Job]:
        """Queue an order: one job, or `count` of them called id.1, id.2 and so on, with seeds in a
        row. It is written down when this returns; not under `lock`, then.

        The same (client, id) with the same request is the order that is there already: `on_repeat`
        gets the events that say how it stands. Only failed jobs are tried anew. Raises `Refused`:
        409 for the same id with another request, 429 when the queue is full, 503 when the daemon
        closes or another program holds the journal, 507 when the disk is full. Raises `BadRequest`
        for files that do not exist.
        """
        answers = SimpleQueue[list[Job] | Exception]()
        incoming = IncomingOrder(order.client, order.id, lambda: order, on_repeat, answers.put)
        self._intake.take_in(incoming)
        answer = answers.get()
        if isinstance(answer, Exception):
            raise answer
        self._dispatcher.dispatch()
        return answer

    def begin_submit(
        self, order: Order, on_refused: Refusal, on_repeat: Listener = ignore_event
    ) -> None:
        """Submit an order without waiting for the journal. Its events say that it is queued, or
        `on_refused` is called with what `submit` raises, now or on another thread. The orders of a
        client are taken in the order in which they came, also where files of some have to be read
        first, or many takes looked up.
        """
        self._begin(order.client, order.id, lambda: order, on_refused, on_repeat)

    def begin_written(
        self,
        client: str,
        id: str,
        make_order: Callable[[], Order],
        on_refused: Refusal,
        on_repeat: Listener = ignore_event,
        takes_long: bool = False,
    ) -> None:
        """Submit what `make_order` makes when it is its turn, as `begin_submit` does; on the thread
        aside where that `takes_long`. What it raises is what the order is refused with.
        """
        self._begin(client, id, make_order, on_refused, on_repeat, takes_long)

    def begin_reroll(
        self,
        client: str,
        id: str,
        on_refused: Refusal,
        parent: str = "",
        seed: int = -1,
        on_repeat: Listener = ignore_event,
        changes: Mapping[str, object] = NO_CHANGES,
        notes: tuple[str, ...] = (),
        count: int = 1,
        priority: Priority = Priority.NORMAL,
    ) -> None:
        """Submit the request of another job with a new seed and these `changes`, as `begin_submit`
        does, for `count` takes; what it left open stays as it was made. Without `parent` it is the
        client's newest, or the newest of all; 404 where there is none. `notes` are about the
        changes.
        """
        values = {"seed": seed, **changes}
        begin = partial(Order, client, id, count=count, priority=priority, command=REROLL)
        make_order = partial(self._make_reroll, begin, client, parent, values, notes)
        # the parent's manifest is read
        self._begin(client, id, make_order, on_refused, on_repeat, takes_long=True)

    def foresee(self, request: Request) -> Request:
        """A resolved request with the tempo and key in which it will be composed, where it is."""
        return rerolls.foresee(request, self._model.default_guide)

    def _make_reroll(
        self,
        make_order: Callable[..., Order],
        client: str,
        parent: str,
        changes: Mapping[str, object],
        notes: tuple[str, ...],
    ) -> Order:
        """`make_order(request=..., ...)` for the take `parent` with these changes."""
        with self.lock:
            lookup = self._lookup
            job = lookup.find(client, parent) if parent else lookup.find_newest(client)
        request = job.request.changed(changes)
        made = rerolls.find_made(job, self._model.default_guide)
        kept = rerolls.list_kept(request, made)
        notes += rerolls.describe_kept(kept, f"as in {job.id}:")
        if self._model.may_plan(job.resolved):
            notes += rerolls.describe_unknown(request.changed(kept), job)
        return make_order(
            request=request.changed(kept),
            out=job.out,
            origin=job.origin or f"reroll of {job.id}",
            parent=job.id,
            notes=notes,
        )

    def _begin(
        self,
        client: str,
        id: str,
        make_order: Callable[[], Order],
        on_refused: Refusal,
        on_repeat: Listener,
        takes_long: bool = False,
    ) -> None:
        def answer(answer: list[Job] | Exception) -> None:
            if isinstance(answer, Exception):
                on_refused(answer)
            else:
                self._dispatcher.dispatch_soon()

        incoming = IncomingOrder(client, id, make_order, on_repeat, answer)
        self._intake.begin(incoming, takes_long)

    def cancel(self, client: str, id: str) -> int:
        """Cancel a job or an order's jobs, the client's own or the newest of that name; `*` cancels
        all. Returns how many.

        The client is told how each of them ends. Raises `Refused` 404, or 409 when the files are
        just landing.
        """
        count, steps = self.begin_cancel(client, id)
        deque(steps, maxlen=0)
        return count

    def begin_cancel(self, client: str, id: str) -> Cancelling:
        """The same, step by step: nothing of it is made any more when this returns."""
        with self.lock:
            unread = self._intake.list_unread()
            if id != "*":
                unread = [each for each in unread if (each.client, each.id) == (client, id)]
            jobs = [] if unread and id != "*" else self._lookup.find_cancellable(client, id)
            for order in unread:
                order.cancelled_by.add(client)
            for job in jobs:
                job.observers.add(client)
            # what is just being written down ends when it has been
            incoming = set(self._intake.list_jobs())
            for job in incoming.intersection(jobs):
                job.cancel_requested = True
            steps = self._dispatcher.cancel(*(job for job in jobs if job not in incoming))
            self._publish_state()
            return Cancelling(len(jobs) + len(unread), steps)

    def begin_panic(self, client: str) -> Cancelling:
        """Cancel everything, step by step."""
        with self.lock:
            self._speculation.pause()
            return self.begin_cancel(client, "*")

    def begin_favourite(
        self,
        client: str,
        id: str,
        on: bool = True,
        on_done: Callable[[Refused | None], None] = lambda refused: None,
    ) -> Job:
        """Mark a job as a favourite, or not any more: see `find`. `on_done` is called when that is
        written down, or with `Refused` 503 or 507 where it cannot be.
        """
        with self.lock:
            job = self.find(client, id)
            self.begin_mark(job, on, on_done)
            return job

    def begin_mark(self, job: Job, on: bool, on_done: Callable[[Refused | None], None]) -> None:
        """The same for a job that was found before."""
        was = job.favourite

        def finish(error: OSError | None) -> None:
            if error:
                job.favourite = was
                on_done(describe_refusal(error, "free some space, then mark it again"))
                return
            self._bus.publish(Event("favourite", job, (int(on),)))
            on_done(None)

        job.favourite = on
        self.journal.begin_mark(job, finish)

    def find_newest_clip(self, client: str) -> Job:
        """The newest job that has landed files, the client's own before others'. Raises `Refused`
        404.
        """
        if job := self.journal.find_newest_clip(client):
            return job
        raise Refused(404, "no clip is finished yet")

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
            return self._intake.list_active()

    def prepare(self, orders: Sequence[Order], listener: Listener = ignore_event) -> None:
        """Make the takes of these orders in advance, the likeliest first, while nothing else is to
        do, and within the settings' budget.

        They replace those that were expected before. Whoever submits one of them, with its id and
        request, has its take at once. Until then it is nobody's: only `listener` is told of it
        ("progress", "prepared", "dropped"), no file of it has a name, and the journal does not know
        it. The requests must be complete: with their seeds.
        """
        with self.lock:
            come = {job.id for job in self._intake.list_jobs()}
            self._speculation.prepare([each for each in orders if each.id not in come], listener)

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
            else:  # now: the next choice may be refused, and then these are what it goes on with
                self._supervisor.sync_adapters()
        self._dispatcher.call_aside(lambda: self._given_up.forget(adapters))
        self._dispatcher.dispatch_soon()
