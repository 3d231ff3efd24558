"""When a line is sung, as karaoke programs write it: [00:12.34] and its relatives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..characters import fold
from .document import DocumentLine

PAUSE = 4.0  # seconds without words in front of a line that begins a verse

# minutes and seconds; then hundredths behind a colon, or hours before both; a fraction
_CLOCK = r"([0-9]{1,3}):([0-9]{1,2})(?::([0-9]{1,3}))?(?:[.,]([0-9]{1,6}))?"
# of a line or a word; of streaming services, in milliseconds: when, how long, and always 0
_TAG = re.compile(
    rf"[\[<] ?-?{_CLOCK}(?: ?--?>? ?[0-9:.,]{{3,12}})? ?[\]>]"
    r"|[\[(<]([0-9]{1,8}),[0-9]{1,8}(?:,[0-9]{1,8})?[\])>]"
)
_LEAST_TRANSCRIBED = 2  # lines that are as programs transcribe speech
# as those write them: 00:00:01 la; Anna  0:01; Audacity's labels, in seconds
_TRANSCRIBED = re.compile(r"\(?[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?![0-9:])")
_SPEAKING = re.compile(rf"[^\W\d_][\w .'-]{{0,40}}(?: {{2,}}|\t){_CLOCK}[ \t]*")
_LABEL = re.compile(r"([0-9]{1,6}[.,][0-9]{1,9})\t[0-9]{1,6}[.,][0-9]{1,9}(?:\t|$)")
_BARE = re.compile(rf"[ \t]*\(?{_CLOCK}(?:\)|(?=[ \t])|$)[ \t]*(?:[-|][ \t])?")  # 0:12 la; (0:12)la


def strip_times(number: int, raw: str) -> DocumentLine:
    """A line of LRC without the times in front of it, in it and behind it.

    Those in front are when it is sung, several times over. Where there are more between its words,
    all but the first are those of words.
    """
    tags = [*_TAG.finditer(fold(raw))]
    if not tags:
        return strip_bare_time(number, raw)
    leading = _count_leading(raw, tags)
    times = [read_seconds(tag) for tag in tags[:leading] if _is_of_line(tag)]
    inner = tags[leading : len(tags) - _count_trailing(raw, tags)]
    if any(map(_is_of_line, inner)):
        times = times[:1]
    return DocumentLine(number, _remove(raw, tags), tuple(times or [read_seconds(tags[0])]))


def strip_leading_times(number: int, raw: str) -> DocumentLine:
    """A line of another text: [3:16] between its words is no time."""
    tags = [*_TAG.finditer(fold(raw))]
    leading = _count_leading(raw, tags)
    stripped = [*tags[:leading], *(tag for tag in tags[leading:] if tag[0][0] == "<" and tag[1])]
    if not stripped:
        return DocumentLine(number, raw)
    times = [read_seconds(tag) for tag in stripped[:leading] if _is_of_line(tag)]
    times = times or [read_seconds(tag) for tag in stripped[: min(leading, 1)]]
    return DocumentLine(number, _remove(raw, stripped), tuple(times))


def strip_bare_time(number: int, raw: str) -> DocumentLine:
    """A line like 0:12 la, as people copy them from a video, or of a transcript."""
    folded = fold(raw)
    if label := _LABEL.match(folded):
        seconds = float(label[1].replace(",", "."))
        return DocumentLine(number, raw[label.end() :], (seconds,))
    time = _SPEAKING.fullmatch(folded) or _BARE.match(folded)
    if not time:
        return DocumentLine(number, raw)
    return DocumentLine(number, raw[time.end() :], (read_seconds(time),))


def is_transcript(lines: Sequence[str]) -> bool:
    """Whether a third of the lines are as programs write them that transcribe speech."""
    folded = [fold(line) for line in lines if line.strip()]
    patterns = (_TRANSCRIBED.match, _SPEAKING.fullmatch, _LABEL.match)
    count = sum(any(find(line) for find in patterns) for line in folded)
    return count >= _LEAST_TRANSCRIBED and 3 * count >= len(folded)


def read_seconds(time: re.Match[str]) -> float:
    """[1:02.5] -> 62.5; [00:12:34] -> 12.34; [01:00:12.5] -> 3612.5; [12340,2000] -> 12.34."""
    first, second, third, fraction, *milliseconds = time.groups()
    if time[0][1:].lstrip().startswith("-"):
        return 0.0  # before the song begins
    if any(milliseconds):
        return int(milliseconds[0]) / 1000
    if third and fraction:
        return int(first) * 3600 + int(second) * 60 + float(f"{third}.{fraction}")
    return int(first) * 60 + int(second) + float(f"0.{third or fraction or 0}")


def _is_of_line(tag: re.Match[str]) -> bool:
    return tag[0][0] == "["


def _count_leading(raw: str, tags: Sequence[re.Match[str]]) -> int:
    """How many have no words before them."""
    end = 0
    for count, tag in enumerate(tags):
        if raw[end : tag.start()].strip():
            return count
        end = tag.end()
    return len(tags)


def _count_trailing(raw: str, tags: Sequence[re.Match[str]]) -> int:
    """How many have no words behind them."""
    begin = len(raw)
    for count, tag in enumerate(reversed(tags)):
        if raw[tag.end() : begin].strip():
            return count
        begin = tag.start()
    return len(tags)


def _remove(raw: str, tags: Iterable[re.Match[str]]) -> str:
    """A line without its tags, and without the second of two spaces that they stood between."""
    kept: list[str] = []
    end = 0
    for begin, following in [*(tag.span() for tag in tags), (len(raw), 0)]:
        piece = raw[end:begin]
        if kept and kept[-1][-1:] in ("", " "):
            piece = piece.lstrip(" ")
        if piece or not kept:
            kept.append(piece)
        end = following
    return "".join(kept)
