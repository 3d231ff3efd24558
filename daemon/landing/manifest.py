"""The manifest beside a take's clips: JSON, from which the same take can be made again."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import untrusted
from pipeline.explain import Explanation
from pipeline.limits import LIMITS
from pipeline.request import Request, complete_stored_values
from pipeline.take import TakeInfo
from pipeline.weights import adapter

from .. import VERSION
from .finished_take import WORDS

CLIP_SUFFIXES = (".wav", ".flac")


@dataclass(frozen=True)
class JobFacts:
    """What a manifest says of the job: its id, where it came from, the id of the job that it goes
    back to, and which of how many takes it is, counted from 1.
    """

    id: str
    origin: str = ""
    parent: str = ""
    take: int = 1
    takes: int = 1


def build_manifest(job: JobFacts, info: TakeInfo, created: time.struct_time) -> dict[str, Any]:
    """Everything from which the same take can be made again; the files are added when they are
    known.
    """
    versions = dict(_read_versions())
    return {
        "acestepd": VERSION,
        **asdict(job),
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z", created),
        "model": info.model,
        "bits": info.bits,
        "adapters": [list(one) for one in info.adapters],
        "request": asdict(info.request),
        "timesteps": list(info.timesteps),
        "codes": info.codes,
        "sections": list(info.sections),
        "chords": list(info.chords),
        "lines": [line._asdict() for line in info.lines],
        "planned": info.planned,
        "seconds_spent": {stage: round(seconds, 4) for stage, seconds in info.timings.items()},
        "memory": info.memory,
        "versions": versions,
        "machine": {name: value for name, value in info.machine.items() if name not in versions},
    }


@cache  # Python reads and parses a file for that
def _read_versions() -> Mapping[str, str]:
    return {"mlx": version("mlx"), "numpy": np.__version__, "python": platform.python_version()}


BuildRequest = Callable[[Mapping[str, Any]], Request]


def read_manifest(path: Path, build_request: BuildRequest | None = None) -> TakeInfo:
    """What decides how a take sounds, and no more of what its manifest says: the request, the
    model, the bits of its weights and its adapters. Raises ValueError saying what is wrong with the
    file.

    `build_request` makes the request of its values, and may refuse them; without one, files that it
    names need not exist. The notes say which words were left out of it, if any.
    """
    try:
        content = untrusted.read_bytes(path, LIMITS.manifest_bytes)
    except (OSError, ValueError) as error:
        raise _no_manifest(path, error) from error
    return parse_manifest(content, path, build_request)


def read_explanations(path: Path) -> tuple[Explanation, ...]:
    """What was said of a take; nothing where its manifest is not there any more."""
    with suppress(OSError, ValueError, AttributeError, TypeError):
        data = untrusted.parse_json(untrusted.read_bytes(path, LIMITS.manifest_bytes))
        problems = data.get("problems", ())
        return tuple(Explanation(str(note), note in problems) for note in data.get("notes", ()))
    return ()


def parse_manifest(
    content: bytes, path: Path, build_request: BuildRequest | None = None
) -> TakeInfo:
    """The same of what was read of a file."""
    try:
        data = untrusted.parse_json(content)
        adapters = adapter.parse_adapters(
            (str(path), float(scale)) for path, scale in data.get("adapters", ())
        )
        values = complete_stored_values(data["request"])
        request = build_request(values) if build_request else Request(**values)
        left_out = [name for name in WORDS if name in data.get("left_out", ())]
        notes = (_describe_missing(left_out),) if left_out else ()
        bits = int(data.get("bits", 0))
        return TakeInfo(request, str(data["model"]), bits, adapters, notes=notes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise _no_manifest(path, error) from error


def _no_manifest(path: Path, error: Exception) -> ValueError:
    why = str(error)
    if isinstance(error, FileNotFoundError):
        why = "there is no such file"
    elif path.suffix in CLIP_SUFFIXES:
        why = "that is the .json beside it"
    return ValueError(f"{path}: not a manifest of a take ({why})")


def _describe_missing(left_out: Sequence[str]) -> str:
    """What to say of a manifest that was written with `private`."""
    return (
        f"this manifest leaves out {', '.join(left_out)} (private in the settings): "
        "it will differ; reroll the take by its id, or say the words again"
    )
