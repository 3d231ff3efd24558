"""What a sound file says of itself: tempo, key, metre, length and name.

The manifest beside a clip of ours is believed first, then what other programs write into
its chunks, then its tags, then the file's name: "loop_92bpm_Am.wav". Nothing here decodes sound. No
MLX.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from . import untrusted
from .limits import LIMITS
from .prompt_reading import read_prompt
from .real_files import open_real
from .request import FIELDS, Request
from .sound_chunks import keep_valid, read_chunks, read_loop, read_values
from .sound_headers import SoundHeader, read_header
from .sound_tags import read_tags

_INEXACT = 0.01  # seconds that a sound of whole bars may be longer or shorter
_BLOCK = 2**20  # bytes of a file that are read at once
_MANIFEST = "its manifest"
_CHUNKS = "its chunks"
_TAGS = "its tags"
_NAME = "its name"
_FIELDS = {"bpm": "bpm", "key": "key", "title": "name"}  # of a request, that tags say
_CALLED = {"bpm": "tempo", "key": "key", "title": "title"}
_MOST_QUOTED = 40  # characters of a tag
_MOST_PARTS = 3  # behind a base name: `backing_vocals`, `preview_4`, and a `_`


class SourceFacts(NamedTuple):
    """What is known of a sound: `bpm`, `key`, `time_signature` and `bars` as a request takes them,
    0 or "" where nothing says them; its length in `seconds`, 0 where the file does not say;
    `name`, as its file is called without all of that, or its title. `where` says what told tempo,
    key and metre, in words; `remarks` are sentences about what says none. Of what
    `is_empty` it is certain that there is no sample in it. `channels` and `rate`, in Hz, are 0
    where they are not known.
    """

    bpm: float = 0.0
    key: str = ""
    time_signature: str = ""
    bars: int = 0
    seconds: float = 0.0
    name: str = ""
    where: str = ""
    remarks: tuple[str, ...] = ()
    is_empty: bool = False
    channels: int = 0
    rate: float = 0.0


def read_facts(path: str | Path) -> SourceFacts:
    """The facts of a file that exists; none of one that cannot be read. A file that has not changed
    is read once, and its path leads over no link. Reads files.
    """
    file = Path(path)
    with suppress(OSError, ValueError):
        manifests = tuple(
            (str(each), untrusted.FileState.of(each))
            for each in _list_manifests(file)
            if each.is_file()
        )
        return _read_facts(str(file), untrusted.FileState.of(file), manifests)
    return SourceFacts()


@lru_cache(256)
def _read_facts(
    path: str,
    state: untrusted.FileState,
    manifests: tuple[tuple[str, untrusted.FileState], ...],
) -> SourceFacts:
    file = Path(path)
    sound = _read_sound(file)
    name, named = _read_name(file.stem)
    found = [
        (_MANIFEST, _read_manifests(file, [each for each, _ in manifests], sound.seconds)),
        (_CHUNKS, sound.chunks),
        (_TAGS, sound.tags),
        (_NAME, named),
    ]
    values: dict[str, Any] = {}
    places = []
    for place, said in found:
        new = {each: value for each, value in said.items() if value and each not in values}
        values |= new
        if new.keys() - {"name"}:
            places.append(place)
    bars = _count_bars(values, sound.loop or sound.seconds)
    return SourceFacts(
        bpm=values.get("bpm", 0.0),
        key=values.get("key", ""),
        time_signature=values.get("time_signature", ""),
        bars=bars,
        seconds=sound.seconds,
        name=values.get("name", "") or name,
        where=" and ".join(places),
        remarks=sound.remarks,
        is_empty=sound.header.is_empty,
        channels=sound.header.channels,
        rate=sound.header.rate,
    )


def find_stem(path: str | Path, stem: str) -> Path | None:
    """The file of a clip's stem: of one that was made here, as the manifest beside it says, where
    neither of both files was changed since. Reads files, those that have not changed once.
    """
    file = Path(path)
    for manifest in _list_manifests(file):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            clips = {clip["stem"]: clip for clip in _parse_manifest(manifest)["clips"]}
            found = file.with_name(Path(clips[stem]["file"]).name)
            if _is_same(file, clips["mix"]) and _is_same(found, clips[stem]):
                return found
    return None


def _is_same(file: Path, clip: Mapping[str, Any]) -> bool:
    """Whether a file has what it had when its manifest was written. Raises OSError."""
    return bool(_digest(str(file), untrusted.FileState.of(file)) == clip["sha256"])


@lru_cache(256)
def _digest(path: str, state: untrusted.FileState) -> str:
    """The SHA-256 of a file in that state. Raises OSError."""
    hashed = hashlib.sha256()
    with open_real(path) as stream:
        while block := stream.read(_BLOCK):
            hashed.update(block)
    return hashed.hexdigest()


def _count_bars(values: Mapping[str, Any], seconds: float) -> int:
    """How many bars it is, where it is whole ones; 0 where it is not, or where its tempo is not
    known.
    """
    if not values.get("bpm") or not seconds:
        return 0
    bar = Request(time_signature=values.get("time_signature", "")).beats * 60 / values["bpm"]
    bars = round(seconds / bar)
    is_whole = bars and abs(bars * bar - seconds) < _INEXACT
    return bars if is_whole and bars <= FIELDS["bars"].high else 0


# --- its manifest ---------------------------------------------------------------------------------


def _list_manifests(file: Path) -> Iterator[Path]:
    """Where a manifest of it may be: `pad_s7.json` of `pad_s7.wav` and of `pad_s7_drums.wav`."""
    parts = file.stem.split("_")
    for count in range(len(parts), max(len(parts) - _MOST_PARTS, 1) - 1, -1):
        yield file.with_name("_".join(parts[:count]) + ".json")


def _read_manifests(file: Path, paths: list[str], seconds: float) -> dict[str, Any]:
    """What the first manifest of ours says that is about this sound."""
    for path in paths:
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            data = _parse_manifest(Path(path))
            if not _is_about(data, file, Path(path), seconds):
                continue
            request = Request.restore(data["request"])
            meter = "{}/{}".format(*request.meter) if request.bpm else ""
            values = {"bpm": request.bpm, "key": request.key, "time_signature": meter}
            return keep_valid(values) | {"name": request.name}
    return {}


def _parse_manifest(path: Path) -> Any:
    """Raises OSError and ValueError."""
    with open_real(path) as stream:
        return untrusted.parse_json(untrusted.read_stream(stream, path, LIMITS.manifest_bytes))


def _is_about(data: Mapping[str, Any], file: Path, path: Path, seconds: float) -> bool:
    """Whether a manifest is of this file, and of what is in it now: it has its length. It may have
    been renamed together with its clip.
    """
    if "acestepd" not in data:
        return False
    clips = {clip["file"]: clip for clip in data["clips"]}
    is_latest = file.name in data.get("latest", {})
    clip = clips.get(file.name)
    if clip is None and (is_latest or file.stem == path.stem):
        clip = next(iter(clips.values()), None)
    if clip is None:
        return False
    length = clip["samples"] / clip["sample_rate"]
    return not seconds or abs(length - seconds) < _INEXACT


# --- what is in it --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sound:
    """What is in the file itself: its length and its loop's, in seconds, 0 where it does not say;
    values of a request, of its chunks and of its tags; and sentences about tags that say none.
    """

    seconds: float = 0.0
    loop: float = 0.0
    chunks: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    header: SoundHeader = SoundHeader()


def _read_sound(file: Path) -> _Sound:
    """Raises OSError."""
    with open_real(file) as stream:
        header = read_header(stream)
        chunks = {} if header.is_unfinished else read_chunks(stream, header)
        tags = read_tags(stream, header, chunks)
    loop = read_loop(chunks)
    return _Sound(
        header.promised,
        loop if loop <= header.promised else 0.0,
        read_values(chunks, header.promised),
        keep_valid({_FIELDS[name]: text for name, text in tags.items()}),
        tuple(_find_wrong(tags)),
        header,
    )


def _find_wrong(tags: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each tag that says no value."""
    for name, text in tags.items():
        if not keep_valid({_FIELDS[name]: text}).get(_FIELDS[name]):
            what = _CALLED[name]
            yield f"its tags say that its {what} is {text[:_MOST_QUOTED]!r}, which is no {what}"


# --- its name -------------------------------------------------------------------------------------

_SEPARATORS = " _-.,()[]"
_BETWEEN = re.compile(r"[_()\[\],\s]|(?<!\d)-|-(?!\d)")
_BARE = re.compile(r"(?<![\w.])(?!0)\d{2,3}(?![\w.])")  # a number by itself
_BARS = re.compile(r"(?<!\d)\d+ ?bars?[ _-]*$", re.IGNORECASE)
_TEMPOS = range(40, 241)  # that a number by itself may be, beside a key


def _read_name(stem: str) -> tuple[str, dict[str, Any]]:
    """What a file is called, and what its name says: `loop_92bpm_Am` -> `loop`, 92 bpm, A minor. A
    number by itself is a tempo beside a key: `Amaj 120`.
    """
    text = _BETWEEN.sub(" ", stem)  # as long as it was
    reading = read_prompt(text)
    values: dict[str, Any] = {"bpm": reading.bpm, "key": reading.key}
    words = [*reading.tempo.words, *reading.musical_key.words]
    numbers = [number[0] for number in _BARE.finditer(text) if int(number[0]) in _TEMPOS]
    if reading.key and not reading.bpm and len(numbers) == 1:
        values["bpm"] = float(numbers[0])
        words += numbers
    if not any(values.values()):
        return stem, {}
    begin = min((text.find(word) for word in words if word in text), default=len(text))
    name = _BARS.sub("", stem[:begin]).strip(_SEPARATORS)
    return name or stem, keep_valid(values)
