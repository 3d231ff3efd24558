"""The state folder: what is in it is nobody's business but its owner's."""

from __future__ import annotations

import logging
from pathlib import Path

from pipeline.private import make_folder, make_private, tighten_files

# what is ours in there, if somebody keeps other things in it too
OURS = (
    "acestepd.*",
    "journal.*",
    "heard.json",
    "integrations.json",
    "learnt.toml",
    "banks",
    "latents",
    "previews",
)

log = logging.getLogger("acestepd.state")


def claim(folder: Path) -> None:
    """Make the state folder, for its owner alone, with all that is in it. Where others were let in,
    that is said, and also where it cannot be helped. Raises OSError.
    """
    make_folder(folder)
    try:
        was_open = make_private(folder.resolve())
    except OSError as error:
        log.warning("other users may read the state folder %s: %s", folder, error.strerror)
        return
    if tighten_files(path for pattern in OURS for path in folder.glob(pattern)) or was_open:
        log.warning("the state folder %s was open to other users, and is not any more", folder)
