"""Spanish words become syllables, as most of the Spanish-speaking world sings them: c and z are S.

Rules of the orthography of the RAE: spelling tells every sound and the stress.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from .spelling import SpellingRules
from .syllables import SECONDARY, Syllable, make_onsets, stress_one, syllabify, weaken

ONSETS = make_onsets("P-DX P-L B-DX B-L T-DX D-DX DH-DX K-DX K-L G-DX G-L F-DX F-L", glides="Y W")
WEAK = frozenset(
    "el la los las lo un una unos unas de del a al en con por para sin y e o u ni que si "
    "se me te le les nos mi mis tu tus su sus es son como pero porque cuando donde "
    "aunque hasta desde entre".split()
)
_LEAST_STEM = 2  # letters
RULES = SpellingRules(
    """
    [ái] AY1; [áu] AW1; [á] A1
    [ai] AY; [ay]# AY; [au] AW; [a] A
    [b] B
    [ch] CH; [cc]F K S; [c]F S; [c] K
    V[d]W DH; V[d]# DH; V[d]r DH; [d] D
    [éi] EY1; [é] E1
    [ei] EY; [ey]# EY; [eu] E W; [e] E
    [f] F
    [gu]F G; [g]F X; [g] G
    #[hi]V Y; #[hu]V W; [h] -
    [í] IY1
    [i]V Y; [i] IY
    [j] X
    [k] K
    [ll] Y; [l] L
    [mm] M; [m] M
    [n]cF N; [n]K NG; [n]b M; [n]v M; [n] N
    [ñ] NY
    [ói] OY1; [ó] O1
    [oi] OY; [oy]# OY; [o] O
    [p]s# P; #[ps] S; [p] P
    [qu] K; [q] K
    #[r] RR; [rr] RR; N[r] RR; [r] DX
    [sc]F S; #[s]K S; [s] S
    [t] T
    [ú] UW1
    [uy]# W IY; [u]V W; [u] UW
    [ü] W
    [v] B
    [w] W
    é[x]ic X; e[x]ic X; #[x] S; [x] K S
    #[y]# IY; [y]V Y; [y] IY
    [z] S
    """,
    V="aeiouáéíóúü",
    W="aeiouáéíóúhy",
    F="eiéí",
    K="cgjkqx",
    N="nls",
)


def pronounce(words: Sequence[str]) -> list[tuple[Syllable, ...]]:
    """The syllables of a line's words, in lower case."""
    return [_pronounce_one(word) for word in words]


@functools.lru_cache(maxsize=4096)
def _pronounce_one(word: str) -> tuple[Syllable, ...]:
    adjective = word.removesuffix("mente")
    if adjective != word and len(adjective) > _LEAST_STEM:  # fácilmente is stressed twice
        return weaken(_pronounce_one(adjective), to=SECONDARY) + _pronounce_one("mente")
    syllables = syllabify(RULES.read(word), ONSETS)
    if word in WEAK:
        return weaken(syllables)
    if any(syllable.stress for syllable in syllables):
        return syllables
    return stress_one(syllables, -2 if word.endswith(tuple("aeiouns")) else -1)
