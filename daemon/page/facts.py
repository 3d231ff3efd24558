"""How the daemon stands, for the page's dialog."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from ..engine import Engine
from ..runtime.logs import NAME as LOG
from ..settings import Settings

MAX_LOG = 16_384  # bytes of the log's end
MAX_JOBS = 50


def describe_daemon(settings: Settings, engine: Engine, with_log: bool) -> dict[str, Any]:
    """Model, machine, folders and queue, and the newest lines of the log where it is to be seen.
    Reads files.
    """
    planner = settings.planner or "what is there"
    facts = [
        ("model", f"{engine.title}, {engine.state}"),
        ("trouble", engine.error),
        ("planner", planner),
        ("machine", f"{platform.machine()}, {os.cpu_count()} cores"),
        (
            "memory",
            f"{settings.memory_gb:g} GB at most" if settings.memory_gb else "MLX's own limit",
        ),
        ("clips", str(settings.out)),
        ("state", str(settings.state)),
        ("watched", ", ".join(str(watch.folder) for watch in settings.watch) or "no folder"),
    ]
    active = engine.active()[:MAX_JOBS]
    return {
        "facts": [fact for fact in facts if fact[1]],
        "queue": [{"id": job.id, "state": job.state.value} for job in active],
        "log": read_end(settings.state / LOG) if with_log else [],
    }


def read_end(path: Path) -> list[str]:
    """The newest lines of a text file, the newest last; none where there is no file."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - MAX_LOG))
            lines = file.read(MAX_LOG).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return lines[1:] if size > MAX_LOG else lines
