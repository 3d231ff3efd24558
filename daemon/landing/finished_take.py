"""What came out of the model for one job, before it becomes files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from pipeline.take import Clip, TakeInfo

MIX = "mix"


@dataclass(frozen=True)
class ClipAudio:
    """The audio of one clip: `name` is "mix", "rest" or a track. `audio` is (2, samples) float32 at
    48 kHz in [-1, 1].
    """

    name: str
    audio: npt.NDArray[np.float32]


@dataclass(frozen=True)
class FinishedTake:
    """How a take was made, and its clips, the mix first, all equally long. Of the task `understand`
    nothing but the manifest is left: it has no clips.
    """

    info: TakeInfo
    clips: tuple[ClipAudio, ...]

    @classmethod
    def of(cls, clips: Sequence[Clip]) -> Self:
        """From the clips of one run of a model in this process."""
        audio = (ClipAudio(clip.name, np.asarray(clip.audio)) for clip in clips)
        return cls(clips[0].info, tuple(audio))
