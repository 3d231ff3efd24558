"""A manifest says how its take was made, and makes it again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from daemon.landing import clips
from daemon.landing.manifest import read_manifest
from pipeline.request import Request
from pipeline.take import TakeInfo
from tests.support.old_requests import build_old_request
from tests.support.takes import finished_take


def test_a_manifest_gives_back_its_request(tmp_path: Path) -> None:
    request = Request(
        prompt="caf\u00e9",
        lyrics="[verse]\nla",
        bars=2,
        bpm=91.5,
        seed=2**32 - 1,
        key="Am",
        format="flac",
    )
    manifest = clips.write_take(tmp_path, "job", finished_take(request)).manifest
    assert read_manifest(manifest) == TakeInfo(request, "mini/acestep-v15-turbo")


def test_a_manifest_from_before_there_was_a_second_composer_is_the_firsts(tmp_path: Path) -> None:
    manifest = clips.write_take(tmp_path, "job", finished_take(Request(composer=2))).manifest
    assert read_manifest(manifest).request.composer == 2
    data = json.loads(manifest.read_text("utf-8"))
    del data["request"]["composer"]
    manifest.write_text(json.dumps(data), "utf-8")
    assert read_manifest(manifest).request.composer == 1
    assert read_manifest(manifest, lambda values: Request(**values)).request.composer == 1


def test_a_manifest_tells_how_the_take_was_made_and_what_its_files_are(tmp_path: Path) -> None:
    about: dict[str, Any] = {
        "memory": {"diffusion": 2**30},
        "machine": {"system": "x"},
        "notes": ("note",),
    }
    take = finished_take(
        Request(prompt="pad", seed=1),
        "mix",
        "drums",
        sections=((0.0, "A"),),
        chords=((0.0, "Am"),),
        **about,
    )
    # a file name that is not UTF-8
    landed = clips.write_take(tmp_path, "job", take, origin="/songs/caf\udce9.txt")
    data = json.loads(landed.manifest.read_text("utf-8"))
    assert data["id"] == "job"
    assert data["origin"] == "/songs/caf\udce9.txt"
    assert (data["parent"], data["take"], data["takes"]) == ("", 1, 1)
    assert data["memory"] == {"diffusion": 2**30}
    assert data["machine"] == {"system": "x"}
    assert data["notes"] == ["note"]
    assert data["timesteps"] == [1.0, 0.5]
    assert data["seconds_spent"] == {"text": 0.1}
    assert data["sections"] == [[0.0, "A"]]
    assert data["chords"] == [[0.0, "Am"]]
    assert data["versions"].keys() == {"mlx", "numpy", "python"}
    for (stem, path), clip in zip(landed.clips, data["clips"]):
        assert clip.pop("sha256") == hashlib.sha256(path.read_bytes()).hexdigest()
        facts = {
            "samples": 4_800,
            "beats": 0.0,
            "sample_rate": 48_000,
            "format": "wav24",
            "gain_db": 0.0,
        }
        assert clip == {"stem": stem, "file": path.name} | facts


def test_a_manifest_of_an_older_version_is_read(tmp_path: Path) -> None:
    old = {
        "acestepd": "0.1.0",
        "model": "mini/turbo",
        "request": {"prompt": "pad", "seed": 3},
        "clips": [],
    }
    (tmp_path / "old.json").write_text(json.dumps(old))
    assert read_manifest(tmp_path / "old.json") == TakeInfo(
        build_old_request(prompt="pad", seed=3),
        "mini/turbo",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"request": {"bars": -1}, "model": ""}',
        '{"request": {"x": 1}}',
        "\x00",
        "[" * 100_000,
    ],
)
def test_what_is_no_manifest_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(ValueError, match=r"odd\.json: not a manifest"):
        read_manifest(tmp_path / "odd.json")


def test_who_gives_a_clip_or_a_missing_file_for_a_manifest_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "take.wav").write_bytes(b"RIFF\x9a\xff")
    with pytest.raises(ValueError, match=r"take\.wav: .*that is the \.json beside it"):
        read_manifest(tmp_path / "take.wav")
    with pytest.raises(ValueError, match=r"gone\.json: .*there is no such file"):
        read_manifest(tmp_path / "gone.json")
