"""Takes become files: staged beside their destination, on disk for good, then visible under a name of their own."""

from __future__ import annotations

import fcntl
import io
import json
import os
import platform
import re
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from pipeline import blas
from pipeline.request import Request, Take

from . import VERSION

MIX = "mix"
_FULL_SYNC = getattr(fcntl, "F_FULLFSYNC", 0)
_STAGING = ".acestepd-"  # a hidden folder on the same volume: no DAW shows it


@dataclass(frozen=True)
class Landed:
    """The files of one job, final: (stem, path) of every clip, and the manifest."""

    clips: tuple[tuple[str, Path], ...]
    manifest: Path


class Unwanted(Exception):
    """Nobody wants these files any more; none was made."""


def write(folder: Path, job: str, takes: list[Take], wanted: Callable[[], bool] = lambda: True) -> Landed:
    """Land all takes of a job as 24-bit WAVs with one JSON manifest. Nothing is ever overwritten.

    Either all files become visible, complete and synced to disk, or none. `wanted` is asked when all are staged.
    Raises `Unwanted` when it says no, and OSError.
    """
    folder.mkdir(exist_ok=True)  # somebody may have tidied up
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=folder) as name:
        staging = Path(name)
        wavs = [_stage(staging / f"{number}.wav", _wav(take)) for number, take in enumerate(takes)]
        if not wanted():
            raise Unwanted
        for stem in _free_stems(folder, takes[0].request):
            names = [f"{stem}{'' if take.name == MIX else '_' + take.name}.wav" for take in takes]
            manifest = _stage(staging / "manifest.json", _json(manifest_of(job, takes, names)))
            targets = [folder / name for name in (*names, f"{stem}.json")]
            if _land([*wavs, manifest], targets):
                clips = [(take.name, path) for take, path in zip(takes, targets)]
                return Landed(tuple(clips), targets[-1])
    raise AssertionError("unreachable: the names do not run out")


def manifest_of(job: str, takes: list[Take], names: list[str]) -> dict[str, Any]:
    """Everything from which the same takes can be made again."""
    take = takes[0]
    return {
        "acestepd": VERSION,
        "id": job,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "model": take.model,
        "request": asdict(take.request),
        "timesteps": take.timesteps,
        "notes": take.notes,
        "clips": [
            {"stem": t.name, "file": name, "samples": int(t.audio.shape[1]), "sample_rate": t.sample_rate}
            for t, name in zip(takes, names)
        ],
        "seconds_spent": {stage: round(seconds, 4) for stage, seconds in take.timings.items()},
        "versions": {"mlx": version("mlx"), "numpy": np.__version__, "python": platform.python_version()},
        "machine": {"system": platform.system(), "processor": platform.machine(), "blas": blas.live()},
    }


def read_manifest(path: Path) -> tuple[Request, str]:
    """The request of a manifest and the model that played it. Raises ValueError saying what is wrong with the file."""
    try:
        data = json.loads(path.read_text("utf-8"))
        return Request(**data["request"]), str(data["model"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a manifest of a take ({error})") from error


def stem_of(request: Request) -> str:
    """`night-drive_128bpm_Amin_8bars_s42`: a name importers read tempo, key and length from."""
    parts = [_slug(request.name or request.prompt or request.lyrics)]
    if request.bpm:
        parts.append(f"{request.bpm:g}bpm")
    if request.key:
        parts.append(request.key.replace("♯", "#").replace("♭", "b").replace(" major", "maj").replace(" minor", "min"))
    parts.append(f"{request.bars}bars" if request.bars else f"{request.length:g}s")
    return "_".join([*parts, f"s{request.seed}"])


def _slug(text: str) -> str:
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text).lower())
    slug = ""
    for word in words:
        if len(f"{slug}-{word}".encode()) > 48:
            break
        slug = f"{slug}-{word}" if slug else word
    return slug or "take"


def _free_stems(folder: Path, request: Request) -> Iterator[str]:
    """Names of which no file exists yet; another writer may still be faster, so there is always a next one."""
    stem, number = stem_of(request), 1
    while True:
        name = stem if number == 1 else f"{stem}_{number}"
        if not (folder / f"{name}.json").exists() and not (folder / f"{name}.wav").exists():
            yield name
        number += 1


def _wav(take: Take) -> bytes:
    """In memory first: libsndfile would hide why a disk refuses."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.asarray(take.audio).T, take.sample_rate, format="WAV", subtype="PCM_24")
    return buffer.getvalue()


def _json(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def _stage(path: Path, content: bytes) -> Path:
    """Write a file and wait until the disk has it."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
        if _FULL_SYNC:  # on a Mac fsync leaves the data in the drive's own memory
            fcntl.fcntl(stream.fileno(), _FULL_SYNC)
    return path


def _land(staged: list[Path], targets: list[Path]) -> bool:
    """Give every staged file its final name, or none of them. False when a name was taken in the meantime."""
    landed: list[Path] = []
    try:
        for source, target in zip(staged, targets):
            _rename_new(source, target)
            landed.append(target)
    except OSError as error:
        for source, target in zip(staged, landed):
            if source.exists():  # a link: the staged file is still there
                target.unlink()
            else:
                os.rename(target, source)
        if isinstance(error, FileExistsError):
            return False
        raise
    _sync_folder(targets[0].parent)
    return True


def _rename_new(source: Path, target: Path) -> None:
    """Rename that fails when the target exists. A hard link does that in one step where the volume has them."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # exFAT, some network volumes
        if target.exists():
            raise FileExistsError(target) from None
        os.rename(source, target)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # not every system lets one open a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
