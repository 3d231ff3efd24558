"""What a caption asks for: a style, a tempo, a key, and the parts that play. Imports no MLX."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from ...keys import parse_key
from ..harmony import NOTES, fit_key
from ..score import ROLES
from .sketch import FirstSketch, make_rng, pick
from .styles import STYLES, FirstStyle

MAX_CHARACTERS = 2000  # of a caption: the model reads no more either
DEFAULT_STYLES = ("pop", "house", "hip hop", "lo-fi")  # one of these when a caption names none

STYLE_WORDS = {
    "house": (
        "house, deep house, acid house, tech house, french house, ambient house, funky house, "
        "lofi house, edm, disco, nu disco, garage, uk garage, two step, amapiano, afro house, "
        "dance pop, eurodance, big room"
    ),
    "techno": (
        "techno, dub techno, ambient techno, trance, psytrance, electro, hardstyle, hardcore, "
        "gabber, rave, idm"
    ),
    "drum and bass": (
        "drum and bass, dnb, d and b, jungle, breakbeat, breakcore, liquid, neurofunk, big beat"
    ),
    "hip hop": "hip hop, hiphop, boom bap, rap beat, rap, r and b, rnb, trip hop, neo soul",
    "trap": "trap, drill, dubstep, phonk, grime, future bass, cloud rap, brostep",
    "lo-fi": (
        "lo fi, lofi, lo fi hip hop, lofi hip hop, chillhop, chill hop, jazz hop, study beats, "
        "downtempo, jazz, smooth jazz, bossa nova, bossa, lounge, chillout, chillwave"
    ),
    "rock": (
        "rock, hard rock, punk rock, rock and roll, metal, heavy metal, punk, grunge, blues, "
        "indie rock, garage rock, shoegaze, post rock, folk rock, pop punk, emo, surf rock"
    ),
    "pop": (
        "pop, indie pop, indie, folk, country, ballad, k pop, j pop, hyperpop, "
        "singer songwriter, latin, latin pop, bluegrass, schlager, gospel"
    ),
    "reggae": "reggae, dub, roots reggae, ska, dancehall, reggaeton, rocksteady",
    "synthwave": (
        "synthwave, synth wave, retrowave, outrun, vaporwave, chiptune, 8 bit, synthpop, "
        "synth pop, new wave, darkwave"
    ),
    "funk": "funk, soul, motown, p funk, afrobeat, salsa, samba, go go, boogie",
    "ambient": (
        "ambient, drone, meditation, new age, classical, soundscape, lullaby, film score, "
        "space music"
    ),
}
MOOD_WORDS = {  # these count when no style is named
    "house": "club, dance, dancefloor, electronic, four on the floor",
    "techno": "warehouse, hypnotic, acid, minimal, industrial",
    "hip hop": "urban",
    "lo-fi": "chill, chilled, mellow, jazzy, swing, relaxed, relaxing, study, dusty, cozy",
    "rock": "distorted, guitar riff",
    "pop": "catchy, acoustic, anthem, waltz",
    "synthwave": "retro, neon, 80s, eighties, video game, arcade",
    "funk": "funky, groovy, soulful",
    "ambient": (
        "cinematic, orchestral, orchestra, meditative, ethereal, dreamy, atmospheric, symphonic, "
        "trailer, epic, calm, peaceful, sleep"
    ),
}
ROLE_WORDS = {
    "drums": (
        "drum, drum kit, drum machine, drumming, bass drum, kick drum, beat, percussion, 808, "
        "909, kick, snare, clap, hat, hi hat, hihat, cymbal, tom, shaker, tambourine, conga, "
        "bongo"
    ),
    "bass": (
        "bass, bassline, bass line, bass guitar, electric bass guitar, 808 bass, sub, sub bass, "
        "contrabass, reese"
    ),
    "chords": (
        "chord, piano, rhodes, wurlitzer, keys, keyboard, organ, pad, string, guitar, pluck, "
        "supersaw, synth, synthesizer, harp, harpsichord, accordion, choir, brass, horn, stab, "
        "arp, arpeggio, ukulele, banjo, harmony"
    ),
    "lead": (
        "lead, melody, melodies, lead guitar, guitar solo, lead synth, synth lead, topline, "
        "bell, flute, sax, saxophone, trumpet, violin, cello, clarinet, oboe, whistle, "
        "harmonica, glockenspiel, music box, kalimba"
    ),
    "voice": "vocal, voice, singing, singer, vocalist, vox, lead vocal, rapper",
}
MODE_WORDS = {
    "minor": "minor, dark, sad, moody, melancholic, melancholy, gloomy, sombre, haunting, sinister",
    "major": "major, happy, bright, sunny, uplifting, cheerful, joyful, euphoric",
}
SPEED_WORDS = {
    "fast": "fast, quick, energetic, upbeat, driving, frantic, high energy",
    "slow": "slow, relaxed, laid back, lazy, calm, slowed",
}


def read_caption(
    prompt: str,
    *,
    bpm: float,
    key: str,
    bars: int,
    beats_per_bar: float,
    seed: int,
    chords: Sequence[str] = (),
) -> FirstSketch:
    """What a caption asks for. A bpm of 0 and an empty key are the caption's, or picked for the
    style by the seed.
    """
    text = _normalize(prompt)
    rng = make_rng(seed, "sketch")
    name = _STYLES.find_first(text) or _MOODS.find_first(text) or pick(rng, DEFAULT_STYLES)
    style = STYLES[name]
    # also where none is needed, so that the key stays the same
    picked_bpm = _pick_bpm(rng, text, style)
    key = key or _find_key(prompt)
    if not key:
        key = fit_key(chords) if chords else _pick_key(rng, text, style)
    bpm = bpm or _find_bpm(text) or picked_bpm
    return FirstSketch(
        name, bpm, key, bars, beats_per_bar, _find_parts(text, name), seed, tuple(chords)
    )


class _WordTable:
    """Finds a table's words in a normalized text, the longest at each place, and tells what they
    stand for.
    """

    def __init__(self, table: Mapping[str, str]) -> None:
        self._meaning = {word: name for name, words in table.items() for word in words.split(", ")}
        longest_first = sorted(self._meaning, key=lambda word: (-len(word), word))
        self._pattern = re.compile(rf"\b({'|'.join(longest_first)})s?\b")

    def find_first(self, text: str) -> str:
        """What the first word stands for, or ""."""
        match = self._pattern.search(text)
        return self._meaning[match[1]] if match else ""

    def replace_all(self, text: str, token: str) -> str:
        """The text with a token for every word; "{}" in it is what the word stands for."""
        return self._pattern.sub(lambda match: token.format(self._meaning[match[1]]), text)


_STYLES = _WordTable(STYLE_WORDS)
_MOODS = _WordTable(MOOD_WORDS)
_ROLES = _WordTable(ROLE_WORDS)
_MODES = _WordTable(MODE_WORDS)
_SPEEDS = _WordTable(SPEED_WORDS)
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


def _pick_bpm(rng: np.random.Generator, text: str, style: FirstStyle) -> int:
    """One of the style's tempos: of the upper third for "fast", of the lower for "slow"."""
    low, high = style.bpm
    third = (high - low) // 3
    speed = _SPEEDS.find_first(text)
    if speed == "fast":
        low = high - third
    elif speed == "slow":
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


def _pick_key(rng: np.random.Generator, text: str, style: FirstStyle) -> str:
    """Any tonic, in the mode that a mood suggests or that is usual for the style."""
    tonic = pick(rng, NOTES)
    usual = "minor" if rng.random() < style.minor else "major"
    return f"{tonic} {_MODES.find_first(text) or usual}"


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
