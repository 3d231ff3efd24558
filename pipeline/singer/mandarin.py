"""Mandarin becomes syllables, of pinyin with or without tones, or of Chinese characters.

Tones are not sung: the melody takes their place. The first syllable of a word has the stress.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence

from .spelling import read_entries
from .syllables import PRIMARY, SECONDARY, UNSTRESSED, Syllable, syllabify

NEUTRAL = frozenset("de le ma ne ba la a zhe men zi ya".split())  # syllables without a tone
_INITIALS = read_entries(
    "b B; p P; m M; f F; d D; t T; n N; l L; g G; k K; h X; j JH; q CH; x C; zh JH; ch CH; sh SH; "
    "r R; z DZ; c TS; s S"
)
# glide, vowel and coda
_FINALS = read_entries(
    "a A; o AO; e EU; i IY; u UW; ü UE; ê EH; ai AY; ei EY; ao AW; ou OW; an A N; en AX N; ang "
    "AA NG; eng AX NG; ong UH NG; er AA R; ia Y A; ie Y EH; iao Y AW; iu Y OW; iou Y OW; ian Y "
    "EH N; in IY N; iang Y AA NG; ing IY NG; iong Y UH NG; ua W A; uo W AO; uai W AY; ui W EY; "
    "uei W EY; uan W A N; un W AX N; uen W AX N; uang W AA NG; ueng W AX NG; üe WY EH; üan WY EH "
    "N; ün UE N"
)
_WHOLE = "a o e ê ai ei ao ou an en ang eng er".split()  # finals that are syllables
_BUZZED = {"z", "c", "s", "zh", "ch", "sh", "r"}  # i behind them is no ee
_MACRON, _ACUTE, _CARON, _GRAVE = "\u0304\u0301\u030c\u0300"  # combining
_TONE_MARKS = frozenset((_MACRON, _ACUTE, _CARON, _GRAVE))
_TONES = _TONE_MARKS | frozenset("12345")
_LONGEST = 6  # letters of a syllable


def _list_syllables() -> dict[str, list[str]]:
    """Every syllable as pinyin spells it, with its phonemes."""
    finals = {final: sound.split() for final, sound in _FINALS.items()}
    sounds = {final: finals[final] for final in _WHOLE}
    for final, phonemes in finals.items():
        for initial, consonant in _INITIALS.items():
            if initial in ("j", "q", "x"):
                if final[0] in "iü":
                    sounds[initial + final.replace("ü", "u")] = [consonant, *phonemes]
            elif final == "i" and initial in _BUZZED:
                sounds[f"{initial}i"] = [consonant, "IX"]
            else:
                sounds[initial + final] = [consonant, *phonemes]
    for final, phonemes in finals.items():  # without an initial
        if final[0] == "ü":
            sounds[f"yu{final[1:]}"] = phonemes
        elif final[0] == "i":
            sounds["y" + (final if final in ("i", "in", "ing") else final[1:])] = phonemes
        elif final[0] == "u":
            sounds["w" + (final if final == "u" else final[1:])] = phonemes
    return sounds


_SYLLABLES = _list_syllables()


def pronounce(words: Sequence[str]) -> list[tuple[Syllable, ...]]:
    """The syllables of words in pinyin, in lower case; none of a word that is something else."""
    return [_pronounce_one(word) for word in words]


def is_toned(word: str) -> bool:
    """Whether a word is pinyin with tone marks: not café, as acute and grave accents alone must
    stand on every syllable.
    """
    marks = [letter for letter in unicodedata.normalize("NFD", word) if letter in _TONE_MARKS]
    syllables = _pronounce_one(word.lower()) if marks else ()
    is_marked = len(marks) == len(syllables) or not {_MACRON, _CARON}.isdisjoint(marks)
    return bool(syllables) and is_marked


def spell_characters(characters: str) -> list[str]:
    """The pinyin of Chinese characters, one each, as they are read beside each other."""
    from pypinyin import lazy_pinyin  # half a second: only who sings characters waits for it

    return [str(pinyin) for pinyin in lazy_pinyin(characters)]


@functools.lru_cache(maxsize=4096)
def _pronounce_one(word: str) -> tuple[Syllable, ...]:
    plain = unicodedata.normalize("NFC", _remove_tones(word)).replace("v", "ü")
    pinyin = [each for part in plain.split("'") for each in _divide(part)]
    phonemes = [_SYLLABLES[each] for each in pinyin]
    syllables = [syllable for each in phonemes for syllable in syllabify(each, frozenset())]
    for place, each in enumerate(pinyin):
        stress = SECONDARY if place else PRIMARY
        if each in NEUTRAL and (place or word in NEUTRAL):
            stress = UNSTRESSED
        syllables[place] = syllables[place]._replace(stress=stress)
    return tuple(syllables)


def _remove_tones(word: str) -> str:
    letters = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in letters if letter not in _TONES)


def _divide(word: str) -> list[str]:
    """nihao -> ni, hao: long syllables first. None where it is no pinyin."""
    divided: list[list[str] | None] = [None] * len(word) + [[]]  # of what begins there
    for begin in range(len(word) - 1, -1, -1):
        for end in range(min(begin + _LONGEST, len(word)), begin, -1):
            rest = divided[end]
            if rest is not None and word[begin:end] in _SYLLABLES:
                divided[begin] = [word[begin:end], *rest]
                break
    return divided[0] or []
