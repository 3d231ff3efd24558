"""The fast matrix library under MLX on a Linux PC.

MLX's Linux wheel links the reference BLAS (3 GFLOP/s). When Intel MKL (PyPI `mkl`) is in the
process with global symbols before `mlx.core` is imported, the same calls resolve to MKL (over 200
GFLOP/s on two AVX512 cores). macOS uses Accelerate and Metal and needs nothing of this.

`ACESTEPD_MKL=0` turns it off.

Processors with Intel's AMX multiply bfloat16 several times as fast as float32, which MLX does not
use: `multiply_bfloat16` does. `ACESTEPD_BFLOAT16=0` leaves that out.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SWITCH = "ACESTEPD_MKL"
BFLOAT16_SWITCH = "ACESTEPD_BFLOAT16"

# Same request, same bytes: MKL may otherwise pick another code path when a buffer is aligned
# differently.
_ENVIRONMENT = {
    "MKL_INTERFACE_LAYER": "LP64",
    "MKL_THREADING_LAYER": "INTEL",
    "MKL_CBWR": "AUTO,STRICT",
    "MKL_DYNAMIC": "FALSE",
    "KMP_BLOCKTIME": "1",  # ms a worker spins for more work: the OSC thread wants the core back
}

_loaded: Path | None = None
_obstacle = ""  # why MKL is wanted and not loaded


def is_enabled() -> bool:
    """Whether MKL is of use on this machine, and not turned off."""
    return sys.platform == "linux" and platform.machine() == "x86_64" and _is_on(SWITCH)


def _is_on(switch: str) -> bool:
    return os.environ.get(switch, "1").lower() not in ("0", "no", "off", "false")


def preload() -> None:
    """Load MKL with global symbols. Does nothing where it is not wanted, not installed, or MLX came
    first.
    """
    global _loaded, _obstacle
    if _loaded or _obstacle or not is_enabled():
        return
    if "mlx.core" in sys.modules:
        _obstacle = "mlx was imported before acestepd's pipeline"
        return
    openmp = _find_library("intel-openmp", "libiomp5.so")
    runtime = _find_library("mkl", "libmkl_rt.so")
    if not openmp or not runtime:
        _obstacle = "MKL was not found: pip install mkl"
        return
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        ctypes.CDLL(str(openmp), mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL(str(runtime), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        _obstacle = f"MKL cannot be loaded: {error}"
        return
    _loaded = runtime


def is_loaded() -> bool:
    """Whether MKL is what multiplies in this process."""
    return _loaded is not None


def describe() -> str:
    """Which library answers `cblas_sgemm` in this process, as one phrase for people."""
    if sys.platform == "darwin":
        return "Accelerate"
    if _loaded:
        return f"Intel MKL ({_loaded.name}{', bfloat16' if is_bfloat16_fast() else ''})"
    if not is_enabled():
        return f"MLX's built-in BLAS (MKL is off: {SWITCH}=0 or not an x86_64 Linux)"
    return f"MLX's built-in BLAS, which is slow ({_obstacle})"


# --- bfloat16 -------------------------------------------------------------------------------------

_ROW_MAJOR, _PLAIN, _TRANSPOSED = 101, 111, 112  # as CBLAS numbers them


def is_bfloat16_fast() -> bool:
    """Whether bfloat16 is to be multiplied here rather than float32: MKL is loaded, the processor
    has AMX (without it bfloat16 is the slower one), and it is not turned off.
    """
    return is_loaded() and _has_amx() and _is_on(BFLOAT16_SWITCH)


def multiply_bfloat16(
    x: npt.NDArray[np.uint16], matrix: npt.NDArray[np.uint16], product: npt.NDArray[np.float32]
) -> None:
    """Write x (m, k) times the transposed matrix (n, k) into `product` (m, n), summed in float32.

    All are contiguous; bfloat16 numbers are given as their bits. MKL must be loaded.
    """
    m, k = x.shape
    n = len(matrix)
    assert matrix.shape == (n, k)
    assert product.shape == (m, n)
    assert all(each.flags.c_contiguous for each in (x, matrix, product))
    # fmt: off
    _load_product()(
        _ROW_MAJOR, _PLAIN, _TRANSPOSED, m, n, k,
        1.0, x.ctypes.data, k, matrix.ctypes.data, k,
        0.0, product.ctypes.data, n,
    )
    # fmt: on


@functools.cache
def _load_product() -> Callable[..., None]:
    product = ctypes.CDLL(str(_loaded)).cblas_gemm_bf16bf16f32
    integer, number, address = ctypes.c_int, ctypes.c_float, ctypes.c_void_p
    # fmt: off
    product.argtypes = (
        *[integer] * 6,
        number, address, integer, address, integer,
        number, address, integer,
    )
    # fmt: on
    product.restype = None
    return product


@functools.cache
def _has_amx() -> bool:
    try:
        facts = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "amx_bf16" in facts.split()


# --- finding --------------------------------------------------------------------------------------


def _find_library(distribution: str, name: str) -> Path | None:
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        return None
    found = (
        Path(str(f.locate())) for f in files if f.name == name or f.name.startswith(name + ".")
    )
    return next((path.resolve() for path in found if path.exists()), None)
