"""What a reroll keeps of the take that it is another one of: what was left open then, and was
composed or planned.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pipeline.keys import ANY_KEY
from pipeline.request import FIELDS, Request, names_file

from ..jobs import Job, JobState
from ..landing.manifest import read_manifest

Values = dict[str, float | str]


def find_made(job: Job) -> Request:
    """The request of a job as it was made: its manifest's, or what is known of it without. Reads
    that file.
    """
    if job.state is JobState.FINISHED and job.last_event:
        with suppress(ValueError):
            return read_manifest(Path(str(job.last_event.values[1]))).request
    bpm = job.clip_events[0].values[2] if job.clip_events else 0.0
    return job.resolved.changed({"bpm": job.resolved.bpm or bpm})


def list_kept(request: Request, made: Request) -> Values:
    """What another take of `request` has of the one that was `made`, by field: what the request
    and its prompt leave open of tempo, key, metre and length. Any key is not left open; nothing is
    that a MIDI guide says.
    """
    if names_file("guide", request.guide):
        return {}
    kept: Values = {}
    asked = request.follow_prompt()
    if made.bpm and not asked.bpm:
        kept["bpm"] = made.bpm
    if made.key and not asked.key and request.key != ANY_KEY:
        kept["key"] = made.key
    if made.time_signature and asked.given_meter is None:
        kept["time_signature"] = made.time_signature
    has_length = request.bars or request.seconds != FIELDS["seconds"].default
    if not has_length and not request.task:  # a task has its source's
        kept |= {"bars": made.bars} if made.bars else {"seconds": made.seconds}
    return {name: value for name, value in kept.items() if value != FIELDS[name].default}


def describe_kept(kept: Mapping[str, float | str], id: str) -> tuple[str, ...]:
    """What was kept, as a note; none where that is nothing."""
    if not kept:
        return ()
    named = ", ".join(
        f"{name} {value:.10g}" if isinstance(value, int | float) else f"{name} {value}"
        for name, value in kept.items()
    )
    more = "; key any asks for others" if "key" in kept else ""
    return (f"as in {id}: {named}{more}",)
