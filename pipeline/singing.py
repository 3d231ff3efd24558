"""The guide's own singer: what it sings of a request's lyrics, and where that is heard. No MLX."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np

from .audio import Waveform
from .capabilities import Capabilities, explain_silence, find_obstacle
from .guide.composer.caption_words import STRENGTH
from .guide.composer.form import LyricSection
from .guide.guide import Guide
from .loops import fold_tail
from .prompt_reading import read_prompt
from .request import SAMPLE_RATE, VOCALS, Request
from .singer import production
from .singer.fitting import fit_vocals
from .singer.lyrics import Lyrics, parse_lyrics
from .singer.vocal_part import VocalPart
from .singer.vocals import write_vocals_in_steps
from .singer.voice import MAN, WOMAN, sing_in_steps
from .steps import Steps

_RINGING = SAMPLE_RATE // 2  # samples that the room of a loop's last word may need
_BACKING = np.float32(0.5)  # of a second voice against the first
_BESIDE = -3.0  # dB: the guide's singer against a mix that sings, in the octaves of speech
_VOICES = {"man": MAN, "woman": WOMAN}


# where the guide's singer sings: in the guide, from which the model takes the words; in the mix,
# before what the model plays; or in both, softer than the model
Place = Literal["", "guide", "mix", "both"]


class Singing(NamedTuple):
    """What becomes of a request's lyrics: `lyrics` are those that the guide has words of, None
    where it has none; `place`, where the guide's singer sings them; `note`, why it does not.
    """

    lyrics: Lyrics | None = None
    place: Place = ""
    note: str = ""

    @property
    def is_heard(self) -> bool:
        return bool(self.place)

    @property
    def in_guide(self) -> bool:
        """Whether the model hears them in its guide."""
        return self.place in ("guide", "both")

    @property
    def in_mix(self) -> bool:
        """Whether they are mixed in with what the model made."""
        return self.place in ("mix", "both")

    @property
    def sections(self) -> tuple[LyricSection, ...]:
        """What the guide's form follows."""
        return self.lyrics.sections if self.lyrics else ()


def plan_singing(request: Request, model: Capabilities) -> Singing:
    """Whether the guide's singer sings a request's lyrics, as `guide_voice` and the model have it.
    A guide for a model that sings leaves room for the words in any case.
    """
    if not request.lyrics.strip():
        return Singing()
    reason = find_obstacle(request)
    if model.sings:
        if request.guide_voice in ("on", "guide") and reason:
            return Singing(note=f"guide_voice was left out: {reason}")
    elif silence := explain_silence(request):
        return Singing(note=f"the lyrics were left out: {silence}")
    if reason:
        return Singing()
    lyrics = parse_lyrics(request.lyrics, request.language)
    return Singing(lyrics, _choose_place(request.guide_voice, model))


def _choose_place(guide_voice: str, model: Capabilities) -> Place:
    if guide_voice == "guide":
        return "guide"
    if model.sings:
        return "guide" if guide_voice == "on" else ""
    return "both" if model.sings_guide and guide_voice == "auto" else "mix"


def write_part(request: Request, guide: Guide, lyrics: Lyrics) -> Steps[VocalPart | None]:
    """The lyrics on the tune of a guide, or on the notes of its vocal track. None where there is
    neither, or no word that can be sung.
    """
    singer = read_prompt(request.prompt).singer.value
    if guide.score.vocals:
        notes = guide.score.vocals
        return fit_vocals(notes, guide.score.bpm, request.beats, lyrics, singer, guide.seconds)
    if guide.composition is None:
        return None
    arrangement = guide.composition.arrangement
    return (yield from write_vocals_in_steps(arrangement, lyrics, singer, guide.seconds))


class SungMix(NamedTuple):
    """A band that makes room for its vocals, and those at their level, (samples, 2) each: added up
    they are the mix.
    """

    band: Waveform
    vocals: Waveform


def put_before(band: Waveform, vocals: Waveform, loudness: float = 1.0) -> Steps[SungMix]:
    """Vocals in front of a band, both (samples, 2); `loudness` times as loud as is usual."""
    gain = np.float32(loudness * (yield from production.find_balance_in_steps(band, vocals)))
    ducked = yield from production.duck_in_steps(band, vocals)
    return SungMix(ducked, gain * vocals)


def put_before_tracks(
    tracks: Mapping[str, Waveform], vocals: Waveform, loudness: float = 1.0
) -> Steps[dict[str, Waveform]]:
    """The same of a band's tracks (samples, 2): the vocals are one of them, or part of one."""
    band = functools.reduce(np.add, tracks.values(), np.zeros_like(vocals))
    gain = np.float32(loudness * (yield from production.find_balance_in_steps(band, vocals)))
    ducked = yield from duck_tracks(tracks, vocals)
    sung = gain * vocals
    return {**ducked, VOCALS: ducked[VOCALS] + sung if VOCALS in ducked else sung}


def duck_tracks(tracks: Mapping[str, Waveform], vocals: Waveform) -> Steps[dict[str, Waveform]]:
    """Tracks of a band (samples, 2) that make room for its vocals: together as much as it does."""
    ducked = {}
    for track, sound in tracks.items():
        ducked[track] = yield from production.duck_in_steps(sound, vocals)
    return ducked


def put_beside(sung: Waveform, vocals: Waveform) -> Steps[SungMix]:
    """Vocals behind a mix in which somebody sings the same, both (samples, 2): so soft that it is
    one voice, whose words are clearer.
    """
    before = yield from production.find_balance_in_steps(sung, vocals)
    gain = np.float32(before * 10 ** ((_BESIDE - production.BALANCE) / 20))
    return SungMix(sung, gain * vocals)


def find_loudness(guide: Guide) -> float:
    """How many times louder than usual a caption wants the singer: half of it for "less vocals"."""
    return 2 ** (guide.caption.sketch.mood.voice / STRENGTH) if guide.caption else 1.0


def render_vocals(part: VocalPart, request: Request) -> Steps[Waveform]:
    """What is sung, as a stem (samples, 2); the room behind the end of a loop is heard at its
    beginning.
    """
    samples = request.samples
    ringing = samples + _RINGING if request.loop else samples
    voice = _VOICES[part.singer]
    seed = max(request.guide_seed, 0)
    first = yield from sing_in_steps(part.syllables, ringing, voice, seed)
    second = yield from sing_in_steps(part.backing, ringing, voice, seed)
    stem = yield from production.produce_in_steps(first + _BACKING * second)
    return fold_tail(stem, samples) if request.loop else stem
