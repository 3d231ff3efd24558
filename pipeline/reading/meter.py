"""The metre that a prompt names: "6/8", "a waltz", "time signature: 7"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .said import Mention, Said, join_said, limit_problems, look_back

_MOST = 16  # beats in a bar
_UNITS = ("2", "4", "8", "16")
# units of a metre whose beats stand alone: those that the field counts in eighths
_EIGHTHS = ("6", "7", "9", "12")
_FRACTION = re.compile(
    r"(?<![\d/.,])(?P<count>\d{1,2}) ?(?P<slash>/|[- ](?=(?:2|4|8|16) (?:time|meter|metre|takt)))"
    r" ?(?P<unit>\d{1,2})(?![\d/%]|[.,]\d| ?(?:bars?|bpm|inch|notes?|of|nd|rd|st|th)\b"
    r"| ?(?:arp|delay|duck|echo|gate|lfo|pump|rate|side-?chain|triplet))"
)
_NAMED = re.compile(
    r"(?<![a-z])(?:time[ _-]?sig(?:nature)?|meter|metre|takt|mesure|compás)"
    r" ?(?:[:=] ?|of |is |de |à )?(?P<count>\d{1,2})(?![\d/a-z])"
    r"|(?<![a-z])à (?P<beats>\d{1,2}|deux|trois|quatre|cinq|sept) temps(?![a-z])"
    r"|(?<!\d)(?P<asian>\d{1,2})拍子"
)
_IN = re.compile(  # "in 7", where nothing else follows that it could count
    r"(?<![a-z])in (?P<count>[34567]|9|11|three|five|seven)"
    r"(?= ?(?:$|,(?! ?(?:\d|one|two|four|five|six|seven))|[;!?)\]]|\.(?!\d)|- ))"
)
_IN_WORDS = {
    "deux": 2,
    "trois": 3,
    "quatre": 4,
    "cinq": 5,
    "sept": 7,
    "three": 3,
    "five": 5,
    "seven": 7,
}
_COMES_IN = re.compile(r"\b(?:com(?:es?|ing)|count|cut|fad(?:es?|ing)|kicks?|plug|punch|walk) $")
_WORDS = {
    "3/4": (
        "waltz waltzes walzer valse vals valzer valsa walc вальс ワルツ 华尔兹 왈츠 triple-meter "
        "triple-metre triple-time three-quarter-time dreivierteltakt"
    ),
    "4/4": "common-time viervierteltakt",
    "6/8": "sechsachteltakt",
    "2/2": "cut-time alla-breve",
}
_COUNTS = {  # in words: "seven-eight", and only "in seven eight" without a hyphen
    "2/4": "two-four",
    "3/4": "three-four",
    "4/4": "four-four",
    "5/4": "five-four",
    "6/8": "six-eight",
    "7/8": "seven-eight",
    "9/8": "nine-eight",
    "12/8": "twelve-eight",
}
_MEANINGS = {
    word: meter for table in (_WORDS, _COUNTS) for meter in table for word in table[meter].split()
}
_WORD = re.compile(
    rf"(?<![a-z])(?:{'|'.join(_WORDS.values()).replace(' ', '|').replace('-', '[ -]')}"
    rf"|{'|'.join(_COUNTS.values())}"
    rf"|(?<=in )(?:{'|'.join(_COUNTS.values()).replace('-', ' ')})"
    rf"|(?:{'|'.join(_COUNTS.values()).replace('-', ' ')})(?= (?:meter|metre|time)\b))(?![a-z])"
)
_COUNTED = re.compile(  # what is counted so, rather than beats
    r"(?:\b(?:chapter|cd|day|dis[ck]|episode|no\.?|page|part|side|song|take|track|vol(?:ume)?\.?)|#)"
    r" ?$|\b(?:arp|delay|echo|gate|lfo|rate|side-?chain)(?: at| of| to)? ?$"
)
_DENIED = re.compile(
    r"\b(?:not?|never|isn't|avoid|instead of|rather than|without|kein|nicht|pas)"
    r"(?: (?:an?|in|the))? $"
)


def find_meter(text: str) -> Said:
    """What a normalized text says of the metre. Figures count more than a waltz."""
    text = text.lower()
    figures = sorted(_find_figures(text))
    named = figures or sorted(_find_words(text))
    wrong = [mention for mention in named if not mention.value]
    problems = limit_problems(
        f"the prompt says {mention.said}: it was not taken, bars are counted up to {_MOST}/4 and "
        f"{_MOST}/8"
        for mention in wrong
    )
    words = tuple(text[mention.start : mention.end] for mention in named)
    taken = [mention for mention in named if mention.value]
    if not taken:
        return Said(problems=problems, words=words)
    meters = list(dict.fromkeys(mention.value for mention in taken))
    said = join_said(mention.said for mention in taken)
    verdict = "it was taken" if said == meters[0] else f"{meters[0]} was taken"
    if len(meters) > 1:
        verdict += ", the first"
    return Said(meters[0], said, verdict, problems, words)


def _find_figures(text: str) -> Iterator[Mention]:
    for match in _FRACTION.finditer(text):
        count, unit = match["count"], match["unit"]
        before = look_back(text, match.start())
        if not 2 <= int(count) <= 2 * _MOST or unit not in _UNITS or _COUNTED.search(before):
            continue  # notes, dates, parts
        if not _DENIED.search(before):
            meter = f"{int(count)}/{unit}"
            yield Mention(*match.span(), meter, meter if _is_counted(int(count), unit) else "")
    for match in _NAMED.finditer(text):
        yield _name_beats(match, match["count"] or match["beats"] or match["asian"])


def _name_beats(match: re.Match[str], beats: str) -> Mention:
    """A metre of which only the beats are said."""
    count = _IN_WORDS.get(beats) or int(beats)
    meter = f"{count}/{8 if str(count) in _EIGHTHS else 4}"
    return Mention(*match.span(), match[0], meter if 2 <= count <= _MOST else "")


def _is_counted(count: int, unit: str) -> bool:
    """Whether a request has such bars."""
    return count <= _MOST and (unit in "48" or count in (2, 3, 4, 6))


def _find_words(text: str) -> Iterator[Mention]:
    for match in _WORD.finditer(text):
        if not _DENIED.search(look_back(text, match.start())):
            yield Mention(*match.span(), match[0], _MEANINGS[match[0].replace(" ", "-")])
    for match in _IN.finditer(text):
        if not _COMES_IN.search(look_back(text, match.start())):
            yield _name_beats(match, match["count"])
