"""How much computing a request is, in a unit of its own: latent frames times passes of the network.
No MLX.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from . import codes
from .request import UNDERSTAND, Request
from .variants import Defaults

MIN_FRAMES = 128  # the model's shortest clip, 5.12 s: shorter ones are made longer and cut
HOP = 1920  # samples in a latent frame
DEFAULT_TOKEN_COST = 40.0  # of a planner's token, about, until a take has shown it
_FIXED_PASSES = 4.0  # encoding and decoding take about as long as this many passes
_DIVIDING = 0.5  # stems that a guide tells, however many, take about as long as this part of a clip
# tokens, about: of a song's metadata, with a caption, with lyrics too
_METADATA = 40
_CAPTION = 120
_WORDS = 400


def count_frames(request: Request, hop: int = HOP) -> int:
    """The latent frames that are made for a request, in whole ones: for a loop the number nearest
    to its length, for other clips at least `MIN_FRAMES`.
    """
    if request.loop:
        return max(1, round(request.samples / hop))
    return max(MIN_FRAMES, -(-request.samples // hop))


def count_copies(frames: int) -> int:
    """How often a loop is shown to the model, which knows no shorter clips than `MIN_FRAMES`."""
    return -(-MIN_FRAMES // frames)


class PlanLength(NamedTuple):
    """How many tokens a planner writes for a request, about: metadata and words, then audio
    codes.
    """

    words: int
    codes: int

    @property
    def tokens(self) -> int:
        return self.words + self.codes


DESCRIPTION_LENGTH = PlanLength(_WORDS, 0)  # of a recording that is put into words


def estimate_plan(request: Request) -> PlanLength:
    """None of either where there is nothing to plan."""
    if request.plan == "off" or request.codes or request.task or request.guide not in ("", "off"):
        return PlanLength(0, 0)
    words = _WORDS if request.plan in ("simple", "rewrite") else 0
    has_metadata = request.bpm and request.key and (request.time_signature or request.bars)
    if not has_metadata:
        words += _METADATA if request.prompt or words else _CAPTION
    return PlanLength(words, max(1, math.floor(round(request.length * codes.PER_SECOND, 6))))


def estimate_cost(
    request: Request,
    defaults: Defaults,
    hop: int = HOP,
    token_cost: float = 0.0,
    divides: bool = False,
) -> float:
    """How much computing a request is: frames times passes of the network.

    `token_cost` is what one token of the model's planner costs; 0 where it has none. `divides`: a
    guide tells the stems of a take, so that the network takes none out.

    A task whose length is its source's is taken for `seconds` long: the source is not read. The
    request of its take has the length that it got.
    """
    frames = count_frames(request, hop)
    if request.task == UNDERSTAND:
        return frames * _FIXED_PASSES / 2 + token_cost * DESCRIPTION_LENGTH.tokens
    chosen = defaults.choose(request)
    steps = len(request.timesteps.split()) or chosen.num_steps
    is_guided = chosen.guidance_scale != 1.0
    passes = steps * (1 + chosen.guidance_interval * is_guided)
    if request.sampler == "heun":
        passes *= 2
    stems = len(request.extracted_tracks)
    if request.task in ("extract", "lego"):
        clips: float = len(request.tracks)
    else:
        clips = 1 + (_DIVIDING * bool(stems) if divides else stems)
    computed = max(frames, frames * count_copies(frames))  # with the copies of a short loop
    plan = token_cost * estimate_plan(request).tokens
    return computed * (passes + _FIXED_PASSES) * clips + plan
