"""What a loaded model can make of a request, and what it says about the rest."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .request import FOLLOW_SOURCE, UNDERSTAND, BadRequest, Request
from .schedules import Schedule, build_timesteps
from .tasks import COVERS
from .variants import Defaults, check_tasks


@dataclass(frozen=True)
class Capabilities:
    """What a loaded model can do.

    `tasks` are those that it was taught beside new music; `defaults` are used where a request
    leaves the choice to the model. `turbo`: it was distilled, and has a schedule of its own.
    `plays_guides`: it was taught to paint over guides, and over everything; it has no audio codes.
    `sings`: it reads lyrics.
    """

    name: str
    tasks: tuple[str, ...]
    defaults: Defaults
    turbo: bool
    plays_guides: bool
    sings: bool

    def accept(self, request: Request) -> Request:
        """The request with the model's defaults, if the model can make it. Raises `BadRequest`."""
        self._check_task(request)
        self._check_guide(request)
        request = self.defaults.fill(request)
        steps = len(build_timesteps(request, self.turbo))
        if late := [step for step in request.preview.split() if int(step) >= steps]:
            message = f"preview must be steps before the last of {steps}, got {late[0]}"
            raise BadRequest(message, "hear it earlier")
        return request

    def build_timesteps(self, request: Request) -> Schedule:
        """The timesteps of an accepted request. Raises `BadRequest`."""
        return build_timesteps(request, self.turbo)

    def default_guide(self, request: Request) -> str:
        """What a guide is that the request leaves open: auto or off."""
        if self.plays_guides and request.task not in FOLLOW_SOURCE and not request.codes:
            return "auto"
        return "off"

    def describe_limits(self, request: Request) -> tuple[str, ...]:
        """What of the request the model cannot do, or not well, as notes."""
        notes = []
        if request.source and not request.task:
            name = os.path.basename(request.source)
            notes.append(f"{name} was not used: no task was given")
        if self.plays_guides:
            notes += [f"{self.name} {limit}" for limit in _describe_guided_limits(request)]
        return tuple(notes)

    def _check_task(self, request: Request) -> None:
        if request.task == UNDERSTAND:
            hint = "send /ace/understand, or run: acestepd understand FILE"
            raise BadRequest("understand makes words, and no sound", hint)
        check_tasks(self.name, self.tasks, request)
        if request.loop and request.task not in ("", *COVERS):
            raise BadRequest(
                f"{request.task} keeps its source, it cannot make a loop of it",
                "set loop to 0, or cover",
            )
        if request.cover_noise_strength and request.task not in COVERS:
            raise BadRequest(
                "cover_noise_strength is for a cover",
                "set task to cover or cover-nofsq, or it to 0",
            )

    def _check_guide(self, request: Request) -> None:
        """Codes, a guide and a source all say what is played: only one of them may."""
        if request.codes and self.plays_guides:
            raise BadRequest(
                f"{self.name} has no audio codes, ACE-Step's own models have", "leave codes empty"
            )
        if request.guide in ("", "off"):
            return
        if request.codes:
            raise BadRequest(
                "codes say what is played, and so does a guide", "leave one of them empty"
            )
        if request.task in FOLLOW_SOURCE:
            raise BadRequest(
                f"{request.task} follows its source, it takes no guide",
                "leave guide empty, or task",
            )


def _describe_guided_limits(request: Request) -> list[str]:
    """What a guided model was not taught."""
    limits = []
    if request.task in COVERS:
        limits.append(
            "was taught to paint over drawings, not recordings: it follows the source roughly"
        )
    if request.task == "repaint":
        limits.append("was not taught to repaint: the window may not fit in with what is around it")
    if request.reference:
        limits.append("was not taught to sound like a reference: it may not follow it")
    return limits
