"""What is made becomes files: on threads of its own, and so that a kill at any instruction loses
nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np

from pipeline.latent_store import LatentStore
from pipeline.request import SAMPLE_RATE
from pipeline.take import TakeInfo

from ..jobs import Job
from ..journal import Journal
from ..landing import clips
from ..settings import Settings
from .reassembly import Latents

log = logging.getLogger("acestepd.engine")


class LandingListener(Protocol):
    """Who hears how it went, on the thread where it went so, without the engine's lock."""

    def put_aside(self, job: Job, staged: clips.Staged, info: TakeInfo) -> bool:
        """Whether the staged files are taken away: nobody has asked for them, and they must not
        land.
        """

    def landed(
        self, job: Job, landed: clips.Landed, info: TakeInfo | None = None, due: float = 0.0
    ) -> None: ...

    def not_landed(self, job: Job, error: Exception) -> None: ...

    def previewed(self, job: Job, step: int, path: Path) -> None: ...


class Lander:
    """Files on disk, the journal knows of them, then their names, then the news."""

    def __init__(self, settings: Settings, journal: Journal, outcome: LandingListener) -> None:
        self.settings = settings
        self._journal = journal
        self._outcome = outcome
        self._landing = ThreadPoolExecutor(1, "landing")
        self._shelving = ThreadPoolExecutor(1, "shelf")
        # who hits a pad waits for no other files
        self._handing = ThreadPoolExecutor(1, "handing out")

    def land(self, job: Job, take: clips.FinishedTake, latents: Latents | None) -> None:
        (self._shelving if job.speculative else self._landing).submit(
            self._land, job, take, latents
        )

    def hand_out(self, job: Job, staged: clips.Staged, info: TakeInfo, due: float) -> None:
        """What is staged already, and the journal knows of."""
        self._handing.submit(self.give_names, job, staged, info, due)

    def preview(self, job: Job, step: int, audio: np.ndarray) -> None:
        self._landing.submit(self._preview, job, step, audio)

    def discard(self, staged: clips.Staged) -> None:
        """Remove what lay on the shelf."""
        self._shelving.submit(clips.discard, staged)

    def close(self) -> None:
        """Files that land, land."""
        for threads in (self._landing, self._shelving, self._handing):
            threads.shutdown()

    # --- on its threads ---------------------------------------------------------------------------

    def _land(self, job: Job, take: clips.FinishedTake, latents: Latents | None) -> None:
        try:
            staged = clips.stage(
                job.out, self._journal.token, job.id, job.origin, take, self.settings.latest
            )
            if self._outcome.put_aside(job, staged, take.info):
                return
            try:
                self.remember(job, staged)
            except OSError:
                clips.discard(staged)
                raise
        except Exception as error:
            self._outcome.not_landed(job, error)
        else:
            self._store(job, staged, latents)
            self.give_names(job, staged, take.info)

    def give_names(self, job: Job, staged: clips.Staged, info: TakeInfo, due: float = 0.0) -> None:
        """What is staged, and the journal knows of, becomes visible."""
        try:
            while (landed := clips.land(staged)) is None:
                staged = clips.renamed(staged)
                self.remember(job, staged)
            self._outcome.landed(job, landed, info, due)
        except Exception as error:
            self._outcome.not_landed(job, error)

    def _store(self, job: Job, staged: clips.Staged, latents: Latents | None) -> None:
        """What the mix was decoded from, for repaints. Loudness and another rate change what is in
        the file.
        """
        if (
            latents is None
            or not self.settings.latents_mb
            or job.resolved.loudness
            or clips.MIX not in staged.stems
        ):
            return
        if job.resolved.sample_rate != SAMPLE_RATE:
            return
        try:
            sum = staged.sums[staged.stems.index(clips.MIX)]
            LatentStore(self.settings.state / "latents", self.settings.latents_mb).put(
                sum, *latents
            )
        except OSError as error:
            log.warning("the latents of job %s were not kept: %s", job.id, error)

    def _preview(self, job: Job, step: int, audio: np.ndarray) -> None:
        """A preview that cannot be written is no loss: the take comes."""
        try:
            path = clips.write_preview(
                self.settings.state / "previews", f"{job.number}_{step}", audio
            )
        except OSError as error:
            log.warning("the preview of job %s was not written: %s", job.id, error)
            return
        self._outcome.previewed(job, step, path)

    # --- what the journal knows of files that were landing ----------------------------------------

    def remember(self, job: Job, staged: clips.Staged) -> None:
        self._journal.note(job, landing=staged.to_json())

    def staged(self, job: Job) -> clips.Staged | None:
        try:
            note = self._journal.landing(job)
            return clips.Staged.from_json(note) if note else None
        except ValueError as error:
            log.error("job %s is rendered again: %s", job.id, error)
            return None

    def recovered(self, job: Job) -> clips.Landed | None:
        """The job's files, where they had been staged before: they land now, on this thread. Raises
        OSError.
        """
        staged = self.staged(job)
        return clips.recover(staged, lambda other: self.remember(job, other)) if staged else None

    def forget(self, job: Job) -> None:
        """Remove what was staged of it."""
        if staged := self.staged(job):
            clips.discard(staged)

    def sweep(self, keep: Container[Path]) -> None:
        """Remove this journal's own half-written files, except `keep`, wherever it has landed
        some.
        """
        for folder in {*self._journal.folders(), self.settings.out}:
            try:
                clips.sweep(folder, self._journal.token, keep)
            except OSError as error:
                log.info("%s could not be looked through: %s", folder, error)
