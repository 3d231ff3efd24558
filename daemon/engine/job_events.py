"""The events of a job's plan and clips, and what the journal keeps of a finished job."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.explain import Explanation
from pipeline.request import Request
from pipeline.singer.lines import LineTime
from pipeline.take import TakeInfo

from ..jobs import Event, Job
from ..landing import clips
from ..landing.finished_take import WORDS
from ..landing.manifest import read_explanations, read_manifest
from .run import LOCAL, Run

MAX_STARTS = 50  # words of a line whose times are told: the manifest has all


def make_plan_events(job: Job, planned: Mapping[str, object]) -> tuple[Event, ...]:
    """What the planner filled in, as texts: an event for every parameter."""
    texts = (
        (name, f"{value:.10g}" if isinstance(value, float) else str(value))
        for name, value in planned.items()
    )
    return tuple(Event("planned", job, text) for text in texts)


def make_line_events(job: Job, lines: Sequence[LineTime]) -> tuple[Event, ...]:
    """When the lyrics are sung, with the starts of their words: an event for every line that is
    told of.
    """
    return tuple(Event("words", job, _list_values(line)) for line in lines)


def _list_values(line: LineTime) -> tuple[int | float | str, ...]:
    return (
        line.line + 1,
        line.bar,
        line.section,
        line.start,
        line.end,
        line.text,
        _format_starts(line),
        line.note,
    )


def _format_starts(line: LineTime) -> str:
    """The seconds at which its words begin, of the first ones where there are too many."""
    starts = (f"{word.start:.2f}" for word in line.words[:MAX_STARTS])
    return " ".join(starts)


def make_clip_events(
    job: Job, files: Sequence[tuple[str, Path]], used: Request
) -> tuple[Event, ...]:
    """An event for every (stem, path). `used` is the request as it was played."""
    values = used.bpm, used.bars, str(used.seed)
    return tuple(Event("clip", job, (stem, str(path), *values)) for stem, path in files)


def list_take_notes(landed: clips.Landed, info: TakeInfo | None) -> tuple[Explanation, ...]:
    """What there is to say of a take, by its `info`, and by its manifest: of how its files were
    written, and where `info` is not known. Reads the manifest.
    """
    known = info.notes if info else ()
    problems = info.problems if info else ()
    made = (Explanation(note, note in problems) for note in known)
    written = read_explanations(landed.manifest)
    return (*made, *(each for each in written if each.text not in known))


def read_landed(
    run: Run, landed: clips.Landed, info: TakeInfo | None
) -> tuple[Request, dict[str, object]]:
    """The request as it was played, and the columns that the journal keeps of a finished job.
    Reads the manifest where `info` is not known.
    """
    try:
        known = info or read_manifest(landed.manifest)
        used = known.request
        if info is None:  # what was left out of a private one is what was asked for
            asked = run.job.resolved
            words = {name: getattr(used, name) or getattr(asked, name) for name in WORDS}
            used = dataclasses.replace(used, **words)
        model = known.model
    except ValueError:  # somebody has taken it away already
        used = run.job.resolved
        model = ""
    columns: dict[str, object] = {
        "model": model,
        "seconds": run.elapsed,
        "worker": "" if run.worker == LOCAL else run.worker,
        "request": json.dumps(dataclasses.asdict(used)),
    }
    if info:
        columns["timings"] = json.dumps(info.timings)
    return used, columns
