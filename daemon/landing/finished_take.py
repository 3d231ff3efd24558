"""What came out of the model for one job, before it becomes files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from pipeline.audio import join_frames
from pipeline.take import Clip, TakeInfo

from ..messages import MixLatents

MIX = "mix"
WORDS = ("prompt", "lyrics", "lm_negative_prompt")  # fields of a request
WRITTEN = (*WORDS, "caption")  # what a planner writes

Audio = npt.NDArray[np.float32]  # (2, n) at 48 kHz in [-1, 1]


class ClipSound(NamedTuple):
    """A clip that can be read once, piece by piece: `name` is "mix", "rest" or a track."""

    name: str
    samples: int
    pieces: Iterable[Audio]

    def read_whole(self) -> Audio:
        """All of its pieces in one, in the order of a file."""
        # whoever makes the pieces says where they are too many or too few
        return join_frames((piece.T for piece in self.pieces), self.samples)


class LandingTake(Protocol):
    """How a take was made, what its mix was decoded from, and its clips, the mix first, all equally
    long. Of the task `understand` nothing but the manifest is left: it has no clips.
    """

    @property
    def info(self) -> TakeInfo:
        """Complete when all clips were read."""

    @property
    def latents(self) -> MixLatents | None:
        """There when all clips were read, where they are kept."""

    def read_clips(self) -> Iterator[ClipSound]:
        """Each has to be read before the next one."""


@dataclass(frozen=True)
class ClipAudio:
    """The audio of one clip, (2, samples)."""

    name: str
    audio: Audio


@dataclass(frozen=True)
class FinishedTake:
    """A `LandingTake` that is all there."""

    info: TakeInfo
    clips: tuple[ClipAudio, ...]
    latents: MixLatents | None = None

    def read_clips(self) -> Iterator[ClipSound]:
        for clip in self.clips:
            yield ClipSound(clip.name, clip.audio.shape[1], (clip.audio,))

    def with_notes(self, notes: Sequence[str]) -> Self:
        """The same take, with more notes in front of its own."""
        return replace(self, info=add_notes(self.info, notes))

    @classmethod
    def of(cls, clips: Sequence[Clip]) -> Self:
        """From the clips of one run of a model in this process."""
        audio = (ClipAudio(clip.name, clip.samples) for clip in clips)
        return cls(clips[0].info, tuple(audio))


def add_notes(info: TakeInfo, notes: Sequence[str]) -> TakeInfo:
    """The same, with more notes in front of its own."""
    more = [note for note in notes if note not in info.notes]
    return replace(info, notes=(*more, *info.notes))


def leave_words_out(info: TakeInfo) -> TakeInfo:
    """The same, and nothing of what it was asked for in words: prompt, lyrics, what not to sound
    like, what the planner wrote of them, and the notes and labels that may quote them.
    """
    return replace(
        info,
        request=info.request.changed(dict.fromkeys(WORDS, "")),
        planned={name: info.planned[name] for name in info.planned if name not in WRITTEN},
        sections=tuple((seconds, str(n)) for n, (seconds, _) in enumerate(info.sections, 1)),
        lines=(),
        notes=(),
        problems=(),
    )
