"""Rich text (RTF) as TextEdit, WordPad and Word save it, without its markup."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?"  # a control word and its number
    r"|\\'([0-9a-fA-F]{2})"  # a byte
    r"|\\([^a-zA-Z'])"  # a control symbol
    r"|([{}])"
    r"|([^\\{}\r\n]+)"
)
# groups that hold no words
_HIDDEN = frozenset(
    "fonttbl colortbl stylesheet info pict object themedata datastore generator listtable "
    "listoverridetable revtbl rsidtbl header headerl headerr headerf footer footerl footerr "
    "footerf fldinst bkmkstart bkmkend xe tc annotation atnid atnauthor listtext pntext".split()
)
_BREAKS = {"par", "line", "sect", "page", "row", "softline"}
_CHARACTERS = {
    "tab": "\t",
    "cell": "\t",
    "emdash": "—",
    "endash": "–",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "bullet": "•",
}
_SYMBOLS = {"\\": "\\", "{": "{", "}": "}", "~": " ", "_": "-", "\n": "\n", "\r": "\n"}
_CHARSETS = {  # of fonts
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    134: "gb18030",
    136: "big5hkscs",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
}
_CODE_PAGES = {936: "gb18030", 950: "big5hkscs", 10000: "mac_roman", 65001: "utf-8"}
_MARK = "{\\rtf"


def is_rtf(text: str) -> bool:
    return text.lstrip().startswith(_MARK)


def convert_rtf(text: str) -> str:
    """Its words, line by line. No text raises."""
    units = "".join(RtfReader().read(text))  # of UTF-16: some characters are two of them
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class RtfReader:
    """Reads one text, from its first mark to its last."""

    def __init__(self) -> None:
        self._code_page = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0  # that is described, or written in
        self._groups: list[tuple[bool, int, int]] = []
        self._is_hidden = False
        self._fallbacks = 1  # characters that stand in for a Unicode one
        self._skipped = 0  # of them that are still to come
        self._bytes = bytearray()  # of characters in a code page, which may have several

    def read(self, text: str) -> Iterator[str]:
        for token in _TOKEN.finditer(text):
            word, number, byte, symbol, brace, plain = token.groups()
            if byte is not None:
                self._add_byte(int(byte, 16))
                continue
            yield self._flush()
            if word is not None:
                yield self._read_word(word, int(number) if number else None)
            elif symbol is not None:
                yield self._read_symbol(symbol)
            elif brace == "{":
                self._groups.append((self._is_hidden, self._font, self._fallbacks))
            elif brace == "}":
                if self._groups:
                    self._is_hidden, self._font, self._fallbacks = self._groups.pop()
            elif not self._is_hidden:
                yield self._skip(plain)
        yield self._flush()

    def _add_byte(self, byte: int) -> None:
        if self._skipped:
            self._skipped -= 1
        elif not self._is_hidden:
            self._bytes.append(byte)

    def _flush(self) -> str:
        """The characters of the bytes that have gathered."""
        codec = self._fonts.get(self._font) or self._code_page
        text = bytes(self._bytes).decode(codec, "replace")
        self._bytes.clear()
        return text

    def _skip(self, text: str) -> str:
        """A text without what stands in for the character before it."""
        skipped = min(self._skipped, len(text))
        self._skipped -= skipped
        return text[skipped:]

    def _read_symbol(self, symbol: str) -> str:
        if symbol == "*":
            self._is_hidden = True
        return "" if self._is_hidden else self._skip(_SYMBOLS.get(symbol, ""))

    def _read_word(self, word: str, number: int | None) -> str:
        if word == "ansicpg" and number is not None:
            self._code_page = _find_codec(_CODE_PAGES.get(number, f"cp{number}"))
        elif word == "f" and number is not None:
            self._font = number
        elif word == "fcharset" and number in _CHARSETS:
            self._fonts[self._font] = _CHARSETS[number]
        elif word == "uc" and number is not None:
            self._fallbacks = number
        elif word == "bin" or word in _HIDDEN:
            self._is_hidden = True
        elif self._is_hidden:
            return ""
        elif word == "u" and number is not None:
            self._skipped = self._fallbacks
            return chr(number % 0x10000)
        elif word in _BREAKS:
            return "\n"
        return "" if self._is_hidden else _CHARACTERS.get(word, "")


def _find_codec(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        return "cp1252"
    return name
