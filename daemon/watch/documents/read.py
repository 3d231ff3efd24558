"""Which format a file of words has, and its reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..characters import split_lines
from .document import Document, DocumentLine, Kind
from .lrc import count_timed, read_lrc
from .times import strip_bare_time, strip_leading_times, strip_times

LEAST_TIMED = 3  # lines of a text without brackets, of which half have times


def read_text(text: str, suffix: str) -> Document:
    """A text that was decoded; `suffix` (.txt, .md, .lrc) is that of its file. No text raises."""
    raw = split_lines(text)
    written = sum(1 for line in raw if line.strip())
    bare = count_timed(_strip(raw, strip_bare_time))
    if bare >= LEAST_TIMED and 2 * bare >= written:
        return read_lrc(text, strip_bare_time)
    lines = _strip(raw, strip_leading_times)
    if suffix == ".lrc" or 3 * count_timed(lines) >= written > 0:
        return read_lrc(text, strip_times)
    return Document(Kind.MARKDOWN if suffix == ".md" else Kind.PLAIN, text, lines)


def _strip(
    lines: Sequence[str], strip: Callable[[int, str], DocumentLine]
) -> tuple[DocumentLine, ...]:
    return tuple(strip(number, line) for number, line in enumerate(lines, 1))
