"""Words that were copied or saved from a web page, without its markup."""

from __future__ import annotations

import html
import re
import string

_PAGE = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?<(?:!doctype html|html|head|body|tt)\b", re.IGNORECASE
)
_TAG = re.compile(r"</?(?:br|p|div|li|h[1-6])\b[^<>]{0,200}>", re.IGNORECASE)
LEAST_TAGS = 2  # that part lines, in a text that is called a web page

_TOKEN = re.compile(
    r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})\b[^<>]*>"  # a tag
    r"|(<!--)"
    r"|<[!?][^<>]*>"
    r"|([^<]+|<)"
)
# elements that are not shown, up to their ends
_HIDDEN = set("title script style rt rp noscript template svg nav button iframe metadata".split())
_BLOCKS = set("div li tr blockquote pre".split())
_SPACED = set("p h1 h2 h3 h4 h5 h6 ul ol table section article".split())  # with a line between
_SECOND_VOICE = '"x-bg"'  # of TTML, which stands close to the words
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_BLANK = re.compile(r"[ \t\r\n\xa0]+")


def is_web_page(text: str) -> bool:
    """Whether a text is a page, or has tags of one between its lines."""
    return begins_page(text) or len(_TAG.findall(text)) >= LEAST_TAGS


def begins_page(text: str) -> bool:
    return _PAGE.match(text.lstrip()) is not None


def convert_web_page(text: str) -> tuple[str, str]:
    """Its words, line by line, and its title. No text raises, and any takes a time that is linear
    in its length: html.parser's is not.
    """
    reader = _PageReader()
    reader.read(text)
    return "\n".join(reader.list_lines()), reader.title


class _PageReader:
    """Gathers what is shown."""

    def __init__(self) -> None:
        self.title = ""
        self._lines: list[list[str]] = [[]]
        self._is_preformatted = False

    def list_lines(self) -> list[str]:
        """At most one empty line between two others."""
        lines = ["".join(parts).strip() for parts in self._lines]
        return [line for line, above in zip(lines, ["", *lines]) if line or above]

    def read(self, text: str) -> None:
        lowered = text.translate(_LOWER)
        at = 0
        while token := _TOKEN.match(text, at):
            closing, name, comment, words = token.groups()
            at = token.end()
            if comment:
                at = _find_behind(text, "-->", at)
            elif words:
                self._add_words(html.unescape(words))
            elif name:
                name = name.lower()
                if name in _HIDDEN and not closing and not token[0].endswith("/>"):
                    at = _find_behind(lowered, f"</{name}", at)
                    hidden = text[token.end() : at].partition("</")[0]
                    at = _find_behind(text, ">", at)
                    if name == "title":
                        self.title = _BLANK.sub(" ", html.unescape(hidden)).strip()
                else:
                    self._read_tag(name, bool(closing))
                    if _SECOND_VOICE in token[0]:
                        self._add_words(" ")

    def _read_tag(self, name: str, is_closing: bool) -> None:
        if name == "br":
            self._lines.append([])
        elif name in _BLOCKS or name in _SPACED:
            if any(part.strip() for part in self._lines[-1]):
                self._lines.append([])
            if name in _SPACED and len(self._lines) > 1:
                self._lines.append([])
        if name == "pre":
            self._is_preformatted = not is_closing

    def _add_words(self, words: str) -> None:
        if self._is_preformatted:
            first, *others = words.split("\n")
            self._lines[-1].append(first)
            self._lines += [[line] for line in others]
        else:
            self._lines[-1].append(_BLANK.sub(" ", words))


def _find_behind(text: str, mark: str, begin: int) -> int:
    """The place behind the next mark; the end, where there is none."""
    found = text.find(mark, begin)
    return len(text) if found < 0 else found + len(mark)
