"""What a loaded model can make of a request, and what it says about the rest."""

from __future__ import annotations

import os

from . import audio, cost, tasks
from .request import UNDERSTAND, BadRequest, Request
from .stages import Stages

COVERS = ("cover", "cover-nofsq")


def possible(model: Stages, request: Request) -> Request:
    """The request with the model's defaults, if the model can make it. Raises `BadRequest`."""
    if request.task == UNDERSTAND:
        hint = "send /ace/understand, or run: acestepd understand FILE"
        raise BadRequest("understand makes words, and no sound", hint)
    if request.task and request.task not in model.tasks:
        raise BadRequest(
            f"{model.name} cannot {request.task}; {cost.able(request.task)} can", "load one of them"
        )
    if request.taken and "extract" not in model.tasks:
        message = f"{model.name} cannot take stems out of a clip; {cost.able('extract')} can"
        raise BadRequest(message, "load one of them, or leave stems empty")
    if request.loop and request.task not in ("", *COVERS):
        raise BadRequest(
            f"{request.task} keeps its source, it cannot make a loop of it",
            "set loop to 0, or cover",
        )
    if request.cover_noise_strength and not request.task.startswith("cover"):
        raise BadRequest(
            "cover_noise_strength is for a cover", "set task to cover or cover-nofsq, or it to 0"
        )
    if request.codes and model.config.guided:
        raise BadRequest(
            f"{model.name} has no audio codes, ACE-Step's own models have", "leave codes empty"
        )
    if request.codes and request.guide not in ("", "off"):
        raise BadRequest("codes say what is played, and so does a guide", "leave one of them empty")
    if request.task in tasks.UNGUIDED and request.guide not in ("", "off"):
        raise BadRequest(
            f"{request.task} follows its source, it takes no guide", "leave guide empty, or task"
        )
    request = model.defaults.fill(request)
    steps = len(model.timesteps(request))
    if late := [step for step in request.preview.split() if int(step) >= steps]:
        raise BadRequest(
            f"preview must be steps before the last of {steps}, got {late[0]}", "hear it earlier"
        )
    return request


def notes(model: Stages, request: Request) -> tuple[str, ...]:
    """What of the request the model cannot do, or not well."""
    unsung = request.lyrics.strip() and not model.config.sings
    told = ["does not sing: the lyrics were left out"] if unsung else []
    if model.config.guided and request.task.startswith("cover"):
        told.append(
            "was taught to paint over drawings, not recordings: it follows the source roughly"
        )
    if model.config.guided and request.task == "repaint":
        told.append("was not taught to repaint: the window may not fit in with what is around it")
    if model.config.guided and request.reference:
        told.append("was not taught to sound like a reference: it may not follow it")
    idle = (f"{os.path.basename(request.source)} was not used: no task was given",) * _unused(
        request
    )
    return idle + _folded(model, request) + tuple(f"{model.name} {one}" for one in told)


def _unused(request: Request) -> bool:
    """Whether there is a source that nothing is to be done with."""
    return bool(request.source) and not request.task


def _folded(model: Stages, request: Request) -> tuple[str, ...]:
    """What was done to files with more channels than are heard."""
    heard = request.reference, request.source if request.task else ""
    files = {path: audio.folded(path) for path in heard if path}
    return tuple(
        f"{os.path.basename(path)} has {channels} channels: the odd ones were mixed to the left, the others right"
        for path, channels in files.items()
        if channels
    )
