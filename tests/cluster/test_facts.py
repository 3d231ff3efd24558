"""What a worker says of itself may be of another version, or junk: it is told, and nobody minds."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from distributed import Scheduler, Worker
from distributed.worker import DEFAULT_METRICS, DEFAULT_STARTUP_INFORMATION

from daemon import VERSION
from daemon.cluster import cluster as cluster_module
from daemon.cluster.census import format_census, take_census
from daemon.cluster.cluster import Cluster
from daemon.cluster.facts import Facts, Metric
from daemon.cluster.plugin import NAME
from daemon.cluster.security import LOCAL_DASHBOARD
from daemon.engine import Engine, ModelChoice
from daemon.journal import Journal
from daemon.settings import ClusterSettings, Settings
from pipeline.weights.identity import AdapterIdentity, ModelIdentity
from tests.support.cluster import ROOT
from tests.support.harness import stop
from tests.support.waiting import until

TAPE = ModelChoice("tape", "")
IDENTITY = ModelIdentity("mini", {"vae": "12"}, 8, (AdapterIdentity("warm", "34", 0.5),))
OURS = {"machine": "studio", "version": VERSION, "identity": IDENTITY.to_json()}
OLD = {"machine": "old", "version": "0.0.9", "identity": {}}
BENT: dict[str, list[Any]] = {
    "title": [3, None, "x" * 1000],
    "parts": [3, [], {"vae": 3}, {"x" * 1000: ""}, dict.fromkeys(map(str, range(2000)), "")],
    "bits": ["8", None, 1.5],
    "adapters": [3, {}, [3], [["warm"]], [["warm", "34", "1"]], [["", "", 1.0]] * 2000],
}


def test_what_a_worker_of_this_version_says_is_read() -> None:
    facts = Facts.read(OURS)
    assert (facts.machine, facts.obstacle, facts.identity) == ("studio", "", IDENTITY)


@pytest.mark.parametrize("junk", [None, 3, "x", [], {}, {"version": 3}, {"version": None}])
def test_junk_is_of_no_version(junk: object) -> None:
    assert Facts.read(junk).obstacle == f"it has acestepd of no version, and this is {VERSION}"


def test_of_another_version_nothing_else_matters() -> None:
    for identity in (IDENTITY.to_json(), {}, 3):
        facts = Facts.read(OLD | {"identity": identity})
        assert facts.obstacle == f"it has acestepd 0.0.9, and this is {VERSION}"


@pytest.mark.parametrize(("key", "value"), [(key, each) for key in BENT for each in BENT[key]])
def test_a_model_that_cannot_be_read_is_an_obstacle(key: str, value: object) -> None:
    facts = Facts.read(OURS | {"identity": IDENTITY.to_json() | {key: value}})
    assert facts.obstacle.startswith("what it says of its model cannot be read")


def test_texts_are_one_line_and_not_long() -> None:
    facts = Facts.read(OURS | {"machine": "a\nb" + "x" * 10_000})
    assert facts.machine.startswith("a\\nb")
    assert len(facts.machine) < 1000


@pytest.mark.parametrize("junk", [None, 3, {NAME: 3}, {NAME: {"state": 3, "doing": 3}}])
def test_a_metric_that_cannot_be_read_is_of_one_that_loads(junk: object) -> None:
    assert Metric.read({"metrics": junk}) == Metric("loading", "", (), 0)


def test_a_metric_tells_texts_and_whole_numbers_only() -> None:
    metric = {"state": "warm", "error": {}, "doing": ["take", 3], "free_memory": "1"}
    assert Metric.read({"metrics": {NAME: metric}}) == Metric("warm", "", ("take",), 0)


# --- workers of Dask that say so ------------------------------------------------------------------


class Said(dict[str, Any]):
    """As Dask has it, a function of the worker."""

    def __call__(self, worker: object) -> object:
        return self["it"]


@contextmanager
def strangers(*said: tuple[object, object]) -> Iterator[str]:
    """A scheduler with workers that say these facts and metrics. Yields its address."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    ended = asyncio.Event()
    addresses = []

    async def serve() -> None:
        where = {"host": "127.0.0.1", "dashboard_address": LOCAL_DASHBOARD}
        async with Scheduler(port=0, **where) as scheduler:
            workers = [
                await Worker(
                    scheduler.address,
                    nthreads=1,
                    startup_information={**DEFAULT_STARTUP_INFORMATION, NAME: Said(it=facts)},
                    metrics={**DEFAULT_METRICS, NAME: Said(it=metric)},
                    **where,
                )
                for facts, metric in said
            ]
            addresses.append(scheduler.address)
            ready.set()
            await ended.wait()
            for worker in workers:
                await worker.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(60)
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def make_settings(folder: Path, scheduler: str) -> Settings:
    cluster = ClusterSettings(scheduler=scheduler, local=False)
    return Settings(out=folder / "out", state=folder / "state", cluster=cluster)


def test_whoever_says_junk_is_not_used_and_all_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "acestepd.cluster")
    with strangers((OLD, 3), ("junk", None), (OURS | {"identity": 3}, {"state": []})) as address:
        settings = make_settings(tmp_path, address)
        journal = Journal(settings.state / "journal.sqlite")
        engine = Engine(settings, TAPE, journal, None)
        cluster = Cluster(settings, engine.lock, engine.work_source)
        cluster.start()
        try:
            until(lambda: caplog.text.count(" is not used: ") == 3)
            assert f"old is not used: it has acestepd 0.0.9, and this is {VERSION}" in caplog.text
            assert "studio is not used: what it says of its model cannot be read" in caplog.text
            assert not any(worker.is_ready for worker in cluster.workers)
            assert cluster.has_scheduler.is_set()
            assert "Traceback" not in caplog.text
            printed = format_census(take_census(address, settings, TAPE))
        finally:
            cluster.close()
            stop(engine)
    assert f"is not used from here: it has acestepd 0.0.9, and this is {VERSION}" in printed
    assert "is not used from here: what it says of its model cannot be read" in printed


def test_a_worker_that_leaves_results_in_another_folder_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "acestepd.cluster")
    said = "is not used: it leaves results in a shared folder which is not"
    facts = OURS | {"shared": "/mnt/takes", "mark": f".acestepd-worker-{'0' * 32}"}
    with strangers((facts, {"state": "warm"})) as address:
        settings = make_settings(tmp_path, address)
        engine = Engine(settings, TAPE, Journal(settings.state / "journal.sqlite"), None)
        cluster = Cluster(settings, engine.lock, engine.work_source)
        cluster.start()
        try:
            until(lambda: f"studio {said}" in caplog.text)
            (standing,) = cluster.describe().workers
            printed = format_census(take_census(address, settings, TAPE))
        finally:
            cluster.close()
            stop(engine)
    assert "is not used from here: it leaves results in a shared folder" in printed
    assert "(there it is /mnt/takes)" in printed
    assert standing.state == "unused"
    assert "/mnt" not in standing.text, "which clients may read"


def test_where_no_scheduler_answers_a_sentence_says_so_and_nothing_else() -> None:
    command = [sys.executable, "-m", "daemon", "cluster", "tcp://127.0.0.1:9", "--model", "mini"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert len(ran.stderr.splitlines()) == 1, ran.stderr
    assert "no scheduler answers at tcp://127.0.0.1:9" in ran.stderr


# Dask leaves a socket that could not be bound to the collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_scheduler_of_its_own_is_started_when_its_port_is_free(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "BUSY_PAUSE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        own = ClusterSettings(scheduler="auto", listen=listen, local=False)
        settings = dataclasses.replace(make_settings(tmp_path, listen), cluster=own)
        engine = Engine(settings, TAPE, Journal(settings.state / "journal.sqlite"), None)
        cluster = Cluster(settings, engine.lock, engine.work_source)
        cluster.start()
        until(lambda: f"no scheduler here on {listen}: " in caplog.text)
    try:
        assert cluster.has_scheduler.wait(60)
        assert cluster.address == listen
    finally:
        cluster.close()
        stop(engine)
        gc.collect()


def test_whatever_is_raised_on_its_thread_the_cluster_is_connected_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[KeyError] = []

    async def fail_once(cluster: Cluster) -> None:
        if not raised:
            raised.append(KeyError("unforeseen"))
            raise raised[0]

    monkeypatch.setattr(Cluster, "_read_choice", fail_once)
    with strangers((OLD, None)) as address:
        settings = make_settings(tmp_path, address)
        engine = Engine(settings, TAPE, Journal(settings.state / "journal.sqlite"), None)
        cluster = Cluster(settings, engine.lock, engine.work_source)
        cluster.start()
        try:
            until(lambda: cluster.workers)
            assert "KeyError: 'unforeseen'" in caplog.text
        finally:
            cluster.close()
            stop(engine)
