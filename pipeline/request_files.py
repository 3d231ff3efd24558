"""The files that a request names: its source, its reference, and a MIDI file as its guide.

A `Request` is made without a look at the disk. Whoever accepts one calls `check_files`; what is to
be made now goes through `resolve_request`. No MLX.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from .explain import Explanation, list_prompt_explanations
from .ffmpeg import check_installed
from .guide.midi_file import BadMidi, MidiFacts, read_facts, read_first_bpm
from .limits import LIMITS
from .real_files import find_named
from .request import (
    FILE_FIELDS,
    MIDI_FILE,
    SOUND_FILE,
    UNDERSTAND,
    BadRequest,
    OutOfRange,
    Request,
    field_name,
    names_file,
)


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
    if field == "guide":
        return
    check_installed(field, value)
    if (size := _measure(value)) > LIMITS.audio_bytes:
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
            real = os.path.realpath(find_named(os.path.expanduser(path)))
            if names_file(field, real):  # a guide is known by its ending
                followed[field] = real
    return request.changed(followed) if followed else request


def resolve_request(request: Request) -> Request:
    """The request as it can be made: its files exist, its seeds are drawn, what it leaves open is
    its prompt's or its MIDI guide's, and bars have a tempo. Raises `BadRequest`.
    """
    check_files(request)
    return follow_guide(_find_files(request)).resolved()


def _find_files(request: Request) -> Request:
    """The request with its files by the names that they have: it may have been written on another
    system, that composes them otherwise.
    """
    paths = {field: getattr(request, field) for field in FILE_FIELDS}
    found = {
        field: find_named(os.path.expanduser(path))
        for field, path in paths.items()
        if names_file(field, path) and not _is_there(path)
    }
    return request.changed(found) if found else request


def follow_guide(request: Request) -> Request:
    """The request with the tempo, metre and key of its MIDI guide, where neither it nor its prompt
    gives them. Whatever is wrong with the file is said when it is played.
    """
    request = request.follow_prompt()
    if not request.read_midi:
        return _follow_first_tempo(request)
    if (facts := _find_facts(request)) is None:
        return request
    values: dict[str, Any] = {}
    if facts.bpm and not request.bpm:
        values["bpm"] = facts.bpm
    if facts.key and not request.key:
        values["key"] = facts.key
    if facts.time_signature and request.given_meter is None:
        values["time_signature"] = facts.time_signature
    return request.changed(values)


def explain(request: Request) -> tuple[str, ...]:
    """What was read out of a request and its MIDI guide, in sentences; the same before and after it
    is resolved.
    """
    return tuple(said.text for said in list_explanations(request))


def list_explanations(request: Request) -> tuple[Explanation, ...]:
    """The same, with what of it is a problem."""
    return (*list_prompt_explanations(request), *_list_guide_explanations(request))


def explain_guide(request: Request) -> tuple[str, ...]:
    """What was read of its MIDI guide, and what the request makes otherwise of it."""
    return tuple(said.text for said in _list_guide_explanations(request))


def _list_guide_explanations(request: Request) -> Iterator[Explanation]:
    request = request.follow_prompt()
    if not request.read_midi or (facts := _find_facts(request)) is None:
        return
    summary, *others = facts.remarks
    yield Explanation(summary)
    yield from (Explanation(text, True) for text in others)
    if facts.bpm and request.bpm and abs(request.bpm - facts.bpm) > 0.01:
        yield _explain_other("is at", f"{facts.bpm:.10g} bpm", f"{request.bpm:.10g} bpm")
    if facts.key and request.key and request.key != facts.key:
        yield _explain_other("is in", facts.key, request.key)
    if facts.time_signature and request.given_meter is not None:
        count, unit = Request(time_signature=facts.time_signature).meter
        if request.given_meter != (count, unit):
            given = "{}/{}".format(*request.given_meter)
            yield _explain_other("is in", f"{count}/{unit}", given)


def _explain_other(verb: str, written: str, given: str) -> Explanation:
    text = f"the MIDI guide {verb} {written}, and {given} was asked for: it is {given}"
    return Explanation(text, True)


def _find_facts(request: Request) -> MidiFacts | None:
    """Those of the MIDI file that guides it; None without one, and where it cannot be read."""
    is_played = request.guide_strength and request.task != UNDERSTAND
    if not is_played or not names_file("guide", request.guide):
        return None
    with suppress(BadMidi):
        return read_facts(os.path.expanduser(request.guide), request.given_meter)
    return None


def _follow_first_tempo(request: Request) -> Request:
    """As versions before: bars have the first tempo of the file."""
    if not request.bars or request.bpm or not names_file("guide", request.guide):
        return request
    with suppress(BadMidi, BadRequest):
        return request.changed({"bpm": read_first_bpm(os.path.expanduser(request.guide))})
    return request


def _exists(path: str) -> bool:
    return os.path.isfile(find_named(os.path.expanduser(path)))


def _is_there(path: str) -> bool:
    return os.path.lexists(os.path.expanduser(path))


def _measure(path: str) -> int:
    """Its bytes; 0 where it has just gone."""
    with suppress(OSError):
        return os.path.getsize(find_named(os.path.expanduser(path)))
    return 0
