"""What is in a watched folder: the files to make something of, and their contents."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from pipeline.request import SOUNDS

from .lyrics import SheetNote

TEXTS = (".txt", ".md", ".lrc")
MANIFEST = ".json"
DEFAULTS = "acestepd.txt"  # holds for all files of its folder
REPORT = ".report.txt"
MAX_TEXT = 256 * 2**10  # bytes
MAX_AUDIO = 2**30
SETTLED = 0.3  # seconds without a change after which a file is read
SETTLED_AUDIO = 1.0

Mark = tuple[tuple[int, int], ...]  # size and time of each file


class UnusableFile(Exception):
    """A file that cannot be taken as it is; `again`: it may be later, without a change."""

    def __init__(self, code: int, message: str, hint: str = "", again: bool = False) -> None:
        super().__init__(message)
        self.note = SheetNote(0, code, message, hint)
        self.again = again


@dataclass(frozen=True)
class WatchedFile:
    """A file to make something of, and its text: itself, or for an audio file the one of the same
    name, if any.

    `mark` changes when it is saved; `inodes` stay when it is renamed.
    """

    path: Path
    text: Path | None
    mark: Mark
    inodes: tuple[int, ...]
    mtime: float  # seconds since the epoch

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_audio(self) -> bool:
        return _suffix(self.name) in SOUNDS

    @property
    def is_manifest(self) -> bool:
        return _suffix(self.name) == MANIFEST

    @property
    def is_defaults(self) -> bool:
        return is_defaults(self.name)

    @property
    def patience(self) -> float:
        return SETTLED_AUDIO if self.is_audio else SETTLED

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path, self.text) if self.text and self.text != self.path else (self.path,)


@dataclass(frozen=True)
class FileContent:
    """What tells one content of a thing from all others, and its text."""

    digest: str
    text: bytes


def is_wanted(name: str) -> bool:
    """Whether something is made of a file of that name. Hidden, temporary and backup files are not,
    nor our reports.
    """
    if name.startswith((".", "~")) or name.lower().endswith(REPORT):
        return False
    return _suffix(name) in (*TEXTS, *SOUNDS, MANIFEST)


def is_defaults(name: str) -> bool:
    return name.casefold() == DEFAULTS


def find(folder: Path, audio: bool, manifests: bool) -> dict[str, WatchedFile]:
    """By name, without sub-folders and without what is empty. Raises OSError."""
    with os.scandir(folder) as entries:
        wanted = [entry for entry in entries if is_wanted(entry.name)]
        files = {
            entry.name: found
            for entry in sorted(wanted, key=lambda e: e.name)
            if (found := _regular(entry))
        }
    texts = {name: name for name in files if _suffix(name) in TEXTS}
    sounds = {name: _beside(name, texts) for name in files if audio and _suffix(name) in SOUNDS}
    own = {name: name for name in texts if name not in sounds.values()}
    own |= {name: name for name in files if manifests and _suffix(name) == MANIFEST}
    return {name: _thing(folder, name, text, files) for name, text in (sounds | own).items()}


def read(thing: WatchedFile) -> FileContent:
    """Raises `UnusableFile`."""
    digest = blake2b(digest_size=16)
    text = bytearray()
    for path in thing.files:
        for piece in _pieces(path, MAX_TEXT if path == thing.text else MAX_AUDIO):
            digest.update(piece)
            if path == thing.text:
                text += piece
        digest.update(b"\0")
    return FileContent(digest.hexdigest(), bytes(text))


def has_changed(thing: WatchedFile) -> bool:
    try:
        return tuple(_sign(os.stat(path)) for path in thing.files) != thing.mark
    except OSError:
        return True


def shown(path: Path | str) -> str:
    """A name as it can be sent and kept."""
    return str(path).encode("utf-8", "replace").decode()


def _beside(name: str, texts: dict[str, str]) -> str:
    """The text of an audio file; empty when it has none."""
    return next(
        (text for text in texts if Path(text).stem == Path(name).stem and not is_defaults(text)), ""
    )


def _thing(folder: Path, name: str, text: str, files: dict[str, os.stat_result]) -> WatchedFile:
    found = [files[each] for each in dict.fromkeys((name, text)) if each]
    mark = tuple(map(_sign, found))
    inodes = tuple(each.st_ino for each in found)
    return WatchedFile(
        folder / name,
        folder / text if text else None,
        mark,
        inodes,
        max(each.st_mtime for each in found),
    )


def _sign(found: os.stat_result) -> tuple[int, int]:
    return found.st_size, found.st_mtime_ns


def _regular(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Of a file that has something in it; a link counts as what it leads to."""
    try:
        found = entry.stat()
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) and found.st_size else None


def _pieces(path: Path, limit: int) -> Iterator[bytes]:
    if shown(path) != str(path):
        raise UnusableFile(400, "its name is not in UTF-8", "rename it")
    real = os.path.realpath(path)
    if not Path(real).is_relative_to(os.path.realpath(path.parent)):
        raise UnusableFile(
            403, "it is a link that leads out of the folder", "put the file itself there"
        )
    try:
        handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as stream:
            if (size := os.fstat(handle).st_size) > limit:
                raise UnusableFile(
                    413, f"it is too big: it has {_size(size)}, at most {_size(limit)} are read"
                )
            while piece := stream.read(2**20):
                yield piece
    except OSError as error:
        raise UnusableFile(
            403, f"it cannot be read: {error.strerror}", "it is tried again", again=True
        ) from error


def _suffix(name: str) -> str:
    return Path(name).suffix.lower()


def _size(count: int) -> str:
    return f"{count / 2**30:.4g} GB" if count >= 2**30 else f"{count / 2**10:.4g} KB"
