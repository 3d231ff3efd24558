"""The fast matrix library under MLX on a Linux PC.

MLX's Linux wheel links the reference BLAS (3 GFLOP/s). When Intel MKL (PyPI `mkl`) is in the
process with global symbols before `mlx.core` is imported, the same calls resolve to MKL (over 200
GFLOP/s on two AVX512 cores). macOS uses Accelerate and Metal and needs nothing of this.

`ACESTEPD_MKL=0` turns it off.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from importlib import metadata
from pathlib import Path

SWITCH = "ACESTEPD_MKL"

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
    return (
        sys.platform == "linux"
        and platform.machine() == "x86_64"
        and os.environ.get(SWITCH, "1").lower() not in ("0", "no", "off", "false")
    )


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
        return f"Intel MKL ({_loaded.name})"
    if not is_enabled():
        return f"MLX's built-in BLAS (MKL is off: {SWITCH}=0 or not an x86_64 Linux)"
    return f"MLX's built-in BLAS, which is slow ({_obstacle})"


def _find_library(distribution: str, name: str) -> Path | None:
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        return None
    found = (
        Path(str(f.locate())) for f in files if f.name == name or f.name.startswith(name + ".")
    )
    return next((path.resolve() for path in found if path.exists()), None)
