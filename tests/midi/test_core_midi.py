"""Two controllers of one name, as CoreMIDI has them. No Mac was here: its ports are played."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from daemon.midi import OutputPort, Ports
from tests.support.fake_core_midi import FakeCoreMidi
from tests.support.waiting import until

SOON = 0.02  # seconds between two looks, so that tests need not wait
NAME = "Launchpad X LPX MIDI"
HIT = [0x90, 11, 100]


class Heard:
    """A listener that wants all ports."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, int]] = []

    def wants_port(self, name: str) -> bool:
        return True

    def on_message(self, name: str, at: float, message: dict[str, Any]) -> None:
        if message["type"] == "note_on":
            self.notes.append((name, message["note"]))

    def on_input_closed(self, name: str) -> None: ...

    def on_output_opened(self, port: OutputPort) -> None:
        port.send(bytes(HIT))

    def on_output_closed(self, port: OutputPort) -> None: ...


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> FakeCoreMidi:
    return FakeCoreMidi(monkeypatch)


def test_two_controllers_of_one_name_both_play_and_both_light_up(system: FakeCoreMidi) -> None:
    system.devices = {"left": NAME, "right": NAME}
    heard = Heard()
    with closing(Ports(heard, every=SOON)) as ports:
        ports.start()
        until(lambda: len(ports.names.outputs) == 2)
        system.play("left", HIT)
        system.play("right", HIT)
        assert heard.notes == [(NAME, 11), (f"{NAME} #2", 11)]
        assert bytes(HIT) in system.sent_to("left")
        assert bytes(HIT) in system.sent_to("right")


@pytest.mark.parametrize("unplugged", ["left", "right"])
def test_whichever_of_both_is_unplugged_the_other_plays_on(
    system: FakeCoreMidi, unplugged: str
) -> None:
    left_and_right = {"left": NAME, "right": NAME}
    system.devices = left_and_right
    [stays] = {*left_and_right} - {unplugged}
    heard = Heard()
    with closing(Ports(heard, every=SOON)) as ports:
        ports.start()
        until(lambda: len(ports.names.outputs) == 2)
        system.devices = {stays: NAME}
        until(lambda: len(ports.names.outputs) == 1)
        system.play(stays, HIT)
        assert heard.notes == [(NAME, 11)]
        heard.notes.clear()
        system.devices = left_and_right
        until(lambda: len(ports.names.outputs) == 2)
        system.play("left", HIT)
        system.play("right", HIT)
        assert heard.notes == [(NAME, 11), (f"{NAME} #2", 11)], "each once, whoever came first"
