"""What programs put around the words that are copied out of them: the stamps of chats, the counters
of Genius.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .characters import fold

STAMP = "without the stamp of a chat"
NOTICE = "not sung: a notice of the chat"
QUOTED = "without the marks of a quoted message"
COUNTER = "without what Genius writes around it"

_DATE = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}"
_TIME = r"\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp]\.? ?[Mm]\.?)?"
_WHEN = rf"{_DATE},? {_TIME}"
_STAMPS = (
    re.compile(rf"(?:\[{_WHEN}\] ?|{_WHEN} - )[^:\[\]]{{1,40}}:(?: |$)"),  # WhatsApp, Telegram
    re.compile(rf"[^:\[\]]{{1,40}}, ?\[{_WHEN}\]:?(?: |$)"),  # Telegram's desktop
    re.compile(r"(?:speaker |sprecher )?[^:\[\]()]{1,40} \(\d{1,2}:\d{2}(?::\d{2})?\): ?"),  # Otter
    re.compile(rf"[^:\[\]]{{1,40}} - (?:(?:Today|Yesterday) at {_TIME}|{_WHEN})$"),  # Discord
)
_UNSIGNED = re.compile(rf"(?:\[{_WHEN}\] ?|{_WHEN} - )(?=\S)")  # Leo changed the subject
# what a chat writes in the place of a message
_PLACEHOLDER = re.compile(
    r"<[^<>]{1,60}>|(?:image|video|audio|gif|sticker|document|contact card|media) omitted|"
    r"(?:bild|video|audio|sticker|gif|dokument) weggelassen|imagen? omitida|"
    r"(?:image|vidéo) absente|"
    r"(?:imagem|vídeo|áudio) ocultad[oa]|(?:immagine|audio|video) omess[oa]|"
    r"missed (?:voice|video|group) .{0,20}call.{0,40}|"
    r"(?:this message was|you) deleted(?: this message)?[.]?|null|waiting for this message.{0,60}|"
    r"(?:diese nachricht wurde|du hast diese nachricht) gelöscht[.]?|"
    r"(?:se eliminó|eliminaste) este mensaje[.]?|ce message a été supprimé[.]?|"
    r"vous avez supprimé ce message[.]?|(?:esta mensagem foi|mensagem) apagada[.]?|"
    r"(?:questo messaggio è stato eliminato|hai eliminato questo messaggio)[.]?|"
    r"(?:данное )?сообщение удалено[.]?|вы удалили данное сообщение[.]?|"
    r"(?:wiadomość została|to wiadomość została) usunięta[.]?|bu mesaj silindi[.]?"
)
# On Tue, Mar 5, 2024 at 9:14 PM Leo <leo@example.com> wrote:
_WROTE = re.compile(
    r"(?:On|Am|Le|El|Em|Il|Op) .{0,100}\d.{0,100}"
    r"(?:wrote|schrieb|a écrit|escribió|escreveu|ha scritto|schreef)(?: .{0,80})? ?:"
)
_QUOTED = re.compile(r"(?:> ?)+")
LEAST_QUOTED = 2  # lines
_EDITED = re.compile(r" ?<[^<>]{3,60}>$")
_LANGUAGES = (
    "English Español Português Deutsch Français Italiano Türkçe Polski Русский Svenska Nederlands "
    "Українська Română Čeština Ελληνικά 日本語 한국어 中文 العربية עברית فارسی Shqip Srpski Dansk"
)
_HEAD = re.compile(
    r"\d{1,4} Contributors?(?P<translated>Translations)?"
    rf"(?P<languages>(?:{'|'.join(_LANGUAGES.split())}|Romanization)*)"
    r"(?P<title>.{1,100}?) Lyrics(?P<rest>\[.*|[“\"].*)?"
)
_BETWEEN = re.compile(
    r"(?:See .{1,60} LiveGet tickets as low as \$\d+)?(?:You might also like)?(?=\[|[A-Z]\w)"
)
_COUNTER = re.compile(r"(?![\d.]*K?Embed).*?(?<=[^\s\d.])([\d.]{0,6}K?Embed)\s*")


class Pasted(NamedTuple):
    """The lines of a sheet as they were written. By their indices, `remarks` are what is said of
    those of which something was taken; `title` is empty where no program wrote one.
    """

    lines: list[str]
    remarks: dict[int, str]
    title: str = ""


def strip_pasted(lines: Sequence[str]) -> Pasted:
    """The lines without what is of the program that they were copied out of."""
    kept = [*lines]
    remarks: dict[int, str] = {}
    title = ""
    is_quoted = sum(line.startswith(">") for line in lines) >= LEAST_QUOTED
    is_chat = any(pattern.match(fold(line)) for line in lines for pattern in _STAMPS)
    last = max((index for index, line in enumerate(kept) if line.strip()), default=-1)
    for index, line in enumerate(kept):
        folded = fold(line)
        stamp = next(filter(None, (pattern.match(folded) for pattern in _STAMPS)), None)
        between = _BETWEEN.match(folded)
        if stamp:
            kept[index] = line[stamp.end() :]
            remarks[index] = STAMP
            if _PLACEHOLDER.fullmatch(kept[index].strip().lower()):
                kept[index] = ""
                remarks[index] = NOTICE
            elif edited := _EDITED.search(kept[index]):
                kept[index] = kept[index][: edited.start()]
        elif is_quoted and (quoted := _QUOTED.match(line)):
            kept[index] = line[quoted.end() :]
            remarks[index] = QUOTED
        elif (is_chat and _UNSIGNED.match(folded)) or (is_quoted and _WROTE.fullmatch(line)):
            kept[index] = ""
            remarks[index] = NOTICE
        elif head := _HEAD.fullmatch(line.strip()):
            title = title or head["title"].strip()
            kept[index] = line[line.rindex("[") :] if (head["rest"] or "").endswith("]") else ""
            remarks[index] = COUNTER
        elif between and between[0]:
            kept[index] = line[between.end() :]
            remarks[index] = COUNTER
        if index == last and (counter := _COUNTER.fullmatch(kept[index])):
            kept[index] = kept[index][: counter.start(1)]
            remarks[index] = COUNTER
    return Pasted(kept, remarks, title)
