"""A Standard MIDI File's events in one pass: those that a guide needs, and nothing is believed that
the file says of its sizes.

(mido, which has the ports, reads files too: byte by byte, 200,000 events a second, and any number
of them.)
"""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from typing import NamedTuple

from ..limits import LIMITS

MAX_TRACKS = LIMITS.midi_tracks
MAX_EVENTS = LIMITS.midi_events
MAX_TEMPOS = LIMITS.midi_tempos
MAX_TICKS = LIMITS.midi_ticks  # the longest pause that MIDI can write; here also the longest file
_TOO_MANY_TEMPOS = f"more than {MAX_TEMPOS} tempos, which is the most"
MAX_NAME = 256  # characters of a track's name that are read

NOTE_OFF, NOTE_ON, CONTROL, PROGRAM = 0x80, 0x90, 0xB0, 0xC0  # what an event is, without channel
BANK, VOLUME = 0, 7  # controllers that are read
SUSTAIN, SOUND_OFF, RESET, NOTES_OFF = 64, 120, 121, 123

_CONTROLLERS = frozenset((BANK, VOLUME, SUSTAIN, SOUND_OFF, RESET, NOTES_OFF))
_BEND = 0xE0
_TEXT, _LYRIC, _END, _TEMPO = 0x01, 0x05, 0x2F, 0x51  # kinds of meta events
_TRACK_NAME, _INSTRUMENT_NAME = 0x03, 0x04
_TIME_SIGNATURE, _KEY_SIGNATURE = 0x58, 0x59
_META = 0xFF
_SYSEX = (0xF0, 0xF7)
# data bytes by what an event is, or by the status of one that has no channel
_SIZES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_SYSTEM_SIZES = {0xF1: 1, 0xF2: 2, 0xF3: 1} | dict.fromkeys((0xF6, 0xF8, 0xFA, 0xFB, 0xFC, 0xFE), 0)
_NEW_LINE = (b"\\", b"/")  # a verse and a line begin so in a .kar
_MAC_BINARY = 128  # bytes of the header that old Macs put in front of a file
_KANA = re.compile("[\u3041-\u30ff]")
_CHUNK_NAME = re.compile(rb"[ -~]{4}")


class NoMidi(ValueError):
    """No MIDI file at all."""


class Damaged(ValueError):
    """Nothing is left of the file that could be played. The message says why."""


class TooMuch(ValueError):
    """More of something than is read. The message says how much is the most."""


# of a note, a controller or a program change: its tick, what it is, its channel, its pitch,
# controller or program, and its velocity or value (0 for a program change); these bytes may be
# beyond 127 in a file that is damaged
Event = tuple[int, int, int, int, int]


class Track(NamedTuple):
    """`tempos`: microseconds per beat; `signatures`: beats in a bar, and the note that is one;
    `keys`: sharps (flats are below 0), and 1 for minor; all of them by tick.
    """

    name: str
    events: tuple[Event, ...]
    tempos: dict[int, int]
    signatures: dict[int, tuple[int, int]]
    keys: dict[int, tuple[int, int]]
    end: int  # the tick of its last event, whatever that is
    is_ended: bool  # whether that event is an end of track
    has_words: bool = False  # of a song, as karaoke files have them
    is_bent: bool = False  # by a pitch wheel
    wheels: frozenset[int] = frozenset()  # the channels that have pitch wheels


class MidiFile(NamedTuple):
    """`format` 2: the tracks follow each other. `division`: ticks per beat; below 0 it is
    SMPTE's. `problems`: what is wrong with it, and did not keep the rest from being read.
    """

    format: int
    division: int
    tracks: tuple[Track, ...]
    problems: tuple[str, ...] = ()


class _ReadTrack(NamedTuple):
    track: Track
    problems: dict[str, str]  # by what they are about
    events: int  # of any kind
    stop: int  # behind its last event


def parse(data: bytes) -> MidiFile:
    """Everything that can be read of a file: of one that is cut off, what is there; chunks that are
    no tracks are skipped, and the tracks counted that there are.

    Raises `NoMidi`, `Damaged`, and `TooMuch` for what would take too long.
    """
    begin = _find_header(data)
    try:
        _, size, format, count, division = struct.unpack_from(">4sLHHh", data, begin)
    except struct.error:
        raise Damaged("it ends too early") from None
    if size < 6:
        raise Damaged("its header is too short")
    if format > 2 or division == 0 or (division < 0 and not division & 0xFF):
        raise Damaged("formats are 0, 1 and 2, and a beat has ticks")
    if count > MAX_TRACKS:
        raise TooMuch(f"{count} tracks: at most {MAX_TRACKS}")
    tracks, problems = _read_tracks(data, begin + 8 + size)
    if count and not tracks:
        is_empty = begin + 8 + size + 8 > len(data)
        raise Damaged("it ends too early" if is_empty else "it has no MTrk chunk, no track")
    if problems and not any(event[1] == NOTE_ON for track in tracks for event in track.events):
        raise Damaged(problems[0])
    if len(tracks) != count:
        problems.append(f"its header promises {count} tracks, and it has {len(tracks)}")
    length = sum(track.end for track in tracks) if format == 2 else 0
    if length > MAX_TICKS:
        raise TooMuch(f"{length} ticks: at most {MAX_TICKS}")
    if sum(len(track.tempos) for track in tracks) > MAX_TEMPOS:
        raise TooMuch(_TOO_MANY_TEMPOS)
    return MidiFile(format, division, tuple(tracks), tuple(problems))


def _find_header(data: bytes) -> int:
    """Where it begins: in front, in a RIFF container as of Windows (RMID), or behind the header of
    an old Mac. Raises `NoMidi`.
    """
    if data.startswith(b"RIFF") and data[8:12] == b"RMID":
        index = 12
        while index + 8 <= len(data):
            name, size = struct.unpack_from("<4sL", data, index)
            index += 8
            if name == b"data" and data.startswith(b"MThd", index):
                return index
            index += size + size % 2
    for index in (0, _MAC_BINARY):
        if data.startswith(b"MThd", index):
            return index
    if data.startswith(b"SMF2CLIP"):
        raise NoMidi("a clip of MIDI 2.0, which is not read: save it as a MIDI file (.mid)")
    raise NoMidi("not a MIDI file: those begin with MThd")


def _read_tracks(data: bytes, index: int) -> tuple[list[Track], list[str]]:
    """Every track from `index` on, and what is wrong with them."""
    tracks: list[Track] = []
    problems: list[str] = []
    left = MAX_EVENTS
    while (chunk := _find_track(data, index)) is not None:
        begin, size = chunk
        if len(tracks) == MAX_TRACKS:
            raise TooMuch(f"more than {MAX_TRACKS} tracks, which is the most")
        is_too_long = begin + size > len(data)
        is_unfinished = not size and begin < len(data) and not _begins_chunk(data, begin)
        stop = begin + size
        if is_too_long or is_unfinished:  # as of a recorder that was switched off
            stop = _find_next(data, begin)
        read = _read_track(data[begin:stop], left)
        is_cut = "end" in read.problems
        if is_cut and not is_too_long and not _begins_chunk(data, stop):  # its size is wrong
            stop = _find_next(data, begin)
            read = _read_track(data[begin:stop], left)
        if is_too_long:
            read.problems.setdefault("end", "ends too early")
        index = stop
        if data.startswith(b"MTrk", begin + read.stop):  # the size is wrong
            index = begin + read.stop
        tracks.append(read.track)
        problems += [f"its track {len(tracks)} {text}" for text in read.problems.values()]
        left -= read.events
    return tracks, problems


def _find_track(data: bytes, index: int) -> tuple[int, int] | None:
    """Where the content of the next track begins, and how many bytes it is said to have."""
    while index + 8 <= len(data):
        name, size = struct.unpack_from(">4sL", data, index)
        if name == b"MTrk":
            return index + 8, size
        index = index + 8 + size if _begins_chunk(data, index) else _find_next(data, index)
    return None


def _begins_chunk(data: bytes, index: int) -> bool:
    """Whether a chunk of any name can begin there, or the file ends."""
    return index >= len(data) or _CHUNK_NAME.match(data, index) is not None


def _find_next(data: bytes, index: int) -> int:
    """Where the next track begins, or the file ends."""
    found = data.find(b"MTrk", index)
    return found if found >= 0 else len(data)


def _read_track(data: bytes, most: int) -> _ReadTrack:
    """A track of at most so many events, up to its end, or to where it cannot be read.

    A number of one byte, as most are, is read without a call: files have many.
    """
    names: dict[int, str] = {}
    tempos: dict[int, int] = {}
    signatures: dict[int, tuple[int, int]] = {}
    keys: dict[int, tuple[int, int]] = {}
    events: list[Event] = []
    problems: dict[str, str] = {}
    tick = index = count = 0
    running = 0  # the status that holds for events without one; 0: none
    is_ended = has_words = is_bent = False
    wheels: set[int] = set()
    try:
        while index < len(data) and not is_ended:
            count += 1
            pause = data[index]
            index += 1
            if pause >= 0x80:
                pause, index = _read_number(data, index - 1)
            tick += pause
            status = data[index]
            if status >= 0x80:
                index += 1
            elif running:
                status = running
            else:
                raise Damaged("has running status without a status before it")
            if status < 0xF0:
                running = status
                kind = status & 0xF0
                if status < 0xA0:  # NOTE_OFF or NOTE_ON
                    events.append((tick, kind, status & 0x0F, data[index], data[index + 1]))
                    index += 2
                elif kind == PROGRAM:
                    events.append((tick, kind, status & 0x0F, data[index], 0))
                    index += 1
                elif kind == CONTROL and data[index] in _CONTROLLERS:
                    events.append((tick, kind, status & 0x0F, data[index], data[index + 1]))
                    index += 2
                else:
                    if kind == _BEND:
                        wheels.add(status & 0x0F)
                        is_bent = is_bent or data[index : index + 2] != b"\0\x40"
                    index += _SIZES[kind]
            elif status == _META:  # it leaves the running status: there are files that rely on it
                kind = data[index]
                content, index = _take(data, *_read_number(data, index + 1))
                if kind == _TEMPO:
                    if tempo := _parse_tempo(content):
                        tempos[tick] = tempo
                        if len(tempos) > MAX_TEMPOS:
                            raise TooMuch(_TOO_MANY_TEMPOS)
                    else:
                        problems["tempo"] = "has a tempo of 0, which was left out"
                elif kind == _TIME_SIGNATURE:
                    if content[:1] > b"\0" and content[1:2] and content[1] < 8:
                        signatures[tick] = content[0], 1 << content[1]
                    else:
                        problems["signature"] = "has a time signature that is none: left out"
                elif kind == _KEY_SIGNATURE:
                    sharps, minor = struct.unpack("bB", content[:2].ljust(2, b"\0"))
                    if -7 <= sharps <= 7 and minor <= 1:
                        keys[tick] = sharps, minor
                    else:
                        text = f"has no key of {sharps} sharps and mode {minor}: it was left out"
                        problems["key"] = text
                elif kind in (_TRACK_NAME, _INSTRUMENT_NAME):
                    names.setdefault(kind, _decode(content[:MAX_NAME]))
                elif kind == _LYRIC or (kind == _TEXT and content[:1] in _NEW_LINE):
                    has_words = True
                is_ended = kind == _END
            else:
                running = 0
                index = _skip_system(data, status, index)
            if count > most or tick > MAX_TICKS:
                what = f"{MAX_EVENTS} events" if count > most else f"{MAX_TICKS} ticks"
                raise TooMuch(f"more than {what}, which is the most")
        if index > len(data):
            raise IndexError
    except IndexError:
        problems["end"] = "ends too early"
    except Damaged as error:
        problems["end"] = str(error)
    name = names.get(_TRACK_NAME) or names.get(_INSTRUMENT_NAME, "")
    track = Track(
        name,
        tuple(events),
        tempos,
        signatures,
        keys,
        tick,
        is_ended,
        has_words,
        is_bent,
        frozenset(wheels),
    )
    return _ReadTrack(track, problems, count, index)


def _decode(content: bytes) -> str:
    """A name, as UTF-8, or else as Shift-JIS where that makes kana of it, or Latin-1."""
    with suppress(UnicodeDecodeError):
        return content.decode("utf-8")
    with suppress(UnicodeDecodeError):
        text = content.decode("cp932")
        if _KANA.search(text):
            return text
    return content.decode("latin-1")


def _skip_system(data: bytes, status: int, index: int) -> int:
    """The index behind what follows the status of an event that has no channel, at `index`."""
    if status in _SYSEX:
        return _take(data, *_read_number(data, index))[1]
    if status not in _SYSTEM_SIZES:
        raise Damaged(f"has an undefined status byte 0x{status:02x}")
    return index + _SYSTEM_SIZES[status]


def _parse_tempo(content: bytes) -> int:
    """Raises IndexError for one that is too short."""
    return content[0] << 16 | content[1] << 8 | content[2]


def _take(data: bytes, size: int, index: int) -> tuple[bytes, int]:
    """The `size` bytes at `index`, and the index behind them."""
    end = index + size
    if end > len(data):
        raise IndexError
    return data[index:end], end


def _read_number(data: bytes, index: int) -> tuple[int, int]:
    """A number of variable length at `index`, and the index behind it. Raises `Damaged` for one
    that is longer than MIDI has.
    """
    number = 0
    while True:
        byte = data[index]
        index += 1
        number = number << 7 | byte & 0x7F
        if number > MAX_TICKS:
            raise Damaged("has a number, or a pause, longer than MIDI can write")
        if byte < 0x80:
            return number, index
