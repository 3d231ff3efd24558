"""What came out of the model for one job, before it becomes files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from pipeline.take import Clip, TakeInfo

MIX = "mix"
WORDS = ("prompt", "lyrics", "lm_negative_prompt")  # fields of a request
WRITTEN = (*WORDS, "caption")  # what a planner writes


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

    def with_notes(self, notes: Sequence[str]) -> Self:
        """The same take, with more notes in front of its own."""
        more = [note for note in notes if note not in self.info.notes]
        return replace(self, info=replace(self.info, notes=(*more, *self.info.notes)))

    def without_words(self) -> Self:
        """The same take, and nothing of what it was asked for in words: prompt, lyrics, what not to
        sound like, what the planner wrote of them, and the notes and labels that may quote them.
        """
        info = self.info
        planned = {name: info.planned[name] for name in info.planned if name not in WRITTEN}
        sections = tuple((seconds, str(n)) for n, (seconds, _) in enumerate(info.sections, 1))
        request = info.request.changed(dict.fromkeys(WORDS, ""))
        wordless = replace(
            info,
            request=request,
            planned=planned,
            sections=sections,
            lines=(),
            notes=(),
            problems=(),
        )
        return replace(self, info=wordless)

    @classmethod
    def of(cls, clips: Sequence[Clip]) -> Self:
        """From the clips of one run of a model in this process."""
        audio = (ClipAudio(clip.name, clip.samples) for clip in clips)
        return cls(clips[0].info, tuple(audio))
