from __future__ import annotations

import json
from pathlib import Path

import mlx.core as mx
import pytest
from mlx.utils import tree_flatten

from daemon.cli.main import main
from pipeline import load
from pipeline.networks.config import AceStepConfig, TextEncoderConfig
from pipeline.networks.ops import choose_ops
from pipeline.networks.text_encoder import TextEncoder
from pipeline.networks.typed import TypedModule
from pipeline.voices import voice_folder
from pipeline.weights import full_size
from pipeline.weights.checkpoint import TEXT_ENCODER, TURBO, VAE_FOLDER, AceStepModel


def read_config(folder: str) -> full_size.Config:
    config: full_size.Config = json.loads(
        (voice_folder("mini") / folder / "config.json").read_text()
    )
    return config


def count_numbers(network: TypedModule) -> int:
    parameters: dict[str, mx.array] = dict(tree_flatten(network.parameters()))
    return sum(array.size for array in parameters.values())


def run_bench(tmp_path: Path, *options: str) -> int:
    own = ("--out", str(tmp_path / "out"), "--state", str(tmp_path / "state"))
    return main(["bench", "--quick", "--model", "mini", *own, *options])


def test_it_tells_stages_floors_and_memory_and_a_line_to_paste(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_bench(tmp_path) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("acestepd ")
    assert printed.out.count("\n") == 1
    assert "mini/acestep-v15-turbo" in printed.out
    for stage in ("diffusion", "decode", "finish", "land", "GB"):
        assert stage in printed.err


def test_scripts_get_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_bench(tmp_path, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    (row,) = report["rows"]
    assert row["whole"] >= sum(row["stages"].values()) * 0.9
    assert {"diffusion", "decode"} == set(row["floors"])
    assert min(row["floors"].values()) > 0
    assert row["memory"] > 0


def test_nothing_is_left_in_the_folder_of_clips(tmp_path: Path) -> None:
    assert run_bench(tmp_path) == 0
    assert not list(tmp_path.rglob("*.wav"))


def test_a_checkpoint_of_random_weights_plays(tmp_path: Path) -> None:
    """Of the embedded voice's sizes here: 6.3 GB are for a person to write."""
    sizes = [read_config(folder) for folder in (TURBO, TEXT_ENCODER, VAE_FOLDER)]
    full_size.write_full_size(tmp_path / "full", *sizes)
    model = load(str(tmp_path / "full"))
    clips = list(model.generate("noise", duration=0.5, seed=1, num_steps=1))
    assert clips[0].samples.shape == (2, 24_000)


def test_the_published_sizes_are_those_of_the_published_files() -> None:
    """2.4 billion numbers of the DiT and its encoders, and 0.6 of the text encoder."""
    ops = choose_ops()
    dit = AceStepModel(AceStepConfig.from_dict(full_size.DIT), ops)
    text = TextEncoder(TextEncoderConfig.from_dict(full_size.TEXT), ops)
    assert count_numbers(dit) == 2_393_872_518
    assert count_numbers(text) == 595_776_512
