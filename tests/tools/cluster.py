"""What Dask adds to a job: `python -m tests.tools.cluster [WORKERS] [SECONDS] [JOBS] [CLIP]
[SLOW] [WARM]`, with real Dask workers in another process, whose model sleeps for so many SECONDS
instead of playing a CLIP of so many seconds. The first of them becomes SLOW times as slow when it
has made a few; its warm-up takes WARM times as long as the others'. The daemon's queue, files and
journal are real, and its scheduler is in its process. `tests.tools.crew` is the same without Dask.
Nothing is asserted.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from distributed import Worker
from distributed.worker import DEFAULT_METRICS

from daemon import VERSION
from daemon.cluster import plugin
from daemon.cluster.cluster import Cluster
from daemon.cluster.identities import Identities
from daemon.cluster.machine import StartFacts
from daemon.cluster.security import DASK, LOCAL_DASHBOARD, silence_dask
from daemon.engine import Engine, ModelChoice
from daemon.jobs import Order, Priority
from daemon.journal import Journal
from daemon.settings import ClusterSettings, Settings
from pipeline.request import Request
from pipeline.take import PendingClip, Progress
from tests.support.harness import SteppedModel, ThreadWorker
from tests.support.waiting import until
from tests.tools.crew import BATCH, Landings

MODEL = ModelChoice("mini", "")  # whose identity the workers have
SERVE = "serve"  # the first argument of the workers' process
AS_QUICK = 3  # takes that the slow one makes before


class SleepingModel(SteppedModel):
    """Its takes are there after so many seconds; from the fourth on it is `slow` times as slow, and
    in its warm-up `warm` times.
    """

    def __init__(self, seconds: float, slow: float = 1.0, warm: float = 1.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._slow = slow
        self._warm = warm

    def rehearse(self, request: Request) -> None:
        time.sleep(self._warm * self._seconds / 2)

    def render_pending(self, request: Request) -> Generator[Progress | PendingClip, None, None]:
        slow = self._slow if len(self.played) >= AS_QUICK else 1.0
        for output in super().render_pending(request):
            if isinstance(output, Progress):
                time.sleep(slow * self._seconds / 4)
            yield output


async def serve(
    scheduler: str, workers: int, seconds: float, slow: float, warm: float, folder: Path
) -> None:
    """So many Dask workers on this thread, each with a thread for its model."""
    silence_dask()
    identity = Identities(Settings(state=folder)).read(MODEL).to_json()
    async with AsyncExitStack() as started:
        for number in range(workers):
            facts = StartFacts(
                machine=f"worker {number}", version=VERSION, dask=DASK, identity=identity
            )
            settings = Settings(state=folder / str(number))
            unlike = () if number else (slow, warm)
            load = SleepingModel(seconds, *unlike).load
            model = plugin.ModelPlugin(settings, MODEL, "", partial(ThreadWorker, load))
            worker = Worker(
                scheduler,
                host="127.0.0.1",
                dashboard_address=LOCAL_DASHBOARD,
                nthreads=plugin.THREADS,
                resources=plugin.RESOURCES,
                memory_limit=0,
                local_directory=str(folder / "dask"),
                plugins=(model,),
                metrics={**DEFAULT_METRICS, plugin.NAME: plugin.describe},
                startup_information={plugin.NAME: facts},
            )
            await started.enter_async_context(worker)
        await asyncio.Event().wait()


def main(
    workers: int = 32,
    seconds: float = 0.1,
    jobs: int = 1000,
    clip: float = 1.0,
    slow: float = 1.0,
    warm: float = 1.0,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(
            out=folder / "out",
            state=folder / "state",
            queue=10_000,
            queue_per_client=10_000,
            model=MODEL.model,
            cluster=ClusterSettings(scheduler="auto", listen="tcp://127.0.0.1:0", local=False),
        )
        settings.out.mkdir()
        journal = Journal(settings.state / "journal.sqlite")
        engine = Engine(settings, MODEL, journal, None)
        engine.start()
        landings = Landings(engine, jobs)
        cluster = Cluster(settings, engine.lock, engine.work_source)
        cluster.start()
        cluster.has_scheduler.wait()
        arguments = (SERVE, cluster.address, workers, seconds, slow, warm, folder / "workers")
        command = [sys.executable, "-m", "tests.tools.cluster", *map(str, arguments)]
        with subprocess.Popen(command) as process:
            until(lambda: sum(each.is_ready for each in cluster.workers) == workers)
            request = Request(prompt="x", seconds=clip, seed=1)
            order = Order(BATCH, "many", request, count=jobs, priority=Priority.BATCH)
            began = time.monotonic()
            used = time.process_time()
            engine.submit(order)
            landings.done.wait()
            took = time.monotonic() - began
            used = time.process_time() - used
            process.kill()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        slowed = f", one of them {slow:g} times as slow" if slow > 1 else ""
        slowed += f", the warm-up of one {warm:g} times" if warm > 1 else ""
        print(
            f"{jobs} takes of {clip:g} s, by {workers} Dask workers in {seconds:g} s each{slowed}"
        )
        print(f"in {took:.1f} s: {jobs / took:.1f} of {workers / seconds:.1f} a second")
        print(
            f"processor: {used / took:.2f} of {os.cpu_count()}, {1000 * used / jobs:.1f} ms a job"
        )
        print(f"memory at most: {memory:.0f} MB")
        cluster.close()
        engine.close()
        journal.close()


if __name__ == "__main__":
    if sys.argv[1:2] == [SERVE]:
        _, _, address, count, each, *unlike, path = sys.argv
        slowness, warmth = map(float, unlike)
        asyncio.run(serve(address, int(count), float(each), slowness, warmth, Path(path)))
    else:
        kinds = (int, float, int, float, float, float)
        main(*(kind(text) for kind, text in zip(kinds, sys.argv[1:])))
