"""Italian words become syllables.

Spelling tells every sound but open and closed e and o, and s and z between vowels, which are sung
as in the north. It tells the stress only where it writes an accent: else it falls on the last
syllable but one, except for the endings and words below.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from .spelling import SpellingRules
from .syllables import Syllable, make_onsets, stress_one, syllabify, weaken

ONSETS = make_onsets(
    "P-DX P-L B-DX B-L T-DX D-DX K-DX K-L G-DX G-L F-DX F-L V-DX S-P S-T S-K S-F S-P-DX S-P-L "
    "S-T-DX S-K-DX S-K-L S-F-DX Z-B Z-D Z-G Z-L Z-M Z-N Z-V Z-B-DX Z-G-DX",
    glides="Y W",
)
WEAK = frozenset(
    "il lo la i gli le un uno una di a da in con su per tra fra e ed o ma che se non mi "
    "ti si ci vi ne me te del dello della dei degli delle al allo alla ai agli alle dal "
    "dalla dai nel nello nella nei nelle sul sulla sui sulle è sono ho hai ha come "
    "quando mio mia tuo tua suo sua".split()
)
# Stressed on the last syllable but two: words, and those with such an ending, but for some.
_EARLY = frozenset(
    "anima anime angelo angeli attimo attimi lacrima lacrime isola isole camera lettera "
    "opera opere cenere genere albero alberi numero numeri giovane giovani libero libera "
    "liberi brivido brividi lucido limpido rapido domenica sabato subito facile fragile "
    "difficile povero povera poveri simile simili utile inutile mobile semplice complice "
    "macchina cinema telefono spirito limite limiti solito merito debito visita crescita "
    "nascita perdita vendita pallido timido umido splendido gelido torbido vivido "
    "candido ottimo mandorla rondine ordine fulmine uomini principe giudice codice "
    "metodo periodo polvere video area linea oceano simbolo compito scivola luccica "
    "dondola erano amano cantano gridano parlano tremano tornano restano trovano "
    "sembrano brillano guardano aspettano pagina formula analisi macchine ottima minimo "
    "minima epoca merita occupa laurea".split()
)
_EARLY_ENDINGS = tuple(
    "iche ichi ere ono avano evano ivano arono irono ebbero ssero agine igine ugine mine "
    "mini".split()
) + tuple(
    f"{stem}{vowel}"
    for stem in "issim ossim assim ittim ltim ntim abil ibil evol col gol tol vol pol ic".split()
    for vowel in "aeio"
)
_LATE_ENDINGS = tuple(
    "felice felici radice radici ufficio uffici edifici enrico federico amico amica "
    "amici amiche nemico nemica nemici antico antica antichi antiche fatica fatiche "
    "formica parola parole pistola perdono abbandono iere avere potere sapere vedere "
    "cadere tenere volere dovere piacere temere godere rimanere parere sedere tacere "
    "valere".split()
)
# Where i has the stress, and no accent is written.
_OPEN_ENDINGS = tuple(
    "poesia allegria follia magia energia nostalgia fantasia malinconia compagnia "
    "melodia armonia bugia bugie gelosia simpatia polizia malattia teoria economia "
    "strategia categoria logia logie grafia sofia fonia crazia tuttavia maria agenzia "
    "galleria batteria malattie addio oblio ossia".split()
)
RULES = SpellingRules(
    """
    [ai]# AY1; [ai] AY; ci[ao]# AW; [au] AW; [a] A
    [à] A1
    [á] A1
    [bb] B B; [b] B
    [cch] K K; [cci]W T CH; [cc]F T CH; [cc] K K; [ch] K; [ci]W CH; [c]F CH; [cqu] K K W; [c] K
    [dd] D D; [d] D
    [è] EH1
    [é] E1
    [ei]# EY1; [ei] EY; [eu] E W; [e] E
    [ff] F F; [f] F
    [ggh] G G; [ggi]W D JH; [gg]F D JH; [gg] G G; [gh] G; [gi]W JH; [gli]W LY; [gl]i LY; [gn] NY;
        [g]F JH; [g] G
    [h] -
    [ì] IY1
    [í] IY1
    #C[i]V# IY1; [i]W Y; [i] IY
    [j] Y
    [k] K
    [ll] L L; [l] L
    [mm] M M; [m] M
    [nn] N N; [n]K NG; [n] N
    [ò] AO1
    [ó] O1
    [oi]# OY1; [oi] OY; [o] O
    [pp] P P; [p] P
    [qqu] K K W; [qu] K W; [q] K
    #[r] RR; [rr] RR RR; [r]C RR; [r] DX
    [sci]W SH; [sc]F SH; [ss] S S; V[s]V Z; #[s]D Z; V[s]D Z; [s] S
    [tt] T T; [t] T
    [ù] UW1
    [ú] UW1
    #C[u]V# UW1; [u]W W; [u] UW
    [vv] V V; [v] V
    [w] V
    [x] K S
    [y] IY
    #[z] DZ; [zz] T TS; [z] TS
    """,
    V="aeiou",
    W="aeouàèéòóù",
    F="eièéì",
    C="bcdfghlmnpqrstvz",
    D="bdglmnrv",
    K="cgq",
)


def pronounce(words: Sequence[str]) -> list[tuple[Syllable, ...]]:
    """The syllables of a line's words, in lower case. l'amore is one word."""
    return [_pronounce_one(word) for word in words]


@functools.lru_cache(maxsize=4096)
def _pronounce_one(word: str) -> tuple[Syllable, ...]:
    plain = word.rpartition("'")[2]
    spelled = word
    if plain.endswith(_OPEN_ENDINGS):
        spelled = f"{word[:-2]}ì{word[-1]}"
    syllables = syllabify(RULES.read(spelled), ONSETS)
    if word in WEAK:
        return weaken(syllables)
    if any(syllable.stress for syllable in syllables):
        return syllables
    if plain.endswith(("l", "n", "r")):  # amor, nessun: the last vowel is left out
        return stress_one(syllables, -1)
    is_early = plain in _EARLY or (
        plain.endswith(_EARLY_ENDINGS) and not plain.endswith(_LATE_ENDINGS)
    )
    return stress_one(syllables, -3 if is_early else -2)
