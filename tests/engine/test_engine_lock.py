"""The engine's lock: no file is touched under it when an order comes, is given to the worker or is
made in advance, and what changes meanwhile is noticed. The journal (SQLite) is written under it on
purpose.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

import mido
import pytest
import soundfile

from daemon.engine import Engine, intake, orders
from daemon.engine.lookup import JobLookup
from daemon.jobs import Event, Job, Order, Priority, Refused
from daemon.landing import clips, folders, staging
from pipeline.request import BadRequest, Request
from pipeline.request_files import resolve_request
from tests.support.harness import (
    ME,
    PATIENCE,
    Build,
    Recorder,
    SteppedModel,
    make_request,
    reroll,
    stop,
    submit,
)
from tests.support.waiting import until

ROOT = Path(intake.__file__).parents[2].as_posix()
TOUCHING = (
    "stat lstat access open scandir listdir mkdir rmdir rename replace link unlink remove statvfs"
).split()


class Touch(NamedTuple):
    by: str  # file, line and function of the innermost code of this project
    how: str
    locked: bool  # under the engine's lock


class Touches:
    """What is done with the disk from `watch` on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.all: list[Touch] = []
        self._monkeypatch = monkeypatch

    def watch(self, engine: Engine) -> None:
        def watch(owner: Any, name: str) -> None:
            real = getattr(owner, name)

            def call(*values: Any, **named: Any) -> Any:
                if by := find_caller():
                    locked = engine.lock.is_held_here
                    self.all.append(Touch(by, name, locked))
                return real(*values, **named)

            self._monkeypatch.setattr(owner, name, call)

        for name in TOUCHING:
            watch(os, name)
        watch(builtins, "open")
        watch(io, "open")
        watch(soundfile, "info")

    @property
    def locked(self) -> list[Touch]:
        return [touch for touch in self.all if touch.locked]

    def has(self, place: str) -> bool:
        return any(place in touch.by for touch in self.all)


def find_caller() -> str:
    """Which of this project's code it is; empty where only a test or a library is at it."""
    frame = sys._getframe(2)
    while frame is not None:
        name = Path(frame.f_code.co_filename).as_posix()
        if name.startswith((f"{ROOT}/daemon/", f"{ROOT}/pipeline/")):
            return f"{name.removeprefix(ROOT)}:{frame.f_lineno} {frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment]
    return ""


@pytest.fixture
def touches(monkeypatch: pytest.MonkeyPatch) -> Touches:
    return Touches(monkeypatch)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    """Values of a request that names files of every kind, with a tempo that is read."""
    sound = tmp_path / "loop.wav"
    soundfile.write(sound, [[0.0, 0.0]] * 240_000, 48_000)
    guide = tmp_path / "verse.mid"
    notes = [mido.Message("note_on", note=60), mido.Message("note_off", note=60, time=480)]
    mido.MidiFile(tracks=[mido.MidiTrack(notes)]).save(guide)
    return {"source": str(sound), "reference": str(sound), "guide": str(guide), "task": "repaint"}


def started(engine: Engine) -> Recorder:
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="warm")
    return recorder


def test_no_file_is_touched_under_the_lock_when_orders_come(
    build: Build, files: dict[str, Any], touches: Touches, tmp_path: Path
) -> None:
    engine = build(SteppedModel())
    recorder = started(engine)
    touches.watch(engine)
    request = Request(prompt="x", bars=1, **files)
    for id in "aa":
        engine.submit(Order(ME, id, request))
    engine.submit(Order(ME, "b", request, count=2, priority=Priority.LIVE))
    engine.submit(Order(ME, "away", request, out=tmp_path / "no" / "volume"))
    assert recorder.wait("fail", "away").values[1] == 404
    reroll(engine, ME, "r", "a")
    engine.set_adapters()
    gone = tmp_path / "gone.wav"
    with pytest.raises(BadRequest, match="audio file that exists"):
        engine.submit(Order(ME, "c", Request(source=str(gone), task="cover")))
    (tmp_path / "no").mkdir()
    # some may have ended before the one that was waited for
    until(lambda: {"a", "b.1", "b.2", "r", "away"} <= {*recorder.ids_with("finished")})
    stop(engine)
    assert touches.locked == []
    for place in ("request_files.py", "midi_file.py", "find_obstacle", "staging.py"):
        assert touches.has(place), place


def test_an_order_that_names_no_file_is_looked_up_once(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking up twice would be for what has changed while its files were read."""
    engine = build(SteppedModel())
    looked_up: list[str] = []
    find_accepted = JobLookup.find_accepted

    def find(lookup: JobLookup, order: Order) -> list[Job]:
        looked_up.append(order.id)
        return find_accepted(lookup, order)

    monkeypatch.setattr(JobLookup, "find_accepted", find)
    submit(engine, "a")
    assert looked_up == ["a"]


def test_no_file_is_touched_under_the_lock_when_takes_are_made_in_advance(
    build: Build, files: dict[str, Any], touches: Touches, tmp_path: Path
) -> None:
    engine = build(SteppedModel())
    recorder = started(engine)
    told: Queue[tuple[str, str]] = Queue()

    def listen(event: Event) -> None:
        assert event.job
        told.put((event.kind, event.job.id))

    def wait(kind: str, id: str) -> None:
        while told.get(timeout=PATIENCE) != (kind, id):
            pass

    touches.watch(engine)
    request = Request(prompt="x", bars=1, seed=1, **files)
    gone = str(tmp_path / "gone.wav")
    bad = Order(ME, "bad", Request(source=gone, task="cover", seed=1))
    good = Order(ME, "good", request)
    other = Order(ME, "other", make_request("other", seed=1))
    engine.prepare([bad, good, other], listen)
    wait("prepared", "other")
    engine.submit(good)
    recorder.wait("finished", "good")
    engine.prepare([], listen)
    wait("dropped", "other")
    stop(engine)
    assert touches.locked == []
    for place in ("request_files.py", "midi_file.py", "find_obstacle", "is_taken", "take_name"):
        assert touches.has(place), place


# --- meanwhile ------------------------------------------------------------------------------------


def once(action: Callable[[], object]) -> Callable[[], None]:
    actions = [action]

    def call() -> None:
        if actions:
            actions.pop()()

    return call


def while_files_are_read(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> None:
    """Do this once, just after the files of an order were looked at."""
    act = once(action)

    def resolve(request: Request, default_guide: str) -> Request:
        resolved = resolve_request(request, default_guide)
        act()
        return resolved

    monkeypatch.setattr(orders, "resolve_request", resolve)


def while_a_folder_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]
) -> None:
    find_obstacle = folders.find_obstacle
    act = once(action)

    def find(folder: Path, request: Request) -> OSError | None:
        obstacle = find_obstacle(folder, request)
        act()
        return obstacle

    monkeypatch.setattr(folders, "find_obstacle", find)


def test_an_order_that_comes_twice_while_its_files_are_read_is_one_job(
    build: Build, files: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = build(SteppedModel())
    recorder = started(engine)
    order = Order(ME, "a", make_request("a", **files))
    first: list[Any] = []
    while_files_are_read(monkeypatch, lambda: first.extend(engine.submit(order)))
    assert engine.submit(order) == first
    recorder.wait("finished", "a")
    assert recorder.kinds_of("a").count("queued") == 1


def test_a_daemon_that_closes_while_files_are_read_takes_no_order(
    build: Build, files: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = build(SteppedModel())
    started(engine)
    while_files_are_read(monkeypatch, engine.close)
    with pytest.raises(Refused, match="closing"):
        engine.submit(Order(ME, "a", make_request("a", **files)))


def test_a_queue_that_is_full_after_files_were_read_takes_no_order(
    build: Build, files: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = build(SteppedModel(running=False), queue=2)
    while_files_are_read(
        monkeypatch, lambda: [submit(engine, id, make_request(id)) for id in ("b", "c")]
    )
    with pytest.raises(Refused, match="the queue is full"):
        engine.submit(Order(ME, "a", make_request("a", **files)))


def test_a_job_that_is_cancelled_while_its_folder_is_looked_at_is_not_played(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SteppedModel()
    engine = build(model)
    recorder = started(engine)
    while_a_folder_is_looked_at(monkeypatch, lambda: engine.cancel(ME, "a"))
    submit(engine, "a", make_request("a"))
    submit(engine, "b", make_request("b"))
    recorder.wait("finished", "b")
    assert recorder.kinds_of("a") == ["queued", "cancelled"]
    assert model.played == ["b"]


def test_what_was_staged_of_a_held_job_lands_without_the_lock(
    build: Build, out: Path, monkeypatch: pytest.MonkeyPatch, touches: Touches
) -> None:
    land = clips.land
    broken = [OSError(errno.EIO, "Input/output error")]

    def fail_once(staged: staging.Staged) -> clips.Landed | None:
        if broken:
            raise broken.pop()
        return land(staged)

    monkeypatch.setattr(clips, "land", fail_once)
    model = SteppedModel()
    engine = build(model)
    recorder = started(engine)
    touches.watch(engine)
    submit(engine, "a", make_request("a"))
    recorder.wait("finished", "a")
    assert recorder.kinds_of("a").count("fail") == 1
    assert model.played == ["a"], "once"
    assert touches.locked == []
    assert touches.has("recover")
    assert len(list(out.iterdir())) == 2


def test_a_held_job_that_is_cancelled_while_its_folder_is_looked_at_is_not_played(
    build: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = SteppedModel()
    engine = build(model)
    recorder = started(engine)
    volume = tmp_path / "volume" / "out"
    submit(engine, "a", make_request("a"), out=volume)
    recorder.wait("fail", "a")

    def bring_back() -> None:
        engine.cancel(ME, "a")
        volume.mkdir(parents=True)

    find_obstacle = folders.find_obstacle
    act = once(bring_back)

    def find(folder: Path, request: Request) -> OSError | None:
        if folder == volume:
            act()
        return find_obstacle(folder, request)

    monkeypatch.setattr(folders, "find_obstacle", find)
    recorder.wait("cancelled", "a")
    submit(engine, "b", make_request("b"))
    recorder.wait("finished", "b")
    assert model.played == ["b"]
    assert recorder.kinds_of("a") == ["queued", "fail", "cancelled"]
    assert engine.active() == []


def test_what_was_staged_of_a_held_job_is_removed_without_the_lock(
    build: Build, out: Path, monkeypatch: pytest.MonkeyPatch, touches: Touches
) -> None:
    def refuse(staged: staging.Staged) -> clips.Landed | None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(clips, "land", refuse)
    engine = build(SteppedModel())
    recorder = started(engine)
    submit(engine, "a")
    recorder.wait("fail", "a")
    touches.watch(engine)
    engine.cancel(ME, "a")
    until(lambda: list(out.iterdir()) == [])
    recorder.wait("cancelled", "a")
    stop(engine)
    assert touches.locked == []
    assert touches.has("discard")


def test_what_is_more_urgent_when_a_folder_was_looked_at_goes_first(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SteppedModel()
    engine = build(model)
    recorder = started(engine)
    while_a_folder_is_looked_at(
        monkeypatch,
        lambda: submit(engine, "b", make_request("b"), priority=Priority.LIVE),
    )
    submit(engine, "a", make_request("a"))
    recorder.wait("finished", "a")
    assert recorder.ids_with("finished") == ["b", "a"]
    assert model.played == ["b", "a"]


def test_another_model_that_is_chosen_while_a_folder_is_looked_at_plays_the_job(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SteppedModel()
    engine = build(model)
    recorder = started(engine)
    while_a_folder_is_looked_at(monkeypatch, lambda: engine.switch_model("other"))
    submit(engine, "a", make_request("a"))
    recorder.wait("finished", "a")
    assert model.loads == 2


def test_what_is_not_expected_any_more_when_its_files_were_read_is_not_made_in_advance(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SteppedModel()
    engine = build(model)
    prepared: Queue[str] = Queue()

    def listen(event: Event) -> None:
        if event.kind == "prepared" and event.job:
            prepared.put(event.job.id)

    started(engine)
    a = Order(ME, "a", make_request("a", seed=1))
    b = Order(ME, "b", make_request("b", seed=1))
    while_a_folder_is_looked_at(monkeypatch, lambda: engine.prepare([b], listen))
    engine.prepare([a], listen)
    assert prepared.get(timeout=PATIENCE) == "b"
    assert model.played == ["b"]


def test_an_order_that_comes_while_files_of_others_are_read_goes_first(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SteppedModel()
    engine = build(model)
    recorder = started(engine)
    prepared: Queue[str] = Queue()

    def listen(event: Event) -> None:
        if event.kind == "prepared" and event.job:
            prepared.put(event.job.id)

    while_a_folder_is_looked_at(
        monkeypatch, lambda: submit(engine, "client", make_request("client"))
    )
    engine.prepare([Order(ME, "a", make_request("a", seed=1))], listen)
    recorder.wait("finished", "client")
    assert prepared.get(timeout=PATIENCE) == "a"
    assert model.played == ["client", "a"]
