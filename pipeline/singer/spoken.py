"""What is said where no word is written: digits, abbreviations, acronyms, symbols."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from . import english
from .numbers import NUMBERED, write_number, write_ordinal
from .spelling import read_entries

APOSTROPHE = "'"
_APOSTROPHES = dict.fromkeys(map(ord, "’‘ʼ`´′＇"), APOSTROPHE)
# --- symbols, by language; {} is the number beside it
_SYMBOLS = {
    "en": "& and; + plus; @ at; = equals; # number; % {} percent; $ {} dollars; € {} euros; "
    "£ {} pounds; ¥ {} yen; ° {} degrees; . point",
    "es": "& y; + más; @ arroba; = igual; # número; % {} por ciento; $ {} dólares; € {} euros; "
    "£ {} libras; ¥ {} yenes; ° {} grados; . coma",
    "it": "& e; + più; @ chiocciola; = uguale; # numero; % {} per cento; $ {} dollari; € {} euro; "
    "£ {} sterline; ¥ {} yen; ° {} gradi; . virgola",
    "de": "& und; + plus; @ ät; = gleich; # nummer; % {} prozent; $ {} dollar; € {} euro; "
    "£ {} pfund; ¥ {} jen; ° {} grad; . komma",
    "fr": "& et; + plus; @ arobase; = égale; # numéro; % {} pour cent; $ {} dollars; € {} euros; "
    "£ {} livres; ¥ {} yens; ° {} degrés; . virgule",
    "pt": "& e; + mais; @ arroba; = igual; # número; % {} por cento; $ {} dólares; € {} euros; "
    "£ {} libras; ¥ {} ienes; ° {} graus; . vírgula",
    "pl": "& i; + plus; @ małpa; = równa się; # numer; % {} procent; $ {} dolarów; € {} euro; "
    "£ {} funtów; ¥ {} jenów; ° {} stopni; . przecinek",
    "ja": "& と; + プラス; @ アット; = イコール; # ナンバー; % {} パーセント; $ {} ドル; € {} "
    "ユーロ; £ {} ポンド; ¥ {} えん; ° {} ど; . てん",
    "zh": "& he; + jia; @ at; = dengyu; # hao; % bai fen zhi {}; $ {} meiyuan; € {} ouyuan; "
    "£ {} yingbang; ¥ {} yuan; ° {} du; . dian",
}
# --- the letters' names, from A to Z
_LETTERS = {
    "en": "ay b c d e f g h eye j k l m en o p q r s t u v w x y z",
    "es": "a be ce de e efe ge hache i jota ca ele eme ene o pe cu erre ese te u uve uve-doble "
    "equis ye ceta",
    "it": "a bi ci di e effe gi acca i gei cappa elle emme enne o pi cu erre esse ti u vu doppiavù "
    "ics ipsilon zeta",
    "de": "ah beh zeh deh eh eff geh hah ih jott kah ell emm enn oh peh kuh err ess teh uh fau weh "
    "ix üpsilon zett",
    "fr": "a bé cé dé e effe gé ache i ji ka elle emme enne o pé cu erre esse té u vé double-vé "
    "ixe igrec zède",
    "pt": "a bê cê dê e efe gê agá i jota cá ele eme ene o pê quê erre esse tê u vê dáblio xis "
    "ípsilon zê",
    "pl": "a be ce de e ef gie ha i jot ka el em en o pe ku er es te u fał wu iks igrek zet",
    "ja": "エー ビー シー ディー イー エフ ジー エイチ アイ ジェー ケー エル エム エヌ オー "
    "ピー キュー アール エス ティー ユー ブイ ダブリュー エックス ワイ ゼット",
}
# --- abbreviations, without the point behind them
_ABBREVIATIONS = {
    "en": "mr mister; mrs missus; ms miz; dr doctor; st saint; vs versus; etc et cetera; "
    "feat featuring; ft featuring; w/ with; w/o without; b/c because; b4 before; 2day today; "
    "2nite tonight; 2night tonight; 4ever forever; 4eva forever; gr8 great; m8 mate; l8r later; "
    "h8 hate; w8 wait; rnb are and bee; rock'n'roll rock and roll; drum'n'bass drum and bass; "
    "1/2 a half; 1⁄2 a half; 1⁄4 a quarter; 3⁄4 three quarters",
    "es": "sr señor; sra señora; dr doctor; dra doctora; ud usted; uds ustedes; etc etcétera; "
    "pq porque; xq porque; q que; tb también",
    "it": "sig signor; dott dottor; ecc eccetera; xké perché; nn non; cmq comunque",
    "de": "dr doktor; hr herr; usw und so weiter; z.b zum beispiel; bzw beziehungsweise",
    "fr": "mme madame; mlle mademoiselle; dr docteur; etc et cétéra; svp s'il vous plaît",
    "pt": "sr senhor; sra senhora; dr doutor; dra doutora; etc etcétera; vc você; vcs vocês; "
    "pq porque; tb também; tbm também; q que",
}
SYMBOLS = {language: read_entries(text) for language, text in _SYMBOLS.items()}
LETTERS = {
    language: dict(zip("abcdefghijklmnopqrstuvwxyz", names.split()))
    for language, names in _LETTERS.items()
}
ABBREVIATIONS = {language: read_entries(text) for language, text in _ABBREVIATIONS.items()}
# --- what stands behind a number
_ORDINALS = {
    "en": ("st", "nd", "rd", "th"),
    "fr": ("er", "e", "ème"),
    **dict.fromkeys(("es", "it", "pt"), ("o", "a")),  # º and ª
}
_MAGNITUDES = {"k": "thousand", "m": "million", "b": "billion"}  # in English
_CURRENCIES = "$€£¥"
_UNITS = "$€£¥%°"
_CENTS = 2  # digits
# --- how a text is taken apart
_HYPHENS = "-‐‑"
AROUND = '.,;:!?"()[]{}<>«»‹›“”„…*_~-–—¿¡。、！？「」『』（）・'  # says nothing at a text's edges
_MISSED = "*_\\"  # punctuation that stands for something inside of a word
# letters: NYC, and LOL
_LONGEST_ACRONYM = 5
_LONGEST_WITH_VOWELS = 3
_VOWELS = "aeiouy"
_TONED = re.compile(r"(?:[a-zü]+[1-5])+[a-zü]*")  # pinyin with numbers: ni3hao3
_INITIALS = re.compile(r"(?:[a-z]\.)+[a-z]?")
_TIMES = re.compile(r"[x×][0-9]{1,2}|[0-9]{1,2}[x×]")  # a line is sung twice: x2
_HASHTAG = re.compile(r"^#+(?=[^\W\d_])")  # #love, not #1
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{3})+")
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}")
_PIECES = re.compile(r"[0-9]{1,2}:[0-9]{2}(?![0-9:])|[0-9]+(?:[.,][0-9]+)*|[^0-9]+")


class Spoken(NamedTuple):
    """What is sung of a text: words in lower case; whether those are not the ones that stand there;
    and the signs for which there are none.
    """

    words: tuple[str, ...]
    is_reworded: bool = False
    left_out: str = ""


@functools.lru_cache(maxsize=4096)
def speak(text: str, language: str, is_shouted: bool = False) -> Spoken:
    """What is said of a text without spaces. `is_shouted`: all of its line is in capitals, so that
    words of capitals are no acronyms.
    """
    core = _HASHTAG.sub("", clean(text).strip(AROUND))
    lower = core.lower()
    if language == "zh" and _TONED.fullmatch(lower):
        return Spoken((lower,))
    if _TIMES.fullmatch(lower):
        return Spoken((), left_out=core)
    if meant := ABBREVIATIONS.get(language, {}).get(lower):
        return Spoken(tuple(meant.split()), is_reworded=True)
    if language in LETTERS and "." in lower and _INITIALS.fullmatch(lower):
        return Spoken(tuple(_spell(lower, language)), is_reworded=True)
    words: list[str] = []
    left_out = ""
    is_reworded = False
    pieces = list(_list_pieces(core, language))
    while pieces:
        piece = pieces.pop(0)
        if piece[0].isdecimal():
            words += _say_number(piece, pieces, language)
            is_reworded |= language in NUMBERED
        elif piece in _CURRENCIES and pieces and pieces[0][0].isdecimal():
            words += _say_number(pieces.pop(0), pieces, language, currency=piece)
            is_reworded = True
        elif piece in SYMBOLS.get(language, {}):
            words += SYMBOLS[language][piece].replace("{}", "").split()
            is_reworded = True
        elif is_letter(piece[0]):
            said = _say_letters(piece, language, is_shouted)
            words += said
            is_reworded |= len(said) > 1
        else:
            left_out += piece
    return Spoken(tuple(filter(None, words)), is_reworded, left_out)


@functools.lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """One way to write each letter, digit and apostrophe, and nothing that is not seen."""
    text = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES))
    return "".join(
        str(unicodedata.decimal(character)) if character.isdecimal() else character
        for character in text
        if unicodedata.category(character) not in ("Cf", "Cc", "Cs", "Co", "Cn")
    )


def _list_pieces(text: str, language: str) -> Iterator[str]:
    """Numbers, words, and signs that are not only punctuation, in their order."""
    joins = _HYPHENS if language == "en" else ""  # its parts may be one word: hap-py
    for chunk in _PIECES.findall(text):
        if chunk[0].isdecimal():
            yield chunk
            continue
        for is_word, run in groupby(chunk, lambda each: is_letter(each) or each in joins):
            if is_word:
                word = "".join(run).strip(_HYPHENS)
                if any(map(str.isalpha, word)):
                    yield word
            else:
                yield from (sign for sign in run if not _is_silent(sign, language))


def is_letter(character: str) -> bool:
    """Also an accent, and an apostrophe."""
    return character == APOSTROPHE or unicodedata.category(character)[0] in "LM"


def _is_silent(sign: str, language: str) -> bool:
    """Whether it is punctuation only: it says nothing, and is not missed."""
    if sign in _MISSED or sign in SYMBOLS.get(language, {}):
        return sign == "."
    return unicodedata.category(sign)[0] in "PZ"


def _say_letters(text: str, language: str, is_shouted: bool) -> list[str]:
    word = text.lower() if language == "en" else text.lower().strip(APOSTROPHE)
    if text.isupper() and _is_acronym(word, language, is_shouted):
        return _spell(word, language)
    return [word]


def _is_acronym(word: str, language: str, is_shouted: bool) -> bool:
    if language not in LETTERS or not 2 <= len(word) <= _LONGEST_ACRONYM:
        return False
    if not all(letter in LETTERS[language] for letter in word) or len(set(word)) == 1:
        return False
    if language == "en" and english.is_listed(word):
        return False
    if not any(letter in _VOWELS for letter in word):
        return True
    return language == "en" and not is_shouted and len(word) <= _LONGEST_WITH_VOWELS


def _spell(letters: str, language: str) -> list[str]:
    return [LETTERS[language][letter] for letter in letters if letter in LETTERS[language]]


def _say_number(digits: str, behind: list[str], language: str, currency: str = "") -> list[str]:
    """The words of a number with what belongs to it, which is taken from the pieces behind it."""
    following = behind[0].lower() if behind else ""
    if language not in NUMBERED:
        return [digits]
    if _CLOCK.fullmatch(digits):
        return _say_time(digits, behind, language)
    if digits.isdecimal() and following in _ORDINALS.get(language, ()):
        behind.pop(0)
        return write_ordinal(digits, language)
    if language == "en" and following in ("s", "'s"):
        behind.pop(0)
        return _make_plural(write_number(_split_amount(digits, language)[0], language))
    return _say_amount(digits, behind, language, currency) + _say_half(behind, language)


def _make_plural(words: list[str]) -> list[str]:
    """eighties"""
    *before, last = words
    return [*before, f"{last[:-1]}ies" if last.endswith("y") else f"{last}s"]


def _say_amount(digits: str, behind: list[str], language: str, currency: str) -> list[str]:
    """5, 3.5, 10k, 5%, $5, $3.50, $5M"""
    whole, fraction = _split_amount(digits, language)
    words = write_number(whole, language)
    if (
        language == "en"
        and behind
        and (behind[0].lower() if currency else behind[0]) in _MAGNITUDES
    ):
        words.append(_MAGNITUDES[behind.pop(0).lower()])
    unit = currency or (behind.pop(0) if behind and behind[0] in _UNITS else "")
    cents: list[str] = []
    if unit and unit in _CURRENCIES and len(fraction) == _CENTS:
        cents = write_number(fraction, language)
    elif fraction:
        words.append(SYMBOLS[language]["."])
        words += [word for digit in fraction for word in write_number(digit, language)]
    if not unit:
        return words
    said = SYMBOLS[language][unit].replace("{}", " ".join(words))
    if language == "en" and digits == "1":
        said = said.removesuffix("s")
    return said.split() + cents


def _say_time(digits: str, behind: list[str], language: str) -> list[str]:
    """3:05, 12:00, 3:45pm"""
    hour, minute = digits.split(":")
    words = write_number(hour.lstrip("0") or "0", language)
    half = _say_half(behind, language)
    if minute != "00":
        zero = ["oh"] if minute[0] == "0" and language == "en" else []
        words += zero + write_number(minute.lstrip("0"), language)
    elif language == "en" and not half:
        words.append("o'clock")
    return words + half


def _say_half(behind: list[str], language: str) -> list[str]:
    """am and pm, behind an hour."""
    if language == "en" and behind and behind[0].lower() in ("am", "pm"):
        return _spell(behind.pop(0).lower(), language)
    return []


def _split_amount(digits: str, language: str) -> tuple[str, str]:
    """12,000.5 -> 12000 and 5: the digits of the whole number, and of the fraction."""
    thousands, point = (",", ".") if language in ("en", "ja", "zh") else (".", ",")
    if not _THOUSANDS.fullmatch(digits.partition(point)[0]):  # 1,5 for 1.5
        digits = digits.replace(thousands, point)
    whole, _, fraction = digits.partition(point)
    return whole.replace(thousands, ""), fraction.replace(point, "")
