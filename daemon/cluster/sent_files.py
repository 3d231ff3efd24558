"""The files that a request names, on their way to a worker: by the digest of their content, each
once for every worker. A path of the daemon's machine is never opened on another.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Collection, Container, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.private import PART, make_folder, open_private
from pipeline.real_files import find_named, open_real
from pipeline.request import FILE_FIELDS, BadRequest, Request, names_file

from .parcels import CHUNK_BYTES, BadParcel

CACHE_BYTES = 4 * 10**9  # of files that daemons have sent
_NAME = re.compile(r"[0-9a-f]{64}(\.[a-z0-9]{1,8})?")  # a digest, and the ending that files go by
_ENDING = re.compile(r"\.[a-z0-9]{1,8}")


class NamedFile(NamedTuple):
    """A file that a request names. `name` is what it is called on the worker."""

    path: str
    name: str

    def read_chunks(self) -> Iterator[bytes]:
        """Raises OSError."""
        with open_real(self.path) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk


def list_named_files(request: Request) -> dict[str, NamedFile]:
    """By the fields that name them. Reads them all; raises OSError."""
    paths = {name: getattr(request, name) for name in FILE_FIELDS}
    return {
        name: _identify(find_named(os.path.expanduser(path)))
        for name, path in paths.items()
        if names_file(name, path)
    }


def _identify(path: str) -> NamedFile:
    digest = hashlib.sha256()
    with open_real(path) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    ending = os.path.splitext(path)[1].lower()
    return NamedFile(path, digest.hexdigest() + (ending if _ENDING.fullmatch(ending) else ""))


class FileCache:
    """The files that were sent to a worker, in a folder of its own; those that were used longest
    ago go first.
    """

    def __init__(self, folder: Path, most_bytes: int = CACHE_BYTES) -> None:
        make_folder(folder)
        # without links on the way to it
        self._folder = Path(os.path.realpath(folder))
        self._most_bytes = most_bytes
        for part in self._folder.glob(f"*{PART}"):  # of a worker that was ended
            part.unlink(missing_ok=True)

    def list_missing(self, names: Collection[str]) -> list[str]:
        """Those of these names that have to be sent."""
        return [name for name in names if not self._locate(name).is_file()]

    def begin(self) -> str:
        """A name under which a file comes in chunks."""
        return f"{uuid.uuid4().hex}{PART}"

    def add_chunk(self, upload: str, chunk: bytes) -> None:
        """The next of a file. Raises OSError."""
        with open(self._locate_part(upload), "ab", opener=open_private) as stream:
            stream.write(chunk)

    def finish(self, upload: str, name: str, used: Container[str] = ()) -> None:
        """All of it is there: from now on it has its name, and what is too much goes, but for what
        is `used`. Raises `BadParcel` where its content has another digest, and OSError.
        """
        part = self._locate_part(upload)
        target = self._locate(name)
        try:
            part.touch()  # an empty file has no chunks
            with open(part, "rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if not name.startswith(digest):
                raise BadParcel("a file of the request came otherwise than it was sent")
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        self._make_room({name}, used)

    def place(self, request: Request, names: Mapping[str, str]) -> Request:
        """The request with its files where they are here. `names`: of its files, by their fields.
        Raises `BadRequest` where it names one that was not sent.
        """
        paths = {}
        for field in FILE_FIELDS:
            if not names_file(field, getattr(request, field)):
                continue
            path = self._locate(names.get(field, ""))
            if not path.is_file():
                raise BadRequest(f"its {field} did not come with it", "send it again")
            os.utime(path)  # it was used
            paths[field] = str(path)
        return request.changed(paths) if paths else request

    def _locate(self, name: str) -> Path:
        if name and not _NAME.fullmatch(name):
            raise BadParcel(f"no file is called {name[:80]!r}")
        return self._folder / (name or "none")

    def _locate_part(self, upload: str) -> Path:
        if Path(upload).name != upload or not upload.endswith(PART):
            raise BadParcel(f"no file is called {upload[:80]!r}")
        return self._folder / upload

    def _make_room(self, kept: Container[str], used: Container[str]) -> None:
        files = [(path.stat(), path) for path in self._folder.iterdir() if path.suffix != PART]
        left = sum(found.st_size for found, _ in files) - self._most_bytes
        for found, path in sorted(files, key=lambda each: each[0].st_mtime_ns):
            if left <= 0:
                return
            if path.name not in kept and path.name not in used:
                path.unlink(missing_ok=True)
                left -= found.st_size
