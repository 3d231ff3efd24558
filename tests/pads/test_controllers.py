"""Controllers on real ports: JACK's, of a server of the tests' own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
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
from pipeline import untrusted
from tests.support.jack import Jack
from tests.support.waiting import until

SOON = 0.2
IDENTITY_SECONDS = 0.4
IDENTITY_REPLY = bytes.fromhex(
    "F0 7E 00 06 02 00 20 29 03 01 00 00 00 01 05 02 F7"
)  # a Launchpad X's
READY = Light(PadState.READY)
QUEUED = Light(PadState.QUEUED)
EMPTY = Light(PadState.EMPTY)


class FakePlayer:
    """A player that remembers how it was played."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.ports: list[str] = []  # that programs were changed on
        self.fields = {"bars": 0.5, "variation": 0.0}
        self.lights = [EMPTY] * 64
        self.bindings: list[tuple[str, str]] = []
        self._listeners: list[Callable[[int, Light], None]] = []

    def hit(self, index: int, velocity: int, port: str) -> None:
        self.calls.append(("hit", index, velocity))

    def reroll(self, index: int, port: str) -> None:
        self.calls.append(("reroll", index))

    def toggle_favourite(self, index: int, port: str) -> None:
        self.calls.append(("favourite", index))

    def load_program(self, number: int, port: str) -> None:
        self.calls.append(("program", number))
        self.ports.append(port)

    def undo(self, port: str) -> None:
        self.calls.append(("undo", 0))

    def turn(self, field: str, position: float) -> None:
        self.fields[field] = position

    def read_position(self, field: str) -> float | None:
        return self.fields.get(field)

    def list_lights(self) -> Sequence[Light]:
        return list(self.lights)

    def listen(self, listener: Callable[[int, Light], None]) -> None:
        self._listeners.append(listener)

    def announce_learned(self, field: str, control: str) -> None:
        self.bindings.append((field, control))

    def show(self, index: int, light: Light) -> None:
        self.lights[index] = light
        for listener in self._listeners:
            listener(index, light)

    def show_all(self, *lights: Light) -> None:
        self.lights = [*lights, *[EMPTY] * (64 - len(lights))]
        for listener in self._listeners:
            listener(-1, EMPTY)


class Device:
    """A controller that is plugged in: an output that sends and an input that is lit, under one
    name.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._out = midi.load_backend().open_output(name, virtual=True)
        self._in = midi.load_backend().open_input(name, virtual=True)
        # it would be called in the midst of JACK's cycle, and lose what it waits for
        self._received: list[bytes] = []
        self.answers = False  # whether it replies to identity requests

    @property
    def received(self) -> list[bytes]:
        """Every message so far, but identity requests."""
        while event := self._in._rt.get_message():
            if bytes(event[0]) != IDENTITY_REQUEST:
                self._received.append(bytes(event[0]))
            elif self.answers:
                self.send_raw(*IDENTITY_REPLY)
        return self._received

    def send(self, *messages: str) -> None:
        for message in messages:
            self._out.send(mido.Message.from_str(message))

    def send_raw(self, *data: int) -> None:
        """Any bytes, also what mido would never send."""
        self._out._rt.send_message(data)

    def read_lights(self) -> dict[int, bytes]:
        """By note, the last light of each pad; every light of every profile has its note before the
        colour.
        """
        return {
            light[-5 if light[0] == 0xF0 else 1]: light
            for light in self.received
            if len(light) != 9
        }

    def unplug(self) -> None:
        self._out.close()
        self._in.close()


class Rig:
    """`Controllers`, a player, and devices, all of them closed at the end."""

    def __init__(self) -> None:
        self.player = FakePlayer()
        self._open = ExitStack()

    def start(self, learned_file: Path | None = None, **settings: Any) -> Controllers:
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

    def plug_in(self, name: str = "Pad One") -> Device:
        plugged = Device(name)
        self._open.callback(plugged.unplug)
        return plugged

    def connect(self, name: str = "Pad One", **settings: Any) -> tuple[Controllers, Device]:
        """With a device that is connected both ways."""
        device = self.plug_in(name)
        controllers = self.start(**settings)
        until(lambda: has_input(controllers, name) and has_output(controllers, name))
        return controllers, device

    def play(self, device: Device, call: tuple[Any, ...], *messages: str) -> None:
        """A dummy JACK on a busy machine drops a message now and then: play it until it is
        called.
        """

        def played() -> bool:
            if call not in self.player.calls:
                device.send(*messages)
            return self.waited(lambda: call in self.player.calls)

        until(played)

    def waited(self, what: Callable[[], bool]) -> bool:
        for _ in range(10):
            if what():
                return True
            threading.Event().wait(0.05)
        return False

    def close(self) -> None:
        self._open.close()


@pytest.fixture
def rig(jack: Jack) -> Iterator[Rig]:
    opened = Rig()
    yield opened
    opened.close()


def has_input(controllers: Controllers, name: str) -> bool:
    return any(name in port for port in controllers.ports.inputs)


def has_output(controllers: Controllers, name: str) -> bool:
    return any(name in port for port in controllers.ports.outputs)


def note(number: int, velocity: int = 100) -> str:
    return f"note_on note={number} velocity={velocity}"


def off(number: int) -> str:
    return f"note_off note={number}"


def test_hits_holds_and_marks_reach_the_player(rig: Rig) -> None:
    _, pads = rig.connect(hold_ms=150)
    rig.play(pads, ("hit", 2, 77), note(38, 77), off(38))

    def is_held() -> bool:
        """A busy machine may hand on both at once, as if it had not been held."""
        pads.send(note(39))
        threading.Event().wait(0.2)
        pads.send(off(39))
        return rig.waited(lambda: ("reroll", 3) in rig.player.calls)

    until(is_held)
    rig.play(pads, ("favourite", 4), "control_change control=64 value=127", note(40), off(40))
    rig.play(pads, ("program", 9), "program_change program=9")
    assert [pads.name in port for port in rig.player.ports] == [True], "people are told which"
    assert {call[1] for call in rig.player.calls} == {2, 3, 4, 9}


def test_the_lights_are_what_the_player_says(rig: Rig) -> None:
    rig.player.show_all(READY, QUEUED)
    _, pads = rig.connect()
    generic = profiles.load_profile("generic")

    def agree() -> bool:
        expected = {
            36 + index: generic.encode_light(36 + index, 0, light, False)
            for index, light in enumerate(rig.player.lights[:16])
        }
        return pads.read_lights() == expected

    until(agree)
    for state in PadState:
        rig.player.show(5, Light(state))
        rig.player.show(15, Light(state))
        if state is not PadState.RENDERING:
            until(agree)
    rig.player.show_all(*[Light(PadState.FAVOURITE)] * 16)
    until(agree)


def test_a_rendering_pad_pulses_and_grows_brighter(rig: Rig) -> None:
    _, pads = rig.connect()
    looks = [
        profiles.load_profile("generic").encode_light(
            36, 0, Light(PadState.RENDERING, step / 6.9), False
        )
        for step in range(7)
    ]
    pulse = profiles.load_profile("generic").encode_light(36, 0, Light(PadState.RENDERING), True)
    for step, look in enumerate(looks):
        rig.player.show(0, Light(PadState.RENDERING, step / 6.9))
        until(lambda look=look: look in pads.received)  # type: ignore[misc]
    until(lambda: pads.received.count(pulse) > 1)
    rig.player.show(0, READY)
    until(lambda: pads.read_lights()[36] == bytes([0x90, 36, 100]))


def test_a_launchpad_enters_programmer_mode_and_is_lit_in_rgb(rig: Rig) -> None:
    rig.player.show_all(READY)
    controllers, pads = rig.connect("Pad Launchpad X LPX MIDI", grid="8x8")
    until(lambda: len(pads.read_lights()) == 64)
    profile = profiles.load_profile("launchpad-x")
    assert pads.received[0] == profile.enter_message
    assert pads.read_lights()[11] == profile.encode_light(11, 0, READY, False)
    rig.play(pads, ("hit", 63, 100), note(88), off(88))
    controllers.close()
    until(lambda: pads.received[-1] == profile.leave_message)
    assert set(pads.read_lights().values()) == {
        profile.encode_light(pad, 0, EMPTY, False) for pad in pads.read_lights()
    }


@pytest.mark.long
def test_lights_come_back_with_the_controller_and_other_controllers_play_on(rig: Rig) -> None:
    controllers, first = rig.connect("Pad One")
    second = rig.plug_in("Pad Two APC MINI")
    until(lambda: has_input(controllers, "Two") and has_output(controllers, "Two"))
    rig.play(second, ("hit", 0, 100), note(0), off(0))
    for _ in range(2):
        first.unplug()
        until(lambda: not has_input(controllers, "One") and not has_output(controllers, "One"))
        rig.player.show(1, READY)
        first = rig.plug_in("Pad One")
        until(lambda plugged=first: plugged.read_lights().get(37) == bytes([0x90, 37, 100]))  # type: ignore[misc]
        rig.player.calls.clear()
        rig.play(first, ("hit", 9, 100), note(45), off(45))
        rig.play(second, ("hit", 16 - 1, 100), note(27), off(27))
        rig.player.show(1, EMPTY)
    until(lambda: second.read_lights().get(1) == bytes([0x90, 1, 0]))


LAUNCHPAD = "Pad Launchpad X LPX MIDI"


def replug(rig: Rig, pads: Device) -> Device:
    """Away and back under the same names, before anybody has looked."""
    with port_watcher.PORT_WATCHER._lock:
        before = midi.list_ports(midi.load_backend())
        pads.unplug()
        assert midi.list_ports(midi.load_backend()) != before
        back = rig.plug_in(pads.name)
        assert midi.list_ports(midi.load_backend()) == before
    assert not back.received
    return back


def has_mode_and_lights(pads: Device) -> bool:
    enter_message = profiles.load_profile("launchpad-x").enter_message
    return enter_message in pads.received and len(pads.read_lights()) == 64


@pytest.mark.long
def test_a_launchpad_that_is_back_before_anybody_has_looked_is_missed_and_gets_its_mode_and_lights(
    rig: Rig,
) -> None:
    pads = rig.plug_in(LAUNCHPAD)
    pads.answers = True
    controllers = rig.start(grid="8x8")
    until(
        lambda: (
            has_mode_and_lights(pads)
            and controllers._ports
            and controllers._ports._identity._expected
        )
    )
    pads = replug(rig, pads)
    until(lambda: has_mode_and_lights(pads))
    rig.play(pads, ("hit", 63, 100), note(88), off(88))


@pytest.mark.long
def test_one_that_only_lost_its_power_for_a_moment_too(rig: Rig) -> None:
    """Its ports were there all along, as CoreMIDI's may be: but it did not answer."""
    pads = rig.plug_in(LAUNCHPAD)
    pads.answers = True
    controllers = rig.start(grid="8x8")
    until(
        lambda: (
            has_mode_and_lights(pads)
            and controllers._ports
            and controllers._ports._identity._expected
        )
    )
    pads.answers = False
    until(
        lambda: pads.received and controllers._ports and controllers._ports._identity._short_rounds
    )
    pads._received.clear()
    pads.answers = True
    until(lambda: has_mode_and_lights(pads))


def test_one_that_answers_nothing_is_missed_when_linux_has_made_its_node_anew(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_watcher, "SOUND_DEVICES", tmp_path)
    (tmp_path / "midiC1D0").touch()
    controllers, pads = rig.connect(LAUNCHPAD, grid="8x8")
    until(lambda: has_mode_and_lights(pads))
    with port_watcher.PORT_WATCHER._lock:
        pads = replug(rig, pads)
        (tmp_path / "another").touch()
        (tmp_path / "another").replace(tmp_path / "midiC1D0")
    until(lambda: has_mode_and_lights(pads))
    rig.play(pads, ("hit", 63, 100), note(88), off(88))
    assert controllers.ports.inputs


def test_what_is_unplugged_in_the_middle_of_a_hit_does_not_reroll(rig: Rig) -> None:
    controllers, pads = rig.connect(hold_ms=10_000)
    rig.play(pads, ("hit", 0, 100), note(36))
    until(lambda: 0 in controllers._gestures._pressed)
    pads.unplug()
    until(lambda: not controllers._gestures._pressed)
    assert ("reroll", 0) not in rig.player.calls


def test_our_own_port_is_there_for_others_and_lit(rig: Rig) -> None:
    rig.player.show_all(READY)
    controllers = rig.start(ports=("virtual",))
    chosen = midi.load_backend()
    until(lambda: has_input(controllers, "acestepd") and has_output(controllers, "acestepd"))
    present = midi.list_ports(chosen)
    assert present
    lights: list[bytes] = []
    into = chosen.open_output(next(name for name in present.outputs if "acestepd" in name))
    out_of = chosen.open_input(next(name for name in present.inputs if "acestepd" in name))
    try:

        def played() -> bool:
            into.send(mido.Message("note_on", note=36, velocity=9))
            into.send(mido.Message("note_off", note=36))
            return ("hit", 0, 9) in rig.player.calls

        until(played)
        rig.player.show(3, READY)
        until(lambda: bytes([0x90, 39, 100]) in poll_lights(out_of, lights))
    finally:
        into.close()
        out_of.close()


def poll_lights(port: Any, lights: list[bytes]) -> list[bytes]:
    while event := port._rt.get_message():
        lights.append(bytes(event[0]))
    return lights


def test_invalid_bytes_are_logged_and_stop_nothing(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    _, pads = rig.connect()
    with caplog.at_level(logging.WARNING):

        def played() -> bool:
            pads.send_raw(0xF0, 1, 2)  # never ends
            pads.send_raw(0x90, 36, 5)
            pads.send_raw(0x90)  # cut short; JACK has no running status
            pads.send_raw(0x90, 37, 6)
            return {("hit", 0, 5), ("hit", 1, 6)} <= set(rig.player.calls)

        until(played)
        until(lambda: "bytes are no message: 90" in caplog.text)
    rig.play(pads, ("hit", 2, 100), note(38), off(38))


@pytest.mark.soak  # JACK itself loses notes on a busy machine
def test_a_hundred_hits_are_a_hundred(rig: Rig) -> None:
    _, pads = rig.connect()
    for count in range(100):
        pads.send(note(36 + count % 16, 1 + count), off(36 + count % 16))
        threading.Event().wait(0.01)
    until(lambda: len(rig.player.calls) >= 100)
    assert rig.player.calls == [("hit", count % 16, 1 + count) for count in range(100)]


def test_a_fader_turns_its_field_once_it_has_come_by(rig: Rig) -> None:
    _, pads = rig.connect(knobs={"cc 21": "bars", "rel 16": "variation"})
    pads.send("control_change control=21 value=0")
    until(lambda: turned(pads, rig, "control_change control=16 value=1", "variation"))
    assert rig.player.fields["bars"] == 0.5
    until(lambda: turned(pads, rig, "control_change control=21 value=100", "bars", 100 / 127))


def turned(pads: Device, rig: Rig, message: str, field: str, share: float | None = None) -> bool:
    pads.send(message)
    stands = rig.player.fields[field]
    return stands > 0 if share is None else stands == share


def test_what_is_learned_turns_its_field_now_and_after_a_restart(rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "learnt.toml"
    pads = rig.plug_in()
    controllers = rig.start(learned_file=file, knobs={"cc 21": "bars"})
    until(lambda: has_input(controllers, "Pad"))
    controllers.learn("variation")

    def learned() -> bool:
        for value in (60, 61, 62, 63):
            pads.send(f"control_change channel=2 control=21 value={value}")
        return bool(rig.player.bindings)

    until(learned)
    assert rig.player.bindings == [("variation", "cc 21 ch 3")]
    assert '"cc 21 ch 3" = "variation"' in file.read_text()
    controllers.close()
    controllers = rig.start(learned_file=file)
    until(lambda: has_input(controllers, "Pad"))
    rig.player.fields["variation"] = 0.0
    until(
        lambda: turned(
            pads, rig, "control_change channel=2 control=21 value=1", "variation", 1 / 127
        )
    )
    controllers.forget("variation")
    until(lambda: rig.player.bindings[-1] == ("variation", ""))
    assert "variation" not in file.read_text()


def test_other_settings_count_at_once_and_ports_stay_open(rig: Rig) -> None:
    rig.player.show_all(READY)
    controllers, pads = rig.connect()
    until(lambda: pads.read_lights().get(36) == bytes([0x90, 36, 100]))
    before = controllers._ports
    controllers.change_settings(Midi(ports=("Pad",), first_note=60))
    until(
        lambda: (
            pads.read_lights().get(60) == bytes([0x90, 60, 100])
            and pads.read_lights()[36] == bytes([0x90, 36, 0])
        )
    )
    rig.play(pads, ("hit", 0, 100), note(60), off(60))
    assert controllers._ports is before
    other = rig.plug_in("Other")
    controllers.change_settings(Midi(ports=("Other",)))
    until(lambda: has_input(controllers, "Other") and not has_input(controllers, "Pad"))
    rig.play(other, ("hit", 7, 100), note(43), off(43))
    controllers.change_settings(Midi())
    assert controllers.ports == ([], [])


def test_a_player_that_fails_is_played_on(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    def fail(index: int, port: str) -> None:
        rig.player.calls.append(("fell over", index))
        raise RuntimeError("a bug")

    rig.player.toggle_favourite = fail  # type: ignore[method-assign]
    _, pads = rig.connect()
    rig.play(pads, ("fell over", 0), "control_change control=64 value=127", note(36), off(36))
    rig.play(pads, ("hit", 1, 100), "control_change control=64 value=0", note(37), off(37))
    assert "a bug" in caplog.text


def test_a_profile_that_is_a_file_is_read_once_and_not_for_every_hit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes((profiles.FOLDER / "generic.toml").read_bytes())
    profiles.load_shipped()
    reads: list[Path] = []
    read_toml = untrusted.read_toml

    def note(path: Path, most: int) -> dict[str, Any]:
        reads.append(path)
        return read_toml(path, most)

    monkeypatch.setattr(untrusted, "read_toml", note)
    player = FakePlayer()
    with closing(Controllers(Midi(profile=str(file)), player)) as controllers:
        controllers.start()
        reads.clear()  # it was looked at whether the settings are right
        for pad in range(8):
            hit = mido.Message("note_on", note=36 + pad, velocity=64)
            controllers.on_message("Pad", time.monotonic(), hit.dict())
        until(lambda: len(player.calls) == 8)
    assert reads == [file]


def test_without_ports_nothing_is_opened_and_without_the_library_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MIDO_BACKEND", "no_such_library")
    controllers = Controllers(Midi(), FakePlayer())
    controllers.start()
    controllers.close()
    with pytest.raises(SettingsError, match="install what MIDO_BACKEND names, or unset it"):
        Controllers(Midi(ports=("virtual",)), FakePlayer())
