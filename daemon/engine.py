"""The queue, its journal, and the worker that renders: from an order to files that are announced."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import queue
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.cost import Defaults, cost
from pipeline.request import SAMPLE_RATE, Request
from pipeline.stored import Store, Stored
from pipeline.weights.adapter import Adapter

from .jobs import Event, Job, Listener, Order, Pace, Priority, Refused, failure
from .journal import Journal
from .landing import clips, folders, levels
from .later import Later
from .line import Line
from .settings import Settings
from .shelf import Prepared, Shelf, key
from .supervisor import Helper, Process

log = logging.getLogger("acestepd.engine")

PROGRESS_SECONDS = 0.1  # between two progress events of a job
TICK = 0.25  # seconds between two looks at what has no event of its own
HOLD_SECONDS = 3.0  # between two looks whether a folder takes files again
LONGEST_HOLD = 300.0  # seconds before a job is tried again whose folder seemed to be well, and was not
CRASHES = 2  # of the worker on one job, after which the job is given up; and while loading, the model
LONGEST_PAUSE = 30.0  # seconds before a worker that keeps ending is started again
REST = 30.0  # seconds after a panic in which nothing is made in advance
GENERATE = "/ace/generate"  # the command that failures of a job are about
MODEL = "/ace/model"  # the command that failures to load are about
WAITS = "it is kept, and goes on when a model plays; /ace/model tries again or plays another; see: acestepd doctor"
WEAR = "/ace/adapter"
KEPT = "it is kept, and goes on by itself when the folder takes files again; /ace/cancel gives it up"


class Wanted(NamedTuple):
    """Which model should play, and what it should wear."""

    model: str
    variant: str
    adapters: tuple[Adapter, ...] = ()


class Guess(NamedTuple):
    """A job that nobody has asked for yet, and the order that may come."""

    job: Job
    order: Order


class Hung(Exception):
    """The worker does not answer any more."""


def _post(connection: Connection, outbox: queue.SimpleQueue[bytes]) -> None:
    """Send what is put into `outbox`, until that is empty bytes or the worker has gone."""
    with suppress(OSError):  # the thread that listens will notice
        while data := outbox.get():
            connection.send_bytes(data)


def _adapters(about: dict[str, Any]) -> tuple[Adapter, ...]:
    return tuple(Adapter(*one) for one in about["adapters"])


def _nobody(event: Event) -> None:
    """For who does not want to hear an outcome again."""


DATA = ("sound", "preview", "latents")  # messages that bytes follow
LATENT = 64  # channels


class Engine:
    """Takes orders from any thread. A thread of its own talks to the worker; another lands the files.

    Listeners hear every event, on the thread where it happens, and must be quick. How a job stands changes, and is
    told, under one lock: nobody hears two endings, or progress after the end.
    """

    def __init__(
        self, settings: Settings, wanted: Wanted, journal: Journal, start: Callable[[], Helper] = Process
    ) -> None:
        self.settings, self.journal = settings, journal
        self._wanted, self._start_worker = wanted, start
        self.lock = self._lock = threading.RLock()  # a listener that also asks for jobs needs it, or a deadlock
        self._wake = threading.Condition(self._lock)
        self._line = Line()
        self._running: list[Job] = []  # the last one is being worked on; it interrupted the one before
        self._landing: list[Job] = []
        self._held: list[Job] = []
        self._worker: Helper | None = None
        self._outbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()  # orders for it
        self._defaults: Defaults | None = None  # of the model, once it is loaded
        self._pace = Pace()
        self._sounds: dict[int, list[clips.Sound]] = defaultdict(list)
        self._stored: dict[int, tuple[str, Stored]] = {}  # what decodes the mix, and what it was decoded from
        self._told: dict[int, float] = {}
        self._listeners: list[Listener] = []
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._lander = ThreadPoolExecutor(1, "landing")
        self._shelf = Shelf(settings)
        self._guess: Guess | None = None  # what is being made in advance
        self._overhear: Listener = _nobody
        self._rest = 0.0  # time.monotonic() until which nothing is made in advance
        self._shelver = ThreadPoolExecutor(1, "shelf")
        self._handing = ThreadPoolExecutor(1, "handing out")  # who hits a pad waits for no other files
        self._later = Later()
        self._crashes = 0  # of the worker, in a row
        self._closing = self._replace = self._begun = False
        self._worn: tuple[Adapter, ...] = ()  # by the worker's model
        self._fitting = False  # whether it is just putting others on
        self._last_sign = self._last_job = self._looked = time.monotonic()
        self.caches: dict[str, list[int]] = {}  # hits and misses by kind, of the model that plays
        self.title = wanted.model
        self.state = "cold"
        self.error = ""

    # --- for the surfaces ----------------------------------------------------------------------------------------

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def start(self) -> None:
        """Take up what an earlier daemon left, and begin."""
        self._resume()
        self._thread.start()

    def submit(self, order: Order, again: Listener = _nobody) -> list[Job]:
        """Queue an order: one job, or `count` of them called id.1, id.2 and so on, with seeds in a row.

        The same (client, id) with the same wish is the order there is: `again` hears how it stands. Only failed jobs
        are tried anew. Raises `Refused`: 409 for the same id with another wish, 429 when the queue is full, 503 when
        the daemon closes, 507 when the order cannot be written down.
        """
        with self._lock:
            known = self._known(order)
            if known and any(job.wish != order.wish for job in known[:1]):
                raise Refused(409, f"id {order.id!r} was used for another request", "send every request under a new id")
            if known and not all(job.state == "fail" for job in known):
                for job in known:
                    for event in job.outcome:
                        again(event)
                return known
            if handed := self._in_advance(order):
                return [handed]
            self._check_room(order)
            jobs = self._jobs(order)
            self._write_down(jobs)
            self._shelf.remove(order)
            self._enter(*jobs)
            self._tell_state()
            self._dispatch()
            self._wake.notify_all()
            return jobs

    def reroll(self, client: str, id: str, parent: str = "", seed: int = -1, again: Listener = _nobody) -> list[Job]:
        """The wish of another job with a new seed. Without `parent` it is the client's newest, or the newest of all."""
        if parent:
            old = self.find(client, parent)
        else:
            newest = self.journal.newest(client) or self.journal.newest()
            if newest is None:
                raise Refused(404, "there is nothing to reroll yet", "send /ace/generate first")
            old = newest
        wish = dataclasses.replace(old.wish, seed=seed)
        return self.submit(Order(client, id, wish, out=old.out, origin=old.origin or f"reroll of {old.id}"), again)

    def cancel(self, client: str, id: str) -> int:
        """Cancel a job or an order's jobs, the client's own or the newest of that name; `*` cancels all. How many.

        The client hears each of them end. Raises `Refused` 404, or 409 when the files are just landing.
        """
        with self._lock:
            found = self._cancellable(client, id)
            for job in found:
                job.also.add(client)
                if job in self._running:
                    if not job.cancelled:
                        self._send("cancel", job)
                    job.cancelled = True
                    continue
                if job in self._held and (staged := self._staged(job)):
                    clips.discard(staged)
                self._line.remove(job)
                self._held = [other for other in self._held if other is not job]
                self._end(job, "cancelled", landing="")
            self._tell_state()
            return len(found)

    def panic(self, client: str) -> int:
        """Cancel everything."""
        with self._lock:
            self._rest = time.monotonic() + REST
            self._drop_guess()
            return self.cancel(client, "*")

    def prepare(self, orders: Sequence[Order], overhear: Listener = _nobody) -> None:
        """Make these in advance, the likeliest first, while nothing else is to do, and within the settings' budget.

        They replace those that were wanted before. Whoever submits one of them, with its id and wish, has its take at
        once. Until then it is nobody's: only `overhear` hears of it ("progress", "prepared", "dropped"), no file of it
        has a name, and the journal does not know it. The wishes must be complete: with their seeds.
        """
        with self._lock:
            self._overhear = overhear
            self._discard(self._shelf.want(orders))
            if self._guess and not self._shelf.wants(self._guess.order):
                self._drop_guess()
            self._speculate()

    def favourite(self, client: str, id: str, on: bool = True) -> Job:
        with self._lock:
            job = self.find(client, id)
            job.favourite = on
            try:
                self.journal.mark(job)
            except OSError as error:
                raise Refused(507, str(error.strerror), "free some space, then mark it again") from error
            self._emit(Event("favourite", job, (int(on),)))
            return job

    def find(self, client: str, id: str) -> Job:
        """The client's own job, or else the newest of that name that has not ended, or else the newest.

        A client may send from a new port every time. The id of an order of several is its first job.
        """
        with self._lock:
            open_jobs = [job for job in self.active() if id in (job.id, job.batch)]
            if mine := [job for job in open_jobs if job.client == client]:
                return mine[0]
            if job := self.journal.get(client, id) or self.journal.get(client, f"{id}.1"):
                return job
            if open_jobs:
                return open_jobs[-1]
            if job := self.journal.named(id) or self.journal.named(f"{id}.1"):
                return job
            raise Refused(404, f"no job is called {id[:40]!r}")

    def batch(self, client: str, id: str) -> list[Job]:
        """The jobs of an order of several, also those that have ended."""
        with self._lock:
            living = {job.number: job for job in self.active()}
            return [living.get(job.number, job) for job in self.journal.batch(client, id)]

    def active(self) -> list[Job]:
        """The jobs that have not ended: what runs and lands, what waits, in order, and what is held."""
        with self._lock:
            known = [*self._landing, *reversed(self._running), *self._line, *self._held]
            return [job for job in known if not job.speculative]

    def state_event(self) -> Event:
        return Event("state", None, (self.state, self.title, len(self._line)))

    def announce(self, event: Event, due: float = 0.0) -> None:
        """Let a surface tell all surfaces something, at `due` (time.monotonic()) or now."""
        self._later.at(due, partial(self._emit, event))

    def switch(self, model: str, variant: str = "") -> None:
        """Play another model from the next job on; the queue waits for it. The same model is loaded afresh."""
        with self._lock:
            same = (model, variant) == self._wanted[:2]  # another model has other layers
            adapters = self._wanted.adapters if same else ()
            self._wanted, self._replace, self._crashes, self.error = Wanted(model, variant, adapters), True, 0, ""
            self._drop_guess()
            self._discard(self._shelf.clear())
            self._wake.notify_all()

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """What the model wears, or will from the next job on."""
        return self._wanted.adapters

    def wear(self, *adapters: Adapter) -> None:
        """Play with these adapters and no others from the next job on; the queue waits for it. Nothing is loaded anew.

        If they cannot be put on, that is told as a fail, and it goes on with what is worn.
        """
        with self._lock:
            self._wanted = self._wanted._replace(adapters=adapters)
            self._drop_guess()
            self._discard(self._shelf.clear())
            if self.error:  # perhaps because of them
                self._replace, self._crashes, self.error = True, 0, ""
                self._wake.notify_all()
            self._dispatch()

    def change(self, settings: Settings) -> None:
        """Other limits from now on."""
        with self._lock:
            self.settings = settings
            self._discard(self._shelf.change(settings))

    def close(self) -> None:
        """Stop. What has not ended stays in the journal and goes on with the next daemon; files that land, land."""
        with self._lock:
            self._closing = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        for landing in (self._lander, self._shelver, self._handing):
            landing.shutdown()
        self._later.close()
        for prepared in self._shelf.clear():
            clips.discard(prepared.staged)
        self._become("cold")

    # --- orders become jobs --------------------------------------------------------------------------------------

    def _known(self, order: Order) -> list[Job]:
        if not order.id:
            return []
        job = self.journal.get(order.client, order.id)
        jobs = [job] if job else self.journal.batch(order.client, order.id)
        if jobs and len(jobs) != order.count:
            count = len(jobs)
            raise Refused(409, f"id {order.id!r} was used for {count} takes", "send every request under a new id")
        living = {job.number: job for job in self.active()}
        return [living.get(job.number, job) for job in jobs]

    def _check_room(self, order: Order) -> None:
        if self._closing:
            raise Refused(503, "the daemon is closing")
        if order.wish.loudness and not levels.can_measure():
            raise Refused(422, "loudness cannot be measured here", "pip install 'acestepd[loudness]', or leave it at 0")
        if order.count < 1:
            raise Refused(422, f"count must be at least 1, got {order.count}")
        most = min(self.settings.queue, self.settings.queue_per_client)
        if order.count > most:
            raise Refused(
                422, f"count must be at most {most}, which may wait, got {order.count}", "see queue, settings"
            )
        if len(self._line) + len(self._held) + order.count > self.settings.queue:
            raise Refused(429, f"the queue is full ({self.settings.queue} jobs)", "wait, or /ace/cancel *")
        own = self._line.of(order.client) + sum(job.client == order.client for job in self._held)
        if own + order.count > self.settings.queue_per_client:
            limit = self.settings.queue_per_client
            raise Refused(429, f"{limit} of your jobs may wait at a time", "wait, or /ace/cancel *")

    def _jobs(self, order: Order) -> list[Job]:
        out, id = order.out or self.settings.out, order.id or secrets.token_hex(3)
        if order.count == 1:
            resolved = order.wish.resolved()
            return [Job(order.client, id, order.wish, resolved, out, order.priority, origin=order.origin)]
        first, jobs = order.wish.resolved(), []
        # Around a seed that was given, several takes are variations of its take.
        name = "variation_seed" if first.variation and order.wish.seed >= 0 else "seed"
        for number in range(order.count):
            resolved = first.changed({name: (getattr(first, name) + number) % 2**32})
            job = Job(order.client, f"{id}.{number + 1}", order.wish, resolved, out, order.priority, id, order.origin)
            jobs.append(job)
        return jobs

    def _enter(self, *jobs: Job) -> None:
        eta = self._eta()
        for job in jobs:
            written = job.state == "waiting"  # in the journal: nothing is written twice before the client is answered
            job.start_over()
            self._estimate(job)
            position = len(self._asked()) + self._line.add(job)
            eta += self._pace.remaining(job)
            self._emit(Event("queued", job, (position, eta)))
            if not written:
                self._note(job)

    def _cancellable(self, client: str, id: str) -> list[Job]:
        if id == "*":
            return [job for job in self.active() if job not in self._landing]
        several = [job for job in self.active() if job.batch == id]
        mine = [job for job in several if job.client == client] or several
        if free := [job for job in mine if job not in self._landing]:
            return free
        job = self.find(client, id)
        if job.ended:
            raise Refused(404, f"job {id!r} has already ended")
        if job in self._landing:
            raise Refused(409, f"job {id!r} is done, its files are just landing")
        return [job]

    # --- takes in advance --------------------------------------------------------------------------------------------

    def _asked(self) -> list[Job]:
        """What runs because somebody wants it."""
        return [job for job in self._running if not job.speculative]

    def _in_advance(self, order: Order) -> Job | None:
        """The job of an order whose take is on the shelf, or being made for it."""
        if self._closing or order.count != 1:
            return None
        if prepared := self._shelf.find(order):
            return self._hand_out(order, prepared)
        guess = self._guess
        if guess and key(guess.order) == key(order) and not guess.job.cancelled:
            if guess.job in (*self._running[-1:], *self._landing):
                return self._claim(order, guess.job)
            self._drop_guess()  # something else is on top of it: as a job of its own, it need not wait for that
        return None

    def _hand_out(self, order: Order, prepared: Prepared) -> Job:
        """From the moment the journal has it the take will land, whatever happens."""
        made = prepared.job
        job = Job(order.client, made.id, order.wish, made.request, made.out, order.priority, origin=order.origin)
        job.state, job.cost, job.worked = "landing", made.cost, made.worked
        self._write_down([job], prepared.staged.to_json())
        self._shelf.remove(order)
        self._landing.append(job)
        self._emit(Event("queued", job, (0, 0.0)))
        if clips.show(prepared.staged):
            job.clips = _clip_events(job, prepared.staged.clips, prepared.made.request)
            for event in job.clips:
                self.announce(event, order.due)
        self._handing.submit(self._give_names, job, prepared.staged, prepared.made, order.due)
        return job

    def _claim(self, order: Order, job: Job) -> Job:
        """Somebody wants what is just being made."""
        before = job.client, job.wish, job.priority
        job.client, job.wish, job.priority = order.client, order.wish, order.priority
        try:
            self._write_down([job])
        except Refused:
            job.client, job.wish, job.priority = before
            raise
        self._guess = None
        self._shelf.remove(order)
        self._emit(Event("queued", job, (0, self._pace.remaining(job))))
        if job in self._running:
            self._become("busy")
        return job

    def _write_down(self, jobs: list[Job], landing: str = "") -> None:
        """Into the journal, before anybody hears of them. Raises `Refused` 507."""
        try:
            self.journal.add(jobs, landing)
        except OSError as error:
            raise Refused(
                507, str(error.strerror), "free some space: nothing is accepted that could be lost"
            ) from error

    def _speculate(self) -> None:
        """Begin to make a take in advance, where there is nothing else to do."""
        while self._idle() and (order := self._shelf.next()):
            out = order.out or self.settings.out
            try:
                resolved = order.wish.resolved()
            except ValueError as error:
                log.debug("%s is not made in advance: %s", order.id, error)
                self._shelf.spoil(order)
                continue
            if folders.unready(out, resolved):
                self._rest = time.monotonic() + HOLD_SECONDS
                return
            job = Job(order.client, order.id, order.wish, resolved, out, Priority.SPECULATION, origin=order.origin)
            self._guess = Guess(job, order)
            self._estimate(job)
            self._running.append(job)
            self._last_sign = time.monotonic()
            job.take_up()
            self._send("render", job, request=dataclasses.asdict(job.request))

    def _idle(self) -> bool:
        ready = self._defaults and self._worker and not self._replace and not self._closing and self._fits()
        free = not (self._guess or self._running or len(self._line))
        return bool(ready and free and time.monotonic() >= self._rest)

    def _drop_guess(self) -> None:
        """Make no more of it; what waits for its files on another thread throws them away."""
        if self._guess and not self._guess.job.cancelled:
            self._guess.job.cancelled = True
            if self._guess.job in self._running:
                self._send("cancel", self._guess.job)

    def _guessed(self, job: Job, kind: str, spoilt: bool = False) -> None:
        """A guess is over: "prepared", or "dropped"."""
        if self._guess and self._guess.job is job:
            if spoilt:
                self._shelf.spoil(self._guess.order)
            self._guess = None
        self._landing = [other for other in self._landing if other is not job]
        self._told.pop(job.ticket, None)
        self._murmur(Event(kind, job))

    def _murmur(self, event: Event) -> None:
        try:
            self._overhear(event)
        except Exception:
            log.exception("a listener failed on %s", event.kind)

    def _shelved(self, job: Job, staged: clips.Staged, made: clips.Made) -> bool:
        """Put it on the shelf. False where somebody has asked for it meanwhile, and it must land."""
        with self._lock:
            if not job.speculative:
                return False
            guess = self._guess
            if guess is None or job.cancelled or self._closing or not self._shelf.wants(guess.order):
                clips.discard(staged)
                self._guessed(job, "dropped")
            else:
                size = sum(file.source.stat().st_size for file in staged.files)
                prepared = Prepared(job, staged, dataclasses.replace(made, sounds=()), size)
                gone = self._shelf.put(guess.order, prepared)
                self._guessed(job, "prepared")
                self._discard(gone)
            self._speculate()
            return True

    def _discard(self, gone: list[Prepared]) -> None:
        for prepared in gone:
            if not self._closing:
                self._shelver.submit(clips.discard, prepared.staged)
            self._murmur(Event("dropped", prepared.job))

    # --- what an earlier daemon left -----------------------------------------------------------------------------

    def _resume(self) -> None:
        """Finish what was landing, queue what was not; remove this journal's own half-written files."""
        with self._lock:
            known = {job.number for job in self.active()}
            waiting = []
            for job in self.journal.unfinished():
                if job.number in known:
                    continue
                try:
                    if not self._recovered(job):
                        waiting.append(job)
                except OSError as error:
                    self._hold(job, error)
                except Exception:  # whatever it is, it must not keep the daemon from starting
                    log.exception("the files of job %s", job.id)
                    waiting.append(job)
            self._enter(*waiting)
            keep = {staged.staging for job in self._held if (staged := self._staged(job))}
            for folder in {*self.journal.folders(), self.settings.out}:
                try:
                    clips.sweep(folder, self.journal.token, keep)
                except OSError as error:
                    log.info("%s could not be looked through: %s", folder, error)

    def _recovered(self, job: Job) -> bool:
        """Whether the job's files had been staged before; then they land now. Raises OSError."""
        staged = self._staged(job)
        landed = clips.recover(staged, lambda other: self._remember(job, other)) if staged else None
        if landed is None:
            return False
        self._finish(job, landed)
        return True

    def _staged(self, job: Job) -> clips.Staged | None:
        """What the journal knows of files that were landing."""
        try:
            note = self.journal.landing(job)
            return clips.Staged.from_json(note) if note else None
        except ValueError as error:
            log.error("job %s is rendered again: %s", job.id, error)
            return None

    def _remember(self, job: Job, staged: clips.Staged) -> None:
        self.journal.note(job, landing=staged.to_json())

    # --- the thread that talks to the worker ---------------------------------------------------------------------

    def _run(self) -> None:
        while self._needed():
            self._become("loading")
            try:
                worker = self._start_worker()
            except OSError as error:
                self._crashed(f"it could not be started: {error}")
                continue
            try:
                self._converse(worker)
            except Hung as error:
                self._crashed(str(error))
            except (EOFError, OSError):
                if not self._closing:
                    self._crashed(worker.obituary())
            except Exception:
                log.exception("the engine's thread")
                self._crashed("a bug in the daemon")
            finally:
                with self._lock:
                    self._worker = self._defaults = None
                    self._outbox.put(b"")
                worker.stop()

    def _needed(self) -> bool:
        """Waits until a worker is needed: at the start, and then when there is something to render. False: closing."""
        with self._lock:
            if self._crashes:
                self._wake.wait_for(lambda: self._closing, min(LONGEST_PAUSE, 2.0**self._crashes - 1))
            while self._begun and not (self._closing or self._crashes or len(self._line) or self._replace):
                self._wake.wait(TICK)
                self._release_held()
            self._begun, self._replace, self.error = True, False, ""
            return not self._closing

    def _converse(self, worker: Helper) -> None:
        """Until the worker ends, or is not needed any more."""
        with self._lock:
            self._worker, self._outbox, self._last_sign = worker, queue.SimpleQueue(), time.monotonic()
            self._fitting = False
        post = threading.Thread(target=_post, args=(worker.connection, self._outbox), name="orders", daemon=True)
        names = ("cache_gb", "conditions_mb", "latents_mb", "memory_gb", "wired_gb", "revision", "bits")
        wanted = self._wanted._asdict() | {name: getattr(self.settings, name) for name in names}
        wanted["latents"] = str(self.settings.state / "latents")
        self._outbox.put(json.dumps(wanted).encode())
        post.start()
        while True:
            if worker.connection.poll(TICK):
                message = json.loads(worker.connection.recv_bytes())
                data = worker.connection.recv_bytes() if message["say"] in DATA else b""
                with self._lock:
                    self._last_sign = time.monotonic()
                    _HEARD[message.pop("say")](self, message, data)
            elif self._hangs():
                raise Hung(f"it gave no sign of life for {self.settings.hang_seconds:g} seconds")
            with self._lock:
                if self._closing or self._leaves():
                    self._worker = self._defaults = None  # before anybody can give it another job
                    return
                self._release_held()
                self._speculate()

    def _leaves(self) -> bool:
        """Whether the worker may go: it could not load, another model is wanted, or it had nothing to do for long."""
        if self.error:
            return True
        if self._running:
            return False
        if self._replace and self.state != "loading":
            return True
        minutes = (time.monotonic() - self._last_job) / 60
        if self.settings.idle_unload and minutes > self.settings.idle_unload and self.state == "warm":
            log.info("nothing to do for %.0f minutes: the model leaves the memory", minutes)
            self._become("cold")
            return True
        return False

    def _hangs(self) -> bool:
        silent = time.monotonic() - self._last_sign
        return (bool(self._running) or self.state == "loading") and silent > self.settings.hang_seconds

    def _crashed(self, how: str) -> None:
        log.error("the engine's process ended: %s", how)
        with self._lock:
            self._crashes += 1
            loading, running, self._running = self.state == "loading", self._running, []
            self._sounds.clear()
            self._stored.clear()
            self._become("loading")
            if loading and self._crashes > CRASHES:
                self._unloadable({"message": f"the engine's process ends while it loads the model ({how})"}, b"")
                return
            message = f"the engine's process ended ({how}) and is started again"
            self._emit(Event("fail", None, (GENERATE, 500, message, "what it was working on goes on by itself")))
            for job in running:  # the last one first of them again
                if job.speculative:
                    self._guessed(job, "dropped", spoilt=job is running[-1])
                    continue
                if job.cancelled:
                    self._end(job, "cancelled")
                    continue
                job.crashes += job is running[-1]
                if job.crashes >= CRASHES:
                    hint = "ask for something shorter, and see the log"
                    self._end(
                        job, "fail", GENERATE, 500, f"the engine's process ended twice while making it: {how}", hint
                    )
                else:
                    job.start_over()
                    self._line.back(job)
                    self._note(job)

    # --- what the worker says ------------------------------------------------------------------------------------

    def _loaded(self, about: dict[str, Any], _: bytes) -> None:
        self.title, self.error, self.caches = about["title"], "", {}
        self._worn = _adapters(about)
        self._defaults = Defaults(**about["defaults"])
        self._pace = Pace(self.journal.pace(self.title) or about["pace"])
        self._last_job = time.monotonic()
        for job in self.active():
            self._estimate(job)
        self._crashes = 0
        waited = [job for job in self._held if job.not_before == math.inf]
        self._held = [job for job in self._held if job.not_before < math.inf]
        self._become("warm")
        self._enter(*waited)
        self._dispatch()

    def _fitted(self, about: dict[str, Any], _: bytes) -> None:
        self.title, self._worn, self._fitting = about["title"], _adapters(about), False
        self._dispatch()

    def _unfit(self, about: dict[str, Any], _: bytes) -> None:
        self._wanted, self._fitting = self._wanted._replace(adapters=self._worn), False
        hint = "it goes on with what it wore: " + (" ".join(map(str, self._worn)) or "nothing")
        self._emit(Event("fail", None, (WEAR, 422, about["message"], hint)))
        self._dispatch()

    def _unloadable(self, about: dict[str, Any], _: bytes) -> None:
        """The queue waits for another attempt, or another model."""
        self.error, self._crashes, self.title = about["message"], 0, self._wanted.model
        log.error("%s", self.error)
        for job in list(self._line):
            self._line.remove(job)
            self._keep(job, math.inf, 503, self.error, WAITS)
        self._become("error")
        hint = "see: acestepd doctor; the next order, or /ace/model, tries again"
        self._emit(Event("fail", None, (MODEL, 503, self.error, hint)))

    def _progress(self, about: dict[str, Any], _: bytes) -> None:
        job = self._by_ticket(about["job"])
        if job and not job.cancelled:
            job.fraction = about["fraction"]
            if time.monotonic() - self._told.get(job.ticket, 0.0) >= PROGRESS_SECONDS:
                self._told[job.ticket] = time.monotonic()
                event = Event("progress", job, (job.fraction, about["stage"], self._pace.remaining(job)))
                (self._murmur if job.speculative else self._emit)(event)

    def _sound(self, about: dict[str, Any], data: bytes) -> None:
        audio = np.frombuffer(data, np.float32).reshape(about["channels"], -1)
        self._sounds[about["job"]].append(clips.Sound(about["name"], audio))

    def _latents(self, about: dict[str, Any], data: bytes) -> None:
        latents = np.frombuffer(data, np.float32).reshape(-1, LATENT)
        self._stored[about["job"]] = about["vae"], Stored(latents, about["gain"])

    def _preview(self, about: dict[str, Any], data: bytes) -> None:
        job = self._by_ticket(about["job"])
        if job and not job.speculative:
            audio = np.frombuffer(data, np.float32).reshape(2, -1)
            self._lander.submit(self._land_preview, job, about["step"], audio)

    def _made(self, about: dict[str, Any], _: bytes) -> None:
        job, self.caches = self._by_ticket(about.pop("job")), about.pop("caches")
        if job is None:
            return
        sounds, stored = tuple(self._sounds.pop(job.ticket, ())), self._stored.pop(job.ticket, None)
        self._leave(job)
        if job.cancelled:
            self._end(job, "cancelled")
        else:
            job.state = "landing"
            self._landing.append(job)
            if job.cost:
                self._pace.learn(job.cost, job.seconds)
            made = clips.Made(**about | {"request": Request(**about["request"])}, sounds=sounds)
            self._shelf.learn(made, job.request.samples)
            (self._shelver if job.speculative else self._lander).submit(self._land, job, made, stored)
        self._dispatch()

    def _failed(self, about: dict[str, Any], _: bytes) -> None:
        if job := self._by_ticket(about["job"]):
            self._leave(job)
            self._end(job, "fail", GENERATE, about["code"], about["message"], about["hint"])
            self._dispatch()

    def _cancelled(self, about: dict[str, Any], _: bytes) -> None:
        if job := self._by_ticket(about["job"]):
            self._leave(job)
            self._end(job, "cancelled")
            self._dispatch()

    def _by_ticket(self, ticket: int) -> Job | None:
        return next((job for job in self._running if job.ticket == ticket), None)

    def _leave(self, job: Job) -> None:
        """The worker is done with a job; the one it interrupted goes on."""
        job.lay_down()
        self._running.remove(job)
        self._sounds.pop(job.ticket, None)
        if not job.speculative:
            self._last_job = time.monotonic()
        if self._running and not self._running[-1].since:
            self._running[-1].take_up()

    def _dispatch(self) -> None:
        """Give the worker the next job, when it has none or a less urgent one."""
        if not self._fits():
            return
        while (
            (job := self._line.first()) and self._defaults and self._worker and not self._replace and not self._closing
        ):
            if self._running and job.priority <= self._running[-1].priority:
                break
            self._line.pop()
            if refusal := folders.unready(job.out, job.request):
                self._hold(job, refusal)
                continue
            if self._running:
                self._running[-1].lay_down()
            self._running.append(job)
            self._last_sign = time.monotonic()  # it had nothing to say until now
            job.take_up()
            self._send("render", job, request=dataclasses.asdict(job.request))
        if self._defaults:
            self._become("busy" if self._asked() else "warm")
        self._speculate()

    def _fits(self) -> bool:
        """Whether the model wears what is wanted. If not, it is told so as soon as nothing is being made."""
        if self._worn == self._wanted.adapters or not self._defaults or self._replace:
            return True
        if not self._fitting and not self._running:
            self._fitting = True
            self._become("loading")
            self._outbox.put(json.dumps({"do": "wear", "adapters": self._wanted.adapters}).encode())
        return False

    def _send(self, what: str, job: Job, **more: Any) -> None:
        """From a thread of its own: a worker that does not read must not keep anybody waiting."""
        self._outbox.put(json.dumps({"do": what, "job": job.ticket, **more}).encode())

    # --- files ---------------------------------------------------------------------------------------------------

    def _land(self, job: Job, made: clips.Made, stored: tuple[str, Stored] | None = None) -> None:
        """On the landing thread: files on disk, the journal knows of them, then their names, then the news."""
        try:
            staged = clips.stage(job.out, self.journal.token, job.id, job.origin, made, self.settings.latest)
            if self._shelved(job, staged, made):
                return
            try:
                self._remember(job, staged)
            except OSError:
                clips.discard(staged)
                raise
        except Exception as error:
            self._not_landed(job, error)
        else:
            self._store(job, staged, stored)
            self._give_names(job, staged, made)

    def _give_names(self, job: Job, staged: clips.Staged, made: clips.Made, due: float = 0.0) -> None:
        """What is staged, and the journal knows of, becomes visible."""
        try:
            while (landed := clips.land(staged)) is None:
                staged = clips.renamed(staged)
                self._remember(job, staged)
            self._finish(job, landed, made, due)
        except Exception as error:
            self._not_landed(job, error)

    def _store(self, job: Job, staged: clips.Staged, stored: tuple[str, Stored] | None) -> None:
        """What the mix was decoded from, for repaints. Loudness and another rate change what is in the file."""
        if stored is None or not self.settings.latents_mb or job.request.loudness or clips.MIX not in staged.stems:
            return
        if job.request.sample_rate != SAMPLE_RATE:
            return
        try:
            sum = staged.sums[staged.stems.index(clips.MIX)]
            Store(self.settings.state / "latents", self.settings.latents_mb).put(sum, *stored)
        except OSError as error:
            log.warning("the latents of job %s were not kept: %s", job.id, error)

    def _land_preview(self, job: Job, step: int, audio: np.ndarray) -> None:
        """On the landing thread. A preview that cannot be written is no loss: the take comes."""
        try:
            path = clips.write_preview(self.settings.state / "previews", f"{job.number}_{step}", audio)
        except OSError as error:
            log.warning("the preview of job %s was not written: %s", job.id, error)
            return
        with self._lock:
            if not job.ended and not job.cancelled:
                self._emit(Event("preview", job, (step, str(path))))

    def _not_landed(self, job: Job, error: Exception) -> None:
        with self._lock:
            if job.speculative:
                log.info("%s was not made in advance: %s", job.id, error)
                self._rest = time.monotonic() + HOLD_SECONDS
                self._guessed(job, "dropped", spoilt=not isinstance(error, OSError))
            elif isinstance(error, OSError):
                self._hold(job, error)
            else:
                log.error("the files of job %s", job.id, exc_info=error)
                code, message, hint = failure(error)
                self._end(job, "fail", GENERATE, code, message, hint)

    def _finish(self, job: Job, landed: clips.Landed, made: clips.Made | None = None, due: float = 0.0) -> None:
        """The files are there: write it down, then tell, not before `due`."""
        try:
            used, model = (made.request, made.model) if made else clips.read_manifest(landed.manifest)[:2]
        except ValueError:  # it leans on a file that is gone since
            used, model = job.request, ""
        facts = {"model": model, "seconds": job.seconds, "request": json.dumps(dataclasses.asdict(used))}
        facts |= {"timings": json.dumps(made.timings)} if made else {}
        with self._lock:
            told, job.clips = job.clips, _clip_events(job, landed.clips, used)
            about = len(job.clips), str(landed.manifest)
            self._end(job, "finished", *about, due=due, told=told, landing="", **facts)

    def _hold(self, job: Job, error: OSError) -> None:
        """Keep a job whose folder takes no files now."""
        self._landing = [other for other in self._landing if other is not job]
        job.holds += 1
        code, message, hint = failure(error)
        due = time.monotonic() + min(LONGEST_HOLD, HOLD_SECONDS * 2 ** (job.holds - 1))
        self._keep(job, due, code, message, f"{hint}; {KEPT}" if hint else KEPT)

    def _keep(self, job: Job, not_before: float, code: int, message: str, hint: str) -> None:
        job.start_over()
        job.state, job.not_before, job.clips = "held", not_before, ()
        self._held.append(job)
        self._emit(Event("fail", job, (GENERATE, code, message, hint)))
        self._note(job)

    def _release_held(self) -> None:
        """Queue again what was held, where its folder takes files again."""
        if not self._held or time.monotonic() - self._looked < HOLD_SECONDS:
            return
        self._looked = time.monotonic()
        for job in list(self._held):
            if time.monotonic() < job.not_before or folders.unready(job.out, job.request):
                continue
            self._held.remove(job)
            try:
                if not self._recovered(job):
                    self._enter(job)
            except OSError as error:
                self._hold(job, error)
            except Exception as error:
                log.exception("the files of job %s", job.id)
                self._end(job, "fail", GENERATE, *failure(error))
        self._dispatch()

    # --- events --------------------------------------------------------------------------------------------------

    def _emit(self, event: Event) -> None:
        with self._lock:
            if event.job is not None and event.kind not in ("favourite", "clip", "insert"):
                event.job.last = event
            for listener in self._listeners:
                try:
                    listener(event)
                except Exception:  # a surface must not take the engine with it
                    log.exception("a listener failed on %s", event.kind)

    def _end(
        self, job: Job, kind: str, *values: Any, due: float = 0.0, told: Sequence[Event] = (), **facts: Any
    ) -> None:
        """A job's last event: written down first, so that nobody hears of an end that a crash could undo. `told` are
        its clips that have been told of before."""
        with self._lock:
            if job.speculative:
                self._guessed(job, "dropped", spoilt=kind == "fail")
                return
            job.state = kind
            job.last = Event(kind, job, values)
            self._landing = [other for other in self._landing if other is not job]
            self._told.pop(job.ticket, None)
            self._note(job, **facts)
            for event in (*job.clips, job.last):
                if event not in told:
                    self.announce(event, due)

    def _note(self, job: Job, **facts: Any) -> None:
        try:
            self.journal.note(job, **facts)
        except OSError as error:  # the job was written down when it was accepted: a crash now would only repeat it
            log.error("job %s: %s", job.id, error)

    def _become(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self._tell_state()

    def _tell_state(self) -> None:
        self._emit(self.state_event())

    def _estimate(self, job: Job) -> None:
        if self._defaults:
            try:
                job.cost = cost(job.request, self._defaults)
            except ValueError:  # a file it names is gone: the worker will say so
                job.cost = 0.0

    def _eta(self) -> float:
        """Seconds until the last waiting job is done, as far as is known."""
        return sum(map(self._pace.remaining, [*self._asked(), *self._line]))


def _clip_events(job: Job, files: Sequence[tuple[str, Path]], used: Request) -> tuple[Event, ...]:
    about = used.bpm, used.bars, str(used.seed)
    return tuple(Event("clip", job, (stem, str(path), *about)) for stem, path in files)


_HEARD: dict[str, Callable[[Engine, dict[str, Any], bytes], None]] = {
    "fetching": lambda *_: None,  # a sign of life: a download may take hours
    "loaded": Engine._loaded,
    "unloadable": Engine._unloadable,
    "worn": Engine._fitted,
    "unfit": Engine._unfit,
    "progress": Engine._progress,
    "sound": Engine._sound,
    "preview": Engine._preview,
    "latents": Engine._latents,
    "made": Engine._made,
    "failed": Engine._failed,
    "cancelled": Engine._cancelled,
}
