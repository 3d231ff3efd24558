from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from huggingface_hub import constants
from mlx import nn
from mlx.utils import tree_flatten

from pipeline.networks.ops import choose_ops
from pipeline.planner import loading
from pipeline.voices import HUB_MODEL
from pipeline.weights import checkpoint
from pipeline.weights.checkpoint import CheckpointError
from tests.conftest import ROOT
from tests.support.hostile import make_sparse
from tests.support.hub import FakeHub
from tests.support.planners import make_planner_folder

TURBO = checkpoint.TURBO
MAIN = HUB_MODEL
VARIANTS = (TURBO, "acestep-v15-base", "acestep-v15-xl-turbo", "acestep-v15-xl-base")

Tensors = dict[str, mx.array]


@dataclass(frozen=True)
class Part:
    """One folder of a checkpoint: its weights, a tensor in them, and what loads it."""

    folder: str
    weights: str
    tensor: str
    load: Callable[[Path], Any]


PARTS = {
    "dit": Part(
        TURBO,
        "model.safetensors",
        "decoder.layers.0.cross_attn.k_proj.weight",
        lambda folder: checkpoint.load_model(folder, choose_ops(), mx.float32)[0],
    ),
    "text encoder": Part(
        checkpoint.TEXT_ENCODER,
        "model.safetensors",
        "layers.1.mlp.up_proj.weight",
        lambda folder: checkpoint.load_text_encoder(folder, choose_ops(), mx.float32)[0],
    ),
    "vae": Part(
        checkpoint.VAE_FOLDER,
        "diffusion_pytorch_model.safetensors",
        "decoder.block.0.conv_t1.weight_g",
        lambda folder: checkpoint.load_vae(folder, choose_ops()),
    ),
}
every_part = pytest.mark.parametrize(
    "part", [pytest.param(part, id=name) for name, part in PARTS.items()]
)


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """A checkpoint that may be broken: links to the files of a whole one, to be replaced by
    `write`.
    """
    return Path(shutil.copytree(root, tmp_path / "copy", copy_function=os.symlink))


def write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def tensors_of(path: Path) -> Tensors:
    loaded = mx.load(str(path))
    assert isinstance(loaded, dict)
    return loaded


def rewrite(path: Path, change: Callable[[Tensors], Tensors]) -> None:
    tensors = change(tensors_of(path))
    mx.eval(tensors)
    path.unlink()
    mx.save_safetensors(str(path), tensors)


def split(folder: Path) -> Path:
    """`model.safetensors` as two shards and their index, which is returned."""
    whole = folder / "model.safetensors"
    tensors = tensors_of(whole)
    mx.eval(tensors)
    names = sorted(tensors)
    shards = {
        "model-00001-of-00002.safetensors": names[::2],
        "model-00002-of-00002.safetensors": names[1::2],
    }
    for shard, members in shards.items():
        mx.save_safetensors(str(folder / shard), {name: tensors[name] for name in members})
    index = folder / "model.safetensors.index.json"
    index.write_text(
        json.dumps({"weight_map": {name: shard for shard in shards for name in shards[shard]}})
    )
    whole.unlink()
    return index


def arrays_of(network: nn.Module) -> Tensors:
    return dict(tree_flatten(network.parameters()))


def same(a: nn.Module, b: nn.Module) -> bool:
    """Whether two networks have the same numbers at the same names."""
    one = arrays_of(a)
    other = arrays_of(b)
    return one.keys() == other.keys() and all(
        bool(mx.array_equal(one[name], other[name])) for name in one
    )


# --- finding in folders ---------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_found_and_loads_by_its_folder_name(tiny: Path, variant: str) -> None:
    found = checkpoint.find(str(tiny), variant)
    assert found.variant == variant
    assert found.dit == tiny / variant
    model, config = checkpoint.load_model(found.dit, choose_ops(), mx.float32)
    assert config.is_turbo == ("turbo" in variant)
    assert config.is_xl == ("xl" in variant)
    assert {array.dtype for array in arrays_of(model).values()} == {mx.float32}
    assert checkpoint.load_silence(found.dit).shape[::2] == (1, config.audio_acoustic_hidden_dim)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_numbers_are_the_files_whatever_their_dtype_and_number(
    tiny: Path, variant: str
) -> None:
    model, _ = checkpoint.load_model(tiny / variant, choose_ops(), mx.float32)
    stored: Tensors = {}
    for path in sorted((tiny / variant).glob("*.safetensors")):
        stored |= tensors_of(path)
    name = "encoder.lyric_encoder.layers.0.mlp.up_proj.weight"
    assert mx.array_equal(arrays_of(model)[name], stored[name].astype(mx.float32))
    assert mx.array_equal(model.null_condition_emb, stored["null_condition_emb"].astype(mx.float32))


def test_a_network_has_the_dtype_that_is_asked_for(root: Path) -> None:
    model, _ = checkpoint.load_model(root / TURBO, choose_ops(), mx.bfloat16)
    encoder, _ = checkpoint.load_text_encoder(
        root / checkpoint.TEXT_ENCODER, choose_ops(), mx.bfloat16
    )
    assert {
        array.dtype for network in (model, encoder) for array in arrays_of(network).values()
    } == {mx.bfloat16}


def test_the_vae_is_float32(root: Path) -> None:
    vae = checkpoint.load_vae(root / checkpoint.VAE_FOLDER, choose_ops())
    assert {array.dtype for array in arrays_of(vae).values()} == {mx.float32}


def test_turbo_is_the_default_variant(tiny: Path) -> None:
    assert checkpoint.find(str(tiny)).dit == tiny / TURBO


def test_the_only_variant_is_the_default(copy: Path) -> None:
    (copy / TURBO).rename(copy / "acestep-v15-sft")
    assert checkpoint.find(str(copy)).variant == "acestep-v15-sft"


def test_the_folder_of_the_dit_itself_may_be_named(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copy / "other").symlink_to(copy / TURBO)
    found = checkpoint.find(str(copy / "other"))
    assert found.variant == "other"
    assert found.dit == copy / "other"
    assert found.vae == copy / "vae"
    monkeypatch.chdir(copy / TURBO)
    assert checkpoint.find(".").dit == checkpoint.find("..").dit == copy / TURBO


def test_a_home_folder_may_be_named(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(copy.parent))
    assert checkpoint.find("~/copy").dit == copy / TURBO


@pytest.mark.parametrize("name", ["mini", f"mini/{TURBO}"])
def test_the_embedded_voice_is_found_by_its_name_and_by_what_a_take_calls_it(name: str) -> None:
    assert checkpoint.find(name) == checkpoint.fetch(name) == checkpoint.find("mini")


def test_a_variant_that_is_not_there_names_those_that_are(tiny: Path) -> None:
    with pytest.raises(
        CheckpointError,
        match=r"no model variant 'acestep-v15-sft'; it has acestep-v15-base, .*turbo",
    ):
        checkpoint.find(str(tiny), "acestep-v15-sft")


def test_a_folder_that_is_no_checkpoint_says_what_one_has(tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError,
        match=r"no model variant .*turbo'; it has no folder with a silence_latent\.pt",
    ):
        checkpoint.find(str(tmp_path))


@pytest.mark.parametrize(
    "name", ["", "nosuch", "/no/such/folder", "./no/folder", "~/no/folder", "a/b/c/d", "a/"]
)
@pytest.mark.parametrize("how", [checkpoint.find, checkpoint.fetch])
def test_a_name_that_means_nothing_says_what_a_name_can_be(
    name: str, how: Callable[[str], Any]
) -> None:
    with pytest.raises(
        CheckpointError, match=rf"no model {name!r}: give a folder, a hub name like {MAIN}, or mini"
    ):
        how(name)


@pytest.mark.parametrize(
    "file",
    [
        f"{TURBO}/config.json",
        f"{TURBO}/model.safetensors",
        f"{checkpoint.TEXT_ENCODER}/config.json",
        f"{checkpoint.TEXT_ENCODER}/model.safetensors",
        f"{checkpoint.TEXT_ENCODER}/tokenizer.json",
        f"{checkpoint.VAE_FOLDER}/config.json",
        f"{checkpoint.VAE_FOLDER}/diffusion_pytorch_model.safetensors",
    ],
)
def test_a_missing_file_is_named_before_anything_is_loaded(copy: Path, file: str) -> None:
    (copy / file).unlink()
    with pytest.raises(CheckpointError, match=rf"is not complete: \S*{file} is missing"):
        checkpoint.find(str(copy))


# --- reading strictly -----------------------------------------------------------------------------


@every_part
def test_a_missing_tensor_names_file_and_tensor(copy: Path, part: Part) -> None:
    path = copy / part.folder / part.weights
    rewrite(
        path,
        lambda tensors: {name: array for name, array in tensors.items() if name != part.tensor},
    )
    with pytest.raises(CheckpointError, match=rf"{path}: tensor {part.tensor} \(\d.*\) is missing"):
        part.load(path.parent)


@every_part
def test_an_extra_tensor_names_file_and_tensor(copy: Path, part: Part) -> None:
    path = copy / part.folder / part.weights
    rewrite(path, lambda tensors: tensors | {"decoder.surprise": mx.zeros((2,))})
    with pytest.raises(CheckpointError, match=rf"{path}: unexpected tensor decoder\.surprise"):
        part.load(path.parent)


@every_part
def test_a_misshapen_tensor_names_file_tensor_and_both_shapes(copy: Path, part: Part) -> None:
    path = copy / part.folder / part.weights
    shape = tensors_of(path)[part.tensor].shape
    rewrite(path, lambda tensors: tensors | {part.tensor: mx.zeros((3, 1))})
    with pytest.raises(CheckpointError) as caught:
        part.load(path.parent)
    assert (
        str(caught.value) == f"{path}: tensor {part.tensor} must have the shape {shape}, got (3, 1)"
    )


@every_part
def test_numbers_that_mlx_reads_as_bytes_are_refused(copy: Path, part: Part) -> None:
    """MLX opens an fp8 file without a word, as uint8 of the right shape: that would play as
    noise.
    """
    path = copy / part.folder / part.weights
    rewrite(
        path,
        lambda tensors: tensors | {part.tensor: mx.zeros(tensors[part.tensor].shape, mx.uint8)},
    )
    with pytest.raises(
        CheckpointError,
        match=rf"{path}: tensor {part.tensor} must be bf16, f16 or f32, got .*uint8",
    ):
        part.load(path.parent)


def test_a_text_encoder_loads_with_both_styles_of_names(copy: Path, root: Path) -> None:
    path = copy / checkpoint.TEXT_ENCODER / "model.safetensors"
    rewrite(path, lambda tensors: {f"model.{name}": array for name, array in tensors.items()})
    plain, _ = checkpoint.load_text_encoder(
        root / checkpoint.TEXT_ENCODER, choose_ops(), mx.float32
    )
    prefixed, _ = checkpoint.load_text_encoder(path.parent, choose_ops(), mx.float32)
    assert same(plain, prefixed)


@pytest.mark.parametrize("change", ["missing", "extra", "misshapen"])
def test_prefixed_names_are_read_as_strictly(copy: Path, change: str) -> None:
    path = copy / checkpoint.TEXT_ENCODER / "model.safetensors"
    name = "layers.0.self_attn.q_norm.weight"
    rewrite(path, lambda tensors: {f"model.{name}": array for name, array in tensors.items()})
    changes: dict[str, Callable[[Tensors], Tensors]] = {
        "missing": lambda tensors: {
            key: array for key, array in tensors.items() if key != f"model.{name}"
        },
        "extra": lambda tensors: tensors | {f"model.{name}.twice": mx.zeros((2,))},
        "misshapen": lambda tensors: tensors | {f"model.{name}": mx.zeros((2,))},
    }
    rewrite(path, changes[change])
    with pytest.raises(CheckpointError, match=rf"{path}: .*tensor {name}"):
        checkpoint.load_text_encoder(path.parent, choose_ops(), mx.float32)


@every_part
@pytest.mark.parametrize("length", [0, 4, 100, 0.5, -2])
def test_a_truncated_file_is_named(copy: Path, part: Part, length: float) -> None:
    path = copy / part.folder / part.weights
    content = path.read_bytes()
    write(path, content[: int(length * len(content)) if isinstance(length, float) else length])
    with pytest.raises(CheckpointError, match=rf"{path}: not a readable safetensors file"):
        part.load(path.parent)


def test_a_file_without_tensors_is_named(copy: Path) -> None:
    path = copy / TURBO / "model.safetensors"
    write(path, (2).to_bytes(8, "little") + b"{}")
    with pytest.raises(CheckpointError, match=rf"{path}: holds no tensors"):
        checkpoint.load_model(path.parent, choose_ops(), mx.float32)


@every_part
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", None])
def test_a_broken_config_is_named(copy: Path, part: Part, content: bytes | None) -> None:
    path = copy / part.folder / "config.json"
    path.unlink() if content is None else write(path, content)
    with pytest.raises(CheckpointError, match=rf"^{path}: "):
        part.load(path.parent)


def test_a_config_that_lacks_a_key_names_it(copy: Path) -> None:
    path = copy / TURBO / "config.json"
    values = json.loads(path.read_text())
    del values["sliding_window"]
    write(path, json.dumps(values).encode())
    with pytest.raises(CheckpointError, match=rf"{path}: config\.json has no sliding_window"):
        checkpoint.load_model(path.parent, choose_ops(), mx.float32)


CONFIGS: dict[str, tuple[dict[str, object], str]] = {
    "a billion layers": ({"num_hidden_layers": 10**9}, "num_hidden_layers must be in 0..512"),
    "no layers": ({"num_hidden_layers": -1}, "num_hidden_layers must be in 0..512"),
    "a width of a billion": ({"hidden_size": 10**9}, "hidden_size must be in 1..1048576"),
    "no head": ({"head_dim": 0}, "head_dim must be in 1..1048576, got 0"),
    "half a head": ({"num_attention_heads": 1.5}, "num_attention_heads must be int, got 1.5"),
    "a text": ({"head_dim": "64"}, "head_dim must be int, got '64'"),
    "true": ({"patch_size": True}, "patch_size must be int, got True"),
    "nothing": ({"rope_theta": None}, "rope_theta must be float, got None"),
    "levels": ({"fsq_input_levels": [8, [8]]}, "fsq_input_levels must be int"),
    "a million levels": ({"fsq_input_levels": [8] * 10**6}, "a list of at most 512 values"),
    "kinds": ({"layer_types": [7]}, "layer_types must be str, got 7"),
    "digits": ({"hidden_size": 10**400}, "has 401 digits, at most 19"),
}


@pytest.mark.parametrize("changes", CONFIGS)
def test_a_network_of_impossible_size_is_refused_before_it_is_made(
    copy: Path, changes: str
) -> None:
    values, says = CONFIGS[changes]
    path = copy / TURBO / "config.json"
    write(path, json.dumps(json.loads(path.read_text()) | values).encode())
    with pytest.raises(CheckpointError, match=re.escape(says)):
        checkpoint.load_model(path.parent, choose_ops(), mx.float32)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_huge_file_of_a_checkpoint_is_refused(copy: Path, name: str) -> None:
    path = copy / checkpoint.TEXT_ENCODER / name
    path.unlink()
    make_sparse(path, 100 * 2**30)
    with pytest.raises(CheckpointError, match=re.escape(str(path))):
        checkpoint.load_text_encoder(path.parent, choose_ops(), mx.float32)


def read_tokenizer(copy: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(
        (copy / checkpoint.TEXT_ENCODER / "tokenizer.json").read_bytes()
    )
    return values


@pytest.mark.parametrize("place", ["pre_tokenizer", "normalizer", "decoder"])
def test_a_tokenizer_brings_no_regular_expression_of_its_own(copy: Path, place: str) -> None:
    """ "aaaa...!" would take longer than the universe is old."""
    foreign: dict[str, Any] = {"pattern": {"Regex": "(a+)+$"}, "content": ""}
    foreign |= {"type": "Replace"} if place != "pre_tokenizer" else {"type": "Split"}
    foreign |= {"behavior": "Isolated", "invert": False}
    values = read_tokenizer(copy)
    values[place] = foreign
    path = copy / checkpoint.TEXT_ENCODER / "tokenizer.json"
    write(path, json.dumps(values).encode())
    with pytest.raises(CheckpointError, match=r"its regular expression '\(a\+\)\+\$' is not"):
        checkpoint.load_text_encoder(path.parent, choose_ops(), mx.float32)


def test_a_tokenizer_pads_nothing(copy: Path) -> None:
    values = read_tokenizer(copy) | {
        "padding": {
            "strategy": {"Fixed": 10**9},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "x",
        }
    }
    path = copy / checkpoint.TEXT_ENCODER / "tokenizer.json"
    write(path, json.dumps(values).encode())
    assert len(checkpoint.load_tokenizer(path).encode("la la").ids) < 10


def test_the_published_tokenizers_are_read(tiny: Path) -> None:
    for path in tiny.glob("*/tokenizer.json"):
        assert checkpoint.load_tokenizer(path).encode("la la").ids


@pytest.mark.parametrize("content", [b"", b"{}", None])
def test_a_broken_tokenizer_is_named(copy: Path, content: bytes | None) -> None:
    path = copy / checkpoint.TEXT_ENCODER / "tokenizer.json"
    path.unlink() if content is None else write(path, content)
    with pytest.raises(CheckpointError, match=rf"{path}: not a readable tokenizer"):
        checkpoint.load_text_encoder(path.parent, choose_ops(), mx.float32)


def test_a_broken_silence_is_named(copy: Path) -> None:
    path = copy / TURBO / "silence_latent.pt"
    write(path, b"")
    with pytest.raises(CheckpointError, match=rf"{path}: not a torch zip file"):
        checkpoint.load_silence(path.parent)


def test_a_silence_of_another_width_is_named(copy: Path) -> None:
    path = copy / TURBO / "config.json"
    write(
        path, json.dumps(json.loads(path.read_text()) | {"audio_acoustic_hidden_dim": 32}).encode()
    )
    with pytest.raises(
        CheckpointError,
        match=r"silence_latent\.pt: tensor must have the shape \(1, 32, frames\), got",
    ):
        checkpoint.load_silence(path.parent)


# --- shards ---------------------------------------------------------------------------------------


def test_shards_load_as_one_file_does(copy: Path, root: Path) -> None:
    split(copy / TURBO)
    shards, _ = checkpoint.load_model(checkpoint.find(str(copy)).dit, choose_ops(), mx.float32)
    whole, _ = checkpoint.load_model(root / TURBO, choose_ops(), mx.float32)
    assert same(shards, whole)


def test_a_missing_shard_is_named(copy: Path) -> None:
    shard = split(copy / TURBO).with_name("model-00002-of-00002.safetensors")
    shard.unlink()
    with pytest.raises(CheckpointError, match=rf"{shard}: file is missing"):
        checkpoint.load_model(shard.parent, choose_ops(), mx.float32)
    with pytest.raises(CheckpointError, match=rf"is not complete: {shard} is missing"):
        checkpoint.find(str(copy))


def test_an_index_entry_that_its_shard_lacks_is_named(copy: Path) -> None:
    index = split(copy / TURBO)
    places = json.loads(index.read_text())["weight_map"]
    places["null_condition_emb"] = next(
        shard for shard in places.values() if shard != places["null_condition_emb"]
    )
    write(index, json.dumps({"weight_map": places}).encode())
    shard = index.with_name(places["null_condition_emb"])
    with pytest.raises(
        CheckpointError,
        match=rf"{shard}: tensor null_condition_emb is missing, which the index says",
    ):
        checkpoint.load_model(index.parent, choose_ops(), mx.float32)


def test_a_tensor_that_no_shard_has_names_the_folder(copy: Path) -> None:
    path = copy / TURBO / "model.safetensors"
    rewrite(path, lambda tensors: {k: v for k, v in tensors.items() if k != "null_condition_emb"})
    split(path.parent)
    with pytest.raises(
        CheckpointError, match=rf"{path.parent}: tensor null_condition_emb \(1, 1, \d+\) is missing"
    ):
        checkpoint.load_model(path.parent, choose_ops(), mx.float32)


@pytest.mark.parametrize(
    "shard",
    [
        "../model.safetensors",
        "/etc/passwd",
        "sub/model.safetensors",
        "..",
        "",
        "config.json",
        "model.npz",
    ],
)
def test_an_index_cannot_point_outside_its_folder_or_at_other_files(copy: Path, shard: str) -> None:
    index = copy / TURBO / "model.safetensors.index.json"
    write(index, json.dumps({"weight_map": {"null_condition_emb": shard}}).encode())
    with pytest.raises(
        CheckpointError, match=rf"{index}: a shard must be the name of a safetensors file, got"
    ):
        checkpoint.load_model(index.parent, choose_ops(), mx.float32)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"weight_map": 3}', b'{"weight_map": ["a"]}', b"\xff"]
)
def test_a_broken_index_is_named(copy: Path, content: bytes) -> None:
    index = copy / TURBO / "model.safetensors.index.json"
    write(index, content)
    with pytest.raises(CheckpointError, match=rf"{index}: not a safetensors index"):
        checkpoint.find(str(copy))


# --- the hub --------------------------------------------------------------------------------------

BASE = "ACE-Step/acestep-v15-base"
NEEDED = {
    f"{TURBO}/config.json",
    f"{TURBO}/model.safetensors",
    f"{TURBO}/silence_latent.pt",
    f"{checkpoint.TEXT_ENCODER}/config.json",
    f"{checkpoint.TEXT_ENCODER}/model.safetensors",
    f"{checkpoint.TEXT_ENCODER}/tokenizer.json",
    f"{checkpoint.VAE_FOLDER}/config.json",
    f"{checkpoint.VAE_FOLDER}/diffusion_pytorch_model.safetensors",
}
SHARED = {f"{MAIN}/{file}" for file in NEEDED if not file.startswith(TURBO)}


@pytest.fixture
def ace_step(hub: FakeHub, root: Path) -> FakeHub:
    """The hub with the official repositories: the main one, which has more than is needed, and one
    variant's.
    """
    hub.add(MAIN, root)
    hub.repositories[MAIN] |= dict.fromkeys(
        (
            "README.md",
            ".gitattributes",
            "config.json",
            "acestep-5Hz-lm-1.7B/config.json",
            "acestep-5Hz-lm-1.7B/model.safetensors",
            f"{TURBO}/modeling_acestep_v15_turbo.py",
            f"{checkpoint.TEXT_ENCODER}/vocab.json",
        ),
        b"not needed",
    )
    hub.add(BASE, root / TURBO)
    hub.repositories[BASE]["README.md"] = b"not needed"
    return hub


@pytest.mark.parametrize(
    "name", ["ACE-Step/ACE-Step1.5", "ACE-Step/Ace-Step1.5", "ace-step/ace-step1.5"]
)
def test_the_needed_files_and_no_others_are_downloaded_however_the_name_is_written(
    ace_step: FakeHub, name: str, root: Path
) -> None:
    found = checkpoint.fetch(name)
    assert sorted(ace_step.list_requested()) == sorted(f"{MAIN}/{file}" for file in NEEDED)
    assert found.name == f"{MAIN}/{TURBO}"
    assert found.variant == TURBO
    assert found.dit.name == TURBO
    for file in NEEDED:
        assert (found.dit.parent / file).read_bytes() == (root / file).read_bytes()


def test_a_model_is_downloaded_once_and_then_loads_without_a_network(ace_step: FakeHub) -> None:
    first = checkpoint.fetch("ACE-Step/ACE-Step1.5")
    ace_step.seen.clear()
    assert checkpoint.fetch("ACE-Step/Ace-Step1.5") == first
    assert ace_step.seen == []
    ace_step.stop()
    assert (
        checkpoint.fetch("ACE-Step/ACE-Step1.5") == checkpoint.find("ACE-Step/ACE-Step1.5") == first
    )
    model, _ = checkpoint.load_model(first.dit, choose_ops(), mx.float32)
    assert np.isfinite(np.array(model.null_condition_emb)).all()


def test_what_a_take_calls_its_model_finds_it_again(ace_step: FakeHub) -> None:
    for variant in (TURBO, "acestep-v15-base"):
        fetched = checkpoint.fetch(MAIN, variant)
        assert checkpoint.find(fetched.name) == fetched


@pytest.mark.long
def test_the_planner_is_fetched_to_where_a_model_looks_for_it(hub: FakeHub, tiny: Path) -> None:
    hub.add(MAIN, tiny)
    found = checkpoint.fetch(MAIN)
    assert not (found.text_encoder.parent / checkpoint.PLANNER).exists(), (
        "it is only fetched where it is asked for"
    )
    folder = checkpoint.fetch_planner()
    assert loading.find_planner(found.text_encoder.parent) == folder
    assert loading.load_planner(folder, choose_ops(), mx.float32).name == "acestep-5Hz-lm-1.7B"


def test_planners_in_repositories_of_their_own_are_found_where_they_were_downloaded(
    ace_step: FakeHub, tmp_path: Path, root: Path
) -> None:
    for size in ("0.6B", "4B"):
        planner = make_planner_folder(tmp_path / size)
        ace_step.add(f"ACE-Step/acestep-5Hz-lm-{size}", planner)
    beside = checkpoint.fetch(MAIN).text_encoder.parent
    with pytest.raises(
        CheckpointError,
        match=r"no planner acestep-5Hz-lm-1.7B; it has none; run: acestepd pull --pl",
    ):
        loading.find_planner(beside)
    with pytest.raises(CheckpointError, match="run: acestepd pull --planner 4B"):
        loading.find_planner(beside, "4B")
    four = checkpoint.fetch_planner("4B")
    assert loading.find_planner(beside) == loading.find_planner(beside, "4B") == four, (
        "of those there are"
    )
    small = checkpoint.fetch_planner("0.6B")
    assert loading.find_planner(beside) == loading.find_planner(beside, "0.6B") == small, (
        "the quicker one"
    )
    fetched = [file for file in ace_step.list_requested() if "acestep-5Hz-lm" in file]
    assert sorted(fetched) == sorted(
        f"ACE-Step/acestep-5Hz-lm-{size}/{file}"
        for size in ("0.6B", "4B")
        for file in ("config.json", "model.safetensors", "tokenizer.json")
    )
    ace_step.stop()
    assert loading.find_planner(root, "4B") == four, (
        "a folder of one's own takes it where it is asked for"
    )
    with pytest.raises(CheckpointError, match="it has none"):
        loading.find_planner(root)
    assert loading.load_planner(four, choose_ops(), mx.float32).vocabulary.code_ids
    assert loading.find_planner(root, str(tmp_path / "4B")) == tmp_path / "4B"


def test_a_planner_of_another_size_is_refused(hub: FakeHub) -> None:
    with pytest.raises(CheckpointError, match=r"must be one of 1\.7B 0\.6B 4B, got '7B'"):
        checkpoint.fetch_planner("7B")
    assert hub.seen == []


def test_a_planner_that_was_not_downloaded_whole_is_not_there(
    ace_step: FakeHub, tmp_path: Path
) -> None:
    make_planner_folder(tmp_path / "4B")
    (tmp_path / "4B" / "tokenizer.json").unlink()
    ace_step.add("ACE-Step/acestep-5Hz-lm-4B", tmp_path / "4B")
    with pytest.raises(
        CheckpointError, match=r"tokenizer\.json is missing; the hub does not have it"
    ):
        checkpoint.fetch_planner("4B")
    assert checkpoint.find_cached_planner("4B") is None


def test_a_hub_without_a_planner_says_so(hub: FakeHub, root: Path) -> None:
    hub.add(MAIN, root)
    with pytest.raises(CheckpointError, match="has no planner"):
        checkpoint.fetch_planner()


def test_find_never_touches_the_network_and_says_what_to_run(ace_step: FakeHub) -> None:
    with pytest.raises(
        CheckpointError, match=rf"^{MAIN} is not on this machine.*; run: acestepd pull {MAIN}$"
    ):
        checkpoint.find("ACE-Step/ACE-Step1.5")
    with pytest.raises(
        CheckpointError, match=rf"^{BASE} is not on this machine.*; run: acestepd pull {BASE}$"
    ):
        checkpoint.find("ACE-Step/ACE-Step1.5", "acestep-v15-base")
    assert ace_step.seen == []


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        (BASE, ""),
        ("ace-step/acestep-v15-base", ""),
        ("ACE-Step/ACE-Step1.5", "acestep-v15-base"),
        (f"{MAIN}/acestep-v15-base", ""),
    ],
)
def test_a_variant_in_a_repository_of_its_own_shares_text_encoder_and_vae(
    ace_step: FakeHub, name: str, variant: str
) -> None:
    found = checkpoint.fetch(name, variant)
    own = {f"{BASE}/{file}" for file in ("config.json", "model.safetensors", "silence_latent.pt")}
    assert sorted(ace_step.list_requested()) == sorted(own | SHARED)
    assert found.name == f"{MAIN}/acestep-v15-base"
    assert found.variant == "acestep-v15-base"
    assert checkpoint.find(name, variant) == found

    ace_step.seen.clear()
    turbo = checkpoint.fetch(MAIN)
    assert turbo.text_encoder == found.text_encoder
    assert turbo.vae == found.vae
    assert sorted(ace_step.list_requested()) == sorted(
        f"{MAIN}/{file}" for file in NEEDED if file.startswith(TURBO)
    )


def test_shards_are_downloaded(ace_step: FakeHub, copy: Path, root: Path) -> None:
    split(copy / TURBO)
    ace_step.add("ACE-Step/acestep-v15-xl-turbo", copy / TURBO)
    found = checkpoint.fetch("ACE-Step/acestep-v15-xl-turbo")
    shards, _ = checkpoint.load_model(found.dit, choose_ops(), mx.float32)
    whole, _ = checkpoint.load_model(root / TURBO, choose_ops(), mx.float32)
    assert same(shards, whole)


def test_a_stranger_s_model_is_not_mistaken_for_the_official_one(
    ace_step: FakeHub, root: Path
) -> None:
    ace_step.add(f"someone/{TURBO}", root / TURBO)
    found = checkpoint.fetch(f"someone/{TURBO}")
    assert found.name == f"someone/{TURBO}"
    assert f"someone/{TURBO}/model.safetensors" in ace_step.list_requested()
    assert f"{MAIN}/{TURBO}/model.safetensors" not in ace_step.list_requested()
    with pytest.raises(
        CheckpointError,
        match=rf"someone/{TURBO} is one model, it has no variant 'acestep-v15-base'",
    ):
        checkpoint.find(f"someone/{TURBO}", "acestep-v15-base")


def test_a_repository_that_is_another_kind_of_model_costs_no_download(ace_step: FakeHub) -> None:
    ace_step.repositories["ACE-Step/acestep-5Hz-lm-4B"] = {
        "config.json": b"{}",
        "model.safetensors": b"8 GB",
    }
    with pytest.raises(
        CheckpointError, match=r"lm-4B is not an ACE-Step 1\.5 model: it has no silence_latent\.pt"
    ):
        checkpoint.fetch("ACE-Step/acestep-5Hz-lm-4B")
    assert ace_step.list_requested() == []


def test_a_repository_that_lacks_a_file_names_it(ace_step: FakeHub) -> None:
    del ace_step.repositories[MAIN]["vae/config.json"]
    with pytest.raises(
        CheckpointError, match=r"is not complete: \S+/vae/config\.json is missing; the hub does not"
    ):
        checkpoint.fetch(MAIN)


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git-lfs"),
    ],
)
def test_what_a_download_left_in_place_of_weights_is_named(
    copy: Path, left: bytes, says: str
) -> None:
    write(copy / "vae" / "diffusion_pytorch_model.safetensors", left)
    with pytest.raises(CheckpointError, match=f"{says}.*acestepd pull"):
        checkpoint.find(str(copy))


def test_a_download_that_broke_off_says_how_to_go_on(
    ace_step: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache's link is there, and what it leads to is not."""
    weights = checkpoint.fetch(MAIN).vae / "diffusion_pytorch_model.safetensors"
    weights.unlink()
    weights.symlink_to("gone.incomplete")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for locate in (checkpoint.find, checkpoint.fetch):
        with pytest.raises(CheckpointError, match="run: acestepd pull"):
            locate(MAIN)


def test_a_name_the_hub_does_not_know_costs_no_download(ace_step: FakeHub) -> None:
    with pytest.raises(
        CheckpointError, match=r"the hub has no model 'ACE-Step/acestep-v15-nope'.* hf auth login"
    ):
        checkpoint.fetch("ACE-Step/ACE-Step1.5", "acestep-v15-nope")
    assert ace_step.list_requested() == []


def test_a_gated_model_says_how_to_log_in(ace_step: FakeHub) -> None:
    ace_step.gated.add(MAIN)
    with pytest.raises(
        CheckpointError,
        match=rf"{MAIN} wants a login: run hf auth login, then acestepd pull {MAIN}",
    ):
        checkpoint.fetch(MAIN)


def test_offline_says_what_could_not_be_reached_and_what_to_do(ace_step: FakeHub) -> None:
    ace_step.stop()
    with pytest.raises(CheckpointError) as caught:
        checkpoint.fetch(MAIN)
    assert str(caught.value).startswith(f"could not reach {ace_step.url} for {MAIN} (")
    assert str(caught.value).endswith(f"connect to the network and run: acestepd pull {MAIN}")


def test_a_broken_connection_is_taken_up_where_it_stopped(
    ace_step: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """huggingface_hub asks again with a Range, from the last whole chunk it wrote."""
    # 10 MB otherwise: more than the file
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 2**16)
    # it waits before it retries
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    file = f"{checkpoint.VAE_FOLDER}/diffusion_pytorch_model.safetensors"
    ace_step.cut(file, 200_000)
    found = checkpoint.fetch(MAIN)
    ranges = [
        seen.range for seen in ace_step.seen if seen.method == "GET" and seen.path.endswith(file)
    ]
    assert ranges == ["", f"bytes={3 * 2**16}-"]
    assert (found.dit.parent / file).read_bytes() == ace_step.repositories[MAIN][file]


def test_an_interrupted_download_keeps_what_was_finished(
    ace_step: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole files, that is: since version 2 huggingface_hub throws the unfinished one away."""
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    file = f"{checkpoint.VAE_FOLDER}/diffusion_pytorch_model.safetensors"
    ace_step.cut(file, *[0] * 6)  # it tries six times
    with pytest.raises(CheckpointError) as caught:
        checkpoint.fetch(BASE)
    assert str(caught.value).startswith(f"{MAIN}: the download stopped (")
    assert str(caught.value).endswith(
        f"finished files are kept, so go on with: acestepd pull {BASE}"
    )
    with pytest.raises(
        CheckpointError, match=rf"{MAIN} is not on this machine, or not all of it; run: .* {BASE}$"
    ):
        checkpoint.find(BASE)

    ace_step.seen.clear()
    found = checkpoint.fetch(BASE)
    assert f"{MAIN}/{file}" in ace_step.list_requested()
    assert not any(file.startswith(BASE) for file in ace_step.list_requested())
    assert checkpoint.find(BASE) == found


def test_a_revision_is_kept_to_whatever_becomes_of_the_newest(ace_step: FakeHub) -> None:
    commit = ace_step.tag(MAIN, "v1")
    config = ace_step.repositories[MAIN][f"{TURBO}/config.json"]
    ace_step.repositories[MAIN][f"{TURBO}/config.json"] = config + b"\n"
    newest, tagged, pinned = (checkpoint.fetch(MAIN, revision=name) for name in ("", "v1", commit))
    assert tagged == pinned == checkpoint.find(MAIN, revision=commit) != newest
    assert (pinned.dit / "config.json").read_bytes() == config
    assert (newest.dit / "config.json").read_bytes() == config + b"\n"
    assert pinned.dit.parent.name == commit
    ace_step.stop()
    assert checkpoint.fetch(MAIN, revision=commit) == pinned


def test_a_variant_and_what_it_shares_are_pinned_each(ace_step: FakeHub) -> None:
    own = ace_step.tag(BASE, "v1")
    main = ace_step.tag(MAIN, "v1")
    for repository in (BASE, MAIN):
        ace_step.repositories[repository]["README.md"] += b", newer"
    found = checkpoint.fetch(BASE, revision=f"{own}, {main}")
    assert found.dit.name == own
    assert found.vae.parent.name == main
    assert checkpoint.fetch(BASE, revision=own).vae.parent.name != main


def test_what_was_fetched_is_loaded_whatever_the_hub_has_by_then(ace_step: FakeHub) -> None:
    """By the pins of several repositories, as the settings have them: each takes its own."""
    pins = checkpoint.list_revisions(checkpoint.fetch_newest(BASE))
    commits = dict(pin.split("=") for pin in pins)
    assert list(commits) == [BASE, MAIN]
    for repository in (BASE, MAIN):
        ace_step.tag(repository, "old")
        ace_step.repositories[repository]["README.md"] += b", newer"
    newest = checkpoint.fetch_newest(BASE)
    assert newest.dit.name != commits[BASE]
    revision = ",".join(["some/other=0123", *pins])
    ace_step.stop()
    assert checkpoint.find(BASE, revision=revision).dit.name == commits[BASE]
    assert checkpoint.find(BASE, revision=revision).vae.parent.name == commits[MAIN]
    assert checkpoint.find(BASE) == newest
    assert checkpoint.list_revisions(checkpoint.find("mini")) == []


def test_a_voice_of_this_machine_loads_without_the_hub_s_library() -> None:
    """Its modules take longer to import than the embedded voice takes to load."""
    code = """
import sys
from pipeline import load
load("mini")
print("huggingface_hub.hf_api" in sys.modules)
"""
    printed = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    assert printed.strip() == "False"


@pytest.mark.parametrize(
    "first", ["import huggingface_hub", "from pipeline.weights import checkpoint"]
)
def test_nobody_is_told_what_runs_here(first: str, tmp_path: Path) -> None:
    """The hub's library adds versions, and who calls it, to each request; not with this off."""
    code = f"""
{first}
from pipeline.weights import checkpoint
from huggingface_hub import constants
from huggingface_hub.utils import build_hf_headers
print(constants.HF_HUB_DISABLE_TELEMETRY, build_hf_headers()["user-agent"])
"""
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in ("HF_HUB_DISABLE_TELEMETRY", "DISABLE_TELEMETRY", "DO_NOT_TRACK")
    }
    # where that is asked, the library looks at this hub for programs that it may be called by
    with FakeHub() as hub:
        clean |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=clean,
            capture_output=True,
            text=True,
            check=True,
        )
    told, agent = done.stdout.strip().split(" ", 1)
    assert told == "True"
    assert [part.partition("/")[0].strip() for part in agent.split(";")] == [
        "unknown",
        "hf_hub",
        "python",
    ]
    assert hub.seen == []


def test_a_revision_the_hub_does_not_have_costs_no_download(ace_step: FakeHub) -> None:
    with pytest.raises(
        CheckpointError, match=rf"{MAIN} has no revision 'v9': a commit, a tag or a branch"
    ):
        checkpoint.fetch(MAIN, revision="v9")
    assert ace_step.list_requested() == []


def test_a_hub_that_offers_xet_is_asked_for_it(ace_step: FakeHub) -> None:
    pytest.importorskip("hf_xet")
    file = f"{TURBO}/model.safetensors"
    ace_step.xet.add(file)
    with pytest.raises(
        CheckpointError, match=r"the download stopped"
    ):  # the invitation is all this hub has
        checkpoint.fetch(MAIN)
    assert any("xet-read-token" in seen.path for seen in ace_step.seen)
    assert f"{MAIN}/{file}" not in ace_step.list_requested()


def test_the_hub_s_own_environment_variables_are_obeyed(ace_step: FakeHub, tmp_path: Path) -> None:
    code = (
        "import sys; from pipeline.weights import checkpoint; "
        "print(checkpoint.fetch(sys.argv[1]).dit)"
    )
    environment = os.environ | {
        "HF_ENDPOINT": ace_step.url,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_OFFLINE": "0",
    }
    environment.pop("HF_HUB_CACHE", None)
    done = subprocess.run(
        [sys.executable, "-c", code, MAIN],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(tmp_path / "home" / "hub")
    assert sorted(ace_step.list_requested()) == sorted(f"{MAIN}/{file}" for file in NEEDED)
