"""Planned takes: whether a request is planned, and where the planner sits in the meantime."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import mlx.core as mx
from mlx.utils import tree_flatten

from .. import codes
from ..networks.ops import Ops
from ..request import BadRequest, Request
from . import find as planners
from .logits import Sampling
from .planner import Planner, Written

TEXTS = frozenset({"prompt", "lyrics"})
MODES = {"simple": Planner.inspire, "rewrite": Planner.rewrite}


class PlannerSlot:
    """Where the planner sits: loaded when the first song is planned, once, and sent away when its
    memory is wanted.

    `wanted`: the planner of that size, or in that folder; there must be one. Without it: the
    preferred one, if any.
    """

    def __init__(
        self, root: Path, ops: Ops, dtype: mx.Dtype, wanted: str = "", bits: int = 0
    ) -> None:
        self._root = root
        self._ops = ops
        self._dtype = dtype
        self._wanted = wanted
        self._bits = bits
        if wanted:
            planners.find(root, wanted)
        self._planner: Planner | None = None
        self._working = 0
        self._weights = 0  # bytes of them

    @property
    def bytes(self) -> int:
        """That the planner takes, with the prompts that it remembers; 0 while it is not loaded."""
        return self._weights + self._planner.prompts.bytes if self._planner else 0

    @property
    def folder(self) -> Path:
        """Raises `CheckpointError` where there is no planner."""
        return planners.find(self._root, self._wanted)

    @property
    def there(self) -> bool:
        """Whether there is one."""
        return not self.missing

    @property
    def missing(self) -> str:
        """Why there is none; empty where there is one."""
        try:
            self.folder.stat()
        except (OSError, ValueError) as error:
            return str(error)
        return ""

    def fits(self, cap: int) -> bool:
        """Whether it would stay below a cap (0 is none), as far as its files tell."""
        # two bytes a weight
        published = sum(file.stat().st_size for file in self.folder.glob("*.safetensors"))
        return (
            not cap
            or mx.get_active_memory() - self.bytes + published * self._dtype.size // 2 <= cap
        )

    @contextmanager
    def planner(self) -> Iterator[Planner]:
        """The planner, for one song; it stays at least as long as anybody works with it."""
        if self._planner is None:
            self._planner = planners.load(self.folder, self._ops, self._dtype, self._bits)
            self._weights = sum(
                array.nbytes for array in dict(tree_flatten(self._planner.lm.parameters())).values()
            )
        self._working += 1
        try:
            yield self._planner
        finally:
            self._working -= 1

    def make_room(self, needed: int, cap: int) -> None:
        """When it and `needed` bytes are more than a cap (0 is none), it forgets its prompts; when
        it is still too much it is sent away, and loaded again when it is needed.
        """
        if not cap or self._planner is None or self._working or self.bytes + needed <= cap:
            return
        self._planner.prompts.forget()
        if self.bytes + needed > cap:
            self._planner = None
        mx.clear_cache()


def sampling(request: Request) -> Sampling:
    return Sampling(
        temperature=request.lm_temperature,
        top_k=request.lm_top_k,
        top_p=request.lm_top_p,
        repetition_penalty=request.lm_repetition_penalty,
        guidance=request.lm_guidance,
        negative_prompt=request.lm_negative_prompt,
        seed=plan_seed(request),
    )


def plan_seed(request: Request) -> int:
    return request.plan_seed if request.plan_seed >= 0 else request.seed


def asked(request: Request, desk: PlannerSlot, coded: bool) -> bool:
    """Whether a song is planned: where `plan` is auto, when that is possible. `coded`: the model
    has audio codes.

    Codes are a plan already. Raises `BadRequest` where it is asked for and cannot be.
    """
    if request.plan == "off" or request.codes:
        return False
    reason, hint = _hindrance(request, desk, coded)
    if reason and request.plan != "auto":
        raise BadRequest(reason, hint)
    return not reason


def _hindrance(request: Request, desk: PlannerSlot, coded: bool) -> tuple[str, str]:
    if not coded:
        return (
            "this voice has no audio codes, so nothing can be planned",
            "load one of ACE-Step's models, or plan off",
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
    return desk.missing, "run: acestepd pull --planner; or set plan to off"


class Planned(NamedTuple):
    """A request with its plan in it, what the planner filled in or rewrote, and what to say about
    that.
    """

    request: Request
    filled: dict[str, Any]
    notes: tuple[str, ...]


def work(request: Request, desk: PlannerSlot) -> Generator[Written, None, Planned]:
    """Plans a song; where that is asked for it is put into words first."""
    filled = dict[str, Any]()
    notes = list[str]()
    with desk.planner() as planner:
        if request.plan in MODES:
            described = yield from MODES[request.plan](planner, request, sampling(request))
            filled |= described.values
            notes += described.notes
            request = request.changed(described.values)
        plan = yield from planner.plan(request, sampling(request))
    filled |= plan.filled
    said = ", ".join(
        [
            *(f"{name} {value}" for name, value in filled.items() if name not in TEXTS),
            *filled.keys() & TEXTS,
        ]
    )
    notes = [
        f"planned by {planner.name}: {said or 'nothing was open'}; {len(plan.codes)} codes",
        *notes,
        *plan.notes,
    ]
    values: dict[str, Any] = {"codes": codes.written(plan.codes), "plan_seed": plan_seed(request)}
    return Planned(request.changed({**plan.filled, **values}), filled, tuple(notes))
