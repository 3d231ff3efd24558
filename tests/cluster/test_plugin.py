"""A worker of a cluster, as Dask runs it: what it says of itself, and what comes of a task."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client

from daemon import VERSION
from daemon.cluster import plugin
from daemon.cluster.parcels import unpack
from daemon.messages import (
    ModelLoaded,
    PreviewAudio,
    RenderClip,
    RenderFailed,
    RenderFinished,
    RenderProgress,
)
from pipeline.request import Request
from tests.support.cluster import small_cluster
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.long

SECOND = Request(prompt="x", seconds=1, seed=1)
TOPIC = "acestepd-test"


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory, quick_voice: str) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("cluster")
    with small_cluster(folder, quick_voice, "studio") as (scheduler, _):
        yield scheduler.address


class Daemon:
    """One that speaks to a worker by itself."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.told: list[dict[str, Any]] = []
        self.address = ""
        self.facts: dict[str, Any] = {}
        client.subscribe_topic(TOPIC, lambda event: self.told.append(event[1]))

    async def find(self) -> None:
        """Wait until the worker is warm."""
        async with asyncio.timeout(PATIENCE * 2):
            while True:
                workers = (await self.client.scheduler.identity(n_workers=-1))["workers"]
                for address, each in workers.items():
                    self.address, self.facts = address, each[plugin.NAME]
                    if each["metrics"][plugin.NAME]["state"] == "warm":
                        return
                await asyncio.sleep(0.1)

    def submit(self, ticket: int, request: Request, resource: str = "ace") -> Any:
        order = {
            "key": f"ace-test-{ticket}",
            "topic": TOPIC,
            "session": "test",
            "ticket": ticket,
            "name": f"take{ticket}",
            "request": dataclasses.asdict(request),
            "files": {},
        }
        return self.client.submit(
            plugin.render,
            order,
            key=order["key"],
            workers=[self.address],
            resources={resource: 1},
            retries=0,
            pure=False,
        )

    async def call(self, function: Any, *arguments: Any) -> Any:
        return (await self.client.run(function, *arguments, workers=[self.address]))[self.address]


def run(scheduler: str, test: Any) -> None:
    """With a daemon that has found the worker."""

    async def connect() -> None:
        async with Client(scheduler, asynchronous=True, set_as_default=False) as client:
            daemon = Daemon(client)
            await daemon.find()
            await asyncio.wait_for(test(daemon), PATIENCE * 2)

    asyncio.run(connect())


def test_a_worker_says_which_model_it_has_and_where(scheduler: str, quick_voice: str) -> None:
    async def look(daemon: Daemon) -> None:
        assert daemon.facts["machine"] == "studio"
        assert daemon.facts["version"] == VERSION
        assert daemon.facts["identity"]["title"] == quick_voice
        assert daemon.facts["device"]
        (loaded,) = unpack(await daemon.call(plugin.describe_loaded))
        assert isinstance(loaded, ModelLoaded)
        assert loaded.title.startswith(quick_voice)

    run(scheduler, look)


def test_a_task_gives_the_whole_take_and_tells_how_far_it_is(scheduler: str) -> None:
    async def look(daemon: Daemon) -> None:
        *pieces, end = unpack(await daemon.submit(1, SECOND.changed({"preview": "2"})))
        assert isinstance(end, RenderFinished)
        assert end.ticket == 1
        (clip,) = (each for each in pieces if isinstance(each, RenderClip))
        assert clip.audio.shape == (2, 48000)
        messages = [
            message for event in daemon.told if "frames" in event for message in unpack(event)
        ]
        assert any(isinstance(each, RenderProgress) for each in messages)
        (number,) = [event["preview"] for event in daemon.told if "preview" in event]
        (preview,) = unpack(await daemon.call(plugin.take_preview, number))
        assert isinstance(preview, PreviewAudio)
        assert np.any(preview.audio)

    run(scheduler, look)


def test_what_nobody_waits_for_stops_and_the_next_is_made(scheduler: str) -> None:
    async def look(daemon: Daemon) -> None:
        long = daemon.submit(2, SECOND.changed({"seconds": 600, "num_steps": 100}))
        while not any(event["ticket"] == 2 for event in daemon.told):
            await asyncio.sleep(0.02)
        await long.cancel()
        *_, end = unpack(await daemon.submit(3, SECOND))
        assert isinstance(end, RenderFinished)

    run(scheduler, look)


def test_a_task_goes_on_top_of_another(scheduler: str) -> None:
    async def look(daemon: Daemon) -> None:
        long = daemon.submit(4, SECOND.changed({"seconds": 600, "num_steps": 100}))
        while not any(event["ticket"] == 4 for event in daemon.told):
            await asyncio.sleep(0.02)
        *_, end = unpack(await daemon.submit(5, SECOND, "ace_interrupt"))
        assert isinstance(end, RenderFinished)
        assert not long.done()
        await long.cancel()

    run(scheduler, look)


def test_a_path_is_never_opened_there(scheduler: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"RIFF")

    async def look(daemon: Daemon) -> None:
        request = SECOND.changed({"task": "cover", "source": str(secret)})
        (end,) = unpack(await daemon.submit(6, request))
        assert isinstance(end, RenderFailed)
        assert (end.code, end.message) == (422, "its source did not come with it")

    run(scheduler, look)
