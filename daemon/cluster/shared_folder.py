"""The folder that daemon and workers both have, for results: that it is the same one, and that
nothing of nobody stays there.

A worker leaves a mark in it as long as it lives. Whoever finds that mark has the same folder,
whatever it is called there.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.private import open_private

from ..settings import SettingsError
from .parcels import PREFIX

KEPT_SECONDS = 600.0  # that a result waits to be taken
OLD_SECONDS = 3600.0  # after which nobody takes what another has left
_RANDOM = "[0-9a-f]{32}"
_MARK = re.compile(re.escape(f"{PREFIX}worker-") + _RANDOM)
_OURS = re.compile(re.escape(PREFIX) + f"(worker-)?{_RANDOM}")


@contextmanager
def marked(folder: Path | None) -> Iterator[str]:
    """The name of a mark that is in the folder meanwhile; empty without a folder. Raises
    `SettingsError` where there is no such folder, or one that takes no files.
    """
    if folder is None:
        yield ""
        return
    mark = folder / f"{PREFIX}worker-{uuid.uuid4().hex}"
    try:
        open(mark, "xb", opener=open_private).close()
    except OSError as error:
        raise SettingsError(
            f"cluster.shared: results cannot be left in {folder}: {error.strerror}; "
            "make the folder, or leave it out: they come over Dask then"
        ) from error
    try:
        remove_old(folder, mark)
        yield mark.name
    finally:
        with suppress(OSError):
            mark.unlink()


def is_marked(folder: Path | None, mark: str) -> bool:
    """Whether a worker's mark is in this folder, which is the worker's then."""
    return folder is not None and bool(_MARK.fullmatch(mark)) and (folder / mark).is_file()


# why a worker is not used; not which folder that is, as clients of the daemon may read this
OTHER_FOLDER = (
    "it leaves results in a shared folder which is not the [cluster] shared of the daemon's "
    "machine: set it on both, or on neither"
)


def remove_old(folder: Path, mark: Path) -> None:
    """Remove what nobody took, and the marks of those that were killed. How old that is, the
    `mark` says, which is new: the folder may have a clock of its own.
    """
    with suppress(OSError):
        oldest = mark.stat().st_mtime - OLD_SECONDS
        for path in folder.iterdir():
            if not _OURS.fullmatch(path.name) or not path.is_file():
                continue
            if path.stat(follow_symlinks=False).st_mtime < oldest:
                path.unlink(missing_ok=True)


def remove_later(
    path: Path, loop: asyncio.AbstractEventLoop, seconds: float = KEPT_SECONDS
) -> None:
    """Remove a result that nobody has taken by then. From any thread; `loop` is to go on."""

    def remove() -> None:
        loop.run_in_executor(None, _remove_quietly, path)  # the folder may be slow

    loop.call_soon_threadsafe(loop.call_later, seconds, remove)


def _remove_quietly(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
