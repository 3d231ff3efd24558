"""What came out of the model for one job, before it becomes files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from pipeline.take import Take, TakeInfo

MIX = "mix"


@dataclass(frozen=True)
class Stem:
    """The audio of one clip: `name` is "mix", "rest" or a track. `audio` is (2, samples) float32 at
    48 kHz in [-1, 1].
    """

    name: str
    audio: npt.NDArray[np.float32]


@dataclass(frozen=True)
class FinishedTake:
    """How a take was made, and its stems, the mix first, all equally long. Of the task `understand`
    nothing but the manifest is left: it has no stems.
    """

    info: TakeInfo
    stems: tuple[Stem, ...]

    @classmethod
    def of(cls, takes: Sequence[Take]) -> Self:
        """From the clips of one run of a model in this process."""
        stems = (Stem(take.name, np.asarray(take.audio)) for take in takes)
        return cls(takes[0].info, tuple(stems))
