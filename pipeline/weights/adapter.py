"""What a model is to wear: which LoRA adapters, as texts and as values, and the bits of its
weights. Imports no MLX; `weights.lora` puts adapters on, `weights.quantise` makes the bits fewer.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import NamedTuple, Self

BITS = (8, 4)  # that weights can be quantised to
MAX_SCALE = 10.0  # on either side of 0: beyond it is a slip


class AdapterError(ValueError):
    """An adapter that cannot be read, or that is not for this model."""


class Adapter(NamedTuple):
    """A PEFT folder or a `.safetensors` file, and how much of it is added: 1 is as it was trained,
    0 none.
    """

    path: str
    scale: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """`PATH` or `PATH=SCALE`."""
        path, equals, number = text.rpartition("=")
        try:
            return cls(path, float(number)).checked() if equals and path else cls(text).checked()
        except ValueError as error:
            if isinstance(error, AdapterError):
                raise
            return cls(text).checked()  # the = belongs to the path

    def checked(self) -> Self:
        """Itself, with its path absolute. Raises `AdapterError`."""
        if not self.path.strip():
            raise AdapterError(
                "an adapter is the path of a PEFT folder or a .safetensors file, got nothing"
            )
        if not math.isfinite(self.scale) or abs(self.scale) > MAX_SCALE:
            raise AdapterError(
                f"the scale of an adapter must be in -{MAX_SCALE:g}..{MAX_SCALE:g}, got {self.scale:g}"
            )
        return self._replace(
            path=os.path.abspath(os.path.expanduser(self.path.strip())), scale=float(self.scale)
        )

    def __str__(self) -> str:
        name = os.path.basename(self.path)
        return name if self.scale == 1 else f"{name}={self.scale:g}"

    @property
    def text(self) -> str:
        """What `parse` reads."""
        return f"{self.path}={self.scale!r}"


def checked_bits(bits: int) -> int:
    """Raises ValueError for what is neither 0 nor one of `BITS`."""
    if bits not in (0, *BITS):
        raise ValueError(
            f"bits must be one of {' '.join(map(str, BITS))}, or 0 for the weights as they are, got {bits}"
        )
    return bits


Asked = str | tuple[str, float]  # an Adapter is such a tuple


def checked(adapters: Iterable[Asked]) -> tuple[Adapter, ...]:
    """Adapters given as texts, pairs or `Adapter`s; none of them twice, and none that adds
    nothing.
    """
    kept: dict[str, Adapter] = {}
    for asked in adapters:
        adapter = Adapter.parse(asked) if isinstance(asked, str) else Adapter(*asked).checked()
        if adapter.path in kept:
            raise AdapterError(
                f"the adapter {adapter.path} was given twice; give it once, with the scale it should have"
            )
        kept[adapter.path] = adapter
    return tuple(adapter for adapter in kept.values() if adapter.scale)


def title(model: str, bits: int, adapters: Iterable[Adapter]) -> str:
    """A model's name, the bits of its weights where they were quantised, and what it wears."""
    details = [f"{bits} bit"] * bool(bits) + [str(adapter) for adapter in adapters]
    return f"{model} ({', '.join(details)})" if details else model
