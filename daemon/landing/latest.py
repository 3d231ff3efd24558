"""NAME_latest.wav: always the newest clip of its name, for a DAW's track that reads its file anew.

These are the only files that are ever replaced, and only while they are what acestepd put there:
NAME_latest.json, the newest take's manifest, says what that was. A copy, not a link: a program that
edits it in place leaves the take alone.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import disk

log = logging.getLogger("acestepd.latest")

# file name -> SHA-256 of what acestepd put, or was about to put, under it
Sums = dict[str, list[str]]


def name_of(name: str, tail: str) -> str:
    """`pad`, `_drums.wav` -> `pad_latest_drums.wav`."""
    return f"{name}_latest{tail}"


def update(name: str, clips: Mapping[str, tuple[Path, str]], manifest: Path, staging: Path) -> None:
    """Make the `clips` (file name -> landed file, its SHA-256) the latest ones. Leaves files of
    others as they are.

    The record is replaced first and names the old content and the new, so whichever a crash leaves
    is known. Raises OSError.
    """
    folder = manifest.parent
    with disk.locked(folder):
        record = folder / name_of(name, ".json")
        known = _known(record)
        if known is None:
            log.warning("%s is not acestepd's: no latest clip is kept", record)
            return
        present = {file: disk.digest(folder / file) for file in clips if disk.there(folder / file)}
        ours = {
            file: clip
            for file, clip in clips.items()
            if file not in present or present[file] in known[file]
        }
        for file in clips.keys() - ours.keys():
            log.warning(
                "%s was changed by somebody else, and stays: move it away for the latest clip",
                folder / file,
            )
        if not ours:
            return
        sums = known | {
            file: [new, *filter(None, [present.get(file)])] for file, (_, new) in ours.items()
        }
        data = json.loads(manifest.read_bytes()) | {"latest": sums}
        disk.write(staging / "latest.json", json.dumps(data, indent=2, ensure_ascii=False).encode())
        _put(staging / "latest.json", record, replace=disk.there(record))
        for file, (source, new) in ours.items():
            if present.get(file) != new:
                disk.write(staging / "latest", source.read_bytes())
                _put(staging / "latest", folder / file, replace=file in present)
        disk.sync_folder(folder)


def _known(record: Path) -> Sums | None:
    """What acestepd put under the names of latest files. None when the record itself is somebody
    else's.
    """
    try:
        data: Any = json.loads(record.read_bytes())
        return _Sums({str(file): list(map(str, sums)) for file, sums in data["latest"].items()})
    except FileNotFoundError:
        return _Sums()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


class _Sums(Sums):
    def __missing__(self, file: str) -> list[str]:
        return []


def _put(source: Path, target: Path, replace: bool) -> None:
    if replace:
        os.replace(source, target)
    elif not _named(source, target):
        log.warning("%s has just been made by somebody else, and stays", target)


def _named(source: Path, target: Path) -> bool:
    try:
        return disk.link(source, target)
    except disk.NoLinks:
        return disk.rename(source, target)
