"""A reroll keeps what the take was. The takes are composed by the real composer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from daemon.engine.rerolls import list_kept
from pipeline.request import Request
from tests.support.harness import ComposingModel
from tests.support.osc_client import OscClient
from tests.support.stage import Stage, on_stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path, ComposingModel()) as running:
        yield running


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as connected:
        yield connected


def play(client: OscClient, address: str, id: str, *arguments: Any) -> dict[str, Any]:
    """The manifest of the take."""
    client.send(address, id, *arguments)
    ended, values = client.until_end(id)[-1]
    assert ended == "/ace/finished", values
    manifest: dict[str, Any] = json.loads(Path(str(values[2])).read_text("utf-8"))
    return manifest


def pick(manifest: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(manifest["request"][name] for name in ("key", "bpm", "bars"))


def test_four_rerolls_of_a_take_have_its_key_tempo_and_bars(client: OscClient) -> None:
    first = play(client, "/ace/generate", "t0", "prompt", "techno", "bars", 2, "seed", 3)
    alone = {
        play(client, "/ace/generate", f"a{seed}", "prompt", "techno", "bars", 2, "seed", seed)[
            "request"
        ]["key"]
        for seed in range(4, 8)
    }
    assert len(alone) > 1, "seeds choose keys"
    rerolls = [play(client, "/ace/reroll", f"t{n}", f"t{n - 1}") for n in range(1, 5)]
    assert {pick(take) for take in rerolls} == {pick(first)}
    assert len({take["request"]["seed"] for take in [first, *rerolls]}) == 5


def test_what_is_kept_is_said_and_in_the_manifest(client: OscClient) -> None:
    play(client, "/ace/generate", "t0", "prompt", "techno in G major", "bars", 2, "seed", 3)
    client.send("/ace/reroll", "t1", "t0")
    notes = [str(values[1]) for address, values in client.until_end("t1") if address == "/ace/note"]
    assert "as in t0: bpm 120" in notes
    keyed = play(client, "/ace/generate", "u0", "prompt", "techno", "bars", 2, "seed", 3)
    again = play(client, "/ace/reroll", "u1", "u0")
    key = keyed["request"]["key"]
    assert f"as in u0: bpm 120, key {key}; key any asks for others" in again["notes"]


def test_any_key_asks_for_others_and_stays_asked_for(client: OscClient) -> None:
    play(client, "/ace/generate", "t0", "prompt", "techno", "bars", 2, "seed", 3)
    others = [play(client, "/ace/reroll", f"t{n}", "t0", str(n), "key", "any") for n in range(4, 8)]
    assert len({take["request"]["key"] for take in others}) > 1
    assert {take["request"]["bpm"] for take in others} == {120.0}
    further = [play(client, "/ace/reroll", f"u{n}", "t7", str(n)) for n in range(4, 8)]
    assert [pick(take) for take in further] == [pick(take) for take in others]


def test_a_reroll_without_its_parents_files_keeps_what_the_journal_knows(
    stage: Stage, client: OscClient
) -> None:
    first = play(client, "/ace/generate", "t0", "prompt", "techno", "seconds", 2, "seed", 3)
    for path in stage.settings.out.glob("*.json"):
        path.unlink()
    again = play(client, "/ace/reroll", "t1", "t0")
    assert again["request"]["bpm"] == first["request"]["bpm"]


def test_what_a_reroll_is_asked_for_goes_before_what_the_take_was(client: OscClient) -> None:
    play(client, "/ace/generate", "t0", "prompt", "techno", "bars", 2, "seed", 3)
    other = play(client, "/ace/reroll", "t1", "t0", "key", "Dm", "bars", 1)
    assert pick(other) == ("D minor", 120.0, 1)
    client.send("/ace/reroll", "t2", "t0", "7", "wobble", 3)
    assert client.until_end("t2")[-1][1][2] == 404


def test_nothing_is_kept_of_what_is_said_or_a_midi_guide_says() -> None:
    made = Request(key="G major", bpm=90, bars=8, time_signature="3")
    assert list_kept(Request(), made) == {
        "key": "G major",
        "bpm": 90,
        "bars": 8,
        "time_signature": "3",
    }
    assert list_kept(Request(prompt="waltz in Am, 3/4, 100 bpm", bars=2), made) == {}
    assert list_kept(Request(key="any", bpm=80, beats_per_bar=5, seconds=9), made) == {}
    assert list_kept(Request(guide="verse.mid"), made) == {}
    assert list_kept(Request(task="cover", source="a.wav", bpm=90, key="C"), made) == {
        "time_signature": "3"
    }
