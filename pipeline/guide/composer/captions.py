"""What a caption asks for: a style, a tempo, a key, a mood, and the parts that play."""

from __future__ import annotations

import dataclasses
import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...keys import parse_key
from ...prompt_reading import read_prompt
from ...reading.said import Said, fold_accents
from ..bands import choose_sounds
from ..harmony import fit_key
from ..score import ROLES
from .caption_words import (
    DEFAULT_STYLES,
    DEGREES,
    DENIED,
    FACTORS,
    FEELINGS,
    FILLERS,
    MODE_WORDS,
    MOOD_WORDS,
    ROLE_WORDS,
    SCENERY,
    SPEED_WORDS,
    STRENGTH,
    STYLE_WORDS,
)
from .form import LyricSection
from .meter import BarMeter
from .mood import Mood, describe_turn
from .negations import Negations, split_negations
from .sketch import Sketch, pick
from .sound_words import PLAYS_CHORDS, PLAYS_LEAD, SOUND_WORDS
from .styles import STYLES, Style

MAX_CHARACTERS = 2000  # of a caption: the model reads no more either
MOST_IGNORED = 8  # words that a sentence lists
TONICS = {  # as keys are usually written
    "major": "C Db D Eb E F F# G Ab A Bb B".split(),
    "minor": "C C# D Eb E F F# G G# A Bb B".split(),
}


class WordReading(NamedTuple):
    """What words of a caption did: "dark": "duller, lower, sadder"."""

    words: str
    meaning: str


class Caption(NamedTuple):
    """A caption that was read: what it asks for, the sounds by role, which of its words acted and
    how, and which did nothing here. The model may know them.
    """

    sketch: Sketch
    sounds: dict[str, str]
    acted: tuple[WordReading, ...]
    ignored: tuple[str, ...]


def read_caption(
    prompt: str,
    *,
    bpm: float,
    key: str,
    bars: int,
    meter: BarMeter,
    seed: int,
    chords: Sequence[str] = (),
    loop: bool = False,
    lyrics: tuple[LyricSection, ...] = (),
) -> Caption:
    """What a caption asks for. A bpm of 0 and an empty key are the caption's, or picked for the
    style by the seed.
    """
    written = _normalize(prompt)
    wanted = _split(prompt)
    text, unwanted = wanted.text, " , ".join(wanted.denied)
    sketch = Sketch("", bpm, key, bars, meter, ROLES, seed, tuple(chords), loop=loop, lyrics=lyrics)
    named = _find_style(text)
    denied = [*_STYLES.find_all(unwanted)]
    left = {*DEFAULT_STYLES} - {style.meaning for style in denied}
    styles = [style for style in DEFAULT_STYLES if style in left]
    name = named.meaning if named else pick(sketch.make_rng("style"), styles)
    sketch = dataclasses.replace(sketch, style=name)
    rng = sketch.make_rng("caption")
    # also where none is needed, so that the key stays the same
    picked_bpm = _pick_bpm(rng, text, STYLES[name])
    picked_key = _pick_key(rng, wanted, STYLES[name])
    reading = read_prompt(prompt)
    mood, feelings = _read_mood(wanted)
    parts = _find_parts(wanted, name)
    acted = list(feelings)
    if named:
        acted.append(named._replace(meaning=f"style {name}"))
    acted += [WordReading(f"not {style.words}", "another style") for style in denied]
    if not bpm:
        acted += _explain_tempo(text, reading.bpm)
    if not key:
        acted += _explain_key(wanted, reading.key, bool(chords))
    sounds, players = _find_sounds(wanted, name, is_sung=bool(lyrics))
    acted += [*players, *_explain_parts(wanted, parts)]
    if lyrics:
        acted += _explain_singer(reading.singer)
    sketch = dataclasses.replace(
        sketch,
        bpm=bpm or reading.bpm or picked_bpm,
        key=parse_key(key or reading.key or (fit_key(chords) if chords else picked_key)),
        mood=mood,
        parts=parts,
    )
    places = map(fold_accents, map(_normalize, reading.words))
    read = [*wanted.denied, *places, *(one.words for one in acted)]
    return Caption(sketch, sounds, tuple(acted), tuple(_list_ignored(written, read)))


def read_style(prompt: str) -> str:
    """The style that a caption names; "" where it names none."""
    wanted = _split(prompt)
    named = _find_style(wanted.text)
    return named.meaning if named else ""


def read_sounds(prompt: str, style: str) -> dict[str, str]:
    """Who plays a style, by role: those that a caption names, and who usually does."""
    return _find_sounds(_split(prompt), style, is_sung=False)[0]


def read_mood(prompt: str) -> Mood:
    """The mood that a caption's adjectives add up to."""
    return _read_mood(_split(prompt))[0]


def _split(prompt: str) -> Negations:
    """What a caption asks for, and what it does not want."""
    return split_negations(_SCENERY.sub(",", fold_accents(_normalize(prompt))))


def _find_style(text: str) -> WordReading | None:
    return _STYLES.find_first(text) or _MOODS.find_first(text)


def describe_caption(caption: Caption) -> str:
    """How a caption was read, in a sentence; "" where it only names a style."""
    meanings: dict[str, list[str]] = {}
    for words, meaning in caption.acted:
        if meaning.startswith("part ") and caption.sketch.parts == ROLES:
            continue  # it plays in any case
        told_of = next((other for other in meanings if other.endswith(f" {words}")), words)
        meanings.setdefault(told_of, []).extend(_tell(words, meaning))
    read = [
        f"{words} ({', '.join(listed)})" if listed else words for words, listed in meanings.items()
    ]
    names = {words for words, meaning in caption.acted if meaning.startswith("style ")}
    told = []
    if not meanings.keys() <= names:
        told.append(f"the guide read in the prompt: {', '.join(read)}")
    if caption.ignored:
        more = len(caption.ignored) - MOST_IGNORED
        listed = ", ".join(caption.ignored[:MOST_IGNORED]) + (
            f" and {more} more" if more > 0 else ""
        )
        told.append(f"nothing of the guide is made of: {listed} (the model may know them)")
    return "; ".join(told)


def _tell(words: str, meaning: str) -> Iterator[str]:
    """What words mean, beyond what they say themselves."""
    if meaning in ("tempo", "key", f"style {words}", f"part {words}", "sound"):
        return
    for one in meaning.split(", "):
        thing = one.removesuffix(" left out").removesuffix("s")
        if one != words and (thing == one or words.removesuffix("s") != f"no {thing}"):
            yield one


class _WordTable:
    """Finds a table's words in a normalized text, the longest at each place, and tells what they
    stand for.
    """

    def __init__(self, table: Mapping[str, str], *, are_adjectives: bool = False) -> None:
        self._meaning = {
            form: name
            for name, words in table.items()
            for word in words.split(", ")
            for form in (_compare(word) if are_adjectives else (word,))
        }
        longest_first = sorted(self._meaning, key=lambda word: (-len(word), word))
        plural = "" if are_adjectives else "s?"
        self._pattern = re.compile(rf"\b({'|'.join(longest_first)}){plural}\b")

    def __contains__(self, word: str) -> bool:
        return word in self._meaning

    def find_all(self, text: str) -> Iterator[WordReading]:
        """Every word as it is in the text, and what it stands for."""
        for _, reading in self.find_places(text):
            yield reading

    def find_places(self, text: str) -> Iterator[tuple[int, WordReading]]:
        """As `find_all`, with where each begins."""
        for match in self._pattern.finditer(text):
            yield match.start(), WordReading(match[0], self._meaning[match[1]])

    def find_first(self, text: str) -> WordReading | None:
        return next(self.find_all(text), None)

    def replace_some(self, text: str, token: str, is_one: Callable[[str], bool]) -> str:
        """The text with a token for each word, as it is in the text, that is one."""
        return self._pattern.sub(lambda match: token if is_one(match[0]) else match[0], text)

    def replace_all(self, text: str, token: str) -> str:
        """The text with a token for every word; "{}" in it is what the word stands for."""
        return self._pattern.sub(lambda match: token.format(self._meaning[match[1]]), text)


def _compare(word: str) -> tuple[str, ...]:
    """An adjective as it is, and as it is compared: dark, darker, darkest."""
    if " " in word or len(word) > 6:
        return (word,)
    stem = re.sub("y$", "i", word).removesuffix("e")
    if re.search("[^aeiou][aeiou][bdgmnpt]$", stem):
        stem += stem[-1]
    return (word, f"{stem}er", f"{stem}est")


_STYLES = _WordTable(STYLE_WORDS)
_MOODS = _WordTable(MOOD_WORDS)
_ROLES = _WordTable(ROLE_WORDS)
_MODES = _WordTable(MODE_WORDS, are_adjectives=True)
_SPEEDS = _WordTable(SPEED_WORDS, are_adjectives=True)
# by the index of what the words turn
_FEELINGS = _WordTable(
    {str(index): words for index, (_, words) in enumerate(FEELINGS)}, are_adjectives=True
)
# by the index of what the words name
_SOUNDS = _WordTable({str(index): words for index, (*_, words) in enumerate(SOUND_WORDS)})
_ROLE_SAID = "|".join(
    rf"(?P<{role}>{words.replace(', ', '|')})"
    for role, words in (("chords", PLAYS_CHORDS), ("lead", PLAYS_LEAD))
)
_WORDS_AROUND = re.compile(rf" (?:{_ROLE_SAID})s?\b")
_WORDS_BEFORE = re.compile(rf"\b(?:{_ROLE_SAID}) $")
SUNG_SOUND = "vocal"
_SCENERY = re.compile(rf"\b(?:{SCENERY.replace(', ', '|')})s?\b")
_FACTOR = re.compile(rf"\b({'|'.join(sorted(FACTORS, key=len, reverse=True))}) $")
_INSTRUMENTS = "|".join(sorted(", ".join(ROLE_WORDS.values()).split(", "), key=len, reverse=True))
_DEGREE = re.compile(
    rf"\b(?P<degree>{'|'.join(DEGREES)}) (?:of |the |electric |acoustic )*"
    rf"(?P<part>(?:{_INSTRUMENTS})s?)\b"
)
_SWITCHED_OFF = re.compile(rf"\b((?:{_INSTRUMENTS})s?) (?:off|muted|removed)(?= ,|$)")
_PART_OF = {"voice": "lead", "hats": "drums"}
_LOUDNESS = ("louder", "quieter")  # of the degrees those that change no number of notes
_SWITCHES = ("hats", "half_time", "swing")  # denied, these are what they are without a word


def _normalize(caption: str) -> str:
    """Lower case words with one space between them; "," for whatever ends a phrase. A word is whole
    in any alphabet, however its accents are written.
    """
    text = (
        unicodedata.normalize("NFKC", caption[:MAX_CHARACTERS])
        .lower()
        .replace("’", "'")
        .replace("w/o", "without")
    )
    text = re.sub(r"&|'n'|\bn\b", " and ", text)
    text = re.sub(r"[,.;:!?()\[\]|\n。、]+", " , ", text)
    text = re.sub(r"\b(drum|beat|bass|hat)-?less\b", r"no \1", text)
    text = " ".join("".join(sign if _is_of_word(sign) else " " for sign in text).split())
    text = re.sub(r"\bnot (?:only|just)\b", ",", text)
    return _SWITCHED_OFF.sub(r"no \1", text)


@functools.lru_cache(1024)
def _is_of_word(sign: str) -> bool:
    """Whether it is of a word, or ends a phrase; a vowel of Hindi is a mark."""
    return sign == "," or sign.isalnum() or unicodedata.category(sign)[0] == "M"


def _pick_bpm(rng: np.random.Generator, text: str, style: Style) -> int:
    """One of the style's tempos: of the upper third for "fast", of the lower for "slow"."""
    low, high = style.bpm
    third = (high - low) // 3
    speed = _SPEEDS.find_first(text)
    if speed and speed.meaning == "fast":
        low = high - third
    elif speed:
        high = low + third
    return int(rng.integers(low, high + 1))


def _pick_key(rng: np.random.Generator, wanted: Negations, style: Style) -> str:
    """Any tonic, in the mode that a mood suggests or that is usual for the style."""
    pitch_class = int(rng.integers(12))
    usual = "minor" if rng.random() < style.minor else "major"
    found = _find_mode(wanted)
    mode = found.meaning if found else usual
    return f"{TONICS[mode][pitch_class]} {mode}"


def _find_mode(wanted: Negations) -> WordReading | None:
    """The words of a caption that suggest a mode: of what is denied, the other one."""
    if found := _MODES.find_first(wanted.text):
        return found
    for denied in wanted.denied:
        if found := next(_find_denied(_MODES, _STYLES.replace_all(denied, "~")), None):
            other = "major" if found.meaning == "minor" else "minor"
            return WordReading(f"{_shorten(denied)} {found.words}", other)
    return None


def _find_denied(table: _WordTable, denied: str) -> Iterator[WordReading]:
    """A table's adjectives that are denied; without dark pads the rest may be dark."""
    if not _ROLES.find_first(_FEELINGS.replace_all(denied, "~")):
        yield from table.find_all(denied)


def _shorten(denied: str) -> str:
    """How something is denied, in a word."""
    first = denied.split()[0]
    return first if first in ("no", "without", "less", "never") else "not"


def _explain_tempo(text: str, found_bpm: float) -> Iterator[WordReading]:
    if found_bpm:
        yield WordReading(f"{found_bpm:.10g} bpm", "tempo")
    elif speed := _SPEEDS.find_first(text):
        yield speed._replace(meaning=f"tempo {speed.meaning}")


def _explain_key(wanted: Negations, found_key: str, has_chords: bool) -> Iterator[WordReading]:
    if found_key:
        yield WordReading(found_key.lower(), "key")
    elif not has_chords and (mode := _find_mode(wanted)):
        yield mode._replace(meaning=f"key {mode.meaning}")


def _explain_parts(wanted: Negations, parts: tuple[str, ...]) -> Iterator[WordReading]:
    """The instruments that are named, each with the part that it stands for, and those that are
    left out; a style is none.
    """
    for named in _ROLES.find_all(_STYLES.replace_all(wanted.text, "~")):
        yield named._replace(meaning=f"part {_PART_OF.get(named.meaning, named.meaning)}")
    for denied in wanted.denied:
        for named in _ROLES.find_all(_STYLES.replace_all(denied, "~")):
            if named.meaning in ROLES and named.meaning not in parts:
                yield WordReading(f"no {named.words}", f"{named.meaning} left out")


class _NamedSound(NamedTuple):
    words: str
    roles: list[str]  # that it may play, the first if it is free
    sounds: list[str]  # the style's usual one of these, else the first


def _find_sounds(
    wanted: Negations, style: str, is_sung: bool
) -> tuple[dict[str, str], list[WordReading]]:
    """Who plays each role, and what became of those that are named: there is one for a role, and
    no instrument has the part of who sings.
    """
    usual = choose_sounds(style, {*_list_denied_sounds(wanted)})
    chosen: dict[str, str] = {}
    readings = []
    # who can play one role alone comes first
    for named in sorted(_list_named_sounds(wanted.text), key=lambda named: len(named.roles)):
        sounds = [sound for sound in named.sounds if not (is_sung and sound == SUNG_SOUND)]
        role = next((role for role in named.roles if role not in chosen), "")
        plays = not {*sounds}.isdisjoint(chosen.values())
        if not sounds or (plays and (len(named.roles) > 1 or not role)):
            continue
        if role:
            chosen[role] = usual[role] if usual[role] in sounds else sounds[0]
            meaning = _tell_player(named.words, role, chosen[role], usual[role])
        else:
            meaning = "no part of the guide is left for it"
        readings.append(WordReading(named.words, meaning))
    return usual | chosen, readings


def _list_named_sounds(text: str) -> Iterator[_NamedSound]:
    for place, found in _SOUNDS.find_places(text):
        roles, sounds, _ = SOUND_WORDS[int(found.meaning)]
        may_play = roles.split()
        said = _WORDS_AROUND.match(text[place + len(found.words) :]) or _WORDS_BEFORE.search(
            text[:place]
        )
        if said and len(may_play) > 1:
            may_play = ["chords" if said["chords"] else "lead"]
        yield _NamedSound(found.words, may_play, sounds.split(", "))


def _list_denied_sounds(wanted: Negations) -> Iterator[str]:
    for denied in wanted.denied:
        for named in _list_named_sounds(denied):
            yield from named.sounds


def _tell_player(words: str, role: str, sound: str, usual: str) -> str:
    """Who plays what is named so."""
    name = sound.replace("-", " ").removesuffix("s")
    if sound == usual:
        return f"part {role}"
    if words.removesuffix("s") == name or (role == "drums" and words.startswith(name)):
        return "sound"
    return f"played by the {sound} kit" if role == "drums" else f"played by {sound}"


def _explain_singer(singer: Said) -> Iterator[WordReading]:
    """Who sings, where somebody does."""
    for words in singer.words:
        is_heard = words == singer.said
        yield WordReading(words, f"sung by a {singer.value}" if is_heard else "another singer")


def _read_mood(wanted: Negations) -> tuple[Mood, list[WordReading]]:
    """What the adjectives of a caption add up to, and what each of them does; said twice it does it
    once. In the name of a style they are none, unless that is a mood of another style.
    """
    turned: dict[str, float] = {}
    readings = []
    for words, factor, changes in dict.fromkeys(_list_feelings(wanted)):
        strength = STRENGTH * factor
        amounts = {}
        for scale, amount in changes:
            if scale == "swing":
                turned[scale] = amounts[scale] = amount
            else:
                amounts[scale] = strength * amount
                turned[scale] = turned.get(scale, 0.0) + amounts[scale]
        meaning = ", ".join(describe_turn(scale, change) for scale, change in amounts.items())
        readings.append(WordReading(words, meaning))
    swing = turned.pop("swing", None)
    half_time = turned.pop("half_time", 0.0) > 0
    scales = {scale: round(min(max(turned[scale], -1.0), 1.0), 3) for scale in turned}
    return Mood(**scales, half_time=half_time, swing=swing), readings


def _list_feelings(
    wanted: Negations,
) -> Iterator[tuple[str, float, tuple[tuple[str, float], ...]]]:
    """The words of a caption that turn scales, how much of that they do, and which scales."""
    seen = set()
    text = _STYLES.replace_some(wanted.text, "~", lambda style: style not in _FEELINGS)
    for degree in _DEGREE.finditer(text):
        role = next(_ROLES.find_all(degree["part"])).meaning
        if role == "hats" and degree["degree"] in _LOUDNESS:
            role = "drums"  # as loud as they are: more of them are rolls
        if degree[0] not in _FEELINGS:
            yield degree[0], DEGREES[degree["degree"]], ((role, 1.0),)
    text = _DEGREE.sub(lambda degree: degree[0] if degree[0] in _FEELINGS else "~", text)
    for place, feeling in _FEELINGS.find_places(text):
        if feeling.words in seen:
            continue
        seen.add(feeling.words)
        factor = _FACTOR.search(text[:place])
        words = f"{factor[1]} {feeling.words}" if factor else feeling.words
        changes = FEELINGS[int(feeling.meaning)][0]
        yield words, FACTORS[factor[1]] if factor else 1.0, tuple(changes.items())
    for denied in wanted.denied:
        text = _STYLES.replace_all(denied, "~")
        for feeling in _find_denied(_FEELINGS, text):
            changes = FEELINGS[int(feeling.meaning)][0]
            turned = tuple((name, by) for name, by in changes.items() if name not in _SWITCHES)
            if changes.get("swing"):
                turned = (("swing", 0.0),)
            if turned:
                yield f"{_shorten(denied)} {feeling.words}", DENIED, turned
        roles = _ROLES.find_all(_FEELINGS.replace_all(text, "~"))
        if hats := next((role for role in roles if role.meaning == "hats"), None):
            yield f"no {hats.words}", 1.0, (("hats", -1.0 / STRENGTH),)


def _find_parts(wanted: Negations, style: str) -> tuple[str, ...]:
    """Everything, without what the caption excludes; only what it names if it says so. Never
    nothing.
    """
    text = re.sub(r"\ba ?cap+ella\b", "only voice", wanted.text)
    text = _name_roles(text)
    excluded = re.findall(r"<(\w+)>", _name_roles(" , ".join(wanted.denied)))
    named = {_PART_OF.get(role, role) for role in re.findall(r"<(\w+)>", text)}
    solo = len(named) == 1 and re.search(r"(?<!with )(?<!with a )\bsolo (?:[\w~]+ ){0,2}<", text)
    exclusive = solo or re.search(r"\b(?:only|just)\b", text)
    parts = named if named and exclusive else {*ROLES}
    if style == "ambient" and "drums" not in named:
        parts = parts - {"drums"}
    return tuple(role for role in ROLES if role in parts and role not in excluded) or ROLES


def _name_roles(text: str) -> str:
    """The text with "<role>" for its instruments; drum and bass is none."""
    text = _ROLES.replace_all(_STYLES.replace_all(text, "~"), "<{}>")
    # of two roles in a row the last one counts: a flute melody, a synth bass
    return re.sub(r"(?:<(?:chords|lead|voice)> )+(<(?:lead|chords|bass)>)", r"\1", text)


def _list_ignored(written: str, read: Iterable[str]) -> Iterator[str]:
    """The words that did nothing, each once, as they are written."""
    used = {word for words in read for word in words.split()} | FILLERS
    for word in dict.fromkeys(written.split()):
        if fold_accents(word) not in used and len(word) > 1 and not word.isdigit():
            yield word
