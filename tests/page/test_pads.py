"""What pads play, as the page is told of it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from tests.page.conftest import Asker
from tests.support.harness import ComposingModel
from tests.support.stage import Stage, on_stage


def read_pads(asker: Asker) -> list[dict[str, Any] | None]:
    pads: list[dict[str, Any] | None] = asker.ask("/pads").json
    return pads


def test_pads_that_nobody_has_given_anything_are_null(stage: Stage, asker: Asker) -> None:
    stage.panel.set("prompt", "what a hit would play")
    assert read_pads(asker) == [None] * stage.settings.midi.pads


def test_a_filled_pad_tells_what_it_will_play(tmp_path: Path) -> None:
    with on_stage(tmp_path, prepare_mb=0.0, page=0) as stage, closing(stage.client()) as client:
        assert stage.page
        client.ask("/ace/bank/fill", "warm keys, 84 bpm, in Eb " + "x" * 200, 1, 2)
        first, second, third, *_ = read_pads(Asker(stage.page.port))
    assert first
    assert second
    assert (first["bpm"], first["key"]) == (84, "Eb major")
    assert first["text"].startswith("warm keys")
    assert len(first["text"]) == 100
    assert first["seed"] != second["seed"]
    assert third is None


def test_what_was_open_is_told_once_its_take_is_there(tmp_path: Path) -> None:
    with on_stage(tmp_path, ComposingModel(), prepare_mb=0.0, page=0) as stage:
        assert stage.page
        with closing(stage.client()) as client:
            client.send("/ace/set/prompt", "techno")
            client.send("/ace/pad/hit", 3)
            client.until("/ace/finished")
        _, _, pad, *_ = read_pads(Asker(stage.page.port))
    assert pad
    assert pad["text"] == "techno"
    assert pad["bpm"]
    assert pad["key"]


def test_a_variation_tells_how_far_it_is(stage: Stage, asker: Asker) -> None:
    with closing(stage.client()) as client:
        client.ask("/ace/pad/set", 2, "lyrics", "la la", "seed", 7, "variation", 0.25)
    assert read_pads(asker)[1] == {
        "text": "la la",
        "bpm": 0.0,
        "key": "",
        "seed": 7,
        "variation": 0.25,
    }
