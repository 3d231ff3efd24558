"""Puts an integration's files where its program looks, and takes them away again.

Files are copied, never linked. What is put where is recorded with its SHA-256 in the state folder
before it is written, so that nothing of others is overwritten or removed, nor what was edited, and
nothing is forgotten where an installation is cut off.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.private import make_folder, replace_private

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
    CHANGED = "changed"  # files were edited or removed since, or it was cut off


@dataclass(frozen=True)
class Installation:
    """What was put below one folder. Files and folders are relative to it."""

    name: str
    root: str
    version: str
    time: float  # seconds since the epoch
    files: dict[str, str]  # path -> SHA-256
    made: list[str] = field(default_factory=list)  # folders that were not there before
    made_above: int = 0  # how many were not there of the root and the folders that it is in
    found: list[str] = field(default_factory=list)  # files that somebody else had put there
    # what is being written, or was when it was cut off: path -> SHA-256
    pending: dict[str, str] = field(default_factory=dict)

    def find_changed(self) -> list[str]:
        """Its files that are not what was put there."""
        root = Path(self.root)
        files = self.files | self.pending
        return [file for file in files if _hash(root / file) not in self.list_digests(file)]

    def list_digests(self, file: str) -> list[str]:
        """What its file may hold: the old content or the new one."""
        return [digests[file] for digests in (self.files, self.pending) if file in digests]

    def list_own(self) -> Set[str]:
        """The files that it has put there, or was about to."""
        return (self.files.keys() | self.pending.keys()) - set(self.found)


@dataclass(frozen=True)
class Removal:
    """What `uninstall` did below one folder."""

    root: str
    removed: list[str]
    kept: list[str]  # edited since
    found: list[str]  # they were there before


# --- installing -----------------------------------------------------------------------------------


def install(
    integration: Integration, state: Path, machine: Machine, to: Path | None = None
) -> list[Installation]:
    """Copy it to its program's folders, or below `to`. Installing again brings it up to date.

    Raises `SettingsError`, before anything is written, where the program is not found or a file of
    somebody else is in the way.
    """
    _check_name(state)
    with _locked(state):
        planned = _plan(integration, state, machine, to)
        known = {root: _find_recorded(state, integration.name, root) for root in planned}
        try:
            for root, contents in planned.items():
                _check_targets(root, contents, known[root])
            return [
                _put(state, integration.name, root, contents, known[root])
                for root, contents in planned.items()
            ]
        except OSError as error:
            where = error.filename or integration.name
            raise SettingsError(f"cannot write {where}: {error.strerror}") from error


def _plan(
    integration: Integration, state: Path, machine: Machine, to: Path | None
) -> dict[Path, dict[str, bytes]]:
    """For each folder, what goes below it: paths and contents."""
    planned: dict[Path, dict[str, bytes]] = {}
    for part in integration.parts:
        if not (root := to or part.place.find(machine)):
            continue
        _check_name(root)
        contents = planned.setdefault(root, {})
        contents |= {path: file.read_bytes() for file, path in integration.list_files(part)}
        if part.shared and state != machine.home / USUAL_STATE:
            contents[str(Path(part.folder) / STATE_FILE)] = f"{state}\n".encode()
    if not planned:
        raise SettingsError(_describe_missing(integration, integration.parts[0], machine))
    return planned


def _check_name(folder: Path) -> None:
    """Raises `SettingsError` for a name that no text file can hold."""
    try:
        str(folder).encode()
    except UnicodeEncodeError as error:
        raise SettingsError(
            f"the name of the folder {str(folder)!a} is not UTF-8: choose another"
        ) from error


def _describe_missing(integration: Integration, part: Part, machine: Machine) -> str:
    return (
        f"{integration.title} was not found: {part.place.describe(machine)}; say where with "
        f"acestepd integrations install {integration.name} --to DIR (on Windows it is "
        f"{part.place.windows})"
    )


def _check_targets(root: Path, contents: Mapping[str, bytes], known: Installation | None) -> None:
    for path, content in contents.items():
        _check_target(root, path, content, known)


def _check_target(root: Path, path: str, content: bytes, known: Installation | None) -> None:
    """Raises `SettingsError` where the file is somebody else's, or leads elsewhere."""
    target = root / path
    for step, mode in _walk(root, path):
        if mode is None:
            return
        if stat.S_ISLNK(mode):
            raise SettingsError(f"{step} is a link and stays as it is: move it away first")
        if step != target and not stat.S_ISDIR(mode):
            raise SettingsError(f"{step} is no folder and stays as it is: move it away first")
    is_ours = known is not None and path in known.list_own()
    ours = known.list_digests(path) if known and is_ours else []
    # the same content: put there by hand, or by an installation that was cut off
    if _hash(target) not in (*ours, _hash_content(content)):
        why = "was edited" if is_ours else "was not put there by acestepd"
        raise SettingsError(f"{target} {why} and stays as it is: move it away first")


def _walk(root: Path, path: str) -> Iterator[tuple[Path, int | None]]:
    """Every folder on the way from `root` to a file, and the file: each with its mode, or None
    where there is nothing.
    """
    step = root
    for name in Path(path).parts:
        step = step / name
        yield step, _read_mode(step)


def _put(
    state: Path, name: str, root: Path, contents: Mapping[str, bytes], before: Installation | None
) -> Installation:
    """Write the files, recorded before and after. Raises OSError; what was new is gone again then,
    and what was there already is recorded as it was and as it was to be.
    """
    recorded = read_installations(state)
    others = [one for one in recorded if one != before]
    neighbours = [one for one in others if one.root == str(root)]
    one = _describe(name, root, contents, before, neighbours)
    _write_record(state, [*others, one])
    try:
        _write_files(root, contents, one)
    except OSError:
        if before is None:
            with suppress(OSError):
                _remove(one, neighbours)
                _write_record(state, others)
        raise
    if before:
        _remove_files(before, keep=contents.keys())
    files = {path: _hash_content(content) for path, content in contents.items()}
    done = replace(one, files=files, pending={})
    _write_record(state, [*others, done])
    return done


def _describe(
    name: str,
    root: Path,
    contents: Mapping[str, bytes],
    before: Installation | None,
    neighbours: Iterable[Installation],
) -> Installation:
    """What is about to be written. `neighbours` are other integrations below the same folder."""
    digests = {path: _hash_content(content) for path, content in contents.items()}
    ours = {path for one in (before, *neighbours) if one for path in one.list_own()}
    there = [path for path, digest in digests.items() if _hash(root / path) == digest]
    ways = [Path(path).parents for path in contents]
    inside = {str(folder) for way in ways for folder in way if not (root / folder).is_dir()}
    above = [folder for folder in (root, *root.parents) if not folder.is_dir()]
    return Installation(
        name,
        str(root),
        VERSION,
        time.time(),
        files=before.files if before else {},
        made=sorted((inside - {"."}).union(before.made if before else ())),
        made_above=max(len(above), before.made_above if before else 0),
        found=[path for path in there if path not in ours],
        pending=digests,
    )


def _write_files(root: Path, contents: Mapping[str, bytes], one: Installation) -> None:
    for path, content in contents.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path in one.found:
            _name_part(target).unlink(missing_ok=True)
        else:
            _replace(target, content)


def _replace(target: Path, content: bytes) -> None:
    """A program that reads it now gets all of it: the old or the new. Raises OSError that names
    the file, and leaves no part then.
    """
    part = _name_part(target)
    try:
        disk.write_synced(part, content)
        os.replace(part, target)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise OSError(error.errno, error.strerror, str(target)) from error


def _name_part(target: Path) -> Path:
    return target.with_name(f".{target.name}.acestepd-part")


# --- uninstalling ---------------------------------------------------------------------------------


def uninstall(name: str, state: Path, to: Path | None = None) -> list[Removal]:
    """Remove what was put there, everywhere or below `to`. Files that were edited stay, and those
    that were there before.
    """
    with _locked(state):
        recorded = read_installations(state)
        chosen = [one for one in recorded if one.name == name and to in (None, Path(one.root))]
        removals = []
        for one in chosen:
            recorded.remove(one)
            neighbours = [other for other in recorded if other.root == one.root]
            try:
                removals.append(_remove(one, neighbours))
            except OSError as error:
                where = error.filename or one.root
                raise SettingsError(f"cannot remove {where}: {error.strerror}") from error
            if neighbours:  # the last of them removes the folders
                heir = neighbours[0]
                made = sorted({*heir.made, *one.made})
                above = max(heir.made_above, one.made_above)
                recorded[recorded.index(heir)] = replace(heir, made=made, made_above=above)
            _write_record(state, recorded)
        return removals


def _remove(one: Installation, neighbours: list[Installation]) -> Removal:
    """Remove its files, except those that others have too, and the folders that were made."""
    kept_for = {file for other in neighbours for file in other.list_own()}
    removed, edited = _remove_files(one, keep=kept_for)
    root = Path(one.root)
    inside = sorted(one.made, key=lambda folder: len(Path(folder).parts), reverse=True)
    above = (root, *root.parents)[: one.made_above]
    for folder in (*(root / folder for folder in inside), *above):
        with suppress(OSError):  # something else is in it by now
            folder.rmdir()
    return Removal(one.root, removed, edited, found=sorted(one.found))


def _remove_files(one: Installation, keep: Set[str]) -> tuple[list[str], list[str]]:
    """Its files except those to `keep`: which were removed, which were edited and stay."""
    root = Path(one.root)
    changed = set(one.find_changed())
    removed = []
    edited = []
    for file in one.list_own() - keep:
        target = root / file
        leads_elsewhere = any(stat.S_ISLNK(mode or 0) for _, mode in _walk(root, file))
        if file in one.pending and not leads_elsewhere:
            with suppress(FileNotFoundError, NotADirectoryError):
                _name_part(target).unlink()
        if file in changed or leads_elsewhere:
            if disk.is_taken(target):
                edited.append(file)
            continue
        target.unlink()
        _remove_compiled(target)
        removed.append(file)
    return sorted(removed), sorted(edited)


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
    if any(one.pending or one.find_changed() for one in own):
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


def list_clicks(integration: Integration, installations: list[Installation]) -> list[str]:
    """What is left to do by hand, with the folder where it was put."""
    root = Path(installations[0].root) if installations else Path("DIR")
    folder = root / integration.parts[0].folder
    return [click.format(folder=folder) for click in integration.clicks]


def read_installations(state: Path) -> list[Installation]:
    """What was recorded. Raises `SettingsError` where the record cannot be understood."""
    file = state / RECORD
    try:
        rows = untrusted.read_json(file, LIMITS.record_bytes)
        installations = [Installation(**row) for row in rows]
        for one in installations:
            _check_types(one)
            _check_paths([*one.files, *one.pending, *one.found, *one.made])
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
    are_digests = all(isinstance(value, dict) for value in (one.files, one.pending))
    are_lists = all(isinstance(value, list) for value in (one.made, one.found))
    if not (are_texts and are_digests and are_lists and isinstance(one.made_above, int)):
        raise ValueError(f"no record of an installation: {one.name!r}")
    digests = one.files | one.pending
    for path in (one.root, *digests, *digests.values(), *one.made, *one.found):
        if not isinstance(path, str) or "\0" in path:
            raise ValueError(f"no path: {path!r}")


def _check_paths(paths: Iterable[str]) -> None:
    """Raises ValueError for one that leads out of the folder that it is relative to."""
    for path in paths:
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise ValueError(f"{path} leads elsewhere")


def _find_recorded(state: Path, name: str, root: Path) -> Installation | None:
    recorded = read_installations(state)
    return next((one for one in recorded if (one.name, one.root) == (name, str(root))), None)


def _write_record(state: Path, recorded: list[Installation]) -> None:
    rows = sorted(map(asdict, recorded), key=lambda row: (row["name"], row["root"]))
    replace_private(state / RECORD, json.dumps(rows, indent=2, ensure_ascii=False).encode())


@contextmanager
def _locked(state: Path) -> Iterator[None]:
    """One installer at a time. Raises `SettingsError` where the state folder cannot be used."""
    try:
        make_folder(state)
    except OSError as error:
        raise SettingsError(f"state: cannot write into {state}: {error.strerror}") from error
    with disk.lock_folder(state):
        yield


def _hash_content(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hash(path: Path) -> str:
    """The SHA-256 of a file; empty where there is none, or something else."""
    mode = _read_mode(path)
    return disk.hash_file(path) if mode is not None and stat.S_ISREG(mode) else ""


def _read_mode(path: Path) -> int | None:
    try:
        return os.lstat(path).st_mode
    except OSError:  # among them a folder that is a link to itself
        return None
