"""Takes become files: on threads of their own, and so that a kill at any instruction loses
nothing.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Container
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import PriorityQueue
from typing import Protocol

from pipeline.latent_store import LatentStore, StoredLatents
from pipeline.request import SAMPLE_RATE
from pipeline.take import TakeInfo

from ..jobs import Job, Priority
from ..journal import Journal
from ..landing import audio_files, clips, staging
from ..landing.arriving_take import Abandoned, ArrivingTake
from ..landing.finished_take import MIX
from ..landing.latest import KeptLatest
from ..landing.manifest import JobFacts
from ..messages import FloatArray, MixLatents
from ..settings import Settings
from .run import Run

log = logging.getLogger("acestepd.engine")

# Of takes that come from several workers so many land at a time: a disk has others to wait for
# while it syncs one, and they share what is committed to the journal.
LANDING_THREADS = 8


class LandingListener(Protocol):
    """Told how a landing goes, on the lander's threads and without the engine's lock."""

    def on_staged(self, run: Run, staged: staging.Staged, info: TakeInfo) -> bool:
        """Whether the listener keeps the staged files, as no client has ordered the take: then they
        do not land.
        """

    def on_landed(
        self, run: Run, landed: clips.Landed, info: TakeInfo | None = None, due: float = 0.0
    ) -> None: ...

    def on_landing_failure(self, run: Run, error: Exception) -> None: ...

    def on_preview(self, run: Run, step: int, path: Path) -> None: ...


class LandingLane:
    """A thread that does one thing after the other."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "landing")
        self._tasks: PriorityQueue[tuple[bool, int, Callable[[], None]]] = PriorityQueue()
        self._numbers = itertools.count()

    def put(self, task: Callable[[], None], is_live: bool) -> None:
        """What is live waits for nothing that is not, but for what is just being done."""
        self._tasks.put((not is_live, next(self._numbers), task))
        self._thread.submit(self._do_next)

    def close(self) -> None:
        """Do what is left."""
        self._thread.shutdown()

    def _do_next(self) -> None:
        *_, task = self._tasks.get_nowait()
        task()


class Lander:
    """In this order: files on disk, the journal knows of them, they get their names, the listener
    is told.
    """

    def __init__(self, settings: Settings, journal: Journal, listener: LandingListener) -> None:
        self.settings = settings
        self._journal = journal
        self._listener = listener
        # the takes of one worker land in the order in which it has made them, live ones first
        self._lanes = [LandingLane() for _ in range(LANDING_THREADS)]
        self._lanes_of: dict[str, LandingLane] = {}  # by the workers' names
        self._speculation_thread = ThreadPoolExecutor(1, "speculation")
        # a prepared take waits for no other files
        self._prepared_thread = ThreadPoolExecutor(1, "prepared takes")

    def land(self, run: Run, take: ArrivingTake) -> None:
        """Write a take's files as it comes, and give them their names when all of it came. Of one
        that is abandoned nothing is told, and nothing is left.
        """
        if run.owner.serves_clients:
            self._put(run, partial(self._land, run, take))
        else:
            self._speculation_thread.submit(self._land, run, take)

    def _put(self, run: Run, task: Callable[[], None]) -> None:
        """Behind what lands of the same worker."""
        if run.worker not in self._lanes_of:
            users = list(self._lanes_of.values())
            self._lanes_of[run.worker] = min(self._lanes, key=users.count)
        lane = self._lanes_of[run.worker]
        lane.put(task, is_live=run.job.priority >= Priority.LIVE)

    def forget_worker(self, name: str) -> None:
        """A worker has gone. What it has made lands."""
        self._lanes_of.pop(name, None)

    def call_prepared(self, task: Callable[[], None]) -> None:
        """Call it on the thread of prepared takes."""
        self._prepared_thread.submit(task)

    def write_preview(self, run: Run, step: int, audio: FloatArray) -> None:
        self._put(run, partial(self._write_preview, run, step, audio))

    def discard(self, staged: staging.Staged) -> None:
        """Remove staged files that nobody wants, on the thread of what no client waits for."""
        self._speculation_thread.submit(staging.discard, staged)

    def call_aside(self, task: Callable[[], None]) -> None:
        """Call it on the thread of what no client waits for."""
        self._speculation_thread.submit(task)

    def close(self) -> None:
        """What is landing, lands."""
        for lane in self._lanes:
            lane.close()
        for thread in (self._speculation_thread, self._prepared_thread):
            thread.shutdown()

    # --- on its threads ---------------------------------------------------------------------------

    def _land(self, run: Run, take: ArrivingTake) -> None:
        try:
            job = run.job
            token = self._journal.token
            facts = JobFacts(job.id, job.origin, job.parent, job.take, job.takes)
            settings = self.settings
            kept = KeptLatest(settings.latest, settings.latest_names)
            staged = staging.stage(job.out, token, facts, take, kept, settings.private)
            if self._listener.on_staged(run, staged, take.info):
                return
            try:
                self.note_staged(run.job, staged)
            except OSError:
                staging.discard(staged)
                self._journal.note(job, {"landing": ""})
                raise
        except Abandoned:
            return
        except Exception as error:
            if take.wait():  # until then it is the worker's
                self._listener.on_landing_failure(run, error)
        else:
            self._store_latents(run.job, staged, take.latents)
            self.name_files(run, staged, take.info)

    def name_files(
        self, run: Run, staged: staging.Staged, info: TakeInfo, due: float = 0.0
    ) -> None:
        """What is staged, and the journal knows of, becomes visible."""
        try:
            while (landed := clips.land(staged)) is None:
                staged = staging.rename(staged)
                self.note_staged(run.job, staged)
            self._listener.on_landed(run, landed, info, due)
        except Exception as error:
            self._listener.on_landing_failure(run, error)

    def _store_latents(self, job: Job, staged: staging.Staged, latents: MixLatents | None) -> None:
        """What the mix was decoded from, for repaints. Loudness and another rate change what is in
        the file.
        """
        limit_mb = self.settings.latents_mb
        if latents is None or not limit_mb or MIX not in staged.stems:
            return
        if job.resolved.loudness or job.resolved.sample_rate != SAMPLE_RATE:
            return
        digest = staged.sums[staged.stems.index(MIX)]
        stored = StoredLatents(latents.latents, latents.gain)
        try:
            store = LatentStore(self.settings.state / "latents", limit_mb)
            store.put(digest, latents.vae, stored)
        except OSError as error:
            log.warning("the latents of job %s were not kept: %s", job.id, error)

    def _write_preview(self, run: Run, step: int, audio: FloatArray) -> None:
        """A preview that cannot be written is no loss: the take comes."""
        folder = self.settings.state / audio_files.PREVIEWS
        try:
            path = audio_files.write_preview(folder, f"{run.job.number}_{step}", audio)
        except OSError as error:
            log.warning("the preview of job %s was not written: %s", run.job.id, error)
            return
        self._listener.on_preview(run, step, path)

    # --- what the journal knows of files that were landing ----------------------------------------

    def note_staged(self, job: Job, staged: staging.Staged) -> None:
        """From now on the files land, whatever happens. Raises OSError."""
        self._journal.update(job, landing=staged.to_json())

    def read_staged(self, job: Job) -> staging.Staged | None:
        """What was staged of a job, where the journal knows of it and it is readable."""
        try:
            text = self._journal.read_landing(job)
            return staging.Staged.from_json(text) if text else None
        except ValueError as error:
            log.error("job %s is rendered again: %s", job.id, error)
            return None

    def recover(self, job: Job) -> clips.Landed | None:
        """The job's files, where they had been staged before: they land now, on this thread. Raises
        OSError.
        """
        if staged := self.read_staged(job):
            return clips.recover(staged, lambda renamed: self.note_staged(job, renamed))
        return None

    def sweep(self, keep: Container[Path]) -> None:
        """Remove this journal's own half-written files, except `keep`, wherever it has landed
        some.
        """
        for folder in {*self._journal.read_folders(), self.settings.out}:
            try:
                staging.sweep(folder, self._journal.token, keep)
            except OSError as error:
                log.info("%s could not be looked through: %s", folder, error)
