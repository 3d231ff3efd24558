"""Chains of elementwise operations that are one kernel once they are compiled, instead of a dozen
passes over memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


class Chain:
    """A function of tensors that `compile_chains` compiles, and that works without, too."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.plain = function
        self.function = function
        self.__doc__ = function.__doc__
        CHAINS.append(self)

    def __call__(self, *tensors: Any) -> Any:
        return self.function(*tensors)


CHAINS: list[Chain] = []


def compile_chains(device: torch.device) -> bool:
    """Whether this machine can compile for the device: then all chains are, when they first meet
    a type of tensors. It says so if it cannot.
    """
    # types, modes and sizes that are met: more than torch would compile for
    torch._dynamo.config.recompile_limit = 64
    try:
        ones = torch.ones(2, 64, device=device, requires_grad=True)
        torch.compile(_probe, dynamic=True)(ones).sum().backward()
    except Exception as error:  # whatever a compiler may say
        print(f"nothing is compiled: {error}", flush=True)
        return False
    for chain in CHAINS:
        chain.function = torch.compile(chain.plain, dynamic=True)
    return True


def _probe(x: torch.Tensor) -> torch.Tensor:
    return x + torch.sin(x).square()
