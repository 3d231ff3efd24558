"""Takes are made before anybody asks, while there is nothing else to do: one at a time, or, where
there are several workers, by all of them but one. A client whose order was expected gets the
prepared take at once.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from pipeline.explain import Explanation
from pipeline.request import Request
from pipeline.take import TakeInfo

from ..jobs import Event, Job, JobState, Listener, Order, Priority
from ..landing import folders, staging
from ..settings import Settings
from . import held_jobs, orders
from .event_bus import ignore_event, notify
from .fair_lock import FairLock
from .prepared_takes import PreparedTake, PreparedTakes, key_of
from .run import Loss, Run

log = logging.getLogger("acestepd.engine")

PAUSE_SECONDS = 30.0  # after a panic


class RunControl(Protocol):
    """What the speculation needs of the dispatcher, which explains each."""

    def when_idle(self, make_run: Callable[[], Run | None]) -> None: ...
    def start_idle_run(self) -> None: ...
    def check_model(self, request: Request) -> None: ...
    def call_aside(self, task: Callable[[], None]) -> None: ...
    def stop(self, run: Run) -> None: ...
    def is_progressing(self, run: Run) -> bool: ...
    def hand_over(self, run: Run, job: Job) -> None: ...
    def land_staged(
        self, run: Run, job: Job, take: PreparedTake, due: float, is_noted: bool
    ) -> None: ...
    def discard(self, staged: staging.Staged) -> None: ...


class ExpectedRun(NamedTuple):
    """The run that makes a take in advance, and the order that may come for it."""

    run: Run
    order: Order


class Claim(NamedTuple):
    """An expected order has come, and is not written down yet."""

    order: Order
    job: Job
    take: PreparedTake | None  # the client's from now on; None: it is just being made

    @property
    def landing(self) -> str:
        """What the journal has to know of staged files."""
        return self.take.staged.to_json() if self.take else ""


class InspectedOrder(NamedTuple):
    """An expected order that can be made now: its files exist, and its folder takes more."""

    order: Order
    resolution: orders.Resolution
    out: Path


class Speculation:
    """The owner of the runs that no client has ordered. Only its listener is told of them, by the
    events "progress", "prepared" and "dropped". Guarded by the engine's lock, `lock`; files are
    looked at without it.
    """

    serves_clients = False

    def __init__(
        self,
        lock: FairLock,
        settings: Settings,
        runs: RunControl,
        estimate_bytes: Callable[[int], float],
        find_default_guide: Callable[[], str],
        count_at_a_time: Callable[[], int] = lambda: 1,
    ) -> None:
        self._lock = lock
        self._settings = settings
        self._runs = runs
        self._find_default_guide = find_default_guide
        self._takes = PreparedTakes(settings, estimate_bytes)
        self._count_at_a_time = count_at_a_time
        self._current: list[ExpectedRun] = []
        self._inspected: InspectedOrder | None = None  # just now
        self._is_inspecting = False
        self._listener: Listener = ignore_event
        self._paused_until = 0.0  # time.monotonic()
        self._closing = False
        runs.when_idle(self._make_run)

    # --- which takes ------------------------------------------------------------------------------

    def prepare(self, orders: Sequence[Order], listener: Listener) -> None:
        """Expect these orders, the likeliest first, instead of those before."""
        self._listener = listener
        self._discard(self._takes.set_orders(orders))
        self._stop(*(each for each in self._current if not self._takes.is_expected(each.order)))
        self._runs.start_idle_run()

    def withdraw(self, order: Order) -> None:
        """The order has come: its take is not made in advance any more."""
        self._takes.remove(order)

    def change_settings(self, settings: Settings) -> None:
        self._settings = settings
        self._discard(self._takes.change_settings(settings))

    def reset(self) -> None:
        """Another model plays, or other adapters: nothing that was made is of any use."""
        self._stop(*self._current)
        self._discard(self._takes.clear())

    def pause(self) -> None:
        """Stop what is being made, and begin nothing for a while."""
        self._pause(PAUSE_SECONDS)
        self._stop(*self._current)

    def close(self) -> None:
        """The daemon ends: begin nothing and keep nothing any more."""
        self._closing = True

    def clear(self) -> list[staging.Staged]:
        """The staged files of the prepared takes, which nobody will order any more."""
        return [take.staged for take in self._takes.clear()]

    # --- an expected order comes ------------------------------------------------------------------

    def find_take(self, order: Order) -> PreparedTake | None:
        """The take that is ready for an order. Whether its files are there is not looked at."""
        return self._takes.find(order) if order.count == 1 else None

    def claim(self, order: Order, incomplete: PreparedTake | None = None) -> Claim | None:
        """The claim of an order whose take is ready, or just being made; None where it has to be
        queued. `incomplete` is a take that nobody can have, as files of it are gone. The claim is
        fulfilled when the journal has its job, or given back.
        """
        if order.count != 1:
            return None
        take = self._takes.find(order)
        if take and take is not incomplete:
            job = _make_client_job(order, take.run.job)
            job.state = JobState.LANDING
            self._takes.remove(order)
            return Claim(order, job, take)
        current = self._find_current(order)
        if current is None:
            return None
        if self._runs.is_progressing(current.run):
            return Claim(order, _make_client_job(order, current.run.job), None)
        # it goes on only after the run that interrupts it: a job in the queue need not wait so long
        self._stop(current)
        return None

    def fulfil(self, claim: Claim) -> bool:
        """The journal has the job of a claim: its take lands, or goes on as this job's. False where
        it has to be queued after all.
        """
        order, job, take = claim
        if take:
            self._runs.land_staged(take.run, job, take, order.due, is_noted=True)
            return True
        if take := self._takes.find(order):  # it has become ready meanwhile
            self._takes.remove(order)
            self._runs.land_staged(take.run, job, take, order.due, is_noted=False)
            return True
        current = self._find_current(order)
        if current is None or not self._runs.is_progressing(current.run):
            return False
        self._current.remove(current)
        self._takes.remove(order)
        _copy_plan(current.run.job, job)
        self._runs.hand_over(current.run, job)
        return True

    def give_back(self, claim: Claim) -> None:
        """Its order was refused."""
        if claim.take:
            self._discard(self._takes.put_back(claim.order, claim.take))

    def _find_current(self, order: Order) -> ExpectedRun | None:
        """The run that makes the take of an order just now."""
        for current in self._current:
            if key_of(current.order) == key_of(order) and not current.run.job.cancel_requested:
                return current
        return None

    # --- one is made ------------------------------------------------------------------------------

    def _make_run(self) -> Run | None:
        """The run of the likeliest order whose take is not ready, where there is one. Its files are
        looked at first, on another thread, which then comes back for the run.
        """
        if self._closing or time.monotonic() < self._paused_until:
            return None
        if len(self._current) >= self._count_at_a_time():
            return None
        order = self._takes.next_order({key_of(current.order) for current in self._current})
        if order is None:
            return None
        out = order.out or self._settings.out
        inspected = self._inspected
        if inspected and inspected.out == out and key_of(inspected.order) == key_of(order):
            job = Job(
                order.client,
                order.id,
                *inspected.resolution,
                out,
                Priority.SPECULATION,
                origin=order.origin,
                notes=order.notes,
            )
            self._current.append(ExpectedRun(Run(job, self), order))
            return self._current[-1].run
        if not self._is_inspecting:
            self._is_inspecting = True
            self._runs.call_aside(lambda: self._inspect(order, out))
        return None

    def _inspect(self, order: Order, out: Path) -> None:
        """Look at an order's files and its folder, without the lock; then begin it, where it is
        still the likeliest and there is still nothing else to do.
        """
        resolution: orders.Resolution | None = None
        obstacle: OSError | None = None
        try:
            default_guide = self._find_default_guide()
            with self._lock:
                self._runs.check_model(order.request)
            resolution = orders.resolve_order(order, self._settings.linked_files, default_guide)
            obstacle = folders.find_obstacle(out, resolution.made)
        except Exception as error:  # whatever it is, it must not keep the others from being made
            log.debug("%s is not made in advance: %s", order.id, error)
        with self._lock:
            self._is_inspecting = False
            if resolution is None:
                self._takes.mark_impossible(order)
            elif obstacle:
                self._pause(held_jobs.HOLD_SECONDS)
            else:
                self._inspected = InspectedOrder(order, resolution, out)
            self._runs.start_idle_run()
            self._inspected = None  # later on, the files may have changed

    def _stop(self, *current: ExpectedRun) -> None:
        """Stop making these takes. Where files are being written already, they are removed
        afterwards.
        """
        for run, _ in current:
            if not run.job.cancel_requested:
                run.job.cancel_requested = True
                self._runs.stop(run)

    def _pause(self, seconds: float) -> None:
        self._paused_until = time.monotonic() + seconds

    def _end(self, run: Run, kind: str, is_impossible: bool = False) -> None:
        """A run is over: "prepared", or "dropped"."""
        for current in [each for each in self._current if each.run is run]:
            if is_impossible:
                self._takes.mark_impossible(current.order)
            self._current.remove(current)
        notify(self._listener, Event(kind, run.job))

    def _discard(self, takes: list[PreparedTake]) -> None:
        for take in takes:
            self._runs.discard(take.staged)
            notify(self._listener, Event("dropped", take.run.job))

    # --- as the owner of a run --------------------------------------------------------------------

    def publish(self, event: Event) -> None:
        if event.kind == "progress":
            notify(self._listener, event)

    def keep_staged(self, run: Run, staged: staging.Staged, info: TakeInfo, size: int) -> bool:
        """The take is ready, where it is still expected; it is not kept where it is not."""
        order = next((current.order for current in self._current if current.run is run), None)
        is_stopped = self._closing or run.job.cancel_requested
        if order is None or is_stopped or not self._takes.is_expected(order):
            self._end(run, "dropped")
            return False
        discarded = self._takes.add(order, PreparedTake(run, staged, info, size))
        self._end(run, "prepared")
        self._discard(discarded)
        return True

    def handle_worker_exit(self, run: Run, reason: str, loss: Loss) -> None:
        self._end(run, "dropped", is_impossible=loss is not Loss.AWAY)

    def handle_landing_failure(self, run: Run, error: Exception) -> None:
        log.info("%s was not made in advance: %s", run.job.id, error)
        self._pause(held_jobs.HOLD_SECONDS)
        self._end(run, "dropped", is_impossible=not isinstance(error, OSError))

    def end(self, run: Run, state: JobState, *values: object) -> None:
        self._end(run, "dropped", is_impossible=state is JobState.FAILED)


def _make_client_job(order: Order, expected: Job) -> Job:
    """The job of an order that has come, in the place of the one that was expected."""
    job = dataclasses.replace(
        expected,
        client=order.client,
        priority=order.priority,
        origin=order.origin,
        parent=order.parent,
        observers=set(),
    )
    _copy_plan(expected, job)
    return job


def _copy_plan(expected: Job, job: Job) -> None:
    job.plan_events = tuple(dataclasses.replace(event, job=job) for event in expected.plan_events)
    job.line_events = tuple(dataclasses.replace(event, job=job) for event in expected.line_events)
    notes = (Explanation(note, note in expected.problems) for note in expected.notes)
    job.add_notes(notes)
