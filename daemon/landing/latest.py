"""latest.wav: always the newest clip of its folder, for a DAW's track that reads its file anew; and
NAME_latest.wav, the newest of that name.

These are the only files that are ever replaced, and only while they are what acestepd put there:
latest.json, the newest take's manifest, says what that was. A copy, not a link: a program that
edits it in place leaves the take alone.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline import untrusted
from pipeline.limits import LIMITS

from . import disk

log = logging.getLogger("acestepd.latest")

# file name -> SHA-256 of what acestepd put, or was about to put, under it
Sums = dict[str, list[str]]


class KeptLatest(NamedTuple):
    """Which latest clips are kept: one of a folder, one of each name."""

    of_folder: bool = False
    of_names: bool = False

    def list_base_names(self, name: str) -> tuple[str, ...]:
        """What they are called, of a take of this name: `latest`, `pad_latest`."""
        folder = ("latest",) if self.of_folder else ()
        return (*folder, build_base_name(name)) if self.of_names else folder


NONE = KeptLatest()


def build_base_name(name: str) -> str:
    """`pad` -> `pad_latest`."""
    return f"{name}_latest"


def update_latest(
    base_name: str, clips: Mapping[str, tuple[Path, str]], manifest: Path, staging: Path
) -> None:
    """Make the `clips` (file name -> landed file, its SHA-256) the latest ones, whose names begin
    with `base_name`, and remove what an earlier take had besides: words or stems that are not this
    one's. A mix stays where this take has none: a track points at it. Leaves files of others as
    they are.

    The record is replaced first and names the old content and the new, so whichever a crash leaves
    is known. Raises OSError.
    """
    folder = manifest.parent
    with disk.lock_folder(folder):
        record = folder / f"{base_name}.json"
        recorded = _read_record(record)
        if recorded is None:
            log.warning("%s is not acestepd's: no latest clip is kept", record)
            return
        present = {file: _sum(folder / file) for file in clips if disk.is_taken(folder / file)}
        ours = {
            file: clip
            for file, clip in clips.items()
            if file not in present or present[file] in recorded.get(file, [])
        }
        for file in clips.keys() - ours.keys():
            log.warning(
                "%s was changed by somebody else, and stays: move it away for the latest clip",
                folder / file,
            )
        if not ours:
            return
        has_mix = any(_is_mix(file, base_name) for file in clips)
        stays = {file for file in recorded if _is_mix(file, base_name) and not has_mix}
        others = recorded.keys() - clips.keys() - stays
        gone = [file for file in others if _is_ours(folder, file, recorded)]
        sums = {file: recorded[file] for file in recorded if file not in others or file in gone}
        for file, (_, new) in ours.items():
            sums[file] = [new, present[file]] if file in present else [new]
        _write_record(record, manifest, sums, staging)
        for file, (source, new) in ours.items():
            if present.get(file) != new:
                disk.write_synced(staging / "latest", source.read_bytes())
                _put(staging / "latest", folder / file, replace=file in present)
        for file in gone:
            os.unlink(folder / file)
        disk.sync_folder(folder)


def _is_mix(file: str, base_name: str) -> bool:
    """Whether a file is everything, and not a stem or words."""
    path = Path(file)
    return path.stem == base_name and path.suffix != ".lrc"


def _is_ours(folder: Path, file: str, recorded: Sums) -> bool:
    """Whether a file of the record is there, and still what acestepd put there. A record may have
    been written by anybody: it names nothing outside of its folder. Raises OSError.
    """
    path = folder / file
    is_plain = path.name == file and disk.is_taken(path) and path.is_file()
    return is_plain and _sum(path) in recorded[file]


def _sum(path: Path) -> str:
    """Its SHA-256; empty for what is larger than any clip of ours. Raises OSError."""
    return "" if path.stat().st_size > LIMITS.latest_bytes else disk.hash_file(path)


def _read_record(record: Path) -> Sums | None:
    """What acestepd put under the names of latest files. None when the record itself is somebody
    else's.
    """
    try:
        data = untrusted.read_json(record, LIMITS.record_bytes)
        return {str(file): list(map(str, sums)) for file, sums in data["latest"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _write_record(record: Path, manifest: Path, sums: Sums, staging: Path) -> None:
    """The newest take's manifest, and what is, or will be, under the names of latest files."""
    data = json.loads(manifest.read_bytes()) | {"latest": sums}
    content = json.dumps(data, indent=2, ensure_ascii=False).encode()
    disk.write_synced(staging / "latest.json", content)
    _put(staging / "latest.json", record, replace=disk.is_taken(record))


def _put(source: Path, target: Path, replace: bool) -> None:
    if replace:
        os.replace(source, target)
    elif not _take_name(source, target):
        log.warning("%s has just been made by somebody else, and stays", target)


def _take_name(source: Path, target: Path) -> bool:
    """The folder is locked already."""
    try:
        return disk.take_name_by_link(source, target)
    except disk.NoLinks:
        return disk.take_name_by_rename(source, target)
