"""What pads show, and what is sent for it."""

from __future__ import annotations

from dataclasses import replace

from daemon.pads import profiles
from daemon.pads.interface import Light, PadState
from daemon.pads.light_outputs import MAX_MESSAGES, PULSE_SECONDS, LightBuffer
from daemon.pads.mapping import PadMapping
from daemon.settings import Midi

READY = Light(PadState.READY)


def buffer(**settings: object) -> LightBuffer:
    return LightBuffer(PadMapping(Midi(**settings), profiles.load_profile("generic")))  # type: ignore[arg-type]


def settle(lights: LightBuffer) -> int:
    """Frames that it takes until all has been sent, without those that are sent again."""
    frames = 0
    while len(lights.make_frame(0.0)) > 0:
        frames += 1
    return frames


def test_at_first_everything_is_sent_and_then_only_what_changes() -> None:
    lights = buffer()
    assert len(lights.make_frame(0.0)) == 16
    assert lights.make_frame(0.0) == []
    lights.set_light(3, READY)
    lights.set_light(3, READY)
    assert lights.make_frame(0.0) == [bytes([0x90, 39, 100])]
    lights.forget_sent()
    assert len(lights.make_frame(0.0)) == 16


def test_what_changed_and_changed_back_is_not_sent() -> None:
    lights = buffer()
    settle(lights)
    lights.set_light(3, READY)
    lights.set_light(3, Light(PadState.EMPTY))
    assert lights.make_frame(0.0) == []


def test_a_frame_is_short_and_every_pad_has_its_turn() -> None:
    lights = buffer(grid="8x8")
    first = lights.make_frame(0.0)
    second = lights.make_frame(0.0)
    assert len(first) == len(second) == MAX_MESSAGES
    assert len({*first, *second}) == 64
    lights.set_all([READY] * 64)
    first = lights.make_frame(0.0)
    lights.set_all([Light(PadState.QUEUED)] * 64)
    second = lights.make_frame(0.0)
    assert {message[1] for message in [*first, *second]} == set(range(36, 100)), (
        "none waits for one that flickers"
    )


def test_a_bank_may_have_more_or_fewer_pads_than_the_controller() -> None:
    lights = buffer()
    lights.set_all([READY] * 64)
    assert {message[2] for message in lights.make_frame(0.0)} == {100}
    lights.set_all([READY])
    assert len(lights.make_frame(0.0)) == 15
    lights.set_light(16, READY)
    lights.set_light(-2, READY)
    assert lights.make_frame(0.0) == []


def test_a_flash_is_dark_for_a_moment_and_shows_the_same_again() -> None:
    lights = buffer()
    lights.set_light(3, READY)
    settle(lights)
    lights.set_light(3, replace(READY, flashes=True))
    assert lights.make_frame(0.0) == [bytes([0x90, 39, 0])]
    assert lights.make_frame(PULSE_SECONDS / 2) == []
    lit = bytes([0x90, 39, 100])
    assert lit in lights.make_frame(PULSE_SECONDS)
    assert lit not in lights.make_frame(PULSE_SECONDS)


def test_only_what_renders_pulses() -> None:
    lights = buffer()
    lights.set_all([READY, Light(PadState.RENDERING, 0.5)])
    settle(lights)
    beats = [
        [message for message in lights.make_frame(beat * PULSE_SECONDS) if message[1] == 37]
        for beat in range(1, 5)
    ]
    assert [len(beat) for beat in beats] == [1, 1, 1, 1]
    assert beats[0] == beats[2] != beats[1] == beats[3]


def test_a_light_that_got_lost_is_sent_again() -> None:
    lights = buffer()
    settle(lights)
    again = [
        message for beat in range(1, 17) for message in lights.make_frame(beat * PULSE_SECONDS)
    ]
    assert sorted(message[1] for message in again) == list(range(36, 52))


def test_a_pad_without_a_place_is_never_lit() -> None:
    from daemon.settings import PadSettings

    lights = buffer(pad=(PadSettings(slot=1, note=40),))
    assert len(lights.make_frame(0.0)) == 15
    assert len(lights.make_dark()) == 15


def test_a_channel_is_that_of_its_pad() -> None:
    assert {message[0] for message in buffer(channel=10).make_frame(0.0)} == {0x99}
