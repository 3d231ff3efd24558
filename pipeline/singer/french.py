"""French words become syllables, as they are sung.

A mute e is sung before a consonant and left out before a vowel and at the end of a line; the last
consonant of an article, a pronoun and the like is sung before a vowel (liaison). The last full
syllable of a word has the stress.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from .spelling import SpellingRules, read_entries
from .syllables import Syllable, make_onsets, stress_one, syllabify, weaken

ONSETS = make_onsets(
    "P-RX P-L B-RX B-L T-RX D-RX K-RX K-L G-RX G-L F-RX F-L V-RX S-P S-T S-K S-P-RX S-T-RX S-K-RX",
    glides="Y W WY",
)
WEAK = frozenset(
    "le la les un une des du de au aux à en et ou mais que qui si se me te ne je tu il "
    "elle on nous vous ils elles mon ma mes ton ta tes son sa ses ce cet cette ces notre "
    "nos votre vos leur leurs est c'est d'un d'une dans par pour sans sur avec lui y "
    "dont où quand comme".split()
)
_LIAISONS = {
    "Z": frozenset(
        "les des mes tes ses ces nos vos leurs aux nous vous ils elles dans sans très "
        "chez deux trois six dix plus sous".split()
    ),
    "N": frozenset("un on mon ton son en bien rien d'un aucun".split()),
    "T": frozenset("est c'est sont tout petit grand quand vont ont".split()),
}
_ASPIRATED = ("haut", "héros", "hain", "haï", "hont", "hasard", "hors", "huit", "hurl", "hâte")
_VOWEL_LETTERS = "aàâeéèêëiîïoôuùûüyœæh"
_CLITICS = read_entries(
    "l L; d D; j ZH; qu K; n N; s S; c S; m M; t T; jusqu ZH UE S K; lorsqu L AO RX S K; "
    "puisqu P WY IY S K"
)
_OTHER = read_entries(
    "est EH; es EH; et E; les L E; des D E; mes M E; tes T E; ses S E; ces S E; femme F A M AX; "
    "femmes F A M AX; monsieur M AX S Y OE; fils F IY S; mer M EH RX; fer F EH RX; cher SH EH "
    "RX; hier Y EH RX; fier F Y EH RX; hiver IY V EH RX; enfer AN F EH RX; amer A M EH RX; ver V "
    "EH RX; ville V IY L AX; villes V IY L AX; mille M IY L; tranquille T RX AN K IY L AX; six S "
    "IY S; dix D IY S; huit WY IY T; sept S EH T; cinq S EN K; yeux Y OE; eu UE; eus UE; pays P "
    "E IY; oui W IY; ouest W EH S T; net N EH T; tous T UW; fille F IY Y AX; second S AX G ON; "
    "seconde S AX G ON D AX; secondes S AX G ON D AX; donc D ON K; souvent S UW V AN; aiment EH "
    "M AX; gars G A; super S UE P EH RX; club K L OEH B; but B UE T; sud S UE D; gaz G A Z; "
    "parfum P A RX F EN; parfums P A RX F EN; août UW T; baby B EY B IY; pied P Y E; ciel S Y EH "
    "L; sens S AN S; os AO S; gentil ZH AN T IY; sourcil S UW RX S IY; aujourdhui O ZH UW RX D "
    "WY IY; quelquun K EH L K EN; ah A; oh O; hé E; dehors D AX AO RX; seul S OEH L; mars M A RX "
    "S; ailleurs A Y OEH RX; lune L UE N AX; tabac T A B A; plus P L UE; bus B UE S; ours UW RX S"
)
RULES = SpellingRules(
    """
    [aient]# EH; [aill] A Y; [ail]# A Y; [ails]# A Y; [aî] EH; [aim]# EN; [ain]C EN; [ain]# EN;
        [ai] EH; [am]P AN; [an]C AN; [an]# AN; [au] O; [aye]# EH Y; [ayes]# EH Y; [ay]V EH Y;
        [ay] EH; [aï] A IY; [a] A
    [à] A
    [â] A
    [bb] B; m[b]# -; m[b]s# -; [b] B
    [cc]F K S; [cc] K; [ch]r K; [ch]n K; [ch] SH; [c]F S; n[c]# -; n[cs]# -; [cts]# K T; [cqu] K;
        [c] K
    [ç] S
    [d]# -; [ds]# -; [dd] D; [d] D
    [eau] O; [ein]C EN; [ein]# EN; [eill] EH Y; [eil]# EH Y; [eils]# EH Y; [ei] EH; [euill] OEH Y;
        [euil]# OEH Y; [eu]S OEH; [eu] OE; #[en]n AN N; #[em]m AN; [en]n EH; [e]mment A; [em]m EH;
        #[en]# AN; i[en]# EN; i[en]s# EN; bi[en] EN; vi[en]t# EN; ti[en]t# EN; t[e]chn EH;
        iv[ent]# AX; uv[ent]# AX; av[ent]# AX; nn[ent]# AX; tt[ent]# AX; é[en]# EN; é[en]s# EN;
        y[en]# EN; y[en]s# EN; [en]C AN; [en]# EN; [em]P AN; i[ed]# E; i[eds]# E; [er]# E;
        v[ers]# EH RX; [ers]# E; [ez]# E; [et]# EH; [ets]# EH; qu[e]# AX; qu[es]# AX; gu[e]# AX;
        gu[es]# AX; V[e]# -; V[es]# -; g[e]O -; [e]# AX; [es]# AX; [e]ll EH; [e]tt EH; [e]ss EH;
        [e]rr EH; [e]ff EH; [e]pp EH; [e]lD EH; [e]rD EH; [e]sD EH; p[ect]# EH; p[ects]# EH;
        [e]ct EH; [e]pt EH; [e]x EH; [e]L# EH; [e]Ls# EH; [e] AX
    [é] E
    [è] EH
    [ê] EH
    [ë] EH
    [ff] F; [f] F
    [gn] NY; [gu]F G; [g]F ZH; [g]# -; [gs]# -; [g]t -; [gg] G; [g] G
    [h] -
    O[ill] Y; m[ill]i IY L; v[ill] IY L; [ill] IY Y; [im]P EN; [in]C EN; [in]# EN; [ie]# IY;
        [ies]# IY; BR[i]V IY Y; [i]V Y; [i] IY
    [î] IY
    [ï] IY
    [j] ZH
    [k] K
    [ll] L; [l] L
    [mm] M; [m] M
    [nn] N; [n] N
    [oient]# W A; [oi]nV W A; [oin] W EN; [oi] W A; [oî] W A; [oy]V W A Y; [oeil]# OEH Y;
        [oeu]S OEH; [oeu] OE; [oe] E; [où] UW; [oû] UW; [ouill] UW Y; [oue]# UW; [oues]# UW;
        [ou]V W; [ou] UW; [om]P ON; [om]# ON; [oms]# ON; [on]C ON; [on]# ON; [o]# O; [o]T# O;
        [ot]s# O; [o]sV O; [o] AO
    [ô] O
    [ph] F; [pp] P; m[p]t -; [p]# -; [ps]# -; [pt]# -; [p] P
    [qu] K; [q] K
    [rr] RX; [r] RX
    [sch] SH; [sh] SH; [sc]F S; [ss] S; V[s]V Z; [s]# -; [s] S
    s[ti]on T Y; [ti]on S Y; [th] T; [tt] T; c[t]# T; [t]# -; [ts]# -; [t] T
    [ù] UE
    [û] UE
    c[ueil] OEH Y; [uin]# WY EN; [un]C EN; [un]# EN; [ueil] OEH Y; [ui] WY IY; [ue]# UE;
        [ues]# UE; [um]# AO M; [u]V WY; [u] UE
    [v] V
    [w] W
    [x]# -; [x]e# K S; [x]es# K S; u[x]i Z; e[x]V G Z; [x] K S
    [yn]C EN; [ym]P EN; [y]V Y; [y] IY
    [z]# -; [z] Z
    """,
    V="aàâeéèêëiîïoôuùûy",
    C="bcçdfgjklpqrstvxz",
    D="bcdfghjklmnpqrstvwxz",
    F="eéèêëiîïy",
    P="pb",
    S="rlvfnpb",
    T="tsp",
    O="aou",
    L="lfc",
    B="bcdfgptv",
    R="lr",
)


def pronounce(words: Sequence[str]) -> list[tuple[Syllable, ...]]:
    """The syllables of a line's words, in lower case. l'amour is one word."""
    sung = [_pronounce_one(word) for word in _mute_plurals(words)]
    for number, word in enumerate(words):
        following = words[number + 1] if number + 1 < len(words) else ""
        is_open = _begins_with_vowel(following)
        if is_open or not following:
            sung[number] = _drop_mute(sung[number])
        if is_open and sung[number + 1]:
            first, *rest = sung[number + 1]
            sound = next((sound for sound, before in _LIAISONS.items() if word in before), None)
            if sound and first.onset in ((), ("W",), ("WY",)):
                sung[number + 1] = (first._replace(onset=(sound, *first.onset)), *rest)
    return sung


def _mute_plurals(words: Sequence[str]) -> list[str]:
    """ils chantent -> ils chante: the ending of a verb is mute."""
    spelled = list(words)
    for number in range(1, len(words)):
        is_plural = words[number - 1] in ("ils", "elles", "qui") or (
            number > 1 and words[number - 2] in ("ils", "elles")
        )
        if is_plural and words[number].endswith("ent") and not words[number].endswith("ment"):
            spelled[number] = words[number].removesuffix("nt")
    return spelled


def _begins_with_vowel(word: str) -> bool:
    return word[:1] in tuple(_VOWEL_LETTERS) and not word.startswith(_ASPIRATED)


@functools.lru_cache(maxsize=4096)
def _pronounce_one(word: str) -> tuple[Syllable, ...]:
    syllables = syllabify(_find_phonemes(word), ONSETS)
    if word in WEAK:
        return weaken(syllables)
    return stress_one(syllables, -2 if _is_mute(syllables) else -1)


def _find_phonemes(word: str) -> list[str]:
    if plain := _OTHER.get(word.replace("'", "")):
        return plain.split()
    clitic, apostrophe, rest = word.partition("'")
    if apostrophe and clitic in _CLITICS:
        return [*_CLITICS[clitic].split(), *_find_phonemes(rest)]
    return RULES.read(word)


def _is_mute(syllables: Sequence[Syllable]) -> bool:
    return len(syllables) > 1 and syllables[-1].vowel == "AX" and not syllables[-1].coda


def _drop_mute(syllables: tuple[Syllable, ...]) -> tuple[Syllable, ...]:
    """bel-le -> bel"""
    if not _is_mute(syllables):
        return syllables
    *before, last, mute = syllables
    return (*before, last._replace(coda=last.coda + mute.onset))
