"""Who a prompt wants to sing: "female vocals", "sung by a man", "soprano"."""

from __future__ import annotations

import re

from .said import Said, look_back

_WHO = {
    "woman": "female|woman|women|girl|girls|lady|feminine",
    "man": "male|man|men|boy|boys|masculine",
}
_REGISTERS = {"woman": "soprano|mezzo|alto|contralto|diva", "man": "tenor|baritone"}
_VOICE = "(?:vocal|voice|singer|vocalist|vox|rapper|choir|sing|singing|sung)s?"
# a tenor saxophone sings nothing
_NO_INSTRUMENT = (
    "(?! (?:sax|saxophone|horn|guitar|drum|flute|clarinet|trombone|recorder|ukulele|banjo|trumpet)"
    "s?\\b)"
)
_SINGERS = {
    singer: rf"(?:{who})(?: [a-z]+){{0,2}} {_VOICE}"
    rf"|{_VOICE}(?: (?:by|from|of|is|a|an|the))* (?:{who})"
    rf"|(?:{_REGISTERS[singer]}){_NO_INSTRUMENT}"
    for singer, who in _WHO.items()
}
_SINGER = re.compile("|".join(rf"\b(?P<{who}>{words})\b" for who, words in _SINGERS.items()))
_DENIED = re.compile(
    r"\b(?:no|not|without|never|minus|isn t|don t (?:want|use)|instead of|rather than)"
    r"(?: (?:a|an|any|the|more))* $"
)


def find_singer(prompt: str) -> Said:
    """Who a prompt wants to sing: "man" or "woman", or "" where it does not say. The last one that
    it names, and does not exclude, counts.
    """
    text = " ".join(re.sub(r"[^a-z0-9,.;!?]+", " ", prompt.lower()).split())
    found = [
        match
        for match in _SINGER.finditer(text)
        if not _DENIED.search(look_back(text, match.start()))
    ]
    if not found:
        return Said()
    said = found[-1][0]
    return Said(found[-1].lastgroup or "", said, words=tuple(match[0] for match in found))
