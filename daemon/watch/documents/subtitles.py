"""Subtitles: SRT, WebVTT, ASS, MicroDVD, MPL2: words are sung, and numbers, times and styles are
not.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..characters import fold, split_lines
from ..markers import parse_section
from ..notes import UNDERSTOOD, SheetNote
from .credits import drop_credits
from .document import Document, DocumentLine, DocumentTag, Kind, join_notes
from .times import PAUSE
from .translations import describe_doubled, drop_translations, is_latin

_CLOCK = r"(?:([0-9]{1,3}):)?([0-9]{1,2}):([0-9]{1,2})(?:[.,:]([0-9]{1,3}))?"
_CUE = re.compile(rf"\s*{_CLOCK}\s*(?:-->|->|,|-)\s*{_CLOCK}(?:\s.*)?")
_BLOCK = re.compile(r"(?:WEBVTT|NOTE|STYLE|REGION)(?:[ \t].*)?")
_TIME = re.compile(_CLOCK)
_DIALOGUE = re.compile(r"\s*Dialogue: ?((?:[^,]*,){4}.*)")
_FORMAT = re.compile(r"\s*Format: ?(.*)")
_TITLE = re.compile(r"Title: *(\S.*)")
_ASS_FIELDS = "layer start end style name marginl marginr marginv effect text".split()
_FRAMES = re.compile(r"\s*\{([0-9]{1,8})\}\{([0-9]{0,8})\}(.*)")
_FRAME_RATE = 25  # frames a second, about
_TENTHS = re.compile(r"\s*\[([0-9]{1,8})\]\[([0-9]{0,8})\](.*)")  # MPL2
_RATE = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{1,3})?")  # that MicroDVD's first line may say
_ASS_BREAK = re.compile(r"\\[Nn]")
_TAG = re.compile(r"</?[a-zA-Z0-9][^<>]{0,200}>|\{\\?[a-zA-Z][^{}]{0,400}\}")
_RUBY = re.compile(r"<(?:rt|rp)>[^<>]{0,60}</(?:rt|rp)>")  # how a character is read
_DRAWING = re.compile(r"\{[^{}]{0,200}\\p[1-9]")
_ROLLING = re.compile(r"<[0-9:.]{5,12}><c[.>]")  # words that come one by one, then all again
_SPEAKER = re.compile(r"(?:>>+|-(?= ))\s*")
_NAMED_IN_BRACKETS = re.compile(r"\[[^\W\d_a-z][^\W_a-z .'-]{1,20}\][: ]+(?=\S)")
_NAME = re.compile(r"[^\W\d_a-z][^\W_a-z]{1,20}(?:[ &.'-]{1,3}[^\W_a-z]{1,20}){0,3}: *")
_SOUND = re.compile(
    r"[(\[](?:[\w'-]{1,20} ){0,2}"
    r"(?:music|instrumental|applause|laughter|laugh(?:s|ing)|cheer(?:s|ing)|clapping|silence|singing"
    r"|humming|whistling|crowd|musik|musique|música|musica|applaus|applaudissements|музыка|音楽|音乐)"
    r"(?: (?:play|continu|start|begin|stop|end|fad)\w{0,5}(?: (?:out|in|up|softly))?"
    r"| (?:break|interlude|cheering|singing))?[)\]]",
    re.IGNORECASE,
)
_DESCRIBED = re.compile(r"\[[a-z][^\[\]]{1,60}\]")  # in small letters
_SIGNS = "♪♫♬♩#*🎵🎶 "
_NO_WORDS = "not sung: a sound of subtitles"
_NOT_SUNG = "not sung: a number, a time or a style of subtitles"


@dataclass
class _Cue:
    """Words that are shown together, in seconds."""

    start: float
    end: float
    lines: list[DocumentLine] = field(default_factory=list)


def is_subtitles(lines: Sequence[str]) -> bool:
    """SRT, WebVTT, ASS, MicroDVD or MPL2, whatever its file is called."""
    return _counts_tenths(lines) or any(
        _CUE.fullmatch(line) or _DIALOGUE.fullmatch(line) or _FRAMES.fullmatch(line)
        for line in lines
    )


def _counts_tenths(lines: Sequence[str]) -> bool:
    """Whether most lines begin as those of MPL2."""
    counted = sum(map(bool, map(_TENTHS.fullmatch, lines)))
    return counted > 1 and 2 * counted > sum(map(bool, map(str.strip, lines)))


def read_subtitles(text: str) -> Document:
    """No text raises."""
    raw = split_lines(text)
    reader = _choose_reader(raw)
    reader.read(raw)
    _drop_repeats(reader.cues, is_rolling=_ROLLING.search(text) is not None)
    lines: list[DocumentLine] = [*reader.head, *_list_lines(reader.cues)]
    lines, notes = drop_credits(lines)
    lines, translations = drop_translations(lines, may_wrap=reader.may_wrap)
    notes += [*describe_doubled(reader.translations), *translations]
    told = {line.number for line in lines} | {note.line for note in notes}
    told |= {tag.number for tag in reader.tags}
    notes += [
        SheetNote(number, UNDERSTOOD, _NO_WORDS if _is_sound(line) else _NOT_SUNG)
        for number, line in enumerate(raw, 1)
        if line.strip() and number not in told
    ]
    return Document(Kind.SUBTITLES, text, tuple(lines), tuple(reader.tags), join_notes(notes))


def _choose_reader(lines: Sequence[str]) -> _Reader:
    if any(map(_DIALOGUE.fullmatch, lines)):
        return _AssReader()
    if any(map(_CUE.fullmatch, lines)):
        return _CueReader()
    if _counts_tenths(lines):
        return _FrameReader(_TENTHS, 10)
    return _FrameReader(_FRAMES, _FRAME_RATE)


class _Reader:
    """What is gathered of any subtitles. `may_wrap`: a long line may be two at one time."""

    may_wrap = True

    def __init__(self) -> None:
        self.head: list[DocumentLine] = []  # a sheet's parameters above them
        self.cues: list[_Cue] = []
        self.tags: list[DocumentTag] = []
        self.translations = 0  # that stood in the same line

    def read(self, lines: Sequence[str]) -> None:
        raise NotImplementedError


class _CueReader(_Reader):
    """SRT and WebVTT: a number or a name, the times, the words, a blank line."""

    def read(self, lines: Sequence[str]) -> None:
        is_cue = [_CUE.fullmatch(line) for line in lines]
        in_block = False  # of notes or styles, up to the next blank line
        above = ""
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if cue := is_cue[number - 1]:
                times = cue.groups()
                self.cues.append(_Cue(_to_seconds(times[:4]), _to_seconds(times[4:])))
                in_block = False
            elif not text or in_block:
                in_block = in_block and bool(text)
            elif not above and _BLOCK.fullmatch(text):
                in_block = True
            elif number < len(lines) and is_cue[number] and (not above or text.isdecimal()):
                pass  # the cue's number, or its name
            elif not self.cues:
                self.head.append(DocumentLine(number, line))
            elif words := _clean(text):
                cue_times = (self.cues[-1].start,)
                self.cues[-1].lines.append(DocumentLine(number, words, cue_times))
            above = text


class _FrameReader(_Reader):
    """MicroDVD: {first frame}{last frame}words|words; MPL2: [tenth][tenth]words|/in italics."""

    def __init__(self, pattern: re.Pattern[str], rate: int) -> None:
        super().__init__()
        self._pattern = pattern
        self._rate = rate

    def read(self, lines: Sequence[str]) -> None:
        for number, line in enumerate(lines, 1):
            if frames := self._pattern.fullmatch(line):
                start, end = (int(frame or 0) / self._rate for frame in frames.group(1, 2))
                if not self.cues and _RATE.fullmatch(frames[3].strip()):
                    continue
                written = (part.strip().removeprefix("/") for part in frames[3].split("|"))
                parts = [words for part in written if (words := _clean(part))]
                shown = [DocumentLine(number, " ".join(parts), (start,))] if parts else []
                self.cues.append(_Cue(start, end, shown))
            elif not self.cues and line.strip():
                self.head.append(DocumentLine(number, line))


class _AssReader(_Reader):
    """ASS and SSA: a line for each event, whose fields a line says."""

    may_wrap = False

    def read(self, lines: Sequence[str]) -> None:
        fields = _ASS_FIELDS
        shown: set[tuple[float, str]] = set()  # effects show the same words several times
        for number, line in enumerate(lines, 1):
            if title := _TITLE.fullmatch(line):
                self.tags.append(DocumentTag(number, "name", title[1]))
            elif described := _FORMAT.fullmatch(line):
                fields = [name.strip().lower() for name in described[1].split(",")]
            elif dialogue := _DIALOGUE.fullmatch(line):
                values = dialogue[1].split(",", len(fields) - 1)
                event = dict(zip(fields, values))
                start, end = (_find_seconds(event.get(name, "")) for name in ("start", "end"))
                words = self._read_words(event.get("text", ""))
                if words and (start, words) not in shown:
                    shown.add((start, words))
                    self.cues.append(_Cue(start, end, [DocumentLine(number, words, (start,))]))

    def _read_words(self, text: str) -> str:
        """Of an event; of two languages the first."""
        if _DRAWING.search(text):
            return ""
        parts = [words for part in _ASS_BREAK.split(text) if (words := _clean(part))]
        if len(parts) > 1 and is_latin(parts[0]) != is_latin(parts[-1]):
            self.translations += 1
            return parts[0]
        return " ".join(parts)


def _list_lines(cues: Sequence[_Cue]) -> Iterator[DocumentLine]:
    """In the order of their times, with an empty line where nothing is sung for a while."""
    end: float | None = None
    for cue in sorted(cues, key=lambda cue: cue.start):
        if not cue.lines:
            continue
        if end is not None and cue.start - end >= PAUSE:
            yield DocumentLine(cue.lines[0].number, "")
        yield from cue.lines
        end = max(cue.end, cue.start)


def _drop_repeats(cues: Sequence[_Cue], is_rolling: bool) -> None:
    """Of captions that roll, each cue shows the line of the last one again, as a rule while that is
    still shown.
    """
    last = ""
    end = 0.0
    for cue in cues:
        is_again = bool(cue.lines) and cue.lines[0].text == last
        fresh = cue.lines[1:] if is_again and (is_rolling or cue.start < end) else cue.lines
        last = cue.lines[-1].text if cue.lines else last
        end = cue.end
        cue.lines = fresh


def _clean(text: str) -> str:
    """The words of a line of a cue."""
    words = html.unescape(_TAG.sub("", _RUBY.sub("", text))).replace("\\h", " ").strip()
    if speaker := _SPEAKER.match(words) or _NAMED_IN_BRACKETS.match(words):
        words = words[speaker.end() :]
    name = _NAME.match(fold(words))
    if name and not parse_section(name[0].rstrip(": ")):
        words = words[name.end() :]
    return "" if _is_sound(words) else words.strip(_SIGNS)


def _is_sound(words: str) -> bool:
    """(music playing), [door slams]: what those who cannot hear are told."""
    plain = fold(words).strip(_SIGNS)
    if _DESCRIBED.fullmatch(plain):
        return parse_section(plain[1:-1]) is None
    return _SOUND.fullmatch(plain) is not None


def _find_seconds(text: str) -> float:
    clock = _TIME.fullmatch(text.strip())
    return _to_seconds(clock.groups()) if clock else 0.0


def _to_seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(f"{seconds}.{fraction or 0}")
