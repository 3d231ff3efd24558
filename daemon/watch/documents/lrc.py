"""LRC: lines of lyrics with their times, [00:12.34] in front of each, and tags like [ti:Title].

The times say what is sung after what, and what is a translation. The music does not follow them.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import takewhile

from pipeline.request import is_field

from ..characters import fold, split_lines
from ..chords import list_chords
from ..markers import parse_section
from ..notes import UNCLEAR, UNDERSTOOD, SheetNote
from .credits import WHO, drop_credits, read_untimed_title
from .document import Document, DocumentLine, DocumentTag, Kind, join_notes
from .times import PAUSE, strip_times
from .translations import drop_second_halves, drop_translations

A_TIME = "a time tag"

_TIMES_USED = "its times say what is sung after what; the music does not follow them"
_TAG = re.compile(r"\[[ ]?([a-z][a-z_ -]{0,20}|#)[ ]*:(.*)\]", re.IGNORECASE)
_STYLE = re.compile(r"</?[biu]>|</?font[^<>]{0,80}>|\{\\[^{}]{0,80}\}")  # of subtitles
_TAG_FIELDS = {"ti": "name", "title": "name", "la": "language", "lang": "language"}
_SPEAKER = re.compile(
    r"(?:unknown )?(?:speaker|sprecher|locuteur|hablante)(?: ?[0-9]{1,2})?: ?", re.IGNORECASE
)
# who sings: woman, man, both (Walaoke); first and second voice; the same in Chinese
_VOICE = re.compile(
    r"(?:[FMD](?: ?[+&/] ?[FMD])?|v[1-9]|男女?|女|合|合唱|齐|齊)[ ]*:(?!//)"
    r"|[(\[][FMD](?: ?[+&/] ?[FMD])?[)\]]:?(?= ?\S)"
)
# what karaoke programs write above the words: @TITLE, @T
_KARAOKE_TAG = re.compile(r"@([A-Z]{1,20})(?![a-z]) ?:? ?(.*)")
_KARAOKE_NAMES = ("T", "TITLE")
LEAST_COUNTED = 3  # lines of a countdown
_BACKGROUND = re.compile(r"\[bg:(.*)\]", re.IGNORECASE)
_SERVICE_DATA = '{"t":'  # JSON among the lines of a streaming service
_SIGNS = "♪♫♬♩🎵🎶 "
# a time in front of a line that is none: [00:1x.00], [00:12.00 or 00:12.00]
_DAMAGED = re.compile(
    r" *(?:\[[0-9][0-9A-Za-z]{0,2}[:.;,][0-9A-Za-z]{1,3}(?:[:.;,][0-9A-Za-z]{1,3})?\]"
    r"|\[[0-9]{1,3}:[0-9]{2}(?:[.:][0-9]{1,3})?(?![0-9:.\]])|[0-9]{1,3}:[0-9]{2}(?:[.:][0-9]{1,3})?\])"
)
_MOST_LANGUAGE = 8  # characters that say which: others are a program's own data


def read_lrc(text: str) -> Document:
    """Its tags are read too. No text raises."""
    return LrcReader(text).read()


def count_timed(lines: Iterable[DocumentLine]) -> int:
    return sum(bool(line.times) for line in lines)


class LrcReader:
    """Reads one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [strip_times(number, raw) for number, raw in enumerate(split_lines(text), 1)]
        self._tags: list[DocumentTag] = []
        self._notes: list[SheetNote] = []
        self._voices: dict[str, None] = {}  # marks of who sings, in their order

    def read(self) -> Document:
        self._lines = [line for line in self._lines if not self._read_tag(line)]
        if count_timed(self._lines):
            self._lines = [self._strip_damaged(line) for line in self._lines]
        self._read_title()
        self._lines = [self._clean(line) for line in self._attach_times()]
        self._lines = self._drop_countdown(self._drop_chords())
        names = [tag.value for tag in self._tags if tag.name == "name"]
        for drop in (partial(drop_credits, names=names), drop_translations, drop_second_halves):
            self._lines, notes = drop(self._lines)
            self._notes += notes
        self._lines = self._drop_ends()
        if count_timed(self._lines):
            self._note(0, _TIMES_USED)
        if self._voices:
            self._note(0, f"one voice sings all lines, also those of {', '.join(self._voices)}")
        return Document(
            Kind.LRC,
            self._text,
            tuple(self._lines),
            tuple(self._tags),
            join_notes(self._notes),
        )

    def _note(self, number: int, message: str) -> None:
        self._notes.append(SheetNote(number, UNDERSTOOD, message))

    def _read_tag(self, line: DocumentLine) -> bool:
        """[ti: Night Drive]: whether the line is a tag."""
        if line.text.startswith(_SERVICE_DATA):
            self._note(line.number, WHO)
            return True
        if karaoke := _KARAOKE_TAG.fullmatch(line.text.strip()):
            if karaoke[1] in _KARAOKE_NAMES and not any(tag.name == "name" for tag in self._tags):
                self._tags.append(DocumentTag(line.number, "name", karaoke[2].strip()))
            else:
                self._note(line.number, f"@{karaoke[1]} is not used")
            return True
        tag = None if line.times else _TAG.fullmatch(fold(line.text).strip())
        if not tag or parse_section(tag[0][1:-1]):
            return False
        name = tag[1].strip().lower()
        field = _TAG_FIELDS.get(name, name)
        if name == "bg":
            return False
        is_data = field == "language" and len(tag[2].strip()) > _MOST_LANGUAGE
        if is_field(field) and not is_data:
            value = line.text.strip()[tag.start(2) : tag.end(2)].strip()
            self._tags.append(DocumentTag(line.number, field, value))
        else:
            self._note(line.number, f"{name} is not used")
        return True

    def _strip_damaged(self, line: DocumentLine) -> DocumentLine:
        """Without a time that is none: its words stay below the line above."""
        time = None if line.times else _DAMAGED.match(fold(line.text))
        if not time:
            return line
        message = (
            f"its time {line.text[: time.end()].strip()} is damaged: sung below the line above"
        )
        self._notes.append(SheetNote(line.number, UNCLEAR, message, "write it like [00:12.34]"))
        return line._replace(text=line.text[time.end() :])

    def _read_title(self) -> None:
        """The line that some files begin with, without a time: the title and whose song it is."""
        has_name = any(tag.name == "name" for tag in self._tags)
        tag, notes = read_untimed_title(self._lines, has_name)
        self._tags += [tag] if tag else []
        self._notes += notes
        told = {each.number for each in [tag] if each} | {note.line for note in notes}
        self._lines = [line for line in self._lines if line.number not in told]

    def _attach_times(self) -> list[DocumentLine]:
        """Where every time is on a line of its own, it is that of the words below."""
        if any(line.times and line.text.strip() for line in self._lines):
            return self._lines
        attached: list[DocumentLine] = []
        above: DocumentLine | None = None  # a time without words yet
        for line in self._lines:
            if line.times:
                self._note(line.number, A_TIME)
                above = line
            elif above and line.text.strip():
                attached.append(line._replace(times=above.times))
                above = None
            else:
                attached.append(line)
        return attached

    def _clean(self, line: DocumentLine) -> DocumentLine:
        """Without the marks of karaoke programs and of web pages."""
        text = _STYLE.sub("", html.unescape(line.text)).strip()
        if background := _BACKGROUND.fullmatch(text):
            return line._replace(text=f"({background[1].strip()})")
        if not line.times:
            return line
        if voice := _VOICE.match(fold(text)):
            self._voices[text[: voice.end()].rstrip(" :：")] = None
            text = text[voice.end() :]
        elif speaker := _SPEAKER.match(fold(text)):
            text = text[speaker.end() :]
        return line._replace(text=text.strip(_SIGNS))

    def _drop_chords(self) -> list[DocumentLine]:
        """Without the chords that are at the times of words: nobody translates words so."""
        chords = {n for n, line in enumerate(self._lines) if line.times and list_chords(line.text)}
        sung = {
            time
            for n, line in enumerate(self._lines)
            if n not in chords and line.text.strip()
            for time in line.times
        }
        lines = []
        for n, line in enumerate(self._lines):
            if n in chords and sung.issuperset(line.times):
                self._note(line.number, "not sung: chords")
            else:
                lines.append(line)
        return lines

    def _drop_countdown(self, lines: list[DocumentLine]) -> list[DocumentLine]:
        """Without 3, 2, 1 in front of the words, each on a line of its own."""
        timed = [line for line in lines if line.times and line.text.strip()]
        numbers = [
            int(line.text)
            for line in takewhile(lambda line: line.text.strip() in tuple("12345678"), timed)
        ]
        if len(numbers) < LEAST_COUNTED or numbers != [*range(len(numbers), 0, -1)]:
            return lines
        counted = {line.number for line in timed[: len(numbers)]}
        hint = "write the numbers as words to have them sung"
        self._notes += [
            SheetNote(number, UNCLEAR, "not sung: a countdown", hint) for number in sorted(counted)
        ]
        return [line for line in lines if line.number not in counted]

    def _drop_ends(self) -> list[DocumentLine]:
        """Without empty lines that say when the line above ends: others part verses."""
        starts = sorted({time for line in self._lines if line.text for time in line.times})
        blank = sum(not line.times and not line.text.strip() for line in self._lines)
        is_spaced = blank >= count_timed(self._lines) - 1 > 1  # every second line is blank
        lines: list[DocumentLine] = []
        is_below = False  # a line with a time
        for line in self._lines:
            is_below = is_below or bool(line.times)
            if line.text.strip():
                lines.append(line)
            elif not line.times:
                lines += [] if is_spaced and is_below else [line]
            elif pauses := tuple(time for time in line.times if _is_pause(time, starts)):
                lines.append(line._replace(times=pauses))
            else:
                self._note(line.number, A_TIME)
        return lines


def _is_pause(time: float, starts: Sequence[float]) -> bool:
    """Whether it is a while until the next words."""
    following = bisect_right(starts, time)
    if following and starts[following - 1] == time:
        return False
    return following < len(starts) and starts[following] - time >= PAUSE
