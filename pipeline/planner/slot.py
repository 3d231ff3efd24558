"""`PlannerSlot`: where a model's planner is, while it is loaded and while it is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlx.core as mx
from mlx.utils import tree_flatten

from ..networks.ops import Ops
from ..weights import precision
from . import loading
from .planner import Planner


class PlannerSlot:
    """The place of one planner: loaded when the first song is planned, once, and unloaded when its
    memory is needed.

    `name`: the planner of that size, or in that folder; raises `CheckpointError` where there is
    none. Without it: the preferred one, if any.
    """

    def __init__(
        self, root: Path, ops: Ops, dtype: mx.Dtype | None, name: str = "", bits: int = 0
    ) -> None:
        self._root = root
        self._ops = ops
        self._dtype = dtype
        self._name = name
        self._bits = bits
        if name:
            loading.find_planner(root, name)
        self._planner: Planner | None = None
        self._users = 0
        self._weight_bytes = 0

    @property
    def bytes(self) -> int:
        """That the planner takes, with its cached prompts; 0 while it is not loaded."""
        return self._weight_bytes + self._planner.prompt_cache.bytes if self._planner else 0

    @property
    def folder(self) -> Path:
        """Raises `CheckpointError` where there is no planner."""
        return loading.find_planner(self._root, self._name)

    @property
    def is_available(self) -> bool:
        """Whether there is a planner to load."""
        return not self.missing_reason

    @property
    def missing_reason(self) -> str:
        """Why there is none; empty where there is one."""
        try:
            self.folder.stat()
        except (OSError, ValueError) as error:
            return str(error)
        return ""

    def fits(self, cap: int) -> bool:
        """Whether MLX would stay below a cap in bytes with it (0 is none), as far as its files
        tell.
        """
        if not cap:
            return True
        file_bytes = sum(file.stat().st_size for file in self.folder.glob("*.safetensors"))
        size = precision.find_size(self._dtype, self._ops)
        weight_bytes = file_bytes * size // 2  # two bytes a weight are published
        return mx.get_active_memory() - self.bytes + weight_bytes <= cap

    @contextmanager
    def borrow(self) -> Iterator[Planner]:
        """The planner, for one song, loaded if it is not; it stays at least as long as anybody has
        it.
        """
        if self._planner is None:
            self._planner = loading.load_planner(self.folder, self._ops, self._dtype, self._bits)
            weights = dict(tree_flatten(self._planner.lm.parameters()))
            self._weight_bytes = sum(array.nbytes for array in weights.values())
        self._users += 1
        try:
            yield self._planner
        finally:
            self._users -= 1

    def make_room(self, needed: int, cap: int) -> None:
        """When it and `needed` bytes are more than a cap (0 is none), its cached prompts are
        dropped; when it is still too much it is unloaded, until it is borrowed again.
        """
        if not cap or self._planner is None or self._users or self.bytes + needed <= cap:
            return
        self._planner.prompt_cache.clear()
        if self.bytes + needed > cap:
            self._planner = None
        mx.clear_cache()
