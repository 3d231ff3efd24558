"""A machine of the cluster, as the dispatcher sees it: one of its workers."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from pipeline.take import TakeInfo

from ..engine.model_state import ModelChoice
from ..engine.run import Run
from ..machines import WorkerStanding
from ..messages import RenderFinished
from .facts import Facts

log = logging.getLogger("acestepd.cluster")

FAILURES = 3  # in a row, after which a worker is rested
REST_SECONDS = 300.0  # for the first time; twice as long whenever it fails again
LONGEST_REST = 6 * 3600.0
QUIET_SECONDS = 10.0  # without a heartbeat, which come each second or so, until people are told


class Health:
    """Whether a machine fails at its jobs: crashes and hangs count, a request that is refused does
    not.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures = 0
        self._rests = 0
        self._until = 0.0

    @property
    def rest(self) -> float:
        """For how many seconds more it is rested; 0: it is not."""
        return max(0.0, self._until - self._now())

    def note_take(self) -> None:
        """It has made one."""
        self._failures = self._rests = 0

    def note_failure(self) -> float:
        """Returns for how many seconds it is rested now; 0: it is not."""
        self._failures += 1
        if self._failures < FAILURES:
            return 0.0
        self._failures = 0
        seconds = min(LONGEST_REST, REST_SECONDS * 2.0**self._rests)
        self._rests += 1
        self._until = self._now() + seconds
        return seconds


def describe_silence(seconds: float) -> str:
    """How long a worker has said nothing, where people are to know that; or else empty."""
    return f"not heard from for {seconds:.0f} s" if seconds > QUIET_SECONDS else ""


class ClusterWorker:
    """A Dask worker that keeps a model of ours warm. `obstacle` says why it is given nothing, empty
    where that is not so; it is known of the model that was chosen when that was looked at, and
    `find_choice` says which is chosen now. `trouble` is why its model cannot be loaded. Whatever
    changes here does so under the engine's lock.
    """

    def __init__(
        self,
        name: str,
        address: str,
        facts: Facts,
        health: Health,
        render: Callable[[ClusterWorker, Run], None],
        cancel: Callable[[ClusterWorker, Run], None],
        find_choice: Callable[[], ModelChoice],
    ) -> None:
        self.name = name
        self.address = address
        self.facts = facts
        self.health = health
        self.running: list[Run] = []
        self.obstacle = ""
        self.trouble = ""
        self.compared_with: ModelChoice | None = None
        self.is_warm = False
        self.has_our_folder = not facts.shared  # what it leaves results in, is here too
        self.is_greeted = False  # it is being asked what its model is like
        self.last_seen = 0.0  # by the scheduler, on its clock
        self.heard = time.monotonic()  # when that became another
        self._render = render
        self._cancel = cancel
        self._find_choice = find_choice

    @property
    def is_ready(self) -> bool:
        if not self.is_warm or self.obstacle or self.health.rest:
            return False
        return self.compared_with == self._find_choice()

    @property
    def standing(self) -> WorkerStanding:
        """For people: as it is now, also while another thread changes it."""
        state, text = self._find_standing()
        return WorkerStanding(self.name, state, self.facts.device, text)

    def _find_standing(self) -> tuple[str, str]:
        if runs := list(self.running):
            run = runs[-1]
            name = run.job.id if run.owner.serves_clients else "a take in advance"
            makes = f"makes {name}, {run.fraction:.0%}"
            return "busy", "; ".join(filter(None, (makes, describe_silence(self.silence))))
        if self.obstacle:
            return "unused", self.obstacle
        if self.trouble:
            return "error", self.trouble
        if silence := describe_silence(self.silence):
            return "silent", silence
        if rest := self.health.rest:
            minutes = math.ceil(rest / 60)
            return "rested", f"it has failed again and again: {minutes} min more"
        return ("idle", "") if self.is_ready else ("loading", "")

    @property
    def silence(self) -> float:
        """Seconds since its last heartbeat."""
        return time.monotonic() - self.heard

    def note_seen(self, last_seen: float) -> None:
        """When the scheduler had its last heartbeat, on the scheduler's clock."""
        if last_seen != self.last_seen:
            self.last_seen = last_seen
            self.heard = time.monotonic()

    def render(self, run: Run) -> None:
        self._render(self, run)

    def cancel(self, run: Run) -> None:
        self._cancel(self, run)

    def sign(
        self, message: RenderFinished, files: Mapping[str, str], kinds: set[str]
    ) -> RenderFinished:
        """The end of a take as it is told here: with the machine's name, the paths that its `files`
        have here, and a note where this cluster has several `kinds` of devices.
        """
        info = message.info
        request = info.request.changed(files) if files else info.request
        notes = (*info.notes, *self._note_kinds(kinds))
        info = replace(info, request=request, machine=self._describe(info), notes=notes)
        return replace(message, info=info)

    def _describe(self, info: TakeInfo) -> dict[str, str]:
        return {"name": self.name, **info.machine}

    def _note_kinds(self, kinds: set[str]) -> tuple[str, ...]:
        kind = self.facts.kind
        others = sorted(kinds - {kind, ""})
        if not kind or not others:
            return ()
        where = f"made by {self.name}, on {kind}"
        return (f"{where}: on {' or '.join(others)} the same seed may come out a little otherwise",)
