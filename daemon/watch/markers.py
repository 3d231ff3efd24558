"""Lines of a lyric sheet that begin a section.

`[Chorus]`, `(chorus)`, `Chorus:`, `**Chorus (x2)**` and `CHORUS` do; headings.py knows the names.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from pipeline.did_you_mean import MAX_COMPARED, find_similar
from pipeline.section_names import COUNTED, INSTRUMENTAL, NEVER_SUNG, OFTEN_SUNG

from .characters import fold
from .chords import are_chords, cut_out, is_chord
from .headings import BARS, Heading, find_section, list_spellings, read_heading, read_headings
from .notes import UNCLEAR, UNDERSTOOD, UNKNOWN, shorten
from .repeats import read_stanza_repeats, split_repeats

_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_SUFFIX = {"(": " ", "-": " - ", ":": ": ", ",": ", ", "/": "/", "|": " | "}
_LENGTH = re.compile(rf"\(?[0-9]{{1,3}}[ -]?{BARS}\)?", re.IGNORECASE)
# without a number or a colon, where other sections of the sheet are V1 and V2
_BARE = frozenset(
    "C B Ch CH ch Cho cho Chor chor PC pc Pre PRE Br BR Int INT Out OUT Ref Refr".split()
)
_NO_WORDS = frozenset("ch cho chor chr ref refr rit".split())  # with a full stop
REFRAIN_LETTERS = ("r", "п")
_PAIRS = {"(": ")", "{": "}"}
# looked at first, as words of other languages are alike: refrain, refrein
_COMMON = "verse chorus prechorus refrain bridge intro outro interlude".split()
# a word, with what stands behind the names of sections
_SLIP = re.compile(r"([^\W\d_]{5,14})((?: ?\d{1,2})?(?: \(?(?:x ?\d|\dx)\)?)?:?)")


class LyricLine(NamedTuple):
    """What was made of one line: what its writer is told, and what is sung in its place, so many
    times. `heading`: it begins a section; `ends`: one ends above it; `stanza_repeats`: the stanza
    above is sung so often. `holds` as in a `SheetNote`.
    """

    message: str
    sung: tuple[str, ...] = ()
    code: int = UNDERSTOOD
    hint: str = ""
    heading: Heading | None = None
    repeats: int = 1
    stanza_repeats: int = 0
    ends: bool = False
    is_chords: bool = False
    holds: str = ""

    @property
    def acts(self) -> bool:
        """Whether it is there in the song."""
        return bool(self.sung or self.heading or self.stanza_repeats or self.ends)


class Surroundings(NamedTuple):
    """What decides of a line that may be a heading: whether it is the first of a stanza (or could
    be, as its sheet does without empty lines, or has its headings in capitals), and whether its
    sheet shortens the names of sections to [V1] and [C], writes them in small letters, and calls
    its refrain R.
    """

    begins_stanza: bool = False
    is_short: bool = False
    is_small: bool = False
    has_refrain: bool = False


NOWHERE = Surroundings()


def parse_section(text: str) -> Heading | None:
    """The heading that the inside of brackets is, or what stands behind a #. None for what is no
    section's name.
    """
    heading = read_heading(text.strip().strip("*_ "))
    if heading is None or heading.abbreviation or heading.mark == " ":
        return None
    return heading


def parse_marker(text: str, surroundings: Surroundings = NOWHERE) -> LyricLine | None:
    """A line that begins a section, in any of the ways people write one. None for any other."""
    folded = fold(text)
    if folded[0] == "[":
        return _parse_brackets(text, folded, surroundings)
    core, is_marked = _undress(text, folded)
    if core and (heading := read_headings(core)):
        if heading.recalls or is_marked or _never_sung(heading) or surroundings.begins_stanza:
            return begin_section(heading)
        return None
    heading = read_heading(core) if core else None
    if heading is None and core and "'" in folded:  # of a name, as of the Hebrew bridge
        heading = read_heading(f"{core}'")
    if heading and len(heading.abbreviation) > 1 and folded.endswith("."):  # Ref.
        is_no_word = heading.abbreviation in _NO_WORDS and core[0].isupper()
        is_marked = is_marked or surroundings.begins_stanza or is_no_word
    if heading is None or not _is_heading(heading, core, is_marked, surroundings):
        return None
    is_enclosed = _PAIRS.get(folded[0]) == folded.rstrip(": ")[-1]  # (Verse 1: Leo)
    if heading.mark == ":" and heading.rest and not is_enclosed:
        return _begin_with_rest(heading)
    read = begin_section(heading)
    is_certain = surroundings.is_small or is_marked or heading.section in NEVER_SUNG
    if core[0].islower() and heading.mark == "(" and not is_certain:
        return read._replace(code=UNCLEAR, hint="write [Verse] above it where it is sung")
    return read


def parse_slip(text: str, surroundings: Surroundings = NOWHERE) -> LyricLine | None:
    """`Chrous:`, `vrese 2`: a line that begins a section whose name is spelt otherwise."""
    match = _SLIP.fullmatch(fold(text))
    if not match or not (match[2] or surroundings.begins_stanza):
        return None
    section = _suggest_section(_normalize(match[1]))
    heading = read_heading(section + text[match.end(1) :].rstrip(": ")) if section else None
    if heading is None or heading.section not in (*NEVER_SUNG, "Bridge") or heading.mark:
        return None
    hint = f"{text[: match.end(1)]} is no section: it was read as {section}"
    return begin_section(heading)._replace(code=UNKNOWN, hint=hint)


def may_be_marker(text: str) -> bool:
    """Whether a line that is sung is the name of a section: `Drop`."""
    heading = read_heading(text)
    if heading is None or heading.rest or heading.abbreviation or text[0].islower():
        return False
    return heading.section not in COUNTED


def begin_section(heading: Heading, *words: str) -> LyricLine:
    """The line that begins a section, with the words that are sung behind its marker."""
    message = f"begins [{shorten(format_marker(heading))}]"
    if not words:
        return LyricLine(message, heading=heading)
    *before, last = words
    last, repeats = split_repeats(last)
    message += f", and is sung {repeats} times" if repeats > 1 else ", and is sung"
    return LyricLine(message, (*before, last), heading=heading, repeats=repeats)


def format_marker(heading: Heading) -> str:
    """What stands in a section's brackets."""
    if heading.also:
        return "/".join(each.name for each in (heading, *heading.also))
    if not heading.rest:
        return heading.name
    return f"{heading.name}{_SUFFIX.get(heading.mark, ' ')}{heading.rest}"


def keep_marker(name: str) -> LyricLine:
    """A marker that is no section's name. Models know many words: they get it as it is."""
    message = f"marker [{shorten(name)}]"
    sung = (f"[{name}]",)
    suggestion = _suggest_section(_normalize(name)) if len(name) <= MAX_COMPARED else ""
    if suggestion:
        return LyricLine(message, sung, UNKNOWN, f"did you mean [{suggestion}]?")
    return LyricLine(message, sung)


def _undress(text: str, folded: str) -> tuple[str, bool]:
    """A line without what people put around a heading, and whether that marks it as one."""
    begin, end = 0, len(text)
    while begin < end and _is_ornament(folded[begin]):
        begin += 1
    while end > begin and (folded[end - 1] in ": " or _is_ornament(folded[end - 1])):
        end -= 1
    ends = folded[end:].strip()
    is_marked = ":" in ends or (begin > 0 and bool(ends.strip(".\"'")))
    if folded[end - 1 : end] == ")" and "(" not in folded[begin:end]:  # Verse 1)
        end -= 1
    core = text[begin:end]
    closing = _PAIRS.get(folded[begin : begin + 1], "")
    if closing and closing in folded[begin:end]:
        close = folded.index(closing, begin)
        core = f"{text[begin + 1 : close].strip(': ')} {text[close + 1 : end]}".strip()
        is_marked = is_marked or not text[close + 1 : end].strip()
    return core.replace("**", "").replace("__", ""), is_marked


@lru_cache(1024)
def _is_ornament(character: str) -> bool:
    if character in "()[]{}":
        return False
    return character in " *_=~-#|\"'+.\\<>" or unicodedata.category(character) in ("So", "Po", "Cf")


def _begin_with_rest(heading: Heading) -> LyricLine:
    """Chorus: words; or Intro: instrumental, and Outro: repeat chorus."""
    other = parse_section(heading.rest)
    if other is None or other.rest or other.section not in NEVER_SUNG:
        return begin_section(heading._replace(mark="", rest=""), heading.rest)
    if other.section in INSTRUMENTAL:
        return begin_section(heading)
    return begin_section(heading._replace(mark="", rest="", also=(other,)))


def _never_sung(heading: Heading) -> bool:
    return all(each.section in NEVER_SUNG for each in (heading, *heading.also))


def _is_heading(heading: Heading, core: str, is_marked: bool, surroundings: Surroundings) -> bool:
    """Whether a line without brackets begins a section, or is one to be sung that looks alike."""
    if heading.section in COUNTED and not heading.number:
        return False
    if _LENGTH.fullmatch(heading.rest):
        return True
    if heading.mark == " ":
        return False
    if heading.abbreviation:
        return _is_short_heading(heading, core, is_marked, surroundings)
    is_capital = not core[0].islower()
    is_never_sung = heading.section in NEVER_SUNG
    is_often_sung = heading.section in OFTEN_SUNG
    is_qualified = bool(heading.number or heading.recalls or heading.repeats > 1)
    is_qualified = is_qualified or not heading.name.startswith(heading.section)
    if heading.mark == ":" and heading.rest:
        return is_capital
    if heading.mark in ("(", "-"):
        if is_never_sung or is_marked:
            return is_capital or is_never_sung
        is_capital = is_capital or (heading.mark == "(" and surroundings.begins_stanza)
        return is_capital and not is_often_sung and (is_qualified or surroundings.begins_stanza)
    if heading.rest:
        return False
    if is_never_sung or is_marked:
        return True
    if is_often_sung:
        return is_capital and is_qualified
    is_numbered = bool(heading.number)  # vers 1
    is_capital = is_capital or surroundings.is_small
    return is_numbered or (is_capital and (is_qualified or surroundings.begins_stanza))


def _is_short_heading(
    heading: Heading, core: str, is_marked: bool, surroundings: Surroundings
) -> bool:
    """V1, Ch:, Ref.: words. One letter is a name only where its sheet has V1, or with a number."""
    ends = is_marked or heading.mark == ":"
    if surroundings.has_refrain and heading.abbreviation in REFRAIN_LETTERS:
        return not heading.rest or heading.mark in (":", "/")
    if len(heading.abbreviation) == 1 and not surroundings.is_short:
        return heading.abbreviation in ("v", "s") and bool(heading.number) and not heading.rest
    if heading.mark not in ("", ":", "("):
        return False
    if heading.recalls and not heading.rest and core[0].isupper():  # RIT. fino alla fine
        return True
    if surroundings.is_short and core.partition(" (")[0] in _BARE:
        return True
    is_repeated = heading.repeats > 1 and len(heading.abbreviation) > 1
    if surroundings.begins_stanza and core.isupper() and core in _BARE:  # PRE below VERSE I
        return len(core) > 1
    has_words = bool(heading.rest) and heading.mark != "("
    return ends or ((bool(heading.number) or is_repeated) and not has_words)


def _parse_brackets(text: str, folded: str, surroundings: Surroundings) -> LyricLine | None:
    """[verse], also with words behind it; [raspy vocal]; several of them; or one that is never
    closed.
    """
    matches = [*_BRACKET.finditer(folded)]
    parts = [text[match.start(1) : match.end(1)].strip() for match in matches]
    words = cut_out(text, matches)
    if not parts:
        section = parse_section(text[1:])
        if section is None:
            return None
        return begin_section(section)._replace(code=UNCLEAR, hint="close it with ]")
    if not any(parts) and not words:
        hint = "write a section into them, like [Chorus]"
        return LyricLine("not sung: empty brackets", (), UNCLEAR, hint)
    section = _parse_bracket(parts[0], words, surroundings) if len(parts) == 1 else None
    if section is None and any(is_chord(part) or are_chords(part) for part in parts):
        return None
    words = words.lstrip(":： ") if section else words
    if words and section:
        if times := read_stanza_repeats(words):
            return begin_section(section._replace(repeats=times))
        return begin_section(section, *([words] if words else []))
    if words:
        return None
    if section:
        return begin_section(section)
    return keep_marker("][".join(_canonicalize(part) for part in parts))


def _parse_bracket(part: str, words: str, surroundings: Surroundings) -> Heading | None:
    """The section of the only brackets of a line."""
    heading = read_headings(part) or read_heading(part.strip("*_ "))
    if heading is None or heading.mark == " ":
        return None
    if heading.abbreviation:
        is_one = heading.number or surroundings.is_short or len(heading.abbreviation) > 1
        is_chordlike = not surroundings.is_short and is_chord(part)
        return heading if is_one and not is_chordlike and not (words or heading.rest) else None
    return heading


def _canonicalize(part: str) -> str:
    heading = parse_section(part)
    return format_marker(heading) if heading else part


@lru_cache(256)
def _suggest_section(word: str) -> str:
    """The section whose name is most like a word that is none; empty where there is none."""
    if not 3 < len(word) < 16:
        return ""
    similar = find_similar(word, _COMMON, cutoff=0.8)
    similar = similar or find_similar(word, list_spellings(), cutoff=0.8)
    return find_section(similar) if similar not in ("", word) else ""


def _normalize(name: str) -> str:
    """`Pre-Chorus 2` -> `prechorus`."""
    end = len(name)
    while end and name[end - 1].isdecimal():
        end -= 1
    return name[:end].replace(" ", "").replace("-", "").lower()
