"""The model that plays: which one is wanted, what it wears, how it stands, how long it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pipeline.cost import Defaults, cost
from pipeline.weights.adapter import Adapter

from ..jobs import Job, Pace
from ..settings import Settings

# with a load message
TOLD = (
    "cache_gb",
    "conditions_mb",
    "latents_mb",
    "memory_gb",
    "wired_gb",
    "revision",
    "bits",
    "planner",
)


class ModelChoice(NamedTuple):
    """Which model should play, and what it should wear."""

    model: str
    variant: str
    adapters: tuple[Adapter, ...] = ()


class ModelState:
    """What the daemon knows of the model in the worker. The engine guards it with its lock.

    `state` is cold, loading, warm, busy or error; `changed` is called after it has become another.
    """

    def __init__(self, wanted: ModelChoice, changed: Callable[[], None]) -> None:
        self.wanted = wanted
        self._changed = changed
        self.defaults: Defaults | None = None  # once it is loaded, until its worker has gone
        self.pace = Pace()
        self.token = 0.0  # what a token of its planner costs, 0 without one
        self.worn: tuple[Adapter, ...] = ()  # by the worker's model
        self.fitting = False  # whether it is just putting others on
        self.caches: dict[str, list[int]] = {}  # hits and misses by kind
        self.title = wanted.model
        self.state = "cold"
        self.error = ""

    def become(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self._changed()

    def choose(self, model: str, variant: str) -> None:
        same = (model, variant) == self.wanted[:2]  # another model has other layers
        self.wanted = ModelChoice(model, variant, self.wanted.adapters if same else ())

    def wear(self, adapters: tuple[Adapter, ...]) -> None:
        self.wanted = self.wanted._replace(adapters=adapters)

    @property
    def misfit(self) -> bool:
        """Whether it is loaded, and wears something else than what is wanted."""
        return self.defaults is not None and self.worn != self.wanted.adapters

    def load_message(self, settings: Settings) -> dict[str, Any]:
        """The first thing that a worker hears."""
        about = self.wanted._asdict() | {name: getattr(settings, name) for name in TOLD}
        return about | {"latents": str(settings.state / "latents"), "plan": settings.request.plan}

    # --- what the worker says of it ---------------------------------------------------------------

    def loaded(self, about: dict[str, Any], known_pace: Callable[[str], float]) -> None:
        self.title = about["title"]
        self.error = ""
        self.caches = {}
        self.token = about["token"]
        self.worn = _adapters(about)
        self.defaults = Defaults(**about["defaults"])
        self.pace = Pace(known_pace(self.title) or about["pace"])

    def fitted(self, about: dict[str, Any]) -> None:
        self.title = about["title"]
        self.worn = _adapters(about)
        self.fitting = False

    def unfit(self) -> None:
        """It goes on with what it wore."""
        self.wanted = self.wanted._replace(adapters=self.worn)
        self.fitting = False

    def unloadable(self, message: str) -> None:
        self.error = message
        self.title = self.wanted.model

    def gone(self) -> None:
        """There is no worker any more that has it."""
        self.defaults = None
        self.fitting = False

    # --- how long it takes ------------------------------------------------------------------------

    def estimate(self, job: Job) -> None:
        if self.defaults:
            job.cost = cost(job.resolved, self.defaults, token=self.token)

    def learn(self, job: Job, token: float) -> None:
        """From a take that was made; `token` is what one costs, as it has shown."""
        self.token = token
        self.estimate(job)
        if job.cost:
            self.pace.learn(job.cost, job.seconds)


def _adapters(about: dict[str, Any]) -> tuple[Adapter, ...]:
    return tuple(Adapter(*one) for one in about["adapters"])
