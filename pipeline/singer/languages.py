"""Which language lyrics are in, where nobody says so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from . import english, french, german, italian, japanese, mandarin, portuguese, spanish
from .scripts import HAN, HANGUL, KANA, find_script
from .syllables import Syllable

UNKNOWN = "unknown"
Pronounce = Callable[[Sequence[str]], list[tuple[Syllable, ...]]]
# Languages whose words can be read: by their codes in `Request.language`.
READERS: Mapping[str, Pronounce] = {
    "en": english.pronounce,
    "es": spanish.pronounce,
    "it": italian.pronounce,
    "de": german.pronounce,
    "fr": french.pronounce,
    "pt": portuguese.pronounce,
    "ja": japanese.pronounce,
    "zh": mandarin.pronounce,
}
NAMES = {
    "en": "English",
    "es": "Spanish",
    "it": "Italian",
    "de": "German",
    "fr": "French",
    "pt": "Portuguese",
    "ja": "Japanese",
    "zh": "Mandarin",
    "ko": "Korean",
}
_COMMON = {  # words that nearly every line has
    "en": english.WEAK,
    "es": spanish.WEAK,
    "it": italian.WEAK,
    "de": german.WEAK,
    "fr": french.WEAK,
    "pt": portuguese.WEAK,
    "ja": japanese.WEAK,
}
_LETTERS = {  # that hardly another of them has
    "es": "ñ¿¡",
    "it": "òìù",
    "de": "äöüß",
    "fr": "çœêèùâî",
    "pt": "ãõ",
    "zh": "ǎěǐǒǔǚǜǘ",
}
_WORD = re.compile(r"[^\W\d_]+")
_READ = 4000  # characters: more tell nothing new


def guess_language(text: str) -> str:
    """One of READERS or "ko": by scripts, by the commonest words, and by letters. English where
    nothing speaks for another.
    """
    text = text[:_READ].lower()
    scripts = Counter(map(find_script, text))
    for script, language in ((KANA, "ja"), (HANGUL, "ko"), (HAN, "zh")):
        if scripts[script]:
            return language
    words = _WORD.findall(text)
    scores = {
        language: sum(word in common for word in words) for language, common in _COMMON.items()
    }
    if not all(map(any, japanese.pronounce(words))):
        scores["ja"] = 0  # no romaji
    for language, letters in _LETTERS.items():
        scores[language] = scores.get(language, 0) + sum(text.count(letter) for letter in letters)
    return max(scores, key=lambda language: scores[language])  # of equal ones the first
