"""What the pictures of the model card show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from examples.voice import pictures
from examples.voice.pictures import Compared, Verse
from pipeline.request import SAMPLE_RATE
from pipeline.singer.lines import LineTime, WordTime

SUNG = LineTime(
    "hold me", 1.0, 2.0, "Verse 1", 1, 1, 0, (WordTime("hold", 1.0, 1.5), WordTime("me", 1.5, 2.0))
)
LEFT_OUT = LineTime("and go", 0.0, 0.0, "Verse 1", 0, 0, 1, (), "left out")
SOUND = 0.5 * np.sin(np.arange(3 * SAMPLE_RATE))[:, None].repeat(2, axis=1)


def draw(path: Path, verse: Verse) -> np.ndarray:
    pictures.draw_words(verse, path)
    with Image.open(path) as picture:
        return np.array(picture.convert("RGB"))


def test_a_word_is_drawn_where_it_begins(tmp_path: Path) -> None:
    clips = {"vocals": SOUND, "mix": SOUND}
    picture = draw(tmp_path / "words.png", Verse((SUNG,), clips))
    inked = (picture == pictures.INK).all(axis=2).sum(axis=0)
    tallest = np.flatnonzero(inked > pictures.WAVE[1])
    begin = SUNG.start - pictures.AROUND
    seconds = SUNG.end + pictures.AROUND - begin
    left = pictures.NAMES + pictures.MARGIN
    places = [left + pictures.WAVE[0] * (word.start - begin) / seconds for word in SUNG.words]
    np.testing.assert_allclose(tallest, places, atol=1)


def test_waveforms_are_as_tall_as_they_are_loud(tmp_path: Path) -> None:
    fading = SOUND * np.linspace(1, 0, len(SOUND))[:, None]
    picture = draw(tmp_path / "words.png", Verse((SUNG,), {"vocals": fading}))
    heights = (picture == pictures.VOICE).all(axis=2).sum(axis=0)
    left = pictures.NAMES + pictures.MARGIN
    assert heights[left + 20] > 1.5 * heights[left + pictures.WAVE[0] - 20] > 5


def test_lines_that_are_left_out_have_no_place(tmp_path: Path) -> None:
    one, both = (
        draw(tmp_path / f"{len(lines)}.png", Verse(lines, {"mix": SOUND}))
        for lines in ((SUNG,), (SUNG, LEFT_OUT))
    )
    assert one.shape == both.shape


def test_takes_are_drawn_beside_their_renders(tmp_path: Path) -> None:
    loud, faint = np.zeros((50, 96)), np.full((50, 96), -80.0)
    faint[0] = 0  # what is loudest decides what is bright
    pictures.draw_takes([Compared("a very long title " * 20, loud, faint)], tmp_path / "takes.png")
    with Image.open(tmp_path / "takes.png") as picture:
        middle = pictures.TITLE * 2 + pictures.PANEL[1] // 2
        left, right = (
            picture.getpixel((pictures.MARGIN + side * pictures.PANEL[0] + 200, middle))
            for side in (0, 1)
        )
    assert sum(left) > 3 * sum(right)  # type: ignore[arg-type]
