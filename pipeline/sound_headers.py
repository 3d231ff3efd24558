"""What the beginning of a sound file says: its kind by its content, and whether what it says is so.

Recorders that stop without closing a file, syncs that stop half way and programs that count wrong
leave headers that a decoder refuses or believes. Where the sound itself is there, a header is
written for it. Nothing here decodes sound. No MLX.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO, NamedTuple

from .request import MAX_SECONDS

_SCANNED = 2**16  # bytes in which a beginning is looked for behind what is none
# formats of which every second has as many bytes: a WAV's PCM, float, a-law, µ-law, ADPCM, GSM
_CONSTANT = (1, 2, 3, 6, 7, 0x11, 0x31, 0xFFFE)
_AIFF_CONSTANT = (b"NONE", b"sowt", b"twos", b"fl32", b"fl64")  # an AIFF's, likewise
_FORM = 4096  # the most bytes of a WAV's format
_CHUNKS = 10_000  # the most chunks that are walked through
_FARTHEST = 2**62  # bytes into a file, farther than any reaches
_MOST_FRAME = 1441  # bytes of an MP3's
_OPEN = 0x7FFF_0000  # sizes from here on are what recorders write that do not know the end yet
_KNOWN = frozenset(
    b"fmt |data|fact|LIST|JUNK|junk|bext|iXML|axml|cue |smpl|inst|acid|PAD |FLLR|ds64|id3 |ID3 |"
    b"plst|PEAK|minf|elm1|regn|umid|cart|levl|DISP|_PMX|SNDM|LGWV|afsp|chna".split(b"|")
)

# where in a file which bytes tell its kind
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (8, b"WAVE", "wav"),
    (8, b"AIFF", "aiff"),
    (8, b"AIFC", "aiff"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"caff", "caf"),
    (0, b"riff\x2e\x91\xcf\x11", "w64"),
    (4, b"ftyp", "mov"),
    (4, b"moov", "mov"),
    (4, b"mdat", "mov"),
    (4, b"wide", "mov"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"#!AMR", "amr"),
    (0, b"wvpk", "wv"),
    (0, b"MAC ", "ape"),
    (0, b"\x0b\x77", "ac3"),
)
_OUTER = {"wav": (b"RIFF", b"RIFX", b"RF64", b"BW64"), "aiff": (b"FORM",)}
_FOUND_BEHIND_JUNK = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"fLaC", b"OggS")
_TAGGED = ("mp3", "flac")  # whose decoders skip a whole ID3 tag themselves


@dataclass(frozen=True)
class SoundHeader:
    """What a file begins with. `kind`: by its content, empty for none that is known.

    `start`: the bytes in front that are none of it. `head` is read in place of what is in front of
    the bytes `body`, where the file's own header would mislead; empty where it would not.
    `promised`: seconds that the header says, 0 where it says nothing. `is_unfinished`: it was never
    written to its end. `mask`: the speakers of a WAV's channels, 0 where it does not say.
    `is_empty`: there is certainly no sample in it. `channels` and `rate`, in Hz, are 0 where they
    are not looked at.
    """

    kind: str = ""
    start: int = 0
    head: bytes = b""
    body: range = range(0)
    promised: float = 0.0
    is_unfinished: bool = False
    mask: int = 0
    is_empty: bool = False
    channels: int = 0
    rate: float = 0.0

    @property
    def is_repaired(self) -> bool:
        """Whether a decoder is to read it as a `RepairedFile`."""
        return bool(self.head or self.start)


def read_header(stream: BinaryIO) -> SoundHeader:
    """What the file says. Raises OSError."""
    size = os.fstat(stream.fileno()).st_size
    kind, start = _find_start(stream, size)
    header = SoundHeader(kind, start, body=range(start, size), is_empty=not size)
    try:
        if kind == "wav":
            header = _Wav(stream, start, size).read()
        elif kind == "aiff":
            header = _read_aiff(stream, start, size)
        elif kind == "caf":
            header = _read_caf(stream, size)
        elif kind == "ogg":
            header = replace(header, is_unfinished=not _has_last_page(stream, size))
        elif kind == "mp3":
            header = _read_mp3(stream, start, size)
        elif kind == "flac":
            header = replace(header, promised=_count_flac(stream, start))
    except struct.error:  # it ends within its header: the decoder says what is missing
        pass
    return header


class RepairedFile:
    """A file as its header should have described it: a head, and behind it a part of the file."""

    def __init__(self, stream: BinaryIO, header: SoundHeader) -> None:
        self._stream = stream
        self._head = header.head
        self._body = header.body
        self._position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        size = len(self._head) + len(self._body)
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, length: int) -> bytes:
        place = self._position - len(self._head)
        if place < 0:
            piece = self._head[self._position : self._position + length]
        else:
            left = max(0, len(self._body) - place)
            piece = read_at(self._stream, self._body.start + place, min(length, left))
        self._position += len(piece)
        return piece


# --- where it begins ------------------------------------------------------------------------------


def _find_start(stream: BinaryIO, size: int) -> tuple[str, int]:
    """The kind of a file, and where it begins."""
    tagged = skip_tags(stream, size)
    beginning = read_at(stream, tagged, _SCANNED)
    if kind := _match(beginning):
        return kind, 0 if kind in _TAGGED else tagged
    if tagged:  # its tag may be longer or shorter than it says
        whole = read_at(stream, 0, _SCANNED)
        kind, place = _scan(whole)
        if kind:
            return kind, place
    kind, place = _scan(beginning)
    return (kind, tagged + place) if kind else ("", 0)


def skip_tags(stream: BinaryIO, size: int) -> int:
    """Where the ID3 tags in front end."""
    place = 0
    for _ in range(8):
        head = read_at(stream, place, 10)
        if len(head) < 10 or head[:3] != b"ID3" or max(head[6:]) > 127:
            break
        length = 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])
        place += length + (10 if head[5] & 0x10 else 0)
        if place >= size:
            return 0
    return place


def _match(beginning: bytes) -> str:
    """The kind of what begins so."""
    for place, signature, kind in _SIGNATURES:
        is_in_place = kind not in _OUTER or beginning[:4] in _OUTER[kind]
        if is_in_place and beginning.startswith(signature, place):
            return kind
    if beginning[:1] == b"\xff" and len(beginning) > 4 and beginning[1] & 0xF6 == 0xF0:
        return "aac"
    return "mp3" if _parse_frame(beginning) else ""


def _scan(content: bytes) -> tuple[str, int]:
    """The first kind that begins anywhere in there."""
    places = (content.find(signature) for signature in _FOUND_BEHIND_JUNK)
    for place in sorted(place for place in places if place >= 0):
        if kind := _match(content[place : place + 16]):
            return kind, place
    place = content.find(b"\xff")
    while place >= 0:
        frame = _parse_frame(content, place)
        following = _parse_frame(content, place + frame.size) if frame else None
        if frame and following and following.head[1] == frame.head[1]:
            return "mp3", place
        place = content.find(b"\xff", place + 1)
    return "", 0


# --- MP3 ------------------------------------------------------------------------------------------

_MP3_KBITS = {  # of a frame of layer III, by whether it is MPEG 1 and the number in its header
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
}
_MP3_RATES = (44_100, 48_000, 32_000, 0)
_MP3_SHIFTS = {3: 0, 2: 1, 0: 2}  # of the rates, in MPEG 1, 2 and 2.5


_TOLD = 160  # bytes in which an encoder says how much there is, and who it is
_ENCODERS = (b"LAME", b"Lavc", b"Lavf")  # those that say what they have added


class _Frame(NamedTuple):
    """A frame of layer III, by its header."""

    head: bytes
    is_first_version: bool
    rate: int
    size: int  # bytes

    @property
    def samples(self) -> int:
        return 1152 if self.is_first_version else 576

    @property
    def side_size(self) -> int:
        """Bytes between the header and where an encoder writes what the whole file is."""
        is_mono = self.head[3] >> 6 == 3
        return (17 if is_mono else 32) if self.is_first_version else (9 if is_mono else 17)


def _parse_frame(content: bytes, place: int = 0) -> _Frame | None:
    """The frame whose header is there; None for what is none."""
    head = content[place : place + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or head[1] >> 3 & 3 == 1:
        return None
    is_first = head[1] >> 3 & 3 == 3
    kbits = _MP3_KBITS[is_first][head[2] >> 4]
    rate = _MP3_RATES[head[2] >> 2 & 3] >> _MP3_SHIFTS[head[1] >> 3 & 3]
    if not kbits or not rate:
        return None
    size = (144 if is_first else 72) * kbits * 1000 // rate + (head[2] >> 1 & 1)
    return _Frame(head, is_first, rate, size)


def _read_mp3(stream: BinaryIO, start: int, size: int) -> SoundHeader:
    """Its frames are counted: a decoder believes the count that an encoder wrote, or guesses from
    the first frame, and stops there. Where there are more, a frame that says how many is put in
    front.
    """
    begin = start or skip_tags(stream, size)
    first = _parse_frame(read_at(stream, begin, 4))
    whole = SoundHeader("mp3", start, body=range(start, size))
    if first is None:
        return whole
    counted = _count_frames(stream, range(begin, size), first)
    told = read_at(stream, begin + 4 + first.side_size, _TOLD)
    if told[:4] in (b"Xing", b"Info") and told[7:8] and told[7] & 1:
        frames = int.from_bytes(told[8:12])
        if counted <= frames + 2:
            promised = (frames * first.samples - _count_padding(told)) / first.rate
            return replace(whole, promised=promised)
        begin += first.size  # another file was put behind it, or frames that it does not count
        counted -= 1
    return replace(whole, head=_build_count(first, counted), body=range(begin, size))


def _count_padding(told: bytes) -> int:
    """Samples that an encoder has added in front and behind, as it says behind the counts that it
    has told; decoders leave them out.
    """
    flags = told[7]
    place = (
        8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    )
    if told[place : place + 4] not in _ENCODERS:
        return 0
    added = int.from_bytes(told[place + 21 : place + 24])
    return (added >> 12) + (added & 0xFFF)


def _count_frames(stream: BinaryIO, part: range, first: _Frame) -> int:
    """How many frames are there, as far as is read of any file."""
    most = math.ceil((MAX_SECONDS + 1) * first.rate / first.samples)
    content = read_at(stream, part.start, most * _MOST_FRAME)
    count = place = 0
    while place < len(content) - 4 and count < most:
        frame = _parse_frame(content, place)
        if frame is None or frame.rate != first.rate:
            place = content.find(b"\xff", place + 1)
            if place < 0:
                break
            continue
        count += 1
        place += frame.size
    return count


def _build_count(first: _Frame, frames: int) -> bytes:
    """A frame without sound that says how many follow, as Xing's encoder wrote it."""
    bits = first.head[2] & 0x0C | 0x90  # of a size that holds it
    head = bytes([0xFF, first.head[1] | 1, bits, first.head[3]])
    frame = _parse_frame(head)
    assert frame is not None
    told = b"Xing" + struct.pack(">II", 1, frames)
    return (head + bytes(frame.side_size) + told).ljust(frame.size, b"\0")


# --- WAV ------------------------------------------------------------------------------------------


@dataclass
class _Wav:
    """The chunks of a WAV, walked through once."""

    stream: BinaryIO
    start: int
    size: int
    form: bytes = b""
    data: int = -1  # where the sound begins
    length: int = 0  # the bytes of sound that the header says
    long_length: int = 0  # the same where it says it in 64 bits
    is_odd: bool = False  # written otherwise than decoders expect
    order: str = field(init=False)

    def read(self) -> SoundHeader:
        outer = read_at(self.stream, self.start, 4)
        self.order = ">" if outer == b"RIFX" else "<"
        self.is_odd = self.start > 0 or outer == b"BW64"
        self._walk()
        if self.data < 0 or len(self.form) < 16:
            return SoundHeader("wav", self.start, body=range(self.start, self.size))
        frame, bytes_per_second = self._measure()
        rest = self.size - self.data
        length, is_unfinished = self._find_length(rest, bytes_per_second)
        promised = 0.0
        if self._is_constant and not is_unfinished:
            promised = length / bytes_per_second
        there = min(length, rest)
        head = b""
        if self.is_odd or is_unfinished:
            most = 2**32 - 2**13
            there = min(there, most) // frame * frame
            head = self._build_head(there)
            body = range(self.data, self.data + there)
        else:
            body = range(self.start, self.size)
        is_empty = not length and not is_unfinished
        _, channels, rate = struct.unpack(f"{self.order}HHI", self.form[:8])
        return SoundHeader(
            "wav",
            self.start,
            head,
            body,
            promised,
            is_unfinished,
            self._read_mask(),
            is_empty,
            channels,
            rate,
        )

    def _walk(self) -> None:
        place = self.start + 12
        for _ in range(_CHUNKS):
            head = read_at(self.stream, place, 8)
            if len(head) < 8 or (self.data >= 0 and self.form):
                return
            name, length = struct.unpack(f"{self.order}4sI", head)
            if not _is_name(name):
                self.is_odd = True
                place = self._find_chunk(place)
                continue
            place += 8
            if name == b"fmt ":
                self.form = read_at(self.stream, place, min(length, _FORM))
            elif name == b"ds64":
                _, self.long_length = struct.unpack("<QQ", read_at(self.stream, place, 16))
            elif name == b"data":
                self.data = place
                self.length = length
                self.is_odd = self.is_odd or not self.form
            place = self._find_end(place, length)

    def _find_end(self, place: int, length: int) -> int:
        """Where the next chunk begins: an odd one is followed by a byte more, or should be."""
        end = place + length
        if length % 2 == 0:
            return end
        padded = read_at(self.stream, end + 1, 4)
        plain = read_at(self.stream, end, 4)
        if padded not in _KNOWN and plain in _KNOWN:
            self.is_odd = True
            return end
        return end + 1

    def _find_chunk(self, place: int) -> int:
        """Where the next format or sound begins, behind what is no chunk."""
        content = read_at(self.stream, place, _SCANNED)
        found = [at for name in (b"fmt ", b"data") if (at := content.find(name)) > 0]
        return place + min(found) if found else self.size

    def _measure(self) -> tuple[int, float]:
        """Bytes of a frame (or block), and of a second."""
        tag, channels, rate, average, frame, bits = struct.unpack(
            f"{self.order}HHIIHH", self.form[:16]
        )
        if tag in (1, 3, 0xFFFE):
            frame = frame or channels * (-(-bits // 8))
            average = rate * frame
        return max(1, frame), max(1.0, average)

    @property
    def _is_constant(self) -> bool:
        """Whether every second of it has as many bytes."""
        return struct.unpack(f"{self.order}H", self.form[:2])[0] in _CONSTANT

    def _find_length(self, rest: int, bytes_per_second: float) -> tuple[int, bool]:
        """The bytes of sound: as the header says, or all there is where it was not finished."""
        length = self.length
        if length == 0xFFFF_FFFF and self.long_length:
            length = self.long_length
        end = self.data + length
        if not length:
            is_unfinished = rest > 0 and not self._has_chunk(self.data)
        elif length > rest:
            is_unfinished = _OPEN <= length <= 0xFFFF_FFFF
        else:  # it may have been written on after its header was
            behind = rest - length
            is_unfinished = (
                behind > bytes_per_second / 2
                and any(read_at(self.stream, end, 64))
                and not self._has_chunk(end)
                and not self._has_chunk(end + 1)
            )
        return (rest if is_unfinished else length), is_unfinished

    def _has_chunk(self, place: int) -> bool:
        head = read_at(self.stream, place, 8)
        if len(head) < 8:
            return False
        name, length = struct.unpack(f"{self.order}4sI", head)
        return _is_name(name) and (name in _KNOWN or place + 8 + length <= self.size + 1)

    def _read_mask(self) -> int:
        if len(self.form) < 24 or struct.unpack(f"{self.order}H", self.form[:2])[0] != 0xFFFE:
            return 0
        mask: int = struct.unpack(f"{self.order}I", self.form[20:24])[0]
        return mask

    def _build_head(self, there: int) -> bytes:
        """A header for so many bytes of sound, and nothing else."""
        form = self.form + bytes(len(self.form) % 2)
        outer = b"RIFX" if self.order == ">" else b"RIFF"
        size = 4 + 8 + len(form) + 8 + there
        return (
            struct.pack(f"{self.order}4sI4s4sI", outer, size, b"WAVE", b"fmt ", len(form))
            + form
            + struct.pack(f"{self.order}4sI", b"data", there)
        )


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(32 <= byte < 127 for byte in name)


# --- AIFF, CAF, FLAC, Ogg -------------------------------------------------------------------------


class Chunk(NamedTuple):
    """`place`: where its content begins, of `length` bytes as it says; CAF has -1 for all there
    is.
    """

    name: bytes
    place: int
    length: int


def walk_chunks(stream: BinaryIO, place: int, layout: str, alignment: int = 1) -> Iterator[Chunk]:
    """The chunks from `place` on. `layout`: how each writes its name and its length; the next one
    begins at a multiple of `alignment` bytes behind.
    """
    size = struct.calcsize(layout)
    for _ in range(_CHUNKS):
        head = read_at(stream, place, size)
        if len(head) < size:
            return
        name, length = struct.unpack(layout, head)
        place += size
        yield Chunk(name, place, length)
        if length < 0:
            return
        place += length + -length % alignment


def _read_aiff(stream: BinaryIO, start: int, size: int) -> SoundHeader:
    """The decoder reads what is there; the header is asked what it promised."""
    whole = SoundHeader("aiff", start, body=range(start, size))
    channels, frames, rate, is_constant = 0, 0, 0.0, False
    for name, place, length in walk_chunks(stream, start + 12, ">4sI", 2):
        if name == b"COMM":
            form = read_at(stream, place, min(length, 22))
            channels, frames = struct.unpack(">HI", form[:6])
            rate = _read_extended(form[8:18])
            is_constant = len(form) < 22 or form[18:] in _AIFF_CONSTANT
        elif name == b"SSND" and rate > 0:
            rest = size - place - 8
            is_unfinished = rest > 0 and (not frames or not length or length >= _OPEN > rest)
            promised = frames / rate if is_constant and not is_unfinished else 0.0
            return replace(
                whole,
                promised=promised,
                is_unfinished=is_unfinished,
                is_empty=rest <= 0,
                channels=channels,
                rate=rate,
            )
    return whole


def _read_extended(content: bytes) -> float:
    """A float of 80 bits, as AIFF has its rate; 0 for what is no rate."""
    exponent, mantissa = struct.unpack(">HQ", content)
    if not 16383 <= exponent <= 16383 + 63:
        return 0.0
    return math.ldexp(mantissa, exponent - 16383 - 63)


def _read_caf(stream: BinaryIO, size: int) -> SoundHeader:
    """The size of the sound is written anew where it is open, or more than is there."""
    whole = SoundHeader("caf", body=range(size))
    bytes_per_second, rate = 0.0, 0.0
    for name, place, length in walk_chunks(stream, 8, ">4sq"):
        if name == b"desc":
            form = read_at(stream, place, 32)
            rate, packet_bytes, packet_frames = struct.unpack(">d8xII8x", form)
            bytes_per_second = packet_bytes * rate / packet_frames if packet_frames else 0.0
        elif name == b"pakt" and rate > 0:  # of packets that are not all of one size
            (frames,) = struct.unpack(">8xq", read_at(stream, place, 16))
            whole = replace(whole, promised=max(0.0, frames / rate))
        elif name == b"data":
            rest = size - place
            is_unfinished = length <= 0 and rest > 4
            promised = 0.0
            if bytes_per_second > 0 and not is_unfinished:
                promised = max(0.0, (length - 4) / bytes_per_second)
            if (not is_unfinished and length <= rest) or place > _SCANNED:
                whole = replace(whole, promised=promised or whole.promised)
                continue
            head = read_at(stream, 0, place - 8) + struct.pack(">q", rest)
            return SoundHeader("caf", 0, head, range(place, size), promised, is_unfinished)
    return whole


def _count_flac(stream: BinaryIO, start: int) -> float:
    """The seconds that a FLAC's header says; 0 where it leaves them open."""
    begin = start or skip_tags(stream, os.fstat(stream.fileno()).st_size)
    (bits,) = struct.unpack(">Q", read_at(stream, begin + 18, 8))
    rate = bits >> 44
    frames = bits & 0xF_FFFF_FFFF
    return frames / rate if rate else 0.0


def _has_last_page(stream: BinaryIO, size: int) -> bool:
    """Whether an Ogg file ends with a page that says so."""
    end = read_at(stream, max(0, size - _SCANNED), _SCANNED)
    place = end.rfind(b"OggS")
    return place >= 0 and len(end) > place + 5 and bool(end[place + 5] & 4)


def read_at(stream: BinaryIO, place: int, length: int) -> bytes:
    """Bytes of the file, which stays where it is: decoders begin there. None are at a `place` that
    no file reaches: where a chunk of 64 bits says it ends, say.
    """
    if place > _FARTHEST:
        return b""
    return os.pread(stream.fileno(), length, max(0, place))
