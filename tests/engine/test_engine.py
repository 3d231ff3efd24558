"""Queue, journal and landing around a worker on a thread, whose model plays a step when it is told
to.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import mido
import pytest
import soundfile

from daemon.engine import Engine, ModelChoice, supervisor
from daemon.engine.dispatcher import ENDED_AT_ONCE
from daemon.engine.lander import Lander
from daemon.engine.lookup import JobLookup
from daemon.jobs import Event, Job, Order, Priority, Refused, describe_failure
from daemon.journal import Journal
from daemon.journal.writer import Done
from daemon.landing import audio_files, clips, folders, staging
from daemon.landing.manifest import read_manifest
from daemon.settings import Settings
from pipeline.cost import estimate_plan
from pipeline.request import Request
from tests.support.harness import (
    ME,
    PATIENCE,
    SHORT,
    YOU,
    Build,
    Recorder,
    SteppedModel,
    favourite,
    make_request,
    panic,
    reroll,
    stop,
    submit,
)
from tests.support.waiting import until

# --- a job's way ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "seeds", "variations"),
    [
        ({"seed": 7}, [7, 8, 9], [-1, -1, -1]),
        ({"seed": 7, "variation": 0.2, "variation_seed": 4}, [7, 7, 7], [4, 5, 6]),
        ({"seed": 7, "variation": 0.2}, [7, 7, 7], [1, 2, 3]),
        ({"variation": 0.2, "variation_seed": 1}, [0, 1, 2], [1, 1, 1]),
    ],
    ids=["seeds in a row", "variations of a seed", "the first ones", "a variation of each seed"],
)
def test_several_takes_differ_in_their_seeds_or_are_variations_of_one(
    build: Build, values: dict[str, Any], seeds: list[int], variations: list[int]
) -> None:
    jobs = build(SteppedModel()).submit(Order(ME, "a", make_request("short", **values), count=3))
    resolved = [job.resolved for job in jobs]
    assert [one.seed - (0 if "seed" in values else resolved[0].seed) for one in resolved] == seeds
    assert [one.variation_seed for one in resolved] == variations


def test_the_time_of_a_planned_take_counts_the_plan(build: Build) -> None:
    model = SteppedModel(running=False)
    model.token_cost = 1000.0
    engine = build(model)
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="warm")
    for id, plan in (("planned", "auto"), ("plain", "off")):
        submit(engine, id, make_request("short", plan=plan))
    costs = [engine.find(ME, id).cost for id in ("planned", "plain")]
    assert (
        costs[0] - costs[1]
        == model.token_cost * estimate_plan(make_request("short")).tokens
        > costs[1]
        > 0
    )


def test_previews_are_kept_apart_and_only_the_newest(
    build: Build, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_files, "MAX_PREVIEWS", 2)
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a", make_request("short", preview="1 2 3"))
    recorder.wait("finished", "a")
    previews = [event.values for event in recorder.events if event.kind == "preview"]
    assert [step for step, _ in previews] == [1, 2, 3]
    assert [Path(path).exists() for _, path in previews] == [False, True, True]
    assert not [path for path in out.iterdir() if "preview" in path.name]


def test_what_was_read_out_of_a_request_is_told_behind_queued(build: Build) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a", make_request("84 bpm, waltz, key: 13A", bpm=92))
    recorder.wait("finished", "a")
    assert recorder.kinds_of("a")[:4] == ["queued", "note", "note", "note"]
    texts = [event.values[0] for event in recorder.events if event.kind == "note"]
    assert texts[0] == "the prompt says 84 bpm, and bpm 92 was given: it is 92"
    assert texts[1].startswith("the prompt names a key that was not understood, 13A")
    assert texts[2] == "the prompt says waltz: 3/4 was taken"
    job = engine.find("me", "a")
    assert [event.values[0] for event in job.status_events if event.kind == "note"] == texts
    assert job.last_event
    assert job.last_event.kind == "finished"


def test_what_was_read_of_a_midi_guide_is_told_too(build: Build, tmp_path: Path) -> None:
    file = mido.MidiFile()
    file.tracks.append(
        mido.MidiTrack(
            [
                mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(100)),
                mido.Message("note_on", note=60, velocity=90),
                mido.Message("note_off", note=60, time=480),
            ]
        )
    )
    file.save(tmp_path / "verse.mid")
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a", make_request("84 bpm", guide=str(tmp_path / "verse.mid")))
    recorder.wait("finished", "a")
    assert [event.values[0] for event in recorder.events if event.kind == "note"] == [
        "the prompt says 84 bpm: it was taken",
        "the MIDI guide: 1 bar of 4/4 at 100 bpm: lead",
        "the MIDI guide is at 100 bpm, and 84 bpm was asked for: it is 84 bpm",
    ]


def test_a_job_is_told_from_queued_to_finished(build: Build, out: Path) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a", make_request("short", stems="drums bass"))
    files, manifest = recorder.wait("finished", "a").values
    assert recorder.kinds_of("a") == ["queued", "progress", "clip", "clip", "clip", "finished"]
    landed = [Path(event.values[1]) for event in recorder.events if event.kind == "clip"]
    assert [event.values[0] for event in recorder.events if event.kind == "clip"] == [
        "mix",
        "drums",
        "bass",
    ]
    assert files == 3
    assert all(soundfile.info(path).frames == 24_000 for path in landed)
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*(p.name for p in landed), Path(manifest).name]
    )


def test_a_job_is_in_the_journal_before_it_is_announced(build: Build) -> None:
    engine = build(SteppedModel())
    seen: list[str] = []

    def look(event: Event) -> None:
        if event.job is not None and event.kind in ("queued", "finished"):
            written = engine.journal.find(ME, "a")
            seen.append(f"{event.kind}: {written.state if written else 'nothing'}")

    engine.subscribe(look)
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a")
    recorder.wait("finished", "a")
    assert seen == ["queued: waiting", "finished: finished"]


def test_states_follow_what_happens(build: Build) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="warm")
    submit(engine, "a")
    recorder.wait("finished", "a")
    engine.close()
    states = [event.values[0] for event in recorder.events if event.kind == "state"]
    assert [s for n, s in enumerate(states) if n == 0 or s != states[n - 1]] == [
        "loading", "warm", "busy", "warm", "cold",
    ]  # fmt: skip


def test_the_seed_is_fixed_when_the_job_is_accepted(build: Build) -> None:
    job = submit(build(SteppedModel()), "a", Request(prompt="x"))
    assert job.request.seed == -1
    assert job.resolved.seed >= 0


def test_an_order_that_cannot_be_written_down_is_refused(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)

    def full(jobs: list[Job], landing: str, on_done: Done) -> None:
        on_done(OSError(errno.ENOSPC, "the journal could not be written: database or disk is full"))

    monkeypatch.setattr(engine.journal, "begin_add", full)
    with pytest.raises(Refused, match="disk is full") as refusal:
        submit(engine, "a")
    assert refusal.value.code == 507
    assert recorder.events == []
    assert engine.active() == []


# --- who is who -----------------------------------------------------------------------------------


def test_two_clients_may_use_the_same_id(build: Build) -> None:
    engine = build(SteppedModel())
    mine = submit(engine, "a")
    yours = submit(engine, "a", make_request("other"), YOU)
    assert mine is not yours
    assert engine.find(ME, "a") is mine
    assert engine.find(YOU, "a") is yours
    assert engine.find("elsewhere", "a") is yours


def test_the_same_order_twice_is_one_job(build: Build) -> None:
    engine = build(SteppedModel())
    job = submit(engine, "a")
    repeated: list[Event] = []
    assert engine.submit(Order(ME, "a", SHORT), repeated.append) == [job]
    assert [event.kind for event in repeated] == ["queued"]
    with pytest.raises(Refused, match="was used for another request") as refusal:
        submit(engine, "a", make_request("different"))
    assert refusal.value.code == 409


def test_the_same_order_after_a_restart_is_still_one_job(build: Build) -> None:
    first = build(SteppedModel())
    recorder = Recorder(first)
    first.start()
    submit(first, "a")
    recorder.wait("finished", "a")
    stop(first)
    second = build(SteppedModel())
    repeated: list[Event] = []
    second.submit(Order(ME, "a", SHORT), repeated.append)
    assert [event.kind for event in repeated] == ["clip", "finished"]
    assert second.active() == []


def test_a_failed_job_is_tried_anew_and_a_cancelled_one_is_not(build: Build) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    submit(engine, "gone")
    engine.cancel(ME, "gone")
    repeated: list[Event] = []
    engine.submit(Order(ME, "gone", SHORT), repeated.append)
    assert [event.kind for event in repeated] == ["cancelled"]
    engine.start()
    submit(engine, "bad", make_request("bad"))
    assert recorder.wait("fail", "bad").values[1:] == (422, "it is bad", "be good")
    submit(engine, "bad", make_request("bad"))
    recorder.wait("fail", "bad")
    assert recorder.ids_with("queued").count("bad") == 2


# --- the queue ------------------------------------------------------------------------------------


def test_jobs_sent_while_the_model_loads_wait_and_are_played_in_order(build: Build) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    for id in "abc":
        submit(engine, id)
    assert [event.values[0] for event in recorder.events if event.kind == "queued"] == [0, 1, 2]
    engine.start()
    recorder.wait("finished", "c")
    assert recorder.ids_with("finished") == ["a", "b", "c"]


def test_a_full_queue_refuses_and_says_so(build: Build) -> None:
    engine = build(SteppedModel(), queue=3, queue_per_client=2)
    submit(engine, "1")
    submit(engine, "2")
    for order, says in (
        (Order(ME, "3", SHORT), r"2 of your jobs"),
        (Order(YOU, "4", SHORT, count=2), r"full \(3 jobs"),
    ):
        with pytest.raises(Refused, match=says) as refusal:
            engine.submit(order)
        assert refusal.value.code == 429
    submit(engine, "5", client=YOU)
    with pytest.raises(Refused, match="count must be at most 2") as refusal:
        engine.submit(Order(YOU, "6", SHORT, count=3))
    assert refusal.value.code == 422


def test_a_thousand_takes_are_one_order_and_keep_nobody_from_ordering(build: Build) -> None:
    engine = build(SteppedModel(running=False), queue=4, queue_per_client=2)
    jobs = engine.submit(Order(ME, "many", SHORT, count=1000, priority=Priority.BATCH))
    assert [job.id for job in jobs] == [f"many.{number}" for number in range(1, 1001)]
    with pytest.raises(Refused, match="2 of your jobs"):
        engine.submit(Order(ME, "more", SHORT, count=2, priority=Priority.BATCH))
    submit(engine, "live", priority=Priority.LIVE)
    submit(engine, "mine")
    engine.submit(Order(YOU, "many", SHORT, count=9, priority=Priority.BATCH))
    with pytest.raises(Refused, match=r"full \(4 jobs"):
        submit(engine, "late", client="udp:127.0.0.1:3", priority=Priority.BATCH)
    submit(engine, "late", client="udp:127.0.0.1:3")


def test_clients_take_turns(build: Build) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    for number in range(3):
        submit(engine, f"many{number}")
    submit(engine, "single", client=YOU)
    engine.start()
    recorder.wait("finished", "many2")
    assert recorder.ids_with("finished") == ["many0", "single", "many1", "many2"]


def test_a_batch_is_a_job_for_every_seed(build: Build) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.start()
    jobs = engine.submit(
        Order(ME, "b", make_request("short", seed=7), count=3, priority=Priority.BATCH)
    )
    assert [(job.id, job.resolved.seed) for job in jobs] == [("b.1", 7), ("b.2", 8), ("b.3", 9)]
    for job in jobs:
        recorder.wait("finished", job.id)
    repeated: list[Event] = []
    again = engine.submit(
        Order(ME, "b", make_request("short", seed=7), count=3, priority=Priority.BATCH),
        repeated.append,
    )
    assert [job.number for job in again] == [job.number for job in jobs]
    assert [event.kind for event in repeated] == ["clip", "finished"] * 3
    batch = engine.submit(Order(ME, "", SHORT, count=2))
    assert batch[0].resolved.seed != batch[1].resolved.seed


def test_a_pad_interrupts_between_two_steps_and_the_interrupted_job_goes_on(build: Build) -> None:
    model = SteppedModel(running=False)
    engine = build(model)
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "batch", make_request("batch"), priority=Priority.BATCH)
    recorder.wait("progress", "batch")
    submit(engine, "later", make_request("later"))
    submit(engine, "pad", make_request("pad"), priority=Priority.LIVE)
    recorder.wait("progress", "pad")
    assert [job.id for job in engine.active()] == ["pad", "later", "batch"]
    model.run()
    recorder.wait("finished", "batch")
    assert recorder.ids_with("finished") == ["pad", "later", "batch"]
    assert model.played.count("batch") == 1  # it went on, and did not begin again


def test_a_long_live_take_of_one_gives_way_once_to_a_shorter_one_of_each_other(
    build: Build,
) -> None:
    model = SteppedModel(running=False)
    engine = build(model)
    recorder = Recorder(engine)
    engine.start()
    long = make_request("220 bars", num_steps=80)
    for id in ("long", "long too"):
        submit(engine, id, long, "stranger", priority=Priority.LIVE)
    recorder.wait("progress", "long")
    submit(engine, "own", SHORT, "stranger", priority=Priority.LIVE)
    submit(engine, "longer", make_request("b", num_steps=100), "another", priority=Priority.LIVE)
    assert engine.active()[0].id == "long"
    for id in ("first", "second"):
        submit(engine, id, make_request(id), "tablet", priority=Priority.LIVE)
    submit(engine, "third", make_request("third"), "phone", priority=Priority.LIVE)
    for id in ("first", "third"):
        recorder.wait("progress", id)
        model.step(4)
        recorder.wait("finished", id)
    model.run()
    until(lambda: {"longer", "own"} <= {*recorder.ids_with("finished")})  # whichever is first
    finished = recorder.ids_with("finished")
    assert finished[:3] == ["first", "third", "long"], "each other client once, and it goes on"
    assert model.played.count("220 bars") == 2


def test_what_is_played_at_this_machine_goes_before_what_others_want_live(build: Build) -> None:
    model = SteppedModel(running=False)
    engine = build(model)
    recorder = Recorder(engine)
    engine.start()
    long = make_request("220 bars", num_steps=80)
    submit(engine, "stranger's", long, "stranger", priority=Priority.LIVE)
    recorder.wait("progress", "stranger's")
    for id in ("hit 1", "hit 2"):  # also longer ones
        played = make_request(id, num_steps=100)
        submit(engine, id, played, "pads", priority=Priority.PLAYED)
    submit(engine, "stranger's too", SHORT, "another", priority=Priority.LIVE)
    for id in ("hit 1", "hit 2"):
        recorder.wait("progress", id)
        model.step(4)
        recorder.wait("finished", id)
    model.run()
    recorder.wait("finished", "stranger's")
    assert recorder.ids_with("finished")[:2] == ["hit 1", "hit 2"]


def test_estimates_appear_once_the_machine_is_known(build: Build, tmp_path: Path) -> None:
    first = build(SteppedModel())
    recorder = Recorder(first)
    first.start()
    submit(first, "a")
    recorder.wait("finished", "a")
    stop(first)
    second = build(SteppedModel(running=False))
    recorder = Recorder(second)
    second.start()
    recorder.wait("state", first="warm")
    submit(second, "long", make_request("long", num_steps=100))
    submit(second, "short", SHORT)
    longer, both = (event.values[1] for event in recorder.events if event.kind == "queued")
    assert 0 < longer < both


# --- cancelling -----------------------------------------------------------------------------------


def test_a_running_job_can_be_cancelled_and_the_next_one_starts(build: Build, out: Path) -> None:
    model = SteppedModel(running=False)
    engine = build(model)
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "long")
    submit(engine, "next", make_request("next"))
    recorder.wait("progress", "long")
    engine.cancel(ME, "long")
    recorder.wait("cancelled", "long")
    model.run()
    recorder.wait("finished", "next")
    assert recorder.kinds_of("long") == ["queued", "progress", "cancelled"]
    assert {path.name[:4] for path in out.iterdir()} == {"next"}


def test_what_is_unknown_or_over_cannot_be_cancelled(build: Build) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a")
    recorder.wait("finished", "a")
    for id in ("a", "never"):
        with pytest.raises(Refused) as refusal:
            engine.cancel(ME, id)
        assert refusal.value.code == 404


def test_a_canceller_hears_the_end_of_another_clients_job(build: Build) -> None:
    engine = build(SteppedModel())
    job = submit(engine, "a")
    assert engine.cancel(YOU, "a") == 1
    assert job.observers == {YOU}
    assert panic(engine, YOU) == 0


def test_nothing_is_made_of_what_is_cancelled_step_by_step_and_the_close_ends_the_rest(
    build: Build,
) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.submit(Order(ME, "many", SHORT, count=64))
    jobs, steps = engine.begin_cancel(ME, "many")
    assert jobs == 64
    assert next(steps) is None
    engine.journal.flush()
    assert recorder.ids_with("cancelled") == [f"many.{n + 1}" for n in range(ENDED_AT_ONCE)]
    assert len(engine.active()) == 64 - ENDED_AT_ONCE, "they are found until they have ended"
    assert engine.state_event().values[2] == 0
    engine.start()
    submit(engine, "next")
    recorder.wait("finished", "next")
    assert set(recorder.ids_with("progress")) == {"next"}
    stop(engine)
    assert len(set(recorder.ids_with("cancelled"))) == len(recorder.ids_with("cancelled")) == 64


def test_the_id_of_a_batch_cancels_all_of_it(build: Build) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    submit(engine, "other")
    engine.submit(Order(ME, "b", SHORT, count=3))
    assert engine.cancel(ME, "b") == 3
    engine.journal.flush()
    assert recorder.ids_with("cancelled") == ["b.1", "b.2", "b.3"]
    assert [job.id for job in engine.active()] == ["other"]


# --- again ----------------------------------------------------------------------------------------


def test_a_reroll_is_the_same_request_with_another_seed(build: Build) -> None:
    engine = build(SteppedModel())
    submit(engine, "a", make_request("first", seed=1))
    submit(engine, "b", make_request("second", seed=2), YOU)
    mine = reroll(engine, ME, "r1")
    theirs = reroll(engine, ME, "r2", parent="b", seed=9)
    newest = reroll(engine, "stranger", "r3")
    assert mine.request.prompt == "first"
    assert mine.request.seed == -1
    assert theirs.request.prompt == "second"
    assert theirs.resolved.seed == 9
    assert newest.request.prompt == "second"
    with pytest.raises(Refused, match="no job is called 'nothing'"):
        reroll(engine, ME, "r4", parent="nothing")


def test_there_is_nothing_to_reroll_at_first(build: Build) -> None:
    with pytest.raises(Refused, match="nothing to reroll yet"):
        reroll(build(SteppedModel()), ME, "r")


def test_what_a_bug_makes_of_a_reroll_is_told_to_who_wants_it(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(lookup: JobLookup, client: str) -> Job:
        raise RuntimeError("a bug")

    monkeypatch.setattr(JobLookup, "find_newest", find)
    with pytest.raises(RuntimeError, match="a bug"):
        reroll(build(SteppedModel()), ME, "r")


def test_a_favourite_is_written_down_and_told(build: Build) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    submit(engine, "a")
    favourite(engine, ME, "a")
    assert recorder.wait("favourite", "a").values == (1,)
    assert [job.id for job in engine.journal.search(favourite=True)] == ["a"]
    favourite(engine, YOU, "a", on=False)
    assert engine.journal.search(favourite=True) == []


# --- ends and beginnings --------------------------------------------------------------------------


def test_what_a_daemon_leaves_the_next_one_finishes_oldest_first(build: Build, out: Path) -> None:
    model = SteppedModel(running=False)
    first = build(model)
    recorder = Recorder(first)
    first.start()
    for id in "abc":
        submit(first, id, make_request(id))
    recorder.wait("progress", "a")
    first.close()
    with pytest.raises(Refused, match="closing"):
        submit(first, "d")
    first.journal.close()
    assert list(out.iterdir()) == []
    second = build(SteppedModel())
    recorder = Recorder(second)
    second.start()
    recorder.wait("finished", "c")
    assert recorder.ids_with("queued") == ["a", "b", "c"]
    assert recorder.ids_with("finished") == ["a", "b", "c"]
    assert {event.job.client for event in recorder.events if event.job} == {ME}


@pytest.mark.parametrize("last", ["stage", "note", "half", "land"])
def test_files_that_were_landing_when_the_daemon_died_land_once(
    build: Build, out: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    """Killed: the landing thread stops where it is, and nothing after it happens."""

    killed = threading.Event()

    class Killed(BaseException):
        def __init__(self) -> None:
            killed.set()

    first = build(SteppedModel())
    original: dict[str, Any] = {
        "land": clips.land,
        "stage": staging.stage,
        "link": os.link,
    }
    linked: list[Any] = []

    def die(*_: Any, **__: Any) -> Any:
        raise Killed

    def after(name: str) -> Callable[..., Any]:
        def doing(*values: Any, **more: Any) -> Any:
            original[name](*values, **more)
            raise Killed

        return doing

    def only_one(*values: Any) -> None:
        if linked:
            raise Killed
        linked.append(values)
        original["link"](*values)

    if last == "half":
        monkeypatch.setattr(os, "link", only_one)
    elif last == "note":
        monkeypatch.setattr(clips, "land", die)
    else:
        module = staging if last == "stage" else clips
        monkeypatch.setattr(module, last, after(last))
    first.start()
    job = submit(first, "a", make_request("short", stems="drums"))
    assert killed.wait(PATIENCE)
    stop(first)
    monkeypatch.undo()
    assert not job.has_ended
    second = build(SteppedModel())
    recorder = Recorder(second)
    second.start()
    recorder.wait("finished", "a")
    assert len([path for path in out.iterdir() if path.suffix == ".wav"]) == 2
    assert len([path for path in out.iterdir() if path.suffix == ".json"]) == 1
    assert [path for path in out.iterdir() if path.name.startswith(".")] == []


def test_only_this_journals_leftovers_are_removed(build: Build, out: Path) -> None:
    engine = build(SteppedModel())
    ours = out / f".acestepd-{engine.journal.token}-abcdefgh"
    theirs = out / ".acestepd-stranger-abcdefgh"
    for folder in (ours, theirs):
        folder.mkdir()
        (folder / "0.wav").touch()
    engine.start()
    assert not ours.exists()
    assert (theirs / "0.wav").exists()


# --- folders --------------------------------------------------------------------------------------


def test_a_job_is_kept_while_its_folder_is_away_and_goes_on_when_it_is_back(
    build: Build, tmp_path: Path
) -> None:
    volume = tmp_path / "volume" / "out"
    volume.mkdir(parents=True)
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.start()
    shutil.rmtree(volume.parent)
    job = submit(engine, "a", out=volume)
    _, code, message, hint = recorder.wait("fail", "a").values
    assert code == 404
    assert "could not be written" in message
    assert "it is kept" in hint
    assert job.state == "held"
    assert engine.active() == [job]
    submit(engine, "b", make_request("elsewhere"))
    recorder.wait("finished", "b")
    volume.mkdir(parents=True)
    recorder.wait("finished", "a")
    assert recorder.kinds_of("a") == ["queued", "fail", "queued", "progress", "clip", "finished"]


def test_a_disk_that_fills_up_while_files_are_written_keeps_the_job(
    build: Build, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = True
    job_failed = False
    stage = staging.stage

    def fill_up(*values: Any, **more: Any) -> Any:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return stage(*values, **more)

    monkeypatch.setattr(staging, "stage", fill_up)
    monkeypatch.setattr(
        folders,
        "find_obstacle",
        lambda *_: OSError(errno.ENOSPC, "full") if job_failed and full else None,
    )
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a")
    _, code, _, hint = recorder.wait("fail", "a").values
    assert code == 507
    assert "free some space" in hint
    job_failed = True
    stop(engine)  # it is kept over a restart as well
    full = False
    second = build(SteppedModel())
    recorder = Recorder(second)
    second.start()
    recorder.wait("finished", "a")
    assert len(list(out.iterdir())) == 2


def test_a_held_job_can_be_given_up(build: Build, tmp_path: Path) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a", out=tmp_path / "not" / "there")
    recorder.wait("fail", "a")
    engine.cancel(ME, "a")
    recorder.wait("cancelled", "a")
    assert engine.active() == []


@pytest.mark.parametrize(
    ("number", "code", "todo"),
    [
        (errno.ENOSPC, 507, "free some space"),
        (errno.EROFS, 403, "let acestepd write"),
        (errno.ENODEV, 404, "bring the"),
    ],
)
def test_what_a_disk_refuses_has_a_code_and_something_to_do(
    number: int, code: int, todo: str
) -> None:
    given, message, hint = describe_failure(OSError(number, os.strerror(number)))
    assert given == code
    assert message == f"the clip could not be written: {os.strerror(number)}"
    assert todo in hint


# --- the worker -----------------------------------------------------------------------------------


def test_a_model_that_cannot_be_loaded_is_reported_and_tried_again_on_request(build: Build) -> None:
    model = SteppedModel()
    engine = build(model, name="broken")
    recorder = Recorder(engine)
    submit(engine, "a")
    engine.start()
    assert recorder.wait("fail", "a").values[1] == 503
    assert recorder.wait("state", first="error").values[1] == "broken"
    submit(engine, "b")  # an order is a request too
    assert "no model is called broken" in recorder.wait("fail", "b").values[2]
    recorder.wait("state", first="error")
    assert model.loads == 2
    engine.switch_model("tape")
    recorder.wait("finished", "b")
    assert recorder.ids_with("finished") == ["a", "b"], "the queue waited for a model"
    assert recorder.kinds_of("a") == ["queued", "fail", "queued", "progress", "clip", "finished"]


def test_a_model_that_cannot_be_loaded_is_reported_although_nothing_waits(build: Build) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="warm")
    engine.switch_model("broken")
    failure = recorder.wait("fail")
    assert failure.job is None
    assert failure.values[:2] == ("/ace/model", 503)
    assert "no model is called broken" in failure.values[2]


def test_jobs_that_wait_for_a_model_outlive_the_daemon_and_can_be_cancelled(build: Build) -> None:
    first = build(SteppedModel(), name="broken")
    recorder = Recorder(first)
    submit(first, "a")
    submit(first, "b")
    first.start()
    recorder.wait("state", first="error")
    first.cancel(ME, "b")
    stop(first)
    second = build(SteppedModel())
    recorder = Recorder(second)
    second.start()
    recorder.wait("finished", "a")
    assert recorder.ids_with("queued") == ["a"]


def test_another_model_plays_from_the_next_job_on_and_the_queue_waits_for_it(build: Build) -> None:
    model = SteppedModel(running=False)
    engine = build(model)
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a", make_request("a"))
    submit(engine, "b", make_request("b"))
    recorder.wait("progress", "a")
    engine.switch_model("second")
    model.run()
    recorder.wait("finished", "b")
    models = {
        event.job.id: event.values[-1]
        for event in recorder.events
        if event.kind == "finished" and event.job
    }
    assert [read_manifest(Path(models[id])).model for id in "ab"] == ["tape", "second"]
    assert engine.title == "second"


def test_a_worker_that_dies_is_started_again_and_its_job_goes_on(build: Build) -> None:
    model = SteppedModel(running=False)
    engine = build(model)
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a")
    submit(engine, "b", make_request("b"))
    recorder.wait("progress", "a")
    assert engine._supervisor.connection
    engine._supervisor.connection.pipe.close()  # as if it had been killed
    failed = recorder.wait("fail")
    assert failed.job is None
    assert failed.values[1] == 500
    model.run()
    recorder.wait("finished", "b")
    assert recorder.ids_with("finished") == ["a", "b"]
    assert model.loads == 2


def test_a_job_that_ends_the_worker_twice_is_given_up_and_the_others_are_played(
    build: Build,
) -> None:
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "deadly", make_request("die"))
    submit(engine, "other", make_request("other"))
    _, code, message, _ = recorder.wait("fail", "deadly").values
    assert code == 500
    assert "failed twice" in message
    recorder.wait("finished", "other")


def test_a_worker_that_hangs_is_replaced(build: Build) -> None:
    model = SteppedModel()
    engine = build(model, hang_seconds=1.0)
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a", make_request("hang"))
    assert "no sign of life for 1 seconds" in recorder.wait("fail").values[2]
    model.hung.set()
    recorder.wait("finished", "a")


@pytest.mark.long
def test_a_worker_that_hangs_while_it_loads_is_replaced_and_then_reported(build: Build) -> None:
    model = SteppedModel()
    engine = build(model, "stuck", hang_seconds=1.0)
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a")
    _, code, message, _ = recorder.wait("fail", "a").values
    assert code == 503
    assert "no sign of life for 1 seconds" in message
    model.hung.set()
    engine.switch_model("tape")
    submit(engine, "b")
    recorder.wait("finished", "b")


@pytest.mark.long
def test_a_model_that_is_fetched_for_long_is_waited_for(build: Build) -> None:
    model = SteppedModel()
    engine = build(model, hang_seconds=1.0)
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="warm")
    engine.switch_model("far away")
    submit(engine, "a")
    timer = threading.Timer(3.0, model.hung.set)
    timer.start()
    recorder.wait("finished", "a")
    timer.join()
    assert model.loads == 2


def test_the_model_leaves_when_there_is_nothing_to_do_and_comes_back(build: Build) -> None:
    model = SteppedModel()
    engine = build(model, idle_unload=0.001)
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="cold")
    submit(engine, "a")
    recorder.wait("finished", "a")
    until(lambda: engine.state == "cold")  # perhaps it was, before the files were there
    assert model.loads >= 2


def test_a_listener_that_fails_does_not_stop_the_music(build: Build) -> None:
    engine = build(SteppedModel())

    def broken(event: Event) -> None:
        raise RuntimeError("a surface's own problem")

    engine.subscribe(broken)
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a")
    recorder.wait("finished", "a")


# --- what fresh eyes broke ------------------------------------------------------------------------


def test_a_job_whose_guide_is_gone_fails_alone(
    build: Build, tmp_path: Path, fixtures_midi: Path
) -> None:
    first = build(SteppedModel(running=False))
    submit(first, "gone", make_request("gone", guide=str(fixtures_midi)))
    submit(first, "other", make_request("other"))
    stop(first)
    fixtures_midi.unlink()
    second = build(SteppedModel())
    recorder = Recorder(second)
    second.start()
    recorder.wait("finished", "other")
    assert recorder.kinds_of("gone")[-1] == "fail"
    assert recorder.ids_with("finished") == ["other"]


def test_a_job_whose_guide_goes_away_while_it_is_played_is_still_a_take(
    build: Build, fixtures_midi: Path
) -> None:
    model = SteppedModel(running=False)
    engine = build(model)
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a", make_request("a", guide=str(fixtures_midi)))
    recorder.wait("progress", "a")
    fixtures_midi.unlink()
    model.run()
    recorder.wait("finished", "a")
    assert model.loads == 1  # and the worker is the same


@pytest.fixture
def fixtures_midi(tmp_path: Path) -> Path:
    path = tmp_path / "verse.mid"
    file = mido.MidiFile()
    note = (mido.Message("note_on", note=60), mido.Message("note_off", note=60, time=480))
    file.tracks.append(mido.MidiTrack(note))
    file.save(path)
    return path


def test_a_long_silence_before_a_job_is_not_a_hang(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SteppedModel()
    engine = build(model, hang_seconds=5.0)
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="warm")
    assert engine._supervisor.connection
    engine._supervisor.connection.last_sign_of_life -= 3600  # an hour without a word
    submit(engine, "a")
    recorder.wait("finished", "a")
    assert model.loads == 1


def test_a_worker_that_does_not_read_keeps_nobody_waiting(build: Build) -> None:
    model = SteppedModel()
    engine = build(model, hang_seconds=3.0)
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a", make_request("hang"))
    recorder.wait("progress", "a")
    for number in range(3000):
        submit(engine, f"b{number % 2}", make_request("b"))  # the same orders again and again
        with suppress(Refused):  # on a slow machine it has been given up by now
            engine.cancel(ME, "a")
    assert "no sign of life" in recorder.wait("fail").values[2]
    model.hung.set()
    recorder.wait("finished", "b1")
    assert recorder.kinds_of("a")[-1] == "cancelled"


def test_a_worker_that_cannot_be_started_keeps_what_waits(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Any:
        raise FileNotFoundError(errno.ENOENT, "No such file", "python")

    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.05)
    engine = Engine(
        Settings(out=out, state=tmp_path / "state"), ModelChoice("tape", ""), Journal(None), missing
    )
    recorder = Recorder(engine)
    submit(engine, "a")
    engine.start()
    failed = recorder.wait("fail", "a")
    assert failed.values[1] == 503
    assert "could not be started" in failed.values[2]
    assert [job.id for job in engine.active()] == ["a"]
    stop(engine)


def test_ones_own_ended_job_comes_before_anothers_running_one(build: Build) -> None:
    engine = build(SteppedModel())
    mine = submit(engine, "take1")
    engine.cancel(ME, "take1")
    yours = submit(engine, "take1", make_request("yours"), YOU)
    assert engine.find(ME, "take1").number == mine.number
    with pytest.raises(Refused, match="already ended"):
        engine.cancel(ME, "take1")
    assert engine.active() == [yours]


def test_an_id_is_for_one_order_whatever_its_count(build: Build) -> None:
    engine = build(SteppedModel())
    engine.submit(Order(ME, "q", SHORT, count=2))
    for count in (1, 3):
        with pytest.raises(Refused, match="was used for 2 takes") as refusal:
            engine.submit(Order(ME, "q", SHORT, count=count))
        assert refusal.value.code == 409


def test_a_batch_without_a_seed_has_seeds_in_a_row_too(build: Build) -> None:
    first, second, third = build(SteppedModel()).submit(Order(ME, "", SHORT, count=3))
    assert [second.resolved.seed, third.resolved.seed] == [
        first.resolved.seed + 1,
        first.resolved.seed + 2,
    ]


def test_nothing_is_left_of_a_held_job_that_is_given_up(
    build: Build, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(staged: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(clips, "land", refuse)
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a")
    recorder.wait("fail", "a")
    engine.cancel(ME, "a")
    until(lambda: list(out.iterdir()) == [])


def test_nothing_is_left_where_the_journal_cannot_note_a_landing(
    build: Build, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "the journal could not be written")

    monkeypatch.setattr(Lander, "note_staged", full)
    engine = build(SteppedModel())
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a")
    assert recorder.wait("fail", "a").values[1] == 507
    assert list(out.iterdir()) == []


def test_who_hears_of_a_crash_and_asks_at_once_waits_for_the_next_worker(build: Build) -> None:
    model = SteppedModel(running=False)
    engine = build(model)
    recorder = Recorder(engine)

    def ask_again(event: Event) -> None:
        if event.kind == "fail" and event.job is None:
            order = Order(ME, "b", make_request("b"), priority=Priority.LIVE)
            engine.begin_submit(order, refused.append)

    refused: list[Exception] = []
    engine.subscribe(ask_again)
    engine.start()
    submit(engine, "a")
    recorder.wait("progress", "a")
    assert engine._supervisor.connection
    engine._supervisor.connection.pipe.close()
    recorder.wait("progress", "b")
    model.run()
    recorder.wait("finished", "a")
    assert recorder.ids_with("finished") == ["b", "a"]
    assert model.loads == 2
