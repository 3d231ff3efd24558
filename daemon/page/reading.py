"""What would be read out of a prompt and lyrics, told while they are typed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pipeline.capabilities import explain_lost_vocals, explain_silence
from pipeline.explain import list_prompt_explanations
from pipeline.request import BadRequest, Request
from pipeline.request_files import follow_source, list_file_explanations, resolve_request
from pipeline.singer.lyrics import LinesOfSection, Lyrics, parse_lyrics

from ..engine.engine import Engine
from ..jobs import Refused
from ..panel import BuiltRequest, Panel

MAX_LISTED = 200  # sections, and sentences, that are told


class Turns:
    """One reading at a time, as some take seconds, and of each machine the newest that waits: who
    types on has no use for the others. On the server's loop.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._newest: dict[str, object] = {}  # by machine

    @asynccontextmanager
    async def take(self, host: str) -> AsyncIterator[None]:
        """Raises `Refused` 409 where that machine has asked for another meanwhile."""
        own = self._newest[host] = object()
        async with self._lock:
            if self._newest[host] is not own:
                raise Refused(409, "another reading was asked for meanwhile")
            yield


def read(panel: Panel, values: Mapping[str, object], engine: Engine) -> dict[str, Any]:
    """What a take would be that is asked for now with these values over the panel's: its tempo,
    key, metre and length, the sections of its lyrics, and sentences about what was read, problems
    first. Where it would be refused, `problem` says why, and the rest is left out. Takes tens of
    milliseconds.
    """
    try:
        built = panel.finish(panel.draft(values))
        request = resolve_request(built.request, engine.default_guide)
    except BadRequest as error:
        return {"problem": str(error), "hint": error.hint}
    lyrics = parse_lyrics(request.lyrics, request.language)
    told = [*_list_notes(built, lyrics)]
    silence = "" if engine.sings or not request.lyrics.strip() else explain_silence(request)
    if silence:
        told.append(_describe_note(f"the lyrics will not be sung: {silence}", "lyrics", True))
    if lost := explain_lost_vocals(request, engine.has_voice):
        told.append(_describe_note(lost, "file", True))
    notes = sorted(told, key=lambda note: not note["isProblem"])
    return {
        "bpm": request.bpm,
        "tempoSource": _find_tempo_source(panel, built, request),
        "key": request.key,
        "timeSignature": request.time_signature,
        "bars": request.bars,
        "seconds": request.seconds,
        "sections": [_describe_section(part) for part in lyrics.parts[:MAX_LISTED]],
        "notes": notes[:MAX_LISTED],
    }


def _list_notes(built: BuiltRequest, lyrics: Lyrics) -> Iterator[dict[str, Any]]:
    """Sentences, what each is about, and whether somebody has to look at it. What only repeats a
    value that is told by itself is left out.
    """
    more = len(lyrics.parts) - MAX_LISTED
    if more > 0:
        yield _describe_note(f"{more} more sections are read than are listed here", "lyrics")
    for about, notes, problems in (
        ("request", built.notes, built.problems),
        ("lyrics", lyrics.notes if lyrics.parts else (), lyrics.problems),
    ):
        for text in dict.fromkeys((*problems, *notes)):
            yield _describe_note(text, about, text in problems)
    written = follow_source(built.request).request
    said = {"prompt": list_prompt_explanations(written), "file": list_file_explanations(written)}
    for about, explanations in said.items():
        for each in explanations:
            if not each.is_plain:
                yield _describe_note(each.text, about, each.is_problem)


def _describe_note(text: str, about: str, is_problem: bool = False) -> dict[str, Any]:
    return {"text": text, "about": about, "isProblem": is_problem}


def _find_tempo_source(panel: Panel, built: BuiltRequest, resolved: Request) -> str:
    """Who says the tempo: field, session, lyrics, prompt, source, guide or default."""
    if resolved.bpm == built.request.bpm:
        if "bpm" not in built.session:
            return "lyrics"
        return "field" if panel.request.bpm else "session"
    if built.request.follow_prompt().bpm == resolved.bpm:
        return "prompt"
    if resolved.source:
        return "source"
    return "guide" if resolved.guide else "default"


def _describe_section(part: LinesOfSection) -> dict[str, Any]:
    left_out = [line.text for line in part.lines if not line.syllables]
    return {"label": part.label, "kind": part.kind, "lines": len(part.sung), "leftOut": left_out}
