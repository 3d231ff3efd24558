"""Lines that begin a section, as people write them: `Chorus (x2)`, `2nd Verse:`, `VERSE II - soft`,
`副歌 2`; and how often they say that it is sung.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from pipeline.section_names import (
    ABBREVIATIONS,
    ADJECTIVES,
    ALIASES,
    COUNTED,
    NAMES,
    NEVER_SUNG,
)

from .characters import fold, fold_word

MAX_HEADING = 120  # characters of a heading, with what its writer says of it

_NUMBER_WORDS = (
    "one two three four five six seven eight nine ten",
    "uno dos tres cuatro cinco seis siete ocho nueve diez",
    "eins zwei drei vier funf sechs sieben acht neun zehn",
    "un deux trois quatre cinq six sept huit neuf dix",
    "一 二 三 四 五 六 七 八 九 十",
    "i ii iii iv v vi vii viii ix x",
    "① ② ③ ④ ⑤ ⑥ ⑦ ⑧ ⑨ ⑩",
    "א ב ג ד ה ו ז ח ט י",
    "א' ב' ג' ד' ה' ו' ז' ח' ט' י'",
    "ראשון שני שלישי רביעי חמישי שישי",
    "الأول الثاني الثالث الرابع الخامس السادس",
    "اول دوم سوم چهارم پنجم ششم",
    "एक दो तीन चार पांच छह",
    "pertama kedua ketiga keempat kelima keenam",
    "แรก สอง สาม สี่ ห้า หก",
)
_NUMBERS = {
    fold_word(word): number
    for words in _NUMBER_WORDS
    for number, word in enumerate(words.split(), 1)
}
_FOREIGN = frozenset(word for words in _NUMBER_WORDS[1:4] for word in words.split())  # Pont Neuf
_ORDINAL_WORDS = (
    "first second third fourth fifth sixth",
    "erste zweite dritte vierte funfte sechste",
    "primera segunda tercera cuarta quinta sexta",
    "premier deuxieme troisieme quatrieme cinquieme sixieme",
    "prima seconda terza quarta quinta sesta",
    "primeira segunda terceira quarta quinta sexta",
    "первый второй третий четвертый пятый шестой",
    "перший другий третій четвертий п'ятий шостий",
    "první druhá třetí čtvrtá pátá šestá",
    "prvá druhá tretia štvrtá piata šiesta",
    "pierwsza druga trzecia czwarta piąta szósta",
    "eerste tweede derde vierde vijfde zesde",
    "första andra tredje fjärde femte sjätte",
    "første anden tredje fjerde femte sjette",
    "prima doua treia patra cincea șasea",
    "prva druga treća četvrta peta šesta",
    "birinci ikinci üçüncü dördüncü beşinci altıncı",
    "पहला दूसरा तीसरा चौथा पांचवां छठा",
)
_ORDINALS = {
    fold_word(word): number
    for words in _ORDINAL_WORDS
    for number, word in enumerate(words.split(), 1)
}


def _close_up(spelling: str) -> str:
    """Without what stands between the words of a name: in Persian that may be invisible."""
    return re.sub("[ \u200c-]", "", spelling)


_APART = "[ \u200c-]?"
# All of these are matched with what `fold_word` makes of a heading, with single spaces.
_SPELLINGS = {fold_word(name): name for name in NAMES}
_SPELLINGS |= {fold_word(alias): name for alias, name in ALIASES.items()}
_NAME = re.compile(
    "|".join(
        re.escape(name).replace("\\-", _APART).replace("\\ ", _APART)
        for name in sorted(_SPELLINGS, key=len, reverse=True)
    )
)
_LOOSE = {_close_up(spelling): name for spelling, name in _SPELLINGS.items()}
_EXACT = {_close_up(name.lower()): name for name in NAMES}
_SHORT = {fold_word(name): section for name, section in ABBREVIATIONS.items()}
_COUNTED_SHORT = ("s",)  # S1 is a strophe, and S alone may be anything
_UNIT = (
    r"(?:x|times?|mal|fois|veces|vezes|volte|razy|krat|ks|keer|ganger|gange|kertaa|раза?|рази?|р|"
    r"puta|ori|kez|kere|defa|φορες|kali|lan|פעמים|مرات|बार|ครั้ง|回|遍|次|번)(?![^\W_])"
)
_ABBREVIATION = re.compile(
    "("
    + "|".join(sorted(map(re.escape, _SHORT), key=len, reverse=True))
    + rf")\.?(?: ?(\d{{0,2}})(?! ?{_UNIT})|)(?![^\W\d_])"
)
_AGAIN_BEFORE = re.compile(
    r"(?:repeat|rpt|back to|go to|sing|again|da capo|wdh|wiederhole|wiederholung|repeter|repetir|"
    r"repete|repite|ripeti|ripetere|reprise|повтор|повторить|重复|重複|"
    r"se rep[ei]te|repetid|on reprend|reprendre|retour|volver|volta|torna|zuruck|noch ?mal|"
    r"(?:one more|once more|another)(?: time)?|otra vez|de novo)[.:]? ?"
    r"(?:the |from |last |first |le |la |el |il |al |au |ao |a la |zum |den |die |das |du |del |o |"
    r"a )?"
    r"|(?:au|al|ao|zum|to) "
)
_COUNT = "一二三四五六七八九十"
_BEFORE = re.compile(
    rf"(?:第 ?)?(\d{{1,2}}|[{_COUNT}])"
    r"(?:st|nd|rd|th|eme|ere|er|re|e|a|o|ª|º|-?и|-?ыи|\.|\))? ?"
)
_LETTER = r"(?:[^\W\d_]|[\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e4e])"  # and marks
BARS = (  # as `fold_word` leaves them
    r"(?:bars?|measures?|beats?|takter?|takte|compases|compassos|battute|mesures|тактов|такта?|"
    r"小节|小節|마디)"
)
_LENGTH = rf"(?:{BARS}|\d)"
_NUMBER_APART = re.compile(r" ?(?:- ?(\d{1,2})$|\((\d{1,2})\))")
_NUMBER = re.compile(
    r" ?(?:(?:#|no\.? ?|nr\.? ?|n° ?|№ ?)?"
    rf"(\d{{1,2}}(?: ?[-&+/,] ?\d{{1,2}}(?! ?{_LENGTH}))*[a-d]?)(?!\w)(?! ?(?:{_UNIT}|{BARS}))"
    rf"|(?!x ?\d)([ivx]{{1,4}}|{_LETTER}{{2,8}}|[א-י]'?|[①-⑩]|[{_COUNT}]|[a-d])(?![^\W_]))"
)
_LAST = re.compile(  # adjectives that stand behind
    r" (finale?|finalny|konečny|loppu|instrumental[eo]?|musicale?|strumentale|инструментальн\w\w)"
    r"(?=$| ?[:(x\[])"
)
_TIMES = re.compile(
    rf"[x*] ?([1-9]|1[0-6])(?!\w)|([1-9]|1[0-6]) ?{_UNIT}"
    r"|(twice|two times|bis(?! zum| ende)|zweimal|deux fois|dos veces|duas vezes|due volte|дважды|"
    r"двічі|dwa razy|dvakrat|dvaput|de doua ori|twee keer|tva ganger|to gange?r?|kahdesti|iki kez|"
    r"dua kali|hai lan|פעמיים|مرتين|दो बार)(?![^\W_])"
    r"|(thrice|three times|ter|dreimal|трижды)\b"
)
_AGAIN = re.compile(
    r"(?:repeat(?:ed|s)?|rpt|again|reprise|wdh|wiederholung|wiederholen|da capo|same as before|"
    r"ad lib(?:itum)?|fino alla fine|(?:to|till|until|and) (?:the )?(?:fade(?: ?out)?|end)|"
    r"bis (?:zum )?(?:ende|schluss)|jusqu'a la fin|hasta el final|ate o (?:fim|final)|до конца|"
    r"same as above|same|as above|wie oben|como arriba|come sopra|как выше|同上|"
    r"idem|cont(?:inued|'d)?|ripetere|repetir|повтор|повторити|повторення|opakovat|opakuj|powtorz|"
    r"powtorzyc|herhaal|herhalen|herhaling|upprepas?|repris|gentages?|gjentas?|toista|toistetaan|"
    r"ponovi|tekrar|ismetles|repeta|ulang|diulang|lap lai|חוזר|תכרר|تكرار|يتكرر|تعاد|ซ้ำ|重复|重複|"
    r"繰り返し|くりかえし|リピート|반복)(?![^\W_])[.!]*"
)
_LIST = re.compile(r" ?(?:[,&+/＋、，／→]|->) ?| (?:and|then|und|et|y|e|и) ", re.IGNORECASE)
_BETWEEN = tuple(" ,;.·|/:-~")
_ALPHABETIC = re.compile("[a-z\xdf-\u0dff\u10a0-\u10ff]")  # whose words stand apart
_OPEN = {"(": ")", "[": "]", "{": "}"}


class Heading(NamedTuple):
    """A section's beginning. `name` is what it is called, with its number and what its writer says
    of it; `section` is the name alone. It is sung `repeats` times; where it `recalls`, its words
    are those that it had before. `mark` is what stands between the name and its `rest`, which is
    a description or what is sung: ( or - or : or a comma; a space where words follow at once.
    `abbreviation`: how it is written where that is no name. `also` are others in the same line.
    """

    name: str
    section: str
    number: str = ""
    repeats: int = 1
    recalls: bool = False
    mark: str = ""
    rest: str = ""
    abbreviation: str = ""
    also: tuple[Heading, ...] = ()


@lru_cache(4096)
def read_heading(text: str) -> Heading | None:
    """The heading that a text is, without brackets around it; None for one that begins with no
    section's name or abbreviation.
    """
    if len(text) > MAX_HEADING:
        return None
    return _HeadingReader(" ".join(unicodedata.normalize("NFC", text).split())).read()


def read_headings(text: str) -> Heading | None:
    """The first of several headings that a text lists, `Verse 1, Chorus`, with the others."""
    parts = _LIST.split(text) if len(text) <= MAX_HEADING else []
    found = [read_heading(part) for part in parts]
    headings = [each for each in found if each and not each.rest and not each.abbreviation]
    if len(headings) < 2 or len(headings) < len(parts):
        return None
    recalls = headings[0].recalls
    first, *others = [heading._replace(recalls=recalls) for heading in headings]
    return first._replace(also=tuple(others))


def find_section(word: str) -> str:
    """The section that is called so, however it is spelt; empty where none is."""
    return _LOOSE.get(_close_up(fold_word(word)), "")


def list_spellings() -> tuple[str, ...]:
    """The names as `find_section` compares them."""
    return tuple(_LOOSE)


def read_times(text: str) -> int:
    """How many times `x2`, `(2x)` or `twice` mean; 0 for what means none."""
    text = fold_word(text.strip())
    while text and _OPEN.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    text = text.removeprefix("sing ").removeprefix("repeat ").removeprefix("play ")
    match = _TIMES.fullmatch(text.rstrip(".! "))
    return _count(match) if match else 0


def means_again(text: str) -> bool:
    """`(Repeat)`: what is above is sung once more."""
    return _AGAIN.fullmatch(fold_word(text.strip("()[] .:※*"))) is not None


class _HeadingReader:
    """Reads a heading from its front to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._folded = fold_word(text)
        self._at = 0
        self._repeats = 1
        self._recalls = False

    def read(self) -> Heading | None:
        if times := _TIMES.match(self._folded):
            self._repeats = _count(times)
            self._at = times.end() + self._folded.startswith(" ", times.end())
        if again := _AGAIN_BEFORE.match(self._folded, self._at):
            self._recalls = True
            self._at = again.end()
        number = self._read_ordinal()
        adjectives = self._read_adjectives()
        abbreviation = last = ""
        if section := self._read_name():
            number = number or self._read_number(section)
            last = self._read_last()
        elif short := _ABBREVIATION.match(self._folded, self._at):
            abbreviation = short[1]
            section = _SHORT[abbreviation]
            number = number or short[2] or ""
            self._at = short.end()
            if abbreviation in _COUNTED_SHORT and not number:
                return None
        else:
            return None
        counted = f"{number}{section}" if section in COUNTED and number else ""
        name = counted or " ".join(filter(None, (*adjectives, section, number, last)))
        mark, rest = self._read_rest()
        return Heading(
            name, section, number, self._repeats, self._recalls, mark, rest, abbreviation
        )

    def _read_ordinal(self) -> str:
        """What counts a section in front of its name: "2nd", "second", "2.", 第二."""
        if match := _BEFORE.match(self._folded, self._at):
            if not _NAME.match(self._folded, match.end()):
                return ""
            self._at = match.end()
            return str(_NUMBERS.get(match[1], match[1]))
        word = self._peek_word()
        number = _ORDINALS.get(word) or _ORDINALS.get(word[:-1])
        if number and _NAME.match(self._folded, self._at + len(word) + 1):
            self._at += len(word) + 1
            return str(number)
        return ""

    def _read_adjectives(self) -> list[str]:
        """The guitar of a guitar solo."""
        found: list[str] = []
        begin = self._at
        while len(found) < 2 and (word := self._peek_word()) in ADJECTIVES:
            following = self._at + len(word) + 1
            is_name = _NAME.match(self._folded, self._at)
            if is_name and not _NAME.match(self._folded, following):
                break
            found.append(self._text[self._at : following - 1].capitalize())
            self._at = following
        if found and not _NAME.match(self._folded, self._at):
            self._at = begin
            return []
        if "Double" in found:
            found.remove("Double")
            self._repeats = 2
        return found

    def _read_name(self) -> str:
        match = _NAME.match(self._folded, self._at)
        if not match:
            return ""
        following = self._folded[match.end() : match.end() + 1]
        if _ALPHABETIC.match(match[0][-1]) and _goes_on(following):
            return ""
        written = _close_up(self._text[self._at : match.end()].lower())
        self._at = match.end()
        return _EXACT.get(written) or _LOOSE[_close_up(match[0])]

    def _read_number(self, section: str) -> str:
        if apart := _NUMBER_APART.match(self._folded, self._at):
            self._at = apart.end()
            return apart[1] or apart[2]
        match = _NUMBER.match(self._folded, self._at)
        if not match:
            return ""
        if match[1]:
            number = match[1].upper()
        elif match[2] in _NUMBERS and (section in NEVER_SUNG or match[2] not in _FOREIGN):
            number = str(_NUMBERS[match[2]])
        elif len(match[2]) == 1 and self._text[match.start(2)].isupper():
            number = match[2].upper()
        else:
            return ""
        self._at = match.end()
        return number

    def _read_last(self) -> str:
        """The final of a Refrão final."""
        match = _LAST.match(self._folded, self._at)
        if not match:
            return ""
        self._at = match.end()
        return self._text[match.start(1) : match.end(1)].capitalize()

    def _read_rest(self) -> tuple[str, str]:
        """The mark behind the name, and what comes behind that and says nothing of repeats."""
        while self._at < len(self._text):
            begin = self._at
            while self._folded[self._at : self._at + 1] in _BETWEEN:
                self._at += 1
            mark = self._folded[begin : self._at].strip()
            if self._read_repeats():
                continue
            rest = self._text[self._at :].strip()
            if not rest:
                return (":" if ":" in mark else "", "")
            is_closed = rest[0] in "(（" and fold(rest.rstrip(":： "))[-1] == ")"
            if is_closed and mark in ("", "-", ":"):
                return "(", self._take_repeats(rest.rstrip(":： "))
            return mark[:1] or " ", self._take_repeats(rest)
        return "", ""

    def _read_repeats(self) -> bool:
        """Goes over `x2`, `(twice)`, `repeat` where they come next."""
        at = self._at
        closing = _OPEN.get(self._folded[at : at + 1], "")
        at += bool(closing)
        repeats, recalls = self._repeats, self._recalls
        found = False
        while match := _TIMES.match(self._folded, at) or _AGAIN.match(self._folded, at):
            if match.re is _AGAIN:
                recalls = True
            else:
                repeats = _count(match)
            found = True
            at = match.end()
            while self._folded[at : at + 1] in (" ", ","):
                at += 1
        if found and _NAME.match(self._folded, at):  # of another: Outro: repeat chorus
            return False
        if closing:
            found = found and self._folded[at : at + 1] == closing
            at += 1
        if found:
            self._at, self._repeats, self._recalls = at, repeats, recalls
        return found

    def _take_repeats(self, rest: str) -> str:
        """What a description says besides "x2"."""
        is_closed = rest[0] in "(（" and rest[-1] in ")）"
        kept = []
        for part in re.split("[,;，；]", rest[1:-1] if is_closed else rest):
            if times := read_times(part):
                self._repeats = times
            elif means_again(part):
                self._recalls = True
            else:
                kept.append(part.strip())
        text = ", ".join(kept)
        return f"({text})" if text and is_closed else text

    def _peek_word(self) -> str:
        end = self._folded.find(" ", self._at)
        return self._folded[self._at : end if end >= 0 else None]


def _goes_on(following: str) -> bool:
    """Whether a word goes on: with a letter, an apostrophe or the vowel of an Indian script."""
    return bool(following) and (
        following == "'" or unicodedata.category(following)[0] in ("L", "M")
    )


def _count(match: re.Match[str]) -> int:
    if match[3]:
        return 2
    if match[4]:
        return 3
    return int(match[1] or match[2])
