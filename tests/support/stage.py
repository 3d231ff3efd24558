"""A whole daemon on real sockets and files; only its model is a `Tape`, on a thread."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from daemon.service import Daemon
from daemon.settings import Settings
from tests.support.harness import SteppedModel, ThreadWorker
from tests.support.osc_client import OscClient, TcpClient


class Stage(Daemon):
    def __init__(self, settings: Settings, model: SteppedModel) -> None:
        super().__init__(settings, lambda: ThreadWorker(model.load))
        self.model = model

    def client(self) -> OscClient:
        return OscClient(self.osc.address)

    def tcp_client(self, slip: bool = False) -> TcpClient:
        assert self.osc.tcp_address
        return TcpClient(self.osc.tcp_address, slip)


@contextmanager
def on_stage(
    folder: Path, model: SteppedModel | None = None, /, **settings: Any
) -> Iterator[Stage]:
    """The model runs by itself unless another is given. It is called "mini", and is warm."""
    given: dict[str, Any] = {
        "port": 0,
        "tcp": 0,
        "page": -1,
        "model": "mini",
        "rate": 100_000,
    } | settings
    with Stage(
        Settings(out=folder / "out", state=folder / "state", **given), model or SteppedModel()
    ) as stage:
        wait_until_warm(stage)
        yield stage


def wait_until_warm(stage: Stage) -> None:
    with closing(stage.client()) as client:
        client.send("/ace/notify", 1, 0, "state")
        while client.receive()[1][0] not in ("warm", "busy"):
            pass
        client.send("/ace/notify", 0)
        client.until("/ace/done")  # it is not subscribed any more


def slow_guards_clock(stage: Stage) -> None:
    """It goes on while this process computes: on a machine with other things to do nobody may send
    more in the same test.
    """
    ahead = stage.osc.guard._clock() - time.process_time()
    stage.osc.guard._clock = lambda: time.process_time() + ahead


@contextmanager
def subscribed(stage: Stage, *topics: str) -> Iterator[OscClient]:
    """Another client, which gets the events of these topics; it has had the snapshot."""
    with closing(stage.client()) as listener:
        listener.send("/ace/notify", 1, 0, *topics)
        listener.send("/ace/sync", 77)
        listener.until("/ace/synced")
        yield listener
        listener.send("/ace/notify", 0)


@contextmanager
def named(stage: Stage, name: str, topics: str = "clip finished insert") -> Iterator[OscClient]:
    """A program with a name, as an integration says it; it has had the answer."""
    with closing(stage.client()) as program:
        program.send("/ace/notify", 1, 0, topics, name)
        program.until("/ace/done")
        yield program
