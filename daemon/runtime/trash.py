"""Files go where the desktop keeps what was deleted: from there they can be had back."""

from __future__ import annotations

from pathlib import Path

import send2trash

from ..jobs import Refused


def move_to_trash(path: Path) -> None:
    """Raises `Refused` 507 where it cannot be moved there."""
    try:
        send2trash.send2trash(path)
    except OSError as error:
        reason = error.strerror or "it has none"
        text = f"{path.name} cannot be moved to the trash: {reason}"
        raise Refused(507, text, "delete it where it lies") from error
