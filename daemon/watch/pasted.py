"""What programs put around the words that are copied out of them: the stamps of chats, the counters
of Genius.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .characters import fold

STAMP = "without the stamp of a chat"
COUNTER = "without what Genius writes around it"

_DATE = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}"
_TIME = r"\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp]\.? ?[Mm]\.?)?"
_WHEN = rf"{_DATE},? {_TIME}"
_STAMPS = (
    re.compile(rf"(?:\[{_WHEN}\] ?|{_WHEN} - )[^:\[\]]{{1,40}}:(?: |$)"),  # WhatsApp, Telegram
    re.compile(rf"[^:\[\]]{{1,40}}, ?\[{_WHEN}\]:?(?: |$)"),  # Telegram's desktop
    re.compile(rf"[^:\[\]]{{1,40}} - (?:(?:Today|Yesterday) at {_TIME}|{_WHEN})$"),  # Discord
)
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
    last = max((index for index, line in enumerate(kept) if line.strip()), default=-1)
    for index, line in enumerate(kept):
        folded = fold(line)
        stamp = next(filter(None, (pattern.match(folded) for pattern in _STAMPS)), None)
        between = _BETWEEN.match(folded)
        if stamp:
            kept[index] = line[stamp.end() :]
            remarks[index] = STAMP
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
