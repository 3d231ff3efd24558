"""Whole parts of a page that are no song: a set list, notes, what a site links to, tags, and the
times at which sections begin.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.keys import parse_key

from .characters import fold, fold_word
from .chords import is_chord
from .headings import read_heading
from .markers import Surroundings, parse_marker

SUNG_HINT = "write [Verse] above it where it is sung"
LIKED_HINT = "remove it where it is another song that a site recommends"
LEAST_SONGS = 3  # of a set list

_TAGS = re.compile(r"#[^\W\d_][\w/-]*(?:,? +#[^\W\d_][\w/-]*)+")
_LINKS = re.compile(r"(?:[ |,·-]*!?\[\[[^\[\]]{1,100}\]\])+[ |,·-]*")
# below its own words, what a site writes of others
_SITE_END = re.compile(
    r"submit corrections|correct these lyrics|azlyrics|a ?- ?z lyrics|view all .{1,40} lyrics|"
    r"(?:see|more) (?:all )?(?:songs|lyrics) (?:by|from) .{1,60}|"
    r"(?:other|popular|related|similar) (?:songs|lyrics)(?: (?:by|from) .{1,60})?:?"
)
_LIKED = "you might also like"
_MOST_LIKED = 8  # lines of them
_NOTES = re.compile(
    r"(?:my |song |production |session |recording |writing |arrangement )?"
    r"(?:notes?|ideas?|to-? ?dos?|references?|credits|changelog|history|feedback|meta(?:data)?|"
    r"links?|sources?|notizen|ideen|notas|ideias|remarques|idees|appunti|заметки|идеи|メモ|备注|"
    r"笔记|메모)"
)
_MARKED = re.compile(r"(#{1,6} +|\*\*|\[)(?P<inner>[^\[\]*#:]{1,40}?)(?:\*\*|\])? ?:?")
_COLON = re.compile(r"(?P<inner>[^\[\]*#:]{1,40}?) ?:")
_AT = re.compile(r"\[?\d{1,2}:\d{2}(?::\d{2})?\]?(?: ?[-–—:|] ?| +)(?=\S)")
_SET_LIST = re.compile(r"set ?-?list\b.{0,60}|setliste\b.{0,60}|lista de temas\b.{0,60}")
_BESIDE_SONGS = re.compile(
    r"set ?\d.{0,20}|encores?\b.{0,20}|zugaben?|rappels?|bises?|break|pause|pausa|"
    r"(?:sound ?check|doors|load[ -]in|stage|total)\b.{0,40}"
)
_SONG = re.compile(
    r"(?:(?P<number>\d{1,2})[.)]? +)?(?P<title>[^\W_].{1,60}?)(?P<dash> +[-–—|:] *|,? +)"
    r"\(?(?P<key>[A-Ga-g][#b♯♭]?(?:m|min|maj| minor| major)?)(?P<rest>(?:[ ,;/|–—-]+"
    r"(?:capo ?\d{1,2}|\d{2,3}(?: ?bpm)?|\d{1,2}:\d{2}))*)\)?(?P<behind>(?:[ ,;/|–—-]+"
    r"(?:\d{2,3}(?: ?bpm)?|\d{1,2}:\d{2}))*)"
)


def find_page_parts(
    texts: Sequence[str],
) -> tuple[dict[int, tuple[str, str]], dict[int, str]]:
    """By the indices of lines: what is said of those that are of no song, and a hint where that is
    a guess; hints on those that may be.
    """
    if listed := _find_set_list(texts):
        return listed, {}
    left_out = _find_site(texts) | _find_notes(texts) | _find_times(texts)
    for index, text in enumerate(texts):
        if _TAGS.fullmatch(text):
            left_out[index] = ("not sung: tags", "")
        elif _LINKS.fullmatch(text):
            left_out[index] = ("not sung: a link", "")
    return left_out, _find_liked(texts)


def _find_set_list(texts: Sequence[str]) -> dict[int, tuple[str, str]]:
    """All lines, where most name a song and its key."""
    written = [index for index, text in enumerate(texts) if text]
    named = [song for index in written if (song := _read_song(texts[index]))]
    likely = [song for song in named if _is_listed(song)]
    others = sum(not _BESIDE_SONGS.fullmatch(fold_word(texts[index])) for index in written)
    is_named = bool(written) and bool(_SET_LIST.fullmatch(fold_word(texts[written[0]])))
    songs = len(named) if len(named) == others else len(likely)
    if songs < LEAST_SONGS or (not is_named and 5 * songs < 3 * others):
        return {}
    return dict.fromkeys(written, ("not sung: a line of a set list", SUNG_HINT))


def _read_song(text: str) -> re.Match[str] | None:
    """`1. Harbour Lights - D`, `Old River (G) 3:55`: a name, and a key behind it."""
    song = _SONG.fullmatch(text)
    words = re.findall(r"[^\W\d_]{2,}", song["title"]) if song else []
    if not song or not words or all(map(is_chord, song["title"].split())):
        return None
    if any(word[0].islower() for word in words if len(word) > 3):
        return None
    try:
        parse_key(song["key"])
    except ValueError:
        return None
    return None if fold(text).endswith(")") and not song["rest"] else song


def _is_listed(song: re.Match[str]) -> bool:
    """Whether more than a chord stands behind the name."""
    is_apart = song["dash"].strip() in ("-", "–", "—", "|")
    return is_apart or bool(song["number"] or song["rest"] or song["behind"])


def _find_site(texts: Sequence[str]) -> dict[int, tuple[str, str]]:
    """What AZLyrics and others write behind the words, from its first line on; and their title."""
    found: dict[int, tuple[str, str]] = {}
    ends = [n for n, text in enumerate(texts) if n > 3 and _SITE_END.fullmatch(fold_word(text))]
    if ends:
        message = "not sung: what a site writes below the words"
        below = [n for n in range(ends[0], len(texts)) if texts[n]]
        found |= {n: (message, SUNG_HINT if n == ends[0] else "") for n in below}
    return found


def _find_liked(texts: Sequence[str]) -> dict[int, str]:
    """The lines behind "You might also like" may be titles."""
    asked: dict[int, str] = {}
    for index, text in enumerate(texts):
        if fold_word(text) != _LIKED:
            continue
        for below in range(index + 1, min(index + 1 + _MOST_LIKED, len(texts))):
            if not texts[below] or texts[below][0] == "[" or read_heading(texts[below]):
                break
            asked[below] = LIKED_HINT
    return asked


def _find_notes(texts: Sequence[str]) -> dict[int, tuple[str, str]]:
    """`## Notes` or `Notes:` behind words, with what stands below it up to the next section."""
    found: dict[int, tuple[str, str]] = {}
    is_open = False
    has_section = False
    for index, text in enumerate(texts):
        if not text:
            continue
        named = _MARKED.fullmatch(text) or _COLON.fullmatch(text)
        if named and has_section and _is_apart(text, index, texts) and _names_notes(named):
            found[index] = ("not sung: notes on the song", SUNG_HINT)
            is_open = True
        elif _is_section(text, named):
            has_section = True
            is_open = False
        elif is_open:
            found[index] = ("not sung: notes on the song", "")
    return found


def _names_notes(named: re.Match[str]) -> bool:
    return _NOTES.fullmatch(fold_word(named["inner"].strip())) is not None


def _is_apart(text: str, index: int, texts: Sequence[str]) -> bool:
    return text[0] in "#[*" or not texts[index - 1]


def _is_section(text: str, named: re.Match[str] | None) -> bool:
    read = parse_marker(text, Surroundings(begins_stanza=True))
    if read and read.heading and not read.sung:  # — Intro —
        return True
    around = "[]()*# :" if text[0] in "[(" else "*# :"
    heading = read_heading(named["inner"].strip() if named else text.strip(around))
    if heading is None or heading.abbreviation:
        return False
    is_marked = named is not None or text[0] in "[("
    return is_marked or not heading.rest or heading.mark == "("  # Intro (8 bars)


def _find_times(texts: Sequence[str]) -> dict[int, tuple[str, str]]:
    """`0:12 Verse` above `0:45 Chorus`: a list of the times of sections, without words between."""
    timed = {
        index
        for index, text in enumerate(texts)
        if (at := _AT.match(fold(text)))
        and (heading := read_heading(text[at.end() :]))
        and not heading.rest
    }
    listed = {index for index in timed if {index - 1, index + 1} & timed}
    return dict.fromkeys(listed, ("not sung: when a section begins", ""))
