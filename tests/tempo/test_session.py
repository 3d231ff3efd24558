"""Which tempo counts."""

from __future__ import annotations

import time
from queue import Queue

import pytest

from daemon.tempo import Tempo
from daemon.tempo.session import POLL_SECONDS
from daemon.tempo.source import BeatPosition
from pipeline.request import BadRequest
from tests.support.waiting import PATIENCE


class FakeSource:
    """A source with the tempo that a test sets, or with one after the other."""

    def __init__(self, name: str, bpm: float = 0.0, next: tuple[float, ...] = ()) -> None:
        self.name = name
        self.bpm = bpm
        self._next = iter(next)
        self.position: BeatPosition | None = None
        self.closed = False

    def start(self) -> None: ...

    def poll(self, now: float) -> None:
        self.bpm = next(self._next, self.bpm)

    def close(self) -> None:
        self.closed = True


def test_explicit_goes_before_link_before_midi_before_the_default() -> None:
    link = FakeSource("link", 100)
    midi = FakeSource("midi", 90)
    tempo = Tempo(sources=[link, midi])
    tempo.set(128)
    assert tempo.current == (128, "explicit")
    tempo.set(0)
    assert tempo.current == (100, "link")
    link.bpm = 0
    assert tempo.current == (90, "midi")
    midi.bpm = 0
    assert tempo.current == (120, "default")


def test_only_a_tempo_that_can_be_played_is_set() -> None:
    tempo = Tempo()
    for wrong in (1, 1000, float("nan"), "fast"):
        with pytest.raises(BadRequest, match="bpm"):
            tempo.set(wrong)  # type: ignore[arg-type]
    assert tempo.current == (120, "default")
    tempo.set("127.5")  # type: ignore[arg-type]  # numbers as OSC clients send them
    assert tempo.current == (127.5, "explicit")


def test_listeners_hear_changes_and_no_trembling() -> None:
    def fail(bpm: float, source: str) -> None:
        raise RuntimeError("a bug")

    changes: Queue[tuple[float, str]] = Queue()
    link = FakeSource("link", 120, next=(120, 120.02, 120.04, 120.03, 120.06, 130, 130, 0))
    tempo = Tempo(sources=[link, FakeSource("midi", 90)])
    tempo.listen(fail)  # it does not silence the others
    tempo.listen(lambda *change: changes.put(change))
    tempo.start()
    try:
        announced = [changes.get(timeout=PATIENCE) for _ in range(4)]
    finally:
        tempo.close()
    assert announced == [(120, "link"), (120.06, "link"), (130, "link"), (90, "midi")]
    assert link.closed


def test_a_tempo_that_is_set_is_announced_although_nothing_is_followed() -> None:
    changes: Queue[tuple[float, str]] = Queue()
    tempo = Tempo()
    tempo.listen(lambda *change: changes.put(change))
    tempo.start()
    try:
        tempo.set(99)
        assert changes.get(timeout=PATIENCE) == (99, "explicit")
        tempo.set(0)
        assert changes.get(timeout=PATIENCE) == (120, "default")
    finally:
        tempo.close()


def test_each_look_announces_once_at_most_and_there_are_ten_a_second() -> None:
    assert POLL_SECONDS >= 0.1
    looks = tuple(float(bpm) for bpm in range(60, 70))
    changes: Queue[float] = Queue()
    tempo = Tempo(sources=[FakeSource("link", next=looks)])
    tempo.listen(lambda bpm, source: changes.put(bpm))
    tempo.start()
    try:
        assert [changes.get(timeout=PATIENCE) for _ in looks] == list(looks)
    finally:
        tempo.close()
    assert changes.empty()


def test_it_can_be_closed_without_ever_having_been_started() -> None:
    Tempo(midi_clock="").close()


def test_the_first_source_that_knows_where_the_beat_is_says_when_the_next_bar_begins() -> None:
    link = FakeSource("link", 100)
    midi = FakeSource("midi", 90)
    tempo = Tempo(sources=[link, midi])
    assert tempo.find_next_beat(4.0) == 0.0, "nobody knows: at once"
    now = time.monotonic()
    midi.position = BeatPosition(now, 3.0, 60.0)
    assert tempo.find_next_beat(4.0) == pytest.approx(now + 1.0, abs=0.01)
    tempo.set(200)  # what clips are made in; the session has its own bars
    assert tempo.find_next_beat(4.0, ahead=0.25) == pytest.approx(now + 0.75, abs=0.01)
    link.position = BeatPosition(now, 2.0, 60.0)
    assert tempo.find_next_beat(4.0) == pytest.approx(now + 2.0, abs=0.01)
