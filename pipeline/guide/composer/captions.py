"""What a caption asks for: a style, a tempo, a key, a mood, and the parts that play."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...request import parse_key
from ..harmony import fit_key
from ..score import ROLES
from .caption_words import (
    DEFAULT_STYLES,
    FACTORS,
    FEELINGS,
    FILLERS,
    MODE_WORDS,
    MOOD_WORDS,
    ROLE_WORDS,
    SPEED_WORDS,
    STRENGTH,
    STYLE_WORDS,
)
from .form import LyricSection
from .meter import Meter
from .mood import Mood
from .sketch import Sketch, pick
from .styles import STYLES, Style

MAX_CHARACTERS = 2000  # of a caption: the model reads no more either
TONICS = {  # as keys are usually written
    "major": "C Db D Eb E F F# G Ab A Bb B".split(),
    "minor": "C C# D Eb E F F# G G# A Bb B".split(),
}


class WordReading(NamedTuple):
    """What words of a caption did: "very dark": "brightness -1"."""

    words: str
    meaning: str


class Caption(NamedTuple):
    """A caption that was read: what it asks for, which of its words acted and how, and which did
    nothing here. The model may know them.
    """

    sketch: Sketch
    acted: tuple[WordReading, ...]
    ignored: tuple[str, ...]


def read_caption(
    prompt: str,
    *,
    bpm: float,
    key: str,
    bars: int,
    meter: Meter,
    seed: int,
    chords: Sequence[str] = (),
    loop: bool = False,
    lyrics: tuple[LyricSection, ...] = (),
) -> Caption:
    """What a caption asks for. A bpm of 0 and an empty key are the caption's, or picked for the
    style by the seed.
    """
    text = _normalize(prompt)
    sketch = Sketch("", bpm, key, bars, meter, ROLES, seed, tuple(chords), loop=loop, lyrics=lyrics)
    named = _STYLES.find_first(text) or _MOODS.find_first(text)
    name = named.meaning if named else pick(sketch.make_rng("style"), DEFAULT_STYLES)
    sketch = dataclasses.replace(sketch, style=name)
    rng = sketch.make_rng("caption")
    # also where none is needed, so that the key stays the same
    picked_bpm = _pick_bpm(rng, text, STYLES[name])
    picked_key = _pick_key(rng, text, STYLES[name])
    found_bpm, found_key = _find_bpm(text), _find_key(prompt)
    mood, feelings = _read_mood(text)
    parts = _find_parts(_HATLESS.sub(",", text), name)
    acted = list(feelings)
    if named:
        acted.append(named._replace(meaning=f"style {name}"))
    if not bpm:
        acted += _explain_tempo(text, found_bpm)
    if not key:
        acted += _explain_key(text, found_key, bool(chords))
    acted += _explain_parts(text, parts)
    sketch = dataclasses.replace(
        sketch,
        bpm=bpm or found_bpm or picked_bpm,
        key=parse_key(key or found_key or (fit_key(chords) if chords else picked_key)),
        mood=mood,
        parts=parts,
    )
    return Caption(sketch, tuple(acted), tuple(_list_ignored(text, acted)))


def read_mood(prompt: str) -> Mood:
    """The mood that a caption's adjectives add up to."""
    return _read_mood(_normalize(prompt))[0]


class _WordTable:
    """Finds a table's words in a normalized text, the longest at each place, and tells what they
    stand for.
    """

    def __init__(self, table: Mapping[str, str]) -> None:
        self._meaning = {word: name for name, words in table.items() for word in words.split(", ")}
        longest_first = sorted(self._meaning, key=lambda word: (-len(word), word))
        self._pattern = re.compile(rf"\b({'|'.join(longest_first)})s?\b")

    def __contains__(self, word: str) -> bool:
        return word in self._meaning

    def find_all(self, text: str) -> Iterator[WordReading]:
        """Every word as it is in the text, and what it stands for."""
        for match in self._pattern.finditer(text):
            yield WordReading(match[0], self._meaning[match[1]])

    def find_first(self, text: str) -> WordReading | None:
        return next(self.find_all(text), None)

    def replace_all(self, text: str, token: str) -> str:
        """The text with a token for every word; "{}" in it is what the word stands for."""
        return self._pattern.sub(lambda match: token.format(self._meaning[match[1]]), text)


_STYLES = _WordTable(STYLE_WORDS)
_MOODS = _WordTable(MOOD_WORDS)
_ROLES = _WordTable(ROLE_WORDS)
_MODES = _WordTable(MODE_WORDS)
_SPEEDS = _WordTable(SPEED_WORDS)
# by the index of what the words turn
_FEELINGS = _WordTable({str(index): words for index, (_, words) in enumerate(FEELINGS)})
_FACTOR = re.compile(rf"\b({'|'.join(sorted(FACTORS, key=len, reverse=True))}) $")
_HATLESS = re.compile(r"\b(?:no|without|minus) (?:any )?(?:hi hats?|hihats?|hats?)\b|\bhatless\b")
_NOTE_NAME = r"([A-G])[ -]?(#|b|♯|♭|sharp|flat)?[ -]?"
_KEYS = (
    re.compile(
        rf"\b(?:in|key of|key:?) {_NOTE_NAME}(major|minor|maj|min|m)\b(?! key)", re.IGNORECASE
    ),
    re.compile(rf"\b(?-i:(?=[A-G])){_NOTE_NAME}(major|minor|maj|min)\b", re.IGNORECASE),
)
_ADJECTIVES = (
    r"(?:(?:a|an|the|any|more|live|heavy|loud|big|acoustic|electronic|electric|programmed) )*"
)
_EXCLUDING = (
    rf"\b(?:no|without|minus) {_ADJECTIVES}<\w+>(?:(?: and| or| nor| no)+ {_ADJECTIVES}<\w+>)*"
)


def _normalize(caption: str) -> str:
    """Lower case words with one space between them; "," for whatever ends a phrase."""
    text = caption[:MAX_CHARACTERS].lower().replace("’", "'").replace("w/o", "without")
    text = re.sub(r"&|'n'|\bn\b", " and ", text)
    text = re.sub(r"[,.;:!?()\[\]|\n]+", " , ", text)
    return " ".join(re.sub(r"[^a-z0-9,]+", " ", text).split())


def _find_bpm(text: str) -> int:
    """The tempo that a text names, or 0."""
    match = re.search(r"\b(\d{2,3}) ?bpm\b", text)
    return int(match[1]) if match and 30 <= int(match[1]) <= 300 else 0


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


def _find_key(caption: str) -> str:
    """The key that a caption names, as "in a minor", "F# major" or "key of Dm"; else ""."""
    for pattern in _KEYS:
        if match := pattern.search(caption):
            note, accidental, mode = match.groups(default="")
            sign = {"sharp": "#", "flat": "b"}.get(accidental.lower(), accidental.lower())
            return parse_key(f"{note}{sign} {mode.lower()}")
    return ""


def _pick_key(rng: np.random.Generator, text: str, style: Style) -> str:
    """Any tonic, in the mode that a mood suggests or that is usual for the style."""
    pitch_class = int(rng.integers(12))
    usual = "minor" if rng.random() < style.minor else "major"
    found = _MODES.find_first(text)
    mode = found.meaning if found else usual
    return f"{TONICS[mode][pitch_class]} {mode}"


def _explain_tempo(text: str, found_bpm: int) -> Iterator[WordReading]:
    if found_bpm:
        yield WordReading(f"{found_bpm} bpm", "tempo")
    elif speed := _SPEEDS.find_first(text):
        yield speed._replace(meaning=f"tempo {speed.meaning}")


def _explain_key(text: str, found_key: str, has_chords: bool) -> Iterator[WordReading]:
    if found_key:
        yield WordReading(found_key.lower(), "key")
    elif not has_chords and (mode := _MODES.find_first(text)):
        yield mode._replace(meaning=f"key {mode.meaning}")


def _explain_parts(text: str, parts: tuple[str, ...]) -> Iterator[WordReading]:
    """The instruments that are named, each with the part that it stands for; a style is none."""
    for named in _ROLES.find_all(_STYLES.replace_all(_HATLESS.sub(",", text), "~")):
        out = named.meaning in ROLES and named.meaning not in parts
        yield named._replace(meaning=f"{'without ' if out else 'part '}{named.meaning}")


def _read_mood(text: str) -> tuple[Mood, list[WordReading]]:
    """What the adjectives of a caption add up to, and what each of them does; said twice it does it
    once. In the name of a style they are none, unless that is a mood of another style.
    """
    for style in _STYLES.find_all(text):
        if style.words not in _FEELINGS:
            text = text.replace(style.words, "~")
    turned: dict[str, float] = {}
    readings = []
    if hatless := _HATLESS.search(text):
        turned["hats"] = -1.0
        readings.append(WordReading(hatless[0], "hats -1"))
    for feeling in dict.fromkeys(_FEELINGS.find_all(text)):
        factor = _FACTOR.search(text[: text.index(feeling.words)])
        strength = STRENGTH * (FACTORS[factor[1]] if factor else 1.0)
        changes = {
            scale: amount if scale == "swing" else strength * amount
            for scale, amount in FEELINGS[int(feeling.meaning)][0].items()
        }
        for scale, change in changes.items():
            turned[scale] = change + (0.0 if scale == "swing" else turned.get(scale, 0.0))
        words = f"{factor[1]} {feeling.words}" if factor else feeling.words
        meaning = ", ".join(f"{scale} {change:+.2g}" for scale, change in changes.items())
        readings.append(WordReading(words, meaning))
    swing = turned.pop("swing", None)
    half_time = turned.pop("half_time", 0.0) > 0
    scales = {scale: round(min(max(turned[scale], -1.0), 1.0), 3) for scale in turned}
    return Mood(**scales, half_time=half_time, swing=swing), readings


def _find_parts(text: str, style: str) -> tuple[str, ...]:
    """Everything, without what the caption excludes; only what it names if it says so. Never
    nothing.
    """
    text = re.sub(r"\b(drum|beat|bass) ?less\b", r"no \1", text)
    text = re.sub(r"\ba ?cap+ella\b", "only voice", text)
    text = _STYLES.replace_all(text, "~")  # drum and bass is no instrument
    text = _ROLES.replace_all(text, "<{}>")
    # of two roles in a row the last one counts: a flute melody, a synth bass
    text = re.sub(r"(?:<(?:chords|lead|voice)> )+(<(?:lead|chords|bass)>)", r"\1", text)
    excluded = re.findall(r"<(\w+)>", " ".join(re.findall(_EXCLUDING, text)))
    text = re.sub(_EXCLUDING, ",", text)
    named = {"lead" if role == "voice" else role for role in re.findall(r"<(\w+)>", text)}
    solo = len(named) == 1 and re.search(r"(?<!with )(?<!with a )\bsolo (?:[\w~]+ ){0,2}<", text)
    exclusive = solo or re.search(r"\b(?:only|just)\b", text)
    parts = named if named and exclusive else {*ROLES}
    if style == "ambient" and "drums" not in named:
        parts = parts - {"drums"}
    return tuple(role for role in ROLES if role in parts and role not in excluded) or ROLES


def _list_ignored(text: str, acted: Sequence[WordReading]) -> Iterator[str]:
    """The words that did nothing, each once."""
    used = {word for reading in acted for word in reading.words.split()}
    for word in dict.fromkeys(text.split()):
        if word not in used and word not in FILLERS and len(word) > 1 and not word.isdigit():
            yield word
