"""A checkpoint saved with its weights in 8 or 4 bits: a folder of the same layout, which loads like
any other.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mlx.core as mx

from . import checkpoint, quantise
from .adapter import BITS
from .checkpoint import TEXT_ENCODER, VAE_FOLDER, Checkpoint, CheckpointError

_PLANNERS = "acestep-5Hz-lm-*"
_LEFT_OUT = (".safetensors", ".index.json", ".py")  # written anew, or not needed


class Converted(NamedTuple):
    """One network of a converted checkpoint: its folder's name, its bytes before and now, the
    layers left whole.
    """

    folder: str
    before: int
    after: int
    whole: tuple[str, ...]


def convert(source: Checkpoint, target: Path, bits: int) -> Iterator[Converted]:
    """Save `source` as the folder `target`, with its matrices in so many bits; yields each network
    as it is done.

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
        for folder, name in _networks(source):
            yield _quantised(folder, staged / name, bits)
        shutil.copytree(source.vae, staged / VAE_FOLDER)
        if target.exists():
            target.rmdir()
        staged.rename(target)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _networks(source: Checkpoint) -> Iterator[tuple[Path, str]]:
    yield source.dit, source.variant
    yield source.text_encoder, TEXT_ENCODER
    for planner in sorted(source.text_encoder.parent.glob(_PLANNERS)):
        if all(
            file.is_file()
            for file in (planner / "config.json", *checkpoint.shards(planner, "model"))
        ):
            yield planner, planner.name


def _quantised(source: Path, target: Path, bits: int) -> Converted:
    """Shard by shard, so that no more than one is in memory."""
    if saved := quantise.bits_of(source):
        raise CheckpointError(f"{source} is in {saved} bits already: convert what it was made from")
    target.mkdir(parents=True)
    for file in source.iterdir():
        if file.is_file() and not file.name.endswith(_LEFT_OUT):
            shutil.copyfile(file, target / file.name)
    config = json.loads((source / "config.json").read_text("utf-8"))
    (target / "config.json").write_text(
        json.dumps(quantise.described(config, bits), indent=2) + "\n", "utf-8"
    )
    places: dict[str, str] = {}
    before = 0
    for shard in checkpoint.shards(source, "model"):
        before += shard.stat().st_size
        tensors = quantise.quantised(checkpoint.read_file(shard), bits)
        _save(shard, target / shard.name, tensors)
        places |= dict.fromkeys(tensors, shard.name)
        mx.clear_cache()
    if len(set(places.values())) > 1:
        index: dict[str, Any] = {"metadata": {}, "weight_map": places}
        (target / "model.safetensors.index.json").write_text(
            json.dumps(index, indent=2) + "\n", "utf-8"
        )
    after = sum(file.stat().st_size for file in target.glob("*.safetensors"))
    return Converted(target.name, before, after, quantise.whole(places))


def _save(source: Path, target: Path, tensors: dict[str, mx.array]) -> None:
    """MLX says of a file that ends too soon, and of a disk that is full, RuntimeError. Raises
    `CheckpointError`.
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
