"""What a worker says of itself, read as what it is: from another machine, perhaps of another
version, so that everything may be missing or be otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pipeline.weights.identity import ModelIdentity

from .. import VERSION
from ..runtime.lines import escape_line
from . import plugin

MOST_LETTERS = 500  # of a text that a worker says
MOST_TAKES = 1 + plugin.INTERRUPTIONS  # that it makes at a time


@dataclass(frozen=True)
class Facts:
    """What it says from its start on. Texts are empty where it does not say them; `identity` is
    None where that cannot be read.
    """

    machine: str
    version: str
    dask: str
    device: str
    kind: str
    shared: str  # the folder where it leaves results, as it is called there
    mark: str  # the name of what it has left there, to be known by
    identity: ModelIdentity | None

    @classmethod
    def read(cls, data: object) -> Self:
        """Of anything."""
        facts = data if isinstance(data, Mapping) else {}
        version = _read_text(facts, "version")
        return cls(
            machine=_read_text(facts, "machine"),
            version=version,
            dask=_read_text(facts, "dask"),
            device=_read_text(facts, "device"),
            kind=_read_text(facts, "kind"),
            shared=_read_text(facts, "shared"),
            mark=_read_text(facts, "mark"),
            identity=_read_identity(facts.get("identity")) if version == VERSION else None,
        )

    @property
    def obstacle(self) -> str:
        """Why no daemon of this version can use it, in words; empty where one can."""
        if self.version != VERSION:
            return f"it has acestepd {self.version or 'of no version'}, and this is {VERSION}"
        if self.identity is None:
            return "what it says of its model cannot be read: start it again with acestepd worker"
        return ""


@dataclass(frozen=True)
class Metric:
    """What it says with every heartbeat. `state` is loading, warm or error; `doing` are its takes,
    as sentences.
    """

    state: str
    error: str
    doing: tuple[str, ...]
    free_memory: int  # bytes

    @classmethod
    def read(cls, worker: Mapping[str, Any]) -> Self:
        """Of what a scheduler knows of a worker."""
        metrics = worker.get("metrics")
        found = metrics.get(plugin.NAME) if isinstance(metrics, Mapping) else None
        metric = found if isinstance(found, Mapping) else {}
        doing = metric.get("doing")
        takes = doing[:MOST_TAKES] if isinstance(doing, list | tuple) else ()
        memory = metric.get("free_memory")
        return cls(
            state=_read_text(metric, "state") or "loading",
            error=_read_text(metric, "error"),
            doing=tuple(_cut(take) for take in takes if isinstance(take, str)),
            free_memory=memory if type(memory) is int else 0,
        )


def _read_text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return _cut(value) if isinstance(value, str) else ""


def _cut(text: str) -> str:
    return escape_line(text[:MOST_LETTERS])


def _read_identity(data: object) -> ModelIdentity | None:
    try:
        return ModelIdentity.from_json(data)
    except ValueError:
        return None
