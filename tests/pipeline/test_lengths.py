"""A clip without bars and seconds has four bars, or as many as what is played needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import mido
import pytest

from pipeline import lengths
from pipeline.guide.guide import resolve_guide
from pipeline.request import FIELDS, Request
from pipeline.request_files import resolve_request
from pipeline.singing import plan_singing, write_part
from tests.pipeline.test_capabilities import VOICE
from tests.support.old_requests import build_old_request

EIGHT_LINES = "[Chorus]\n" + "We are alive tonight\nCity lights are calling me home\n" * 4


@pytest.fixture
def midi_of_eight_bars(tmp_path: Path) -> Path:
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(96))])
    for _ in range(32):
        track.append(mido.Message("note_on", note=72, time=0))
        track.append(mido.Message("note_off", note=72, time=480))
    file.tracks.append(track)
    file.save(tmp_path / "verse.mid")
    return tmp_path / "verse.mid"


def resolve(default_guide: str = "off", **values: Any) -> Request:
    return resolve_request(Request(seed=3).changed(values), default_guide)


@pytest.mark.parametrize(
    ("values", "bpm"),
    [
        ({"prompt": "techno", "bpm": 128}, 128),
        ({"prompt": "techno at 140"}, 140),
        ({"prompt": "techno, waltz", "bpm": 90}, 90),
    ],
)
def test_where_there_is_a_tempo_a_clip_has_four_bars(values: dict[str, Any], bpm: float) -> None:
    request = resolve(**values)
    assert (request.bars, request.bpm) == (4, bpm)
    assert request.samples == round(4 * request.beats * 60 / bpm * 48_000)


def test_a_clip_that_is_composed_has_four_bars_at_the_tempo_that_is_composed() -> None:
    request = resolve("auto", prompt="techno")
    assert request.bars == 4
    before = Request("techno", seconds=30, seed=3)
    as_before, _ = resolve_guide(before.resolved(), "auto")
    assert request.bpm == as_before.bpm
    composed, guide = resolve_guide(request, "auto")
    assert guide
    assert (composed.bpm, composed.key) == (as_before.bpm, as_before.key)
    assert resolve(prompt="techno", guide="auto") == request.changed({"guide": "auto"})
    first = resolve(prompt="techno", guide="auto", composer=1)
    assert first.bpm == resolve_guide(first.changed({"bpm": 0, "bars": 0}))[0].bpm


def test_where_there_are_neither_a_tempo_nor_a_guide_it_has_thirty_seconds() -> None:
    rain: dict[str, Any] = {"prompt": "rain"}
    for values in (rain, rain | {"guide": "auto", "guide_strength": 0}):
        request = resolve(**values)
        assert (request.bars, request.length) == (0, 30)


@pytest.mark.parametrize(
    "values",
    [
        {"seconds": 30},
        {"seconds": 5},
        {"bars": 3},
        {"codes": "1 2 3"},
        {"task": "cover", "source": "tests/data/official/audio/src.wav"},
        {"plan": "simple"},  # the planner says how long the song is
    ],
)
def test_a_length_that_is_given_or_comes_from_elsewhere_stays(values: dict[str, Any]) -> None:
    request = resolve("auto", prompt="techno", bpm=120, **values)
    assert request.bars == values.get("bars", 0)
    assert request.seconds == values.get("seconds", 0.6 if "codes" in values else 0)


@pytest.mark.parametrize(
    ("chords", "bars"),
    [("Am F C G", 4), ("Am", 4), ("Am F C", 6), ("Am F C G Dm Em F G", 8), ("Am F C G Dm", 5)],
)
def test_the_chords_of_a_guide_are_played_whole(chords: str, bars: int) -> None:
    assert resolve(prompt="lo-fi", guide=chords).bars == bars


def test_so_is_a_midi_file(midi_of_eight_bars: Path) -> None:
    request = resolve(prompt="lo-fi", guide=str(midi_of_eight_bars))
    assert (request.bars, request.bpm) == (8, 96)
    unread = resolve(prompt="lo-fi", guide=str(midi_of_eight_bars), read_midi=False)
    assert (unread.bars, unread.bpm) == (4, 96)


@pytest.mark.parametrize("default_guide", ["auto", "off"])
def test_the_bars_hold_the_lyrics(default_guide: str) -> None:
    request = resolve(default_guide, prompt="warm lo-fi", bpm=84, lyrics=EIGHT_LINES)
    assert request.bars == 16, "two bars a line"
    short = resolve(default_guide, prompt="warm lo-fi", bpm=84, lyrics="We are alive tonight")
    assert short.bars == 4
    endless = resolve(default_guide, prompt="warm lo-fi", bpm=84, lyrics=EIGHT_LINES * 40)
    assert endless.length <= 600


def test_every_line_of_them_is_sung() -> None:
    request = resolve("auto", prompt="warm lo-fi", lyrics=EIGHT_LINES)
    singing = plan_singing(request.changed({"guide": "auto"}), VOICE)
    assert singing.lyrics
    request, guide = resolve_guide(request, "auto", singing.sections)
    assert guide
    part = None
    writing = write_part(request, guide, singing.lyrics)
    try:
        while True:
            next(writing)
    except StopIteration as end:
        part = end.value
    assert part
    assert len(part.lines) == 8
    assert all(line.bar for line in part.lines)


def test_what_was_assumed_is_said() -> None:
    asked = Request("techno at 140", seed=3)
    (said,) = lengths.explain_length(asked, resolve_request(asked))
    assert said == "4 bars at 140 bpm, as neither bars nor seconds were given"
    asked = asked.changed({"lyrics": EIGHT_LINES})
    (said,) = lengths.explain_length(asked, resolve_request(asked))
    assert re.fullmatch(r"\d+ bars at 140 bpm for its lyrics, as neither .*", said)
    for values in ({"bars": 4}, {"seconds": 2}, {"prompt": "rain"}):
        asked = Request("techno at 140").changed(values)
        assert lengths.explain_length(asked, resolve_request(asked)) == ()


def test_what_was_stored_has_the_length_that_it_had() -> None:
    old = Request.restore({"prompt": "techno", "bpm": 128.0})
    assert old == build_old_request(prompt="techno", bpm=128.0)
    assert resolve_request(old, "auto").length == 30
    stored = {name: getattr(Request("techno", bpm=128), name) for name in FIELDS}
    assert resolve_request(Request.restore(stored)).bars == 4
