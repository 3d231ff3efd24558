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
from daemon.landing import clips, folders
from daemon.settings import Settings
from pipeline.request import Request
from pipeline.take import TakeInfo
from tests.support.workshop import ME, PATIENCE, Build, Recorder, Tape, stop

HAND = "pads"


class Overheard:
    """What is told of guesses."""

    def __init__(self) -> None:
        self._told: Queue[tuple[str, str]] = Queue()
        self.all: list[tuple[str, str]] = []

    def __call__(self, event: Event) -> None:
        assert event.job
        self.all.append((event.kind, event.job.id))
        self._told.put((event.kind, event.job.id))

    def wait(self, kind: str, id: str) -> None:
        while self._told.get(timeout=PATIENCE) != (kind, id):
            pass


def guess(id: str, prompt: str = "", seconds: float = 0.5, **more: Any) -> Order:
    return Order(HAND, id, Request(prompt=prompt or id, seconds=seconds, seed=7, **more))


def ordered(order: Order, **more: Any) -> Order:
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
    engine = build(Tape())
    overheard = Overheard()
    recorder = started(engine)
    engine.prepare([guess("a"), guess("b")], overheard)
    overheard.wait("prepared", "b")
    assert [entry for entry in overheard.all if entry[0] == "prepared"] == [
        ("prepared", "a"),
        ("prepared", "b"),
    ]
    assert [event.kind for event in recorder.heard if event.job or event.kind == "fail"] == []
    assert engine.state == "warm"
    assert visible(out) == []
    assert len(hidden(out)) == 2
    assert engine.active() == []
    assert engine.journal.search() == []


def test_who_asks_for_it_has_it_at_once_and_the_journal_knew_before(
    build: Build, out: Path
) -> None:
    tape = Tape()
    overheard = Overheard()
    engine = build(tape)
    recorder = started(engine)
    engine.prepare([guess("a", stems="drums")], overheard)
    overheard.wait("prepared", "a")
    written: list[str] = []

    def look(event: Event) -> None:
        if event.kind == "queued" and event.job:
            written.append(engine.journal.read_landing(event.job))
            assert visible(out) == []

    engine.subscribe(look)
    (job,) = engine.submit(ordered(guess("a", stems="drums"), client=ME))
    files, manifest = recorder.wait("finished", "a").values
    assert recorder.story("a") == ["queued", "clip", "clip", "finished"]
    assert json.loads(written[0])["pairs"], (
        "before it was announced, the journal knew its files and names"
    )
    assert tape.played == ["a"], "once, and in advance"
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
    tape = Tape()
    overheard = Overheard()
    tape.filled = {"bpm": 92.0, "key": "A minor"}
    engine = build(tape)
    recorder = started(engine)
    engine.prepare([guess("a")], overheard)
    overheard.wait("prepared", "a")
    assert "planned" not in [event.kind for event in recorder.heard]
    (job,) = engine.submit(ordered(guess("a")))
    recorder.wait("finished", "a")
    assert recorder.story("a") == ["queued", "planned", "planned", "clip", "finished"]
    assert [event.values for event in job.status_events[:2]] == [("bpm", "92"), ("key", "A minor")]


def test_a_name_that_was_taken_meanwhile_is_nobodys_loss(build: Build, out: Path) -> None:
    engine = build(Tape())
    overheard = Overheard()
    recorder = started(engine)
    engine.prepare([guess("a")], overheard)
    overheard.wait("prepared", "a")
    (out / "a_0.5s_s7.wav").write_text("a stranger's")
    engine.submit(ordered(guess("a")))
    recorder.wait("finished", "a")
    assert (out / "a_0.5s_s7.wav").read_text() == "a stranger's"
    assert "a_0.5s_s7_2.wav" in visible(out)
    assert recorder.story("a") == ["queued", "clip", "finished"]


def test_what_was_tidied_away_is_made_again(build: Build, out: Path) -> None:
    tape = Tape()
    overheard = Overheard()
    engine = build(tape)
    recorder = started(engine)
    engine.prepare([guess("a")], overheard)
    overheard.wait("prepared", "a")
    for name in hidden(out):
        shutil.rmtree(out / name)
    engine.submit(ordered(guess("a")))
    recorder.wait("finished", "a")
    assert tape.played == ["a", "a"]
    assert len(visible(out)) == 2


def test_a_full_queue_does_not_keep_a_prepared_take_back(build: Build) -> None:
    tape = Tape(running=False)
    overheard = Overheard()
    engine = build(tape, queue=1)
    recorder = started(engine)
    engine.prepare([guess("a")], overheard)
    tape.step(4)
    overheard.wait("prepared", "a")
    for id in ("runs", "waits"):
        engine.submit(Order(ME, id, Request(prompt=id, seconds=0.5)))
        recorder.wait("queued", id)
    with pytest.raises(Refused, match="queue is full"):
        engine.submit(Order(ME, "too much", Request(prompt="x")))
    engine.submit(ordered(guess("a")))
    recorder.wait("finished", "a")
    tape.run()


# --- it gives way ---------------------------------------------------------------------------------


def test_anything_real_goes_first_within_one_step_and_the_guess_goes_on_afterwards(
    build: Build,
) -> None:
    tape = Tape(running=False)
    overheard = Overheard()
    engine = build(tape)
    recorder = started(engine)
    engine.prepare([guess("guess")], overheard)
    overheard.wait("progress", "guess")
    engine.submit(Order(ME, "batch", Request(prompt="batch", seconds=0.5), priority=Priority.BATCH))
    assert recorder.wait("queued", "batch").values[0] == 0, "nobody is before it"
    recorder.wait("progress", "batch")
    tape.step(4)  # all of them are the batch's
    recorder.wait("finished", "batch")
    assert ("prepared", "guess") not in overheard.all
    tape.step(4)
    overheard.wait("prepared", "guess")
    assert tape.played == ["guess", "batch"], "it was not begun again"


def test_who_asks_for_what_is_just_being_made_has_the_rest_of_it(build: Build, out: Path) -> None:
    tape = Tape(running=False)
    overheard = Overheard()
    engine = build(tape)
    recorder = started(engine)
    engine.prepare([guess("a")], overheard)
    overheard.wait("progress", "a")
    (job,) = engine.submit(ordered(guess("a"), client=ME))
    assert engine.active() == [job]
    assert engine.journal.find(ME, "a")
    recorder.wait("progress", "a")
    tape.run()
    recorder.wait("finished", "a")
    assert recorder.story("a") == ["queued", "progress", "clip", "finished"]
    assert tape.played == ["a"]
    assert hidden(out) == []


def test_who_asks_for_a_guess_that_something_else_lies_on_need_not_wait_for_that(
    build: Build,
) -> None:
    tape = Tape(running=False)
    overheard = Overheard()
    engine = build(tape)
    recorder = started(engine)
    engine.prepare([guess("a")], overheard)
    overheard.wait("progress", "a")
    engine.submit(Order(ME, "long", Request(prompt="long", seconds=0.5)))
    recorder.wait("progress", "long")
    engine.submit(ordered(guess("a")))
    overheard.wait("dropped", "a")
    recorder.wait("progress", "a")
    tape.run()
    recorder.wait("finished", "long")
    assert recorder.order("finished") == ["a", "long"]
    assert tape.played == ["a", "long", "a"]


def test_a_hit_while_its_files_are_written_lands_them(
    build: Build, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = build(Tape())
    overheard = Overheard()
    recorder = started(engine)
    stage = clips.stage
    asked = []

    def slow(*values: Any) -> Any:
        asked.append(engine.submit(ordered(guess("a")))[0])
        return stage(*values)

    monkeypatch.setattr(clips, "stage", slow)
    engine.prepare([guess("a")], overheard)
    recorder.wait("finished", "a")
    assert recorder.story("a") == ["queued", "clip", "finished"]
    assert len(visible(out)) == 2
    assert hidden(out) == []


# --- it is discarded cleanly ----------------------------------------------------------------------


def test_what_is_not_wanted_any_more_leaves_nothing_behind(build: Build, out: Path) -> None:
    tape = Tape()
    overheard = Overheard()
    engine = build(tape)
    started(engine)
    engine.prepare([guess("a"), guess("b")], overheard)
    overheard.wait("prepared", "b")
    engine.prepare([guess("b"), guess("c")], overheard)
    overheard.wait("dropped", "a")
    overheard.wait("prepared", "c")
    until(lambda: len(hidden(out)) == 2)
    assert tape.played == ["a", "b", "c"], "b was kept"


def test_what_is_being_made_and_not_wanted_any_more_stops(build: Build, out: Path) -> None:
    tape = Tape(running=False)
    overheard = Overheard()
    engine = build(tape)
    started(engine)
    engine.prepare([guess("a")], overheard)
    overheard.wait("progress", "a")
    engine.prepare([guess("b")], overheard)
    overheard.wait("dropped", "a")
    tape.run()
    overheard.wait("prepared", "b")
    assert len(hidden(out)) == 1


def test_a_daemon_that_ends_takes_its_guesses_with_it_and_one_that_was_killed_is_tidied_up_after(
    build: Build, out: Path
) -> None:
    first = build(Tape())
    overheard = Overheard()
    started(first)
    first.prepare([guess("a")], overheard)
    overheard.wait("prepared", "a")
    left = out / hidden(out)[0]
    kept = out.parent / "kept"
    shutil.copytree(left, kept)
    stop(first)
    assert hidden(out) == []
    os.rename(kept, left)  # as a kill would have left it
    second = build(Tape())
    started(second)
    assert hidden(out) == []
    assert visible(out) == []


def test_a_hit_that_a_crash_cut_off_lands_with_the_next_daemon(
    build: Build, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = Tape()
    overheard = Overheard()
    first = build(tape)
    started(first)
    first.prepare([guess("a")], overheard)
    overheard.wait("prepared", "a")
    monkeypatch.setattr(clips, "show", lambda staged: False)
    monkeypatch.setattr(Lander, "name_files", lambda *values: None)  # the crash
    first.submit(ordered(guess("a")))
    assert visible(out) == []
    monkeypatch.undo()
    stop(first)
    second = build(tape)
    recorder = started(second)
    assert recorder.story("a") == ["clip", "finished"]
    assert tape.played == ["a"]
    assert len(visible(out)) == 2
    assert hidden(out) == []


def test_another_model_does_not_hand_out_the_old_ones_takes(build: Build, out: Path) -> None:
    tape = Tape()
    overheard = Overheard()
    engine = build(tape)
    recorder = started(engine)
    engine.prepare([guess("a")], overheard)
    overheard.wait("prepared", "a")
    engine.switch_model("other")
    overheard.wait("dropped", "a")
    overheard.wait("prepared", "a")
    engine.submit(ordered(guess("a")))
    manifest = Path(recorder.wait("finished", "a").values[1])
    assert json.loads(manifest.read_text())["model"] == "other"


def test_a_guess_that_cannot_be_made_is_not_tried_again_and_nobody_hears_of_it(
    build: Build,
) -> None:
    tape = Tape()
    overheard = Overheard()
    engine = build(tape)
    recorder = started(engine)
    engine.prepare([guess("a", "bad"), guess("b")], overheard)
    overheard.wait("prepared", "b")
    assert ("dropped", "a") in overheard.all
    assert [event.kind for event in recorder.heard if event.kind == "fail"] == []


def test_a_guess_that_kills_the_worker_is_not_tried_again(build: Build) -> None:
    tape = Tape()
    overheard = Overheard()
    engine = build(tape)
    started(engine)
    engine.prepare([guess("a", "die"), guess("b")], overheard)
    overheard.wait("dropped", "a")
    overheard.wait("prepared", "b")
    assert tape.played.count("die") == 1


def test_after_a_panic_nothing_is_made_for_a_while(build: Build) -> None:
    tape = Tape(running=False)
    overheard = Overheard()
    engine = build(tape)
    started(engine)
    engine.prepare([guess("a")], overheard)
    overheard.wait("progress", "a")
    assert engine.panic(ME) == 0
    overheard.wait("dropped", "a")
    engine.prepare([guess("b")], overheard)
    assert tape.played == ["a"]


# --- budgets --------------------------------------------------------------------------------------


def test_the_disk_budget_is_kept_and_the_likeliest_have_it(build: Build, out: Path) -> None:
    engine = build(Tape(), prepare_mb=0.4)  # one of 0.5 s is 0.14 MB
    overheard = Overheard()
    started(engine)
    engine.prepare([guess(id) for id in "abcd"], overheard)
    overheard.wait("prepared", "b")
    engine.prepare([guess(id) for id in "dcba"], overheard)
    overheard.wait("prepared", "c")
    until(lambda: len(hidden(out)) == 2)
    assert [entry for entry in overheard.all if entry[0] == "prepared"] == [
        ("prepared", id) for id in "abdc"
    ]
    assert sum(path.stat().st_size for path in out.rglob("*.part")) < 0.4 * MB


def test_without_a_budget_nothing_is_made(build: Build) -> None:
    tape = Tape()
    overheard = Overheard()
    engine = build(tape, prepare_mb=0.0)
    recorder = started(engine)
    engine.prepare([guess("a")], overheard)
    engine.submit(Order(ME, "real", Request(prompt="real", seconds=0.5)))
    recorder.wait("finished", "real")
    assert tape.played == ["real"]


def test_what_needs_more_memory_than_the_budget_is_left_out() -> None:
    need = MemoryNeed()
    info = TakeInfo(Request(prompt="x", seconds=1.0), "tape", memory={"decode": GB * 6 // 10})
    need.learn(info, 48_000)
    takes = PreparedTakes(Settings(prepare_memory_gb=1.0), need.estimate_bytes)
    takes.set_orders([guess("long", seconds=2.0), guess("short", seconds=1.0)])
    found = takes.next_order()
    assert found is not None
    assert found.id == "short"


def test_the_size_that_is_reckoned_with_is_that_of_the_files(build: Build, out: Path) -> None:
    engine = build(Tape())
    overheard = Overheard()
    started(engine)
    wishes = [guess("a", stems="drums"), guess("b", format="wav32f", sample_rate=96_000)]
    engine.prepare(wishes, overheard)
    overheard.wait("prepared", "b")
    written = sum(path.stat().st_size for path in out.rglob("*.part"))
    assert written == pytest.approx(sum(estimate_size(order.request) for order in wishes), rel=0.05)


def test_a_full_disk_is_waited_for(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = Tape()
    overheard = Overheard()
    engine = build(tape)
    looks: list[int] = []

    def unready(*_: object) -> OSError | None:
        looks.append(1)
        return OSError(28, "full") if len(looks) < 3 else None

    monkeypatch.setattr(folders, "unready", unready)
    recorder = started(engine)
    engine.prepare([guess("a")], overheard)
    overheard.wait("prepared", "a")
    assert [event.kind for event in recorder.heard if event.kind == "fail"] == []


# --- the next bar ---------------------------------------------------------------------------------


def test_the_news_of_a_prepared_take_waits_for_its_time_and_its_files_do_not(
    build: Build, out: Path
) -> None:
    engine = build(Tape())
    overheard = Overheard()
    recorder = started(engine)
    engine.prepare([guess("a")], overheard)
    overheard.wait("prepared", "a")
    told: list[float] = []
    engine.subscribe(lambda event: told.append(time.monotonic()) if event.kind == "clip" else None)
    due = time.monotonic() + 0.3
    engine.submit(ordered(guess("a"), due=due))
    assert len(visible(out)) == 2
    recorder.wait("finished", "a")
    assert told[0] >= due
    assert recorder.story("a") == ["queued", "clip", "finished"]


def test_a_daemon_that_closes_does_not_wait_for_the_bar(build: Build) -> None:
    engine = build(Tape())
    overheard = Overheard()
    recorder = started(engine)
    engine.prepare([guess("a")], overheard)
    overheard.wait("prepared", "a")
    engine.submit(ordered(guess("a"), due=time.monotonic() + 3600))
    stop(engine)
    assert recorder.story("a") == ["queued", "clip", "finished"]


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
