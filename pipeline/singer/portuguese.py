"""Portuguese words become syllables, as they are sung in Brazil.

Spelling tells the stress and every sound but open and closed e and o, and some x.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from .spelling import SpellingRules
from .syllables import Syllable, make_onsets, stress_one, syllabify, weaken

ONSETS = make_onsets("P-DX P-L B-DX B-L T-DX D-DX K-DX K-L G-DX G-L F-DX F-L V-DX", glides="Y W")
WEAK = frozenset(
    "o a os as um uma uns umas de do da dos das em no na nos nas ao aos à às por pelo "
    "pela com sem para pra pro e ou mas que se me te lhe meu minha teu tua seu sua é são "
    "foi não como quando onde porque eu".split()
)
_OTHER = {"muito": "mũito", "muita": "mũita", "muitos": "mũitos", "muitas": "mũitas"}
RULES = SpellingRules(
    """
    [ão] AN W; [ãe] AN Y; [ãi] AN Y; [ã] AN
    [ám]K AN1; [án]C AN1; [ái] AY1; [á] A1
    [âm]K AN1; [ân]C AN1; [â] A1
    [à] A
    [am]# AN W; [am]K AN; [an]C AN; [an]# AN; [a]inC A; [a]inh A; [a]ir# A; [ai] AY; [au] AW;
        [al]L AW; [al]# AW; [a] A
    [b] B
    [ch] SH; [c]F S; [c] K
    [ç] S
    [d]I JH; [d]e# JH; [d]es# JH; [d] D
    [ém]# EN1 Y; [én]s# EN1 Y; [éu] EH1 W; [éi] EY1; [é] EH1
    [êm]K EN1; [ên]C EN1; [êm]# EN1 Y; [ê] E1
    [em]# EN Y; [en]s# EN Y; [em]K EN; [en]C EN; [ei] EY; [eu] E W; [el]L E W; [el]# E W; [e]# IY;
        [e]s# IY; [e] E
    [f] F
    [gu]F G; [gu]A G W; [g]F ZH; [g] G
    [h] -
    [ím]K IN1; [ín]C IN1; [í] IY1
    [im]# IN; [im]K IN; [in]C IN; [in]# IN; [il]# IY W; [iu] IY W; [i] IY
    [j] ZH
    [k] K
    [lh] LY; V[l]L W; V[l]# W; [l] L
    [m] M
    [nh] NY; [n] N
    [õe] ON Y; [õ] ON
    [óm]K ON1; [ón]C ON1; [ói] OY1; [ó] AO1
    [ôm]K ON1; [ôn]C ON1; [ô] O1
    [om]# ON; [om]K ON; [on]C ON; [oi] OY; [ou] O; [o]# UW; [o]s# UW; [o] O
    [ph] F; [p] P
    [qu]F K; [qu] K W; [q] K
    #[r] HH; [rr] HH; N[r] HH; [r] DX
    [sc]F S; [ss] S; V[s]V Z; [s] S
    [t]I CH; [t]e# CH; [t]es# CH; [t] T
    [úm]K UN1; [ún]C UN1; [ú] UW1
    [ũi] UN Y; [ũ] UN
    [um]# UN; [um]K UN; [un]C UN; [un]s# UN; [ui] UW Y; [u] UW
    [v] V
    [w] W
    #e[x]V Z; ó[x]im S; o[x]im S; á[x]im S; á[x]i K S; se[x]V K S; [x]C S; [x] SH
    [y]V Y; [y] IY
    [z]# S; [z] Z
    """,
    V="aeiouáâàãéêíóôõú",
    F="eiyéêí",
    I="iíy",
    A="aoáâãóôõ",
    C="bcçdfgjklpqrstvxz",
    K="bpmn",
    L="bcçdfgjkmnpqrstvxz",
    N="nls",
)


def pronounce(words: Sequence[str]) -> list[tuple[Syllable, ...]]:
    """The syllables of a line's words, in lower case."""
    return [_pronounce_one(word) for word in words]


@functools.lru_cache(maxsize=4096)
def _pronounce_one(word: str) -> tuple[Syllable, ...]:
    spelled = _OTHER.get(word, word)
    is_accented = any(letter in "áâéêíóôú" for letter in word)
    if is_accented:  # ia and io at the end are two syllables where no accent is written
        for ending in ("ia", "io", "ias", "ios"):
            if spelled.endswith(ending):
                spelled = f"{spelled[: -len(ending)]}y{ending[1:]}"
    syllables = syllabify(RULES.read(spelled), ONSETS)
    if word in WEAK:
        return weaken(syllables)
    if any(syllable.stress for syllable in syllables):
        return syllables
    if "ã" in word or "õ" in word:
        return stress_one(syllables, _find_tilde(syllables))
    is_open = word.endswith(("a", "e", "o", "as", "es", "os", "am", "em", "ens"))
    return stress_one(syllables, -2 if is_open else -1)


def _find_tilde(syllables: Sequence[Syllable]) -> int:
    """The last syllable with a nasal vowel that is written with a tilde: the last one of those."""
    nasal = [place for place, each in enumerate(syllables) if each.vowel in ("AN", "ON", "UN")]
    return nasal[-1] if nasal else -1
