"""Texts of others in what people read line by line: the log, and what the command line prints."""

from __future__ import annotations

import unicodedata

# line breaks, controls, half characters; marks that no one sees or that turn the text around
_ESCAPED = ("Cc", "Cf", "Cs", "Zl", "Zp")
_JOINERS = "\u200c\u200d"  # which emoji and some scripts are written with


def escape_line(text: str) -> str:
    r"""The text on one line: a line break as \n, an escape character as \x1b."""
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(character: str) -> str:
    is_escaped = unicodedata.category(character) in _ESCAPED and character not in _JOINERS
    return character.encode("unicode_escape").decode() if is_escaped else character
