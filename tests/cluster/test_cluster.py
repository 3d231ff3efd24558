"""One daemon, several machines: the musician's messages are the same, and each plug may be pulled.
Schedulers, workers and models are real processes.
"""

from __future__ import annotations

import itertools
import json
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import Client
from distributed.utils import get_ip

from daemon.cli import status
from daemon.cluster import cluster as cluster_module
from daemon.cluster import cluster_worker
from daemon.cluster.census import Census, format_census, take_census
from daemon.engine import crew
from daemon.engine.model_state import ModelChoice
from daemon.service import Daemon
from daemon.settings import Settings, SettingsError
from tests.support import volumes
from tests.support.certificates import write_certificates
from tests.support.cluster import ROOT, MachineProcess, SchedulerProcess, playing, small_cluster
from tests.support.daemon_process import DaemonProcess
from tests.support.osc_client import OscClient, Received
from tests.support.quick_voice import write_quick_voice
from tests.support.tcp_relay import TcpRelay
from tests.support.waiting import until

LONG = {"seconds": 10, "num_steps": 100}  # a take that is under way for seconds


def generate(client: OscClient, id: str, **more: Any) -> None:
    values: dict[str, Any] = {"prompt": id, "name": id, "seconds": 0.5} | more
    client.send("/ace/generate", id, *(part for pair in values.items() for part in pair))


def read_manifest(transcript: list[Received]) -> dict[str, Any]:
    """Of the take that a transcript ends with."""
    address, values = transcript[-1]
    assert address == "/ace/finished", transcript
    found: dict[str, Any] = json.loads(Path(values[2]).read_text())
    return found


def name_machine(transcript: list[Received]) -> str:
    return str(read_manifest(transcript)["machine"]["name"])


def wait_for_workers(daemon: Daemon, *names: str) -> None:
    """Until those are ready, and no others."""
    cluster = daemon.cluster
    assert cluster
    until(lambda: {each.name for each in cluster.workers if each.is_ready} == set(names))


def find_runners(daemon: Daemon) -> list[str]:
    """Which workers have a run and are at it."""
    assert daemon.cluster
    return [
        each.name for each in daemon.cluster.workers if each.running and each.running[-1].fraction
    ]


def find_runner(daemon: Daemon) -> str:
    """The first of them."""
    return next(iter(find_runners(daemon)), "")


def describe_status(daemon: Daemon) -> str:
    """What `acestepd status` prints."""
    return status.format_status(status.ask(daemon.settings))


def is_out(daemon: Daemon) -> bool:
    """Whether a worker has a run."""
    return bool(daemon.cluster and any(each.running for each in daemon.cluster.workers))


def test_a_worker_makes_the_takes_of_a_daemon_that_makes_none(
    tmp_path: Path, quick_voice: str
) -> None:
    with (
        playing(tmp_path, quick_voice, "auto", listen="tcp://127.0.0.1:0") as (daemon, client),
        ExitStack() as started,
    ):
        generate(client, "one", preview="1")
        assert daemon.cluster
        assert daemon.cluster.has_scheduler.wait(60)
        machine = MachineProcess(daemon.cluster.address, quick_voice, tmp_path, "--name", "studio")
        started.enter_context(machine)
        transcript = client.until_end("one")
        assert {"/ace/queued", "/ace/progress", "/ace/preview", "/ace/clip"} <= {
            address for address, _ in transcript
        }
        assert name_machine(transcript) == "studio"


def census_of(scheduler: str, settings: Settings) -> Census:
    return take_census(scheduler, settings, ModelChoice(settings.model, ""))


@pytest.mark.long
def test_ten_clients_on_two_workers(tmp_path: Path, quick_voice: str) -> None:
    with (
        small_cluster(tmp_path, quick_voice, "left", "right") as (scheduler, _),
        playing(tmp_path, quick_voice, scheduler.address) as (daemon, _client),
        ExitStack() as opened,
    ):
        wait_for_workers(daemon, "left", "right")
        clients = [opened.enter_context(closing(OscClient(daemon.osc.address))) for _ in range(10)]
        for number, each in enumerate(clients):
            for take in range(3):
                generate(each, f"take{number}-{take}", seconds=3)
        machines = Counter(
            name_machine(each.until("/ace/finished")) for each in clients for _ in range(3)
        )
        assert machines.total() == 30
        assert set(machines) == {"left", "right"}
        assert len(list((tmp_path / "clips").glob("*.wav"))) == 30
        with Client(scheduler.address, set_as_default=False) as dask:
            until(lambda: not any(dask.has_what().values()))  # results take no memory there


@pytest.mark.long
def test_a_take_that_is_cancelled_stops_and_the_worker_makes_the_next(
    tmp_path: Path, quick_voice: str
) -> None:
    with (
        small_cluster(tmp_path, quick_voice, "studio") as (scheduler, _),
        playing(tmp_path, quick_voice, scheduler.address) as (daemon, client),
    ):
        wait_for_workers(daemon, "studio")
        generate(client, "long", seconds=600, num_steps=200)
        until(lambda: find_runner(daemon))
        settings = daemon.settings
        until(lambda: census_of(scheduler.address, settings).machines[0].doing)
        (studio,) = census_of(scheduler.address, settings).machines
        assert (studio.name, studio.state, studio.obstacle) == ("studio", "warm", "")
        assert studio.doing[0].startswith("long, ")
        client.send("/ace/cancel", "long")
        assert client.until_end("long")[-1][0] == "/ace/cancelled"
        generate(client, "next")
        assert name_machine(client.until_end("next")) == "studio"


@pytest.mark.long
def test_a_live_take_goes_on_top_of_a_batch(tmp_path: Path, quick_voice: str) -> None:
    with (
        small_cluster(tmp_path, quick_voice, "studio") as (scheduler, _),
        playing(tmp_path, quick_voice, scheduler.address) as (daemon, client),
    ):
        wait_for_workers(daemon, "studio")
        generate(client, "batch", priority="batch", **LONG)
        until(lambda: find_runner(daemon))
        generate(client, "live", priority="live")
        ends = [address_of(client, "/ace/finished") for _ in range(2)]
        assert ends == ["live", "batch"]


def address_of(client: OscClient, address: str) -> str:
    return str(client.until(address)[-1][1][0])


@pytest.mark.long
def test_a_source_travels_with_its_take(tmp_path: Path, quick_voice: str) -> None:
    with (
        small_cluster(tmp_path, quick_voice, "studio") as (scheduler, _),
        playing(tmp_path, quick_voice, scheduler.address) as (daemon, client),
    ):
        wait_for_workers(daemon, "studio")
        generate(client, "first")
        *_, clip, _ = client.until_end("first")
        source = clip[1][2]
        generate(client, "second", task="cover", source=source)
        found = read_manifest(client.until_end("second"))
        assert found["request"]["source"] == source
        (kept,) = (tmp_path / "state").glob("workers/*/files/*")
        assert kept.read_bytes() == Path(source).read_bytes()


@pytest.mark.long
def test_results_may_come_through_a_folder_that_both_have(tmp_path: Path, quick_voice: str) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[cluster]\nshared = "{shared}"\n')
    flags = ("--settings", str(settings), "--name", "studio")
    with (
        SchedulerProcess(tmp_path) as scheduler,
        MachineProcess(scheduler.address, quick_voice, tmp_path, *flags),
        playing(tmp_path, quick_voice, scheduler.address, shared=shared) as (daemon, client),
    ):
        wait_for_workers(daemon, "studio")
        before = shared.stat().st_mtime_ns
        generate(client, "take", seconds=3)
        assert name_machine(client.until_end("take")) == "studio"
        assert shared.stat().st_mtime_ns > before  # something was there
        (mark,) = shared.iterdir()
        assert not mark.stat().st_size
    assert not list(shared.iterdir())


@pytest.mark.long
def test_a_daemon_that_has_no_model_plays_that_of_the_first_worker(
    tmp_path: Path, quick_voice: str
) -> None:
    with (
        small_cluster(tmp_path, quick_voice, "studio") as (scheduler, _),
        playing(tmp_path, "auto", scheduler.address) as (daemon, client),
    ):
        wait_for_workers(daemon, "studio")
        generate(client, "take")
        assert read_manifest(client.until_end("take"))["model"].startswith(quick_voice)


@pytest.mark.long
def test_a_worker_waits_while_another_model_is_chosen(tmp_path: Path, quick_voice: str) -> None:
    with (
        small_cluster(tmp_path, quick_voice, "studio") as (scheduler, _),
        playing(tmp_path, quick_voice, scheduler.address, local=True) as (daemon, client),
    ):
        wait_for_workers(daemon, "studio")
        for model, names in (("mini", ()), (quick_voice, ("studio",))):
            client.send("/ace/model", model)
            wait_for_workers(daemon, *names)


@pytest.mark.long
def test_another_machine_is_used_without_tls_where_that_is_said(
    tmp_path: Path, quick_voice: str
) -> None:
    own = get_ip()
    with (
        SchedulerProcess(tmp_path, "--host", own) as scheduler,
        MachineProcess(scheduler.address, quick_voice, tmp_path, "--name", "careful") as careful,
        MachineProcess(
            scheduler.address, quick_voice, tmp_path, "--name", "careless", "--insecure"
        ),
        playing(tmp_path, quick_voice, scheduler.address, insecure=True) as (daemon, _),
    ):
        careful.wait_for("is another machine")
        assert careful.wait() == 2
        wait_for_workers(daemon, "careless")
        command = [sys.executable, "-m", "daemon", "cluster", scheduler.address, "--insecure"]
        command += ["--model", quick_voice, "--state", str(tmp_path / "elsewhere")]
        printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert "careless" in printed.stdout


@pytest.mark.long
@pytest.mark.parametrize("what", ["machine", "dask worker", "model"])
def test_a_worker_that_is_killed_mid_take_is_replaced_by_another(
    tmp_path: Path, quick_voice: str, what: str
) -> None:
    with (
        small_cluster(tmp_path, quick_voice, "left", "right") as (scheduler, machines),
        playing(tmp_path, quick_voice, scheduler.address) as (daemon, client),
    ):
        wait_for_workers(daemon, "left", "right")
        client.send("/ace/notify", 1)
        generate(client, "take", **LONG)
        until(lambda: find_runner(daemon))
        machine = machines[["left", "right"].index(find_runner(daemon))]
        match what:
            case "machine":
                machine.kill_all()
            case "dask worker":
                machine.dask_worker.kill()
            case "model":
                machine.model.kill()
        transcript = client.until("/ace/finished", "take")
        told = [(address, values[-1]) for address, values in transcript if values[0] == "take"]
        # where the machine is busy it may seem late before it is known to be gone
        again = (": this take is made again", " makes this take, too")
        assert any(address == "/ace/note" and str(text).endswith(again) for address, text in told)
        assert "/ace/fail" not in dict(told)
        assert name_machine(transcript) in {"left", "right"}
        assert len(list((tmp_path / "clips").glob("*.wav"))) == 1


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(5, marks=[pytest.mark.long, pytest.mark.timeout(1200)]),
        pytest.param(25, marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
    ],
)
def test_workers_are_killed_at_random_moments_and_every_take_lands_once(
    tmp_path: Path, quick_voice: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_worker, "REST_SECONDS", 1.0)
    draw = random.Random(times)
    with (
        small_cluster(tmp_path, quick_voice, "left", "right") as (scheduler, machines),
        playing(tmp_path, quick_voice, scheduler.address) as (daemon, client),
    ):
        wait_for_workers(daemon, "left", "right")
        for time in range(times):
            generate(client, f"take{time}", seconds=3)
            until(lambda: is_out(daemon))
            threading.Event().wait(draw.random())
            victim = draw.choice(machines)
            with suppress(StopIteration, psutil.NoSuchProcess):  # it is just being started
                (victim.model if draw.random() < 0.5 else victim.dask_worker).kill()
            assert client.until_end(f"take{time}")[-1][0] == "/ace/finished"
        names = [path.stem.partition("_")[0] for path in (tmp_path / "clips").glob("*.wav")]
        assert sorted(names) == sorted(f"take{time}" for time in range(times))


@pytest.mark.long
def test_a_scheduler_that_comes_back_is_found_by_all(tmp_path: Path, quick_voice: str) -> None:
    with ExitStack() as started:
        scheduler = started.enter_context(SchedulerProcess(tmp_path))
        address, port = scheduler.address, scheduler.port
        machine = MachineProcess(address, quick_voice, tmp_path, "--name", "studio")
        started.enter_context(machine)
        daemon, client = started.enter_context(playing(tmp_path, quick_voice, address))
        wait_for_workers(daemon, "studio")
        generate(client, "take", **LONG)
        until(lambda: find_runner(daemon))
        said = describe_status(daemon)
        assert f"scheduler {address}\n" in said
        assert "worker studio: busy: makes take, " in said
        assert status.ask(daemon.settings).exit_code == 0
        scheduler.kill_all()
        wait_for_workers(daemon)
        assert f"scheduler {address} is not reached: " in describe_status(daemon)
        assert "take  waits for the scheduler" in describe_status(daemon)
        assert status.ask(daemon.settings).exit_code == 1
        started.enter_context(SchedulerProcess(tmp_path, port=port))
        assert name_machine(client.until("/ace/finished", "take")) == "studio"
        assert len(list((tmp_path / "clips").glob("*.wav"))) == 1


@pytest.mark.long
def test_a_take_that_is_ordered_as_the_scheduler_ends_waits_for_it(
    tmp_path: Path, quick_voice: str
) -> None:
    with ExitStack() as started:
        scheduler = started.enter_context(SchedulerProcess(tmp_path))
        address, port = scheduler.address, scheduler.port
        for name in ("left", "right"):
            machine = MachineProcess(address, quick_voice, tmp_path, "--name", name)
            started.enter_context(machine)
        daemon, client = started.enter_context(playing(tmp_path, quick_voice, address))
        wait_for_workers(daemon, "left", "right")
        client.send("/ace/notify", 1)
        psutil.Process(scheduler.pid).terminate()
        scheduler.wait()
        generate(client, "take")
        wait_for_workers(daemon)
        started.enter_context(SchedulerProcess(tmp_path, port=port))
        assert name_machine(client.until("/ace/finished", "take")) in {"left", "right"}


@pytest.mark.long
def test_the_local_engine_works_on_where_no_scheduler_answers(
    tmp_path: Path, quick_voice: str
) -> None:
    with playing(tmp_path, quick_voice, "tcp://127.0.0.1:9", local=True) as (_, client):
        generate(client, "take")
        assert "name" not in read_manifest(client.until_end("take"))["machine"]


@pytest.mark.long
def test_the_demo_shows_it_with_real_processes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "daemon", "demo", "--workers", "2", "--out", str(out)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Finished clips" in ran.stdout
    manifests = [json.loads(path.read_text()) for path in out.glob("*.json")]
    assert all(each["machine"]["name"] for each in manifests)
    assert len(manifests) == 2


@pytest.mark.long
def test_the_local_engine_and_a_worker_share_the_work(tmp_path: Path, quick_voice: str) -> None:
    with (
        small_cluster(tmp_path, quick_voice, "studio") as (scheduler, _),
        playing(tmp_path, quick_voice, scheduler.address, local=True) as (daemon, client),
    ):
        wait_for_workers(daemon, "studio")
        makers: set[str] = set()
        for number in itertools.count():  # the local model may still be loading
            for half in "ab":
                generate(client, f"take {number}{half}", seconds=20)
            manifests = [read_manifest(client.until("/ace/finished")) for _ in "ab"]
            makers |= {each["machine"].get("name", "") for each in manifests}
            if makers == {"", "studio"}:
                break
            assert number < 100, f"all made by {makers}"


def write_other_voice(folder: Path) -> Path:
    """A quick voice whose VAE has another weight."""
    other = write_quick_voice(folder)
    weights = next((other / "vae").glob("*.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    return other


@pytest.mark.long
def test_a_job_behind_a_change_of_the_model_is_made_with_the_new_one(
    tmp_path: Path, quick_voice: str
) -> None:
    other = write_other_voice(tmp_path / "other")
    with (
        small_cluster(tmp_path, quick_voice, "studio") as (scheduler, _),
        MachineProcess(scheduler.address, str(other), tmp_path, "--name", "attic"),
        playing(tmp_path, quick_voice, scheduler.address) as (daemon, client),
    ):
        wait_for_workers(daemon, "studio")
        models = {"attic": str(other), "studio": quick_voice}
        for number, name in enumerate(["attic", "studio"] * 2):
            daemon.engine.switch_model(models[name])
            generate(client, f"take {number}")
            assert name_machine(client.until_end(f"take {number}")) == name
            assert daemon.engine.state == "warm"


@pytest.mark.long
def test_a_worker_with_another_model_gets_nothing_and_is_told_why(
    tmp_path: Path, quick_voice: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "acestepd.cluster")
    other = write_other_voice(tmp_path / "other")
    with (
        small_cluster(tmp_path, quick_voice, "studio") as (scheduler, _),
        MachineProcess(scheduler.address, str(other), tmp_path, "--name", "other") as machine,
        playing(tmp_path, quick_voice, scheduler.address, local=True) as (daemon, _client),
    ):
        until(lambda: "other is not used: its vae differs: " in caplog.text)
        machine.wait_for("does not use this worker: its vae differs: ")
        wait_for_workers(daemon, "studio")
        command = [sys.executable, "-m", "daemon", "cluster", scheduler.address]
        command += ["--model", quick_voice, "--state", str(tmp_path / "elsewhere")]
        printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert "is not used from here: its vae differs: " in printed.stdout


@pytest.mark.long
def test_a_worker_of_another_version_gets_nothing(
    tmp_path: Path, quick_voice: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "acestepd.cluster")
    program = (
        "import daemon; daemon.VERSION = '0.0.1'; "
        "import sys; from daemon.cli.main import main; main(sys.argv[1:])"
    )
    with (
        SchedulerProcess(tmp_path) as scheduler,
        playing(tmp_path, quick_voice, scheduler.address) as (daemon, _),
        MachineProcess(
            scheduler.address, quick_voice, tmp_path, "--name", "old", program=("-c", program)
        ),
    ):
        until(lambda: "old is not used: it has acestepd 0.0.1, and this is " in caplog.text)
        wait_for_workers(daemon)


@pytest.mark.long
def test_with_tls_only_those_with_a_certificate_of_its_authority_are_let_in(
    tmp_path: Path, quick_voice: str
) -> None:
    own = write_certificates(tmp_path / "own")
    strange = write_certificates(tmp_path / "strange")
    files = ("--tls-ca-file", own["ca"], "--tls-cert", own["certificate"], "--tls-key", own["key"])
    with ExitStack() as started:
        flags = ("--protocol", "tls", *map(str, files))
        scheduler = started.enter_context(SchedulerProcess(tmp_path, *flags))
        assert scheduler.address.startswith("tls://")
        plain = Settings(state=tmp_path / "plain", model=quick_voice)
        with pytest.raises(SettingsError, match=r"does it want tls://\?"):
            census_of(scheduler.address.replace("tls", "tcp"), plain)
        for name, certificates in (("ours", own), ("stranger", strange)):
            settings = tmp_path / f"{name}.toml"
            lines = [f'{key} = "{path}"' for key, path in certificates.items()]
            settings.write_text("\n".join(["[cluster]", *lines]))
            more = ("--settings", str(settings), "--name", name)
            machine = MachineProcess(scheduler.address, quick_voice, tmp_path, *more)
            started.enter_context(machine)
        daemon, client = started.enter_context(
            playing(tmp_path, quick_voice, scheduler.address, **own)
        )
        machine.wait_for("; trying again")  # the stranger
        wait_for_workers(daemon, "ours")
        generate(client, "take")
        assert name_machine(client.until_end("take")) == "ours"
        folder = tmp_path / "other daemon"
        outside, other = started.enter_context(
            playing(folder, quick_voice, scheduler.address, **strange, local=True)
        )
        generate(other, "take")
        assert "name" not in read_manifest(other.until_end("take"))["machine"]
        wait_for_workers(outside)


@pytest.mark.long
def test_a_model_that_hangs_is_ended_and_its_take_made_again(
    tmp_path: Path, quick_voice: str
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("hang_seconds = 3\n")
    flags = ("--settings", str(settings), "--name", "studio")
    with (
        SchedulerProcess(tmp_path) as scheduler,
        MachineProcess(scheduler.address, quick_voice, tmp_path, *flags) as machine,
        playing(tmp_path, quick_voice, scheduler.address) as (daemon, client),
    ):
        wait_for_workers(daemon, "studio")
        generate(client, "take", **LONG)
        until(lambda: find_runner(daemon))
        machine.model.send_signal(signal.SIGSTOP)
        assert name_machine(client.until("/ace/finished", "take")) == "studio"


@pytest.mark.long
def test_what_a_worker_makes_that_was_given_up_is_dropped(
    tmp_path: Path, quick_voice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped, as behind a network that is gone, and comes back."""
    monkeypatch.setattr(cluster_module, "SILENT_SECONDS", 3.0)
    with (
        small_cluster(tmp_path, quick_voice, "left", "right") as (scheduler, machines),
        playing(tmp_path, quick_voice, scheduler.address) as (daemon, client),
    ):
        wait_for_workers(daemon, "left", "right")
        generate(client, "take", **LONG)
        until(lambda: find_runner(daemon))
        name = find_runner(daemon)
        stopped = machines[["left", "right"].index(name)].dask_worker
        stopped.send_signal(signal.SIGSTOP)
        assert name_machine(client.until("/ace/finished", "take")) != name
        if stopped.is_running():
            stopped.send_signal(signal.SIGCONT)
        wait_for_workers(daemon, "left", "right")
        generate(client, "next")
        client.until("/ace/finished", "next")
        assert len(list((tmp_path / "clips").glob("*.wav"))) == 2


@pytest.mark.long
def test_a_worker_that_is_not_heard_from_is_said_to_be_so_until_it_is(
    tmp_path: Path, quick_voice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is stopped, as where a lid is closed."""
    monkeypatch.setattr(cluster_module, "SILENT_SECONDS", 3.0)
    monkeypatch.setattr(cluster_worker, "QUIET_SECONDS", 1.5)
    with (
        small_cluster(tmp_path, quick_voice, "studio") as (scheduler, (machine,)),
        playing(tmp_path, quick_voice, scheduler.address) as (daemon, client),
    ):
        wait_for_workers(daemon, "studio")
        generate(client, "take", **LONG)
        until(lambda: find_runner(daemon))
        process = psutil.Process(machine.pid)
        every = [process, *process.children(recursive=True)]
        for each in every:
            each.suspend()
        until(lambda: "%; not heard from for " in describe_status(daemon))
        until(lambda: "studio: silent: not heard from for " in describe_status(daemon))
        assert status.ask(daemon.settings).exit_code == 1
        census = census_of(scheduler.address, daemon.settings)
        assert "is not heard from for " in format_census(census)
        for each in every:
            each.resume()
        assert name_machine(client.until("/ace/finished", "take")) == "studio"
        wait_for_workers(daemon, "studio")
        assert "not heard from" not in describe_status(daemon)
        assert not any("Traceback" in line for line in machine.lines)


@pytest.mark.long
@pytest.mark.parametrize("whose", ["the daemon's", "the worker's"])
def test_a_network_that_is_gone_for_a_while_has_nothing_made_twice(
    tmp_path: Path, quick_voice: str, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    """Nothing comes any more, and nobody says that it ends; later what was on its way comes."""
    monkeypatch.setattr(cluster_module, "SILENT_SECONDS", 3.0)
    monkeypatch.setattr(cluster_module, "ANSWER_SECONDS", 3.0)
    monkeypatch.setattr(crew, "MUCH_SLOWER", 100.0)  # both are given something
    with ExitStack() as started:
        scheduler = started.enter_context(SchedulerProcess(tmp_path))
        relay = started.enter_context(closing(TcpRelay(("127.0.0.1", scheduler.port))))
        far, near = f"tcp://127.0.0.1:{relay.port}", scheduler.address
        addresses = (near, far) if whose == "the worker's" else (near, near)
        for name, address in zip(("left", "right"), addresses, strict=True):
            machine = MachineProcess(address, quick_voice, tmp_path, "--name", name)
            started.enter_context(machine)
        own = near if whose == "the worker's" else far
        daemon, client = started.enter_context(playing(tmp_path, quick_voice, own))
        wait_for_workers(daemon, "left", "right")
        for take in range(4):
            generate(client, f"take{take}", **LONG)
        until(lambda: "right" in find_runners(daemon))
        relay.stop()
        names = {"left"} if whose == "the worker's" else set()
        wait_for_workers(daemon, *names)
        relay.go_on()
        for _ in range(4):
            client.until("/ace/finished")
        wait_for_workers(daemon, "left", "right")
        generate(client, "next")
        client.until("/ace/finished", "next")
    made = Counter(path.stem.partition("_")[0] for path in (tmp_path / "clips").glob("*.wav"))
    assert made == dict.fromkeys(["next", *(f"take{take}" for take in range(4))], 1)


@pytest.mark.long
def test_a_take_that_finds_the_disk_full_lands_when_there_is_room(
    tmp_path: Path, quick_voice: str
) -> None:
    size = 64 * 2**20
    command = ("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs")
    with (
        contextmanager(volumes.mounted)(tmp_path / "volume", *command) as volume,
        small_cluster(tmp_path, quick_voice, "studio") as (scheduler, _),
        playing(tmp_path, quick_voice, scheduler.address, volume / "clips") as (daemon, client),
    ):
        wait_for_workers(daemon, "studio")
        generate(client, "take", **LONG)
        until(lambda: find_runner(daemon))
        volumes.fill(volume)
        address, values = client.until_end("take")[-1]
        assert (address, values[2]) == ("/ace/fail", 507)
        volumes.resize(volume, size)
        client.until("/ace/finished", "take")
        assert len(list((volume / "clips").glob("*.wav"))) == 1


@pytest.mark.long
def test_a_daemon_that_was_killed_makes_what_was_out_once(tmp_path: Path, quick_voice: str) -> None:
    settings = tmp_path / "settings.toml"
    with small_cluster(tmp_path, quick_voice, "left", "right") as (scheduler, _):
        settings.write_text(f'[cluster]\nscheduler = "{scheduler.address}"\nlocal = false\n')
        command = [sys.executable, "-m", "daemon", "--settings", str(settings), "--port", "0"]
        command += ["--page", "-1", "--model", quick_voice, "--out", str(tmp_path / "clips")]
        command += ["--state", str(tmp_path / "daemon")]
        for turn in range(2):
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
            )
            daemon = DaemonProcess(process)
            with closing(OscClient(("127.0.0.1", daemon.port))) as client:
                client.send("/ace/notify", 1)
                if turn:
                    until(lambda: len(list((tmp_path / "clips").glob("*.wav"))) == 6)
                    daemon.stop()
                    process.communicate()
                    continue
                for number in range(6):
                    generate(client, f"take{number}", seconds=20, num_steps=50)
                client.until("/ace/progress")
                process.kill()
                process.communicate()
    names = [path.stem for path in (tmp_path / "clips").glob("*.wav")]
    assert sorted(name.partition("_")[0] for name in names) == [f"take{n}" for n in range(6)]
