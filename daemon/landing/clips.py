"""Takes become files: staged beside their destination, on disk for good, then visible under names
of their own.

A landing survives a kill at any instruction: `stage` -> the journal keeps `Staged.to_json()` ->
`land` -> the journal forgets it. Before the journal knows, nothing is visible, and `sweep` removes
the rest; from then on `recover` finishes.
"""

from __future__ import annotations

import errno
import io
import itertools
import json
import logging
import math
import os
import platform
import re
import shutil
import tempfile
import time
import unicodedata
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import soundfile

from pipeline.request import SAMPLE_RATE, Request
from pipeline.take import Take, TakeInfo
from pipeline.weights import adapter

from .. import VERSION
from . import chunks, disk, latest, levels

log = logging.getLogger("acestepd.clips")

MIX = "mix"
PREVIEWS = 32
_STAGING = ".acestepd-"  # a hidden folder on the same volume: no DAW shows it
_RANDOM = "[a-z0-9_]{8}"  # what tempfile adds to a name
ONCE = "once"  # the token of who has no journal; seconds
DAY = 86_400.0
_PART = ".part"  # what is staged must not look like a clip to who searches hidden folders too


class Format(NamedTuple):
    container: str
    subtype: str
    bits: int


FORMATS = {
    "wav16": Format("WAV", "PCM_16", 16),
    "wav24": Format("WAV", "PCM_24", 24),
    "wav32f": Format("WAV", "FLOAT", 32),
    "flac": Format("FLAC", "PCM_24", 24),
}


@dataclass(frozen=True)
class Stem:
    """One finished stem: "mix", "drums", ... `audio` is (2, samples) float32 at 48 kHz in [-1,
    1].
    """

    name: str
    audio: npt.NDArray[np.float32]


@dataclass(frozen=True)
class FinishedTake:
    """What came out of the model for one job: how it was made, and its stems, the mix first, all
    equally long. One that was put into words has no stems.
    """

    info: TakeInfo
    stems: tuple[Stem, ...]

    @classmethod
    def of(cls, takes: Sequence[Take]) -> Self:
        """The takes of a model in this process."""
        stems = (Stem(take.name, np.asarray(take.audio)) for take in takes)
        return cls(takes[0].info, tuple(stems))


@dataclass(frozen=True)
class Landed:
    """The files of one job, final: (stem, path) of every clip, and the manifest."""

    clips: tuple[tuple[str, Path], ...]
    manifest: Path


class File(NamedTuple):
    """One file on its way: where it is staged, its name to be, the SHA-256 of what it holds."""

    source: Path
    target: Path
    sum: str

    @property
    def landed(self) -> bool:
        """Whether this very content is under the final name."""
        return disk.there(self.target) and disk.digest(self.target) == self.sum


@dataclass(frozen=True)
class Staged:
    """The files of a job, complete and on disk, and the names they will have: `pairs` of (staged,
    final), the manifest last, with their `sums`. `stems` name the clips; `latest` is the NAME of
    NAME_latest.wav, empty where none is kept.
    """

    folder: Path
    staging: Path
    pairs: tuple[tuple[str, str], ...]
    stems: tuple[str, ...]
    sums: tuple[str, ...]
    latest: str = ""

    @property
    def files(self) -> list[File]:
        return [
            File(self.staging / part, self.folder / name, s)
            for (part, name), s in zip(self.pairs, self.sums)
        ]

    @property
    def clips(self) -> tuple[tuple[str, Path], ...]:
        """(stem, path-to-be) of every clip, without the manifest."""
        return tuple((stem, file.target) for stem, file in zip(self.stems, self.files))

    @property
    def stem(self) -> str:
        return self.pairs[-1][1].removesuffix(".json")

    @property
    def tails(self) -> list[str]:
        """`.wav`, `_drums.wav`, ..., `.json`: what comes behind the stem."""
        return [name.removeprefix(self.stem) for _, name in self.pairs]

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"folder": str(self.folder), "staging": str(self.staging)})

    @classmethod
    def from_json(cls, text: str) -> Staged:
        """Raises ValueError for anything `to_json` did not write: files are moved, and a folder
        removed, by it.
        """
        try:
            data = json.loads(text)
            pairs = tuple((str(part), str(name)) for part, name in data["pairs"])
            stems, sums = (tuple(map(str, data[key])) for key in ("stems", "sums"))
            staged = cls(
                Path(data["folder"]), Path(data["staging"]), pairs, stems, sums, str(data["latest"])
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"not what was staged: {text[:80]!r} ({error})") from error
        names = [name for pair in pairs for name in pair] + [staged.latest or "-"]
        plain = all(Path(name).name == name and name not in ("", "..") for name in names)
        plain &= all(re.fullmatch("[0-9a-f]{64}", each) for each in sums)
        ours = staged.staging.parent == staged.folder and staged.staging.name.startswith(_STAGING)
        if not (plain and ours and len(pairs) == len(sums) == len(stems) + 1):
            raise ValueError(f"not what was staged: {text[:80]!r}")
        return staged


def stage(
    folder: Path,
    token: str,
    job_id: str,
    origin: str,
    take: FinishedTake,
    keep_latest: bool = False,
) -> Staged:
    """Write every file of a job where nobody looks, and wait until the disk has them. OSError as it
    comes; then nothing is left. `token` marks the files as one journal's, for its `sweep`.
    """
    # somebody may have tidied up; what is above may be a volume that is not there
    folder.mkdir(exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f"{_STAGING}{token}-", dir=folder))
    try:
        staged = _staged(staging, job_id, origin, take, keep_latest)
        disk.sync_folder(staging)
        disk.sync_folder(folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return staged


def land(staged: Staged) -> Landed | None:
    """Give all files their names, or none; do what is left of it where an earlier call was cut off.

    None when a name was taken meanwhile: `renamed` has the next free ones. OSError as it comes: try
    again later.
    """
    try:
        if not all(_landed(file) for file in staged.files):
            _undo(staged)
            return None
        disk.sync_folder(staged.folder)
    except OSError:
        with suppress(OSError):  # where this fails too, the next call goes on from there
            _undo(staged)
        raise
    return _finished(staged)


def show(staged: Staged) -> bool:
    """Give all files their names at once, for who is in a hurry; `land` has to follow, whatever
    comes of this. False when a name was taken meanwhile, or the disk does not want to.
    """
    try:
        return all(
            disk.there(file.source) and disk.take_name(file.source, file.target)
            for file in staged.files
        )
    except OSError:
        return False


def renamed(staged: Staged) -> Staged:
    """The same files with the next free names. The journal must know of it before `land`."""
    match = re.fullmatch(r"(.*_s-?\d+)(?:_(\d+))?", staged.stem, re.DOTALL)
    base, number = (match[1], int(match[2] or 1)) if match else (staged.stem, 1)
    stem = _free_stem(staged.folder, base, staged.tails, number + 1)
    return _named(staged, stem, json.loads(staged.files[-1].source.read_bytes()))


def recover(
    staged: Staged, remember: Callable[[Staged], None] = lambda staged: None
) -> Landed | None:
    """Finish a landing that a crash cut off. None when files are missing, and the job must be
    rendered again.

    `remember` hears of every new choice of names before it is used: the journal keeps it. OSError
    when the volume does not answer now; nothing is lost by trying again later.
    """
    staged.folder.mkdir(exist_ok=True)  # raises when the volume is not there, as `stage` would
    *clips, manifest = staged.files
    if (
        not disk.there(manifest.source) and manifest.landed
    ):  # the last one: all were there; some may be deleted since
        landed = _finished(staged)
        return Landed(tuple(clip for clip in landed.clips if disk.there(clip[1])), landed.manifest)
    if not all(disk.there(file.source) or file.landed for file in (*clips, manifest)):
        return None
    while (finished := land(staged)) is None:
        staged = renamed(staged)
        remember(staged)
    return finished


def discard(staged: Staged) -> None:
    """Forget files that nobody wants any more, before they land."""
    shutil.rmtree(staged.staging, ignore_errors=True)


def sweep(folder: Path, token: str, keep: Container[Path] = (), older: float = 0.0) -> None:
    """Remove what one journal's killed daemon left half written in a folder, except `keep` and what
    is not `older` (in seconds), and nothing else.
    """
    latest = time.time() - older if older else math.inf
    own = re.compile(re.escape(f"{_STAGING}{token}-") + _RANDOM)
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if (
                not own.fullmatch(entry.name)
                or not entry.is_dir(follow_symlinks=False)
                or Path(entry.path) in keep
            ):
                continue
            if entry.stat(follow_symlinks=False).st_mtime < latest:
                shutil.rmtree(entry.path, ignore_errors=True)


def write(
    folder: Path, job_id: str, take: FinishedTake, origin: str = "", keep_latest: bool = False
) -> Landed:
    """Stage and land at once, for who has no journal. Either all files become visible, or none.
    OSError.

    What a killed one left half written is removed by the first that comes a day later.
    """
    sweep(folder, ONCE, older=DAY)
    staged = stage(folder, ONCE, job_id, origin, take, keep_latest)
    try:
        while (landed := land(staged)) is None:
            staged = renamed(staged)
    except BaseException:
        discard(staged)
        raise
    return landed


def read_manifest(
    path: Path, build_request: Callable[[Mapping[str, Any]], Request] | None = None
) -> TakeInfo:
    """What decides how a take sounds, and no more of what its manifest says: the request, the
    model, the bits of its weights and its adapters. Raises ValueError saying what is wrong with the
    file.

    `build_request` makes the request of its values, and may refuse them; without one, files that it
    names need not exist.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
        adapters = adapter.checked(
            (str(path), float(scale)) for path, scale in data.get("adapters", ())
        )
        values = data["request"]
        request = build_request(values) if build_request else Request(**values)
        return TakeInfo(request, str(data["model"]), int(data.get("bits", 0)), adapters)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path}: not a manifest of a take ({error})") from error


def stem_of(request: Request) -> str:
    """`night-drive_128bpm_Amin_8bars_s42`: a name importers read tempo, key and length from."""
    parts = [name_of(request)]
    if request.bpm:
        parts.append(f"{request.bpm:g}bpm")
    if request.key:
        parts.append(
            request.key.replace("♯", "#")
            .replace("♭", "b")
            .replace(" major", "maj")
            .replace(" minor", "min")
        )
    parts.append(f"{request.bars}bars" if request.bars else f"{request.length:g}s")
    return "_".join([*parts, f"s{request.seed}"])


def name_of(request: Request) -> str:
    """`night-drive`: the name given, or the first words there are."""
    text = unicodedata.normalize("NFC", request.name or request.prompt or request.lyrics).lower()
    slug = ""
    for word in re.findall(r"[^\W_]+", text):
        if len(f"{slug}-{word}".encode()) > 48:
            break
        slug = f"{slug}-{word}" if slug else word
    return slug or "take"


# --- staging --------------------------------------------------------------------------------------


def _staged(
    staging: Path, job_id: str, origin: str, take: FinishedTake, keep_latest: bool
) -> Staged:
    info = take.info
    request = info.request
    form = FORMATS[request.format]
    created = time.localtime()
    level = (
        levels.levelled([stem.audio for stem in take.stems], request)
        if take.stems
        else levels.Levelled([])
    )
    pairs = []
    sums = []
    clips = []
    for number, (stem, audio) in enumerate(zip(take.stems, level.parts)):
        loudness = None if number else level.loudness
        about = (
            job_id,
            info.model,
            created,
            audio.shape[1],
            form.bits,
            loudness,
            info.sections,
        )
        part = f"{number}{_PART}"
        sums.append(
            disk.write(staging / part, _encoded(audio, chunks.Facts(request, stem.name, *about)))
        )
        pairs.append(
            (part, f"{'' if stem.name == MIX else '_' + stem.name}.{form.container.lower()}")
        )
        clips.append(
            {
                "stem": stem.name,
                "file": "",
                "samples": audio.shape[1],
                "sample_rate": request.sample_rate,
            }
            | {
                "format": request.format,
                "gain_db": round(20 * math.log10(level.gain), 3),
                "sha256": sums[-1],
            }
        )
    stems = tuple(stem.name for stem in take.stems)
    name = name_of(request) if keep_latest and take.stems else ""
    draft = Staged(staging.parent, staging, (*pairs, ("", ".json")), stems, (*sums, ""), name)
    notes = [*info.notes, *_shortfall(request, level)]
    data = manifest_of(job_id, origin, info, created) | {
        "notes": notes,
        "loudness": level.loudness,
        "clips": clips,
    }
    return _named(draft, _free_stem(draft.folder, stem_of(request), draft.tails), data)


def manifest_of(
    job_id: str, origin: str, info: TakeInfo, created: time.struct_time
) -> dict[str, Any]:
    """Everything from which the same take can be made again; the files are added when they are
    known.
    """
    versions = {"mlx": version("mlx"), "numpy": np.__version__, "python": platform.python_version()}
    return {
        "acestepd": VERSION,
        "id": job_id,
        "origin": origin,
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


def _shortfall(request: Request, level: levels.Levelled) -> list[str]:
    """What to say where the true peak did not allow the loudness."""
    if level.loudness is None or level.loudness > request.loudness - 0.05:
        return []
    reached = f"{level.loudness:.1f} LUFS instead of {request.loudness:g}"
    return [
        f"the clip has {reached}: its true peak may not exceed peak_db, {request.peak_db:g} dBFS"
    ]


def _named(staged: Staged, stem: str, data: dict[str, Any]) -> Staged:
    """The files under another stem, with a manifest that says so; the one of the old names stays,
    for a crash.
    """
    names = [stem + tail for tail in staged.tails]
    data["clips"] = [clip | {"file": name} for clip, name in zip(data["clips"], names)]
    parts = [part for part, _ in staged.pairs[:-1]] + [f"{names[-1]}{_PART}"]
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    # file names may be odd
    total = disk.write(staged.staging / parts[-1], text.encode("utf-8", "backslashreplace"))
    disk.sync_folder(staged.staging)
    return replace(staged, pairs=tuple(zip(parts, names)), sums=(*staged.sums[:-1], total))


def _free_stem(folder: Path, base: str, tails: Sequence[str], first: int = 1) -> str:
    """The first of `base`, `base_2`, ... of which no file exists, in any format; another writer may
    still be faster.
    """
    ends = {*tails, ".wav", ".flac", ".json"}
    stems = (base if number == 1 else f"{base}_{number}" for number in itertools.count(first))
    return next(
        stem for stem in stems if not any(disk.there(folder / f"{stem}{end}") for end in ends)
    )


def _encoded(audio: np.ndarray, facts: chunks.Facts) -> memoryview:
    """The file's bytes. In memory first: libsndfile would hide why a disk refuses."""
    form = FORMATS[facts.request.format]
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", facts.rate, 2, form.subtype, format=form.container
    ) as file:
        for name, text in chunks.tags(facts).items() if form.container == "FLAC" else ():
            setattr(file, name, text)
        file.write((levels.dithered(audio, facts.request.seed) if form.bits == 16 else audio).T)
    if form.container == "WAV":
        chunks.append(buffer, chunks.about(facts))
    return buffer.getbuffer()


def write_preview(folder: Path, name: str, audio: np.ndarray) -> Path:
    """An estimate (2, samples) at 48 kHz as folder/name.wav; the newest `PREVIEWS` are kept there.
    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    path = folder / f"{name}.wav"
    soundfile.write(buffer, audio.T, SAMPLE_RATE, "PCM_24", format="WAV")
    part = folder / f"{name}{_PART}"
    part.write_bytes(buffer.getbuffer())
    part.replace(path)
    for old in sorted(folder.glob("*.wav"), key=lambda file: file.stat().st_mtime)[:-PREVIEWS]:
        old.unlink(missing_ok=True)
    return path


# --- landing --------------------------------------------------------------------------------------


def _landed(file: File) -> bool:
    """Whether the file has its final name now; False when that is another file's."""
    if disk.there(file.source):
        return disk.take_name(file.source, file.target)
    if file.landed:  # renamed before a crash
        return True
    raise FileNotFoundError(errno.ENOENT, "a staged file is gone", str(file.source))


def _undo(staged: Staged) -> None:
    """Take back the names that `land` gave, and only those."""
    for file in reversed(staged.files):
        if not disk.there(file.source):
            if file.landed:
                os.rename(file.target, file.source)
        elif disk.there(file.target) and disk.same(file.source, file.target):
            os.unlink(file.target)


def _finished(staged: Staged) -> Landed:
    """All have their names: the latest clips follow, and what was staged goes."""
    *clips, manifest = staged.files
    if staged.latest and staged.staging.is_dir():
        newest = {
            latest.name_of(staged.latest, tail): file[1:] for tail, file in zip(staged.tails, clips)
        }
        try:
            latest.update(staged.latest, newest, manifest.target, staged.staging)
        except (OSError, ValueError) as error:
            log.warning("%s has landed, but not as the latest: %s", manifest.target, error)
    shutil.rmtree(staged.staging, ignore_errors=True)
    return Landed(staged.clips, manifest.target)
