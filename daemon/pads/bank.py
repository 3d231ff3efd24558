"""A bank: pads with their seeds, parameters and takes, and what a hit on each of them would play.

A bank is one readable JSON file that any machine can play. No absolute path is in it: takes and
sources are named as they are inside of the folders that messages may name files in. What a pad has
played is kept with all its values, so that the same bank makes the same takes elsewhere.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self

from pipeline import untrusted
from pipeline.prompt_reading import PromptReading, read_prompt
from pipeline.request import (
    BEFORE,
    DRAWN_SEED_COUNT,
    FIELDS,
    MAX_SEED,
    NEWEST_COMPOSER,
    BadRequest,
    Request,
    complete_stored_values,
    names_file,
)
from pipeline.request_files import list_session_fields

from .interface import PadState

log = logging.getLogger("acestepd.pads")

VERSION = 1
MAX_PADS = 128
PROGRAMS = 128
MADE = ("bpm", "key", "time_signature")  # fields that a reroll keeps

# The values of a request by their fields, where files are named as they are inside of their folder.
Values = dict[str, Any]


@dataclass(frozen=True)
class PadDefaults:
    """What the settings give a pad that has nothing yet: its [[midi.pad]] table."""

    values: Values = field(default_factory=dict)
    seed: int = -1


@dataclass(frozen=True)
class PadContext:
    """What the values of pads depend on besides their bank, at one moment."""

    panel: Values  # what the panel says other than the defaults, without its seed
    defaults: Mapping[int, PadDefaults]  # by the pad's index
    bpm: float  # the session's tempo; 0: it has none
    set_bpm: float = 0.0  # the same where somebody has set it: it goes before a prompt's

    def get_defaults(self, index: int) -> PadDefaults:
        return self.defaults.get(index, NO_DEFAULTS)


NO_DEFAULTS = PadDefaults()


class PadFacts(NamedTuple):
    """What tells a pad's take apart from others'. `text` is its prompt, or its lyrics where it has
    none; bpm 0 and key "": open, until its take is there.
    """

    text: str
    bpm: float
    key: str
    seed: int
    variation: float


@dataclass(frozen=True)
class PadTake:
    """What a pad plays: the manifest's name in the output folder, its job's id, and the values that
    were ordered.
    """

    manifest: str
    job_id: str
    values: Values


@dataclass
class Pad:
    """One place of a bank.

    `parameters` are the pad's own. `panel_values` are the rest of its values, as the panel was when
    the seed was chosen; without them it follows the panel, and its seed is chosen when it is hit.
    `next_seed` is what a reroll will choose: it is known beforehand, so that its take can be made
    in advance. `job_id` is the newest job's. `kept` is what of tempo, key and metre it has where
    nothing else says them: its bank's, or those of the take that was rerolled.

    What follows `kept` is not saved: how that job stands, the values that a hit would play now,
    whether the take's files are missing, and the tempo, key and metre that it was made with.
    """

    parameters: Values = field(default_factory=dict)
    panel_values: Values | None = None
    seed: int = -1
    next_seed: int = field(default_factory=lambda: draw_seed())
    favourite: bool = False
    job_id: str = ""
    take: PadTake | None = None
    kept: Values = field(default_factory=dict)
    state: PadState | None = None
    progress: float = 0.0
    resolved: Values = field(default_factory=dict)
    files_missing: bool = False
    made: Values = field(default_factory=dict)

    @property
    def pending(self) -> bool:
        return self.state in (PadState.QUEUED, PadState.RENDERING)

    @property
    def ready(self) -> bool:
        """Whether its take is what a hit would play."""
        return (
            self.take is not None and not self.files_missing and self.take.values == self.resolved
        )

    def set_seed(self, panel_values: Values, seed: int) -> None:
        """Give the pad this seed, and the panel's values as they are now. It has no take then."""
        if seed == self.next_seed:
            self.next_seed = draw_seed()
        self.panel_values = panel_values
        self.seed = seed
        self.clear_take()

    def clear_take(self) -> None:
        """As if it had not played yet."""
        self.job_id = ""
        self.take = None
        self.state = None
        self.progress = 0.0
        self.files_missing = False
        self.made = {}

    def to_json(self, number: int) -> Values:
        """`number` counts from 1."""
        values: Values = {
            "pad": number,
            "seed": self.seed,
            "next": self.next_seed,
            "favourite": self.favourite,
        }
        if self.parameters:
            values["own"] = self.parameters
        if self.kept:
            values["kept"] = self.kept
        if self.panel_values is not None:
            values["base"] = _name_defaults(self.panel_values)
        if self.job_id:
            values["id"] = self.job_id
        if self.take:
            values["take"] = {
                "file": self.take.manifest,
                "id": self.take.job_id,
                "request": self.take.values,
            }
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Raises ValueError, KeyError, TypeError."""
        panel_values = values.get("base")
        take = values.get("take")
        pad = cls(
            parameters=_check_values(values.get("own", {})),
            panel_values=None if panel_values is None else _restore_values(panel_values),
            seed=_check_seed(values["seed"], -1),
            next_seed=_check_seed(values["next"], 0),
            favourite=bool(values.get("favourite", False)),
            job_id=str(values.get("id", ""))[:128],
            kept=_check_values(values.get("kept", {})),
        )
        if take:
            manifest = str(take["file"])
            if Path(manifest).name != manifest or not manifest.endswith(".json"):
                raise ValueError(
                    f"a take is named by its manifest, without a folder, got {manifest[:80]!r}"
                )
            pad.take = PadTake(manifest, str(take["id"])[:128], _restore_values(take["request"]))
        return pad


@dataclass
class Bank:
    """`columns` pads are a row. With `rows` above 0 the pads of a row are variations of its first
    one, up to that distance. Pads are counted by their index, from 0.
    """

    name: str
    program: int = 0
    columns: int = 4
    rows: float = 0.0
    pads: list[Pad] = field(default_factory=list)

    def get_pad(self, index: int) -> Pad:
        """The pad at that index, which is made where it is not there yet."""
        while len(self.pads) <= index:
            self.pads.append(Pad())
        return self.pads[index]

    # --- what a hit would play --------------------------------------------------------------------

    def resolve(self, index: int, context: PadContext, reroll: bool = False) -> Values:
        """What a hit (or a reroll) would play: every value that is not a default, the seed, who
        composes, and whether the prompt is read.
        """
        values = self._choose_values(index, context, reroll)
        return values | self._pick_kept(self.get_pad(index), values, reroll)

    def list_kept(self, index: int, context: PadContext, reroll: bool = False) -> Values:
        """What of that nobody says: the tempo, key and metre of its bank, or of the take that was
        rerolled.
        """
        values = self._choose_values(index, context, reroll)
        kept = self._pick_kept(self.get_pad(index), values, reroll)
        if self.is_variation(index):
            others = self.list_kept(self.find_original(index), context)
            kept |= {name: value for name, value in others.items() if values.get(name) == value}
        return kept

    def _choose_values(self, index: int, context: PadContext, reroll: bool) -> Values:
        """What a hit would play before it has the tempo, key and metre that are kept."""
        if self.is_variation(index):
            values = self._resolve_variation(index, context, reroll)
        else:
            panel = self._get_panel_values(index, context, reroll)
            seed = self._get_seed(index, context, reroll)
            values = overlay(panel, self.get_pad(index).parameters) | {"seed": seed}
        if values.get("variation") and values.get("variation_seed", -1) < 0:
            values["variation_seed"] = (values["seed"] + 1) % (MAX_SEED + 1)
        values = _name_defaults(values)
        if not (values.get("task") or values.get("bpm")):
            bpm = context.set_bpm if _read_prompt(values).bpm else context.bpm
            if bpm:
                values["bpm"] = bpm
        return values

    def _pick_kept(self, pad: Pad, values: Values, reroll: bool) -> Values:
        """What the pad keeps of tempo, key and metre, where its values leave them open."""
        if values.get("task"):
            return {}
        prompt = _read_prompt(values)
        kept = pad.kept | (pad.made if reroll else {})
        if pad.take and not reroll and (bpm := pad.take.values.get("bpm")):
            kept["bpm"] = bpm
        is_said = {
            "bpm": values.get("bpm") or prompt.bpm,
            "key": values.get("key") or prompt.key,
            "time_signature": values.get("time_signature")
            or values.get("beats_per_bar")
            or prompt.time_signature,
        }
        return {name: kept[name] for name, said in is_said.items() if kept.get(name) and not said}

    def list_session_fields(self, index: int) -> tuple[str, ...]:
        """The fields that the session says for a pad, and not the pad itself."""
        own = {*self.get_pad(index).parameters, *self.get_pad(self.find_original(index)).parameters}
        return list_session_fields(own)

    def is_filled(self, index: int, context: PadContext) -> bool:
        """Whether somebody has given the pad something: others follow the panel."""
        pad = self.get_pad(index)
        original = self.get_pad(self.find_original(index))
        has_own = bool(pad.parameters or original.parameters)
        return original.seed >= 0 or has_own or context.get_defaults(index) is not NO_DEFAULTS

    def find_facts(self, index: int, context: PadContext) -> PadFacts:
        """What a hit would play, or has played."""
        values = self.get_pad(index).made | self.resolve(index, context)
        prompt = _read_prompt(values)
        return PadFacts(
            values.get("prompt", "").strip() or values.get("lyrics", "").strip(),
            float(values.get("bpm") or prompt.bpm),
            values.get("key") or prompt.key,
            values["seed"],
            values.get("variation", 0.0),
        )

    def is_variation(self, index: int) -> bool:
        """Whether the pad has no seed of its own, and is a variation of its row's first pad."""
        return self.rows > 0 and index % self.columns != 0 and self.get_pad(index).seed < 0

    def find_original(self, index: int) -> int:
        """The first pad of its row, where it is a variation of that; or else itself."""
        return index - index % self.columns if self.is_variation(index) else index

    def set_seed(self, index: int, seed: int, context: PadContext, reroll: bool = False) -> None:
        """Choose a pad's seed. After a reroll it also has what the panel says now."""
        pad = self.get_pad(index)
        values = self._get_panel_values(index, context, reroll)
        kept = {name: value for name, value in values.items() if name not in pad.parameters}
        pad.set_seed(kept, seed)

    def reroll(self, index: int, context: PadContext) -> None:
        """Choose a pad's next seed; another direction where it is a variation of its row's first
        pad. It keeps the tempo, key and metre of its take.
        """
        pad = self.get_pad(index)
        pad.favourite = False
        pad.kept = pad.kept | pad.made
        if self.is_variation(index):
            pad.parameters["variation_seed"] = pad.next_seed
            pad.next_seed = draw_seed()
            pad.clear_take()
        else:
            self.set_seed(index, pad.next_seed, context, reroll=True)

    def _resolve_variation(self, index: int, context: PadContext, reroll: bool) -> Values:
        pad = self.get_pad(index)
        first = self.find_original(index)
        distance = self.rows * (index - first) / max(1, self.columns - 1)
        variation = {"variation": distance, "variation_seed": self.get_pad(first).next_seed}
        values = overlay(self.resolve(first, context), variation | pad.parameters)
        if reroll:
            values["variation_seed"] = pad.next_seed
        return values

    def _get_panel_values(self, index: int, context: PadContext, reroll: bool) -> Values:
        """The values that a pad's own parameters override: the panel's as they were when its seed
        was chosen, or as they are now, where it has none or is rerolled.
        """
        saved = self.get_pad(index).panel_values
        if saved is not None and not reroll:
            return dict(saved)
        panel = overlay(saved or {}, context.panel)
        return overlay(panel, context.get_defaults(index).values)

    def _get_seed(self, index: int, context: PadContext, reroll: bool) -> int:
        """The seed of a hit, or of a reroll. The settings may name the one a pad begins with."""
        pad = self.get_pad(index)
        if reroll:
            return pad.next_seed
        if pad.seed >= 0:
            return pad.seed
        first_seed = context.get_defaults(index).seed
        return first_seed if first_seed >= 0 else pad.next_seed

    def copy_pads(self, indices: Iterable[int]) -> Self:
        """The same bank, with copies of these pads: what is changed of them leaves those as they
        are that this one has.
        """
        copied = replace(self, pads=[*self.pads])
        for index in indices:
            pad = copied.get_pad(index)
            copied.pads[index] = replace(pad, parameters=dict(pad.parameters))
        return copied

    def adopt_takes(self, other: Bank) -> None:
        """What is known of takes of the same pads, where this bank does not know one."""
        for pad, known in zip(self.pads, other.pads):
            if pad.take is None and (pad.seed, pad.parameters) == (known.seed, known.parameters):
                pad.take = known.take
                pad.job_id = known.job_id

    # --- its file ---------------------------------------------------------------------------------

    def to_json(self) -> str:
        values = {
            "acestepd_bank": VERSION,
            "program": self.program,
            "columns": self.columns,
            "rows": self.rows,
            "pads": [pad.to_json(number) for number, pad in enumerate(self.pads, 1)],
        }
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, name: str, text: str) -> Self:
        """Raises ValueError saying what is wrong with it."""
        try:
            return cls._from_values(name, untrusted.parse_json(text))
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            OverflowError,
        ) as error:
            raise ValueError(
                f"not a bank of pads: {error if str(error) else type(error).__name__}"
            ) from error

    @classmethod
    def _from_values(cls, name: str, values: Mapping[str, Any]) -> Self:
        if int(values["acestepd_bank"]) > VERSION:
            raise ValueError("a newer acestepd wrote it")
        program = int(values["program"])
        columns = int(values["columns"])
        rows = float(values["rows"])
        if not (0 <= program < PROGRAMS and 1 <= columns <= MAX_PADS and 0 <= rows <= 1):
            raise ValueError(f"program {program}, columns {columns} or rows {rows} is not possible")
        bank = cls(name, program, columns, rows)
        for pad in values["pads"]:
            number = int(pad["pad"])
            if not 1 <= number <= MAX_PADS:
                raise ValueError(f"pads are numbered 1..{MAX_PADS}, got {number}")
            bank.get_pad(number - 1)
            bank.pads[number - 1] = Pad.from_json(pad)
        return bank


def list_made(request: Request) -> Values:
    """The tempo, key and metre that a take was made with, as pads keep them."""
    if names_file("guide", request.guide):
        return {}  # its file says them
    return {name: value for name in MADE if (value := getattr(request, name))}


def overlay(values: Values, said: Values) -> Values:
    """These values with what is said over them, as `Request.overlaid`: seconds that are said count
    before bars that are not.
    """
    if "seconds" in said and "bars" not in said:
        values = {name: value for name, value in values.items() if name != "bars"}
    return values | said


def draw_seed() -> int:
    return secrets.randbelow(DRAWN_SEED_COUNT)


def collect_non_defaults(request: Request) -> Values:
    """The values of a request that are not its defaults."""
    return {
        name: value
        for name, spec in FIELDS.items()
        if (value := getattr(request, name)) != spec.default
    }


def build_request(values: Values) -> Request:
    """The same request for the same values, made once. Raises `BadRequest`."""
    return _build_request(make_key(values))


def make_key(values: Values) -> tuple[tuple[str, Any], ...]:
    """The same for the same values."""
    return tuple(sorted(values.items()))


@lru_cache(1024)
def _build_request(items: tuple[tuple[str, Any], ...]) -> Request:
    return Request().changed(dict(items))


def _name_defaults(values: Values) -> Values:
    """The values with what decided older ones before there was a field for it, also where those
    are the defaults: the same is played once there is a newer composer.
    """
    named = {name: values.get(name, FIELDS[name].default) for name in BEFORE}
    return values | named | {"composer": values.get("composer") or NEWEST_COMPOSER}


def _read_prompt(values: Values) -> PromptReading:
    """What the prompt says, where it is read."""
    return read_prompt(values.get("prompt", "") if values["read_prompt"] else "")


def _restore_values(values: Any) -> Values:
    """What a take was ordered with, or what its pad has besides its own values: all of it decides
    what is played, so that what was saved before composers had a name is the first one's.
    """
    return _check_values(complete_stored_values(values))


def _check_values(values: Any) -> Values:
    """Fields by their names, with values that may be theirs: whether files are there is looked at
    when they are played.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"parameters must be names and values, got {values!r:.80}")
    plain = {
        str(name): value for name, value in values.items() if isinstance(value, str | int | float)
    }
    if unknown := [name for name in plain if name not in FIELDS]:
        log.warning("a bank has parameters that are not known here: %s", " ".join(unknown)[:200])
    known = {name: value for name, value in plain.items() if name in FIELDS}
    try:
        request = build_request(known)
    except BadRequest as error:
        raise ValueError(str(error)) from error
    return {name: getattr(request, name) for name in known}


def _check_seed(value: Any, low: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= MAX_SEED:
        raise ValueError(f"a seed must be in {low}..{MAX_SEED}, got {value!r:.40}")
    return value
