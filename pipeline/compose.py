"""A caption becomes a sketch, a sketch becomes notes. Same sketch, same notes. Imports no MLX."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

from pipeline.request import key_name
from pipeline.score import DRUMS, ROLES, Note, Score

T = TypeVar("T")

# ---------------------------------------------------------------------------------------------------- what is known

NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
PROGRESSIONS = {  # scale degrees, counted from 0
    "major": ("0534", "0345", "0453", "5304", "0304", "1400", "0353", "0245", "3045"),
    "minor": ("0526", "0340", "0654", "0534", "0056", "0362", "0536", "0365", "5600", "0263"),
}
QUALITIES = {
    **dict.fromkeys(("", "maj", "M"), (0, 4, 7)),
    **dict.fromkeys(("m", "min", "-"), (0, 3, 7)),
    "7": (0, 4, 7, 10),
    **dict.fromkeys(("maj7", "M7", "Δ"), (0, 4, 7, 11)),
    **dict.fromkeys(("m7", "min7", "-7"), (0, 3, 7, 10)),
    **dict.fromkeys(("dim", "°"), (0, 3, 6)),
    **dict.fromkeys(("dim7", "°7"), (0, 3, 6, 9)),
    **dict.fromkeys(("m7b5", "ø"), (0, 3, 6, 10)),
    **dict.fromkeys(("aug", "+"), (0, 4, 8)),
    "sus2": (0, 2, 7),
    **dict.fromkeys(("sus4", "sus"), (0, 5, 7)),
    "5": (0, 7),
    "6": (0, 4, 7, 9),
    **dict.fromkeys(("m6", "min6"), (0, 3, 7, 9)),
    "9": (0, 4, 7, 10, 14),
    **dict.fromkeys(("m9", "min9"), (0, 3, 7, 10, 14)),
    "maj9": (0, 4, 7, 11, 14),
    "add9": (0, 4, 7, 14),
}
MAX_CHORDS = 256


class Feel(NamedTuple):
    """A style's numbers."""

    bpm: tuple[int, int]
    voices: int  # notes in a chord
    lead: tuple[int, int, int, int]  # fewest and most notes in a bar; their grid and their longest hold, in 16ths
    swing: float  # how late off 16ths are, in 16ths
    minor: float  # how often a key is minor


class Style(NamedTuple):
    """How a style plays. Patterns have one character per 16th of a 4/4 bar: "." rests, "-" holds on.

    Drums: X loud, x, o soft, ? soft and only sometimes. Bass: 1 3 5 8 of the chord, "a" leads to the next one; "kick"
    follows the kick. Chords: x all notes, 1 2 3 4 one of them.
    """

    feel: Feel
    drums: tuple[dict[str, str], ...]
    bass: tuple[str, ...]
    chords: tuple[str, ...]


FOUR, BACK, EIGHTHS, OFF = "X...X...X...X...", "....X.......X...", "x.x.x.x.x.x.x.x.", "..x...x...x...x."
HOLD, HALVES, ONCE = "x---------------", "x-------x-------", "x..............."
STYLES = {
    "house": Style(
        feel=Feel(bpm=(116, 130), voices=4, lead=(3, 6, 2, 4), swing=0.1, minor=0.6),
        drums=(
            {"kick": FOUR, "clap": BACK, "open hat": OFF, "closed hat": "o.o.o.o.o.o.o.o?"},
            {"kick": "X...X...X...X..?", "clap": "....x.......x..o", "closed hat": OFF, "shaker": "xoxoxoxoxoxoxoxo"},
            {"kick": FOUR, "clap": BACK, "open hat": OFF, "rim": "...x..x....x..x."},
        ),
        bass=("..1-..1-..1-..1-", "1..1..1...1..5..", "..1...1...8...1a"),
        chords=("x..x..x...x..x..", "..x-..x-..x-..x-", "x--x--x---------", HOLD),
    ),
    "techno": Style(
        feel=Feel(bpm=(124, 145), voices=3, lead=(2, 5, 1, 2), swing=0.0, minor=0.9),
        drums=(
            {"kick": FOUR, "open hat": OFF, "closed hat": "xoxoxoxoxoxoxoxo"},
            {"kick": FOUR, "open hat": OFF, "rim": "...x..x....x..x.", "clap": "............x..?"},
            {"kick": FOUR, "closed hat": "..X...X...X...X.", "tom": "...o..x....o.x..", "shaker": "xoxoxoxoxoxoxoxo"},
        ),
        bass=(".111.111.111.111", "1.81.181.1811.81", "1..1..1..1..1.1."),
        chords=("..x....x..x.....", "x..x..x..x..x...", "1.2.3.2.1.2.3.2.", HOLD),
    ),
    "drum and bass": Style(
        feel=Feel(bpm=(160, 180), voices=3, lead=(2, 5, 2, 8), swing=0.0, minor=0.8),
        drums=(
            {"kick": "X.........X.....", "snare": BACK, "closed hat": EIGHTHS},
            {"kick": "X.X.......XX....", "snare": "....X..o.o..X..o", "closed hat": EIGHTHS},
            {
                "kick": "X.........X..?..",
                "snare": "....X..?....X...",
                "shaker": "xoxoxoxoxoxoxoxo",
                "open hat": "..x...?...x.....",
            },
        ),
        bass=("1-------........", "1-----1---5---1-", "1--1--1-----8-a-", "1---------3---5-"),
        chords=(HOLD, "x-------x-----x-", "x-----x---------"),
    ),
    "hip hop": Style(
        feel=Feel(bpm=(80, 100), voices=4, lead=(3, 6, 2, 6), swing=0.25, minor=0.7),
        drums=(
            {"kick": "X.....x.x.......", "snare": BACK, "closed hat": EIGHTHS},
            {"kick": "X..x......x..x..", "snare": BACK, "closed hat": "x.x.x.xox.x.x.x?"},
            {"kick": "X.......x.x....o", "clap": BACK, "closed hat": EIGHTHS, "open hat": "......x........."},
        ),
        bass=("kick", "1--...1.1---..a-", "1---..5-1---...."),
        chords=(HOLD, "x-----x-x-------", "x..-....x-x-....", HALVES),
    ),
    "trap": Style(
        feel=Feel(bpm=(120, 160), voices=3, lead=(3, 7, 2, 4), swing=0.0, minor=0.9),
        drums=(
            {"kick": "X......x..x.....", "clap": "........X.......", "closed hat": "x.x.x.xxx.x.xxx."},
            {"kick": "X.....x.....x...", "clap": "........X.......", "closed hat": "xoxoxoxxxoxoxo??"},
            {
                "kick": "X..x......x....x",
                "snare": "........X.......",
                "closed hat": EIGHTHS,
                "open hat": "....x...........",
            },
        ),
        bass=("kick", "1-----1---1-----", "1------8--5-----"),
        chords=(HOLD, "1---2---3---2---", "x-----------x---", "1-2-3-1-2-3-2-3-"),
    ),
    "lo-fi": Style(
        feel=Feel(bpm=(66, 92), voices=4, lead=(2, 5, 2, 6), swing=0.3, minor=0.6),
        drums=(
            {"kick": "X.....x...x.....", "snare": "....x.......x...", "closed hat": EIGHTHS, "shaker": OFF},
            {"kick": "X..x......x.....", "rim": "....x.......x...", "closed hat": "x.o.x.o.x.o.x.o?"},
            {"kick": "X.......x.x.....", "snare": "....x..?....x...", "closed hat": EIGHTHS},
        ),
        bass=("1---..5-1---..8-", "1-----1-3-..5---", "1-------5-----a-", "kick"),
        chords=(HOLD, HALVES, "x-----x---------", "x..x--..x..x--.."),
    ),
    "rock": Style(
        feel=Feel(bpm=(90, 150), voices=2, lead=(3, 7, 2, 6), swing=0.0, minor=0.5),
        drums=(
            {"kick": "X.......X.X.....", "snare": BACK, "closed hat": EIGHTHS},
            {"kick": "X.X.....X.......", "snare": BACK, "open hat": FOUR},
            {"kick": "X.....x.X.x.....", "snare": "....X..o....X...", "closed hat": "X.x.X.x.X.x.X.x."},
            {"kick": "X...X...X...X...", "snare": BACK, "tom": "..x...x...x...xx"},
        ),
        bass=("1-1-1-1-1-1-1-1-", "1-1-1-1-5-5-8-a-", "1---..1-1---..a-"),
        chords=("x-x-x-x-x-x-x-x-", HOLD, "x--x--x-x--x--x-", "x---x-x-..x-x-x-"),
    ),
    "pop": Style(
        feel=Feel(bpm=(90, 130), voices=3, lead=(4, 7, 2, 6), swing=0.0, minor=0.3),
        drums=(
            {"kick": "X.....x.x.......", "clap": BACK, "closed hat": EIGHTHS},
            {"kick": FOUR, "snare": BACK, "closed hat": OFF},
            {"kick": "X..x..x.........", "snare": BACK, "closed hat": EIGHTHS, "shaker": "xoxoxoxoxoxoxoxo"},
        ),
        bass=("1-1-1-1-1-1-1-1-", "1--1--1-1--1--a-", "1-----1-5---1---", "kick"),
        chords=(HOLD, HALVES, "x---x---x---x---", "x--x--x-x--x--x-"),
    ),
    "reggae": Style(
        feel=Feel(bpm=(66, 90), voices=3, lead=(2, 5, 2, 4), swing=0.0, minor=0.5),
        drums=(
            {"kick": "........X.......", "rim": "........X.......", "closed hat": EIGHTHS},
            {"kick": FOUR, "rim": "........x.......", "closed hat": "x.xox.xox.xox.xo"},
            {"kick": "X.......X.......", "snare": BACK, "closed hat": EIGHTHS, "open hat": "..............?."},
        ),
        bass=("1--.1-5-..8-5-1-", "..1-1-3-5---..1-", "1-----5-3-..1---", "1-1-..5-..5-1-a-"),
        chords=(OFF, "..xx..xx..xx..xx", "....x.......x..."),
    ),
    "synthwave": Style(
        feel=Feel(bpm=(84, 118), voices=3, lead=(3, 6, 2, 8), swing=0.0, minor=0.8),
        drums=(
            {"kick": FOUR, "snare": BACK, "closed hat": EIGHTHS},
            {"kick": "X.....x.X.......", "snare": BACK, "closed hat": "xoxoxoxoxoxoxoxo"},
            {"kick": FOUR, "snare": BACK, "open hat": OFF, "tom": ".............?x."},
        ),
        bass=("1111111111111111", "1.8.1.8.1.8.1.8.", "1-11.11-1.11.18.", "1-1-1-1-1-1-1-1-"),
        chords=(HOLD, "1231231231231231", "1-2-3-2-1-2-3-2-", "x--x--x---------"),
    ),
    "funk": Style(
        feel=Feel(bpm=(96, 122), voices=4, lead=(3, 7, 1, 3), swing=0.15, minor=0.5),
        drums=(
            {"kick": "X..x..x...x.....", "snare": "....X..o.o..X..o", "closed hat": "XoxoXoxoXoxoXoxo"},
            {
                "kick": "X.x.......xx....",
                "snare": "....X..o.o..X...",
                "closed hat": EIGHTHS,
                "open hat": "......x.........",
            },
            {"kick": "X..x....x.x.....", "clap": BACK, "closed hat": "x.xxx.xxx.xxx.xx", "shaker": OFF},
        ),
        bass=("1..1..8.1..5.38.", "1...5.8.1..8..a.", "11.8..1.5..8.1.a"),
        chords=("..x..x....x..x..", "x..x..x...x.....", "....xx......x.x.", "x.x..x.x..x....."),
    ),
    "ambient": Style(
        feel=Feel(bpm=(60, 90), voices=4, lead=(1, 3, 4, 12), swing=0.0, minor=0.5),
        drums=(
            {"kick": "x...............", "shaker": "..o...o...o...o."},
            {"kick": "x.........o.....", "rim": "........o......?", "closed hat": "..o...o...o...o."},
        ),
        bass=("1---------------", "1-------5-------", "1-----------8---"),
        chords=(HOLD, "1---2---3---2---", "1-2-3-4-3-2-1-2-"),
    ),
}
READ = 2000  # characters of a caption: the model reads no more either
UNNAMED = ("pop", "house", "hip hop", "lo-fi")  # one of these when a caption names no style
FILLS: tuple[dict[str, str], ...] = (
    {"snare": "x.xx"},
    {"snare": "x.x.", "tom": ".x.x"},
    {"tom": "xxxx"},
    {"snare": "oxxX"},
    {"kick": "x...", "snare": "..xx"},
)
FORMS = ("AABA", "ABAB", "AAAB", "ABAA", "A-AB")  # a lead's four bars: its two motifs, or a rest

# --------------------------------------------------------------------------------------------------------- captions

STYLE_WORDS = {
    "house": "house, deep house, acid house, tech house, french house, ambient house, funky house, lofi house, edm, "
    "disco, nu disco, garage, uk garage, two step, amapiano, afro house, dance pop, eurodance, big room",
    "techno": "techno, dub techno, ambient techno, trance, psytrance, electro, hardstyle, hardcore, gabber, rave, idm",
    "drum and bass": "drum and bass, dnb, d and b, jungle, breakbeat, breakcore, liquid, neurofunk, big beat",
    "hip hop": "hip hop, hiphop, boom bap, rap beat, rap, r and b, rnb, trip hop, neo soul",
    "trap": "trap, drill, dubstep, phonk, grime, future bass, cloud rap, brostep",
    "lo-fi": "lo fi, lofi, lo fi hip hop, lofi hip hop, chillhop, chill hop, jazz hop, study beats, downtempo, jazz, "
    "smooth jazz, bossa nova, bossa, lounge, chillout, chillwave",
    "rock": "rock, hard rock, punk rock, rock and roll, metal, heavy metal, punk, grunge, blues, indie rock, "
    "garage rock, shoegaze, post rock, folk rock, pop punk, emo, surf rock",
    "pop": "pop, indie pop, indie, folk, country, ballad, k pop, j pop, hyperpop, singer songwriter, latin, latin pop, "
    "bluegrass, schlager, gospel",
    "reggae": "reggae, dub, roots reggae, ska, dancehall, reggaeton, rocksteady",
    "synthwave": "synthwave, synth wave, retrowave, outrun, vaporwave, chiptune, 8 bit, synthpop, synth pop, "
    "new wave, darkwave",
    "funk": "funk, soul, motown, p funk, afrobeat, salsa, samba, go go, boogie",
    "ambient": "ambient, drone, meditation, new age, classical, soundscape, lullaby, film score, space music",
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
    "ambient": "cinematic, orchestral, orchestra, meditative, ethereal, dreamy, atmospheric, symphonic, trailer, epic, "
    "calm, peaceful, sleep",
}
ROLE_WORDS = {
    "drums": "drum, drum kit, drum machine, drumming, bass drum, kick drum, beat, percussion, 808, 909, kick, snare, "
    "clap, hat, hi hat, hihat, cymbal, tom, shaker, tambourine, conga, bongo",
    "bass": "bass, bassline, bass line, bass guitar, electric bass guitar, 808 bass, sub, sub bass, contrabass, reese",
    "chords": "chord, piano, rhodes, wurlitzer, keys, keyboard, organ, pad, string, guitar, pluck, supersaw, synth, "
    "synthesizer, harp, harpsichord, accordion, choir, brass, horn, stab, arp, arpeggio, ukulele, banjo, harmony",
    "lead": "lead, melody, melodies, lead guitar, guitar solo, lead synth, synth lead, topline, bell, flute, sax, "
    "saxophone, trumpet, violin, cello, clarinet, oboe, whistle, harmonica, glockenspiel, music box, kalimba",
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


def _finder(words: Mapping[str, str]) -> Callable[[str], Iterator[tuple[re.Match, str]]]:
    """Finds a table's words in a plain text, the longest at each place, and what they stand for."""
    meaning = {word: name for name, listed in words.items() for word in listed.split(", ")}
    longest_first = sorted(meaning, key=lambda word: (-len(word), word))
    pattern = re.compile(rf"\b({'|'.join(longest_first)})s?\b")

    def find(text: str) -> Iterator[tuple[re.Match, str]]:
        return ((match, meaning[match[1]]) for match in pattern.finditer(text))

    return find


_styles, _moods, _roles = _finder(STYLE_WORDS), _finder(MOOD_WORDS), _finder(ROLE_WORDS)
_modes, _speeds = _finder(MODE_WORDS), _finder(SPEED_WORDS)
_PITCHED = r"<(?:chords|lead|voice)>"
_WRITTEN = r"([A-Ga-g])[ -]?(#|b|♯|♭|sharp|flat)?[ -]?"
_KEYS = (
    re.compile(rf"\b(?:in|key of|key:?) {_WRITTEN}(major|minor|maj|min|m)\b(?! key)", re.IGNORECASE),
    re.compile(rf"\b(?-i:(?=[A-G])){_WRITTEN}(major|minor|maj|min)\b", re.IGNORECASE),
)
_ADJECTIVES = r"(?:(?:a|an|the|any|more|live|heavy|loud|big|acoustic|electronic|electric|programmed) )*"


def _plain(caption: str) -> str:
    """Lower case words with one space between them; "," for whatever ends a phrase."""
    text = re.sub(r"&|'n'|\bn\b", " and ", caption[:READ].lower().replace("’", "'").replace("w/o", "without"))
    text = re.sub(r"[,.;:!?()\[\]|\n]+", " , ", text)
    return " ".join(re.sub(r"[^a-z0-9,]+", " ", text).split())


def _replaced(text: str, found: Iterable[tuple[re.Match, str]], token: Callable[[str], str]) -> str:
    for match, meaning in reversed(list(found)):
        text = text[: match.start()] + token(meaning) + text[match.end() :]
    return text


def _style(text: str) -> str:
    """The first style that is named, else the first that a mood suggests, else ""."""
    return next((style for find in (_styles, _moods) for _, style in find(text)), "")


def _parts(text: str, style: str) -> tuple[str, ...]:
    """Everything, without what the caption excludes; only what it names if it says so. Never nothing."""
    text = re.sub(r"\b(drum|beat|bass) ?less\b", r"no \1", text)
    text = re.sub(r"\ba ?cap+ella\b", "only voice", text)
    text = _replaced(text, _styles(text), lambda _: "~")  # drum and bass is no instrument
    text = _replaced(text, _roles(text), "<{}>".format)
    text = re.sub(rf"(?:{_PITCHED} )+(<(?:lead|chords|bass)>)", r"\1", text)  # a flute melody, a synth bass
    excluding = rf"\b(?:no|without|minus) {_ADJECTIVES}<\w+>(?:(?: and| or| nor| no)+ {_ADJECTIVES}<\w+>)*"
    excluded = re.findall(r"<(\w+)>", " ".join(re.findall(rf"({excluding})", text)))
    text = re.sub(excluding, ",", text)
    named = {"lead" if role == "voice" else role for role in re.findall(r"<(\w+)>", text)}
    solo = len(named) == 1 and re.search(r"(?<!with )(?<!with a )\bsolo (?:[\w~]+ ){0,2}<", text)
    wanted = named if named and (solo or re.search(r"\b(?:only|just)\b", text)) else set(ROLES)
    if style == "ambient" and "drums" not in named:
        wanted = wanted - {"drums"}
    return tuple(role for role in ROLES if role in wanted and role not in excluded) or ROLES


def _key(caption: str) -> str:
    """The key that a caption names, as "in a minor", "F# major" or "key of Dm"; else ""."""
    for pattern in _KEYS:
        match = re.search(pattern, caption)
        if match:
            note, accidental, mode = match.groups(default="")
            sign = {"sharp": "#", "flat": "b"}.get(accidental.lower(), accidental.lower())
            return key_name(f"{note}{sign} {mode.lower()}")
    return ""


# ----------------------------------------------------------------------------------------------------------- chords


def chord_pitches(name: str) -> tuple[int, ...]:
    """The pitch classes of a chord like "F#m7", root first; with a slash the bass first. Raises ValueError."""
    match = re.fullmatch(r"([A-Ga-g])([#b♯♭]?)([^/]*)(?:/([A-Ga-g])([#b♯♭]?))?", name)
    if not match or match[3] not in QUALITIES:
        kinds = " ".join(kind for kind in QUALITIES if kind.isascii())
        raise ValueError(f'chords must be written like Am, F, C7 or G/B (kinds: {kinds}), got "{name[:20]}"')
    root = _pitch_class(match[1], match[2])
    chord = [(root + interval) % 12 for interval in QUALITIES[match[3]]]
    bass = [_pitch_class(match[4], match[5])] if match[4] else []
    return tuple(dict.fromkeys(bass + chord))


def parse_chords(text: str) -> tuple[str, ...]:
    """A chord line as its bars: "Am F C G" is four; in "Am F | C" the first bar is "Am F", two chords.

    Raises ValueError naming the chord that is none, and what is allowed."""
    measures = [" ".join(bar.replace(",", " ").split()) for bar in re.split(r"[|\n]+", text)]
    bars = [bar for bar in measures if bar]
    if len(bars) == 1:
        bars = bars[0].split()
    names = [name for bar in bars for name in bar.split()]
    if not 1 <= len(names) <= MAX_CHORDS:
        raise ValueError(f"a chord line has 1 to {MAX_CHORDS} chords, like Am F C G, got {len(names)}")
    for name in names:
        chord_pitches(name)
    return tuple(bars)


def scale(key: str) -> tuple[int, ...]:
    """The pitch classes of a key like "A minor", tonic first."""
    note, mode = key.split()
    tonic = _pitch_class(note[0], note[1:])
    return tuple((tonic + step) % 12 for step in SCALES[mode])


def _pitch_class(note: str, accidental: str) -> int:
    shift = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}[accidental]
    return (NOTES.index(note.upper()) + shift) % 12


def _fitting_key(chords: Iterable[str]) -> str:
    """The key with the most of these chords' notes; between equals the one whose tonic chord begins, or ends."""
    spelled = [chord_pitches(name) for bar in chords for name in bar.split()]

    def fit(key: str) -> float:
        pitches = scale(key)
        home = {pitches[0], pitches[2]}
        inside = sum(pitch in pitches for chord in spelled for pitch in chord)
        return inside + (spelled[0][0] in home and home <= {*spelled[0]}) + 0.5 * (home <= {*spelled[-1]})

    return max((f"{note} {mode}" for mode in SCALES for note in NOTES), key=fit)


# ----------------------------------------------------------------------------------------------------------- sketch


@dataclass(frozen=True)
class Sketch:
    """What a composition is asked to be."""

    style: str  # one of STYLES
    bpm: float
    key: str  # as pipeline.request.key_name writes it
    bars: int
    beats_per_bar: float  # in quarter notes: 3 for 3/4 and for 6/8
    parts: tuple[str, ...]  # of ROLES
    seed: int
    chords: tuple[str, ...] = ()  # one entry per bar, as parse_chords gives them; empty is composed


def sketch(
    prompt: str, *, bpm: float, key: str, bars: int, beats_per_bar: float, seed: int, chords: Sequence[str] = ()
) -> Sketch:
    """What a caption asks for. A bpm of 0 and an empty key are the caption's, or drawn from the style by the seed."""
    text = _plain(prompt)
    rng = _random(seed, "sketch")
    style = _style(text) or _pick(rng, UNNAMED)
    drawn_bpm = _draw_bpm(rng, text, STYLES[style].feel)
    drawn_key = _draw_key(rng, text, STYLES[style].feel)
    named_key = key or _key(prompt) or (_fitting_key(chords) if chords else drawn_key)
    return Sketch(
        style=style,
        bpm=bpm or drawn_bpm,
        key=named_key,
        bars=bars,
        beats_per_bar=beats_per_bar,
        parts=_parts(text, style),
        seed=seed,
        chords=tuple(chords),
    )


def _draw_bpm(rng: np.random.Generator, text: str, feel: Feel) -> int:
    low, high = feel.bpm
    speed = next((speed for _, speed in _speeds(text)), "")
    third = (high - low) // 3
    drawn = int(rng.integers(high - third if speed == "fast" else low, (low + third if speed == "slow" else high) + 1))
    written = re.search(r"\b(\d{2,3}) ?bpm\b", text)
    return int(written[1]) if written and 30 <= int(written[1]) <= 300 else drawn


def _draw_key(rng: np.random.Generator, text: str, feel: Feel) -> str:
    tonic, minor = _pick(rng, NOTES), rng.random() < feel.minor
    return f"{tonic} {next((mode for _, mode in _modes(text)), 'minor' if minor else 'major')}"


_STREAMS = ("sketch", "form", *ROLES)


def _random(seed: int, stream: str) -> np.random.Generator:
    """Each role draws from its own stream, so that leaving one out changes no other."""
    return np.random.default_rng([seed, _STREAMS.index(stream)])


def _pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]


# -------------------------------------------------------------------------------------------------------------- form


class Span(NamedTuple):
    """The 16ths `begin..end` of one bar, which have one chord."""

    bar: int
    begin: int
    end: int
    chord: tuple[int, ...]  # pitch classes, the bass first
    scale: tuple[int, ...]  # pitch classes that go with it


class Plan:
    """What all parts agree on: the meter, the harmony, and the drum pattern that a bass may follow."""

    def __init__(self, sketch: Sketch) -> None:
        rng = _random(sketch.seed, "form")
        self.sketch = sketch
        self.style = STYLES[sketch.style]
        self.bars = sketch.bars
        self.steps = math.ceil(sketch.beats_per_bar * 4 - 1e-6)  # 16ths in a bar
        self.drums = _pick(rng, self.style.drums)
        self.scale = scale(sketch.key)
        self.spans = list(self._given() if sketch.chords else self._composed(rng))

    def beat(self, bar: int, step: float) -> float:
        """When a 16th of a bar is, in beats: off 16ths are late by the swing, and nothing is after the bar."""
        late = self.style.feel.swing if step % 2 == 1 else 0.0
        return bar * self.sketch.beats_per_bar + min((step + late) / 4, self.sketch.beats_per_bar)

    def cell(self, bar: int, step: int) -> int:
        """Where in a pattern of 16 a 16th of a bar is. Long bars repeat the pattern, short ones cut it, and those
        that are shorter than two beats share it."""
        return (step if self.steps >= 8 else bar * self.steps + step) % 16

    def note(self, role: str, at: tuple[int, int], steps: float, pitch: int, velocity: float) -> Iterator[Note]:
        """A note at a bar's 16th that ends a little before others begin; none where the meter has no such 16th."""
        start = self.beat(*at)
        length = (self.beat(at[0], at[1] + steps) - start) * 0.95
        if length > 1e-6:
            yield Note(role, round(start, 6), round(length, 6), pitch, round(min(max(velocity, 0.05), 1.0), 3))

    def _composed(self, rng: np.random.Generator) -> Iterator[Span]:
        """A progression of four chords: one in a bar or in half a bar, more in very long bars, fewer in short."""
        degrees = _pick(rng, PROGRESSIONS[self.sketch.key.split()[1]])
        halves = rng.random() < 0.2 and self.steps % 8 == 0
        each = max(1, round(self.steps / 16)) * (2 if halves else 1)
        shared = math.ceil(8 / self.steps)
        for bar in range(self.bars):
            for part in range(each):
                degree = int(degrees[(bar // shared * each + part) % 4])
                chord = tuple(self.scale[(degree + third) % 7] for third in self._thirds)
                yield Span(bar, self.steps * part // each, self.steps * (part + 1) // each, chord, self.scale)

    @property
    def _thirds(self) -> tuple[int, ...]:
        return (0, 4) if self.style.feel.voices == 2 else (0, 2, 4, 6)[: self.style.feel.voices]

    def _given(self) -> Iterator[Span]:
        """The chord line, one entry per bar, again and again; evenly over all bars if it has more of them."""
        line = self.sketch.chords
        many = len(line) > self.bars
        for bar in range(self.bars):
            first = bar * len(line) // self.bars if many else bar % len(line)
            after = (bar + 1) * len(line) // self.bars if many else first + 1
            names = " ".join(line[first:after]).split()
            edges = (self.steps * index // len(names) for index in range(len(names) + 1))
            for name, (begin, end) in zip(names, itertools.pairwise(edges)):
                chord = chord_pitches(name)
                if begin < end:
                    yield Span(bar, begin, end, chord, _around(chord, self.scale))


def _around(chord: tuple[int, ...], scale: tuple[int, ...]) -> tuple[int, ...]:
    """The scale with a chord's foreign notes in place of their neighbours: G# instead of G with E major in A minor."""
    foreign = [pitch for pitch in chord if pitch not in scale]
    beside = {(pitch + shift) % 12 for pitch in foreign for shift in (-1, 1)}
    return tuple(sorted({*chord, *(pitch for pitch in scale if pitch not in beside)}))


def _hits(plan: Plan, pattern: str, span: Span) -> Iterator[tuple[int, int, str]]:
    """The (16th, length, character) that a pattern plays in a span. What is held into it begins again with it."""
    cells = [pattern[plan.cell(span.bar, step) % len(pattern)] for step in range(span.begin, span.end)]
    if cells[0] == "-":
        before = pattern[: plan.cell(span.bar, span.begin)]
        cells[0] = before.rstrip("-")[-1]
    for index, character in enumerate(cells):
        if character not in ".-":
            held = sum(1 for _ in itertools.takewhile(lambda cell: cell == "-", cells[index + 1 :]))
            yield span.begin + index, 1 + held, character


# ------------------------------------------------------------------------------------------------------------- parts

PITCH_OF = {name: pitch for pitch, name in DRUMS.items()}
LOUDNESS = {"X": 1.0, "x": 0.8, "o": 0.5, "?": 0.45}
LIGHT = ("closed hat", "open hat", "shaker")  # louder on the beat than between


def _drums(plan: Plan, rng: np.random.Generator) -> Iterator[Note]:
    for bar in range(plan.bars):
        fill = _pick(rng, FILLS) if bar % 4 == 3 and plan.steps >= 8 and rng.random() < 0.5 else {}
        for step in range(plan.steps):
            filled = bool(fill) and step >= plan.steps - 4
            for drum, character in _struck(plan, bar, step, fill if filled else {}):
                if character == "?" and rng.random() < 0.6:
                    continue
                accent = (1.0 if step % 4 == 0 else 0.85 if step % 2 == 0 else 0.75) if drum in LIGHT else 1.0
                velocity = LOUDNESS[character] * accent + rng.uniform(-0.05, 0.05)
                yield from plan.note("drums", (bar, step), 1, PITCH_OF[drum], velocity)


def _struck(plan: Plan, bar: int, step: int, fill: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The drums of one 16th. A fill has the last four of a bar, over the kick."""
    cell = plan.cell(bar, step)
    struck = {drum: pattern[cell] for drum, pattern in plan.drums.items() if not fill or drum in ("kick", "open hat")}
    struck |= {drum: pattern[step - plan.steps + 4] for drum, pattern in fill.items()}
    return ((drum, character) for drum, character in struck.items() if character != ".")


def _bass(plan: Plan, rng: np.random.Generator) -> Iterator[Note]:
    pattern = _pick(rng, plan.style.bass)
    if pattern == "kick":
        pattern = _following(plan.drums.get("kick", ONCE))
    for span, after in zip(plan.spans, plan.spans[1:] + plan.spans[:1]):
        tones = _bass_tones(span, after, rng)
        for step, length, character in _hits(plan, pattern, span):
            changes = step == span.begin > 0  # a new chord within a bar begins with its root
            velocity = (0.9 if step % 4 == 0 else 0.78) + rng.uniform(-0.06, 0.06)
            yield from plan.note("bass", (span.bar, step), length, tones["1" if changes else character], velocity)


def _following(kick: str) -> str:
    """A bass that plays with the kick and holds for up to three 16ths."""
    played = re.sub(r"[^.]", "1", kick.replace("?", "."))
    return re.sub(r"1\.{1,2}", lambda match: "1" + "-" * (len(match[0]) - 1), played)


def _bass_tones(span: Span, after: Span, rng: np.random.Generator) -> dict[str, int]:
    root, following = (_BASS[chord[0]] for chord in (span.chord, after.chord))
    third, fifth = (root + (span.chord[min(tone, len(span.chord) - 1)] - root) % 12 for tone in (1, 2))
    below = max(pitch for pitch in range(following - 6, following) if pitch % 12 in span.scale)
    above = min(pitch for pitch in range(following + 1, following + 7) if pitch % 12 in span.scale)
    lead_in = _pick(rng, (below, below, above))
    return {"1": root, "3": third, "5": fifth, "8": root + 12, "a": lead_in if lead_in in _BASS_RANGE else above}


_BASS = {pitch % 12: pitch for pitch in range(28, 40)}
_BASS_RANGE = range(28, 52)


def _chords(plan: Plan, rng: np.random.Generator) -> Iterator[Note]:
    pattern = _pick(rng, plan.style.chords)
    voiced: tuple[int, ...] = ()
    for span in plan.spans:
        voiced = _voiced(span.chord, voiced)
        for step, length, character in _hits(plan, pattern, span):
            played = voiced if character == "x" else (voiced[(int(character) - 1) % len(voiced)],)
            velocity = (0.75 if step % 4 == 0 else 0.66) + rng.uniform(-0.06, 0.06)
            for pitch in played:
                yield from plan.note("chords", (span.bar, step), length, pitch, velocity)


def _voiced(chord: tuple[int, ...], before: tuple[int, ...]) -> tuple[int, ...]:
    """The chord in MIDI 48..67 that is nearest to the one before it, compact, and about the middle."""
    places = [[pitch for pitch in range(48, 68) if pitch % 12 == tone] for tone in chord]
    voicings = {tuple(sorted(voicing)) for voicing in itertools.product(*places)}

    def effort(voicing: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        moved = sum(min(abs(pitch - other) for other in before) for pitch in voicing) if before else 0
        width = max(0, voicing[-1] - voicing[0] - 12)
        return moved + width + abs(sum(voicing) / len(voicing) - 57), voicing

    return min(voicings, key=effort)


def _lead(plan: Plan, rng: np.random.Generator) -> Iterator[Note]:
    """Two motifs in a form of four bars. The fourth comes to rest on the chord's root, or the tonic."""
    hold = plan.style.feel.lead[3]
    motifs = {"A": _motif(plan, rng), "B": _motif(plan, rng), "-": {}}
    form, centre = _pick(rng, FORMS), int(rng.integers(66, 75))
    by_bar = {bar: list(spans) for bar, spans in itertools.groupby(plan.spans, key=lambda span: span.bar)}
    for bar in range(plan.bars):
        motif = motifs[form[bar % 4]]
        tune = {step: motif[cell] for step in range(plan.steps) if (cell := plan.cell(bar, step)) in motif}
        rest = _rest(plan, tune) if bar % 4 == 3 else None
        if rest is not None:
            tune = {step: move for step, move in tune.items() if step < rest} | {rest: 0}
        for step, until in itertools.pairwise([*tune, plan.steps]):
            span = next(span for span in by_bar[bar] if span.begin <= step < span.end)
            move = tune[step] + (_pick(rng, (-1, 1)) if rng.random() < 0.12 else 0)
            pitch = _cadence(plan, span, centre) if step == rest else _tone(span, centre, move, step % 4 == 0)
            length = min(until - step, hold * (2 if step == rest else 1))
            velocity = (0.85 if step % 4 == 0 else 0.75) + rng.uniform(-0.07, 0.07)
            yield from plan.note("lead", (bar, step), length, pitch, velocity)


def _motif(plan: Plan, rng: np.random.Generator) -> dict[int, int]:
    """Steps up and down a scale, by the 16th at which they are played: first of all on beats."""
    fewest, most, grid, _ = plan.style.feel.lead
    cells = range(0, min(16, plan.steps if plan.steps >= 8 else 16), grid)
    wanted = {cell: rng.random() + (0.3 if cell % 4 == 0 else 0.0) for cell in cells}
    count = int(rng.integers(fewest, most + 1))
    chosen = sorted(sorted(cells, key=lambda cell: -wanted[cell])[:count])
    moves = np.cumsum(rng.integers(-2, 3, len(chosen)))
    return {cell: int(np.clip(move, -4, 5)) for cell, move in zip(chosen, moves)}


def _rest(plan: Plan, tune: Mapping[int, int]) -> int:
    """Where a cadence comes to rest: on a beat at or after the middle of the bar, if there is one."""
    return plan.steps // 8 * 4 if tune else 0


def _tone(span: Span, centre: int, move: int, strong: bool) -> int:
    """The scale's tone `move` steps from the chord's tone next to the centre; itself a chord's tone if strong."""
    ladder = [pitch for pitch in _LEAD if pitch % 12 in span.scale]
    home = ladder.index(_nearest(centre, span.chord))
    pitch = ladder[min(max(home + move, 0), len(ladder) - 1)]
    return _nearest(pitch, span.chord) if strong else pitch


def _cadence(plan: Plan, span: Span, centre: int) -> int:
    tonic = plan.scale[0]
    return _nearest(centre, (tonic,) if tonic in span.chord else span.chord[:1])


def _nearest(pitch: int, tones: Iterable[int]) -> int:
    allowed = set(tones)
    return min((other for other in _LEAD if other % 12 in allowed), key=lambda other: (abs(other - pitch), other))


_LEAD = range(60, 82)
_PLAYERS = {"drums": _drums, "bass": _bass, "chords": _chords, "lead": _lead}


def compose(sketch: Sketch) -> Score:
    """The notes of a sketch: all in its key, or in its chord line's; exactly within its bars; same sketch, same
    notes. Raises ValueError for a chord, a style or a part that does not exist."""
    unknown = [part for part in sketch.parts if part not in ROLES]
    if sketch.style not in STYLES or unknown:
        raise ValueError(f"styles are {', '.join(STYLES)}; parts are {', '.join(ROLES)}; got {sketch}")
    plan = Plan(dataclasses.replace(sketch, key=key_name(sketch.key)))
    notes = [note for role in sketch.parts for note in _PLAYERS[role](plan, _random(sketch.seed, role))]
    notes.sort(key=lambda note: (note.start, ROLES.index(note.role), note.pitch))
    return Score(sketch.bpm, tuple(notes))
