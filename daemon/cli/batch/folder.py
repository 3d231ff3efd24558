"""The folder in which a batch's takes land, and by which the same batch is known again."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from pathlib import Path
from typing import Self

from pipeline.private import open_private

from ...landing import folders
from ...settings import SettingsError

NAME = ".acestepd-batch"
_CONTENT = re.compile(rb"([0-9a-f]{16}) ([0-9]{5})\n")


class BatchFolder:
    """For one command at a time, until `close`, or until the process ends, however it ends. `name`
    is the folder's own: takes of the same rows in another folder are others. Raises
    `SettingsError`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        folders.check_writable(self.path)
        try:
            self._file = open_private(str(self.path / NAME), os.O_RDWR | os.O_CREAT)
            self._lock()
            known = _CONTENT.fullmatch(os.pread(self._file, 64, 0))
            self.name = known[1].decode() if known else secrets.token_hex(8)
            self.port = int(known[2]) if known else 0
            if not known:
                self.remember_port(0)
        except OSError as error:
            raise SettingsError(f"cannot write {self.path / NAME}: {error.strerror}") from error

    @property
    def prefix(self) -> str:
        """What the ids of its jobs begin with."""
        return f"batch-{self.name[:8]}-"

    def remember_port(self, port: int) -> None:
        """That from which its jobs are ordered: an order that is sent twice from there is one.
        Raises OSError.
        """
        self.port = port
        os.pwrite(self._file, f"{self.name} {port:05}\n".encode(), 0)
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                f"another acestepd batch works on {self.path}: wait for its end, or give this one "
                "another --out"
            ) from None
