"""What each pad of a bank plays: its request, from the panel, the settings, its row and its own
parameters.
"""

from __future__ import annotations

import secrets

from pipeline.request import MAX_SEED, BadRequest, Request

from ..jobs import Refused
from ..panel import NothingToPlay, Panel
from ..paths import AllowedFolders
from ..settings import Pad, Settings
from ..tempo import Tempo
from .bank import Bank, Slot, Values, drawn, request_of, wished


class Plans:
    """Pads count from 0. Everything here happens under the lock of whoever plays."""

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
        self._panel = panel
        self._tempo = tempo

    def slot(self, number: int) -> Slot:
        if not 0 <= number < self.count():
            raise Refused(404, f"there is no pad {number + 1}: pads are numbered 1..{self.count()}")
        return self.bank.slot(number)

    def count(self) -> int:
        return max(self.settings.midi.pads, len(self.bank.slots))

    def values(self, number: int, anew: bool = False) -> Values:
        """What a hit would play, or a reroll (`anew`): everything that is not a default, with its
        seed.
        """
        slot = self.bank.slot(number)
        if self.leads(number):
            seed = slot.next if anew or slot.seed < 0 else slot.seed
            values = (
                self._base(number, anew) | slot.own | {"seed": self._first_seed(number, seed, anew)}
            )
        else:
            first = self.leader(number)
            leader = self.bank.slot(first)
            far = self.bank.rows * (number - first) / max(1, self.bank.columns - 1)
            values = (
                self.values(first) | {"variation": far, "variation_seed": leader.next} | slot.own
            )
            values |= {"variation_seed": slot.next} if anew else {}
        if values.get("variation") and values.get("variation_seed", -1) < 0:
            values["variation_seed"] = (values["seed"] + 1) % (MAX_SEED + 1)
        if not values.get("bpm") and not values.get("task") and (bpm := self._bpm(slot, anew)):
            values["bpm"] = bpm
        return values

    def replan(self, number: int | None = None) -> None:
        """What a hit would play now."""
        for each in range(self.count()) if number is None else (number,):
            slot = self.bank.slot(each)
            slot.plan = self.values(each)
            try:
                slot.wish = self.request(slot.plan)
            except (Refused, BadRequest):
                slot.wish = None

    def request(self, values: Values) -> Request:
        if not any(str(values.get(name, "")).strip() for name in ("prompt", "lyrics", "task")):
            raise NothingToPlay(
                "there is nothing to play: this pad has no prompt",
                "/ace/bank/fill, /ace/pad/set, or /ace/set/prompt",
            )
        return request_of(self.allowed_folders.resolve_values(values))

    def origin(self, number: int) -> str:
        return f"pad {number + 1} of {self.bank.name}"

    @staticmethod
    def new_id(number: int) -> str:
        return f"pad{number + 1}-{secrets.token_hex(3)}"

    def choose(self, number: int, seed: int, anew: bool = False) -> None:
        slot = self.bank.slot(number)
        base = self._base(number, anew)
        slot.choose({name: value for name, value in base.items() if name not in slot.own}, seed)

    def reseed(self, number: int) -> None:
        """Another seed; another direction where it is a variation of its row's first pad."""
        slot = self.slot(number)
        slot.favourite = False
        if self.leads(number):
            self.choose(number, slot.next, anew=True)
        else:
            slot.own["variation_seed"], slot.next = slot.next, drawn()
            slot.forget()

    def due(self) -> float:
        """When the news of a take that is there may be told."""
        if not self.settings.quantise:
            return 0.0
        beats = self._panel.request.beats if self.settings.quantise == "bar" else 1.0
        return self._tempo.find_next_beat(beats, ahead=self.settings.ahead_ms / 1000)

    def leads(self, number: int) -> bool:
        """Whether it has a seed of its own, and is no variation of its row's first pad."""
        bank = self.bank
        return not bank.rows or number % bank.columns == 0 or bank.slot(number).seed >= 0

    def leader(self, number: int) -> int:
        """Itself, or the first of its row."""
        return number if self.leads(number) else number - number % self.bank.columns

    def _base(self, number: int, anew: bool = False) -> Values:
        """What a pad's own parameters lie over: the panel, or how that was when the seed was
        chosen. A reroll takes what was turned since then.
        """
        slot = self.bank.slot(number)
        if slot.base is not None and not anew:
            return dict(slot.base)
        turned = {
            name: value for name, value in wished(self._panel.request).items() if name != "seed"
        }
        given = self._given(number)
        return (slot.base or {}) | self.allowed_folders.make_portable(
            turned | (dict(given.request) if given else {})
        )

    def _first_seed(self, number: int, seed: int, anew: bool) -> int:
        """The settings may name the seed that a pad begins with."""
        given = self._given(number)
        slot = self.bank.slot(number)
        return given.seed if given and given.seed >= 0 and slot.seed < 0 and not anew else seed

    def _given(self, number: int) -> Pad | None:
        return next((pad for pad in self.settings.midi.pad if pad.slot == number + 1), None)

    def _bpm(self, slot: Slot, anew: bool) -> float:
        """The session's tempo; where nobody says one, what the take has."""
        said = self._panel.session_bpm()
        return said or (float(slot.take.values.get("bpm", 0.0)) if slot.take and not anew else 0.0)
