"""The metre that a prompt names: "6/8", "a waltz", "time signature: 7"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .denials import is_denied
from .meter_words import BARS, BEATS, COUNTS, EVERY, MEANINGS, UNITS
from .said import TAKEN, Mention, Places, Said, join_said, limit_problems, look_back

_MOST = 16  # beats in a bar
# units of a metre whose beats stand alone: those that the field counts in eighths
_EIGHTHS = ("6", "7", "9", "12")
_NUMERAL = rf"(?:{'|'.join(sorted(COUNTS, key=len, reverse=True))})"
_COUNT = rf"(?P<count>\d{{1,2}}|{_NUMERAL})"
_LETTERS = "a-zà-öø-ɏа-яё"
# a phrase, behind a count
_ENDS = r"(?= ?(?:$|[;:!?)\]]|[,.](?!\d)|\| |[-/] (?!(?:[248]|16)\b(?! bars))))"
_APART = rf"(?<![{_LETTERS}\d.,/:])"
_FRACTION = re.compile(
    r"(?<![\d/.,:])(?P<count>\d{1,2}) ?"
    r"(?:/|[- :](?=(?:2|4|8|16)[ -](?:time|meter|metre|takt|feel|beat)))"
    r" ?(?P<unit>16|[248])(?![\d/%分분]|[.,:]\d| ?(?:bars?|bpm|inch|notes?|of|nd|rd|st|th)\b"
    r"| ?(?:arp|delay|duck|echo|gate|lfo|pump|rate|side-?chain|triplet))"
)
_SPELLED = (
    re.compile(  # three-quarter time, Dreivierteltakt, 3-Viertel-Takt, driekwartsmaat
        rf"{_APART}{_COUNT}[ -]?(?P<unit>quarter|eighth|viertel|achtel|kwarts|achtste)[ -]?"
        rf"(?:time|meter|metre|takt|maat)(?![{_LETTERS}])"
    ),
    re.compile(  # tres por cuatro
        rf"{_APART}{_COUNT} por (?P<unit>cuatro|quatro|ocho|oito|[48])(?![{_LETTERS}\d])"
    ),
    re.compile(  # seven-eight, six-huit
        rf"{_APART}(?<!-)(?P<count>{_NUMERAL})-(?P<unit>four|eight|quatre|huit)(?![{_LETTERS}-])"
    ),
    re.compile(  # without a hyphen only: in seven eight
        rf"(?<![{_LETTERS}])in (?P<count>{_NUMERAL}) (?P<unit>four|eight)"
        rf"(?:{_ENDS}|(?= (?:and|at|feel|groove|or|time|meter|metre|with)\b))"
    ),
    re.compile(  # seven eight time
        rf"{_APART}(?P<count>{_NUMERAL}) (?P<unit>four|eight) (?:meter|metre|time)\b"
    ),
    re.compile(  # in tre quarti, en seis octavos
        rf"(?<![{_LETTERS}])(?:in|di|tempo|de|en|compás|ritmo) {_COUNT} "
        rf"(?P<unit>quarti|ottavi|cuartos|octavos)(?![{_LETTERS}]| de )"
    ),
    re.compile(  # на три четверти, na trzy czwarte
        rf"(?:(?<=на )|(?<=в )|(?<=размер )|(?<=размере )|(?<=na )|(?<=metrum )){_COUNT} "
        rf"(?P<unit>четверт(?:и|ей|ях)|восьмых|czwarte|ósm(?:e|ych))(?![{_LETTERS}])"
    ),
    re.compile(  # 四分の三拍子, 四分之三拍, 4분의 3박자
        rf"(?P<unit>[248]|16|[四八사팔]) ?(?:分[の之]|분의) ?{_COUNT} ?(?:拍|박자)"
    ),
    re.compile(rf"(?P<unit>[四八]){_COUNT}拍"),  # 四三拍
    re.compile(rf"(?<!\d){_COUNT} ?(?:拍子|박자)(?!揃|そろ)"),
    re.compile(  # three beats to the bar, 3 temps par mesure
        rf"{_APART}{_COUNT}[ -]{BEATS} ?{EVERY} ?{BARS}(?![{_LETTERS}])"
    ),
    re.compile(rf"{_APART}{_COUNT}[ -]beat (?:{BARS}|feel|rhythm)(?![{_LETTERS}])"),
    re.compile(  # bars of seven, every bar has 5 beats
        rf"(?<![{_LETTERS}])(?:bars?|measures?) (?:of|has|have) {_COUNT}"
        rf"(?: beats|{_ENDS})"
    ),
    re.compile(rf"(?<![{_LETTERS}])(?:à|en) {_COUNT} temps(?![{_LETTERS}])"),
    re.compile(  # time signature: 6, compás de tres; 3:4
        r"(?<![a-z])(?:time[ _-]?sig(?:nature)?|meter|metre|takt|mesure|compás|compasso|размер)"
        rf"(?: ?[:=] ?| (?:of|is|de|em|à) |(?= ?\d)) ?{_COUNT}(?::(?P<unit>[248]|16))?"
        rf"(?![\d/{_LETTERS}])"
    ),
)
_IN = re.compile(  # "in 7", where nothing else follows that it could count
    r"(?<![a-z])in (?P<count>[34567]|9|11|three|five|seven)"
    rf"(?! ?, ?(?:\d|one|two|four|five|six|seven)){_ENDS}"
)
_COMES_IN = re.compile(
    r"\b(?:back|be|com(?:es?|ing)|count|cut|fad(?:es?|ing)|kicks?|plug|punch|walk) $"
)
_MEANING_OF = {word: meter for meter, words in MEANINGS.items() for word in words.split()}
_WORD = re.compile(rf"(?<![a-z])(?:{'|'.join(_MEANING_OF).replace('-', '[ -]')})(?![a-z])")
_COUNTED = re.compile(  # what is counted so, rather than beats
    r"(?:\b(?:chapter|cd|day|dis[ck]|episode|no\.?|page|part|past|"
    r"rated|rating|score|side|song|take|track|vol(?:ume)?\.?)|#)"
    r" ?$|\b(?:arp|delay|echo|gate|lfo|rate|side-?chain)(?: at| of| to)? ?$"
)


def find_meter(text: str) -> Said:
    """What a normalized text says of the metre. Figures count more than a waltz."""
    text = text.lower()
    named = sorted(_find_figures(text))
    if all(is_denied(text, mention.start, mention.end) for mention in named):
        named += sorted(_find_words(text))
    denied = [mention for mention in named if is_denied(text, mention.start, mention.end)]
    named = [mention for mention in named if mention not in denied]
    wrong = [mention for mention in named if not mention.value]
    problems = limit_problems(
        f"the prompt says {mention.said}: it was not taken, bars are counted up to {_MOST}/4 and "
        f"{_MOST}/8"
        for mention in wrong
    )
    if denied:
        said = join_said(mention.said for mention in denied)
        problems += (f"the prompt denies {said}: no metre was taken from that",)
    words = tuple(text[mention.start : mention.end] for mention in named)
    taken = [mention for mention in named if mention.value]
    if not taken:
        return Said(problems=problems, words=words)
    meters = list(dict.fromkeys(mention.value for mention in taken))
    said = join_said(mention.said for mention in taken)
    verdict = TAKEN if said == meters[0] else f"{meters[0]} was taken"
    if len(meters) > 1:
        verdict += ", the first"
    return Said(meters[0], said, verdict, problems, words)


def _find_figures(text: str) -> Iterator[Mention]:
    """Every place once: of forms that overlap, the one that says most."""
    taken = Places(text)
    for form in (_FRACTION, *_SPELLED):
        for match in form.finditer(text):
            before = look_back(text, match.start())
            if taken.overlap(*match.span()):
                continue
            mention = _read_fraction(match) if form is _FRACTION else _read_spelled(match)
            if mention and not (form is _FRACTION and _COUNTED.search(before)):
                taken.take(*match.span())
                yield mention


def _read_fraction(match: re.Match[str]) -> Mention | None:
    """None for notes, dates and parts."""
    count, unit = int(match["count"]), match["unit"]
    if not 2 <= count <= 2 * _MOST:
        return None
    meter = f"{count}/{unit}"
    return Mention(*match.span(), meter, meter if _is_counted(count, unit) else "")


def _read_spelled(match: re.Match[str]) -> Mention:
    """A metre in words, or one of which only the beats are said."""
    count = COUNTS.get(match["count"]) or int(match["count"])
    unit = match.groupdict().get("unit") or ("8" if str(count) in _EIGHTHS else "4")
    unit = UNITS.get(unit, unit)
    meter = f"{count}/{unit}" if count > 1 and _is_counted(count, unit) else ""
    return Mention(*match.span(), match[0], meter)


def _is_counted(count: int, unit: str) -> bool:
    """Whether a request has such bars."""
    return count <= _MOST and (unit in "48" or count in (2, 3, 4, 6))


def _find_words(text: str) -> Iterator[Mention]:
    for match in _WORD.finditer(text):
        yield Mention(*match.span(), match[0], _MEANING_OF[match[0].replace(" ", "-")])
    for match in _IN.finditer(text):
        if not _COMES_IN.search(look_back(text, match.start())):
            yield _read_spelled(match)
