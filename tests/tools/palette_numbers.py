"""How the training music sounds: a Markdown table with a row for every style.

    python -m tests.tools.palette_numbers [SEEDS]

Pieces are 8 bars, composed as a caption that names the style alone asks for them, and played by the
sounds of its band in turn. The table in examples/voice/README.md is of 2 seeds.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping

import numpy as np

from examples.voice import metrics, songs
from examples.voice.bands import BANDS
from pipeline.guide.composer.captions import read_caption
from pipeline.guide.composer.meter import read_meter
from pipeline.request import SAMPLE_RATE

from .tables import table

SEEDS = 2
BARS = 8
BEATS = 4


def make_piece(style: str, seed: int, words: str = "") -> songs.Song:
    """Eight bars of a style, with its parts' sounds in turn; `words` are put before its name."""
    caption = read_caption(
        f"{words} {style}", bpm=0, key="", bars=BARS, meter=read_meter(BEATS), seed=seed
    )
    sketch = caption.sketch
    band = BANDS[style]
    sounds = {
        role: choices[(seed - 1) % len(choices)]
        for role in sketch.parts
        if (choices := getattr(band, role))
    }
    return songs.Song(sketch, words, sounds, BARS * BEATS * 60 / sketch.bpm, seed)


def measure_mix(audio: songs.Audio) -> dict[str, float]:
    """The numbers of one mix: LUFS, and dB."""
    import pyloudnorm  # brings scipy, which takes half a second

    meter = pyloudnorm.Meter(SAMPLE_RATE)
    return {
        "LUFS": float(meter.integrated_loudness(audio.astype(np.float64))),
        "crest": metrics.measure_crest(audio),
        "side/mid": metrics.measure_width(audio),
        "side/mid < 150 Hz": metrics.measure_width(audio, 20, 150),
        "1 to 4 kHz": metrics.measure_band(audio, 1000, 4000),
        "4 to 8 kHz": metrics.measure_band(audio, 4000, 8000),
        "> 8 kHz": metrics.measure_band(audio, 8000),
    }


def measure_style(style: str, seeds: int = SEEDS) -> dict[str, float]:
    """The means over the seeds."""
    pieces = [measure_mix(make_piece(style, seed).render_mix()) for seed in range(1, seeds + 1)]
    return {name: math.fsum(piece[name] for piece in pieces) / seeds for name in pieces[0]}


def main(seeds: int = SEEDS) -> None:
    measured = {style: measure_style(style, seeds) for style in BANDS}
    columns = next(iter(measured.values())).keys()
    measured["mean"] = {
        name: math.fsum(row[name] for row in measured.values()) / len(measured) for name in columns
    }
    print(table(["style", *columns], [write_row(*item) for item in measured.items()]))


def write_row(style: str, numbers: Mapping[str, float]) -> list[str]:
    return [style, *(f"{number:.1f}" for number in numbers.values())]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
