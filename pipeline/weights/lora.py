"""LoRA adapters: low-rank additions beside a model's linear layers.

The layers' own weights are never touched. So an adapter costs its own size and nothing else, works
beside quantised layers too, and leaves no trace when it is removed.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_unflatten

from .. import untrusted
from ..limits import LIMITS
from ..networks.bfloat16 import Bfloat16Linear
from ..networks.layers import QuantizedLinear
from ..networks.typed import TypedModule
from ..real_files import LinkOnTheWay, open_real
from .adapter import TORCH_SUFFIXES, Adapter, AdapterError
from .safetensors_files import check_safetensors

_CONFIG = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"
_METADATA = "lora_adapter_metadata"  # where diffusers keeps the configuration of a single file
# PEFT (with or without an adapter's name), diffusers' older files, kohya.
_TENSOR = re.compile(
    r"(?P<layer>.+)\.(?P<part>lora_A|lora_B|lora\.down|lora\.up|lora_down|lora_up)(\.\w+)?\.weight"
)
# A key of alpha_pattern, or one of those in it.
_ALPHA_NAME = re.compile(r"\^?(?:[\w-]|\\?\.)+\$?")
_WRAPPER = "base_model.model."  # which PEFT puts in front of names, and does not match
_ALPHA = re.compile(r"(?P<layer>.+)\.alpha")
_DOWN = ("lora_A", "lora.down", "lora_down")
_PEFT_ALPHA = 8  # of its LoraConfig, where lora_alpha is left out
_OTHER_KINDS = tuple(  # by what the names of their tensors have
    (re.compile(pattern), kind)
    for pattern, kind in (
        ("lora_magnitude_vector|dora_scale|dora_magnitude", "DoRA"),
        ("lokr_", "LoKr"),
        ("hada_", "LoHa"),
        ("boft_", "BOFT"),
        ("oft_", "OFT"),
        (r"ia3_|\.on_input$", "(IA)3"),
        (r"\.[ab][12]\.weight$", "GLoRA"),
        ("vera_", "VeRA"),
        ("vblora_", "VB-LoRA"),
        ("randlora_", "RandLoRA"),
        ("fourierft_", "FourierFT"),
        ("hra_u", "HRA"),
        ("(?:bone|miss)_", "Bone or MiSS"),
        ("lora_mid", "LoCon with a core (lora_mid; use_tucker, use_cp)"),
        ("lora_embedding_", "LoRA of embeddings"),
        (r"lora_(?:B|up)\.(?:\w+\.)?bias$|\.lora\.up\.bias$", "LoRA with biases (lora_bias)"),
        ("modules_to_save", "LoRA beside whole layers (modules_to_save)"),
        (r"\.(?:diff|diff_b|w_norm|b_norm|set_weight)$", "fine-tune of whole layers (full, norm)"),
        ("prompt_embeddings|emb_params|string_to_param", "embedding"),
    )
)
# a layer of a text encoder, or of other models, in front of which no DiT of ours is
_TEXT_ENCODER = re.compile(
    r"(?:lora_|base_model\.model\.)?(?:te[123]?|text_model|text_encoder)[._0-9]"
)
_OTHER_MODELS = {
    "double_blocks": "Flux",
    "single_blocks": "Flux",
    "single_transformer_blocks": "Flux",
    "joint_blocks": "Stable Diffusion 3",
    "down_blocks": "Stable Diffusion",
    "up_blocks": "Stable Diffusion",
    "input_blocks": "Stable Diffusion",
    "transformer_blocks": "ACE-Step 1 or another model of diffusers",
}
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


class LowRank(NamedTuple):
    """What is added to one layer: factor * up @ down."""

    down: mx.array  # (rank, in)
    up: mx.array  # (out, rank)
    factor: float


class AdaptedLinear(TypedModule):
    """A linear layer, and beside it the additions of one or more adapters, their ranks together."""

    def __init__(self, base: nn.Module, additions: Sequence[LowRank], dtype: mx.Dtype) -> None:
        super().__init__()
        self.base = base
        downs = [addition.down.astype(mx.float32) for addition in additions]
        ups = [addition.factor * addition.up.astype(mx.float32) for addition in additions]
        self.down = mx.concatenate(downs).astype(dtype)  # (ranks, in)
        self.up = mx.concatenate(ups, axis=1).astype(dtype)  # (out, ranks)

    @property
    def weight(self) -> mx.array:
        """The layer's own."""
        weight: mx.array = self.base.weight
        return weight

    def __call__(self, x: mx.array) -> mx.array:
        """x (..., in) -> (..., out)."""
        return mx.addmm(self.base(x), x @ self.down.T, self.up.T)


def apply(
    model: TypedModule,
    adapters: Sequence[Adapter],
    dtype: mx.Dtype,
    linked: Container[str] | None = None,
) -> None:
    """Let the model play with these adapters and no others; an empty list removes all.

    `model` has the DiT as `decoder`, whose layers adapters may also name without that. Links are
    followed to the files of those with a path in `linked`; None: of all. Raises `AdapterError`; the
    model is then as it was before.
    """
    layers = _find_layers(model)
    bare = {
        name: layer.base if isinstance(layer, AdaptedLinear) else layer
        for name, layer in layers.items()
    }
    names = _index_names(bare)
    additions: dict[str, list[LowRank]] = {}
    for adapter in adapters:
        added = read(adapter.path, linked is None or adapter.path in linked)
        for name, addition in _match(adapter.path, added, names, bare).items():
            scaled = addition._replace(factor=addition.factor * adapter.scale)
            additions.setdefault(name, []).append(scaled)
    adapted = {name: AdaptedLinear(bare[name], more, dtype) for name, more in additions.items()}
    mx.eval([(layer.down, layer.up) for layer in adapted.values()])
    restored = {
        name: bare[name] for name, layer in layers.items() if isinstance(layer, AdaptedLinear)
    }
    if changed := restored | adapted:
        model.update_modules(tree_unflatten(list(changed.items())))


def _find_layers(model: TypedModule) -> dict[str, nn.Module]:
    """The layers that can be adapted, and those that are, by name."""
    inside = {id(layer.base) for layer in model.modules() if isinstance(layer, AdaptedLinear)}
    kinds = (nn.Linear, Bfloat16Linear, QuantizedLinear, AdaptedLinear)
    return {
        name: layer
        for name, layer in model.named_modules()
        if isinstance(layer, kinds) and id(layer) not in inside
    }


def _index_names(layers: Iterable[str]) -> dict[str, str]:
    """The layers' names by all that files call them: with or without `decoder.`, with dots or
    underscores.
    """
    names: dict[str, str] = {}
    for name in layers:
        for alias in (name, name.removeprefix("decoder.")):
            names |= {alias: name, alias.replace(".", "_"): name}
    return names


# --- reading --------------------------------------------------------------------------------------


def read(path: str, follow_links: bool = True) -> dict[str, LowRank]:
    """What the PEFT folder or the single file adds, by the layer's name as it is written there.

    Raises `AdapterError`.
    """
    file = Path(path) / _WEIGHTS if Path(path).is_dir() else Path(path)
    torch = _find_torch(Path(path))
    if torch and (torch == file or not file.is_file()):
        raise AdapterError(
            f"{torch} is a torch file, which may hold anything and is not read: save the adapter "
            f"as {_WEIGHTS} (PEFT: save_pretrained with safe_serialization=True)"
        )
    if not file.is_file():
        expected = f"a folder with {_CONFIG} and {_WEIGHTS}, or a .safetensors file"
        raise AdapterError(f"{path} is no adapter: it must be {expected}")
    try:
        with _open(file, follow_links) as stream:
            if (size := os.fstat(stream.fileno()).st_size) > LIMITS.adapter_bytes:
                raise ValueError(f"it has {size} bytes, at most {LIMITS.adapter_bytes} are read")
            opened = f"/dev/fd/{stream.fileno()}"
            check_safetensors(Path(opened))
            # MLX opens it again, and reads numbers only where they are needed
            loaded: Any = mx.load(opened, format="safetensors", return_metadata=True)
    except LinkOnTheWay:
        raise AdapterError(f"a link leads to {file}: name the adapter where it is") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise AdapterError(f"{file}: not a readable safetensors file ({error})") from error
    tensors, metadata = loaded
    config = _read_config(file, metadata, follow_links)
    alpha_of = _index_alphas(file, config.get("alpha_pattern") or {})
    downs, ups, alphas = _sort_tensors(file, tensors)
    if missing := sorted(downs.keys() ^ ups.keys()):
        raise AdapterError(
            f"{file}: {missing[0]} has only one of its two matrices (one of {len(missing)})"
        )
    additions = {}
    for name in sorted(downs):
        rank = math.prod(downs[name].shape[:1])
        alpha = alphas[name] if name in alphas else _find_alpha(name, alpha_of, config, rank)
        additions[name] = _make_addition(file, name, downs[name], ups[name], alpha, config)
    return additions


def _find_torch(path: Path) -> Path | None:
    """The torch file that was named, or that a PEFT folder has in place of a safetensors file."""
    if path.is_dir():
        return next(
            (one for one in sorted(path.iterdir()) if one.suffix.lower() in TORCH_SUFFIXES), None
        )
    return path if path.suffix.lower() in TORCH_SUFFIXES and path.is_file() else None


def _open(file: Path, follow_links: bool) -> BinaryIO:
    return open_real(os.path.realpath(file) if follow_links else file)


def _read_config(file: Path, metadata: Mapping[str, str], follow_links: bool) -> dict[str, Any]:
    """What is configured for all layers: in PEFT's file beside it, or in the file itself as
    diffusers does.
    """
    beside = file.with_name(_CONFIG)
    if file.name != _WEIGHTS:
        return {
            key.rpartition(".")[2]: value
            for key, value in _parse_object(file, metadata.get(_METADATA, "{}")).items()
        }
    try:
        with _open(beside, follow_links) as stream:
            content = untrusted.read_stream(stream, beside, LIMITS.config_bytes)
    except FileNotFoundError:
        raise AdapterError(f"{beside} is missing: it says how strong the adapter is") from None
    except LinkOnTheWay:
        raise AdapterError(f"a link leads to {beside}: name the adapter where it is") from None
    except (OSError, ValueError) as error:
        raise AdapterError(f"{beside} cannot be read ({error})") from error
    config = _parse_object(beside, content)
    if str(config.get("peft_type", "LORA")).upper() != "LORA" or config.get("use_dora"):
        kind = "DoRA" if config.get("use_dora") else config["peft_type"]
        raise AdapterError(f"{beside}: a LoRA is needed, this is a {kind!s:.40}")
    return config


def _parse_object(file: Path, text: str | bytes) -> dict[str, Any]:
    try:
        config = untrusted.parse_json(text)
    except ValueError as error:
        raise AdapterError(f"{file}: its configuration is not JSON ({error})") from error
    if not isinstance(config, dict):
        raise AdapterError(f"{file}: its configuration must be a JSON object, got {text[:40]!r}")
    return config


def _index_alphas(file: Path, patterns: object) -> dict[str, tuple[int, Any]]:
    """PEFT's alphas of some layers, in their order, by what the layers' names end with; a ^ in
    front says that it is all of the name.

    PEFT takes any regular expression there, and some take for ever. Names are enough, or several of
    them with | between.
    """
    if not isinstance(patterns, dict):
        raise AdapterError(f"{file}: alpha_pattern must have names of layers, got {patterns!r:.40}")
    names = [(name, alpha) for key, alpha in patterns.items() for name in key.split("|")]
    if len(names) > LIMITS.alpha_names:
        raise AdapterError(
            f"{file}: alpha_pattern has {len(names)} names, at most {LIMITS.alpha_names} are read"
        )
    indexed: dict[str, tuple[int, Any]] = {}
    for order, (name, alpha) in enumerate(names):
        if not _ALPHA_NAME.fullmatch(name):
            raise AdapterError(
                f"{file}: alpha_pattern must have names of layers, or several with | between, "
                f"like q_proj|v_proj; other regular expressions are not read, got {name[:60]!r}"
            )
        indexed.setdefault(name.replace("\\", "").removesuffix("$"), (order, alpha))
    return indexed


def _sort_tensors(
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
            kind = next((kind for pattern, kind in _OTHER_KINDS if pattern.search(name)), "")
            reason = "a LoRA has lora_A and lora_B matrices only"
            if kind:
                reason = (
                    f"it is a {kind}, and a LoRA is needed: train or export one that has nothing "
                    "but lora_A and lora_B (lora_down and lora_up)"
                )
            raise AdapterError(f"{file}: the tensor {name} cannot be used; {reason}")
    if not downs and not ups:
        raise AdapterError(f"{file}: holds no LoRA")
    return downs, ups, alphas


def _make_addition(
    file: Path,
    name: str,
    down: mx.array,
    up: mx.array,
    alpha: Any,
    config: Mapping[str, Any],
) -> LowRank:
    """The addition to one layer, after checks."""
    down = _drop_ones(down)
    up = _drop_ones(up)
    fitting = down.ndim == up.ndim == 2 and down.shape[0] == up.shape[1] > 0
    if not fitting or not all(mx.issubdtype(array.dtype, mx.floating) for array in (down, up)):
        shapes = f"{down.dtype} {tuple(down.shape)} and {up.dtype} {tuple(up.shape)}"
        raise AdapterError(
            f"{file}: {name} must be two matrices (rank, in) and (out, rank), got {shapes}"
        )
    if (rank := down.shape[0]) > LIMITS.adapter_rank:
        raise AdapterError(
            f"{file}: {name} has the rank {rank}, at most {LIMITS.adapter_rank} are read"
        )
    try:
        alpha = float(alpha)
    except (TypeError, ValueError) as error:
        raise AdapterError(f"{file}: lora_alpha must be a number ({error})") from error
    if not math.isfinite(alpha):
        raise AdapterError(f"{file}: the alpha of {name} must be a finite number, got {alpha}")
    return LowRank(down, up, alpha / (math.sqrt(rank) if config.get("use_rslora") else rank))


def _drop_ones(array: mx.array) -> mx.array:
    """A matrix that is stored as the kernel of a convolution (a, b, 1, ...) -> (a, b)."""
    if array.size != math.prod(array.shape[:2]):
        return array
    return array.reshape(array.shape[:2])


def _find_alpha(
    name: str, alpha_of: Mapping[str, tuple[int, Any]], config: Mapping[str, Any], rank: int
) -> Any:
    """PEFT's alpha for one layer: the first that is for it, or the one for all. 0 adds nothing, as
    in PEFT.

    Without any, as in a single file, it is the rank: the product is added as it is.
    """
    parts = name.removeprefix(_WRAPPER).split(".")
    endings = (".".join(parts[first:]) for first in range(len(parts)))
    matches = [alpha_of[key] for key in (f"^{'.'.join(parts)}", *endings) if key in alpha_of]
    if matches:
        return min(matches, key=lambda match: match[0])[1]
    return config.get("lora_alpha", rank if "peft_type" not in config else _PEFT_ALPHA)


# --- matching -------------------------------------------------------------------------------------


def _match(
    path: str,
    additions: Mapping[str, LowRank],
    names: Mapping[str, str],
    layers: Mapping[str, nn.Module],
) -> dict[str, LowRank]:
    """The additions by the layers' own names. Each must have its layer, or it would silently do
    nothing.
    """
    matched = {names.get(_normalise(alias), ""): pair for alias, pair in additions.items()}
    unknown = [alias for alias in additions if _normalise(alias) not in names]
    if unknown:
        example = min(layers)
        count = f"{len(unknown)} of its {len(additions)} layers are not in this model"
        if known := _recognise(unknown):
            count += f", it is for {known}; a LoRA of ACE-Step 1.5's DiT is needed"
        raise AdapterError(
            f"{path}: {count}: it has {', '.join(unknown[:3])}; the model has ones like {example}"
        )
    if len(matched) < len(additions):
        raise AdapterError(f"{path}: has two additions to one layer, under different names")
    for name, addition in matched.items():  # by their shapes first: the rest reads them
        theirs = (addition.up.shape[0], addition.down.shape[1])
        ours = _shape_of(layers[name])
        if theirs != ours:
            raise AdapterError(
                f"{path}: is for another model: {name} is {ours} here and {theirs} there (out, in)"
            )
    for name, (down, up, *_) in matched.items():
        try:
            is_finite = all(bool(mx.all(mx.isfinite(array))) for array in (down, up))
        except RuntimeError as error:  # the file is another one by now
            raise AdapterError(f"{path}: {name} cannot be read: {error}") from error
        if not is_finite:
            raise AdapterError(
                f"{path}: {name} has weights that are no numbers; the file is broken, "
                "fetch it again"
            )
    return matched


def _recognise(unknown: Sequence[str]) -> str:
    """What layers are of that this model does not have; empty where nobody knows."""
    if any(_TEXT_ENCODER.match(alias) for alias in unknown):
        return "a text encoder too"
    kinds = (kind for part, kind in _OTHER_MODELS.items() for alias in unknown if part in alias)
    return next(kinds, "")


def _normalise(alias: str) -> str:
    """A layer's name without what trainers put in front, and with the checkpoint's names for the
    projections.
    """
    while prefix := next((one for one in _PREFIXES if alias.startswith(one)), ""):
        alias = alias.removeprefix(prefix)
    for theirs, ours in _DIFFUSERS.items():
        alias = re.sub(rf"(?<=[._]){re.escape(theirs)}$", ours, alias)
    return alias


def _shape_of(layer: nn.Module) -> tuple[int, int]:
    """(out, in)."""
    if isinstance(layer, QuantizedLinear):
        return layer.shape
    rows, columns = layer.weight.shape
    return rows, columns
