"""From text to what is sung: each word's syllables, and notes of what is not sung as it is written.

Nothing raises: what cannot be read is hummed, what is no word is left out, and the notes say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from ..limits import LIMITS
from . import english, mandarin
from .languages import NAMES, READERS, UNKNOWN, guess_language
from .scripts import HAN, KANA, LATIN, count_syllables, find_script
from .spoken import AROUND, clean, speak
from .syllables import PRIMARY, SECONDARY, UNSTRESSED, SungWord, Syllable

_HUM = "MM"
_CONTINUOUS = {HAN, KANA}  # scripts without spaces between words
_KANJI = 2  # syllables of one, about
# Languages with a script of their own: their Latin words are English, mostly.
_WITHOUT_LATIN = frozenset("ar bg bn el fa he hi ja ko ne pa ru sa ta te th uk ur yue zh".split())
_TAG = re.compile(  # of HTML, without < and > in it
    r"</?(?:a|b|big|br|center|div|em|font|h[1-6]|hr|i|p|small|span|strong|sub|sup|u)"
    r"(?: [a-z]{1,12}=[^<>]*)? ?/?>",
    re.IGNORECASE,
)
# in a note
_SHOWN_WORDS = 6
_SHOWN_CHARACTERS = 40
_REWORDED = "sung in other words"

Syllables = tuple[Syllable, ...]


class PronouncedLine(NamedTuple):
    words: tuple[SungWord, ...]
    notes: tuple[str, ...]


class PronouncedLyrics(NamedTuple):
    language: str  # as it was said, or guessed
    lines: tuple[tuple[SungWord, ...], ...]  # of each line, also of one without words
    notes: tuple[str, ...]  # each once, however many lines it is about
    problems: tuple[str, ...]  # those of them by which words are left out, or hummed


def pronounce_line(line: str, language: str = UNKNOWN) -> PronouncedLine:
    """One line's words. `language` is a code of `Request.language`."""
    lyrics = pronounce_lyrics([line], language)
    return PronouncedLine(lyrics.lines[0], lyrics.notes)


def pronounce_lyrics(lines: Sequence[str], language: str = UNKNOWN) -> PronouncedLyrics:
    """All lines' words. Which language they are in is guessed from all of them, where it is
    unknown.
    """
    notes = _Notes()
    if language == UNKNOWN:
        language = guess_language("\n".join(lines))
        notes.guessed = language
    latin = _find_latin_reader(language, lines)
    wordless = max(0, len(lines) - LIMITS.sung_lines)
    if wordless:
        notes.add(
            f"only the first {LIMITS.sung_lines} lines are sung, left out from", lines[-wordless]
        )
    lines = lines[: LIMITS.sung_lines]
    each_once = dict.fromkeys(lines)
    read = {line: tuple(_pronounce_words(line, language, latin, notes)) for line in each_once}
    sung = (*(read[line] for line in lines), *[()] * wordless)
    return PronouncedLyrics(language, sung, tuple(notes.write()), tuple(notes.write_problems()))


def _find_latin_reader(language: str, lines: Iterable[str]) -> str:
    """By whose rules Latin letters are read: one of READERS, or "" where they are hummed. Beside
    kana and characters they are no romaji and no pinyin, but English.
    """
    if language in _WITHOUT_LATIN:
        is_native = any(find_script(letter) in (KANA, HAN) for line in lines for letter in line)
        return language if language in READERS and not is_native else "en"
    return language if language in READERS else ""


class _Notes:
    """What is to be said of the lyrics: words by what became of them, in the order of the lines."""

    def __init__(self) -> None:
        self.guessed = ""
        self.latin = ""  # by whose rules Latin letters were read, where by another's
        self._words: dict[str, dict[str, None]] = {}

    def add(self, what: str, word: str) -> None:
        shown = "".join(filter(str.isprintable, word))
        if len(shown) > _SHOWN_CHARACTERS:
            shown = f"{shown[:_SHOWN_CHARACTERS]}…"
        self._words.setdefault(what, {})[shown] = None

    def write(self) -> Iterator[str]:
        if self.guessed:
            latin = f", Latin letters as {NAMES[self.latin]}" if self.latin else ""
            yield f"no language is given: sung as {NAMES[self.guessed]}{latin}"
        yield from map(self._write, self._words)

    def write_problems(self) -> Iterator[str]:
        yield from (self._write(what) for what in self._words if what != _REWORDED)

    def _write(self, what: str) -> str:
        words = self._words[what]
        more = len(words) - _SHOWN_WORDS
        shown = ", ".join(list(words)[:_SHOWN_WORDS])
        return f"{what}: {shown}{f' and {more} more' if more > 0 else ''}"


class _Spoken(NamedTuple):
    """A word that is said, in which of the line's chunks, and by whose rules: one of READERS, HAN,
    or "" where it is hummed.
    """

    place: int
    word: str
    reader: str


def _pronounce_words(line: str, language: str, latin: str, notes: _Notes) -> Iterator[SungWord]:
    chunks = _split_line(line, notes)
    cased = [chunk for chunk in chunks if chunk.upper() != chunk.lower()]
    is_shouted = len(cased) > 1 and all(map(str.isupper, cased))
    spoken: list[_Spoken] = []
    for place, chunk in enumerate(chunks):
        reader = _find_reader(chunk, language, latin, notes)
        said = speak(chunk, reader, is_shouted)
        spoken += [_Spoken(place, word, reader) for word in said.words]
        if said.is_reworded:
            notes.add(_REWORDED, f"{chunk.strip(AROUND)} ({' '.join(said.words)})")
        if said.left_out:
            notes.add("not sung", said.left_out)
    sung: dict[int, Syllables] = {}
    for reader, group in groupby(spoken, lambda each: each.reader):
        said_words = list(group)
        for each, syllables in zip(said_words, _read(said_words, reader, notes)):
            sung[each.place] = sung.get(each.place, ()) + syllables
    for place, syllables in sung.items():
        yield SungWord(chunks[place], syllables)


def _split_line(line: str, notes: _Notes) -> list[str]:
    """What stands between spaces; of Japanese and Chinese, every character of Chinese origin, and
    the kana between.
    """
    if len(line) > LIMITS.sung_line:
        notes.add(f"only the first {LIMITS.sung_line} characters are sung of", line)
    line = line[: LIMITS.sung_line]
    for tag in _TAG.findall(line):
        notes.add("not sung", tag)
    chunks = [chunk for text in _TAG.sub(" ", line).split() for chunk in _split_scripts(text)]
    for chunk in chunks:
        if len(chunk) > LIMITS.sung_word:
            notes.add(f"only the first {LIMITS.sung_word} characters are sung of", chunk)
    return [chunk[: LIMITS.sung_word] for chunk in chunks]


def _split_scripts(text: str) -> Iterator[str]:
    begin = 0
    last = ""  # the script before
    for place, character in enumerate(text):
        script = find_script(character)
        if last and script and (script == HAN or (script != last and {script, last} & _CONTINUOUS)):
            yield text[begin:place]
            begin = place
        last = script or last
    yield text[begin:]


def _find_reader(chunk: str, language: str, latin: str, notes: _Notes) -> str:
    """By whose rules a chunk is read: one of READERS, HAN, or "" where it is hummed."""
    text = clean(chunk)
    script = next(filter(None, map(find_script, text)), "")
    if script == KANA:
        return "ja"
    if script == HAN and language == "ja":
        notes.add("kanji are hummed, kana would be sung", chunk)
        return ""
    if script == HAN and language not in ("ko", "yue"):
        return HAN
    if script == LATIN and language == "zh" and mandarin.is_toned(text.strip(AROUND)):
        return "zh"
    reader = latin if script == LATIN else "" if script else language
    if reader in READERS:
        if script == LATIN and reader != language:
            notes.latin = reader
        return reader
    if script or any(map(str.isdecimal, text)):
        whose = script if script not in ("", LATIN, HAN) else NAMES.get(language, language)
        notes.add(f"hummed, as there are no rules for {whose}", chunk)
    return ""


def _read(words: Sequence[_Spoken], reader: str, notes: _Notes) -> Iterable[Syllables]:
    """The syllables of words that stand beside each other and have the same rules."""
    texts = [each.word for each in words]
    if not reader:
        return [_hum(text) for text in texts]
    if reader == HAN:
        sung = _read_characters(texts)
    else:
        sung = READERS[reader](texts)
        if reader in _WITHOUT_LATIN:  # neither romaji nor pinyin
            sung = [each or english.pronounce([text])[0] for each, text in zip(sung, texts)]
    for text, syllables in zip(texts, sung):
        if not syllables:
            notes.add("hummed, as nothing is known of", text)
    return [syllables or _hum(text) for syllables, text in zip(sung, texts)]


def _read_characters(characters: Sequence[str]) -> list[Syllables]:
    """Chinese characters in a row: words are of two, mostly, and the first has the stress."""
    sung = mandarin.pronounce(mandarin.spell_characters("".join(characters)))
    return [
        tuple(
            each._replace(stress=SECONDARY) if number % 2 and each.stress else each
            for each in syllables
        )
        for number, syllables in enumerate(sung)
    ]


def _hum(word: str) -> Syllables:
    """With the lips closed, as many syllables as the word seems to have."""
    count = count_syllables(word)
    if find_script(word[0]) == HAN:
        count = _KANJI * len(word)
    stresses = [PRIMARY, *[UNSTRESSED] * (count - 1)]
    return tuple(Syllable((), _HUM, (), stress) for stress in stresses)
