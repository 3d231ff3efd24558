"""The daemon's end of a cluster: a client of a Dask scheduler, on a thread of its own, which knows
who is there and takes runs to them.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
import threading
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from distributed import Client, Scheduler
from distributed.client import FutureCancelledError

from pipeline.request import Request
from pipeline.weights.checkpoint import CheckpointError
from pipeline.weights.identity import ModelIdentity

from ..engine.fair_lock import FairLock
from ..engine.model_state import ModelChoice
from ..engine.render_worker import WorkSource
from ..engine.run import Loss, Run
from ..machines import ClusterStanding
from ..messages import RenderCancelled, RenderFailed, RenderFinished, WorkerMessage
from ..runtime.lines import escape_line
from ..settings import Settings
from . import plugin
from .cluster_worker import ClusterWorker, Health
from .facts import MOST_LETTERS, Facts, Metric
from .identities import Identities, describe_device
from .parcels import BadParcel, Parcel
from .results import read_loaded, read_result, read_told
from .security import (
    DASK,
    LOCAL_DASHBOARD,
    build_security,
    check_address,
    explain_no_answer,
    find_reason,
    silence_dask,
)
from .sent_files import NamedFile, list_named_files
from .shared_folder import OTHER_FOLDER, is_marked

log = logging.getLogger("acestepd.cluster")

AUTO = "auto"  # the scheduler that is started here; the model that is there
LOOK_SECONDS = 1.0  # between two looks at who is there
ANSWER_SECONDS = 10.0  # that a scheduler may take for an answer
CLOSE_SECONDS = 3.0  # that it may take to say goodbye to one
SILENT_SECONDS = 30.0  # without a heartbeat, after which a worker is taken for gone
FIRST_PAUSE = 1.0  # seconds before a scheduler is tried again
LONGEST_PAUSE = 15.0
BUSY_PAUSE = 3.0  # before one is started here again, where that did not work
CONNECTED = "running"  # a client's status
CONNECTION_LOST = "scheduler-connection-lost"  # a reason of Dask's
ALL = "all"  # Dask's topic of who comes and goes, among others
MOST_REFUSED = 2  # results of a job that are none, after which it is given up
COMINGS = ("add-worker", "remove-worker")  # what of that is about workers


class Cluster:
    """Tells `work` which machines there are, and what they make. Everything of Dask happens on its
    thread; the dispatcher's calls only wake that.
    """

    def __init__(self, settings: Settings, lock: FairLock, work: WorkSource) -> None:
        silence_dask()
        self._settings = settings
        self._lock = lock
        self._work = work
        self._security = build_security(settings.cluster)
        chosen = settings.cluster.scheduler
        check_address(settings.cluster.listen if chosen == AUTO else chosen, settings.cluster)
        self.address = "" if chosen == AUTO else chosen  # of the scheduler, once that is known
        self._shared = settings.cluster.shared_folder
        self._session = uuid.uuid4().hex[:12]
        self._topic = f"acestepd-{_name_daemon(settings)}"
        self._identities = Identities(settings)
        self._kind = describe_device()["kind"] if settings.cluster.local else ""
        self._choice: ModelChoice | None = None
        self._identity: ModelIdentity | None = None  # of what is chosen, where that is known
        self._workers: dict[str, ClusterWorker] = {}  # by address
        self._health: dict[str, Health] = {}  # by the nanny's address, or the worker's own
        self._said: dict[str, str] = {}  # of a machine, by its address, so that it is said once
        self._makings: dict[int, _Making] = {}  # by ticket
        self._refused: Counter[str] = Counter()  # results that are none, by the jobs' ids
        self._asides: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop  # from the start on
        self._serving: asyncio.Task[None]
        self._stirred: asyncio.Event
        self._is_closing = False
        self._trouble = "it is looked for"  # why there is no scheduler
        self._dispatching = ThreadPoolExecutor(1, "cluster dispatch")
        self.has_scheduler = threading.Event()  # it is connected to one
        self._thread = threading.Thread(target=self._run, name="cluster", daemon=True)

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._serving = self._loop.create_task(self._serve())
        self._thread.start()

    def close(self) -> None:
        """Not under the lock. What workers have is not made any more; the journal has it."""
        self._is_closing = True
        if self._thread.is_alive():
            self._call_soon(self._serving.cancel)
            self._thread.join()
        self._dispatching.shutdown()

    @property
    def workers(self) -> list[ClusterWorker]:
        """Those that are there now, also where they are given nothing."""
        return list(self._workers.values())

    def describe(self) -> ClusterStanding:
        """How it stands, for people. From any thread."""
        is_reached = self.has_scheduler.is_set() and self._client.status == CONNECTED
        return ClusterStanding(
            self.address or self._settings.cluster.listen,
            is_reached,
            self._settings.cluster.local,
            "" if is_reached else self._trouble,
            tuple(worker.standing for worker in self.workers),
        )

    # --- called by the dispatcher, under the lock -------------------------------------------------

    def _render(self, worker: ClusterWorker, run: Run) -> None:
        making = _Making(worker, run.ticket, run.job.id, run.job.resolved, len(worker.running) > 1)
        self._call_soon(self._begin, making)

    def _cancel(self, worker: ClusterWorker, run: Run) -> None:
        self._call_soon(self._end_cancelled, worker, run.ticket)

    def _call_soon(self, function: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the daemon closes: the journal has what is not made
            self._loop.call_soon_threadsafe(function, *arguments)

    # --- its thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            with suppress(asyncio.CancelledError):  # the daemon closes
                self._loop.run_until_complete(self._serving)
        except Exception:
            log.exception("the cluster's thread")
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stirred = asyncio.Event()
        said = ""
        while not self._is_closing:
            try:
                async with self._open_scheduler() as address:
                    self.address = address
                    await self._serve_at(address)
            except Exception as error:  # as a rule, another program listens there
                listen = self._settings.cluster.listen
                self._trouble = find_reason(error)
                if (reason := self._trouble) != said:
                    said = reason
                    log.warning("no scheduler here on %s: %s; it is tried again", listen, reason)
                await self._wait(BUSY_PAUSE)

    async def _serve_at(self, address: str) -> None:
        """Until the daemon closes."""
        pause = FIRST_PAUSE
        said = unforeseen = ""
        while not self._is_closing:
            try:
                async with self._connect(address) as client:
                    pause, said = FIRST_PAUSE, ""
                    log.info("connected to the scheduler %s", address)
                    self._trouble = "it is gone"  # from when it is not connected any more
                    await self._watch(client)
            except (OSError, TimeoutError) as error:
                self._trouble = explain_no_answer(address, error)
                if self._trouble != said:
                    said = self._trouble
                    log.warning("no scheduler at %s: %s; it is tried again", address, said)
            except Exception as error:  # whatever it is, takes are made again afterwards
                self._trouble = repr(error)
                if repr(error) != unforeseen:
                    unforeseen = repr(error)
                    log.exception("the cluster of %s; it is connected again", address)
            self.has_scheduler.clear()
            self._lose_all(f"the scheduler {address} is gone")
            await self._wait(0 if self._is_closing else pause)
            pause = min(LONGEST_PAUSE, pause * 2)

    @asynccontextmanager
    async def _open_scheduler(self) -> AsyncIterator[str]:
        """The address of the one that is used: started here where the settings say so."""
        if self._settings.cluster.scheduler != AUTO:
            yield self._settings.cluster.scheduler
            return
        where = urlsplit(self._settings.cluster.listen)
        async with Scheduler(
            protocol=where.scheme,
            host=where.hostname,
            port=where.port or 0,
            security=self._security,
            dashboard_address=LOCAL_DASHBOARD,
        ) as scheduler:
            yield scheduler.address

    @asynccontextmanager
    async def _connect(self, address: str) -> AsyncIterator[Client]:
        plain = ["msgpack", "dask"]
        client = Client(
            address,
            asynchronous=True,
            set_as_default=False,
            name=f"acestepd-{self._session}",
            security=self._security,
            timeout=ANSWER_SECONDS,
            # nothing of a worker is unpickled here
            serializers=plain,
            deserializers=[*plain, "error"],
        )
        try:
            await client
            yield client
        finally:
            asides = {making.task for making in self._makings.values() if making.task}
            self._makings.clear()  # Dask itself cancels what a client has left behind
            asides |= self._asides
            for aside in asides:
                aside.cancel()
            await asyncio.gather(*asides, return_exceptions=True)
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(client.close(), CLOSE_SECONDS)

    async def _watch(self, client: Client) -> None:
        """Until the connection is gone, or the daemon closes."""
        self._client = client
        client.subscribe_topic(ALL, self._on_change)
        client.subscribe_topic(plugin.STATES, self._on_state)
        client.subscribe_topic(self._topic, self._on_event)
        self.has_scheduler.set()
        while not self._is_closing and client.status == CONNECTED:
            answer = client.scheduler.identity(n_workers=-1)
            info = await asyncio.wait_for(answer, ANSWER_SECONDS)
            await self._read_choice()
            await self._update(info["workers"])
            await self._wait(LOOK_SECONDS)

    async def _wait(self, seconds: float) -> None:
        """So long, or until something happens."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stirred.wait(), seconds)
        self._stirred.clear()

    def _stir(self) -> None:
        self._stirred.set()

    # --- who is there -----------------------------------------------------------------------------

    async def _read_choice(self) -> None:
        """Which model is to play: a worker must have the very same."""
        with self._lock:
            choice = self._work.choice
        if choice == self._choice:
            return
        if self._choice is None and self._follows_first:
            self._choice = choice
            return
        try:
            self._identity = await asyncio.to_thread(self._identities.read, choice)
        except (CheckpointError, OSError) as error:
            self._identity = None
            if self._settings.cluster.local:
                log.warning("no worker of the cluster can be used: %s", error)
        self._choice = choice

    async def _update(self, found: Mapping[str, Mapping[str, Any]]) -> None:
        for address in [each for each in self._workers if each not in found]:
            worker = self._workers.pop(address)
            self._lose(worker, f"{worker.name} is gone")
            with self._lock:
                self._work.remove_worker(worker)
            log.warning("%s is gone", worker.name)
        for address, each in found.items():
            try:
                if present := self._find(address, each):
                    await self._look_for_folder(present)
                    if self._workers.get(address) is present:
                        self._look_at(present, each)
            except Exception as error:  # the others are looked at all the same
                said = f"{address} is not used: {error!r}"
                if self._said.get(address) != said:
                    log.exception("%s", address)
                self._say(address, said)

    def _find(self, address: str, each: Mapping[str, Any]) -> ClusterWorker | None:
        """The worker at an address; None where it is somebody else's."""
        if worker := self._workers.get(address):
            return worker
        if plugin.NAME not in each:
            self._say(address, f"{address} is no worker of acestepd: it is not used")
            return None
        facts = Facts.read(each[plugin.NAME])
        health = self._health.setdefault(str(each.get("nanny") or address), Health())
        name = self._choose_name(facts.machine or address)
        worker = ClusterWorker(
            name,
            address,
            facts,
            health,
            self._render,
            self._cancel,
            lambda: self._work.choice,
        )
        self._workers[address] = worker
        with self._lock:
            self._work.add_worker(worker)
        return worker

    async def _look_for_folder(self, worker: ClusterWorker) -> None:
        """Until it is found: a network's folders show late what was made elsewhere."""
        if not worker.has_our_folder:
            looking = asyncio.to_thread(is_marked, self._shared, worker.facts.mark)
            worker.has_our_folder = await asyncio.wait_for(looking, ANSWER_SECONDS)

    def _choose_name(self, machine: str) -> str:
        """What it is called: no two have one name."""
        taken = {worker.name for worker in self._workers.values()}
        names = (machine, *(f"{machine} {number}" for number in range(2, len(taken) + 3)))
        return next(name for name in names if name not in taken)

    def _look_at(self, worker: ClusterWorker, each: Mapping[str, Any]) -> None:
        metric = Metric.read(each)
        worker.note_seen(each["last_seen"])
        if worker.silence > SILENT_SECONDS:
            if worker.is_warm:
                said = f"{worker.name} gave no sign of life for {SILENT_SECONDS:g} seconds"
                self._say(worker.address, f"{said}: it is given nothing until it does")
                self._lose(worker, said)
                self._keep(self._restart(worker.address))
            return
        obstacle = self._find_obstacle(worker)
        was_ready = worker.is_ready
        with self._lock:
            worker.obstacle = obstacle
            worker.trouble = metric.error
            if worker.compared_with != self._choice:
                worker.compared_with = self._choice
                worker.is_warm = False  # as far as is known: it says again what it has
            if worker.is_ready != was_ready:
                self._work.show_status()
        if obstacle:
            said = f"{worker.name} is not used: {obstacle}"
            if self._said.get(worker.address) != said:
                self._keep(self._refuse(worker.address, obstacle))
            self._say(worker.address, said)
        elif metric.error:
            self._say(worker.address, f"{worker.name} cannot be used: {metric.error}")
        elif metric.state == "warm" and not (worker.is_warm or worker.is_greeted):
            worker.is_greeted = True
            self._keep(self._greet(worker))
        if worker.is_ready and not was_ready:  # it was rested
            self._dispatch()

    def _find_obstacle(self, worker: ClusterWorker) -> str:
        """Why it cannot be used, in words; empty where it can."""
        identity = worker.facts.identity
        if identity is None:
            return worker.facts.obstacle
        if wanted := self._identity or self._follow_first():
            difference = identity.describe_difference(wanted)
            if difference or worker.has_our_folder:
                return difference
            return OTHER_FOLDER
        return "which model is to play is not known here"

    @property
    def _follows_first(self) -> bool:
        """This machine makes no takes, and its settings leave open which model does."""
        return not self._settings.cluster.local and self._settings.model == AUTO

    def _follow_first(self) -> ModelIdentity | None:
        """The model of the first worker is that of all, where this machine has none."""
        if self._settings.cluster.local:
            return None
        identities = (worker.facts.identity for worker in self._workers.values())
        return next(filter(None, identities), None)

    async def _greet(self, worker: ClusterWorker) -> None:
        """Its model is warm: say so, with what its process has said of it."""
        try:
            loaded = await self._call(worker.address, plugin.describe_loaded)
            if loaded is None or self._workers.get(worker.address) is not worker:
                return
            messages = read_loaded(loaded)
            with self._lock:
                worker.is_warm = True
                for message in messages:
                    self._work.on_message(worker, message)
        except Exception as error:  # junk as well: it is asked again
            self._say(worker.address, f"{worker.name} does not answer: {error!r:.200}")
            return
        finally:
            worker.is_greeted = False
        said = f"{worker.name} is there: {worker.facts.device}"
        if worker.facts.dask != DASK:
            theirs = worker.facts.dask
            said += f"; it has distributed {theirs}, and this is {DASK}: have the same on both"
        self._say(worker.address, said)
        self._dispatch()

    async def _refuse(self, address: str, obstacle: str) -> None:
        """Whoever started it reads its own terminal."""
        with suppress(OSError, TimeoutError, ValueError):
            await self._call(address, plugin.be_refused, socket.gethostname(), obstacle)

    def _keep(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Have it go on beside; the loop alone would forget it."""
        task = self._loop.create_task(coroutine)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    async def _restart(self, address: str) -> None:
        """Have its nanny start it anew."""
        with suppress(Exception):
            await self._client.restart_workers([address], timeout=60, raise_for_error=False)

    def _say(self, address: str, text: str) -> None:
        if self._said.get(address) != text:
            self._said[address] = text
            log.info("%s", escape_line(text))

    def _on_change(self, event: tuple[float, dict[str, Any]]) -> None:
        """Something happens in the cluster, like each result that anybody fetches."""
        _, message = event
        if message.get("action") in COMINGS:
            self._stir()

    def _on_state(self, event: tuple[float, dict[str, Any]]) -> None:
        """A worker stands otherwise."""
        _, message = event
        worker = self._workers.get(str(message.get("address")))
        if worker and message.get("state") != "warm":
            with self._lock:
                worker.is_warm = False
                self._work.show_status()
        self._stir()

    # --- what they make ---------------------------------------------------------------------------

    def _begin(self, making: _Making) -> None:
        self._makings[making.ticket] = making
        making.task = self._loop.create_task(self._make(making))

    async def _make(self, making: _Making) -> None:
        ticket, request = making.ticket, making.request
        worker = making.worker
        try:
            try:
                files = await asyncio.to_thread(list_named_files, request)
            except OSError as error:
                message = f"a file could not be read: {error}"
                self._tell(worker, [RenderFailed(ticket, 422, message, "check its files")])
                return
            for file in files.values():
                await self._send(worker.address, file)
            parcel = await self._submit(making, files)
            if isinstance(parcel, dict) and "lost" in parcel:
                loss = Loss.ENDED if parcel.get("has_ended") else Loss.AWAY
                self._lose(worker, f"{worker.name}: {_cut(parcel['lost'])}", loss)
                return
            messages = await asyncio.to_thread(read_result, parcel, ticket, request, self._shared)
            paths = {field: getattr(request, field) for field in files}
            self._refused.pop(making.name, None)
            self._take(worker, messages, paths)
        except FutureCancelledError as error:
            if self._makings.get(ticket) is making:  # nobody here has stopped it
                is_lost = error.reason == CONNECTION_LOST
                reason = "is not reached any more" if is_lost else "has dropped it"
                reason = f"the scheduler {self.address} {reason}"
                self._lose(worker, reason, is_its_fault=False)
        except Exception as error:
            if self._client.status != CONNECTED:
                self._stir()
                self._lose_all(f"the scheduler {self.address} is gone")
                return
            log.warning("%s: %s", worker.name, escape_line(repr(error)))
            if isinstance(error, BadParcel) and self._is_given_up(making):
                self._give_up(making, error)
                return
            reason = _cut(error) or type(error).__name__
            if isinstance(error, OSError | BadParcel):  # which says nothing of what was asked for
                self._lose(worker, f"no take came from {worker.name}: {reason}")
            else:
                self._lose(worker, f"{worker.name} has failed: {reason}", Loss.FAILED)
        finally:
            if self._makings.get(ticket) is making:
                del self._makings[ticket]

    def _is_given_up(self, making: _Making) -> bool:
        """Whether this job has had its results that are none, and nobody else is there to make it;
        where somebody is, whoever sends such things is rested before long.
        """
        self._refused[making.name] += 1
        others = [each for each in self._workers.values() if each is not making.worker]
        has_others = self._settings.cluster.local or any(each.is_ready for each in others)
        return self._refused[making.name] >= MOST_REFUSED and not has_others

    def _give_up(self, making: _Making, error: BadParcel) -> None:
        worker = making.worker
        self._note_failure(worker)
        del self._refused[making.name]
        message = escape_line(f"{worker.name} has sent no take, twice: {error}")
        hint = "start that worker again, or another one, with this version of acestepd"
        self._tell(worker, [RenderFailed(making.ticket, 500, message, hint)])

    async def _submit(self, making: _Making, files: Mapping[str, NamedFile]) -> Parcel:
        key = f"ace-{self._session}-{making.ticket}"
        order = {
            "key": key,
            "topic": self._topic,
            "session": self._session,
            "ticket": making.ticket,
            "name": making.name,
            "request": asdict(making.request),
            "files": {field: file.name for field, file in files.items()},
        }
        making.future = self._client.submit(
            plugin.render,
            order,
            key=key,
            workers=[making.worker.address],
            allow_other_workers=False,
            resources={"ace_interrupt" if making.interrupts else "ace": 1},
            retries=0,
            pure=False,
        )
        try:
            parcel: Parcel = await making.future
        finally:
            making.future.release()
        return parcel

    async def _send(self, address: str, file: NamedFile) -> None:
        """Where the worker does not have it."""
        if not await self._call(address, plugin.list_missing_files, [file.name]):
            return
        upload = await self._call(address, plugin.begin_file)
        chunks = file.read_chunks()
        while chunk := await asyncio.to_thread(next, chunks, b""):
            await self._call(address, plugin.add_to_file, upload, chunk)
        await self._call(address, plugin.finish_file, upload, file.name)

    async def _call(self, address: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a function of the plugin returns there. Raises what that raises, OSError, and
        TimeoutError where nobody answers.
        """
        answering = self._client.run(function, *arguments, workers=[address])
        answers = await asyncio.wait_for(answering, ANSWER_SECONDS)
        return answers[address]

    def _take(
        self, worker: ClusterWorker, messages: Iterable[WorkerMessage], paths: Mapping[str, str]
    ) -> None:
        """All of a take, or how else it ended."""
        kinds = {each.facts.kind for each in self._workers.values() if each.is_ready} | {self._kind}
        told = []
        for message in messages:
            if isinstance(message, RenderFinished):
                worker.health.note_take()
                message = worker.sign(message, paths, kinds)
            told.append(message)
        self._tell(worker, told)

    def _tell(self, worker: ClusterWorker, messages: Iterable[WorkerMessage]) -> None:
        """How a run ended: there may be room for the next."""
        with self._lock:
            for message in messages:
                self._work.on_message(worker, message)
        self._dispatch()

    def _on_event(self, event: tuple[float, dict[str, Any]]) -> None:
        """What comes on the way."""
        _, message = event
        making = self._makings.get(message.get("ticket", 0))
        if making is None or message.get("session") != self._session:
            return
        if "preview" in message:
            self._keep(self._fetch_preview(making.worker, message["preview"]))
            return
        worker = making.worker
        try:
            told = read_told(message)
        except BadParcel as error:
            self._say(worker.address, f"{worker.name}: {error}")
            return
        with self._lock:
            for each in told:
                self._work.on_message(worker, each)

    async def _fetch_preview(self, worker: ClusterWorker, number: int) -> None:
        with suppress(OSError, ValueError):
            parcel = await self._call(worker.address, plugin.take_preview, number)
            messages = await asyncio.to_thread(read_told, parcel) if parcel else []
            with self._lock:
                for message in messages:
                    self._work.on_message(worker, message)

    def _end_cancelled(self, worker: ClusterWorker, ticket: int) -> None:
        """It is not waited for: the worker stops after the step that it makes, and takes the next
        run then.
        """
        if making := self._makings.pop(ticket, None):
            self._refused.pop(making.name, None)
            self._stop(making)
            self._tell(worker, [RenderCancelled(ticket)])

    def _lose(
        self,
        worker: ClusterWorker,
        reason: str,
        loss: Loss = Loss.AWAY,
        is_its_fault: bool = True,
    ) -> None:
        """Whatever it had is made elsewhere. `reason`: a sentence that listeners are told."""
        if self._is_closing:  # the journal has it, for the next daemon
            return
        for ticket, making in list(self._makings.items()):
            if making.worker is worker:
                del self._makings[ticket]
                self._stop(making)
        counts = bool(worker.running) and is_its_fault
        if counts:
            self._note_failure(worker)
        with self._lock:
            worker.is_warm = False
            if worker.running:
                self._work.on_worker_exit(worker, reason, loss=loss)
            self._work.show_status()
        self._dispatch()

    def _note_failure(self, worker: ClusterWorker) -> None:
        if seconds := worker.health.note_failure():
            log.warning(
                "%s has failed again and again: it is rested for %.0f minutes",
                worker.name,
                seconds / 60,
            )

    def _stop(self, making: _Making) -> None:
        """Nobody waits for it any more: its worker stops after the step that it makes."""
        if making.future is not None:
            self._keep(_cancel_quietly(making.future))
        if making.task and making.task is not asyncio.current_task(self._loop):
            making.task.cancel()

    def _lose_all(self, reason: str) -> None:
        if self._is_closing:
            return
        with self._lock:  # none of them is given what another had
            for worker in self._workers.values():
                worker.is_warm = False
        for worker in list(self._workers.values()):
            self._lose(worker, reason, is_its_fault=False)
            with self._lock:
                self._work.remove_worker(worker)
        self._workers.clear()

    def _dispatch(self) -> None:
        """Aside: folders are looked at."""
        if not self._is_closing:
            self._dispatching.submit(self._work.dispatch)


@dataclass(eq=False)
class _Making:
    """A run that a worker has, and what waits for it here. `interrupts`: the worker has another
    one, which waits meanwhile.
    """

    worker: ClusterWorker
    ticket: int
    name: str
    request: Request
    interrupts: bool
    task: asyncio.Task[None] | None = None
    future: Any = None  # Dask's


def _cut(said: object) -> str:
    """What a worker or Dask says, on a line."""
    return escape_line(str(said)[:MOST_LETTERS])


async def _cancel_quietly(future: Any) -> None:
    with suppress(Exception):  # the connection may be gone
        await future.cancel()


def _name_daemon(settings: Settings) -> str:
    """The same for every run of a daemon, and no other's."""
    own = f"{socket.gethostname()} {settings.state}"
    return hashlib.sha256(own.encode()).hexdigest()[:12]
