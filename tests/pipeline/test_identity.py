"""Two machines with the same model know that they have it, and what differs where they do not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from pipeline.weights import checkpoint
from pipeline.weights.adapter import Adapter
from pipeline.weights.identity import FileDigests, ModelIdentity, identify
from tests.support.quick_voice import write_quick_voice


def read(folder: Path, state: Path, **more: object) -> ModelIdentity:
    return identify(checkpoint.find(str(folder)), FileDigests(state), **more)  # type: ignore[arg-type]


def copy(voice: Path, to: Path) -> Path:
    return Path(shutil.copytree(voice, to))


def test_a_copy_elsewhere_is_the_same_model(tmp_path: Path) -> None:
    voice = write_quick_voice(tmp_path / "a")
    other = copy(voice, tmp_path / "b")
    assert read(other, tmp_path).describe_difference(read(voice, tmp_path)) == ""


def test_it_survives_json(tmp_path: Path) -> None:
    adapter = tmp_path / "warm.safetensors"
    adapter.write_bytes(b"x")
    found = read(write_quick_voice(tmp_path / "a"), tmp_path, adapters=[Adapter(str(adapter), 0.5)])
    again = ModelIdentity.from_json(json.loads(json.dumps(found.to_json())))
    assert again == found
    assert again.is_same(found)


def test_other_weights_are_named(tmp_path: Path) -> None:
    voice = write_quick_voice(tmp_path / "a")
    ours = read(voice, tmp_path)
    other = copy(voice, tmp_path / "b")
    weights = next((other / "vae").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes() + b"x")
    said = read(other, tmp_path).describe_difference(ours)
    assert said.startswith("its vae differs: ")
    assert ours.parts["vae"][:8] in said


def test_bits_and_adapters_are_part_of_it(tmp_path: Path) -> None:
    voice = write_quick_voice(tmp_path / "a")
    adapter = tmp_path / "warm.safetensors"
    adapter.write_bytes(b"x")
    ours = read(voice, tmp_path)
    assert read(voice, tmp_path, bits=8).describe_difference(ours) == (
        "its weights have 8 bits, not bits as published"
    )
    worn = read(voice, tmp_path, adapters=[Adapter(str(adapter), 0.5)])
    assert worn.describe_difference(ours) == (
        "it has other adapters: warm.safetensors=0.5, not none"
    )
    louder = read(voice, tmp_path, adapters=[Adapter(str(adapter), 0.75)])
    assert "warm.safetensors=0.75" in louder.describe_difference(worn)
    moved = tmp_path / "elsewhere.safetensors"
    moved.write_bytes(b"x")
    assert read(voice, tmp_path, adapters=[Adapter(str(moved), 0.5)]).is_same(worn)


def test_files_are_read_again_only_where_they_have_changed(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    first = FileDigests(tmp_path).read(file)
    (known,) = json.loads((tmp_path / "digests.json").read_text()).values()
    assert known[2] == first
    remembered = {str(file): [*known[:2], "remembered"]}
    (tmp_path / "digests.json").write_text(json.dumps(remembered))
    assert FileDigests(tmp_path).read(file) == "remembered"
    file.write_bytes(b"other")
    assert FileDigests(tmp_path).read(file) not in (first, "remembered")


def test_what_is_remembered_may_be_damaged(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    digest = FileDigests(tmp_path).read(file)
    for text in ("{", "[]", '{"x": 1}', json.dumps({str(file): 3})):
        (tmp_path / "digests.json").write_text(text)
        assert FileDigests(tmp_path).read(file) == digest
