"""Notes and controls to gestures."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from daemon.pads import profiles
from daemon.pads.gestures import (
    Gesture,
    GestureReader,
    Hit,
    LoadProgram,
    Reroll,
    ToggleFavourite,
    Undo,
)
from daemon.pads.mapping import PadMapping
from daemon.settings import Midi

HOLD = 0.5
MAPPING = PadMapping(Midi(), profiles.load_profile("generic"))


def on(note: int, velocity: int = 100, channel: int = 0) -> dict[str, Any]:
    return {"type": "note_on", "channel": channel, "note": note, "velocity": velocity}


def off(note: int) -> dict[str, Any]:
    return {"type": "note_off", "channel": 0, "note": note, "velocity": 64}


def cc(number: int, value: int) -> dict[str, Any]:
    return {"type": "control_change", "channel": 0, "control": number, "value": value}


class Played:
    """What is played on a `GestureReader`, and the gestures that it reads."""

    def __init__(self, hold: float = HOLD) -> None:
        self.reader = GestureReader(hold)
        self.gestures = list[Gesture]()

    def play(self, at: float, *messages: dict[str, Any], port: str = "MPD") -> list[Gesture]:
        found = [
            gesture
            for message in messages
            for gesture in self.reader.read(port, MAPPING, at, message)
        ]
        self.gestures += found
        return found


def test_a_hit_acts_at_once() -> None:
    assert Played().play(0.0, on(38, 77)) == [Hit(2, 77)]


def test_a_pad_that_stays_down_rerolls_once_when_it_is_let_go() -> None:
    played = Played()
    played.play(1.0, on(36))
    assert played.play(1.0 + HOLD, off(36)) == [Reroll(0)]
    assert played.play(9.0, off(36)) == []


def test_a_pad_that_is_let_go_at_once_does_not_reroll() -> None:
    played = Played()
    played.play(0.0, on(36))
    assert played.play(0.3, off(36)) == []
    assert Played().play(0.0, on(36), on(36, 0)) == [Hit(0, 100)]


def test_a_note_whose_end_gets_lost_costs_no_seed() -> None:
    played = Played()
    played.play(0.0, on(36))
    assert played.play(60.0, on(36), off(36)) == [Hit(0, 100)]


def test_without_hold_nothing_is_ever_held() -> None:
    played = Played(hold=0)
    played.play(0.0, on(36))
    assert played.play(99.0, off(36)) == []


def test_shift_and_a_pad_marks_it() -> None:
    played = Played()
    assert played.play(0.0, cc(64, 127), on(36), off(36)) == [ToggleFavourite(0)]
    assert played.play(9.0, cc(64, 0), on(36)) == [Hit(0, 100)]


def test_the_shift_of_one_controller_is_that_of_all() -> None:
    played = Played()
    played.play(0.0, cc(64, 127), port="pedal")
    assert played.play(0.1, on(36)) == [ToggleFavourite(0)]
    played.reader.forget_port("pedal")
    assert played.play(0.2, on(36)) == [Hit(0, 100)]


def test_a_doubled_note_is_one_hit_and_a_roll_is_many() -> None:
    played = Played()
    assert played.play(0.0, on(36), on(36)) == [Hit(0, 100)]
    assert played.play(0.001, on(36), port="the same again") == []
    assert played.play(0.01, off(36), on(36), off(36), on(36)) == [Hit(0, 100)] * 2


def test_a_note_that_never_ends_can_be_hit_again() -> None:
    played = Played()
    played.play(0.0, on(36))
    assert played.play(2.0, on(36)) == [Hit(0, 100)]


def test_a_hundred_hits_in_a_second_are_a_hundred() -> None:
    played = Played()
    for step in range(100):
        played.play(step / 100, on(36 + step % 16), off(36 + step % 16))
    assert len(played.gestures) == 100


def test_what_is_unplugged_in_the_middle_of_a_hit_is_not_held() -> None:
    played = Played()
    played.play(0.0, on(36), cc(64, 127))
    played.reader.forget_port("MPD")
    assert played.play(9.0, off(36)) == []
    assert played.play(9.1, on(36)) == [Hit(0, 100)]


def test_notes_outside_and_other_messages_are_nobodys() -> None:
    messages = [
        on(35),
        on(52),
        off(36),
        cc(1, 1),
        {"type": "sysex", "data": (1, 2)},
        {"type": "songpos", "pos": 3},
        {"type": "polytouch", "channel": 0, "note": 36, "value": 9},
    ]
    assert Played().play(0.0, *messages) == []


def test_a_program_change_is_a_bank() -> None:
    assert Played().play(0.0, {"type": "program_change", "channel": 5, "program": 3}) == [
        LoadProgram(3)
    ]


@given(st.lists(st.tuples(st.sampled_from(["on", "off"]), st.integers(34, 54), st.floats(0, 2))))
def test_whatever_is_played_nothing_stays_down_for_ever(
    played: list[tuple[str, int, float]],
) -> None:
    reader = GestureReader(HOLD)
    now = 0.0
    for kind, note, pause in played:
        now += pause
        reader.read("MPD", MAPPING, now, on(note) if kind == "on" else off(note))
    for note in range(34, 55):
        reader.read("MPD", MAPPING, now, off(note))
    assert not reader._pressed


def test_a_button_of_the_settings_undoes_when_it_is_pressed() -> None:
    for undo, press, release in (
        ("cc 65", cc(65, 127), cc(65, 0)),
        ("note 99", on(99), off(99)),
    ):
        mapping = PadMapping(Midi(undo=undo), profiles.load_profile("generic"))
        reader = GestureReader(HOLD)
        assert reader.read("MPD", mapping, 0.0, press) == [Undo()]
        assert reader.read("MPD", mapping, 0.1, release) == []
        assert reader.read("MPD", MAPPING, 0.2, press) == []
