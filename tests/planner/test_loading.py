"""Finding and loading planners."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.networks.ops import choose_ops
from pipeline.planner import loading  # before MLX

# isort: split
import mlx.core as mx
import pytest

from pipeline.voices import voice_folder
from pipeline.weights.checkpoint import CheckpointError
from tests.support.planners import make_planner_folder


def test_the_preferred_one_comes_first(tmp_path: Path) -> None:
    for size in ("4B", "0.6B", "1.7B", "mine"):
        (tmp_path / f"acestep-5Hz-lm-{size}").mkdir()
        for file in ("config.json", "tokenizer.json", "model.safetensors"):
            (tmp_path / f"acestep-5Hz-lm-{size}" / file).write_text("{}")
    assert loading.list_sizes(tmp_path) == ["1.7B", "0.6B", "4B", "mine"]
    assert loading.find_planner(tmp_path).name == "acestep-5Hz-lm-1.7B"
    assert loading.find_planner(tmp_path, "4B") == loading.find_planner(
        tmp_path, "acestep-5Hz-lm-4B"
    )


def test_one_whose_download_was_interrupted_is_not_there(tmp_path: Path) -> None:
    (make_planner_folder(tmp_path / "acestep-5Hz-lm-1.7B") / "model.safetensors").unlink()
    assert loading.list_sizes(tmp_path) == []
    make_planner_folder(tmp_path / "acestep-5Hz-lm-0.6B")
    assert loading.find_planner(tmp_path).name == "acestep-5Hz-lm-0.6B"


def test_a_checkpoint_without_a_planner_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no planner acestep-5Hz-lm-1\.7B; it has none"):
        loading.find_planner(tmp_path)
    make_planner_folder(tmp_path / "acestep-5Hz-lm-0.6B")
    with pytest.raises(
        CheckpointError, match=r"no planner acestep-5Hz-lm-4B; it has acestep-5Hz-lm-0\.6B"
    ):
        loading.find_planner(tmp_path, "4B")


@pytest.mark.parametrize("prefix", ["", "model."])
@pytest.mark.parametrize("tied", [True, False])
def test_both_name_styles_and_a_head_of_its_own(tmp_path: Path, prefix: str, tied: bool) -> None:
    folder = make_planner_folder(
        tmp_path / "acestep-5Hz-lm-0.6B", prefix=prefix, tie_word_embeddings=tied
    )
    planner = loading.load_planner(folder, choose_ops(), mx.float32)
    assert planner.lm.logits(planner.lm(mx.array([[1, 2]])), planner.vocabulary.codes).shape == (
        1,
        2,
        500,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.pop("norm.weight"), r"tensor norm\.weight \(64,\) is missing"),
        (lambda tensors: tensors.update(extra=mx.zeros((1,))), "unexpected tensor extra"),
        (
            lambda tensors: tensors.update({"norm.weight": mx.zeros((3,))}),
            r"must have the shape \(64,\), got \(3,\)",
        ),
    ],
)
def test_loading_is_strict(tmp_path: Path, change: object, message: str) -> None:
    folder = make_planner_folder(tmp_path / "acestep-5Hz-lm-0.6B")
    tensors = mx.load(str(folder / "model.safetensors"))
    assert isinstance(tensors, dict)
    mx.eval(tensors)
    change(tensors)  # type: ignore[operator]
    mx.save_safetensors(str(tmp_path / "changed.safetensors"), tensors)
    (tmp_path / "changed.safetensors").replace(folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=message):
        loading.load_planner(folder, choose_ops(), mx.float32)


def test_missing_and_wrong_files_are_named(tmp_path: Path) -> None:
    folder = make_planner_folder(tmp_path / "acestep-5Hz-lm-0.6B")
    shutil.copy(
        voice_folder("mini") / "Qwen3-Embedding-0.6B" / "tokenizer.json", folder / "tokenizer.json"
    )
    with pytest.raises(
        CheckpointError, match=r"tokenizer\.json: this is no planner's tokenizer: it has no <think>"
    ):
        loading.load_planner(folder, choose_ops(), mx.float32)
    (folder / "tokenizer.json").write_text("no")
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: not a readable tokenizer"):
        loading.load_planner(folder, choose_ops(), mx.float32)
    (folder / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"config\.json has no hidden_size"):
        loading.load_planner(folder, choose_ops(), mx.float32)


def test_there_are_no_three_bits(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bits must be one of"):
        loading.load_planner(tmp_path, choose_ops(), mx.float32, 3)
