"""What a model might have made, in an instant."""

from __future__ import annotations

from typing import Any

import numpy as np

from daemon.landing import clips
from pipeline.request import Request
from pipeline.take import TakeInfo


def sound(samples: int = 4_800, hertz: float = 440) -> np.ndarray:
    time = np.arange(samples) / 48_000
    waves = [np.sin(2 * np.pi * hertz * time), np.cos(np.pi * hertz * time)]
    return np.stack(waves).astype(np.float32) * np.float32(0.5)


def finished_take(
    request: Request, *names: str, samples: int = 4_800, **facts: Any
) -> clips.FinishedTake:
    """A take with stems of those names; `facts` are more of its `TakeInfo`."""
    stems = (
        clips.Stem(name, sound(samples, 220 * number))
        for number, name in enumerate(names or ("mix",), 1)
    )
    info = TakeInfo(
        request,
        "mini/acestep-v15-turbo",
        timings={"text": 0.1},
        timesteps=(1.0, 0.5),
        **facts,
    )
    return clips.FinishedTake(info, tuple(stems))
