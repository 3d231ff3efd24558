"""Takes become files: what is staged becomes visible, under names of its own.

A landing survives a kill at any instruction: `staging.stage` -> the journal keeps
`Staged.to_json()` -> `land` -> the journal forgets it. Before the journal knows, nothing is
visible, and `staging.sweep` removes the rest; from then on `recover` finishes.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from . import disk, latest, staging
from .finished_take import LandingTake
from .manifest import JobFacts
from .staging import Staged, StagedFile

log = logging.getLogger("acestepd.clips")

NO_JOURNAL = "once"  # the token of takes that no journal knows
DAY = 86_400.0  # seconds


@dataclass(frozen=True)
class Landed:
    """The files of one job, final: (stem, path) of every clip, and the manifest."""

    clips: tuple[tuple[str, Path], ...]
    manifest: Path


def land(staged: Staged) -> Landed | None:
    """Give all files their names, or none; do what is left of it where an earlier call was cut off.

    None when a name was taken meanwhile: `staging.rename` has the next free ones. OSError as it
    comes: try again later.
    """
    try:
        if not all(_name(file) for file in staged.files):
            _take_names_back(staged)
            return None
        disk.sync_folder(staged.folder)
    except OSError:
        with suppress(OSError):  # where this fails too, the next call goes on from there
            _take_names_back(staged)
        raise
    return _finish(staged)


def reveal(staged: Staged) -> bool:
    """Give all files their names without syncing, where a client must not wait; `land` has to
    follow, whatever comes of this. False when a name was taken meanwhile, or the disk failed.
    """
    try:
        return all(
            disk.is_taken(file.source) and disk.take_name(file.source, file.target)
            for file in staged.files
        )
    except OSError:
        return False


def recover(
    staged: Staged, note_renamed: Callable[[Staged], None] = lambda staged: None
) -> Landed | None:
    """Finish a landing that a crash cut off. None when files are missing, and the job must be
    rendered again.

    `note_renamed` is called with every new choice of names before it is used: the journal keeps it.
    OSError when the volume does not answer now; nothing is lost by trying again later.
    """
    staged.folder.mkdir(exist_ok=True)  # raises when the volume is not there, as `stage` would
    *clips, manifest = staged.files
    # the manifest is the last one: all were there; some may be deleted since
    if not disk.is_taken(manifest.source) and manifest.has_landed:
        landed = _finish(staged)
        present = tuple(clip for clip in landed.clips if disk.is_taken(clip[1]))
        return Landed(present, landed.manifest)
    if not all(disk.is_taken(file.source) or file.has_landed for file in (*clips, manifest)):
        return None
    while (finished := land(staged)) is None:
        staged = staging.rename(staged)
        note_renamed(staged)
    return finished


def write_take(
    folder: Path,
    job_id: str,
    take: LandingTake,
    origin: str = "",
    kept: latest.KeptLatest = latest.NONE,
) -> Landed:
    """Stage and land at once, where there is no journal. Either all files become visible, or none.
    Raises OSError.

    What a killed call left half written is removed by the first one a day later.
    """
    staging.sweep(folder, NO_JOURNAL, older=DAY)
    staged = staging.stage(folder, NO_JOURNAL, JobFacts(job_id, origin), take, kept)
    try:
        while (landed := land(staged)) is None:
            staged = staging.rename(staged)
    except BaseException:
        staging.discard(staged)
        raise
    return landed


def _name(file: StagedFile) -> bool:
    """Give a file its final name. False when that is another file's."""
    if disk.is_taken(file.source):
        return disk.take_name(file.source, file.target)
    if file.has_landed:  # renamed before a crash
        return True
    raise FileNotFoundError(errno.ENOENT, "a staged file is gone", str(file.source))


def _take_names_back(staged: Staged) -> None:
    """Undo the names that `land` gave, and only those."""
    for file in reversed(staged.files):
        if not disk.is_taken(file.source):
            if file.has_landed:
                os.rename(file.target, file.source)
        elif disk.is_taken(file.target) and disk.is_same_file(file.source, file.target):
            os.unlink(file.target)


def _finish(staged: Staged) -> Landed:
    """All have their names: the latest clips follow, and what was staged goes."""
    *clips, manifest = staged.files
    for base_name in staged.latest if staged.staging.is_dir() else ():
        newest = {
            f"{base_name}{suffix}": (file.target, file.sha256)
            for suffix, file in zip(staged.suffixes, clips)
        }
        try:
            latest.update_latest(base_name, newest, manifest.target, staged.staging)
        except (OSError, ValueError) as error:
            log.warning("%s has landed, but not as the latest: %s", manifest.target, error)
    shutil.rmtree(staged.staging, ignore_errors=True)
    return Landed(staged.clips, manifest.target)
