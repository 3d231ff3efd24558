"""Takes in advance: a whole engine on real files; only its model is a `Tape`."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import soundfile

from daemon.engine import Engine
from daemon.engine.lander import Lander
from daemon.engine.model_state import MemoryNeed
from daemon.engine.prepared_takes import GB, MB, PreparedTakes, estimate_size
from daemon.jobs import Event, Order, Priority, Refused
from daemon.landing import clips, folders, staging
from daemon.settings import Settings
from pipeline.request import Request
from pipeline.take import TakeInfo
from tests.support.harness import ME, PATIENCE, Build, Recorder, SteppedModel, panic, stop
from tests.support.line_times import sung_line

CLIENT = "pads"


class Listener:
    """What is told of speculative jobs."""

    def __init__(self) -> None:
        self._new: Queue[tuple[str, str]] = Queue()
        self.events: list[tuple[str, str]] = []

    def __call__(self, event: Event) -> None:
        assert event.job
        self.events.append((event.kind, event.job.id))
        self._new.put((event.kind, event.job.id))

    def wait(self, kind: str, id: str) -> None:
        while self._new.get(timeout=PATIENCE) != (kind, id):
            pass


def expected_order(id: str, prompt: str = "", seconds: float = 0.5, **more: Any) -> Order:
    return Order(CLIENT, id, Request(prompt=prompt or id, seconds=seconds, seed=7, **more))


def live(order: Order, **more: Any) -> Order:
    return dataclasses.replace(order, priority=Priority.LIVE, **more)


def visible(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir() if not path.name.startswith("."))


def hidden(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir() if path.name.startswith("."))


def started(engine: Engine) -> Recorder:
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="warm")
    return recorder


# --- nobody hears of it ---------------------------------------------------------------------------


def test_while_nothing_is_to_do_takes_are_made_where_nobody_looks_and_nobody_is_told(
    build: Build, out: Path
) -> None:
    engine = build(SteppedModel())
    listener = Listener()
    recorder = started(engine)
    engine.prepare([expected_order("a"), expected_order("b")], listener)
    listener.wait("prepared", "b")
    assert [entry for entry in listener.events if entry[0] == "prepared"] == [
        ("prepared", "a"),
        ("prepared", "b"),
    ]
    assert [event.kind for event in recorder.events if event.job or event.kind == "fail"] == []
    assert engine.state == "warm"
    assert visible(out) == []
    assert len(hidden(out)) == 2
    assert engine.active() == []
    assert engine.journal.search() == []


def test_who_asks_for_it_has_it_at_once_and_the_journal_knew_before(
    build: Build, out: Path
) -> None:
    model = SteppedModel()
    listener = Listener()
    engine = build(model)
    recorder = started(engine)
    engine.prepare([expected_order("a", stems="drums")], listener)
    listener.wait("prepared", "a")
    written: list[str] = []

    def look(event: Event) -> None:
        if event.kind == "queued" and event.job:
            written.append(engine.journal.read_landing(event.job))
            assert visible(out) == []

    engine.subscribe(look)
    (job,) = engine.submit(live(expected_order("a", stems="drums"), client=ME))
    files, manifest = recorder.wait("finished", "a").values
    assert recorder.kinds_of("a") == ["queued", "clip", "clip", "finished"]
    assert json.loads(written[0])["pairs"], (
        "before it was announced, the journal knew its files and names"
    )
    assert model.played == ["a"], "once, and in advance"
    assert files == 2
    assert visible(out) == ["a_0.5s_s7.json", "a_0.5s_s7.wav", "a_0.5s_s7_drums.wav"]
    assert hidden(out) == []
    assert json.loads(Path(manifest).read_text())["id"] == job.id == "a"
    assert soundfile.info(out / "a_0.5s_s7.wav").frames == 24_000
    found = engine.journal.find(ME, "a")
    assert found is not None
    assert found.state == "finished"
    assert len(found.clip_events) == 2


def test_what_was_planned_for_nobody_is_told_to_whom_asks(build: Build) -> None:
    model = SteppedModel()
    listener = Listener()
    model.filled = {"bpm": 92.0, "key": "A minor"}
    model.lines = (sung_line("la la", bar=3, start=4.5),)
    engine = build(model)
    recorder = started(engine)
    engine.prepare([expected_order("a")], listener)
    listener.wait("prepared", "a")
    assert "planned" not in [event.kind for event in recorder.events]
    (job,) = engine.submit(live(expected_order("a")))
    recorder.wait("finished", "a")
    assert recorder.kinds_of("a") == [
        "queued",
        "planned",
        "planned",
        "words",
        "clip",
        "finished",
    ]
    assert [event.values for event in job.status_events[:2]] == [("bpm", "92"), ("key", "A minor")]


def test_a_name_that_was_taken_meanwhile_is_nobodys_loss(build: Build, out: Path) -> None:
    engine = build(SteppedModel())
    listener = Listener()
    recorder = started(engine)
    engine.prepare([expected_order("a")], listener)
    listener.wait("prepared", "a")
    (out / "a_0.5s_s7.wav").write_text("a stranger's")
    engine.submit(live(expected_order("a")))
    recorder.wait("finished", "a")
    assert (out / "a_0.5s_s7.wav").read_text() == "a stranger's"
    assert "a_0.5s_s7_2.wav" in visible(out)
    assert recorder.kinds_of("a") == ["queued", "clip", "finished"]


def test_what_was_tidied_away_is_made_again(build: Build, out: Path) -> None:
    model = SteppedModel()
    listener = Listener()
    engine = build(model)
    recorder = started(engine)
    engine.prepare([expected_order("a")], listener)
    listener.wait("prepared", "a")
    for name in hidden(out):
        shutil.rmtree(out / name)
    engine.submit(live(expected_order("a")))
    recorder.wait("finished", "a")
    assert model.played == ["a", "a"]
    assert len(visible(out)) == 2


def test_a_full_queue_does_not_keep_a_prepared_take_back(build: Build) -> None:
    model = SteppedModel(running=False)
    listener = Listener()
    engine = build(model, queue=1)
    recorder = started(engine)
    engine.prepare([expected_order("a")], listener)
    model.step(4)
    listener.wait("prepared", "a")
    for id in ("runs", "waits"):
        engine.submit(Order(ME, id, Request(prompt=id, seconds=0.5)))
        recorder.wait("queued", id)
    with pytest.raises(Refused, match="queue is full"):
        engine.submit(Order(ME, "too much", Request(prompt="x")))
    engine.submit(live(expected_order("a")))
    recorder.wait("finished", "a")
    model.run()


# --- it gives way ---------------------------------------------------------------------------------


def test_anything_real_goes_first_within_one_step_and_speculation_goes_on_afterwards(
    build: Build,
) -> None:
    model = SteppedModel(running=False)
    listener = Listener()
    engine = build(model)
    recorder = started(engine)
    engine.prepare([expected_order("speculative")], listener)
    listener.wait("progress", "speculative")
    engine.submit(Order(ME, "batch", Request(prompt="batch", seconds=0.5), priority=Priority.BATCH))
    assert recorder.wait("queued", "batch").values[0] == 0, "nobody is before it"
    recorder.wait("progress", "batch")
    model.step(4)  # all of them are the batch's
    recorder.wait("finished", "batch")
    assert ("prepared", "speculative") not in listener.events
    model.step(4)
    listener.wait("prepared", "speculative")
    assert model.played == ["speculative", "batch"], "it was not begun again"


def test_who_asks_for_what_is_just_being_made_has_the_rest_of_it(build: Build, out: Path) -> None:
    model = SteppedModel(running=False)
    listener = Listener()
    engine = build(model)
    recorder = started(engine)
    engine.prepare([expected_order("a")], listener)
    listener.wait("progress", "a")
    (job,) = engine.submit(live(expected_order("a"), client=ME))
    assert engine.active() == [job]
    assert engine.journal.find(ME, "a")
    recorder.wait("progress", "a")
    model.run()
    recorder.wait("finished", "a")
    assert recorder.kinds_of("a") == ["queued", "progress", "clip", "finished"]
    assert model.played == ["a"]
    assert hidden(out) == []


def test_who_asks_for_a_speculative_take_that_was_interrupted_need_not_wait(
    build: Build,
) -> None:
    model = SteppedModel(running=False)
    listener = Listener()
    engine = build(model)
    recorder = started(engine)
    engine.prepare([expected_order("a")], listener)
    listener.wait("progress", "a")
    engine.submit(Order(ME, "long", Request(prompt="long", seconds=0.5)))
    recorder.wait("progress", "long")
    engine.submit(live(expected_order("a")))
    listener.wait("dropped", "a")
    recorder.wait("progress", "a")
    model.run()
    recorder.wait("finished", "long")
    assert recorder.ids_with("finished") == ["a", "long"]
    assert model.played == ["a", "long", "a"]


def test_a_hit_while_its_files_are_written_lands_them(
    build: Build, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = build(SteppedModel())
    listener = Listener()
    recorder = started(engine)
    stage = staging.stage
    jobs = []

    def slow(*values: Any) -> Any:
        jobs.append(engine.submit(live(expected_order("a")))[0])
        return stage(*values)

    monkeypatch.setattr(staging, "stage", slow)
    engine.prepare([expected_order("a")], listener)
    recorder.wait("finished", "a")
    assert recorder.kinds_of("a") == ["queued", "clip", "finished"]
    assert len(visible(out)) == 2
    assert hidden(out) == []


# --- it is discarded cleanly ----------------------------------------------------------------------


def test_what_is_not_wanted_any_more_leaves_nothing_behind(build: Build, out: Path) -> None:
    model = SteppedModel()
    listener = Listener()
    engine = build(model)
    started(engine)
    engine.prepare([expected_order("a"), expected_order("b")], listener)
    listener.wait("prepared", "b")
    engine.prepare([expected_order("b"), expected_order("c")], listener)
    listener.wait("dropped", "a")
    listener.wait("prepared", "c")
    until(lambda: len(hidden(out)) == 2)
    assert model.played == ["a", "b", "c"], "b was kept"


def test_what_is_being_made_and_not_wanted_any_more_stops(build: Build, out: Path) -> None:
    model = SteppedModel(running=False)
    listener = Listener()
    engine = build(model)
    started(engine)
    engine.prepare([expected_order("a")], listener)
    listener.wait("progress", "a")
    engine.prepare([expected_order("b")], listener)
    listener.wait("dropped", "a")
    model.run()
    listener.wait("prepared", "b")
    assert len(hidden(out)) == 1


def test_prepared_takes_end_with_their_daemon_and_those_of_a_killed_one_are_tidied_up(
    build: Build, out: Path
) -> None:
    first = build(SteppedModel())
    listener = Listener()
    started(first)
    first.prepare([expected_order("a")], listener)
    listener.wait("prepared", "a")
    left = out / hidden(out)[0]
    kept = out.parent / "kept"
    shutil.copytree(left, kept)
    stop(first)
    assert hidden(out) == []
    os.rename(kept, left)  # as a kill would have left it
    second = build(SteppedModel())
    started(second)
    assert hidden(out) == []
    assert visible(out) == []


def test_a_hit_that_a_crash_cut_off_lands_with_the_next_daemon(
    build: Build, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SteppedModel()
    listener = Listener()
    first = build(model)
    started(first)
    first.prepare([expected_order("a")], listener)
    listener.wait("prepared", "a")
    monkeypatch.setattr(clips, "reveal", lambda staged: False)
    monkeypatch.setattr(Lander, "name_files", lambda *values: None)  # the crash
    first.submit(live(expected_order("a")))
    assert visible(out) == []
    monkeypatch.undo()
    stop(first)
    second = build(model)
    recorder = started(second)
    second.journal.flush()
    assert recorder.kinds_of("a") == ["clip", "finished"]
    assert model.played == ["a"]
    assert len(visible(out)) == 2
    assert hidden(out) == []


def test_another_model_does_not_hand_out_the_old_ones_takes(build: Build, out: Path) -> None:
    model = SteppedModel()
    listener = Listener()
    engine = build(model)
    recorder = started(engine)
    engine.prepare([expected_order("a")], listener)
    listener.wait("prepared", "a")
    engine.switch_model("other")
    listener.wait("dropped", "a")
    listener.wait("prepared", "a")
    engine.submit(live(expected_order("a")))
    manifest = Path(recorder.wait("finished", "a").values[1])
    assert json.loads(manifest.read_text())["model"] == "other"


def test_a_speculative_job_that_cannot_be_made_is_not_tried_again_and_nobody_hears_of_it(
    build: Build,
) -> None:
    model = SteppedModel()
    listener = Listener()
    engine = build(model)
    recorder = started(engine)
    engine.prepare([expected_order("a", "bad"), expected_order("b")], listener)
    listener.wait("prepared", "b")
    assert ("dropped", "a") in listener.events
    assert [event.kind for event in recorder.events if event.kind == "fail"] == []


def test_a_speculative_job_that_kills_the_worker_is_not_tried_again(build: Build) -> None:
    model = SteppedModel()
    listener = Listener()
    engine = build(model)
    started(engine)
    engine.prepare([expected_order("a", "die"), expected_order("b")], listener)
    listener.wait("dropped", "a")
    listener.wait("prepared", "b")
    assert model.played.count("die") == 1


def test_after_a_panic_nothing_is_made_for_a_while(build: Build) -> None:
    model = SteppedModel(running=False)
    listener = Listener()
    engine = build(model)
    started(engine)
    engine.prepare([expected_order("a")], listener)
    listener.wait("progress", "a")
    assert panic(engine, ME) == 0
    listener.wait("dropped", "a")
    engine.prepare([expected_order("b")], listener)
    assert model.played == ["a"]


# --- budgets --------------------------------------------------------------------------------------


def test_the_disk_budget_is_kept_and_the_likeliest_have_it(build: Build, out: Path) -> None:
    engine = build(SteppedModel(), prepare_mb=0.4)  # one of 0.5 s is 0.14 MB
    listener = Listener()
    started(engine)
    engine.prepare([expected_order(id) for id in "abcd"], listener)
    listener.wait("prepared", "b")
    engine.prepare([expected_order(id) for id in "dcba"], listener)
    listener.wait("prepared", "c")
    until(lambda: len(hidden(out)) == 2)
    assert [entry for entry in listener.events if entry[0] == "prepared"] == [
        ("prepared", id) for id in "abdc"
    ]
    assert sum(path.stat().st_size for path in out.rglob("*.part")) < 0.4 * MB


def test_without_a_budget_nothing_is_made(build: Build) -> None:
    model = SteppedModel()
    listener = Listener()
    engine = build(model, prepare_mb=0.0)
    recorder = started(engine)
    engine.prepare([expected_order("a")], listener)
    engine.submit(Order(ME, "real", Request(prompt="real", seconds=0.5)))
    recorder.wait("finished", "real")
    assert model.played == ["real"]


def test_what_needs_more_memory_than_the_budget_is_left_out() -> None:
    need = MemoryNeed()
    info = TakeInfo(Request(prompt="x", seconds=1.0), "tape", memory={"decode": GB * 6 // 10})
    need.learn(info, 48_000)
    takes = PreparedTakes(Settings(prepare_memory_gb=1.0), need.estimate_bytes)
    takes.set_orders([expected_order("long", seconds=2.0), expected_order("short", seconds=1.0)])
    found = takes.next_order()
    assert found is not None
    assert found.id == "short"


def test_the_size_that_is_reckoned_with_is_that_of_the_files(build: Build, out: Path) -> None:
    engine = build(SteppedModel())
    listener = Listener()
    started(engine)
    orders = [
        expected_order("a", stems="drums"),
        expected_order("b", format="wav32f", sample_rate=96_000),
    ]
    engine.prepare(orders, listener)
    listener.wait("prepared", "b")
    written = sum(path.stat().st_size for path in out.rglob("*.part"))
    assert written == pytest.approx(sum(estimate_size(order.request) for order in orders), rel=0.05)


def test_a_full_disk_is_waited_for(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    model = SteppedModel()
    listener = Listener()
    engine = build(model)
    looks: list[int] = []

    def unready(*_: object) -> OSError | None:
        looks.append(1)
        return OSError(28, "full") if len(looks) < 3 else None

    monkeypatch.setattr(folders, "find_obstacle", unready)
    recorder = started(engine)
    engine.prepare([expected_order("a")], listener)
    listener.wait("prepared", "a")
    assert [event.kind for event in recorder.events if event.kind == "fail"] == []


# --- the next bar ---------------------------------------------------------------------------------


def test_the_events_of_a_prepared_take_wait_for_their_time_and_its_files_do_not(
    build: Build, out: Path
) -> None:
    engine = build(SteppedModel())
    listener = Listener()
    recorder = started(engine)
    engine.prepare([expected_order("a")], listener)
    listener.wait("prepared", "a")
    published: list[float] = []
    engine.subscribe(
        lambda event: published.append(time.monotonic()) if event.kind == "clip" else None
    )
    due = time.monotonic() + 0.3
    engine.submit(live(expected_order("a"), due=due))
    until(lambda: len(visible(out)) == 2)
    recorder.wait("finished", "a")
    assert published[0] >= due
    assert recorder.kinds_of("a") == ["queued", "clip", "finished"]


def test_a_daemon_that_closes_does_not_wait_for_the_bar(build: Build) -> None:
    engine = build(SteppedModel())
    listener = Listener()
    recorder = started(engine)
    engine.prepare([expected_order("a")], listener)
    listener.wait("prepared", "a")
    engine.submit(live(expected_order("a"), due=time.monotonic() + 3600))
    stop(engine)
    assert recorder.kinds_of("a") == ["queued", "clip", "finished"]


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
