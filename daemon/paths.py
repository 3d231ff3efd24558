"""Files that messages and watched files name: only those in folders that the settings list."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from pipeline.real_files import find_named, open_real
from pipeline.request import FILE_FIELDS, field_name, is_field, names_file
from pipeline.weights.adapter import TORCH_SUFFIXES

from .jobs import Refused

MAX_PATH = 4096  # bytes, as in most systems
MAX_NAME = 255  # bytes of a file or folder, the same
MAX_PARTS = 100  # names in a path: the system is asked about each of them
MAX_HINT = 250  # bytes of a text that is for reading: a longer one would be cut


class AllowedFolders:
    """The folders that files named from outside may be in. A link counts as what it leads to.
    `sources` is a folder in one of them, for copies of files that are in none.
    """

    def __init__(self, folders: Iterable[Path], sources: Path | None = None) -> None:
        self.folders = tuple(dict.fromkeys(folder.expanduser().absolute() for folder in folders))
        self.sources = sources

    def resolve(self, text: str) -> Path:
        """The file that `text` names, absolute and without links. A relative name is looked for in
        each folder, and among the copies.

        Raises `Refused`: 403 for what is in none of the folders, whether it exists or not; 404 for
        what is in one of them and does not exist, or is too long to be a path.
        """
        _check_length(text)
        candidates = [path for path in self._candidates(text) if self._contains(path)]
        if not candidates:
            raise Refused(
                403,
                f"{text[:200]!r} is not in a folder that messages may name files in",
                self._build_link_hint(text) or self._build_hint(text),
            )
        for path in candidates:
            if _is_file(path):
                return path
        for path in candidates:  # named as another system composes it
            found = _resolve_links(Path(find_named(str(path))))
            if found and _is_file(found) and self._contains(found):
                return found
        hint = f"looked for: {candidates[0]}"
        if self.sources and candidates[0].parent == _resolve_links(self.sources):
            hint = "copies in .sources make room for newer ones: copy it there again"
        raise Refused(404, f"there is no file {text[:200]!r}", self._build_link_hint(text) or hint)

    def open_landed(self, path: Path) -> BinaryIO:
        """A file that landed in one of the folders, or in one that was among them, to be read. Only
        the way to that folder may lead over links: who wrote the settings put them there. Raises
        OSError.
        """
        homes = [folder for folder in self.folders if path.is_relative_to(folder)]
        home = max(homes, key=lambda folder: len(folder.parts), default=path.parent)
        return open_real(Path(os.path.realpath(home), path.relative_to(home)))

    def resolve_adapter(self, text: str) -> Path:
        """The LoRA that `text` names: a file, or a PEFT folder. Raises `Refused`, as `resolve`.

        What kind of file it is, is said when it is read.
        """
        if text.lower().endswith((".safetensors", *TORCH_SUFFIXES)):
            return self.resolve(text)
        return self.resolve(f"{text}/adapter_config.json").parent

    def resolve_values(self, values: Mapping[str, object]) -> dict[str, object]:
        """Values of a request as a message gives them, with the files among them resolved. Raises
        `Refused`.
        """
        return {name: self._resolve_value(name, value) for name, value in values.items()}

    def make_portable(self, values: Mapping[str, object]) -> dict[str, object]:
        """The same values, with files named relative to their folder. `resolve_values` finds them
        again wherever that folder is.
        """
        return {name: self._make_portable(name, value) for name, value in values.items()}

    def _resolve_value(self, name: str, value: object) -> object:
        if not is_field(name) or field_name(name) not in FILE_FIELDS:
            return value
        text = str(value).rstrip()  # as the request will read it
        return str(self.resolve(text)) if _names_file(name, text) else value

    def _make_portable(self, name: str, value: object) -> object:
        if not isinstance(value, str) or not _names_file(name, value):
            return value
        path = Path(value)
        if not path.is_absolute():
            return value
        for folder in self.folders:
            home = _resolve_links(folder)
            if home and path.is_relative_to(home):
                return str(path.relative_to(home))
        return value

    def _build_hint(self, text: str) -> str:
        """What to do about a file that is in none of the folders, whether it exists or not."""
        if self.sources is None:
            folders = " ".join(map(str, self.folders)) or "no folder"
            return (
                "put the file there, or list its folder under folders in the settings; now: "
                f"{folders}"
            )
        advice = f"copy it to {self.sources}, or add its folder to the settings: "
        line = f"folders = [{json.dumps(str(Path(text).parent), ensure_ascii=False)}]"
        is_whole = len((advice + line).encode("utf-8", "replace")) <= MAX_HINT
        is_clear = text.startswith(("/", "~/")) and is_whole
        return advice + (line if is_clear else "folders = [...]")

    def _build_link_hint(self, text: str) -> str:
        """What to do about a link among the copies; empty where it is none."""
        path = self.sources and self.sources / text
        if not path or path.parent != self.sources or not os.path.islink(path):
            return ""
        return f"it is a link, which is not followed: copy the file itself to {self.sources}"

    def _candidates(self, text: str) -> list[Path]:
        if "\0" in text:
            return []
        # ~ of other users is not looked up: a server may have to be asked for it
        if text.startswith("~") and Path(text).parts[0] != "~":
            return []
        try:
            path = Path(text).expanduser()
        except RuntimeError:  # nobody knows where ~ is
            return []
        # an absolute path stays as it is
        paths = [_resolve_links(folder / path) for folder in self.folders]
        if self.sources:
            copy = _resolve_links(self.sources / path)
            home = _resolve_links(self.sources)
            if copy and home and copy.is_relative_to(home):
                paths.append(copy)  # a name that climbs out of there is none of a copy
        return [path for path in paths if path]

    def _contains(self, path: Path) -> bool:
        homes = (_resolve_links(folder) for folder in self.folders)
        return any(home and path.is_relative_to(home) for home in homes)


def _check_length(text: str) -> None:
    """Raises `Refused` 404 where no system has such a path, before anything is made of it."""
    size = len(text.encode(errors="replace"))
    names = text.split("/", MAX_PARTS)
    longest = max(len(name.encode(errors="replace")) for name in names)
    if size > MAX_PATH or len(names) > MAX_PARTS or longest > MAX_NAME:
        raise Refused(
            404,
            f"a path has at most {MAX_PATH} bytes, in {MAX_PARTS} names of {MAX_NAME}; this one "
            f"has {size} bytes and {text.count('/') + 1} names",
            "name the file by a shorter path",
        )


def _names_file(name: str, text: str) -> bool:
    return is_field(name) and names_file(field_name(name), text)


def _resolve_links(path: Path) -> Path | None:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a link that leads to itself, a name too long
        return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
