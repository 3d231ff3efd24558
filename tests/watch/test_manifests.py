"""A manifest makes its take again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.request import Request
from tests.support.watched import PolledFolder, manifest_of


def test_a_manifest_makes_that_take_again(folder: PolledFolder) -> None:
    folder.save("acestepd.txt", "prompt: cold\nbpm: 60\n")
    take = Request(prompt="warm", bpm=92, seed=7, name="chorus", num_steps=8)
    folder.save("chorus_92bpm_s7.json", manifest_of(take))
    (order,) = folder.settle()
    assert order.request == take


def test_a_manifest_makes_a_variation_where_the_folder_s_defaults_have_a_seed(
    folder: PolledFolder,
) -> None:
    folder.save("acestepd.txt", "seed: -1\n")
    folder.save("take.json", manifest_of(Request(prompt="warm", seed=7)))
    (order,) = folder.settle()
    assert order.request == Request(prompt="warm", seed=-1)


def test_a_manifest_of_another_model_says_that_it_will_differ(folder: PolledFolder) -> None:
    folder.save("take.json", manifest_of(Request(prompt="warm", seed=7), "turbo"))
    assert len(folder.settle()) == 1
    assert (0, 409, "turbo played this and mini plays now: it will differ") in folder.notes_on(
        "take.json"
    )


def test_a_manifest_without_its_words_says_that_it_will_differ(folder: PolledFolder) -> None:
    data = json.loads(manifest_of(Request(seed=7))) | {"left_out": ["prompt"]}
    folder.save("take.json", json.dumps(data))
    assert len(folder.settle()) == 1
    (told,) = [text for _, code, text in folder.notes_on("take.json") if code == 409]
    assert told.startswith("this manifest leaves out prompt (private in the settings)")


@pytest.mark.parametrize(
    "content",
    ["{}", "[1, 2", '{"request": {"bpm": 9000}, "model": "x"}', '{"request": 1, "model": 2}'],
)
def test_other_json_is_reported(folder: PolledFolder, content: str) -> None:
    folder.save("package.json", content)
    assert folder.settle() == []
    assert [code for _, code, _ in folder.notes_on("package.json")] == [400]


@pytest.mark.parametrize("exists", [True, False])
def test_a_manifest_may_not_name_files_elsewhere_nor_tell_which_there_are(
    folder: PolledFolder, tmp_path: Path, exists: bool
) -> None:
    if exists:
        (tmp_path / "out.wav").write_bytes(b"RIFF")
    data = json.loads(manifest_of(Request(prompt="x")))
    data["request"] |= {"task": "cover", "source": str(tmp_path / "out.wav")}
    folder.save("take.json", json.dumps(data))
    assert folder.settle() == []
    assert [code for _, code, _ in folder.notes_on("take.json")] == [403]
