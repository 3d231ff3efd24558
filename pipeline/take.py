"""What comes out of a generation: `Progress` on the way, then every `Clip` of a take. MLX is loaded
only where a clip's `audio` is asked for.
"""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar, Self

from . import blas
from .explain import Explanation
from .request import SAMPLE_RATE, Request
from .singer.lines import LineTime, parse_lines
from .weights import adapter
from .weights.adapter import Adapter

if TYPE_CHECKING:
    import mlx.core as mx
    import numpy as np
    import numpy.typing as npt

    from .audio import PendingSound


@dataclass(frozen=True)
class Progress:
    """Where a generation stands: `stage` is plan, source, guide, text, condition, diffusion, decode
    or finish; `fraction` of its work.
    """

    stage: str
    fraction: float
    tokens: int = 0  # those that the planner has written in this part of its work
    total: int = 0  # those that it will have written; 0 where that is not known
    # once, when the plan is made: what of the request it filled in
    planned: Mapping[str, object] | None = None
    # once, when the guide is composed and has words: when they are sung
    lines: tuple[LineTime, ...] | None = None
    # as soon as it is known: what is made otherwise than it was asked for, and what else there is
    # to say of the request
    notes: tuple[Explanation, ...] | None = None

    def __post_init__(self) -> None:
        # rounding errors must not look like progress that goes back
        object.__setattr__(self, "fraction", round(self.fraction, 6))

    @property
    def label(self) -> str:
        """The stage, and how far the planner is in it: `plan 37`, `plan 120/300`."""
        if self.total:
            return f"{self.stage} {self.tokens}/{self.total}"
        return f"{self.stage} {self.tokens}" if self.tokens else self.stage


@dataclass(frozen=True)
class TakeInfo:
    """How a take was made: the facts that its manifest keeps, and that travel with its clips.

    `request` has every value that was used, so that the same request makes the same take with the
    same model. `bits` are the model's weights', 0 as published, and `adapters` those that were set.
    `timesteps` is what the sampler visited. `codes` are those that it followed: the
    request's, its plan's or its source's. `sections` are (seconds, label), for cue points,
    `chords` the guide's (seconds, name), and `lines` when the lyrics are sung, where the guide's
    singer sings them.
    `planned` is what of the request the planner filled in. `timings` are seconds per stage,
    `memory` the most bytes that MLX held in it, `machine` says where. `notes` say what was read
    of the request and what the model could not do of it; `problems` are those of them that say that
    something is otherwise than it was asked for.
    """

    request: Request
    model: str
    bits: int = 0
    adapters: tuple[Adapter, ...] = ()
    timesteps: tuple[float, ...] = ()
    codes: str = ""
    sections: tuple[tuple[float, str], ...] = ()
    chords: tuple[tuple[float, str], ...] = ()
    lines: tuple[LineTime, ...] = ()
    planned: Mapping[str, object] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, int] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The model's name, and what else decides how it sounds."""
        return adapter.format_title(self.model, self.bits, self.adapters)

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads, in values that JSON has."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The facts again, after they were JSON. What an older acestepd did not write is left at
        its default, and what only a newer one knows is left out. Raises `BadRequest` for a request
        that cannot be made.
        """
        names = {spec.name for spec in dataclasses.fields(cls)}
        known = {name: value for name, value in data.items() if name in names}
        return cls(**{name: _READERS.get(name, _keep)(value) for name, value in known.items()})


def _keep(value: Any) -> Any:
    return value


def _read_pairs(pairs: Iterable[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(pair) for pair in pairs)


# how the fields of a take are read that JSON has no values of
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "request": Request.restore,
    "adapters": lambda adapters: tuple(Adapter(*each) for each in adapters),
    "timesteps": tuple,
    "sections": _read_pairs,
    "chords": _read_pairs,
    "lines": parse_lines,
    "notes": tuple,
    "problems": tuple,
}


@dataclass(frozen=True)
class Clip:
    """One finished clip of a take: the mix, a stem, the rest, or a preview, as `name` says.

    `samples` are (2, samples) float32 in [-1, 1], `audio` the same as an `mx.array`. A mix also has
    the `noise` (frames, 64) that it was made from, the `latents` (frames, 64) that it was decoded
    from, and the `gain` that the decoded audio was multiplied with; the latter two not where vocals
    were mixed in.
    """

    sample_rate: ClassVar[int] = SAMPLE_RATE

    name: str
    samples: npt.NDArray[np.float32] = field(repr=False)
    info: TakeInfo
    latents: npt.NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    noise: npt.NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    gain: float = 1.0

    @cached_property
    def audio(self) -> mx.array:
        """The samples for MLX: a copy, made when it is asked for, on the thread that asks."""
        import mlx.core as mx

        return mx.array(self.samples)

    @property
    def request(self) -> Request:
        """The request as it was used."""
        return self.info.request

    @property
    def title(self) -> str:
        """The model's name, and what else decides how it sounds."""
        return self.info.title


@dataclass(frozen=True)
class PendingClip:
    """A clip whose last pass, over its `sound`, is still to be made: a piece at a time by whoever
    passes it on (`audio.read_frames`), or all of it by `render`. The rest is as `Clip` has it.
    """

    name: str
    sound: PendingSound
    info: TakeInfo
    latents: npt.NDArray[np.float32] | None = None
    noise: npt.NDArray[np.float32] | None = None
    gain: float = 1.0

    def render(self) -> Clip:
        from .audio import render

        samples = render(self.sound)
        return Clip(self.name, samples, self.info, self.latents, self.noise, self.gain)


def describe_machine(device: str) -> dict[str, str]:
    """Where takes are made: what decides how fast, and how the last bits are rounded. `device` is
    what `pipeline.device` calls what computes.
    """
    return {
        "device": device,
        "system": platform.system(),
        "processor": platform.machine(),
        "blas": blas.describe(),
        "mlx": version("mlx"),
        "numpy": version("numpy"),
        "python": platform.python_version(),
    }
