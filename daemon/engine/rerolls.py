"""What a reroll keeps of the take that it is another one of: what was left open then, and was
composed or planned.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pipeline.guide.guide import choose_tempo_and_key, guide_kind
from pipeline.keys import ANY_KEY
from pipeline.lengths import PLANS_OF_SONGS
from pipeline.request import FIELDS, FOLLOW_SOURCE, BadRequest, Request, names_file

from ..jobs import Job, JobState
from ..landing.manifest import read_manifest

Values = dict[str, float | str]
PLANNED = ("bpm", "key", "time_signature", "seconds")  # what a planner fills in of what is kept


def find_made(job: Job, default_guide: str) -> Request:
    """The request of a job as it was made, which its manifest has, or as it will be: with what is
    planned, and the tempo and key in which it is composed. `default_guide`: what its guide is where
    it leaves that open. Reads that file.
    """
    if job.state is JobState.FINISHED and job.last_event:
        with suppress(ValueError):
            return read_manifest(Path(str(job.last_event.values[1]))).request
    made = job.resolved
    if job.clip_events:
        made = made.changed({"bpm": made.bpm or job.clip_events[0].values[2]})
    planned = dict(event.values for event in job.plan_events)
    planned = {name: planned[name] for name in PLANNED if name in planned}
    return foresee(made.changed(planned), default_guide)


def foresee(request: Request, default_guide: str) -> Request:
    """A resolved request with the tempo and key in which it will be composed, where it is."""
    guide = request.guide or ("off" if request.codes else default_guide)
    is_composed = request.guide_strength and request.task not in FOLLOW_SOURCE
    if not is_composed or guide_kind(guide) not in ("auto", "chords"):
        return request
    try:
        return request.changed(choose_tempo_and_key(request.changed({"guide": guide})))
    except BadRequest:  # then it cannot be made either
        return request


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


def describe_unknown(request: Request, job: Job) -> tuple[str, ...]:
    """A note on what `request`, another take of a job that is still to be planned, cannot have of
    it; none where that is nothing.
    """
    asked = request.follow_prompt()
    is_open = {
        "bpm": not asked.bpm,
        "key": not asked.key and request.key != ANY_KEY,
        "time_signature": asked.given_meter is None,
        "seconds": request.plan in PLANS_OF_SONGS and request.has_open_length,
    }
    names = [name for name, open in is_open.items() if open]
    if job.has_ended or job.plan_events or not names:
        return ()
    text = f"{job.id} is not planned yet: this take may have another {' and '.join(names)}"
    return (text,)


def describe_kept(kept: Mapping[str, float | str], begin: str) -> tuple[str, ...]:
    """What was kept, as a note that begins like that; none where that is nothing."""
    if not kept:
        return ()
    named = ", ".join(
        f"{name} {value:.10g}" if isinstance(value, int | float) else f"{name} {value}"
        for name, value in kept.items()
    )
    more = "; key any asks for others" if "key" in kept else ""
    return (f"{begin} {named}{more}",)
