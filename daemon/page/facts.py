"""How the daemon stands, for the page's dialog."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from ..engine import Engine
from ..jobs import Refused
from ..journal import Journal
from ..runtime.logs import NAME as LOG
from ..settings import Settings
from .takes import LandedTakes

MAX_LOG = 16_384  # bytes of the log's end
MAX_JOBS = 50
GB = 2**30


def describe_daemon(
    settings: Settings, engine: Engine, journal: Journal, takes: LandedTakes, with_log: bool
) -> dict[str, Any]:
    """Model, machine, folders and queue, and the newest lines of the log where it is to be seen.
    Reads files.
    """
    device, memory = _read_newest(journal, takes)
    facts = [
        ("model", f"{engine.title}, {engine.state}"),
        ("trouble", engine.error),
        ("adapters", ", ".join(f"{one.path} {one.scale:g}" for one in engine.adapters)),
        ("planner", settings.planner or "the one that is there, if any"),
        ("machine", f"{platform.machine()}, {os.cpu_count()} cores, {_measure_memory():.0f} GB"),
        ("device", device),
        ("memory", _describe_memory(settings, memory)),
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


def _read_newest(journal: Journal, takes: LandedTakes) -> tuple[str, int]:
    """What computed the newest take that landed, and the most bytes that it took; "" and 0 where
    that is not known.
    """
    job = journal.find_newest_clip("")
    if job is None:
        return "", 0
    try:
        found = takes.read_manifest(job)
        device = ", ".join(map(str, found["machine"].values()))
        return device, max(map(int, found["memory"].values()), default=0)
    except (Refused, ValueError, KeyError, TypeError, AttributeError):
        return "", 0


def _describe_memory(settings: Settings, taken: int) -> str:
    limit = f"{settings.memory_gb:g} GB at most" if settings.memory_gb else "MLX's own limit"
    return f"{limit}; the newest take had {taken / GB:.1f} GB" if taken else limit


def _measure_memory() -> float:
    """All that this machine has, in GB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GB


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
