"""The panel: the current `Request`, which every surface turns, and from which a message takes
what it leaves out.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pipeline.request import FIELDS, BadRequest, Request, field_name
from pipeline.request_files import check_files

if TYPE_CHECKING:
    from .tempo import Tempo

log = logging.getLogger("acestepd.panel")

ParameterListener = Callable[[str, object], None]  # called with a parameter's name and new value


class NothingToPlay(BadRequest):
    """Neither prompt nor lyrics, nor a task or codes."""


class Panel:
    """Set from any thread. Listeners are called with every change, on the thread that makes it, and
    must be quick.
    """

    def __init__(self, request: Request, tempo: Tempo | None = None) -> None:
        self.request = request
        self.tempo = tempo
        self._lock = threading.RLock()
        self._listeners: list[ParameterListener] = []

    def listen(self, listener: ParameterListener) -> None:
        self._listeners.append(listener)

    def set(self, name: str, value: object) -> bool:
        """Set one parameter; `name` may be an alias. Returns whether that changed anything. Raises
        `BadRequest`.
        """
        with self._lock:
            request = self.request.changed({name: value})
            check_files(request, [name])
            return self.replace(request)

    def replace(self, request: Request) -> bool:
        """Set all parameters. Returns whether that changed anything."""
        with self._lock:
            before = self.request
            self.request = request
            changed = [name for name in FIELDS if getattr(before, name) != getattr(request, name)]
            for name in changed:
                self._notify(name, getattr(request, name))
            return bool(changed)

    def build_request(self, overrides: Mapping[str, object]) -> Request:
        """The current request with what one message changes in it. Raises `BadRequest`, for the
        files that the message names too; whether the panel's are still there is seen when the
        request is submitted.

        Where neither gives a tempo, new music (no task) gets that of the session, if one was set
        or, unless the prompt names one, is followed.
        """
        request = self.request.changed(overrides)
        check_files(request, overrides)
        if not (request.prompt.strip() or request.lyrics.strip() or request.task or request.codes):
            raise NothingToPlay(
                "there is nothing to play: prompt and lyrics are empty",
                "say what it should sound like",
            )
        if request.bpm or request.task or "bpm" in map(field_name, overrides):
            return request
        bpm = self.session_bpm(only_set=request.follow_prompt().bpm > 0)
        return request.changed({"bpm": bpm}) if bpm else request

    def session_bpm(self, only_set: bool = False) -> float:
        """The session's tempo; 0 where it has none, or one outside of what `bpm` allows.
        `only_set`: only where somebody has set it, and it is not that of others.
        """
        if self.tempo is None:
            return 0.0
        bpm, source = self.tempo.current
        is_followed = source == "explicit" if only_set else source != "default"
        allowed = FIELDS["bpm"]
        return bpm if is_followed and allowed.low <= bpm <= allowed.high else 0.0

    def _notify(self, name: str, value: object) -> None:
        for listener in self._listeners:
            try:
                listener(name, value)
            except Exception:  # a surface must not take the others with it
                log.exception("a listener failed on %s", name)
