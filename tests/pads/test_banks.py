"""What a bank is once it was saved, and going back. Bank store, sockets and composer are real."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from daemon.pads.interface import PadState
from pipeline.guide.guide import resolve_guide
from pipeline.request import Request
from tests.support.harness import ComposingModel, SteppedModel
from tests.support.osc_client import OscClient
from tests.support.stage import Stage, on_stage, subscribed
from tests.support.trash import use_trash
from tests.support.waiting import until


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path, ComposingModel(), prepare_mb=0.0) as running:
        yield running


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as connected:
        yield connected


def list_seeds(stage: Stage) -> list[int]:
    with stage.engine.lock:
        return [pad.seed for pad in stage.pads._current.bank.pads]


def hit(client: OscClient, pad: int, address: str = "/ace/pad/hit") -> dict[str, Any]:
    """The request in the manifest of the take."""
    client.send(address, pad)
    manifest = str(client.until("/ace/finished")[-1][1][2])
    request: dict[str, Any] = json.loads(Path(manifest).read_text("utf-8"))["request"]
    return request


# --- one key and tempo ----------------------------------------------------------------------------


def test_a_filled_bank_has_one_key_and_tempo_which_its_first_seed_chooses(
    stage: Stage, client: OscClient
) -> None:
    with subscribed(stage, "note") as listener:
        client.ask("/ace/bank/fill", "techno", 1, 4)
        _, (id, note) = listener.receive()
    takes = [hit(client, pad) for pad in range(1, 5)]
    assert len({take["seed"] for take in takes}) == 4
    assert len({(take["key"], take["bpm"]) for take in takes}) == 1
    key, bpm = takes[0]["key"], takes[0]["bpm"]
    assert (id, note) == (
        "",
        f"4 pads in {key} at {bpm:g} bpm; key any gives each its own key",
    )
    client.send(
        "/ace/generate", "alone", "prompt", "techno", "seconds", 1, "seed", takes[0]["seed"]
    )
    manifest = Path(str(client.until_end("alone")[-1][1][2]))
    alone = json.loads(manifest.read_text("utf-8"))["request"]
    assert (alone["key"], alone["bpm"]) == (key, bpm), "it is what the first one has by itself"


def test_any_key_gives_each_pad_its_own_and_the_panels_key_is_that_of_all(
    stage: Stage, client: OscClient
) -> None:
    with subscribed(stage, "note") as listener:
        client.ask("/ace/bank/fill", "techno", 1, 8, "key", "any")
        assert "each in a key of its own" in str(listener.receive()[1][1])
    takes = [hit(client, pad) for pad in range(1, 9)]
    assert len({take["key"] for take in takes}) > 1
    assert len({take["bpm"] for take in takes}) == 1
    client.ask("/ace/set/key", "Dm")
    client.ask("/ace/bank/fill", "techno", 1, 2)
    assert [hit(client, pad)["key"] for pad in (1, 2)] == ["D minor"] * 2


def test_a_favourites_key_and_tempo_are_those_of_the_pads_that_are_filled_around_it(
    client: OscClient,
) -> None:
    client.ask("/ace/bank/fill", "techno", 1, 3)
    before = hit(client, 2)
    client.send("/ace/pad/favourite", 2, 1)
    client.until("/ace/favourite")
    for _ in range(3):
        client.ask("/ace/bank/fill", "techno", 1, 3)
        after = hit(client, 1)
        assert (after["key"], after["bpm"]) == (before["key"], before["bpm"])


def test_a_reroll_of_a_pad_that_was_never_filled_keeps_what_its_take_was(
    client: OscClient,
) -> None:
    client.ask("/ace/pad/set", 5, "prompt", "techno", "bars", 1)
    first = hit(client, 5)
    rerolls = [hit(client, 5, "/ace/pad/reroll") for _ in range(4)]
    assert {(take["key"], take["bpm"], take["bars"]) for take in rerolls} == {
        (first["key"], first["bpm"], 1)
    }
    client.ask("/ace/pad/set", 5, "key", "any")
    others = [hit(client, 5, "/ace/pad/reroll") for _ in range(8)]
    assert len({take["key"] for take in others}) > 1


def test_a_reroll_of_a_pad_whose_take_is_being_made_keeps_what_that_will_be(
    tmp_path: Path,
) -> None:
    model = ComposingModel(running=False)
    with on_stage(tmp_path, model, prepare_mb=0.0) as stage, closing(stage.client()) as client:
        client.ask("/ace/pad/set", 5, "prompt", "techno", "bars", 1, "seed", 3)
        composed, _ = resolve_guide(Request(prompt="techno", bars=1, seed=3).resolved(), "auto")
        for _ in range(4):
            client.send("/ace/pad/hit", 5)
            client.until("/ace/queued")
            client.send("/ace/pad/reroll", 5)
        client.until("/ace/cancelled")
        until(lambda: not stage.pads.must_foresee(4))
        model.run()
        until(lambda: stage.pads.list_lights()[4].state is PadState.READY)
        last = hit(client, 5)
    assert last["seed"] != 3
    assert (last["key"], last["bpm"]) == (composed.key, composed.bpm)


# --- saved ----------------------------------------------------------------------------------------


def test_a_saved_bank_stays_what_it_was_until_it_is_saved_again(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/bank/fill", "techno", 1, 3)
    client.ask("/ace/bank/save", "verse", 3)
    file = stage.settings.state / "banks" / "verse.json"
    saved, seeds = file.read_bytes(), list_seeds(stage)
    hit(client, 1)
    hit(client, 1, "/ace/pad/reroll")
    client.send("/ace/bank/reroll")
    client.until("/ace/done")
    client.send("/ace/bank/fill", "other", 1, 2)
    client.until("/ace/done")
    stage.pads.banks.save_changes()
    assert file.read_bytes() == saved
    changed = list_seeds(stage)
    client.send("/ace/bank/load", "verse")
    client.until("/ace/done")
    assert list_seeds(stage)[:3] == seeds[:3]
    client.send("/ace/bank/undo")
    client.until("/ace/done")
    assert list_seeds(stage) == changed, "what was not saved is still there"
    client.send("/ace/bank/save")
    client.until("/ace/done")
    assert file.read_bytes() != saved


def test_what_was_not_saved_is_there_after_a_restart_and_the_saved_bank_too(
    tmp_path: Path,
) -> None:
    with on_stage(tmp_path, prepare_mb=0.0) as stage, closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "techno", 1, 3)
        client.ask("/ace/bank/save", "verse", 3)
        seeds = list_seeds(stage)
        client.ask("/ace/bank/reroll")
        work = list_seeds(stage)
    with on_stage(tmp_path, prepare_mb=0.0) as stage, closing(stage.client()) as client:
        assert stage.pads.banks.current[:2] == ("verse", 3)
        assert list_seeds(stage)[:3] == work[:3]
        client.ask("/ace/bank/load", "verse")
        assert list_seeds(stage)[:3] == seeds[:3]


def test_a_bank_that_was_never_saved_is_loaded_as_it_was_left(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/bank/fill", "techno", 1, 2)
    client.ask("/ace/bank/save", "verse", 3)
    (stage.settings.state / "banks" / "verse.json").unlink()
    seeds = list_seeds(stage)
    client.ask("/ace/bank/reroll")
    work = list_seeds(stage)
    assert work != seeds
    stage.pads.banks.save_changes()
    client.ask("/ace/bank/load", "verse")
    assert list_seeds(stage)[:2] == work[:2]


def test_takes_of_a_saved_bank_are_known_when_it_is_loaded_again(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/bank/fill", "techno", 1, 2)
    client.ask("/ace/bank/save", "verse")
    client.ask("/ace/bank/save", "chorus")
    client.ask("/ace/bank/load", "verse")
    hit(client, 2)
    client.send("/ace/bank/load", "chorus")
    client.until("/ace/done")
    client.send("/ace/bank/load", "verse")
    client.until("/ace/done")
    assert stage.pads.list_lights()[1].state is PadState.READY
    assert "take" not in (stage.settings.state / "banks" / "verse.json").read_text()


def test_banks_of_an_older_acestepd_go_on(tmp_path: Path) -> None:
    with on_stage(tmp_path, prepare_mb=0.0) as stage, closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "techno", 1, 2)
        client.ask("/ace/bank/save", "verse", 3)
        seeds = list_seeds(stage)
    banks = tmp_path / "state" / "banks"
    for file in (banks / "playing").iterdir():
        file.unlink()
    (banks / ".current").write_text("verse\n")
    with on_stage(tmp_path, prepare_mb=0.0) as stage:
        assert stage.pads.banks.current[0] == "verse"
        assert list_seeds(stage)[:2] == seeds[:2]


# --- back and forth -------------------------------------------------------------------------------


def test_rerolls_and_fills_are_undone_one_after_the_other_and_done_again(
    stage: Stage, client: OscClient
) -> None:
    steps = []
    for message in (
        ("/ace/bank/fill", "techno", 1, 4),
        ("/ace/bank/fill", "dusty", 1, 2),
        ("/ace/bank/reroll",),
        ("/ace/bank/reroll", "all"),
    ):
        client.ask(*message)
        steps.append(list_seeds(stage)[:4])
    for seeds in steps[-2::-1]:
        client.send("/ace/bank/undo")
        assert client.until("/ace/done")[-1][1] == ["/ace/bank/undo", 16, 0]
        assert list_seeds(stage)[:4] == seeds
    for seeds in steps[1:]:
        client.send("/ace/bank/redo")
        client.until("/ace/done")
        assert list_seeds(stage)[:4] == seeds
    assert client.ask("/ace/bank/redo")[1][2] == 404
    client.send("/ace/bank/undo")
    client.until("/ace/done")
    client.ask("/ace/bank/reroll")
    _, values = client.ask("/ace/bank/redo")
    assert values[1:4] == ["/ace/bank/redo", 404, "there is nothing to redo"]


def test_what_an_undo_takes_back_is_answered_and_in_the_terminal(
    stage: Stage, client: OscClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.ask("/ace/bank/fill", "techno", 1, 4)
    client.ask("/ace/bank/reroll")
    client.ask("/ace/bank/save", "verse")
    client.ask("/ace/bank/save", "chorus")
    client.ask("/ace/bank/load", "verse")
    client.send("/ace/pad/reroll", 3)
    client.until("/ace/finished")
    done = [
        "a reroll of pad 3",
        "a load of bank verse",
        "a reroll of 4 pads",
        "a fill of 4 pads",
    ]
    with caplog.at_level(logging.INFO), subscribed(stage, "note") as listener:
        for word, address, changes in (
            ("undone", "/ace/bank/undo", done),
            ("done again", "/ace/bank/redo", done[::-1]),
        ):
            for change in changes:
                note = ("/ace/note", ["", f"{word}: {change}"])
                assert client.ask(address) == note
                assert client.receive()[1][0] == address
                assert listener.receive() == note
                assert f"{word}: {change}" in caplog.messages


def test_a_reroll_of_no_pads_is_no_step_back(client: OscClient) -> None:
    assert client.ask("/ace/bank/reroll")[1] == ["/ace/bank/reroll", 0, 0]
    assert client.ask("/ace/bank/undo")[1][2] == 404


@pytest.mark.parametrize(
    ("on", "said"), [(1, "pad 2 is a favourite"), (0, "pad 2 is no favourite")]
)
def test_a_pads_mark_is_said_in_the_terminal_also_where_it_has_no_take(
    client: OscClient, caplog: pytest.LogCaptureFixture, on: int, said: str
) -> None:
    with caplog.at_level(logging.INFO):
        client.ask("/ace/pad/favourite", 2, on)
    assert said in caplog.messages


def test_a_pad_that_was_held_by_mistake_has_its_take_again(stage: Stage, client: OscClient) -> None:
    client.ask("/ace/bank/fill", "techno", 1, 2)
    first = hit(client, 1)
    hit(client, 1, "/ace/pad/reroll")
    client.send("/ace/pad/favourite", 2, 1)
    client.send("/ace/bank/undo")
    client.until("/ace/done")
    assert stage.pads.list_lights()[0].state is PadState.READY
    played = len(stage.model.played)
    assert hit(client, 1)["seed"] == first["seed"]
    assert len(stage.model.played) == played, "nothing was made again"
    assert stage.pads._current.bank.pads[1].favourite, "what else was done stays"


def test_what_renders_while_its_bank_is_undone_and_done_again_is_its_pads(tmp_path: Path) -> None:
    model = SteppedModel(running=False)
    with (
        on_stage(tmp_path, model, prepare_mb=0.0) as stage,
        closing(stage.client()) as client,
    ):
        client.ask("/ace/bank/fill", "techno", 1, 2)
        client.send("/ace/pad/hit", 1)
        client.until("/ace/progress")
        client.send("/ace/bank/fill", "other", 1, 2)
        client.until("/ace/done")
        assert stage.pads.list_lights()[0].state is PadState.EMPTY
        model.run()
        client.until("/ace/finished")
        client.send("/ace/bank/undo")
        client.until("/ace/done")
        until(lambda: stage.pads.list_lights()[0].state is PadState.READY)


def test_there_is_nothing_to_undo_at_first(client: OscClient) -> None:
    address, values = client.ask("/ace/bank/undo")
    assert address == "/ace/fail"
    assert values[1:4] == ["/ace/bank/undo", 404, "there is nothing to undo"]


# --- names, and the trash -------------------------------------------------------------------------


def list_files(stage: Stage) -> list[str]:
    folder = stage.settings.state / "banks"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.json"))


def test_a_bank_gets_another_name_and_keeps_its_program_and_pads(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/bank/fill", "techno", 1, 2)
    client.ask("/ace/bank/save", "verse", 3)
    seeds = list_seeds(stage)
    client.ask("/ace/bank/save", "chorus", 4)
    with subscribed(stage, "bank") as listener:
        client.send("/ace/bank/rename", "verse", "quiet verse")
        assert client.until("/ace/done")[-1][1] == ["/ace/bank/rename", 16, 4]
        assert listener.receive()[1] == ["chorus", 4, 16]
        client.send("/ace/bank/rename", "drop")  # the one that is played
        client.until("/ace/done")
        assert listener.receive()[1] == ["drop", 4, 16]
    assert list_files(stage) == ["drop.json", "playing/drop.json", "quiet verse.json"]
    assert stage.pads.banks.list_programs() == {"quiet verse": 3, "drop": 4}
    client.send("/ace/bank/load", "quiet verse")
    assert client.until("/ace/done")[-1][1] == ["/ace/bank/load", 16, 3]
    assert list_seeds(stage)[:2] == seeds[:2]
    client.send("/ace/bank/rename", "drop", "the drop")
    client.until("/ace/done")
    client.send("/ace/bank/undo")  # of the load
    client.until("/ace/done")
    assert stage.pads.banks.current[0] == "the drop"


def test_a_renamed_bank_is_played_again_after_a_restart(tmp_path: Path) -> None:
    with on_stage(tmp_path, prepare_mb=0.0) as stage, closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "techno", 1, 2)
        client.ask("/ace/bank/rename", "verse")
        seeds = list_seeds(stage)
    with on_stage(tmp_path, prepare_mb=0.0) as stage:
        assert stage.pads.banks.current[0] == "verse"
        assert list_seeds(stage)[:2] == seeds[:2]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("verse", "chorus"), 409, "there is a bank 'chorus' already"),
        (("vers", "x"), 404, "no bank is called 'vers'"),
        (("verse", "a/b"), 422, "a bank's name has letters"),
        (("verse", "x", "y"), 400, "got 3 names"),
        ((), 400, "got 0 names"),
    ],
)
def test_a_name_that_is_not_to_be_had_is_refused(
    stage: Stage, client: OscClient, arguments: tuple[str, ...], code: int, told: str
) -> None:
    for name in ("chorus", "verse"):
        client.ask("/ace/bank/save", name)
    files = list_files(stage)
    address, values = client.ask("/ace/bank/rename", *arguments)
    assert address == "/ace/fail"
    assert values[2] == code
    assert told in str(values[3])
    assert list_files(stage) == files


def test_a_deleted_bank_lies_in_the_trash(
    stage: Stage, client: OscClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trash = use_trash(tmp_path, monkeypatch)
    client.ask("/ace/bank/fill", "techno", 1, 2)
    client.ask("/ace/bank/save", "quiet verse", 3)
    content = (stage.settings.state / "banks" / "quiet verse.json").read_bytes()
    assert client.ask("/ace/bank/delete", "quiet verse")[1][2:4] == [
        409,
        "the bank 'quiet verse' is played now",
    ]
    client.ask("/ace/bank/save", "chorus", 4)
    assert client.ask("/ace/bank/delete", "quiet", "verse")[1] == ["/ace/bank/delete", 16, 4]
    assert stage.pads.banks.list_programs() == {"chorus": 4}
    assert (trash / "files" / "quiet verse.json").read_bytes() == content
    assert client.ask("/ace/bank/delete", "quiet verse")[1][2] == 404


def test_a_bank_that_cannot_be_moved_to_the_trash_stays(
    stage: Stage, client: OscClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trash = use_trash(tmp_path, monkeypatch)
    trash.parent.mkdir()
    trash.touch()
    for name in ("verse", "chorus"):
        client.ask("/ace/bank/save", name)
    assert client.ask("/ace/bank/delete", "verse")[1][2] == 507
    assert "verse" in stage.pads.banks.list_programs()
