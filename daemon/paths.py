"""Files that messages and watched files name: only those inside of folders that the settings
list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.request import BadRequest, clean_text, field_name

from .jobs import Refused

FILES = ("source", "reference")  # fields that are the path of a file
MAX_PATH = 4096  # characters, as in most systems


class AllowedFolders:
    """The folders that files from outside may be in. A link leads where it leads: what counts is
    where that is.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = tuple(dict.fromkeys(folder.expanduser().absolute() for folder in folders))

    def inside(self, text: str) -> Path:
        """The file that `text` names, absolute and without links. A relative name is looked for in
        each folder.

        Raises `Refused`: 403 for what is in none of the folders, whether it is there or not, 404
        for what is not there.
        """
        allowed = [candidate for candidate in self._candidates(text) if self._holds(candidate)]
        if not allowed:
            shown = " ".join(map(str, self.folders)) or "no folder"
            hint = f"put the file there, or list its folder under folders in the settings; now: {shown}"
            raise Refused(
                403, f"{text[:200]!r} is not in a folder that messages may name files in", hint
            )
        for candidate in allowed:
            if _is_file(candidate):
                return candidate
        raise Refused(404, f"there is no file {text[:200]!r}", f"looked for: {allowed[0]}")

    def adapter(self, text: str) -> Path:
        """The LoRA that `text` names: a file, or a PEFT folder. Raises `Refused`, as `inside`."""
        if text.lower().endswith(".safetensors"):
            return self.inside(text)
        return self.inside(f"{text}/adapter_config.json").parent

    def values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values of a request as a message gives them, with the files among them confined. Raises
        `Refused`.
        """
        return {name: self._value(name, value) for name, value in values.items()}

    def portable(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The same, with files named as they are inside of their folder: `values` finds them
        wherever that lies.
        """
        return {name: self._portable(name, value) for name, value in values.items()}

    def _portable(self, name: str, value: Any) -> Any:
        if not (
            isinstance(value, str) and _names_a_file(name, value) and Path(value).is_absolute()
        ):
            return value
        homes = (
            home for folder in self.folders if (home := _resolved(folder)) and _within(value, home)
        )
        return next((str(Path(value).relative_to(home)) for home in homes), value)

    def _value(self, name: str, value: Any) -> Any:
        text = clean_text(str(value)).strip()  # as the request will read it
        return str(self.inside(text)) if _names_a_file(name, text) else value

    def _candidates(self, text: str) -> list[Path]:
        if "\0" in text or len(text) > MAX_PATH:
            return []
        try:
            path = Path(text).expanduser()
        except RuntimeError:  # ~ of a user there is not
            return []
        # absolute: as it is
        return [found for folder in self.folders if (found := _resolved(folder / path))]

    def _holds(self, path: Path) -> bool:
        homes = (_resolved(folder) for folder in self.folders)
        return any(home and path.is_relative_to(home) for home in homes)


def _names_a_file(name: str, text: str) -> bool:
    try:
        field = field_name(name)
    except BadRequest:
        return False
    return (field == "guide" and text.lower().endswith((".mid", ".midi"))) or (
        field in FILES and bool(text)
    )


def _resolved(path: Path) -> Path | None:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a link that leads to itself, a name too long
        return None


def _within(path: str, home: Path) -> bool:
    return Path(path).is_relative_to(home)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
