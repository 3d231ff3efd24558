"""MLX's libraries for Linux overwrite each other: what pip wrote down tells which is there."""

from __future__ import annotations

import base64
import hashlib
import sys
from pathlib import Path

import pytest

from daemon.cli.doctor import NOTE, OK, WRONG, judge_libraries
from pipeline.mlx_library import CPU, MlxLibrary, list_libraries

CARD = "mlx-cuda-13"


def install(folder: Path, package: str, version: str = "0.32.4") -> None:
    """As pip does it: the file, and its record."""
    content = package.encode()
    library = folder / "mlx" / "lib" / "libmlx.so"
    library.parent.mkdir(parents=True, exist_ok=True)
    library.write_bytes(content)
    info = folder / f"{package.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    (info / "RECORD").write_text(f"mlx/lib/libmlx.so,sha256={digest},{len(content)}\n")


def test_the_last_one_installed_has_the_file(tmp_path: Path) -> None:
    install(tmp_path, CPU)
    install(tmp_path, CARD)
    assert list_libraries([str(tmp_path)]) == [
        MlxLibrary(CPU, "0.32.4", False),
        MlxLibrary(CARD, "0.32.4", True),
    ]


def test_taking_one_away_takes_the_file_away(tmp_path: Path) -> None:
    install(tmp_path, CARD)
    (tmp_path / "mlx" / "lib" / "libmlx.so").unlink()
    assert list_libraries([str(tmp_path)]) == [MlxLibrary(CARD, "0.32.4", False)]
    assert list_libraries([str(tmp_path / "elsewhere")]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="MLX has one library elsewhere")
def test_here_there_is_one_and_it_is_whole() -> None:
    (library,) = list_libraries()
    assert library.is_there


@pytest.mark.parametrize(
    ("libraries", "has_card", "verdict", "said"),
    [
        ([MlxLibrary(CPU, "1", True)], False, OK, "mlx-cpu 1"),
        ([MlxLibrary(CARD, "1", True)], True, OK, "mlx-cuda-13 1"),
        (
            [MlxLibrary(CPU, "1", True)],
            True,
            NOTE,
            "pip uninstall -y mlx-cpu; pip install mlx-cuda",
        ),
        ([], False, WRONG, "pip install mlx-cpu"),
        ([MlxLibrary(CARD, "1", False)], True, WRONG, "--force-reinstall --no-deps mlx-cuda-13"),
        (
            [MlxLibrary(CPU, "1", False), MlxLibrary(CARD, "1", True)],
            True,
            WRONG,
            "install the same file, which is mlx-cuda-13's",
        ),
        (
            [MlxLibrary(CPU, "1", True), MlxLibrary(CARD, "1", False)],
            True,
            WRONG,
            "pip uninstall -y mlx-cpu; pip install --force-reinstall --no-deps mlx-cuda-13",
        ),
    ],
)
def test_the_doctor_says_what_to_type(
    libraries: list[MlxLibrary], has_card: bool, verdict: str, said: str
) -> None:
    finding = judge_libraries(libraries, has_card)
    assert finding.verdict == verdict
    assert said in f"{finding.message} -> {finding.hint}"
