"""The tempo that a prompt names: "84 bpm", "BPM: 128,5", "135 beats per minute", "at 140"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..quantities import BPM
from .denials import is_denied
from .said import TAKEN, Places, Said, join_said, limit_problems, look_ahead, look_back

LOWEST, HIGHEST = 30.0, 300.0  # as a request allows
MOST_SAID = 1000.0  # above, what a tempo is called may be a year
WIDEST = 1.5  # a range goes no higher than so many times its lower end: 70/140 are two tempos
AT_LOWEST, AT_HIGHEST = 60.0, 200.0  # what "at 140" may be without a unit
_NUMBER = r"\d{1,5}(?:[.,]\d{1,3})?"
_JOINT = (
    r"(?: ?(?:->|\.{2,3}|[-→~/&]|에서|から|[到至]) ?| (?:(?:then |up |down )?to|a|à|and|"
    r"bis(?: zu)?|e|et|fino a|hasta|até|jusqu'à|or|through|und|until|y|до|и) )"
)
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_VALUES = {word: value for value, word in enumerate(_SMALL)} | {
    word: 10 * value for value, word in enumerate(_TENS, 2)
}
_WORD = rf"(?:{'|'.join(sorted([*_VALUES, 'a', 'and', 'hundred'], key=len, reverse=True))})"
_ENDS = r"(?= ?(?:$|[;!?)\]|]|[.,](?!\d)|[-/|] ))"
# "120 bpm", "120-128 bpm", "90 bpm or 140 bpm"
_BEFORE_UNIT = re.compile(
    rf"(?<!\d)(?<!\d[.,])(?P<numbers>{_NUMBER}"
    rf"(?: ?\({_NUMBER}\)|(?:(?: ?{BPM}|-?ish)?{_JOINT}{_NUMBER}){{0,2}}))"
    rf"(?:[)\]](?= ?{BPM}(?! ?\d)))?"
    rf"(?:-?ish|[ -]something| 사이의?| ?の間(?:の)?|\+| or so| ?(?:±|\+/?-) ?\d{{1,2}})?"
    rf"[ _(-]{{0,3}}{BPM}(?![a-z]| ?[:=] ?\d)"
    rf"(?P<goal>(?: ?(?:->|→) ?| to ){_NUMBER}{_ENDS})?"
)
_WORDS = rf"(?P<words>{_WORD}(?:[ -]{_WORD}){{0,5}})"
_WORDS_BEFORE_UNIT = re.compile(rf"(?<![a-z]){_WORDS}[ -]{BPM}")
_WORDS_BEHIND_NAME = re.compile(
    rf"(?<![a-z])(?:bpm(?: ?[:=]| of| is| around| about)?|tempo(?: ?[:=]| of| is| around| about)) ?"
    rf"{_WORDS}(?![a-z])"
)
_DOTTED = "(?:pointée|con puntillo|puntata|pontuada)"
_NAME = (
    r"(?P<note>(?:(?:dotted|punktierte) )?(?:whole|half|quarter|eighth|crotchet|minim|quaver|q|"
    r"noire|croche|blanche|viertel|halbe|achtel|negra|blanca|corchea|semínima|semiminima)"
    rf"(?:[ -]note)?(?: {_DOTTED})?(?= ?=| à )|[♩♪]\.?)|"
    r"(?:bpms?|bmp|b[. ]p[. ]m\.?|tempo)"
    r"(?: of (?:the|this) (?:music|piece|song|track))?(?: change| marking| range)?|"
    r"(?:andamento|geschwindigkeit|hastighet|pace|ritmo|speed|velocidade?|velocità|vitesse|скорость)"
    r"(?= ?[:=])|"
    r"m\.?m\.?(?= ?=)|m\.m\.|"
    rf"t(?= ?= ?\d{{2,3}}(?:[.,]\d{{1,2}})?{_ENDS})|"
    r"темп(?:а|е|ом|у)?|速度|节拍|節拍|テンポ|템포|빠르기|每分钟"
)
_ABOUT = (
    r"(?: ?(?:[^\w\s,;.!?()\[\]/&+$€£'%]{1,3}|[_は为是은는])| ?:? ;"
    r"| (?:à|about|anywhere|approx\.?|approximately|around|at|between|ca\.?|de|di|from|is|of|"
    r"set to|should be|somewhere|to))"
)
# "bpm: 124", "tempo of 96", "♩ = 84"
_BEHIND_NAME = re.compile(
    rf"(?<![a-z])(?:{_NAME}){_ABOUT}{{0,3}} ?[(\[~≈]?"
    rf"(?P<numbers>{_NUMBER}(?: ?\({_NUMBER}\)|(?:{_JOINT}{_NUMBER})?))"
    r"(?![a-z0-9%°:/]|[.,]\d| ?(?:percent|sec(?:onds?)?|bars?|minutes?|k?hz|db)\b)"
)
# "at 140", where nothing else follows that it could count
_BEHIND_AT = re.compile(
    rf"(?<![a-z])(?:at |@ ?|bei |between |entre |zwischen |(?:make|set|put|bring|change|push) "
    r"(?:it|that|this)(?: (?:back|down|up))?(?: to| at)? )"
    rf"(?:(?:about|approx\.?|around|ca\.?) |[~≈] ?)?"
    rf"(?P<numbers>{_NUMBER}(?:{_JOINT}{_NUMBER})?)"
    r"(?= ?(?:$|[;!?)\]|]|[.,](?!\d)|[-/] )"
    r"| (?:and|but|double|feel|for|half|in|instead|key|not|or|over|please|pls|plz|so|thanks|the|"
    r"then|tempo|thx|tops|with)\b)"
)
# "allegro (132)", "half time 140", "around 100", "from 120 to 60"
_BEHIND_WORD = re.compile(
    r"(?<![a-z])(?:(?:prestissimo|presto|vivace|allegro|allegretto|moderato|andantino|andante|"
    r"adagio|larghetto|largo|lento)(?: (?:assai|cantabile|con brio|con moto|ma non troppo|"
    r"moderato|molto|sostenuto|vivace))?|(?:half|double)[ -]?time(?: feel)?|around|approx\.?|from)"
    rf" ?[(,:=~]? ?(?P<numbers>{_NUMBER}(?: ?\({_NUMBER}\)|(?:{_JOINT}{_NUMBER})?))"
    rf"(?:{_ENDS}|(?= (?:across|in|over|within) \d))"
)
_WITHIN = re.compile(r" (?:across|in|over|within) \d")
_BEFORE_NAME = re.compile(
    rf"(?<![\w.,/])(?P<numbers>{_NUMBER}) tempo(?! ?[:=]| (?:change|map|marking|of)|[a-z])"
)
_TWICE = re.compile(rf"(?<![\w.,/])(?P<numbers>\d{{2,3}} ?/ ?\d{{2,3}}){_ENDS}")  # 70/140
_TWICE_OR_HALF = (
    r"(?P<multiple>half|double|twice)"
    r"(?:(?: the)?(?: (?:bpm|pace|speed|tempo))? of(?: the)?| as (?:fast|quick) as"
)
# "in the mid-90s bpm", "bpm in the low 120s"
_DECADE = r"(?:(?P<part>low|early|mid|middle|high|upper|late)[ -])?(?P<decade>1?\d0)'?s"
_DECADES = (
    re.compile(rf"(?<![\w.,]){_DECADE} ?{BPM}(?![a-z])"),
    re.compile(rf"(?<![a-z])(?:bpm|tempo)(?: is)? (?:in|around) the {_DECADE}(?![\w-])"),
)
_PARTS = {"low": 2, "early": 2, "high": 8, "upper": 8, "late": 8}  # of ten
# "keep it under 100", "no faster than 90"
_BEHIND_BOUND = re.compile(
    r"(?<![a-z])(?:(?:go|keep it|stay|tempo) (?:above|below|over|under)|at least|at most|"
    rf"(?:faster|slower) than) (?P<numbers>{_NUMBER}){_ENDS}"
)
# what stands in front of a tempo that another is told by: "half of"
_SHARE = re.compile(rf"(?<![\w-])(?:{_TWICE_OR_HALF}| the)?) $")
_BEHIND_SHARE = re.compile(rf"(?<![\w-]){_TWICE_OR_HALF}) (?P<numbers>{_NUMBER}){_ENDS}")
# "5 bpm faster than 92", "20% slower than 120 bpm"
_STEPPED = re.compile(
    rf"(?<![\w.,])(?P<step>\d{{1,2}}(?:[.,]\d{{1,2}})?) ?(?:(?P<percent>%|percent)|{BPM}) "
    r"(?P<way>slower|faster|quicker|less|lower|higher|more) than "
    rf"(?P<numbers>{_NUMBER})(?P<said> ?{BPM})?(?![a-z\d%]|[.,]\d)"
)
_MEANT = re.compile(  # 70 bpm (so 140)
    r" ?[(\[,;-]{0,2} ?(?P<word>=|(?:so|i\.?e\.?|meaning|that is|that's|effectively|really|"
    rf"actually),? ) ?(?P<meant>{_NUMBER})(?: ?{BPM})?{_ENDS}"
)
_FORMER = re.compile(
    r"\b(?:formerly|original|originally|previously|used to be|was|were)(?: (?:at|in|tempo|was))?"
    r" ?[:=]? ?$"
)
_PER_DOTTED = re.compile(  # 76 à la noire pointée, 80 bpm dotted quarter
    rf" ?[(,]? ?(?:(?:per|to the|on the|=) )?(?:dotted[ -](?:quarter|crotchet)(?: notes?)?s?"
    rf"|{_DOTTED})(?![a-z])\)?"
)
_FACTOR = re.compile(  # 80 bpm x2, 120 bpm / 2, 70 bpm doubled
    r" ?\(? ?(?:[x×*] ?(?P<by>2|1[.,]5|0[.,]5)|/ ?(?P<part>2)|(?P<double>2 ?[x×]|doubled)|"
    rf"(?P<half>halved))\)?{_ENDS}"
)
_CHANGES = re.compile(r"\b(?:accel|ramp|rit|rall|slow|speed|tempo)[a-z]*\.?(?: down| up)? $")
_TIMES = re.compile(r"(?<![a-z])tempo ?[:=]? ?\d(?:\.\d{1,3})? ?[x×]")  # 1.2x
# what numbers are called in languages of which they are not read
_PART = r"[^\W\d_]{0,24}"  # of a word
_OTHER_NUMBER = (
    rf"(?:{_PART}(?:fünfzig|sechzig|siebzig|achtzig|neunzig|hundert{_PART})|cincuenta|sesenta|"
    r"setenta|ochenta|noventa|ciento?|cien|cinquenta|sessenta|oitenta|cem|"
    rf"cento{_PART}|cinquanta|sessanta|settanta|ottanta|novanta|soixante|vingts?|nonante|cent|"
    rf"сто|{_PART}десят|девяносто|{_PART}(?:zestig|zeventig|tachtig|negentig|honderd)|"
    rf"{_PART}(?:sextio|sjuttio|åttio|nittio|hundra)|altmış|yetmiş|seksen|doksan|yüz|"
    rf"{_PART}dziesiąt)"
)
_IN_WORDS = re.compile(
    rf"(?<![^\W\d_]){_OTHER_NUMBER}(?:[ -][^\W\d_]{{1,12}}){{0,3}}[ -](?:bpm|бпм)(?![a-z])"
    r"|(?<![a-z])bpm ?[:=]? ?[〇零一二三四五六七八九十百]{2,5}"
    r"|[零一二三四五六七八九十百]{2,5} ?(?:bpm|拍[/每]分)"
)
_SURE = (_STEPPED, *_DECADES, _BEFORE_UNIT, _WORDS_BEFORE_UNIT, _BEHIND_NAME, _WORDS_BEHIND_NAME)
_LOOSE = (_BEHIND_AT, _BEHIND_SHARE, _BEHIND_BOUND, _BEHIND_WORD, _BEFORE_NAME, _TWICE)
_PATTERNS = (*_SURE, *_LOOSE)
_LEAST = r"above|at least|beyond|min\.?|minimum|mindestens|über"
_MOST = r"at most|below|höchstens|max\.?|maximum|sub|under|unter|up to"
_COMPARED = r"(?<!beat )(?<!feel )(?<!time )over|(?:faster|higher|less|lower|more|slower) than"
_BOUND = re.compile(
    rf"(?:\b(?:(?:no|not|never) )?(?:{_LEAST}|{_MOST}|{_COMPARED})(?: of)?:?|(?<![^\s(])[<>≤≥])"
    r"[ -]?$"
)
_BOUND_BEHIND = re.compile(
    r" ?\(?(?:(?:at )?(?:least|most)|max(?:imum)?|min(?:imum)?|tops|"
    r"or (?:above|below|faster|higher|less|lower|more|slower|under))(?![a-z])"
)
_UPWARDS = re.compile("above|beyond|fast|higher|least|min|more|over|über|[>≥]")
_SAID_UNIT = re.compile(r"b\W{0,2}p\W{0,2}m|beat")
_BEGINS = re.compile(r"(?:\b(?:from|von|de|da|от|accelerating)) $")
_BETWEEN = re.compile(r"\b(?:anywhere|somewhere|between|entre|zwischen|tra|между)\b")
_LIMITS = re.compile("[<≤≥]")
_RANGE = re.compile(
    r"-(?!>)|~|\.\.|to|bis|until|through| [aà] |hasta|até|jusqu|до|에서|から|[到至]"
)
_LEADS_TO = re.compile(  # "accelerates to", "slowing down to": where a tempo ends
    r"\b(?:accel|accél|acel|beschleunig|build|climb|drop|fall|increas|jump|"
    r"ramp|rall|rit|ris|slow|speed|switch)[^\W\d]*\.?(?: up| down)? "
    r"(?:to|till|until|auf|bis|a|à|hasta|até) $"
)
# "dnb 174", "house_128_Am_loop", "Gm, 92"
_GENRE = (
    r"(?:2-step|afrobeats?|amapiano|ambient|bachata|beat|blues|boom ?bap|bossa(?: nova)?|"
    r"breakbeat|breaks|chillhop|country|cumbia|d&b|dancehall|disco|dnb|downtempo|drill|"
    r"drum (?:and|&|n) bass|dub|dubstep|edm|electro|floor|folk|footwork|funk|gabber|garage|gospel|"
    r"grime|hardcore|hardstyle|hip[ -]?hop|house|hyperpop|jazz|juke|jungle|lo-?fi|loop|metal|phonk|"
    r"pop|psytrance|punk|r&b|rap|rave|reggae|reggaeton|rnb|rock|salsa|samba|soul|synthwave|techno|"
    r"trance|trap|ukg)"
)
_BARE = re.compile(r"(?<![^\s,;|([_-])\d{2,3}(?:\.\d{1,2})?(?=$|[\s,;|)\]_-]|[.!?](?:$|\s))")
_BARE_RANGE = re.compile(
    r"(?<![^\s,;|([_])(?P<low>\d{2,3}) ?- ?(?P<high>\d{2,3})(?=$|[\s,;|)\]_]|[.!?](?:$|\s))"
)
_GENRE_WITHIN = re.compile(rf"(?<![a-z]){_GENRE}(?![a-z])")
_GENRE_BEFORE = re.compile(rf"(?<![a-z]){_GENRE} $")
_GENRE_BEHIND = re.compile(rf" {_GENRE}(?= ?(?:$|[,;|)\]_]|- ))")
_PHRASE_BEFORE = re.compile(r"(?:^|[,;|([_]|[-/.!?] ) ?$")
_PHRASE_BEHIND = re.compile(r" ?(?:$|[,;|)\]_]|[-/] |[.!?](?!\d))")
_COUNTED = re.compile(r" ?(?:bars?|bits?|db|k?hz|kbps|min|minutes?|ms|percent|s|sec(?:onds?)?)\b")
_BOUNDS = ("at least", "at most")
_YEARS = 100  # below, what stands beside a genre may be a year: punk 77
_MACHINES = (101, 106)  # SH-101, and "jazz 101"; Juno-106
_NO_TEMPO_AT = re.compile(
    r"\b(?:aged|cutoff|filter(?:ed)?|levels?|live|mastered|mixed|rate|recorded|sampled|velocity|"
    r"volume|years) $"
)
_NOTES = {  # in quarters
    "♩.": 1.5,
    "♪": 0.5,
    "♪.": 0.75,
    "whole": 4.0,
    "half": 2.0,
    "blanche": 2.0,
    "eighth": 0.5,
    "croche": 0.5,
    "achtel": 0.5,
    "minim": 2.0,
    "quaver": 0.5,
    "halbe": 2.0,
    "blanca": 2.0,
    "corchea": 0.5,
}


class TempoMention(NamedTuple):
    """A place that names a tempo or several, in the order in which they are to be taken. `said`
    has no unit where that is bpm.
    """

    start: int
    end: int
    said: str
    values: tuple[float, ...]
    how: str = ""  # it was chosen among them
    is_denied: bool = False
    bound: str = ""  # at least, at most
    is_former: bool = False


def find_tempo(text: str, keys: Sequence[str] = ()) -> Said:
    """What a normalized text says of the tempo; `keys` are the places of it that name a key."""
    text = text.lower()
    named = sorted(_find_mentions(text))
    if not named and (times := _TIMES.search(text)):
        return Said(problems=(f"the prompt says {times[0]}: it was not taken, write it in bpm",))
    if not named and (spelt := _IN_WORDS.search(text)):
        problem = f"the prompt says {spelt[0]}: no tempo was taken from that"
        return Said(problems=(f"{problem}, write it in figures, like 92 bpm",))
    if not named:
        return _find_bare(text, [*dict.fromkeys(key.lower() for key in keys)])
    words = tuple(text[mention.start : mention.end] for mention in named)
    problems = limit_problems(filter(None, map(_find_problem, named)))
    taken = [mention for mention in named if not _find_problem(mention)]
    if not taken:
        return Said(problems=problems, words=words)
    said = join_said(mention.said for mention in taken)
    first, *others = sorted(taken, key=lambda mention: mention.is_former)
    tempos = list(dict.fromkeys(mention.values[0] for mention in (first, *others)))
    how = first.how or ("the first" if len(tempos) > 1 else "")
    if taken[0].is_former and not first.is_former:
        how = "the new one"
    elif len(tempos) == 2 and (first.bound, others[0].bound) in (_BOUNDS, _BOUNDS[::-1]):
        tempos = [sum(tempos) / 2]
        how = "the middle"
    value = f"{tempos[0]:.10g}"
    verdict = TAKEN if said == value else f"{value} was taken"
    return Said(value, f"{said} bpm", f"{verdict}, {how}" if how else verdict, problems, words)


def _find_bare(text: str, keys: Sequence[str]) -> Said:
    """A number without a unit, beside a genre or a key, where it is the only one of its size."""
    is_named = bool(keys) or bool(_GENRE_WITHIN.search(text))
    if is_named and (spanned := _find_bare_range(text)):
        return spanned
    bare = [each for each in _BARE.finditer(text) if AT_LOWEST <= float(each[0]) <= AT_HIGHEST]
    bare = [each for each in bare if not _COUNTED.match(text, each.end())]
    likely = next((each for each in bare if is_named and _is_likely(text, each, keys)), None)
    apart = [each for each in bare if _stands_apart(text, each, bool(keys))]
    if not likely and len(apart) != 1:
        return Said()
    number = likely[0] if likely else apart[0][0]
    is_sure = bool(likely) and len(bare) == 1 and (bool(keys) or float(number) >= _YEARS)
    if not is_sure:
        return Said(
            problems=(f"the prompt says {number}, which may be a tempo: write {number} bpm",)
        )
    value = f"{float(number):.10g}"
    return Said(value, number, "it was taken as bpm", words=(number,))


def _find_bare_range(text: str) -> Said | None:
    """The middle of "techno 138-142", where no other range is named."""
    found = [
        each
        for each in _BARE_RANGE.finditer(text)
        if AT_LOWEST <= float(each["low"]) < float(each["high"]) <= AT_HIGHEST
        and not _COUNTED.match(text, each.end())
    ]
    if len(found) != 1 or float(found[0]["high"]) > WIDEST * float(found[0]["low"]):
        return None
    said = found[0][0]
    if float(found[0]["high"]) < _YEARS:
        problem = f"the prompt says {said}, which may be a tempo: write {said} bpm"
        return Said(problems=(problem,))
    value = f"{(float(found[0]['low']) + float(found[0]['high'])) / 2:.10g}"
    return Said(value, f"{said} bpm", f"{value} was taken, the middle", words=(said,))


def _stands_apart(text: str, number: re.Match[str], has_key: bool) -> bool:
    """Whether it is a phrase by itself; with a key, whether the prompt begins with it."""
    before, after = look_back(text, number.start()), look_ahead(text, number.end())
    if float(number[0]) in _MACHINES or not _PHRASE_BEFORE.search(before):
        return False
    return bool(_PHRASE_BEHIND.match(after)) or (has_key and not before)


def _is_likely(text: str, number: re.Match[str], keys: Sequence[str]) -> bool:
    """Whether it stands where titles and names of samples have their tempo."""
    before, after = look_back(text, number.start()), look_ahead(text, number.end())
    if float(number[0]) in _MACHINES:
        return False
    begins, ends = bool(_PHRASE_BEFORE.search(before)), bool(_PHRASE_BEHIND.match(after))
    is_behind_key = before[-1:] in tuple(" -_") and any(
        before[:-1].endswith(key) and not before[: -len(key) - 1][-1:].isalpha() for key in keys
    )
    is_before_key = after[:1] in tuple(" -_") and any(
        after.startswith(key, 1) and not after[len(key) + 1 :][:1].isalpha() for key in keys
    )
    is_before_key = is_before_key or (bool(keys) and after.startswith(" in "))
    if ends:
        return begins or is_behind_key or bool(_GENRE_BEFORE.search(before))
    is_led = begins or is_behind_key or bool(_GENRE_BEFORE.search(before))
    return is_led and (is_before_key or bool(_GENRE_BEHIND.match(after)))


def _find_problem(mention: TempoMention) -> str:
    """Why nothing is taken of it; "" where something is."""
    if mention.is_denied:
        return f"the prompt denies {mention.said} bpm: no tempo was taken from that"
    if not mention.values:
        return (
            f"the prompt says {mention.said} bpm: it was not taken, a tempo is in "
            f"{LOWEST:g}..{HIGHEST:g}"
        )
    return ""


def _find_mentions(text: str) -> Iterator[TempoMention]:
    """Every place once: where forms overlap, that with the plainest unit. Of "5 BPM 120" the 5 is
    no tempo, and nothing is said of it.
    """
    taken = Places(text)
    without_value = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            if taken.overlap(*match.span()):
                continue
            mention = _read_mention(text, match, is_sure=pattern in _SURE)
            if mention and (mention.values or pattern is _STEPPED):
                taken.take(mention.start, mention.end)
                yield mention
            elif mention:
                without_value.append(mention)
    for mention in without_value:
        if not taken.overlap(mention.start, mention.end):
            taken.take(mention.start, mention.end)
            yield mention


def _read_mention(text: str, match: re.Match[str], is_sure: bool) -> TempoMention | None:
    """None for what is no tempo. `is_sure`: a word says that it is one."""
    groups = match.groupdict()
    before = look_back(text, match.start())
    if words := groups.get("words"):
        spelled = [value for value in [_read_words(words)] if LOWEST <= value <= HIGHEST]
        if not spelled and match[0] == f"bpm {words}":
            return None  # low bpm one drop
        return TempoMention(
            *match.span(), words, tuple(spelled), is_denied=is_denied(text, *match.span())
        )
    if decade := groups.get("decade"):
        value = float(decade) + _PARTS.get(groups["part"] or "", 5)
        told = f"{groups['part'] or 'the'} {decade}s"
        return TempoMention(
            *match.span(), told, (value,), "about the middle", is_denied(text, *match.span())
        )
    if match.re is _STEPPED:
        is_speed = match["way"] in ("slower", "faster", "quicker")
        is_sure = is_speed or not match["percent"] or bool(match["said"])
        if not is_sure and not re.match(_ENDS, text[match.end() :]):
            return None  # 50% more than 100 voices
        told = text[match.start() : match.end("numbers")]
        tempo = _take_step(match, _read_number(groups["numbers"]))
        return TempoMention(*match.span(), told, _allow(tempo), "", is_denied(text, *match.span()))
    is_sure = is_sure or (
        match.re is _BEHIND_BOUND and match[0].startswith(("tempo", "faster", "slower"))
    )
    low, high = (LOWEST, HIGHEST) if is_sure else (AT_LOWEST, AT_HIGHEST)
    numbers = groups["numbers"] + (groups.get("goal") or "")
    factor = _read_note(groups.get("note") or "")
    read = [factor * _read_number(number) for number in re.findall(_NUMBER, numbers)]
    allowed = [number for number in read if low <= number <= high]
    is_named = before[-2:-1].isalpha()
    is_behind = " / " in numbers and (is_named or not allowed)
    if match.re is _BEFORE_UNIT and is_behind and read[-1] not in allowed:
        allowed = []  # Route 66 / 372 bpm / 2
        read, numbers = read[-1:], numbers.rpartition(" / ")[2]
    if not is_sure and (not allowed or _NO_TEMPO_AT.search(before)):
        return None
    is_high = match.re is _BEHIND_NAME and HIGHEST < max(read) < MOST_SAID
    if not allowed and not is_high and not _SAID_UNIT.search(match[0]):
        return None  # tempo 4/4
    if match.re is _BEHIND_AT and len(read) < 2 and _BETWEEN.match(match[0]):
        return None  # between 100 and 120 voices
    if match.re in (_BEHIND_WORD, _TWICE) and len(allowed) < len(read):
        return None  # from 100 to 0
    if match[0].startswith("from") and match.re is _BEHIND_WORD:
        is_years = max(read) < _YEARS and not _CHANGES.search(before)
        if len(read) < 2 or is_years:
            return None
    if match.re is _TWICE and allowed[-1] != 2 * allowed[0]:
        return None
    is_between = bool(_BETWEEN.search(f"{before[-9:]}{match[0]}"))
    begins = bool(_BEGINS.search(before)) or bool(re.search(" from | change", match[0]))
    begins = begins or bool(match[0].startswith("from") and _WITHIN.match(text, match.end()))
    mention = TempoMention(
        *match.span(),
        _quote(match, numbers, allowed, factor),
        *_choose(allowed, numbers, begins and not is_between, is_between, is_named),
        is_denied(text, *match.span()),
        is_former=bool(_FORMER.search(before)),
    )
    if allowed:
        return _read_around(text, match, mention)
    if read:  # half of 310 bpm
        meant = _read_around(text, match, mention._replace(values=(read[0],)))
        return meant if _allow(*meant.values) else mention
    return mention


def _allow(*tempos: float) -> tuple[float, ...]:
    """Those that a request allows."""
    return tuple(tempo for tempo in tempos if LOWEST <= tempo <= HIGHEST)


def _quote(match: re.Match[str], numbers: str, allowed: Sequence[float], factor: float) -> str:
    """What is said of a tempo, without its unit."""
    if factor != 1:
        return f"{re.split('=| à ', match[0])[0].strip()} = {numbers}"
    return f"{allowed[0]:.10g}" if len(allowed) == 1 else numbers


def _read_around(text: str, match: re.Match[str], mention: TempoMention) -> TempoMention:
    """With what stands in front of a tempo and behind it, and says that another one is meant."""
    before = look_back(text, match.start())
    said, first = mention.said, mention.values[0]
    is_number = match[0][0].isdigit()
    if is_number and _LEADS_TO.search(before):
        return mention._replace(said=f"to {said}", how="where it leads")
    if share := _SHARE.search(before) or _BEHIND_SHARE.match(match[0]):
        tempo = first / 2 if share["multiple"] == "half" else first * 2
        told = f"{share[0].strip()} {said}" if share.re is _SHARE else match[0]
        return mention._replace(said=told, values=_allow(tempo), how="")
    if match.re is _BEFORE_UNIT and (per := _PER_DOTTED.match(text, match.end())):
        return _scale(mention, per, 1.5)
    if factor := _FACTOR.match(text, match.end()):
        return _scale(mention, factor, _read_factor(factor))
    if meant := _MEANT.match(text, match.end()):
        tempo = _read_number(meant["meant"])
        if tempo in (2 * first, first / 2):
            told = f"{said} ({meant['word'].strip()} {meant['meant']})"
            return mention._replace(end=meant.end(), said=told, values=(tempo,), how="")
    if limit := _LIMITS.search(match[0]):
        return _bound(mention, limit[0], f"{limit[0]} {said}")
    if match.re is _BEHIND_BOUND:
        denial = "no " if re.search(r"\b(?:never|not?) $", before) else ""
        bounded = _bound(mention, denial + match[0], f"{denial}{match[0]}")
        return bounded._replace(is_denied=False)
    if is_number and (bound := _BOUND.search(before)):
        return _bound(mention, bound[0], f"{bound[0].rstrip()} {said}")
    if behind := _BOUND_BEHIND.match(text, match.end()):
        mention = _bound(mention, behind[0], "")
        return mention._replace(said=f"{mention.bound} {said}")
    return mention


def _scale(mention: TempoMention, behind: re.Match[str], factor: float) -> TempoMention:
    """So many times a tempo, as what stands behind it says."""
    tempo = factor * mention.values[0]
    values = _allow(tempo)
    told = f"{mention.said} ({behind[0].strip(' (),')})"
    return mention._replace(end=behind.end(), said=told, values=values, how="")


def _read_factor(factor: re.Match[str]) -> float:
    if factor["by"]:
        return _read_number(factor["by"])
    return 2.0 if factor["double"] else 0.5


def _take_step(stepped: re.Match[str], tempo: float) -> float:
    """The tempo that is told by another: so many bpm or percent above or below it."""
    step = _read_number(stepped["step"]) * (
        -1 if stepped["way"] in ("slower", "less", "lower") else 1
    )
    return round(tempo * (1 + step / 100) if stepped["percent"] else tempo + step, 2)


def _bound(mention: TempoMention, words: str, said: str) -> TempoMention:
    """A tempo that is the highest or the lowest; "no less than" is the lowest."""
    is_least = bool(_UPWARDS.search(words)) != words.startswith(("no", "never"))
    return mention._replace(said=said, how="the bound", bound=_BOUNDS[not is_least])


def _choose(
    tempos: list[float], written: str, begins: bool, is_between: bool, is_named: bool
) -> tuple[tuple[float, ...], str]:
    """The tempos with the one first that is taken, and how that was chosen."""
    if len(tempos) < 2:
        return tuple(tempos), ""
    first, last = tempos[0], tempos[-1]
    spans = first < last <= WIDEST * first
    is_range = spans and (is_between or bool(_RANGE.search(written)))
    is_octave = last in (2 * first, first / 2)
    is_title = " / " in written and is_named and not is_octave  # Route 66 / 60 bpm
    if is_title or (" - " in written and not is_range) or ("(" in written and not is_octave):
        return (last,), ""  # a name before it: "Track 140 - 90 bpm", "Track 66 (90) bpm"
    if is_range and not begins and "→" not in written and "->" not in written:
        return (round((first + last) / 2, 2), *tempos), "the middle"
    return tuple(tempos), "the first"


def _read_number(written: str) -> float:
    """128,5 as 128.5, and 92,500 as 92.5; of 4,120 the 120, and 1,200 as 1200."""
    whole, comma, rest = written.partition(",")
    if len(whole) == 1 and len(rest) == 3 and (rest[0] == "0" or rest.endswith("00")):
        return float(whole + rest)
    if comma and len(rest) == 3 and LOWEST <= float(rest) <= HIGHEST:
        return float(rest)
    return float(f"{whole}.{rest}" if comma else written)


def _read_note(note: str) -> float:
    """How many quarters it lasts; 1 for none."""
    plain = re.sub(rf" {_DOTTED}$", "", re.sub("^(?:dotted|punktierte) ", "", note))
    is_dotted = plain != note
    name = plain.removesuffix("note").rstrip(" -")
    return _NOTES.get(name, 1.0) * (1.5 if is_dotted else 1.0)


def _read_words(words: str) -> float:
    """Ninety-two; one hundred and twenty; one twenty. 0 for "a" alone."""
    total = 0
    for word in words.replace("-", " ").split():
        if word == "hundred":
            total = 100 * max(total, 1)
        elif word in _VALUES:
            value = _VALUES[word]
            if 0 < total < 10 <= value:  # one twenty
                total *= 100
            total += value
    return float(total)
