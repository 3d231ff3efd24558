"""Pads and the engine's lock: no file is read under it, and what changes meanwhile is noticed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import soundfile

from daemon.engine import Refusal
from daemon.jobs import Event, Order
from daemon.pads.bank import PadTake
from daemon.pads.interface import PadState
from tests.support.harness import SteppedModel
from tests.support.stage import Stage, on_stage
from tests.support.waiting import until

READING = ("read_bytes", "read_text", "is_file", "stat", "resolve", "glob", "open")
READERS = ("daemon/pads/", "daemon/paths.py")


class Read(NamedTuple):
    by: str  # file and line
    how: str
    locked: bool  # under the engine's lock


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path, prepare_mb=0.0) as running:
        yield running


@pytest.fixture
def reads(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[Read]:
    """What pads read from the disk from now on."""
    found: list[Read] = []

    def watch(name: str) -> None:
        real = getattr(Path, name)

        def call(path: Path, *values: Any, **named: Any) -> Any:
            frame = sys._getframe(1)
            while "pathlib" in frame.f_code.co_filename and frame.f_back:
                frame = frame.f_back
            by = f"{Path.as_posix(Path(frame.f_code.co_filename))}:{frame.f_lineno}"
            if any(reader in by for reader in READERS):
                found.append(Read(by, name, stage.engine.lock.is_held_here))
            return real(path, *values, **named)

        monkeypatch.setattr(Path, name, call)

    for name in READING:
        watch(name)
    return found


def raise_it(error: Exception) -> None:
    raise error


def test_no_file_is_read_under_the_engines_lock(stage: Stage, reads: list[Read]) -> None:
    source = stage.settings.out / "loop.wav"
    soundfile.write(source, [[0.0, 0.0]] * 4800, 48_000)
    with closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "dusty", 1, 4)
        client.ask("/ace/pad/set", 1, "prompt", "x", "task", "cover", "source", str(source))
        for pad in (1, 2, 1, 2):
            client.send("/ace/pad/hit", pad)
            client.until("/ace/finished")
        client.send("/ace/pad/reroll", 1)
        client.until("/ace/finished")
        client.ask("/ace/pad/favourite", 2)
        client.ask("/ace/bank/reroll")
        client.ask("/ace/bank/save", "verse", 3)
        client.send("/ace/bank/list")
        client.until("/ace/done")
        client.send("/ace/bank/load", 3)
        client.until("/ace/done")
        client.send("/ace/pad/hit", 2)
        client.until("/ace/finished")
    assert [read for read in reads if read.locked] == []
    for module in ("announcer", "bank_store", "banks"):
        assert any(f"/{module}.py" in read.by for read in reads), module
    assert any("daemon/paths.py" in read.by for read in reads)


def test_a_pad_that_changes_while_its_manifest_is_read_plays_what_it_is_then(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = [{"prompt": "other"}]
    landed_takes = stage.pads._manifests
    read_events = landed_takes.read_events

    def read_slowly(folder: Path, take: PadTake, client: str) -> list[Event]:
        if changes:
            stage.pads.set_parameters(0, changes.pop())
        return read_events(folder, take, client)

    with closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "dusty", 1, 1)
        client.send("/ace/pad/hit", 1)
        client.until("/ace/finished")
        monkeypatch.setattr(landed_takes, "read_events", read_slowly)
        client.send("/ace/pad/hit", 1)
        client.until("/ace/finished")
    assert stage.model.played == ["dusty", "other"]


def test_a_reroll_before_the_engine_knows_the_job_cancels_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        on_stage(tmp_path, SteppedModel(running=False), prepare_mb=0.0) as stage,
        closing(stage.client()) as client,
    ):
        client.ask("/ace/bank/fill", "dusty", 1, 1)
        submit = stage.engine.begin_submit
        ids: list[str] = []

        def submit_late(order: Order, on_refused: Refusal) -> None:
            ids.append(order.id)
            if len(ids) == 1:
                stage.pads.reroll(0, raise_it)
            submit(order, on_refused)

        monkeypatch.setattr(stage.engine, "begin_submit", submit_late)
        stage.pads.hit(0, raise_it)
        until(lambda: ids[0] in {job.id for job in stage.engine.journal.search() if job.has_ended})
        stage.model.run()
        until(lambda: stage.pads.list_lights()[0].state is PadState.READY)
        states = {job.id: job.state.value for job in stage.engine.journal.search()}
    assert states == {ids[0]: "cancelled", ids[1]: "finished"}


def test_an_order_that_is_refused_leaves_the_pad_as_it_was(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(order: Order, on_refused: Refusal) -> None:
        on_refused(RuntimeError("a bug"))

    with closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "dusty", 1, 1)
        monkeypatch.setattr(stage.engine, "begin_submit", refuse)
        with pytest.raises(RuntimeError):
            stage.pads.hit(0, raise_it)
        assert stage.pads.list_lights()[0].state is PadState.EMPTY
        monkeypatch.undo()
        client.send("/ace/pad/hit", 1)
        client.until("/ace/finished")
