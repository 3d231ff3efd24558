"""Which of MLX's libraries for Linux is installed. No MLX: it may be unable to load.

The packages mlx-cpu, mlx-cuda-12 and mlx-cuda-13 install the same file, and the one that comes last
wins; taking away any of them takes the file away. pip knows nothing of that.
"""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

CPU = "mlx-cpu"
PACKAGES = (CPU, "mlx-cuda-12", "mlx-cuda-13")
_FILE = "mlx/lib/libmlx.so"


class MlxLibrary(NamedTuple):
    """One of `PACKAGES` that is installed. `is_there`: the file is the one that it came with."""

    package: str
    version: str
    is_there: bool


def list_libraries(path: Iterable[str] | None = None) -> list[MlxLibrary]:
    """Those that are installed, in the order of `PACKAGES`; among what this Python imports, or in
    the folders of `path`.
    """
    where = sys.path if path is None else list(path)
    libraries = []
    for package in PACKAGES:
        found = next(iter(metadata.distributions(name=package, path=where)), None)
        if found is not None:
            libraries.append(MlxLibrary(package, found.version, _is_own_file(found)))
    return libraries


def _is_own_file(package: metadata.Distribution) -> bool:
    for file in package.files or ():
        if str(file) == _FILE and file.hash is not None:
            return file.hash.value == _hash(Path(str(file.locate())))
    return False


def _hash(path: Path) -> str:
    """The SHA-256 of a file as pip writes it down; empty where there is none."""
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        return ""
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
