"""What was computed once and need not be again: by what it was made from, as far as a limit of
bytes allows.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten

LIMIT_MB = 512.0

_Made = TypeVar("_Made")


class Cache:
    """Arrays (or lists of them), the least recently used given up first. `hits` and `misses` count
    by kind.
    """

    def __init__(self, limit_mb: float = LIMIT_MB) -> None:
        self.limit_mb = limit_mb
        self.hits: Counter[str] = Counter()
        self.misses: Counter[str] = Counter()
        self._kept: OrderedDict[tuple[str, bytes], tuple[Any, int]] = OrderedDict()

    def __call__(self, kind: str, made_from: bytes, make: Callable[[], _Made]) -> _Made:
        """What `make` returned for this `made_from` before, or returns now, evaluated."""
        found = self.find(kind, made_from)
        return found if found is not None else self.keep(kind, made_from, make())

    def find(self, kind: str, made_from: bytes) -> Any:
        """None where there is none."""
        if (kind, made_from) not in self._kept:
            self.misses[kind] += 1
            return None
        self.hits[kind] += 1
        self._kept.move_to_end((kind, made_from))
        return self._kept[kind, made_from][0]

    def keep(self, kind: str, made_from: bytes, made: _Made) -> _Made:
        mx.eval(made)
        arrays: Any = tree_flatten(made) if isinstance(made, list | tuple) else [("", made)]
        self._kept[kind, made_from] = made, sum(array.nbytes for _, array in arrays)
        while self.bytes > self.limit_mb * 2**20:
            self._kept.popitem(last=False)
        return made

    @property
    def bytes(self) -> int:
        return sum(size for _, size in self._kept.values())

    def clear(self) -> None:
        """The weights are others now."""
        self._kept.clear()

    def told(self) -> dict[str, list[int]]:
        """[hits, misses] by kind."""
        return {
            kind: [self.hits[kind], self.misses[kind]] for kind in sorted(self.hits | self.misses)
        }


def digest(*parts: mx.array | np.ndarray | str) -> bytes:
    """Of contents, shapes and kinds of numbers."""
    hashed = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, mx.array):
            part = np.array(part.view(mx.uint16) if part.dtype == mx.bfloat16 else part)
        if isinstance(part, np.ndarray):
            hashed.update(f"{part.shape} {part.dtype}".encode())
            hashed.update(np.ascontiguousarray(part).data)
        else:
            hashed.update(f"{len(part)} {part}".encode())
    return hashed.digest()
