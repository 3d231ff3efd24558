"""Puts an integration's files where its program looks, and takes them away again.

Files are copied, never linked. What was put where is recorded with its SHA-256 in the state
folder, so that nothing of others is overwritten or removed, nor what was edited.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from .. import VERSION
from ..landing import disk
from ..settings import SettingsError
from .catalogue import Integration, Part
from .places import Machine

RECORD = "integrations.json"
# beside the shared clients: where the daemon's state folder is, when not where it usually is
STATE_FILE = "state.txt"
USUAL_STATE = Path(".local", "state", "acestepd")  # in the home folder


class InstallState(StrEnum):
    ABSENT = "not installed"
    INSTALLED = "installed"
    OUTDATED = "outdated"  # another version of acestepd put it there
    CHANGED = "changed"  # files were edited or removed since


@dataclass(frozen=True)
class Installation:
    """What was put below one folder. Files and folders are relative to it."""

    name: str
    root: str
    version: str
    time: float  # seconds since the epoch
    files: dict[str, str]  # path -> SHA-256
    made: list[str] = field(default_factory=list)  # folders that were not there before

    def find_changed(self) -> list[str]:
        """Its files that are not what was put there."""
        root = Path(self.root)
        return [file for file, digest in self.files.items() if _hash(root / file) != digest]


@dataclass(frozen=True)
class Removal:
    """What `uninstall` did below one folder."""

    root: str
    removed: list[str]
    kept: list[str]  # edited since


# --- installing -----------------------------------------------------------------------------------


def install(
    integration: Integration, state: Path, machine: Machine, to: Path | None = None
) -> list[Installation]:
    """Copy it to its program's folders, or below `to`. Installing again brings it up to date.

    Raises `SettingsError`, before anything is written, where the program is not found or a file of
    somebody else is in the way.
    """
    with _locked(state):
        recorded = read_installations(state)
        planned = _plan(integration, state, machine, to)
        known = {root: _find_recorded(recorded, integration.name, root) for root in planned}
        installed = []
        try:
            for root, contents in planned.items():
                _check_targets(root, contents, known[root])
            for root, contents in planned.items():
                one = _put(integration.name, root, contents, known[root])
                recorded = [other for other in recorded if other is not known[root]] + [one]
                _write_record(state, recorded)
                installed.append(one)
        except OSError as error:
            where = error.filename or integration.name
            raise SettingsError(f"cannot write {where}: {error.strerror}") from error
        return installed


def _plan(
    integration: Integration, state: Path, machine: Machine, to: Path | None
) -> dict[Path, dict[str, bytes]]:
    """For each folder, what goes below it: paths and contents."""
    planned: dict[Path, dict[str, bytes]] = {}
    for part in integration.parts:
        if not (root := to or part.place.find(machine)):
            continue
        contents = planned.setdefault(root, {})
        contents |= {path: file.read_bytes() for file, path in integration.list_files(part)}
        if part.shared and state != machine.home / USUAL_STATE:
            contents[str(Path(part.folder) / STATE_FILE)] = f"{state}\n".encode()
    if not planned:
        raise SettingsError(_describe_missing(integration, integration.parts[0], machine))
    return planned


def _describe_missing(integration: Integration, part: Part, machine: Machine) -> str:
    return (
        f"{integration.title} was not found: {part.place.describe(machine)}; say where with "
        f"acestepd integrations install {integration.name} --to DIR (on Windows it is "
        f"{part.place.windows})"
    )


def _check_targets(root: Path, contents: Mapping[str, bytes], known: Installation | None) -> None:
    for path, content in contents.items():
        _check_target(root, path, content, known.files if known else {})


def _check_target(root: Path, path: str, content: bytes, ours: Mapping[str, str]) -> None:
    """Raises `SettingsError` where the file is somebody else's, or leads elsewhere."""
    target = root
    for name in Path(path).parts:
        target = target / name
        mode = _read_mode(target)
        if mode is None:
            return
        if stat.S_ISLNK(mode):
            raise SettingsError(f"{target} is a link and stays as it is: move it away first")
        if target != root / path and not stat.S_ISDIR(mode):
            raise SettingsError(f"{target} is no folder and stays as it is: move it away first")
    digest = _hash(target)
    # the same content: put there by hand, or by an installation that was cut off
    if digest not in (ours.get(path), hashlib.sha256(content).hexdigest()):
        why = "was edited" if path in ours else "was not put there by acestepd"
        raise SettingsError(f"{target} {why} and stays as it is: move it away first")


def _put(
    name: str, root: Path, contents: Mapping[str, bytes], before: Installation | None
) -> Installation:
    made = list(before.made) if before else []
    files = {}
    for path, content in contents.items():
        made += _make_folders(root, Path(path).parent)
        _replace(root / path, content)
        files[path] = hashlib.sha256(content).hexdigest()
    if before:
        _remove_files(before, keep=files.keys())
    return Installation(name, str(root), VERSION, time.time(), files, made)


def _make_folders(root: Path, folder: Path) -> list[str]:
    """The folders that had to be made, the outer before the inner."""
    root.mkdir(parents=True, exist_ok=True)
    made = []
    for parent in [*reversed(folder.parents), folder]:
        if not (root / parent).is_dir():
            (root / parent).mkdir()
            made.append(str(parent))
    return made


def _replace(target: Path, content: bytes) -> None:
    """A program that reads it now gets all of it: the old or the new."""
    part = target.with_name(f".{target.name}.acestepd-part")
    disk.write_synced(part, content)
    os.replace(part, target)


# --- uninstalling ---------------------------------------------------------------------------------


def uninstall(name: str, state: Path, to: Path | None = None) -> list[Removal]:
    """Remove what was put there, everywhere or below `to`. Edited files stay."""
    with _locked(state):
        recorded = read_installations(state)
        chosen = [one for one in recorded if one.name == name and to in (None, Path(one.root))]
        removals = []
        for one in chosen:
            others = [other for other in recorded if other.root == one.root and other is not one]
            try:
                removals.append(_remove(one, others))
            except OSError as error:
                where = error.filename or one.root
                raise SettingsError(f"cannot remove {where}: {error.strerror}") from error
            recorded.remove(one)
            _write_record(state, recorded)
        return removals


def _remove(one: Installation, others: list[Installation]) -> Removal:
    """Remove its files, except those that others have too."""
    removed, kept = _remove_files(one, keep={file for other in others for file in other.files})
    for folder in reversed(one.made):
        with suppress(OSError):  # something else is in it by now
            (Path(one.root) / folder).rmdir()
    return Removal(one.root, removed, kept)


def _remove_files(one: Installation, keep: Set[str]) -> tuple[list[str], list[str]]:
    """Its files except those to `keep`: which were removed, which were edited and stay."""
    changed = set(one.find_changed())
    removed = []
    kept = []
    for file in one.files.keys() - keep:
        target = Path(one.root) / file
        if file in changed or _leads_elsewhere(Path(one.root), file):
            if disk.is_taken(target):
                kept.append(file)
            continue
        target.unlink()
        _remove_compiled(target)
        removed.append(file)
    return sorted(removed), sorted(kept)


def _leads_elsewhere(root: Path, file: str) -> bool:
    """Whether a folder on the way to it, or the file, is a link: what lies there is not ours."""
    parts = Path(file).parts
    ways = (root.joinpath(*parts[:count]) for count in range(1, len(parts) + 1))
    return any(mode is not None and stat.S_ISLNK(mode) for mode in map(_read_mode, ways))


def _remove_compiled(script: Path) -> None:
    """What a program's Python made of a script."""
    if script.suffix != ".py":
        return
    cache = script.parent / "__pycache__"
    for compiled in cache.glob(f"{script.stem}.*.pyc"):
        compiled.unlink()
    with suppress(OSError):
        cache.rmdir()


# --- what is there --------------------------------------------------------------------------------


def find_state(integration: Integration, installations: list[Installation]) -> InstallState:
    """Of all its installations, the one that most wants looking after."""
    own = [one for one in installations if one.name == integration.name]
    if not own:
        return InstallState.ABSENT
    if any(one.find_changed() for one in own):
        return InstallState.CHANGED
    there = {
        path: digest
        for one in own
        for path, digest in one.files.items()
        if Path(path).name != STATE_FILE
    }
    for part in integration.parts:
        shipped = {path: disk.hash_file(file) for file, path in integration.list_files(part)}
        if shipped.keys().isdisjoint(there):
            continue  # its program was not on this machine
        if any(there.pop(path, "") != digest for path, digest in shipped.items()):
            return InstallState.OUTDATED
    return InstallState.OUTDATED if there else InstallState.INSTALLED


def read_installations(state: Path) -> list[Installation]:
    """What was recorded. Raises `SettingsError` where the record cannot be understood."""
    file = state / RECORD
    try:
        installations = [Installation(**row) for row in json.loads(file.read_text("utf-8"))]
        for one in installations:
            _check_types(one)
            _check_paths([*one.files, *one.made])
        return installations
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(
            f"{file} cannot be read ({error}): move it away, and install again"
        ) from error


def _check_types(one: Installation) -> None:
    """Raises ValueError where the record has something else than was written into it."""
    are_texts = all(isinstance(value, str) for value in (one.name, one.root, one.version))
    if not are_texts or not isinstance(one.files, dict) or not isinstance(one.made, list):
        raise ValueError(f"no record of an installation: {one.name!r}")
    for path in (one.root, *one.files, *one.files.values(), *one.made):
        if not isinstance(path, str) or "\0" in path:
            raise ValueError(f"no path: {path!r}")


def _check_paths(paths: Iterable[str]) -> None:
    """Raises ValueError for one that leads out of the folder that it is relative to."""
    for path in paths:
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise ValueError(f"{path} leads elsewhere")


def _find_recorded(recorded: list[Installation], name: str, root: Path) -> Installation | None:
    return next((one for one in recorded if (one.name, one.root) == (name, str(root))), None)


def _write_record(state: Path, recorded: list[Installation]) -> None:
    rows = sorted(map(asdict, recorded), key=lambda row: (row["name"], row["root"]))
    _replace(state / RECORD, json.dumps(rows, indent=2, ensure_ascii=False).encode())


@contextmanager
def _locked(state: Path) -> Iterator[None]:
    """One installer at a time. Raises `SettingsError` where the state folder cannot be used."""
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"state: cannot write into {state}: {error.strerror}") from error
    with disk.lock_folder(state):
        yield


def _hash(path: Path) -> str:
    """The SHA-256 of a file; empty where there is none, or something else."""
    mode = _read_mode(path)
    return disk.hash_file(path) if mode is not None and stat.S_ISREG(mode) else ""


def _read_mode(path: Path) -> int | None:
    try:
        return os.lstat(path).st_mode
    except OSError:  # among them a folder that is a link to itself
        return None
