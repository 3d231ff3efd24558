"""One daemon per state folder: a lock on a file in it, which also says where that daemon
listens.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from ..settings import SettingsError

NAME = "acestepd.lock"
TRIES = 20  # a daemon that has been told to stop needs a moment for it
PAUSE = 0.1


@dataclass(frozen=True)
class Running:
    """Who holds the lock. Ports are 0 until they are known; `tcp` stays 0 when it is off."""

    pid: int
    host: str = ""
    port: int = 0
    tcp: int = 0
    started: float = 0.0  # seconds since the epoch

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.started))
        where = f", listening on UDP {self.host}:{self.port}" if self.port else ""
        return f"process {self.pid}, running since {since}{where}"


class Lock:
    """Held until `close`, or until the process ends, however it ends. Raises `SettingsError` when
    another has it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # not truncated before it is ours, and never deleted: whoever waits for it has this very
            # file open
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SettingsError(
                f"state: cannot write into {folder}: {error.strerror}; choose another"
            ) from error
        self.running = Running(os.getpid(), started=time.time())
        try:
            self._take()
            self._write()
        except BaseException:
            os.close(self._file)
            raise

    def tell(self, host: str, port: int, tcp: int = 0) -> None:
        """Where this daemon listens, once it does."""
        self.running = Running(self.running.pid, host, port, tcp, self.running.started)
        self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        if self._file >= 0:
            with suppress(OSError):
                os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1

    def _take(self) -> None:
        for left in reversed(range(TRIES)):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if not left:
                    raise self._taken() from None
                time.sleep(PAUSE)
            except OSError as error:
                where = self._path.parent
                raise SettingsError(
                    f"state: {where} cannot be locked: {error.strerror}; use a local disk"
                ) from error

    def _taken(self) -> SettingsError:
        other = running(self._path.parent)
        who = f" ({other}). Stop it (kill {other.pid})" if other else ". Stop it"
        return SettingsError(
            f"acestepd is running already with the state folder {self._path.parent}{who}, "
            "or give this one another --state, --port and --out"
        )

    def _write(self) -> None:
        with suppress(OSError):  # a full disk: the lock holds all the same
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, json.dumps(asdict(self.running)).encode(), 0)


def running(folder: Path) -> Running | None:
    """What the daemon of this state folder wrote. One that was killed could not take it back: ask
    it.
    """
    try:
        return Running(**json.loads((folder / NAME).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
