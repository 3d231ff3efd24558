"""The files that a request names: its source, its reference, and a MIDI file as its guide.

A `Request` is made without a look at the disk. Whoever accepts one calls `check_files`; what is to
be made now goes through `resolve_request`. No MLX.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping
from contextlib import suppress
from typing import Any

from .guide.midi_file import BadMidi, read_bpm
from .limits import LIMITS
from .request import FIELDS, MIDI_FILE, MIDI_SUFFIXES, SOUND_FILE, OutOfRange, Request, field_name

FILE_FIELDS = ("guide", "source", "reference")  # that may name a file


def names_file(field: str, value: object) -> bool:
    """Whether this value of that field is the path of a file: a guide only as a MIDI file."""
    if field not in FILE_FIELDS or not isinstance(value, str):
        return False
    return value.lower().endswith(MIDI_SUFFIXES) if field == "guide" else bool(value)


def names_files(request: Request) -> bool:
    """Whether there is a file to be looked at for it."""
    return any(names_file(field, getattr(request, field)) for field in FILE_FIELDS)


def check_file(field: str, value: object) -> None:
    """Raises `OutOfRange` where this value of that field names a file that does not exist, or sound
    that is too large to be read.
    """
    if not isinstance(value, str) or not names_file(field, value):
        return
    if not _exists(value):
        allowed = MIDI_FILE if field == "guide" else SOUND_FILE
        raise OutOfRange(f"{field} must be {allowed}, got {value[:40]!r}")
    if field != "guide" and (size := _measure(value)) > LIMITS.audio_bytes:
        raise OutOfRange(
            f"{field} must have at most {LIMITS.audio_bytes} bytes, got {size}",
            "cut out the part that is meant",
        )


def check_files(request: Request, fields: Iterable[str] = FILE_FIELDS) -> None:
    """Raises `OutOfRange` where the request names a file in one of these fields (any field or alias
    may be among them) that does not exist, or one that is too
    large. None is opened.
    """
    for field in set(map(field_name, fields)).intersection(FILE_FIELDS):
        check_file(field, getattr(request, field))


def accept_request(values: Mapping[str, Any]) -> Request:
    """The request of these values, by the names of its fields, whose files exist. Raises
    `BadRequest`, and TypeError for other names.
    """
    request = Request(**values)
    check_files(request)
    return request


def follow_links(request: Request, named: Container[str] | None = None) -> Request:
    """The request with its files where they really are: `open_real` follows no links. `named`: only
    those, as the request names them; the others were confined to folders already.
    """
    followed: dict[str, str] = {}
    for field in FILE_FIELDS:
        path = getattr(request, field)
        if names_file(field, path) and (named is None or path in named):
            real = os.path.realpath(os.path.expanduser(path))
            if names_file(field, real):  # a guide is known by its ending
                followed[field] = real
    return request.changed(followed) if followed else request


def resolve_request(request: Request) -> Request:
    """The request as it can be made: its files exist, its seeds are drawn, and bars have a tempo,
    that of a MIDI guide where it gives none. Raises `BadRequest`.
    """
    check_files(request)
    needs_tempo = request.bars and not request.bpm
    return request.resolved(read_guide_bpm(request) if needs_tempo else 0.0)


def read_guide_bpm(request: Request) -> float:
    """The tempo of the MIDI file that guides it, or 0: whatever is wrong with the file is said when
    it is played.
    """
    if not names_file("guide", request.guide):
        return 0.0
    allowed = FIELDS["bpm"]
    with suppress(BadMidi):
        bpm = read_bpm(os.path.expanduser(request.guide))
        return bpm if allowed.low <= bpm <= allowed.high else 0.0
    return 0.0


def _exists(path: str) -> bool:
    return os.path.isfile(os.path.expanduser(path))


def _measure(path: str) -> int:
    """Its bytes; 0 where it has just gone."""
    with suppress(OSError):
        return os.path.getsize(os.path.expanduser(path))
    return 0
