"""What is sung of a lyric sheet, line by line, and the markers between.

Time tags, chords, comments and Markdown are not sung. markers.py knows how sections begin.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from pipeline.request import MAX_LYRICS, OutOfRange, is_field

from .markers import (
    LyricLine,
    begin_section,
    keep_marker,
    parse_marker,
    parse_section,
    strip_chords,
)
from .notes import UNCLEAR, UNDERSTOOD, SheetNote, shorten

_RULE = re.compile(r"(?:[-=*_~—–] ?){3,}")
# there is one of ./# in its target: it is looked for first, as [^()\s]*[./#][^()\s]* is quadratic
_LINK = re.compile(r"!?\[[^\[\]]*\]\((?=[^()\s./#]*[./#])[^()\s]*\)")
_TIME_TAGS = re.compile(r"(?:\s*\[[0-9]{1,3}:[0-9]{1,2}(?:[.:][0-9]{1,3})?\])+")
_TIME = re.compile(r"\[([0-9]+):([0-9]+)(?:[.:]([0-9]+))?\]")
_WORD_TIME = re.compile(r"<[0-9]{1,3}:[0-9]{1,2}(?:[.:][0-9]{1,3})?> ?")
_TAG = re.compile(r"\[([A-Za-z_]{1,20}|#) *:(.*)\]")
_EMPHASISED = tuple(
    re.compile(rf"(?<!\w){mark}(?=[^\s{mark[-1]}])([^{mark[-1]}]+){mark}(?!\w)")
    for mark in (r"\*\*", r"\*", "__", "_")
)
_TAG_FIELDS = {"ti": "name", "la": "language"}
_UNUSED_TAGS = {"ar", "al", "au", "by", "re", "ve", "offset", "tool", "lr", "#"}
# where characters are kept that a backslash protects, while Markdown is taken off
_PRIVATE_USE = 0xE000

# a parameter's name and value as written -> its field, its value (None: it has none), a note
ParameterReader = Callable[[str, str], tuple[str, object, SheetNote]]


class SungLines(NamedTuple):
    """What is sung in place of line `number`, at each of its times, in seconds. A line without
    times keeps its place before the line below it.
    """

    number: int
    times: list[float]
    lines: tuple[str, ...]


class LyricsReader:
    """Takes a sheet line by line.

    Afterwards `text` is what is sung, `values` are parameters found on the way, and `notes` say
    what was made of every line. `suffix` (.txt, .md, .lrc) is how the sheet is written;
    `read_parameter` reads a parameter in a tag.
    """

    def __init__(self, suffix: str, read_parameter: ParameterReader) -> None:
        self.is_markdown = suffix == ".md"
        self.is_lrc = suffix == ".lrc"
        self.values: dict[str, object] = {}
        self.notes: list[SheetNote] = []
        self._read_parameter = read_parameter
        self._sung: list[SungLines] = []
        self._in_comment = False  # inside of <!-- -->
        self._has_words = False

    def add_line(self, number: int, line: str) -> None:
        text = line.strip()
        times: list[float] = []
        if tags := _TIME_TAGS.match(text):
            times = [_to_seconds(time) for time in _TIME.finditer(tags[0])]
            text = text[tags.end() :]
        text = _WORD_TIME.sub("", text).strip()
        if text:
            read = self._read_line(text)
        else:
            read = LyricLine("a time tag" if line.strip() else "", ("",))
        if read.message:
            self._add_note(SheetNote(number, read.code, read.message, read.hint))
        if read.sung:
            self._sung.append(SungLines(number, times, read.sung))
            self._has_words = self._has_words or any(read.sung)

    def list_lines(self) -> list[tuple[int, str]]:
        """What is sung, line by line, with the number of the sheet's line that it comes from; at
        most one empty line between two others. Raises `OutOfRange` where it is too long: a line may
        be sung a thousand times.
        """
        lines = [(sung.number, line) for sung in self._sort_by_time() for line in sung.lines]
        length = sum(len(line) + 1 for _, line in lines if line)
        if length > MAX_LYRICS + 1:
            message = f"lyrics must have at most {MAX_LYRICS} characters, got {length - 1}"
            raise OutOfRange(message, "shorten them")
        kept = [pair for pair, (_, above) in zip(lines, [(0, ""), *lines]) if pair[1] or above]
        if kept and not kept[-1][1]:
            kept.pop()
        return kept

    def _sort_by_time(self) -> list[SungLines]:
        """A line with several time tags is sung at each of them; one without goes before the line
        that follows it.
        """
        if not any(len(sung.times) > 1 for sung in self._sung):
            return self._sung
        placed: list[tuple[float, int, SungLines]] = []
        following = float("inf")
        for index, sung in reversed(list(enumerate(self._sung))):
            placed += [(time, index, sung) for time in sung.times or [following]]
            following = min(sung.times, default=following)
        return [sung._replace(times=[time]) for time, _, sung in sorted(placed)]

    def _add_note(self, note: SheetNote) -> None:
        """Lines one after the other of which the same is said share a note."""
        last = self.notes[-1] if self.notes else None
        if (
            last
            and last.line + last.lines == note.line
            and last.code == UNDERSTOOD
            and last.message == note.message
        ):
            self.notes[-1] = replace(last, lines=last.lines + 1)
        else:
            self.notes.append(note)

    def _read_line(self, text: str) -> LyricLine:
        if self.is_lrc and (tag := _TAG.fullmatch(text)):
            read = self._read_tag(tag[1].lower(), tag[2].strip())
            if read:
                return read
        if self.is_markdown:
            visible = self._strip_comments(text)
            if not visible:
                return LyricLine("a comment")
            if visible.startswith(("```", "~~~")) or _LINK.fullmatch(visible):
                return LyricLine("Markdown, not sung")
            text = _strip_markdown(visible)
        if _RULE.fullmatch(text):
            return LyricLine("a line across the page", ("",))
        if text[0] == "#":
            heading = text.lstrip("#")
            if heading[:1] in (" ", "\t"):
                return self._read_heading(heading.strip(" \t#"))
        if text[0] == "{" and text[-1] == "}":
            message = "not sung: a directive that means nothing here"
            return LyricLine(message, (), UNCLEAR, "write key: value at the top")
        return parse_marker(text) or strip_chords(text) or LyricLine("sung", (text,))

    def _read_tag(self, name: str, value: str) -> LyricLine | None:
        """[ti:Night Drive] in an .lrc file."""
        if name in _UNUSED_TAGS:
            return LyricLine(f"{name} is not used")
        name = _TAG_FIELDS.get(name, name)
        if not is_field(name):
            return None
        field, converted, note = self._read_parameter(name, value)
        if converted is not None:
            self.values.setdefault(field, converted)
        return LyricLine(note.message, (), note.code, note.hint)

    def _strip_comments(self, text: str) -> str:
        """A line of Markdown without what is inside of <!-- -->, which may reach over several
        lines.
        """
        visible = []
        begin = 0
        while begin < len(text):
            mark = "-->" if self._in_comment else "<!--"
            end = text.find(mark, begin)
            if not self._in_comment:
                visible.append(text[begin : end if end >= 0 else None])
            if end < 0:
                break
            self._in_comment = not self._in_comment
            begin = end + len(mark)
        return "".join(visible).strip()

    def _read_heading(self, text: str) -> LyricLine:
        """# Chorus. In Markdown, one that is no section and stands above the words is the title."""
        inner = text.replace("[", "").replace("]", "").strip()
        section = parse_section(inner)
        if section:
            return begin_section(section)
        if not self.is_markdown or not inner:
            return LyricLine("a comment")
        if "name" not in self.values and not self._has_words:
            self.values["name"] = inner
            return LyricLine(f"the title: name = {shorten(inner)}")
        return keep_marker(inner)


def _strip_markdown(text: str) -> str:
    """Markdown's quotes, list marks, hard breaks, emphasis and backslashes taken off."""
    plain = re.sub(r"^(?:> ?)+|^[-*+] +(?=\S)", "", text).removesuffix("\\").rstrip() or text
    plain = re.sub(r"\\([*_#>\[\]()\\-])", lambda match: chr(_PRIVATE_USE + ord(match[1])), plain)
    for emphasised in _EMPHASISED:
        plain = emphasised.sub(r"\1", plain)
    plain = re.sub(
        f"[{chr(_PRIVATE_USE)}-{chr(_PRIVATE_USE + 127)}]",
        lambda match: chr(ord(match[0]) - _PRIVATE_USE),
        plain,
    )
    return plain.strip() or text


def _to_seconds(time: re.Match[str]) -> float:
    return int(time[1]) * 60 + int(time[2]) + float(f"0.{time[3] or 0}")
