"""The model that plays: which one is chosen, how it stands, and what its takes cost."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from pipeline.capabilities import Capabilities
from pipeline.cost import estimate_cost, estimate_plan
from pipeline.explain import Explanation
from pipeline.request import UNDERSTAND, BadRequest, Request
from pipeline.take import TakeInfo
from pipeline.voices import VOICES
from pipeline.weights.adapter import Adapter, format_title, parse_adapters

from ..jobs import Job, Refused
from ..messages import AdaptersSet, LoadModel, ModelLoaded, RenderFinished, SetAdapters
from ..settings import Settings
from .run import LOCAL, Run

ModelStatus = Literal["cold", "loading", "warm", "busy", "error"]


class ModelChoice(NamedTuple):
    """Which model should play, and with which adapters."""

    model: str
    variant: str
    adapters: tuple[Adapter, ...] = ()

    @property
    def title(self) -> str:
        """As people read it."""
        name = f"{self.model}/{self.variant}" if self.variant else self.model
        return format_title(name, 0, self.adapters)


WORDS_HINT = (
    "acestepd pull --planner fetches a model that knows words; then /ace/model has it loaded"
)
MOST_WORN = 8  # choices that are remembered
KNOWN_SECONDS = 60.0  # for which a machine is taken for as quick as its takes were
CHOICE_CRASHES = 2  # of the worker with a choice that nothing was played with yet


class RenderSpeed:
    """How long a machine takes: `learned` from its own takes, or else `expected` by its warm-up,
    which on a busy machine may be far from it. A cost is in the model's unit. What was learned long
    ago is no more than expected either.
    """

    def __init__(
        self,
        learned: float = 0.0,
        expected: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds_per_cost = learned or expected
        self._now = now
        self._learned_at = now() if learned else -math.inf

    @property
    def is_known(self) -> bool:
        """Whether it is learned, and that not long ago."""
        return self._now() - self._learned_at < KNOWN_SECONDS

    def learn(self, cost: float, seconds: float) -> None:
        measured = seconds / cost
        if self.is_known:
            measured = (self.seconds_per_cost + measured) / 2
        self.seconds_per_cost = measured
        self._learned_at = self._now()


class MemoryNeed:
    """How many bytes takes need: as many as the most so far, growing with the length at most."""

    def __init__(self) -> None:
        self._most_bytes = 0.0
        self._samples = 1  # the length of the take that needed them

    def learn(self, info: TakeInfo, samples: int) -> None:
        peak = max(info.memory.values(), default=0)
        if peak > self._most_bytes:
            self._most_bytes = peak
            self._samples = max(1, samples)

    def estimate_bytes(self, samples: int) -> float:
        return self._most_bytes * max(1.0, samples / self._samples)


class ModelState:
    """What the daemon knows of the model that is chosen, and of what the local worker has of it;
    others have all of it, or are not ready. `on_change` is called after its status has become
    another.
    """

    def __init__(self, choice: ModelChoice, on_change: Callable[[], None]) -> None:
        self.choice = choice
        self._on_change = on_change
        self.loaded: Capabilities | None = None  # of what the local worker has, while there is one
        self._known: Capabilities | None = None  # of what is chosen; None before it was loaded
        self.adapters: tuple[Adapter, ...] = ()  # that the worker's model has
        self.is_setting_adapters = False  # the worker has been told, and has not answered
        # hits and misses by kind, of each worker by its name
        self._cache_counts: dict[str, Mapping[str, list[int]]] = {}
        self.title = choice.model
        self.status: ModelStatus = "cold"
        self.error = ""
        self.memory_need = MemoryNeed()
        self._told: ModelChoice | None = None  # what the worker was told to load
        self._worn: list[ModelChoice] = []  # what was loaded until now, each once, the newest last
        self._played: ModelChoice | None = None  # what the newest take was finished with
        self._crashes = 0  # of the worker with what is chosen, and has not played yet
        self._speeds: dict[str, RenderSpeed] = defaultdict(RenderSpeed)  # by the workers' names
        self._token_cost = 0.0  # what a token of its planner costs, 0 without one
        # as in `ModelLoaded`
        self._wordless: tuple[str, ...] = ()

    def set_status(self, status: ModelStatus) -> None:
        if status != self.status:
            self.status = status
            self._on_change()

    def choose_model(self, model: str, variant: str) -> None:
        same = (model, variant) == self.choice[:2]  # another model has other layers
        self.choose(ModelChoice(model, variant, self.choice.adapters if same else ()))

    def choose_adapters(self, adapters: tuple[Adapter, ...]) -> None:
        self.choose(self.choice._replace(adapters=adapters))

    def choose(self, choice: ModelChoice) -> None:
        """Both at once."""
        if choice[:2] != self.choice[:2]:
            self._known = None
            self._wordless = ()
        self.choice = choice
        self._crashes = 0

    @property
    def default_guide(self) -> str:
        """What its guide is where a request leaves that open, as far as that is known."""
        known = self._known
        plays_guides = known.plays_guides if known else self.choice.model in VOICES
        return "auto" if plays_guides else "off"

    @property
    def sings(self) -> bool:
        """Whether it reads lyrics, as far as that is known."""
        return self._known.sings if self._known else self.choice.model not in VOICES

    @property
    def has_voice(self) -> bool:
        """Whether it makes vocals, as far as that is known."""
        return self._known is None or self._known.has_voice

    @property
    def needs_adapters(self) -> bool:
        """Whether it is loaded, and has others than those that were chosen."""
        return self.loaded is not None and self.adapters != self.choice.adapters

    def make_load_message(self, settings: Settings) -> LoadModel:
        """The first message to a worker."""
        self._told = self.choice
        return LoadModel(
            model=self.choice.model,
            variant=self.choice.variant,
            adapters=self.choice.adapters,
            linked_adapters=tuple(one.path for one in parse_adapters(settings.adapters)),
            revision=settings.pinned_revision,
            bits=settings.bits,
            planner=settings.planner,
            plans_takes=settings.request.plan != "off",
            cache_gb=settings.cache_gb,
            memory_gb=settings.memory_gb,
            wired_gb=settings.wired_gb,
            conditions_mb=settings.conditions_mb,
            latents_mb=settings.latents_mb,
            latents_folder=str(settings.state / "latents"),
        )

    # --- what the worker says of it ---------------------------------------------------------------

    def on_loaded(self, message: ModelLoaded, read_speed: Callable[[str], float]) -> None:
        """`read_speed` returns the seconds per unit of cost that earlier takes of a model took, by
        its title; 0 where that is not known.
        """
        self.title = message.title
        self.error = ""
        self._cache_counts.pop(LOCAL, None)
        self.adapters = message.adapters
        self.loaded = message.capabilities
        if self._told is None or self._told[:2] == self.choice[:2]:
            self._known = message.capabilities
        self._note_worn()
        self._token_cost = message.token_cost
        self._wordless = message.wordless
        self._speeds[LOCAL] = RenderSpeed(read_speed(self.title), message.seconds_per_cost)

    def on_joined(
        self, worker: str, message: ModelLoaded, read_speed: Callable[[str, str], float]
    ) -> None:
        """A worker of this name, which is not the local one, has what is chosen. `read_speed`
        returns what earlier takes of a model took it, by the title and its name.
        """
        self._cache_counts.pop(worker, None)
        learned = read_speed(message.title, worker)
        self._speeds[worker] = RenderSpeed(learned, message.seconds_per_cost)
        if not self.loaded:
            self._known = message.capabilities
            self._wordless = message.wordless
            self.title = message.title
            self._token_cost = message.token_cost

    def on_left(self, worker: str) -> None:
        """A worker is not there any more."""
        self._cache_counts.pop(worker, None)
        self._speeds.pop(worker, None)

    def make_adapters_message(self) -> SetAdapters:
        """That it is to play with the adapters that are chosen."""
        self._told = self.choice
        self.is_setting_adapters = True
        return SetAdapters(self.choice.adapters)

    def on_adapters_set(self, message: AdaptersSet) -> None:
        self.title = message.title
        self.adapters = message.adapters
        self.is_setting_adapters = False
        self._note_worn()

    def _note_worn(self) -> None:
        if self._told:
            self._worn = [choice for choice in self._worn if choice != self._told]
            self._worn = [*self._worn, self._told][-MOST_WORN:]

    def on_adapters_refused(self) -> None:
        """It goes on with those it has."""
        self.choose(self.choice._replace(adapters=self.adapters))
        self._told = self.choice
        self.is_setting_adapters = False

    def on_load_failed(self, message: str) -> None:
        self.error = message
        self.title = self.choice.model

    def on_worker_exit(self) -> None:
        """No worker has it loaded any more."""
        self.loaded = None
        self.is_setting_adapters = False

    def note_failure(self, has_crashed: bool) -> ModelChoice | None:
        """The worker has ended by itself or hangs, or says that it cannot load what was chosen.
        Returns the choice that is given up where that was its fault, as far as anybody can tell:
        nothing was played with it, and it is not the first time. What was loaded before is chosen
        again; where nothing was, and the worker has crashed, the model by itself.
        """
        told, self._told = self._told, None
        if told != self.choice or self.choice == self._played:
            return None
        self._crashes += 1
        if self._crashes < CHOICE_CRASHES:
            return None
        given_up = self.choice
        if not (has_crashed or any(choice != given_up for choice in self._worn)):
            return None
        self._worn = [choice for choice in self._worn if choice != given_up]
        self.choose(self._worn[-1] if self._worn else given_up._replace(adapters=()))
        return given_up if given_up != self.choice else None

    # --- what it can do ---------------------------------------------------------------------------

    def check(self, request: Request) -> None:
        """Raises `Refused` 422 for what is known that the model cannot: whatever it would refuse
        itself, and to put a recording into words, or to plan, without a planner.
        """
        if request.task != UNDERSTAND:
            self._check_take(request)
            return
        if self._known is None:
            if self.choice.model in VOICES:
                raise Refused(422, f"{self.choice.model} has no audio codes", WORDS_HINT)
        elif self._wordless:
            message, hint = self._wordless
            raise Refused(422, message, f"{hint}: {WORDS_HINT}")

    def explain_limits(self, request: Request) -> tuple[Explanation, ...]:
        """What is known that the model cannot do of a request, or not well."""
        if self._known is None or request.task == UNDERSTAND:
            return ()
        return tuple(Explanation(each, True) for each in self._known.describe_limits(request))

    def _check_take(self, request: Request) -> None:
        if self._known is None:
            return
        try:
            self._known.accept(request)
        except BadRequest as error:
            raise Refused(422, str(error), error.hint) from None
        if self._wordless and request.plan not in ("auto", "off") and not request.codes:
            message, hint = self._wordless
            raise Refused(422, message, f"{hint}: {WORDS_HINT}; or plan off")

    def may_plan(self, request: Request) -> bool:
        """Whether a planner fills in what a request leaves open, or that is not known yet."""
        is_unknown = self._known is None and self.choice.model not in VOICES
        return (is_unknown or self._token_cost > 0) and estimate_plan(request).tokens > 0

    # --- what its takes cost ----------------------------------------------------------------------

    def estimate_cost(self, job: Job) -> None:
        """Set the job's cost, where that can be known."""
        if known := self.loaded or self._known:
            request = job.resolved
            divides = known.divides_by_guide(request)
            job.cost = estimate_cost(
                request, known.defaults, token_cost=self._token_cost, divides=divides
            )

    def find_speed(self, worker: str) -> float:
        """The seconds per cost of a worker; 0 where that is not known."""
        return self._speeds[worker].seconds_per_cost

    def knows_speed(self, worker: str) -> bool:
        """Whether a worker has shown lately how quick it is."""
        return self._speeds[worker].is_known

    def estimate_remaining(self, run: Run) -> float:
        """The seconds that its worker still takes for a run."""
        return run.estimate_remaining(self.find_speed(run.worker))

    @property
    def cache_counts(self) -> Mapping[str, list[int]]:
        """Hits and misses by kind, of all workers."""
        total: dict[str, list[int]] = {}
        for counts in self._cache_counts.values():
            for kind, each in counts.items():
                total[kind] = [
                    sum(pair) for pair in zip(total.get(kind, (0, 0)), each, strict=True)
                ]
        return total

    def note_caches(self, worker: str, counts: Mapping[str, list[int]]) -> None:
        self._cache_counts[worker] = counts

    def learn_lateness(self, run: Run) -> None:
        """From a take that is given up, as another worker has made it sooner."""
        if run.job.cost:
            seconds = run.elapsed + self.estimate_remaining(run)
            self._speeds[run.worker].learn(run.job.cost, seconds)

    def learn(self, run: Run, message: RenderFinished) -> None:
        """From a take that is complete. What a token costs is known better now as well."""
        if self._told and run.worker == LOCAL:
            self._played = self._told._replace(adapters=self.adapters)
        job = run.job
        if run.worker == LOCAL or not self.loaded:  # or else it would be now one's, now another's
            self._token_cost = message.token_cost
        self.estimate_cost(job)
        if job.cost:
            self._speeds[run.worker].learn(job.cost, run.elapsed)
        self.memory_need.learn(message.info, job.resolved.samples)
