"""Which LoRA adapters a model gets, as texts and as values, and how many bits its weights have.

Imports no MLX: `weights.lora` applies adapters, `weights.quantise` quantises weights.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import NamedTuple, Self

from ..user_paths import expand_path

BITS = (8, 4)  # that weights can be quantised to
TORCH_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt")  # of files that are not read
MAX_SCALE = 10.0  # on either side of 0: beyond it is a slip


class AdapterError(ValueError):
    """An adapter that cannot be read, or that is not for this model."""


class Adapter(NamedTuple):
    """A PEFT folder or a `.safetensors` file, and how much of it is added: 1 is as much as it was
    trained with, 0 nothing.
    """

    path: str
    scale: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `PATH` or `PATH=SCALE`. Raises `AdapterError`."""
        path, equals, number = text.rpartition("=")
        if not equals or not path:
            return cls(text).validate()
        try:
            scale = float(number)
        except ValueError:  # the = belongs to the path
            return cls(text).validate()
        return cls(path, scale).validate()

    def validate(self) -> Self:
        """The adapter with an absolute path. Raises `AdapterError`."""
        if not self.path.strip():
            raise AdapterError(
                "an adapter is the path of a PEFT folder or a .safetensors file, got nothing"
            )
        if not math.isfinite(self.scale) or abs(self.scale) > MAX_SCALE:
            raise AdapterError(
                f"the scale of an adapter must be in -{MAX_SCALE:g}..{MAX_SCALE:g}, "
                f"got {self.scale:g}"
            )
        try:
            path = os.path.abspath(expand_path(self.path.strip()))
        except ValueError as error:
            raise AdapterError(f"the adapter {error}") from None
        return self._replace(path=path, scale=float(self.scale))

    def __str__(self) -> str:
        name = os.path.basename(self.path)
        return name if self.scale == 1 else f"{name}={self.scale:g}"

    @property
    def text(self) -> str:
        """As `parse` reads it."""
        return f"{self.path}={self.scale!r}"


def check_bits(bits: int) -> int:
    """`bits`, if they are 0 or one of `BITS`. Raises ValueError otherwise."""
    if bits not in (0, *BITS):
        raise ValueError(
            f"bits must be one of {' '.join(map(str, BITS))}, or 0 for the weights as they are, "
            f"got {bits}"
        )
    return bits


AdapterLike = str | tuple[str, float]  # a text for `Adapter.parse`, or a pair such as an Adapter


def parse_adapters(adapters: Iterable[AdapterLike]) -> tuple[Adapter, ...]:
    """Adapters from texts, pairs or `Adapter`s, without those that add nothing.

    Raises `AdapterError`, also where one is given twice.
    """
    by_path: dict[str, Adapter] = {}
    for value in adapters:
        adapter = Adapter.parse(value) if isinstance(value, str) else Adapter(*value).validate()
        if adapter.path in by_path:
            raise AdapterError(
                f"the adapter {adapter.path} was given twice; "
                "give it once, with the scale it should have"
            )
        by_path[adapter.path] = adapter
    return tuple(adapter for adapter in by_path.values() if adapter.scale)


def format_title(model: str, bits: int, adapters: Iterable[Adapter]) -> str:
    """A model's name, the bits of its weights where they are quantised, and its adapters."""
    details = [str(adapter) for adapter in adapters]
    if bits:
        details.insert(0, f"{bits} bit")
    return f"{model} ({', '.join(details)})" if details else model
