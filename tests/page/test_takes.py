"""Takes over HTTP: the journal's, their sound, waveforms and recipes, and what is thrown away."""

from __future__ import annotations

import base64
import dataclasses
import json
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import send2trash

from daemon.page import peaks, reading
from daemon.runtime import file_manager
from pipeline.capabilities import Capabilities
from pipeline.real_files import LinkOnTheWay
from pipeline.singer.lines import LineTime, WordTime
from pipeline.singer.lrc import format_lrc
from tests.page.conftest import Answer, Asker, make_take
from tests.support.harness import SteppedModel
from tests.support.journals import add_takes
from tests.support.stage import Stage, on_stage
from tests.support.trash import use_trash
from tests.support.waiting import until

HOSTILE = ["<img src=x onerror=alert(1)>", "emoji 🎹🔥", "\u202egnp.exe", "a'b\"c&d;e", "%2e%2e%2f"]


def test_a_take_is_told_with_what_is_known_of_it(stage: Stage, asker: Asker) -> None:
    take = make_take(stage, asker, "a", "prompt", "warm keys, 84 bpm", "bars", 2, "seed", 7)
    assert take["seed"] == 7
    assert take["bpm"] == 84
    assert take["bars"] == 2
    assert take["stems"] == ["mix"]
    assert take["notes"] == ["the prompt says 84 bpm: it was taken"]
    assert Path(take["path"]).is_file()
    assert not take["isGone"]
    assert asker.ask(f"/takes/{take['number']}").json == take


def test_the_newest_come_first_and_older_ones_behind_a_number(stage: Stage, asker: Asker) -> None:
    for id in "abc":
        make_take(stage, asker, id, "prompt", f"the one called {id}", "bars", 1)
    answer = asker.ask("/takes?limit=2").json
    assert answer["total"] == 3
    assert [take["id"] for take in answer["takes"]] == ["c", "b"]
    rest = asker.find_takes(f"?before={answer['takes'][-1]['number']}")
    assert [take["id"] for take in rest] == ["a"]


def test_the_panel_is_set_to_what_a_take_was_asked_for_with(stage: Stage, asker: Asker) -> None:
    words = "[verse]\n" + "la la la\n" * 100
    take = make_take(stage, asker, "a", "prompt", "keys, 84 bpm", "lyrics", words, "bars", 2)
    stage.panel.set("prompt", "horns")
    stage.panel.set("stems", "drums")
    address = f"/takes/{take['number']}/panel"
    assert asker.ask(address, "POST", headers={"Origin": "http://evil.example"}).status == 403
    assert asker.ask(address, "POST").status == 200
    request = stage.panel.request
    assert (request.prompt, request.lyrics, request.bars) == ("keys, 84 bpm", words, 2)
    assert (request.stems, request.bpm) == ("", 0)  # as it was asked: open
    assert request.seed == take["seed"] >= 0, "so that one changed word is heard"
    assert asker.ask("/takes/99/panel", "POST").status == 404


def test_a_panel_is_set_all_of_it_or_nothing(stage: Stage, asker: Asker) -> None:
    stage.panel.set("repaint_start", 5)
    stage.panel.set("repaint_end", 9)
    later = {"repaint_start": 20, "repaint_end": 30, "prompt": "keys"}
    assert asker.ask("/panel", "POST", json.dumps(later)).json["prompt"] == "keys"
    assert (stage.panel.request.repaint_start, stage.panel.request.repaint_end) == (20, 30)
    for wrong in ({"bpm": 9999}, {"source": "/none.wav"}, {"none": 1}, {"reference": "/etc/hosts"}):
        answer = asker.ask("/panel", "POST", json.dumps({"prompt": "horns", **wrong}))
        assert 400 <= answer.status < 500, answer
    assert stage.panel.request.prompt == "keys"


def test_a_panel_is_as_the_settings_say_again(stage: Stage, asker: Asker) -> None:
    stage.panel.set("prompt", "keys")
    stage.panel.set("bars", 3)
    assert asker.ask("/panel/defaults", "POST").json["prompt"] == ""
    assert stage.panel.request == stage.panel.defaults


def test_words_and_favourites_are_looked_for(stage: Stage, asker: Asker) -> None:
    make_take(stage, asker, "a", "prompt", "dusty keys", "bars", 1)
    make_take(stage, asker, "b", "prompt", "bright horns", "bars", 1)
    with closing(stage.client()) as client:
        client.send("/ace/favourite", "a", 1)
        client.until("/ace/done")
    assert [take["id"] for take in asker.find_takes("?words=BRIGHT")] == ["b"]
    answer = asker.ask("/takes?favourites=1").json
    assert [take["id"] for take in answer["takes"]] == ["a"]
    assert (answer["total"], answer["all"]) == (1, 2)
    assert asker.ask(f"/takes?words={'x%20' * 40}").status == 422


@pytest.mark.parametrize("text", HOSTILE)
def test_names_come_as_they_are_in_json(stage: Stage, asker: Asker, text: str) -> None:
    take = make_take(stage, asker, "a", "prompt", text, "bars", 1)
    assert take["prompt"] == text
    assert asker.ask("/takes").headers["content-type"] == "application/json"


def test_its_sound_is_its_file_whole_or_in_parts(stage: Stage, asker: Asker) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    content = Path(take["path"]).read_bytes()
    path = f"/takes/{take['number']}/sound/mix"
    whole = asker.ask(path)
    assert whole.body == content
    assert whole.headers["content-type"] == "audio/wav"
    assert Path(take["path"]).name in whole.headers["content-disposition"]
    part = asker.ask(path, headers={"Range": "bytes=100-299"})
    assert part.status == 206
    assert part.body == content[100:300]
    assert asker.ask(path, headers={"Range": "bytes=999999999-"}).status == 416
    assert asker.ask(path, "HEAD").body == b""


@pytest.mark.parametrize(
    "path", ["0", "99999", "x", "1/sound/vocals", "1/sound/", "1/sound/mix.wav"]
)
def test_what_there_is_not_is_said(stage: Stage, asker: Asker, path: str) -> None:
    make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    assert asker.ask(f"/takes/{path}").status == 404


def test_its_waveform_is_computed_once(
    stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    path = f"/takes/{take['number']}/waveform/mix"
    first = asker.ask(path).json
    monkeypatch.setattr(peaks, "compute_waveform", None)
    assert asker.ask(path).json == first
    assert len(base64.b64decode(first["peaks"])) == 2 * first["columns"]


def test_its_recipe_is_the_manifest(stage: Stage, asker: Asker) -> None:
    take = make_take(stage, asker, "a", "prompt", "warm keys", "bars", 1)
    recipe = asker.ask(f"/takes/{take['number']}/manifest").json
    assert recipe["request"]["prompt"] == "warm keys"


@pytest.fixture
def trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return use_trash(tmp_path, monkeypatch)


def test_what_is_thrown_away_lies_in_the_trash(stage: Stage, asker: Asker, trash: Path) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    kept = make_take(stage, asker, "b", "prompt", "y", "bars", 1)
    content = Path(take["path"]).read_bytes()
    answer = asker.ask(f"/takes/{take['number']}", "DELETE")
    assert answer.json == {"files": 2}
    assert not Path(take["path"]).exists()
    assert Path(kept["path"]).exists()
    assert (trash / "files" / Path(take["path"]).name).read_bytes() == content
    assert asker.ask(f"/takes/{take['number']}").json["isGone"]
    again = asker.ask(f"/takes/{take['number']}", "DELETE")
    assert again.status == 404


def test_what_was_thrown_away_or_never_made_is_listed_no_more_also_after_a_restart(
    tmp_path: Path, trash: Path
) -> None:
    with on_stage(tmp_path, page=0) as stage:
        assert stage.page
        asker = Asker(stage.page.port)
        kept = make_take(stage, asker, "kept", "prompt", "x", "bars", 1)
        thrown = make_take(stage, asker, "thrown", "prompt", "x", "bars", 1)
        lost = make_take(stage, asker, "lost", "prompt", "x", "bars", 1)
        for path in (lost["path"], str(Path(lost["path"]).with_suffix(".json"))):
            Path(path).unlink()
        files = [
            asker.ask(f"/takes/{take['number']}", "DELETE").json["files"] for take in (thrown, lost)
        ]
        assert files == [2, 0]
        listed = asker.ask("/takes").json
        assert [take["id"] for take in listed["takes"]] == ["kept"]
        assert listed["total"] == 1
        assert asker.ask(f"/takes/{lost['number']}", "DELETE").status == 404
    with on_stage(tmp_path, page=0) as stage:
        assert stage.page
        asker = Asker(stage.page.port)
        assert [take["number"] for take in asker.ask("/takes").json["takes"]] == [kept["number"]]
        assert asker.ask("/takes?words=thrown").json == {
            "takes": [],
            "total": 0,
            "all": 1,
        }
        assert asker.ask(f"/takes/{thrown['number']}").json["id"] == "thrown"


REPEATED = ("name", "again", "prompt", "x", "bars", 1, "seed", 7)


def assert_gone(asker: Asker, number: int) -> None:
    """Nothing of a take is shown, or can be thrown away, any more."""
    assert asker.ask(f"/takes/{number}").json["isGone"]
    for what in ("sound/mix", "waveform/mix", "manifest"):
        assert asker.ask(f"/takes/{number}/{what}").status == 404
    assert asker.ask(f"/takes/{number}", "DELETE").status == 404


def test_a_name_that_came_again_is_the_later_take_s_also_after_a_restart(
    tmp_path: Path, trash: Path
) -> None:
    with on_stage(tmp_path, page=0) as stage:
        assert stage.page
        asker = Asker(stage.page.port)
        older = make_take(stage, asker, "older", *REPEATED)
        assert asker.ask(f"/takes/{older['number']}", "DELETE").status == 200
        newer = make_take(stage, asker, "newer", *REPEATED)
        assert newer["path"] == older["path"]
        assert_gone(asker, older["number"])
    with on_stage(tmp_path, page=0) as stage:
        assert stage.page
        asker = Asker(stage.page.port)
        assert_gone(asker, older["number"])
        assert asker.ask(f"/takes/{newer['number']}/sound/mix").status == 200
        assert asker.ask(f"/takes/{newer['number']}/manifest").json["id"] == "newer"
        assert asker.ask(f"/takes/{newer['number']}", "DELETE").json == {"files": 2}


def test_files_that_another_program_has_landed_there_are_not_thrown_away(
    stage: Stage, asker: Asker, trash: Path
) -> None:
    """The manifest beside them says whose they are."""
    take = make_take(stage, asker, "a", *REPEATED)
    manifest = Path(take["path"]).with_suffix(".json")
    recipe = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(recipe | {"id": "another"}))
    assert asker.ask(f"/takes/{take['number']}", "DELETE").json == {"files": 0}
    assert Path(take["path"]).exists()
    assert manifest.exists()


def test_words_that_somebody_has_written_beside_a_take_stay(
    stage: Stage, asker: Asker, trash: Path
) -> None:
    take = make_take(stage, asker, "a", *REPEATED)
    words = Path(take["path"]).with_suffix(".lrc")
    words.write_text("[00:01.00] by hand\n")
    assert asker.ask(f"/takes/{take['number']}", "DELETE").json == {"files": 2}
    assert words.read_text() == "[00:01.00] by hand\n"


@pytest.mark.parametrize("is_by_hand", [False, True])
def test_words_go_with_their_take_unless_they_were_changed(
    stage: Stage, asker: Asker, trash: Path, is_by_hand: bool
) -> None:
    take = make_take(stage, asker, "a", *REPEATED)
    line = LineTime("la", 1.0, 2.0, "Verse", 1, 1, 0, (WordTime("la", 1.0, 2.0),))
    manifest = Path(take["path"]).with_suffix(".json")
    recipe = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(recipe | {"lines": [line._asdict()]}))
    words = Path(take["path"]).with_suffix(".lrc")
    words.write_text(format_lrc([line], "a title", 2.0) + "[00:09.00] more\n" * is_by_hand)
    answer = asker.ask(f"/takes/{take['number']}", "DELETE")
    assert answer.json == {"files": 2 if is_by_hand else 3}
    assert words.exists() == is_by_hand


def test_who_throws_a_take_away_twice_at_once_does_it_once(
    stage: Stage, asker: Asker, trash: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = make_take(stage, asker, "a", *REPEATED)
    throw = send2trash.send2trash
    at_once = threading.Barrier(2)

    def throw_at_once(path: Path) -> None:
        with suppress(threading.BrokenBarrierError):
            at_once.wait(0.2)  # the other is here too, if it may
        throw(path)

    monkeypatch.setattr(send2trash, "send2trash", throw_at_once)
    with ThreadPoolExecutor(2) as pool:
        answers = [*pool.map(lambda _: asker.ask(f"/takes/{take['number']}", "DELETE"), range(2))]
    assert sorted(answer.status for answer in answers) == [200, 404]
    assert {"files": 2} in [answer.json for answer in answers]


def test_what_cannot_be_thrown_away_tells_no_folder(
    stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = make_take(stage, asker, "a", *REPEATED)

    def fail(path: Path) -> None:
        raise OSError(f"no trash for {path}")

    monkeypatch.setattr(send2trash, "send2trash", fail)
    answer = asker.ask(f"/takes/{take['number']}", "DELETE")
    assert answer.status == 507
    assert str(stage.settings.out).encode() not in answer.body


def test_a_clip_that_is_no_sound_any_more_tells_no_folder(stage: Stage, asker: Asker) -> None:
    take = make_take(stage, asker, "a", *REPEATED)
    Path(take["path"]).write_bytes(b"no sound")
    answer = asker.ask(f"/takes/{take['number']}/waveform/mix")
    assert answer.status == 404
    assert str(stage.settings.out).encode() not in answer.body


def test_what_is_being_made_is_not_thrown_away(tmp_path: Path, asker: Asker, stage: Stage) -> None:
    stage.model.hung.clear()
    with closing(stage.client()) as client:
        client.send("/ace/generate", "a", "prompt", "hang", "bars", 1)
        client.until("/ace/queued")
        [take] = asker.find_takes()
        answer = asker.ask(f"/takes/{take['number']}", "DELETE")
        assert answer.status == 409
        assert "cancel" in answer.json["hint"]
        client.send("/ace/panic")


def test_a_failure_says_why(stage: Stage, asker: Asker) -> None:
    with closing(stage.client()) as client:
        client.send("/ace/generate", "a", "prompt", "bad", "bars", 1)
        client.until_end("a")
    [take] = asker.find_takes()
    assert take["state"] == "fail"
    assert take["failure"]


def test_the_panel_is_told_whole(stage: Stage, asker: Asker) -> None:
    lyrics = "a line of it\n" * 1000
    stage.panel.set("lyrics", lyrics)
    assert asker.ask("/panel").json["lyrics"] == lyrics.rstrip("\n") or lyrics


def test_every_parameter_is_told_with_what_it_takes(asker: Asker) -> None:
    parameters: dict[str, Any] = {each["name"]: each for each in asker.ask("/parameters").json}
    assert parameters["bpm"]["low"] == 30
    assert parameters["task"]["choices"][1] == "cover"
    assert all(each["help"] for each in parameters.values())


def test_what_would_be_read_is_told_as_it_is_read(stage: Stage, asker: Asker) -> None:
    words = '{"prompt": "waltz, 92 bpm in F#m", "lyrics": "[Chorus]\\nhello friend\\n(12345 ???)"}'
    read = asker.ask("/reading", "POST", words).json
    assert read["bpm"] == 92
    assert read["key"] == "F# minor"
    assert read["timeSignature"] == "3/4"
    assert [section["kind"] for section in read["sections"]] == ["chorus"]
    assert stage.panel.request.prompt == "", "nothing was set"
    assert asker.ask("/reading", "POST", '{"bpm": 9999, "prompt": "x"}').json["problem"]
    assert asker.ask("/reading", "POST", "[1]").status == 400
    assert asker.ask("/reading", "POST", "x" * 300_000).status == 413


def read_notes(asker: Asker, **values: Any) -> dict[str, tuple[str, bool]]:
    """What each note is about and whether it is a problem, by its text."""
    read = asker.ask("/reading", "POST", json.dumps(values)).json
    return {note["text"]: (note["about"], note["isProblem"]) for note in read["notes"]}


def test_a_note_says_what_it_is_about_and_whether_somebody_has_to_look(
    shared_asker: Asker,
) -> None:
    lyrics = "Title: Low Tide\nbpm: 92\n[verse]\nla la 24/7\nПривет\n[what a day]"
    assert read_notes(shared_asker, prompt="keys in 4/4, 84 and 90 bpm", lyrics=lyrics, bpm=80) == {
        "the lyrics say bpm 92, and bpm 80 was given: it is 80": ("request", True),
        "no section and not sung: [what a day]": ("lyrics", True),
        "hummed, as there are no rules for Cyrillic: Привет": ("lyrics", True),
        "the prompt says 84 and 90 bpm, and bpm 80 was given: it is 80": ("prompt", True),
        "the lyrics' line 1 (Title: Low Tide): name = Low Tide": ("request", False),
        "the lyrics' line 2 (bpm: 92): bpm = 92": ("request", False),
        "no language is given: sung as English": ("lyrics", False),
        "sung in other words: 24/7 (twenty four seven)": ("lyrics", False),
    }


def test_what_the_values_say_already_is_no_note(shared_asker: Asker) -> None:
    assert read_notes(shared_asker, prompt="keys in A minor, 84 bpm, in 4/4") == {}
    assert read_notes(shared_asker, prompt="keys, 84 bpm or 92 bpm") == {
        "the prompt says 84 bpm or 92 bpm: 84 was taken, the first": ("prompt", False)
    }


# --- words ----------------------------------------------------------------------------------------

SONG = "[Verse 1]\nWe are alive tonight\n\n[Chorus]\nStay with me"


def test_all_words_are_told_as_they_are_written_and_when_each_line_is_sung(
    tmp_path: Path,
) -> None:
    model = SteppedModel()
    model.lines = (
        LineTime("We are alive tonight", 0.5, 2.0, "Verse 1", 1, 1, 1, (WordTime("We", 0.5, 0.7),)),
        LineTime("Stay with me", 2.5, 4.0, "Chorus", 2, 1, 4, ()),
        LineTime("???", 0.0, 0.0, "Chorus", 0, 0, 5, (), "not sung"),
    )
    lyrics = SONG + "\nla la la" * 100
    with on_stage(tmp_path, model, page=0) as stage:
        assert stage.page
        asker = Asker(stage.page.port)
        take = make_take(stage, asker, "a", "prompt", "x", "bars", 2, "lyrics", lyrics)
        assert len(take["lyrics"]) < len(lyrics)
        words = asker.ask(f"/takes/{take['number']}/words").json
        assert words == {"lyrics": lyrics, "lines": [[1, 0.5, 2.0], [4, 2.5, 4.0]]}
        Path(take["path"]).with_suffix(".json").write_text('{"lines": [{"line": {}}, 3]}')
        assert asker.ask(f"/takes/{take['number']}/words").json == {"lyrics": lyrics, "lines": []}
        assert asker.ask("/takes/99/words").status == 404


# --- previews -------------------------------------------------------------------------------------


def test_the_newest_preview_is_played(stage: Stage, asker: Asker) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    path = f"/takes/{take['number']}/preview"
    assert asker.ask(path).status == 404
    folder = stage.settings.state / "previews"
    folder.mkdir(exist_ok=True)
    for step in (2, 9, 10):
        (folder / f"{take['number']}_{step}.wav").write_bytes(b"RIFF%d" % step)
    (folder / f"{take['number']}1_99.wav").write_bytes(b"another's")
    answer = asker.ask(path)
    assert answer.body == b"RIFF10"
    assert answer.headers["content-type"] == "audio/wav"


# --- in the file manager --------------------------------------------------------------------------


def test_a_take_is_shown_in_the_file_manager(
    stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Path] = []

    def show(path: Path) -> bool:
        shown.append(path)
        return True

    monkeypatch.setattr(file_manager, "show", show)
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    answer = asker.ask(f"/takes/{take['number']}/reveal/mix", "POST")
    assert answer.json == {"path": take["path"]}
    assert shown == [Path(take["path"])]
    assert asker.ask(f"/takes/{take['number']}/reveal/..", "POST").status == 404


def test_where_it_cannot_be_shown_the_page_is_told_why(
    stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    path = f"/takes/{take['number']}/reveal/mix"
    monkeypatch.setattr(file_manager, "show", lambda path: False)
    assert asker.ask(path, "POST").status == 501

    def fail(path: Path) -> bool:
        raise file_manager.NotShown("open could not show it (exit status 3)")

    monkeypatch.setattr(file_manager, "show", fail)
    answer = asker.ask(path, "POST")
    assert (answer.status, answer.json["message"]) == (
        500,
        "open could not show it (exit status 3)",
    )


def test_nothing_is_shown_for_another_machine(
    stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    monkeypatch.setattr(file_manager, "show", pytest.fail)
    monkeypatch.setattr("daemon.page.app.is_loopback", lambda host: False)
    assert asker.ask(f"/takes/{take['number']}/reveal/mix", "POST").status == 403


def test_a_file_manager_that_hangs_keeps_nobody_waiting(
    stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_shown = threading.Event()
    begun = []

    def hang(path: Path) -> bool:
        begun.append(path)
        return is_shown.wait(60)

    monkeypatch.setattr(file_manager, "show", hang)
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    path = f"/takes/{take['number']}/reveal/mix"
    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(asker.ask, path, "POST") for _ in range(6)]
        until(lambda: bool(begun))
        assert asker.ask(f"/takes/{take['number']}").status == 200
        assert asker.ask(f"/takes/{take['number']}/sound/mix").status == 200
        assert len(begun) == 1
        is_shown.set()
        assert [answer.result().status for answer in answers] == [200] * 6


# --- what would be read ---------------------------------------------------------------------------


def test_readings_that_take_long_keep_nobody_waiting_but_older_ones(
    stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()
    begun = []

    def read_slowly(panel: Any, values: dict[str, Any], *_: object) -> dict[str, Any]:
        begun.append(values["prompt"])
        may_go_on.wait(60)
        return {"prompt": values["prompt"]}

    monkeypatch.setattr(reading, "read", read_slowly)

    def ask(prompt: str) -> Answer:
        return asker.ask("/reading", "POST", json.dumps({"prompt": prompt}))

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(ask, "first")
        until(lambda: bool(begun))
        others = [pool.submit(ask, f"{number}") for number in range(6)]
        assert asker.ask("/takes").status == 200
        assert asker.ask("/panel").status == 200
        may_go_on.set()
        assert first.result().status == 200
        statuses = sorted(other.result().status for other in others)
    assert statuses.count(200) >= 1
    assert set(statuses) <= {200, 409}
    assert len(begun) == 1 + statuses.count(200)


class Mute(SteppedModel):
    """It plays guides, and does not read lyrics."""

    @property
    def capabilities(self) -> Capabilities:
        return dataclasses.replace(super().capabilities, sings=False, plays_guides=True)


def test_it_is_told_beforehand_that_nobody_sings(tmp_path: Path) -> None:
    with on_stage(tmp_path, Mute(), page=0) as stage:
        assert stage.page
        asker = Asker(stage.page.port)
        take = make_take(stage, asker, "a", "prompt", "x", "lyrics", "la la", "bars", 1)
        asked = {"prompt": "x", "lyrics": "la la"}
        repaint = asked | {"task": "repaint", "source": take["path"]}
        unsung = "the lyrics will not be sung: repaint has no guide that is sung"
        assert read_notes(asker, **repaint)[unsung] == ("lyrics", True)
        off = "the lyrics will not be sung: guide_voice is off"
        assert off in read_notes(asker, **asked, guide_voice="off")
        assert not any("not be sung" in note for note in read_notes(asker, **asked))


def test_it_is_told_beforehand_that_a_voice_stays_in_the_rest(tmp_path: Path) -> None:
    with on_stage(tmp_path, Mute(), page=0) as stage:
        assert stage.page
        asker = Asker(stage.page.port)
        asked = ("prompt", "x", "lyrics", "la la", "bars", 1)
        without = make_take(stage, asker, "a", *asked)["path"]
        sung = make_take(stage, asker, "b", *asked, "stems", "vocals")["path"]
        repaint = {"prompt": "x", "task": "repaint", "stems": "vocals"}
        lost = f"{Path(without).name} has no vocals stem beside it: a voice that was mixed into it "
        notes = read_notes(asker, **repaint, source=without)
        assert notes[f"{lost}stays in the rest"] == ("file", True)
        notes = read_notes(asker, **repaint, source=sung)
        assert not any("stays in the rest" in note for note in notes)


def test_a_model_that_sings_sings_a_repaint_too(stage: Stage, asker: Asker) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "lyrics", "la la", "bars", 1)
    asked = {"prompt": "x", "lyrics": "la la", "task": "repaint", "source": take["path"]}
    assert not any("not be sung" in note for note in read_notes(asker, **asked))


def test_of_many_sections_the_first_are_told(stage: Stage, asker: Asker) -> None:
    lyrics = "[verse]\nla la\n" * (reading.MAX_LISTED + 7)
    read = asker.ask("/reading", "POST", json.dumps({"prompt": "x", "lyrics": lyrics})).json
    assert len(read["sections"]) == reading.MAX_LISTED
    assert read["notes"][0]["text"] == "7 more sections are read than are listed here"


# --- ids that two have used -----------------------------------------------------------------------


def test_of_takes_with_the_same_id_each_is_meant_by_its_number(stage: Stage, asker: Asker) -> None:
    older = make_take(stage, asker, "same", "prompt", "x", "bars", 1)
    newer = make_take(stage, asker, "same", "prompt", "y", "bars", 1)
    assert older["number"] != newer["number"]
    with closing(stage.client()) as client:
        client.send("/ace/favourite", f"#{older['number']}", 1)
        client.until("/ace/done")
    assert [take["number"] for take in asker.find_takes("?favourites=1")] == [older["number"]]


# --- many of them ---------------------------------------------------------------------------------


class CountedSteps:
    """How many steps SQLite takes for what the page asks."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._steps = 0
        patch.setattr("daemon.journal.database.limiting", self._counting)

    @contextmanager
    def _counting(self, db: sqlite3.Connection, seconds: float) -> Iterator[None]:
        def count() -> None:
            self._steps += 1

        db.set_progress_handler(count, 10)
        yield
        db.set_progress_handler(None, 0)

    def count(self, asker: Asker, query: str) -> int:
        self._steps = 0
        assert asker.ask(f"/takes{query}").status == 200
        return self._steps


def test_thousands_of_takes_are_no_more_work_than_a_hundred(
    stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are found by their indices; words are looked for from the newest on."""
    make_take(stage, asker, "a", "prompt", "warm keys", "bars", 1)
    steps = CountedSteps(monkeypatch)
    journal = stage.settings.state / "journal.sqlite"
    add_takes(journal, 200)
    more = ("", "&words=warm", "&favourites=1")
    few = [steps.count(asker, f"?before=150{query}") for query in more]
    add_takes(journal, 3000)
    many = [steps.count(asker, f"?before=3000{query}") for query in more]
    assert asker.ask("/takes").json["total"] == 3201
    assert "total" not in asker.ask("/takes?before=3000").json
    for before, after in zip(few, many):
        assert after <= before * 1.1 + 10


@pytest.mark.parametrize("query", ["before=x", "limit=-1", "before=1e3", "favourites=yes"])
def test_a_question_that_makes_no_sense_is_refused(asker: Asker, query: str) -> None:
    answer = asker.ask(f"/takes?{query}")
    assert answer.status == 422
    assert answer.json["message"].startswith(query.partition("=")[0])


def test_a_link_in_the_place_of_a_take_leads_nowhere(
    stage: Stage, asker: Asker, tmp_path: Path
) -> None:
    """Who may write into the folder, and could not read the file, must not be shown it."""
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    secret = tmp_path / "secret.wav"
    Path(take["path"]).rename(secret)
    Path(take["path"]).symlink_to(secret)
    for what in ("sound", "waveform"):
        assert asker.ask(f"/takes/{take['number']}/{what}/mix").status == 404
    assert asker.ask(f"/takes/{take['number']}").json["isGone"]


def test_a_link_in_the_place_of_a_manifest_leads_nowhere(
    stage: Stage, asker: Asker, tmp_path: Path
) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    secret = tmp_path / "secret.json"
    secret.write_text('{"password": "hunter2", "machine": {"name": "hunter2"}, "memory": {}}')
    manifest = Path(take["path"]).with_suffix(".json")
    manifest.unlink()
    manifest.symlink_to(secret)
    answer = asker.ask(f"/takes/{take['number']}/manifest")
    assert answer.status == 404
    for said in (answer, asker.ask("/daemon")):
        assert b"hunter2" not in said.body


def test_a_link_in_the_place_of_a_folder_leads_nowhere(tmp_path: Path) -> None:
    """But the way to the folder that the settings name may be one."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    with on_stage(tmp_path, page=0) as stage:
        assert stage.page
        asker = Asker(stage.page.port)
        take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
        assert asker.ask(f"/takes/{take['number']}/sound/mix").status == 200
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "a.wav").write_bytes(b"secret")
        (stage.settings.out / "inner").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(LinkOnTheWay):
            stage.osc.allowed_folders.open_landed(stage.settings.out / "inner" / "a.wav")


@pytest.mark.parametrize(
    ("field", "name"), [("source", "secret.wav"), ("guide", "secret.mid"), ("reference", "x.wav")]
)
def test_what_would_be_read_names_only_files_in_allowed_folders(
    stage: Stage, asker: Asker, tmp_path: Path, field: str, name: str
) -> None:
    """Whether another one exists, or what it is, is not told."""
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / name
    said = []
    for content in (None, b"RIFF"):
        if content:
            path.write_bytes(content)
        answer = asker.ask("/reading", "POST", json.dumps({"prompt": "x", field: str(path)}))
        said.append(answer.json["problem"])
    assert said[0] == said[1]
    assert "is not in a folder that messages may name files in" in said[0]
