"""Which planners there are, and loading one: `acestep-5Hz-lm-*` folders next to the DiT's, or
downloaded. Strict.
"""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
from tokenizers import Tokenizer

from ..networks.ops import Ops
from ..voices import PLANNERS
from ..weights import adapter, checkpoint, quantise
from ..weights.checkpoint import CheckpointError
from . import network as planner
from .grammar import Vocabulary, VocabularyError
from .network import CausalLM, PlannerConfig
from .planner import Planner

PREFIX = checkpoint.PLANNER


def sizes(root: Path) -> list[str]:
    """The planners in a checkpoint's root, the preferred one first."""
    folders = (path.parent for path in root.glob(f"{PREFIX}*/config.json"))
    found = {
        folder.name.removeprefix(PREFIX) for folder in folders if checkpoint.whole_planner(folder)
    }
    return [size for size in PLANNERS if size in found] + sorted(found - set(PLANNERS))


def find(root: Path, wanted: str = "") -> Path:
    """The folder of a planner for the model in `root`. Raises `CheckpointError` when it is not on
    this machine.

    `wanted` is its size, or its own folder; without it that is the preferred one of those beside
    the model. A planner that was downloaded serves any model that asks for its size, and a
    downloaded model without asking.
    """
    if wanted and (folder := Path(wanted).expanduser()).is_dir():
        return folder.absolute()
    found = sizes(root)
    size = wanted.removeprefix(PREFIX)
    if found and (size in found or not size):
        return root / f"{PREFIX}{size or found[0]}"
    candidates = [size] if size else PLANNERS if checkpoint.in_cache(root) else []
    cached = (checkpoint.cached_planner(one) for one in candidates if one in PLANNERS)
    if downloaded := next(filter(None, cached), None):
        return downloaded
    have = f"it has {', '.join(PREFIX + one for one in found)}" if found else "it has none"
    pull = (
        f"; run: acestepd pull --planner {size or PLANNERS[0]}"
        if not size or size in PLANNERS
        else ""
    )
    raise CheckpointError(f"{root}: no planner {PREFIX}{size or PLANNERS[0]}; {have}{pull}")


def load(folder: Path, ops: Ops, dtype: mx.Dtype, bits: int = 0) -> Planner:
    """A planner out of its folder, onto the calling thread. `bits`: 4 or 8 quantise it, 0 does not.

    Raises `CheckpointError` naming the file.
    """
    adapter.checked_bits(bits)
    try:
        config = PlannerConfig.from_folder(folder)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    lm = CausalLM(config, ops)
    tensors, files = checkpoint.read_tensors(folder, "model")
    plain = {name.removeprefix("model."): path for name, path in files.items()}
    checkpoint.fit_quantised(lm, folder, planner.sanitize(tensors), plain, ops, bits)
    lm.set_dtype(dtype)
    mx.eval(lm.parameters())
    return Planner(
        adapter.title(folder.name, quantise.weights(lm).bits, ()),
        lm,
        config,
        vocabulary(folder / "tokenizer.json", config.vocab_size),
    )


def vocabulary(path: Path, size: int) -> Vocabulary:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the tokenizers library raises bare Exception
        raise CheckpointError(f"{path}: not a readable tokenizer ({error})") from error
    try:
        return Vocabulary(tokenizer, size)
    except VocabularyError as error:
        raise CheckpointError(f"{path}: this is no planner's tokenizer: it {error}") from error
