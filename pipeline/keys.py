"""Keys as people write them: "A minor", "F#m", "Bb", "a-Moll", "la mineur", "8A". No MLX."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from .guide.harmony import scale_of

ALLOWED = 'a note and "major" or "minor", like "A minor", "F# major", F#m or 8A (Camelot)'
_WORDS = {
    "major": (
        "major maj dur duuri majeur maggiore mayor maior majör мажор 大调 大調 長調 调 調 "
        "メジャー 장조 trưởng groot"
    ),
    "minor": (
        "minor min moll molli mineur minore menor minör минор 小调 小調 短調 "
        "マイナー 단조 thứ klein"
    ),
}
_CHURCH = {
    "major": (
        "ionian lydian mixolydian lidio lídio lydien lydisch mixolidio mixolídio misolidio "
        "mixolydien mixolydisch"
    ),
    "minor": (
        "dorian phrygian aeolian locrian dórico dorico dorien dorisch frigio frígio phrygien "
        "phrygisch eólico eolio éolien äolisch locrio"
    ),
}
CHURCH_MODES = {  # and the one of the two that is nearest
    word: mode for mode, words in _CHURCH.items() for word in words.split()
}
_MODES = {word: mode for mode, words in _WORDS.items() for word in words.split()} | CHURCH_MODES
_SIGNS = {"sharp": "#", "flat": "b", "is": "#", "es": "b", "s": "b"} | {
    word: sign
    for sign, words in {"#": "升 嬰 올림", "b": "降 変 내림"}.items()
    for word in words.split()
}
_SYLLABLES = {
    name: letter
    for names in ("do re mi fa sol la si", "до ре ми фа соль ля си", "다 라 마 바 사 가 나")
    for name, letter in zip(names.split(), "CDEFGAB")
} | {**dict(zip("ハニホヘトイロ", "CDEFGAB")), "ut": "C"}
_WITHOUT_ACCENTS = str.maketrans("áàéèó", "aaeeo")
_CAMELOT = {  # the wheel's own names, from 1 on
    "A": "Ab Eb Bb F C G D A E B F# Db".split(),
    "B": "B F# Db Ab Eb Bb F C G D A E".split(),
}


ANY_KEY = "any"  # left open on purpose: another take of it may have another key


class KeyName(NamedTuple):
    """What was read: a note, and "major" or "minor", "" where nothing is said of it."""

    note: str
    mode: str

    def complete(self, mode: str = "major") -> str:
        """As a request keeps it, in this mode where it names none."""
        return f"{self.note} {self.mode or mode}"


class KeyForm(NamedTuple):
    """A way of writing keys: `read` makes a name of what the pattern matches."""

    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], KeyName]


def parse_key(value: str) -> str:
    """`Am`, `A min`, `a-Moll`, `la mineur`, `8A` -> `A minor`; empty stays empty. Of names of the
    same notes, like `Am/C major`, it is the first. Raises ValueError with what is allowed.
    """
    names = [_read_name(part.strip()) for part in re.split(r"[/|()]", value) if part.strip()]
    if not names:
        if value.strip():
            raise ValueError(ALLOWED)
        return ""
    stated = next((name.mode for name in names if name.mode), "major")
    for mode in (stated, "major"):  # C#/Db minor; Am/C
        keys = [name.complete(mode) for name in names]
        if len({frozenset(scale_of(key)) for key in keys}) == 1:
            return keys[0]
    raise ValueError(f"one key, like {names[0].complete()}")


def parse_key_or_any(value: str) -> str:
    """The same; and "any", whatever its case."""
    return ANY_KEY if value.strip().lower() == ANY_KEY else parse_key(value)


def _read_name(text: str) -> KeyName:
    """Raises ValueError with what is allowed."""
    spaced = " ".join(text.split())
    for form in (*NAMED_FORMS, LETTER_FORM, CAMELOT_FORM, OPEN_KEY_FORM):
        if match := form.pattern.fullmatch(spaced):
            return form.read(match)
    raise ValueError(ALLOWED)


# --- the forms ------------------------------------------------------------------------------------


def _read_letter(match: re.Match[str]) -> KeyName:
    """A minor, F#m, Bb, C sharp harmonic minor, D dorian."""
    sign = match["flat"] or match["sign"] or ""
    mode = match["mode"] or ""
    if mode not in ("", "m", "M"):
        mode = _MODES[mode.lower().replace("-", " ").split()[-1]]
    mode = {"m": "minor", "M": "major"}.get(mode, mode)
    return KeyName(match["note"].upper() + _SIGNS.get(sign.lower(), sign), mode)


def _read_german(match: re.Match[str]) -> KeyName:
    """a-Moll, Fis-Dur, H-Moll: a German B is Bb."""
    note = match["note"].upper()
    sign = _SIGNS.get(match["sign"].lower(), match["sign"])
    if note == "B":
        sign = sign or "b"
    return KeyName(note.replace("H", "B") + sign, _MODES[match["mode"].lower()])


def _read_syllable(match: re.Match[str]) -> KeyName:
    """la mineur, fa# menor, mi bémol majeur, ми-бемоль мажор."""
    note = _SYLLABLES[match["note"].lower().translate(_WITHOUT_ACCENTS)]
    sign = (match["sign"] or "").lower()
    if sign:
        sign = "b" if sign[0] in "bб♭" else "#"
    return KeyName(note + sign, _MODES[match["mode"].lower()])


def _read_east_asian(match: re.Match[str]) -> KeyName:
    """降E大调, 嬰ヘ短調, Aマイナー, 가단조."""
    note = _SYLLABLES.get(match["note"], match["note"].upper())
    before = (match["before"] or "").rstrip()
    sign = _SIGNS.get(before, before) or match["sign"] or ""
    return KeyName(note + sign, _MODES[match["mode"]])


def _read_camelot(match: re.Match[str]) -> KeyName:
    """8A."""
    letter = match["letter"].upper()
    return _find_on_wheel(int(match["number"]), letter)


def _read_open_key(match: re.Match[str]) -> KeyName:
    """1m: Traktor's numbers begin seven further on the wheel."""
    letter = "A" if match["letter"].lower() == "m" else "B"
    return _find_on_wheel(int(match["number"]) + 7, letter)


def _find_on_wheel(number: int, letter: str) -> KeyName:
    return KeyName(_CAMELOT[letter][(number - 1) % 12], "minor" if letter == "A" else "major")


_MODE = rf"(?:(?:natural|harmonic|melodic)[ -])?(?:major|minor|maj|min|{'|'.join(CHURCH_MODES)})"
_ROMANCE = "mineur|majeur|minore|maggiore|menor|mayor|maior|minör|majör|thứ|trưởng|klein|groot"
LETTER_FORM = KeyForm(
    re.compile(
        r"(?P<note>[A-Ga-g])(?:(?P<flat>b)|[ _-]?(?P<sign>[#♯♭]|(?i:sharp|flat)))?"
        rf"(?:[ _-]?(?P<mode>m|M|(?i:{_MODE})))?"
    ),
    _read_letter,
)
# they name the mode in any case
NAMED_FORMS = (
    KeyForm(
        re.compile(r"(?i:(?P<note>[A-H])(?P<sign>is|es|s|[#b♯♭]?)[ -]?(?P<mode>dur|duuri|molli?))"),
        _read_german,
    ),
    KeyForm(
        re.compile(
            r"(?i:(?P<note>d[oó]|ut|r[eéè]|mi|f[aá]|sol|l[aáà]|si)"
            r"(?:[ -]?(?P<sign>b[eé]mol(?:le)?|di[eéè]se|di[eé]sis|sostenido|sustenido|[#b♯♭]))?"
            rf"[ -]?(?P<mode>{_ROMANCE}|{'|'.join(CHURCH_MODES)}))"
        ),
        _read_syllable,
    ),
    KeyForm(
        re.compile(  # and Dutch: fis mineur
            r"(?i:(?P<note>[A-G])(?P<flat>b)?"
            r"(?P<sign>[#♯♭]|(?:is|es|s)(?=[ -]?(?:mineur|majeur)))?"
            rf"[ -]?(?P<mode>{_ROMANCE}))"
        ),
        _read_letter,
    ),
    KeyForm(
        re.compile(
            r"(?i:(?P<note>до|ре|ми|фа|соль|ля|си)(?:[ -]?(?P<sign>бемоль|диез))?"
            r"[ -]?(?P<mode>мажор|минор)(?:а|е|ом|у)?)"
        ),
        _read_syllable,
    ),
    KeyForm(
        re.compile(
            r"(?P<before>[升嬰降変#♯♭b]|(?:올림|내림) ?)?"
            r"(?P<note>[A-Ga-gハニホヘトイロ다라마바사가나])(?P<sign>[#b♯♭])?"
            r" ?(?P<mode>大调|小调|大調|小調|長調|短調|メジャー|マイナー|장조|단조|调|調)"
        ),
        _read_east_asian,
    ),
)
CAMELOT_FORM = KeyForm(re.compile(r"(?P<number>1[0-2]|0?[1-9])(?P<letter>[ABab])"), _read_camelot)
OPEN_KEY_FORM = KeyForm(re.compile(r"(?P<number>1[0-2]|0?[1-9])(?P<letter>[dmDM])"), _read_open_key)
