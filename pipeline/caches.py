"""What was computed once and need not be again, as far as a limit of bytes allows."""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

import mlx.core as mx
import numpy as np
import numpy.typing as npt
from mlx.utils import tree_flatten

LIMIT_MB = 512.0

_Value = TypeVar("_Value")


class Cache:
    """Arrays (or lists of them) by their kind and a key, a digest of what they are made from. The
    least recently used is given up first. `hits` and `misses` count by kind.
    """

    def __init__(self, limit_mb: float = LIMIT_MB) -> None:
        self.limit_mb = limit_mb
        self.hits: Counter[str] = Counter()
        self.misses: Counter[str] = Counter()
        self._values: OrderedDict[tuple[str, bytes], tuple[Any, int]] = OrderedDict()

    def get(self, kind: str, key: bytes, compute: Callable[[], _Value]) -> _Value:
        """What `compute` returned for this key before, or returns now, evaluated."""
        value: _Value | None = self.find(kind, key)
        return value if value is not None else self.store(kind, key, compute())

    def find(self, kind: str, key: bytes) -> Any:
        """None where there is none."""
        if (kind, key) not in self._values:
            self.misses[kind] += 1
            return None
        self.hits[kind] += 1
        self._values.move_to_end((kind, key))
        return self._values[kind, key][0]

    def store(self, kind: str, key: bytes, value: _Value) -> _Value:
        """The value, evaluated."""
        mx.eval(value)
        arrays: Any = tree_flatten(value) if isinstance(value, list | tuple) else [("", value)]
        self._values[kind, key] = value, sum(array.nbytes for _, array in arrays)
        while self.bytes > self.limit_mb * 2**20:
            self._values.popitem(last=False)
        return value

    @property
    def bytes(self) -> int:
        return sum(size for _, size in self._values.values())

    def clear(self) -> None:
        """The weights are others now."""
        self._values.clear()

    def count(self) -> dict[str, list[int]]:
        """[hits, misses] by kind."""
        kinds = sorted(self.hits | self.misses)
        return {kind: [self.hits[kind], self.misses[kind]] for kind in kinds}


def digest(*parts: mx.array | npt.NDArray[Any] | str) -> bytes:
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
