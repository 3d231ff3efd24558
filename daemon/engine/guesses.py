"""Takes that nobody has asked for yet: one is made while nothing else is to do, what is made lies
on the shelf.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pipeline.request_files import resolve_request
from pipeline.take import TakeInfo

from ..jobs import Event, Job, Listener, Order, Priority
from ..landing import clips, folders
from ..settings import Settings
from . import held_jobs
from .event_bus import ignore_event, notify
from .shelf import Prepared, Shelf, key

log = logging.getLogger("acestepd.engine")

REST = 30.0  # seconds after a panic in which nothing is made in advance


class Guess(NamedTuple):
    """A job that nobody has asked for yet, and the order that may come."""

    job: Job
    order: Order


class Guesses:
    """The engine guards it with its lock. `stop` makes no more of a job, `discard` removes files,
    later.
    """

    def __init__(
        self,
        settings: Settings,
        stop: Callable[[Job], None],
        discard: Callable[[clips.Staged], None],
    ) -> None:
        self._settings = settings
        self._stop = stop
        self._discard = discard
        self._shelf = Shelf(settings)
        self._guess: Guess | None = None  # what is being made in advance
        self._overhear: Listener = ignore_event
        self._rest = 0.0  # time.monotonic() until which nothing is made in advance

    # --- what is wanted ---------------------------------------------------------------------------

    def want(self, orders: Sequence[Order], overhear: Listener) -> None:
        """These instead of those before."""
        self._overhear = overhear
        self.discard(self._shelf.want(orders))
        if self._guess and not self._shelf.wants(self._guess.order):
            self.drop()

    def change(self, settings: Settings) -> None:
        self._settings = settings
        self.discard(self._shelf.change(settings))

    def forget(self) -> None:
        """Another model plays: nothing that was made is worth anything."""
        self.drop()
        self.discard(self._shelf.clear())

    def rest(self, seconds: float = REST) -> None:
        """Make nothing for a while."""
        self._rest = time.monotonic() + seconds

    # --- one is made ------------------------------------------------------------------------------

    @property
    def due(self) -> bool:
        """Whether the next one may be begun, where nothing else is to do."""
        return self._guess is None and time.monotonic() >= self._rest

    def next(self) -> Job | None:
        """The likeliest that is not made, as a job; from now on it is being made."""
        while order := self._shelf.next():
            out = order.out or self._settings.out
            try:
                resolved = resolve_request(order.request)
            except ValueError as error:
                log.debug("%s is not made in advance: %s", order.id, error)
                self._shelf.spoil(order)
                continue
            if folders.unready(out, resolved):
                self.rest(held_jobs.HOLD_SECONDS)
                return None
            job = Job(
                order.client,
                order.id,
                order.request,
                resolved,
                out,
                Priority.SPECULATION,
                origin=order.origin,
            )
            self._guess = Guess(job, order)
            return job
        return None

    def drop(self) -> None:
        """Make no more of it; what waits for its files on another thread throws them away."""
        if self._guess and not self._guess.job.cancel_requested:
            self._guess.job.cancel_requested = True
            self._stop(self._guess.job)

    def keep(self, job: Job, staged: clips.Staged, info: TakeInfo) -> list[Prepared] | None:
        """Put a take on the shelf. What has to make room for it; None where it is not wanted any
        more. OSError.
        """
        guess = self._guess
        if guess is None or job.cancel_requested or not self._shelf.wants(guess.order):
            return None
        size = sum(file.source.stat().st_size for file in staged.files)
        return self._shelf.put(guess.order, Prepared(job, staged, info, size))

    def over(self, job: Job, kind: str, spoilt: bool = False) -> None:
        """A guess is "prepared", or "dropped"; one that is spoilt is not tried again."""
        if self._guess and self._guess.job is job:
            if spoilt:
                self._shelf.spoil(self._guess.order)
            self._guess = None
        self.murmur(Event(kind, job))

    def learn(self, info: TakeInfo, samples: int) -> None:
        """How much memory takes need."""
        self._shelf.learn(info, samples)

    # --- somebody asks ----------------------------------------------------------------------------

    def prepared(self, order: Order) -> Prepared | None:
        """The take of that very order, where it is on the shelf and whole."""
        return self._shelf.find(order)

    def making(self, order: Order) -> Job | None:
        """The job that makes the take of that very order."""
        guess = self._guess
        return (
            guess.job
            if guess and key(guess.order) == key(order) and not guess.job.cancel_requested
            else None
        )

    def claimed(self, order: Order) -> None:
        """What is being made is no guess any more."""
        self._guess = None
        self.asked(order)

    def asked(self, order: Order) -> None:
        """Somebody has asked for it: not to be made in advance any more."""
        self._shelf.remove(order)

    # --- who hears of it --------------------------------------------------------------------------

    def murmur(self, event: Event) -> None:
        notify(self._overhear, event)

    def discard(self, gone: list[Prepared]) -> None:
        for prepared in gone:
            self._discard(prepared.staged)
            self.murmur(Event("dropped", prepared.job))

    def clear(self) -> list[Prepared]:
        """The daemon ends: the files that are nobody's."""
        return self._shelf.clear()
