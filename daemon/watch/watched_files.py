"""The files in a watched folder of which something is made, and their contents."""

from __future__ import annotations

import heapq
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from pipeline.limits import LIMITS
from pipeline.private import find_strangers
from pipeline.real_files import open_real
from pipeline.request import MIDI_SUFFIXES, SOUNDS
from pipeline.untrusted import FileState

from .conflict_copies import fold_name
from .documents.read import REFUSED_SUFFIXES, SUFFIXES
from .encodings import decode
from .notes import UNDERSTOOD, SheetNote

MANIFEST = ".json"
DEFAULTS = "acestepd.txt"  # holds for all files of its folder
REPORT = ".report.txt"
# sound that people have, and that is not read: it is said of them
OTHER_SOUNDS = frozenset(
    ".m4a .aac .mp4 .mov .opus .wma .wave .caf .aifc .amr .3gp .ac3 .ape .wv .mka .webm .au .snd "
    ".rx2 .rex .oga".split()
).difference(SOUNDS)
_KNOWN = frozenset((*SUFFIXES, *REFUSED_SUFFIXES, *SOUNDS, *OTHER_SOUNDS, MANIFEST))
# what is never told of, although it may look like words: temporary files, and those of programs
_NO_WORDS = frozenset(
    "tmp temp part partial download crdownload opdownload filepart aria2 bak backup old orig rej "
    "swp swo swx lock lck pid icloud db ini cfg conf log url webloc lnk desktop xmp pk pkf sfk "
    "nksf asd ovw reapeaks als alc adg amxd rpp flp cpr logicx band ptx song xls xlsx ods "
    "cue m3u m3u8 pls nfo sfv md5 sha1 sha256 py js ts lua sh bat cmd c cc cpp h hpp java rs go "
    "css toml yaml yml sql diff patch".split()
)
_ENDING = re.compile(r"\.[a-z][a-z0-9]{0,9}")
_ODD = re.compile(r"[0-9{}<>=;\\|_$@%/+*]")  # characters that songs have few of
_SNIFFED = 2**12  # bytes
_LEAST_WORDS = 4
UNSUPPORTED = 415
SETTLE_SECONDS = 0.3  # without a change, after which a file is read
SETTLE_SECONDS_AUDIO = 1.0

_CHUNK = 2**20  # bytes that are read at once

Signature = tuple[tuple[int, int], ...]  # size and time of each file


class UnusableFile(Exception):
    """A file that cannot be taken as it is. `retry`: it may be later, without a change."""

    def __init__(self, code: int, message: str, hint: str = "", retry: bool = False) -> None:
        super().__init__(message)
        self.note = SheetNote(0, code, message, hint)
        self.retry = retry


@dataclass(frozen=True)
class WatchedFile:
    """A file of which something is made, and its text: the file itself or, for an audio file, the
    text of the same name, if any.

    `signature` changes when it is saved, `states` also when it is replaced or lets itself be read;
    `inodes` stay when it is renamed.
    """

    path: Path
    text_path: Path | None
    signature: Signature
    states: tuple[FileState, ...]
    mtime: float  # seconds since the epoch
    ctime: float  # the same: since when it has been here, or its name or rights are these

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_audio(self) -> bool:
        return _suffix(self.name) in (*SOUNDS, *OTHER_SOUNDS)

    @property
    def is_empty(self) -> bool:
        return not self.signature[0][0]

    @property
    def is_unknown(self) -> bool:
        """Whether it may be that its writer has it taken for words, and it is not."""
        return not is_input(self.name)

    @property
    def is_manifest(self) -> bool:
        return _suffix(self.name) == MANIFEST

    @property
    def is_defaults(self) -> bool:
        return is_defaults(self.name)

    @property
    def inodes(self) -> tuple[int, ...]:
        return tuple(state.inode for state in self.states)

    @property
    def settle_seconds(self) -> float:
        return SETTLE_SECONDS_AUDIO if self.is_audio else SETTLE_SECONDS

    @property
    def paths(self) -> tuple[Path, ...]:
        if self.text_path is None or self.text_path == self.path:
            return (self.path,)
        return (self.path, self.text_path)


@dataclass(frozen=True)
class FileContent:
    """The text of a file, and a digest that tells its content from all others."""

    digest: str
    text: bytes


def is_input(name: str) -> bool:
    """Whether something is made of a file of that name. Hidden, temporary and backup files are no
    inputs, nor are our reports.
    """
    if name.startswith((".", "~")) or name.lower().endswith(REPORT):
        return False
    return _suffix(name) in _KNOWN


def _may_be_words(name: str) -> bool:
    """Whether somebody may have called a text so that is to be sung, or a MIDI file: an unknown
    ending, or none. What has two of which one is known is a program's: chorus.txt.tmp.
    """
    stem, suffix = os.path.splitext(name.lower())
    if stem.isdigit() or not (stem[:1].isalnum() and stem.isprintable()):
        return False
    if suffix in _KNOWN or _suffix(stem) in _KNOWN:
        return False
    return not suffix or bool(_ENDING.fullmatch(suffix) and suffix[1:] not in _NO_WORDS)


def is_defaults(name: str) -> bool:
    return name.casefold() == DEFAULTS


class FolderScan(NamedTuple):
    """The files of a folder by name, and the names of the folders in it. `is_whole`: it has no more
    files than are watched.
    """

    files: dict[str, WatchedFile]
    is_whole: bool
    subfolders: tuple[str, ...]


def scan_folder(folder: Path, audio: bool, manifests: bool) -> FolderScan:
    """Audio files first, without sub-folders; of very many files, those whose names come first.
    Raises OSError.
    """
    stats: dict[str, os.stat_result] = {}
    subfolders: list[str] = []
    with os.scandir(folder) as entries:
        candidates = (entry for entry in entries if _is_candidate(entry, subfolders))
        most = LIMITS.watched_files + 1
        listed = heapq.nsmallest(most, candidates, key=_rank)
    for entry in listed[: LIMITS.watched_files]:
        if found := _stat_regular(entry):
            stats[entry.name] = found
    texts = [name for name in stats if _suffix(name) in SUFFIXES]
    text_of: dict[str, str] = {}  # "" for an audio file without one
    if audio:
        beside: dict[str, str] = {}  # the first text of a stem, in any case and normal form too
        for spell in (str, fold_name):
            for text in texts:
                if not is_defaults(text):
                    beside.setdefault(spell(Path(text).stem), text)
        for name in stats:
            if _suffix(name) in SOUNDS:
                stem = Path(name).stem
                text_of[name] = beside.get(stem) or beside.get(fold_name(stem), "")
            elif _suffix(name) in OTHER_SOUNDS:
                text_of[name] = ""
    beside_audio = set(text_of.values())
    text_of |= {name: name for name in texts if name not in beside_audio}
    text_of |= {name: name for name in stats if _suffix(name) in REFUSED_SUFFIXES}
    if manifests:
        text_of |= {name: name for name in stats if _suffix(name) == MANIFEST}
    text_of |= {name: name for name in stats if not is_input(name)}
    files = {name: _build_file(folder, name, text, stats) for name, text in text_of.items()}
    is_whole = len(listed) < most or not is_input(listed[-1].name)
    return FolderScan(files, is_whole, tuple(sorted(subfolders)))


def read_content(file: WatchedFile) -> FileContent:
    """Raises `UnusableFile`."""
    if refused := REFUSED_SUFFIXES.get(_suffix(file.name)):
        raise UnusableFile(UNSUPPORTED, f"it is {refused[0]}, which is not read", refused[1])
    if _suffix(file.name) in OTHER_SOUNDS:
        message = f"sound in a {_suffix(file.name)} file is not read"
        kinds = ", ".join(kind.removeprefix(".") for kind in SOUNDS)
        raise UnusableFile(UNSUPPORTED, message, f"save it as one of {kinds}")
    if file.is_unknown:
        raise UnusableFile(*_explain_unknown(file.name))
    digest = blake2b(digest_size=16)
    text = bytearray()
    for path in file.paths:
        is_text = path == file.text_path
        for chunk in _read_chunks(path, _find_limit(is_text)):
            digest.update(chunk)
            if is_text:
                text += chunk
        digest.update(b"\0")
    return FileContent(digest.hexdigest(), bytes(text))


def looks_like_words(file: WatchedFile) -> bool:
    """Whether a file of an unknown ending begins as a text does that may be sung, or is MIDI."""
    try:
        with open_real(os.path.realpath(file.path)) as stream:
            content = stream.read(_SNIFFED)
    except OSError:
        return False
    if _suffix(file.name) in MIDI_SUFFIXES:
        return content.startswith((b"MThd", b"RIFF"))
    with suppress(ValueError):
        text, _ = decode(content)
        odd = len(_ODD.findall(text))
        letters = sum(map(str.isalpha, text))
        written = sum(not character.isspace() for character in text)
        words = len(text.split()) if text.isascii() else letters
        return words >= _LEAST_WORDS and 4 * letters >= 3 * written and 20 * odd <= written
    return False


def _explain_unknown(name: str) -> tuple[int, str, str]:
    """The code, what to say, and what to do."""
    stem, suffix = os.path.splitext(name)
    if suffix.lower() in MIDI_SUFFIXES:
        message = "a MIDI file makes no take of its own"
        return UNDERSTOOD, message, f"save a sheet that says guide: {name}"
    message = f"it looks like words, and files in {suffix} are not read"
    if not suffix:
        message = "it looks like words, and files without an ending are not read"
    return UNSUPPORTED, message, f"name it {stem}.txt to have it sung"


def has_changed(file: WatchedFile) -> bool:
    """Whether it was saved, or is gone, since the folder was scanned."""
    try:
        return tuple(_sign(os.stat(path)) for path in file.paths) != file.signature
    except OSError:
        return True


def to_utf8(path: Path | str) -> str:
    """A name as it can be sent and kept: with ? for what is not in UTF-8."""
    return str(path).encode("utf-8", "replace").decode()


def _build_file(
    folder: Path, name: str, text: str, stats: dict[str, os.stat_result]
) -> WatchedFile:
    found = [stats[each] for each in dict.fromkeys((name, text)) if each]
    return WatchedFile(
        path=folder / name,
        text_path=folder / text if text else None,
        signature=tuple(map(_sign, found)),
        states=tuple(map(FileState.of_stat, found)),
        mtime=max(each.st_mtime for each in found),
        ctime=max(each.st_ctime for each in found),
    )


def _sign(found: os.stat_result) -> tuple[int, int]:
    return found.st_size, found.st_mtime_ns


def _is_candidate(entry: os.DirEntry[str], subfolders: list[str]) -> bool:
    """Whether it has an input's name; folders that are not hidden are added to `subfolders`."""
    if is_input(entry.name):
        return True
    if _may_be_words(entry.name) and entry.is_file():
        return True
    if not entry.name.startswith((".", "~", "__")) and entry.is_dir(follow_symlinks=False):
        subfolders.append(entry.name)
    return False


def _rank(entry: os.DirEntry[str]) -> tuple[bool, str]:
    """By their names; what may be something else comes last."""
    return not is_input(entry.name), entry.name


def _stat_regular(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Of a regular file; a link counts as what it leads to."""
    try:
        found = entry.stat()
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _read_chunks(path: Path, limit: int) -> Iterator[bytes]:
    if to_utf8(path) != str(path):
        raise UnusableFile(400, "its name is not in UTF-8", "rename it")
    real = os.path.realpath(path)
    if not Path(real).is_relative_to(os.path.realpath(path.parent)):
        message = "it is a link that leads out of the folder"
        raise UnusableFile(403, message, "put the file itself there")
    try:
        with open_real(real) as stream:
            found = os.fstat(stream.fileno())
            if found.st_nlink > 1 and find_strangers(path.parent):
                message = "it has several names (hard links), and others may write into its folder"
                raise UnusableFile(403, message, "put a copy there")
            size = found.st_size
            if size > limit:
                message = f"it is too big: it has {_format_size(size)}, at most"
                raise UnusableFile(413, f"{message} {_format_size(limit)} are read")
            left = size
            while chunk := stream.read(min(left, _CHUNK)):
                left -= len(chunk)  # it may grow as it is read
                yield chunk
    except OSError as error:
        message = f"it cannot be read: {error.strerror}"
        raise UnusableFile(403, message, "it is tried again", retry=True) from error


def _find_limit(is_text: bool) -> int:
    return LIMITS.watched_text_bytes if is_text else LIMITS.watched_audio_bytes


def _suffix(name: str) -> str:
    return Path(name).suffix.lower()


def _format_size(size: int) -> str:
    return f"{size / 2**30:.4g} GB" if size >= 2**30 else f"{size / 2**10:.4g} KB"
