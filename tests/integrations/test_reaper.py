"""REAPER's scripts in REAPER's Lua, against a `reaper` that refuses what REAPER refuses, an inbox
as the daemon writes it, and a daemon's watched folder.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("lupa.lua54", reason="the PyPI package lupa is not installed")

from daemon.settings import Watch
from daemon.watch.sheet import read_sheet
from tests.integrations.conftest import KEY_NOTE
from tests.integrations.reaper_program import Reaper
from tests.support.daemon_process import started
from tests.support.examples import scale_examples
from tests.support.inbox_entries import ME, InboxWriter
from tests.support.osc_client import make_clip
from tests.support.stage import Stage, named, on_stage, subscribed
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
LOOP = "acestepd.lua"
ASK = "acestepd ask.lua"
COVER = "acestepd cover of the selected item.lua"
REPAINT = "acestepd repaint the time selection of the selected item.lua"
STEMS = "acestepd stems of the selected item.lua"
REROLL = "acestepd reroll the selected item.lua"
BUILD_PEAKS = 40047


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "out").mkdir()
    return tmp_path


@pytest.fixture
def inbox(home: Path) -> InboxWriter:
    """The inbox of a daemon that runs, as far as its lock says."""
    write_lock(home, out=str(home / "out"))
    return InboxWriter(home / "out")


@pytest.fixture
def reaper(home: Path) -> Reaper:
    return Reaper(home / "REAPER")


@pytest.fixture
def ask_folder(home: Path) -> Path:
    """A watched folder, as the settings name it."""
    folder = home / "ask"
    folder.mkdir()
    (home / ".config" / "acestepd").mkdir(parents=True)
    text = (
        f'port = 9100\n\n[[watch]]\nfolder = "{home}/lyrics"\n'
        f'[[watch]]  # for REAPER\nfolder = "{folder}"\naudio = "cover"\n'
    )
    (home / ".config" / "acestepd" / "settings.toml").write_text(text)
    return folder


def write_lock(home: Path, **holder: Any) -> Path:
    lock = home / ".local" / "state" / "acestepd" / "acestepd.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(json.dumps({"pid": os.getpid(), "host": "127.0.0.1", "port": 9100} | holder))
    return lock


def read_mark(take: Any) -> dict[str, Any]:
    mark = json.loads(take["P_EXT:acestepd"])
    assert isinstance(mark, dict)
    return mark


def place(item: Any) -> tuple[float, float]:
    """Where an item begins, and how long it is."""
    return item["D_POSITION"], item["D_LENGTH"]


# --- clips become items ---------------------------------------------------------------------------


def test_a_clip_becomes_an_item_of_its_bars_at_the_cursor_on_the_selected_track(
    reaper: Reaper, inbox: InboxWriter
) -> None:
    reaper.add_track("drums", selected=False)
    bass = reaper.add_track("bass")
    reaper.project["cursor"] = 2.5
    reaper.start(LOOP)
    [path] = inbox.write_take("take1")
    reaper.look()
    [item] = reaper.items
    [take] = reaper.takes_of(item)
    assert item["track"]["GUID"] == bass["GUID"]
    assert place(item) == (2.5, 8.0)
    assert item["B_LOOPSRC"] == 1
    assert take["source"]["path"] == str(path)
    assert take["P_NAME"] == "warm-beat (seed 7)"
    assert read_mark(take)["id"] == "take1"
    assert read_mark(take)["seed"] == 7
    assert reaper.texts("undo") == ["acestepd: warm-beat"]
    assert reaper.project["undo_depth"] == reaper.project["frozen"] == 0
    assert list(reaper.project["commands"].values()) == [BUILD_PEAKS]


def test_it_says_where_the_clip_is_and_takes_the_entry_out(
    reaper: Reaper, inbox: InboxWriter
) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    inbox.write_take("take1")
    reaper.look()
    assert inbox.list_waiting() == []
    where = {"program": "reaper", "where": "track 1 bass"}
    assert inbox.read_answers() == [{"id": "take1", "client": ME, "inserted": where}]
    assert not list(inbox.folder.glob("**/.*.part"))


def test_without_a_track_one_is_made(reaper: Reaper, inbox: InboxWriter) -> None:
    reaper.start(LOOP)
    inbox.write_take("take1")
    reaper.look()
    assert [track["P_NAME"] for track in reaper.tracks] == ["acestepd"]


def test_the_track_that_a_message_names_gets_it(reaper: Reaper, inbox: InboxWriter) -> None:
    for name in ("one", "two", "three"):
        reaper.add_track(name)
    reaper.start(LOOP)
    inbox.write_take("take1", track=1)
    reaper.look()
    assert reaper.items[0]["track"]["P_NAME"] == "two"


@pytest.mark.parametrize(
    ("marks", "length", "rate"),
    [
        ([(0.0, 120.0, 4, 4)], 8.0, 1.0),
        ([(0.0, 96.0, 4, 4)], 10.0, 0.8),
        ([(0.0, 120.0, 4, 4), (4.0, 60.0, 4, 4)], 12.0, 8 / 12),
    ],
    ids=["its tempo", "another tempo", "the tempo changes in it"],
)
def test_the_item_is_its_bars_long_whatever_the_tempo_of_the_project(
    reaper: Reaper,
    inbox: InboxWriter,
    marks: list[tuple[float, float, int, int]],
    length: float,
    rate: float,
) -> None:
    reaper.add_track("bass")
    reaper.set_tempo(*marks)
    reaper.start(LOOP)
    inbox.write_take("take1")
    reaper.look()
    [item] = reaper.items
    assert item["D_LENGTH"] == pytest.approx(length)
    assert reaper.takes_of(item)[0]["D_PLAYRATE"] == pytest.approx(rate)
    assert reaper.takes_of(item)[0]["B_PPITCH"] == 1


def test_a_clip_without_bars_keeps_its_seconds(reaper: Reaper, inbox: InboxWriter) -> None:
    reaper.add_track("bass")
    reaper.set_tempo((0.0, 90.0, 4, 4))
    reaper.start(LOOP)
    inbox.write_take("take1", bars=0, beats=0.0, bpm=0.0, seconds=5.25)
    reaper.look()
    assert place(reaper.items[0]) == (0.0, 5.25)
    assert reaper.takes_of(reaper.items[0])[0]["D_PLAYRATE"] == 1.0


def test_stems_get_tracks_of_their_own_in_a_folder_and_the_mix_is_muted(
    reaper: Reaper, inbox: InboxWriter
) -> None:
    reaper.add_track("song")
    reaper.add_track("after", selected=False)
    reaper.start(LOOP)
    inbox.write_take("take1", stems=("mix", "drums", "bass", "rest"))
    reaper.look()
    tracks = [(track["P_NAME"], track["I_FOLDERDEPTH"]) for track in reaper.tracks]
    folder = [("warm-beat stems", 1), ("drums", 0), ("bass", 0), ("rest", -1)]
    assert tracks == [("song", 0), *folder, ("after", 0)]
    items = {item["track"]["P_NAME"]: item for item in reaper.items}
    assert set(items) == {"song", "drums", "bass", "rest"}
    assert {place(item) for item in items.values()} == {(0.0, 8.0)}
    assert {name for name, item in items.items() if item["B_MUTE"]} == {"song"}
    assert len(reaper.texts("undo")) == 1
    assert len(inbox.read_answers()) == 4


def test_a_take_is_put_in_when_the_last_of_its_clips_is_there(
    reaper: Reaper, inbox: InboxWriter
) -> None:
    reaper.add_track("song")
    reaper.start(LOOP)
    facts: dict[str, Any] = {"files": 2, "manifest": "/m.json"}
    inbox.write_take("take1", **facts)
    reaper.look()
    assert reaper.items == []
    inbox.write_take("take1b", stems=("drums",), **facts | {"file": 2})
    reaper.look()
    assert len(reaper.items) == 2


def test_eight_takes_become_takes_of_one_item(reaper: Reaper, inbox: InboxWriter) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    for number in range(1, 9):
        inbox.write_take(f"t.{number}", batch="t", take=number, takes=8, seed=number)
        if number % 3 == 0:
            reaper.look()
    reaper.look()
    [item] = reaper.items
    assert [read_mark(take)["seed"] for take in reaper.takes_of(item)] == list(range(1, 9))
    assert place(item) == (0.0, 8.0)
    inbox.write_take("u.1", batch="u", take=1, takes=8)
    reaper.look()
    assert len(reaper.items) == 2, "another batch is another item"


def test_of_several_takes_with_stems_one_sounds(reaper: Reaper, inbox: InboxWriter) -> None:
    reaper.add_track("song")
    reaper.start(LOOP)
    for number in (1, 2, 3):
        facts: dict[str, Any] = {"batch": "t", "take": number, "takes": 3}
        inbox.write_take(f"t.{number}", stems=("mix", "drums", "rest"), **facts)
    reaper.look()
    folders = [track for track in reaper.tracks if track["P_NAME"] == "warm-beat stems"]
    assert sorted(folder["B_MUTE"] for folder in folders) == [0, 1, 1]
    [mixes] = [item for item in reaper.items if item["track"]["P_NAME"] == "song"]
    assert len(reaper.takes_of(mixes)) == 3
    assert mixes["B_MUTE"] == 1
    assert reaper.project["sources"] == len(reaper.paths) == 9


# --- what it leaves alone -------------------------------------------------------------------------


def test_what_others_are_to_put_in_is_left_to_them(reaper: Reaper, inbox: InboxWriter) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    inbox.write_take("take1", insert="live")
    inbox.write_take("take2", insert="")
    reaper.look()
    assert reaper.items == []
    assert len(inbox.list_waiting()) == 2


def test_what_was_made_long_before_it_started_is_no_news(
    reaper: Reaper, inbox: InboxWriter
) -> None:
    reaper.add_track("bass")
    inbox.write_take("old", time=time.time() - 700)
    inbox.write_take("new", time=time.time() - 300)
    reaper.start(LOOP)
    reaper.look()
    assert [read_mark(take)["id"] for take in reaper.takes_of(reaper.items[0])] == ["new"]
    assert len(reaper.items) == 1


def test_a_path_that_is_in_is_not_put_in_twice_but_said_again(
    reaper: Reaper, inbox: InboxWriter
) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    [path] = inbox.write_take("take1")
    reaper.look()
    inbox.write_entry(path=str(path))
    reaper.look()
    reaper.quit_scripts()
    inbox.write_entry(path=str(path))
    reaper.start(LOOP)  # it remembers nothing but the project
    reaper.look()
    assert reaper.paths == [str(path)]
    assert [answer["inserted"]["where"] for answer in inbox.read_answers()] == ["track 1 bass"] * 3


def test_an_answer_that_cannot_be_written_is_no_second_item(
    reaper: Reaper, inbox: InboxWriter
) -> None:
    reaper.add_track("bass")
    shutil.rmtree(inbox.folder / "done")
    reaper.start(LOOP)
    inbox.write_take("take1")
    for _ in range(3):
        reaper.look()
    assert len(reaper.items) == 1
    assert inbox.list_waiting() == []


def test_a_file_that_is_gone_is_said_once_and_answered_with_nowhere(
    reaper: Reaper, inbox: InboxWriter
) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    [path] = inbox.write_take("take1")
    path.unlink()
    for _ in range(3):
        reaper.look()
    assert reaper.items == []
    assert reaper.texts("said") == [f"acestepd: take1 is not put in: REAPER cannot read {path}\n"]
    assert inbox.read_answers()[0]["inserted"]["where"] == ""
    assert reaper.texts("undo") == []


def test_a_file_that_reaper_cannot_read_leaves_nothing_of_its_take(
    reaper: Reaper, inbox: InboxWriter
) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    paths = inbox.write_take("take1", stems=("mix", "drums"))
    paths[1].write_bytes(b"no sound")
    reaper.look()
    assert "REAPER cannot read" in reaper.texts("said")[0]
    assert reaper.items == reaper.texts("undo") == []
    assert len(reaper.tracks) == 1
    assert reaper.project["sources"] == 0
    inbox.write_take("take2")
    reaper.look()
    assert read_mark(reaper.takes_of(reaper.items[0])[0])["id"] == "take2"


# --- the loop -------------------------------------------------------------------------------------


def test_a_thousand_idle_turns_ask_for_nothing_but_time_and_files(
    reaper: Reaper, inbox: InboxWriter
) -> None:
    reaper.start(LOOP)
    inbox.write_take("take1", insert="live")
    reaper.look()
    reaper.forget("calls")
    reaper.turn(1000)
    assert set(reaper.texts("calls")) == {"time_precise", "EnumerateFiles", "defer"}
    looks = 1000 / 30 / 0.3
    assert reaper.texts("calls").count("EnumerateFiles") <= 4 * looks


def test_no_script_leaves_a_global(reaper: Reaper, inbox: InboxWriter, ask_folder: Path) -> None:
    track = reaper.add_track("bass")
    [path] = inbox.write_take("take1")
    for script in (LOOP, ASK, COVER, REPAINT, STEMS, REROLL):
        reaper.add_item(track, path, 0.0)
        reaper.select_time(1.0, 2.0)
        reaper.answer("soft rain", "4", "", "2")
        reaper.start(script)
        reaper.look()
    assert reaper.globals_of == {script: set() for script in reaper.globals_of}
    assert len(reaper.globals_of) == 6


def test_it_says_once_that_acestepd_is_not_running_and_goes_on_when_it_is(
    reaper: Reaper, home: Path
) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    reaper.turn(1000)
    assert reaper.texts("said") == ["acestepd: acestepd is not running\n"]
    write_lock(home, out=str(home / "out"))
    InboxWriter(home / "out").write_take("take1")
    reaper.turn(100)
    assert len(reaper.items) == 1
    assert len(reaper.texts("said")) == 1


def test_a_restart_of_the_daemon_is_not_worth_a_word(
    reaper: Reaper, home: Path, inbox: InboxWriter
) -> None:
    reaper.start(LOOP)
    reaper.look()
    write_lock(home).write_text("")
    reaper.turn(120)  # 4 s
    write_lock(home, out=str(home / "out"))
    reaper.turn(120)
    assert reaper.texts("said") == []
    write_lock(home).write_text("")
    reaper.turn(1000)
    assert reaper.texts("said") == ["acestepd: acestepd is not running\n"]


def test_a_daemon_that_was_killed_is_not_running(reaper: Reaper, home: Path) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("only Linux tells a process that has ended")
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    write_lock(home, pid=process.pid, out=str(home / "out"))
    reaper.start(LOOP)
    assert reaper.texts("said") == ["acestepd: acestepd is not running\n"]


def test_it_says_that_it_is_there(reaper: Reaper, inbox: InboxWriter) -> None:
    reaper.start(LOOP)
    reaper.look()
    assert (inbox.folder / "readers" / "reaper").is_file()
    assert reaper.project["options"] == 7
    reaper.quit_scripts()
    assert reaper.project["options"] == 8


def test_another_state_folder_stands_in_a_file_beside_the_scripts(
    reaper: Reaper, home: Path, tmp_path: Path
) -> None:
    lock = write_lock(home, out=str(home / "out"))
    lock.parent.rename(tmp_path / "elsewhere")
    (reaper.scripts / "state.txt").write_text("~/elsewhere\n")
    reaper.start(LOOP)
    assert reaper.texts("said") == []


def test_it_keeps_nothing_of_what_it_has_put_in(reaper: Reaper, inbox: InboxWriter) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    sizes = []
    for number in range(6):
        for one in range(20):
            inbox.write_take(f"take{number}.{one}", seconds=0.01)
        reaper.look()
        assert len(reaper.items) == 20
        reaper.turn(300)
        sizes.append(reaper.clear())
    assert max(sizes[2:]) < sizes[1] + 10


JUNK = [
    b"",
    b"\0" * 100,
    b"{",
    b"[" * 100_000,
    b'{"acestepd":1}',
    b'{"acestepd":1,"insert":"reaper","files":1e400}',
    b'{"acestepd":1,"insert":"reaper","file":1,"files":1,"path":"relative.wav"}',
    b'{"acestepd":1,"insert":"reaper","file":1,"files":1,"path":"/no/such/file.wav"}',
    b'{"acestepd":1,"insert":"reaper","file":1,"files":1,"path":"/dev/null","seconds":-1}',
    b'{"acestepd":1,"insert":"reaper","file":1,"files":1,"path":"/dev/zero","seconds":1e308,'
    b'"beats":1e308,"bars":1,"time":99999999999999}',
    b'{"acestepd":1,"insert":"reaper","file":1,"files":1,"path":"\\u0000"}',
    b'{"acestepd":1,"insert":["reaper"],"file":{},"files":null,"path":7}',
    b"\xff\xfe\xff",
    b'"' + b"x" * 200_000 + b'"',
]

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["reaper", "/dev/null", "mix"]),
    st.lists(st.integers(), max_size=3),
)
FACTS = st.dictionaries(
    st.sampled_from(
        "seq time id client stem file files path manifest name bpm bars beats seconds seed origin "
        "batch take takes insert track slot".split()
    ),
    VALUES,
)


def test_junk_leaves_the_loop_alive(reaper: Reaper, inbox: InboxWriter) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    for content in JUNK:
        inbox.write_raw(content)
    (inbox.folder / "123.json").mkdir()
    (inbox.folder / "9999999999999.json").symlink_to("/dev/zero")
    (inbox.folder / "nonsense.json").write_text("{}")
    reaper.look()
    inbox.write_take("take1")
    reaper.look()
    assert [read_mark(take)["id"] for item in reaper.items for take in reaper.takes_of(item)] == [
        "take1"
    ]


@settings(
    max_examples=scale_examples(200), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(facts=FACTS, raw=st.binary(max_size=60))
def test_any_facts_leave_the_loop_alive(
    reaper: Reaper, inbox: InboxWriter, facts: dict[str, Any], raw: bytes
) -> None:
    if not len(reaper.project["deferred"]):
        reaper.add_track("bass")
        reaper.start(LOOP)
        inbox.write_take("any")
    inbox.write_raw(raw)
    inbox.write_entry(**({"path": str(inbox.out / "any_mix.wav")} | facts))
    reaper.look()
    assert len(reaper.project["deferred"]) == 1
    assert reaper.project["undo_depth"] == reaper.project["frozen"] == 0


# --- asking ---------------------------------------------------------------------------------------


def read_sheets(folder: Path) -> list[dict[str, object]]:
    """What each sheet asks for. The daemon understands every line of it."""
    sheets = [read_sheet(path.read_text()) for path in sorted(folder.glob("reaper-*.txt"))]
    assert not [note for sheet in sheets for note in sheet.notes if note.code]
    assert {sheet.insert for sheet in sheets} <= {"reaper"}
    return [sheet.values for sheet in sheets]


def test_asking_takes_bars_and_tempo_from_the_time_selection(
    reaper: Reaper, inbox: InboxWriter, ask_folder: Path
) -> None:
    reaper.add_track("bass")
    reaper.set_tempo((0.0, 90.0, 3, 4))
    reaper.select_time(4.0, 20.0)
    reaper.answer('rain, "soft", C:\\ # no comment', "8", "42", "1")
    reaper.start(ASK)
    assert reaper.project["dialog"]["preset"] == "\n8\n\n1"
    [sheet] = read_sheets(ask_folder)
    assert sheet == {
        "prompt": 'rain, "soft", C:\\ # no comment',
        "bars": 8,
        "bpm": 90.0,
        "time_signature": "3/4",
        "seed": 42,
        "loop": True,
        "name": "",
    }
    assert not list(ask_folder.glob(".*"))


def test_several_takes_are_a_sheet_each_with_seeds_in_a_row(
    reaper: Reaper, inbox: InboxWriter, ask_folder: Path
) -> None:
    reaper.answer("rain", "4", "4294967295", "3")
    reaper.start(ASK)
    assert [sheet["seed"] for sheet in read_sheets(ask_folder)] == [4294967295, 0, 1]
    reaper.answer("rain", "4", "", "2")
    reaper.start(ASK)
    assert sum("seed" not in sheet for sheet in read_sheets(ask_folder)) == 2


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ((6, 8), {"time_signature": "6/8", "bars": 4}),
        ((5, 4), {"time_signature": "5/4", "bars": 4}),
        ((7, 8), {"time_signature": "7/8", "bars": 4}),
        ((5, 2), {"beats_per_bar": 10, "bars": 4}),
        ((7, 16), {"seconds": 3.5}),
    ],
)
def test_odd_bars_are_asked_for_as_well_as_they_can_be(
    reaper: Reaper,
    inbox: InboxWriter,
    ask_folder: Path,
    signature: tuple[int, int],
    expected: dict[str, object],
) -> None:
    reaper.set_tempo((0.0, 120.0, *signature))
    reaper.select_time(0.0, 7.0)
    reaper.answer("rain", "4", "", "1")
    reaper.start(ASK)
    [sheet] = read_sheets(ask_folder)
    names = {"bars", "seconds", "time_signature", "beats_per_bar"}
    assert {name: sheet[name] for name in names & sheet.keys()} == expected


def test_the_prompt_is_there_again_next_time(
    reaper: Reaper, inbox: InboxWriter, ask_folder: Path
) -> None:
    reaper.answer("rain", "4", "", "1")
    reaper.start(ASK)
    reaper.start(ASK)  # and cancelled
    assert reaper.project["dialog"]["preset"] == "rain\n4\n\n1"
    assert len(read_sheets(ask_folder)) == 1


def test_without_a_daemon_nothing_is_written(reaper: Reaper, ask_folder: Path) -> None:
    reaper.answer("rain", "4", "", "1")
    reaper.start(ASK)
    assert reaper.texts("boxes") == ["acestepd is not running. Start it, then ask again."]
    assert list(ask_folder.iterdir()) == []


def test_without_a_watched_folder_it_says_which_lines_to_add(
    reaper: Reaper, inbox: InboxWriter
) -> None:
    reaper.answer("rain", "4", "", "1")
    reaper.start(ASK)
    [text] = reaper.texts("boxes")
    assert '[[watch]]\nfolder = "~/Music/acestepd/ask"' in text


def test_what_the_daemon_refuses_is_said(
    reaper: Reaper, inbox: InboxWriter, ask_folder: Path
) -> None:
    reaper.answer("rain", "4", "", "1")
    reaper.start(ASK)
    [sheet] = ask_folder.glob("reaper-*.txt")
    (ask_folder / "takes").mkdir()
    (ask_folder / "takes" / f"{sheet.name}.report.txt").write_text("1 thing to look at\n")
    reaper.turn(100)
    assert reaper.texts("said") == ["acestepd: 1 thing to look at\n\n"]
    assert len(reaper.project["deferred"]) == 0, "and it ends"


@pytest.mark.parametrize("answer", [("rain", "0", "", "1"), ("rain", "4", "", "65")])
def test_what_makes_no_sense_is_not_asked(
    reaper: Reaper, inbox: InboxWriter, ask_folder: Path, answer: tuple[str, ...]
) -> None:
    reaper.answer(*answer)
    reaper.start(ASK)
    assert len(reaper.texts("boxes")) == 1
    assert read_sheets(ask_folder) == []


# --- the selected item ----------------------------------------------------------------------------


@pytest.fixture
def recording(home: Path) -> Path:
    """A file of the musician's own, nowhere near the daemon's: four seconds."""
    path = home / "My Project" / "gitarre übung.wav"
    path.parent.mkdir()
    sound = np.random.default_rng(1).uniform(-0.5, 0.5, (4 * 44100, 2))
    soundfile.write(path, sound, 44100)
    return path


def test_a_cover_of_a_whole_file_is_made_of_a_copy(
    reaper: Reaper, inbox: InboxWriter, ask_folder: Path, recording: Path
) -> None:
    (inbox.out / ".sources").mkdir()
    item = reaper.add_item(reaper.add_track("guitar"), recording, 10.0)
    reaper.answer("jazz quartet")
    reaper.start(COVER)
    [sheet] = read_sheets(ask_folder)
    source = Path(str(sheet["source"]))
    assert (sheet["task"], sheet["prompt"]) == ("cover", "jazz quartet")
    assert source.parent == inbox.out / ".sources"
    assert source.read_bytes() == recording.read_bytes()
    assert not list(source.parent.glob(".*"))
    reaper.answer("again")
    reaper.start(COVER)
    assert len(list(source.parent.iterdir())) == 1, "one copy of one content"
    assert place(item) == (10.0, 4.0)


def test_a_clip_of_ours_needs_no_copy(reaper: Reaper, inbox: InboxWriter, ask_folder: Path) -> None:
    [path] = inbox.write_take("take1")
    reaper.add_item(reaper.add_track("guitar"), path, 0.0)
    reaper.answer("jazz")
    reaper.start(COVER)
    assert read_sheets(ask_folder)[0]["source"] == str(path)


@pytest.mark.parametrize(
    ("values", "first", "last"),
    [
        ({"D_STARTOFFS": 1.0, "D_LENGTH": 2.0}, 1.0, 3.0),
        ({"D_PLAYRATE": 0.5, "D_LENGTH": 8.0}, 0.0, 4.0),
        ({"D_LENGTH": 6.0, "B_LOOPSRC": 1}, 0.0, 2.0),
    ],
    ids=["a part", "slower", "looped"],
)
def test_only_what_is_heard_of_an_item_is_its_source(
    reaper: Reaper,
    inbox: InboxWriter,
    ask_folder: Path,
    recording: Path,
    values: dict[str, float],
    first: float,
    last: float,
) -> None:
    (inbox.out / ".sources").mkdir()
    reaper.add_item(reaper.add_track("guitar"), recording, 10.0, **values)
    reaper.answer("jazz")
    reaper.start(COVER)
    source = Path(str(read_sheets(ask_folder)[0]["source"]))
    sound, rate = soundfile.read(source)
    assert len(sound) == values["D_LENGTH"] * rate
    assert sound[0, 0] * 1000 == pytest.approx(first, abs=1e-3)
    assert sound[-1, 1] * 1000 == pytest.approx(last, abs=1e-3)
    assert struct.unpack("<4sI", source.read_bytes()[:8])[1] == source.stat().st_size - 8
    assert reaper.project["accessors"] == 0


def test_a_repaint_is_of_the_time_selection_within_the_item(
    reaper: Reaper, inbox: InboxWriter, ask_folder: Path, recording: Path
) -> None:
    (inbox.out / ".sources").mkdir()
    reaper.add_item(reaper.add_track("guitar"), recording, 10.0)
    reaper.select_time(11.5, 20.0)
    reaper.answer("a fill")
    reaper.start(REPAINT)
    [sheet] = read_sheets(ask_folder)
    window = (sheet["repaint_start"], sheet["repaint_end"])
    assert (sheet["task"], *window) == ("repaint", 1.5, 4.0)
    reaper.select_time(0.0, 5.0)
    reaper.start(REPAINT)
    assert reaper.texts("boxes") == ["Put the time selection over the part to make anew."]


@pytest.mark.parametrize("script", [COVER, REPAINT, STEMS, REROLL])
def test_without_a_selected_item_it_says_so(
    reaper: Reaper, inbox: InboxWriter, ask_folder: Path, script: str
) -> None:
    reaper.start(script)
    assert reaper.texts("boxes") == ["Select an item first."]


def test_midi_is_no_source(
    reaper: Reaper, inbox: InboxWriter, ask_folder: Path, recording: Path
) -> None:
    item = reaper.add_item(reaper.add_track("guitar"), recording, 0.0)
    reaper.takes_of(item)[0]["source"]["type"] = "MIDI"
    reaper.answer("jazz")
    reaper.start(COVER)
    assert reaper.texts("boxes") == ["This item is no audio."]


def test_what_is_not_ours_has_no_other_seed(
    reaper: Reaper, inbox: InboxWriter, ask_folder: Path, recording: Path
) -> None:
    reaper.add_item(reaper.add_track("guitar"), recording, 0.0)
    reaper.start(REROLL)
    assert "did not make this item" in reaper.texts("boxes")[0]


# --- with a real daemon's watched folder ----------------------------------------------------------


@pytest.fixture
def stage(home: Path, ask_folder: Path) -> Iterator[Stage]:
    """A daemon that watches the folder that REAPER writes into."""
    with on_stage(home, watch=(Watch(folder=ask_folder, out=home / "takes"),)) as stage:
        write_lock(home, out=str(home / "out"))
        yield stage


def look_until(reaper: Reaper, is_so: Callable[[], bool]) -> None:
    """REAPER goes on until something is so."""

    def look() -> bool:
        reaper.look()
        return is_so()

    until(look)


def count_takes(reaper: Reaper) -> int:
    return sum(len(reaper.takes_of(item)) for item in reaper.items)


def read_requests(home: Path) -> list[dict[str, Any]]:
    """Of every take of the watched folder, the oldest first."""
    manifests = sorted((home / "takes").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(path.read_text())["request"] for path in manifests]


@pytest.mark.long
def test_a_clip_lands_in_reaper_and_everybody_hears_where(reaper: Reaper, stage: Stage) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    with closing(stage.client()) as client, subscribed(stage, "inserted") as pads:
        look_until(reaper, lambda: stage.clients.find("reaper") is not None)
        path = make_clip(client, "take1", "prompt", "rain", "bars", 1, "bpm", 120)[2]
        look_until(reaper, lambda: len(reaper.items) == 1)
        assert pads.until("/ace/inserted")[-1][1] == ["take1", "reaper", "track 1 bass", path]
    assert reaper.paths == [path]


def test_the_notes_on_a_prompt_are_in_the_console_and_the_items_notes(
    reaper: Reaper, stage: Stage, ask_folder: Path
) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    reaper.answer("dub in F# minor", "1", "5", "2")
    reaper.start(ASK)
    look_until(reaper, lambda: count_takes(reaper) == 2)
    [item] = reaper.items
    assert item["P_NOTES"] == KEY_NOTE
    said = reaper.texts("said")
    assert [text.partition(": ")[2] for text in said] == [f"dub-in-f-minor: {KEY_NOTE}\n"] * 2


def test_notes_are_put_below_what_the_item_has_each_once(
    reaper: Reaper, inbox: InboxWriter
) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    inbox.write_take("take1", takes=3, batch="rain", notes=["it is 84"])
    reaper.look()
    [item] = reaper.items
    item["P_NOTES"] += "\nquieter than it should be"
    inbox.write_take("take2", takes=3, batch="rain", notes=["it is 84", "waltz", 7])
    reaper.look()
    assert item["P_NOTES"] == "it is 84\nquieter than it should be\nwaltz"
    inbox.write_take("take3", takes=3, batch="rain", notes={"of": "another version"})
    reaper.look()
    assert count_takes(reaper) == 3
    said = [text.partition(": ")[2] for text in reaper.texts("said")]
    assert said == [f"warm-beat: {note}\n" for note in ("it is 84", "it is 84", "waltz")]


def test_what_reaper_asks_for_lands_where_it_asked(
    reaper: Reaper, stage: Stage, ask_folder: Path
) -> None:
    reaper.add_track("drums", selected=False)
    track = reaper.add_track("bass")
    with subscribed(stage, "inserted") as client:
        reaper.start(LOOP)
        reaper.select_time(4.0, 6.0)
        reaper.answer("rain", "1", "5", "3")
        reaper.start(ASK)
        track["selected"] = False
        reaper.select_time(0.0, 0.0)
        reaper.project["cursor"] = 100.0
        look_until(reaper, lambda: count_takes(reaper) == 3)
        [item] = reaper.items
        assert item["track"]["P_NAME"] == "bass"
        assert place(item) == (4.0, 2.0)
        seeds = [read_mark(take)["seed"] for take in reaper.takes_of(item)]
        assert sorted(seeds) == [5, 6, 7]
        said = [client.until("/ace/inserted")[-1][1] for _ in range(3)]
    assert [arguments[1:3] for arguments in said] == [["reaper", "track 2 bass"]] * 3
    assert sorted(arguments[3] for arguments in said) == sorted(reaper.paths)
    assert list(ask_folder.glob("reaper-*")) == [], "a sheet that is answered goes"
    reaper.turn(100)
    assert reaper.texts("said") == []


@pytest.mark.long
def test_what_reaper_asks_for_is_its_own_though_live_was_there_first(
    reaper: Reaper, stage: Stage, ask_folder: Path
) -> None:
    reaper.add_track("bass")
    with named(stage, "live", "insert") as live:
        reaper.start(LOOP)
        look_until(reaper, lambda: stage.clients.find("reaper") is not None)
        reaper.answer("rain", "1", "5", "1")
        reaper.start(ASK)
        look_until(reaper, lambda: count_takes(reaper) == 1)
        assert live.is_quiet()


def test_another_seed_becomes_another_take_of_the_item_that_keeps_its_seed(
    reaper: Reaper, stage: Stage, home: Path
) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    reaper.answer('rain: "hard"', "1", "5", "1")
    reaper.start(ASK)
    look_until(reaper, lambda: count_takes(reaper) == 1)
    [item] = reaper.items
    item["selected"] = True
    reaper.start(REROLL)
    look_until(reaper, lambda: count_takes(reaper) == 2)
    assert len(reaper.items) == 1
    first, second = read_requests(home)
    seeds = [read_mark(take)["seed"] for take in reaper.takes_of(item)]
    assert seeds == [5, second["seed"]]
    assert second["seed"] != 5
    drawn = ("seed", "variation_seed", "guide_seed", "plan_seed", "source_seed")
    for name in drawn:
        first.pop(name)
        second.pop(name)
    assert second == first
    assert reaper.texts("said") == reaper.texts("boxes") == []


def test_a_cover_and_a_repaint_become_other_takes_and_stems_get_tracks(
    reaper: Reaper, stage: Stage, home: Path, recording: Path
) -> None:
    item = reaper.add_item(reaper.add_track("guitar"), recording, 3.0)
    reaper.start(LOOP)
    reaper.answer("jazz quartet")
    reaper.start(COVER)
    look_until(reaper, lambda: count_takes(reaper) == 2)
    reaper.select_time(4.0, 5.0)
    reaper.answer("a fill")
    reaper.start(REPAINT)
    look_until(reaper, lambda: count_takes(reaper) == 3)
    assert len(reaper.items) == 1
    reaper.start(STEMS)
    look_until(reaper, lambda: len(reaper.items) > 1)
    assert [request["task"] for request in read_requests(home)] == ["cover", "repaint", "extract"]
    repaint = read_requests(home)[1]
    assert (repaint["repaint_start"], repaint["repaint_end"]) == (1, 2)
    names = [track["P_NAME"] for track in reaper.tracks]
    assert names[0] == "guitar"
    assert names[1].endswith(" stems")
    assert names[2:], "a track each"
    assert reaper.project["sources"] == len(reaper.paths), "no file stays open for nothing"
    assert {place(each) for each in reaper.items} == {(3.0, 4.0)}
    assert len(reaper.takes_of(item)) == 3
    assert reaper.texts("said") == reaper.texts("boxes") == []


def test_takes_that_another_client_counts_are_put_in_when_it_says_so(
    reaper: Reaper, stage: Stage
) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    with closing(stage.client()) as client:
        look_until(reaper, lambda: stage.clients.find("reaper") is not None)
        client.send("/ace/generate", "t", "prompt", "rain", "bars", 1, "count", 3, "seed", 11)
        for _ in range(3):
            client.until("/ace/finished")
        for number in (1, 2, 3):
            client.send("/ace/insert", f"t.{number}", -1, -1)
        look_until(reaper, lambda: count_takes(reaper) == 3)
    [item] = reaper.items
    assert sorted(read_mark(take)["seed"] for take in reaper.takes_of(item)) == [11, 12, 13]


def test_nothing_is_lost_or_put_in_twice_when_both_are_started_again(
    reaper: Reaper, home: Path, ask_folder: Path
) -> None:
    reaper.add_track("bass")
    for number in range(1, 4):
        with on_stage(home) as stage, closing(stage.client()) as client:
            write_lock(home, out=str(home / "out"))
            reaper.start(LOOP)
            reaper.look()
            client.send("/ace/go", f"go{number}", "rain", 1.0)
            client.until("/ace/finished")
            if number % 2:
                look_until(reaper, lambda: len(reaper.items) >= number)  # noqa: B023
        reaper.quit_scripts()
        write_lock(home).write_text("")
    ids = [read_mark(reaper.takes_of(item)[0])["id"] for item in reaper.items]
    assert sorted(ids) == ["go1", "go2", "go3"]
    assert len(set(reaper.paths)) == 3


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_script_that_is_left_running_beside_a_daemon_that_is_killed_again_and_again(
    reaper: Reaper, home: Path
) -> None:
    reaper.add_track("bass")
    reaper.start(LOOP)
    random = np.random.default_rng(15)
    wanted: list[str] = []
    for number in range(10):
        with started(home / "out") as (daemon, client):
            wanted += [f"take{number}.{one}" for one in range(3)]
            for id in wanted[-3:]:
                client.send("/ace/generate", id, "prompt", "rain", "bars", 1, "num_steps", 1)
                client.until("/ace/queued", id)
            end = time.monotonic() + random.uniform(0, 6)
            look_until(reaper, lambda end=end: time.monotonic() > end)  # type: ignore[misc]
            daemon.process.kill()
        reaper.look()
    with started(home / "out"):
        for count in range(len(reaper.items), len(wanted)):
            look_until(reaper, lambda count=count: len(reaper.items) > count)  # type: ignore[misc]
        end = time.monotonic() + 15
        look_until(reaper, lambda: time.monotonic() > end)
    ids = [read_mark(reaper.takes_of(item)[0])["id"] for item in reaper.items]
    assert sorted(ids) == sorted(wanted)
    assert len(set(reaper.paths)) == len(wanted)


# --- the files ------------------------------------------------------------------------------------

LUA_FILES = sorted((ROOT / "integrations" / "reaper").glob("*.lua"))
SHARED = ROOT / "integrations" / "shared" / "acestep_inbox.lua"


@pytest.mark.parametrize("file", [*LUA_FILES, SHARED], ids=lambda file: file.name)
def test_lua_itself_and_its_linter_find_nothing(file: Path) -> None:
    if shutil.which("luac5.4"):
        subprocess.run(["luac5.4", "-p", str(file)], check=True)
    if not shutil.which("luacheck"):
        pytest.skip("luacheck is not installed")
    options = ["--std", "lua53", "--read-globals", "reaper", "--max-line-length", "110", "--codes"]
    result = subprocess.run(["luacheck", str(file), *options], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_the_osc_pattern_says_nothing_to_anybody() -> None:
    lines = (LUA_FILES[0].parent / "acestepd.ReaperOSC").read_text().splitlines()
    patterns = [line.split() for line in lines if line and not line.startswith("#")]
    assert all(len(line) <= 512 for line in lines)
    assert patterns.pop() == ["ACTION", "i/action", "s/action/str", "t/action/@"]
    assert all(name.startswith("DEVICE_") and count == "0" for name, count in patterns)


def test_reapack_gets_every_script() -> None:
    header = (LUA_FILES[0].parent / LOOP).read_text()
    for file in LUA_FILES:
        if file.name != LOOP:
            assert f"] {file.name}\n" in header
            is_action = file.name.startswith("acestepd ")
            assert (file.read_text().startswith("-- @noindex\n")) == is_action
