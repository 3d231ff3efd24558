"""Real folders, saved into as real editors do, and an engine that only writes down what is
ordered.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.jobs import Event, Job, JobState, Listener, Order, Refused
from daemon.panel import Panel
from daemon.paths import AllowedFolders
from daemon.settings import Settings, Watch
from daemon.watch import folder
from daemon.watch.folder import WatchedFolder
from daemon.watch.sheet import Sheet
from daemon.watch.watchers import Watchers
from pipeline.request import Request

PATIENCE = 60.0
WORDS = "[verse]\nCity lights are calling me home\n"


class Journal:
    def __init__(self, jobs: list[Job]) -> None:
        self.first: dict[str, float] = {}
        self._jobs = jobs

    def since(self, name: str) -> float:
        return self.first.setdefault(name, time.time())

    def search(self, text: str) -> list[Job]:
        return [job for job in reversed(self._jobs) if text in job.id]


class Desk:
    """An engine that makes nothing by itself. It outlives the watchers, as the journal does."""

    def __init__(self, out: Path) -> None:
        self.settings = Settings(out=out)
        self.title = "mini"
        self.state = "warm"
        self.orders: queue.Queue[Order] = queue.Queue()
        self.jobs: list[Job] = []
        self.journal = Journal(self.jobs)
        self.told: list[Event] = []
        self.refusal: Refused | None = None
        self.most_open = 0
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def submit(self, order: Order) -> list[Job]:
        if self.refusal:
            raise self.refusal
        assert all((job.client, job.id) != (order.client, order.id) for job in self.jobs)
        assert order.out is not None
        job = Job(
            order.client,
            order.id,
            order.request,
            order.request.resolved(),
            order.out,
            origin=order.origin,
        )
        job.created = time.time()
        self.jobs.append(job)
        self.most_open = max(self.most_open, len(self.active()))
        self.orders.put(order)
        return [job]

    def cancel(self, client: str, id: str) -> int:
        job = self.find(client, id)
        if job.state is JobState.LANDING:
            raise Refused(409, "its files are just landing")
        self._end(job, "cancelled")
        return 1

    def find(self, client: str, id: str) -> Job:
        found = [job for job in self.jobs if job.id == id]
        if not found:
            raise Refused(404, f"no job is called {id!r}")
        return next((job for job in found if job.client == client), found[-1])

    def active(self) -> list[Job]:
        return [job for job in self.jobs if not job.ended]

    def publish(self, event: Event) -> None:
        self.told.append(event)

    def finish(self, job: Job) -> Path:
        job.out.mkdir(exist_ok=True)
        clip = job.out / f"{job.resolved.name}_s{job.resolved.seed}.wav"
        clip.write_bytes(b"RIFF")
        clip.with_suffix(".json").write_text(
            json.dumps({"request": asdict(job.resolved), "model": self.title})
        )
        job.clip_events = (Event("clip", job, ("mix", str(clip), 0.0, 0, str(job.resolved.seed))),)
        self._end(job, "finished", 1, str(clip.with_suffix(".json")))
        return clip

    def fail(self, job: Job, message: str) -> None:
        self._end(job, "fail", "/ace/generate", 500, message, "try it again")

    def _end(self, job: Job, kind: str, *values: object) -> None:
        job.state = JobState(kind)
        job.last_event = Event(kind, job, values)
        for listener in self._listeners:
            listener(job.last_event)


class Room:
    """A watched folder with a clock of its own: no test waits for time to pass."""

    def __init__(self, folder: Path, desk: Desk, watch: Watch | None = None) -> None:
        self.folder = folder
        self.desk = desk
        self.now = 1000.0
        self.watch = watch or Watch(folder=folder)
        self.report = self.watch.out
        self.restart()

    def restart(self) -> None:
        self.watched = WatchedFolder(
            self.watch, self.desk, Panel(Request()), AllowedFolders([self.folder])
        )
        self.desk._listeners[:] = [self._hear]

    def _hear(self, event: Event) -> None:
        if event.kind in ("finished", "fail"):
            self.watched.heard(event)

    def look(self, later: float = 0.0, hints: tuple[str, ...] = ()) -> None:
        self.now += later
        self.watched.look(self.now, hints, [self.desk.settings.out, self.watch.out])

    def settle(self) -> list[Order]:
        """Look until all is quiet; what was ordered."""
        for _ in range(8):
            self.look(0.7)
        orders = []
        while not self.desk.orders.empty():
            orders.append(self.desk.orders.get())
        return orders

    def save(self, name: str, content: str | bytes = WORDS) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def told(self, name: str) -> list[tuple[int, int, str]]:
        path = str(self.folder / name)
        return [
            (e.values[1], e.values[2], e.values[3]) for e in self.desk.told if e.values[0] == path
        ]

    def reported(self, name: str) -> str:
        path = self.watch.out / f"{name}.report.txt"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "clips")


@pytest.fixture
def room(tmp_path: Path, desk: Desk) -> Room:
    """An empty watched folder, seen."""
    (tmp_path / "lyrics").mkdir()
    made = Room(tmp_path / "lyrics", desk)
    made.look()
    return made


def wishes(orders: list[Order]) -> list[Request]:
    return [order.request for order in orders]


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


# --- a save makes a take --------------------------------------------------------------------------


def test_a_saved_text_is_ordered_once_with_its_name_for_the_folder_s_output(room: Room) -> None:
    room.save("chorus.txt", "---\nprompt: warm\nbpm: 92\n---\n" + WORDS)
    (order,) = room.settle()
    assert order.request == Request(
        prompt="warm", bpm=92, name="chorus", lyrics="[Verse]\nCity lights are calling me home"
    )
    assert order.client == f"watch:{room.folder}"
    assert order.out == room.folder / "takes"
    assert order.origin == str(room.folder / "chorus.txt")
    assert order.id.startswith("chorus.txt ")
    assert room.settle() == []


def test_the_settings_of_the_folder_hold_for_what_a_file_leaves_out(
    tmp_path: Path, desk: Desk
) -> None:
    watch = Watch(
        folder=tmp_path, out=tmp_path / "elsewhere", request=Request(prompt="warm", bpm=90)
    )
    room = Room(tmp_path, desk, watch)
    room.look()
    room.save("chorus.md", "bpm: 92\nname: Refrain\n\nla la")
    (order,) = room.settle()
    assert order.request.prompt == "warm"
    assert order.request.bpm == 92
    assert order.request.name == "Refrain"
    assert order.out == tmp_path / "elsewhere"


def test_every_content_is_ordered_and_the_older_one_cancelled(room: Room, desk: Desk) -> None:
    room.save("chorus.txt", "one")
    room.settle()
    room.save("chorus.txt", "two")
    room.settle()
    assert [(job.request.lyrics, job.state) for job in desk.jobs] == [
        ("one", "cancelled"),
        ("two", "waiting"),
    ]


def test_the_same_content_is_not_ordered_again(room: Room, desk: Desk) -> None:
    path = room.save("chorus.txt")
    room.settle()
    room.save("chorus.txt")
    os.utime(path)
    assert room.settle() == []
    desk.finish(desk.jobs[0])
    age(path, 60)
    assert room.settle() == []


def test_files_of_the_same_content_are_takes_of_their_own(room: Room) -> None:
    room.save("one.txt")
    room.save("two.txt")
    assert [wish.name for wish in wishes(room.settle())] == ["one", "two"]


def test_a_change_that_leaves_size_and_time_as_they_were_is_seen(room: Room) -> None:
    path = room.save("chorus.txt", "one")
    found = path.stat()
    room.look()
    room.look(0.31)
    path.write_text("two")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    # looked at once more by itself
    assert [wish.lyrics for wish in wishes(room.settle())] == [
        "one",
        "two",
    ]
    path.write_text("six")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    room.look(hints=("chorus.txt",))
    assert [wish.lyrics for wish in wishes(room.settle())] == ["six"]


def test_a_file_that_still_grows_is_waited_for(room: Room) -> None:
    path = room.save("chorus.txt", "one\n")
    for line in ("two\n", "three\n", "four\n"):
        room.look(0.2)
        with path.open("a") as stream:
            stream.write(line)
    assert [wish.lyrics for wish in wishes(room.settle())] == ["one\ntwo\nthree\nfour"]


@pytest.mark.parametrize("content", ["", "\n", " \n\t\n"])
def test_an_empty_file_waits_for_its_words(room: Room, content: str) -> None:
    room.save("chorus.txt", content)
    assert room.settle() == []
    assert room.told("chorus.txt") == []
    room.save("chorus.txt")
    assert len(room.settle()) == 1


def test_two_hundred_edits_that_never_rest_make_one_take(room: Room, desk: Desk) -> None:
    for number in range(200):
        room.save("chorus.txt", f"take {number}")
        room.look(0.05)
    assert [wish.lyrics for wish in wishes(room.settle())] == ["take 199"]


def test_two_hundred_edits_that_rest_end_with_one_take_and_never_two_open(
    room: Room, desk: Desk
) -> None:
    for number in range(200):
        room.save("chorus.txt", f"take {number}")
        room.look(0.01)
        room.look(0.31)
    room.settle()
    assert [job.request.lyrics for job in desk.active()] == ["take 199"]
    assert sum(job.state == "cancelled" for job in desk.jobs) == len(desk.jobs) - 1
    assert desk.most_open == 1


def test_a_job_whose_files_are_landing_lands_and_the_next_one_follows(
    room: Room, desk: Desk
) -> None:
    room.save("chorus.txt", "one")
    room.settle()
    desk.jobs[0].state = JobState.LANDING
    room.save("chorus.txt", "two")
    room.settle()
    assert [job.state for job in desk.jobs] == ["landing", "waiting"]


def test_jobs_of_others_are_left_alone(room: Room, desk: Desk) -> None:
    room.save("one.txt", "one")
    room.save("two.txt", "two")
    room.settle()
    desk.submit(
        Order(
            "udp:127.0.0.1:9",
            "mine",
            Request(prompt="x"),
            out=room.folder,
            origin=str(room.folder / "one.txt"),
        )
    )
    room.save("one.txt", "three")
    room.settle()
    assert [(job.id.split()[0], job.state) for job in desk.jobs] == [
        ("one.txt", "cancelled"), ("two.txt", "waiting"), ("mine", "waiting"), ("one.txt", "waiting"),
    ]  # fmt: skip


# --- a content comes back -------------------------------------------------------------------------


def test_a_content_that_comes_back_is_not_made_again_while_its_take_is_there(
    room: Room, desk: Desk
) -> None:
    room.save("chorus.txt", "one")
    room.settle()
    clip = desk.finish(desk.jobs[0])
    room.save("chorus.txt", "two")
    room.settle()
    room.save("chorus.txt", "one")
    assert room.settle() == []
    assert desk.jobs[1].state == "cancelled"
    assert room.told("chorus.txt")[-2] == (0, 0, f"made already: {clip}")


def test_a_content_that_comes_back_is_made_again_when_it_was_superseded_or_its_take_is_gone(
    room: Room, desk: Desk
) -> None:
    room.save("chorus.txt", "one")
    room.settle()
    room.save("chorus.txt", "two")
    room.settle()
    desk.finish(desk.jobs[1]).unlink()
    room.save("chorus.txt", "one")
    room.settle()
    room.save("chorus.txt", "two")
    room.settle()
    assert [(job.request.lyrics, job.state) for job in desk.jobs] == [
        ("one", "cancelled"), ("two", "finished"), ("one", "cancelled"), ("two", "waiting"),
    ]  # fmt: skip
    assert len({job.id for job in desk.jobs}) == 4


def test_a_job_that_failed_is_tried_again_when_its_file_is_saved_again(
    room: Room, desk: Desk
) -> None:
    path = room.save("chorus.txt")
    room.settle()
    desk.fail(desk.jobs[0], "out of memory")
    assert room.settle() == []
    age(path, 10)
    assert len(room.settle()) == 1


def test_a_job_that_its_writer_cancelled_stays_cancelled(room: Room, desk: Desk) -> None:
    path = room.save("chorus.txt")
    room.settle()
    desk.cancel(room.watched.client, desk.jobs[0].id)
    age(path, 10)
    assert room.settle() == []


# --- restarts -------------------------------------------------------------------------------------


def test_files_that_were_there_before_a_folder_was_watched_rest_until_they_are_saved(
    tmp_path: Path, desk: Desk
) -> None:
    for number in range(300):
        (tmp_path / f"{number}.txt").write_text(f"song {number}")
        age(tmp_path / f"{number}.txt", 3600)
    room = Room(tmp_path, desk)
    assert room.settle() == []
    room.look(hints=("7.txt",))  # opened, tagged
    assert room.settle() == []
    room.save("7.txt", "another song")
    os.utime(tmp_path / "8.txt")
    assert [wish.lyrics for wish in wishes(room.settle())] == ["another song", "song 8"]


def test_after_a_restart_what_changed_meanwhile_is_ordered_and_nothing_else(
    room: Room, desk: Desk
) -> None:
    age(room.save("old.txt", "old"), 3600)
    for name in ("same.txt", "open.txt", "changed.txt"):
        room.save(name, name)
    room.settle()
    for job in desk.jobs:
        if "open" not in job.id:
            desk.finish(job)
    room.save("changed.txt", "changed while it was off")
    room.save("new.txt", "new while it was off")
    for path in room.folder.glob("*.txt"):
        os.utime(path, (time.time() + 1,) * 2)
    age(room.folder / "old.txt", 3600)
    before = len(desk.told)
    room.restart()
    assert sorted(wish.lyrics for wish in wishes(room.settle())) == [
        "changed while it was off",
        "new while it was off",
    ]
    assert {event.values[0] for event in desk.told[before:]} == {
        str(room.folder / name) for name in ("changed.txt", "new.txt")
    }
    room.restart()
    assert room.settle() == []


def test_after_a_restart_the_older_job_of_a_changed_file_is_cancelled(
    room: Room, desk: Desk
) -> None:
    room.save("chorus.txt", "one")
    room.settle()
    os.utime(room.save("chorus.txt", "two"), (time.time() + 1,) * 2)
    room.restart()
    room.settle()
    assert [(job.request.lyrics, job.state) for job in desk.jobs] == [
        ("one", "cancelled"),
        ("two", "waiting"),
    ]


def test_after_a_restart_what_failed_or_was_cancelled_is_made_only_if_it_was_saved_since(
    room: Room, desk: Desk
) -> None:
    for name in ("failed.txt", "cancelled.txt"):
        room.save(name, name)
    room.settle()
    desk.fail(desk.jobs[1], "no")
    desk.cancel(room.watched.client, desk.jobs[0].id)
    room.restart()
    assert room.settle() == []
    for name in ("failed.txt", "cancelled.txt"):
        os.utime(room.folder / name, (time.time() + 1,) * 2)
    room.restart()
    assert len(room.settle()) == 2


def test_a_full_queue_is_waited_for_also_across_a_restart(room: Room, desk: Desk) -> None:
    desk.refusal = Refused(429, "the queue is full (64 jobs)", "wait")
    os.utime(room.save("chorus.txt"), (time.time() + 1,) * 2)
    assert room.settle() == []
    told = [
        (0, 429, "the queue is full (64 jobs); it is tried again until it is taken"),
        (1, 0, "begins [Verse]"),
    ]
    assert room.told("chorus.txt") == [*told, (2, 0, "sung")]
    assert room.settle() == []
    assert len(room.told("chorus.txt")) == 3
    room.restart()
    assert room.settle() == []
    desk.refusal = None
    assert len(room.settle()) == 1
    assert room.settle() == []


# --- how editors save -----------------------------------------------------------------------------


def in_place(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        yield
        stream.write("two")
        stream.flush()
        yield
        stream.write(" three")


def temporary_and_rename(path: Path) -> Iterator[None]:
    fresh = path.with_name(f"{path.name}.tmp")
    fresh.write_text("two three")
    yield
    fresh.rename(path)


def temporary_of_the_same_kind(path: Path) -> Iterator[None]:
    fresh = path.with_name("new.txt")
    fresh.write_text("two three")
    yield
    fresh.rename(path)


def vim(path: Path) -> Iterator[None]:
    path.with_name(f".{path.name}.swp").write_bytes(b"b0VIM 8.2")
    path.with_name("4913").touch()
    yield
    path.with_name("4913").unlink()
    path.rename(f"{path}~")
    yield
    path.write_text("two three")
    yield
    Path(f"{path}~").unlink()
    path.with_name(f".{path.name}.swp").unlink()


def emacs(path: Path) -> Iterator[None]:
    path.with_name(f".#{path.name}").symlink_to("me@here.1:1")
    path.with_name(f"#{path.name}#").write_text("two thr")
    yield
    shutil.copy(path, f"{path}~")
    path.write_text("two three")
    yield
    path.with_name(f"#{path.name}#").unlink()
    path.with_name(f".#{path.name}").unlink()


def textedit(path: Path) -> Iterator[None]:
    fresh = path.with_name(f"{path.name}.sb-1a2b3c4d-Xy12Zz")
    fresh.write_text("two three")
    yield
    path.rename(path.with_name(".old.txt"))
    yield
    fresh.rename(path)
    path.with_name(".old.txt").unlink()


def delete_and_recreate(path: Path) -> Iterator[None]:
    path.unlink()
    yield
    path.write_text("two three")


def sed(path: Path) -> Iterator[None]:
    subprocess.run(["sed", "-i", "s/one/two three/", str(path)], check=True)
    yield


def moved_from_elsewhere(path: Path) -> Iterator[None]:
    other = path.parent.parent / "other.txt"
    other.write_text("two three")
    age(other, 3600)
    subprocess.run(["mv", str(other), str(path)], check=True)
    yield


EDITORS: list[Callable[[Path], Iterator[None]]] = [
    in_place, temporary_and_rename, temporary_of_the_same_kind, vim, emacs, textedit, delete_and_recreate, sed,
    moved_from_elsewhere,
]  # fmt: skip


@pytest.mark.parametrize("editor", EDITORS)
@pytest.mark.parametrize("looks", [False, True])
def test_however_an_editor_saves_it_is_one_take(
    room: Room, desk: Desk, editor: Callable[[Path], Iterator[None]], looks: bool
) -> None:
    path = room.save("chorus.txt", "one")
    room.settle()
    for _ in editor(path):
        if looks:
            room.look(0.05, hints=("chorus.txt",))
    assert [(order.request.lyrics, order.request.name) for order in room.settle()] == [
        ("two three", "chorus")
    ]
    assert [job.state for job in desk.jobs] == ["cancelled", "waiting"]


def test_a_folder_that_is_copied_into_it_is_not_looked_into_and_its_files_are_each_a_take(
    room: Room,
) -> None:
    songs = room.folder.parent / "songs"
    songs.mkdir()
    for name in ("one.txt", "two.md", "three.lrc", "cover.png", "notes.docx"):
        (songs / name).write_text(name)
    subprocess.run(["cp", "-r", str(songs), str(room.folder)], check=True)
    assert room.settle() == []
    subprocess.run(["cp", "-rp", f"{songs}/.", str(room.folder)], check=True)
    assert sorted(wish.lyrics for wish in wishes(room.settle())) == [
        "one.txt",
        "three.lrc",
        "two.md",
    ]


@pytest.mark.parametrize(
    "name",
    ".hidden.txt|~$chorus.txt|~chorus.txt|chorus.txt~|#chorus.txt#|.#chorus.txt|chorus.txt.swp|.chorus.txt.swp|4913|"
    "chorus.txt.tmp|chorus.txt.part|chorus.wav.crdownload|.DS_Store|chorus.txt.bak|chorus.txt.sb-1a2b-cd|._chorus.txt|"
    "chorus.txt.report.txt|Icon\r|Thumbs.db|chorus.txt.icloud|.goutputstream-X.txt|chorus.docx".split(
        "|"
    ),
)
def test_hidden_temporary_and_backup_files_are_left_alone(room: Room, name: str) -> None:
    room.save(name)
    assert room.settle() == []
    assert room.told(name) == []


def test_other_files_than_regular_ones_are_left_alone(room: Room) -> None:
    os.mkfifo(room.folder / "pipe.txt")
    (room.folder / "folder.txt").mkdir()
    (room.folder / "nowhere.txt").symlink_to(room.folder / "not there.txt")
    assert room.settle() == []


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["refrain.txt", "Chorus.txt", "chorus.md"])
def test_a_renamed_file_is_no_new_take_and_its_next_save_supersedes_the_last(
    room: Room, desk: Desk, name: str
) -> None:
    path = room.save("chorus.txt", "one")
    room.settle()
    path.rename(room.folder / name)
    assert room.settle() == []
    assert desk.jobs[0].state == "waiting"
    room.save(name, "two")
    (order,) = room.settle()
    assert order.request.name == Path(name).stem
    assert [job.state for job in desk.jobs] == ["cancelled", "waiting"]


def test_a_renamed_file_is_no_new_take_after_a_restart_either(room: Room, desk: Desk) -> None:
    room.save("one.txt", "one").rename(room.folder / "first.txt")
    room.settle()
    (room.folder / "first.txt").rename(room.folder / "second.txt")
    room.restart()
    assert room.settle() == []
    room.save("second.txt", "two")
    room.settle()
    assert [(job.request.lyrics, job.state) for job in desk.jobs] == [
        ("one", "cancelled"),
        ("two", "waiting"),
    ]


def test_a_copy_is_a_take_of_its_own_also_after_a_restart(room: Room) -> None:
    path = room.save("one.txt", "one")
    room.settle()
    shutil.copy(path, room.folder / "two.txt")
    os.utime(room.folder / "two.txt", (time.time() + 1,) * 2)
    room.restart()
    assert [wish.name for wish in wishes(room.settle())] == ["two"]


def test_a_new_file_in_the_place_of_a_renamed_one_leaves_its_job_alone(
    room: Room, desk: Desk
) -> None:
    path = room.save("chorus.txt", "one")
    room.settle()
    path.rename(room.folder / "old chorus.txt")
    room.settle()
    room.save("chorus.txt", "two")
    room.settle()
    assert [(job.request.lyrics, job.state) for job in desk.jobs] == [
        ("one", "waiting"),
        ("two", "waiting"),
    ]


def test_a_rename_before_the_file_has_settled_is_one_take_of_the_new_name(room: Room) -> None:
    path = room.save("untitled.txt")
    room.look(0.1)
    path.rename(room.folder / "chorus.txt")
    assert [wish.name for wish in wishes(room.settle())] == ["chorus"]


def test_a_file_that_is_deleted_and_another_one_in_its_place_are_not_mixed_up(
    room: Room, desk: Desk
) -> None:
    room.save("one.txt", "one")
    room.settle()
    (room.folder / "one.txt").unlink()
    room.look(0.1)
    room.save("two.txt", "two")  # likely with the same inode
    room.settle()
    assert [(job.request.lyrics, job.state) for job in desk.jobs] == [
        ("one", "waiting"),
        ("two", "waiting"),
    ]


def test_a_deleted_file_that_comes_back_as_it_was_is_no_new_take(room: Room, desk: Desk) -> None:
    path = room.save("chorus.txt")
    room.settle()
    desk.finish(desk.jobs[0])
    path.unlink()
    room.settle()
    room.save("chorus.txt")
    assert room.settle() == []


def test_links_are_followed_inside_of_the_folder_only(room: Room, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (room.folder / "leads out.txt").symlink_to(tmp_path / "secret.txt")
    (room.folder / "hidden").mkdir()
    (room.folder / "hidden" / "song.txt").write_text("song")
    (room.folder / "leads in.txt").symlink_to(room.folder / "hidden" / "song.txt")
    assert [wish.lyrics for wish in wishes(room.settle())] == ["song"]
    says = "it is a link that leads out of the folder; put the file itself there"
    assert room.told("leads out.txt") == [(0, 403, says)]
    assert "secret" not in room.reported("leads out.txt").replace("leads out", "")


@pytest.mark.parametrize(
    "name", ["Ünïcode ♪.txt", "line\nbreak.txt", "a'b\"c.txt", f"{'long' * 60}.txt", "#1 hit.txt"]
)
def test_any_name_is_taken(room: Room, name: str) -> None:
    room.save(name)
    (order,) = room.settle()
    assert "\n" not in order.id
    assert len(order.id) < 80


def test_a_name_that_is_not_utf_8_is_reported(room: Room) -> None:
    with open(os.fsencode(room.folder) + b"/caf\xe9.txt", "w") as stream:
        stream.write(WORDS)
    assert room.settle() == []
    assert [event.values[2:] for event in room.desk.told] == [
        (400, "its name is not in UTF-8; rename it")
    ]


# --- what cannot be taken -------------------------------------------------------------------------


def test_what_was_not_understood_is_reported_line_by_line_until_it_is(
    room: Room, desk: Desk
) -> None:
    room.save("chorus.txt", "---\nprompt: warm\nbmp: 92\n---\nla la\n[chrous]\n")
    (order,) = room.settle()
    assert room.told("chorus.txt") == [
        (0, 0, f"on its way: {order.id}"),
        (1, 0, "around the parameters"),
        (2, 0, "prompt = warm"),
        (3, 404, "no parameter is called 'bmp'; did you mean bpm?"),
        (4, 0, "around the parameters"),
        (5, 0, "sung"),
        (6, 404, "marker [chrous]; did you mean [Chorus]?"),
    ]
    assert "line 3: bmp: 92\n    no parameter is called 'bmp'; did you mean bpm?" in room.reported(
        "chorus.txt"
    )
    room.save("chorus.txt", "---\nprompt: warm\nbpm: 92\n---\nla la\n[chorus]\n")
    room.settle()
    assert room.reported("chorus.txt") == ""
    assert not any(path.name.startswith(".") for path in room.watch.out.iterdir())


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"\0\1\2", 400, "it is no text: it holds zero bytes"),
        (
            "---\nbpm: 92\n---\n",
            400,
            "there is nothing to play: prompt and lyrics are empty; say what it should sound like",
        ),
        ("---\nbars: 1000\n---\nla", 422, "the clip must be at most 600 seconds long"),
        ("la " * 100_000, 413, "it is too big: it has 293 KB, at most 256 KB are read"),
    ],
)
def test_what_makes_no_take_says_why_and_leaves_the_last_one_alone(
    room: Room, desk: Desk, content: str | bytes, code: int, says: str
) -> None:
    room.save("chorus.txt", "one")
    room.settle()
    room.save("chorus.txt", content)
    assert room.settle() == []
    (problem,) = [(found, text) for line, found, text in room.told("chorus.txt") if found]
    assert problem[0] == code
    assert says in problem[1]
    assert says in room.reported("chorus.txt")
    assert desk.jobs[0].state == "waiting"
    room.save("chorus.txt", "two")
    assert len(room.settle()) == 1
    assert room.reported("chorus.txt") == ""


def test_a_file_that_may_not_be_read_is_taken_when_it_may(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    room.save("chorus.txt")
    with monkeypatch.context() as patch:
        patch.setattr("daemon.watch.watched_files.os.open", denied)
        assert room.settle() == []
    assert room.told("chorus.txt") == [
        (0, 403, "it cannot be read: Permission denied; it is tried again")
    ]
    assert len(room.settle()) == 1


def test_a_text_in_any_encoding_is_read_and_that_is_said(room: Room) -> None:
    room.save("one.txt", "café".encode("utf-16"))
    room.save("two.txt", "café".encode("cp1252"))
    assert [wish.lyrics for wish in wishes(room.settle())] == ["café", "café"]
    assert (0, 0, "read as UTF-16") in room.told("one.txt")
    assert (0, 0, "read as Windows-1252") in room.told("two.txt")


def test_how_a_job_fails_is_in_the_report_until_it_is_made(room: Room, desk: Desk) -> None:
    room.save("chorus.txt")
    room.settle()
    desk.fail(desk.jobs[0], "the disk is full")
    assert "the file\n    the disk is full; try it again" in room.reported("chorus.txt")
    room.restart()
    room.settle()
    assert "the disk is full" in room.reported("chorus.txt")
    desk.jobs[0].state = JobState.WAITING  # it was kept
    desk.finish(desk.jobs[0])
    assert room.reported("chorus.txt") == ""


def test_an_output_that_takes_no_files_keeps_nobody_from_ordering(room: Room, desk: Desk) -> None:
    room.watch.out.write_text("in the way")
    room.save("chorus.txt", "la\n[chrous]")
    assert len(room.settle()) == 1


def test_a_mishap_with_one_file_does_not_stop_the_others_and_is_tried_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.save("one.txt", "one")
    room.save("two.txt", "two")
    with monkeypatch.context() as patch:
        patch.setattr(
            "daemon.watch.sheet.read",
            lambda text, *_: 1 / 0 if text == "one" else Sheet({"lyrics": text}),
        )
        assert [wish.lyrics for wish in wishes(room.settle())] == ["two"]
    room.look(31)
    assert [wish.lyrics for wish in wishes(room.settle())] == ["one"]


def test_a_very_long_sheet_is_told_in_part_and_reported_whole(room: Room) -> None:
    room.save("chorus.txt", "la\n[chrous]\n" * 200)
    room.settle()
    told = room.told("chorus.txt")
    assert len(told) == folder.MAX_TOLD + 1
    assert (0, 0, "351 more notes are not sent") in told
    assert "chorus.txt: 200 things to look at" in room.reported("chorus.txt")


# --- the folder's defaults ------------------------------------------------------------------------


def test_the_folder_s_defaults_hold_from_the_next_save_on(room: Room, desk: Desk) -> None:
    path = room.save("chorus.txt", "bpm: 92\n\nla")
    room.settle()
    room.save("acestepd.txt", "prompt: warm\nbpm: 80\nkey: Am\n")
    assert room.settle() == []
    os.utime(path)
    (order,) = room.settle()
    assert order.request.prompt == "warm"
    assert order.request.bpm == 92
    assert order.request.key == "A minor"
    assert desk.jobs[0].state == "cancelled"
    (room.folder / "acestepd.txt").unlink()
    assert room.settle() == []
    room.save("chorus.txt", "bpm: 92\n\nla la")
    (order,) = room.settle()
    assert order.request.prompt == ""


def test_defaults_that_are_saved_together_with_a_text_hold_for_it(room: Room) -> None:
    room.save("a.txt", "la")
    room.save("AceStepD.txt", "prompt: warm")
    room.save("b.txt", "lo")
    assert {wish.prompt for wish in wishes(room.settle())} == {"warm"}


def test_defaults_are_known_after_a_restart_and_change_no_take_by_themselves(
    room: Room, desk: Desk
) -> None:
    room.save("chorus.txt", "la")
    age(room.save("acestepd.txt", "prompt: warm"), 3600)
    room.settle()
    room.save("acestepd.txt", "prompt: cold")
    room.restart()
    assert room.settle() == []
    room.save("chorus.txt", "la la")
    assert [wish.prompt for wish in wishes(room.settle())] == ["cold"]


def test_what_is_wrong_with_the_defaults_is_reported(room: Room) -> None:
    room.save("acestepd.txt", "prompt: warm\nbmp: 80\n")
    room.settle()
    assert (2, 404, "no parameter is called 'bmp'; did you mean bpm?") in room.told("acestepd.txt")
    assert "line 2: bmp: 80" in room.reported("acestepd.txt")


# --- audio files and manifests --------------------------------------------------------------------


def test_an_audio_file_is_the_source_of_the_folder_s_task(tmp_path: Path, desk: Desk) -> None:
    room = Room(tmp_path, desk, Watch(folder=tmp_path, audio="cover"))
    room.look()
    room.save("acestepd.txt", "prompt: warm\nstems: drums")
    room.save("loop.wav", b"RIFF")
    (order,) = room.settle()
    assert order.request.task == "cover"
    assert order.request.source == str(tmp_path / "loop.wav")
    assert order.request.prompt == "warm"
    assert order.request.stems == "drums"
    assert order.request.name == "loop"


def test_an_audio_file_needs_no_words_to_take_its_stems_out(room: Room) -> None:
    room.save("loop.flac", b"fLaC")
    assert [(wish.task, wish.name) for wish in wishes(room.settle())] == [("extract", "loop")]


def test_a_text_beside_an_audio_file_gives_its_parameters(room: Room, desk: Desk) -> None:
    room.save("loop.wav", b"RIFF")
    room.save("loop.txt", "task: repaint\nrepaint_start: 0:04\nprompt: a solo\n")
    (order,) = room.settle()
    assert order.request.task == "repaint"
    assert order.request.repaint_start == 4.0
    assert order.request.prompt == "a solo"
    assert order.request.source == str(room.folder / "loop.wav")
    room.save("loop.txt", "task: repaint\nrepaint_start: 0:08\nprompt: a solo\n")
    (order,) = room.settle()
    assert order.request.repaint_start == 8.0
    assert [job.state for job in desk.jobs] == ["cancelled", "waiting"]


def test_a_text_may_name_a_source_in_its_folder_and_none_outside(
    room: Room, tmp_path: Path
) -> None:
    (tmp_path / "out.wav").write_bytes(b"RIFF")
    room.save("loop.wav", b"RIFF")
    room.settle()
    room.save("in.txt", "source: loop.wav\ntask: cover\nprompt: warm\n")
    room.save("off.txt", f"task: cover\nsource: {tmp_path / 'out.wav'}\nprompt: warm\n")
    (order,) = room.settle()
    assert order.request.task == "cover"
    assert order.request.source == str(room.folder / "loop.wav")
    assert [code for _, code, _ in room.told("off.txt") if code] == [400, 403]


def test_a_source_without_a_task_is_for_the_folder_s(room: Room) -> None:
    room.save("loop.wav", b"RIFF")
    room.settle()
    room.save("bass.txt", "source: loop.wav\nstems: bass\n")
    assert [(wish.task, wish.stems) for wish in wishes(room.settle())] == [("extract", "bass")]


def test_the_task_among_the_defaults_is_not_for_texts(room: Room) -> None:
    room.save("acestepd.txt", "task: cover\nprompt: warm\n")
    room.save("chorus.txt", "la")
    assert [wish.task for wish in wishes(room.settle())] == [""]


def test_audio_is_left_alone_where_that_is_set(tmp_path: Path, desk: Desk) -> None:
    room = Room(tmp_path, desk, Watch(folder=tmp_path, audio="ignore"))
    room.look()
    room.save("loop.wav", b"RIFF")
    room.save("loop.txt", "la")
    assert [(wish.task, wish.lyrics) for wish in wishes(room.settle())] == [("", "la")]


def manifest(request: Request, model: str = "mini") -> str:
    return json.dumps({"request": asdict(request), "model": model})


def test_a_manifest_makes_that_take_again(room: Room) -> None:
    room.save("acestepd.txt", "prompt: cold\nbpm: 60\n")
    take = Request(prompt="warm", bpm=92, seed=7, name="chorus", num_steps=8)
    room.save("chorus_92bpm_s7.json", manifest(take))
    (order,) = room.settle()
    assert order.request == take


def test_a_manifest_makes_a_variation_where_the_folder_s_defaults_have_a_seed(room: Room) -> None:
    room.save("acestepd.txt", "seed: -1\n")
    room.save("take.json", manifest(Request(prompt="warm", seed=7)))
    (order,) = room.settle()
    assert order.request == Request(prompt="warm", seed=-1)


def test_a_manifest_of_another_model_says_that_it_will_differ(room: Room) -> None:
    room.save("take.json", manifest(Request(prompt="warm", seed=7), "turbo"))
    assert len(room.settle()) == 1
    assert (0, 409, "turbo played this and mini plays now: it will differ") in room.told(
        "take.json"
    )


@pytest.mark.parametrize(
    "content",
    ["{}", "[1, 2", '{"request": {"bpm": 9000}, "model": "x"}', '{"request": 1, "model": 2}'],
)
def test_other_json_is_reported(room: Room, content: str) -> None:
    room.save("package.json", content)
    assert room.settle() == []
    assert [code for _, code, _ in room.told("package.json")] == [400]


def test_a_manifest_may_not_name_files_elsewhere(room: Room, tmp_path: Path) -> None:
    (tmp_path / "out.wav").write_bytes(b"RIFF")
    take = replace(Request(prompt="x", task="cover"), source=str(tmp_path / "out.wav"))
    room.save("take.json", manifest(take))
    assert room.settle() == []
    assert [code for _, code, _ in room.told("take.json")] == [403]


def test_a_manifest_does_not_tell_which_files_there_are_elsewhere(room: Room) -> None:
    data = json.loads(manifest(Request(prompt="x")))
    data["request"] |= {"task": "cover", "source": "/nowhere/secret.wav"}
    room.save("take.json", json.dumps(data))
    assert room.settle() == []
    assert [code for _, code, _ in room.told("take.json")] == [403]


def test_our_own_results_are_never_taken(tmp_path: Path, desk: Desk) -> None:
    # somebody watches the very folder that all clips land in
    desk.settings = Settings(out=tmp_path)
    room = Room(tmp_path, desk)
    room.look()
    room.save("chorus.txt", "la\n[chrous]")
    for _ in range(3):
        room.settle()
        for job in desk.active():
            desk.finish(job)
            job.out = tmp_path
            desk.finish(job)
    assert len(desk.jobs) == 1


# --- the folder itself ----------------------------------------------------------------------------


def test_a_folder_that_is_not_there_is_waited_for_and_never_made(
    tmp_path: Path, desk: Desk
) -> None:
    room = Room(tmp_path / "volume", desk)
    room.settle()
    assert not room.folder.exists()
    says = "the folder is not there; it is watched as soon as it can be"
    assert [event.values for event in desk.told] == [(str(room.folder), 0, 404, says)]
    room.folder.mkdir()
    age(room.save("old.txt", "old"), 3600)
    os.utime(room.save("new.txt", "new"), (time.time() + 1,) * 2)
    assert [wish.lyrics for wish in wishes(room.settle())] == ["new"]


def test_a_folder_that_is_deleted_and_made_anew_is_watched_on(room: Room, desk: Desk) -> None:
    room.save("same.txt", "same")
    room.save("other.txt", "one")
    room.settle()
    for path in room.folder.iterdir():
        path.unlink()
    room.folder.rmdir()
    room.settle()
    room.folder.mkdir()
    room.save("same.txt", "same")
    os.utime(room.save("other.txt", "two"), (time.time() + 1,) * 2)
    assert [wish.lyrics for wish in wishes(room.settle())] == ["two"]


def test_a_volume_that_comes_back_with_other_inodes_is_nothing_new(room: Room, desk: Desk) -> None:
    room.save("made.txt", "made")
    room.settle()
    age(room.save("old.txt", "old"), 3600)
    room.restart()
    room.settle()
    away = room.folder.with_name("away")
    room.folder.rename(away)
    room.settle()
    subprocess.run(["cp", "-rp", str(away), str(room.folder)], check=True)
    assert room.settle() == []


def test_folders_have_settings_of_their_own(tmp_path: Path, desk: Desk) -> None:
    rooms = []
    for name, prompt in (("a", "warm"), ("b", "cold")):
        (tmp_path / name).mkdir()
        rooms.append(
            Room(
                tmp_path / name, desk, Watch(folder=tmp_path / name, request=Request(prompt=prompt))
            )
        )
        rooms[-1].look()
        rooms[-1].save("same.txt", "same")
    orders = [order for room in rooms for order in room.settle()]
    assert [(order.request.prompt, order.out) for order in orders] == [
        ("warm", tmp_path / "a" / "takes"), ("cold", tmp_path / "b" / "takes"),
    ]  # fmt: skip
    assert len({order.id for order in orders}) == 2


# --- anything, in any order -----------------------------------------------------------------------

NAMES = st.sampled_from(["a.txt", "b.txt", "c.md"])
CONTENTS = st.sampled_from(["one", "two", "three", "", " "])
STEPS = st.one_of(
    st.tuples(st.just("save"), NAMES, CONTENTS),
    st.tuples(st.just("replace"), NAMES, CONTENTS),
    st.tuples(st.just("rename"), NAMES, NAMES),
    st.tuples(st.sampled_from(["delete", "touch"]), NAMES, st.just("")),
    st.tuples(
        st.sampled_from(["finish", "restart", "settle", "look", "look"]), st.just(""), st.just("")
    ),
)


def step(room: Room, what: str, name: str, other: str) -> None:
    path = room.folder / name
    if what == "save":
        room.save(name, other)
    elif what == "replace":
        room.save("fresh.tmp", other).rename(path)
    elif what == "rename" and path.exists():
        path.rename(room.folder / other)
    elif what == "delete":
        path.unlink(missing_ok=True)
    elif what == "touch" and path.exists():
        os.utime(path)
    elif what == "finish":
        for job in room.desk.active():
            room.desk.finish(job)
    elif what == "restart":
        room.settle()
        room.restart()
    elif what == "settle":
        room.settle()
    elif what == "look":
        room.look(0.1)


@given(st.lists(STEPS, max_size=25))
@hypothesis.settings(max_examples=150, deadline=None)
def test_whatever_happens_every_content_there_is_has_its_take_and_none_has_two(
    steps: list[tuple[str, str, str]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        room = Room(Path(name), Desk(Path(name) / "clips"))
        room.desk.journal.first[room.watched.client] = 0.0
        room.restart()
        room.look()
        for each in steps:
            step(room, *each)
        room.settle()
        jobs = room.desk.jobs
        wanted = {
            path.read_text() for path in room.folder.glob("*.[tm]*") if path.read_text().strip()
        }
        assert wanted <= {job.request.lyrics for job in jobs if job.state != "cancelled"}
        made = [(job.origin, job.request.lyrics) for job in jobs if job.state != "cancelled"]
        assert len(made) == len(set(made))
        assert room.settle() == []
        room.restart()
        assert room.settle() == []


# --- with a thread and real events ----------------------------------------------------------------


class Stage:
    """Watchers at work on a folder, which is empty and has been watched before."""

    def __init__(self, folder: Path, desk: Desk) -> None:
        self.folder = folder
        self.desk = desk
        desk.journal.first[f"watch:{folder}"] = time.time() - 10
        self.watchers = Watchers([Watch(folder=folder)], desk, Panel(Request()), AllowedFolders([]))
        self.watchers.start()

    def next(self) -> str:
        return self.desk.orders.get(timeout=PATIENCE).request.lyrics

    def save(self, name: str, content: str) -> None:
        fresh = self.folder.parent / "fresh"
        fresh.write_text(content)
        fresh.rename(self.folder / name)

    def is_quiet(self) -> bool:
        """Nothing else was ordered before a last file is."""
        self.save("last.txt", "last")
        return self.next() == "last" and self.desk.orders.empty()


@pytest.fixture
def stage(tmp_path: Path, desk: Desk) -> Iterator[Stage]:
    (tmp_path / "lyrics").mkdir()
    made = Stage(tmp_path / "lyrics", desk)
    yield made
    made.watchers.close()


def test_what_is_saved_is_ordered_by_itself(stage: Stage) -> None:
    (stage.folder / "chorus.txt").write_text("one")
    assert stage.next() == "one"
    (stage.folder / "chorus.txt").write_text("two")
    assert stage.next() == "two"
    assert stage.is_quiet()


def test_two_hundred_edits_as_fast_as_they_can_be_end_with_the_last(stage: Stage) -> None:
    for number in range(200):
        (stage.folder / "chorus.txt").write_text(f"take {number}")
    while stage.next() != "take 199":
        pass
    assert [job.request.lyrics for job in stage.desk.active()] == ["take 199"]
    assert stage.desk.most_open == 1
    assert stage.is_quiet()


def test_a_folder_that_is_replaced_is_armed_again(stage: Stage) -> None:
    for number in range(3):
        shutil.rmtree(stage.folder)
        stage.folder.mkdir()
        stage.save("chorus.txt", f"take {number}")
        assert stage.next() == f"take {number}"
    stage.folder.rename(stage.folder.with_name("moved"))
    stage.folder.mkdir()
    stage.save("chorus.txt", "another")
    assert stage.next() == "another"


def test_a_link_to_a_folder_that_moves_on_is_followed(tmp_path: Path, desk: Desk) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "lyrics").symlink_to(tmp_path / "one")
    stage = Stage(tmp_path / "lyrics", desk)
    stage.save("chorus.txt", "in one")
    assert stage.next() == "in one"
    (tmp_path / "new").symlink_to(tmp_path / "two")
    (tmp_path / "new").rename(tmp_path / "lyrics")
    stage.save("chorus.txt", "in two")
    assert stage.next() == "in two"
    stage.watchers.close()


def test_without_any_events_it_looks_by_itself(
    tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr("watchdog.observers.api.BaseObserver.schedule", full)
    (tmp_path / "lyrics").mkdir()
    stage = Stage(tmp_path / "lyrics", desk)
    stage.save("chorus.txt", "one")
    assert stage.next() == "one"
    stage.watchers.close()
    assert (
        len(
            [
                record
                for record in caplog.records
                if "looked into every 2 seconds only" in record.message
            ]
        )
        == 1
    )


def test_other_folders_can_be_watched_while_it_runs(stage: Stage, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    stage.save("one.txt", "one")
    assert stage.next() == "one"
    stage.desk.journal.first[f"watch:{other}"] = time.time() - 10
    stage.watchers.change([Watch(folder=other)], AllowedFolders([]))
    (other / "two.txt").write_text("two")
    assert stage.next() == "two"
    stage.save("three.txt", "not watched any more")
    stage.folder = other
    assert stage.is_quiet()


def test_the_settings_of_a_folder_can_change_while_it_is_watched(stage: Stage) -> None:
    stage.save("one.txt", "one")
    assert stage.next() == "one"
    stage.watchers.change(
        [Watch(folder=stage.folder, request=Request(prompt="warm"))], AllowedFolders([])
    )
    stage.save("one.txt", "two")
    assert stage.desk.orders.get(timeout=PATIENCE).request.prompt == "warm"
    assert stage.is_quiet()


def test_endings_reach_the_report_through_the_engine_s_events(stage: Stage) -> None:
    stage.save("one.txt", "one")
    stage.next()
    stage.desk.fail(stage.desk.jobs[0], "out of memory")
    report = stage.folder / "takes" / "one.txt.report.txt"
    assert stage.is_quiet()  # and so the thread has been round
    stage.save("more.txt", "more")
    assert stage.next() == "more"
    assert "out of memory" in report.read_text()


def test_it_closes_at_once_and_without_having_been_started(tmp_path: Path, desk: Desk) -> None:
    before = threading.enumerate()
    Watchers([], desk, Panel(Request()), AllowedFolders([])).close()
    idle = Watchers([], desk, Panel(Request()), AllowedFolders([]))
    idle.start()
    idle.close()
    assert not [
        thread
        for thread in threading.enumerate()
        if thread.name == "watch" and thread not in before
    ]
