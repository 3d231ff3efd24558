"""The tempo of a MIDI clock."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.tempo.midi_clock import (
    TICKS_PER_BEAT,
    WINDOW,
    MidiClock,
    TempoEstimate,
    estimate_tempo,
    settle,
)


def ticks(bpm: float, count: int, start: float = 100.0) -> list[float]:
    return [start + n * 60 / TICKS_PER_BEAT / bpm for n in range(count)]


def late(at: list[float], jitter: float, seed: int = 1) -> list[float]:
    """Every tick up to `jitter` seconds too late, as a busy computer delivers them."""
    dice = random.Random(seed)
    return [tick + dice.uniform(0, jitter) for tick in at]


def in_periods(at: list[float], samples: int) -> list[float]:
    """As JACK delivers them: all that came during one period, at its end."""
    period = samples / 48_000
    return [(tick // period + 1) * period for tick in at]


def play(clock: MidiClock, at: list[float], every: int = 4) -> list[float]:
    """What the clock shows while it ticks."""
    tempos = []
    for n, tick in enumerate(at):
        clock.receive(tick, {"type": "clock"})
        if n % every == 0:
            clock.poll(tick)
            tempos.append(clock.bpm)
    clock.poll(at[-1])
    return [*tempos, clock.bpm]


@pytest.mark.long
@pytest.mark.parametrize("bpm", [60, 93, 120, 127.5, 128, 174, 300])
@pytest.mark.parametrize(
    "delivered", [lambda at: at, lambda at: late(at, 0.001), lambda at: in_periods(at, 256)]
)
def test_a_daws_clock_shows_the_daws_number_and_never_trembles(
    bpm: float, delivered: Callable[[list[float]], list[float]]
) -> None:
    crystal = 1.00004  # the sound card's second is not quite this computer's
    tempos = play(MidiClock(), delivered(ticks(bpm * crystal, 2000)))
    assert set(tempos[WINDOW // 4 + 1 :]) == {bpm}


def stalled(at: list[float], longest: float, seed: int = 1) -> list[float]:
    """As a computer delivers them that now and then does nothing else for a while."""
    dice = random.Random(seed)
    free = 0.0
    delivered = []
    for tick in at:
        free = tick + dice.uniform(0, longest) if dice.random() < 0.01 else free
        delivered.append(max(tick, free))
    return delivered


@pytest.mark.parametrize("bpm", [120, 127.5])
@pytest.mark.parametrize(
    "delivered",
    [lambda at: late(at, 0.003), lambda at: in_periods(at, 1024), lambda at: stalled(at, 0.03)],
)
def test_a_settled_number_survives_a_busy_computer(
    bpm: float, delivered: Callable[[list[float]], list[float]]
) -> None:
    tempos = play(MidiClock(), delivered(ticks(bpm * 1.00003, 40 * WINDOW)), every=12)
    assert set(tempos[8 * WINDOW // 12 :]) == {bpm}, "takes were made for it"


def test_a_tempo_with_two_digits_is_kept_where_the_clock_is_good_enough_to_know_it() -> None:
    assert play(MidiClock(), ticks(93.33, 200))[-1] == 93.33
    assert play(MidiClock(), late(ticks(127.9, 400), 0.0005))[-1] == 127.9


@given(bpm=st.floats(30, 300), jitter=st.floats(0, 0.01), seed=st.integers(0, 99))
def test_the_round_number_is_one_that_fits_the_ticks(bpm: float, jitter: float, seed: int) -> None:
    measured = estimate_tempo(late(ticks(bpm, WINDOW), jitter, seed))
    settled = settle(TempoEstimate(0, 0), measured).bpm
    assert abs(settled - measured.bpm) <= 3 * measured.standard_error + 0.005


@given(bpm=st.floats(30, 300), seed=st.integers(0, 99))
def test_least_squares_over_a_bar_err_by_little(bpm: float, seed: int) -> None:
    measured = estimate_tempo(late(ticks(bpm, WINDOW), 0.001, seed))
    assert measured.bpm == pytest.approx(bpm, rel=0.0007)


def test_the_first_number_comes_with_the_first_bar() -> None:
    clock = MidiClock()
    assert play(clock, ticks(120, WINDOW - 1))[-1] == 0
    clock.receive(ticks(120, WINDOW)[-1], {"type": "clock"})
    clock.poll(ticks(120, WINDOW)[-1])
    assert clock.bpm == 120


def test_a_new_tempo_is_there_a_bar_later_and_on_the_way_nothing_is_beyond_it() -> None:
    clock = MidiClock()
    before = ticks(120, 200)
    after = ticks(140, 2 * WINDOW, before[-1] + 60 / TICKS_PER_BEAT / 140)
    play(clock, before)
    tempos = play(clock, after)
    assert tempos[-1] == 140
    assert tempos[WINDOW // 4 + 1] == 140
    assert all(120 <= bpm <= 140 for bpm in tempos)
    assert tempos == sorted(tempos)


def test_a_start_begins_anew_and_keeps_the_number_until_it_knows_better() -> None:
    clock = MidiClock()
    before = ticks(120, 200)
    play(clock, before)
    clock.receive(before[-1] + 0.01, {"type": "start"})
    after = ticks(90, WINDOW, before[-1] + 0.02)
    assert set(play(clock, after[:-1])) == {120}, "nothing of both"
    clock.receive(after[-1], {"type": "clock"})
    clock.poll(after[-1])
    assert clock.bpm == 90


def test_a_gap_begins_anew() -> None:
    clock = MidiClock()
    before = ticks(120, 200)
    play(clock, before)
    tempos = play(clock, ticks(90, WINDOW, before[-1] + 1.0))
    assert set(tempos[:-1]) <= {120.0, 90.0}
    assert tempos[-1] == 90


def test_a_clock_that_stops_counts_no_more_after_two_seconds() -> None:
    clock = MidiClock()
    at = ticks(120, 200)
    play(clock, at)
    clock.poll(at[-1] + 1.9)
    assert clock.bpm == 120
    clock.poll(at[-1] + 2.1)
    assert clock.bpm == 0
    assert play(clock, ticks(120, WINDOW, at[-1] + 60))[-1] == 120


def test_what_is_no_music_is_not_believed() -> None:
    for bpm in (12, 900):
        assert play(MidiClock(), ticks(bpm, 200))[-1] == 0
    assert play(MidiClock(), [5.0] * 200)[-1] == 0, "all at once"


def test_notes_and_other_messages_are_no_ticks() -> None:
    clock = MidiClock()
    for n, at in enumerate(ticks(120, 200)):
        clock.receive(at, {"type": "clock"})
        clock.receive(
            at + 0.001, {"type": "note_on", "note": n % 128, "velocity": 64, "channel": 0}
        )
        clock.receive(at + 0.002, {"type": "songpos", "pos": n})
    clock.poll(at)
    assert clock.bpm == 120


class Master:
    """A MIDI clock of 120 bpm as messages, without the wait."""

    def __init__(self) -> None:
        self.clock = MidiClock()
        self.now = 1000.0
        self.tick(WINDOW)
        self.clock.poll(self.now)

    def tick(self, count: int) -> None:
        for _ in range(count):
            self.now += 60 / 120 / TICKS_PER_BEAT
            self.clock.receive(self.now, {"type": "clock"})

    def say(self, kind: str, **more: int) -> None:
        self.clock.receive(self.now, {"type": kind, **more})

    @property
    def beat(self) -> float | None:
        position = self.clock.position
        return position and position.beat


def test_a_clock_counts_from_its_start() -> None:
    master = Master()
    assert master.beat is None, "it runs, and nobody has said where it is"
    master.say("start")
    assert master.beat is None
    master.tick(1)
    assert master.beat == 0.0, "the first tick after the start is the beginning"
    master.tick(30)
    assert master.beat == 1.25
    master.say("stop")
    master.tick(10)
    assert master.beat is None, "there is no bar to wait for while it stands"
    master.say("continue")
    master.tick(1)
    assert master.beat == pytest.approx(31 / TICKS_PER_BEAT), "ticks while it stands do not count"


def test_a_song_position_says_where_it_goes_on() -> None:
    master = Master()
    master.say("songpos", pos=16)
    master.say("continue")
    master.tick(1)
    assert master.beat == 4.0
    position = master.clock.position
    assert position is not None
    assert position.bpm == 120.0
    assert position.find_next_beat(4.0, master.now + 0.1) == pytest.approx(master.now + 2.0)


def test_a_clock_that_falls_silent_knows_no_bar_any_more() -> None:
    master = Master()
    master.say("start")
    master.tick(5)
    master.clock.poll(master.now + 10)
    assert master.beat is None
