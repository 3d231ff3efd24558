"""What a kind of model uses where a request leaves the choice to it, and how much computing a
request is. No MLX.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from . import codes
from .request import FIELDS, UNDERSTAND, Request

MIN_FRAMES = 128  # the model's shortest clip, 5.12 s: shorter ones are made longer and cut
HOP = 1920  # samples in a latent frame
_FIXED_PASSES = 4.0  # encoding and decoding take about as long as this many passes
TOKEN = 40.0  # what a token of a planner costs, about, until a take has shown it
# tokens, about: of a song's metadata, with a caption, with lyrics too
_METADATA = 40
_CAPTION = 120
_WORDS = 400


class Defaults(NamedTuple):
    """JSON-able with `_asdict()`, and back with `Defaults(**values)`."""

    num_steps: int
    shift: float
    guidance_scale: float
    guidance_interval: float

    def fill(self, request: Request) -> Request:
        # guided, it drowns its source
        own = self._replace(guidance_scale=1.0) if request.task == "lego" else self
        left = {
            name: value
            for name, value in own._asdict().items()
            if getattr(request, name) == FIELDS[name].default
        }
        return request.changed(left)


class Variant(NamedTuple):
    """What a published model plays by itself, and what it was taught to do beside new music."""

    defaults: Defaults
    tasks: tuple[str, ...]


TURBO = Defaults(num_steps=8, shift=3.0, guidance_scale=1.0, guidance_interval=0.5)
BASE = Defaults(num_steps=50, shift=1.0, guidance_scale=7.0, guidance_interval=1.0)
PAINTS = ("cover", "cover-nofsq", "repaint")  # what every model does
LAYERS = ("extract", "lego", "complete")  # what base models do
VARIANTS = {
    "acestep-v15-turbo": Variant(TURBO, PAINTS),
    "acestep-v15-turbo-shift1": Variant(TURBO._replace(shift=1.0), PAINTS),
    "acestep-v15-turbo-shift3": Variant(TURBO, PAINTS),
    "acestep-v15-turbo-continuous": Variant(TURBO, PAINTS),
    "acestep-v15-base": Variant(BASE, PAINTS + LAYERS),
    "acestep-v15-sft": Variant(BASE, PAINTS),
    "acestep-v15-xl-turbo": Variant(TURBO, PAINTS),
    "acestep-v15-xl-base": Variant(BASE, PAINTS + LAYERS),
    "acestep-v15-xl-sft": Variant(BASE, PAINTS),
}


def variant(name: str, turbo: bool, extracts: bool = False) -> Variant:
    """Of the model called `name`. One that is not published goes by what its config says."""
    kind = "sft" if "sft" in name else "base"
    known = VARIANTS.get(name) or VARIANTS["acestep-v15-turbo" if turbo else f"acestep-v15-{kind}"]
    return (
        known._replace(tasks=(*known.tasks, "extract"))
        if extracts and "extract" not in known.tasks
        else known
    )


def able(task: str) -> str:
    """The models that can do a task, for a message."""
    own = ["mini"] if task == "extract" else []
    return " and ".join(own + [name for name, kind in VARIANTS.items() if task in kind.tasks])


def frames(request: Request, hop: int = HOP) -> int:
    """Latent frames that have to be painted for a request. A loop has the whole ones next to its
    length.
    """
    if request.loop:
        return max(1, round(request.samples / hop))
    return max(MIN_FRAMES, -(-request.samples // hop))


def copies(frames: int) -> int:
    """How often a loop is shown to the model, which knows no shorter clips than `MIN_FRAMES`."""
    return -(-MIN_FRAMES // frames)


class Writing(NamedTuple):
    """How many tokens a planner writes for a request, about: metadata and words, then audio
    codes.
    """

    words: int
    codes: int

    @property
    def tokens(self) -> int:
        return self.words + self.codes


UNDERSTANDING = Writing(_WORDS, 0)


def planning(request: Request) -> Writing:
    """None of either where there is nothing to plan."""
    if request.plan == "off" or request.codes or request.task or request.guide not in ("", "off"):
        return Writing(0, 0)
    words = _WORDS * (request.plan in ("simple", "rewrite"))
    if not (request.bpm and request.key and (request.time_signature or request.bars)):
        words += _METADATA if request.prompt or words else _CAPTION
    return Writing(words, max(1, math.floor(round(request.length * codes.PER_SECOND, 6))))


def cost(request: Request, defaults: Defaults, hop: int = HOP, token: float = 0.0) -> float:
    """How much computing a request is, in a unit of its own: frames times passes of the network.

    `token` is what one token of the model's planner costs; 0 where it has none.

    A task whose length is its source's is taken for `seconds` long: the source is not read. The
    request of its take has the length that it got.
    """
    if request.task == UNDERSTAND:
        return frames(request, hop) * _FIXED_PASSES / 2 + token * UNDERSTANDING.tokens
    request = defaults.fill(request)
    passes = (len(request.timesteps.split()) or request.num_steps) * (
        1 + request.guidance_interval * (request.guidance_scale != 1.0)
    )
    passes *= 2 if request.sampler == "heun" else 1
    painted = len(request.tracks) if request.task in ("extract", "lego") else 1 + len(request.taken)
    length = frames(request, hop)
    return (
        max(length, length * copies(length)) * (passes + _FIXED_PASSES) * painted
        + token * planning(request).tokens
    )
