"""Tempo, metre and bars of a MIDI file: which of them hold, and after how many it repeats."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.guide.midi_file import Music, read_music
from pipeline.guide.midi_time import TickClock, round_beats
from tests.guide import midi_bytes as midi

BEAT = 96
TUNE = [(beat, 1, 60) for beat in range(16)]


def read(
    folder: Path,
    *events: midi.Timed,
    tune: Sequence[tuple[float, float, int]] | None = None,
    beats: float | None = None,
    meter: tuple[int, int] | None = None,
) -> Music:
    """Of notes and other events; its end of track after so many beats."""
    end = None if beats is None else round(beats * BEAT)
    path = folder / "time.mid"
    played = midi.notes(TUNE if tune is None else tune, BEAT)
    path.write_bytes(midi.file(0, BEAT, midi.track(*events, *played, end=end)))
    return read_music(path, meter)


def starts(music: Music) -> list[float]:
    return [round(note.start, 3) for note in music.score.notes]


@pytest.mark.parametrize(
    ("written", "bpm", "last"),
    [
        (3.75, 30, 120),
        (20, 40, 30),
        (30, 30, 15),
        (300, 300, 15),
        (600, 300, 7.5),
        (999, 249.75, 3.75),
    ],
)
def test_any_tempo_is_doubled_or_halved_into_what_a_request_may_have(
    tmp_path: Path, written: float, bpm: float, last: float
) -> None:
    music = read(tmp_path, (0, midi.tempo(written)))
    assert music.facts.bpm == pytest.approx(bpm, abs=0.01)
    assert starts(music)[-1] == pytest.approx(last, abs=0.001)
    assert len(music.facts.remarks) == (1 if written == bpm else 2)


def test_a_tempo_that_cannot_be_meant_leaves_the_beats(tmp_path: Path) -> None:
    music = read(tmp_path, (0, midi.meta(0x51, b"\0\0\1")))
    assert starts(music) == list(range(16))
    assert "60000000 bpm cannot be meant" in music.facts.remarks[1]


def test_a_tempo_of_nothing_is_none(tmp_path: Path) -> None:
    music = read(tmp_path, (0, midi.meta(0x51, b"\0\0\0")))
    assert (music.score.bpm, music.facts.bpm) == (120, 0)
    assert "has a tempo of 0, which was left out" in music.facts.remarks[1]


def test_the_tempo_that_holds_counts(tmp_path: Path) -> None:
    for tick in (1, BEAT // 16):
        assert read(tmp_path, (0, midi.tempo(120)), (tick, midi.tempo(90))).facts.bpm == 90
    later = read(tmp_path, (0, midi.tempo(90)), (16 * BEAT, midi.tempo(140)))
    assert later.facts.bpm == 90
    assert len(later.facts.remarks) == 1  # nobody hears it


def test_tempos_of_a_person_leave_the_beats_and_others_the_seconds(tmp_path: Path) -> None:
    tempos = [(beat * BEAT, midi.tempo(100 + beat * 7 % 5 / 2)) for beat in range(16)]
    person = read(tmp_path, *tempos)
    assert starts(person) == list(range(16))
    assert "notes keep their beats" in person.facts.remarks[1]
    changed = read(tmp_path, (0, midi.tempo(100)), (12 * BEAT, midi.tempo(50)))
    assert starts(changed)[11:] == [11, 12, 14, 16, 18]
    assert "between 50 and 100 bpm: notes keep their seconds" in changed.facts.remarks[1]
    assert changed.facts.loop == 20


@pytest.mark.parametrize(
    ("beats", "loop"),
    [
        (None, 12),  # what its notes fill
        (16, 16),  # an empty last bar stays
        (32, 32),
        (16 + 1 / BEAT, 16),
        (16 - 1 / BEAT, 16),
        (14.5, 16),
        (13, 12),
        (400, 12),  # nobody means that
    ],
)
def test_the_end_of_track_is_where_it_repeats(
    tmp_path: Path, beats: float | None, loop: float
) -> None:
    tune = [(0.0, 1.0, 60), (4.0, 1.0, 62), (8.0, 1.0, 64)]
    music = read(tmp_path, tune=tune, beats=beats)
    assert music.facts.loop == loop
    assert len(music.facts.remarks) == (2 if beats == 400 else 1)
    if beats == 400:
        assert "97 bars behind its last note" in music.facts.remarks[1]


@pytest.mark.parametrize("empty", [1, 2, 8, 40])
def test_empty_bars_in_front_are_left_out(tmp_path: Path, empty: int) -> None:
    tune = [(empty * 4 + beat, length, pitch) for beat, length, pitch in TUNE]
    music = read(tmp_path, tune=tune, beats=(empty + 4) * 4)
    assert starts(music) == list(range(16))
    assert music.facts.loop == 16
    assert f"{empty} empty bar" in music.facts.remarks[1]
    early = [(tune[0][0] - 0.05, 1, 60), *tune[1:]]  # played a little in front of the bar
    assert starts(read(tmp_path, tune=early))[:2] == [0, 1]


def test_an_upbeat_stays_where_it_is(tmp_path: Path) -> None:
    tune = [(3.0, 1.0, 67), (4.0, 2.0, 72)]
    music = read(tmp_path, tune=tune)
    assert starts(music) == [3, 4]
    assert len(music.facts.remarks) == 1
    assert starts(read(tmp_path, tune=[(beat + 8, length, 60) for beat, length, _ in tune])) == [
        3,
        4,
    ]


def test_a_bar_of_silence_in_a_loop_of_four_stays_and_is_said(tmp_path: Path) -> None:
    music = read(tmp_path, tune=[(4.0 * bar, 1.0, 60) for bar in (1, 2, 3)], beats=16)
    assert starts(music) == [4, 8, 12]
    assert music.facts.loop == 16
    assert "its first bar is empty, and stays" in music.facts.remarks[1]


@pytest.mark.parametrize(
    ("written", "signature", "loop"),
    [
        ((3, 4), "3/4", 18),
        ((6, 8), "6/8", 18),
        ((7, 8), "7/8", 17.5),
        ((5, 4), "5/4", 20),
        ((2, 2), "2/2", 16),
        ((12, 16), "6/8", 18),
        ((3, 1), "12/4", 24),
        ((17, 16), "", 17),
    ],
)
def test_the_files_metre_is_the_requests(
    tmp_path: Path, written: tuple[int, int], signature: str, loop: float
) -> None:
    facts = read(tmp_path, (0, midi.signature(*written))).facts
    assert (facts.time_signature, facts.loop) == (signature, loop)
    assert any("none that a request can have" in text for text in facts.remarks) != bool(signature)


@pytest.mark.parametrize("content", [b"\0\2\x18\x08", b"\4", b"\4\x40\x18\x08", b""])
def test_a_metre_that_is_none_is_left_out(tmp_path: Path, content: bytes) -> None:
    facts = read(tmp_path, (0, midi.meta(0x58, content))).facts
    assert facts.time_signature == ""
    assert "has a time signature that is none" in facts.remarks[1]


def test_of_several_metres_the_first_that_holds_counts(tmp_path: Path) -> None:
    three, four = midi.signature(3, 4), midi.signature(4, 4)
    changes = read(tmp_path, (0, three), (6 * BEAT, four)).facts
    assert changes.time_signature == "3/4"
    assert "its metre changes (3/4, 4/4): bars are 3/4" in changes.remarks[1]
    assert changes.loop == 6 + 12
    for tick in (0, 1, 5):  # a program's own in front of it
        head = read(tmp_path, (0, four), (tick, three)).facts
        assert (head.time_signature, head.loop) == ("3/4", 18)
        assert len(head.remarks) == 1
    behind = read(tmp_path, (0, four), (8 * BEAT, three), tune=[(8.0, 1.0, 60)]).facts
    assert (behind.time_signature, behind.loop) == ("3/4", 3)


def test_a_shorter_first_bar_is_an_upbeat(tmp_path: Path) -> None:
    music = read(tmp_path, (0, midi.signature(1, 4)), (BEAT, midi.signature(4, 4)))
    assert starts(music) == list(range(3, 19))
    assert (music.facts.time_signature, music.facts.loop) == ("4/4", 20)
    assert "its upbeat is at the end of a bar of its own" in music.facts.remarks[1]


def test_without_a_metre_bars_are_the_requests(tmp_path: Path) -> None:
    tune = [(beat, 1.0, 60) for beat in (0.0, 3.0)]
    assert read(tmp_path, tune=tune, meter=(3, 4)).facts.loop == 6
    assert read(tmp_path, tune=tune).facts.loop == 4
    # a program's own 4/4, in a file that is two bars of 3/4
    four = (0, midi.signature(4, 4))
    assert read(tmp_path, four, tune=tune, beats=6, meter=(3, 4)).facts.loop == 6
    assert read(tmp_path, four, tune=tune, beats=8, meter=(3, 4)).facts.loop == 8


@pytest.mark.parametrize(
    ("events", "key"),
    [
        ([midi.key(0)], ""),  # what programs write that know of none
        ([midi.key(0, 1)], "A minor"),
        ([midi.key(-3)], "Eb major"),
        ([midi.key(7, 1)], "A# minor"),
        ([midi.key(1), midi.key(-1, 1)], "D minor"),
        ([midi.meta(0x59, b"\x20\0")], ""),
    ],
)
def test_a_key_signature_is_a_key(tmp_path: Path, events: list[bytes], key: str) -> None:
    assert read(tmp_path, *((0, event) for event in events)).facts.key == key


def test_a_change_of_metre_a_tick_behind_a_bar_line_is_at_it(tmp_path: Path) -> None:
    two = (4 * BEAT + 1, midi.signature(2, 1))
    path = tmp_path / "one.mid"
    path.write_bytes(midi.file(0, BEAT, midi.track(two, *midi.notes([(4, 0, 60)], BEAT))))
    facts = read_music(path).facts
    assert facts.loop == 8
    asked = read_music(path, (8, 4)).facts
    assert asked == facts  # the same once its metre is the request's


def test_bars_of_the_tempo_that_was_taken_are_on_the_grid(tmp_path: Path) -> None:
    tune = [(beat, 0.5, 60) for beat in range(24)]
    tempos = [(0, midi.tempo(60)), (4 * BEAT, midi.tempo(120)), (8 * BEAT, midi.tempo(124))]
    music = read(tmp_path, *tempos, tune=tune)
    assert music.score.bpm == 124
    assert all(start == pytest.approx(round(start), abs=0.002) for start in starts(music)[8:])
    assert starts(music)[8] % 4 == pytest.approx(0, abs=0.002)
    assert starts(music)[1] - starts(music)[0] == pytest.approx(124 / 60, abs=0.002)  # its seconds
    assert music.facts.loop % 4 == 0
    assert music.facts.loop > starts(music)[-1]


def count_steps(act: Callable[[], object]) -> int:
    """How many instructions of Python it takes."""
    steps = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal steps
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
    return steps


def write_pedal(notes: int) -> list[midi.Timed]:
    """Notes under a pedal that is never lifted."""
    keys = [(note / 10, 0.09, 36 + note * 7 % 60) for note in range(notes)]
    return [(0, midi.control(64, 127)), *midi.notes(keys, BEAT)]


def write_metres(bars: int) -> list[midi.Timed]:
    """Another metre in every bar, and a note that is never released."""
    return [
        (bar * 4 * BEAT + late, event)
        for bar in range(bars)
        for late, event in (
            (0, midi.signature(3 + bar % 2, 4)),
            (9, bytes([0x90, bar % 120, 100])),
        )
    ]


@pytest.mark.parametrize("write", [write_pedal, write_metres])
def test_four_times_the_notes_are_four_times_the_work(
    tmp_path: Path, write: Callable[[int], list[midi.Timed]]
) -> None:
    steps = []
    for size in (150, 600):
        path = tmp_path / f"{size}.mid"
        path.write_bytes(midi.file(0, BEAT, midi.track(*write(size))))
        steps.append(count_steps(partial(read_music, path)))
    assert steps[1] < 5 * steps[0]


numbers = st.floats(-1e9, 1e9) | st.integers(-(2**40), 2**40).map(lambda count: count / 1024)


@given(st.lists(numbers | st.integers(-(10**9), 10**9).map(lambda count: (count + 0.5) / 1e9)))
def test_beats_are_rounded_as_python_rounds(beats: list[float]) -> None:
    rounded = round_beats(np.array(beats, np.float64)).tolist()
    assert list(map(repr, rounded)) == [repr(round(beat, 9)) for beat in beats]


@pytest.mark.parametrize("division", [96, 480, -(25 << 8) + 40])
def test_seconds_are_the_same_for_one_tick_and_for_many(division: int) -> None:
    clock = TickClock(division, {0: 500_000, 100: 666_667, 950: 333_333})
    ticks = [0, 1, 99, 100, 101, 949, 950, 10_000, 2**28 - 1, 0.5]
    many = clock.seconds_at_each(np.array(ticks, np.float64)).tolist()
    assert many == [clock.seconds_at(tick) for tick in ticks]
