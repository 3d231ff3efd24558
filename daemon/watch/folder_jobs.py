"""The jobs that one watched folder has ordered, in the engine and in the journal.

A job's id is made of a file's name and a digest of its content, so the journal knows what was made
of which content, also after a restart.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from pipeline.request import Request

from ..jobs import Job, JobState, Order, Refused
from .engine_api import EngineApi


class FolderJobs:
    """What the folder orders, under a client name of its own."""

    def __init__(self, folder: Path, engine: EngineApi) -> None:
        self.client = f"watch:{folder}"
        self._folder = folder
        self._engine = engine

    def submit(self, id: str, request: Request, out: Path, file: Path, insert: str) -> Job:
        """Raises `Refused`."""
        order = Order(self.client, id, request, out=out, origin=str(file), insert=insert)
        return self._engine.submit(order)[0]

    def find(self, id: str) -> Job | None:
        """Raises `Refused` 503 while the journal cannot be read: it may be there."""
        try:
            job = self._engine.find(self.client, id)
        except Refused as error:
            if error.code != 404:
                raise
            return None
        return job if job.client == self.client else None

    def find_newest(self, name: str, digest: str) -> tuple[Job | None, str]:
        """The newest job of this content of the file `name`, if there is one, and an id for the
        next.
        """
        base = f"{_label(name)} {self._content_id(digest)}"
        newest = None
        id = base
        number = 1
        while job := self.find(id):
            newest = job
            number += 1
            id = f"{base} {number}"
        return newest, id

    def find_under_any_name(self, digest: str) -> list[Job]:
        """The jobs of this content of any file, the newest first."""
        jobs = self._engine.journal.search(self._content_id(digest))
        return [job for job in jobs if job.client == self.client]

    def has_content(self, job: Job, digest: str) -> bool:
        """Whether the job was ordered for this content."""
        return self._content_id(digest) in job.id

    def has_failed(self, id: str) -> bool:
        job = self.find(id) if id else None
        return job is not None and job.state is JobState.FAILED

    def list_active(self, file: Path, id: str) -> list[Job]:
        """The jobs that have not ended, nor been cancelled, of a file or of this id."""
        return [
            job
            for job in self._engine.active()
            if job.client == self.client
            and (job.origin == str(file) or job.id == id)
            and not job.cancel_requested
        ]

    def cancel(self, job: Job) -> None:
        with suppress(Refused):  # it has just ended, or its files are landing
            self._engine.cancel(self.client, job.id)

    def _content_id(self, digest: str) -> str:
        """The part of a job's id that stands for a content of this folder."""
        return _hash(f"{self._folder}\n{digest}")


def _label(name: str) -> str:
    """A file's name as part of an id: unchanged where it is a plain one."""
    plain = "".join(c if c.isprintable() else " " for c in name)[:50]
    return name if name == plain else f"{plain} {_hash(name)[:4]}"


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=6).hexdigest()
