"""English words become syllables: those of CMUdict, what derives from them, others by rules."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Sequence

from .dictionary import look_up
from .phonemes import ARPABET_CONSONANTS, VOWELS
from .spelling import SpellingRules, read_entries
from .syllables import UNSTRESSED, Syllable, make_onsets, syllabify, weaken

ONSETS = make_onsets(
    "P-R P-L P-Y B-R B-L B-Y T-R T-W D-R D-W K-R K-L K-W K-Y G-R G-L G-W F-R F-L F-Y V-Y M-Y HH-Y "
    "TH-R TH-W SH-R SH-L SH-M SH-N SH-W S-P S-T S-K S-L S-M S-N S-W S-F S-P-R S-P-L S-P-Y S-T-R "
    "S-K-R S-K-L S-K-W S-K-Y"
)
# Function words, which have no stress of their own.
WEAK = frozenset(
    "a an the of and or but nor if as than to in on at with for from by into onto i me "
    "my we us our you your he him his she her it its they them their this that these "
    "those who whom am is are was were be been being do does did has have had can could "
    "will would shall should may might must im i'm i'll i've i'd you're you'll you've "
    "you'd he's he'll he'd she's she'll she'd it's it'll we're we'll we've we'd they're "
    "they'll they've they'd that's there's 'em 'til 'cause 'n' ya y'all gonna wanna gotta".split()
)
# What is sung otherwise than CMUdict lists it first: reduced, or the commoner of two words.
_SUNG = read_entries(
    "a AX; the DH AX; an AX N; of AX V; was W AH1 Z; our AW1 R; live L IH1 V; wind W IH1 N D; "
    "read R IY1 D; lead L IY1 D; tear T IH1 R; use Y UW1 Z; every EH1 V R IY0; different D IH1 F "
    "R AX N T; favorite F EY1 V R AX T; n AX N; em AX M; im AY1 M; mm M; hm HH M; mhm M HH M; ya "
    "Y AX; yall Y AO1 L; ayy EY1; aye AY1; woah W OW1; doo D UW1; ha HH AA1; tryna T R AY1 N AX; "
    "ima AY1 M AX; imma AY1 M AX; finna F IH1 N AX; bae B EY1; nyc EH2 N W AY2 S IY1; "
    "touché T UW0 SH EY1; rosé R OW0 Z EY1; déjà D EY1 ZH AA2"
)
# Spelled as it sounds: what is meant.
_MEANT = read_entries(
    "ur your; cuz 'cause; coz 'cause; cos 'cause; luv love; thru through; tho though; nite night; "
    "tonite tonight; til until; outta out of; dunno don't know; whatcha what you; gotcha got you; "
    "betcha bet you; plz please; dat that; gurl girl; boi boy; dawg dog; thang thing"
)
_FINAL_E = ("é", "e\u0301")
_REAL_IN = frozenset("aspirin calvin joplin lain rosin turin".split())  # no "-in'" of an "-ing"
_DRAWN_OUT = frozenset("so no go yo me we he she be".split())  # sooo is no soo
# --- endings and beginnings
_UNVOICED = frozenset("P T K F TH S SH CH".split())
_HISSING = frozenset("S Z SH ZH CH JH".split())
_SUFFIXES = read_entries(
    "ing IH NG; in' IH N; in IH N; er ER; ers ER Z; est AX S T; y IY; ly L IY; ness N AX S; "
    "less L AX S; ful F AX L; ish IH SH; able AX B AX L; ment M AX N T; n't AX N T; 'll AX L; "
    "'ve AX V; 're ER; 'd D; 'm M; 'a AX"
)
_PREFIXES = read_entries("un AH2 N; re R IY0; mis M IH2 S; pre P R IY2; dis D IH2 S")
# letters
_LEAST_STEM = 2
_LEAST_PART = 4
_LONGEST_COMPOUND = 30
# ---
_THE_BEFORE_VOWELS = (Syllable(("DH",), "IY", (), UNSTRESSED),)
_UNSTRESSED = {"AE": "AX", "AA": "AX"}  # what a vowel becomes
_STRETCHED = re.compile(r"([a-z])\1\1+")
_DOUBLED = re.compile(r"([a-z])\1")
_REPEATED = re.compile(r"([a-z]{2,3})\1+")
_VOWEL_LETTERS = frozenset("aeiouy")
RULES = SpellingRules(
    """
    #[a]# AX; [augh] AO; [au] AO; [aw] AO; [air] EH R; [ai] EY; [ay] EY; [are]# EH R; [ar]r AE;
        [ar]V EH R; [ar] AA R; [alk] AO K; [all] AO L; [alm] AA M; [al]T AO L; VC[age]# IH JH;
        [a]tion EY; [a]Ce EY; [a]ste# EY; [a]the# EY; [a]Cing EY; w[a]H AA; [a]# AX; [a]h AA;
        [a] AE
    m[b]# -; [bb] B; [b] B
    [ch]r K; [ch] CH; [ck] K; [cc]F K S; [cc] K; [cia] SH AX; [cio] SH AX; [c]F S; [c] K
    [dge] JH; [dd] D; [d] D
    #[e]# IY; #C[e]# IY; [eau] OW; [ear]C ER; [ear] IH R; [ea]d# EH; [ea] IY; [eer] IH R; [ee] IY;
        [eigh] EY; [ei] IY; [ey]# IY; [ey] EY; [eu] Y UW; [ew] UW; [er]r EH; [er]V EH R; [er] ER;
        T[ed]# AX D; P[ed]# T; C[ed]# D; S[es]# AX Z; C[es]# Z; C[el]# AX L; C[en]# AX N; C[e]# -;
        [e]Ce# IY; [e]h EY; [e] EH
    [ée]# EY; [é] EY
    [ff] F; [f] F
    #[gn] N; [gn]# N; #[gh] G; [gh] -; [gg] G; [gu]F G; [g]F JH; [g] G
    V[h]C -; V[h]# -; [h] HH
    [igh] AY; #C[ie]# AY; [ie]s# IY; [ie] IY; [ing]# IH NG; [ind]# AY N D; [ild]# AY L D;
        [ign]# AY N; [ique]# IY K; [ire]# AY ER; [ir]V IH R; [ir]r IH; [ir] ER; [i]Ce# AY;
        [i]Ces# AY; [i]Ced# AY; [i]Cing AY; #[i]# AY; #C[i]# AY; [i]# IY; [i]V IY; [i] IH
    [j] JH
    #[kn] N; [kk] K; [kh] K; [k] K
    C[le]# AX L; C[les]# AX L Z; C[led]# AX L D; [ll] L; [l] L
    [mm] M; [mn]# M; [m] M
    [ng]# NG; [ngs]# NG Z; [ng]F N JH; [ng] NG G; [n]k NG; [nn] N; [n] N
    [oar] AO R; [oa] OW; [oe]# OW; [oi] OY; [oy] OY; [ook] UH K; [oor] AO R; [oo] UW;
        [ought] AO T; [ough] OW; [ould] UH D; [ous]# AX S; [our] AO R; [ou] AW; [ow]# OW; [ow] AW;
        [old] OW L D; [olk] OW K; [oll] OW L; [ost]# OW S T; w[or] ER; VC[or]# ER; [or]r AO;
        [or] AO R; [o]Ce# OW; [o]Ces# OW; [o]Ced# OW; [o]Cing OW; [o]# OW; [oh] OW; VC[on]# AX N;
        [o] AA
    [ph] F; #[ps] S; [pp] P; [p] P
    [qu] K W; [q] K
    [rh] R; [rr] R; [r] R
    [sch] S K; [sc]F S; [sh] SH; s[sion] AX N; V[sion] ZH AX N; [sion] SH AX N; [ss] S; V[s]V Z;
        [s] S
    [tch] CH; V[th]V DH; [th] TH; [tion] SH AX N; [tious] SH AX S; [tia] SH AX; [ture] CH ER;
        [tt] T; [t] T
    [ue]# UW; [ui] UW; [uy] AY; [ur] ER; L[u]Ce UW; [u]Ce Y UW; #[u]CV Y UW; [ull] UH L; [u]# UW;
        [uh] AH; [u] AH
    [vv] V; [v] V
    #[wr] R; [wh] W; [w] W
    #[x] Z; [x] K S
    #[y] Y; [y]V Y; #C[y]# AY; #CC[y]# AY; [y]# IY; [y]Ce AY; [y] IH
    [zz] Z; [z] Z
    """,
    V="aeiouy",
    C="bcdfghjklmnpqrstvwxz",
    F="eiy",
    H="nstd",
    T="td",
    P="pkfxsch",
    S="sxzcgh",
    L="lrjstdzn",
)


def pronounce(words: Sequence[str]) -> list[tuple[Syllable, ...]]:
    """The syllables of a line's words, in lower case. What is reduced depends on the next word."""
    sung = [_pronounce_one(word) for word in words]
    for number, (word, following) in enumerate(zip(words, sung[1:])):
        if word == "the" and following and not following[0].onset:
            sung[number] = _THE_BEFORE_VOWELS
    return sung


@functools.lru_cache(maxsize=4096)
def _pronounce_one(word: str) -> tuple[Syllable, ...]:
    if "-" in word:
        return _pronounce_parts(word.split("-"))
    syllables = syllabify([_reduce(name) for name in find_phonemes(word)], ONSETS)
    return weaken(syllables) if word in WEAK else syllables


def _pronounce_parts(parts: Sequence[str]) -> tuple[Syllable, ...]:
    """hap-py is one word, la-la are two, and the last vowel of so-o-o is sung on two more notes."""
    written: list[str] = []
    held: list[int] = []  # how often a part's last vowel is written again
    for part in filter(None, parts):
        if written and set(part) <= _VOWEL_LETTERS and part[0] == written[-1][-1]:
            held[-1] += 1
        else:
            written.append(part)
            held.append(0)
    whole = "".join(written)
    is_repeated = len(set(written)) < len(written)
    joined = _pronounce_one(whole) if is_listed(whole) and not is_repeated else ()
    is_one = len(joined) == len(written)
    sung: list[Syllable] = []
    for number, (part, times) in enumerate(zip(written, held)):
        sung += joined[number : number + 1] if is_one else _pronounce_one(part)
        if sung:
            sung += [Syllable((), sung[-1].vowel, (), UNSTRESSED)] * times
    return tuple(sung)


def is_listed(word: str) -> bool:
    """Whether it is known how a word in lower case is spoken."""
    return _find(word) is not None


def _reduce(name: str) -> str:
    return "AX" if name == "AH0" else name


def find_phonemes(word: str) -> list[str]:
    """CMUdict's names, with stress behind the vowels, and AX. Of an unlisted word they are derived
    from a listed one, or follow from rules.
    """
    plain = word.strip("'")
    twice = _STRETCHED.sub(r"\1\1", plain)  # gooood
    once = _STRETCHED.sub(r"\1", plain)  # nooo
    stretched = (once, twice) if once in _DRAWN_OUT else (twice, once)
    for find in (_find, _derive):
        for spelling in dict.fromkeys((word, plain, *stretched)):
            if phonemes := find(spelling) or _find_without_accents(spelling, find):
                return phonemes
    return _find(_DOUBLED.sub(r"\1", twice)) or _repeat(twice) or _compound(twice) or _spell(twice)


def _find_without_accents(word: str, find: Callable[[str], list[str] | None]) -> list[str] | None:
    """café as cafe; but not rosé as rose, as é at the end is a syllable of its own."""
    letters = unicodedata.normalize("NFD", word)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    phonemes = find(plain) if plain != word else None
    is_other = phonemes and word.endswith(_FINAL_E) and phonemes[-1] in ARPABET_CONSONANTS
    return None if is_other else phonemes


def _find(word: str) -> list[str] | None:
    """What is listed."""
    if word in _MEANT:
        return [name for meant in _MEANT[word].split() for name in find_phonemes(meant)]
    if word in _SUNG:
        return _SUNG[word].split()
    if word.endswith("in") and word not in _REAL_IN and (phonemes := look_up(f"{word}g")):
        return [*phonemes[:-1], "N"]
    return look_up(word)


def _derive(word: str) -> list[str] | None:
    """What is listed without its ending or its prefix: skateparks, unloved."""
    if phonemes := _inflect(word):
        return phonemes
    for suffix, sound in _SUFFIXES.items():
        if word.endswith(suffix) and (phonemes := _find_stem(word[: -len(suffix)])):
            return [*phonemes, *sound.split()]
    for prefix, sound in _PREFIXES.items():
        if word.startswith(prefix) and (phonemes := _find_stem(word[len(prefix) :])):
            return [*sound.split(), *phonemes]
    return None


def _inflect(word: str) -> list[str] | None:
    """A plural, a genitive, a past."""
    for ending in ("'s", "s'", "es", "s"):
        if word.endswith(ending) and (phonemes := _find_stem(word[: -len(ending)])):
            if phonemes[-1] in _HISSING:
                return [*phonemes, "AX", "Z"]
            return [*phonemes, "S" if phonemes[-1] in _UNVOICED else "Z"]
    if word.endswith("ed") and (phonemes := _find_stem(word[:-2])):
        if phonemes[-1] in ("T", "D"):
            return [*phonemes, "AX", "D"]
        return [*phonemes, "T" if phonemes[-1] in _UNVOICED else "D"]
    return None


def _find_stem(stem: str) -> list[str] | None:
    """glid(ing) -> glide, skipp(ing) -> skip, stormi(est) -> stormy."""
    if len(stem) < _LEAST_STEM or not _VOWEL_LETTERS & set(stem):
        return None
    spellings = [stem, f"{stem}e"]
    if stem[-1] == stem[-2]:
        spellings.append(stem[:-1])
    if stem[-1] == "i":
        spellings.append(f"{stem[:-1]}y")
    return next(filter(None, map(_find, spellings)), None)


def _repeat(word: str) -> list[str] | None:
    """lalala"""
    if repeated := _REPEATED.fullmatch(word):
        return find_phonemes(repeated[1]) * (len(word) // len(repeated[1]))
    return None


def _compound(word: str) -> list[str] | None:
    """moonchild: two listed words, the shorter of them as long as can be."""
    if len(word) > _LONGEST_COMPOUND:  # nobody's: many are tried
        return None
    cuts = range(_LEAST_PART, len(word) - _LEAST_PART + 1)
    for cut in sorted(cuts, key=lambda cut: abs(2 * cut - len(word))):
        if (first := _find(word[:cut])) and (second := _find(word[cut:]) or _derive(word[cut:])):
            return [*first, *(name.replace("1", "2") for name in second)]
    return None


def _spell(word: str) -> list[str]:
    """By rules, with stress: on the first syllable of two, on the last but two of more."""
    phonemes = RULES.read(word)
    peaks = [place for place, name in enumerate(phonemes) if name in VOWELS]
    full = [place for place in peaks if phonemes[place] != "AX"]
    if not full:
        return phonemes
    early = peaks[-3:] if len(peaks) > 2 else peaks
    stressed = next((place for place in full if place >= early[0]), full[0])
    return [
        f"{name}1" if place == stressed else _UNSTRESSED.get(name, name)
        for place, name in enumerate(phonemes)
    ]
