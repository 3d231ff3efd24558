from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from queue import Queue
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import tempo
from daemon.settings import SettingsError
from daemon.tempo import (
    ANNOUNCED,
    PER_BEAT,
    TICKS,
    BeatPosition,
    Clock,
    ClockPort,
    Estimate,
    Link,
    Tempo,
    fitted,
    linked,
    settled,
)
from pipeline.request import BadRequest, Request

PATIENCE = 30.0


class Said:
    """A source that says what a test tells it to; a list is said one by one."""

    def __init__(self, name: str, bpm: float = 0.0, next: tuple[float, ...] = ()) -> None:
        self.name = name
        self.bpm = bpm
        self._next = iter(next)
        self.place: BeatPosition | None = None
        self.closed = False

    def start(self) -> None: ...

    def look(self, now: float) -> None:
        self.bpm = next(self._next, self.bpm)

    def close(self) -> None:
        self.closed = True


def until(what: Callable[[], object]) -> None:
    """Wait for something that another thread or program does."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


# --- who counts -----------------------------------------------------------------------------------


def test_explicit_goes_before_link_before_midi_before_the_default() -> None:
    link = Said("link", 100)
    midi = Said("midi", 90)
    counting = Tempo(sources=[link, midi])
    counting.set(128)
    assert counting.bpm() == (128, "explicit")
    counting.set(0)
    assert counting.bpm() == (100, "link")
    link.bpm = 0
    assert counting.bpm() == (90, "midi")
    midi.bpm = 0
    assert counting.bpm() == (120, "default")


def test_only_a_tempo_that_can_be_played_is_set() -> None:
    counting = Tempo()
    for wrong in (1, 1000, float("nan"), "fast"):
        with pytest.raises(BadRequest, match="bpm"):
            counting.set(wrong)  # type: ignore[arg-type]
    assert counting.bpm() == (120, "default")
    counting.set("127.5")  # type: ignore[arg-type]  # numbers as OSC clients send them
    assert counting.bpm() == (127.5, "explicit")


def test_listeners_hear_changes_and_no_trembling() -> None:
    heard: Queue[tuple[float, str]] = Queue()
    link = Said("link", 120, next=(120, 120.02, 120.04, 120.03, 120.06, 130, 130, 0))
    counting = Tempo(sources=[link, Said("midi", 90)])
    counting.listen(lambda bpm, source: heard.put(1 / 0))  # type: ignore[arg-type]  # it does not silence the others
    counting.listen(lambda *said: heard.put(said))
    counting.start()
    try:
        said = [heard.get(timeout=PATIENCE) for _ in range(4)]
    finally:
        counting.close()
    assert said == [(120, "link"), (120.06, "link"), (130, "link"), (90, "midi")]
    assert link.closed


def test_a_tempo_that_is_set_is_announced_although_nothing_is_followed() -> None:
    heard: Queue[tuple[float, str]] = Queue()
    counting = Tempo()
    counting.listen(lambda *said: heard.put(said))
    counting.start()
    try:
        counting.set(99)
        assert heard.get(timeout=PATIENCE) == (99, "explicit")
        counting.set(0)
        assert heard.get(timeout=PATIENCE) == (120, "default")
    finally:
        counting.close()


def test_each_look_announces_once_at_most_and_there_are_ten_a_second() -> None:
    assert tempo.EVERY >= 0.1
    looks = tuple(float(bpm) for bpm in range(60, 70))
    heard: Queue[float] = Queue()
    counting = Tempo(sources=[Said("link", next=looks)])
    counting.listen(lambda bpm, source: heard.put(bpm))
    counting.start()
    try:
        assert [heard.get(timeout=PATIENCE) for _ in looks] == list(looks)
    finally:
        counting.close()
    assert heard.empty()


def test_it_can_be_closed_without_ever_having_been_started() -> None:
    Tempo(midi_clock="").close()


# --- MIDI clock -----------------------------------------------------------------------------------


def ticks(bpm: float, count: int, start: float = 100.0) -> list[float]:
    return [start + n * 60 / PER_BEAT / bpm for n in range(count)]


def late(at: list[float], jitter: float, seed: int = 1) -> list[float]:
    """Every tick up to `jitter` seconds too late, as a busy computer delivers them."""
    dice = random.Random(seed)
    return [tick + dice.uniform(0, jitter) for tick in at]


def in_periods(at: list[float], samples: int) -> list[float]:
    """As JACK delivers them: all that came during one period, at its end."""
    period = samples / 48_000
    return [(tick // period + 1) * period for tick in at]


def play(clock: Clock, at: list[float], every: int = 4) -> list[float]:
    """What the clock shows while it ticks."""
    shown = []
    for n, tick in enumerate(at):
        clock.heard(tick, {"type": "clock"})
        if n % every == 0:
            clock.look(tick)
            shown.append(clock.bpm)
    clock.look(at[-1])
    return [*shown, clock.bpm]


@pytest.mark.parametrize("bpm", [60, 93, 120, 127.5, 128, 174, 300])
@pytest.mark.parametrize(
    "delivered", [lambda at: at, lambda at: late(at, 0.001), lambda at: in_periods(at, 256)]
)
def test_a_daws_clock_shows_the_daws_number_and_never_trembles(
    bpm: float, delivered: Callable[[list[float]], list[float]]
) -> None:
    crystal = 1.00004  # the sound card's second is not quite this computer's
    shown = play(Clock(), delivered(ticks(bpm * crystal, 2000)))
    assert set(shown[TICKS // 4 + 1 :]) == {bpm}


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
    shown = play(Clock(), delivered(ticks(bpm * 1.00003, 40 * TICKS)), every=12)
    assert set(shown[8 * TICKS // 12 :]) == {bpm}, "takes were made for it"


def test_a_tempo_with_two_digits_is_kept_where_the_clock_is_good_enough_to_know_it() -> None:
    assert play(Clock(), ticks(93.33, 200))[-1] == 93.33
    assert play(Clock(), late(ticks(127.9, 400), 0.0005))[-1] == 127.9


@given(bpm=st.floats(30, 300), jitter=st.floats(0, 0.01), seed=st.integers(0, 99))
def test_the_round_number_is_one_that_fits_what_was_heard(
    bpm: float, jitter: float, seed: int
) -> None:
    measured = fitted(late(ticks(bpm, TICKS), jitter, seed))
    shown = settled(Estimate(0, 0), measured).bpm
    assert abs(shown - measured.bpm) <= 3 * measured.error + 0.005


@given(bpm=st.floats(30, 300), seed=st.integers(0, 99))
def test_least_squares_over_a_bar_err_by_little(bpm: float, seed: int) -> None:
    measured = fitted(late(ticks(bpm, TICKS), 0.001, seed))
    assert measured.bpm == pytest.approx(bpm, rel=0.0007)


def test_the_first_number_comes_with_the_first_bar() -> None:
    clock = Clock()
    assert play(clock, ticks(120, TICKS - 1))[-1] == 0
    clock.heard(ticks(120, TICKS)[-1], {"type": "clock"})
    clock.look(ticks(120, TICKS)[-1])
    assert clock.bpm == 120


def test_a_new_tempo_is_there_a_bar_later_and_on_the_way_nothing_is_beyond_it() -> None:
    clock = Clock()
    before = ticks(120, 200)
    after = ticks(140, 2 * TICKS, before[-1] + 60 / PER_BEAT / 140)
    play(clock, before)
    shown = play(clock, after)
    assert shown[-1] == 140
    assert shown[TICKS // 4 + 1] == 140
    assert all(120 <= bpm <= 140 for bpm in shown)
    assert shown == sorted(shown)


def test_a_start_begins_anew_and_keeps_the_number_until_it_knows_better() -> None:
    clock = Clock()
    before = ticks(120, 200)
    play(clock, before)
    clock.heard(before[-1] + 0.01, {"type": "start"})
    after = ticks(90, TICKS, before[-1] + 0.02)
    assert set(play(clock, after[:-1])) == {120}, "nothing of both"
    clock.heard(after[-1], {"type": "clock"})
    clock.look(after[-1])
    assert clock.bpm == 90


def test_a_gap_begins_anew() -> None:
    clock = Clock()
    before = ticks(120, 200)
    play(clock, before)
    shown = play(clock, ticks(90, TICKS, before[-1] + 1.0))
    assert set(shown[:-1]) <= {120.0, 90.0}
    assert shown[-1] == 90


def test_a_clock_that_stops_counts_no_more_after_two_seconds() -> None:
    clock = Clock()
    at = ticks(120, 200)
    play(clock, at)
    clock.look(at[-1] + 1.9)
    assert clock.bpm == 120
    clock.look(at[-1] + 2.1)
    assert clock.bpm == 0
    assert play(clock, ticks(120, TICKS, at[-1] + 60))[-1] == 120


def test_what_is_no_music_is_not_believed() -> None:
    for bpm in (12, 900):
        assert play(Clock(), ticks(bpm, 200))[-1] == 0
    assert play(Clock(), [5.0] * 200)[-1] == 0, "all at once"


def test_notes_and_other_messages_are_no_ticks() -> None:
    clock = Clock()
    for n, at in enumerate(ticks(120, 200)):
        clock.heard(at, {"type": "clock"})
        clock.heard(at + 0.001, {"type": "note_on", "note": n % 128, "velocity": 64, "channel": 0})
        clock.heard(at + 0.002, {"type": "songpos", "pos": n})
    clock.look(at)
    assert clock.bpm == 120


# --- Ableton Link ---------------------------------------------------------------------------------


def test_every_tempo_of_two_digits_survives_links_whole_microseconds() -> None:
    for cents in range(3000, 30_001):
        bpm = cents / 100
        assert linked(60e6 / round(60e6 / bpm)) == bpm


@pytest.mark.parametrize(
    "bpm", [127.9999, 140.00014000014, 93.33001493280238, 61.37002442526972, 119.999760000480]
)
@pytest.mark.parametrize("bars", [1, 7, 64])
def test_bars_at_a_tempo_from_link_are_exact_to_the_sample(bpm: float, bars: int) -> None:
    for said in (bpm, linked(bpm)):
        exact = Fraction(bars * 4 * 60 * 48_000) / Fraction(said)
        assert abs(Request(bars=bars, bpm=said).samples - exact) <= Fraction(1, 2)
    assert Request(bars=8, bpm=linked(140.00014000014)).samples == 658_286, "what 8 bars of 140 are"


def test_without_the_library_link_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aalink", None)
    with pytest.raises(SettingsError, match=r"acestepd\[link\]"):
        Tempo(link=True)


class Session:
    """Link peers of a musician, on this machine."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._aalink = pytest.importorskip("aalink", reason="needs aalink (the extra 'link')")
        self._peers: list[Any] = []

    def peer(self, bpm: float) -> Any:
        async def made() -> Any:
            return self._aalink.Link(bpm)

        self._peers.append(self._loop.run_until_complete(made()))
        return self._peers[-1]

    def close(self) -> None:
        for peer in self._peers:
            peer.enabled = False
        self._peers.clear()
        self._loop.close()


@pytest.fixture
def session() -> Iterator[Session]:
    opened = Session()
    ear = ClockPort()
    try:
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            ear.listen(time.monotonic())
            if ear.heard_for(time.monotonic()) > 0:
                pytest.skip("somebody plays with Ableton Link on this network: not to be disturbed")
            time.sleep(0.05)
        yield opened
    finally:
        ear.close()
        opened.close()


def joined(followed: Tempo) -> Link:
    [source] = followed._sources
    assert isinstance(source, Link)
    return source


def test_a_link_session_is_followed_and_its_tempo_is_nobodys_but_the_musicians(
    session: Session,
) -> None:
    followed = Tempo(link=True)  # it is there before the musician comes, as a daemon is
    followed.start()
    try:
        musician = session.peer(140)
        until(lambda: joined(followed)._peer is not None)
        assert followed.bpm() == (120, "default")
        musician.enabled = True
        until(lambda: followed.bpm() == (140, "link"))
        assert musician.tempo == 140
        musician.tempo = 127.9999
        until(lambda: followed.bpm() == (128, "link"))
        musician.tempo = 93.33
        until(lambda: followed.bpm() == (93.33, "link"))
        followed.set(100)
        assert followed.bpm() == (100, "explicit")
        assert musician.tempo == pytest.approx(93.33)  # not even then
        followed.set(0)
        assert followed.bpm() == (93.33, "link")
        musician.enabled = False
        until(lambda: followed.bpm() == (120, "default"))
        until(lambda: not joined(followed)._joined)
        musician.tempo = 77
        musician.enabled = True
        until(lambda: followed.bpm() == (77, "link"))
        assert musician.tempo == pytest.approx(77, abs=ANNOUNCED)
    finally:
        followed.close()


# --- where the beat is ----------------------------------------------------------------------------


@given(st.floats(0, 1000), st.floats(30, 300), st.sampled_from([1.0, 3.0, 4.0]), st.floats(0, 10))
def test_the_next_bar_is_a_whole_one_and_less_than_a_bar_away(
    beat: float, bpm: float, beats: float, later: float
) -> None:
    place = BeatPosition(100.0, beat, bpm)
    due = place.next(beats, 100.0 + later)
    assert 100.0 + later <= due <= 100.0 + later + beats * 60 / bpm + 1e-6
    count = (beat + (due - 100.0) * bpm / 60) / beats
    assert abs(count - round(count)) < 1e-5


def test_the_first_source_that_knows_where_the_beat_is_says_when_the_next_bar_begins() -> None:
    link = Said("link", 100)
    midi = Said("midi", 90)
    counting = Tempo(sources=[link, midi])
    assert counting.next(4.0) == 0.0, "nobody knows: at once"
    now = time.monotonic()
    midi.place = BeatPosition(now, 3.0, 60.0)
    assert counting.next(4.0) == pytest.approx(now + 1.0, abs=0.01)
    counting.set(200)  # what clips are made in; the session has its own bars
    assert counting.next(4.0, ahead=0.25) == pytest.approx(now + 0.75, abs=0.01)
    link.place = BeatPosition(now, 2.0, 60.0)
    assert counting.next(4.0) == pytest.approx(now + 2.0, abs=0.01)


class Master:
    """A MIDI clock of 120 bpm as messages, without the wait."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.now = 1000.0
        self.tick(TICKS)
        self.clock.look(self.now)

    def tick(self, count: int) -> None:
        for _ in range(count):
            self.now += 60 / 120 / PER_BEAT
            self.clock.heard(self.now, {"type": "clock"})

    def say(self, kind: str, **more: int) -> None:
        self.clock.heard(self.now, {"type": kind, **more})

    @property
    def beat(self) -> float | None:
        place = self.clock.place
        return place and place.beat


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
    assert master.beat == pytest.approx(31 / PER_BEAT), "ticks while it stands do not count"


def test_a_song_position_says_where_it_goes_on() -> None:
    master = Master()
    master.say("songpos", pos=16)
    master.say("continue")
    master.tick(1)
    assert master.beat == 4.0
    place = master.clock.place
    assert place is not None
    assert place.bpm == 120.0
    assert place.next(4.0, master.now + 0.1) == pytest.approx(master.now + 2.0)


def test_a_clock_that_falls_silent_knows_no_bar_any_more() -> None:
    master = Master()
    master.say("start")
    master.tick(5)
    master.clock.look(master.now + 10)
    assert master.beat is None
