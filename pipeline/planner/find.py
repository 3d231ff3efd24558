"""Which planners a checkpoint has, and loading one: `acestep-5Hz-lm-*` folders next to the DiT's. Strict."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
from tokenizers import Tokenizer

from ..weights import adapter, checkpoint
from ..weights.checkpoint import CheckpointError
from . import network as planner
from .grammar import Vocabulary, VocabularyError
from .network import CausalLM, PlannerConfig
from .planner import Planner

PREFIX = "acestep-5Hz-lm-"
SIZES = ("1.7B", "0.6B", "4B")  # the official default first, then the quickest


def sizes(root: Path) -> list[str]:
    """The planners in a checkpoint's root, the preferred one first."""
    found = {path.parent.name.removeprefix(PREFIX) for path in root.glob(f"{PREFIX}*/config.json")}
    return [size for size in SIZES if size in found] + sorted(found - set(SIZES))


def find(root: Path, size: str = "") -> Path:
    """The folder of a planner; without a size that of the preferred one. Raises `CheckpointError` when it has none."""
    found = sizes(root)
    wanted = size.removeprefix(PREFIX) or (found[0] if found else SIZES[0])
    if wanted not in found:
        have = f"it has {', '.join(PREFIX + one for one in found)}" if found else "it has none"
        raise CheckpointError(f"{root}: no planner {PREFIX}{wanted}; {have}")
    return root / f"{PREFIX}{wanted}"


def load(folder: Path, dtype: mx.Dtype, bits: int = 0) -> Planner:
    """A planner out of its folder, onto the calling thread. `bits`: 4 or 8 quantise it, 0 does not.

    Raises `CheckpointError` naming the file.
    """
    adapter.checked_bits(bits)
    try:
        config = PlannerConfig.from_folder(folder)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    lm = CausalLM(config)
    tensors, files = checkpoint.read_tensors(folder, "model")
    plain = {name.removeprefix("model."): path for name, path in files.items()}
    checkpoint.fit_quantised(lm, folder, planner.sanitize(tensors), plain, bits)
    lm.set_dtype(dtype)
    mx.eval(lm.parameters())
    return Planner(folder.name, lm, config, vocabulary(folder / "tokenizer.json", config.vocab_size))


def vocabulary(path: Path, size: int) -> Vocabulary:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the tokenizers library raises bare Exception
        raise CheckpointError(f"{path}: not a readable tokenizer ({error})") from error
    try:
        return Vocabulary(tokenizer, size)
    except VocabularyError as error:
        raise CheckpointError(f"{path}: this is no planner's tokenizer: it {error}") from error
