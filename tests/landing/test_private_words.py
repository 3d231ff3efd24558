"""With `private`, no file says what was asked for in words. Who asked still knows: the journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daemon.engine.job_events import read_landed
from daemon.jobs import Event
from daemon.landing import clips, staging
from daemon.landing.finished_take import FinishedTake
from daemon.landing.latest import KeptLatest
from daemon.landing.manifest import JobFacts, read_manifest
from pipeline.request import Request
from tests.support.harness import ME, Build, Recorder, SteppedModel, reroll, submit
from tests.support.line_times import sung_line
from tests.support.takes import finished_take, make_run

WORDS = ("sesame", "confess", "noisy", "whisper")


def make_take(format: str, name: str = "") -> FinishedTake:
    """One whose every word is one of `WORDS`."""
    request = Request(
        prompt="sesame",
        lyrics="[verse - confess]\nconfess",
        lm_negative_prompt="noisy",
        bpm=92,
        seed=7,
        format=format,
        name=name,
    )
    return finished_take(
        request,
        "mix",
        "drums",
        sections=((0.0, "verse - confess"), (0.05, "whisper")),
        planned={"caption": "whisper", "lyrics": "confess", "bpm": 92},
        notes=("confess is not sung",),
        lines=(sung_line("confess"),),
    )


def land(folder: Path, take: FinishedTake, private: bool) -> clips.Landed:
    staged = staging.stage(
        folder, "once", JobFacts("job"), take, KeptLatest(of_names=True), private
    )
    landed = clips.land(staged)
    assert landed
    return landed


def find_words(folder: Path) -> set[str]:
    """Those that any file says, or the name of one."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    told = b" ".join(path.name.encode() + path.read_bytes() for path in files).lower()
    return {word for word in WORDS if word.encode() in told}


@pytest.mark.parametrize("format", ["wav24", "flac"])
def test_no_file_says_the_words_nor_does_its_name(tmp_path: Path, format: str) -> None:
    land(tmp_path, make_take(format), private=True)
    assert find_words(tmp_path) == set()
    assert sorted(path.suffix for path in tmp_path.iterdir()) == sorted(
        [".json"] * 2 + [f".{format[:4].removesuffix('2')}"] * 4
    )


@pytest.mark.parametrize("format", ["wav24", "flac"])
def test_without_it_they_do(tmp_path: Path, format: str) -> None:
    """Or the test above proves nothing."""
    land(tmp_path, make_take(format), private=False)
    assert find_words(tmp_path) == set(WORDS)


def test_all_else_is_there_and_a_name_that_was_given_too(tmp_path: Path) -> None:
    landed = land(tmp_path, make_take("wav24", name="Night Drive"), private=True)
    assert landed.manifest.name.startswith("night-drive_92bpm_")
    data = json.loads(landed.manifest.read_text())
    assert data["planned"] == {"bpm": 92}
    assert data["sections"] == [[0.0, "1"], [0.05, "2"]]
    assert data["left_out"] == ["prompt", "lyrics", "lm_negative_prompt"]
    assert data["request"]["seed"] == 7


def test_whoever_reads_its_manifest_is_told_what_is_missing(tmp_path: Path) -> None:
    landed = land(tmp_path, make_take("wav24"), private=True)
    (note,) = read_manifest(landed.manifest).notes
    assert note.startswith("this manifest leaves out prompt, lyrics, lm_negative_prompt (private")
    wordless = finished_take(Request(seed=3))
    assert read_manifest(land(tmp_path, wordless, private=True).manifest).notes == ()
    assert read_manifest(land(tmp_path, make_take("flac"), private=False).manifest).notes == ()


def test_a_landing_that_a_crash_cut_off_costs_the_journal_no_words(tmp_path: Path) -> None:
    take = make_take("wav24")
    landed = land(tmp_path, take, private=True)
    used, columns = read_landed(make_run(take.info.request, tmp_path), landed, None)
    assert used == take.info.request
    assert json.loads(str(columns["request"]))["lyrics"] == take.info.request.lyrics


def test_a_daemon_with_private_remembers_the_words_itself(build: Build, out: Path) -> None:
    engine = build(SteppedModel(), private=True)
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a", Request(prompt="sesame", lyrics="confess", seconds=0.5))
    finished: Event = recorder.wait("finished", "a")
    assert find_words(out) == set()
    assert Path(str(finished.values[1])).parent == out
    (found,) = engine.journal.search("sesame confess")
    assert found.id == "a"
    again = reroll(engine, ME, "b", "a")
    assert (again.request.prompt, again.request.lyrics) == ("sesame", "confess")
