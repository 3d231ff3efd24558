"""Takes as the page shows them: one object for each job of the journal; and their files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.singer.lines import parse_lines
from pipeline.singer.lrc import format_lrc

from ..jobs import Job, JobState, Refused
from ..journal import Journal
from ..landing.audio_files import PREVIEWS
from ..paths import AllowedFolders

MAX_ROWS = 100  # of one answer
MAX_LYRICS = 300  # characters of the lyrics in a row
MAX_WORDS = 2**20  # bytes of a file with the times of words
KINDS = {".wav": "audio/wav", ".flac": "audio/flac"}  # of clips


class OpenClip(NamedTuple):
    """A file of a take, open: what its name leads to later may be another's."""

    path: Path
    file: BinaryIO


class LandedTakes:
    """Jobs with the files that are still theirs: names come again once files are gone. So a file
    is no job's any more when a later one has landed it, and never what a link leads to. From any
    thread.
    """

    def __init__(self, journal: Journal, allowed_folders: Callable[[], AllowedFolders]) -> None:
        self._journal = journal
        self._allowed_folders = allowed_folders

    def describe(self, job: Job) -> dict[str, Any]:
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
            "repaintBar": request.repaint_bar,
            "repaintBars": request.repaint_bars,
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
            "isGone": job.state is JobState.FINISHED and not self._has(job, Path(job.mix_path)),
            "notes": [event.values[0] for event in job.note_events],
            "inserted": job.inserted._asdict() if job.inserted else None,
        }

    def open_clip(self, job: Job, stem: str) -> OpenClip:
        """The file of one of its stems, which the journal names. Raises `Refused` 404."""
        paths = {clip.values[0]: Path(clip.values[1]) for clip in job.clip_events}
        path = paths.get(stem)
        if path is None or path.suffix.lower() not in KINDS:
            raise Refused(404, "this take has no such stem")
        try:
            return OpenClip(path, self._open(job, path))
        except OSError as error:
            raise Refused(404, f"{path.name} is not there any more") from error

    def read_manifest(self, job: Job) -> dict[str, Any]:
        """Raises `Refused` 404 where there is none that is this job's."""
        path = find_manifest(job)
        if path is None:
            raise Refused(404, "it has no manifest")
        try:
            found = self._read_recipe(job, path)
        except OSError as error:
            raise Refused(404, f"{path.name} is not there any more") from error
        except ValueError as error:
            raise Refused(404, f"{path.name} cannot be read: {error}") from error
        if not _is_recipe_of(job, found):
            raise Refused(404, f"{path.name} is another take's")
        return found

    def read_words(self, job: Job) -> dict[str, Any]:
        """All of a take's lyrics as they are written, and of each line that is sung its place among
        them, from 0, with the seconds at which it begins and ends; none where that is not known.
        """
        lines: list[tuple[int, float, float]] = []
        with suppress(Refused, ValueError, KeyError, TypeError, AttributeError, OverflowError):
            found = parse_lines([*line.values()] for line in self.read_manifest(job)["lines"])
            sung = [each for each in found if each.is_sung]
            lines = [(int(each.line), float(each.start), float(each.end)) for each in sung]
        return {"lyrics": job.resolved.lyrics, "lines": lines}

    def dismiss(self, job: Job) -> bool:
        """List it no more. Returns whether it was listed. Raises `Refused` 507."""
        try:
            return self._journal.dismiss(job)
        except OSError as error:
            text = f"the journal cannot be written: {error.strerror or error}"
            raise Refused(507, text, "try it again") from error

    def list_files(self, job: Job) -> list[Path]:
        """All that landed with a take and is still its own: its clips, its manifest, and the times
        of its words as they were written. Nothing where the manifest beside them is another's.
        """
        files = [Path(path) for _, path, *_ in (clip.values for clip in job.clip_events)]
        if manifest := find_manifest(job):
            files.append(manifest)
            with suppress(OSError, ValueError):
                recipe = self._read_recipe(job, manifest)
                if not _is_recipe_of(job, recipe):
                    return []
                words = manifest.with_suffix(".lrc")
                with self._open(job, words) as file:
                    content = untrusted.read_stream(file, words, MAX_WORDS)
                if _says_words_of(recipe, content):
                    files.append(words)
        return [path for path in dict.fromkeys(files) if self._has(job, path)]

    def _read_recipe(self, job: Job, path: Path) -> dict[str, Any]:
        """What a manifest says. Raises OSError, and ValueError."""
        with self._open(job, path) as file:
            content = untrusted.read_stream(file, Path(path.name), LIMITS.manifest_bytes)
        found = untrusted.parse_json(content)
        if not isinstance(found, dict):
            raise ValueError("it is no manifest")
        return found

    def _has(self, job: Job, path: Path) -> bool:
        """Whether a file is there, and the job's."""
        try:
            self._open(job, path).close()
        except OSError:
            return False
        return True

    def _open(self, job: Job, path: Path) -> BinaryIO:
        """Raises OSError, also where it is another job's by now. All of a job's files have names of
        the same beginning, so those that the journal does not know are whose its mix is.
        """
        for each in {str(path), job.mix_path}:
            if self._journal.is_taken_over(job, each):
                raise FileNotFoundError(f"{each} is another take's")
        return self._allowed_folders().open_landed(path)


def describe_failure(job: Job) -> str:
    """What went wrong, and what to do about it; "" where nothing did."""
    if job.state is not JobState.FAILED or job.last_event is None:
        return ""
    *_, message, hint = job.last_event.values
    return "; ".join(filter(None, (str(message), str(hint))))


def find_manifest(job: Job) -> Path | None:
    if job.state is not JobState.FINISHED or job.last_event is None:
        return None
    return Path(str(job.last_event.values[1]))


def find_preview(state: Path, job: Job) -> Path | None:
    """The newest that is still there, in the state folder."""
    found = (state / PREVIEWS).glob(f"{job.number}_*.wav")
    return max(found, key=lambda path: int(path.stem.rpartition("_")[2]), default=None)


def _is_recipe_of(job: Job, recipe: dict[str, Any]) -> bool:
    """Whether a manifest does not say that it is another job's."""
    return bool(recipe.get("id", job.id) == job.id)


def _says_words_of(recipe: dict[str, Any], content: bytes) -> bool:
    """Whether this is what was written of a take's words, and not by anybody else."""
    try:
        text = format_lrc(parse_lines([*line.values()] for line in recipe["lines"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return bool(text) and content.endswith(text.encode())
