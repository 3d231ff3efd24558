"""Who a prompt wants to sing: "female vocals", "sung by a man", "soprano"."""

from __future__ import annotations

import re

from .denials import is_denied
from .said import Said, fold_accents, normalize

_WHO = {
    "woman": "female|woman|women|girl|girls|lady|feminine",
    "man": "male|man|men|boy|boys|masculine",
}
_REGISTERS = {"woman": "soprano|mezzo|alto|contralto|diva", "man": "tenor|baritone"}
_VOICE = "(?:vocal|voice|singer|vocalist|vox|rapper|choir|sing|singing|sung)s?"
# in other languages, without accents
_ELSEWHERE = {
    "woman": (
        r"frauen(?:stimmen?|gesang|chor)|weibliche[mnrs]? (?:stimmen?|gesang|vocals?)|sangerin|"
        r"voix (?:de femmes?|feminines?)|chanteuse|"
        r"voz (?:femenina|de mujer|feminina|de mulher)|vocal(?:es)? femenin[ao]s?|"
        r"voc[ei] (?:femminil[ei]|di donna)|vrouwenstem|zangeres|vrouwelijke (?:stem|zang)|"
        r"kvinnlig sang|kvinnorost|kobiecy (?:wokal|glos)|zensky (?:vokal|hlas)|"
        r"женск\w{2,3} (?:вокал\w?|голос\w{0,2})|певиц\w|kadın (?:vokal|sesi)"
    ),
    "man": (
        r"manner(?:stimmen?|gesang|chor)|mannliche[mnrs]? (?:stimmen?|gesang|vocals?)|"
        r"voix (?:d'hommes?|masculines?)|chanteur|"
        r"voz (?:masculina|de hombre|de homem)|vocal(?:es)? masculin[ao]s?|"
        r"voc[ei] (?:maschil[ei]|di uomo)|mannenstem|mannelijke (?:stem|zang)|"
        r"manlig sang|mansrost|meski (?:wokal|glos)|muzsky (?:vokal|hlas)|"
        r"мужск\w{2,3} (?:вокал\w?|голос\w{0,2})|erkek (?:vokal|sesi)"
    ),
}
_IN_ASIA = {  # whose words do not stand apart
    "woman": "女声|女聲|女性 ?(?:ボーカル|ヴォーカル)|(?:여성|여자) ?보컬",
    "man": "男声|男聲|男性 ?(?:ボーカル|ヴォーカル)|(?:남성|남자) ?보컬",
}
# a tenor saxophone sings nothing
_NO_INSTRUMENT = (
    "(?! (?:sax|saxophone|horn|guitar|drum|flute|clarinet|trombone|recorder|ukulele|banjo|trumpet)"
    "s?\\b)"
)
_SINGERS = {
    singer: rf"(?:{who})(?:'s)?(?: (?!but\b)[a-z]+){{0,2}} {_VOICE}"
    rf"|{_VOICE}(?: (?:by|from|of|is|a|an|the))* (?:{who})"
    rf"|(?:{_REGISTERS[singer]}){_NO_INSTRUMENT}"
    rf"|{_ELSEWHERE[singer]}"
    for singer, who in _WHO.items()
}
_SINGER = re.compile(
    "|".join(
        rf"\b(?P<{who}>{words})\b|(?P<{who}_in_asia>{_IN_ASIA[who]})"
        for who, words in _SINGERS.items()
    )
)


def find_singer(prompt: str) -> Said:
    """Who a prompt wants to sing: "man" or "woman", or "" where it does not say. The last one that
    it names, and does not exclude, counts.
    """
    plain = fold_accents(normalize(prompt).lower()).replace("’", "'")
    text = " ".join(re.sub(r"[^\w,.;!?']+|_", " ", plain).split())
    found = [match for match in _SINGER.finditer(text) if not is_denied(text, *match.span())]
    if not found:
        return Said()
    said = found[-1][0]
    singer = (found[-1].lastgroup or "").removesuffix("_in_asia")
    return Said(singer, said, words=tuple(match[0] for match in found))
