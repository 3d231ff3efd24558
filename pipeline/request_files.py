"""The files that a request names: its source, its reference, and a MIDI file as its guide.

A `Request` is made without a look at the disk. Whoever accepts one calls `check_files`; what is to
be made now goes through `resolve_request`. No MLX.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from .explain import Explanation, list_prompt_explanations
from .ffmpeg import check_installed
from .guide.guide import check_guide
from .guide.midi_file import BadMidi, MidiFacts, read_facts, read_first_bpm
from .lengths import fill_length
from .limits import LIMITS
from .real_files import find_named
from .request import (
    DEFAULT_BPM,
    FIELDS,
    FILE_FIELDS,
    MIDI_FILE,
    SAMPLE_RATE,
    SOUND_FILE,
    UNDERSTAND,
    BadRequest,
    OutOfRange,
    Request,
    field_name,
    names_file,
)
from .source_facts import SourceFacts
from .source_facts import read_facts as read_source_facts
from .source_length import check_lengths, plan_repeat

_METER_FIELDS = ("time_signature", "beats_per_bar")
_LENGTH_FIELDS = ("bars", "seconds")
# what a session says of new music, and a source of itself
_SOURCE_FIELDS = ("bpm", "key", *_METER_FIELDS, *_LENGTH_FIELDS)
_INEXACT = 1e-3  # seconds that a window may end behind its source


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


def resolve_request(request: Request, default_guide: str = "off") -> Request:
    """The request as it can be made: its files exist, its seeds are drawn, what it leaves open is
    its source's, its prompt's or its MIDI guide's, bars have a tempo, and what has no length gets
    one. `default_guide`: what its guide is where it leaves that open. Raises `BadRequest`.
    """
    check_files(request)
    resolved = follow_guide(follow_source(_find_files(request)).request).resolved()
    check_lengths(resolved)
    filled = fill_length(resolved, default_guide)
    check_guide(filled)
    return filled


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


class FollowedSource(NamedTuple):
    """A request that goes by its source, and what that made otherwise of the session's values."""

    request: Request
    explanations: tuple[Explanation, ...] = ()


def list_session_fields(own: Container[str]) -> tuple[str, ...]:
    """Those of the fields in which a source goes before the session that are not a request's
    `own`.
    """
    return tuple(name for name in (*_SOURCE_FIELDS, "prompt") if name not in own)


def follow_source(request: Request, session: Collection[str] = ()) -> FollowedSource:
    """The request with tempo, key, metre, length and name of its source, where it leaves them open.
    `session`: its fields whose values are nobody's for this very request. They hold only where the
    source says nothing. Reads files.
    """
    if not _reads_source(request):
        return FollowedSource(request)
    facts = _read_source(request)
    assumed = [name for name in _SOURCE_FIELDS if name in session]
    opened = request.changed({name: FIELDS[name].default for name in assumed})
    values: dict[str, Any] = {}
    if not opened.bpm:
        values["bpm"] = facts.bpm or request.bpm
    if not opened.key:
        values["key"] = facts.key or request.key
    if opened.given_meter is None and facts.time_signature:
        values["time_signature"] = facts.time_signature
    elif opened.given_meter is None:
        values |= {name: getattr(request, name) for name in _METER_FIELDS}
    has_words = request.prompt or request.lyrics
    if facts.name and not request.name and ("prompt" in session or not has_words):
        values["name"] = facts.name
    followed = opened.changed(values)
    if followed.has_length_of_source and _is_whole(followed, facts):
        followed = followed.changed({"bars": facts.bars})
    return FollowedSource(followed, tuple(_explain_session(request, followed, facts, assumed)))


def _reads_source(request: Request) -> bool:
    is_worked_on = bool(request.task and request.source) and request.task != UNDERSTAND
    return is_worked_on and request.read_source


def _read_source(request: Request) -> SourceFacts:
    return read_source_facts(os.path.expanduser(request.source))


def _is_whole(request: Request, facts: SourceFacts) -> bool:
    """Whether the clip has the bars of its source: it is counted like that, and nothing is added to
    it.
    """
    is_counted = request.bpm == facts.bpm and request.meter == _read_meter(facts.time_signature)
    if not facts.bars or not is_counted:
        return False
    if request.task not in ("repaint", "lego"):
        return True
    begin, end = request.window_seconds
    return begin >= 0 and (end == math.inf or end <= facts.seconds + _INEXACT)


def _read_meter(signature: str) -> tuple[int, int]:
    return Request(time_signature=signature).meter


def _explain_session(
    request: Request, followed: Request, facts: SourceFacts, assumed: Collection[str]
) -> Iterator[Explanation]:
    """What became of what the session says: it gave way, or was taken."""
    if "bpm" in assumed and request.bpm:
        tempos = f"{request.bpm:.10g} bpm", f"{followed.bpm:.10g} bpm"
        yield from _compare_session("at", "tempo", bool(facts.bpm), *tempos)
    if "key" in assumed and request.key:
        yield from _compare_session("in", "key", bool(facts.key), request.key, followed.key)
    if {*_METER_FIELDS} & {*assumed} and request.given_meter:
        meters = ("{}/{}".format(*each.meter) for each in (request, followed))
        yield from _compare_session("in", "metre", bool(facts.time_signature), *meters)
    is_cut = not request.has_length_of_source and {*_LENGTH_FIELDS} & {*assumed}
    if is_cut and (followed.bars, followed.seconds) != (request.bars, request.seconds):
        session = f"{request.bars} bars" if request.bars else f"{request.seconds:.10g} s"
        yield Explanation(f"the session has {session}: it is as long as the source", True)


def _compare_session(
    verb: str, what: str, is_known: bool, session: str, now: str
) -> Iterator[Explanation]:
    if not is_known:
        yield Explanation(f"the source says no {what}: it is the session's, {session}", True)
    elif session != now:
        text = f"the session is {verb} {session}, and the source {verb} {now}: it is {now}"
        yield Explanation(text, True)


def follow_guide(request: Request) -> Request:
    """The request with the tempo, metre and key of its MIDI guide, where neither it nor its prompt
    gives them. What is wrong with the file, `check_guide` says.
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
    """What was read out of a request, its source and its MIDI guide, in sentences; the same before
    and after it is resolved.
    """
    return tuple(said.text for said in list_explanations(request))


def list_explanations(request: Request) -> tuple[Explanation, ...]:
    """The same, with what of it is a problem."""
    request = follow_source(request).request
    return (*list_prompt_explanations(request), *_list_file_explanations(request))


def list_file_explanations(request: Request) -> tuple[Explanation, ...]:
    """What was read of its source and its MIDI guide, and what the request makes otherwise of
    them.
    """
    return tuple(_list_file_explanations(follow_source(request).request))


def _list_file_explanations(request: Request) -> Iterator[Explanation]:
    """Of a request that goes by its source."""
    yield from _list_source_explanations(request)
    yield from _explain_end(request)
    yield from _list_guide_explanations(request)


def _list_source_explanations(request: Request) -> Iterator[Explanation]:
    if not _reads_source(request):
        return
    facts = _read_source(request)
    bars = f"{facts.bars} bar{'s' if facts.bars > 1 else ''}" if facts.bars else ""
    tempo = f"{facts.bpm:.10g} bpm" if facts.bpm else ""
    if said := ", ".join(filter(None, (bars, tempo, facts.time_signature, facts.key))):
        yield Explanation(f"the source: {said} ({facts.where})")
    yield from (Explanation(f"the source: {remark}", True) for remark in facts.remarks)
    yield from _list_others("source", request, facts.bpm, facts.key, facts.time_signature)


def _explain_end(request: Request) -> Iterator[Explanation]:
    """What there is to follow behind the end of its source."""
    if not request.task or request.task == UNDERSTAND:
        return
    request = request.follow_prompt()
    if request.bars and not request.bpm:
        request = request.changed({"bpm": DEFAULT_BPM})
    samples = round(_read_source(request).seconds * SAMPLE_RATE)
    yield from (Explanation(note, True) for note in plan_repeat(request, samples).notes)


def _list_guide_explanations(request: Request) -> Iterator[Explanation]:
    request = request.follow_prompt()
    if not request.read_midi or (facts := _find_facts(request)) is None:
        return
    summary, *others = facts.remarks
    yield Explanation(summary)
    yield from (Explanation(text, True) for text in others)
    yield from _list_others("MIDI guide", request, facts.bpm, facts.key, facts.time_signature)


def _list_others(
    file: str, request: Request, bpm: float, key: str, signature: str
) -> Iterator[Explanation]:
    """Where the request is otherwise than a file says of itself."""
    if bpm and request.bpm and abs(request.bpm - bpm) > 0.01:
        yield _explain_other(f"{file} is at", f"{bpm:.10g} bpm", f"{request.bpm:.10g} bpm")
    if key and request.given_key not in ("", key):
        yield _explain_other(f"{file} is in", key, request.key)
    if signature and request.given_meter is not None:
        count, unit = _read_meter(signature)
        if request.given_meter != (count, unit):
            given = "{}/{}".format(*request.given_meter)
            yield _explain_other(f"{file} is in", f"{count}/{unit}", given)


def _explain_other(verb: str, written: str, given: str) -> Explanation:
    text = f"the {verb} {written}, and {given} was asked for: it is {given}"
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
