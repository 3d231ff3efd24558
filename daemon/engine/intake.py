"""Orders as they come: found where they are there already, checked, written down, and queued."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from pipeline.explain import Explanation
from pipeline.lengths import explain_length, has_no_length
from pipeline.request import BadRequest, names_file
from pipeline.request_files import names_files

from ..jobs import Job, JobState, Listener, Order, Refused
from ..journal import Journal
from ..settings import Settings
from . import orders
from .client_lanes import ClientLanes
from .dispatcher import Dispatcher
from .fair_lock import FairLock
from .lookup import FEW_TAKES, JobLookup
from .prepared_takes import PreparedTake
from .speculation import Claim, Speculation

log = logging.getLogger("acestepd.engine")

MAX_ARRIVED = 512  # orders of a client that are not looked at yet


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
    file_notes: tuple[Explanation, ...] = ()  # what was read of its source and its MIDI guide


class Intake:
    """The orders that are not written down yet. Any thread may bring one; the answer comes at once,
    or on another thread.

    Whoever answers a player never waits for the engine's lock in order to bring one: another thread
    that has the lock may be kept from going on for longer than the player can wait.
    """

    def __init__(
        self,
        lock: FairLock,
        settings: Settings,
        journal: Journal,
        dispatcher: Dispatcher,
        speculation: Speculation,
        publish_state: Callable[[], None],
        find_default_guide: Callable[[], str],
    ) -> None:
        self.settings = settings
        self._lock = lock
        self._journal = journal
        self._dispatcher = dispatcher
        self._client_jobs = dispatcher.client_jobs
        self._supervisor = dispatcher.supervisor
        self._speculation = speculation
        self._publish_state = publish_state
        self._find_default_guide = find_default_guide
        # those that have begun to come, and have no jobs yet, in the order in which they came
        self._unread: dict[IncomingOrder, None] = {}
        self._unread_lock = threading.Lock()  # held for a moment only
        # those that are being written down, in that order
        self._incoming: dict[IncomingOrder, None] = {}
        # those that are being written down, by client and name: the order's, and its jobs'
        self._named: dict[tuple[str, str], IncomingOrder] = {}
        self.lookup = JobLookup(journal, self.list_active, self.list_jobs)
        # where orders are taken in, each client's in their order
        self.arrivals = ClientLanes("orders", most=MAX_ARRIVED)
        # what takes long for a client: the order of its messages stays
        self.lanes = ClientLanes()
        self._has_queued = False  # orders, since it was told how many wait
        journal.on_told = self._tell_waiting

    def list_active(self) -> list[Job]:
        """The jobs that have not ended, and last those that are just being written down."""
        return [*self._dispatcher.active(), *self.list_jobs()]

    def list_jobs(self) -> list[Job]:
        """The jobs that are just being written down."""
        return [job for order in self._incoming for job in order.jobs]

    def list_unread(self) -> list[IncomingOrder]:
        """The orders that have no jobs yet."""
        with self._unread_lock:
            return list(self._unread)

    def begin(self, incoming: IncomingOrder, takes_long: bool = False) -> None:
        """Take an order in on a thread for that, in the order in which its client's orders come; on
        the one aside where it `takes_long` to make it, where files have to be read or many takes
        looked up for it, or for one before it.
        """
        with self._unread_lock:
            self._unread[incoming] = None
        if self.lanes.is_here:  # what its client sent before was taken in
            self._begin_in_turn(incoming, takes_long)
            return
        try:
            self.arrivals.put(incoming.client, partial(self._begin_in_turn, incoming, takes_long))
        except Refused as error:
            self._forget_unread(incoming)
            incoming.answer(error)

    def _begin_in_turn(self, incoming: IncomingOrder, takes_long: bool) -> None:
        if self.lanes.is_busy(incoming.client) or (takes_long and not self.lanes.is_here):
            self._put_aside(incoming)
            return
        try:
            order = incoming.make_order()
        except Exception as error:
            self._refuse(incoming, error)
            return
        incoming.make_order = lambda: order
        if self._is_slow(order) and not self.lanes.is_here:
            self._put_aside(incoming)
        else:
            self.take_in(incoming)

    def _is_slow(self, order: Order) -> bool:
        request = order.request
        if names_file("guide", request.guide) or (request.task and request.source):
            return True
        if request.lyrics and has_no_length(request):  # its words are pronounced
            return True
        return order.count > FEW_TAKES and self._journal.count_batch(order.client, order.id) > 0

    def _put_aside(self, incoming: IncomingOrder) -> None:
        try:
            self.lanes.put(incoming.client, lambda: self.take_in(incoming))
        except Refused as error:
            self._refuse(incoming, error)

    def take_in(self, incoming: IncomingOrder) -> None:
        """Accept an order, refuse it, or let it wait for an order of the same id that is just being
        written down. Reads files.
        """
        try:
            order = incoming.make_order()
            with self._lock:
                order = self._with_parent(order)
                take = self._speculation.find_take(order)
            if take is None and self._try_to_accept(incoming, order, None, None):
                return
            incomplete = take if take and not take.is_complete else None
            resolved = None if take else self._resolve(order)
            incoming.file_notes = self._explain_files(order)
            while not self._try_to_accept(incoming, order, resolved, incomplete):
                resolved = self._resolve(order)
        except Exception as error:
            self._refuse(incoming, error)

    def _explain_files(self, order: Order) -> tuple[Explanation, ...]:
        """What was read of an order's source and its MIDI guide. Reads files."""
        return orders.explain_order(order, self.settings.linked_files)

    def _resolve(self, order: Order) -> orders.Resolution:
        """What an order asks for, and what is made for it. Reads files. Raises `BadRequest`."""
        default_guide = self._find_default_guide()
        return orders.resolve_order(order, self.settings.linked_files, default_guide)

    def _refuse(self, incoming: IncomingOrder, error: Exception) -> None:
        if not isinstance(error, Refused | BadRequest):  # a bug
            log.error("the order %s of %s", incoming.id, incoming.client, exc_info=error)
        with self._lock:
            self._remove_incoming(incoming)
        incoming.answer(error)
        self._take_in_repeats(incoming)

    def _with_parent(self, order: Order) -> Order:
        """The order, with the job as its parent whose clip it works on, where the journal knows."""
        source = order.request.source
        job = self._journal.find_by_path(source) if source and not order.parent else None
        return dataclasses.replace(order, parent=job.id) if job else order

    def _try_to_accept(
        self,
        incoming: IncomingOrder,
        order: Order,
        resolved: orders.Resolution | None,
        incomplete: PreparedTake | None,
    ) -> bool:
        """False where a request has to be `resolved` first, without the lock, as it names files.
        `incomplete` is the order's prepared take, where files of it are gone.
        """
        with self._lock:
            if first := self._find_incoming(incoming):
                first.repeats.append(incoming)
                self._forget_unread(incoming)
                return True
            accepted = self.lookup.find_accepted(order)
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
                waiting = (dispatcher.queue, dispatcher.held, self.list_jobs())
                orders.check_order(order, self.settings, waiting)
                dispatcher.check_model(order.request)
                if resolved is None:
                    if names_files(order.request) or has_no_length(order.request):
                        return False
                    resolved = orders.Resolution(order.request, order.request.resolved())
                asked = dataclasses.replace(order, request=resolved.asked)
                jobs = orders.make_jobs(asked, resolved.made, self.settings.out)
            incoming.jobs = jobs
            for job in jobs:
                assumed = explain_length(job.request, job.resolved)
                said = (
                    *map(Explanation, order.notes),
                    *incoming.file_notes,
                    *map(Explanation, assumed),
                    *self._dispatcher.explain_limits(job.resolved),
                    # those of a take that is made already
                    *(Explanation(note, note in job.problems) for note in job.notes),
                )
                job.notes = tuple(dict.fromkeys(each.text for each in said))
                problems = (each.text for each in said if each.is_problem)
                job.problems = tuple(dict.fromkeys(problems))
                job.observers |= incoming.cancelled_by
                job.cancel_requested = bool(incoming.cancelled_by)
            self._forget_unread(incoming)
            self._incoming[incoming] = None
            for name in _list_names(incoming):
                self._named.setdefault(name, incoming)
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
            with self._lock:
                if claim:
                    self._speculation.give_back(claim)
            self._refuse(incoming, refused)
            return
        jobs = incoming.jobs
        with self._lock:
            self._remove_incoming(incoming)
            cancelled = [job for job in jobs if job.cancel_requested]
            for job in cancelled:
                job.cancel_requested = False
            if not (claim and self._speculation.fulfil(claim)):
                self._speculation.withdraw(order)
                self._dispatcher.enqueue(*jobs)
                self._has_queued = True
                self._supervisor.wake()
            cancelling = self._dispatcher.cancel(*cancelled)
        deque(cancelling, maxlen=0)
        incoming.answer(jobs)
        self._take_in_repeats(incoming)

    def _tell_waiting(self) -> None:
        """How many wait: once for all orders that were written down together."""
        with self._lock:
            if self._has_queued:
                self._has_queued = False
                self._publish_state()

    def _repeat(self, incoming: IncomingOrder, accepted: list[Job]) -> None:
        """Tell how an order stands that is there already."""
        self._remove_incoming(incoming)
        for job in accepted:
            for event in job.status_events:
                incoming.on_repeat(event)
        incoming.answer(accepted)

    def _find_incoming(self, incoming: IncomingOrder) -> IncomingOrder | None:
        """Another order that is just being written down, and has a job of the same name."""
        return self._named.get((incoming.client, incoming.id)) if incoming.id else None

    def _forget_unread(self, incoming: IncomingOrder) -> None:
        with self._unread_lock:
            self._unread.pop(incoming, None)

    def _remove_incoming(self, incoming: IncomingOrder) -> None:
        self._forget_unread(incoming)
        self._incoming.pop(incoming, None)
        for name in _list_names(incoming):
            if self._named.get(name) is incoming:
                del self._named[name]

    def _take_in_repeats(self, incoming: IncomingOrder) -> None:
        """What came meanwhile under the same id is looked at again."""
        for repeat in incoming.repeats:
            self.take_in(repeat)


def _list_names(incoming: IncomingOrder) -> list[tuple[str, str]]:
    """What no other order of its client may be called meanwhile."""
    return [(incoming.client, id) for id in (incoming.id, *(job.id for job in incoming.jobs))]
