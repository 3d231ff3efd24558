"""What pads show, and what is sent for it."""

from __future__ import annotations

from daemon.pads import profiles
from daemon.pads.interface import Light, PadState
from daemon.pads.lights import AT_MOST, BEAT, Board
from daemon.pads.mapping import Mapping
from daemon.settings import Midi

READY = Light(PadState.READY)


def board(**settings: object) -> Board:
    return Board(Mapping(Midi(**settings), profiles.named("generic")))  # type: ignore[arg-type]


def settle(board: Board) -> int:
    """Frames that it takes until all has been sent, without those that are sent again."""
    frames = 0
    while len(board.frame(0.0)) > 0:
        frames += 1
    return frames


def test_at_first_everything_is_sent_and_then_only_what_changes() -> None:
    lights = board()
    assert len(lights.frame(0.0)) == 16
    assert lights.frame(0.0) == []
    lights.want(3, READY)
    lights.want(3, READY)
    assert lights.frame(0.0) == [bytes([0x90, 39, 100])]
    lights.forget()
    assert len(lights.frame(0.0)) == 16


def test_what_changed_and_changed_back_is_not_sent() -> None:
    lights = board()
    settle(lights)
    lights.want(3, READY)
    lights.want(3, Light(PadState.EMPTY))
    assert lights.frame(0.0) == []


def test_a_frame_is_short_and_every_pad_has_its_turn() -> None:
    lights = board(grid="8x8")
    first = lights.frame(0.0)
    second = lights.frame(0.0)
    assert len(first) == len(second) == AT_MOST
    assert len({*first, *second}) == 64
    lights.want_all([READY] * 64)
    first = lights.frame(0.0)
    lights.want_all([Light(PadState.QUEUED)] * 64)
    second = lights.frame(0.0)
    assert {message[1] for message in [*first, *second]} == set(range(36, 100)), (
        "none waits for one that flickers"
    )


def test_a_bank_may_have_more_or_fewer_pads_than_the_controller() -> None:
    lights = board()
    lights.want_all([READY] * 64)
    assert {message[2] for message in lights.frame(0.0)} == {100}
    lights.want_all([READY])
    assert len(lights.frame(0.0)) == 15
    lights.want(16, READY)
    lights.want(-2, READY)
    assert lights.frame(0.0) == []


def test_only_what_renders_pulses() -> None:
    lights = board()
    lights.want_all([READY, Light(PadState.RENDERING, 0.5)])
    settle(lights)
    beats = [
        [message for message in lights.frame(beat * BEAT) if message[1] == 37]
        for beat in range(1, 5)
    ]
    assert [len(beat) for beat in beats] == [1, 1, 1, 1]
    assert beats[0] == beats[2] != beats[1] == beats[3]


def test_a_light_that_got_lost_is_sent_again() -> None:
    lights = board()
    settle(lights)
    again = [message for beat in range(1, 17) for message in lights.frame(beat * BEAT)]
    assert sorted(message[1] for message in again) == list(range(36, 52))


def test_a_pad_without_a_place_is_never_lit() -> None:
    from daemon.settings import Pad

    lights = board(pad=(Pad(slot=1, note=40),))
    assert len(lights.frame(0.0)) == 15
    assert len(lights.dark()) == 15


def test_a_channel_is_that_of_its_pad() -> None:
    assert {message[0] for message in board(channel=10).frame(0.0)} == {0x99}
