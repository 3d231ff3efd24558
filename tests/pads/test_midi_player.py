"""The pads as controllers play them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon.jobs import Priority
from daemon.pads import midi_player
from daemon.pads.midi_player import MidiPlayer
from daemon.runtime.logs import LimitedLog
from tests.support.harness import SteppedModel
from tests.support.stage import Stage, on_stage
from tests.support.waiting import until


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path, prepare_mb=0.0) as running:
        yield running


@pytest.fixture
def player(stage: Stage) -> MidiPlayer:
    return MidiPlayer(stage.pads, stage.panel, stage.engine)


def test_a_knob_turns_the_panel_and_is_where_it_was_turned_to(
    stage: Stage, player: MidiPlayer
) -> None:
    player.turn("bars 1 17", 0.5)
    assert stage.panel.request.bars == 9
    assert player.read_position("bars 1 17") == 0.5
    assert player.read_position("prompt") is None
    stage.panel.set("bpm", 30)
    # 1,024 bars of 30 bpm are too long: nothing happens, nobody is told
    player.turn("bars", 1.0)
    assert stage.panel.request.bars == 9


def test_a_fader_that_is_refused_many_times_a_second_fills_no_log(
    stage: Stage,
    player: MidiPlayer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = LimitedLog(logging.getLogger("acestepd.pads"))
    monkeypatch.setattr(midi_player, "log", log)  # other tests have written lines of that kind
    stage.panel.set("bpm", 30)
    with caplog.at_level(logging.INFO):
        for _ in range(50):
            player.turn("bars 1 1024", 1.0)
    assert len([record for record in caplog.records if record.name == "acestepd.pads"]) == 1


def test_a_controller_that_hits_nonsense_is_told_to_everybody_and_raises_nothing(
    stage: Stage, player: MidiPlayer
) -> None:
    with closing(stage.client()) as client:
        client.ask("/ace/notify", 1, 0, "fail")
        player.hit(0, 100, "Launchpad X")
        assert client.receive()[1][1:3] == ["/ace/pad/hit", 422]
        player.load_program(99, "Launchpad X")
        _, command, code, message, hint = client.receive()[1]
        assert (command, code) == ("/ace/bank/load", 404)
        assert message == "no bank has program 99 (asked for on Launchpad X)"
        assert "/ace/bank/save NAME 99" in hint


def test_a_hit_by_hand_goes_before_one_by_osc(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path, SteppedModel(running=False), prepare_mb=0.0) as stage,
        closing(stage.client()) as client,
    ):
        client.ask("/ace/bank/fill", "long", 100, 1)
        client.send("/ace/pad/hit", 1)
        client.until("/ace/progress")
        client.ask("/ace/bank/fill", "short", 1, 2)
        MidiPlayer(stage.pads, stage.panel, stage.engine).hit(1, 100, "Launchpad X")
        until(lambda: len(stage.engine.active()) == 2 and stage.engine.active()[0].client == "pads")
        assert [job.priority for job in stage.engine.active()] == [Priority.PLAYED, Priority.LIVE]
