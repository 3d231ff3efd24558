"""Polish words become syllables: spelling tells every sound, and the stress falls on the last
syllable but one, except for the past tense's longer endings and a few words.

What is voiced loses its voice before what is not, and at a word's end. The prepositions w and z,
which are no syllables where people speak, are short ones here.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from .spelling import SpellingRules
from .syllables import Syllable, make_onsets, stress_one, syllabify, weaken

ONSETS = make_onsets(
    "P-DX P-L P-W P-SH P-S B-DX B-L B-W B-ZH T-DX T-F T-W T-SH D-DX D-W D-V D-L D-ZH K-DX K-L K-W "
    "K-F K-SH K-T G-DX G-L G-W G-D G-ZH G-V F-DX F-L F-SH F-S X-DX X-L X-W X-F X-SH S-P S-T S-K "
    "S-F S-M S-N S-L S-W S-TS S-X S-T-DX S-P-DX S-K-DX SH-P SH-T SH-K SH-L SH-CH C-P C-F C-M C-L "
    "C-CH C-N C-NY C-DX Z-B Z-D Z-G Z-L Z-M Z-N Z-V Z-W Z-DX M-W M-NY M-L M-N V-DX V-L V-W V-Z "
    "CH-F CH-T CH-W ZH-W ZH-L",
    glides="Y",
)
WEAK = frozenset(
    "a i o u w z we ze na do od po za pod nad przy przez dla bez że się mi ci mu go jej ich im "
    "mnie cię nas was nam wam ten ta to te ja ty my wy on ona ono oni nie niech by aby żeby gdy bo "
    "lub czy ale lecz jest są był jak co mój twój swój".split()
)
_EARLY = frozenset("muzyka muzyki muzykę muzyką ameryka ameryki amerykę afryka afryki".split())
_EARLY_ENDINGS = tuple(
    "liśmy łyśmy liście łyście łbym łbyś łabym łabyś łaby łoby liby łyby".split()
)
RULES = SpellingRules(
    """
    [au] AW; [a] A
    [ą]P AO M; [ą]K AO NG; [ą]L AO; [ą]ch ON; [ą]ć AO NY; [ą]ci AO NY; [ą]dź AO NY; [ą]dzi AO NY;
        [ą]T AO N; [ą] ON
    [b]U P; [b] B
    [ch] X; [cz] CH; [ci]V CH; [c]i CH; [c] TS
    [ć] CH
    [dź]U CH; [dź] JH; [dż]U CH; [dż] JH; [dzi]V JH; [dz]i JH; [dz]U TS; [dz] DZ; [d]U T; [d] D
    [eu] EH W; [e] EH
    [ę]# EH; [ę]P EH M; [ę]K EH NG; [ę]L EH; [ę]ch EN; [ę]ć EH NY; [ę]ci EH NY; [ę]dź EH NY;
        [ę]dzi EH NY; [ę]T EH N; [ę] EN
    [f] F
    [g]U K; [g] G
    [h] X
    [i]V Y; [i] IY
    [j] Y
    [k]ż G; [k] K
    [l] L
    [ł] W
    [m] M
    [ni]V NY; [n]i NY; [n]K NG; [n] N
    [ń] NY
    [o] AO
    [ó] UW
    [p] P
    [q] K
    S[rz] SH; [rz]U SH; [rz] ZH; #[r] RR; [r] DX
    [sz] SH; [si]V C; [s]i C; [s] S
    [ś]b ZH; [ś] C
    [t] T
    [u] UW
    [v] V
    #[w]# V; cz[w] F; sz[w] F; S[w] F; [w]U F; [w] V
    [x] K S
    [y] IH
    #[z]# Z; [zi]V ZH; [z]i ZH; [z]U S; [z] Z
    [ź]U C; [ź] ZH
    [ż]U SH; [ż] ZH
    """,
    V="aąeęoóuy",
    P="pb",
    T="tdc",
    K="kg",
    L="lł",
    S="pktcsfhćś",
    U="pktcsfhćś#",  # before what has no voice, and at the end
)


def pronounce(words: Sequence[str]) -> list[tuple[Syllable, ...]]:
    """The syllables of a line's words, in lower case."""
    return [_pronounce_one(word) for word in words]


@functools.lru_cache(maxsize=4096)
def _pronounce_one(word: str) -> tuple[Syllable, ...]:
    syllables = syllabify(RULES.read(word), ONSETS)
    if word in WEAK:
        return weaken(syllables)
    is_early = word in _EARLY or word.endswith(_EARLY_ENDINGS)
    return stress_one(syllables, -3 if is_early else -2)
