"""The files of a job before they have their names: complete and on disk, in a hidden folder beside
their destination.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import tempfile
import time
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.request import Request
from pipeline.singer.lrc import format_lrc

from . import disk, levels, names
from .audio_files import FORMATS, PART, encode_clip
from .chunks import ClipFacts
from .finished_take import WORDS, ClipSound, LandingTake, leave_words_out
from .latest import NONE, KeptLatest, build_base_name
from .manifest import JobFacts, build_manifest

_PREFIX = ".acestepd-"  # a hidden folder on the same volume: no DAW shows it
_RANDOM = "[a-z0-9_]{8}"  # what tempfile adds to a name
_SHA256 = "[0-9a-f]{64}"
_LRC = ".lrc"
MAX_TEXTS = 2  # files of a job that are not clips: the words that are sung, the manifest
AUDIBLE = 0.05  # LU by which a clip may be too quiet without a note


class StagedFile(NamedTuple):
    """One file that is to land: where it is staged, its final path, its content's SHA-256."""

    source: Path
    target: Path
    sha256: str

    @property
    def has_landed(self) -> bool:
        """Whether this very content is under the final name."""
        return disk.is_taken(self.target) and disk.hash_file(self.target) == self.sha256


@dataclass(frozen=True)
class Staged:
    """The files of a job, complete and on disk, and the names they will have: `pairs` of (staged,
    final), with their SHA-256 `sums`: the clips, which `stems` name, what else there is to read,
    and the manifest. `latest` are the base names of the latest clips that it becomes. The journal
    has these names.
    """

    folder: Path
    staging: Path
    pairs: tuple[tuple[str, str], ...]
    stems: tuple[str, ...]
    sums: tuple[str, ...]
    latest: tuple[str, ...] = ()

    @property
    def files(self) -> list[StagedFile]:
        return [
            StagedFile(self.staging / part, self.folder / name, checksum)
            for (part, name), checksum in zip(self.pairs, self.sums)
        ]

    @property
    def clips(self) -> tuple[tuple[str, Path], ...]:
        """(stem, path-to-be) of every clip, without the manifest."""
        return tuple((stem, file.target) for stem, file in zip(self.stems, self.files))

    @property
    def base_name(self) -> str:
        """What the names of all files begin with."""
        return self.pairs[-1][1].removesuffix(".json")

    @property
    def suffixes(self) -> list[str]:
        """`.wav`, `_drums.wav`, ..., `.json`: what stands behind the base name."""
        return [name.removeprefix(self.base_name) for _, name in self.pairs]

    def to_json(self) -> str:
        """For the journal."""
        return json.dumps(asdict(self) | {"folder": str(self.folder), "staging": str(self.staging)})

    @classmethod
    def from_json(cls, text: str) -> Staged:
        """Raises ValueError for anything `to_json` did not write: what it says decides which files
        are moved, and which folder is removed.
        """
        try:
            data = json.loads(text)
            staged = cls(
                folder=Path(data["folder"]),
                staging=Path(data["staging"]),
                pairs=tuple((str(part), str(name)) for part, name in data["pairs"]),
                stems=tuple(map(str, data["stems"])),
                sums=tuple(map(str, data["sums"])),
                latest=_parse_latest(data["latest"]),
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"not what was staged: {text[:80]!r} ({error})") from error
        if not staged._is_plausible():
            raise ValueError(f"not what was staged: {text[:80]!r}")
        return staged

    def _is_plausible(self) -> bool:
        """Whether every name is one inside of its folder, and the staging folder is one of ours."""
        every_name = [*(name for pair in self.pairs for name in pair), *self.latest]
        are_plain = all(Path(name).name == name and name not in ("", "..") for name in every_name)
        are_sums = all(re.fullmatch(_SHA256, checksum) for checksum in self.sums)
        is_ours = self.staging.parent == self.folder and self.staging.name.startswith(_PREFIX)
        texts = len(self.pairs) - len(self.stems)
        is_complete = len(self.pairs) == len(self.sums) and 1 <= texts <= MAX_TEXTS
        return are_plain and are_sums and is_ours and is_complete


def stage(
    folder: Path,
    token: str,
    job: JobFacts,
    take: LandingTake,
    kept: KeptLatest = NONE,
    private: bool = False,
) -> Staged:
    """Write every file of a job into a hidden folder, and wait until the disk has them. `token`
    marks that folder as one journal's, for its `sweep`. With `private`, none of them says the words
    of its request. Raises OSError, and what the take raises, and then leaves nothing.
    """
    # somebody may have tidied up; what is above may be a volume that is not there
    folder.mkdir(exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{token}-", dir=folder))
    try:
        staged = _write_files(staging, job, take, kept, private)
        disk.sync_folder(staging)
        disk.sync_folder(folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return staged


def rename(staged: Staged) -> Staged:
    """The same files with the next free names. The journal must know of it before they land."""
    base_name = names.find_next_base_name(staged.folder, staged.base_name, staged.suffixes)
    manifest = json.loads(staged.files[-1].source.read_bytes())
    renamed = _write_manifest(staged, base_name, manifest)
    disk.sync_folder(renamed.staging)
    return renamed


def discard(staged: Staged) -> None:
    """Remove files that nobody wants any more, before they land."""
    shutil.rmtree(staged.staging, ignore_errors=True)


def sweep(folder: Path, token: str, keep: Container[Path] = (), older: float = 0.0) -> None:
    """Remove the staging folders that a killed daemon of one journal left in a folder, and nothing
    else; not those in `keep`, nor those that are not `older` than that many seconds.
    """
    newest = time.time() - older if older else math.inf
    own = re.compile(re.escape(f"{_PREFIX}{token}-") + _RANDOM)
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            is_own = own.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            if not is_own or Path(entry.path) in keep:
                continue
            if entry.stat(follow_symlinks=False).st_mtime < newest:
                shutil.rmtree(entry.path, ignore_errors=True)


def _write_files(
    staging: Path, job: JobFacts, take: LandingTake, kept: KeptLatest, private: bool
) -> Staged:
    left_out = [name for name in WORDS if private and getattr(take.info.request, name)]
    info = leave_words_out(take.info) if private else take.info
    request = info.request
    file_format = FORMATS[request.format]
    created = time.localtime()
    sounds, gain, loudness = _level(take, request)
    pairs = []
    sums = []
    clips: list[dict[str, Any]] = []
    for sound in sounds:
        facts = ClipFacts(
            request=request,
            stem=sound.name,
            job=job.id,
            model=info.model,
            created=created,
            samples=sound.samples,
            bits=file_format.bits,
            loudness=None if clips else loudness,
            sections=info.sections,
        )
        part = f"{len(clips)}{PART}"
        checksum = disk.write_pieces_synced(staging / part, encode_clip(sound, facts))
        pairs.append((part, names.build_suffix(sound.name, file_format.extension)))
        sums.append(checksum)
        clips.append(
            {
                "stem": sound.name,
                "file": "",
                "samples": sound.samples,
                "beats": facts.beats,
                "sample_rate": request.sample_rate,
                "format": request.format,
                "gain_db": round(20 * math.log10(gain), 3),
                "sha256": checksum,
            }
        )
    info = leave_words_out(take.info) if private else take.info  # it is complete now
    stems = tuple(clip["stem"] for clip in clips)
    if any(line.is_sung for line in info.lines):
        text = format_lrc(info.lines, request.name or names.build_slug(request), request.length)
        part = f"{len(pairs)}{PART}"
        sums.append(disk.write_synced(staging / part, text.encode()))
        pairs.append((part, _LRC))
    # without a base name, and without its manifest, until the names are known
    draft = Staged(
        folder=staging.parent,
        staging=staging,
        pairs=(*pairs, ("", ".json")),
        stems=stems,
        sums=(*sums, ""),
        latest=kept.list_base_names(names.build_slug(request)) if clips else (),
    )
    shortfall = _describe_shortfall(request, loudness)
    manifest = build_manifest(job, info, created) | {
        "notes": [*info.notes, *shortfall],
        "problems": [*info.problems, *shortfall],
        "loudness": loudness,
        "clips": clips,
        "left_out": left_out,
    }
    base_name = names.find_free_base_name(
        draft.folder, names.build_base_name(request), draft.suffixes
    )
    return _write_manifest(draft, base_name, manifest)


class _Levelled(NamedTuple):
    """The clips as their files have them, the factor that they all got, and the loudness of the
    first one, where the request has one.
    """

    sounds: Iterator[ClipSound]
    gain: float
    loudness: float | None


def _level(take: LandingTake, request: Request) -> _Levelled:
    """One after the other as they come, unless how loud they are as a whole decides their gain."""
    if levels.are_levels_kept(request):
        return _Levelled(take.read_clips(), 1.0, None)
    clips = [(clip.name, clip.read_whole()) for clip in take.read_clips()]
    levelled = levels.apply_levels([audio for _, audio in clips], request)
    sounds = (
        ClipSound(name, audio.shape[1], (audio,)) for (name, _), audio in zip(clips, levelled.parts)
    )
    return _Levelled(sounds, levelled.gain, levelled.loudness)


def _parse_latest(latest: object) -> tuple[str, ...]:
    """What `to_json` wrote; versions before wrote the name of the only one."""
    if isinstance(latest, str):
        return (build_base_name(latest),) if latest else ()
    if not isinstance(latest, list):
        raise TypeError(f"not names of latest clips: {latest!r:.80}")
    return tuple(map(str, latest))


def _describe_shortfall(request: Request, loudness: float | None) -> list[str]:
    """What to say where the true peak did not allow the loudness."""
    if loudness is None or loudness > request.loudness - AUDIBLE:
        return []
    reached = f"{loudness:.1f} LUFS instead of {request.loudness:g}"
    return [
        f"the clip has {reached}: its true peak may not exceed peak_db, {request.peak_db:g} dBFS"
    ]


def _write_manifest(staged: Staged, base_name: str, manifest: dict[str, Any]) -> Staged:
    """The files under another base name, with a manifest that says so; the one of the old names
    stays, for a crash.
    """
    targets = [base_name + suffix for suffix in staged.suffixes]
    manifest["clips"] = [
        clip | {"file": target} for clip, target in zip(manifest["clips"], targets)
    ]
    parts = [part for part, _ in staged.pairs[:-1]] + [f"{targets[-1]}{PART}"]
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    # file names may be odd
    content = text.encode("utf-8", "backslashreplace")
    checksum = disk.write_synced(staged.staging / parts[-1], content)
    return replace(staged, pairs=tuple(zip(parts, targets)), sums=(*staged.sums[:-1], checksum))
