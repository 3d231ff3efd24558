"""What a model might have made, in an instant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from daemon.engine.run import Nobody, Run
from daemon.jobs import Job
from daemon.landing.arriving_take import ArrivingTake
from daemon.landing.finished_take import ClipAudio, FinishedTake
from pipeline.request import Request
from pipeline.take import TakeInfo


def sound(samples: int = 4_800, hertz: float = 440) -> np.ndarray:
    time = np.arange(samples) / 48_000
    waves = [np.sin(2 * np.pi * hertz * time), np.cos(np.pi * hertz * time)]
    return np.stack(waves).astype(np.float32) * np.float32(0.5)


def finished_take(
    request: Request, *names: str, samples: int = 4_800, **facts: Any
) -> FinishedTake:
    """A take with clips of those names; `facts` are more of its `TakeInfo`."""
    clips = (
        ClipAudio(name, sound(samples, 220 * number))
        for number, name in enumerate(names or ("mix",), 1)
    )
    info = TakeInfo(
        request,
        "mini/acestep-v15-turbo",
        timings={"text": 0.1},
        timesteps=(1.0, 0.5),
        **facts,
    )
    return FinishedTake(info, tuple(clips))


def arrived_take(request: Request, *names: str) -> ArrivingTake:
    """The same as a worker has brought it, in two pieces for each clip."""
    finished = finished_take(request, *names)
    take = ArrivingTake(finished.info, finished.clips[0].audio.shape[1])
    for clip in finished.clips:
        for piece in np.array_split(clip.audio, 2, axis=1):
            take.add(clip.name, piece)
    take.finish(finished.info)
    return take


class SilentOwner(Nobody):
    """The owner of a run about which nothing has to be told."""

    def __init__(self, serves_clients: bool = True) -> None:
        self.serves_clients = serves_clients


def make_run(request: Request, out: Path = Path("/out")) -> Run:
    """A client's run of that request."""
    return Run(Job("me", "a", request, request, out), SilentOwner())
