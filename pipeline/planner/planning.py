"""Whether a request is planned, and how: the planner's part of a generation."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from .. import codes
from ..capabilities import Capabilities
from ..request import BadRequest, Request
from .logits import Sampling
from .planner import Planner, PlanProgress
from .slot import PlannerSlot

TEXTS = frozenset({"prompt", "lyrics"})
# values of `plan` that put a song into words before it is planned
MODES = {"simple": Planner.inspire, "rewrite": Planner.rewrite}


class PlannedRequest(NamedTuple):
    """A request with its plan in it, what the planner filled in or rewrote, and what to say about
    that.
    """

    request: Request
    filled: dict[str, Any]
    notes: tuple[str, ...]


def sampling_of(request: Request) -> Sampling:
    return Sampling(
        temperature=request.lm_temperature,
        top_k=request.lm_top_k,
        top_p=request.lm_top_p,
        repetition_penalty=request.lm_repetition_penalty,
        guidance=request.lm_guidance,
        negative_prompt=request.lm_negative_prompt,
        seed=_plan_seed(request),
    )


def is_planned(request: Request, slot: PlannerSlot, capabilities: Capabilities) -> bool:
    """Whether a song is planned: where `plan` is auto, when that is possible for this model.

    Codes are a plan already. Raises `BadRequest` where a plan is requested and not possible.
    """
    if request.plan == "off" or request.codes:
        return False
    reason, hint = capabilities.find_obstacle_to_plan(request)
    if not reason:
        reason = slot.missing_reason
        hint = "run: acestepd pull --planner; or set plan to off"
    if reason and request.plan != "auto":
        raise BadRequest(reason, hint)
    return not reason


def plan_request(
    request: Request, slot: PlannerSlot
) -> Generator[PlanProgress, None, PlannedRequest]:
    """Plans a song; in the modes simple and rewrite it is put into words first."""
    filled = dict[str, Any]()
    notes = list[str]()
    with slot.borrow() as planner:
        if mode := MODES.get(request.plan):
            song = yield from mode(planner, request, sampling_of(request))
            filled |= song.values
            notes += song.notes
            # what it wrote names nothing that is not in the metadata
            request = request.changed({**song.values, "read_prompt": False})
        plan = yield from planner.plan(request, sampling_of(request))
    filled |= plan.filled
    count = len(plan.codes)
    summary = f"planned by {planner.name}: {_summarize(filled)}; {count} codes"
    values = {"codes": codes.format_codes(plan.codes), "plan_seed": _plan_seed(request)}
    request = request.changed({**plan.filled, **values})
    return PlannedRequest(request, filled, (summary, *notes, *plan.notes))


def _plan_seed(request: Request) -> int:
    return request.plan_seed if request.plan_seed >= 0 else request.seed


def _summarize(filled: dict[str, Any]) -> str:
    """What was filled in, the texts by their names only."""
    facts = [f"{name} {value}" for name, value in filled.items() if name not in TEXTS]
    texts = [name for name in filled if name in TEXTS]
    return ", ".join(facts + texts) or "nothing was open"
