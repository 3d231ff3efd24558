"""The published models: what each uses where a request leaves the choice to it, and its tasks. No
MLX.
"""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from .request import FIELDS, BadRequest, Request
from .voices import HUB_MODEL


class Defaults(NamedTuple):
    """JSON-able with `_asdict()`, and back with `Defaults(**values)`."""

    num_steps: int
    shift: float
    guidance_scale: float
    guidance_interval: float

    def choose(self, request: Request) -> Defaults:
        """The request's own values, and these where it leaves them open."""
        # guided, a lego drowns its source
        defaults = self._replace(guidance_scale=1.0) if request.task == "lego" else self
        own = {name: getattr(request, name) for name in self._fields}
        return defaults._replace(
            **{name: value for name, value in own.items() if value != FIELDS[name].default}
        )

    def fill(self, request: Request) -> Request:
        """The request with these values where it leaves them open."""
        return request.changed(self.choose(request)._asdict())


class Variant(NamedTuple):
    """What a published model plays by itself, and what it was taught to do beside new music."""

    defaults: Defaults
    tasks: tuple[str, ...]


TURBO = Defaults(num_steps=8, shift=3.0, guidance_scale=1.0, guidance_interval=0.5)
BASE = Defaults(num_steps=50, shift=1.0, guidance_scale=7.0, guidance_interval=1.0)
COMMON_TASKS = ("cover", "cover-nofsq", "repaint")  # what every model does
BASE_TASKS = ("extract", "lego", "complete")  # what base models do too
VARIANTS = {
    "acestep-v15-turbo": Variant(TURBO, COMMON_TASKS),
    "acestep-v15-turbo-shift1": Variant(TURBO._replace(shift=1.0), COMMON_TASKS),
    "acestep-v15-turbo-shift3": Variant(TURBO, COMMON_TASKS),
    "acestep-v15-turbo-continuous": Variant(TURBO, COMMON_TASKS),
    "acestep-v15-base": Variant(BASE, COMMON_TASKS + BASE_TASKS),
    "acestep-v15-sft": Variant(BASE, COMMON_TASKS),
    "acestep-v15-xl-turbo": Variant(TURBO, COMMON_TASKS),
    "acestep-v15-xl-base": Variant(BASE, COMMON_TASKS + BASE_TASKS),
    "acestep-v15-xl-sft": Variant(BASE, COMMON_TASKS),
}


def find_variant(name: str, turbo: bool, extracts: bool = False, steps: int = 0) -> Variant:
    """Of the model called `name`. One that is not published goes by what its config says: whether
    it takes stems out, and in how many steps it plays, unless these are 0.
    """
    kind = "sft" if "sft" in name else "base"
    similar = "acestep-v15-turbo" if turbo else f"acestep-v15-{kind}"
    variant = VARIANTS.get(name) or VARIANTS[similar]
    if steps:
        variant = variant._replace(defaults=variant.defaults._replace(num_steps=steps))
    if extracts and "extract" not in variant.tasks:
        return variant._replace(tasks=(*variant.tasks, "extract"))
    return variant


def name_models_for(task: str) -> str:
    """The models that can do a task, for a message."""
    names = ["mini"] if task == "extract" else []
    names += [name for name, variant in VARIANTS.items() if task in variant.tasks]
    return " and ".join(names)


def explain_loading(task: str) -> str:
    """How a model is loaded that can do a task, for a message."""
    variant = next(name for name, variant in VARIANTS.items() if task in variant.tasks)
    model = f"{HUB_MODEL.partition('/')[0]}/{variant}"
    embedded = "/ace/model mini; or " if task == "extract" else ""
    return (
        f'{embedded}acestepd pull {model}, then model = "{model}" in the settings and a new start; '
        "or list it under models there, and /ace/model"
    )


def check_tasks(name: str, tasks: Container[str], request: Request) -> None:
    """Raises `BadRequest` where the model of that name, which knows these tasks, is asked for
    another.
    """
    if request.task and request.task not in tasks:
        able = name_models_for(request.task)
        hint = explain_loading(request.task)
        raise BadRequest(f"{name} cannot {request.task}; {able} can", hint)
    if request.extracted_tracks and "extract" not in tasks:
        able = name_models_for("extract")
        message = f"{name} cannot take stems out of a clip; {able} can"
        raise BadRequest(message, f"{explain_loading('extract')}; or leave stems empty")
