"""Texts from before Unicode: which encoding they are in.

It is chardet's guess. Of a line or two that is often wrong, so it is helped: lyrics are in few
encodings, and all words look like words where they are read in theirs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

SURE_CHARACTERS = 12  # beyond ASCII, of a text whose encoding need not be called a guess
SURE_LEAD = 1.5  # so many times as likely as the second


class _Encoding(NamedTuple):
    """Its name in Python, of the largest relative; for people; how often it is met."""

    codec: str
    name: str
    weight: float = 1.0


class Reading(NamedTuple):
    """A text, and its encoding's name for people. `is_sure`: it need not be called a guess."""

    text: str
    name: str
    is_sure: bool


class _Candidate(NamedTuple):
    """What a text is in an encoding."""

    likelihood: float
    encoding: _Encoding
    text: str


_OLD = {  # by chardet's names
    "GB18030": _Encoding("gb18030", "GB18030"),
    "Big5": _Encoding("big5hkscs", "Big5"),
    "CP932": _Encoding("cp932", "Shift-JIS"),
    "EUC-JP": _Encoding("euc_jis_2004", "EUC-JP"),
    "CP949": _Encoding("cp949", "EUC-KR"),
    "Windows-1252": _Encoding("cp1252", "Windows-1252", 1.35),
    "Windows-1251": _Encoding("cp1251", "Windows-1251", 1.3),
    "Windows-1250": _Encoding("cp1250", "Windows-1250"),
    "ISO-8859-2": _Encoding("iso8859_2", "ISO 8859-2", 0.98),
    "koi8-u": _Encoding("koi8_u", "KOI8"),
    "MacRoman": _Encoding("mac_roman", "Mac Roman"),
    "Windows-1253": _Encoding("cp1253", "Windows-1253"),
    "Windows-1254": _Encoding("cp1254", "Windows-1254"),
    "Windows-1255": _Encoding("cp1255", "Windows-1255"),
    "Windows-1256": _Encoding("cp1256", "Windows-1256"),
    "CP874": _Encoding("cp874", "Windows-874"),
    "ISO-8859-15": _Encoding("iso8859_15", "ISO 8859-15", 0.9),
    "ISO-8859-5": _Encoding("iso8859_5", "ISO 8859-5", 0.75),
    "ISO-8859-6": _Encoding("iso8859_6", "ISO 8859-6", 0.75),
    "ISO-8859-7": _Encoding("iso8859_7", "ISO 8859-7", 0.75),
    "MacCyrillic": _Encoding("mac_cyrillic", "Mac Cyrillic", 0.75),
    "MacLatin2": _Encoding("mac_latin2", "Mac Central European", 0.75),
    "IBM866": _Encoding("cp866", "DOS 866", 0.75),
    "cp850": _Encoding("cp850", "DOS 850", 0.75),
    "cp852": _Encoding("cp852", "DOS 852", 0.75),
}
_IMPLAUSIBLE = 0.01  # times as likely is a reading in which words are none

# alphabets that are never mixed with others in a word; by the first word of a character's name
_ALPHABETS = {"CYRILLIC", "GREEK", "HEBREW", "ARABIC", "THAI", "HALFWIDTH"}
_WORD = re.compile(r"[^\W\d_]+")
_LETTER = "A-Za-zÀ-ԯ"
_NO_WORD = re.compile(
    rf"[{_LETTER}][^\x00-\x7f\w\s’‘…—–](?=[{_LETTER}])"  # a symbol between two letters
    rf"|[¶§¤¦¬†‡][{_LETTER}]|[{_LETTER}][¶§¤¦¬†‡¹²³¼½¾]|[ʰ-˿´¨¸ㄅ-ㄩ]"
)
_DASHED = re.compile(r"[a-z][—–][a-z]")  # seldom meant
_CONTRACTED = re.compile(r"[A-Za-z]’(?:s|t|m|re|ve|ll|d)\b")  # English: don’t
# control characters that texts do have
_BLANK = set("\t\n\v\f\r\x1c\x1d\x1e\x85\ufeff")
_LINE_END = re.compile(rb"[\r\n]+")
_KANA = re.compile(r"[ぁ-んァ-ヶー]")


def guess_reading(content: bytes) -> Reading:
    """The likeliest reading of a text that is not in Unicode."""
    # a line that is repeated says no more, and chardet takes it for what it is not
    distinct = b"\n".join(dict.fromkeys(_LINE_END.split(content)))
    found = sorted(_list_candidates(distinct), key=lambda candidate: -candidate.likelihood)
    for best in found:
        with suppress(UnicodeDecodeError):
            text = content.decode(best.encoding.codec)
            lead = best.likelihood / found[1].likelihood if len(found) > 1 else SURE_LEAD
            characters = sum(not character.isascii() for character in text)
            is_sure = characters >= SURE_CHARACTERS and lead >= SURE_LEAD
            is_sure = is_sure and best.likelihood > _IMPLAUSIBLE
            return Reading(text, best.encoding.name, is_sure)
    return Reading(content.decode("latin-1"), "Latin-1", is_sure=False)


def _list_candidates(content: bytes) -> Iterator[_Candidate]:
    """What a text is in each encoding that it may be in."""
    for japanese in (_OLD["CP932"], _OLD["EUC-JP"]):
        with suppress(UnicodeDecodeError):
            text = content.decode(japanese.codec)
            if is_kana(text):
                yield _Candidate(1, japanese, text)
                return
    import chardet  # its models take a while to load, and hardly any file needs them

    for found in chardet.detect_all(
        content,
        include_encodings=[encoding.codec for encoding in _OLD.values()],
        ignore_threshold=True,
    ):
        with suppress(KeyError, UnicodeDecodeError):  # it may have found none at all
            encoding = _OLD[str(found["encoding"])]
            text = content.decode(encoding.codec)
            likelihood = found["confidence"] * encoding.weight * _weigh_words(text)
            yield _Candidate(likelihood, encoding, text)


def is_kana(text: str) -> bool:
    """Whether a text is Japanese beyond doubt: in no other encoding does it hold kana."""
    kana = len(_KANA.findall(text))
    letters = sum(character.isalpha() and not character.isascii() for character in text)
    return kana >= 3 and 5 * kana >= 2 * letters and _weigh_words(text) >= 1


def _weigh_words(text: str) -> float:
    """How much more likely a reading is by what its words look like."""
    if not is_text(text) or _NO_WORD.search(text):
        return _IMPLAUSIBLE
    foreign = latin = 0  # letters of the longest word in another alphabet, and in Latin letters
    for word in _WORD.findall(text):
        alphabets = {find_alphabet(character) for character in word}
        if (len(alphabets) > 1 and alphabets & _ALPHABETS) or _has_odd_case(word):
            return _IMPLAUSIBLE
        if alphabets & _ALPHABETS:
            foreign = max(foreign, len(word))
        elif "LATIN" in alphabets:
            latin = max(latin, len(word))
    if latin > 2 and 0 < foreign < 3:
        return _IMPLAUSIBLE
    return (3.0 if _CONTRACTED.search(text) else 1.0) * (0.7 if _DASHED.search(text) else 1.0)


def _has_odd_case(word: str) -> bool:
    """Whether a letter beyond ASCII is a capital where none is written, or the only one that is
    none, as in MŠdchen.
    """
    is_upper = word.isupper()
    for index, letter in enumerate(word):
        following = word[index + 1 : index + 2]
        if letter.isascii():
            continue
        if letter.isupper() and not is_upper and (index or following.isupper()):
            return True
        if letter.islower() and following.isupper():
            return True
    return False


@lru_cache(4096)
def find_alphabet(character: str) -> str:
    """By the first word of its name: LATIN, CJK."""
    return unicodedata.name(character, "").partition(" ")[0]


def is_text(text: str) -> bool:
    """Whether a reading has no character that texts do not have."""
    return not any(
        unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs")
        for character in {*text} - _BLANK
    )
