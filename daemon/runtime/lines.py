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


class ProgressLine:
    """How far the work is that a command waits for: the live line of a terminal; where the stream
    is none, a line for each stage that begins, so that a log of it can be read.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = LiveLine(stream)
        self._told: set[tuple[str, str]] = set()

    def show(self, name: str, fraction: float, stage: str, more: str = "") -> None:
        """`name`: what is made, empty where that is clear. A terminal shows `more` behind it."""
        if self._stream.isatty():
            self._live.show(f"{_begin(name)}{fraction:.0%} {stage}{more}")
            return
        begun = (name, stage.partition(" ")[0])  # "plan 37" is the same stage as "plan 36"
        if begun not in self._told:
            self._told.add(begun)
            self.say(_begin(name) + begun[1])

    def say(self, text: str) -> None:
        """A line of its own."""
        self.clear()
        print(escape_line(text), file=self._stream, flush=True)

    def clear(self) -> None:
        self._live.clear()


def _begin(name: str) -> str:
    return f"{name}  " if name else ""
