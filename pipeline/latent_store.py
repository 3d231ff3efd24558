"""Latents of takes, kept beside the files that were made of them: a repaint of such a file needs no
encoding.

A file is known by its content (SHA-256), so it may be moved, renamed or copied. One that was
changed is encoded.
"""

from __future__ import annotations

import hashlib
import math
import os
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from .private import make_folder, open_private
from .real_files import open_real

LIMIT_MB = 1000.0
_BLOCK = 2**24  # bytes of a file that are read at once
WIDTH = 64  # numbers in a latent frame


class StoredLatents(NamedTuple):
    """`latents` (frames, 64) decode to the file's sound divided by `gain`."""

    latents: npt.NDArray[np.float32]
    gain: float


class LatentStore:
    """A folder of them. The oldest go where they take more than `limit_mb`."""

    def __init__(self, folder: Path, limit_mb: float = LIMIT_MB) -> None:
        self.folder = folder
        self.limit_mb = limit_mb

    def put(self, digest: str, vae: str, stored: StoredLatents) -> None:
        """`digest` is a file's SHA-256, `vae` says what decodes the latents. Raises OSError."""
        make_folder(self.folder)
        path = self._path(digest, vae)
        part = path.with_suffix(".part")
        with open(part, "wb", opener=open_private) as file:
            np.savez(file, latents=stored.latents.astype(np.float32), gain=stored.gain)
        part.replace(path)
        self._evict()

    def find(self, file: str, vae: str) -> Generator[None, None, StoredLatents | None]:
        """What a file was decoded from; None for one that is not known. A step reads some of the
        file: a large one takes a while, and whoever waits may give up. Raises OSError for one that
        is not there.
        """
        if not any(self.folder.glob(f"*-{vae}.npz")):
            return None
        hashed = hashlib.sha256()
        with open_real(os.path.expanduser(file)) as content:
            while block := content.read(_BLOCK):
                hashed.update(block)
                yield
        path = self._path(hashed.hexdigest(), vae)
        try:
            # np.load leaves a damaged one open
            with path.open("rb") as opened, np.load(opened) as saved:
                stored = StoredLatents(saved["latents"], float(saved["gain"]))
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, zlib.error):
            return None  # a damaged one is no loss
        return stored if _is_whole(stored) else None

    def _path(self, digest: str, vae: str) -> Path:
        return self.folder / f"{digest}-{vae}.npz"

    def _evict(self) -> None:
        total = 0.0
        files = sorted(
            self.folder.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True
        )
        for path in files:
            total += path.stat().st_size
            if total > self.limit_mb * 2**20:
                path.unlink(missing_ok=True)


def _is_whole(stored: StoredLatents) -> bool:
    latents = stored.latents
    if latents.ndim != 2 or latents.shape[1] != WIDTH or latents.dtype != np.float32:
        return False
    return bool(np.isfinite(latents).all()) and math.isfinite(stored.gain)
