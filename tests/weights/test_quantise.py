"""Weights in 8 and 4 bits: how close they stay, what is left whole, and folders that are saved
so.
"""

from __future__ import annotations

import json
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from pipeline import AceStep, load
from pipeline.networks import cpu_ops, gpu_ops
from pipeline.networks.layers import QuantizedEmbedding, QuantizedLinear
from pipeline.networks.ops import Ops, choose_ops
from pipeline.weights import checkpoint, convert, quantise
from pipeline.weights.adapter import BITS
from pipeline.weights.checkpoint import TEXT_ENCODER, TURBO, CheckpointError

# isort: split
import mlx.core as mx
from mlx import nn
from mlx.utils import tree_flatten


def arrays(module: nn.Module) -> list[tuple[str, mx.array]]:
    return list(dict(tree_flatten(module.parameters())).items())


@pytest.fixture(scope="module")
def saved(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded voice, saved in 8 bits."""
    target = tmp_path_factory.mktemp("models") / "small"
    list(convert.convert(checkpoint.find(str(root)), target, 8))
    return target


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b))


def sound(model: AceStep) -> np.ndarray:
    return np.array(next(model.generate("drums and bass", duration=1.0, seed=1, num_steps=2)).audio)


def golden_velocity(
    fixtures: Path, variant: str, bits: int = 0, dtype: mx.Dtype | None = mx.float32
) -> tuple[np.ndarray, np.ndarray]:
    """Of every golden case of the DiT: what the official code has, and what we have with so many
    bits.
    """
    model, _ = checkpoint.load_model(
        fixtures / "tiny-ace-step-1.5" / f"acestep-v15-{variant}", choose_ops(), dtype, bits
    )
    golden = load_file(fixtures / "golden" / f"dit_{variant.replace('-', '_')}.safetensors")
    ours = []
    official = []
    for case in [name.removesuffix(".velocity") for name in golden if name.endswith(".velocity")]:
        names = (
            "hidden_states",
            "context_latents",
            "timestep",
            "timestep_r",
            "encoder_hidden_states",
        )
        x, context, t, r, condition = (mx.array(golden[f"{case}.{name}"]) for name in names)
        ours.append(
            np.array(
                model.decoder(x, context, t, r, model.decoder.project_condition(condition))
            ).ravel()
        )
        official.append(golden[f"{case}.velocity"].ravel())
    return np.concatenate(ours), np.concatenate(official)


@pytest.mark.parametrize("variant", ["turbo", "base", "xl-turbo"])
@pytest.mark.parametrize(("bits", "at_least"), [(8, 0.999), (4, 0.98)])
def test_the_velocity_stays_close_to_the_official_one(
    fixtures: Path, variant: str, bits: int, at_least: float
) -> None:
    ours, official = golden_velocity(fixtures, variant, bits)
    assert at_least < cosine(ours, official) < 1
    assert np.abs(ours - official).max() > 1e-4  # it is quantised indeed


def test_fewer_bits_take_less_memory(root: Path) -> None:
    sizes = []
    for bits in (0, 8, 4):
        model, _ = checkpoint.load_model(root / TURBO, choose_ops(), mx.bfloat16, bits)
        sizes.append(
            sum(array.nbytes for layer in model.decoder.layers for _, array in arrays(layer))
        )
    assert sizes[1] < 0.6 * sizes[0]
    assert sizes[2] < 0.35 * sizes[0]


def test_the_text_encoder_is_quantised_too(root: Path) -> None:
    encoder, _ = checkpoint.load_text_encoder(root / TEXT_ENCODER, choose_ops(), mx.float32, 8)
    whole, _ = checkpoint.load_text_encoder(root / TEXT_ENCODER, choose_ops(), mx.float32)
    assert quantise.detect_format(encoder).bits == 8
    ids = mx.array([[5, 6, 7, 8, 9]])
    assert cosine(np.array(encoder(ids)), np.array(whole(ids))) > 0.999
    assert cosine(np.array(encoder.embed(ids)), np.array(whole.embed(ids))) > 0.999


def test_what_no_group_divides_stays_whole_and_is_said(tiny: Path) -> None:
    encoder, _ = checkpoint.load_text_encoder(tiny / TEXT_ENCODER, choose_ops(), mx.float32, 8)
    bits, whole = quantise.detect_format(encoder)
    assert bits == 8
    assert "layers.0.self_attn.q_proj" in whole  # 48 wide
    assert "layers.0.self_attn.o_proj" not in whole  # 64 wide


def test_what_is_small_or_delicate_is_left_as_it_is(root: Path) -> None:
    model, _ = checkpoint.load_model(root / TURBO, choose_ops(), mx.float32, 8)
    packed = {
        name
        for name, layer in model.named_modules()
        if isinstance(layer, QuantizedLinear | QuantizedEmbedding)
    }
    assert "decoder.layers.0.mlp.up_proj" in packed
    assert not [
        name
        for name in packed
        if name.startswith(("tokenizer", "detokenizer", "decoder.time_embed"))
    ]
    plain, _ = checkpoint.load_model(root / TURBO, choose_ops(), mx.float32)
    assert quantise.detect_format(plain) == quantise.WeightFormat(0, ())


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("bias", [True, False])
def test_a_quantised_layer_computes_what_mlx_s_does(bits: int, bias: bool) -> None:
    linear = nn.Linear(96, 40, bias)
    theirs = nn.QuantizedLinear.from_linear(linear, 32, bits)
    ours = QuantizedLinear(96, 40, bias, 32, bits, choose_ops())
    assert ours.shape == (40, 96)
    ours.load_weights(arrays(theirs), strict=True)
    x = mx.random.normal((2, 7, 96), key=mx.random.key(1))
    np.testing.assert_allclose(np.array(ours(x)), np.array(theirs(x)), atol=1e-5)


def test_a_quantised_table_computes_what_mlx_s_does() -> None:
    table = nn.Embedding(50, 64)
    theirs = nn.QuantizedEmbedding.from_embedding(table, 64, 8)
    ours = QuantizedEmbedding(50, 64, 64, 8, choose_ops())
    ours.load_weights(arrays(theirs), strict=True)
    ids = mx.array([[3, 49, 0]])
    x = mx.random.normal((2, 64), key=mx.random.key(1))
    np.testing.assert_array_equal(np.array(ours(ids)), np.array(theirs(ids)))
    np.testing.assert_allclose(
        np.array(ours.as_linear(x)), np.array(theirs.as_linear(x)), atol=1e-5
    )


@pytest.mark.parametrize("ops", [cpu_ops, gpu_ops])
def test_the_product_is_the_same_on_both_devices(ops: Ops) -> None:
    x = mx.random.normal((5, 64), key=mx.random.key(1))
    packed = mx.quantize(mx.random.normal((32, 64), key=mx.random.key(2)), group_size=64, bits=4)
    plain = mx.quantized_matmul(x, *packed, transpose=True, group_size=64, bits=4)
    np.testing.assert_allclose(
        np.array(ops.quantized_matmul(x, *packed, 64, 4)), np.array(plain), atol=1e-5
    )


# --- saved folders --------------------------------------------------------------------------------


def test_a_saved_folder_plays_exactly_as_its_original_does_in_as_many_bits(saved: Path) -> None:
    once = load(str(saved))
    again = load("mini", bits=8)
    np.testing.assert_array_equal(sound(once), sound(again))
    assert once.title == f"{saved}/{TURBO} (8 bit)"
    assert again.title == f"mini/{TURBO} (8 bit)"


def test_a_saved_folder_says_what_it_is_and_is_smaller(saved: Path, root: Path) -> None:
    for folder in (TURBO, TEXT_ENCODER):
        config = json.loads((saved / folder / "config.json").read_text())
        assert config.pop("quantization")["bits"] == quantise.read_bits(saved / folder) == 8
        assert config == json.loads((root / folder / "config.json").read_text())
        assert quantise.read_bits(root / folder) == 0
    names = [f"{TURBO}/model.safetensors", f"{TEXT_ENCODER}/model.safetensors"]
    small, large = (sum((base / name).stat().st_size for name in names) for base in (saved, root))
    assert small < 0.75 * large


def test_nothing_is_computed_when_a_saved_folder_is_loaded(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it loads as fast as any other: it only reads less."""
    monkeypatch.setattr(mx, "quantize", None)
    assert (
        quantise.detect_format(
            checkpoint.load_model(saved / TURBO, choose_ops(), mx.float32)[0]
        ).bits
        == 8
    )
    checkpoint.load_text_encoder(saved / TEXT_ENCODER, choose_ops(), mx.float32)


def test_a_saved_folder_can_be_asked_for_as_what_it_is_only(saved: Path) -> None:
    assert load(str(saved), bits=8).model.weights.bits == 8
    with pytest.raises(CheckpointError, match="is in 8 bits already, it cannot be loaded in 4"):
        load(str(saved), bits=4)


def test_shards_stay_shards(tiny: Path, tmp_path: Path) -> None:
    variant = "acestep-v15-xl-turbo"
    done = list(convert.convert(checkpoint.find(str(tiny), variant), tmp_path / "xl", 4))
    assert [one.folder for one in done][:2] == [variant, TEXT_ENCODER]
    assert len(list((tmp_path / "xl" / variant).glob("*.safetensors"))) == 2
    once, _ = checkpoint.load_model(tmp_path / "xl" / variant, choose_ops(), mx.float32)
    again, _ = checkpoint.load_model(tiny / variant, choose_ops(), mx.float32, 4)
    for (name, a), (_, b) in zip(arrays(once), arrays(again), strict=True):
        assert mx.array_equal(a, b), name
    assert done[0].unquantised == quantise.detect_format(again).unquantised
    assert done[0].after < done[0].before


def test_the_planners_beside_a_model_are_converted_too(tiny: Path, tmp_path: Path) -> None:
    planners = sorted(path.name for path in tiny.glob("acestep-5Hz-lm-*"))
    assert planners
    list(convert.convert(checkpoint.find(str(tiny)), tmp_path / "all", 8))
    for planner in planners:
        assert quantise.read_bits(tmp_path / "all" / planner) == 8
        tensors = mx.load(str(tmp_path / "all" / planner / "model.safetensors"))
        assert isinstance(tensors, dict)
        assert any(name.endswith(".scales") for name in tensors)
        assert (tmp_path / "all" / planner / "tokenizer.json").is_file()


@pytest.mark.parametrize(
    "name", ["decoder.layers.0.mlp.up_proj.scales", "decoder.layers.0.mlp.up_proj.weight"]
)
def test_a_saved_folder_is_read_as_strictly_as_any(saved: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(saved / TURBO, tmp_path / TURBO)
    tensors = mx.load(str(copy / "model.safetensors"))
    assert isinstance(tensors, dict)
    mx.eval(tensors)
    broken = tensors | {name: tensors[name][:, :-1]}
    mx.save_safetensors(str(copy / "model.safetensors"), broken)
    with pytest.raises(CheckpointError, match=r"decoder\.layers\.0\.mlp\.up_proj"):
        checkpoint.load_model(copy, choose_ops(), mx.float32)
    del broken[name]
    mx.save_safetensors(str(copy / "model.safetensors"), broken)
    with pytest.raises(
        CheckpointError, match=r"decoder\.layers\.0\.mlp\.up_proj|unexpected tensor"
    ):
        checkpoint.load_model(copy, choose_ops(), mx.float32)


@pytest.mark.parametrize("value", [3, "eight", [], {"bits": 5}, {"group_size": 64}])
def test_a_config_that_says_nonsense_is_refused(saved: Path, tmp_path: Path, value: object) -> None:
    copy = shutil.copytree(saved / TURBO, tmp_path / TURBO)
    config = json.loads((copy / "config.json").read_text()) | {"quantization": value or [0]}
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="quantization cannot be read"):
        checkpoint.load_model(copy, choose_ops(), mx.float32)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [1, 3, 16, -8])
def test_bits_are_eight_or_four(root: Path, tmp_path: Path, bits: int) -> None:
    with pytest.raises(ValueError, match="bits must be one of 8 4"):
        load("mini", bits=bits)
    with pytest.raises(CheckpointError, match="bits must be one of 8 4"):
        list(convert.convert(checkpoint.find(str(root)), tmp_path / "x", bits))


def test_nothing_that_is_there_is_written_over(root: Path, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="is there already"):
        list(convert.convert(checkpoint.find(str(root)), tmp_path, 8))
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_a_conversion_that_fails_leaves_nothing(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match="is in 8 bits already: convert what it was made from"
    ):
        list(convert.convert(checkpoint.find(str(saved)), tmp_path / "again", 4))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_named_and_nothing_is_left(root: Path, tmp_path: Path) -> None:
    """A limit on the size of files: writing stops in the middle, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores the signal that comes with it
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**21, before[1]))
    try:
        with pytest.raises(CheckpointError, match=r"cannot write model\.safetensors .* make room"):
            list(convert.convert(checkpoint.find(str(root)), tmp_path / "eight", 8))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_cut_off_are_named(root: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(root, tmp_path / "broken")
    weights = broken / TURBO / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match=rf"{TURBO}/model\.safetensors.*(read|acestepd pull)"):
        list(convert.convert(checkpoint.find(str(broken)), tmp_path / "eight", 8))
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]
