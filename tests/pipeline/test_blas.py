"""Which matrix library answers, each time in a process of its own: it is decided before MLX is
imported.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pc = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="MKL is for Linux on x86_64",
)

MULTIPLY = """
import numpy as np
shape = (300, 200)
a, b = (np.random.default_rng(seed).standard_normal(shape).astype(np.float32) for seed in (0, 1))
c = np.array(mx.array(a) @ mx.array(b).T)
assert np.allclose(c, a.astype(np.float64) @ b.T.astype(np.float64), atol=1e-4)
print(blas.describe())
"""


def run(code: str, **environment: str) -> str:
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ACESTEPD_", "MKL_", "KMP_"))
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pc
def test_mkl_multiplies_by_default_on_a_linux_pc() -> None:
    """MKL itself says so: with MKL_VERBOSE it prints every call."""
    out = run("from pipeline import blas\nimport mlx.core as mx" + MULTIPLY, MKL_VERBOSE="1")
    assert "MKL_VERBOSE SGEMM" in out
    assert out.splitlines()[-1].startswith("Intel MKL (libmkl_rt.so")


@pc
@pytest.mark.parametrize("off", ["0", "off", "No"])
def test_the_switch_turns_mkl_off(off: str) -> None:
    out = run(
        "from pipeline import blas\nimport mlx.core as mx" + MULTIPLY,
        MKL_VERBOSE="1",
        ACESTEPD_MKL=off,
    )
    assert out == "MLX's built-in BLAS (MKL is off: ACESTEPD_MKL=0 or not an x86_64 Linux)\n"


@pc
def test_mlx_imported_first_is_said() -> None:
    out = run("import mlx.core as mx\nfrom pipeline import blas" + MULTIPLY, MKL_VERBOSE="1")
    assert (
        out == "MLX's built-in BLAS, which is slow (mlx was imported before acestepd's pipeline)\n"
    )


@pc
def test_mkl_that_is_not_installed_is_said() -> None:
    """Python's own search for packages, with none to be found."""
    code = "import sys\nsys.path = [p for p in sys.path if 'site-packages' not in p]\n"
    code += "from pipeline import blas\nprint(blas.describe())"
    assert run(code) == "MLX's built-in BLAS, which is slow (MKL was not found: pip install mkl)\n"


@pc
@pytest.mark.parametrize("has_amx", [True, False])
def test_bfloat16_is_for_processors_that_multiply_it_fast_and_has_a_switch(has_amx: bool) -> None:
    code = f"from pipeline import blas\nblas._has_amx = lambda: {has_amx}\nprint(blas.describe())"
    assert (", bfloat16)" in run(code)) == has_amx
    assert "bfloat16" not in run(code, ACESTEPD_BFLOAT16="0")
    assert "bfloat16" not in run(code, ACESTEPD_MKL="0")


@pc
def test_the_same_product_has_the_same_bytes_in_every_process() -> None:
    code = """
from pipeline import blas
import hashlib
import mlx.core as mx
import numpy as np
a = mx.random.normal((257, 311), key=mx.random.key(0))
print(hashlib.sha256(np.array(a @ a.T).tobytes()).hexdigest())
"""
    assert run(code) == run(code)


def test_the_request_s_module_does_not_import_mlx() -> None:
    code = "import sys\nimport pipeline\nimport pipeline.request\n"
    code += "print([name for name in sys.modules if name.startswith('mlx')])"
    assert run(code) == "[]\n"


@pytest.mark.skipif(sys.platform != "darwin", reason="a Mac's own library")
def test_a_mac_has_accelerate() -> None:
    assert run("from pipeline import blas\nprint(blas.describe())") == "Accelerate\n"
