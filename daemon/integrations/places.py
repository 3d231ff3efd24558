"""Where programs look for what is added to them, on macOS and Linux. Windows paths are texts only:
acestepd itself does not run there.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """What decides where folders are."""

    system: str  # as platform.system() says it: Darwin or Linux
    home: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def bases(self) -> dict[str, Path]:
        """What the first part of a place's pattern stands for."""
        return {
            "~": self.home,
            "CONFIG": Path(self.environ.get("XDG_CONFIG_HOME") or self.home / ".config"),
            "DATA": Path(self.environ.get("XDG_DATA_HOME") or self.home / ".local" / "share"),
        }


def describe_this_machine() -> Machine:
    return Machine(platform.system(), Path.home(), os.environ)


@dataclass(frozen=True)
class Place:
    """A folder that a program made, and the folder in it where additions go (which is made where
    it is missing). Patterns begin with ~, CONFIG or DATA and may hold `*` for a version; the
    first that is there counts, of several versions the newest.
    """

    darwin: tuple[str, ...]
    linux: tuple[str, ...]
    windows: str  # the whole path, for people
    folder: str = ""
    # the program looks there by itself, also where it has not made the folder yet
    may_be_made: bool = False

    def find(self, machine: Machine) -> Path | None:
        """Where additions go on this machine, or None where the program is not found."""
        patterns = self._list_patterns(machine)
        for pattern in patterns:
            if found := _find_newest(machine, pattern):
                return found / self.folder
        if self.may_be_made and patterns:
            base, _, rest = patterns[0].partition("/")
            return machine.bases[base] / rest / self.folder
        return None

    def describe(self, machine: Machine) -> str:
        """Where it was looked for, in words."""
        patterns = self._list_patterns(machine)
        if not patterns:
            return f"no folder of this program is known on {machine.system}"
        return " or ".join(
            str(Path(str(machine.bases[base]), rest))
            for base, _, rest in (pattern.partition("/") for pattern in patterns)
        )

    def _list_patterns(self, machine: Machine) -> tuple[str, ...]:
        return {"Darwin": self.darwin, "Linux": self.linux}.get(machine.system, ())


def _find_newest(machine: Machine, pattern: str) -> Path | None:
    base, _, rest = pattern.partition("/")
    found = [path for path in machine.bases[base].glob(rest) if path.is_dir()]
    return max(found, key=lambda path: _read_versions(str(path)), default=None)


def _read_versions(text: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", text)]


LIVE = Place(
    darwin=("~/Music/Ableton/User Library",),
    linux=(),
    windows=r"Documents\Ableton\User Library\Remote Scripts",
    folder="Remote Scripts",
)
LIVE_DEVICES = Place(
    darwin=("~/Music/Ableton/User Library",),
    linux=(),
    windows=r"Documents\Ableton\User Library\Presets\Audio Effects\Max Audio Effect",
    folder="Presets/Audio Effects/Max Audio Effect",
)
MAX = Place(
    darwin=("~/Documents/Max [0-9]*",),
    linux=(),
    windows=r"Documents\Max 9\Packages",
    folder="Packages",
)
REAPER = Place(
    darwin=("~/Library/Application Support/REAPER",),
    linux=("CONFIG/REAPER",),
    windows=r"%APPDATA%\REAPER",
)
BITWIG = Place(
    darwin=("~/Documents/Bitwig Studio",),
    linux=("~/Bitwig Studio", "~/Documents/Bitwig Studio"),
    windows=r"Documents\Bitwig Studio\Controller Scripts",
    folder="Controller Scripts",
)
PUREDATA = Place(
    darwin=("~/Library/Pd",),
    linux=("~/.local/lib/pd/extra",),
    windows=r"%APPDATA%\Pd",
    may_be_made=True,
)
SUPERCOLLIDER = Place(
    darwin=("~/Library/Application Support/SuperCollider",),
    linux=("DATA/SuperCollider",),
    windows=r"%LOCALAPPDATA%\SuperCollider\Extensions",
    folder="Extensions",
    may_be_made=True,
)
ARDOUR = Place(
    darwin=("~/Library/Preferences/Ardour[0-9]*",),
    linux=("CONFIG/ardour[0-9]*",),
    windows=r"%LOCALAPPDATA%\Ardour8\scripts",
    folder="scripts",
)
# for programs without a folder for such things
DOCUMENTS = Place(
    darwin=("~/Documents/acestepd",),
    linux=("~/Documents/acestepd",),
    windows=r"Documents\acestepd",
    may_be_made=True,
)
