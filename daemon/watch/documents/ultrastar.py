"""UltraStar: songs of karaoke games, a syllable with its beat and pitch on each line."""

from __future__ import annotations

import re

from ..characters import fold, split_lines
from ..notes import UNCLEAR, UNDERSTOOD, SheetNote
from .document import Document, DocumentLine, DocumentTag, Kind, join_notes

_NOTE = re.compile(r"[:*FRG][ \t]+-?[0-9]{1,9}[ \t]+[0-9]{1,9}[ \t]+-?[0-9]{1,4}(?:[ \t](.*))?")
_LINE_END = re.compile(r"-[ \t]*-?[0-9]{1,9}(?:[ \t]+[0-9]{1,9})?[ \t]*")
_TAG = re.compile(r"#([A-Za-z0-9_]{1,30}):(.*)")
_VOICE = re.compile(r"P ?[0-9][ \t]*|E[ \t]*")
_SECOND = re.compile(r"P ?[2-9][ \t]*")  # of a duet
_HELD = "~"  # the syllable before goes on
_NOT_SUNG = "not sung: what a karaoke game needs"


def is_ultrastar(text: str) -> bool:
    lines = split_lines(text)
    has_tempo = any((tag := _TAG.match(line)) and tag[1].upper() == "BPM" for line in lines)
    return has_tempo and any(map(_NOTE.fullmatch, lines))


def read_ultrastar(text: str) -> Document:
    """Its words, line by line. The beats of a game are no tempo: #BPM is not read. No text
    raises.
    """
    lines: list[DocumentLine] = []
    tags: list[DocumentTag] = []
    notes: list[SheetNote] = []
    words = ""
    begin = 0  # the line of the file on which the words begin
    for number, raw in enumerate([*split_lines(text), "E"], 1):
        if note := _NOTE.fullmatch(raw):
            if not words.strip():
                begin = number
            else:
                notes.append(SheetNote(number, UNDERSTOOD, f"a syllable of line {begin}"))
            words += (note[1] or "").replace(_HELD, "")
            continue
        if _LINE_END.fullmatch(raw) or _VOICE.fullmatch(raw):
            if sung := " ".join(words.split()):
                lines.append(DocumentLine(begin, sung))
            elif begin and begin not in {line.number for line in lines[-1:]}:
                notes.append(SheetNote(begin, UNDERSTOOD, _NOT_SUNG))
            words = ""
            begin = 0
            if _SECOND.fullmatch(raw) and lines:
                hint = "remove it, or put its lines where they are to be sung"
                message = "a second voice: its lines are sung behind those of the first"
                notes.append(SheetNote(number, UNCLEAR, message, hint))
                continue
        elif (tag := _TAG.match(fold(raw))) and tag[1].upper() == "TITLE":
            tags.append(DocumentTag(number, "name", raw[tag.start(2) :].strip()))
            continue
        elif raw.strip() and not raw.startswith("#"):
            lines.append(DocumentLine(number, raw))
            continue
        if raw.strip():
            notes.append(SheetNote(number, UNDERSTOOD, _NOT_SUNG))
    notes = notes[:-1]  # the end that was put behind its lines
    return Document(Kind.ULTRASTAR, text, tuple(lines), tuple(tags), join_notes(notes))
