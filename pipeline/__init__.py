"""ACE-Step 1.5 in MLX: `load` a model, iterate over what `generate` yields.

MLX is imported only when it is needed, so a command line that imports `pipeline.request` starts at
once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import blas

if TYPE_CHECKING:
    from .generate import AceStep, load

__all__ = ["AceStep", "load"]

blas.preload()  # has to happen before anything imports mlx.core


def __getattr__(name: str) -> Any:
    if name in __all__:
        from . import generate

        return getattr(generate, name)
    raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
