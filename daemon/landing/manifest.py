"""The manifest beside a take's clips: JSON, from which the same take can be made again."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.request import Request
from pipeline.take import TakeInfo
from pipeline.weights import adapter

from .. import VERSION
from .finished_take import WORDS


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
    versions = {"mlx": version("mlx"), "numpy": np.__version__, "python": platform.python_version()}
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
        "planned": info.planned,
        "seconds_spent": {stage: round(seconds, 4) for stage, seconds in info.timings.items()},
        "memory": info.memory,
        "versions": versions,
        "machine": {name: value for name, value in info.machine.items() if name not in versions},
    }


def read_manifest(
    path: Path, build_request: Callable[[Mapping[str, Any]], Request] | None = None
) -> TakeInfo:
    """What decides how a take sounds, and no more of what its manifest says: the request, the
    model, the bits of its weights and its adapters. Raises ValueError saying what is wrong with the
    file.

    `build_request` makes the request of its values, and may refuse them; without one, files that it
    names need not exist. The notes say which words were left out of it, if any.
    """
    try:
        data = untrusted.read_json(path, LIMITS.manifest_bytes)
        adapters = adapter.parse_adapters(
            (str(path), float(scale)) for path, scale in data.get("adapters", ())
        )
        values = data["request"]
        request = build_request(values) if build_request else Request(**values)
        left_out = [name for name in WORDS if name in data.get("left_out", ())]
        notes = (_describe_missing(left_out),) if left_out else ()
        bits = int(data.get("bits", 0))
        return TakeInfo(request, str(data["model"]), bits, adapters, notes=notes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"{path}: not a manifest of a take ({error})") from error


def _describe_missing(left_out: Sequence[str]) -> str:
    """What to say of a manifest that was written with `private`."""
    return (
        f"this manifest leaves out {', '.join(left_out)} (private in the settings): "
        "it will differ; reroll the take by its id, or say the words again"
    )
