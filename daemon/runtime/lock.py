"""One daemon per state folder: a lock on a file in it, which also says where that daemon
listens.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Self

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.private import open_private

from ..settings import SettingsError
from .state import claim

NAME = "acestepd.lock"
TRIES = 20  # a daemon that was told to stop needs a moment for it
PAUSE_SECONDS = 0.1  # between two tries


@dataclass(frozen=True)
class RunningDaemon:
    """Who holds the lock. Ports are 0 until they are known; `tcp` and `page` stay 0 when they are
    off. `out` is the folder of its clips, with the inbox.
    """

    pid: int
    host: str = ""
    port: int = 0
    tcp: int = 0
    started: float = 0.0  # seconds since the epoch
    out: str = ""
    page: int = 0

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.started))
        where = f", listening on UDP {self.host}:{self.port}" if self.port else ""
        return f"process {self.pid}, running since {since}{where}"


class StateLock:
    """Held until `close`, or until the process ends, however it ends. Raises `SettingsError` when
    another has it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        try:
            claim(folder)
            # not truncated before it is ours, and never deleted: whoever waits for it has this very
            # file open
            self._file = open_private(str(self._path), os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise SettingsError(
                f"state: cannot write into {folder}: {error.strerror}; choose another"
            ) from error
        self.holder = RunningDaemon(os.getpid(), started=time.time())
        try:
            self._acquire()
            self._write()
        except BaseException:
            os.close(self._file)
            raise

    def record_address(
        self, host: str, port: int, tcp: int = 0, out: Path | str = "", page: int = 0
    ) -> None:
        """Where this daemon listens, once it does, and where its clips land."""
        self.holder = replace(self.holder, host=host, port=port, tcp=tcp, out=str(out), page=page)
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

    def _acquire(self) -> None:
        for tries_left in reversed(range(TRIES)):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if not tries_left:
                    raise self._describe_holder() from None
                time.sleep(PAUSE_SECONDS)
            except OSError as error:
                where = self._path.parent
                raise SettingsError(
                    f"state: {where} cannot be locked: {error.strerror}; use a local disk"
                ) from error

    def _describe_holder(self) -> SettingsError:
        holder = read_holder(self._path.parent)
        who = f" ({holder}). Stop it (acestepd stop)" if holder else ". Stop it"
        return SettingsError(
            f"acestepd is running already with the state folder {self._path.parent}{who}, "
            "or give this one another --state, --port and --out"
        )

    def _write(self) -> None:
        with suppress(OSError):  # a full disk: the lock holds all the same
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, json.dumps(asdict(self.holder)).encode(), 0)


def is_held(folder: Path) -> bool:
    """Whether a daemon runs with this state folder."""
    try:
        file = os.open(folder / NAME, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)  # and with it the lock, if it was there to have
    return False


def read_holder(folder: Path) -> RunningDaemon | None:
    """What the daemon of this state folder wrote, as far as this version knows it. One that was
    killed could not take it back: ask it.
    """
    try:
        values = untrusted.read_json(folder / NAME, LIMITS.record_bytes)
        known = {field.name for field in fields(RunningDaemon)}
        return RunningDaemon(**{name: values[name] for name in values if name in known})
    except (OSError, ValueError, TypeError):
        return None
