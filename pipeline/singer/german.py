"""German words become syllables, as they are sung: r at the uvula, and -er an open vowel.

Stress falls on the stem's first syllable: the word's first, or the one behind be-, ge-, ver- and so
on. Which words are made of two is not known, so st in their middle is S T.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from .phonemes import VOWELS
from .spelling import SpellingRules, read_entries
from .syllables import Syllable, make_onsets, stress_one, syllabify, weaken

ONSETS = make_onsets(
    "P-RX P-L B-RX B-L T-RX D-RX K-RX K-L K-N K-V G-RX G-L G-N F-RX F-L P-F P-F-L SH-RX SH-L SH-M "
    "SH-N SH-V SH-P SH-T SH-P-RX SH-P-L SH-T-RX S-K TS-V V-RX"
)
WEAK = frozenset(
    "der die das den dem des ein eine einen einem einer eines und oder aber in im an am "
    "auf aus bei mit von vom zu zum zur für um ist bin bist sind war es er sie wir ihr "
    "du ich mich dich sich mir dir uns mein dein sein meine deine seine wie wenn als "
    "dass daß so hat habe hab hast nur".split()
)
# Unstressed, and stressed; both are split off.
_PREFIXES = read_entries("be B AX; ge G AX; er EH RX; ver F EH RX; zer TS EH RX; ent EH N T")
_STRESSED_PREFIXES = read_entries(
    "ab A1 P; an A1 N; auf AW1 F; aus AW1 S; ein AY1 N; un UH1 N; vor F O1 RX; um UH1 M; mit M "
    "IH1 T"
)
_SCHWA_ENDINGS = ("ern", "en", "er", "el", "em", "es", "et", "e")
# Stressed on the second syllable.
_LATE = frozenset(
    "damit dazu dafür davon darauf darüber daran danach darum darin daraus dadurch "
    "dagegen dabei dahinter darunter dahin zunächst zuerst zuletzt zuvor sogar sowohl "
    "somit sobald solange obwohl nachdem indem bisher womit wofür wovon woran worauf "
    "deshalb trotzdem genug egal minute minuten problem probleme direkt person personen "
    "prozent moment momente november oktober dezember april august kultur system europa "
    "artikel interesse total brutal real ideal aktiv kaputt adieu ballon papier klavier "
    "gitarre gitarren roman kanal signal kontakt konzert geburt planet piano sekunde "
    "sekunden melone banane zitrone orange garantie kapitel laterne matrose tomate "
    "rakete hotel natürlich partei millionen region voran voraus vorüber umsonst hinein "
    "hinunter herunter herauf herum hervor".split()
)
# Not as they are spelled, or stressed elsewhere.
_OTHER = read_entries(
    "allein A L AY1 N; zurück TS UW RX UE1 K; vorbei F O RX B AY1; warum V A RX UH1 M; wohin V O "
    "HH IH1 N; woher V O HH E1 RX; daher D A HH E1 RX; hinaus HH IH N AW1 S; heraus HH EH RX AW1 "
    "S; herein HH EH RX AY1 N; hinauf HH IH N AW1 F; zusammen TS UW Z A1 M AX N; vielleicht F IY "
    "L AY1 C T; sofort Z O F AO1 RX T; musik M UW Z IY1 K; natur N A T UW1 RX; paris P A RX IY1 "
    "S; berlin B EH RX L IY1 N; baby B EY1 B IY; okay O K EY1; café K A F E1; hallo HH A L O1; "
    "weg V EH1 K; jetzt Y EH1 TS T; september Z EH P T EH1 M B AH; wird V IH1 RX T; sechs Z EH1 "
    "K S; chaos K A1 AO S; ewig E1 V IH C; familie F A M IY1 L Y AX; erstmal EH1 RX S T M A L; "
    "erstmals EH1 RX S T M A L S; überall UE B AH A1 L; überhaupt UE B AH HH AW1 P T; video V "
    "IY1 D E O"
)
_VOWELS = "aeiouäöüy"
_VOWEL_SET = frozenset(_VOWELS)
_CLUSTERS = frozenset("bl br ch dr fl fr gl gr kl kn kr pf pl pr sc sk sp st tr zw qu".split())
RULES = SpellingRules(
    """
    [aa] A; [ah]C A; [ah]# A; [ai] AY; [au] AW; [ay] AY; [a] A
    [äu] OY; [äh] EH; [ä] EH
    [bb] B; [b]# P; [b]T P; [b] B
    [chs] K S; #[ch]A K; #[ch]C K; A[ch] X; [ch] C; [ck] K; [c]F TS; [c] K
    [dd] D; [d]lich T; [dt] T; [d]# T; [ds]# TS; [d] D
    VC[ee]# E1; [ee] E; [eh]C E; [eh]# E; VC[ei]# AY1; [ei] AY; [ey] AY; [eu] OY; #C[e]# E;
        [e]# AX; #[es]# EH S; #C[es]# EH S; [es]# AX S; #[er]# E RX; #C[er]# E RX; [er]# AH;
        #C[er]n# EH RX; #CC[er]n# EH RX; [er]n# AH; [er]s# AH; #C[er]t# E RX; VC[er]t# AH;
        #C[en]# E N; [en]# AX N; [en]s# AX N; VC[en]d# AX N; #C[em]# E M; jed[em]# AX M;
        d[em]# E M; st[em]# E M; bl[em]# E M; [em]# AX M; [el]# AX L; C[el]n# AX L; [et]# AX T;
        #C[est]# EH S T; [est]# AX S T; VC[enz]# EH1 N TS; [e]CV E; #C[e]C# E; #CC[e]C# E; [e] EH
    [ff] F; [f] F
    [gg] G; i[g]# C; [g]# K; [g]T K; [g] G
    #[h]V HH; C[h]V HH; [h] -
    [ierung]# IY1 RX UH NG; VC[ien]# Y AX N; lin[ie]# Y AX; ser[ie]# Y AX; öd[ie]# Y AX;
        [ieren]# IY1 RX AX N; [iert]# IY1 RX T; [ität]# IY T EH1 T; VC[ie]# IY1; [ieh] IY;
        [ie] IY; [ih] IY; #C[i]r# IY; [i]CV IY; [i] IH
    [j] Y
    [kk] K; [k] K
    [ll] L; [l] L
    [mm] M; [m] M
    [ng] NG; [nk] NG K; [nn] N; [n] N
    [oo] O; [oh] O; [o]CV O; v[o]C# AO; #[o]b# AO; [o]C# O; [o]# O; [o] AO
    [öh] OE; [ö]CV OE; [ö]C# OE; [ö]rC OE; [ö]gl OE; [ö] OEH
    [pf] P F; [ph] F; [pp] P; [p] P
    [qu] K V; [q] K
    [rr] RX; [rh] RX; [r] RX
    [sch] SH; #[s]P SH; [s]piel SH; [ss] S; [s]V Z; [s] S
    [ß] S
    [tsch] CH; [tion]# TS Y O1 N; [tion]en# TS Y O1 N; [tion] TS Y O N; [tz] TS; [tt] T; [th] T;
        [t] T
    [uh] UW; [u]CV UW; z[u]C# UH; #[u]C# UH; [u]C# UW; [u]# UW; [u] UH
    [üh] UE; [ü] UE
    [v] F
    [w] V
    [x] K S
    [y]V Y; [y] UE
    [zz] TS; [z] TS
    """,
    V=_VOWELS,
    C="bcdfghjklmnpqrstvwxzß",
    F="eiäöy",
    A="aou",
    T="stkp",
    P="pt",
)


def pronounce(words: Sequence[str]) -> list[tuple[Syllable, ...]]:
    """The syllables of a line's words, in lower case."""
    return [_pronounce_one(word.replace("'", "")) for word in words]


@functools.lru_cache(maxsize=4096)
def _pronounce_one(word: str) -> tuple[Syllable, ...]:
    syllables = syllabify(_find_phonemes(word), ONSETS)
    if word in WEAK:
        return weaken(syllables)
    if any(syllable.stress for syllable in syllables):
        return syllables
    return stress_one(syllables, 1 if word in _LATE else 0)


def _find_phonemes(word: str) -> list[str]:
    if word in _OTHER:
        return _OTHER[word].split()
    if word in _LATE:
        return RULES.read(word)
    for prefix, sound in _STRESSED_PREFIXES.items():
        stem = word.removeprefix(prefix)
        if stem != word and _is_stem(stem) and not (prefix in ("ab", "an") and stem[0] in _VOWELS):
            return [*sound.split(), *_remove_stress(_find_phonemes(stem))]
    for prefix, sound in _PREFIXES.items():
        stem = word.removeprefix(prefix)
        if stem != word and _is_stem(stem) and not (prefix in ("be", "ge") and stem[0] in "iu"):
            return [*sound.split(), *_stress_first(_find_phonemes(stem))]
    return RULES.read(word)


def _is_stem(letters: str) -> bool:
    """Whether there is a vowel besides that of an ending, and no cluster that begins no word."""
    if len(letters) < 2 or not (set(letters[:2]) & _VOWEL_SET or letters[:2] in _CLUSTERS):
        return False
    ending = next((end for end in _SCHWA_ENDINGS if letters.endswith(end)), "")
    return any(letter in _VOWELS for letter in letters.removesuffix(ending))


def _remove_stress(phonemes: Sequence[str]) -> list[str]:
    return [phoneme.rstrip("1") for phoneme in phonemes]


def _stress_first(phonemes: Sequence[str]) -> list[str]:
    """With stress on the first vowel, where there is none."""
    if any(phoneme.endswith("1") for phoneme in phonemes):
        return list(phonemes)
    first = next((place for place, name in enumerate(phonemes) if name in VOWELS), -1)
    return [f"{name}1" if place == first else name for place, name in enumerate(phonemes)]
