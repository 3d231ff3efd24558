"""The state folder: what is in it is nobody's business but its owner's."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from pipeline.private import make_folder, make_private, tighten_files

# what is ours in there, if somebody keeps other things in it too
OURS = (
    "acestepd.*",
    "journal.*",
    "heard.json",
    "integrations.json",
    "learnt.toml",
    "listeners.json",
    "banks",
    "granted",
    "latents",
    "previews",
    "waveforms",
)

log = logging.getLogger("acestepd.state")


def claim(folder: Path) -> None:
    """Make the state folder, for its owner alone, with all that is in it. Where others were let in,
    that is said, and also where it cannot be helped. Raises OSError, also for a folder of another
    user, or one with files of ours that another user has put there.
    """
    make_folder(folder)
    real = folder.resolve()
    _refuse_strangers([real, *_list_ours(real)])
    try:
        was_open = make_private(real)
    except OSError as error:
        log.warning("other users may read the state folder %s: %s", folder, error.strerror)
        return
    if tighten_files(_list_ours(real)) or was_open:
        log.warning("the state folder %s was open to other users, and is not any more", folder)


def _list_ours(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.iterdir()
        if any(fnmatchcase(path.name, pattern) for pattern in OURS)
    ]


def _refuse_strangers(paths: Iterable[Path]) -> None:
    """Raises PermissionError where one of these, a link itself included, is another user's."""
    for path in paths:
        if path.lstat().st_uid not in (0, os.geteuid()):
            raise PermissionError(errno.EPERM, f"{path} is another user's", str(path))
