"""What a loaded model can make of a request, and what it says about the rest. No MLX."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .request import COVERS, FOLLOW_SOURCE, UNDERSTAND, VOCALS, BadRequest, Request
from .schedules import Schedule, build_timesteps
from .source_facts import find_stem
from .variants import Defaults, check_tasks


@dataclass(frozen=True)
class Capabilities:
    """What a loaded model can do.

    `tasks` are those that it was taught beside new music; `defaults` are used where a request
    leaves the choice to the model. `turbo`: it was distilled, and has a schedule of its own.
    `plays_guides`: it was taught to paint over guides, and over everything; it has no audio codes.
    `sings`: it reads lyrics; `sings_guide`: it sings what is sung in its guide. `masks_stems`: its
    stems are parts of the mix, and a guide tells which.
    """

    name: str
    tasks: tuple[str, ...]
    defaults: Defaults
    turbo: bool
    plays_guides: bool
    sings: bool
    sings_guide: bool = False
    masks_stems: bool = False

    @property
    def has_voice(self) -> bool:
        """Whether it makes vocals, and takes them out of a mix."""
        return self.sings or self.sings_guide

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Capabilities:
        """Those of `dataclasses.asdict`."""
        restored = {"tasks": tuple(values["tasks"]), "defaults": Defaults(*values["defaults"])}
        return cls(**{**values, **restored})

    def accept(self, request: Request) -> Request:
        """The request with the model's defaults, if the model can make it. Raises `BadRequest`."""
        self._check_task(request)
        self._check_codes(request)
        self._check_plan(request)
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

    def divides_by_guide(self, request: Request) -> bool:
        """Whether the guide's own stems tell those of the take, which is played from it all the
        time; the network takes none out then.
        """
        guide = request.guide or self.default_guide(request)
        is_played = guide != "off" and request.guide_strength == 1 and not request.task
        return self.masks_stems and is_played

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

    def find_obstacle_to_plan(self, request: Request) -> tuple[str, str]:
        """Why the model cannot follow a plan of a request, whatever planner there is, and what to
        do; empty where it can.
        """
        if self.plays_guides:
            return (
                "this voice has no audio codes, so nothing can be planned",
                "the real model can: acestepd pull, then start acestepd again; or plan off",
            )
        if request.task:
            return (
                f"{request.task} follows its source, there is nothing to plan",
                "leave task empty, or set plan to off",
            )
        if request.guide not in ("", "off"):
            return (
                "the guide says what is played, there is nothing to plan",
                "leave guide empty, or set plan to off",
            )
        return "", ""

    def _check_plan(self, request: Request) -> None:
        if request.plan in ("auto", "off") or request.codes:
            return
        reason, hint = self.find_obstacle_to_plan(request)
        if reason:
            raise BadRequest(reason, hint)

    def _check_codes(self, request: Request) -> None:
        if request.codes and self.plays_guides:
            raise BadRequest(
                f"{self.name} has no audio codes, ACE-Step's own models have",
                "leave codes empty, or: acestepd pull, then start acestepd again",
            )


def _describe_guided_limits(request: Request) -> list[str]:
    """What a guided model was not taught."""
    limits = []
    if request.task in COVERS:
        limits.append(
            "was taught to paint over guides, not recordings: it follows the source roughly"
        )
    if request.task == "repaint":
        limits.append("was not taught to repaint: the window may not fit in with what is around it")
    if request.reference:
        limits.append("was not taught to sound like a reference: it may not follow it")
    return limits


def explain_silence(request: Request) -> str:
    """Why the guide's singer does not sing a request's lyrics for a model that does not, or ""."""
    return find_obstacle(request) or ("guide_voice is off" if request.guide_voice == "off" else "")


def find_obstacle(request: Request) -> str:
    """Why the guide of a request has no words, or ""."""
    if request.task:
        return f"{request.task} has no guide that is sung"
    if request.guide == "off" or not request.guide_strength:
        return "there is no guide to sing them to"
    if request.composer == 1:
        return "composer 1 has no singer"
    return ""


def keeps_vocals(request: Request, model_sings: bool) -> bool:
    """Whether a request wants the vocals of a source that its own stem has exactly: what the
    guide's singer sang is not in a mix as it was.
    """
    is_wanted = VOCALS in request.extracted_tracks and request.task in ("repaint", "extract")
    return is_wanted and not model_sings


def explain_lost_vocals(request: Request, has_voice: bool) -> str:
    """What becomes of a voice in the source that has no stem of its own, where the model finds
    none, or "". Reads files.
    """
    if not keeps_vocals(request, has_voice) or find_stem(request.source, VOCALS):
        return ""
    name = os.path.basename(request.source)
    return f"{name} has no vocals stem beside it: a voice that was mixed into it stays in the rest"
