"""A window that is not in its source is refused when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from pipeline.request import OutOfRange, Request
from pipeline.request_files import resolve_request

BAR = 2.0  # seconds, at 120 bpm


@pytest.fixture
def clip(tmp_path: Path) -> str:
    """Of four bars."""
    path = tmp_path / "clip.wav"
    soundfile.write(path, np.zeros((round(4 * BAR * 8000), 2)), 8000)
    return str(path)


def resolve(source: str, **values: Any) -> Request:
    return resolve_request(Request(source=source, bpm=120, **values))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"repaint_bar": 9}, "this clip has 4 bars: repaint_bar must be in 1..4, got 9"),
        ({"repaint_bar": 9, "repaint_bars": 2}, "this clip has 4 bars"),
        ({"repaint_bar": 9, "bars": 16}, "this clip has 4 bars"),
        ({"repaint_bar": 5}, "this clip has 4 bars"),
        ({"repaint_bar": 4, "time_signature": "3/4"}, None),
        ({"repaint_bar": 7, "time_signature": "3/4"}, r"this clip has 5\.33 bars \(8\.00 s\)"),
        ({"repaint_start": 9}, "repaint_start must be inside of the clip's 8 s, got 9 s"),
        ({"repaint_start": 9, "repaint_end": 12}, "inside of the clip's 8 s"),
        ({"repaint_bar": 4}, None),
        ({"repaint_bar": 5, "repaint_bars": 4}, None),
        ({"repaint_bar": 5, "bars": 8}, None),
        ({"repaint_bar": -2, "repaint_bars": 2}, None),
    ],
)
def test_a_repaint_begins_in_its_source_or_right_behind_it(
    clip: str, values: dict[str, Any], said: str | None
) -> None:
    if said is None:
        assert resolve(clip, task="repaint", **values)
        return
    with pytest.raises(OutOfRange, match=said):
        resolve(clip, task="repaint", **values)


def test_it_says_where_it_would_go_on(clip: str) -> None:
    with pytest.raises(OutOfRange) as refused:
        resolve(clip, task="repaint", repaint_bar=9)
    assert refused.value.hint == "repaint_bar 5 with repaint_bars goes on behind it"


def test_a_lego_stays_within_its_source(clip: str) -> None:
    lego = {"task": "lego", "stems": "drums"}
    assert resolve(clip, **lego, repaint_bar=3, repaint_bars=2)
    with pytest.raises(OutOfRange, match=r"4 bars: repaint_bar must be in 1\.\.4, got 5"):
        resolve(clip, **lego, repaint_bar=5, repaint_bars=1)
    with pytest.raises(OutOfRange, match="repaint_bars must end there, got 4 from bar 3 on"):
        resolve(clip, **lego, repaint_bar=3, repaint_bars=4)
    with pytest.raises(OutOfRange, match=r"8\.00 s, .*: repaint_end must end there, got 9 s"):
        resolve(clip, **lego, repaint_end=9)


def test_of_a_source_that_does_not_say_its_length_nothing_is_known(tmp_path: Path) -> None:
    torn = tmp_path / "torn.wav"
    torn.write_bytes(b"RIFF")
    assert resolve(str(torn), task="repaint", repaint_bar=9)
