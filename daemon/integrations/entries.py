"""What an entry of the inbox says of a clip: the facts of its job, of the take and of the file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pipeline.limits import LIMITS
from pipeline.request import FIELDS, Request

from ..jobs import Event, Job
from ..landing.names import build_slug
from .json_files import encode_json, read_object

VERSION = 1  # of what an entry says
MAX_NOTE = 250  # characters
MAX_NOTES = 12_000  # bytes of all of them: an entry has `inbox_bytes`, and may have a long prompt

Entry = dict[str, object]


@dataclass(frozen=True)
class LandedTake:
    """A take whose files are there, and the program that is to put it in; empty: nobody. Track and
    slot are -1 where nobody has said one. `is_asked_for`: it may be in the inbox already, and
    somebody wants to have it put in all the same.
    """

    job: Job
    clips: tuple[Event, ...]  # `clip` events
    manifest: Path
    insert: str
    track: int = -1
    slot: int = -1
    is_asked_for: bool = False

    @classmethod
    def of(cls, job: Job, insert: str) -> Self | None:
        """That of a job; None where it has landed none."""
        end = job.last_event
        if not job.clip_events or end is None or end.kind != "finished":
            return None
        return cls(job, job.clip_events, Path(str(end.values[1])), insert)


def build_entries(take: LandedTake) -> list[Entry]:
    """An entry for every clip, in order, without its `seq` and `time`. Reads the manifest. Raises
    ValueError where it is none any more, and OSError.
    """
    data = read_object(take.manifest, LIMITS.manifest_bytes)
    request = _read_request(data)
    written = _list_clips(data)
    about_take = _describe_take(take, data, request)
    entries: list[Entry] = []
    for number, event in enumerate(take.clips, 1):
        stem, path = str(event.values[0]), Path(str(event.values[1]))
        about_clip = {"stem": stem, "file": number, "files": len(take.clips), "path": str(path)}
        about_file = _describe_file(written.get(path.name, {}), request)
        entries.append({"acestepd": VERSION, **about_clip, **about_take, **about_file})
    return entries


def _describe_take(take: LandedTake, data: Mapping[str, object], request: Request) -> Entry:
    job = take.job
    is_known = job.number > 0  # one that is announced again knows no more than the manifest
    count, unit = request.meter
    return {
        "id": job.id,
        "client": job.client,
        "manifest": str(take.manifest),
        "name": build_slug(request),
        "prompt": request.prompt,
        "bpm": request.bpm,
        "bars": request.bars,
        "time_signature": f"{count}/{unit}",
        "key": request.key,
        "loop": request.loop,
        "seed": request.seed,
        "parent": job.parent if is_known else _read_text(data, "parent"),
        "origin": job.origin if is_known else _read_text(data, "origin"),
        "batch": job.batch,
        "take": job.take if is_known else round(_read_number(data, "take", 1)),
        "takes": job.takes if is_known else round(_read_number(data, "takes", 1)),
        "insert": take.insert,
        "track": take.track,
        "slot": take.slot,
        "notes": _read_notes(data),
    }


def _describe_file(written: Mapping[str, object], request: Request) -> Entry:
    """`written` is what the manifest says of the file."""
    samples = round(_read_number(written, "samples"))
    rate = round(_read_number(written, "sample_rate")) or request.sample_rate
    return {
        "beats": _read_number(written, "beats", samples / rate * request.bpm / 60),
        "samples": samples,
        "sample_rate": rate,
        "seconds": samples / rate,
    }


def _read_request(data: Mapping[str, object]) -> Request:
    """The request as it was played. Raises ValueError."""
    values = data.get("request")
    if not isinstance(values, dict):
        raise ValueError("it has no request")
    try:
        return Request(**{name: value for name, value in values.items() if name in FIELDS})
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error


def _list_clips(data: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    """What the manifest says of each file, by its name."""
    clips = data.get("clips")
    if not isinstance(clips, list):
        return {}
    return {str(clip.get("file")): clip for clip in clips if isinstance(clip, dict)}


def _read_notes(data: Mapping[str, object]) -> list[str]:
    """What was read out of the request or could not be done: the first sentences, as far as an
    entry has room for them.
    """
    written = data.get("notes")
    notes: list[str] = []
    room = MAX_NOTES
    for text in written if isinstance(written, list) else ():
        if not isinstance(text, str):
            continue
        note = text[:MAX_NOTE].encode("utf-8", "replace").decode()  # half characters stop readers
        room -= len(encode_json(note))
        if room < 0:
            break
        notes.append(note)
    return notes


def _read_text(data: Mapping[str, object], name: str) -> str:
    value = data.get(name, "")
    return value if isinstance(value, str) else ""


def _read_number(data: Mapping[str, object], name: str, default: float = 0.0) -> float:
    """A number that is finite: 1e400 is not."""
    value = data.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return default
    return float(value) if abs(value) < math.inf and abs(value) < 2**53 else default
