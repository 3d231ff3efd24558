"""NAME_latest: always the newest clip, and never a file of somebody else's."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path

import pytest

from daemon.landing import clips, staging
from daemon.landing.latest import NONE, KeptLatest
from daemon.landing.manifest import JobFacts, read_manifest
from pipeline.request import Request
from tests.support.takes import finished_take

OF_NAMES = KeptLatest(of_names=True)
OF_FOLDER = KeptLatest(of_folder=True)


def take(
    folder: Path, seed: int, stems: str = "mix", kept: KeptLatest = OF_NAMES, **values: object
) -> clips.Landed:
    request = Request(prompt="pad", seed=seed).changed(values)
    return clips.write_take(folder, "job", finished_take(request, *stems.split()), kept=kept)


def test_the_newest_take_is_also_there_as_latest_with_its_stems(tmp_path: Path) -> None:
    for seed in (1, 2):
        landed = take(tmp_path, seed, "mix drums")
        for (_, path), name in zip(landed.clips, ("pad_latest.wav", "pad_latest_drums.wav")):
            assert (tmp_path / name).read_bytes() == path.read_bytes()
    assert read_manifest(tmp_path / "pad_latest.json").request.seed == 2
    assert len(list(tmp_path.iterdir())) == 2 * 3 + 3


def test_every_name_and_format_has_its_own(tmp_path: Path) -> None:
    take(tmp_path, 1)
    take(tmp_path, 2, name="other", format="flac")
    names = {path.name for path in tmp_path.glob("*_latest*")}
    assert names == {"pad_latest.wav", "pad_latest.json", "other_latest.flac", "other_latest.json"}


def test_a_folder_has_one_whatever_takes_are_called(tmp_path: Path) -> None:
    take(tmp_path, 1, kept=OF_FOLDER)
    newest = take(tmp_path, 2, "mix drums", kept=OF_FOLDER, name="other", bars=2).clips
    names = {path.name for path in tmp_path.glob("*latest*")}
    assert names == {"latest.wav", "latest_drums.wav", "latest.json"}
    assert (tmp_path / "latest.wav").read_bytes() == newest[0][1].read_bytes()
    assert read_manifest(tmp_path / "latest.json").request.name == "other"


def test_stems_alone_leave_the_mix_that_a_track_points_at(tmp_path: Path) -> None:
    mix = take(tmp_path, 1, "mix bass", kept=OF_FOLDER).clips[0][1]
    take(tmp_path, 2, "drums rest", kept=OF_FOLDER)
    names = {path.name for path in tmp_path.glob("latest*")}
    assert names == {"latest.wav", "latest_drums.wav", "latest_rest.wav", "latest.json"}
    assert (tmp_path / "latest.wav").read_bytes() == mix.read_bytes()
    newest = take(tmp_path, 3, kept=OF_FOLDER).clips[0][1]
    assert {path.name for path in tmp_path.glob("latest*")} == {"latest.wav", "latest.json"}
    assert (tmp_path / "latest.wav").read_bytes() == newest.read_bytes()


def test_a_folder_s_and_a_name_s_are_both_kept_if_both_are_wanted(tmp_path: Path) -> None:
    take(tmp_path, 1, kept=KeptLatest(True, True))
    take(tmp_path, 2, kept=KeptLatest(True, True), name="other")
    names = {path.name for path in tmp_path.glob("*latest.wav")}
    assert names == {"latest.wav", "pad_latest.wav", "other_latest.wav"}


def test_somebody_s_own_latest_stays(tmp_path: Path) -> None:
    (tmp_path / "latest.wav").write_bytes(b"mine")
    take(tmp_path, 1, kept=OF_FOLDER)
    assert (tmp_path / "latest.wav").read_bytes() == b"mine"


def test_what_was_staged_by_an_older_version_becomes_the_latest_of_its_name(
    tmp_path: Path,
) -> None:
    made = finished_take(Request(prompt="pad", seed=1), "mix")
    staged = staging.stage(tmp_path, clips.NO_JOURNAL, JobFacts("job"), made, OF_NAMES)
    older = json.loads(staged.to_json()) | {"latest": "pad"}
    assert staging.Staged.from_json(json.dumps(older)) == staged
    assert clips.land(staging.Staged.from_json(json.dumps(older | {"latest": ""})))
    assert not list(tmp_path.glob("*latest*"))


def test_without_the_setting_there_is_none(tmp_path: Path) -> None:
    take(tmp_path, 1, kept=NONE)
    assert not list(tmp_path.glob("*_latest*"))


def test_it_is_replaced_in_one_step_and_never_seen_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(tmp_path, 1)
    replace = os.replace

    def watched(source: Path, target: Path) -> None:
        before = target.read_bytes()
        assert before.startswith((b"RIFF", b"{"))
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    newest = take(tmp_path, 2).clips[0][1]
    assert (tmp_path / "pad_latest.wav").read_bytes() == newest.read_bytes()


def test_editing_it_in_place_leaves_the_take_alone(tmp_path: Path) -> None:
    path = take(tmp_path, 1).clips[0][1]
    content = path.read_bytes()
    with (tmp_path / "pad_latest.wav").open("r+b") as stream:
        stream.write(b"edited")
    assert path.read_bytes() == content


@pytest.mark.parametrize("change", ["edited", "before", "link", "folder"])
def test_a_file_of_somebody_else_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: str
) -> None:
    mine = tmp_path / "pad_latest.wav"
    if change == "edited":
        take(tmp_path, 1)
        mine.write_bytes(mine.read_bytes() + b"mine")
    elif change == "before":
        mine.write_bytes(b"mine")
    elif change == "link":
        (tmp_path / "elsewhere.wav").write_bytes(b"mine")
        mine.symlink_to(tmp_path / "elsewhere.wav")
    else:
        mine.mkdir()
    before = mine.stat().st_mtime_ns, mine.is_dir() or mine.read_bytes()
    with caplog.at_level(logging.WARNING):
        landed = take(tmp_path, 2, "mix drums")
    assert (mine.stat().st_mtime_ns, mine.is_dir() or mine.read_bytes()) == before
    assert len(landed.clips) == 2
    assert "pad_latest" in caplog.text


def test_beside_a_strangers_file_the_other_stems_are_kept(tmp_path: Path) -> None:
    (tmp_path / "pad_latest.wav").write_bytes(b"mine")
    for seed in (1, 2):
        drums = take(tmp_path, seed, "mix drums").clips[1][1]
        assert (tmp_path / "pad_latest_drums.wav").read_bytes() == drums.read_bytes()
    (tmp_path / "pad_latest.wav").unlink()
    mix = take(tmp_path, 3, "mix drums").clips[0][1]
    assert (tmp_path / "pad_latest.wav").read_bytes() == mix.read_bytes()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"latest": []}', '{"latest": {"a": 1}}', "[" * 100_000, "\udcff"]
)
def test_a_record_of_somebody_else_stays_too(tmp_path: Path, text: str) -> None:
    record = tmp_path / "pad_latest.json"
    record.write_bytes(text.encode("utf-8", "surrogateescape"))
    take(tmp_path, 1)
    assert record.read_bytes() == text.encode("utf-8", "surrogateescape")
    assert not (tmp_path / "pad_latest.wav").exists()


def test_a_stem_that_a_take_lacks_is_remembered_for_the_next_that_has_it(tmp_path: Path) -> None:
    for seed, stems in ((1, "mix drums"), (2, "mix"), (3, "mix drums")):
        landed = take(tmp_path, seed, stems)
    assert (tmp_path / "pad_latest_drums.wav").read_bytes() == landed.clips[1][1].read_bytes()


def test_when_the_older_takes_are_tidied_away_it_still_follows(tmp_path: Path) -> None:
    for path in (take(tmp_path, 1).clips[0][1], take(tmp_path, 2).manifest):
        path.unlink()
    newest = take(tmp_path, 3).clips[0][1]
    assert (tmp_path / "pad_latest.wav").read_bytes() == newest.read_bytes()


def test_a_take_lands_even_where_its_latest_finds_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    take(tmp_path, 1)
    monkeypatch.setattr(os, "replace", full)
    landed = take(tmp_path, 2)
    assert landed.manifest.exists()
    assert read_manifest(tmp_path / "pad_latest.json").request.seed == 1
    assert not list(tmp_path.glob(".*"))


def test_what_the_newest_take_lacks_is_removed_but_never_a_changed_file(tmp_path: Path) -> None:
    take(tmp_path, 1, "mix drums bass")
    (tmp_path / "pad_latest_bass.wav").write_bytes(b"edited by hand")
    take(tmp_path, 2, "mix")
    names = {path.name for path in tmp_path.glob("*_latest*")}
    assert names == {"pad_latest.wav", "pad_latest_bass.wav", "pad_latest.json"}
    assert (tmp_path / "pad_latest_bass.wav").read_bytes() == b"edited by hand"


def test_a_record_cannot_have_a_file_elsewhere_removed(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    take(folder, 1)
    other = tmp_path / "other.wav"
    other.write_bytes(b"")
    record = folder / "pad_latest.json"
    data = json.loads(record.read_bytes())
    data["latest"]["../other.wav"] = [hashlib.sha256(b"").hexdigest()]
    record.write_text(json.dumps(data))
    take(folder, 2)
    assert other.exists()
