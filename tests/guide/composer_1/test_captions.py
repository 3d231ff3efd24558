"""What the first composer reads in captions in its own way."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.guide.composer_1.captions import read_caption
from pipeline.guide.composer_1.compose import compose
from pipeline.guide.composer_1.sketch import FirstSketch


def sketch_of(prompt: str, **changes: Any) -> FirstSketch:
    return read_caption(
        prompt, **{"bpm": 0, "key": "", "bars": 4, "beats_per_bar": 4, "seed": 1, **changes}
    )


@pytest.mark.parametrize(
    ("prompt", "style"),
    [
        ("lo fi house", "lo-fi"),
        ("R&B slow jam", "hip hop"),
        ("disco", "house"),
        ("heavy metal", "rock"),
        ("indie folk", "pop"),
        ("country road", "pop"),
        ("smooth jazz", "lo-fi"),
        ("soul", "funk"),
    ],
)
def test_captions_name_styles(prompt: str, style: str) -> None:
    assert sketch_of(prompt).style == style


def test_every_sketch_can_be_composed() -> None:
    for seed in range(40):
        sketch = sketch_of("", seed=seed, beats_per_bar=3)
        assert sketch == sketch_of("", seed=seed, beats_per_bar=3)
        assert compose(sketch).notes
