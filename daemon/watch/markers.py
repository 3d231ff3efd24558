"""Lines of a lyric sheet that begin a section, and chords between the words.

`[Chorus]`, `(chorus)`, `Chorus:` and `CHORUS` begin a section; `[Am]` is a chord.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from pipeline.guide.harmony import parse_chord_line
from pipeline.request import MAX_COMPARED, find_similar

from .notes import UNCLEAR, UNDERSTOOD, UNKNOWN, shorten

SECTIONS = (
    "Intro",
    "Verse",
    "Pre-Chorus",
    "Chorus",
    "Post-Chorus",
    "Refrain",
    "Hook",
    "Bridge",
    "Interlude",
    "Instrumental",
    "Inst",
    "Solo",
    "Break",
    "Breakdown",
    "Build",
    "Build-Up",
    "Drop",
    "Rap",
    "Spoken Word",
    "Spoken",
    "Vamp",
    "Coda",
    "Outro",
    "Ending",
    "End",
    "Fade Out",
    "Fade",
    "Silence",
    # a chorus elsewhere
    "Coro",
    "Estribillo",
    "Ritornello",
    "Refrão",
    "Припев",
    "サビ",
    "副歌",
    "후렴",
)
# sections that need no brackets or colon: nobody sings these words alone on a line
_NEVER_SUNG = {
    "Intro",
    "Verse",
    "Pre-Chorus",
    "Chorus",
    "Post-Chorus",
    "Refrain",
    "Interlude",
    "Outro",
    "Instrumental",
}
_CANONICAL = {name.replace("-", "").replace(" ", "").lower(): name for name in SECTIONS}
# longer names first, so that "Spoken Word" is not read as "Spoken"
_NAMES = "|".join(re.sub("[ -]", "[ -]?", name) for name in sorted(SECTIONS, key=len, reverse=True))
_SECTION = re.compile(
    rf"(?P<name>{_NAMES})"
    r"(?P<number> *[0-9]{1,2})?"
    r"(?P<rest> *[-–—:,|(].*| *[x×] *[0-9]{1,2})?",
    re.IGNORECASE,
)
_BRACKET = re.compile(r"\[([^\[\]]*)\] ?")


class LyricLine(NamedTuple):
    """What was made of one line: what its writer is told, and what is sung in its place."""

    message: str
    sung: tuple[str, ...] = ()
    code: int = UNDERSTOOD
    hint: str = ""


def parse_section(text: str) -> str | None:
    """`verse 2` -> `Verse 2`, `CHORUS - loud` -> `Chorus - loud`; None for what is no section's
    name.
    """
    match = _SECTION.fullmatch(text.strip())
    if not match:
        return None
    name = _CANONICAL[_normalize(match["name"])]
    number = (match["number"] or "").strip()
    if number:
        name = f"{name} {number}"
    rest = (match["rest"] or "").strip().rstrip(":")
    if not rest:
        return name
    return f"{name}{rest}" if rest[0] in ":," else f"{name} {rest}"


def parse_marker(text: str) -> LyricLine | None:
    """A line that begins a section, in any of the ways people write one. None for any other."""
    if text[0] == "[":
        return _parse_brackets(text)
    match = _SECTION.fullmatch(text.strip("()").rstrip(": "))
    if not match:
        return None
    rest = (match["rest"] or "").strip()
    if rest and rest[0] not in "x×X":
        return None
    is_marked = (text[0] == "(" and text[-1] == ")") or text[-1] == ":"
    if not is_marked and _CANONICAL[_normalize(match["name"])] not in _NEVER_SUNG:
        return None
    return begin_section(parse_section(match[0]) or "")


def begin_section(name: str, *words: str) -> LyricLine:
    """The line that begins section `name`, with the words that are sung behind its marker."""
    message = f"begins [{shorten(name)}]"
    if words:
        message += ", and is sung"
    return LyricLine(message, (f"[{name}]", *words))


def keep_marker(name: str) -> LyricLine:
    """A marker that is no section's name. Models know many words: they get it as it is."""
    message = f"marker [{shorten(name)}]"
    sung = (f"[{name}]",)
    suggestion = _suggest_section(_normalize(name)) if len(name) <= MAX_COMPARED else ""
    if suggestion:
        return LyricLine(message, sung, UNKNOWN, f"did you mean [{suggestion}]?")
    return LyricLine(message, sung)


def strip_chords(text: str) -> LyricLine | None:
    """[Am]over the [F]words, or a line of chords only. None for a line without chords."""
    chords = [part.strip() for part in _BRACKET.findall(text) if is_chord(part)]
    words = ""
    if chords:
        words = _BRACKET.sub(lambda match: "" if is_chord(match[1]) else match[0], text).strip()
    else:
        chords = text.replace("|", " ").split()
        if len(chords) < 2 or not all(map(is_chord, chords)):
            return None
        if all(len(chord) == 1 for chord in chords):  # "A E" may be words
            return None
    message = f"chords, which guide: {shorten(' '.join(chords))} would play"
    if words:
        return LyricLine(f"sung without the {message}", (words,))
    return LyricLine(f"not sung: {message}")


def is_chord(text: str) -> bool:
    text = text.strip()
    if text[:1] not in tuple("ABCDEFG") or len(text) > 12 or " " in text:
        return False
    return _is_chord(text)


@lru_cache(4096)
def _is_chord(text: str) -> bool:
    """A line has each of its chords a hundred times."""
    try:
        return len(parse_chord_line(text)) == 1
    except ValueError:
        return False


def _parse_brackets(text: str) -> LyricLine | None:
    """[verse], also with words behind it; [raspy vocal]; several of them; or one that is never
    closed.
    """
    parts = [part.strip() for part in _BRACKET.findall(text)]
    words = _BRACKET.sub("", text).strip()
    if not parts:
        section = parse_section(text[1:])
        if section is None:
            return None
        return begin_section(section)._replace(code=UNCLEAR, hint="close it with ]")
    if not any(parts) and not words:
        hint = "write a section into them, like [Chorus]"
        return LyricLine("not sung: empty brackets", (), UNCLEAR, hint)
    if any(map(is_chord, parts)):
        return None
    section = parse_section(parts[0]) if len(parts) == 1 else None
    if words:
        return begin_section(section, words) if section else None
    if section:
        return begin_section(section)
    return keep_marker("][".join(parse_section(part) or part for part in parts))


@lru_cache(256)
def _suggest_section(word: str) -> str:
    """The section whose name is most like a word that is none; empty where there is none."""
    if not 3 < len(word) < 16:
        return ""
    similar = find_similar(word, _CANONICAL, cutoff=0.8)
    return _CANONICAL[similar] if similar not in ("", word) else ""


def _normalize(name: str) -> str:
    """`Pre-Chorus 2` -> `prechorus`."""
    end = len(name)
    while end and name[end - 1].isdecimal():
        end -= 1
    return name[:end].replace(" ", "").replace("-", "").lower()
