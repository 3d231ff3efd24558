"""Numbers in words of a language that is sung: in its letters, in kana, or in pinyin."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

_NUM2WORDS = {"en": "en", "es": "es", "it": "it", "de": "de", "fr": "fr", "pt": "pt_BR", "pl": "pl"}
NUMBERED = frozenset({*_NUM2WORDS, "ja", "zh"})
_YEARS = range(1100, 2100)  # 1999 is nineteen ninety-nine
_LONGEST = 15  # digits; longer ones are read digit by digit
_JAPANESE = "ゼロ いち に さん よん ご ろく なな はち きゅう".split()
_JAPANESE_TENS = ("", "じゅう", "ひゃく", "せん")
_JAPANESE_MYRIADS = ("", "まん", "おく", "ちょう")
_JAPANESE_SHIFTS = (  # of a consonant, behind a number
    ("さんひゃく", "さんびゃく"),
    ("ろくひゃく", "ろっぴゃく"),
    ("はちひゃく", "はっぴゃく"),
    ("さんせん", "さんぜん"),
    ("はちせん", "はっせん"),
    ("いちちょう", "いっちょう"),
)
_MANDARIN = "ling yi er san si wu liu qi ba jiu".split()
_MANDARIN_TENS = ("", "shi", "bai", "qian")
_MANDARIN_MYRIADS = ("", "wan", "yi", "zhao")


def write_number(digits: str, language: str) -> list[str]:
    """The words of a whole number in one of NUMBERED; digit by digit where it begins with a zero,
    as 007, or has more than 15.
    """
    is_year = len(digits) == 4 and int(digits) in _YEARS
    is_spelled = len(digits) > _LONGEST or digits.startswith("0") or (is_year and language == "zh")
    if is_spelled and len(digits) > 1:
        return [word for digit in digits for word in write_number(digit, language)]
    if language == "ja":
        return [_write_japanese(digits)]
    if language == "zh":
        return _write_mandarin(digits)
    kind = "year" if is_year and language in ("en", "de") else "cardinal"
    return list(_write(digits, language, kind))


def write_ordinal(digits: str, language: str) -> list[str]:
    """first, twenty-first, in a language written with Latin letters."""
    return list(_write(digits[-_LONGEST:], language, "ordinal"))


@functools.lru_cache(maxsize=4096)
def _write(digits: str, language: str, kind: str) -> tuple[str, ...]:
    from num2words import num2words  # 0.1 s: only who sings digits waits for it

    words = str(num2words(int(digits), lang=_NUM2WORDS[language], to=kind))
    return tuple(words.lower().replace("-", " ").replace(",", " ").split())


def _write_japanese(digits: str) -> str:
    written = ""
    for group, myriad in _split_myriads(digits, _JAPANESE_MYRIADS):
        for digit, tens in _split_tens(group, _JAPANESE_TENS):
            written += tens if digit == 1 and tens else _JAPANESE[digit] + tens if digit else ""
        written += myriad
    for plain, spoken in _JAPANESE_SHIFTS:
        written = written.replace(plain, spoken)
    return written or _JAPANESE[0]


def _write_mandarin(digits: str) -> list[str]:
    written: list[str] = []
    for group, myriad in _split_myriads(digits, _MANDARIN_MYRIADS):
        is_after_zero = False
        for digit, tens in _split_tens(group, _MANDARIN_TENS):
            if digit:
                zero = [_MANDARIN[0]] if is_after_zero and written else []
                written += [*zero, _MANDARIN[digit], *([tens] if tens else [])]
            is_after_zero = digit == 0
        written += [myriad] if myriad else []
    if written[:2] == ["yi", "shi"]:
        return written[1:]
    return written or [_MANDARIN[0]]


def _split_myriads(digits: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """12345 -> 1 and the name of a myriad, 2345 and no name: as Japanese and Chinese count."""
    for power in range((len(digits) - 1) // 4, -1, -1):
        group = digits[max(0, len(digits) - 4 * power - 4) : len(digits) - 4 * power]
        if int(group):
            yield group, names[power]


def _split_tens(group: str, names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The digits of a number up to 9999, each with the name of its power of ten."""
    return zip(map(int, group), reversed(names[: len(group)]))
