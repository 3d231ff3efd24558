"""Chords of a song sheet, above the words and between them; tabs and chord diagrams."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from functools import lru_cache

from pipeline.guide.harmony import parse_chord_line

from .characters import fold

_QUALITY = (
    r"(?:maj|min|mi|ma|m|M|dim|aug|sus|add|omit|no|alt|Δ|ø|°|º|o(?=7)|\+|-|\^|[#b]?[0-9]{1,2}|"
    r"\((?:[#b+-]|maj|add|sus|no|omit)?[0-9]{1,2}\)|/(?=[0-9])){0,8}"
)
_CHORD = re.compile(rf"\(?[A-H][#b]?{_QUALITY}(?:[/\\][A-H][#b]?)?[*'!~]*\)?")
_LATIN = re.compile(
    rf"(Do|Re|Ré|Mi|Fa|Sol|La|Si|DO|RE|RÉ|MI|FA|SOL|LA|SI)[#b]?({_QUALITY})(?:/(?:Do|Re|Ré|Mi|Fa|Sol|"
    r"La|Si|DO|RE|RÉ|MI|FA|SOL|LA|SI)[#b]?)?"
)
# a  d  E7  fis: in lines of which nothing is a word; 1  4  6m  5
_GERMAN = re.compile(rf"[A-Ha-h](?:is|es|s|#|b)?{_QUALITY}(?:/[A-Ha-h](?:is|es|#|b)?)?")
_NUMBERS = re.compile(r"[1-7](?:m|-|°|7|maj7|sus4?)?(?:/[1-7])?")
_PLAIN = re.compile("[A-H]")
_NAMED = re.compile(r"R[eé] +R[eé]|S(?:ol|OL) +S(?:ol|OL)")  # which are no syllables, twice
_ENCLOSED = re.compile(r"\( ([^()]+) \)")  # ( E  A  E  A )
_RINGS = re.compile(r"\((?:let (?:it )?ring|hold|stop|pause|muted?|ring out|strum(?: once)?)\)")
# what else stands between chords: rests, bar lines, repeat signs, strokes, how often
_SIGN = re.compile(
    r"\(?(?:N\.?/?C\.?|n\.c\.|[|:/\\%.*~^'>=-]{1,8}|[x×]? ?[0-9]{1,2}[x×]?|tacet|Tacet|etc\.?|"
    r"[0-9]/[0-9]|[↓↑]{1,16})\)?"
)
_NO_CHORD = re.compile(r"N\.?/?C\.?|n\.c\.")
_SPLIT = re.compile(r"[|\s,;→‖]+|(?<=[A-Ga-z0-9#])[-–>](?=[A-H](?![a-z]{2}))")
_REMARK = re.compile(r"\([^()]*\)")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_PARENTHESIS = re.compile(r"\(([A-H][^()\s]{0,11})\)")
# e|--3--5--|, HH|x-x-x-|, |-----|; and x02210 behind a chord
_TAB = re.compile(r"[A-Za-z]{0,3}[#b]? ?[|:\]‖][-0-9hpbrstvxXoO~/\\()|.^=<>* :]*")
_OPEN_TAB = re.compile(r"[A-Ga-g] ?-[-0-9hpbrstvxXoO~/\\()|.^=<>* :]*")
_DIAGRAM = re.compile(r"[xX0-9]{4,7}|[xX0-9]{1,2}(?:[- ][xX0-9]{1,2}){3,6}")
_COUNTING = re.compile(r"[1-8](?: *(?:[&+]|[ea]|and|[1-8]))*")
_STROKES = re.compile(r"[DUduX↓↑x^v. -]+")
_TIMES_OF_TAB = re.compile(r"(?<=[|:]) *[(]?(?:x ?[0-9]{1,2}|[0-9]{1,2} ?x)[)]?$")
_LABEL = re.compile(r"^[^\W\d_]{2,12}: *(?=[|])")
_MUTED = re.compile(r"P\.?M\.? ?[-. ]{2,}[|]?")  # palm muted
_PLAY = re.compile(
    r"(?:Play|Strum|PLAY|STRUM) [A-G][#b]?(?:m|7)?(?: [0-9]{1,2} ?x| x ?[0-9]{1,2})?"
)
_COMMENT = re.compile(r"// .*|/[*].*[*]/")
# | h   hammer-on, as Ultimate Guitar writes below a tab
_LEGEND = re.compile(r"\| ?[^\s|]{1,3}(?: {2,}| ?= ?)[^\W\d_][^|]*\|?")
MIN_TAB = 4  # dashes of a tab's line
LEAST_LATIN = 3  # Do, Re and the like, of a sheet that has no other chords
LEAST_DEGREES = 2  # the same of 1, 4 and V
_DEGREE = re.compile(
    r"[#b]?(?:[1-7]|VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)"
    r"(?:m|-|°|\+|7|maj7|m7|sus[24]?)?(?:/[1-7])?"
)
_SCALE = ("do", "re", "mi", "fa", "sol", "la", "si")
RUNS = ("ABCDEFGH", "CDEFGAB", "HGFEDCBA")


def is_chord(text: str) -> bool:
    """Whether it is one chord, as song sheets spell them: Am, F#m7(b5), G/B, N.C."""
    text = text.strip()
    return len(text) <= 16 and _is_chord(fold(text))


def are_chords(text: str) -> bool:
    """Whether what stands in brackets is chords, and signs between them: [Am], [G / D], [N.C.]."""
    parts = fold(text).split()
    has_chord = any(map(_is_chord, parts)) or bool(_NO_CHORD.search(text)) or "|" in text
    return has_chord and all(_is_chord(part) or _SIGN.fullmatch(part) for part in parts)


def list_chords(line: str) -> list[str] | None:
    """The chords of a line that consists of them; none (an empty list) of a line of rests and bar
    lines; None where a line has anything else.
    """
    text = fold(line.strip())
    if not text or len(text) > 400:
        return None
    if enclosed := _ENCLOSED.fullmatch(text):
        return _list_chords(enclosed[1])
    text = _RINGS.sub(" ", text).strip()
    found = _list_chords(text)
    if found is None and "(" in text:  # (softly)
        found = _list_chords(_REMARK.sub(" ", text))
        return found if found and (len(found) > 1 or "  " in text) else None
    return found


def list_latin(line: str) -> list[str] | None:
    """The chords of a line among others of Do, Re and Mi; None of a line that has anything else,
    and of single words: La, Sol.
    """
    text = fold(line.strip())
    parts = [part for part in _SPLIT.split(text) if part] if len(text) <= 400 else []
    matches = [_LATIN.fullmatch(part) for part in parts]
    if not all(
        match or _is_chord(part) or _SIGN.fullmatch(part) for match, part in zip(matches, parts)
    ):
        return None
    names = [match for match in matches if match]
    is_syllables = len({match[1].lower() for match in names}) < 2 and not _NAMED.search(text)
    if is_syllables and not any(match[2] for match in names):
        return None
    return [part for match, part in zip(matches, parts) if match or _is_chord(part)] or None


def list_bare_latin(line: str) -> list[str]:
    """Do Sol: the chords of a line of names with capital letters, which may be syllables; none
    where they are sung as a scale, or are La La.
    """
    parts = fold(line.strip()).split()
    names = [part.lower().replace("é", "e") for part in parts if _LATIN.fullmatch(part)]
    if len(parts) < 2 or len(names) < len(parts) or set(names) == {"la"}:
        return []
    places = [_SCALE.index(name) for name in names if name in _SCALE]
    steps = {after - before for before, after in itertools.pairwise(places)}
    return [] if len(places) > 2 and steps in ({1}, {-1}) else names


def list_degrees(line: str) -> list[str]:
    """1 4 5 1, or I IV V: the chords of a line of numbers; none where it counts."""
    parts = [part for part in fold(line.strip()).split() if part not in ("|", "-")]
    if len(parts) < 2 or not all(map(_DEGREE.fullmatch, parts)):
        return []
    if all(part in ("I", "i") for part in parts):
        return []
    if all(map(str.isdigit, parts)):
        steps = {int(after) - int(before) for before, after in itertools.pairwise(parts)}
        if len(steps) == 1:
            return []
    return parts


def has_latin(chords: Iterable[str]) -> bool:
    """Whether any chord of a line is called Do, Re or Mi."""
    return any(map(_LATIN.fullmatch, chords))


def is_certain(line: str, chords: list[str]) -> bool:
    """Whether a line of chords can be nothing else: not so the letters of `A E`, which may be
    words.
    """
    has_space = "  " in line.strip() or "\t" in line.strip()
    plain = all(_PLAIN.fullmatch(chord) for chord in chords)
    if _ENCLOSED.fullmatch(line.strip()) and len(chords) > 1:
        return True
    if _NO_CHORD.search(line) or "|" in line or "%" in line:
        return True
    if plain:
        return has_space and len(chords) > 1
    return len(chords) > 1 or has_space or bool(re.search("[0-9#/]", chords[0]))


def may_be_chords(line: str, chords: list[str], among_chords: bool, above_words: bool) -> bool:
    """Whether a line of which it is not certain is read as chords: `among_chords` where other lines
    of its sheet certainly are, `above_words` where words follow.
    """
    letters = "".join(chords)
    if all(_PLAIN.fullmatch(chord) for chord in chords):
        if len(chords) > 1 and any(letters in run for run in RUNS) and len(chords) > 2:
            return False
        return above_words and (among_chords or len(chords) > 2)
    return among_chords or (above_words and len(chords) > 1)


def strip_inline(text: str, among_chords: bool) -> tuple[list[str], str]:
    """[Am]over the [F]words, or (Am)over them: the chords, and the words without them. No chords
    where there are none.
    """
    folded = fold(text)
    brackets = [match for match in _BRACKET.finditer(folded) if _is_inline(match[1].strip())]
    if brackets:
        return [match[1].strip() for match in brackets], cut_out(text, brackets)
    inside = [match for match in _PARENTHESIS.finditer(folded) if is_chord(match[1])]
    if not inside or folded.count("(") != len(inside):
        return [], text
    if len(inside) > 1 or among_chords or not _PLAIN.fullmatch(inside[0][1]):
        return [match[1] for match in inside], cut_out(text, inside)
    return [], text


def cut_out(text: str, matches: Iterable[re.Match[str]]) -> str:
    """A text without what was matched in its twin. Of the spaces around that, those behind go where
    there are some in front: words stay as far apart as they are.
    """
    kept = ""
    begin = 0
    for match in matches:
        kept += text[begin : match.start()]
        begin = match.end()
        if kept[-1:] in ("", " ") and text[begin : begin + 1] == " ":
            begin += 1
    return (kept + text[begin:]).strip()


def describe_other(text: str) -> str:
    """What of an instrument a line holds, where it holds no words: tabs, a diagram, strokes."""
    text = _TIMES_OF_TAB.sub("", fold(text))
    bars = text.count("|")
    if text.count("-") >= (MIN_TAB if bars < 2 else 1):
        played = _LABEL.sub("", text)
        if _TAB.fullmatch(played) or _OPEN_TAB.fullmatch(played):
            return "a tab"
    if _MUTED.fullmatch(text):
        return "a tab"
    if _LEGEND.fullmatch(text):
        return "what the signs of a tab mean"
    if _PLAY.fullmatch(text):
        return "what is played"
    if _COMMENT.fullmatch(text):
        return "a comment"
    name, _, frets = text.replace(":", " ").replace("=", " ").partition(" ")
    if is_chord(name) and _DIAGRAM.fullmatch(frets.strip("() ")):
        return "a chord diagram"
    if _COUNTING.fullmatch(text) and re.search("[&+]", text):
        return "counted beats"
    is_pattern = ("D" in text and "U" in text) or "^" in text
    if _STROKES.fullmatch(text) and is_pattern and " " in text:
        return "a strumming pattern"
    return ""


@lru_cache(4096)
def is_playable(text: str) -> bool:
    """Whether a guide knows a chord by this name."""
    try:
        return len(parse_chord_line(text)) == 1
    except ValueError:
        return False


def _list_chords(text: str) -> list[str] | None:
    parts = [part for part in _SPLIT.split(text) if part]
    chords = [part.strip("()*'!~") for part in parts if _is_chord(part)]
    if chords and all(chord[0] == "H" for chord in chords):  # hm
        return None
    if " " not in text and all(_PLAIN.fullmatch(part) for part in parts) and len(parts) > 1:
        return None  # F-A-D-E
    if all(_is_chord(part) or _SIGN.fullmatch(part) for part in parts):
        if chords or _NO_CHORD.search(text) or re.search("[|%/]", text):
            return [chord for chord in chords if not _NO_CHORD.fullmatch(chord)]
        return None
    if "  " in text and len(parts) > 1 and all(map(_GERMAN.fullmatch, parts)):
        return parts
    if "  " in text and len(parts) > 2 and all(map(_NUMBERS.fullmatch, parts)):
        return []
    return _list_latin(text, parts)


def _list_latin(text: str, parts: list[str]) -> list[str] | None:
    """Do Sol Lam Fa: where they are not sung as syllables."""
    matches = [match for part in parts if (match := _LATIN.fullmatch(part))]
    if not all(_LATIN.fullmatch(part) or _SIGN.fullmatch(part) for part in parts):
        return None
    if len({match[1].lower() for match in matches}) < 2:
        return None
    is_certain = "  " in text or "\t" in text or "|" in text or any(match[2] for match in matches)
    return [match[0] for match in matches] if is_certain else None


def _is_inline(text: str) -> bool:
    return are_chords(text) or (text[:1] in "*^" and len(text) < 40 and text[1:2] != "*")


@lru_cache(4096)
def _is_chord(text: str) -> bool:
    """A line has each of its chords a hundred times."""
    return _CHORD.fullmatch(text) is not None and text.count("(") == text.count(")")
