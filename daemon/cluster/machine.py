"""`acestepd worker`: this machine makes takes for the daemons of a cluster."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dask
from distributed import Nanny
from distributed.utils import get_ip
from distributed.worker import DEFAULT_METRICS, DEFAULT_STARTUP_INFORMATION

from pipeline.private import make_folder, open_private

from .. import VERSION
from ..engine.model_state import ModelChoice
from ..settings import Settings, SettingsError
from .identities import Identities, describe_device
from .plugin import NAME, RESOURCES, THREADS, ModelPlugin, describe
from .security import (
    DASK,
    LOCAL_DASHBOARD,
    build_security,
    check_address,
    find_reason,
    silence_dask,
)
from .shared_folder import marked

log = logging.getLogger("acestepd.worker")

FIRST_PAUSE = 1.0  # seconds before a scheduler that was not there is tried again
LONGEST_PAUSE = 15.0
START_SECONDS = 60.0  # that Dask's processes may take to begin, once there is a scheduler
MOST_WORKERS = 64  # of one machine and user
LOCK = "worker.lock"


class StartFacts(dict[str, Any]):
    """What is known of a worker from its start. As Dask has it, a function of the worker."""

    def __call__(self, worker: object) -> dict[str, Any]:
        return dict(self)


async def serve(scheduler: str, settings: Settings, choice: ModelChoice, name: str = "") -> None:
    """Until the task is cancelled. A scheduler that is not there, or not any more, is waited for.
    Raises `SettingsError` for an address that may not be used, or a shared folder that cannot, and
    `CheckpointError` for a model that is not on this machine.
    """
    check_address(scheduler, settings.cluster)
    host = await asyncio.to_thread(get_ip, urlsplit(scheduler).hostname)
    security = build_security(settings.cluster)
    # a hundred looks a second at what its threads do: this machine may play a DAW
    dask.config.set({"distributed.worker.profile.enabled": False})
    shared = settings.cluster.shared_folder
    with marked(shared) as mark, claim_folder(settings.state / "workers") as (folder, number):
        machine = name or describe_machine(number)
        identity = await asyncio.to_thread(Identities(settings).read, choice)
        settings = replace(settings, state=folder)
        facts = StartFacts(
            machine=machine,
            version=VERSION,
            dask=DASK,
            shared=str(shared or ""),
            mark=mark,
            identity=identity.to_json(),
            **describe_device(),
        )
        pause = FIRST_PAUSE
        said = ""
        log.info("%s, with %s, looks for the scheduler %s", machine, identity.title, scheduler)
        while True:
            nanny = Nanny(
                scheduler,
                # not on all of this machine's addresses, as Dask does by itself
                host=host,
                dashboard_address=LOCAL_DASHBOARD,
                nthreads=THREADS,
                resources=RESOURCES,
                memory_limit=0,  # the model is in another process, and a take is as large as it is
                security=security,
                local_directory=str(folder / "dask"),
                silence_logs=logging.CRITICAL + 1,
                plugins=(ModelPlugin(settings, choice, str(shared or "")),),
                metrics={**DEFAULT_METRICS, NAME: describe},
                startup_information={**DEFAULT_STARTUP_INFORMATION, NAME: facts},
                dashboard=False,
            )
            try:
                await _serve_once(nanny, f"{machine} works for {scheduler}")
            except (OSError, TimeoutError, RuntimeError) as error:
                if (reason := find_reason(error)) != said:
                    said = reason
                    log.warning("%s: %s; trying again", scheduler, reason)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
            else:
                pause, said = FIRST_PAUSE, ""
                log.warning("%s is gone: waiting for it", scheduler)


async def _serve_once(nanny: Nanny, said: str) -> None:
    """Until the scheduler is gone. `said` is logged once it is there; raises OSError, TimeoutError
    or RuntimeError where it is not.
    """
    try:
        async with asyncio.timeout(START_SECONDS):
            await nanny
        log.info("%s", said)
        await nanny.finished()
    finally:
        await nanny.close()


def run(scheduler: str, settings: Settings, choice: ModelChoice, name: str = "") -> int:
    """Until a signal ends it. Returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    silence_dask()

    async def work() -> None:
        task = asyncio.current_task()
        assert task
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        await serve(scheduler, settings, choice, name)

    with suppress(asyncio.CancelledError):
        asyncio.run(work())
    return 0


def describe_machine(number: int) -> str:
    """What people call it: its host's name, with a number from the second worker on."""
    host = socket.gethostname().partition(".")[0]
    return host if number == 1 else f"{host} {number}"


@contextmanager
def claim_folder(root: Path) -> Iterator[tuple[Path, int]]:
    """A folder that no other worker of this machine has now, and which of them that is, counted
    from 1. Raises `SettingsError` where there is none.
    """
    for number in range(1, MOST_WORKERS + 1):
        folder = root / str(number)
        try:
            make_folder(folder)
            handle = open_private(str(folder / LOCK), os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise SettingsError(f"state: cannot write into {folder}: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        try:
            yield folder, number
        finally:
            os.close(handle)
        return
    raise SettingsError(f"there are {MOST_WORKERS} workers already with the folder {root}")
