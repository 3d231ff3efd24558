"""What is known of a sheet before its lines are read: which are chords, which is its title."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from typing import NamedTuple

from pipeline.section_names import FIRST_SECTIONS

from .characters import fold, fold_word
from .chords import (
    LEAST_DEGREES,
    LEAST_LATIN,
    are_chords,
    has_latin,
    is_certain,
    list_bare_latin,
    list_chords,
    list_degrees,
    list_latin,
    may_be_chords,
)
from .directives import read_directive, read_directives
from .furniture import find_furniture
from .headings import read_heading
from .markers import parse_marker
from .pasted import strip_pasted
from .printed_words import strip_printed
from .repeats import find_repeat_signs, read_stanza_repeats
from .song_head import find_fact, find_slip, is_credit, list_facts, names_author

# Anna: or ANNA & TOM: above or in front of words
_SPEAKER = re.compile(
    r"([^\W\d_]{2,20}(?:(?: ?[&+,/] ?| and | und | y | et | e | и )[^\W\d_]{2,20}){0,3}): +(?=\S)"
)
# Kunst: Nobody
_PAIR = re.compile(r"([^\W\d_][\w -]{0,30}): *(\S.*)")
MAX_TITLE = 80  # characters
REACH = 3  # lines below a title that say what it is
MAX_HEAD = 40  # lines
MOST_ABOVE = 4  # lines above the first section that may be none of the song
ABOVE_HINT = "it stands above the first section: remove it where it is not sung"

_MARKUP = re.compile(r"\[/?tab\]")  # Ultimate Guitar's
_MARKED_CHORD = re.compile(r"\[ch\]([^\[\]]{0,20})\[/ch\]")
_NUMBERED = re.compile(r"([0-9]{1,2})(?:[.)](?![0-9])\s*|\s+(?=[^\W\d_a-z]))")
_AND = re.compile(r"[&|,+]| and | und | y | et ")
_SHORTENED = re.compile(r"\[[VS][0-9]{0,2}\]|[VvS][0-9]{1,2}(?:[.]|:.*)?")
# R: 2x, or R. alone; and a letter that is a person's
_REFRAIN = re.compile(r"[RП®][.:/)]{0,2}(?: ?\(?(?:[2-9] ?[x×]|[x×] ?[2-9])\)?)?", re.IGNORECASE)
_PERSON = re.compile(r"[ADFGHJKLMNQUWXY][:.]")
_NAME = re.compile(r"[^\W\d_]{3,}")
_END = re.compile(r"(?:the )?end|fine?|ende|fim|конец|終(?:わり)?|完|끝|x")
_BRACKETS = re.compile(r"\[([^\[\]]{1,20})\]")
_RULE = re.compile(r"[=-]{3,}")
_QUOTED = re.compile(r'"[^"]{1,80}"')
_OF_WEBSITE = re.compile(r".{1,80} (?:Lyrics|Chords|Tabs?)(?: by .{1,60})?")


class Shape(NamedTuple):
    """By the indices of lines: `chords` of those that consist of them; `numbered`: stanzas that are
    counted, 1. and 2.; `signs`: |: and :|; `titles`: what of the title a line is; `remarks`: what
    was taken of a line; `speakers`: who sings it, as it is written. `is_close`: headings follow
    words at once; `has_capitals`: headings alone are written in them. `end`: the line that says
    that the sheet ends, or -1. `texts` are all lines, without space around them. `title` is the
    one that a website wrote, or empty. `unknown`: words and values that stand among what a head
    says, and are none of its own; `left_out` and `asked` as in `Furniture`.
    """

    texts: list[str]
    chords: dict[int, list[str]]
    among_chords: bool
    is_short: bool
    is_small: bool
    has_refrain: bool
    is_opensong: bool
    has_directives: bool
    has_headings: bool
    is_close: bool
    has_capitals: bool
    end: int
    numbered: dict[int, re.Match[str]]
    signs: dict[int, tuple[bool, int]]
    titles: dict[int, str]
    remarks: dict[int, str]
    speakers: dict[int, str]
    title: str
    unknown: dict[int, tuple[str, str]]
    left_out: dict[int, tuple[str, str]]
    asked: dict[int, str]


def find_shape(lines: Sequence[str], has_name: bool, keeps_markers: bool = False) -> Shape:
    """The shape of the lines below a sheet's parameters; `has_name`: they have a title.
    `keeps_markers` as in `LyricsReader`: a line alone above one in brackets is sung.
    """
    lines, remarks, title = strip_pasted(lines)
    lines, printed = strip_printed(lines)
    furniture = find_furniture(lines)
    lines = furniture.lines
    title = title or furniture.title
    remarks = furniture.remarks | printed | remarks
    lines = [_MARKED_CHORD.sub(r"[\1]", _MARKUP.sub("", line)) for line in lines]
    texts = [line.strip() for line in lines]
    found = {index: names for index, line in enumerate(lines) if (names := _look(line)) is not None}
    if any(map(has_latin, found.values())):
        found |= {index: names for index, line in enumerate(lines) if (names := list_latin(line))}
    else:
        found |= _find_bare(texts, found, list_bare_latin, LEAST_LATIN)
    found |= _find_bare(texts, found, list_degrees, LEAST_DEGREES)
    certain = {index for index, names in found.items() if names and is_certain(lines[index], names)}
    likely = [names for names in found.values() if names and max(map(len, names)) > 1]
    is_opensong = any(text[0] == "." and list_chords(text[1:]) for text in texts if text)
    among_chords = is_opensong or bool(certain) or len(likely) > 1 or any(map(_has_inline, texts))
    chords = {
        index: names
        for index, names in found.items()
        if not names
        or index in certain
        or may_be_chords(texts[index], names, among_chords, _is_above_words(index, texts, found))
    }
    signs = find_repeat_signs(
        ["-" if index in chords else text for index, text in enumerate(texts)]
    )
    bare = [index for index, text in enumerate(texts) if text and _is_bare_heading(text)]
    beside = {index for index, text in enumerate(texts) if not text or _is_fact(text)}
    beside |= {*bare, *chords, -1}
    is_close = any(index - 1 not in beside for index in bare)
    speakers = _find_speakers(texts)
    has_refrain = any(map(_REFRAIN.fullmatch, texts)) and not any(map(_PERSON.fullmatch, texts))
    refrains = {n for n, text in enumerate(texts) if has_refrain and _REFRAIN.match(text)}
    song = ["" if index in furniture.left_out else text for index, text in enumerate(texts)]
    unknown = _find_unknown(texts, {*chords, *speakers, *refrains})
    return Shape(
        texts=texts,
        chords=chords,
        among_chords=among_chords,
        is_short=any(map(_SHORTENED.fullmatch, texts)),
        is_small=bool(bare) and all(texts[index].islower() for index in bare),
        has_refrain=has_refrain,
        is_opensong=is_opensong,
        has_directives=any(text[0] in "{｛" and read_directive(text) for text in texts if text),
        has_headings=any(text and parse_marker(text) for text in texts),
        is_close=is_close,
        has_capitals=any(texts[index].isupper() for index in bare)
        and any(map(str.islower, "".join(texts))),
        end=_find_end(texts, is_close, {*chords}),
        numbered=_find_numbered(texts, chords),
        signs=signs,
        titles=_find_titles(song, chords, has_name, keeps_markers, unknown) | _find_authors(texts),
        remarks=remarks,
        speakers=speakers,
        title=title,
        unknown=unknown,
        left_out=furniture.left_out,
        asked=_ask_title(song, has_name) | furniture.asked,
    )


def _look(line: str) -> list[str] | None:
    return list_chords(line) if line.strip() else None


def _find_bare(
    texts: Sequence[str],
    found: Mapping[int, list[str]],
    read: Callable[[str], list[str]],
    least: int,
) -> dict[int, list[str]]:
    """Lines above words that may be chords, where there are two, and in all `least` chords."""
    bare = {index: names for index, text in enumerate(texts) if text and (names := read(text))}
    above = {
        index: names
        for index, names in bare.items()
        if _is_above_words(index, texts, {**found, **bare})
    }
    distinct = {name for names in above.values() for name in names}
    if len(above) < 2 or len(distinct) < least:
        return {}
    return {index: [] for index in above}


def _has_inline(text: str) -> bool:
    return "[" in text and any(
        len(part) > 1 and are_chords(part) for part in _BRACKETS.findall(text)
    )


def _is_above_words(index: int, texts: Sequence[str], found: dict[int, list[str]]) -> bool:
    """Whether a line that is not chords comes next."""
    following = texts[index + 1] if index + 1 < len(texts) else ""
    return bool(following) and index + 1 not in found and following[0] not in "[#"


def _is_bare_heading(text: str) -> bool:
    """Whether a line without brackets is a heading and nothing else."""
    read = parse_marker(text) if text[0].isalpha() else None
    return read is not None and read.heading is not None and not read.sung


def _find_end(texts: Sequence[str], is_close: bool, chords: set[int]) -> int:
    """The last line where it says that a sheet ends: END, ~ Fin ~; -1 where none does."""
    last = max((index for index, text in enumerate(texts) if text), default=0)
    if last < 2:
        return -1
    plain = texts[last].strip("*-~=. ")
    is_apart = not texts[last - 1] or last - 1 in chords or is_close or plain != texts[last]
    is_end = _END.fullmatch(fold_word(plain)) is not None
    is_enclosed = texts[last][0] != plain[:1] and texts[last][-1] != plain[-1:]
    is_end = is_end and (is_enclosed or not plain[0].islower())
    return last if is_end and (plain.isupper() or is_enclosed or is_apart) else -1


def _find_speakers(texts: Sequence[str]) -> dict[int, str]:
    """The names in front of lines, of which one at least comes again."""
    found = {
        index: match
        for index, text in enumerate(texts)
        if (match := _SPEAKER.match(text)) and text[0].isupper()
        if not parse_marker(text)
    }
    names = {index: set(_NAME.findall(fold_word(match[1]))) for index, match in found.items()}
    distinct = {texts[index]: each for index, each in names.items()}  # a line that is repeated
    counts = Counter(name for each in distinct.values() for name in each)
    headings = [text for text in texts if text[:1] in ("[", "(") and ":" in text]
    counts.update(name for text in headings for name in _NAME.findall(fold_word(text)))
    return {
        index: match[0]
        for index, match in found.items()
        if any(counts[name] > 1 for name in names[index])
    }


def _find_unknown(texts: Sequence[str], others: set[int]) -> dict[int, tuple[str, str]]:
    """The lines `word: value` above the first section that stand next to what a head says."""
    found: dict[int, tuple[str, str]] = {}
    block: dict[int, tuple[str, str]] = {}
    words = Counter(pair[1] for text in texts if (pair := _PAIR.fullmatch(text)))
    is_head = False
    for index, text in enumerate([*texts[:MAX_HEAD], ""]):
        if index in others or (text and parse_marker(text)):
            return found | (block if is_head else {})
        if not text:
            found |= block if is_head else {}
            block, is_head = {}, False
        elif _is_fact(text):
            is_head = True
        elif (pair := _PAIR.fullmatch(text)) and words[pair[1]] == 1:
            block[index] = (pair[1], pair[2])
            is_head = is_head or bool(find_slip(pair[1], pair[2]))
    return found


def _find_numbered(texts: Sequence[str], chords: Container[int]) -> dict[int, re.Match[str]]:
    """The first lines of stanzas that are counted from 1 on, where there are two at least. Above
    them may stand what is not sung.
    """
    found: dict[int, re.Match[str]] = {}
    is_first = True
    for index, text in enumerate(texts):
        match = _NUMBERED.match(text)
        if match and is_first and int(match[1]) == len(found) + 1:
            found[index] = match
        is_first = not text or (is_first and (index in chords or _is_unsung(text)))
    return found if len(found) > 1 else {}


def _is_unsung(text: str) -> bool:
    """Whether a line has no words, or says something of the song or the stanza above."""
    has_words = any(map(str.isalnum, text))
    return not has_words or bool(read_stanza_repeats(text)) or _is_fact(text)


def _find_titles(
    texts: Sequence[str],
    chords: dict[int, list[str]],
    has_name: bool,
    keeps_markers: bool,
    unknown: Container[int],
) -> dict[int, str]:
    """The title that stands alone above the head or the first section, and whom the song is by:
    "title", or "alone" where it may be a line of words; "artist".
    """
    places = [index for index, text in enumerate(texts[:MAX_HEAD]) if text][: REACH + 1]
    if not places or not _may_be_title(places[0], texts, chords):
        return {}
    title, *below = places
    if not below:
        return {}
    after = below[0]
    if _RULE.fullmatch(texts[after]) and after == title + 1:
        return {title: "title"}
    if names_author(texts[after]) and _is_apart(after, texts, chords):
        return {title: "title", after: "artist"}
    if _OF_WEBSITE.fullmatch(texts[title]) and _QUOTED.fullmatch(fold(texts[after])):
        return {title: "artist", after: "title"}
    if after in unknown or _is_fact(texts[after]) or _OF_WEBSITE.fullmatch(texts[title]):
        return {title: "title"}
    is_pair = after == title + 1 and len(below) > 1 and _may_be_title(after, texts, chords)
    if is_pair and below[1] == after + 1 and _is_fact(texts[below[1]]):
        return {title: "title", after: "artist"}
    if has_name or (keeps_markers and any(texts[each][0] == "[" for each in below[:2])):
        return {}
    if after > title + 1 and _begins_song(texts[after]):
        return {title: "alone"}
    is_above = is_pair and below[1] > after + 1 and _begins_song(texts[below[1]])
    if is_above and _is_name(texts[title]) and _is_name(texts[after]):
        return {title: "alone", after: "perhaps who it is by"}
    return _find_lines_above(texts, chords, unknown)


def _find_lines_above(
    texts: Sequence[str], chords: dict[int, list[str]], unknown: Container[int]
) -> dict[int, str]:
    """The few lines above what a head says, where sections begin below it: title and remarks."""
    above: list[int] = []
    for index, text in enumerate(texts[:MAX_HEAD]):
        if not text:
            continue
        if index in unknown or _is_fact(text):
            break
        above.append(index)
        if len(above) > REACH or index in chords or not _may_be_title(index, texts, chords):
            return {}
    else:
        return {}
    if not above or not any(text and parse_marker(text) for text in texts[above[-1] + 1 :]):
        return {}
    return dict.fromkeys(above, "above") | {above[0]: "alone"}


def _ask_title(texts: Sequence[str], has_name: bool) -> dict[int, str]:
    """Hints on the few lines that stand alone above the first section of a song: what stands above
    a verse is seldom sung, and names above a chorus may be its title.
    """
    places = [index for index, text in enumerate(texts[:MAX_HEAD]) if text]
    above = list(itertools.takewhile(lambda index: not parse_marker(texts[index]), places))
    if not 0 < len(above) <= MOST_ABOVE or len(above) == len(places):
        return {}
    first = places[len(above)]
    if texts[first - 1]:
        return {}
    if _begins_song(texts[first]):
        return dict.fromkeys(above, ABOVE_HINT)
    names = [texts[index] for index in above]
    if has_name or len(above) > 2 or not all(_is_name(t) and t[-1] not in ",;:" for t in names):
        return {}
    return dict.fromkeys(above, "write Title: in front of it where it is what the song is called")


def _find_authors(texts: Sequence[str]) -> dict[int, str]:
    """The names that stand apart above the first line that says who owns the song."""
    first = next((index for index, text in enumerate(texts) if text and is_credit(text)), 0)
    if first < 2 or texts[first - 2] or not _is_name(texts[first - 1]):
        return {}
    text = texts[first - 1]
    words = re.findall(r"[^\W\d_]\S*", text)
    if len(words) < 2 or len(text) > MAX_TITLE or text[-1] in ",!?;":
        return {}
    if parse_marker(text) or _is_fact(text):  # Key: F#m
        return {}
    return {first - 1: "artist" if _AND.search(text) else "perhaps who it is by"}


def _may_be_title(index: int, texts: Sequence[str], chords: dict[int, list[str]]) -> bool:
    text = texts[index]
    if len(text) > MAX_TITLE or index in chords or text[0] in "[{<.;|" or ":" in text:
        return False
    if text[0] == "#" and text[1:2] in ("", " ", "#"):
        return False
    heading = read_heading(text)
    if heading and list_chords(heading.rest):
        return False
    return not (parse_marker(text) or _is_fact(text) or _RULE.fullmatch(text))


def _begins_song(text: str) -> bool:
    """Whether a line is the heading of a song's first section."""
    read = parse_marker(text)
    heading = read.heading if read else None
    return heading is not None and heading.section in FIRST_SECTIONS


def _is_name(text: str) -> bool:
    """Whether every longer word has a capital letter."""
    return (
        all(not word[0].islower() for word in text.split() if len(word) > 3) and text[:1].isupper()
    )


def _is_fact(text: str) -> bool:
    if several := read_directives(text):
        return any(find_fact(*each) for each in several)
    directive = read_directive(text)
    if directive:
        return find_fact(*directive) is not None
    return is_credit(text) or bool(list_facts(text))


def _is_apart(index: int, texts: Sequence[str], chords: dict[int, list[str]]) -> bool:
    """Whether no line of words follows at once."""
    following = texts[index + 1] if index + 1 < len(texts) else ""
    return (
        not following
        or index + 1 in chords
        or _is_fact(following)
        or parse_marker(following) is not None
    )
