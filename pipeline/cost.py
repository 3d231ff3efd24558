"""What a kind of model uses where a request leaves the choice to it, and how much computing a request is. No MLX."""

from __future__ import annotations

from typing import NamedTuple

from .request import FIELDS, Request

MIN_FRAMES = 128  # the model's shortest clip, 5.12 s: shorter ones are made longer and cut
HOP = 1920  # samples in a latent frame
_FIXED_PASSES = 4.0  # encoding and decoding take about as long as this many passes


class Defaults(NamedTuple):
    """JSON-able with `_asdict()`, and back with `Defaults(**values)`."""

    num_steps: int
    shift: float
    guidance_scale: float
    guidance_interval: float

    def fill(self, request: Request) -> Request:
        left = {name: value for name, value in self._asdict().items() if getattr(request, name) == FIELDS[name].default}
        return request.changed(left)


TURBO = Defaults(num_steps=8, shift=3.0, guidance_scale=1.0, guidance_interval=0.5)
BASE = Defaults(num_steps=50, shift=1.0, guidance_scale=7.0, guidance_interval=1.0)


def frames(request: Request, hop: int = HOP) -> int:
    """Latent frames that have to be painted for a request."""
    return max(MIN_FRAMES, -(-request.samples // hop))


def cost(request: Request, defaults: Defaults, hop: int = HOP) -> float:
    """How much computing a request is, in a unit of its own: frames times passes of the network.

    A task whose length is its source's is taken for `seconds` long: the source is not read. The request of its take
    has the length that it got.
    """
    request = defaults.fill(request)
    passes = request.num_steps * (1 + request.guidance_interval * (request.guidance_scale != 1.0))
    tracks = len(request.tracks)
    painted = tracks if request.task == "extract" else 1 + tracks
    return frames(request, hop) * (passes + _FIXED_PASSES) * painted
