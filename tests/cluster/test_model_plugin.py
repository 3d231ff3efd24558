"""A worker's plugin in a process of ours, where a take ends as nobody expects."""

from __future__ import annotations

import asyncio
import dataclasses
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from daemon.cluster.plugin import ModelPlugin
from daemon.engine import ModelChoice
from daemon.settings import Settings
from pipeline.request import Request
from tests.support.harness import SteppedModel, ThreadWorker
from tests.support.waiting import until

ORDER = {
    "key": "ace-test-1",
    "topic": "test",
    "session": "test",
    "ticket": 1,
    "name": "take",
    "request": dataclasses.asdict(Request(prompt="x", seconds=1, seed=1)),
    "files": {},
}


def test_a_take_that_was_given_up_may_be_lost_afterwards(tmp_path: Path) -> None:
    """As after a pause of the whole machine: Dask cancels the task, and ends its worker then."""
    model = SteppedModel(running=False)
    start_worker = partial(ThreadWorker, model.load)
    plugin = ModelPlugin(Settings(state=tmp_path), ModelChoice("tape", ""), "", start_worker)
    dask_worker: Any = SimpleNamespace(address="tcp://x:1", log_event=lambda topic, event: None)
    unforeseen: list[Any] = []

    async def work() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, each: unforeseen.append(each))
        await asyncio.to_thread(plugin.setup, dask_worker)
        await asyncio.to_thread(until, lambda: plugin.host.standing.state == "warm")
        task = asyncio.create_task(plugin.render(ORDER))
        await asyncio.to_thread(until, lambda: plugin.describe()["doing"])
        task.cancel()
        await asyncio.wait([task])
        await asyncio.to_thread(plugin.teardown, dask_worker)

    asyncio.run(work())
    assert unforeseen == []
