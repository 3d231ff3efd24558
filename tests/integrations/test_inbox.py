"""out/.inbox: programs without sockets find every clip there, say who they are, and what they have
done.
"""

from __future__ import annotations

import errno
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import soundfile
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import daemon
from daemon.integrations.clients import PRESENT_SECONDS
from daemon.integrations.inbox import DAY, INBOX, LAST
from daemon.integrations.readers import SETTLE_SECONDS, SOMEWHERE, parse_answer
from daemon.jobs import Event, Job
from daemon.journal import Journal
from daemon.runtime.lock import read_holder
from daemon.settings import Settings
from tests.integrations.conftest import KEY_NOTE, NOTED_PROMPT, TEMPO_NOTE
from tests.support import inbox_wrecks, riff
from tests.support.daemon_process import started
from tests.support.examples import scale_examples
from tests.support.inbox import Entry, Reader
from tests.support.osc_client import OscClient, make_clip
from tests.support.stage import Stage, named, on_stage, subscribed
from tests.support.volumes import mounted
from tests.support.waiting import until

MADE = ("prompt", "warm lo-fi beat", "bars", 1, "bpm", 120, "key", "Am", "seed", 7)


# --- what is in it --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with on_stage(tmp_path_factory.mktemp("stage"), insert_to="") as running:
        yield running


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as connected:
        yield connected


@pytest.fixture
def reader(stage: Stage) -> Reader:
    """One that has read everything there was."""
    reader = Reader(stage.settings.out)
    until(reader.folder.is_dir)
    return reader


def entries_of(reader: Reader, id: str, count: int) -> list[Entry]:
    def read() -> list[Entry]:
        return [entry for entry in reader.read() if entry["id"] == id]

    until(lambda: len(read()) >= count)
    return read()


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("kind", ["wav16", "wav24", "wav32f", "flac"])
def test_an_entry_says_what_the_clip_the_file_and_the_manifest_say(
    client: OscClient, reader: Reader, kind: str, rate: int
) -> None:
    id = f"{kind}{rate}"
    client.send(
        "/ace/generate", id, *MADE, "stems", "drums bass", "format", kind, "sample_rate", rate
    )
    told = client.until_end(id)
    clips = [values for address, values in told if address == "/ace/clip"]
    manifest = Path(told[-1][1][2])
    written = json.loads(manifest.read_bytes())
    entries = entries_of(reader, id, 3)
    for number, (entry, clip) in enumerate(zip(entries, clips, strict=True)):
        assert [entry[name] for name in ("id", "stem", "path", "bpm", "bars")] == clip[:5]
        assert entry["seed"] == int(clip[5]) == 7
        assert (entry["file"], entry["files"]) == (number + 1, 3)
        assert entry["manifest"] == str(manifest)
        sound = soundfile.info(entry["path"])
        assert (entry["samples"], entry["sample_rate"]) == (sound.frames, sound.samplerate)
        assert entry["seconds"] == pytest.approx(2.0, abs=1e-4)
        assert entry["beats"] == written["clips"][number]["beats"]
        assert entry["beats"] == pytest.approx(4.0, abs=1e-3)
        if kind != "flac":
            acid = dict(riff.walk(Path(entry["path"]).read_bytes()))[b"acid"]
            _, _, _, _, beats, _, _, bpm = struct.unpack("<IHHfIHHf", acid)
            assert (round(entry["beats"]), entry["bpm"]) == (beats, bpm)
    first = entries[0]
    assert first["name"] == "warm-lo-fi-beat"
    assert first["prompt"] == "warm lo-fi beat"
    assert first["key"] == "A minor"
    assert first["time_signature"] == "4/4"
    assert first["loop"] is False
    assert first["client"] == f"udp:127.0.0.1:{client.port}"
    assert (first["parent"], first["batch"], first["take"], first["takes"]) == ("", "", 1, 1)
    assert (first["insert"], first["track"], first["slot"]) == ("", -1, -1)
    assert first["acestepd"] == 1


def test_the_readme_shows_an_entry_as_it_is(client: OscClient, reader: Reader) -> None:
    page = (Path(daemon.__file__).parent / "README.md").read_text("utf-8")
    shown = json.loads(page.partition("```json\n")[2].partition("```")[0])
    make_clip(client, "shown", *MADE)
    (entry,) = entries_of(reader, "shown", 1)
    assert {name: type(value) for name, value in shown.items()} == {
        name: type(value) for name, value in entry.items()
    }


def test_an_entry_has_the_manifests_notes(client: OscClient, reader: Reader) -> None:
    make_clip(client, "noted", "prompt", NOTED_PROMPT, "bars", 1, "stems", "drums")
    for entry in entries_of(reader, "noted", 2):
        assert entry["notes"] == [f"{TEMPO_NOTE}: it was taken", KEY_NOTE]


def test_what_has_no_tempo_says_zero(client: OscClient, reader: Reader) -> None:
    make_clip(client, "free", "prompt", "x", "seconds", 0.5, "time_signature", "6/8")
    (entry,) = entries_of(reader, "free", 1)
    assert (entry["bpm"], entry["bars"], entry["beats"], entry["key"]) == (0, 0, 0, "")
    assert entry["seconds"] == 0.5
    assert entry["time_signature"] == "6/8"


def test_takes_are_counted_and_a_reroll_names_its_parent(client: OscClient, reader: Reader) -> None:
    client.send("/ace/generate", "three", *MADE, "count", 3)
    for number in (1, 2, 3):
        client.until("/ace/finished", f"three.{number}")
    takes = [entries_of(reader, f"three.{number}", 1)[0] for number in (1, 2, 3)]
    assert [(entry["batch"], entry["take"], entry["takes"]) for entry in takes] == [
        ("three", 1, 3),
        ("three", 2, 3),
        ("three", 3, 3),
    ]
    assert [entry["seed"] for entry in takes] == [7, 8, 9]
    client.send("/ace/reroll", "again", "three.2")
    client.until("/ace/finished", "again")
    (again,) = entries_of(reader, "again", 1)
    assert (again["parent"], again["origin"]) == ("three.2", "reroll of three.2")


def test_names_rise_and_are_the_entries_own(client: OscClient, reader: Reader) -> None:
    for number in range(3):
        make_clip(client, f"rise{number}")
    seqs = [entry["seq"] for number in range(3) for entry in entries_of(reader, f"rise{number}", 1)]
    assert seqs == sorted(seqs)
    for seq in seqs:
        entry = json.loads((reader.folder / f"{seq}.json").read_bytes())
        assert len(str(seq)) == 13
        assert entry["seq"] == seq
        assert abs(seq / 1000 - entry["time"]) < 60
    until(lambda: not list(reader.folder.glob(".*")))  # no half file is left


def test_a_pad_that_is_hit_again_enters_its_take_again(
    stage: Stage, client: OscClient, reader: Reader
) -> None:
    client.ask("/ace/bank/fill", "dusty", 1, 1)
    for _ in range(2):
        client.send("/ace/pad/hit", 1)
        path = client.until("/ace/clip")[-1][1][2]
        client.until("/ace/finished")
    until(lambda: len([entry for entry in reader.read() if entry["path"] == path]) == 2)
    first, again = (entry for entry in reader.read() if entry["path"] == path)
    for name in ("seq", "time"):
        first.pop(name), again.pop(name)
    assert first == again


def test_where_it_is_can_be_read_in_the_state_folder(stage: Stage) -> None:
    holder = read_holder(stage.settings.state)
    assert holder
    assert holder.out == str(stage.settings.out)


def test_nobody_else_may_enter_it(client: OscClient, reader: Reader) -> None:
    make_clip(client, "private")
    entries_of(reader, "private", 1)
    for folder in (reader.folder, reader.folder / "done", reader.folder / "readers"):
        assert folder.stat().st_mode & 0o777 == 0o700
    for path in reader.folder.glob("*.json"):
        assert path.stat().st_mode & 0o777 == 0o600


# --- programs that read it ------------------------------------------------------------------------


@pytest.fixture
def open_stage(tmp_path: Path) -> Iterator[Stage]:
    """One where the program that is there puts clips in."""
    with on_stage(tmp_path) as running:
        until((tmp_path / "out" / INBOX / "readers").is_dir)
        yield running


def come(stage: Stage, client: OscClient, reader: Reader) -> None:
    """The program runs, and the daemon knows."""
    reader.touch()
    stage.upkeep.wake()
    until(lambda: reader.name in list_clients(client))


def list_clients(client: OscClient) -> dict[str, list[Any]]:
    client.send("/ace/clients")
    answers = client.until("/ace/done", "/ace/clients")
    return {values[0]: values for address, values in answers if address == "/ace/client"}


def test_a_program_that_reads_is_the_one_that_puts_clips_in_and_says_where(
    open_stage: Stage,
) -> None:
    reader = Reader(open_stage.settings.out)
    with closing(open_stage.client()) as client, subscribed(open_stage, "inserted") as pads:
        come(open_stage, client, reader)
        name, where, seconds, inserts = list_clients(client)["reaper"]
        assert (name, where, inserts) == ("reaper", "inbox:reaper", 1)
        assert seconds < 30
        path = make_clip(client, "a", *MADE, "stems", "drums")[2]
        entries = reader.wait(2)
        assert [entry["insert"] for entry in entries] == ["reaper", "reaper"]
        for entry in entries:
            reader.answer(entry, "track 3")
        open_stage.upkeep.wake()
        assert pads.until("/ace/inserted")[-1][1] == ["a", "reaper", "track 3", path]
        until(lambda: not list((reader.folder / "done").iterdir()))
        assert pads.is_quiet(), "once for all of its clips"
        (job,) = open_stage.journal.search("a")
        assert (job.insert_for, job.inserted) == ("", ("reaper", "track 3"))


def test_a_program_that_comes_a_moment_after_the_daemon_misses_nothing(open_stage: Stage) -> None:
    reader = Reader(open_stage.settings.out)
    with closing(open_stage.client()) as client:
        make_clip(client, "early")
        (early,) = reader.wait(1)
        assert early["insert"] == ""
        come(open_stage, client, reader)
        _, again = reader.wait(2)
        assert (again["id"], again["path"]) == ("early", early["path"])
        assert again["insert"] == "reaper"


def test_asked_for_by_hand_a_clip_is_entered_again_with_its_place(open_stage: Stage) -> None:
    reader = Reader(open_stage.settings.out)
    with closing(open_stage.client()) as client:
        come(open_stage, client, reader)
        make_clip(client, "a")
        (entry,) = reader.wait(1)
        assert client.ask("/ace/insert", "a")[0] == "/ace/done"
        assert client.ask("/ace/insert", "a", 2, 5)[0] == "/ace/done"
        _, again = reader.wait(2)
        assert (again["insert"], again["track"], again["slot"]) == ("reaper", 2, 5)
        assert (again["id"], again["path"]) == ("a", entry["path"])
        assert len(reader.read()) == 2, "what waits already is not entered twice"
        for waiting in reader.read():
            reader.remove(waiting)
        assert client.ask("/ace/insert", "a")[0] == "/ace/done"
        assert reader.wait(1)[0]["slot"] == -1


def test_no_name_but_a_programs_own_file_is_one(open_stage: Stage, tmp_path: Path) -> None:
    readers = open_stage.settings.out / INBOX / "readers"
    for name in ("UPPER", ".hidden", "two words", "auto", "x" * 33, "-x"):
        (readers / name).touch()
    (readers / "folder").mkdir()
    (readers / "link").symlink_to(tmp_path / "out")
    os.mkfifo(readers / "pipe")
    with closing(open_stage.client()) as client:
        come(open_stage, client, Reader(open_stage.settings.out, "shell"))
        assert list(list_clients(client)) == ["shell"]


@pytest.mark.parametrize("ahead", [60.0, 86_400.0, 1e9])
def test_a_program_whose_clock_runs_ahead_is_there_as_long_as_it_touches_its_file(
    place: Place, ahead: float
) -> None:
    file = place.path / "readers" / "ghost"

    def touch() -> None:
        touched = time.time() + place.late + ahead
        file.touch()
        os.utime(file, (touched, touched))
        place.inbox.tick()

    touch()
    place.late += PRESENT_SECONDS - 1
    place.inbox.tick()
    assert place.clients.find("ghost")
    touch()
    place.late += PRESENT_SECONDS - 1
    place.inbox.tick()
    assert place.clients.find("ghost")
    for _ in range(3):
        place.late += 10
        place.inbox.tick()
    assert place.clients.find("ghost") is None, "its file has the same time as before"
    place.late += DAY
    place.inbox.tick()
    assert not file.exists()


def test_seventy_files_take_nobody_his_place(open_stage: Stage) -> None:
    readers = open_stage.settings.out / INBOX / "readers"
    with closing(open_stage.client()) as client, named(open_stage, "live") as live:
        for number in range(70):
            (readers / f"reader{number:02}").touch()
        come(open_stage, client, Reader(open_stage.settings.out, "reader00"))
        assert "live" in list_clients(client)
        make_clip(client, "a")
        assert live.until("/ace/insert")[-1][1][0] == "a"


def test_settings_turn_it_off_and_on_while_it_runs(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "out")
    with on_stage(tmp_path, inbox=0) as stage, closing(stage.client()) as client:

        def change(inbox: int) -> None:
            stage.engine.active()  # waits for who publishes: the inbox has heard of all clips
            stage.apply(
                Settings(
                    out=tmp_path / "out", state=tmp_path / "state", port=0, page=-1, inbox=inbox
                )
            )

        make_clip(client, "a")
        assert not reader.folder.exists()
        change(256)
        until((reader.folder / LAST).exists)
        make_clip(client, "b")
        assert [entry["id"] for entry in reader.wait(1)] == ["b"]
        change(0)
        until(lambda: not (reader.folder / LAST).exists())
        make_clip(client, "c")
        change(256)
        until((reader.folder / LAST).exists)
        make_clip(client, "d")
        assert [entry["id"] for entry in reader.wait(2)] == ["b", "d"]


# --- the folder by itself -------------------------------------------------------------------------


class Place:
    """An inbox without a daemon around it, on a clock of its own."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        (folder / "out").mkdir(exist_ok=True)
        self.path = folder / "out" / INBOX
        self.journal = Journal(folder / "journal.sqlite")
        self.late = 0.0  # seconds that the clock goes ahead
        self.reader = Reader(folder / "out")
        self.open(**settings)

    def open(self, **settings: Any) -> None:
        """As another daemon."""
        self.clients, self.inserter, self.inbox = inbox_wrecks.open_inbox(
            self.folder, self.journal, lambda: time.time() + self.late
        )
        self.inbox.settings = Settings(out=self.folder / "out", **settings)

    def land(self, id: str) -> Event:
        return inbox_wrecks.land(self.folder, self.journal, id)

    def enter(self, *ids: str) -> None:
        for id in ids:
            self.inbox.on_event(self.land(id))
        self.inbox.tick()

    def ids(self) -> list[str]:
        return [entry["id"] for entry in self.reader.read()]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.inbox.tick()
    yield made
    made.journal.close()


def test_what_ended_and_was_not_entered_is_entered_by_the_next_daemon(place: Place) -> None:
    place.enter("a")
    place.land("b")
    place.open()
    place.inbox.tick()
    assert place.ids() == ["a", "a", "b", "b"]
    place.open()
    place.inbox.tick()
    assert place.ids() == ["a", "a", "b", "b"], "and only once"


def test_the_first_start_enters_nothing_that_is_old(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.land("old")
    place.open()
    place.inbox.tick()
    assert place.ids() == []
    place.journal.close()


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000, '{"seq": "x", "time": true}'])
def test_a_note_of_its_own_that_was_damaged_stops_nothing(place: Place, content: str) -> None:
    place.enter("a")
    (place.path / LAST).write_text(content)
    place.open()
    place.enter("b")
    assert place.ids() == ["a", "a", "b", "b"]


def test_a_clock_that_is_set_back_does_not_change_the_order(place: Place) -> None:
    place.late = 3600.0
    place.enter("a")
    place.late = -3600.0
    place.enter("b")
    for entry in place.reader.read():
        place.reader.remove(entry)
    place.open()
    place.late = -7200.0
    place.enter("c")
    (first, _) = place.reader.read()
    assert first["id"] == "c"
    assert first["seq"] > (time.time() + 3000) * 1000


def test_names_of_a_time_that_is_not_yet_take_neither_room_nor_numbers(tmp_path: Path) -> None:
    place = Place(tmp_path, inbox=4)
    place.enter("a")
    folder = place.path
    for number in range(5):
        (folder / f"{8_999_999_999_998 + number}.json").write_text("{}")
    place.open(inbox=4)
    for id in ("b", "c"):
        place.enter(id)
        place.inbox.tick()
    entries = [json.loads(path.read_text()) for path in sorted(folder.glob("1*.json"))]
    assert [entry["id"] for entry in entries] == ["b", "b", "c", "c"]
    place.journal.close()


def test_the_oldest_takes_go_whole_and_the_newest_stays(tmp_path: Path) -> None:
    place = Place(tmp_path, inbox=3)
    place.enter("a")
    assert place.ids() == ["a", "a"]
    place.enter("b")
    assert place.ids() == ["b", "b"], "half a take would be waited for"
    place.open(inbox=1)
    place.enter("c")
    assert place.ids() == ["c", "c"]
    place.journal.close()


def test_what_nobody_comes_for_goes_after_a_day(place: Place) -> None:
    place.enter("a")
    place.late = DAY - 60
    place.inbox.tick()
    assert place.ids() == ["a", "a"]
    place.late = DAY + 60
    place.inbox.tick()
    assert place.ids() == []


def test_nothing_of_anybody_else_is_touched(place: Place, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text("{}")
    os.mkfifo(place.path / "1000000000000.json")
    (place.path / "1000000000001.json").symlink_to(kept)
    (place.path / "1000000000002.json").mkdir()
    for name in ("notes.txt", "1.json", "12345678901234.json", ".hidden.part"):
        (place.path / name).write_text("a stranger's")
        (place.path / "done" / name).write_text("a stranger's")
        (place.path / "readers" / name.upper()).write_text("a stranger's")
    (place.path / "done" / "1000000000001.json").symlink_to(kept)
    os.mkfifo(place.path / "done" / "1000000000000.json")
    before = sorted(place.path.rglob("*"))
    place.late = 2 * DAY
    place.enter("a")
    place.inbox.tick()
    after = [path for path in sorted(place.path.rglob("*")) if path not in before]
    assert [path for path in before if not path.exists() and not path.is_symlink()] == []
    assert len(after) == 2
    assert kept.read_text() == "{}"


def test_a_name_from_the_far_future_does_not_use_up_the_numbers(place: Place) -> None:
    (place.path / "9999999999999.json").write_text("{}")
    place.open()
    place.enter("a")
    assert all(entry.get("seq", 0) < 9_000_000_000_000 for entry in place.reader.read())


def test_what_a_crash_left_half_written_goes(place: Place) -> None:
    half = place.path / ".1000000000000.part"
    half.write_text('{"acestepd"')
    place.inbox.tick()
    assert half.exists(), "it may be being written"
    place.late = 120.0
    place.inbox.tick()
    assert not half.exists()


@pytest.mark.parametrize("name", ["", "done", "readers"])
def test_a_link_in_its_place_turns_it_off_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    place = Place(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if name:
        place.path.mkdir()
    (place.path / name).symlink_to(elsewhere)
    for id in "abc":
        place.enter(id)
    assert list(elsewhere.iterdir()) == []
    assert len(caplog.messages) == 1
    assert "it is a link, or no folder" in caplog.messages[0]
    (place.path / name).unlink()
    place.inbox.tick()
    assert place.ids() == ["a", "a", "b", "b", "c", "c"]
    place.journal.close()


def test_another_users_folder_in_its_place_turns_it_off(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if os.geteuid():
        pytest.skip("only root may give a folder away")
    place = Place(tmp_path)
    place.path.mkdir()
    os.chown(place.path, 12345, 12345)
    place.enter("a")
    assert list(place.path.iterdir()) == []
    assert ["it is another user's" in text for text in caplog.messages] == [True]
    place.journal.close()


@pytest.mark.parametrize("name", ["manifest", "clips"])
def test_a_take_whose_manifest_is_gone_or_somebody_elses_is_left_out(
    place: Place, name: str
) -> None:
    finished = place.land("a")
    manifest = Path(finished.values[1])
    if name == "manifest":
        manifest.write_text('{"request": {"bars": 1e400}}')
    else:
        manifest.unlink()
    place.inbox.on_event(finished)
    place.enter("b")
    assert place.ids() == ["b", "b"]


def test_numbers_that_json_cannot_say_are_not_repeated(place: Place) -> None:
    finished = place.land("a")
    manifest = Path(finished.values[1])
    data = json.loads(manifest.read_bytes())
    data["clips"][0] |= {"samples": "many", "beats": True}
    data["clips"][1] |= {"samples": 10**400, "sample_rate": -1}
    text = json.dumps(data).replace('"beats": true', '"beats": 1e999')
    manifest.write_text(text)
    place.inbox.on_event(finished)
    place.inbox.tick()
    for entry in place.reader.read():
        text = place.reader.path_of(entry).read_text()
        assert "Infinity" not in text
        assert entry["samples"] == 0


@pytest.mark.parametrize(
    ("written", "entered"),
    [
        ("84", []),
        ([84, None, ["x"], "y"], ["y"]),
        ([*map(str, range(30))], [*map(str, range(30))]),
        (["n" * 100_000] * 1000, ["n" * 250] * 47),
        (["\u266b" * 9999] * 99, ["\u266b" * 250] * 15),
        (["\x01" * 9999, "\ud800"] * 99, ["\x01" * 250, "?"] * 7),
    ],
)
def test_notes_take_no_more_room_than_an_entry_has(
    place: Place, written: object, entered: list[str]
) -> None:
    finished = place.land("a")
    manifest = Path(finished.values[1])
    data = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps(data | {"notes": written}))
    place.inbox.on_event(finished)
    place.inbox.tick()
    for entry in place.reader.read():
        assert entry["notes"] == entered
        assert place.reader.path_of(entry).stat().st_size < 65_536


# --- disks, and crashes ---------------------------------------------------------------------------


class Full:
    """A disk that is full after so many renames."""

    def __init__(self, left: int) -> None:
        self._left = left
        self._rename = os.replace

    def rename(self, source: Path, target: Path) -> None:
        self._left -= 1
        if self._left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._rename(source, target)


def test_a_crash_before_what_was_missed_is_entered_does_not_make_it_old(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.enter("a")
    place.land("b")
    place.late = 3600.0
    place.open()
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", Full(0).rename)
        place.inbox.tick()
    place.late = 7200.0
    place.open()
    place.inbox.tick()
    assert place.ids() == ["a", "a", "b", "b"]


def test_on_a_full_disk_an_entry_waits_for_room(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", Full(1).rename)  # after half of a take
        for id in "ab":
            place.enter(id)
        assert place.ids() == [], "all clips of a take, or none"
        assert len([text for text in caplog.messages if "No space" in text]) == 1
    place.inbox.tick()
    assert place.ids() == ["a", "a", "b", "b"]
    assert list(place.path.glob(".*")) == []


def test_on_a_real_full_disk_too(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root may mount")
    for disk in mounted(tmp_path / "out", "mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs"):
        place = Place(tmp_path)
        place.inbox.tick()
        finished = place.land("a")
        with suppress(OSError), (disk / "other").open("wb", 0) as other:
            while other.write(bytes(4096)):
                pass
        place.inbox.on_event(finished)
        place.inbox.tick()
        assert place.ids() == []
        (disk / "other").unlink()
        place.inbox.tick()
        assert place.ids() == ["a", "a"]
        place.journal.close()


EVERY = pytest.param(1, marks=[pytest.mark.long, pytest.mark.timeout(1800)])


@pytest.mark.parametrize("step", [31, EVERY])  # lines between two kills
def test_killed_at_any_line_it_loses_no_clip(tmp_path: Path, step: int) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.support.inbox_wrecks", tmp_path, str(step)], check=True
    )
    folders = list(tmp_path.iterdir())
    assert len(folders) * step > 300
    for folder in folders:
        place = Place(folder)
        has_ended = bool(place.journal.find_ended(0, time.time(), 9))
        place.inbox.tick()
        stems = [entry["stem"] for entry in place.reader.read()]
        assert set(stems) == ({"mix", "drums"} if has_ended else set())
        assert len(stems) <= 4, "again at most once"
        place.journal.close()


@pytest.mark.long
@pytest.mark.parametrize(("takes", "kills"), [(3, ()), (6, (3, 5))])
def test_a_daemon_that_is_killed_again_and_again_enters_every_clip(
    tmp_path: Path, takes: int, kills: tuple[int, ...]
) -> None:
    """Once it is killed when it tells of the first take, then whenever so many are in the inbox."""
    out = tmp_path / "out"
    reader = Reader(out)

    def entered() -> set[str]:
        return {entry["id"] for entry in reader.read()} if reader.folder.is_dir() else set()

    ids = [f"take{number}" for number in range(takes)]
    with started(out) as (process, client):
        until((reader.folder / LAST).exists)
        for id in ids:
            client.send("/ace/generate", id, "prompt", id, "seconds", 0.5)
            client.until("/ace/queued", id)
        client.until("/ace/finished")
        process.process.kill()
    for count in kills:
        with started(out) as (process, _):
            until(lambda: len(entered()) >= count)  # noqa: B023
            process.process.kill()
    with started(out):
        for id in ids:  # a slow machine has a minute for each
            until(lambda: id in entered())  # noqa: B023


# --- what programs say ----------------------------------------------------------------------------


def test_an_answer_says_who_and_where_and_a_plain_entry_will_do() -> None:
    inserted = {"program": "reaper", "where": "track 3"}
    assert parse_answer({"id": "a", "inserted": inserted}) == (
        "reaper",
        "inbox:reaper",
        "a",
        "track 3",
    )
    entry = {"id": "a", "client": "udp:127.0.0.1:9", "insert": "reaper"}
    assert parse_answer(entry) == ("reaper", "udp:127.0.0.1:9", "a", SOMEWHERE)
    assert parse_answer(entry | {"inserted": inserted}).where == "track 3"
    assert parse_answer(entry | {"inserted": {"program": "reaper"}}).where == ""


@pytest.mark.parametrize("where", ["x" * 10_000, "é" * 10_000, "a\nb\0c\x1b[31m", "\ud800"])
def test_where_is_one_short_line(where: str) -> None:
    said = parse_answer({"id": "a", "inserted": {"program": "reaper", "where": where}}).where
    assert len(said.encode()) <= 250
    assert said.isprintable()


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "inserted", "program", "where", "insert", "client", "x"]), inner
        )
    ),
    max_leaves=9,
)


@hypothesis_settings(
    max_examples=scale_examples(200), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(HOSTILE)
def test_whatever_an_answer_is_it_goes_and_is_believed_only_of_jobs_that_there_are(
    place: Place, data: Any
) -> None:
    answer = place.path / "done" / "1000000000000.json"
    answer.write_text(json.dumps(data))
    place.late = 2 * SETTLE_SECONDS
    place.inbox.tick()
    assert not answer.exists()


def make_stay(patch: pytest.MonkeyPatch, *names: str) -> None:
    """Nobody can remove files of these names."""
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name in names:
            raise PermissionError(errno.EPERM, "Operation not permitted", str(path))
        unlink(path, missing_ok)

    patch.setattr(Path, "unlink", refuse)


def test_an_answer_that_cannot_be_removed_stops_nothing_and_is_said_once(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answer = {"id": "x", "inserted": {"program": "reaper", "where": "track 1"}}
    stuck = place.path / "done" / "1000000000000.json"
    other = place.path / "done" / "1000000000001.json"
    asked: list[str] = []
    find_job = place.inserter.find_job

    def note(client: str, id: str, program: str) -> Job:
        asked.append(id)
        return find_job(client, id, program)

    monkeypatch.setattr(place.inserter, "find_job", note)
    with monkeypatch.context() as patch:
        make_stay(patch, stuck.name)
        for path in (stuck, other):
            path.write_text(json.dumps(answer))
        for id in "ab":
            place.enter(id)
        assert place.ids() == ["a", "a", "b", "b"]
        assert not other.exists()
        assert asked == ["x", "x"], "what stays is noted once"
        warnings = [text for text in caplog.messages if "is in the way" in text]
        assert len(warnings) == 1
        assert str(stuck) in warnings[0]
    place.inbox.tick()
    assert not stuck.exists()
    stuck.write_text(json.dumps(answer | {"id": "again"}))
    place.inbox.tick()
    assert asked == ["x", "x", "again"], "it is another answer"


def test_of_files_that_are_to_go_one_that_stays_keeps_no_other(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.enter("a")
    first, second = (place.reader.path_of(entry) for entry in place.reader.read())
    reader = place.path / "readers" / "gone"
    reader.touch()
    place.late = 2 * DAY
    make_stay(monkeypatch, first.name, reader.name)
    place.enter("b")
    assert place.ids() == ["a", "b", "b"]
    assert first.exists()
    assert not second.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 60_000, b" " * 100_000, b"7"])
def test_what_cannot_be_read_is_given_a_moment_and_goes(place: Place, content: bytes) -> None:
    answer = place.path / "done" / "1000000000000.json"
    answer.write_bytes(content)
    place.inbox.tick()
    assert answer.exists(), "it may be being written"
    place.late = 2 * SETTLE_SECONDS
    place.inbox.tick()
    assert not answer.exists()


def test_a_moment_that_is_yet_to_come_is_not_waited_for(place: Place) -> None:
    answer = place.path / "done" / "1000000000000.json"
    answer.touch()
    os.utime(answer, (4e9, 4e9))
    place.inbox.tick()
    assert not answer.exists()


def test_ids_are_their_clients_own_in_an_answer_that_is_an_entry(open_stage: Stage) -> None:
    reader = Reader(open_stage.settings.out)
    with closing(open_stage.client()) as one, closing(open_stage.client()) as two:
        come(open_stage, one, reader)
        make_clip(one, "take1")
        make_clip(two, "take1", "prompt", "other", "seconds", 0.5)
        first, second = reader.wait(2)
        for entry in (first, second):
            reader.path_of(entry).rename(reader.folder / "done" / f"{entry['seq']}.json")
        open_stage.upkeep.wake()
        until(lambda: all(job.inserted for job in open_stage.journal.search("take1")))
        assert {job.inserted for job in open_stage.journal.search()} == {("reaper", SOMEWHERE)}
