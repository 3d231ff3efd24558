"""XML of programs that show songs: OpenSong's, and OpenLyrics of OpenLP and others."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

_DECLARATION = re.compile(r"\s*<\?xml[^<>]{0,200}\?>")
_SONG = re.compile(r"\s*(?:<\?xml[^<>]{0,200}\?>\s*)?<song\b")
_TAG = re.compile(r"<[^<>]{0,500}>")
_VERSE = re.compile(r"([a-z])(.{0,4})")  # OpenLyrics' v1, c, o2
_NAMES = {
    "v": "Verse",
    "c": "Chorus",
    "p": "Pre-Chorus",
    "b": "Bridge",
    "i": "Intro",
    "e": "Ending",
    "t": "Tag",
    "o": "Outro",
}
# elements, and what a head calls them
_HEAD = {
    "title": "title",
    "author": "author",
    "key": "key",
    "tempo": "tempo",
    "time_sig": "time",
    "timeSignature": "time",
    "capo": "capo",
    "ccli": "ccli",
    "copyright": "copyright",
    "presentation": "flow",
    "verseOrder": "flow",
}


def is_song(text: str) -> bool:
    """Whether a text is a song's XML."""
    return _SONG.match(text) is not None


def convert_song(text: str) -> str:
    """The song sheet that it is: its head and its words. Raises ValueError where its XML is
    damaged.
    """
    try:
        declaration = _DECLARATION.match(text)
        root = fromstring(text[declaration.end() if declaration else 0 :], forbid_dtd=True)
    except (DefusedXmlException, ParseError) as error:
        raise ValueError(f"its XML is damaged: {error}") from error
    for element in root.iter():
        element.tag = str(element.tag).rpartition("}")[2]
    return "\n".join([*_list_head(root), "", *_list_words(root)])


def strip_markup(text: str) -> str:
    """What is left of a song without its tags."""
    return html.unescape(_TAG.sub("", text))


def _list_head(root: Element) -> Iterator[str]:
    for name, word in _HEAD.items():
        texts = (" ".join((element.text or "").split()) for element in root.iter(name))
        if text := next(filter(None, texts), ""):
            yield f"{word}: {text}"


def _list_words(root: Element) -> Iterator[str]:
    for lyrics in root.iter("lyrics"):
        yield lyrics.text or ""
        for verse in lyrics.iter("verse"):
            yield f"[{_name_verse(verse.get('name', 'v'))}]"
            for lines in verse.iter("lines"):
                yield "".join(_list_texts(lines))
            yield ""


def _name_verse(name: str) -> str:
    match = _VERSE.fullmatch(name.lower())
    return f"{_NAMES.get(match[1], name)} {match[2]}".strip() if match else name


def _list_texts(lines: Element) -> Iterator[str]:
    """What is sung, without chords and comments."""
    yield (lines.text or "").lstrip()
    for child in lines:
        if child.tag in ("br", "line"):
            yield "\n"
        if child.tag not in ("comment", "chord"):
            yield (child.text or "").strip("\n")
        yield (child.tail or "").strip("\n")
