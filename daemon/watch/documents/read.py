"""Which format a file of words has, and its reader."""

from __future__ import annotations

from ..characters import split_lines
from .document import Document, Kind
from .lrc import read_lrc, strip_times


def read_text(text: str, suffix: str) -> Document:
    """A text that was decoded; `suffix` (.txt, .md, .lrc) is that of its file. No text raises."""
    if suffix == ".lrc":
        return read_lrc(text)
    lines = tuple(strip_times(number, line) for number, line in enumerate(split_lines(text), 1))
    return Document(Kind.MARKDOWN if suffix == ".md" else Kind.PLAIN, text, lines)
