"""What a WAV says about itself behind its samples: bext, acid, smpl, cue with labels, iXML.

They stand behind the sound. So the samples begin where a plain WAV's
do, and a reader that knows none of the chunks plays the file all the same. Layouts: EBU Tech 3285
(bext), RIFF MCI (smpl, cue, adtl), libsndfile's notes (acid has no specification), iXML with the
ASWG-G006 extension (what REAPER calls tempo and key).
"""

from __future__ import annotations

import re
import struct
import time
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO
from xml.etree import ElementTree

from pipeline.guide.harmony import scale_of
from pipeline.request import Request

from .. import VERSION
from .names import describe_seed

Chunk = tuple[bytes, bytes]  # its four letters, what it holds

MIDDLE_C = 60
LIMIT = 2**32 - 1  # a RIFF counts its bytes in 32 bits
_ONE_SHOT = 0x01  # acid's flags
_ROOT_SET = 0x02
_STRETCH = 0x04
_ROOT_FROM_MIDDLE_C = 0x10
_UNKNOWN = 0x7FFF  # a loudness that bext leaves open
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class ClipFacts:
    """What there is to say about one file."""

    request: Request
    stem: str
    job: str
    model: str
    created: time.struct_time
    samples: int
    bits: int
    loudness: float | None = None  # LUFS, where it is known
    sections: tuple[tuple[float, str], ...] = ()  # seconds, label

    @property
    def rate(self) -> int:
        return self.request.sample_rate

    @property
    def loops(self) -> bool:
        """Whether it was made as bars, which go around."""
        return bool(self.request.bars)

    @property
    def beats(self) -> float:
        """Its length in quarter notes, as near as samples come."""
        return self.samples / self.rate * self.request.bpm / 60

    @property
    def meter(self) -> tuple[int, int]:
        """6/8 -> (6, 8)."""
        return self.request.meter

    @property
    def root(self) -> int | None:
        """The key's tonic, as a MIDI note from middle C upwards."""
        return MIDDLE_C + scale_of(self.request.key)[0] if self.request.key else None


def append_chunks(wav: BinaryIO, chunks: Iterable[Chunk]) -> None:
    """Add chunks to a complete WAV. Its size in the header is written last. Raises ValueError when
    it is none, or would exceed what a WAV can hold.
    """
    wav.seek(0)
    head = wav.read(12)
    end = wav.seek(0, 2)
    if (
        len(head) < 12
        or (head[:4], head[8:]) != (b"RIFF", b"WAVE")
        or struct.unpack("<I", head[4:8])[0] + 8 != end
    ):
        raise ValueError(f"chunks can only be added to a whole WAV; these {end} bytes are none")
    tail = b"\0" * (end % 2) + pack_chunks(chunks)
    size = pack_size(end + len(tail))
    wav.write(tail)
    wav.seek(4)
    wav.write(size)


def build_head(rate: int, bits: int, samples: int, tail: bytes) -> bytes:
    """What stands in a WAV before so many stereo samples of whole numbers, behind which `tail`
    follows. Raises ValueError when that exceeds what a WAV can hold.
    """
    frame = 2 * bits // 8  # bytes: an even number, so that nothing need be filled up
    sound = samples * frame
    form = struct.pack("<HHIIHH", 1, 2, rate, rate * frame, frame, bits)
    head = b"WAVE" + _pack(b"fmt ", form) + b"data" + struct.pack("<I", min(sound, LIMIT))
    return b"RIFF" + pack_size(8 + len(head) + sound + len(tail)) + head


def pack_chunks(chunks: Iterable[Chunk]) -> bytes:
    return b"".join(_pack(*chunk) for chunk in chunks)


def pack_size(length: int) -> bytes:
    """That of a RIFF of so many bytes, as its header has it. Raises ValueError."""
    size = length - 8
    if size > LIMIT:
        raise ValueError(
            f"a WAV holds at most {LIMIT} bytes, got {size}; ask for flac, or a shorter clip"
        )
    return struct.pack("<I", size)


def build_chunks(facts: ClipFacts) -> list[Chunk]:
    """Everything that can be said of a clip. Tempo, loop and markers only where there are any."""
    chunks = [(b"bext", build_bext(facts)), (b"iXML", build_ixml(facts))]
    if facts.request.bpm:
        chunks.append((b"acid", build_acid(facts)))
    if facts.loops:
        chunks.append((b"smpl", build_smpl(facts)))
    if facts.sections:
        chunks += [(b"cue ", build_cue(facts)), (b"LIST", build_labels(facts))]
    return chunks


def build_bext(facts: ClipFacts) -> bytes:
    """Broadcast Wave, version 2. All its text is ASCII; iXML has the same in full."""
    created = facts.created
    request = facts.request
    loudness = _UNKNOWN if facts.loudness is None else round(100 * facts.loudness)
    tool = f"acestepd {VERSION} {facts.model} seed {describe_seed(request)}"
    history = f"A=PCM,F={facts.rate},W={facts.bits},M=stereo,T={tool}"
    fixed = struct.pack(
        "<256s32s32s10s8sQH64s5h180x",
        _to_ascii(f"{facts.stem}: {request.prompt or request.lyrics}", 256),
        b"acestepd",
        _to_ascii(f"s{describe_seed(request)} {facts.job}", 32),
        time.strftime("%Y-%m-%d", created).encode(),
        time.strftime("%H:%M:%S", created).encode(),
        0,  # samples since midnight: the clip begins where it is put
        2,
        b"",
        *(loudness, _UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN),
    )
    return fixed + _to_ascii(history, 256) + b"\r\n"


def build_acid(facts: ClipFacts) -> bytes:
    """Tempo, beats and key. A clip that was not made as bars, or has half a beat, is a one-shot:
    readers would stretch it to whole beats.
    """
    beats = round(facts.beats)
    flags = _STRETCH if facts.loops and abs(facts.beats - beats) < 0.01 else _ONE_SHOT
    if facts.root is not None:
        flags |= _ROOT_SET | _ROOT_FROM_MIDDLE_C
    count, unit = facts.meter
    root = MIDDLE_C if facts.root is None else facts.root
    return struct.pack("<IHHfIHHf", flags, root, 0x8000, 0.0, beats, unit, count, facts.request.bpm)


def build_smpl(facts: ClipFacts) -> bytes:
    """One loop, forwards and for ever, from the first sample to the last."""
    root = MIDDLE_C if facts.root is None else facts.root
    head = struct.pack("<9I", 0, 0, round(1e9 / facts.rate), root, 0, 0, 0, 1, 0)
    return head + struct.pack("<6I", 0, 0, 0, facts.samples - 1, 0, 0)


def build_cue(facts: ClipFacts) -> bytes:
    places = [min(round(seconds * facts.rate), facts.samples - 1) for seconds, _ in facts.sections]
    points = (
        struct.pack("<II4sIII", n, place, b"data", 0, 0, place) for n, place in enumerate(places, 1)
    )
    return struct.pack("<I", len(places)) + b"".join(points)


def build_labels(facts: ClipFacts) -> bytes:
    """The names of the cue points."""
    texts = (
        text.replace("\0", "").encode("utf-8", "replace") + b"\0" for _, text in facts.sections
    )
    return b"adtl" + b"".join(
        _pack(b"labl", struct.pack("<I", n) + text) for n, text in enumerate(texts, 1)
    )


def build_ixml(facts: ClipFacts) -> bytes:
    request = facts.request
    count, unit = facts.meter
    title = request.name or request.prompt or request.lyrics
    root = ElementTree.Element("BWFXML")
    head = {
        "IXML_VERSION": "3.01",
        "PROJECT": "acestepd",
        "SCENE": title,
        "TAKE": request.seed,
        "NOTE": request.prompt,
    }
    music = {
        "contentType": "music",
        "isGenerated": "true",
        "project": "acestepd",
        "songTitle": title,
        "instrument": facts.stem,
        "isLoop": str(facts.loops).lower(),
        "tempo": f"{request.bpm:g}" if request.bpm else "",
        "timeSig": f"{count}:{unit}" if request.bpm else "",
        "inKey": request.key,
        "loudness": "" if facts.loudness is None else f"{facts.loudness:.1f}",
    }
    own = {
        "SEED": request.seed,
        "VARIATION": f"{request.variation:g}" if request.variation else "",
        "VARIATION_SEED": request.variation_seed if request.variation else "",
        "MODEL": facts.model,
        "BARS": request.bars or "",
        "JOB": facts.job,
        "BY": VERSION,
    }
    _add_elements(root, head)
    tracks = ElementTree.SubElement(root, "TRACK_LIST")
    _add_elements(tracks, {"TRACK_COUNT": 2})
    for number, side in enumerate("LR", 1):
        track = ElementTree.SubElement(tracks, "TRACK")
        _add_elements(
            track,
            {"CHANNEL_INDEX": number, "INTERLEAVE_INDEX": number, "NAME": f"{facts.stem} {side}"},
        )
    _add_elements(ElementTree.SubElement(root, "ASWG"), music)
    _add_elements(ElementTree.SubElement(root, "USER"), own)
    document: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + document


def build_tags(facts: ClipFacts) -> dict[str, str]:
    """The same for a FLAC, as far as libsndfile writes its comments."""
    request = facts.request
    count, unit = facts.meter
    tempo = f"{request.bpm:g} bpm {count}/{unit}" if request.bpm else ""
    bars = f"{request.bars} bars" if request.bars else ""
    comment = ", ".join(
        filter(None, [tempo, request.key, bars, f"seed {describe_seed(request)}", facts.model])
    )
    return {
        "title": f"{request.name or request.prompt or request.lyrics} ({facts.stem})",
        "comment": comment,
        "date": time.strftime("%Y-%m-%d", facts.created),
        "software": f"acestepd {VERSION}",
    }


def _add_elements(element: ElementTree.Element, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        if value != "":
            ElementTree.SubElement(element, name).text = _NOT_XML.sub("", str(value))


def _pack(name: bytes, content: bytes) -> bytes:
    """A chunk with its head, padded to an even length, which its size does not count."""
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _to_ascii(text: str, limit: int) -> bytes:
    """What ASCII has of a text, on one line, at most `limit` characters."""
    plain = " ".join(unicodedata.normalize("NFKD", text).split())
    return "".join(c for c in plain if not unicodedata.combining(c)).encode("ascii", "replace")[
        :limit
    ]
