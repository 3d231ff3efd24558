"""What other programs write into the chunks of a WAV (acid, iXML, smpl), an AIFF (Apple Loops'
basc) or a CAF (Apple Loops' strings): tempo, metre, key, a loop. Nothing here decodes sound. No
MLX.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from .guide.harmony import FLAT_NOTES
from .keys import ANY_KEY
from .limits import LIMITS
from .request import BadRequest, coerce
from .sound_headers import Chunk, SoundHeader, read_at, walk_chunks
from .sound_tags import parse_strings

_ID3 = (b"id3 ", b"ID3 ")
_UUID = b"uuid"
_LIST = b"LIST"
_APPLE_LOOP = _UUID + bytes.fromhex("29819273b5bf4aefb78d62d1ef90bb2c")
_WANTED = {
    "wav": (b"acid", b"smpl", b"iXML", _LIST, *_ID3),
    "aiff": (b"basc", *_ID3),
    "caf": (b"info", _UUID),
}
_ONE_SHOT = 0x01  # acid's flag: it has no beats
_MODES = {1: "minor", 2: "major"}  # of basc; the others are neither and both
_TONICS = {
    "major": FLAT_NOTES,
    "minor": ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"),
}

Chunks = Mapping[bytes, bytes]


def read_chunks(stream: BinaryIO, header: SoundHeader) -> dict[bytes, bytes]:
    """The first chunk of each name that says something, without any that is larger than is read. A
    CAF's `uuid` is called so, and by the sixteen bytes that follow; a WAV's `LIST` and by its kind.
    Raises OSError.
    """
    wanted = _WANTED.get(header.kind, ())
    found: dict[bytes, bytes] = {}
    for name, place, length in _list_chunks(stream, header) if wanted else ():
        most = LIMITS.sound_tag_bytes if name in _ID3 else LIMITS.sound_chunk_bytes
        if name not in wanted or not 0 <= length <= most:
            continue
        content = read_at(stream, place, length)
        if name == _UUID:
            name, content = name + content[:16], content[16:]
        if name == _LIST:
            name += content[:4]
        found.setdefault(name, content)
    return found


def read_values(chunks: Chunks, seconds: float) -> dict[str, Any]:
    """Values of a request that the chunks of a sound of this length say."""
    said = (
        _parse_acid(chunks.get(b"acid", b""), seconds),
        _parse_ixml(chunks.get(b"iXML", b"")),
        _parse_basc(chunks.get(b"basc", b""), seconds),
        _parse_loop_strings(chunks.get(_APPLE_LOOP, b""), seconds),
    )
    return {name: value for each in said for name, value in each.items() if value}


def keep_valid(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as a request keeps them, without those that no sound can have."""
    kept = {}
    for name, value in values.items():
        with suppress(BadRequest):
            if (known := coerce(name, value)) != ANY_KEY:
                kept[name] = known
    return kept


def read_loop(chunks: Chunks) -> float:
    """The seconds of the first loop of a sampler's chunk; 0 without one."""
    chunk = chunks.get(b"smpl", b"")
    if len(chunk) < 60:
        return 0.0
    fields = struct.unpack("<15I", chunk[:60])
    period, loops, first, last = fields[2], fields[7], fields[11], fields[12]
    return (last - first + 1) * period * 1e-9 if loops and last > first else 0.0


# --- where they are -------------------------------------------------------------------------------


def _list_chunks(stream: BinaryIO, header: SoundHeader) -> Iterator[Chunk]:
    if header.kind == "caf":
        chunks = walk_chunks(stream, header.start + 8, ">4sq")
    elif header.kind == "aiff":
        chunks = walk_chunks(stream, header.start + 12, ">4sI", 2)
    else:
        chunks = _walk_wav(stream, header.start)
    for _, chunk in zip(range(LIMITS.sound_chunks), chunks):
        yield chunk


def _walk_wav(stream: BinaryIO, start: int) -> Iterator[Chunk]:
    """Those of a WAV, which says the length of more than 4 GB of sound elsewhere."""
    order = ">" if read_at(stream, start, 4) == b"RIFX" else "<"
    place = start + 12
    long_data = 0
    while len(head := read_at(stream, place, 8)) == 8:
        name, length = struct.unpack(f"{order}4sI", head)
        place += 8
        if name == b"ds64" and length >= 16:
            long_data = struct.unpack("<QQ", read_at(stream, place, 16).ljust(16, b"\0"))[1]
        if name == b"data" and length == 0xFFFF_FFFF:
            length = long_data
        yield Chunk(name, place, length)
        place += length + length % 2


# --- a WAV's --------------------------------------------------------------------------------------


def _parse_acid(chunk: bytes, seconds: float) -> dict[str, Any]:
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
    return keep_valid({"bpm": _round(bpm), "time_signature": f"{count}/{unit}"})


def _round(bpm: float) -> float:
    """As it was written, where it was kept in 32 bits."""
    return float(f"{bpm:.6g}")


def _parse_ixml(chunk: bytes) -> dict[str, Any]:
    """What REAPER and others write of a clip: tempo, metre, key."""
    try:
        root = ElementTree.fromstring(chunk.rstrip(b"\0"), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return {}
    texts = _collect_texts(root)
    return keep_valid(
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


# --- Apple Loops ----------------------------------------------------------------------------------


def _parse_basc(chunk: bytes, seconds: float) -> dict[str, Any]:
    """Tempo, metre and key of an AIFF. What has no beats is a one-shot."""
    if len(chunk) < 18:
        return {}
    beats, note, scale, count, unit, is_one_shot = struct.unpack(">4xI5H", chunk[:18])
    mode = _MODES.get(scale, "")
    key = f"{_TONICS[mode][note % 12]} {mode}" if note and mode else ""
    meter = f"{count}/{unit}"
    bpm = 0.0 if is_one_shot else _measure_tempo(beats, meter, seconds)
    return keep_valid({"bpm": bpm, "time_signature": meter, "key": key})


def _parse_loop_strings(chunk: bytes, seconds: float) -> dict[str, Any]:
    """The same of a CAF."""
    texts = dict(parse_strings(chunk))
    mode, note = texts.get("key type", ""), texts.get("key signature", "")
    meter = texts.get("time signature", "")
    beats = keep_valid({"bars": texts.get("beat count", 0)}).get("bars", 0)
    values = {
        "bpm": _measure_tempo(beats, meter, seconds),
        "time_signature": meter if beats else "",
        "key": f"{note} {mode}" if note and mode in _TONICS else "",
    }
    return keep_valid(values)


def _measure_tempo(beats: int, meter: str, seconds: float) -> float:
    """The quarters a minute of a sound that has so many beats, in the metre's own notes."""
    unit = meter.partition("/")[2]
    if not beats or not seconds or unit not in ("2", "4", "8", "16"):
        return 0.0
    return _round(beats * 60 / seconds * 4 / int(unit))
