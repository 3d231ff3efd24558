"""LRC: lines of lyrics with their times, [00:12.34] in front of each, and tags like [ti:Title]."""

from __future__ import annotations

import re

from pipeline.request import is_field

from ..characters import split_lines
from ..notes import UNDERSTOOD, SheetNote
from .document import Document, DocumentLine, DocumentTag, Kind

_TIME_TAGS = re.compile(r"(?:\s*\[[0-9]{1,3}:[0-9]{1,2}(?:[.:][0-9]{1,3})?\])+")
_TIME = re.compile(r"\[([0-9]+):([0-9]+)(?:[.:]([0-9]+))?\]")
_WORD_TIME = re.compile(r"<([0-9]{1,3}):([0-9]{1,2})(?:[.:]([0-9]{1,3}))?> ?")
_TAG = re.compile(r"\[([A-Za-z_]{1,20}|#) *:(.*)\]")
_TAG_FIELDS = {"ti": "name", "la": "language"}
_UNUSED_TAGS = {"ar", "al", "au", "by", "re", "ve", "offset", "tool", "lr", "#"}


def read_lrc(text: str) -> Document:
    """Its tags are read too. No text raises."""
    lines: list[DocumentLine] = []
    tags: list[DocumentTag] = []
    notes: list[SheetNote] = []
    for number, raw in enumerate(split_lines(text), 1):
        line = strip_times(number, raw)
        name, value = _split_tag(line.text.strip())
        if name in _UNUSED_TAGS:
            notes.append(SheetNote(number, UNDERSTOOD, f"{name} is not used"))
        elif is_field(field := _TAG_FIELDS.get(name, name)):
            tags.append(DocumentTag(number, field, value))
        else:
            lines.append(line)
    return Document(Kind.LRC, text, tuple(lines), tuple(tags), tuple(notes))


def strip_times(number: int, text: str) -> DocumentLine:
    """A line without the times in front of it and of its words."""
    times: tuple[float, ...] = ()
    if tags := _TIME_TAGS.match(text):
        times = tuple(_to_seconds(time) for time in _TIME.finditer(tags[0]))
        text = text[tags.end() :]
    elif first := _WORD_TIME.match(text.lstrip()):
        times = (_to_seconds(first),)
    return DocumentLine(number, _WORD_TIME.sub("", text), times)


def _split_tag(text: str) -> tuple[str, str]:
    """[ti: Night Drive] -> ti, Night Drive; no name where a line is no tag."""
    tag = _TAG.fullmatch(text)
    return (tag[1].lower(), tag[2].strip()) if tag else ("", "")


def _to_seconds(time: re.Match[str]) -> float:
    return int(time[1]) * 60 + int(time[2]) + float(f"0.{time[3] or 0}")
