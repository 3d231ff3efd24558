"""Which format a file of words has, and its reader."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import starmap

from pipeline.limits import LIMITS
from pipeline.untrusted import parse_json

from ..characters import fold_word, split_lines, split_written_lines
from ..encodings import decode
from ..notes import UNCLEAR, UNDERSTOOD, SheetNote
from .document import Document, DocumentLine, DocumentTag, Kind
from .forum import convert_post, is_post
from .lrc import count_timed, read_lrc
from .office import convert_document, find_part
from .rtf import convert_rtf, is_rtf
from .song_files import convert_song, is_song, strip_markup
from .subtitles import is_subtitles, read_subtitles
from .times import is_transcript, strip_bare_time, strip_leading_times
from .ultrastar import is_ultrastar, read_ultrastar
from .web_page import begins_page, convert_web_page, is_web_page

SUFFIXES = (
    *(".txt", ".text", ".md", ".markdown", ".mdown", ".mkd", ".mkdn"),
    *(".lrc", ".elrc", ".lyric", ".lyrics"),
    *(".cho", ".crd", ".chopro", ".chordpro", ".chord", ".pro", ".onsong", ".tab"),
    *(".srt", ".vtt", ".ass", ".ssa", ".sbv", ".sub"),
    *(".rtf", ".odt", ".docx", ".html", ".htm"),
)
MARKDOWN = (".md", ".markdown", ".mdown", ".mkd", ".mkdn")
LRC = (".lrc", ".elrc")
LEAST_TIMED = 3  # lines of a text without brackets, of which half have times

PDF = "a PDF"
_ZIP = b"PK\x03\x04"
_SAVE = "save it as .txt, .docx or .rtf"
_COPY = "copy its words into a .txt"
_TABLE = ("a table", f"{_COPY}, or make a take of each line: acestepd batch")
_SCORE = ("a score", "copy its words into a .txt, or export it as .mid and name that as the guide")
_TABLATURE = ("a tablature", "export it as .mid, and name that as the guide")
REFUSED_SUFFIXES = {  # what they are, and what to do
    ".pdf": (PDF, _COPY),
    ".doc": ("an old document of Word", _SAVE),
    ".pages": ("a document of Pages", _SAVE),
    ".webarchive": ("a web archive", "save the page as .html"),
    **dict.fromkeys((".csv", ".tsv"), _TABLE),
    **dict.fromkeys((".musicxml", ".mxl", ".mscz", ".sib", ".musx", ".ly"), _SCORE),
    **dict.fromkeys((".gp", ".gp3", ".gp4", ".gp5", ".gpx", ".ptb", ".tg"), _TABLATURE),
    ".abc": ("ABC notation", _COPY),
    **dict.fromkeys((".gdoc", ".gsheet"), ("a link to Google Docs", f"download it, and {_SAVE}")),
    **dict.fromkeys((".sng", ".usr", ".pro6", ".pro7"), ("a song of worship software", _COPY)),
    ".tex": ("LaTeX", _COPY),
}
_REFUSED = (  # by how they begin: what they are, and what to do
    (b"%PDF-", PDF, _COPY),
    (b"\xd0\xcf\x11\xe0", "an old document of Word", _SAVE),
    (b"bplist0", "a web archive", "save the page as .html, or " + _COPY),
    (b"\x89PNG", "an image", _COPY),
    (b"\xff\xd8\xff", "an image", _COPY),
    (b"GIF8", "an image", _COPY),
    (b"MThd", "a MIDI file", "name it .mid, and name that as the guide"),
    (b"RIFF", "sound or video", "give it back its own ending, like .wav"),
    (b"ID3", "sound", "give it back its own ending, like .mp3"),
    (b"fLaC", "sound", "give it back its own ending, like .flac"),
    (b"OggS", "sound", "give it back its own ending, like .ogg"),
    (b"\x1f\x8b", "compressed", "unpack it"),
    (b"7z\xbc\xaf", "compressed", "unpack it"),
    (b"Rar!", "compressed", "unpack it"),
)
_NEVER_WORDS = (b"%PDF-", b"bplist0")
# texts that are no words: by what stands in their first lines
_MARKUP = (
    (re.compile(r"<score-(?:partwise|timewise)|<!DOCTYPE score-"), "MusicXML"),
    (re.compile(r"\A(?:<\?xml|<svg|<rss|<opml|<plist)"), "XML"),
    (re.compile(r"^MIME-Version: ", re.MULTILINE | re.IGNORECASE), "an e-mail"),
    (re.compile(r"^\\(?:documentclass|usepackage|begin)\b *[\[{]", re.MULTILINE), "LaTeX"),
    (re.compile(r"\A(?:%abc\b|X: ?[0-9])(?s:.*)^K:", re.MULTILINE), "ABC notation"),
)
LEAST_ROWS = 3  # of a table
# what the columns of tables with songs are called
_COLUMNS = frozenset(
    "id no # nr title track name song artist artists album genre bpm tempo key year time start end "
    "begin duration length text line lyric lyrics words url uri date added speaker singer part "
    "section verse titel interpret zeit nummer titre artiste titulo artista letra".split()
)
_DRIVE = re.compile(r"\b[A-Za-z]:\\|\\\\")  # of a path
_FIRST = 4_000  # characters that show what a text is


def read_document(content: bytes, suffix: str) -> Document:
    """A file of any format that holds words. Raises ValueError for any other, with what to do."""
    for begin, kind, hint in _REFUSED:
        if content.startswith(begin) and (b"\0" in content or begin in _NEVER_WORDS):
            raise ValueError(f"it is {kind}: {hint}")
    if content.startswith(_ZIP):
        return _read_office(content)
    text, notes = decode(content)
    document = read_text(text, suffix)
    is_plain = document.kind in (Kind.PLAIN, Kind.MARKDOWN) or not count_timed(document.lines)
    is_plain = is_plain and document.kind in (Kind.PLAIN, Kind.MARKDOWN, Kind.LRC)
    if is_plain and (kind := _find_markup(document.text)):
        raise ValueError(f"it is {kind}: {_COPY}")
    return document._replace(notes=(*notes, *document.notes))


def _find_markup(text: str) -> str:
    """What a text is that is not for people; empty for any other."""
    first = text.lstrip()[:_FIRST]
    for pattern, kind in _MARKUP:
        if pattern.search(first):
            return kind
    if _is_table(text):
        return "a table (CSV)"
    return "JSON" if _is_json(text) else ""


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] in ("{", "["):
        with suppress(ValueError):
            return isinstance(parse_json(text), dict | list)
    return False


def _is_table(text: str) -> bool:
    """Whether all lines have as many cells: three at least, of which most begin without a space as
    those of programs do, or two below their names.
    """
    lines = [line for line in split_lines(text[:_FIRST]) if line.strip()]
    if len(lines) > LEAST_ROWS and len(text) > _FIRST:
        lines.pop()  # which may be cut
    if len(lines) < LEAST_ROWS:
        return False
    for mark in ",;\t|":
        rows = [*csv.reader(lines, delimiter=mark)]
        counts = {len(row) for row in rows}
        cells = [cell for row in rows for cell in row[1:]]
        if len(rows) != len(lines) or len(counts) > 1 or not cells:
            continue
        is_tight = 10 * sum(cell[:1] == " " for cell in cells) <= len(cells)
        is_named = len(_COLUMNS.intersection(map(fold_word, rows[0]))) > 1
        is_counted = all(row[0].strip(" .:").replace(":", "").isdigit() for row in rows[1:])
        if is_tight and (is_named or (len(rows[0]) > 2 and is_counted)):
            return True
    return False


def read_text(text: str, suffix: str) -> Document:
    """A text that was decoded; `suffix` (.txt, .md, .lrc) is that of its file. No text raises."""
    if is_rtf(text):
        return _read_converted(Kind.RICH_TEXT, convert_rtf(text))
    if is_song(text):
        return _read_song(text)
    if begins_page(text) or (suffix not in MARKDOWN and is_web_page(text)):
        shown, title = convert_web_page(text)
        return _read_converted(Kind.WEB_PAGE, shown, title)
    if is_ultrastar(text):
        return read_ultrastar(text)
    if is_post(text):
        return _read_converted(Kind.FORUM, convert_post(text))
    if written := _read_line_ends(text):
        note = SheetNote(0, UNDERSTOOD, "its written \\n are line ends: lines are counted so")
        document = _read_plain(written, suffix)
        return document._replace(notes=(note, *document.notes))
    return _read_plain(text, suffix)


def _read_line_ends(text: str) -> str:
    """A text of one line out of a program's source, la\\nla, as lines; empty for any other."""
    line = text.strip()
    if "\\n" not in line or len(split_lines(line)) > 1 or _DRIVE.search(line) or _is_json(line):
        return ""
    if len(line) > 1 and line[0] == line[-1] == '"':
        line = line[1:-1]
    return line.replace("\\r", "").replace("\\n", "\n").replace('\\"', '"')


def _read_song(text: str) -> Document:
    try:
        return _read_converted(Kind.SONG, convert_song(text))
    except ValueError as error:
        document = _read_converted(Kind.SONG, strip_markup(text))
        note = SheetNote(0, UNCLEAR, str(error), "what is left without its tags is read")
        return document._replace(notes=(note, *document.notes))


def _read_office(content: bytes) -> Document:
    """Raises ValueError."""
    part = find_part(content)
    if not part:
        message = "it is an archive, or a document that is not read (Pages for one)"
        raise ValueError(f"{message}: unpack it, or {_SAVE}")
    return _read_converted(Kind.OFFICE, convert_document(content, part))


def _read_converted(kind: Kind, text: str, title: str = "") -> Document:
    """Words that were taken out of a document. Its lines are counted as they are shown."""
    document = _read_plain(text, ".txt")
    tags = (*document.tags, DocumentTag(0, "name", title)) if title else document.tags
    note = SheetNote(0, UNDERSTOOD, f"read as {kind}: lines are counted without its markup")
    return document._replace(tags=tags, notes=(note, *document.notes))


def _read_plain(text: str, suffix: str) -> Document:
    """A text without markup. One of too many lines is not read: its sheet is refused."""
    unread = split_written_lines(text)
    if len(unread) > LIMITS.sheet_lines:
        return Document(Kind.PLAIN, text, tuple(starmap(DocumentLine, enumerate(unread, 1))))
    raw = split_lines(text)
    if is_subtitles(raw):
        return read_subtitles(text)
    written = sum(1 for line in raw if line.strip())
    bare = count_timed(_strip(raw, strip_bare_time))
    if bare >= LEAST_TIMED and 2 * bare >= written:
        return read_lrc(text)
    if is_transcript(raw):
        return read_lrc(text)
    lines = _strip(raw, strip_leading_times)
    if suffix in LRC or 3 * count_timed(lines) >= written > 0:
        return read_lrc(text)
    return Document(Kind.MARKDOWN if suffix in MARKDOWN else Kind.PLAIN, text, lines)


def _strip(
    lines: Sequence[str], strip: Callable[[int, str], DocumentLine]
) -> tuple[DocumentLine, ...]:
    return tuple(strip(number, line) for number, line in enumerate(lines, 1))
