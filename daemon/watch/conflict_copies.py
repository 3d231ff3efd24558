"""Copies that programs leave beside a file which was saved on two machines, and those that people
have made before they change them: nobody asked for a take of them.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from enum import Enum, auto
from pathlib import PurePath
from typing import NamedTuple

MOST_COMPARED = 2**16  # bytes of each of two texts
ALIKE = 0.8  # of two texts' lines are the same

_COPY_WORDS = (
    r"conflicted copy|conflicting copy|case conflict|unicode encoding conflict|"
    r"selective sync conflict|whitespace conflict|sfconflict|conflicted|conflict|"
    r"copie en conflit|in konflikt stehende kopie|konfliktkopie|konflikt|"
    r"copia en conflicto|copia in conflitto|c[oó]pia em conflito|c[oó]pia conflitante|"
    r"conflicterende kopie|conflicterend exemplaar|konfliktkopia|motstridiga kopia|"
    r"motstridende kopi|modstridende kopi|konfliktkopi|konfliktowa kopia|kopia powodująca konflikt|"
    r"kopia w konflikcie|konfliktní kopie|ütköző példány|çakışan kopya|salinan yang bentrok|"
    r"конфликтующая копия|конфликтная копия|конфліктна копія|"
    r"競合コピー|競合するコピー|冲突副本|冲突的副本|衝突複本|衝突的複本|衝突副本|"
    r"충돌 사본|충돌된 사본|충돌한 복사본"
)
_CERTAIN = tuple(  # what only a program writes: the name of the original, and whose it is
    (re.compile(rf"{pattern}\Z", re.IGNORECASE), whose)
    for pattern, whose in (
        (r"\.sync-conflict-[0-9]{8}-[0-9]{6}(?:-[0-9A-Z]{7})?", "Syncthing"),
        (rf" ?\([^()]{{0,99}}(?:{_COPY_WORDS})[^()]{{0,99}}\)", "Dropbox or Nextcloud"),
        (r"_conflict-[0-9]{8}-[0-9]{6}", "ownCloud"),
        (r"\.conflict[0-9]{0,3}", "Resilio"),
        (r" ?\[conflict(?:ed)?(?: [0-9]+)?\]", "a cloud drive"),
        (r"_[^_]{1,60}_[a-z]{3}-[0-9]{2}-[0-9]{4,6}-[0-9]{4}_conflict", "Synology Drive"),
    )
)
_LIKELY = tuple(  # what people write too
    (re.compile(rf"{pattern}\Z"), whose)
    for pattern, whose in (
        (r" (?:[2-9]|[1-9][0-9])", "iCloud Drive"),
        (r" ?\([1-9][0-9]?\)", "Google Drive or a browser"),
        (
            r"-(?:DESKTOP-[0-9A-Z]+|LAPTOP-[0-9A-Z]+|WIN-[0-9A-Z]+|[A-Z0-9]+-(?:PC|MAC)|PC-[A-Z0-9]+"
            r"|[\w-]{0,15}(?:MacBook|iMac|Mac-mini|Surface)[\w-]{0,15}|[A-Z][A-Z0-9-]{2,14})(?:-[0-9]{1,2})?",
            "OneDrive",
        ),
    )
)


_COPY = (
    r"(?:copy|kopie|copia|cópia|copie|kopia|kopi|kopio|másolat|kopya|копия|копія|コピー|副本"
    r"|복사본)"
)
_DUPLICATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf" (?:[-–] )?{_COPY}(?: [0-9]{{1,2}}| \([0-9]{{1,2}}\))?\Z",  # Finder, Windows
        rf" \((?:another |[0-9]{{1,2}}(?:st|nd|rd|th) )?{_COPY}(?: [0-9]{{1,2}})?\)\Z",  # GNOME
        r"(?:のコピー|的副本|의 복사본)(?: [0-9]{1,2})?\Z",
        rf"\A{_COPY} (?:\([0-9]{{1,2}}\) )?(?:of|von|de|di|av|af|van) ",  # Google Drive
    )
)


class CopyKind(Enum):
    """Which copy a name says a file is. CONFLICT: no person writes such a name. LIKELY: people
    write it too. DUPLICATE: it was copied by hand, mostly to be changed then.
    """

    CONFLICT = auto()
    LIKELY = auto()
    DUPLICATE = auto()


_PATTERNS = (
    *((pattern, whose, CopyKind.CONFLICT) for pattern, whose in _CERTAIN),
    *((pattern, "a file manager", CopyKind.DUPLICATE) for pattern in _DUPLICATES),
    *((pattern, whose, CopyKind.LIKELY) for pattern, whose in _LIKELY),
)


class ConflictCopy(NamedTuple):
    """What a name says: the name of the original, and which program writes such names."""

    original: str
    whose: str
    kind: CopyKind

    @property
    def is_certain(self) -> bool:
        """Whether it is a copy whatever it holds."""
        return self.kind is CopyKind.CONFLICT


def fold_name(name: str) -> str:
    """The same for names that differ in case or Unicode's normal form only: on some systems they
    are one.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def read_name(name: str) -> ConflictCopy | None:
    """None where the name is no copy's."""
    path = PurePath(unicodedata.normalize("NFC", name))
    for pattern, whose, kind in _PATTERNS:
        match = pattern.search(path.stem)
        stem = path.stem[: match.start()] + path.stem[match.end() :] if match else ""
        # song.txt (conflicted copy).txt, and song.txt.sync-conflict-... of some versions
        if stem := stem.removesuffix(path.suffix):
            return ConflictCopy(f"{stem}{path.suffix}", whose, kind)
    return None


def find_original(copy: ConflictCopy, names: Iterable[str]) -> str | None:
    """The original among the names of a folder."""
    wanted = fold_name(copy.original)
    return next((name for name in names if fold_name(name) == wanted), None)


def are_alike(one: bytes, other: bytes) -> bool:
    """Whether two texts are versions of one: most of their lines are the same."""
    first, second = (_split(content) for content in (one, other))
    if not first or not second:
        return False
    matcher = difflib.SequenceMatcher(None, first, second, autojunk=False)
    if matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE:
        return _count_same_words(one, other) >= ALIKE
    return True


def _split(content: bytes) -> list[bytes]:
    return [line.strip() for line in content[:MOST_COMPARED].splitlines() if line.strip()]


def _count_same_words(one: bytes, other: bytes) -> float:
    """Of short texts, in which one line that differs is much."""
    first, second = (content[: MOST_COMPARED // 16].split() for content in (one, other))
    return difflib.SequenceMatcher(None, first, second, autojunk=False).quick_ratio()
