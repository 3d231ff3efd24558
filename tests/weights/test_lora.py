"""LoRA adapters: read as trainers write them, put on, and taken off without a trace."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import AceStep, load
from pipeline.weights import lora
from pipeline.weights.adapter import Adapter, AdapterError, parse_adapters
from tests.support.hostile import write_peft

# isort: split
import mlx.core as mx

RANK = 4
ALPHA = 8.0
LAYERS = ("layers.0.self_attn.q_proj", "layers.1.cross_attn.v_proj", "layers.0.mlp.down_proj")
Tensors = dict[str, mx.array]


@pytest.fixture(scope="module")
def model() -> AceStep:
    return load("mini")


@pytest.fixture(autouse=True)
def bare(model: AceStep) -> None:
    model.set_adapters()


def matrices(model: AceStep, seed: int = 1) -> dict[str, tuple[mx.array, mx.array]]:
    """What an adapter adds, by layer: (rank, in) and (out, rank)."""
    found = {}
    for number, name in enumerate(LAYERS):
        outputs, inputs = dict(model.model.networks.decoder.named_modules())[name].weight.shape
        keys = mx.random.split(mx.random.key(seed * 100 + number))
        found[name] = (
            mx.random.normal((RANK, inputs), key=keys[0]) * 0.05,
            mx.random.normal((outputs, RANK), key=keys[1]) * 0.05,
        )
    return found


def peft(folder: Path, tensors: Tensors, **config: Any) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    values = {"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA} | config
    (folder / "adapter_config.json").write_text(json.dumps(values))
    mx.save_safetensors(str(folder / "adapter_model.safetensors"), tensors)
    return str(folder)


def peft_names(model: AceStep, seed: int = 1, inner: str = "") -> Tensors:
    named: Tensors = {}
    for name, (down, up) in matrices(model, seed).items():
        named[f"base_model.model.{name}.lora_A{inner}.weight"] = down
        named[f"base_model.model.{name}.lora_B{inner}.weight"] = up
    return named


def adapter(model: AceStep, folder: Path, seed: int = 1, **config: Any) -> str:
    return peft(folder, peft_names(model, seed), **config)


def single(path: Path, tensors: Tensors, metadata: dict[str, str] | None = None) -> str:
    mx.save_safetensors(str(path), tensors, metadata or {})
    return str(path)


def velocity(model: AceStep) -> np.ndarray:
    decoder = model.model.networks.decoder
    config = model.model.config
    key = mx.random.key(0)
    x = mx.random.normal((1, 64, config.audio_acoustic_hidden_dim), key=key)
    context = mx.random.normal(
        (1, 64, config.in_channels - config.audio_acoustic_hidden_dim), key=key
    )
    cross = decoder.project_condition(mx.random.normal((1, 20, config.condition_size), key=key))
    at = mx.array([0.7])
    return np.array(decoder(x, context, at, at, cross))


def merged(model: AceStep, additions: list[tuple[int, float]]) -> np.ndarray:
    """The velocity with seeds' matrices times a factor added to the weights themselves."""
    layers = dict(model.model.networks.decoder.named_modules())
    before = {name: layers[name].weight for name in LAYERS}
    for seed, factor in additions:
        for name, (down, up) in matrices(model, seed).items():
            layers[name].weight = layers[name].weight + factor * (up @ down)
    result = velocity(model)
    for name, weight in before.items():
        layers[name].weight = weight
    return result


def message(model: AceStep, *adapters: Any) -> str:
    with pytest.raises(AdapterError) as caught:
        model.set_adapters(*adapters)
    return str(caught.value)


# --- what it does ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 0.5, -1.0])
def test_it_is_the_same_as_adding_the_product_to_the_weights(
    model: AceStep, tmp_path: Path, scale: float
) -> None:
    expected = merged(model, [(1, scale * ALPHA / RANK)])
    assert np.abs(expected - velocity(model)).max() > 0.01
    model.set_adapters((adapter(model, tmp_path), scale))
    np.testing.assert_allclose(velocity(model), expected, atol=1e-4)


def test_several_at_once_are_added_up(model: AceStep, tmp_path: Path) -> None:
    expected = merged(model, [(1, 0.5 * ALPHA / RANK), (2, 2.0)])
    model.set_adapters(
        (adapter(model, tmp_path / "a"), 0.5), adapter(model, tmp_path / "b", seed=2)
    )
    np.testing.assert_allclose(velocity(model), expected, atol=1e-4)


def test_taken_off_it_leaves_no_trace(model: AceStep, tmp_path: Path) -> None:
    before = velocity(model)
    layers = [id(layer) for layer in model.model.networks.modules()]
    for adapters in (
        [adapter(model, tmp_path / "a")],
        [adapter(model, tmp_path / "b", seed=2)],
        [],
    ):
        model.set_adapters(*adapters)
    np.testing.assert_array_equal(velocity(model), before)
    assert [id(layer) for layer in model.model.networks.modules()] == layers


def test_a_new_scale_replaces_the_old_one(model: AceStep, tmp_path: Path) -> None:
    path = adapter(model, tmp_path)
    model.set_adapters((path, 0.5))
    once = velocity(model)
    model.set_adapters((path, 1.0))
    model.set_adapters((path, 0.5))
    np.testing.assert_array_equal(velocity(model), once)


def test_a_scale_of_zero_is_none(model: AceStep, tmp_path: Path) -> None:
    before = velocity(model)
    model.set_adapters(f"{adapter(model, tmp_path)}=0")
    np.testing.assert_array_equal(velocity(model), before)
    assert model.adapters == ()


def test_it_works_beside_quantised_weights(model: AceStep, tmp_path: Path) -> None:
    small = load("mini", bits=8, adapters=[adapter(model, tmp_path)])
    adapted = velocity(small)
    small.set_adapters()
    bare = velocity(small)
    expected = merged(model, [(1, ALPHA / RANK)]) - velocity(model)
    difference = adapted - bare
    assert (
        np.sum(difference * expected) / np.linalg.norm(difference) / np.linalg.norm(expected) > 0.99
    )


def test_a_take_says_which_adapters_were_set(model: AceStep, tmp_path: Path) -> None:
    path = adapter(model, tmp_path / "lofi")
    model.set_adapters((path, 0.5))
    take = next(model.generate("drums", duration=1.0, num_steps=1, seed=1))
    assert take.info.adapters == (Adapter(path, 0.5),)
    assert model.title == take.title == f"{model.model.name} (lofi=0.5)"


@pytest.mark.long
def test_what_was_computed_bare_is_not_used_dressed(model: AceStep, tmp_path: Path) -> None:
    """A reroll takes its condition from the caches, and an adapter changes the condition too."""
    path = adapter(model, tmp_path)

    def sound(player: AceStep) -> np.ndarray:
        return np.array(next(player.generate("drums", duration=1.0, num_steps=2, seed=1)).audio)

    dressed = sound(load("mini", adapters=[path]))
    bare = sound(model)
    model.set_adapters(path)
    np.testing.assert_array_equal(sound(model), dressed)
    model.set_adapters()
    np.testing.assert_array_equal(sound(model), bare)
    assert not np.array_equal(bare, dressed)


# --- how files are written ------------------------------------------------------------------------


def kohya(model: AceStep) -> Tensors:
    named: Tensors = {}
    for name, (down, up) in matrices(model).items():
        flat = "lora_unet_" + name.replace(".", "_")
        named |= {
            f"{flat}.lora_down.weight": down,
            f"{flat}.lora_up.weight": up,
            f"{flat}.alpha": mx.array(ALPHA),
        }
    return named


def comfy(model: AceStep) -> Tensors:
    """One file with PEFT's names and kohya's alphas."""
    return peft_names(model) | {
        f"base_model.model.{name}.alpha": mx.array(ALPHA) for name in LAYERS
    }


def diffusers(model: AceStep) -> Tensors:
    theirs = {"q_proj": "to_q", "v_proj": "to_v"}
    named: Tensors = {}
    for name, (down, up) in matrices(model).items():
        stem, _, last = name.rpartition(".")
        called = f"transformer.{stem}.{theirs.get(last, last)}"
        named |= {f"{called}.lora_A.weight": down, f"{called}.lora_B.weight": up}
    return named


WRITTEN: dict[str, Callable[[AceStep, Path], str]] = {
    "peft": lambda model, path: peft(path, peft_names(model)),
    "peft, its weights named": lambda model, path: (
        peft(path, peft_names(model)) + "/adapter_model.safetensors"
    ),
    "peft with an adapter's name": lambda model, path: peft(
        path, peft_names(model, inner=".default")
    ),
    "kohya": lambda model, path: single(path.with_suffix(".safetensors"), kohya(model)),
    "one file with alphas": lambda model, path: single(
        path.with_suffix(".safetensors"), comfy(model)
    ),
    "diffusers with metadata": lambda model, path: single(
        path.with_suffix(".safetensors"),
        diffusers(model),
        {
            "lora_adapter_metadata": json.dumps(
                {"transformer.r": RANK, "transformer.lora_alpha": ALPHA}
            )
        },
    ),
    "with the checkpoint's own names": lambda model, path: single(
        path.with_suffix(".safetensors"),
        {
            name.replace("base_model.model.", "decoder."): array
            for name, array in comfy(model).items()
        },
    ),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_every_trainer_s_file_adds_the_same(model: AceStep, tmp_path: Path, how: str) -> None:
    expected = merged(model, [(1, ALPHA / RANK)])
    model.set_adapters(WRITTEN[how](model, tmp_path / "lora"))
    np.testing.assert_allclose(velocity(model), expected, atol=1e-4)


def test_without_an_alpha_it_is_added_as_it_is(model: AceStep, tmp_path: Path) -> None:
    model.set_adapters(single(tmp_path / "x.safetensors", diffusers(model)))
    np.testing.assert_allclose(velocity(model), merged_bare(model, 1.0), atol=1e-4)


def test_peft_s_variations_of_the_strength_are_followed(model: AceStep, tmp_path: Path) -> None:
    model.set_adapters(adapter(model, tmp_path / "rs", use_rslora=True))
    np.testing.assert_allclose(
        velocity(model), merged_bare(model, ALPHA / math.sqrt(RANK)), atol=1e-4
    )
    model.set_adapters(
        adapter(model, tmp_path / "patterns", alpha_pattern={"q_proj|v_proj|down_proj": 3 * ALPHA})
    )
    np.testing.assert_allclose(velocity(model), merged_bare(model, 3 * ALPHA / RANK), atol=1e-4)


@pytest.mark.parametrize(
    ("config", "factor"),
    [
        ({"lora_alpha": 0}, 0.0),
        ({"lora_alpha": -2}, -2 / RANK),
        ({"alpha_pattern": {"q_proj|v_proj|down_proj": 0}}, 0.0),
    ],
)
def test_an_alpha_is_what_it_says_also_zero(
    model: AceStep, tmp_path: Path, config: dict[str, Any], factor: float
) -> None:
    """PEFT: alpha / rank, which is 0."""
    model.set_adapters(adapter(model, tmp_path / "said", **config))
    np.testing.assert_allclose(velocity(model), merged_bare(model, factor), atol=1e-4)


def test_a_peft_folder_that_leaves_its_alpha_out_has_peft_s(model: AceStep, tmp_path: Path) -> None:
    path = peft(tmp_path / "silent", peft_names(model))
    (tmp_path / "silent" / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "r": RANK})
    )
    model.set_adapters(path)
    np.testing.assert_allclose(velocity(model), merged_bare(model, 8 / RANK), atol=1e-4)


@pytest.mark.parametrize("alpha", [math.nan, math.inf, None, "much"])
def test_an_alpha_that_is_no_number_is_refused(
    model: AceStep, tmp_path: Path, alpha: object
) -> None:
    assert "must be a" in message(model, adapter(model, tmp_path / "odd", lora_alpha=alpha))


def test_weights_that_are_no_numbers_are_refused(model: AceStep, tmp_path: Path) -> None:
    name = f"base_model.model.{LAYERS[0]}.lora_A.weight"
    tensors = peft_names(model)
    tensors[name] = tensors[name] * math.nan
    assert "weights that are no numbers" in message(model, peft(tmp_path / "nan", tensors))


def merged_bare(model: AceStep, factor: float) -> np.ndarray:
    adapters = model.adapters
    model.set_adapters()
    result = merged(model, [(1, factor)])
    model.set_adapters(*adapters)
    return result


# --- what is refused ------------------------------------------------------------------------------


def test_an_adapter_that_matches_no_layer_says_what_it_has(model: AceStep, tmp_path: Path) -> None:
    stranger = {
        "unet.down.0.attn.to_q.lora_A.weight": mx.zeros((4, 8)),
        "unet.down.0.attn.to_q.lora_B.weight": mx.zeros((8, 4)),
    }
    refusal = message(model, single(tmp_path / "image.safetensors", stranger))
    assert "1 of its 1 layers are not in this model: it has unet.down.0.attn.to_q" in refusal
    assert "the model has ones like decoder." in refusal


def test_an_adapter_that_would_be_followed_in_part_is_refused(
    model: AceStep, tmp_path: Path
) -> None:
    extra = {"base_model.model.layers.99.mlp.up_proj.lora_A.weight": mx.zeros((4, 8))}
    extra |= {"base_model.model.layers.99.mlp.up_proj.lora_B.weight": mx.zeros((8, 4))}
    assert "1 of its 4 layers" in message(
        model, single(tmp_path / "x.safetensors", peft_names(model) | extra)
    )


def test_the_numbers_of_an_adapter_for_another_size_are_not_read(
    model: AceStep, tmp_path: Path
) -> None:
    folder = write_peft(tmp_path / "large", rank=1024, inputs=2**18)  # a gigabyte
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    assert "is for another model" in message(model, str(folder))
    assert mx.get_peak_memory() - before < 2**20


def test_a_file_that_shrinks_while_it_is_read_is_refused(
    model: AceStep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_peft(tmp_path / "shrinks", rank=1000)
    sort = lora._sort_tensors

    def truncate(file: Path, tensors: Any) -> Any:
        os.truncate(file, 1000)
        return sort(file, tensors)

    monkeypatch.setattr(lora, "_sort_tensors", truncate)
    assert "cannot be read" in message(model, str(folder))


def test_an_adapter_for_another_size_says_both_sizes(model: AceStep, tmp_path: Path) -> None:
    name = f"base_model.model.{LAYERS[0]}"
    tensors = {
        f"{name}.lora_A.weight": mx.zeros((4, 2048)),
        f"{name}.lora_B.weight": mx.zeros((2560, 4)),
    }
    refusal = message(model, single(tmp_path / "xl.safetensors", tensors))
    assert "is for another model" in refusal
    assert "(2560, 2048)" in refusal


def test_a_refused_adapter_leaves_those_that_were_set(model: AceStep, tmp_path: Path) -> None:
    model.set_adapters(good := adapter(model, tmp_path / "good"))
    before = velocity(model)
    message(model, good, str(tmp_path / "nothing.safetensors"))
    assert model.adapters == (Adapter(good),)
    np.testing.assert_array_equal(velocity(model), before)


@pytest.mark.parametrize(
    ("name", "shape", "says"),
    [
        (f"base_model.model.{LAYERS[0]}.lora_magnitude_vector.weight", (8,), "it is a DoRA"),
        (f"lycoris_{LAYERS[0]}.lokr_w1", (8, 8), "it is a LoKr"),
        (f"base_model.model.{LAYERS[0]}.weight", (8, 8), "lora_A and lora_B matrices only"),
        (f"lora_unet_{LAYERS[0]}.dora_scale", (8, 1), "it is a DoRA"),
        (f"{LAYERS[0]}.hada_w1_a", (8, 8), "it is a LoHa"),
        (f"{LAYERS[0]}.boft_R.weight", (8, 8), "it is a BOFT"),
        (f"{LAYERS[0]}.oft_blocks", (8, 8), "it is a OFT"),
        (f"base_model.model.{LAYERS[0]}.ia3_l", (8,), "it is a (IA)3"),
        (f"lycoris_{LAYERS[0]}.on_input", (1,), "it is a (IA)3"),
        (f"{LAYERS[0]}.a1.weight", (8, 8), "it is a GLoRA"),
        ("base_model.vera_A.default", (8, 8), "it is a VeRA"),
        (f"base_model.model.{LAYERS[0]}.vera_lambda_b", (8,), "it is a VeRA"),
        (f"{LAYERS[0]}.lora_mid.weight", (8, 8, 1, 1), "it is a LoCon with a core"),
        (f"{LAYERS[0]}.diff", (8, 8), "whole layers"),
        (f"{LAYERS[0]}.diff_b", (8,), "whole layers"),
        (f"base_model.model.{LAYERS[0]}.lora_B.bias", (8,), "LoRA with biases"),
        ("base_model.model.x.modules_to_save.weight", (8, 8), "modules_to_save"),
    ],
)
def test_what_is_no_lora_is_named(
    model: AceStep, tmp_path: Path, name: str, shape: tuple[int, ...], says: str
) -> None:
    assert says in message(
        model, single(tmp_path / "x.safetensors", peft_names(model) | {name: mx.zeros(shape)})
    )


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ("lora_te_text_model_encoder_layers_0_self_attn_q_proj", "a text encoder too"),
        ("text_encoder.layers.0.self_attn.q_proj", "a text encoder too"),
        ("transformer.single_transformer_blocks.0.attn.to_q", "Flux"),
        ("lora_unet_down_blocks_0_attentions_0_proj_in", "Stable Diffusion"),
        ("transformer_blocks.0.attn.to_q", "ACE-Step 1 or another"),
    ],
)
def test_an_adapter_of_another_model_is_refused_by_its_name(
    model: AceStep, tmp_path: Path, layer: str, says: str
) -> None:
    """Also where the rest of it would fit."""
    down, up = mx.zeros((RANK, 8)), mx.zeros((8, RANK))
    tensors = {f"{layer}.lora_down.weight": down, f"{layer}.lora_up.weight": up}
    said = message(model, single(tmp_path / "x.safetensors", peft_names(model) | tensors))
    assert f"it is for {says}" in said
    assert "a LoRA of ACE-Step 1.5's DiT is needed" in said


@pytest.mark.parametrize("name", ["adapter_model.bin", "style.pt", "style.ckpt"])
def test_a_torch_file_is_refused_with_what_to_do(model: AceStep, tmp_path: Path, name: str) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / name).write_bytes(b"PK")
    for path in (tmp_path, tmp_path / name):
        said = message(model, str(path))
        assert f"{name} is a torch file" in said
        assert "safe_serialization=True" in said


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_configuration_is_read_as_notepad_saves_it(
    model: AceStep, tmp_path: Path, encoding: str
) -> None:
    path = adapter(model, tmp_path)
    config = tmp_path / "adapter_config.json"
    config.write_bytes(config.read_text("utf-8").encode(encoding))
    model.set_adapters(path)


def test_half_an_adapter_is_refused(model: AceStep, tmp_path: Path) -> None:
    tensors = peft_names(model)
    del tensors[f"base_model.model.{LAYERS[0]}.lora_B.weight"]
    assert "only one of its two matrices" in message(
        model, single(tmp_path / "x.safetensors", tensors)
    )
    tensors |= {f"base_model.model.{LAYERS[0]}.lora_B.weight": mx.zeros((8, RANK + 1))}
    assert "must be two matrices (rank, in) and (out, rank)" in message(
        model, single(tmp_path / "y.safetensors", tensors)
    )


def test_one_layer_twice_is_refused(model: AceStep, tmp_path: Path) -> None:
    assert "two additions to one layer" in message(
        model, single(tmp_path / "x.safetensors", peft_names(model) | diffusers(model))
    )


@pytest.mark.parametrize("config", [{"peft_type": "IA3"}, {"use_dora": True}])
def test_another_kind_of_peft_adapter_is_named(
    model: AceStep, tmp_path: Path, config: dict[str, Any]
) -> None:
    assert "a LoRA is needed" in message(model, adapter(model, tmp_path, **config))


def test_files_that_are_no_adapter_are_refused(model: AceStep, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.safetensors").write_text("words")
    assert "is no adapter: it must be a folder with adapter_config.json" in message(
        model, str(tmp_path / "empty")
    )
    assert "not a readable safetensors file" in message(model, str(tmp_path / "text.safetensors"))
    mx.save_safetensors(str(tmp_path / "none.safetensors"), {"a.alpha": mx.array(1.0)})
    assert "holds no LoRA" in message(model, str(tmp_path / "none.safetensors"))
    path = adapter(model, tmp_path / "broken")
    (tmp_path / "broken" / "adapter_config.json").write_text("{")
    assert "is not JSON" in message(model, path)
    (tmp_path / "broken" / "adapter_config.json").unlink()
    assert "is missing: it says how strong" in message(model, path)


# --- how they are asked for -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path", "scale"),
    [
        ("/a/b", "/a/b", 1.0),
        ("/a/b=0.5", "/a/b", 0.5),
        ("/a/b=c=-2", "/a/b=c", -2.0),
        ("/a/b=c", "/a/b=c", 1.0),
        ("~/x", str(Path.home() / "x"), 1.0),
    ],
)
def test_a_text_is_a_path_and_perhaps_a_scale(text: str, path: str, scale: float) -> None:
    assert Adapter.parse(text) == (path, scale)
    assert Adapter.parse(Adapter.parse(text).text) == (path, scale)


@pytest.mark.parametrize("value", ["", "/a=nan", "/a=11", ("/a", math.inf), " "])
def test_what_is_no_adapter_s_path_or_scale_is_refused(value: Any) -> None:
    with pytest.raises(AdapterError, match=r"the scale of an adapter must be|the path of"):
        parse_adapters([value])


def test_the_same_one_twice_is_refused() -> None:
    with pytest.raises(AdapterError, match="was given twice"):
        parse_adapters(["/a/b=1", ("/a/../a/b", 0.5)])


def test_reading_needs_no_model(model: AceStep, tmp_path: Path) -> None:
    pairs = lora.read(adapter(model, tmp_path))
    assert {pair.factor for pair in pairs.values()} == {ALPHA / RANK}
    assert len(pairs) == len(LAYERS)


# --- confined -------------------------------------------------------------------------------------


@pytest.fixture
def confined(model: AceStep) -> Iterator[AceStep]:
    """As in the daemon's worker, for which adapters were confined to folders."""
    model.confine()
    yield model
    model.model.linked_adapters = None


@pytest.mark.parametrize("swapped", ["adapter_model.safetensors", "adapter_config.json", ""])
def test_an_adapter_that_became_a_link_is_refused(
    confined: AceStep, tmp_path: Path, swapped: str
) -> None:
    """Its weights, its configuration, or its folder: since it was named."""
    named = Path(adapter(confined, tmp_path / "named"))
    secret = Path(adapter(confined, tmp_path / "secret"))
    confined.set_adapters(str(named))
    (named / swapped).rename(tmp_path / "away")
    (named / swapped).symlink_to(secret / swapped)
    assert "a link leads to " in message(confined, str(named))


def test_an_adapter_behind_links_is_put_on_where_the_settings_name_it(
    confined: AceStep, tmp_path: Path
) -> None:
    """As in the hub's cache, where every file is one."""
    real = Path(adapter(confined, tmp_path / "blobs"))
    linked = tmp_path / "snapshot"
    linked.mkdir()
    for path in real.iterdir():
        (linked / path.name).symlink_to(path)
    assert "a link leads to " in message(confined, str(linked))
    confined.confine([str(linked)])
    confined.set_adapters(str(linked))
    assert [one.path for one in confined.adapters] == [str(linked)]


# --- alphas of some layers ------------------------------------------------------------------------

PATTERNS = (
    "q_proj",
    "self_attn.q_proj",
    r"self_attn\.q_proj",
    "^layers.0.self_attn.q_proj",
    r"^layers\.1\.self_attn\.q_proj$",
    "q_proj|v_proj",
    "0.self_attn.q_proj$|v_proj",
    "proj",
    "attn.q_proj",
    "layers",
    "^q_proj",
)
NAMES = tuple(
    f"layers.{number}.{block}.{projection}"
    for number in (0, 1, 10)
    for block in ("self_attn", "cross_attn")
    for projection in ("q_proj", "v_proj")
)


def find_as_peft_does(patterns: dict[str, float], name: str) -> float:
    """`peft.utils.other.get_pattern_key`."""
    for pattern, alpha in patterns.items():
        if re.match(rf"(.*\.)?({pattern})$", name):
            return alpha
    return -1.0


@given(st.permutations(PATTERNS), st.integers(1, 4))
def test_the_names_in_an_alpha_pattern_mean_what_they_mean_to_peft(
    patterns: list[str], count: int
) -> None:
    chosen = {pattern: float(number) for number, pattern in enumerate(patterns[:count])}
    indexed = lora._index_alphas(Path("x"), chosen)
    for name in NAMES:
        for wrapped in (name, f"base_model.model.{name}"):
            found = lora._find_alpha(wrapped, indexed, {"lora_alpha": -1.0}, 4)
            assert found == find_as_peft_does(chosen, name), (chosen, name)


@pytest.mark.parametrize(
    "pattern",
    [".*q_proj", "(a+)+", "[qv]_proj", "q_proj?", "layers.\\d+", "", "|", "a|", "(q_proj)", "a\nb"],
)
def test_other_regular_expressions_are_refused(
    model: AceStep, tmp_path: Path, pattern: str
) -> None:
    said = message(model, adapter(model, tmp_path / "odd", alpha_pattern={pattern: 1}))
    assert "alpha_pattern must have names of layers" in said


@pytest.mark.parametrize("value", [["q_proj"], "q_proj", 7])
def test_an_alpha_pattern_that_is_no_table_is_refused(
    model: AceStep, tmp_path: Path, value: object
) -> None:
    said = message(model, adapter(model, tmp_path / "odd", alpha_pattern=value))
    assert "alpha_pattern must have names of layers" in said
