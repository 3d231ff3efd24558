"""Which control turns which field."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from daemon.pads.bindings import ControlBindings
from daemon.pads.controls import Control
from daemon.settings import Midi
from tests.pads.test_controllers import FakePlayer


def test_what_is_learned_holds_and_is_told_where_it_cannot_be_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").touch()  # no folder
    player = FakePlayer()
    bindings = ControlBindings(Midi(), player, tmp_path / "state" / "learnt.toml")
    bindings.bind("bars", Control.of("rel 16"))
    assert player.bindings == [("bars", "rel 16")]
    assert "what MIDI learn bound cannot be kept" in caplog.text
    bindings.receive("Pad", {"type": "control_change", "channel": 0, "control": 16, "value": 1})
    assert player.fields["bars"] > 0.5


def test_a_fader_that_turns_nothing_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    bindings = ControlBindings(Midi(knobs={"cc 21": "seconds"}), FakePlayer(), None)
    with caplog.at_level(logging.WARNING):
        for value in range(100):
            message = {"type": "control_change", "channel": 0, "control": 21, "value": value}
            bindings.receive("Port of its own", message)
    assert caplog.text.count("cannot turn seconds") == 1
