"""Saving a checkpoint with its weights in 8 or 4 bits: a folder of the same layout, which loads
like any other.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import mlx.core as mx

from .. import untrusted
from ..limits import LIMITS
from . import checkpoint, quantise
from .adapter import BITS
from .checkpoint import TEXT_ENCODER, VAE_FOLDER, Checkpoint, CheckpointError

_PLANNERS = "acestep-5Hz-lm-*"
_NOT_COPIED = (".safetensors", ".index.json", ".py")  # written anew, or not needed


class ConvertedNetwork(NamedTuple):
    """One network of a converted checkpoint: the name of its folder, its bytes before and after,
    and the layers that could not be quantised.
    """

    folder: str
    before: int
    after: int
    unquantised: tuple[str, ...]


def convert(source: Checkpoint, target: Path, bits: int) -> Iterator[ConvertedNetwork]:
    """Save `source` as the folder `target`, with its matrices in so many bits. Yields each network
    when it is done.

    The planners beside it are converted too. The folder appears once it is complete. Raises
    `CheckpointError`, and OSError as it comes.
    """
    target = target.expanduser().absolute()
    if bits not in BITS:
        raise CheckpointError(f"bits must be one of {' '.join(map(str, BITS))}, got {bits}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CheckpointError(
            f"{target} is there already: give a folder that is empty or does not exist"
        )
    staged = target.with_name(f".{target.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    try:
        for folder, name in _list_networks(source):
            yield _convert_network(folder, staged / name, bits)
        shutil.copytree(source.vae, staged / VAE_FOLDER)
        if target.exists():
            target.rmdir()
        staged.rename(target)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _list_networks(source: Checkpoint) -> Iterator[tuple[Path, str]]:
    """The folders of the networks, and what they are called in the official layout."""
    yield source.dit, source.variant
    yield source.text_encoder, TEXT_ENCODER
    for planner in sorted(source.text_encoder.parent.glob(_PLANNERS)):
        files = (planner / "config.json", *checkpoint.list_shards(planner, "model"))
        if all(file.is_file() for file in files):
            yield planner, planner.name


def _convert_network(source: Path, target: Path, bits: int) -> ConvertedNetwork:
    """Shard by shard, so that no more than one is in memory."""
    if saved := quantise.read_bits(source):
        raise CheckpointError(f"{source} is in {saved} bits already: convert what it was made from")
    target.mkdir(parents=True)
    for file in source.iterdir():
        if file.is_file() and not file.name.endswith(_NOT_COPIED):
            shutil.copyfile(file, target / file.name)
    config = untrusted.read_json(source / "config.json", LIMITS.config_bytes)
    _write_json(target / "config.json", quantise.add_quantisation(config, bits))
    weight_map: dict[str, str] = {}
    before = 0
    for shard in checkpoint.list_shards(source, "model"):
        before += shard.stat().st_size
        tensors = quantise.quantise_tensors(checkpoint.read_file(shard), bits)
        _save(shard, target / shard.name, tensors)
        weight_map |= dict.fromkeys(tensors, shard.name)
        mx.clear_cache()
    if len(set(weight_map.values())) > 1:
        index = {"metadata": {}, "weight_map": weight_map}
        _write_json(target / "model.safetensors.index.json", index)
    after = sum(file.stat().st_size for file in target.glob("*.safetensors"))
    return ConvertedNetwork(target.name, before, after, quantise.find_unquantised(weight_map))


def _write_json(path: Path, values: Mapping[str, object]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", "utf-8")


def _save(source: Path, target: Path, tensors: dict[str, mx.array]) -> None:
    """Write the tensors of the file `source`. Raises `CheckpointError`.

    MLX raises RuntimeError for a file that ends too soon and for a disk that is full.
    """
    try:
        mx.eval(tensors)
    except RuntimeError as error:
        raise CheckpointError(
            f"{source} cannot be read to its end ({error}); run: acestepd pull"
        ) from error
    try:
        mx.save_safetensors(str(target), tensors, {"format": "mlx"})
    except RuntimeError as error:
        room = sum(array.nbytes for array in tensors.values()) / 2**20
        message = f"cannot write {target.name} into {target.parent} ({error})"
        raise CheckpointError(
            f"{message}; it needs {room:.0f} MB there, make room or give another folder"
        ) from error
