"""A take whose clips become files while they are still on their way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import SimpleQueue

from pipeline.take import TakeInfo

from ..messages import MixLatents
from .finished_take import Audio, ClipSound


class Abandoned(Exception):
    """The rest of a take will not come."""


class ArrivingTake:
    """A `LandingTake` of clips that have so many samples each. One thread brings it, piece by
    piece, and never waits; another one reads it, and waits for what is not there yet.
    """

    def __init__(self, info: TakeInfo, samples: int) -> None:
        self.info = info
        self.latents: MixLatents | None = None
        self.audio_bytes = 0  # that have come
        self._samples = samples
        self._pieces: SimpleQueue[tuple[str, Audio] | None] = SimpleQueue()
        self._next: tuple[str, Audio] | None = None  # of the clip that follows
        self._is_ended = threading.Event()
        self._is_whole = False

    # --- who brings it ----------------------------------------------------------------------------

    def add(self, name: str, audio: Audio) -> None:
        """The next samples (2, n) of a clip of that name."""
        self.audio_bytes += audio.nbytes
        self._pieces.put((name, audio))

    def finish(self, info: TakeInfo) -> None:
        """All of it came. `info` has what was not known before."""
        self.info = info
        self._is_whole = True
        self._end()

    def abandon(self) -> None:
        """The rest of it does not come; `read_clips` raises `Abandoned` then."""
        self._end()

    def _end(self) -> None:
        self._is_ended.set()
        self._pieces.put(None)

    # --- who reads it -----------------------------------------------------------------------------

    def read_clips(self) -> Iterator[ClipSound]:
        """Raises `Abandoned`, and ValueError for a clip that is not as long as was said."""
        self._next = self._pieces.get()
        while self._next:
            yield ClipSound(self._next[0], self._samples, self._read_pieces(self._next[0]))
        self._check_whole()

    def _read_pieces(self, name: str) -> Iterator[Audio]:
        came = 0
        while self._next and self._next[0] == name:
            came += self._next[1].shape[1]
            yield self._next[1]
            self._next = self._pieces.get()
        if self._next is None:
            self._check_whole()
        if came != self._samples:
            raise ValueError(f"{name} has {came:,} samples, and not {self._samples:,}")

    def _check_whole(self) -> None:
        if not self._is_whole:
            raise Abandoned

    def wait(self) -> bool:
        """Whether all of it came, when that is known."""
        self._is_ended.wait()
        return self._is_whole
