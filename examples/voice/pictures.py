"""The pictures of the model card, as PNG."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.request import SAMPLE_RATE
from pipeline.singer.lines import LineTime

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

Floats = npt.NDArray[np.floating]

PANEL = (470, 128)  # pixels of a spectrogram
GAP = 6
TITLE = 22
MARGIN = 14
COLUMNS = 2  # pairs in a row
BACKGROUND = (14, 15, 20)
INK = (225, 228, 235)
FAINT = (130, 136, 150)
SHADES = (
    (0, 0, 4),
    (40, 11, 84),
    (101, 21, 110),
    (159, 42, 99),
    (212, 72, 66),
    (245, 125, 21),
    (250, 193, 39),
    (252, 255, 164),
)
DARKEST = -66.0  # dB; all that is below has one shade
BRIGHTEST = -16.0  # all that is above


class Compared(NamedTuple):
    """A take beside the render of its composition: mel bands (frames, 96) in dBFS."""

    title: str
    take: Floats
    real: Floats


def draw_takes(takes: Sequence[Compared], path: Path) -> None:
    """Spectrograms of takes, each beside the render of the same composition."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(13)
    wide = 2 * PANEL[0] + GAP + 2 * MARGIN
    tall = PANEL[1] + TITLE + GAP
    rows = -(-len(takes) // COLUMNS)
    canvas = Image.new("RGB", (COLUMNS * wide, rows * tall + TITLE + MARGIN), BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    for column in range(COLUMNS):
        for side, name in enumerate(("take", "real render of the same notes")):
            draw.text((column * wide + MARGIN + side * (PANEL[0] + GAP), 6), name, FAINT, font)
    for number, take in enumerate(takes):
        x = number % COLUMNS * wide + MARGIN
        y = number // COLUMNS * tall + TITLE
        title = take.title
        while draw.textlength(title, font) > wide - 2 * MARGIN:
            title = title[:-2] + "…"
        draw.text((x, y + 3), title, INK, font)
        for side, mel in enumerate((take.take, take.real)):
            canvas.paste(draw_spectrogram(mel), (x + side * (PANEL[0] + GAP), y + TITLE))
    canvas.save(path, optimize=True)


def draw_spectrogram(mel: Floats) -> Image.Image:
    """A clip's mel bands (frames, 96), relative to its loudest ones."""
    from PIL import Image

    relative = mel - np.percentile(mel, 99.8) + BRIGHTEST
    shade = np.clip((relative - DARKEST) / (BRIGHTEST - DARKEST), 0, 1).T[::-1]
    places = np.linspace(0, 1, len(SHADES))
    channels = [np.interp(shade, places, levels) for levels in zip(*SHADES)]
    pixels = np.stack(channels, axis=-1).astype(np.uint8)
    return Image.fromarray(pixels).resize(PANEL, Image.Resampling.BILINEAR)


WAVE = (1100, 64)  # pixels of a waveform
AROUND = 0.25  # seconds before and behind a line
VOICE = (212, 72, 66)
NAMES = 60  # pixels for what a waveform is called


class Verse(NamedTuple):
    """A take that is sung: when its lines are, and its waveforms (samples, 2) by name."""

    lines: tuple[LineTime, ...]
    clips: Mapping[str, Floats]


def draw_words(verse: Verse, path: Path) -> None:
    """Line by line the words of a verse, each from where it begins to where it ends, over the
    waveforms of its clips.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(13)
    sung = [line for line in verse.lines if line.is_sung]
    wide, tall = WAVE
    row = TITLE + len(verse.clips) * (tall + GAP) + TITLE
    canvas = Image.new("RGB", (NAMES + wide + 2 * MARGIN, len(sung) * row + 2 * MARGIN), BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    for number, line in enumerate(sung):
        left = NAMES + MARGIN
        top = MARGIN + number * row
        begin = max(line.start - AROUND, 0.0)
        seconds = line.end + AROUND - begin
        bottom = top + TITLE
        for name, clip in verse.clips.items():
            part = clip[round(begin * SAMPLE_RATE) : round((begin + seconds) * SAMPLE_RATE)]
            peak = float(np.abs(clip).max(initial=1e-9))
            draw.text((MARGIN, bottom + tall // 2 - 8), name, FAINT, font)
            _draw_wave(draw, part / peak, (left, bottom))
            bottom += tall + GAP
        for word in line.words:
            start, end = (left + wide * (at - begin) / seconds for at in (word.start, word.end))
            draw.line([(start, top + TITLE), (start, bottom)], INK)
            draw.line([(end, top + TITLE), (end, bottom)], FAINT)
            draw.text((start + 2, top + 3), word.text, INK, font)
        times = f"{begin:.2f} s", f"{begin + seconds:.2f} s"
        for place, text in zip((left, left + wide - 44), times):
            draw.text((place, bottom), text, FAINT, font)
    canvas.save(path, optimize=True)


def _draw_wave(draw: ImageDraw.ImageDraw, wave: Floats, corner: tuple[int, int]) -> None:
    """The lowest and highest sample of the middle in every column."""
    x, y = corner
    wide, tall = WAVE
    edges = np.linspace(0, len(wave), wide + 1).astype(int)
    middle = wave.mean(axis=1)
    for column, (first, last) in enumerate(itertools.pairwise(edges)):
        part = middle[first : max(last, first + 1)]
        high, low = (y + tall / 2 * (1 - level) for level in (part.max(), part.min()))
        draw.line([(x + column, high), (x + column, low)], VOICE)
