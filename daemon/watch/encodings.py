"""Bytes of a text file become text."""

from __future__ import annotations

import codecs

from .notes import UNDERSTOOD, SheetNote


def decode(content: bytes) -> tuple[str, tuple[SheetNote, ...]]:
    """The text of a file, and its encoding as a note where that is not UTF-8. Raises ValueError
    when it is no text.
    """
    text, encoding = _decode(content)
    return text, (SheetNote(0, UNDERSTOOD, f"read as {encoding}"),) if encoding else ()


def _decode(content: bytes) -> tuple[str, str]:
    """The text, and the name of an encoding that is not UTF-8. Raises ValueError."""
    if content.startswith(codecs.BOM_UTF8):
        return content[len(codecs.BOM_UTF8) :].decode("utf-8", "replace"), ""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace"), "UTF-16"
    if b"\0" in content:
        raise ValueError("it is no text: it holds zero bytes")
    try:
        return content.decode("utf-8"), ""
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        return content.decode("latin-1"), "Latin-1"
