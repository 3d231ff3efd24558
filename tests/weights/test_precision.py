"""Which matrices stay in bfloat16 on a CPU, that the model is still the official one, and that
nothing but the machine and the caller decides.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import AceStep, blas, load
from pipeline.networks import cpu_ops, gpu_ops
from pipeline.networks.bfloat16 import Bfloat16Embedding, Bfloat16Linear, Bfloat16Matrix
from pipeline.networks.ops import Ops
from pipeline.networks.typed import TypedModule
from pipeline.planner import loading
from pipeline.weights import checkpoint, full_size, precision
from pipeline.weights.checkpoint import TEXT_ENCODER, TURBO
from tests.networks.test_metal_types import DIT, TEXT, VAE
from tests.support.planners import make_planner_folder
from tests.weights.test_quantise import cosine, golden_velocity

# isort: split
import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_flatten

needs_mkl = pytest.mark.skipif(not blas.is_loaded(), reason="it is MKL's product")


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with AMX, for small matrices too."""
    monkeypatch.setattr(blas, "is_bfloat16_fast", lambda: True)
    monkeypatch.setattr(precision, "_SMALLEST", 0)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small turbo model, in bfloat16 as models are published."""
    root = tmp_path_factory.mktemp("turbo")
    full_size.write_full_size(root, DIT | {"is_turbo": True}, TEXT, VAE)
    return root


def list_kept(module: nn.Module) -> set[str]:
    return {name for name, layer in module.named_modules() if isinstance(layer, Bfloat16Matrix)}


def load_dit(root: Path, dtype: mx.Dtype | None, ops: Ops = cpu_ops, bits: int = 0) -> set[str]:
    return list_kept(checkpoint.load_model(root / TURBO, ops, dtype, bits)[0])


@pytest.mark.usefixtures("fast")
def test_the_matrices_of_all_layers_stay_and_what_is_delicate_does_not(root: Path) -> None:
    model, _ = checkpoint.load_model(root / TURBO, cpu_ops, None)
    kept = list_kept(model)
    assert isinstance(model.decoder.layers[0].self_attn.q_proj, Bfloat16Linear)
    assert {"decoder.layers.0.mlp.up_proj", "encoder.lyric_encoder.layers.0.mlp.down_proj"} < kept
    delicate = ("tokenizer", "detokenizer", "decoder.time_embed", "decoder.proj")
    assert not [name for name in kept if name.startswith(delicate)]
    assert precision.find_dtype(model.decoder) == mx.bfloat16
    encoder, _ = checkpoint.load_text_encoder(root / TEXT_ENCODER, cpu_ops, None)
    assert isinstance(encoder.embed_tokens, Bfloat16Embedding)
    assert isinstance(encoder.layers[0].mlp.gate_proj, Bfloat16Linear)


@pytest.mark.usefixtures("fast")
def test_none_stays_where_a_dtype_is_asked_for(root: Path) -> None:
    assert not load_dit(root, mx.float32)


@pytest.mark.usefixtures("fast")
def test_none_stays_on_a_gpu(root: Path) -> None:
    """All is bfloat16 there."""
    assert not load_dit(root, None, gpu_ops)


def test_none_stays_where_float32_is_as_fast(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_SMALLEST", 0)
    monkeypatch.setattr(blas, "_has_amx", lambda: False)
    assert not load_dit(root, None)


@pytest.mark.usefixtures("fast")
def test_none_stays_that_is_quantised(root: Path) -> None:
    assert load_dit(root, None)
    assert not load_dit(root, None, bits=8)


@pytest.mark.usefixtures("fast")
def test_none_stays_that_was_published_in_float32(root: Path, tmp_path: Path) -> None:
    """Rounding would make other weights of it."""
    folder = tmp_path / TURBO
    folder.mkdir()
    (folder / "config.json").write_text((root / TURBO / "config.json").read_text())
    tensors = mx.load(str(root / TURBO / "model.safetensors"))
    assert isinstance(tensors, dict)
    wide = {name: array.astype(mx.float32) for name, array in tensors.items()}
    mx.save_safetensors(str(folder / "model.safetensors"), wide)
    assert not load_dit(tmp_path, None)


def test_the_embedded_voice_s_matrices_are_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """It sounds the same on every processor."""
    monkeypatch.setattr(blas, "is_bfloat16_fast", lambda: True)
    model = load("mini").model
    assert not list_kept(model.networks)
    assert not list_kept(model.text_encoder)


def test_every_matrix_of_the_published_sizes_is_large_enough() -> None:
    width, heads = full_size.TEXT["hidden_size"], full_size.TEXT["num_key_value_heads"]
    assert width * heads * full_size.TEXT["head_dim"] >= precision._SMALLEST
    assert full_size.TEXT["hidden_size"] <= full_size.DIT["hidden_size"]


# --- what it gives --------------------------------------------------------------------------------


@needs_mkl
@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("variant", ["turbo", "base"])
def test_the_velocity_stays_close_to_the_official_one(fixtures: Path, variant: str) -> None:
    ours, official = golden_velocity(fixtures, variant, dtype=None)
    assert cosine(ours, official) > 0.9999
    assert np.abs(ours - official).max() > 1e-4  # what is multiplied is rounded indeed


@needs_mkl
@pytest.mark.usefixtures("fast")
def test_a_take_is_the_float32_one_but_for_its_rounding(root: Path) -> None:
    exact = play(load(str(root), dtype=mx.float32))
    kept = load(str(root))
    assert list_kept(kept.model.networks)
    ours = play(kept)
    assert not np.array_equal(ours, exact)
    assert cosine(ours, exact) > 0.999
    assert np.array_equal(ours, play(kept))
    assert np.array_equal(ours, play(load(str(root))))


def play(model: AceStep) -> np.ndarray:
    clip = next(model.generate("drums and bass", duration=1.0, seed=1, num_steps=4))
    return np.array(clip.audio, np.float64)


@needs_mkl
@pytest.mark.usefixtures("fast")
def test_an_adapter_goes_beside_them_and_leaves_no_trace(root: Path, tmp_path: Path) -> None:
    model = load(str(root))
    before = play(model)
    rows, columns = model.model.networks.decoder.layers[0].mlp.up_proj.weight.shape
    additions = {
        "layers.0.mlp.up_proj.lora_A.weight": mx.ones((4, columns)),
        "layers.0.mlp.up_proj.lora_B.weight": mx.ones((rows, 4)),
    }
    adapter = tmp_path / "adapter.safetensors"
    mx.save_safetensors(str(adapter), additions)
    model.set_adapters(str(adapter))
    assert not np.array_equal(play(model), before)
    model.set_adapters()
    assert np.array_equal(play(model), before)


# --- the planner ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def planner_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small one, in bfloat16 as planners are published."""
    folder = make_planner_folder(tmp_path_factory.mktemp("lm") / "acestep-5Hz-lm-0.6B")
    file = folder / "model.safetensors"
    tensors = mx.load(str(file))
    assert isinstance(tensors, dict)
    half = {name: array.astype(mx.bfloat16) for name, array in tensors.items()}
    mx.eval(half)
    mx.save_safetensors(str(file), half)
    return folder


@needs_mkl
@pytest.mark.usefixtures("fast")
def test_a_planner_says_nearly_the_same_in_half_the_memory(planner_folder: Path) -> None:
    exact = loading.load_planner(planner_folder, cpu_ops, mx.float32)
    kept = loading.load_planner(planner_folder, cpu_ops, None)
    assert isinstance(kept.lm.embed_tokens, Bfloat16Embedding)
    assert count_bytes(kept.lm) < 0.55 * count_bytes(exact.lm)
    ids = mx.array([[5, 6, 7, 8, 9]])
    for tokens in (kept.vocabulary.all_tokens, kept.vocabulary.codes):
        ours, theirs = (np.array(one.lm.logits(one.lm(ids), tokens)) for one in (kept, exact))
        assert np.abs(ours - theirs).max() > 0
        assert cosine(ours, theirs) > 0.999


@pytest.mark.usefixtures("fast")
def test_a_planner_s_size_is_known_before_it_is_loaded(planner_folder: Path) -> None:
    published = (planner_folder / "model.safetensors").stat().st_size
    for dtype in (None, mx.float32):
        loaded = count_bytes(loading.load_planner(planner_folder, cpu_ops, dtype).lm)
        expected = published * precision.find_size(dtype, cpu_ops) / 2
        assert loaded == pytest.approx(expected, rel=0.05)


def count_bytes(module: TypedModule) -> int:
    arrays: dict[str, mx.array] = dict(tree_flatten(module.parameters()))
    return sum(array.nbytes for array in arrays.values())
