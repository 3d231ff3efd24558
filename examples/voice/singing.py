"""Words at random, and somebody who sings them to the VAE: the guide's own singer, on a tune.

python -m examples.voice.train_vae runs/voice --singer examples.voice.singing:sing
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pipeline.guide.guide import resolve_guide
from pipeline.request import SAMPLE_RATE, Request
from pipeline.singer.lyrics import parse_lyrics
from pipeline.singing import render_vocals, write_part
from pipeline.steps import complete

Audio = npt.NDArray[np.float32]  # (samples, 2)

VOICES = ("male vocals", "female vocals")
STYLES = ("pop", "rock", "house", "r&b", "country", "disco")
SLOWEST, FASTEST = 70, 150  # bpm
BEATS = 4
BARS = 2  # of a line
# every phoneme of English is in some of them
WORDS = (
    "about above again air all along answer arms around ask away baby back beautiful before begin "
    "behind believe below better between beyond blue boy bread breath bridge bright bring brother "
    "burning call careful chair chance change cheap child choice church city clear cold come could "
    "crazy dance dark day dear deep distance door doubt down dream drive early earth easy edge "
    "eight enough every eyes face fading falling far father feather fever field fight finger fire "
    "five flower fly follow forever forget found free freedom friend further garden gentle ghost "
    "girl give glass going golden goodbye grey ground grow hand happy hard have hear heart heaven "
    "heavy hello hidden high hold home hope house how hungry hurry ice island joy judge jump keep "
    "kiss kitchen know large last later laugh leave letter light listen little live lonely long "
    "look lost love machine magic measure memory middle midnight mind mirror moment money morning "
    "mother mountain mouth move music naked name nature near never new night noise nothing ocean "
    "often old only open other over paper part people perfect picture place pleasure poison power "
    "promise proud question quiet quick rain ready reason red remember rhythm right ring river "
    "road room rose running sad sail save sea season secret seven shadow shake shape sharp she "
    "shine ship shoes short should shoulder show silence silver sing sister sky sleep slowly small "
    "smile smooth snow soft someone song sorrow soul sound south speak spring stairs star stay "
    "still stone story strange street strong summer sun sure sweet table take talk teach tell "
    "thank that their them there these thing think those thought three through throw thunder time "
    "together tomorrow tonight touch town treasure tree true trust turn under usual vacant valley "
    "very village vision voice wait wake walk wall war watch water weather west what wheel where "
    "whisper white wild wind window winter with without wolf woman wonder word world yellow yes "
    "yesterday you young your zero"
).split()


def write_lines(rng: np.random.Generator, count: int) -> str:
    """So many lines of words that have nothing to do with each other."""
    lines = (rng.choice(WORDS, int(rng.integers(4, 9))) for _ in range(count))
    return "\n".join(map(" ".join, lines))


def sing(seed: int, seconds: float) -> Audio:
    """What a seed sings, (samples, 2), as loud as a stem."""
    rng = np.random.default_rng(seed)
    bpm = float(rng.integers(SLOWEST, FASTEST + 1))
    bars = math.ceil(seconds * bpm / 60 / BEATS)
    lyrics = write_lines(rng, math.ceil(bars / BARS))
    request = Request(
        f"{rng.choice(STYLES)}, {rng.choice(VOICES)}",
        lyrics=lyrics,
        language="en",
        guide="auto",
        bpm=bpm,
        bars=bars,
        beats_per_bar=BEATS,
        seed=seed + 1,
    ).resolved()
    parsed = parse_lyrics(request.lyrics, request.language)
    request, guide = resolve_guide(request, "auto", parsed.sections)
    assert guide is not None
    part = complete(write_part(request, guide, parsed))
    assert part is not None
    samples = round(seconds * SAMPLE_RATE)
    return complete(render_vocals(part, request))[:samples]
