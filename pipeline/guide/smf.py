"""A Standard MIDI File's events in one pass: those that a guide needs, and nothing is believed that
the file says of its sizes.

(mido, which has the ports, reads files too: byte by byte, 200,000 events a second, and any number
of them.)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from ..limits import LIMITS

MAX_TRACKS = LIMITS.midi_tracks
MAX_EVENTS = LIMITS.midi_events
MAX_TEMPOS = LIMITS.midi_tempos
MAX_TICKS = LIMITS.midi_ticks  # the longest pause that MIDI can write; here also the longest file
MAX_NAME = 256  # characters of a track's name that are read

NOTE_OFF, NOTE_ON, PROGRAM = 0x80, 0x90, 0xC0  # what an event is, without its channel

_TRACK_NAME, _TEMPO, _KEY_SIGNATURE = 0x03, 0x51, 0x59  # kinds of meta events
_META = 0xFF
_SYSEX = (0xF0, 0xF7)
# data bytes by what an event is, or by the status of one that has no channel
_SIZES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_SYSTEM_SIZES = {0xF1: 1, 0xF2: 2, 0xF3: 1} | dict.fromkeys((0xF6, 0xF8, 0xFA, 0xFB, 0xFC, 0xFE), 0)


class Damaged(ValueError):
    """No Standard MIDI File. The message says why."""


class TooMuch(ValueError):
    """More of something than is read. The message says how much is the most."""


# of a note or a program change: its tick, what it is, its channel, its pitch or program, and its
# velocity (0 for a program change); these bytes may be beyond 127 in a file that is damaged
Event = tuple[int, int, int, int, int]


class Track(NamedTuple):
    """`tempos`: microseconds per beat, by tick."""

    name: str
    events: tuple[Event, ...]
    tempos: dict[int, int]
    end: int  # the tick of its last event, whatever that is


class MidiFile(NamedTuple):
    """`format` 2: the tracks follow each other. `division`: ticks per beat; below 0 it is
    SMPTE's.
    """

    format: int
    division: int
    tracks: tuple[Track, ...]


def parse(data: bytes) -> MidiFile:
    """Raises `Damaged`, and `TooMuch` for what would take too long."""
    try:
        name, size, format, count, division = struct.unpack_from(">4sLHHh", data)
    except struct.error:
        raise Damaged("it ends too early") from None
    if name != b"MThd" or size < 6:
        raise Damaged("its header is too short")
    if format > 2 or division == 0 or (division < 0 and not division & 0xFF):
        raise Damaged("formats are 0, 1 and 2, and a beat has ticks")
    if count > MAX_TRACKS:
        raise TooMuch(f"{count} tracks: at most {MAX_TRACKS}")
    tracks: list[Track] = []
    left = MAX_EVENTS
    for chunk in _split_chunks(data, 8 + size, count):
        track, events = _parse_track(chunk, left)
        tracks.append(track)
        left -= events
    length = sum(track.end for track in tracks) if format == 2 else 0
    if length > MAX_TICKS:
        raise TooMuch(f"{length} ticks: at most {MAX_TICKS}")
    if sum(len(track.tempos) for track in tracks) > MAX_TEMPOS:
        raise TooMuch(f"more than {MAX_TEMPOS} tempos, which is the most")
    return MidiFile(format, division, tuple(tracks))


def _split_chunks(data: bytes, begin: int, count: int) -> Iterator[bytes]:
    """The contents of every track."""
    for _ in range(count):
        if begin + 8 > len(data):
            raise Damaged("it ends too early")
        name, size = struct.unpack_from(">4sL", data, begin)
        if name != b"MTrk":
            raise Damaged("no MTrk header at start of track")
        begin += 8
        if begin + size > len(data):
            raise Damaged("it ends too early")
        yield data[begin : begin + size]
        begin += size


def _parse_track(data: bytes, most: int) -> tuple[Track, int]:
    """A track, and how many events it has, of any kind: at most so many."""
    try:
        return _read_track(data, most)
    except IndexError:
        raise Damaged("it ends too early") from None


def _read_track(data: bytes, most: int) -> tuple[Track, int]:
    """As `_parse_track`; raises IndexError where the content ends too early.

    A number of one byte, as most are, is read without a call: files have many.
    """
    name = ""
    tempos: dict[int, int] = {}
    events: list[Event] = []
    tick = index = count = 0
    running = 0  # the status that holds for events without one; 0: none
    while index < len(data):
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
            raise Damaged("running status without a status before it")
        if status < 0xF0:
            running = status
            kind = status & 0xF0
            if status < 0xA0:  # NOTE_OFF or NOTE_ON
                events.append((tick, kind, status & 0x0F, data[index], data[index + 1]))
                index += 2
            elif kind == PROGRAM:
                events.append((tick, kind, status & 0x0F, data[index], 0))
                index += 1
            else:
                index += _SIZES[kind]
        elif status == _META:  # it leaves the running status: there are files that rely on it
            kind = data[index]
            content, index = _take(data, *_read_number(data, index + 1))
            if kind == _TEMPO and (tempo := _parse_tempo(content)):
                tempos[tick] = tempo
            elif kind == _TRACK_NAME:
                name = name or content[:MAX_NAME].decode("latin-1")
            elif kind == _KEY_SIGNATURE:
                _check_key_signature(content)
        else:
            running = 0
            index = _skip_system(data, status, index)
        if count > most or tick > MAX_TICKS:
            what = f"{MAX_EVENTS} events" if count > most else f"{MAX_TICKS} ticks"
            raise TooMuch(f"more than {what}, which is the most")
    if index > len(data):
        raise IndexError
    return Track(name, tuple(events), tempos, tick), count


def _skip_system(data: bytes, status: int, index: int) -> int:
    """The index behind what follows the status of an event that has no channel, at `index`."""
    if status in _SYSEX:
        return _take(data, *_read_number(data, index))[1]
    if status not in _SYSTEM_SIZES:
        raise Damaged(f"undefined status byte 0x{status:02x}")
    return index + _SYSTEM_SIZES[status]


def _parse_tempo(content: bytes) -> int:
    return content[0] << 16 | content[1] << 8 | content[2]


def _check_key_signature(content: bytes) -> None:
    sharps, minor = struct.unpack("bB", content[:2].ljust(2, b"\0"))
    if not -7 <= sharps <= 7 or minor > 1:
        raise Damaged(f"there is no key of {sharps} sharps and mode {minor}")


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
            raise Damaged("it has a number, or a pause, longer than MIDI can write")
        if byte < 0x80:
            return number, index
