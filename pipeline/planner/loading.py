"""Which planners there are, and loading one: `acestep-5Hz-lm-*` folders next to the DiT's, or
downloaded. Strict.
"""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx

from ..networks.ops import Ops
from ..voices import PLANNERS
from ..weights import adapter, checkpoint, precision, quantise
from ..weights.checkpoint import CheckpointError
from .grammar import Vocabulary, VocabularyError
from .network import CausalLM, PlannerConfig, sanitize
from .planner import Planner

PREFIX = checkpoint.PLANNER


def list_sizes(root: Path) -> list[str]:
    """The planners in a checkpoint's root, the preferred one first."""
    folders = (path.parent for path in root.glob(f"{PREFIX}*/config.json"))
    found = {
        folder.name.removeprefix(PREFIX)
        for folder in folders
        if checkpoint.is_complete_planner(folder)
    }
    return [size for size in PLANNERS if size in found] + sorted(found - set(PLANNERS))


def find_planner(root: Path, name: str = "") -> Path:
    """The folder of a planner for the model in `root`. Raises `CheckpointError` when it is not on
    this machine.

    `name` is its size, or its own folder; without it that is the preferred one of those beside the
    model. A planner that was downloaded serves any model for which its size is named, and a
    downloaded model without that.
    """
    if name and (folder := Path(name).expanduser()).is_dir():
        return folder.absolute()
    found = list_sizes(root)
    size = name.removeprefix(PREFIX)
    if found and (size in found or not size):
        return root / f"{PREFIX}{size or found[0]}"
    if downloaded := _find_downloaded(root, size):
        return downloaded
    missing = size or PLANNERS[0]
    have = f"it has {', '.join(PREFIX + one for one in found)}" if found else "it has none"
    pull = f"; run: acestepd pull --planner {missing}" if missing in PLANNERS else ""
    raise CheckpointError(f"{root}: no planner {PREFIX}{missing}; {have}{pull}")


def _find_downloaded(root: Path, size: str) -> Path | None:
    """A planner in the hub's cache: of that size, or the preferred one for a model that is there
    too.
    """
    sizes: list[str] | tuple[str, ...] = [size]
    if not size:
        sizes = PLANNERS if checkpoint.is_downloaded(root) else []
    folders = (checkpoint.find_cached_planner(one) for one in sizes if one in PLANNERS)
    return next(filter(None, folders), None)


def load_planner(folder: Path, ops: Ops, dtype: mx.Dtype | None, bits: int = 0) -> Planner:
    """A planner out of its folder, onto the calling thread. `bits`: 4 or 8 quantise it, 0 does not.

    Raises `CheckpointError` naming the file.
    """
    adapter.check_bits(bits)
    try:
        config = PlannerConfig.from_folder(folder)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    lm = CausalLM(config, ops)
    tensors, files = checkpoint.read_tensors(folder, "model")
    plain = {name.removeprefix("model."): path for name, path in files.items()}
    checkpoint.load_quantised(lm, folder, sanitize(tensors), plain, ops, bits)
    precision.set_dtype(lm, dtype, ops)
    mx.eval(lm.parameters())
    return Planner(
        adapter.format_title(folder.name, quantise.detect_format(lm).bits, ()),
        lm,
        config,
        load_vocabulary(folder / "tokenizer.json", config.vocab_size),
    )


def load_vocabulary(path: Path, size: int) -> Vocabulary:
    """A tokenizer's file, for a network that knows `size` tokens. Raises `CheckpointError`."""
    tokenizer = checkpoint.load_tokenizer(path)
    try:
        return Vocabulary(tokenizer, size)
    except VocabularyError as error:
        raise CheckpointError(f"{path}: this is no planner's tokenizer: it {error}") from error
