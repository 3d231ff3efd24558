"""Times of words as text: the enhanced LRC format, which players of songs show word by word.

A line is `[mm:ss.xx] <mm:ss.xx> word <mm:ss.xx> word <mm:ss.xx>`: when it begins, when each word
does, and when the last one ends (https://en.wikipedia.org/wiki/LRC_(file_format)).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .lines import LineTime

EMPTY_AFTER = 4.0  # seconds without words: an empty line takes the last one away


def format_lrc(lines: Sequence[LineTime], title: str = "", seconds: float = 0.0) -> str:
    """The sung lines, in order of time. `title` and the length in `seconds` become tags where they
    are given. Empty where nothing is sung.
    """
    sung = sorted((line for line in lines if line.is_sung), key=lambda line: line.start)
    if not sung:
        return ""
    rows = [*_format_tags(title, seconds)]
    for line, following in zip(sung, [*sung[1:], None]):
        words = " ".join(f"<{_format_time(word.start)}> {word.text}" for word in line.words)
        rows.append(f"[{_format_time(line.start)}] {words} <{_format_time(line.end)}>")
        if following is None or following.start - line.end >= EMPTY_AFTER:
            rows.append(f"[{_format_time(line.end)}]")
    return "\n".join(rows) + "\n"


def _format_tags(title: str, seconds: float) -> Iterator[str]:
    if title:
        yield f"[ti:{_clean(title)}]"
    if seconds:
        minutes, rest = divmod(round(seconds), 60)
        yield f"[length:{minutes:02}:{rest:02}]"


def _format_time(seconds: float) -> str:
    """Minutes, seconds and hundredths."""
    minutes, hundredths = divmod(round(max(seconds, 0.0) * 100), 6000)
    return f"{minutes:02}:{hundredths // 100:02}.{hundredths % 100:02}"


def _clean(text: str) -> str:
    """Without what would end a tag."""
    return " ".join(text.replace("[", "(").replace("]", ")").split())
