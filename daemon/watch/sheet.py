"""A lyric sheet as writers write it: text in; values of a request out, with a note on every line of
it.

A sheet may begin with parameters, `key: value` or `key = value`, between two `---` lines or, where
the first line already names one, up to the first blank line. What follows is sung.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.request import (
    FIELDS,
    BadRequest,
    OutOfRange,
    UnknownField,
    coerce,
    field_name,
    is_field,
)

from ..jobs import Refused
from .lyrics import FINE, ODD, UNKNOWN, Lyrics, SheetNote, marker, short

# a field's name and text -> the text, where it is a path with the path made whole
Place = Callable[[str, str], str]

WRONG = 422
AROUND = "around the parameters"
UNENDED = "the end of the parameters is not marked"

_FENCE = re.compile(r"-{3,}|[—–][-—–]*|\+{3,}")  # editors make dashes of hyphens
_PAIR = re.compile(r"( *)([A-Za-z][\w -]{0,40}?) *[:=](.*)")
_CLOCKS = {"seconds", "repaint_start", "repaint_end"}  # may be written 1:30
_QUOTED: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?'), lambda text: re.sub(r"\\(.)", _escape, text)),
    (re.compile(r"'((?:[^']|'')*)'\s*(?:#.*)?"), lambda text: text.replace("''", "'")),
    (re.compile(r"[“„]([^“”„]*)[“”]\s*(?:#.*)?"), str),
)


@dataclass(frozen=True)
class Sheet:
    """Values of a request by the names of its fields, as they are kept, and what was made of every
    line.
    """

    values: dict[str, Any] = field(default_factory=dict)
    notes: tuple[SheetNote, ...] = ()


def problems(notes: Sequence[SheetNote]) -> list[SheetNote]:
    return [note for note in notes if note.code]


def decode(content: bytes) -> tuple[str, str]:
    """The text of a file, and its encoding where that is not UTF-8. Raises ValueError when it is no
    text.
    """
    if content.startswith(codecs.BOM_UTF8):
        return content[len(codecs.BOM_UTF8) :].decode("utf-8", "replace"), ""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace"), "UTF-16"
    if b"\0" in content:
        raise ValueError("it holds zero bytes")
    try:
        return content.decode("utf-8"), ""
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        return content.decode("latin-1"), "Latin-1"


def read(text: str, suffix: str = ".txt", place: Place = lambda name, value: value) -> Sheet:
    """A lyric sheet; `suffix` (.txt, .md, .lrc) is how it is written. No text raises."""
    lines = _lines(text)
    body = _header(lines)
    values, notes = _fields(lines[:body], place)
    sung = Lyrics(suffix, lambda name, value: _field(_Entry(0, name, value), place))
    for number, line in enumerate(lines[body:], body + 1):
        sung.take(number, line)
    for name, value in sung.values.items():
        values.setdefault(name, value)
    if lyrics := coerce("lyrics", sung.text()):
        if values.get("lyrics"):
            notes.insert(
                0,
                SheetNote(
                    0,
                    ODD,
                    "there are lyrics among the parameters, and below",
                    "those below are sung",
                ),
            )
        values["lyrics"] = lyrics
    return Sheet(values, (*notes, *sung.notes))


def written(values: Mapping[str, Any]) -> str:
    """A sheet that says these values: what `read` makes of it."""
    named = (f"{name}: {_quoted(value)}" for name, value in values.items() if name != "lyrics")
    return (
        "\n".join(["---", *named, "---", "", str(values.get("lyrics", "")).strip()]).rstrip() + "\n"
    )


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def read_fields(text: str, place: Place = lambda name, value: value) -> Sheet:
    """A file of parameters only; the `---` lines may be left out."""
    values, notes = _fields(_lines(text), place)
    return Sheet(values, tuple(notes))


def report(name: str, notes: Sequence[SheetNote], text: str = "") -> str:
    """What is written beside the takes when something was not understood, for its writer to
    read.
    """
    lines = ["", *_lines(text)]
    wrong = problems(notes)
    fine = [note for note in notes if not note.code]
    told = [f"{name}: {len(wrong)} {'thing' if len(wrong) == 1 else 'things'} to look at", ""]
    for note in wrong:
        shown = f": {short(lines[note.line])}" if 0 < note.line < len(lines) else ""
        told += [f"{_where(note)}{shown}", f"    {note}"]
    if fine:
        told += ["", "What was understood", "", *(f"{_where(note)}: {note}" for note in fine)]
    return "\n".join(told) + "\n"


def _where(note: SheetNote) -> str:
    if not note.line:
        return "the file"
    return (
        f"line {note.line}"
        if note.lines == 1
        else f"lines {note.line} to {note.line + note.lines - 1}"
    )


def _lines(text: str) -> list[str]:
    """As editors count them."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


# --- parameters -----------------------------------------------------------------------------------


@dataclass
class _Entry:
    """One `key: value` line and the lines that belong to it."""

    line: int
    key: str
    value: str
    indent: int = 0
    more: list[str] = field(default_factory=list)
    gap: bool = False  # among them is a blank one

    @property
    def block(self) -> bool:
        return re.fullmatch(r"[|>][+-]?", self.value) is not None

    def takes(self, line: str) -> bool:
        """Whether the next line goes on with this value."""
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if not self.block and (self.gap or text.startswith("#") or _names_field(line)):
            return False
        return indent > self.indent or (
            text.startswith("- ") and not self.value and indent == self.indent
        )


def _header(lines: list[str]) -> int:
    """How many lines the parameters take, with what is around them."""
    start = next((n for n, line in enumerate(lines) if line.strip()), None)
    if start is None:
        return 0
    if not _is_fence(lines[start]):
        return _end_of_pairs(lines, start, across_blanks=False) if _names_field(lines[start]) else 0
    close = next((n for n in range(start + 1, len(lines)) if _is_fence(lines[n])), None)
    inner = next((line for line in lines[start + 1 : close] if line.strip()), None)
    if inner is None or not (
        _PAIR.fullmatch(inner.expandtabs(4)) or inner.lstrip().startswith("#")
    ):
        return 0 if inner else (close or 0) + 1
    return _end_of_pairs(lines, start + 1, across_blanks=True) if close is None else close + 1


def _end_of_pairs(lines: list[str], first: int, across_blanks: bool) -> int:
    """The line behind the last one that can belong to parameters which nothing closes."""
    end = first
    for number, line in enumerate(lines[first:], first):
        text = line.strip()
        if not text and not across_blanks:
            return end
        goes_on = (
            _PAIR.fullmatch(text) or text[:1] == "#" or (line[:1] in (" ", "\t") and end > first)
        )
        if text and (marker(text) or not goes_on):
            return end
        end = number + 1 if text else end
    return end


def _is_fence(line: str) -> bool:
    return line.strip() == "..." or _FENCE.fullmatch(line.strip()) is not None


def _names_field(line: str) -> bool:
    pair = _PAIR.fullmatch(line.expandtabs(4))
    return pair is not None and is_field(_key(pair[2]))


def _fields(lines: list[str], place: Place) -> tuple[dict[str, Any], list[SheetNote]]:
    values: dict[str, Any] = {}
    given: dict[str, int] = {}
    notes: list[SheetNote] = []
    for found in _entries(lines):
        if isinstance(found, SheetNote):
            notes.append(found)
            continue
        name, value, note = _field(found, place)
        if value is not None:
            if name in given:
                note = replace(
                    note, code=ODD, hint=f"it was given in line {given[name]} too: this one holds"
                )
            values[name] = value
            given[name] = found.line
        notes.append(note)
    fences = [n for n, note in enumerate(notes) if note.message == AROUND]
    if len(fences) == 1:
        notes[fences[0]] = replace(
            notes[fences[0]], code=ODD, message=UNENDED, hint="put a line of --- behind the last"
        )
    return values, notes


def _entries(lines: list[str]) -> Iterator[_Entry | SheetNote]:
    entry: _Entry | None = None
    for number, line in enumerate(lines, 1):
        line, text = line.expandtabs(4).rstrip(), line.strip()
        if entry and (not text or entry.takes(line)):
            entry.more.append(line)
            entry.gap = entry.gap or not text
            continue
        if entry:
            yield entry
            entry = None
        if _is_fence(text):
            yield SheetNote(number, FINE, AROUND)
        elif pair := _PAIR.fullmatch(line):
            entry = _Entry(number, pair[2], pair[3].strip(), len(pair[1]))
        elif text.startswith("#"):
            yield SheetNote(number, FINE, "a comment")
        elif text:
            yield SheetNote(number, ODD, f"not understood: {short(text)}", "write it as key: value")
    if entry:
        yield entry


def _key(text: str) -> str:
    return re.sub(r"[ -]+", "_", text.strip()).lower()


def _field(entry: _Entry, place: Place) -> tuple[str, Any, SheetNote]:
    """The field's name, its value (None: it has none) and a note."""
    while entry.more and not entry.more[-1]:
        entry.more.pop()
    span = 1 + len(entry.more)
    key = "name" if _key(entry.key) == "title" else _key(entry.key)
    try:
        name = field_name(key)
        text = _value(name, entry)
        if not text and FIELDS[name].default != "":
            return name, None, SheetNote(entry.line, FINE, f"{name} is left empty", lines=span)
        value = coerce(name, place(name, text))
    except (BadRequest, Refused) as error:
        return key, None, refusal(error, entry.line, span)
    shown = short(f"{value:.10g}" if isinstance(value, float) else str(value))
    return name, value, SheetNote(entry.line, FINE, f"{name} = {shown}", lines=span)


def refusal(error: BadRequest | Refused, line: int = 0, lines: int = 1) -> SheetNote:
    """What was wrong, as a note."""
    if isinstance(error, Refused):
        return SheetNote(line, error.code, str(error), error.hint, lines)
    code = {UnknownField: UNKNOWN, OutOfRange: WRONG}.get(type(error), ODD)
    return SheetNote(line, code, str(error), error.hint, lines)


def _value(name: str, entry: _Entry) -> str:
    """The text that was meant: without quotes and comments, blocks and lists put together."""
    if entry.block:
        depth = min(
            (len(line) - len(line.lstrip()) for line in entry.more if line.strip()), default=0
        )
        return ("\n" if entry.value[0] == "|" else " ").join(
            line[depth:].rstrip() for line in entry.more
        )
    between = ", " if name == "prompt" else " "
    if not entry.value and entry.more and all(line.strip().startswith("- ") for line in entry.more):
        return between.join(_plain(line.strip()[2:]) for line in entry.more)
    whole = " ".join([entry.value, *(line.strip() for line in entry.more)])
    text = _plain(whole)
    if (
        name != "lyrics"
        and text == _uncommented(whole)
        and text.startswith("[")
        and text.endswith("]")
    ):
        return between.join(_plain(part) for part in text[1:-1].split(","))
    if name in _CLOCKS and (clock := re.fullmatch(r"(\d{1,3}):(\d{1,2}(?:\.\d+)?)", text)):
        return f"{int(clock[1]) * 60 + float(clock[2]):g}"
    return text


def _plain(value: str) -> str:
    value = value.strip()
    for pattern, meant in _QUOTED:
        if quoted := pattern.fullmatch(value):
            return meant(quoted[1])
    return _uncommented(value)


def _uncommented(value: str) -> str:
    """`84 # slow` -> `84`; "#1 hit" and "F# minor" are no comments."""
    return re.split(r"(?:^|(?<=\s))#(?=\s|$)", value.strip(), maxsplit=1)[0].strip()


def _escape(found: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "/": "/"}.get(found[1], found[0])
