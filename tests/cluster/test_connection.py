"""The daemon's end of a cluster, where the connection to the scheduler has just gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, Scheduler
from distributed.client import FutureCancelledError

from daemon.cluster.cluster import Cluster
from daemon.cluster.cluster_worker import ClusterWorker, Health
from daemon.cluster.security import LOCAL_DASHBOARD
from daemon.engine import Engine, ModelChoice
from daemon.jobs import JobState
from daemon.journal import Journal
from daemon.messages import ModelLoaded
from daemon.settings import ClusterSettings, Settings
from tests.cluster.test_cluster_worker import FACTS
from tests.support.harness import Recorder, SteppedModel, stop, submit
from tests.support.waiting import PATIENCE

TAPE = ModelChoice("tape", "")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a daemon that makes no takes itself."""
    cluster = ClusterSettings(scheduler="tcp://127.0.0.1:9", local=False)
    return Settings(out=tmp_path / "out", state=tmp_path / "state", cluster=cluster)


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = Engine(settings, TAPE, Journal(settings.state / "journal.sqlite"), None)
    engine.start()
    yield engine
    stop(engine)


async def connect_and_lose() -> Client:
    """A client whose scheduler has ended."""
    async with Scheduler(host="127.0.0.1", port=0, dashboard_address=LOCAL_DASHBOARD) as scheduler:
        client = await Client(scheduler.address, asynchronous=True, set_as_default=False)
    await client.close()
    return client


class Connected(Cluster):
    """On the loop of a test, with one worker that is warm."""

    async def begin(self, engine: Engine, client: Client) -> ClusterWorker:
        self._loop = asyncio.get_running_loop()
        self._stirred = asyncio.Event()
        self._client = client
        worker = ClusterWorker(
            "studio", "tcp://x:1", FACTS, Health(), self._render, self._cancel, lambda: TAPE
        )
        worker.compared_with = TAPE
        self._workers[worker.address] = worker
        with engine.lock:
            engine.work_source.add_worker(worker)
            worker.is_warm = True
            loaded = ModelLoaded("tape", (), SteppedModel().capabilities, 1.0, 0.0)
            engine.work_source.on_message(worker, loaded)
        return worker


def test_a_take_that_cannot_be_sent_is_nobodys_fault(settings: Settings, engine: Engine) -> None:
    async def order() -> None:
        cluster = Connected(settings, engine.lock, engine.work_source)
        studio = await cluster.begin(engine, await connect_and_lose())
        job = submit(engine)
        async with asyncio.timeout(PATIENCE):
            while cluster.workers:
                await asyncio.sleep(0.01)
        assert job.state is JobState.WAITING
        assert job.crashes == 0
        assert [studio.health.note_failure() for _ in range(2)] == [0, 0], "the first two"

    asyncio.run(order())


class Answered(Connected):
    """Its workers send nothing."""

    async def _submit(self, *_: object) -> dict[str, Any]:
        return {"frames": []}


@asynccontextmanager
async def connected() -> AsyncIterator[Client]:
    async with Scheduler(host="127.0.0.1", port=0, dashboard_address=LOCAL_DASHBOARD) as scheduler:
        client = await Client(scheduler.address, asynchronous=True, set_as_default=False)
        try:
            yield client
        finally:
            await client.close()


def test_a_result_that_is_none_is_the_workers_fault_and_not_the_jobs(
    settings: Settings, engine: Engine
) -> None:
    async def order() -> None:
        cluster = Answered(settings, engine.lock, engine.work_source)
        async with connected() as client, asyncio.timeout(PATIENCE):
            studio = await cluster.begin(engine, client)
            job = submit(engine)
            while studio.is_warm:
                await asyncio.sleep(0.01)
        assert job.state is JobState.WAITING
        assert job.crashes == 0
        assert studio.health.note_failure() == 0, "the second one"
        assert studio.health.note_failure() > 0

    asyncio.run(order())


def test_where_nobody_else_is_there_a_job_fails_with_what_came_twice(
    settings: Settings, engine: Engine
) -> None:
    async def order() -> None:
        cluster = Answered(settings, engine.lock, engine.work_source)
        async with connected() as client, asyncio.timeout(PATIENCE):
            studio = await cluster.begin(engine, client)
            job = submit(engine)
            while studio.is_warm:
                await asyncio.sleep(0.01)
            with engine.lock:
                studio.is_warm = True
            engine.work_source.dispatch()
            while not job.has_ended:
                await asyncio.sleep(0.01)
        assert job.last_event
        assert job.last_event.values[1:3] == (500, "studio has sent no take, twice: nothing came")
        assert studio.health.note_failure() > 0, "the third one"

    asyncio.run(order())


ENDED = {"lost": "its process has ended (signal SIGKILL)", "has_ended": True}
UNLOADED = {"lost": "its model is not loaded", "has_ended": False}


class Failing(Connected):
    """Each take ends in this way."""

    outcome: object = None

    async def _submit(self, *_: object) -> Any:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize(
    ("outcome", "said", "counted"),
    [
        (ENDED, "studio: its process has ended (signal SIGKILL)", (1, 0)),
        (UNLOADED, "studio: its model is not loaded", (0, 0)),
        (KeyError("adapters"), "studio has failed: 'adapters'", (0, 1)),
        (TimeoutError("no answer"), "no take came from studio: no answer", (0, 0)),
        ({"frames": []}, "no take came from studio: nothing came", (0, 0)),
        (
            FutureCancelledError("key", "scheduler-connection-lost"),
            "the scheduler tcp://127.0.0.1:9 is not reached any more",
            (0, 0),
        ),
        (
            FutureCancelledError("key", "lost dependencies"),
            "the scheduler tcp://127.0.0.1:9 has dropped it",
            (0, 0),
        ),
    ],
)
def test_why_a_take_is_made_again_is_said_as_it_is(
    settings: Settings, engine: Engine, outcome: object, said: str, counted: tuple[int, int]
) -> None:
    async def order() -> None:
        cluster = Failing(settings, engine.lock, engine.work_source)
        cluster.outcome = outcome
        recorder = Recorder(engine)
        async with connected() as client, asyncio.timeout(PATIENCE):
            studio = await cluster.begin(engine, client)
            job = submit(engine)
            while studio.is_warm:
                await asyncio.sleep(0.01)
        assert recorder.wait("note", job.id).values == (f"{said}: this take is made again",)
        assert (job.crashes, job.failures) == counted

    asyncio.run(order())
