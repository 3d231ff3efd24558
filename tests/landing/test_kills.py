"""Killed at any line: invisible, or finished by the next daemon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from daemon.landing import clips, staging
from daemon.landing.manifest import JobFacts, read_manifest
from pipeline.request import Request
from tests.support import riff, wrecks
from tests.support.landings import TOKEN, assert_whole, list_hidden, list_visible, stage_pad
from tests.support.takes import finished_take

LATEST = {"pad_latest.json", "pad_latest.wav", "pad_latest_drums.wav"}
WHOLE = [
    LATEST | {f"{stem}{tail}" for tail in (".json", ".wav", "_drums.wav")}
    for stem in ("pad_30s_s1", "pad_30s_s1_2")
]


EVERY_THIRD = pytest.param(3, marks=[pytest.mark.long, pytest.mark.timeout(1800)])
EVERY = pytest.param(1, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])


@pytest.mark.parametrize("step", [127, EVERY_THIRD, EVERY])  # lines between two kills
@pytest.mark.parametrize("how", [[], ["exfat"], ["stranger"], ["exfat", "stranger"]], ids=" ".join)
@pytest.mark.parametrize("cut", ["land", "recover"])
def test_killed_at_any_line_a_landing_is_invisible_or_finished_by_recover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: list[str], cut: str, step: int
) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.support.wrecks", tmp_path, str(step), *how, cut], check=True
    )
    if "exfat" in how:
        monkeypatch.setattr(os, "link", wrecks.refuse_links)
    places = list(tmp_path.iterdir())
    assert len(places) * step > 150
    for place in places:
        folder = place / "clips"
        stranger = {
            path.name
            for path in folder.glob("*_drums.wav")
            if path.read_bytes() == wrecks.STRANGERS.encode()
        }
        for name in list_visible(folder):
            if name.endswith(".wav") and name not in stranger:
                riff.walk((folder / name).read_bytes())
        promised = (place / "journal").exists()
        if promised:
            landed = wrecks.recover(place)
            assert landed is not None
            assert_whole(landed)
        staging.sweep(folder, TOKEN, keep=set())
        assert not list_hidden(folder)
        mine = {*list_visible(folder)} - stranger
        assert mine in WHOLE or (mine == set() and not promised)
        assert not mine or read_manifest(folder / "pad_latest.json").request.seed == 1
        assert all((folder / name).read_text() == wrecks.STRANGERS for name in stranger)


def test_recover_after_everything_was_done_only_says_what_there_is(volume: Path) -> None:
    staged = stage_pad(volume, "mix", "drums")
    assert clips.recover(staging.Staged.from_json(staged.to_json())) == clips.recover(staged)
    (volume / "pad_30s_s1_drums.wav").unlink()  # the musician did not like them
    landed = clips.recover(staged)
    assert landed is not None
    assert [stem for stem, _ in landed.clips] == ["mix"]


def test_where_files_are_lost_the_job_must_be_rendered_again(volume: Path) -> None:
    staged = stage_pad(volume, "mix", "drums")
    staged.files[1].source.unlink()
    (volume / "pad_30s_s1_drums.wav").write_text("not what was staged")
    assert clips.recover(staged) is None
    assert list_visible(volume) == ["pad_30s_s1_drums.wav"]
    with pytest.raises(FileNotFoundError, match="a staged file is gone"):
        clips.land(staged)


def test_the_journals_note_gives_back_what_was_staged(tmp_path: Path) -> None:
    staged = stage_pad(tmp_path, "mix", "drums")
    assert staging.Staged.from_json(staged.to_json()) == staged


@pytest.mark.parametrize("key", ["folder", "staging", "pairs", "sums", "latest"])
@pytest.mark.parametrize(
    "value", [None, "/", "../..", [["a", "../b"], ["b", "c"]], [["a", ".."], ["b", ""]], 7]
)
def test_a_note_that_is_none_moves_and_removes_nothing(
    tmp_path: Path, key: str, value: Any
) -> None:
    data = json.loads(stage_pad(tmp_path).to_json())
    if key == "latest":
        data = [data]
    else:
        data[key] = value
    with pytest.raises(ValueError, match="not what was staged"):
        staging.Staged.from_json(json.dumps(data))


def test_what_a_killed_one_without_a_journal_left_goes_a_day_later(tmp_path: Path) -> None:
    left, recent = (
        staging.stage(
            tmp_path, clips.NO_JOURNAL, JobFacts(name), finished_take(Request(seed=1))
        ).staging
        for name in "ab"
    )
    yesterday = time.time() - 2 * clips.DAY
    os.utime(left, (yesterday, yesterday))
    clips.write_take(tmp_path, "c", finished_take(Request(seed=2)))
    assert left.exists() is False
    assert recent.exists() is True


def test_sweeping_removes_the_journals_own_leftovers_and_nothing_else(tmp_path: Path) -> None:
    stage_pad(tmp_path)
    kept = stage_pad(tmp_path).staging
    foreign = staging.stage(
        tmp_path, "ab12-cd", JobFacts("job"), finished_take(Request(prompt="pad"))
    )
    others = [".acestepd-ab12-notes", f".acestepd-{TOKEN}", ".acestepd", "song.wav"]
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / f".acestepd-{TOKEN}-abcdefgh").symlink_to(tmp_path / "song.wav")
    (tmp_path / f".acestepd-{TOKEN}-12345678").write_text("a file")
    staging.sweep(tmp_path, TOKEN, keep={kept})
    left = {
        *others,
        kept.name,
        foreign.staging.name,
        f".acestepd-{TOKEN}-abcdefgh",
        f".acestepd-{TOKEN}-12345678",
    }
    assert {path.name for path in tmp_path.iterdir()} == left
    staging.sweep(tmp_path / "nowhere", TOKEN, keep=set())
