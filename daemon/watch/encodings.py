"""Bytes of a text file become text.

Unicode is known by its byte order mark, or as there is hardly anything else that may be read as it.
What is older is guessed (old_encodings.py).
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from functools import cache

from .notes import UNCLEAR, UNDERSTOOD, SheetNote
from .old_encodings import find_alphabet, guess_reading, is_kana, is_text

_WIDE_MARKS = (  # that of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # half a character, in what is wide
_MOST_BETWEEN = 16  # bytes for each of them
# what is written in East Asia is in one of these; of characters by chance every third is
_EAST_ASIAN = ("gb2312", "big5", "cp932", "euc_kr")
_WIDE = {
    "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
}
_ESCAPED = (
    (b"\x1b$)C", "iso2022_kr", "ISO-2022-KR"),
    (b"\x1b$", "iso2022_jp_2004", "ISO-2022-JP"),
    (b"~{", "hz", "HZ"),
)
# what UTF-8 has been taken for before it was saved again: Ã© for é, РЇ for Я, √© for é
_MISREAD_AS = {"cp1252": "Windows-1252", "cp1251": "Windows-1251", "mac_roman": "Mac Roman"}


def decode(content: bytes) -> tuple[str, tuple[SheetNote, ...]]:
    """The text of a file, and notes on how it is written where that is not UTF-8, a guess or
    damaged. Raises ValueError when it is no text.
    """
    for mark, codec, name in _WIDE_MARKS:
        if content.startswith(mark):
            return _decode_marked(content, codec, name)
    content = content.removeprefix(codecs.BOM_UTF8)
    if _may_be_wide(content) and (wide := _decode_wide(content)):
        return wide
    if b"\0" in content:
        return _drop_zeros(content)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return _repair_utf8(content) or _decode_han(content) or _decode_old(content)
    if escaped := _decode_escapes(content):
        return escaped
    return _undo_misreading(text)


def _decode_marked(content: bytes, codec: str, name: str) -> tuple[str, tuple[SheetNote, ...]]:
    """UTF-16 or UTF-32 with a byte order mark."""
    try:
        return content.decode(codec), (_note_encoding(name),)
    except UnicodeDecodeError:
        message = f"read as {name}; what of it is none was left out"
        return content.decode(codec, "ignore"), (_note_damage(message),)


def _may_be_wide(content: bytes) -> bool:
    """Whether so many bytes are no characters that they may be halves of some."""
    return b"\0" in content or _MOST_BETWEEN * len(_CONTROLS.findall(content)) >= len(content) > 0


def _decode_wide(content: bytes) -> tuple[str, tuple[SheetNote, ...]] | None:
    """UTF-16 or UTF-32 without a byte order mark: in the right order of bytes most of it is ASCII,
    or it is in one alphabet, has line ends, and its characters are in one place. None where it is
    none of them.
    """
    readings: list[tuple[tuple[bool, int, int, int], str, str]] = []
    controls = len(_CONTROLS.findall(content))
    is_full = controls >= 3 and 4 * controls >= len(content)
    for codec, name in _WIDE.items():
        with suppress(UnicodeDecodeError):
            text = content.decode(codec)
            plain = sum(map(str.isascii, text))
            # zeros are halves of ASCII, if not three quarters of any character
            is_wide = plain > 0 or name == "UTF-32" if b"\0" in content else is_full
            if is_text(text) and (is_wide or _is_common(text)):
                alphabets = {find_alphabet(character) for character in text if character.isalpha()}
                blocks = {ord(character) >> 8 for character in text}
                rank = 2 * plain >= len(text), -len(alphabets), plain, -len(blocks)
                readings.append((rank, name, text))
    if not readings:
        return None
    _, name, text = max(readings, key=lambda reading: reading[0])
    return text, (_note_guess(name) if _is_common(text) else _note_encoding(name),)


def _decode_han(content: bytes) -> tuple[str, tuple[SheetNote, ...]] | None:
    """UTF-16 without a byte order mark and without ASCII: Japanese or Chinese. None where it is
    none of it.
    """
    for codec, low, high in (("utf-16-le", 0, 1), ("utf-16-be", 1, 0)):
        with suppress(UnicodeDecodeError):
            text = content.decode(codec)
            # in no old encoding is every second byte that of Han characters, with any other between
            letters = sum(chr(byte).isalpha() and byte < 128 for byte in content[low::2])
            below = sum(byte < 128 for byte in content[high::2])
            is_apart = 3 * letters <= len(text) and 6 * below >= len(text)
            is_han = len(text) >= 4 and is_apart and all(map(_is_east_asian, text))
            if is_kana(text) or (is_han and _is_common(text)):
                return text, (_note_guess("UTF-16"),)
    return None


def _is_common(text: str) -> bool:
    """Whether a text is in letters of one of East Asia's alphabets, all of them in use."""
    if not all(_is_east_asian(character) for character in text if not character.isspace()):
        return False
    for codec in _EAST_ASIAN:
        with suppress(UnicodeEncodeError):
            return bool(text.encode(codec))
    return False


def _is_east_asian(character: str) -> bool:
    return (
        "\u3000" <= character <= "\u30ff"
        or "\u4e00" <= character <= "\u9fff"
        or "\uac00" <= character <= "\ud7a3"
        or "\uff01" <= character <= "\uff5e"
    )


def _drop_zeros(content: bytes) -> tuple[str, tuple[SheetNote, ...]]:
    """What a crash left of a text, with zeros for the rest of it. Raises ValueError."""
    kept = content.rstrip(b"\0")
    if not kept or b"\0" in kept:
        raise ValueError("it is no text: it holds zero bytes")
    text, notes = decode(kept)
    message = f"it ends with {len(content) - len(kept)} zero bytes, as what was not saved whole"
    return text, (_note_damage(message), *notes)


def _decode_escapes(content: bytes) -> tuple[str, tuple[SheetNote, ...]] | None:
    """What was sent by mail in East Asia: ASCII between marks. None where it is none of that."""
    for mark, codec, name in _ESCAPED:
        if mark in content and content.isascii():
            with suppress(UnicodeDecodeError):
                text = content.decode(codec)
                if not text.isascii():
                    return text, (_note_encoding(name),)
    return None


def _undo_misreading(text: str) -> tuple[str, tuple[SheetNote, ...]]:
    """A text whose UTF-8 was read as an old encoding once, and saved like that."""
    if text.isascii():
        return text, ()
    for codec, name in _MISREAD_AS.items():
        table = _list_bytes(codec)
        with suppress(KeyError, UnicodeDecodeError):
            meant = bytes([table[character] for character in text]).decode("utf-8")
            message = f"it was once read as {name} and saved so: that was undone"
            return meant, (_note_damage(message),)
    return text, ()


@cache
def _list_bytes(codec: str) -> dict[str, int]:
    """The byte of each character of an encoding; what it leaves out is kept as it is."""
    return {bytes([byte]).decode(codec, "ignore") or chr(byte): byte for byte in range(256)}


def _repair_utf8(content: bytes) -> tuple[str, tuple[SheetNote, ...]] | None:
    """A text that is UTF-8 but for a few bytes: the end of one that was cut, or words from a file
    in Windows-1252. None where it is no UTF-8 at all.
    """
    text = _decode_begin(content)
    if not text.isascii():
        return text, (_note_damage("it ends in the middle of a character, which was left out"),)
    marked = content.decode("utf-8", "surrogateescape")
    foreign = sum("\udc80" <= character <= "\udcff" for character in marked)
    if sum(map(str.isascii, marked)) + 5 * foreign > len(marked):
        return None
    windows = {0xDC00 + byte: bytes([byte]).decode("cp1252", "ignore") for byte in range(128, 256)}
    message = f"read as UTF-8, except for what is none: as Windows-1252 (bytes: {foreign})"
    return marked.translate(windows), (_note_damage(message),)


def _decode_begin(content: bytes) -> str:
    """The text of which no more than the last character is cut; empty where there is none."""
    try:
        return codecs.utf_8_decode(content, "strict", False)[0]
    except UnicodeDecodeError:
        return ""


def _decode_old(content: bytes) -> tuple[str, tuple[SheetNote, ...]]:
    """A text in an encoding from before Unicode."""
    read = guess_reading(content)
    if read.is_sure:
        return read.text, (_note_encoding(read.name),)
    return read.text, (_note_guess(read.name),)


def _note_encoding(name: str) -> SheetNote:
    return SheetNote(0, UNDERSTOOD, f"read as {name}")


def _note_guess(name: str) -> SheetNote:
    message = f"read as {name} (a guess)"
    return SheetNote(0, UNCLEAR, message, "save it as UTF-8 if words look wrong")


def _note_damage(message: str) -> SheetNote:
    return SheetNote(0, UNCLEAR, message, "look whether the words are right")
