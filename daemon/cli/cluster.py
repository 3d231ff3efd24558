"""`acestepd worker` and `acestepd cluster`, where the extra is installed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pipeline.weights.adapter import parse_adapters
from pipeline.weights.checkpoint import CheckpointError

from ..engine.model_state import ModelChoice
from ..service import check_cluster_installed, select_model
from ..settings import Settings, SettingsError


@dataclass(frozen=True)
class PrintedCensus:
    """Who is there: for scripts, and for people."""

    values: dict[str, Any]
    text: str

    def to_json(self) -> dict[str, Any]:
        return self.values


def work(scheduler: str, settings: Settings, name: str = "") -> int:
    """Be a worker until a signal ends it. Returns the exit status."""
    check_cluster_installed()
    from ..cluster import machine

    try:
        return machine.run(scheduler, settings, choose_model(settings), name)
    except CheckpointError as error:
        raise SettingsError(str(error)) from error


def ask(settings: Settings, scheduler: str = "") -> PrintedCensus:
    """Raises `SettingsError` where no scheduler is named, or nobody answers."""
    check_cluster_installed()
    from ..cluster import census

    named = scheduler or settings.cluster.scheduler
    if not named:
        raise SettingsError(
            "which cluster? acestepd cluster tcp://127.0.0.1:8786, or [cluster] scheduler in the "
            "settings"
        )
    if named == "auto":
        named = settings.cluster.listen
    found = census.take_census(named, settings, choose_model(settings))
    return PrintedCensus(asdict(found), census.format_census(found))


def choose_model(settings: Settings) -> ModelChoice:
    """What plays with these settings."""
    model = select_model(settings)
    return ModelChoice(model.name, model.variant, parse_adapters(settings.adapters))
