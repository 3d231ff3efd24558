"""Controllers on real ports: JACK's, of a server of the tests' own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import mido
import pytest

from daemon import midi
from daemon.midi import port_watcher
from daemon.midi.identity import IDENTITY_REQUEST
from daemon.pads import profiles
from daemon.pads.controllers import Controllers
from daemon.pads.interface import Light, PadState
from daemon.settings import Midi, SettingsError
from tests.support.jack import Jack
from tests.support.waiting import until

SOON = 0.05
IDENTITY_SECONDS = 0.4
ANSWER = bytes.fromhex("F0 7E 00 06 02 00 20 29 03 01 00 00 00 01 05 02 F7")  # a Launchpad X's
READY = Light(PadState.READY)
QUEUED = Light(PadState.QUEUED)
EMPTY = Light(PadState.EMPTY)


class FakePlayer:
    """A player that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.fields = {"bars": 0.5, "variation": 0.0}
        self.shown = [EMPTY] * 64
        self.bound: list[tuple[str, str]] = []
        self._listeners: list[Callable[[int, Light], None]] = []

    def hit(self, index: int, velocity: int) -> None:
        self.told.append(("hit", index, velocity))

    def reroll(self, index: int) -> None:
        self.told.append(("reroll", index))

    def toggle_favourite(self, index: int) -> None:
        self.told.append(("favourite", index))

    def load_program(self, number: int) -> None:
        self.told.append(("program", number))

    def turn(self, field: str, position: float) -> None:
        self.fields[field] = position

    def read_position(self, field: str) -> float | None:
        return self.fields.get(field)

    def list_lights(self) -> Sequence[Light]:
        return list(self.shown)

    def listen(self, listener: Callable[[int, Light], None]) -> None:
        self._listeners.append(listener)

    def announce_learned(self, field: str, control: str) -> None:
        self.bound.append((field, control))

    def show(self, index: int, light: Light) -> None:
        self.shown[index] = light
        for listener in self._listeners:
            listener(index, light)

    def show_all(self, *lights: Light) -> None:
        self.shown = [*lights, *[EMPTY] * (64 - len(lights))]
        for listener in self._listeners:
            listener(-1, EMPTY)


class Controller:
    """One that is plugged in: an output that is heard and an input that is lit, under one name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._out = midi.load_backend().open_output(name, virtual=True)
        self._in = midi.load_backend().open_input(name, virtual=True)
        # it would be called in the midst of JACK's cycle, and lose what it waits for
        self._in._rt.cancel_callback()
        self._lit: list[bytes] = []
        self.answers = False  # who it is, whenever it is asked

    @property
    def lit(self) -> list[bytes]:
        """Everything that came so far, but questions."""
        while event := self._in._rt.get_message():
            if bytes(event[0]) != IDENTITY_REQUEST:
                self._lit.append(bytes(event[0]))
            elif self.answers:
                self.raw(*ANSWER)
        return self._lit

    def send(self, *messages: str) -> None:
        for message in messages:
            self._out.send(mido.Message.from_str(message))

    def raw(self, *data: int) -> None:
        """Whatever: mido would never send it."""
        self._out._rt.send_message(data)

    def shows(self) -> dict[int, bytes]:
        """By note, what each pad was told last; every light of every profile has its note before
        the colour.
        """
        return {
            light[-5 if light[0] == 0xF0 else 1]: light for light in self.lit if len(light) != 9
        }

    def unplug(self) -> None:
        self._out.close()
        self._in.close()


class Stage:
    """Controllers, a band, and controllers, all of them put away at the end."""

    def __init__(self) -> None:
        self.player = FakePlayer()
        self._open = ExitStack()

    def controllers(self, learned_file: Path | None = None, **settings: Any) -> Controllers:
        controllers = Controllers(
            Midi(**({"ports": ("Pad",)} | settings)),
            self.player,
            learned_file,
            every=SOON,
            identity_seconds=IDENTITY_SECONDS,
        )
        controllers.start()
        self._open.callback(controllers.close)
        return controllers

    def controller(self, name: str = "Pad One") -> Controller:
        plugged = Controller(name)
        self._open.callback(plugged.unplug)
        return plugged

    def playing(self, name: str = "Pad One", **settings: Any) -> tuple[Controllers, Controller]:
        """With a controller that is heard and lit."""
        controller = self.controller(name)
        controllers = self.controllers(**settings)
        until(lambda: heard(controllers, name) and lit(controllers, name))
        return controllers, controller

    def hears(self, controller: Controller, told: tuple[Any, ...], *messages: str) -> None:
        """A dummy JACK on a busy machine drops a message now and then: play it until it is
        heard.
        """

        def played() -> bool:
            if told not in self.player.told:
                controller.send(*messages)
            return self._waited(lambda: told in self.player.told)

        until(played)

    def _waited(self, what: Callable[[], bool]) -> bool:
        for _ in range(10):
            if what():
                return True
            threading.Event().wait(0.05)
        return False

    def close(self) -> None:
        self._open.close()


@pytest.fixture
def stage(jack: Jack) -> Iterator[Stage]:
    opened = Stage()
    yield opened
    opened.close()


def heard(controllers: Controllers, name: str) -> bool:
    return any(name in port for port in controllers.ports.inputs)


def lit(controllers: Controllers, name: str) -> bool:
    return any(name in port for port in controllers.ports.outputs)


def note(number: int, velocity: int = 100) -> str:
    return f"note_on note={number} velocity={velocity}"


def off(number: int) -> str:
    return f"note_off note={number}"


def test_hits_holds_and_marks_reach_the_player(stage: Stage) -> None:
    _, pads = stage.playing(hold_ms=150)
    stage.hears(pads, ("hit", 2, 77), note(38, 77), off(38))
    pads.send(note(39))
    threading.Event().wait(0.2)
    stage.hears(pads, ("reroll", 3), off(39))
    stage.hears(pads, ("favourite", 4), "control_change control=64 value=127", note(40), off(40))
    stage.hears(pads, ("program", 9), "program_change program=9")
    assert {told[1] for told in stage.player.told} == {2, 3, 4, 9}


def test_the_lights_are_what_the_player_says(stage: Stage) -> None:
    stage.player.show_all(READY, QUEUED)
    _, pads = stage.playing()
    generic = profiles.load_profile("generic")

    def agree() -> bool:
        expected = {
            36 + index: generic.encode_light(36 + index, 0, light, False)
            for index, light in enumerate(stage.player.shown[:16])
        }
        return pads.shows() == expected

    until(agree)
    for state in PadState:
        stage.player.show(5, Light(state))
        stage.player.show(15, Light(state))
        if state is not PadState.RENDERING:
            until(agree)
    stage.player.show_all(*[Light(PadState.FAVOURITE)] * 16)
    until(agree)


def test_a_rendering_pad_pulses_and_grows_brighter(stage: Stage) -> None:
    _, pads = stage.playing()
    looks = [
        profiles.load_profile("generic").encode_light(
            36, 0, Light(PadState.RENDERING, step / 6.9), False
        )
        for step in range(7)
    ]
    pulse = profiles.load_profile("generic").encode_light(36, 0, Light(PadState.RENDERING), True)
    for step, look in enumerate(looks):
        stage.player.show(0, Light(PadState.RENDERING, step / 6.9))
        until(lambda look=look: look in pads.lit)  # type: ignore[misc]
    until(lambda: pads.lit.count(pulse) > 1)
    stage.player.show(0, READY)
    until(lambda: pads.shows()[36] == bytes([0x90, 36, 100]))


def test_a_launchpad_enters_programmer_mode_and_is_lit_in_rgb(stage: Stage) -> None:
    stage.player.show_all(READY)
    controllers, pads = stage.playing("Pad Launchpad X LPX MIDI", grid="8x8")
    until(lambda: len(pads.shows()) == 64)
    profile = profiles.load_profile("launchpad-x")
    assert pads.lit[0] == profile.enter_message
    assert pads.shows()[11] == profile.encode_light(11, 0, READY, False)
    stage.hears(pads, ("hit", 63, 100), note(88), off(88))
    controllers.close()
    until(lambda: pads.lit[-1] == profile.leave_message)
    assert set(pads.shows().values()) == {
        profile.encode_light(pad, 0, EMPTY, False) for pad in pads.shows()
    }


def test_lights_come_back_with_the_controller_and_other_controllers_play_on(stage: Stage) -> None:
    controllers, first = stage.playing("Pad One")
    second = stage.controller("Pad Two APC MINI")
    until(lambda: heard(controllers, "Two") and lit(controllers, "Two"))
    stage.hears(second, ("hit", 0, 100), note(0), off(0))
    for _ in range(2):
        first.unplug()
        until(lambda: not heard(controllers, "One") and not lit(controllers, "One"))
        stage.player.show(1, READY)
        first = stage.controller("Pad One")
        until(lambda plugged=first: plugged.shows().get(37) == bytes([0x90, 37, 100]))  # type: ignore[misc]
        stage.player.told.clear()
        stage.hears(first, ("hit", 9, 100), note(45), off(45))
        stage.hears(second, ("hit", 16 - 1, 100), note(27), off(27))
        stage.player.show(1, EMPTY)
    until(lambda: second.shows().get(1) == bytes([0x90, 1, 0]))


LAUNCHPAD = "Pad Launchpad X LPX MIDI"


def replugged(stage: Stage, pads: Controller) -> Controller:
    """Away and back under the same names, before anybody has looked."""
    with port_watcher.PORT_WATCHER._lock:
        before = midi.list_ports(midi.load_backend())
        pads.unplug()
        assert midi.list_ports(midi.load_backend()) != before
        back = stage.controller(pads.name)
        assert midi.list_ports(midi.load_backend()) == before
    assert not back.lit
    return back


def mode_and_lights(pads: Controller) -> bool:
    enter_message = profiles.load_profile("launchpad-x").enter_message
    return enter_message in pads.lit and len(pads.shows()) == 64


def test_a_launchpad_that_is_back_before_anybody_has_looked_is_missed_and_gets_its_mode_and_lights(
    stage: Stage,
) -> None:
    pads = stage.controller(LAUNCHPAD)
    pads.answers = True
    controllers = stage.controllers(grid="8x8")
    until(
        lambda: (
            mode_and_lights(pads) and controllers._ports and controllers._ports._identity._expected
        )
    )
    pads = replugged(stage, pads)
    until(lambda: mode_and_lights(pads))
    stage.hears(pads, ("hit", 63, 100), note(88), off(88))


def test_one_that_only_lost_its_power_for_a_moment_too(stage: Stage) -> None:
    """Its ports were there all along, as CoreMIDI's may be: but it did not answer."""
    pads = stage.controller(LAUNCHPAD)
    pads.answers = True
    controllers = stage.controllers(grid="8x8")
    until(
        lambda: (
            mode_and_lights(pads) and controllers._ports and controllers._ports._identity._expected
        )
    )
    pads.answers = False
    until(lambda: pads.lit and controllers._ports and controllers._ports._identity._short_rounds)
    pads._lit.clear()
    pads.answers = True
    until(lambda: mode_and_lights(pads))


def test_one_that_answers_nothing_is_missed_when_linux_has_made_its_node_anew(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_watcher, "SOUND_DEVICES", tmp_path)
    (tmp_path / "midiC1D0").touch()
    controllers, pads = stage.playing(LAUNCHPAD, grid="8x8")
    until(lambda: mode_and_lights(pads))
    with port_watcher.PORT_WATCHER._lock:
        pads = replugged(stage, pads)
        (tmp_path / "another").touch()
        (tmp_path / "another").replace(tmp_path / "midiC1D0")
    until(lambda: mode_and_lights(pads))
    stage.hears(pads, ("hit", 63, 100), note(88), off(88))
    assert controllers.ports.inputs


def test_what_is_unplugged_in_the_middle_of_a_hit_does_not_reroll(stage: Stage) -> None:
    controllers, pads = stage.playing(hold_ms=10_000)
    stage.hears(pads, ("hit", 0, 100), note(36))
    until(lambda: 0 in controllers._gestures._pressed)
    pads.unplug()
    until(lambda: not controllers._gestures._pressed)
    assert ("reroll", 0) not in stage.player.told


def test_our_own_port_is_there_for_others_and_lit(stage: Stage) -> None:
    stage.player.show_all(READY)
    controllers = stage.controllers(ports=("virtual",))
    chosen = midi.load_backend()
    until(lambda: heard(controllers, "acestepd") and lit(controllers, "acestepd"))
    present = midi.list_ports(chosen)
    assert present
    lights: list[bytes] = []
    into = chosen.open_output(next(name for name in present.outputs if "acestepd" in name))
    out_of = chosen.open_input(next(name for name in present.inputs if "acestepd" in name))
    out_of._rt.cancel_callback()
    try:

        def played() -> bool:
            into.send(mido.Message("note_on", note=36, velocity=9))
            into.send(mido.Message("note_off", note=36))
            return ("hit", 0, 9) in stage.player.told

        until(played)
        stage.player.show(3, READY)
        until(lambda: bytes([0x90, 39, 100]) in polled(out_of, lights))
    finally:
        into.close()
        out_of.close()


def polled(port: Any, lights: list[bytes]) -> list[bytes]:
    while event := port._rt.get_message():
        lights.append(bytes(event[0]))
    return lights


def test_invalid_bytes_are_logged_and_stop_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    _, pads = stage.playing()
    with caplog.at_level(logging.WARNING):

        def played() -> bool:
            pads.raw(0xF0, 1, 2)  # never ends
            pads.raw(0x90, 36, 5)
            pads.raw(37, 6)  # running status
            return {("hit", 0, 5), ("hit", 1, 6)} <= set(stage.player.told)

        until(played)
        until(lambda: "bytes are no message: f0 01 02" in caplog.text)
    stage.hears(pads, ("hit", 2, 100), note(38), off(38))


@pytest.mark.long  # JACK itself loses notes on a busy machine
def test_a_hundred_hits_are_a_hundred(stage: Stage) -> None:
    _, pads = stage.playing()
    for count in range(100):
        pads.send(note(36 + count % 16, 1 + count), off(36 + count % 16))
        threading.Event().wait(0.01)
    until(lambda: len(stage.player.told) >= 100)
    assert stage.player.told == [("hit", count % 16, 1 + count) for count in range(100)]


def test_a_fader_turns_its_field_once_it_has_come_by(stage: Stage) -> None:
    _, pads = stage.playing(knobs={"cc 21": "bars", "rel 16": "variation"})
    pads.send("control_change control=21 value=0")
    until(lambda: turned(pads, stage, "control_change control=16 value=1", "variation"))
    assert stage.player.fields["bars"] == 0.5
    until(lambda: turned(pads, stage, "control_change control=21 value=100", "bars", 100 / 127))


def turned(
    pads: Controller, stage: Stage, message: str, field: str, share: float | None = None
) -> bool:
    pads.send(message)
    stands = stage.player.fields[field]
    return stands > 0 if share is None else stands == share


def test_what_is_learnt_turns_its_field_now_and_after_a_restart(
    stage: Stage, tmp_path: Path
) -> None:
    file = tmp_path / "learnt.toml"
    pads = stage.controller()
    controllers = stage.controllers(learned_file=file, knobs={"cc 21": "bars"})
    until(lambda: heard(controllers, "Pad"))
    controllers.learn("variation")

    def learnt() -> bool:
        for value in (60, 61, 62, 63):
            pads.send(f"control_change channel=2 control=21 value={value}")
        return bool(stage.player.bound)

    until(learnt)
    assert stage.player.bound == [("variation", "cc 21 ch 3")]
    assert '"cc 21 ch 3" = "variation"' in file.read_text()
    controllers.close()
    controllers = stage.controllers(learned_file=file)
    until(lambda: heard(controllers, "Pad"))
    stage.player.fields["variation"] = 0.0
    until(
        lambda: turned(
            pads, stage, "control_change channel=2 control=21 value=1", "variation", 1 / 127
        )
    )
    controllers.forget("variation")
    until(lambda: stage.player.bound[-1] == ("variation", ""))
    assert "variation" not in file.read_text()


def test_other_settings_count_at_once_and_ports_stay_open(stage: Stage) -> None:
    stage.player.show_all(READY)
    controllers, pads = stage.playing()
    until(lambda: pads.shows().get(36) == bytes([0x90, 36, 100]))
    before = controllers._ports
    controllers.change(Midi(ports=("Pad",), first_note=60))
    until(
        lambda: (
            pads.shows().get(60) == bytes([0x90, 60, 100])
            and pads.shows()[36] == bytes([0x90, 36, 0])
        )
    )
    stage.hears(pads, ("hit", 0, 100), note(60), off(60))
    assert controllers._ports is before
    other = stage.controller("Other")
    controllers.change(Midi(ports=("Other",)))
    until(lambda: heard(controllers, "Other") and not heard(controllers, "Pad"))
    stage.hears(other, ("hit", 7, 100), note(43), off(43))
    controllers.change(Midi())
    assert controllers.ports == ([], [])


def test_a_player_that_fails_is_played_on(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    def fail(index: int) -> None:
        stage.player.told.append(("fell over", index))
        raise RuntimeError("a bug")

    stage.player.toggle_favourite = fail  # type: ignore[method-assign]
    _, pads = stage.playing()
    stage.hears(pads, ("fell over", 0), "control_change control=64 value=127", note(36), off(36))
    stage.hears(pads, ("hit", 1, 100), "control_change control=64 value=0", note(37), off(37))
    assert "a bug" in caplog.text


def test_without_ports_nothing_is_opened_and_without_the_library_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MIDO_BACKEND", "no_such_library")
    controllers = Controllers(Midi(), FakePlayer())
    controllers.start()
    controllers.close()
    with pytest.raises(SettingsError, match=r"acestepd\[midi\]"):
        Controllers(Midi(ports=("virtual",)), FakePlayer())
