"""How far a generation is."""

from __future__ import annotations

import itertools

import pytest

import pipeline  # noqa: F401
from pipeline.meter import ProgressSpan, split_progress
from pipeline.request import Request


@pytest.mark.parametrize(
    ("values", "has_guide", "taken_out", "parts"),
    [
        ({}, False, 0, 4),  # text, condition, diffusion, finish
        ({}, True, 0, 5),
        ({"reference": "x.wav", "task": "cover", "source": "x.wav"}, False, 0, 6),
        ({"stems": "drums bass"}, False, 2, 6),
        ({"stems": "drums vocals"}, False, 1, 5),  # the vocals are known
        ({"task": "extract", "source": "x.wav"}, False, 2, 4),  # source, two tracks, finish
        ({"task": "lego", "source": "x.wav", "stems": "drums bass vocals"}, False, 0, 7),
    ],
)
def test_the_parts_of_the_work_follow_each_other_and_fill_the_progress(
    values: dict[str, object], has_guide: bool, taken_out: int, parts: int
) -> None:
    spans = list(split_progress(Request().changed(values), has_guide, taken_out))
    assert len(spans) == parts
    assert spans[0].start == 0
    for span, following in itertools.pairwise(spans):
        assert span.at(1.0) == pytest.approx(following.start)
    assert spans[-1].at(1.0) == pytest.approx(1.0)


def test_stems_that_a_guide_tells_are_one_part_of_the_work() -> None:
    request = Request(stems="drums bass vocals")
    spans = list(split_progress(request, True, 3, by_guide=True))
    assert len(spans) == len(list(split_progress(Request(), has_guide=True))) + 1
    assert spans[-1].at(1.0) == pytest.approx(1.0)


def test_what_follows_a_plan_has_the_rest_of_the_progress() -> None:
    rest = ProgressSpan(0.25, 0.75)
    spans = [span.within(rest) for span in split_progress(Request(), has_guide=False)]
    assert spans[0].start == 0.25
    assert spans[-1].at(1.0) == pytest.approx(1.0)
