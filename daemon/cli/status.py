"""Asking a daemon that runs: `acestepd status`, as any OSC client would."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ..machines import ClusterStanding, WorkerStanding, describe_scheduler, describe_worker
from ..osc.outgoing import EVENTS
from ..osc.wire import Message
from ..runtime.lines import escape_line
from ..settings import Settings
from . import client

# seconds for an answer: the surface answers at once whatever the engine does
TIMEOUT = 2.0
# what a snapshot says of a job that has not ended; a fail is one that waits for its folder
JOB_EVENTS = ("queued", "progress", "fail")
WELL = 0  # exit statuses; 3 is what systemctl says of what does not run
TROUBLED = 1
STOPPED = 3


@dataclass(frozen=True)
class Status:
    """What a daemon says of itself. `jobs` are those that it works on, each with the last event of
    it.
    """

    host: str
    port: int
    pid: int = 0
    tcp: int = 0
    page: str = ""  # its URL; empty: there is none
    started: float = 0.0
    version: str = ""  # empty: nobody answers there
    state: str = ""
    model: str = ""
    waiting: int = 0
    bpm: float = 0.0
    tempo: str = ""
    bank: str = ""
    pads: int = 0
    preparing: int = 0  # the pad whose take is made in advance, counted from 1; 0: none
    cluster: ClusterStanding | None = None  # None: there is one machine
    jobs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        if not self.version:
            return STOPPED
        if self.state == "error" or (self.cluster and not self.cluster.makes_takes):
            return TROUBLED
        return WELL


def ask(settings: Settings, anywhere: bool = True) -> Status:
    """The daemon of the settings' state folder, `anywhere` it listens, or whichever listens on the
    settings' port.
    """
    daemon = client.find_daemon(settings, anywhere)
    values: dict[str, Any] = {
        "host": daemon.host,
        "port": daemon.port,
        "pid": daemon.pid,
        "tcp": daemon.tcp,
        "page": client.locate_page(daemon),
        "started": daemon.started,
    }
    jobs: dict[str, dict[str, Any]] = {}
    # being asked for every event, it begins with how things stand
    questions: list[client.Question] = [
        ("/ace/ping", "status"),
        ("/ace/status",),
        ("/ace/notify", 1),
        ("/ace/notify", 0),
    ]
    for message in client.ask(
        (daemon.host, daemon.port), *questions, token=settings.token, timeout=TIMEOUT
    ):
        _read_answer(message, values, jobs)
    return Status(**values, jobs=list(jobs.values()))


def ask_version(host: str, port: int) -> str:
    """The version of the daemon that answers a ping there; empty when nobody does."""
    values: dict[str, Any] = {}
    for message in client.ask((host, port), ("/ace/ping", "status"), timeout=TIMEOUT):
        _read_answer(message, values, {})
    return str(values.get("version", ""))


def _read_answer(message: Message, values: dict[str, Any], jobs: dict[str, dict[str, Any]]) -> None:
    kind = message.address.removeprefix("/ace/")
    arguments = message.arguments
    if kind == "pong":
        values["version"] = arguments[1]
    elif kind == "state":
        values |= dict(zip(EVENTS[kind].fields.split(), arguments))
    elif kind == "tempo":
        values |= dict(zip(("bpm", "tempo"), arguments))
    elif kind == "bank":
        values |= {"bank": arguments[0], "pads": arguments[2]}
    elif kind == "preparing":
        values |= dict(zip(("preparing",), arguments))
    elif kind == "cluster":
        scheduler, reached, local, trouble = arguments[:4]
        values["cluster"] = ClusterStanding(
            str(scheduler), bool(reached), bool(local), str(trouble), ()
        )
    elif kind == "worker" and (cluster := values.get("cluster")):
        worker = WorkerStanding(*map(str, arguments[:4]))
        values["cluster"] = replace(cluster, workers=(*cluster.workers, worker))
    elif kind in JOB_EVENTS and arguments and arguments[0]:
        jobs[str(arguments[0])] = client.to_json(message)


def format_status(status: Status) -> str:
    where = f"UDP {status.host}:{status.port}"
    if status.tcp:
        where += f", TCP {status.tcp}"
    if not status.version:
        promise = f" (process {status.pid} said it would)" if status.pid else ""
        return f"acestepd is not running: nobody answers on {where}{promise}"
    process = f", process {status.pid}" if status.pid else ""
    lines = [
        f"acestepd {status.version} listens on {where}{process}",
        f"{status.model} is {status.state}, {status.waiting} waiting",
    ]
    if cluster := status.cluster:
        lines.append(f"scheduler {describe_scheduler(cluster)}")
        lines += [f"worker {each.name}: {describe_worker(each)}" for each in cluster.workers]
    if status.page:
        lines.append(f"page {status.page}")
    if status.tempo:
        lines.append(f"tempo {status.bpm:g} ({status.tempo})")
    if status.bank:
        lines.append(f"bank {status.bank} with {status.pads} pads")
    if status.preparing:
        lines.append(f"preparing pad {status.preparing}")
    before: list[str] = []  # ids of the jobs that are made first
    for job in status.jobs:
        lines.append(f"  {job['id']}  {_format_job(job, before, status)}")
        if job["event"] != "fail":
            before.append(str(job["id"]))
    return "\n".join(map(escape_line, lines))


def _format_job(job: dict[str, Any], before: list[str], status: Status) -> str:
    if job["event"] == "fail":
        return f"is kept: {job['message']}; {job['hint']}"
    if job["event"] == "queued":
        return _describe_wait(before, status)
    line = f"{job['fraction']:.0%} {job['stage']}"
    return f"{line}, {job['eta']:.0f} s to go" if job["eta"] else line


def _describe_wait(before: list[str], status: Status) -> str:
    """What a job waits for: where it was when it was queued is old by now."""
    if before:
        first, *others = before
        return f"waits for {first}" + (f" and {len(others)} more" if others else "")
    if status.state in ("warm", "busy"):
        return "is next"
    if status.cluster and not status.cluster.is_local:
        return f"waits for {'a worker' if status.cluster.is_reached else 'the scheduler'}"
    return f"waits for {status.model} to be loaded"
