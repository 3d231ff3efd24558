"""MLX loads what lies in its compile cache: nobody else may put anything there. Each time in a
process of its own, as it is decided once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import kernels
from tests.conftest import ROOT

COMPUTE = "from pipeline import device; print(device.can_compile())"
PLANTED = """
#include <stdio.h>
__attribute__((constructor)) static void run() { fclose(fopen("%s", "w")); }
"""
linux_compiler = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("g++"), reason="MLX compiles with g++"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder for temporary files like /tmp: every user may write there."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def run(home: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in (*kernels.VARIABLES, "XDG_CACHE_HOME")
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=clean | {"HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )


def list_kernels(folder: Path) -> list[Path]:
    return [path.relative_to(folder) for path in folder.rglob("lib*.so")]


def plant(shared: Path, names: list[Path], proof: Path) -> None:
    """Libraries that write `proof` when they are loaded, under those names, in folders that
    everybody may write, as another user would make them.
    """
    source = proof.with_suffix(".cpp")
    source.write_text(PLANTED % proof)
    library = proof.with_suffix(".so")
    subprocess.run(["g++", "-shared", "-fPIC", "-o", library, source], check=True)
    for name in names:
        (shared / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, shared / name)
    for path in (shared / "mlx").rglob("*"):
        path.chmod(0o777)
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)


@pytest.mark.long
@linux_compiler
@pytest.mark.parametrize(
    "code",
    [
        pytest.param(COMPUTE, id="device"),
        pytest.param("from pipeline import load; load(); " + COMPUTE, id="load"),
        pytest.param("import daemon.worker; " + COMPUTE, id="worker"),
        pytest.param("import examples.voice.evaluate; " + COMPUTE, id="examples"),
        pytest.param("import tests.tools.parity; " + COMPUTE, id="tools"),
    ],
)
def test_what_another_user_planted_in_the_temporary_folder_is_not_loaded(
    home: Path, shared: Path, tmp_path: Path, code: str
) -> None:
    private = home / ".cache" / "acestepd" / "kernels"
    assert run(home, code, TMPDIR=str(shared)).stdout == "True\n"
    names = list_kernels(private)
    assert names
    assert list_kernels(shared) == []
    shutil.rmtree(private / "mlx")
    plant(shared, names, tmp_path / "proof")
    assert run(home, code, TMPDIR=str(shared)).stdout == "True\n"
    assert not (tmp_path / "proof").exists()


@pytest.mark.long
@linux_compiler
def test_the_planted_library_would_run_if_it_were_loaded(home: Path, tmp_path: Path) -> None:
    """Or the test above proves nothing: in the user's own folder it is loaded."""
    own = tmp_path / "own"
    own.mkdir(0o700)
    run(home, COMPUTE, TMPDIR=str(own))
    names = list_kernels(own)
    shutil.rmtree(own / "mlx")
    plant(own, names, tmp_path / "proof")
    run(home, COMPUTE, TMPDIR=str(own))
    assert (tmp_path / "proof").exists()


@pytest.mark.long
@linux_compiler
@pytest.mark.parametrize("planted", ["link", "file", "open"])
def test_without_a_folder_of_its_own_it_computes_without_compiling_and_says_so_once(
    home: Path, shared: Path, planted: str
) -> None:
    """Its place is taken by a link, a file, or lies in a folder that everybody may write."""
    cache = home / ".cache" / "acestepd"
    cache.mkdir(parents=True)
    if planted == "link":
        (shared / "theirs").mkdir()
        (cache / "kernels").symlink_to(shared / "theirs")
    elif planted == "file":
        (cache / "kernels").touch()
    else:
        cache.chmod(0o777)
    done = run(home, f"from pipeline import load; load(); {COMPUTE}", TMPDIR=str(shared))
    assert done.stdout == "False\n"
    assert done.stderr.count("nothing is compiled, which is slower") == 1
    assert list_kernels(shared) == []


def test_where_no_variable_names_a_folder_only_one_that_nobody_else_reads_is_set(
    home: Path,
) -> None:
    code = (
        "import pipeline.device, os, tempfile; print(os.environ['TEMPDIR'], tempfile.gettempdir())"
    )
    done = run(home, code + "; print([n for n in ('TMPDIR', 'TMP', 'TEMP') if n in os.environ])")
    assert done.stdout == f"{home}/.cache/acestepd/kernels /tmp\n[]\n"


def test_a_shared_folder_stays_that_of_the_programs_own_temporary_files(
    home: Path, shared: Path
) -> None:
    code = "import pipeline.device, os, tempfile; print(os.environ['TMP'], tempfile.gettempdir())"
    done = run(home, code, TMP=str(shared))
    assert done.stdout == f"{home}/.cache/acestepd/kernels {shared}\n"


@pytest.mark.parametrize("chosen", ["", "relative", "/nowhere/at/all"])
def test_a_variable_that_names_no_folder_is_replaced(home: Path, chosen: str) -> None:
    code = "import pipeline.device, os; print(os.environ['TMPDIR'])"
    assert run(home, code, TMPDIR=chosen).stdout == f"{home}/.cache/acestepd/kernels\n"


def test_a_temporary_folder_of_the_users_own_stays(home: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir(0o700)
    code = "import pipeline.device, os; print(os.environ['TMPDIR'], 'TEMPDIR' in os.environ)"
    assert run(home, code, TMPDIR=str(own)).stdout == f"{own} False\n"
    assert not (home / ".cache").exists()


def test_the_cache_folder_of_the_system_is_used(home: Path, tmp_path: Path) -> None:
    code = "import pipeline.device, os; print(os.environ['TEMPDIR'])"
    done = run(home, code, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert done.stdout == f"{tmp_path}/cache/acestepd/kernels\n"


def test_a_program_that_only_reads_requests_makes_no_folder(home: Path) -> None:
    run(home, "import pipeline.request, pipeline")
    assert list(home.iterdir()) == []
