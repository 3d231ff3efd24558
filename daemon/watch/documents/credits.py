"""Lines at the head of a lyrics file that say who made the song: nobody sings them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

from ..characters import fold
from ..markers import parse_marker
from ..notes import UNCLEAR, UNDERSTOOD, SheetNote
from ..song_head import list_facts
from .document import DocumentLine, DocumentTag

WHO = "not sung: who made the song"
ABOVE = "the first line is the title, not sung: it stands above the first time"
_TITLE = "not sung: what the song is called"

# before a colon, or before "by" and a name
_ROLES = (
    r"lyrics?|lyricists?|words|music|composers?|composition|songwriters?|writers?(?:\(s\))?|authors?|text"
    r"|arrangers?|arrangements?|producers?|production|executive producers?|programming"
    r"|performers?|performed|artists?|singers?|vocals?|vocalists?|backing vocals?|chorus vocals?"
    r"|guitars?|bass|drums?|piano|keyboards?|strings|synths?|percussion|violin|cello|saxophone"
    r"|written|composed|arranged|produced|sung|recorded|mixed|mastered|translated|synced|edited"
    r"|mix|mixing|mixers?|master|mastering|recording|engineers?|(?:mixing|mastering) engineers?"
    r"|titles?|songs?|song name|album|labels?|publishers?|copyright|genre|year|isrc|lrc"
    r"|translations?|translators?|subtitles?|transcription|op|sp"
    r"|paroles|musique|auteurs?|compositeurs?|letra|música|musica|testo|autore|compositor|autor"
    r"|musik|worte|komponist|texter|слова|музыка|автор|исполнитель|текст|аранжировка"
)
_JOINED = rf"(?:{_ROLES})(?: ?(?:[&/+,]|and|et|y|und|e|и) ?(?:{_ROLES})){{0,4}}"
_CREDIT = re.compile(rf"(?i:{_JOINED})(?:(?i: by)? ?[:=]|(?i: by) (?=[A-Z]))")
# one character of a role in Chinese, Japanese or Korean; some names of roles have several of them
_CJK_ROLE = re.compile(
    r"[^:]{0,14}(?:[词詞曲编編唱歌唄奏制製监監混录錄母和声聲琴弦鼓吉贝貝斯乐樂品发發行企划劃统統筹籌版权權"
    r"策宣推设設计計翻译譯谱譜]|作[사곡]|[작편][사곡]|노래|OP|SP)[^:]{0,8}:",
    re.IGNORECASE,
)
_SERVICE = re.compile(
    r"(?:https?://|www\.)|[a-z0-9]\.(?:com|net|org|ru|cn|jp|info)\b"
    r"|未经.{0,20}(?:许可|授权)|未經.{0,20}(?:許可|授權)|纯音乐|純音樂|^[©℗]"
    r"|all rights reserved",
    re.IGNORECASE,
)
# behind the last words: what might be sung there is none
_SENT = r"submitted|contributed|corrected|uploaded|transcribed|synced"
_LAST = re.compile(
    r"(?:song)?writers?(?:\(s\)|/s)? ?:|written by ?:|(?:publishers?|labels?|credits) ?:"
    r"|(?:(?:lyrics? )?(?:source|copyright)|lyrics|subtitles?|captions?|released? (?:on|date)) ?:"
    r"|last (?:update|edit)e?d?(?: on)? ?:"
    rf"|(?:lyrics |song |words )?(?:{_SENT}) by:? ?\S+(?: \S+)?$"
    r"|(?:powered|provided|added|edited) by:? (?:(?-i:[A-Z])|www)"
    r"|(?:lyrics|subtitles|captions|transcription|translation) (?:powered |licensed )?"
    r"(?:(?:and|&) )?(?:provided )?by (?:the |(?-i:[A-Z])|www)"
    r"|lyrics (?:©|\(c\)|from (?:genius|azlyrics|musixmatch|lyricfind|songlyrics)\b)"
    r"|thanks to .{1,80} for .{0,40}\blyrics?\b|find more lyrics\b|more on genius$"
    r"|(?:www\.)?[a-z0-9-]+\.(?:com|net|org)$|(?:歌词|歌詞)?(?:来自|來自|来源|來源|提供者?) ?:",
    re.IGNORECASE,
)
_LEAST_TIMED = 2  # lines, below one that is their title
_MOST_ABOVE = 2  # lines, the title and whose song it is
_MAX_TITLE = 60  # characters
_ORNAMENTS = " \t\"'“”„«»*-_#♪♫♬~★☆✦✧✪✰◆◇●○•·=^|<>♥❤"
# by whom a file was made, in small letters too
_MADE_BY = re.compile(
    r"(?:(?:lrc|karaoke|lyrics?|subs?|subtitles?|captions?|sync(?:ed|hronized)?|tim(?:ed|ing)|"
    r"ripped|typed|transcribed|uploaded|converted|created|made|edited)(?: (?:and|&) )?){1,3}"
    r"(?: file)? ?(?:by|:) ?\S.{0,60}",
    re.IGNORECASE,
)
_MADE_FILE = re.compile(
    r"(?:lrc|karaoke|subs?|subtitles?|captions?|sync(?:ed)?|timed|timing|transcribed|ripped)\b",
    re.IGNORECASE,
)
_MAX_CREDIT = 200  # characters; a longer line is no credit


def is_credit(line: str) -> bool:
    """Whether a line at the head of a file names who made what."""
    text = fold(line).strip(" \t*-_#♪♫~")
    if not text or len(text) > _MAX_CREDIT:
        return False
    if _names_maker(line):
        return True
    if _CREDIT.match(text) or _SERVICE.search(text):
        return True
    return not text.isascii() and _CJK_ROLE.match(text) is not None


def is_last_credit(line: str) -> bool:
    """Whether a line at the end of a file names who made what, or where it was found."""
    text = _strip_marks(line)
    if _names_maker(line):
        return True
    return len(text) <= _MAX_CREDIT and bool(_LAST.match(text) or _SERVICE.search(text))


def _names_maker(line: str) -> bool:
    """★ subtitle by me ★; with ornaments around it "made by me" too."""
    text = fold(line).strip()
    plain = text.strip(_ORNAMENTS + "[]()")
    is_adorned = text[:1] != plain[:1] and text[-1:] != plain[-1:]
    return bool(
        _MADE_BY.fullmatch(plain) and (is_adorned or _MADE_FILE.search(plain.partition("by")[0]))
    )


def drop_last_credits(
    lines: Sequence[DocumentLine],
) -> tuple[list[DocumentLine], list[SheetNote]]:
    """Without what sites for lyrics write behind the words of a song, and notes on it."""
    notes: list[SheetNote] = []
    for line in reversed(lines):
        if _LAST.match(_strip_marks(line.text)):
            notes.append(SheetNote(line.number, UNDERSTOOD, WHO))
        elif line.text.strip() and not is_last_credit(line.text):
            dropped = {note.line for note in notes}
            return [each for each in lines if each.number not in dropped], notes
    return [*lines], []


def _strip_marks(line: str) -> str:
    return fold(line).strip(" \t*-_#♪♫~[]()")


def read_untimed_title(
    lines: Sequence[DocumentLine], has_name: bool
) -> tuple[DocumentTag | None, list[SheetNote]]:
    """The name in a line `Title - Artist` or `Title` above the first line with a time, and notes:
    on that line where the name is known already, that a title alone is a guess, and on the line
    below it, whose song it is.
    """
    above = list(itertools.takewhile(lambda line: not line.times, lines))
    written = [line for line in above if line.text.strip()]
    timed = sum(bool(line.times) for line in lines)
    if not written or len(written) > _MOST_ABOVE or timed < _LEAST_TIMED:
        return None, []
    first = written[0]
    title, dash, artist = fold(first.text).strip().partition(" - ")
    is_pair = bool(title.strip() and dash and artist.strip())
    if not is_pair and not all(map(_may_be_title, written)):
        return None, []
    notes = [] if is_pair else [_describe_above(line) for line in written]
    # of all of the file: of the line it is told that it is the name
    notes[:1] = [replace(note, line=0, message=ABOVE) for note in notes[:1]]
    if has_name:
        return None, [SheetNote(first.number, UNDERSTOOD, _TITLE), *notes[1:]]
    name = first.text.strip()[: len(title)].strip(_ORNAMENTS)
    return DocumentTag(first.number, "name", name), notes


def _may_be_title(line: DocumentLine) -> bool:
    """Whether a line is a name, and neither a marker, a parameter nor a comment."""
    text = fold(line.text).strip()
    is_short = len(text) <= _MAX_TITLE and text[-1] not in ",;:"
    is_plain = text[0] not in "[{#(<-" and ":" not in text and "=" not in text
    words = text.strip(_ORNAMENTS).split()
    is_name = not any(word[0].islower() for word in words[:1] + [w for w in words if len(w) > 3])
    is_name = is_name and len({*words}) == len(words)
    return (
        is_short and is_plain and is_name and not list_facts(line.text) and not parse_marker(text)
    )


def _describe_above(line: DocumentLine) -> SheetNote:
    message = "perhaps who it is by, not sung: it stands above the first time"
    return SheetNote(line.number, UNCLEAR, message, "give it a time to have it sung")


def drop_credits(
    lines: Sequence[DocumentLine], names: Sequence[str] = ()
) -> tuple[list[DocumentLine], list[SheetNote]]:
    """Without the credits that services put in front and behind as timed lines, and notes on them.
    `names` are the song's, where a tag has it.
    """
    timed = [line for line in lines if line.times and line.text]
    notes: list[SheetNote] = []
    for line, below in zip(timed, [*timed[1:], DocumentLine(0, "")]):
        if is_credit(line.text):
            notes.append(SheetNote(line.number, UNDERSTOOD, WHO))
        elif not notes and _is_title(line.text, below.text, names):
            notes.append(SheetNote(line.number, UNDERSTOOD, _TITLE))
        else:
            break
    begin = lines.index(timed[len(notes)]) if len(notes) < len(timed) else len(lines)
    for line in reversed([line for line in lines[begin:] if line.text.strip()]):
        if not is_last_credit(line.text):
            break
        notes.append(SheetNote(line.number, UNDERSTOOD, WHO))
    dropped = {note.line for note in notes}
    return [line for line in lines if line.number not in dropped], notes


def _is_title(text: str, below: str, names: Sequence[str]) -> bool:
    """Whether a line is a song's and its singer's name: credits follow, or a tag has it too."""
    has_name = any(name and name in text for name in names)
    return " - " in fold(text) and (has_name or is_credit(below))
