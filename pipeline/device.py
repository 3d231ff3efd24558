"""What computes: the device that MLX uses, whether `mx.compile` works on it, and how fast it is.

MLX's default device is looked at when a function here is called, never at import. The operations
that a device wants are chosen in `networks/ops.py`.
"""

from __future__ import annotations

import atexit
import functools
import logging
import time
from collections.abc import Callable
from importlib import metadata
from typing import ParamSpec, TypeVar

import mlx.core as mx
from mlx import nn

from . import kernels

log = logging.getLogger("acestepd.device")

_Arrays = ParamSpec("_Arrays")
_Result = TypeVar("_Result")


def is_cpu() -> bool:
    """Whether MLX computes on the CPU by default."""
    return mx.default_device() == mx.Device(mx.cpu)


def name_device() -> str:
    """What computes here, for people: `GPU (NVIDIA H200, 141 GB)`, or the CPU's name."""
    facts = mx.device_info()
    memory = int(facts.get("total_memory") or facts.get("memory_size") or 0)  # CUDA's, Metal's
    gigabytes = f"{memory / 2**30:.0f} GB" if memory else ""
    known = [str(facts.get("device_name", "")), gigabytes]
    details = ", ".join(filter(None, known))
    kind = "CPU" if is_cpu() else "GPU"
    return f"{kind} ({details})" if details else kind


def describe() -> str:
    """The same, with MLX's version."""
    return f"{name_device()}, MLX {metadata.version('mlx')}"


def measure_matmul() -> float:
    """GFLOP/s of a square float32 product, which tells a fast BLAS from a slow one."""
    a = mx.random.normal((1024, 1024), key=mx.random.key(0))
    mx.eval(a @ a)
    started = time.perf_counter()
    mx.eval(a @ a)
    return 2 * 1024**3 / (time.perf_counter() - started) / 1e9


# --- threads --------------------------------------------------------------------------------------


def leave_thread() -> None:
    """To be called at the end of every thread that used MLX: its workers abort the process when
    they outlive it.
    """
    mx.synchronize()
    mx.clear_streams()


atexit.register(mx.clear_streams)  # the same for the main thread


# --- compiling ------------------------------------------------------------------------------------


# every module that compiles imports this one, so it is done before anything is compiled
_obstacle = kernels.claim_folder()
if _obstacle:
    mx.disable_compile()
    log.warning(
        "nothing is compiled, which is slower: MLX would keep what it compiles where other users "
        "can write (%s)",
        _obstacle,
    )


@functools.cache
def can_compile() -> bool:
    """Whether `mx.compile` works here; where it does not, MLX is told to do without.

    On a CPU it calls the C++ compiler, which a machine may not have, and needs a folder that is the
    user's alone: see `kernels`.
    """
    if _obstacle:
        return False
    try:
        mx.eval(nn.silu(mx.zeros((3,))))  # MLX compiles it, and networks have it anyway
    except Exception:
        mx.disable_compile()
        return False
    return True


def compile_if_possible(function: Callable[_Arrays, _Result]) -> Callable[_Arrays, _Result]:
    """`mx.compile` where it works, the function itself elsewhere.

    Decided at the first call. A kernel is made once for each combination of shapes.
    """
    compiled: Callable[_Arrays, _Result] = mx.compile(function)

    @functools.wraps(function)
    def call(*args: _Arrays.args, **kwargs: _Arrays.kwargs) -> _Result:
        chosen = compiled if can_compile() else function
        return chosen(*args, **kwargs)

    return call
