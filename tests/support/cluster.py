"""Dask's scheduler and our workers as processes of their own, on loopback, and a daemon that uses
them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psutil

from daemon.service import Daemon
from daemon.settings import ClusterSettings, Settings
from pipeline.request import Request
from tests.support.osc_client import OscClient
from tests.support.running_program import RunningProgram

ROOT = Path(__file__).parents[2]
LOCAL = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")


class SchedulerProcess(RunningProgram):
    """Dask's own."""

    def __init__(self, folder: Path, *flags: str, port: int = 0) -> None:
        module = ("-m", "distributed.cli.dask_scheduler")
        command = (sys.executable, *module, *LOCAL, "--port", str(port), *flags)
        super().__init__(*command, folder=folder)

    @property
    def address(self) -> str:
        found = re.search(r"t(cp|ls)://\S+", self.wait_for("Scheduler at:"))
        assert found
        return found[0]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


class MachineProcess(RunningProgram):
    """`acestepd worker`."""

    def __init__(
        self,
        scheduler: str,
        voice: str,
        folder: Path,
        *flags: str,
        program: tuple[str, str] = ("-m", "daemon"),
    ) -> None:
        options = ("--model", voice, "--state", str(folder / "state"))
        command = (sys.executable, *program, "worker", scheduler)
        super().__init__(*command, *options, *flags, folder=ROOT)

    @property
    def dask_worker(self) -> psutil.Process:
        """Its nanny's child."""
        return self._find("spawn_main")

    @property
    def model(self) -> psutil.Process:
        """The process with the model."""
        return self._find("daemon.worker")

    def _find(self, word: str) -> psutil.Process:
        below = psutil.Process(self.pid).children(recursive=True)
        return next(each for each in below if word in " ".join(each.cmdline()))


@contextmanager
def small_cluster(
    folder: Path, voice: str, *names: str
) -> Iterator[tuple[SchedulerProcess, list[MachineProcess]]]:
    """A scheduler, and workers of these names, which may still be loading."""
    with ExitStack() as started:
        scheduler = started.enter_context(SchedulerProcess(folder))
        machines = [
            started.enter_context(MachineProcess(scheduler.address, voice, folder, "--name", name))
            for name in names
        ]
        yield scheduler, machines


@contextmanager
def playing(
    folder: Path, voice: str, scheduler: str, out: Path | None = None, **cluster: Any
) -> Iterator[tuple[Daemon, OscClient]]:
    """A daemon that makes no takes itself, unless `local` is given, and a client of it."""
    values = {"scheduler": scheduler, "local": False, **cluster}
    settings = Settings(
        port=0,
        page=-1,
        out=out or folder / "clips",
        state=folder / "daemon",
        model=voice,
        request=Request(num_steps=2),
        cluster=ClusterSettings(**values),
    )
    with Daemon(settings) as daemon, closing(OscClient(daemon.osc.address)) as client:
        yield daemon, client
