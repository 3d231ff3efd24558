"""What would be read out of a prompt and lyrics, told while they are typed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pipeline.request import BadRequest, Request
from pipeline.request_files import explain, resolve_request
from pipeline.singer.lyrics import LinesOfSection, parse_lyrics

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


def read(panel: Panel, values: Mapping[str, object], default_guide: str) -> dict[str, Any]:
    """What a take would be that is asked for now with these values over the panel's: its tempo,
    key, metre and length, the sections of its lyrics, and sentences about what was read. Where it
    would be refused, `problem` says why, and the rest is left out. Takes tens of milliseconds.
    """
    try:
        built = panel.finish(panel.draft(values))
        request = resolve_request(built.request, default_guide)
    except BadRequest as error:
        return {"problem": str(error), "hint": error.hint}
    lyrics = parse_lyrics(request.lyrics, request.language)
    notes = [*dict.fromkeys([*built.notes, *explain(built.request), *lyrics.notes])]
    more = len(lyrics.parts) - MAX_LISTED
    if more > 0:
        notes.insert(0, f"{more} more sections are read than are listed here")
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
