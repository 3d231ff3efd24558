"""Where the beat is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from daemon.tempo.source import BeatPosition


@given(st.floats(0, 1000), st.floats(30, 300), st.sampled_from([1.0, 3.0, 4.0]), st.floats(0, 10))
def test_the_next_bar_is_a_whole_one_and_less_than_a_bar_away(
    beat: float, bpm: float, beats: float, later: float
) -> None:
    position = BeatPosition(100.0, beat, bpm)
    due = position.find_next_beat(beats, 100.0 + later)
    assert 100.0 + later <= due <= 100.0 + later + beats * 60 / bpm + 1e-6
    count = (beat + (due - 100.0) * bpm / 60) / beats
    assert abs(count - round(count)) < 1e-5
