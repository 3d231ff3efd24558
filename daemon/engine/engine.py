"""What the surfaces may ask of the engine."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue

from pipeline.request import BadRequest, Request
from pipeline.request_files import follow_links, names_file, resolve_request
from pipeline.weights.adapter import Adapter

from ..jobs import Event, Job, JobState, Listener, Order, Refused
from ..journal import Journal
from ..landing import staging
from ..settings import Settings
from . import orders
from .client_jobs import describe_refusal
from .client_lanes import ClientLanes
from .dispatcher import ADAPTER, Dispatcher
from .event_bus import EventBus, ignore_event
from .given_up import GivenUpAdapters
from .lookup import FEW_TAKES, JobLookup
from .model_state import ModelChoice, ModelState, ModelStatus
from .prepared_takes import PreparedTake
from .process import WorkerHandle, WorkerProcess
from .speculation import Claim, Speculation

log = logging.getLogger("acestepd.engine")

Refusal = Callable[[Exception], None]  # gets `Refused` or `BadRequest`, or what a bug raised


@dataclass(eq=False)
class IncomingOrder:
    """An order that has come, until it is written down or refused. `answer` gets its jobs, or what
    it is refused with.
    """

    client: str
    id: str
    make_order: Callable[[], Order]
    on_repeat: Listener
    answer: Callable[[list[Job] | Exception], None]
    jobs: list[Job] = field(default_factory=list)  # as soon as they are being written down
    cancelled_by: set[str] = field(default_factory=set)  # before it had jobs
    repeats: list[IncomingOrder] = field(default_factory=list)  # of the same id


class Engine:
    """Takes orders from any thread. A thread of its own talks to the worker; others land the files.

    Listeners are called with every event, on the thread where it happens, and must be quick. How a
    job stands changes, and is published, under one lock: nobody is told of two ends, or of progress
    after the end. Nobody waits for the journal or another file under that lock.
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
            self._model.memory_need.estimate_bytes,
        )
        self._lookup = JobLookup(journal, self._list_active, self._list_incoming)
        self._incoming: list[IncomingOrder] = []  # not written down yet
        # what takes long for a client: the order of its messages stays
        self.lanes = ClientLanes()

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
        self._take_in(incoming)
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
        is_slow = names_file("guide", order.request.guide) or (
            order.count > FEW_TAKES and self.journal.count_batch(order.client, order.id) > 0
        )
        self._begin(order.client, order.id, lambda: order, on_refused, on_repeat, is_slow)

    def begin_reroll(
        self,
        client: str,
        id: str,
        on_refused: Refusal,
        parent: str = "",
        seed: int = -1,
        on_repeat: Listener = ignore_event,
    ) -> None:
        """Submit the request of another job with a new seed, as `begin_submit` does. Without
        `parent` it is the client's newest, or the newest of all; 404 where there is none.
        """
        make_order = partial(self._make_reroll, client, id, parent, seed)
        self._begin(client, id, make_order, on_refused, on_repeat)

    def _make_reroll(self, client: str, id: str, parent: str, seed: int) -> Order:
        with self.lock:
            lookup = self._lookup
            job = lookup.find(client, parent) if parent else lookup.find_newest(client)
        request = job.request.changed({"seed": seed})
        origin = job.origin or f"reroll of {job.id}"
        return Order(client, id, request, out=job.out, origin=origin, parent=job.id)

    def _begin(
        self,
        client: str,
        id: str,
        make_order: Callable[[], Order],
        on_refused: Refusal,
        on_repeat: Listener,
        is_slow: bool = False,
    ) -> None:
        def answer(answer: list[Job] | Exception) -> None:
            if isinstance(answer, Exception):
                on_refused(answer)
            else:
                self._dispatcher.dispatch_soon()

        incoming = IncomingOrder(client, id, make_order, on_repeat, answer)
        if (is_slow and not self.lanes.is_here) or self.lanes.is_busy(client):
            self._put_aside(incoming)
        else:
            self._take_in(incoming)

    def _put_aside(self, incoming: IncomingOrder) -> None:
        with self.lock:
            self._incoming.append(incoming)
        try:
            self.lanes.put(incoming.client, lambda: self._take_in(incoming))
        except Refused as error:
            self._refuse(incoming, error)

    def _take_in(self, incoming: IncomingOrder) -> None:
        """Accept an order, refuse it, or let it wait for an order of the same id that is just being
        written down. Reads files.
        """
        try:
            order = incoming.make_order()
            with self.lock:
                order = self._with_parent(order)
                take = self._speculation.find_take(order)
                if take is None and self._try_to_accept(incoming, order, None, None):
                    return
            incomplete = take if take and not take.is_complete else None
            resolved = None if take else self._resolve(order)
            while not self._try_to_accept(incoming, order, resolved, incomplete):
                resolved = self._resolve(order)
        except (Refused, BadRequest) as error:
            self._refuse(incoming, error)
        except Exception as error:
            log.exception("the order %s of %s", incoming.id, incoming.client)
            self._refuse(incoming, error)

    def _resolve(self, order: Order) -> Request:
        """What is made for an order. Reads files. Raises `BadRequest`."""
        return resolve_request(follow_links(order.request, self.settings.linked_files))

    def _refuse(self, incoming: IncomingOrder, error: Exception) -> None:
        with self.lock:
            self._remove_incoming(incoming)
        incoming.answer(error)
        self._take_in_repeats(incoming)

    def _with_parent(self, order: Order) -> Order:
        """The order, with the job as its parent whose clip it works on, where the journal knows."""
        source = order.request.source
        job = self.journal.find_by_path(source) if source and not order.parent else None
        return dataclasses.replace(order, parent=job.id) if job else order

    def _try_to_accept(
        self,
        incoming: IncomingOrder,
        order: Order,
        resolved: Request | None,
        incomplete: PreparedTake | None,
    ) -> bool:
        """False where a request has to be `resolved` first: that reads files, so it is done without
        the lock. `incomplete` is the order's prepared take, where files of it are gone.
        """
        with self.lock:
            if first := self._find_incoming(incoming):
                first.repeats.append(incoming)
                return True
            accepted = self._lookup.find_accepted(order)
            if accepted and not all(job.state is JobState.FAILED for job in accepted):
                self._repeat(incoming, accepted)
                return True
            if self._supervisor.closing:
                raise Refused(503, "the daemon is closing")
            claim = self._speculation.claim(order, incomplete)
            if claim:
                jobs = [claim.job]
            else:
                dispatcher = self._dispatcher
                waiting = (dispatcher.queue, dispatcher.held, self._list_incoming())
                orders.check_order(order, self.settings, waiting)
                if resolved is None:
                    return False
                jobs = orders.make_jobs(order, resolved, self.settings.out)
            incoming.jobs = jobs
            for job in jobs:
                job.observers |= incoming.cancelled_by
                job.cancel_requested = bool(incoming.cancelled_by)
            if incoming not in self._incoming:
                self._incoming.append(incoming)
        self._client_jobs.begin_accept(
            jobs,
            claim.landing if claim else "",
            partial(self._on_written, incoming, order, claim),
        )
        return True

    def _on_written(
        self,
        incoming: IncomingOrder,
        order: Order,
        claim: Claim | None,
        refused: Refused | None,
    ) -> None:
        """The journal has an order's jobs, or not."""
        if refused:
            with self.lock:
                if claim:
                    self._speculation.give_back(claim)
            self._refuse(incoming, refused)
            return
        jobs = incoming.jobs
        with self.lock:
            self._remove_incoming(incoming)
            cancelled = [job for job in jobs if job.cancel_requested]
            for job in cancelled:
                job.cancel_requested = False
            if not (claim and self._speculation.fulfil(claim)):
                self._speculation.withdraw(order)
                self._dispatcher.enqueue(*jobs)
                self._publish_state()
                self._supervisor.wake()
            self._dispatcher.cancel(*cancelled)
        incoming.answer(jobs)
        self._take_in_repeats(incoming)

    def _repeat(self, incoming: IncomingOrder, accepted: list[Job]) -> None:
        """Tell how an order stands that is there already."""
        self._remove_incoming(incoming)
        for job in accepted:
            for event in job.status_events:
                incoming.on_repeat(event)
        incoming.answer(accepted)

    def _find_incoming(self, incoming: IncomingOrder) -> IncomingOrder | None:
        """Another order that is just being written down, and has a job of the same name."""
        for other in self._incoming:
            names = (other.id, *(job.id for job in other.jobs))
            is_written = bool(incoming.id and other.jobs) and other is not incoming
            if is_written and other.client == incoming.client and incoming.id in names:
                return other
        return None

    def _remove_incoming(self, incoming: IncomingOrder) -> None:
        self._incoming = [other for other in self._incoming if other is not incoming]

    def _take_in_repeats(self, incoming: IncomingOrder) -> None:
        """What came meanwhile under the same id is looked at again."""
        for repeat in incoming.repeats:
            self._take_in(repeat)

    def cancel(self, client: str, id: str) -> int:
        """Cancel a job or an order's jobs, the client's own or the newest of that name; `*` cancels
        all. Returns how many.

        The client is told how each of them ends. Raises `Refused` 404, or 409 when the files are
        just landing.
        """
        with self.lock:
            unread = [order for order in self._incoming if not order.jobs]
            if id != "*":
                unread = [each for each in unread if (each.client, each.id) == (client, id)]
            jobs = [] if unread and id != "*" else self._lookup.find_cancellable(client, id)
            for order in unread:
                order.cancelled_by.add(client)
            for job in jobs:
                job.observers.add(client)
            # what is just being written down ends when it has been
            incoming = set(self._list_incoming())
            for job in incoming.intersection(jobs):
                job.cancel_requested = True
            self._dispatcher.cancel(*(job for job in jobs if job not in incoming))
            self._publish_state()
            return len(jobs) + len(unread)

    def panic(self, client: str) -> int:
        """Cancel everything. Returns how many jobs that were."""
        with self.lock:
            self._speculation.pause()
            return self.cancel(client, "*")

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
            return self._list_active()

    def _list_active(self) -> list[Job]:
        return [*self._dispatcher.active(), *self._list_incoming()]

    def _list_incoming(self) -> list[Job]:
        """The jobs that are just being written down."""
        return [job for order in self._incoming for job in order.jobs]

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
        self._dispatcher.dispatch_soon()
