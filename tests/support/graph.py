"""What MLX is asked to compute: every primitive of the graphs that are evaluated, with the types of
its numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import mlx.core as mx
import pytest
from mlx.utils import tree_flatten


class Node(NamedTuple):
    """An array of a graph: which primitive it goes into or comes out of, and its numbers."""

    primitive: str
    dtype: str


@contextmanager
def record_graph() -> Iterator[set[Node]]:
    """Every node of what `mx.eval` gets until the block ends. Nothing is compiled meanwhile, so
    that the primitives are seen one by one.
    """
    nodes: set[Node] = set()
    evaluate = mx.eval

    def note(event: Mapping[str, Any]) -> None:
        if event["type"] == "primitive":
            arrays = (*event["inputs"], *event["outputs"])
            nodes.update(Node(event["name"], str(dtype)) for _, _, dtype in arrays)
        elif event["type"] == "constants":
            nodes.update(Node("constant", str(array.dtype)) for _, array in event["constants"])

    def evaluate_noted(*trees: Any) -> None:
        leaves: Any = tree_flatten(list(trees))
        arrays = [leaf for _, leaf in leaves if isinstance(leaf, mx.array)]
        # a function of no inputs: all that its outputs are made from is its graph
        mx.export_function(note, lambda: arrays)
        evaluate(*trees)

    mx.disable_compile()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(mx, "eval", evaluate_noted)
            # it cannot be exported, and changes no types
            patch.setattr(mx, "contiguous", lambda array, *_: array)
            yield nodes
    finally:
        mx.enable_compile()
