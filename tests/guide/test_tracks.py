"""The standard tracks of those who play."""

from __future__ import annotations

import pytest

from pipeline.guide import palette
from pipeline.guide.tracks import TRACK_OF, TRACKS, find_track
from pipeline.request import TRACKS as STANDARD


def test_every_sound_has_a_track_that_the_model_can_name() -> None:
    assert set(TRACK_OF) == {*palette.INSTRUMENTS, *palette.KITS}
    assert set(TRACKS) <= set(STANDARD)


@pytest.mark.parametrize(
    ("asked", "track"),
    [
        ((), "percussion"),
        (("percussion",), "percussion"),
        (("drums", "percussion"), "percussion"),
        (("drums", "bass"), "drums"),
    ],
)
def test_hand_percussion_are_the_drums_of_who_asks_for_those_alone(
    asked: tuple[str, ...], track: str
) -> None:
    assert find_track("hand percussion", asked) == track
    assert find_track("909", asked) == "drums"
