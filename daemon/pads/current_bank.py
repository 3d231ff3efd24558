"""The bank that is played, and what a hit depends on besides: settings, panel, tempo."""

from __future__ import annotations

import secrets
import threading

from pipeline.request import Request

from ..engine import rerolls
from ..jobs import Refused
from ..panel import NothingToPlay, Panel
from ..paths import AllowedFolders
from ..settings import Settings
from ..tempo import Tempo
from .bank import (
    Bank,
    Pad,
    PadContext,
    PadDefaults,
    Values,
    build_request,
    collect_non_defaults,
)

CLIENT = "pads"  # the client of jobs that controllers order, and of speculative ones


class CurrentBank:
    """All of it changes under the engine's lock, and so do the pads. `changed` is set when the bank
    has to be saved, or other takes may be worth preparing.

    `read_context`, `find_files` and `build_request` may read the disk: nobody calls them under the
    lock. Pads count from 0.
    """

    def __init__(
        self,
        settings: Settings,
        panel: Panel,
        tempo: Tempo,
        allowed_folders: AllowedFolders,
        bank: Bank,
    ) -> None:
        self.settings = settings
        self.allowed_folders = allowed_folders
        self.bank = bank
        self.last_hit: int | None = None  # the index of the pad that was hit last
        self.unsaved = False  # the bank is not as it was saved
        self.changed = threading.Event()
        self._panel = panel
        self._tempo = tempo

    # --- under the engine's lock ------------------------------------------------------------------

    @property
    def count(self) -> int:
        """How many pads there are."""
        return max(self.settings.midi.pads, len(self.bank.pads))

    @property
    def description(self) -> tuple[str, int, int]:
        """The bank's name, its program, and how many pads there are."""
        return self.bank.name, self.bank.program, self.count

    def get_pad(self, index: int) -> Pad:
        """Raises `Refused` 404."""
        if not 0 <= index < self.count:
            raise Refused(404, f"there is no pad {index + 1}: pads are numbered 1..{self.count}")
        return self.bank.get_pad(index)

    def is_current(self, index: int, pad: Pad) -> bool:
        """Whether `pad` still is the bank's pad at `index`."""
        return index < len(self.bank.pads) and self.bank.pads[index] is pad

    def mark_changed(self) -> None:
        """The bank has to be saved, and other takes may be worth preparing."""
        self.unsaved = True
        self.changed.set()

    def refresh(self, context: PadContext, index: int | None = None) -> None:
        """What a hit would play now, of one pad or all of them."""
        for each in range(self.count) if index is None else (index,):
            self.bank.get_pad(each).resolved = self.bank.resolve(each, context)

    def find_due(self) -> float:
        """The time.monotonic() at which a take that is there may be announced; 0: at once."""
        if not self.settings.quantise:
            return 0.0
        beats = self._panel.request.beats if self.settings.quantise == "bar" else 1.0
        return self._tempo.find_next_beat(beats, ahead=self.settings.ahead_ms / 1000)

    def describe_origin(self, index: int) -> str:
        """Where a job of that pad came from."""
        return f"pad {index + 1} of {self.bank.name}"

    # --- reading files, without the lock ----------------------------------------------------------

    def read_context(self) -> PadContext:
        """What pads play besides what their bank says, as it is now."""
        panel = collect_non_defaults(self._panel.read_request())
        panel.pop("seed", None)
        folders = self.allowed_folders
        defaults = {
            table.slot - 1: PadDefaults(folders.make_portable(table.request), table.seed)
            for table in self.settings.midi.pad
        }
        session = (self._panel.session_bpm(), self._panel.session_bpm(only_set=True))
        return PadContext(folders.make_portable(panel), defaults, *session)

    def find_files(self, values: Values) -> Values:
        """The paths of the files that a pad's values name, by field. Raises `Refused`, and
        `NothingToPlay`.
        """
        if not any(str(values.get(name, "")).strip() for name in ("prompt", "lyrics", "task")):
            raise NothingToPlay(
                "there is nothing to play: this pad has no prompt",
                "/ace/bank/fill, /ace/pad/set, or /ace/set/prompt",
            )
        resolved = self.allowed_folders.resolve_values(values)
        return {name: value for name, value in resolved.items() if value != values[name]}

    def build_request(self, values: Values) -> Request:
        """Raises `Refused` and `BadRequest`."""
        return build_request(values | self.find_files(values))


def describe_kept(kept: Values) -> tuple[str, ...]:
    """What a pad keeps, as a note; none where that is nothing. It names no pad: a take that is
    prepared for one may be another's.
    """
    return rerolls.describe_kept(kept, "the pad keeps")


def new_job_id(index: int) -> str:
    return f"pad{index + 1}-{secrets.token_hex(3)}"
