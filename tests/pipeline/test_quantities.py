"""Numbers as people write them, as every surface hands them to `coerce`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.request import WrongType, coerce


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("bpm", "92", 92),
        ("bpm", " 92 ", 92),
        ("bpm", "92 BPM", 92),
        ("bpm", "92bpm.", 92),
        ("bpm", "92,5", 92.5),
        ("bpm", "92,500", 92.5),
        ("bpm", "BPM 92", 92),
        ("bpm", "tempo: 92", 92),
        ("bpm", "92 beats per minute", 92),
        ("bpm", "~92", 92),
        ("bpm", "９２", 92),
        ("bpm", "1e2", 100),
        ("bpm", "92/min", 92),
        ("bpm", "92 b p m", 92),
        ("bpm", "92 bpm's", 92),
        ("bpm", "92 уд/мин", 92),
        ("bpm", "92 Schläge pro Minute", 92),
        ("bpm", "92拍/分", 92),
        ("bpm", "about 92", 92),
        ("bpm", "bpm: ca. 92", 92),
        ("bars", "8 bars", 8),
        ("bars", "1 bar", 1),
        ("bars", "8 Takte", 8),
        ("bars", "8.0", 8),
        ("bars", "8 тактов", 8),
        ("bars", "8小节", 8),
        ("bars", "8 compassi", 8),
        ("beats_per_bar", "3 beats", 3),
        ("beats_per_bar", "3 beats/bar", 3),
        ("beats_per_bar", "3 temps", 3),
        ("seconds", "12 sec", 12),
        ("seconds", "12.5s", 12.5),
        ("seconds", '30"', 30),
        ("seconds", "1:30", 90),
        ("seconds", "0:01:30", 90),
        ("seconds", "1:30.5", 90.5),
        ("seconds", "1m30s", 90),
        ("seconds", "1 min 30", 90),
        ("seconds", "1'30\"", 90),
        ("seconds", "2 minutes", 120),
        ("seconds", "1.5 min", 90),
        ("seconds", "500 ms", 0.5),
        ("seconds", "1:30 min", 90),
        ("seconds", "1′30″", 90),
        ("seconds", "1 min. 30 sec.", 90),
        ("seconds", "1分30秒", 90),
        ("seconds", "30 секунд", 30),
        ("seconds", "90''", 90),
        ("seconds", "2분", 120),
        ("repaint_start", "-0:02", -2),
        ("repaint_start", "−2 s", -2),
        ("repaint_bars", "2 bars", 2),
        ("peak_db", "-1 dB", -1),
        ("peak_db", "– 1 dB", -1),
        ("peak_db", "−1,5 dBFS", -1.5),
        ("loudness", "-14 LUFS", -14),
        ("sample_rate", "44.1 kHz", 44_100),
        ("sample_rate", "44.1k", 44_100),
        ("sample_rate", "48,000 Hz", 48_000),
        ("sample_rate", "44 100", 44_100),
        ("guide_strength", "80%", 0.8),
        ("guide_strength", "0,8", 0.8),
        ("variation", "12.5 %", 0.125),
        ("num_steps", "8 steps", 8),
        ("num_steps", "8 inference steps", 8),
        ("seed", "4294967295", 4_294_967_295),
        ("seed", "1,234", 1234),
        ("seed", "1,234,567", 1_234_567),
        ("seed", "1.234.567", 1_234_567),
    ],
)
def test_a_number_may_have_its_unit(name: str, text: str, value: float) -> None:
    read = coerce(name, text)
    assert read == value
    assert isinstance(read, type(coerce(name, value)))


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("bpm", "ninety", "write it like 92, 92.5 or 92 BPM"),
        ("bpm", "fast", "write it like 92, 92.5 or 92 BPM"),
        ("bpm", "", "write it like 92, 92.5 or 92 BPM"),
        ("bpm", "120-128", "write it like 92, 92.5 or 92 BPM"),
        ("bpm", "92 bars", "write it like 92, 92.5 or 92 BPM"),
        ("bpm", "92%", "write it like 92, 92.5 or 92 BPM"),
        ("bpm", "1:30", "write it like 92, 92.5 or 92 BPM"),
        ("bpm", "nan", "write it like 92, 92.5 or 92 BPM"),
        ("bpm", "92_0", "write it like 92, 92.5 or 92 BPM"),
        ("bpm", "1,2,3", "write it as one number"),
        ("seconds", "8 bars", "write it like 12, 12.5 s or 1:30"),
        ("seconds", "1:75", "write it like 12, 12.5 s or 1:30"),
        ("seconds", "1½ min", "write it like 12, 12.5 s or 1:30"),
        ("bpm", "92 Hz", "write it like 92, 92.5 or 92 BPM"),
        ("bars", "12 s", "write it like 8 or 8 bars"),
        ("lm_top_k", "50%", "write it like 42"),
        ("repaint_start", "1,234 ms", "write it without a comma: 0.001234 or 1.234"),
    ],
)
def test_what_may_mean_something_else_is_refused(name: str, text: str, hint: str) -> None:
    with pytest.raises(WrongType) as refused:
        coerce(name, text)
    assert str(refused.value) == f"{name} must be a number, got {text!r}"
    assert refused.value.hint == hint


@given(
    st.integers(30, 299),
    st.integers(0, 99),
    st.sampled_from([".", ","]),
    st.sampled_from(["", " bpm", "BPM", " Bpm.", " beats per minute"]),
    st.sampled_from(["", " ", "~", "bpm: ", "tempo "]),
)
def test_a_tempo_is_what_its_digits_say(
    whole: int, part: int, comma: str, behind: str, before: str
) -> None:
    read: Any = coerce("bpm", f"{before}{whole}{comma}{part:02}{behind}")
    assert read == pytest.approx(whole + part / 100)
