"""The current `Request`, which every surface turns, and what `generate` means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.request import BadRequest, Request


class NothingToPlay(BadRequest):
    """Neither prompt nor lyrics."""


class Panel:
    def __init__(self, request: Request) -> None:
        self.request = request

    def wish(self, overrides: Mapping[str, Any]) -> Request:
        """The current request with what one message changes in it. Raises `BadRequest`."""
        request = self.request.changed(overrides)
        if not request.prompt.strip() and not request.lyrics.strip():
            raise BadRequest(
                "there is nothing to play: prompt and lyrics are empty",
                "say what it should sound like",
            )
        return request
