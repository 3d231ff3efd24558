"""The guide's own singer: what it sings of a request's lyrics, and where that is heard. No MLX."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .audio import Waveform
from .capabilities import explain_silence, find_obstacle
from .guide.composer.caption_words import STRENGTH
from .guide.composer.form import LyricSection
from .guide.guide import Guide
from .loops import fold_tail
from .prompt_reading import read_prompt
from .request import SAMPLE_RATE, Request
from .singer import production
from .singer.fitting import fit_vocals
from .singer.lyrics import Lyrics, parse_lyrics
from .singer.vocal_part import VocalPart
from .singer.vocals import write_vocals_in_steps
from .singer.voice import MAN, WOMAN, sing_in_steps
from .steps import Steps

_RINGING = SAMPLE_RATE // 2  # samples that the room of a loop's last word may need
_BACKING = np.float32(0.5)  # of a second voice against the first
_VOICES = {"man": MAN, "woman": WOMAN}


class Singing(NamedTuple):
    """What becomes of a request's lyrics: `lyrics` are those that the guide has words of, None
    where it has none; `is_heard`, where the guide's singer sings them; `note`, why it does not.
    """

    lyrics: Lyrics | None = None
    is_heard: bool = False
    note: str = ""

    @property
    def sections(self) -> tuple[LyricSection, ...]:
        """What the guide's form follows."""
        return self.lyrics.sections if self.lyrics else ()


def plan_singing(request: Request, model: str, model_sings: bool) -> Singing:
    """Whether the guide's singer sings a request's lyrics, as `guide_voice` and the model have it.
    A guide for a model that sings leaves room for the words in any case.
    """
    if not request.lyrics.strip():
        return Singing()
    reason = find_obstacle(request)
    if model_sings:
        if request.guide_voice == "on" and reason:
            return Singing(note=f"guide_voice was left out: {reason}")
        is_heard = request.guide_voice == "on"
    elif reason := explain_silence(request):
        return Singing(note=f"{model} does not sing: the lyrics were left out, as {reason}")
    else:
        is_heard = True
    if reason:
        return Singing()
    return Singing(parse_lyrics(request.lyrics, request.language), is_heard)


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
