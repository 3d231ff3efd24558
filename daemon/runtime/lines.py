"""Texts of others in what people read line by line: the log, and what the command line prints."""

from __future__ import annotations

import shutil
import unicodedata
from typing import TextIO

# line breaks, controls, half characters; marks that no one sees or that turn the text around
_ESCAPED = ("Cc", "Cf", "Cs", "Zl", "Zp")
CLEAR_REST = "\x1b[K"  # of the line, on every terminal
_JOINERS = "\u200c\u200d"  # which emoji and some scripts are written with


def escape_line(text: str) -> str:
    r"""The text on one line: a line break as \n, an escape character as \x1b."""
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(character: str) -> str:
    is_escaped = unicodedata.category(character) in _ESCAPED and character not in _JOINERS
    return character.encode("unicode_escape").decode() if is_escaped else character


class LiveLine:
    """The last line of a terminal, which is written over. Where the stream is none, or is a pipe or
    a file, nothing is shown. One thread may write.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.text = ""  # that is shown

    def show(self, text: str) -> None:
        """In one write, so that it does not flicker; cut to the terminal's width."""
        if not self._stream.isatty():
            return
        width = shutil.get_terminal_size().columns - 1
        text = escape_line(text)[: max(width, 0)]
        if text != self.text:
            self._stream.write(f"\r{text}{CLEAR_REST}")
            self._stream.flush()
        self.text = text

    def clear(self) -> None:
        self.show("")
