"""Japanese becomes moras, of kana or of romaji: each is sung on a note of its own.

So are the second half of a long vowel and a syllable's closing n; a doubled consonant closes the
mora before it. What kanji mean is not known here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from .spelling import read_entries
from .syllables import PRIMARY, UNSTRESSED, Syllable

# The commonest words of songs, by which romaji is told from other languages.
WEAK = frozenset(
    "no wa wo ga ni to mo de kara dake made kimi boku watashi anata ore kono sono ano kokoro yume "
    "sekai itsumo zutto hitori futari suki daisuki aishiteru sayonara arigatou konnichiwa ashita "
    "kyou kaze sora hoshi hikari namida koi".split()
)
_KANA = (
    "あa いi うu えe おo かka きki くku けke こko がga ぎgi ぐgu げge ごgo さsa しshi すsu せse "
    "そso ざza じji ずzu ぜze ぞzo たta ちchi つtsu てte とto だda ぢji づzu でde どdo なna にni "
    "ぬnu ねne のno はha ひhi ふfu へhe ほho ばba びbi ぶbu べbe ぼbo ぱpa ぴpi ぷpu ぺpe ぽpo "
    "まma みmi むmu めme もmo やya ゆyu よyo らra りri るru れre ろro わwa ゐi ゑe をo んn' ゔvu"
)
_ROMAJI = {entry[0]: entry[1:] for entry in _KANA.split()}
_SOKUON = "っ"
_LONG = "ー"
_SMALL = read_entries("ゃ ya; ゅ yu; ょ yo; ぁ a; ぃ i; ぅ u; ぇ e; ぉ o; ゎ wa")
_KATAKANA = {code + ord("ァ") - ord("ぁ"): code for code in range(ord("ぁ"), ord("ゔ") + 1)}
_CONSONANTS = {
    name: tuple(sounds.split())
    for name, sounds in read_entries(
        "k K; g G; s S; z Z; t T; d D; n N; h HH; f F; b B; p P; m M; y Y; r DX; w W; v V; "
        "sh SH; ch CH; ts TS; j JH; ky K Y; gy G Y; ny N Y; hy HH Y; by B Y; py P Y; my M Y; "
        "ry DX Y; dy D Y; ty CH; sy SH; zy JH; fy F Y; t' T; d' D"
    ).items()
}
_SHIFTED = read_entries("si SH; ti CH; tu TS; zi JH; hu F")  # as Kunrei writes them
_VOWELS = {"a": "A", "i": "IY", "u": "UW", "e": "E", "o": "O"}
_MACRONS = str.maketrans(read_entries("ā aa; ī ii; ū uu; ē ee; ō oo; â aa; î ii; û uu; ê ee; ô oo"))
_MORA = re.compile(
    r"(?P<nasal>n'|n(?![aiueoy])|m(?=[bp]))"
    r"|(?P<double>t(?=ch)|k(?=k)|s(?=s)|t(?=t)|p(?=p)|c(?=ch)|g(?=g)|d(?=d)|b(?=b)|z(?=z)|j(?=j))?"
    r"(?P<consonant>sh|ch|ts|[kgnhbpmrdtszf]y|[td]'|[kgsztdnhfbpmyrwvj]|)(?P<vowel>[aiueo])"
)
_SPOKEN = read_entries("は わ; へ え; こんにちは こんにちわ; こんばんは こんばんわ")  # particles


def pronounce(words: Sequence[str]) -> list[tuple[Syllable, ...]]:
    """The moras of words in kana or in romaji, in lower case; none of a word that is neither."""
    return [_pronounce_one(word) for word in words]


@functools.lru_cache(maxsize=4096)
def _pronounce_one(word: str) -> tuple[Syllable, ...]:
    romaji = _romanise(_SPOKEN.get(word, word).translate(_KATAKANA)).translate(_MACRONS)
    syllables: list[Syllable] = []
    place = 0
    while place < len(romaji):
        mora = _MORA.match(romaji, place)
        if not mora:
            return ()
        if mora["double"] and syllables:
            closing = "T" if mora["double"] in "tc" else _CONSONANTS[mora["double"]][0]
            syllables[-1] = syllables[-1]._replace(coda=(closing,))
        syllables.append(_make_mora(mora, romaji, syllables))
        place = mora.end()
    if syllables:
        syllables[0] = syllables[0]._replace(stress=PRIMARY)
    return tuple(syllables)


def _make_mora(mora: re.Match[str], romaji: str, before: Sequence[Syllable]) -> Syllable:
    if mora["nasal"]:
        is_labial = romaji[mora.end() : mora.end() + 1] in ("b", "p", "m")
        return Syllable((), "MM" if is_labial else "NN", (), UNSTRESSED)
    consonant = mora["consonant"]
    vowel = mora["vowel"]
    if not consonant and vowel == "u" and before and before[-1].vowel == "O":
        vowel = "o"  # とう
    onset = _CONSONANTS.get(consonant, ())
    if shifted := _SHIFTED.get(consonant + vowel):
        onset = (shifted,)
    return Syllable(onset, _VOWELS[vowel], (), UNSTRESSED)


def _romanise(word: str) -> str:
    """Hiragana as romaji; other letters stay."""
    romaji = ""
    is_doubled = False
    for kana in word:
        if kana == _SOKUON:
            is_doubled = True
            continue
        if kana == _LONG:
            romaji += romaji[-1:].strip("'")
        elif kana in _SMALL:
            romaji = _add_small(romaji, _SMALL[kana])
        else:
            written = _ROMAJI.get(kana, kana)
            romaji += (written[:1] if is_doubled and written[0] not in "aiueon" else "") + written
        is_doubled = False
    return romaji


def _add_small(romaji: str, small: str) -> str:
    """き and ゃ -> kya, し and ゃ -> sha, ふ and ぁ -> fa, て and ぃ -> t'i, う and ぃ -> wi."""
    lead = romaji[:-1]
    if lead.endswith(("sh", "ch", "j")):
        return lead + small[-1]
    if small in "iu" and lead.endswith(("t", "d")) and romaji[-1] in "eo":
        return f"{lead}'{small}"
    if small in "aiueo" and (not lead or lead[-1] in "aiueo'"):
        return f"{lead}w{small}"
    return lead + small
