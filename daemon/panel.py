"""The current `Request`, which every surface turns, and what `generate` means."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.request import FIELDS, BadRequest, Request, field_name

if TYPE_CHECKING:
    from .tempo import Tempo

log = logging.getLogger("acestepd.panel")

Turned = Callable[[str, Any], None]  # a parameter's name and its new value


class NothingToPlay(BadRequest):
    """Neither prompt nor lyrics."""


class Panel:
    """Set from any thread. Listeners hear every change, on the thread that makes it, and must be
    quick.
    """

    def __init__(self, request: Request, tempo: Tempo | None = None) -> None:
        self.request = request
        self.tempo = tempo
        self._lock = threading.RLock()
        self._listeners: list[Turned] = []

    def listen(self, listener: Turned) -> None:
        self._listeners.append(listener)

    def set(self, name: str, value: Any) -> bool:
        """Turn one knob; `name` may be an alias. Whether that changed anything. Raises
        `BadRequest`.
        """
        with self._lock:
            return self.replace(self.request.changed({name: value}))

    def replace(self, request: Request) -> bool:
        """Another request altogether. Whether that changed anything."""
        with self._lock:
            before = self.request
            self.request = request
            turned = [name for name in FIELDS if getattr(before, name) != getattr(request, name)]
            for name in turned:
                self._tell(name, getattr(request, name))
            return bool(turned)

    def wish(self, overrides: Mapping[str, Any]) -> Request:
        """The current request with what one message changes in it. Raises `BadRequest`.

        New music that neither gives a tempo has that of the session, where one is followed or was
        set.
        """
        request = self.request.changed(overrides)
        if not (request.prompt.strip() or request.lyrics.strip() or request.task or request.codes):
            raise NothingToPlay(
                "there is nothing to play: prompt and lyrics are empty",
                "say what it should sound like",
            )
        if (
            request.bpm
            or request.task
            or "bpm" in map(field_name, overrides)
            or not (bpm := self.session_bpm())
        ):
            return request
        return request.changed({"bpm": bpm})

    def session_bpm(self) -> float:
        """0 where no session says one that can be played."""
        bpm, source = self.tempo.current if self.tempo else (0.0, "default")
        allowed = FIELDS["bpm"].metadata["allowed"]
        return bpm if source != "default" and allowed.low <= bpm <= allowed.high else 0.0

    def _tell(self, name: str, value: Any) -> None:
        for listener in self._listeners:
            try:
                listener(name, value)
            except Exception:  # a surface must not take the others with it
                log.exception("a listener failed on %s", name)
