"""What is sung more often than a sheet writes it: lines, stanzas and sections."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.request import MAX_LYRICS, OutOfRange
from pipeline.section_names import INSTRUMENTAL, VERSES

from .characters import fold, fold_word
from .headings import Heading, means_again, read_times

_TIMES_BEHIND = re.compile(
    r"[(\[][^()\[\]]{1,24}[)\]][.!]?$|(?:[x*] ?[0-9]{1,2}|[0-9]{1,2} ?x)[.!]?$"
    r"|(?<=, )(?:[0-9]{1,2} [^\W\d_]{2,8}|twice|bis)[.!]?$|(?<=  )bis$"
)
_TIMES_BEFORE = re.compile(
    r"(?:[(\[] ?(?:x ?[0-9]{1,2}|[0-9]{1,2} ?x) ?[)\]]|x[0-9]{1,2}|[0-9]{1,2}x) +(?=[^\W\d_])"
)
_STROKES = re.compile(r" /{3,4}$")  # one for each time
_ALONE = re.compile(
    r"[xX] ?[0-9]{1,2}\.?|[0-9]{1,2} ?[xX]\.?|Repeat.?|REPEAT.?|Bis|BIS"
    r"|※? ?(?:くりかえし|繰り返し|リピート)|重复|重複|반복"
)
_OPENING = re.compile(r"(?:[|/]{1,2}:|\[:|𝄆) ?")
_CLOSING = re.compile(r" ?(?::[|/]{1,2}|:\]|𝄇) ?(?P<times>[(\[]?[^()\[\]|/:]{0,12}[)\]]?)$")


_AMEN = re.compile(r"(?:a ?-? ?men[.,! ]*){1,4}")
_GOES_ON = re.compile(r"(?:(?<![ .]) ?(?:\.{2,9}|…)| (?:\(?etc\.?\)?|usw\.|\(\.\.\.\)|\[…\]))$")
_LETTERS = re.compile(r"[\W_]+")


class SongLine(NamedTuple):
    """A line of a song; an empty one has no `text`. `heading`: it is the marker of a section that
    begins. `has_words`: it is sung, `repeats` times; between those that `opens` and `closes` all
    are, `closes` times. `stanza_repeats`: it stands for the stanza above, which is sung so often.
    `ends`: the section ends above it. `stands`: a heading that recalls no words, as its writer
    knows how models read markers.
    """

    number: int
    text: str = ""
    heading: Heading | None = None
    has_words: bool = False
    repeats: int = 1
    stanza_repeats: int = 0
    opens: bool = False
    closes: int = 0
    ends: bool = False
    stands: bool = False


class Expansion(NamedTuple):
    """All that is sung, as lines with their numbers. By the numbers of headings: the number of the
    heading whose words are sung again there, -1 where there is none; how often they are sung; the
    number of the heading of which only a line is sung again.
    """

    lines: list[tuple[int, str]]
    recalled: dict[int, int]
    repeated: dict[int, int]
    partial: dict[int, int]


@dataclass
class _Section:
    heading: Heading | None = None
    number: int = 0
    lines: list[tuple[int, str]] = field(default_factory=list)
    has_words: bool = False
    stands: bool = False


def split_repeats(text: str) -> tuple[str, int]:
    """`We are alive (x2)` -> `We are alive`, 2. Once where a line says nothing of that."""
    folded = fold(text).lower()
    if strokes := _STROKES.search(folded, max(len(text) - 5, 0)):
        return text[: strokes.start()].rstrip(), len(strokes[0]) - 1
    if (before := _TIMES_BEFORE.match(folded)) and (times := read_times(before[0])):
        return text[before.end() :], times
    match = _TIMES_BEHIND.search(folded, max(len(text) - 28, 0))
    if not match:
        return text, 1
    times = read_times(match[0]) or 2 * means_again(match[0])
    words = text[: match.start()].rstrip(" ,;-–—*~")
    is_apart = folded[match.start() - 1 : match.start()] in tuple(" ,.;!?-)\"'")
    return (words, times) if times and words and is_apart else (text, 1)


def read_stanza_repeats(text: str) -> int:
    """How often the stanza above is sung, where a line says only that: `(x2)`, `Repeat`."""
    folded = fold(text.strip())
    if folded[0] in "([" or _ALONE.fullmatch(folded):
        return read_times(folded) or 2 * means_again(folded)
    return 0


def find_repeat_signs(texts: Sequence[str]) -> dict[int, tuple[bool, int]]:
    """The lines of a stanza, by their index, that |: opens and :| closes, so many times. A sign
    that has no partner is none.
    """
    found: dict[int, tuple[bool, int]] = {}
    opened = -1
    for index, text in enumerate(texts):
        folded = fold(text.strip()).lower()
        if not folded:
            opened = -1
        if _OPENING.match(folded):
            opened = index
        if opened >= 0 and (closing := _search_closing(folded)):
            times = read_times(closing["times"]) if closing["times"] else 2
            if times:
                found[opened] = (True, 0)
                found[index] = (opened == index, times)
            opened = -1
    return found


def strip_repeat_signs(text: str, opens: bool, closes: int) -> str:
    """A line without its |: and :|."""
    folded = fold(text).lower()
    end = len(text)
    if closes and (closing := _search_closing(folded)):
        end = closing.start()
    opening = _OPENING.match(folded) if opens else None
    return text[opening.end() if opening else 0 : end].strip()


def expand_repeats(lines: Sequence[SongLine]) -> Expansion:
    """Raises `OutOfRange` where it becomes too long."""
    _check_length(sum(len(line.text) + 1 for line in lines if line.text))
    written: dict[str, _Section] = {}
    recalled: dict[int, int] = {}
    repeated: dict[int, int] = {}
    partial: dict[int, int] = {}
    song: list[tuple[int, str]] = []
    length = 0
    for section in _divide(lines):
        copied = section.lines
        repeats = 1
        if heading := section.heading:
            if section.has_words:
                repeats = heading.repeats
                above = None if section.stands else _find_above(section, heading, written)
                if above and (whole := _complete(section, above)):
                    copied = whole
                    recalled[section.number] = above.number
                elif above and _is_part(section, above):
                    partial[section.number] = above.number
                else:
                    written |= dict.fromkeys(_list_keys(heading), section)
            elif not section.stands:
                copied, source, repeats = _recall(section, heading, written)
                if source or heading.recalls:
                    recalled[section.number] = source.number if source else -1
        if repeats > 1:
            repeated[section.number] = repeats
        length += repeats * _measure(copied)
        _check_length(length)
        song += repeats * copied
    return Expansion(song, recalled, repeated, partial)


def _divide(lines: Iterable[SongLine]) -> Iterator[_Section]:
    """The sections as they are written, with their lines and stanzas as often as those say. Where
    no verse has a marker, a section is one stanza. Where words stand right below their headings, a
    heading by itself has none if there are some above that it may have.
    """
    lines = [*lines]
    has_verses = any(line.heading and line.heading.section in VERSES for line in lines)
    is_close = _has_words_below(lines)
    written: set[str] = set()
    section = _Section()
    stanza: list[tuple[int, str]] = []
    opened = 0
    length = 0
    for line in lines:
        if line.heading or line.ends:
            yield section
            section = _Section(line.heading, line.number, stands=line.stands)
            stanza = []
            opened = 0
        if line.stanza_repeats:
            section.lines += (line.stanza_repeats - 1) * stanza
            length += (line.stanza_repeats - 1) * _measure(stanza)
            stanza = []
        elif line.text:
            if not section.lines or not section.lines[-1][1]:
                stanza = []
            opened = len(section.lines) if line.opens else opened
            added = line.repeats * [(line.number, line.text)]
            if line.closes:
                block = section.lines[opened:] + added
                added += (line.closes - 1) * block
            section.lines += added
            if line.has_words and not section.has_words:
                section.has_words = True
                written |= set(_list_keys(section.heading) if section.heading else ())
            if not line.heading:
                stanza += added
            length += _measure(added)
        elif not line.heading:
            section.lines.append((line.number, ""))
            is_whole = section.has_words and not has_verses
            if section.heading and (is_whole or (is_close and _is_known(section, written))):
                yield section
                section = _Section()
        _check_length(length)
    yield section


def _has_words_below(lines: Sequence[SongLine]) -> bool:
    return any(line.heading and below.has_words for line, below in itertools.pairwise(lines))


def _is_known(section: _Section, written: set[str]) -> bool:
    """Whether a section has no words below its heading, and some above are its words."""
    heading = section.heading
    if heading is None or section.has_words or heading.section in INSTRUMENTAL:
        return False
    exact, name = _list_keys(heading)
    return exact in written or (heading.section not in VERSES and name in written)


def _recall(
    section: _Section, heading: Heading, written: Mapping[str, _Section]
) -> tuple[list[tuple[int, str]], _Section | None, int]:
    """What is sung where a heading has no words below it; the section whose words those are, if it
    is one; how often.
    """
    sources = [_find_recalled(each, written) for each in (heading, *heading.also)]
    if not any(sources):
        return section.lines, None, 1
    lines: list[tuple[int, str]] = []
    for each, source in zip((heading, *heading.also), sources):
        marker = section.lines[0][1] if not heading.also else f"[{each.name}]"
        part = [(section.number, marker), *(source.lines[1:] if source else [])]
        lines += each.repeats * part if heading.also else part
        lines += section.lines[1:]
    return lines, next(filter(None, sources)), 1 if heading.also else heading.repeats


def _find_recalled(heading: Heading, written: Mapping[str, _Section]) -> _Section | None:
    """The section whose words are sung again where a heading has none below it."""
    exact, section = _list_keys(heading)
    if heading.section in INSTRUMENTAL and not heading.recalls:
        return None
    if heading.number and heading.section in VERSES:
        return written.get(exact)
    if heading.section in VERSES and not heading.recalls:
        return None
    return written.get(exact) or written.get(section) or _find_shortened(heading, written)


def _find_above(
    section: _Section, heading: Heading, written: Mapping[str, _Section]
) -> _Section | None:
    """The longer section of the same name, of which one line may be the beginning or the end."""
    if heading.section in VERSES or heading.also:
        return None
    exact, name = _list_keys(heading)
    above = written.get(exact) or written.get(name)
    is_longer = above is not None and len(_list_words(above)) > len(_list_words(section))
    return above if is_longer and len(_list_words(section)) == 1 else None


def _list_words(section: _Section) -> list[str]:
    """Its lines of words, as they are compared."""
    return [_LETTERS.sub("", fold_word(text)) for _, text in section.lines[1:] if text]


def _complete(section: _Section, above: _Section) -> list[tuple[int, str]]:
    """The words of a section of which a sheet writes how it begins, "We are the...", or what comes
    behind it: A-men. Empty for any other.
    """
    marker, *lines = section.lines
    words = next(text for _, text in lines if text)
    again = [marker, *((section.number, text) for _, text in above.lines[1:] if text)]
    if _AMEN.fullmatch(fold_word(words)):
        return [*again, *lines]
    begins = _LETTERS.sub("", fold_word(_GOES_ON.sub("", words)))
    is_begun = _GOES_ON.search(words) and begins and _list_words(above)[0].startswith(begins)
    return [*again, *lines[1:]] if is_begun else []


def _is_part(section: _Section, above: _Section) -> bool:
    """Whether its line is the first or the last of those above."""
    [line] = _list_words(section)
    words = _list_words(above)
    return line in (words[0], words[-1])


def _find_shortened(heading: Heading, written: Mapping[str, _Section]) -> _Section | None:
    """The section that an abbreviation is of in another language: the Refren of `Ref.`"""
    if len(heading.abbreviation) < 2:
        return None
    begins = (name for name in written if fold_word(name).startswith(heading.abbreviation))
    return next((written[name] for name in begins), None)


def _list_keys(heading: Heading) -> tuple[str, str]:
    return f"{heading.section} {heading.number}", heading.section


def _measure(lines: Sequence[tuple[int, str]]) -> int:
    return sum(len(text) + 1 for _, text in lines if text)


def _check_length(length: int) -> None:
    """Raises `OutOfRange`: a line may be sung a thousand times."""
    if length > MAX_LYRICS + 1:
        message = f"lyrics must have at most {MAX_LYRICS} characters, got {length - 1}"
        raise OutOfRange(message, "shorten them")


def _search_closing(folded: str) -> re.Match[str] | None:
    return _CLOSING.search(folded, max(len(folded) - 18, 0))
