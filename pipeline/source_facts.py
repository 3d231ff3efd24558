"""What a sound file says of itself: tempo, key, metre, length and name.

The manifest beside a clip of ours is believed first, then what other programs write into a WAV
(acid, iXML, smpl), then the file's name: "loop_92bpm_Am.wav". Nothing here decodes sound. No MLX.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from . import untrusted
from .limits import LIMITS
from .prompt_reading import read_prompt
from .real_files import open_real
from .request import FIELDS, BadRequest, Request, coerce
from .sound_headers import read_header

_INEXACT = 0.01  # seconds that a sound of whole bars may be longer or shorter
_MANIFEST = "its manifest"
_CHUNKS = "its chunks"
_NAME = "its name"
_ONE_SHOT = 0x01  # acid's flag: it has no beats
_MOST_PARTS = 3  # behind a base name: `backing_vocals`, `preview_4`, and a `_`


class SourceFacts(NamedTuple):
    """What is known of a sound: `bpm`, `key`, `time_signature` and `bars` as a request takes them,
    0 or "" where nothing says them; its length in `seconds`, 0 where the file does not say;
    `name`, as its file is called without all of that. `where` says what told tempo, key and metre,
    in words.
    """

    bpm: float = 0.0
    key: str = ""
    time_signature: str = ""
    bars: int = 0
    seconds: float = 0.0
    name: str = ""
    where: str = ""


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
        (_CHUNKS, sound.values),
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
    )


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


def _keep_valid(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as a request keeps them, without those that none can have."""
    kept = {}
    for name, value in values.items():
        with suppress(BadRequest):
            kept[name] = coerce(name, value)
    return kept


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
            with open_real(path) as stream:
                content = untrusted.read_stream(stream, Path(path), LIMITS.manifest_bytes)
            data = untrusted.parse_json(content)
            if not _is_about(data, file, Path(path), seconds):
                continue
            request = Request.restore(data["request"])
            meter = "{}/{}".format(*request.meter) if request.bpm else ""
            values = {"bpm": request.bpm, "key": request.key, "time_signature": meter}
            return _keep_valid(values) | {"name": request.name}
    return {}


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


# --- its chunks -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sound:
    """What is in the file itself: its length and its loop's, in seconds, 0 where it does not say;
    and values of a request.
    """

    seconds: float = 0.0
    loop: float = 0.0
    values: Mapping[str, Any] = field(default_factory=dict)


def _read_sound(file: Path) -> _Sound:
    """Raises OSError."""
    with open_real(file) as stream:
        header = read_header(stream)
        if header.kind != "wav" or header.is_unfinished:
            return _Sound(header.promised)
        chunks = _read_chunks(stream, header.start)
    acid = _read_acid(chunks.get(b"acid", b""), header.promised)
    written = _read_ixml(chunks.get(b"iXML", b""))
    values = acid | {name: value for name, value in written.items() if value}
    loop = _read_loop(chunks.get(b"smpl", b""))
    return _Sound(header.promised, loop if loop <= header.promised else 0.0, values)


def _read_chunks(stream: BinaryIO, start: int) -> dict[bytes, bytes]:
    """The first chunk of each name that is looked for, without any that is larger than is read."""
    stream.seek(start)
    head = stream.read(12)
    order = ">" if head[:4] == b"RIFX" else "<"
    size = os.fstat(stream.fileno()).st_size
    place = start + 12
    long_data = 0  # a WAV's of more than 4 GB, which says so elsewhere
    chunks: dict[bytes, bytes] = {}
    for _ in range(LIMITS.sound_chunks):
        stream.seek(place)
        head = stream.read(8)
        if len(head) < 8:
            break
        name, length = struct.unpack(f"{order}4sI", head)
        if name == b"ds64" and length >= 16:
            long_data = struct.unpack("<QQ", stream.read(16).ljust(16, b"\0"))[1]
        elif name in (b"acid", b"smpl", b"iXML") and length <= LIMITS.sound_chunk_bytes:
            chunks.setdefault(name, stream.read(length))
        if name == b"data" and length == 0xFFFF_FFFF:
            length = long_data
        place += 8 + length + length % 2
        if place >= size:
            break
    return chunks


def _read_acid(chunk: bytes, seconds: float) -> dict[str, Any]:
    """Tempo and metre. Its note is no key, which would need a mode; a one-shot's tempo is often
    none.
    """
    if len(chunk) < 24:
        return {}
    flags, _, _, _, beats, unit, count, bpm = struct.unpack("<IHHfIHHf", chunk[:24])
    if flags & _ONE_SHOT and not beats:
        return {}
    if not bpm and seconds:
        bpm = beats * 60 / seconds
    return _keep_valid({"bpm": _round(bpm), "time_signature": f"{count}/{unit}"})


def _round(bpm: float) -> float:
    """As it was written, where it was kept in 32 bits."""
    return float(f"{bpm:.6g}")


def _read_loop(chunk: bytes) -> float:
    """The seconds of the first loop of a sampler's chunk."""
    if len(chunk) < 60:
        return 0.0
    fields = struct.unpack("<15I", chunk[:60])
    period, loops, first, last = fields[2], fields[7], fields[11], fields[12]
    return (last - first + 1) * period * 1e-9 if loops and last > first else 0.0


def _read_ixml(chunk: bytes) -> dict[str, Any]:
    """What REAPER and others write of a clip: tempo, metre, key."""
    try:
        root = ElementTree.fromstring(chunk.rstrip(b"\0"), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return {}
    texts = _collect_texts(root)
    return _keep_valid(
        {
            "bpm": texts.get("tempo", ""),
            "time_signature": texts.get("timesig", "").replace(":", "/"),
            "key": texts.get("inkey", ""),
        }
    )


def _collect_texts(root: Element) -> dict[str, str]:
    """The first text of each element, by its name in small letters."""
    texts: dict[str, str] = {}
    for element in root.iter():
        if isinstance(element.tag, str) and element.text and element.text.strip():
            texts.setdefault(element.tag.lower(), element.text.strip())
    return texts


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
    return name or stem, _keep_valid(values)
