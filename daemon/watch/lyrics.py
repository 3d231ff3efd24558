"""What is sung of a lyric sheet, line by line, and the markers between.

Chords, comments and Markdown are not sung. markers.py knows how sections begin.
"""

from __future__ import annotations

import re
from dataclasses import replace

from pipeline.request import MAX_LYRICS, OutOfRange

from .documents.document import DocumentLine, SungLines, sort_by_time
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
_EMPHASISED = tuple(
    re.compile(rf"(?<!\w){mark}(?=[^\s{mark[-1]}])([^{mark[-1]}]+){mark}(?!\w)")
    for mark in (r"\*\*", r"\*", "__", "_")
)
# where characters are kept that a backslash protects, while Markdown is taken off
_PRIVATE_USE = 0xE000


class LyricsReader:
    """Takes a sheet line by line.

    Afterwards `text` is what is sung, `values` are parameters found on the way, and `notes` say
    what was made of every line.
    """

    def __init__(self, is_markdown: bool) -> None:
        self.is_markdown = is_markdown
        self.values: dict[str, object] = {}
        self.notes: list[SheetNote] = []
        self._sung: list[SungLines] = []
        self._in_comment = False  # inside of <!-- -->
        self._has_words = False

    def add_line(self, line: DocumentLine) -> None:
        text = line.text.strip()
        if text:
            read = self._read_line(text)
        else:
            read = LyricLine("a time tag" if line.times else "", ("",))
        if read.message:
            self._add_note(SheetNote(line.number, read.code, read.message, read.hint))
        if read.sung:
            self._sung.append(SungLines(line.number, line.times, read.sung))
            self._has_words = self._has_words or any(read.sung)

    def list_lines(self) -> list[tuple[int, str]]:
        """What is sung, line by line, with the number of the sheet's line that it comes from; at
        most one empty line between two others. Raises `OutOfRange` where it is too long: a line may
        be sung a thousand times.
        """
        lines = [(sung.number, line) for sung in sort_by_time(self._sung) for line in sung.lines]
        length = sum(len(line) + 1 for _, line in lines if line)
        if length > MAX_LYRICS + 1:
            message = f"lyrics must have at most {MAX_LYRICS} characters, got {length - 1}"
            raise OutOfRange(message, "shorten them")
        kept = [pair for pair, (_, above) in zip(lines, [(0, ""), *lines]) if pair[1] or above]
        if kept and not kept[-1][1]:
            kept.pop()
        return kept

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
