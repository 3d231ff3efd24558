"""The parameters of a lyric sheet: `key: value` or `key = value` at its top.

They stand between two `---` lines or, where the first line already names one, end at the first
blank line. Values may be written as in YAML: quoted, with comments, as blocks or lists.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from pipeline.limits import LIMITS
from pipeline.request import (
    FIELDS,
    FILE_FIELDS,
    BadRequest,
    OutOfRange,
    UnknownField,
    coerce,
    field_name,
    is_field,
    suggest_field,
)

from ..jobs import Refused
from ..settings import AUTO, NAME, NOBODY
from .characters import clean_line, fold
from .markers import parse_marker
from .notes import (
    OUT_OF_RANGE,
    UNCLEAR,
    UNDERSTOOD,
    SheetNote,
    describe_error,
    join_notes,
    shorten,
)
from .song_head import (
    TEXTS,
    Fact,
    add_fallback,
    describe_unused,
    find_fact,
    find_slip,
    is_credit,
    is_fallback,
    list_facts,
    split_pair,
    suggest_word,
)

# a field's name and a text -> the text; where it is a path, with the path made whole
PathResolver = Callable[[str, str], str]

AROUND = "around the parameters"
MOST_COMPARED = 8  # words of a head that are compared with all it may mean
MAX_ENTRIES = LIMITS.sheet_parameters  # what a wrong name may mean takes a while to find
UNENDED = "the end of the parameters is not marked"

UNKNOWN_WORD = (
    "write prompt: where it is what it should sound like, or put it below [Verse] to have it sung"
)
_HINTS = {  # what messages and the command line know, and a sheet is without
    "count": "save the sheet under other names for more takes, or send /ace/reroll",
    "priority": "the takes of sheets are made in the order in which they were saved",
}
INSERT = "insert"  # no parameter of a take: who puts it into a DAW
NOBODY_WORDS = (NOBODY, "off", "false")  # as in YAML

_FENCE = re.compile(r"-{3,}|[—–][-—–]*|\+{3,}")  # editors make dashes of hyphens
_KEY = re.compile(r"[^\W\d_][\w \u0900-\u0dff\u0e30-\u0e4e-]{0,40}")  # with vowels of Asia
_DOUBLE_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_SINGLE_QUOTED = re.compile(r"'((?:[^']|'')*)'\s*(?:#.*)?")
_CURLY_QUOTED = re.compile(r"[“„«「『]([^“”„«»「」『』]*)[“”»」』]\s*(?:#.*)?")
_ALIKE = 0.75  # how alike a slip and its field are: heads of editors have words of their own
_HAS_NUMBER = re.compile(r"[~+-]? ?\d")
_REMARKS = ("(", "[", " - ", ", ", ";", " #", " //")
_QUOTES = ('"', "'", "“", "„", "«", "「", "『")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "/": "/"}


class _Pair(NamedTuple):
    """A line `key: value` as it is written."""

    indent: int
    key: str
    value: str


@dataclass
class _Entry:
    """One `key: value` line and the lines that belong to it."""

    line: int
    key: str
    value: str
    indent: int = 0
    continuation: list[str] = field(default_factory=list)
    has_blank: bool = False  # among the lines of its continuation
    others: list[_Entry] = field(default_factory=list)  # of the same line
    written: str = ""  # the value with what cannot be seen
    fact: Fact | None = None  # what it says, where that is known

    @property
    def is_block(self) -> bool:
        return re.fullmatch(r"[|>][+-]?", self.value) is not None

    @property
    def is_list(self) -> bool:
        items = all(line.strip().startswith("- ") for line in self.continuation)
        return not self.value and bool(self.continuation) and items

    def continues_with(self, line: str) -> bool:
        """Whether the next line goes on with this value."""
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if not self.is_block and (self.has_blank or text.startswith("#") or _names_field(line)):
            return False
        if text.startswith("- ") and not self.value and indent == self.indent:
            return True
        return indent > self.indent


def count_header_lines(lines: list[str]) -> int:
    """How many lines the parameters take, with what is around them."""
    start = next((n for n, line in enumerate(lines) if line.strip()), None)
    if start is None:
        return 0
    if not _is_fence(lines[start]):
        end = _find_end(lines, start, across_blanks=False)
        begins = _names_field(lines[start]) or _is_head(lines[start])
        return end if begins or _is_unknown_head(lines, start, end) else 0
    close = next((n for n in range(start + 1, len(lines)) if _is_fence(lines[n])), None)
    first = next((line for line in lines[start + 1 : close] if line.strip()), None)
    if first is None:
        return (close or 0) + 1
    if not _split_pair(first.expandtabs(4)) and not first.lstrip().startswith("#"):
        return 0
    if close is None:
        return _find_end(lines, start + 1, across_blanks=True)
    return close + 1


def read_parameters(
    lines: list[str], resolve_path: PathResolver
) -> tuple[dict[str, object], list[SheetNote]]:
    """Lines as they are written that hold nothing else: values by the names of their fields,
    `INSERT` among them, and what was made of every line. No text raises.
    """
    values: dict[str, object] = {}
    given_in: dict[str, int] = {}
    fallbacks: dict[str, object] = {}
    notes: list[SheetNote] = []
    count = 0
    for entry in _split_entries(lines):
        if isinstance(entry, SheetNote):
            notes.append(entry)
            continue
        count += 1 + len(entry.others)
        if count > MAX_ENTRIES:
            message = f"at most {MAX_ENTRIES} parameters are read: this is one more"
            notes.append(SheetNote(entry.line, OUT_OF_RANGE, message))
            break
        said = []
        for each in (entry, *entry.others):
            name, value, note = _read_entry(each, resolve_path)
            if value is not None and is_fallback(each.key):
                add_fallback(fallbacks, name, value)
                note = replace(note, message=f"{each.key.lower()}: {note.message}, if no other is")
            elif value is not None:
                if name in given_in:
                    hint = f"it was given in line {given_in[name]} too: this one holds"
                    note = replace(note, code=UNCLEAR, hint=hint)
                values[name] = value
                given_in[name] = entry.line
            said.append(note)
        notes.append(join_notes(said))
    values = fallbacks | values
    fences = [n for n, note in enumerate(notes) if note.message == AROUND]
    if len(fences) == 1:
        hint = "put a line of --- behind the last"
        notes[fences[0]] = replace(notes[fences[0]], code=UNCLEAR, message=UNENDED, hint=hint)
    return values, notes


def read_parameter(
    key: str, value: str, resolve_path: PathResolver
) -> tuple[str, object, SheetNote]:
    """One parameter as it is written: its field's name, its value (None: it has none) and a note
    of line 0.
    """
    return _read_entry(_Entry(0, key, value), resolve_path)


def _find_end(lines: list[str], first: int, across_blanks: bool) -> int:
    """The line behind the last one that can belong to parameters which nothing closes."""
    end = first
    for number, line in enumerate(lines[first:], first):
        text = line.strip()
        if not text:
            if not across_blanks:
                return end
            continue
        is_indented = line[:1] in (" ", "\t") and end > first
        belongs = _split_pair(text) or text[0] == "#" or is_indented or list_facts(text)
        if parse_marker(text) or not belongs:
            return end
        end = number + 1
    return end


def _is_fence(line: str) -> bool:
    text = line.strip()
    return text == "..." or bool(_FENCE.fullmatch(text) or _FENCE.fullmatch(fold(text)))


def _split_pair(line: str) -> _Pair | None:
    """None where the line is no `key: value`."""
    text = line.lstrip(" ")
    folded = fold(text)
    end = min((at for mark in ":=" if (at := folded.find(mark)) >= 0), default=0)
    key = text[:end].rstrip(" ")
    if not _KEY.fullmatch(key):
        return None
    return _Pair(len(line) - len(text), key, text[end + 1 :])


def _cut_value(written: str) -> str:
    """What stands behind a line's first mark."""
    folded = fold(written)
    begin = min(at for mark in ":=" if (at := folded.find(mark)) >= 0) + 1
    end = len(written)
    while begin < end and not clean_line(written[begin]).strip():
        begin += 1
    while begin < end and not clean_line(written[end - 1]).strip():
        end -= 1
    return written[begin:end]


def _names_field(line: str) -> bool:
    pair = _split_pair(line.expandtabs(4))
    return pair is not None and (is_field(key := _normalize_key(pair.key)) or key == INSERT)


def _is_head(line: str) -> bool:
    """Whether a song sheet's head begins: `Title: Low Tide`."""
    return _split_pair(line.expandtabs(4)) is not None and bool(list_facts(line))


def _is_unknown_head(lines: list[str], start: int, end: int) -> bool:
    """Whether lines that stand apart are a head whose first word no head has: `Kunst: Nobody`
    above `Key: G`; `promt: lo-fi`. Not so what several lines begin with, who sings them.
    """
    if end < len(lines) and lines[end].strip() and not parse_marker(lines[end].strip()):
        return False
    pairs = [pair for line in lines[start:end] if (pair := _split_pair(line.strip()))]
    keys = Counter(pair.key for line in lines if (pair := _split_pair(line.strip())))
    if any(keys[pair.key] > 1 for pair in pairs):
        return False
    return any(map(_is_head, lines[start:end])) or any(
        find_slip(pair.key, pair.value) for pair in pairs[:MOST_COMPARED]
    )


def _split_entries(lines: list[str]) -> Iterator[_Entry | SheetNote]:
    entry: _Entry | None = None
    for number, written in enumerate(lines, 1):
        line = clean_line(written).expandtabs(4).rstrip()
        text = line.strip()
        if entry and (not text or entry.continues_with(line)):
            entry.continuation.append(line)
            entry.has_blank = entry.has_blank or not text
            continue
        if entry:
            yield entry
            entry = None
        if _is_fence(text):
            yield SheetNote(number, UNDERSTOOD, AROUND)
        elif is_credit(text):
            yield SheetNote(number, UNDERSTOOD, "about the song, not used")
        elif pair := _split_pair(line):
            facts = split_pair(pair.key, pair.value.strip())
            if len(facts) > 1:
                entry = _make_entry(number, facts)
            else:
                entry = _Entry(number, pair.key, pair.value.strip(), pair.indent)
                entry.written = _cut_value(written)
        elif text.startswith("#"):
            yield SheetNote(number, UNDERSTOOD, "a comment")
        elif facts := list_facts(text):
            entry = _make_entry(number, facts)
        elif text:
            message = f"not understood: {shorten(text)}"
            yield SheetNote(number, UNCLEAR, message, "write it as key: value")
    if entry:
        yield entry


def _make_entry(line: int, facts: list[Fact]) -> _Entry:
    """What a line says that is several things."""
    first, *others = [_Entry(line, fact.word, fact.value, fact=fact) for fact in facts]
    first.others = others
    return first


def _normalize_key(text: str) -> str:
    return re.sub(r"[ -]+", "_", text.strip()).lower()


def _read_entry(entry: _Entry, resolve_path: PathResolver) -> tuple[str, object, SheetNote]:
    """The field's name, its value (None: it has none) and a note."""
    while entry.continuation and not entry.continuation[-1]:
        entry.continuation.pop()
    lines = 1 + len(entry.continuation)
    key = _normalize_key(entry.key)
    fact = entry.fact or find_fact(entry.key, entry.value)
    if fact and not fact.name:
        return key, None, replace(describe_unused(fact), line=entry.line, lines=lines)
    if fact:
        key = fact.name
        entry.value = fact.value
    try:
        name = key if key == INSERT else field_name(key)
        is_quoted = name in TEXTS and entry.written.startswith(_QUOTES)
        if (is_quoted or name in FILE_FIELDS) and entry.written and not entry.continuation:
            entry.value = entry.written
        text = _join_value(name, entry)
        if not text and (name == INSERT or FIELDS[name].default != ""):
            note = SheetNote(entry.line, UNDERSTOOD, f"{name} is left empty", lines=lines)
            return name, None, note
        value = _parse_program(text) if name == INSERT else _coerce(name, resolve_path(name, text))
    except UnknownField as error:
        slip = suggest_word(entry.key, entry.value) or suggest_field(key, _ALIKE)
        hint = _HINTS.get(key, UNKNOWN_WORD)  # no list of all of them
        hint = f"did you mean {slip}?" if slip else hint
        note = describe_error(error, entry.line, lines)
        return key, None, replace(note, hint=hint, holds=_find_held(slip, entry.value))
    except (BadRequest, Refused) as error:
        note = describe_error(error, entry.line, lines)
        return key, None, replace(note, holds=name if _is_number(name) else "")
    value_text = shorten(f"{value:.10g}" if isinstance(value, float) else str(value))
    message = f"{name} = {value_text}{fact.remark if fact else ''}"
    return name, value, SheetNote(entry.line, UNDERSTOOD, message, lines=lines)


def _find_held(slip: str, value: str) -> str:
    """The field without which no take is to be made, as a number stands behind a word that may be
    a slip for it: `bmp: 84` would play at another tempo.
    """
    if not slip or not _HAS_NUMBER.match(fold(value)):
        return ""
    fact = find_fact(slip, value)
    return fact.name if fact and fact.name and _is_number(fact.name) else ""


def _is_number(name: str) -> bool:
    """Whether a field's values are numbers, or are made of them."""
    return name == "time_signature" or (
        name != INSERT and type(FIELDS[name].default) in (int, float)
    )


def _coerce(name: str, text: str) -> object:
    """As `coerce`; with what other keyboards write, and without a remark behind a value."""
    if name in TEXTS or name in FILE_FIELDS:
        return coerce(name, text)
    text = fold(text)
    try:
        return coerce(name, text)
    except BadRequest:
        plain = _strip_remark(text)
        if plain in ("", text):
            raise
    return coerce(name, plain)


def _strip_remark(text: str) -> str:
    """`72 (half time)` -> `72`."""
    end = min((at for mark in _REMARKS if (at := text.find(mark)) > 0), default=len(text))
    return text[:end].strip()


def _parse_program(text: str) -> str:
    """The program's name, `AUTO` or `NOBODY`. Raises `OutOfRange`."""
    program = text.lower()
    if program in NOBODY_WORDS:
        return NOBODY
    if program != AUTO and not NAME.fullmatch(program):
        raise OutOfRange(
            f"{INSERT} must be the name of a program like live or reaper, {AUTO} or {NOBODY}, "
            f"got {text[:40]!r}"
        )
    return program


def _join_value(name: str, entry: _Entry) -> str:
    """The text that was meant: without quotes and comments, blocks and lists put together."""
    if entry.is_block:
        return _join_block(entry)
    separator = ", " if name == "prompt" else " "
    if entry.is_list:
        return separator.join(_unquote(line.strip()[2:]) for line in entry.continuation)
    whole = " ".join([entry.value, *(line.strip() for line in entry.continuation)])
    text = _unquote(whole)
    is_quoted = text != _strip_comment(whole)
    is_bracketed = text.startswith("[") and text.endswith("]")
    if is_bracketed and not is_quoted and name != "lyrics":
        return separator.join(_unquote(part) for part in text[1:-1].split(","))
    return text


def _join_block(entry: _Entry) -> str:
    """The lines behind a `|`, or those behind a `>` as one."""
    indents = [len(line) - len(line.lstrip()) for line in entry.continuation if line.strip()]
    depth = min(indents, default=0)
    separator = "\n" if entry.value[0] == "|" else " "
    return separator.join(line[depth:].rstrip() for line in entry.continuation)


def _unquote(value: str) -> str:
    value = value.strip()
    if quoted := _DOUBLE_QUOTED.fullmatch(value):
        return re.sub(r"\\(.)", _unescape, quoted[1])
    if quoted := _SINGLE_QUOTED.fullmatch(value):
        return quoted[1].replace("''", "'")
    if quoted := _CURLY_QUOTED.fullmatch(value):
        return quoted[1]
    return _strip_comment(value)


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[0])


def _strip_comment(value: str) -> str:
    """`84 # slow` -> `84`; "#1 hit" and "F# minor" are no comments."""
    return re.split(r"(?:^|(?<=\s))#(?=\s|$)", value.strip(), maxsplit=1)[0].strip()
