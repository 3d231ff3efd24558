"""LoRA adapters: low-rank additions beside a model's linear layers.

The layers' own weights are never touched, so an adapter costs its own size and nothing else, works
beside quantised layers too, and leaves no trace when it is taken off.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_unflatten

from ..networks.layers import QuantizedLinear
from .adapter import Adapter, AdapterError

_CONFIG = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"
_METADATA = "lora_adapter_metadata"  # where diffusers keeps the configuration of a single file
# PEFT (with or without an adapter's name), diffusers' older files, kohya.
_TENSOR = re.compile(
    r"(?P<layer>.+)\.(?P<part>lora_A|lora_B|lora\.down|lora\.up|lora_down|lora_up)(\.\w+)?\.weight"
)
_ALPHA = re.compile(r"(?P<layer>.+)\.alpha")
_DOWN = ("lora_A", "lora.down", "lora_down")
_PEFT_ALPHA = 8  # of its LoraConfig, where lora_alpha is left out
_OTHER_KINDS = {"lora_magnitude_vector": "DoRA", "lokr_": "LoKr", "hada_": "LoHa", "oft_": "OFT"}
# What trainers put in front of the names that the checkpoint has.
_PREFIXES = (
    "base_model.",
    "model.",
    "diffusion_model.",
    "transformer.",
    "lora_unet_",
    "lora_transformer_",
    "lycoris_",
)
_DIFFUSERS = {
    "to_q": "q_proj",
    "to_k": "k_proj",
    "to_v": "v_proj",
    "to_out.0": "o_proj",
    "to_out_0": "o_proj",
}


class Pair(NamedTuple):
    """What is added to one layer: factor * up @ down."""

    down: mx.array  # (rank, in)
    up: mx.array  # (out, rank)
    factor: float


class Adapted(nn.Module):
    """A linear layer, and beside it the additions of one or more adapters."""

    def __init__(self, base: nn.Module, pairs: Sequence[Pair], dtype: mx.Dtype) -> None:
        super().__init__()
        self.base = base
        # (ranks, in)
        self.down = mx.concatenate([pair.down.astype(mx.float32) for pair in pairs]).astype(dtype)
        self.up = mx.concatenate(
            [pair.factor * pair.up.astype(mx.float32) for pair in pairs], axis=1
        ).astype(dtype)

    @property
    def weight(self) -> mx.array:
        return self.base.weight

    def __call__(self, x: mx.array) -> mx.array:
        return mx.addmm(self.base(x), x @ self.down.T, self.up.T)


def put_on(model: nn.Module, adapters: Sequence[Adapter], dtype: mx.Dtype) -> None:
    """Let the model play with these adapters and no others; none takes off all there are.

    `model` has the DiT as `decoder`, whose layers adapters may also name without that. Raises
    `AdapterError`; the model is then as it was before.
    """
    bare = {
        name: layer.base if isinstance(layer, Adapted) else layer
        for name, layer in _layers(model).items()
    }
    found = _names(bare)
    additions: dict[str, list[Pair]] = {}
    for adapter in adapters:
        for name, pair in _matched(adapter.path, read(adapter.path), found, bare).items():
            additions.setdefault(name, []).append(pair._replace(factor=pair.factor * adapter.scale))
    changed = {
        name: bare[name] for name, layer in _layers(model).items() if isinstance(layer, Adapted)
    }
    changed |= {name: Adapted(bare[name], pairs, dtype) for name, pairs in additions.items()}
    mx.eval([(layer.down, layer.up) for layer in changed.values() if isinstance(layer, Adapted)])
    if changed:
        model.update_modules(tree_unflatten(list(changed.items())))


def _layers(model: nn.Module) -> dict[str, nn.Module]:
    """The layers that can be adapted, and those that are, by name."""
    inside = {id(layer.base) for layer in model.modules() if isinstance(layer, Adapted)}
    kinds = nn.Linear, QuantizedLinear, Adapted
    return {
        name: layer
        for name, layer in model.named_modules()
        if isinstance(layer, kinds) and id(layer) not in inside
    }


def _names(layers: Mapping[str, Any]) -> dict[str, str]:
    """The layers' names by everything that files call them: with or without `decoder.`, with dots
    or underscores.
    """
    found: dict[str, str] = {}
    for name in layers:
        for called in (name, name.removeprefix("decoder.")):
            found |= {called: name, called.replace(".", "_"): name}
    return found


# --- reading --------------------------------------------------------------------------------------


def read(path: str) -> dict[str, Pair]:
    """What the PEFT folder or the single file adds, by the layer's name as it is written there."""
    file = Path(path) / _WEIGHTS if Path(path).is_dir() else Path(path)
    if not file.is_file():
        wanted = f"a folder with {_CONFIG} and {_WEIGHTS}, or a .safetensors file"
        raise AdapterError(f"{path} is no adapter: it must be {wanted}")
    try:
        loaded: Any = mx.load(str(file), format="safetensors", return_metadata=True)
    except RuntimeError as error:
        raise AdapterError(f"{file}: not a readable safetensors file ({error})") from error
    tensors, metadata = loaded
    config = _config(file, metadata)
    downs, ups, alphas = _sorted(file, tensors)
    if missing := sorted(downs.keys() ^ ups.keys()):
        raise AdapterError(
            f"{file}: {missing[0]} has only one of its two matrices (one of {len(missing)})"
        )
    return {
        name: _pair(file, name, downs[name], ups[name], alphas.get(name), config)
        for name in sorted(downs)
    }


def _config(file: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """What is said about all layers: in PEFT's file beside it, or in the file itself as diffusers
    does.
    """
    beside = file.with_name(_CONFIG)
    if file.name != _WEIGHTS:
        return {
            key.rpartition(".")[2]: value
            for key, value in _json(file, metadata.get(_METADATA, "{}")).items()
        }
    if not beside.is_file():
        raise AdapterError(f"{beside} is missing: it says how strong the adapter is")
    config = _json(beside, beside.read_text("utf-8", "replace"))
    if str(config.get("peft_type", "LORA")).upper() != "LORA" or config.get("use_dora"):
        kind = "DoRA" if config.get("use_dora") else config["peft_type"]
        raise AdapterError(f"{beside}: a LoRA is needed, this is a {kind}")
    return config


def _json(file: Path, text: str) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except ValueError as error:
        raise AdapterError(f"{file}: its configuration is not JSON ({error})") from error
    if not isinstance(config, dict):
        raise AdapterError(f"{file}: its configuration must be a JSON object, got {text[:40]!r}")
    return config


def _sorted(
    file: Path, tensors: Mapping[str, mx.array]
) -> tuple[dict[str, mx.array], dict[str, mx.array], dict[str, float]]:
    """The matrices before and after the bottleneck, and the alphas, by layer."""
    downs: dict[str, mx.array] = {}
    ups: dict[str, mx.array] = {}
    alphas: dict[str, float] = {}
    for name, array in tensors.items():
        if match := _TENSOR.fullmatch(name):
            (downs if match["part"] in _DOWN else ups)[match["layer"]] = array
        elif (match := _ALPHA.fullmatch(name)) and array.size == 1:
            alphas[match["layer"]] = float(np.array(array.astype(mx.float32)))
        else:
            kind = next((kind for part, kind in _OTHER_KINDS.items() if part in name), "")
            reason = (
                f"it is a {kind}, and a LoRA is needed"
                if kind
                else "a LoRA has lora_A and lora_B matrices only"
            )
            raise AdapterError(f"{file}: the tensor {name} cannot be used; {reason}")
    if not downs and not ups:
        raise AdapterError(f"{file}: holds no LoRA")
    return downs, ups, alphas


def _pair(
    file: Path,
    name: str,
    down: mx.array,
    up: mx.array,
    alpha: float | None,
    config: Mapping[str, Any],
) -> Pair:
    down, up = (
        array.reshape(array.shape[:2]) if array.size == math.prod(array.shape[:2]) else array
        for array in (down, up)
    )
    whole = down.ndim == up.ndim == 2 and down.shape[0] == up.shape[1] > 0
    if not whole or not all(mx.issubdtype(array.dtype, mx.floating) for array in (down, up)):
        shapes = f"{down.dtype} {tuple(down.shape)} and {up.dtype} {tuple(up.shape)}"
        raise AdapterError(
            f"{file}: {name} must be two matrices (rank, in) and (out, rank), got {shapes}"
        )
    if not all(bool(mx.all(mx.isfinite(array))) for array in (down, up)):
        raise AdapterError(
            f"{file}: {name} has weights that are no numbers; the file is broken, fetch it again"
        )
    rank = down.shape[0]
    try:
        alpha = float(_configured(name, config, rank)) if alpha is None else alpha
    except (TypeError, ValueError, AttributeError, re.error) as error:
        raise AdapterError(f"{file}: lora_alpha must be a number ({error})") from error
    if not math.isfinite(alpha):
        raise AdapterError(f"{file}: the alpha of {name} must be a finite number, got {alpha}")
    return Pair(down, up, alpha / (math.sqrt(rank) if config.get("use_rslora") else rank))


def _configured(name: str, config: Mapping[str, Any], rank: int) -> Any:
    """PEFT's alpha for one layer: its pattern's, or everybody's. One of 0 adds nothing, as PEFT has
    it.

    Where nothing is said at all, as in a single file, the product is added as it is.
    """
    for pattern, alpha in (config.get("alpha_pattern") or {}).items():
        if re.fullmatch(rf"(.*\.)?({pattern})", name):
            return alpha
    return config.get("lora_alpha", rank if "peft_type" not in config else _PEFT_ALPHA)


# --- matching -------------------------------------------------------------------------------------


def _matched(
    path: str, pairs: Mapping[str, Pair], names: Mapping[str, str], layers: Mapping[str, nn.Module]
) -> dict[str, Pair]:
    """The pairs by the layers' own names: every one must have its layer, or it would silently do
    nothing.
    """
    matched = {names.get(_plain(called), ""): pair for called, pair in pairs.items()}
    strangers = [called for called in pairs if _plain(called) not in names]
    if strangers:
        example = min(layers)
        count = f"{len(strangers)} of its {len(pairs)} layers are not in this model"
        raise AdapterError(
            f"{path}: {count}: it has {', '.join(strangers[:3])}; the model has ones like {example}"
        )
    if len(matched) < len(pairs):
        raise AdapterError(f"{path}: has two additions to one layer, under different names")
    for name, pair in matched.items():
        came = (pair.up.shape[0], pair.down.shape[1])
        wanted = _shape(layers[name])
        if came != wanted:
            raise AdapterError(
                f"{path}: is for another model: {name} is {wanted} here and {came} there (out, in)"
            )
    return matched


def _plain(called: str) -> str:
    """Without what trainers put in front, and with the checkpoint's names for the projections."""
    while prefix := next((one for one in _PREFIXES if called.startswith(one)), ""):
        called = called.removeprefix(prefix)
    for theirs, ours in _DIFFUSERS.items():
        called = re.sub(rf"(?<=[._]){re.escape(theirs)}$", ours, called)
    return called


def _shape(layer: Any) -> tuple[int, int]:
    return layer.shape if isinstance(layer, QuantizedLinear) else tuple(layer.weight.shape)
