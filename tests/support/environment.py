"""The environment of a program that a test starts."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline import kernels

ROOT = Path(__file__).parents[2]
# the places of MLX's kernels, which take ten seconds to compile, and the threads of `tests`
_SHARED = (*kernels.VARIABLES, "MKL_NUM_THREADS")


def make_environment(home: Path, **more: str) -> dict[str, str]:
    """A shell's, of a user with this home folder. Compiled kernels are shared with other tests."""
    shared = {name: os.environ[name] for name in _SHARED if name in os.environ}
    return {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(home)} | shared | more
