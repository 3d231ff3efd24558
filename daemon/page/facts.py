"""How the daemon stands, for the page's dialog."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.voices import HUB_MODEL, VOICES

from ..engine import Engine
from ..jobs import Refused
from ..journal import Journal
from ..machines import ClusterStanding, describe_scheduler, describe_worker
from ..osc.handlers.models import list_models
from ..runtime import access
from ..runtime.logs import NAME as LOG
from ..runtime.processor import name_processor
from ..settings import Settings
from .takes import LandedTakes

MAX_LOG = 16_384  # bytes of the log's end
MAX_JOBS = 50
MAX_ENTRIES = 20_000  # of a folder that are looked at
MAX_ADAPTERS = 100
PEFT = "adapter_config.json"  # in a folder of PEFT
GB = 2**30
HUB_MODEL_SIZE = "6.3 GB"  # of all that is fetched of it


def describe_daemon(
    settings: Settings,
    engine: Engine,
    journal: Journal,
    takes: LandedTakes,
    folders: Iterable[Path],
    is_own: bool,
) -> dict[str, Any]:
    """Model, machine and queue, which models and adapters may be chosen, those in `folders`; and
    what only programs of this machine are told: where its folders are, and the newest lines of the
    log. Reads files.
    """
    device, memory = _read_newest(journal, takes)
    facts = [
        ("model", f"{engine.title}, {engine.state}"),
        ("trouble", engine.error),
        *_describe_cluster(engine.describe_cluster()),
        ("planner", settings.planner or "the one that is there, if any"),
        ("machine", _describe_machine()),
        ("device", device),
        ("memory", _describe_memory(settings, memory)),
    ]
    places = [
        ("clips", str(settings.out)),
        ("state", str(settings.state)),
        ("watched", ", ".join(str(watch.folder) for watch in settings.watch) or "no folder"),
    ]
    active = engine.active()[:MAX_JOBS]
    names = dict.fromkeys((*list_models(settings), engine.model))
    # 0: it is there, and not worn
    scales = dict.fromkeys(map(str, list_adapters(folders)), 0.0) | dict(engine.adapters)
    return {
        "facts": [fact for fact in facts + places * is_own if fact[1]],
        "models": [
            {
                "name": name,
                "isPlayed": name == engine.model,
                "variant": engine.variant if name == engine.model else "",
                "missing": _find_missing(settings, engine, name, is_own),
            }
            for name in names
        ],
        "adapters": [{"path": path, "scale": scale} for path, scale in scales.items()],
        "queue": [{"id": job.id, "state": job.state.value} for job in active],
        "log": read_end(settings.state / LOG) if is_own else [],
    }


def _describe_cluster(found: ClusterStanding | None) -> list[tuple[str, str]]:
    """The scheduler and each worker, where there are several machines."""
    if found is None:
        return []
    workers = [(f"worker {each.name}", describe_worker(each)) for each in found.workers]
    return [("scheduler", describe_scheduler(found)), *workers]


def _find_missing(settings: Settings, engine: Engine, name: str, is_own: bool) -> str:
    """Why a model of this name cannot be loaded, and what to do; "" where it is on this machine.
    What is loaded is not looked for: it may be being fetched.
    """
    is_loaded = name == engine.model and engine.state != "error"
    if name in VOICES or is_loaded:
        return ""
    from pipeline.weights import checkpoint  # not before: MLX is not needed for a voice

    try:
        checkpoint.find(name, "", settings.pinned_revision)
        return ""
    except checkpoint.CheckpointError as error:
        if checkpoint.is_hub_name(name):
            size = f" ({HUB_MODEL_SIZE})" if name == HUB_MODEL else ""
            return f"not here: acestepd pull {name} fetches it{size}"
        return str(error) if is_own else "not here, or not all of it"


def list_adapters(folders: Iterable[Path]) -> list[Path]:
    """The LoRAs that lie in these folders, without those below: files, and folders of PEFT. A
    folder that its drive does not give is passed over.
    """
    found: list[Path] = []
    for folder in folders:
        if access.read_in_time(folder):
            continue
        with suppress(OSError), os.scandir(folder) as entries:
            few = islice(entries, MAX_ENTRIES)
            found += [Path(os.path.realpath(entry)) for entry in few if _is_adapter(entry)]
    return sorted(dict.fromkeys(found))[:MAX_ADAPTERS]


def _is_adapter(entry: os.DirEntry[str]) -> bool:
    if entry.name.lower().endswith(".safetensors"):
        return True
    return entry.is_dir() and os.path.isfile(os.path.join(entry.path, PEFT))


def _describe_machine() -> str:
    processor = ", ".join(filter(None, (name_processor(), platform.machine())))
    return f"{processor}, {os.cpu_count()} cores, {_measure_memory():.0f} GB"


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
