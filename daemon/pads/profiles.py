"""What is known of a controller: where its pads are and how its lights are lit. Data:
profiles/*.toml, or one's own.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import untrusted
from pipeline.did_you_mean import suggest
from pipeline.limits import LIMITS

from .controls import Control
from .interface import Light, PadState

FOLDER = Path(__file__).with_name("profiles")
GENERIC = "generic"  # of every port that no profile is about
PULSE = "pulse"  # what a rendering pad shows every other moment
LOOKS = (*(state.value for state in PadState), PULSE)

Look = Mapping[str, int]  # the values of the names in a profile's `light`


@dataclass(frozen=True)
class Profile:
    """One TOML file; every key but `name` is one of it."""

    name: str
    about: str = ""
    match: tuple[str, ...] = ()  # parts of the names of its ports
    avoid: tuple[str, ...] = ()  # parts of the names of those that are for something else
    first_note: int = 36  # of the pad at the lower left
    row_step: int = 0  # from a pad's note to that of the one above it; 0: as many as a row has pads
    shift: str = ""  # the button that marks takes
    enter: str = ""  # sent first: the mode in which the lights are ours
    leave: str = ""  # sent last
    # bytes in hex, `note`, `note_on`, and the names that a look gives
    light: str = "note_on note velocity"
    # a state's; of rendering several, by progress
    looks: Mapping[str, tuple[Look, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.shift:
            Control.of(self.shift)
        for message in (self.enter, self.leave):
            _encode(message, {})
        if missing := [look for look in LOOKS if not self.looks.get(look)]:
            raise ValueError(f"no look for {missing[0]}; there must be {' '.join(LOOKS)}")
        for looks in self.looks.values():
            for look in looks:
                _check_message(_encode(self.light, {"note": 0, "note_on": 0x90, **look}))

    def find_note(self, index: int, columns: int, first_note: int = -1) -> int:
        """The note of a pad on a grid with so many columns; -1: with the profile's first note."""
        row, column = divmod(index, columns)
        first = self.first_note if first_note < 0 else first_note
        return first + row * (self.row_step or columns) + column

    def encode_light(self, note: int, channel: int, light: Light, pulse: bool) -> bytes:
        """The message that lights a pad. `channel` counts from 0; `pulse` is every other moment."""
        pulses = pulse and light.state is PadState.RENDERING
        looks = self.looks[PULSE if pulses else light.state.value]
        progress = min(1.0, max(0.0, light.progress))
        look = looks[min(len(looks) - 1, int(progress * len(looks)))]
        return _encode(self.light, {"note": note, "note_on": 0x90 + channel, **look})

    @property
    def enter_message(self) -> bytes:
        return _encode(self.enter, {})

    @property
    def leave_message(self) -> bytes:
        return _encode(self.leave, {})


def _encode(template: str, words: Mapping[str, int]) -> bytes:
    """`F0 00 note F7` with its words filled in. Raises ValueError."""
    try:
        return bytes(words[word] if word in words else int(word, 16) for word in template.split())
    except ValueError as error:
        raise ValueError(
            f"{template!r} must be bytes in hex and names that every look gives: {error}"
        ) from None


def _check_message(message: bytes) -> None:
    status, *data = message or b"\0"
    data = data[:-1] if status == 0xF0 and data and data[-1] == 0xF7 else data
    if status < 0x80 or not data or max(data) > 127:
        raise ValueError(f"a light must be one MIDI message, got {message.hex(' ')}")


def parse_profile(name: str, values: Mapping[str, Any]) -> Profile:
    """Raises ValueError saying which profile, and what is wrong with it."""
    known = {spec.name for spec in dataclasses.fields(Profile)} - {"name"}
    if unknown := [key for key in values if key not in known]:
        hint = suggest(unknown[0], known) or f"keys: {' '.join(sorted(known))}"
        raise ValueError(f"profile {name}: no key is called {unknown[0]!r}; {hint}")
    lists = {key: tuple(values[key]) for key in ("match", "avoid") if key in values}
    try:
        looks = {state: _parse_looks(look) for state, look in values.get("looks", {}).items()}
        return Profile(**{"name": name, **values, **lists, "looks": looks})
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"profile {name}: {error}") from error


def _parse_looks(value: Any) -> tuple[Look, ...]:
    """One or several; where only the velocity differs, a number is enough."""
    looks = value if isinstance(value, list) else [value]
    return tuple(look if isinstance(look, dict) else {"velocity": int(look)} for look in looks)


@functools.cache
def load_shipped() -> dict[str, Profile]:
    """The profiles that come with the daemon, by name."""
    files = sorted(FOLDER.glob("*.toml"))
    return {file.stem: parse_profile(file.stem, _read_toml(file)) for file in files}


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return untrusted.read_toml(file, LIMITS.profile_bytes)
    except (OSError, ValueError) as error:
        raise ValueError(f"profile {file}: {error}") from error


def load_profile(name: str) -> Profile:
    """A shipped one, or a file of one's own. Raises ValueError."""
    shipped = load_shipped()
    if name in shipped:
        return shipped[name]
    if name.endswith(".toml"):
        file = Path(name).expanduser()
        return parse_profile(file.stem, _read_toml(file))
    raise ValueError(
        f"profile must be auto, a .toml file or one of {' '.join(shipped)}; got {name!r}"
    )


def choose_profile(port: str, setting: str = "auto") -> Profile:
    """The profile that `port` is played with: the one that is set, or the one whose match is
    longest.
    """
    if setting != "auto":
        return load_profile(setting)
    matches = [
        (len(part), name)
        for name, profile in load_shipped().items()
        for part in profile.match
        if _contains_word(port, part)
    ]
    return load_shipped()[max(matches)[1] if matches else GENERIC]


def is_avoided(port: str, profile: Profile) -> bool:
    """Whether a port of that device is for something else than pads."""
    return any(_contains_word(port, part) for part in profile.avoid)


def _contains_word(port: str, part: str) -> bool:
    """Whether `part` is in a port's name as a word, or the beginning of one: "mini" is not in
    "MiniFuse", "apc mini mk2" is in "APC mini mk2 Control".
    """
    return re.search(rf"\b{re.escape(part.casefold())}\b", port.casefold()) is not None
