"""A clip as a small picture of its waveform."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image, ImageDraw

WIDTH = 900  # pixels, of one channel
HEIGHT = 120
INK = "#2b6cb0"
PAPER = "#ffffff"
LINE = "#cbd5e0"


def draw_waveform(wav: Path, png: Path) -> None:
    """Draw both channels of `wav`, one above the other: for every column of pixels the lowest and
    highest sample in it.
    """
    samples, _ = soundfile.read(wav, dtype="float32", always_2d=True)
    image = Image.new("RGB", (WIDTH, HEIGHT * samples.shape[1]), PAPER)
    pen = ImageDraw.Draw(image)
    edges = np.linspace(0, len(samples), WIDTH + 1).astype(int)
    for channel, data in enumerate(samples.T):
        middle = HEIGHT * channel + HEIGHT // 2
        pen.line([(0, middle), (WIDTH, middle)], LINE)
        for x, (first, last) in enumerate(itertools.pairwise(edges)):
            part = data[first : max(last, first + 1)]
            top, bottom = (middle - level * HEIGHT / 2 for level in (part.max(), part.min()))
            pen.line([(x, top), (x, bottom)], INK)
    image.save(png)
