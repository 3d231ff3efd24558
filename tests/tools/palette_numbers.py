"""How the training music sounds: a Markdown table with a row for every style.

    python -m tests.tools.palette_numbers          writes it into examples/voice/README.md
    python -m tests.tools.palette_numbers SEEDS    prints one of so many seeds

Pieces are 8 bars, composed as a caption that names the style alone asks for them, and played by the
sounds of its band in turn.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping

import numpy as np

from examples.voice import metrics, songs
from pipeline.guide.bands import BANDS
from pipeline.guide.composer.captions import read_caption
from pipeline.guide.composer.meter import read_meter
from pipeline.request import SAMPLE_RATE

from .tables import ROOT, replace_table, table

PAGE = ROOT / "examples/voice/README.md"
SEEDS = 2
BARS = 8
BEATS = 4
# The LUFS of mastered records by M. Leffler-Schulman, and what he calls the group. For the styles
# that are missing he names no group, and no measurement was found.
RECORDS = {
    "pop, rock, dance": (-10, -8),
    "hip hop, R&B": (-10, -6),
    "acoustic, folk, world": (-14, -12),
    "classical, jazz": (-16, -14),
}
GROUPS = {
    "house": "pop, rock, dance",
    "techno": "pop, rock, dance",
    "drum and bass": "pop, rock, dance",
    "hip hop": "hip hop, R&B",
    "trap": "hip hop, R&B",
    "rock": "pop, rock, dance",
    "pop": "pop, rock, dance",
    "synthwave": "pop, rock, dance",
    "disco": "pop, rock, dance",
    "r&b": "hip hop, R&B",
    "jazz": "classical, jazz",
    "bossa nova": "acoustic, folk, world",
    "metal": "pop, rock, dance",
    "country": "acoustic, folk, world",
    "uk garage": "pop, rock, dance",
    "afrobeats": "acoustic, folk, world",
}
SLOPE = -5.0  # dB an octave, of records
WIDTHS = (-14.0, -9.0)  # dB, of side over mid: the goal
BAND = -21.0  # dB, from 4 to 8 kHz: likewise


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
        "true peak": metrics.measure_true_peak(audio),
        "crest": metrics.measure_crest(audio),
        "side/mid": metrics.measure_width(audio),
        "side/mid < 150 Hz": metrics.measure_width(audio, 20, 150),
        "slope": metrics.measure_slope(audio),
        "1 to 4 kHz": metrics.measure_band(audio, 1000, 4000),
        "4 to 8 kHz": metrics.measure_band(audio, 4000, 8000),
        "> 8 kHz": metrics.measure_band(audio, 8000),
    }


def measure_style(style: str, seeds: int = SEEDS) -> dict[str, float]:
    """The means over the seeds."""
    pieces = [measure_mix(make_piece(style, seed).render_mix()) for seed in range(1, seeds + 1)]
    return {name: math.fsum(piece[name] for piece in pieces) / seeds for name in pieces[0]}


def measure_styles(seeds: int = SEEDS) -> dict[str, dict[str, float]]:
    """All of them, and their means."""
    measured = {style: measure_style(style, seeds) for style in BANDS}
    measured["mean"] = {
        name: math.fsum(row[name] for row in measured.values()) / len(measured)
        for name in next(iter(measured.values()))
    }
    return measured


def write_row(style: str, numbers: Mapping[str, float]) -> list[str]:
    return [style, *(f"{number:.1f}" for number in numbers.values())]


def compare_row(style: str, numbers: Mapping[str, float]) -> list[str]:
    """A style beside records: what they have, and how far it is off."""
    group = GROUPS.get(style, "")
    loudness = round(numbers["LUFS"], 1)
    low, high = RECORDS.get(group, (loudness, loudness))
    width = round(numbers["side/mid"], 1)
    return [
        style,
        f"{low} to {high} ({group})" if group else "nothing found",
        _write_off(loudness, low, high) if group else "",
        f"{numbers['slope'] - SLOPE:+z.1f}",
        _write_off(width, *WIDTHS),
        f"{numbers['4 to 8 kHz'] - BAND:+z.1f}",
    ]


def _write_off(number: float, low: float, high: float) -> str:
    """How far a number is outside of a range."""
    off = number - min(max(number, low), high)
    return f"{off:+z.1f}" if off else "within"


COMPARED = (
    "style",
    "LUFS of records",
    "off by",
    f"slope, off {SLOPE:g}",
    f"side/mid, {WIDTHS[0]:g} to {WIDTHS[1]:g}",
    f"4 to 8 kHz, off {BAND:g}",
)


def main(seeds: int = 0) -> None:
    measured = measure_styles(seeds or SEEDS)
    columns = next(iter(measured.values())).keys()
    sounds = table(["style", *columns], [write_row(*item) for item in measured.items()])
    if seeds:
        print(sounds)
        return
    compared = table(COMPARED, [compare_row(style, measured[style]) for style in BANDS])
    page = replace_table(PAGE.read_text("utf-8"), "sounds", sounds)
    PAGE.write_text(replace_table(page, "records", compared), "utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
