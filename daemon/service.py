"""The running daemon: settings wired to panel, engine and surfaces."""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from pipeline.voices import HUB_MODEL

from .engine import Engine
from .jobs import Event
from .osc import OscServer
from .panel import Panel
from .settings import Settings, SettingsError

if TYPE_CHECKING:
    from pipeline.generate import AceStep

log = logging.getLogger("acestepd")

VOICE = "mini"


class Chosen(NamedTuple):
    """The model that plays, its variant, and why it is not the real one where that was hoped for."""

    model: str
    variant: str
    why: str = ""


def chosen_model(settings: Settings) -> Chosen:
    """With `auto`, the real model when it is complete on this machine, and the embedded voice when not."""
    from pipeline import checkpoint

    if settings.model != "auto":
        return Chosen(settings.model, settings.variant)
    try:
        checkpoint.find(HUB_MODEL, settings.variant)
        return Chosen(HUB_MODEL, settings.variant)
    except checkpoint.CheckpointError as error:
        return Chosen(VOICE, "", str(error))


def check_folder(folder: Path) -> None:
    """Make the output folder and prove that files can be written there. Raises `SettingsError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SettingsError(f"out: cannot write into {folder}: {error.strerror}; choose another with --out") from error


class Daemon:
    """`with Daemon(settings) as daemon:` listens, loads and renders until the block ends."""

    def __init__(self, settings: Settings) -> None:
        check_folder(settings.out)
        self.settings = settings
        self.chosen = chosen_model(settings)
        self.engine = Engine(self._load, settings.out, settings.queue, self.chosen.model)
        self.engine.listen(_log_event)
        try:
            self.osc = OscServer(settings, Panel(settings.request), self.engine)
        except OSError as error:
            place = f"{settings.host}:{settings.port}"
            hint = "is acestepd running already? Choose another port with --port"
            raise SettingsError(f"cannot listen on UDP {place}: {error.strerror}; {hint}") from error

    def _load(self) -> AceStep:
        from pipeline import load

        return load(self.chosen.model, self.chosen.variant)

    def __enter__(self) -> Self:
        sys.setswitchinterval(0.001)  # a datagram is answered at once although the engine's thread is computing
        self.engine.start()
        self.osc.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.engine.close()  # first: what it cancels is still announced
        self.osc.close()


def _log_event(event: Event) -> None:
    if event.kind == "state":
        log.info("%s %s, %s waiting", *event.values)
    elif event.job is not None and event.kind != "progress":
        details = " ".join(str(v) for v in event.values)
        level = logging.WARNING if event.kind == "fail" else logging.INFO
        log.log(level, "%s %s %s", event.job.id, event.kind, details)
