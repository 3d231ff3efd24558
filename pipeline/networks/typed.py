"""The base class of all networks: MLX's, with the types that it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlx import nn

ParameterTree = dict[str, Any]  # arrays in nested dicts and lists, by the names of a checkpoint


class TypedModule(nn.Module):
    """`nn.Module`. Attributes that are arrays or modules are its tensors; those whose names begin
    with _ and hold neither are not.
    """

    if TYPE_CHECKING:

        def __init__(self) -> None: ...
        def parameters(self) -> ParameterTree: ...
        def trainable_parameters(self) -> ParameterTree: ...
        def modules(self) -> list[nn.Module]: ...
        def named_modules(self) -> list[tuple[str, nn.Module]]: ...
