"""Takes as the page shows them: one object for each job of the journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..jobs import Job, JobState
from ..landing.audio_files import PREVIEWS

MAX_ROWS = 100  # of one answer
MAX_LYRICS = 300  # characters of the lyrics in a row


def describe_take(job: Job) -> dict[str, Any]:
    """What is known of a job. Files are named by their stems, and never by paths that somebody
    could ask for. Looks whether they are there.
    """
    request = job.resolved
    stems = [stem for stem, path, *_ in (clip.values for clip in job.clip_events)]
    first = next((clip.values for clip in job.clip_events), ())
    bpm, bars = first[2:4] if first else (request.bpm, request.bars)
    return {
        "number": job.number,
        "id": job.id,
        "state": job.state.value,
        "failure": describe_failure(job),
        "name": request.name,
        "prompt": request.prompt,
        "lyrics": request.lyrics[:MAX_LYRICS],
        "task": request.task,
        "seed": request.seed,
        "variation": request.variation,
        "bpm": round(float(bpm), 3),
        "bars": bars,
        "key": request.key,
        "timeSignature": request.time_signature,
        "seconds": request.seconds,
        "favourite": job.favourite,
        "parent": job.parent,
        "created": job.created,
        "ended": job.ended,
        "stems": stems,
        "path": job.mix_path,
        "isGone": job.state is JobState.FINISHED and not Path(job.mix_path).is_file(),
        "notes": [event.values[0] for event in job.note_events],
        "inserted": job.inserted._asdict() if job.inserted else None,
    }


def describe_failure(job: Job) -> str:
    """What went wrong, and what to do about it; "" where nothing did."""
    if job.state is not JobState.FAILED or job.last_event is None:
        return ""
    *_, message, hint = job.last_event.values
    return "; ".join(filter(None, (str(message), str(hint))))


def find_stem(job: Job, stem: str) -> Path | None:
    """The file of one of its stems, which the journal names."""
    for clip in job.clip_events:
        if clip.values[0] == stem:
            return Path(clip.values[1])
    return None


def is_there(path: Path) -> bool:
    """Whether it is still a file of its own: what others have put a link to in its place is not
    ours to show.
    """
    return path.is_file() and not path.is_symlink()


def find_manifest(job: Job) -> Path | None:
    if job.state is not JobState.FINISHED or job.last_event is None:
        return None
    return Path(str(job.last_event.values[1]))


def find_preview(state: Path, job: Job) -> Path | None:
    """The newest that is still there, in the state folder."""
    found = (state / PREVIEWS).glob(f"{job.number}_*.wav")
    return max(found, key=lambda path: int(path.stem.rpartition("_")[2]), default=None)


def list_files(job: Job) -> list[Path]:
    """All that landed with a take and is there: its clips, its manifest, and the times of its
    words.
    """
    clips = [Path(clip.values[1]) for clip in job.clip_events]
    words = [Path(job.mix_path).with_suffix(".lrc")] if clips else []
    manifest = find_manifest(job)
    files = dict.fromkeys([*clips, *words, *([manifest] if manifest else [])])
    return [path for path in files if path.is_file()]
