"""Asking a daemon that runs: `acestepd status`, as any OSC client would."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from ..osc.wire import MAX_DATAGRAM, Address, Message, encode, read_message
from ..runtime import lock
from ..settings import Settings

PATIENCE = 2.0  # seconds for an answer: the surface answers at once whatever the engine does
# what a snapshot says of a job that has not ended; a fail is one that waits for its folder
JOBS = {
    "queued": ("id", "position", "eta"),
    "progress": ("id", "fraction", "stage", "eta"),
    "fail": ("id", "command", "code", "message", "hint"),
}
WELL = 0  # exit statuses; 3 is what systemctl says of what does not run
TROUBLED = 1
STOPPED = 3


@dataclass(frozen=True)
class Status:
    """What a daemon says of itself. `jobs` are the ids of what it works on, each with the last it
    said of it.
    """

    host: str
    port: int
    pid: int = 0
    tcp: int = 0
    started: float = 0.0
    version: str = ""  # empty: nobody answers there
    state: str = ""
    model: str = ""
    waiting: int = 0
    bpm: float = 0.0
    tempo: str = ""
    bank: str = ""
    pads: int = 0
    jobs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def code(self) -> int:
        return STOPPED if not self.version else TROUBLED if self.state == "error" else WELL


def ask(settings: Settings, anywhere: bool = True) -> Status:
    """The daemon of the settings' state folder, `anywhere` it listens, or whichever listens on the
    settings' port.
    """
    known = lock.running(settings.state)
    if known and not anywhere and known.port != settings.port:
        known = None
    host, port = (
        (known.host, known.port) if known and known.port else (settings.host, settings.port)
    )
    values: dict[str, Any] = {"host": host, "port": port}
    if known and known.port:
        values |= {"pid": known.pid, "tcp": known.tcp, "started": known.started}
    jobs: dict[str, dict[str, Any]] = {}
    for message in _conversation((reachable(host), port), settings.token):
        _note(message, values, jobs)
    return Status(**values, jobs=list(jobs.values()))


def version(host: str, port: int) -> str:
    """The version of the daemon that answers a ping there; empty when nobody does."""
    values: dict[str, Any] = {}
    for message in _conversation((reachable(host), port), whole=False):
        _note(message, values, {})
    return str(values.get("version", ""))


def reachable(host: str) -> str:
    return "127.0.0.1" if host == "0.0.0.0" else host


def _conversation(server: Address, token: str = "", whole: bool = True) -> Iterator[Message]:
    """What a daemon answers to a ping and, for the `whole` of it, to being asked for every event,
    which begins with a snapshot; up to what marks the end.
    """
    wanted = (
        [encode("/ace/hello", "s", token)] if token and not server[0].startswith("127.") else []
    )
    wanted += [encode("/ace/ping", "s", "status")]
    wanted += [encode("/ace/notify", "i", 1), encode("/ace/notify", "i", 0)] if whole else []
    wanted += [encode("/ace/sync", "i", 1)]
    end = time.monotonic() + PATIENCE
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as client:
        try:
            client.connect(server)  # so that a port where nobody listens says so at once
            for data in wanted:
                client.send(data)
            while (left := end - time.monotonic()) > 0:
                client.settimeout(left)
                message = read_message(client.recv(MAX_DATAGRAM))
                if message.address == "/ace/synced":
                    return
                yield message
        except (OSError, ValueError):
            return


def _note(message: Message, values: dict[str, Any], jobs: dict[str, dict[str, Any]]) -> None:
    kind = message.address.removeprefix("/ace/")
    arguments = message.arguments
    if kind == "pong":
        values["version"] = arguments[1]
    elif kind == "state":
        values |= dict(zip(("state", "model", "waiting"), arguments))
    elif kind == "tempo":
        values |= dict(zip(("bpm", "tempo"), arguments))
    elif kind == "bank":
        values |= {"bank": arguments[0], "pads": arguments[2]}
    elif kind in JOBS and arguments and arguments[0]:
        jobs[str(arguments[0])] = {"event": kind} | dict(zip(JOBS[kind], arguments))


def shown(status: Status) -> str:
    where = f"UDP {status.host}:{status.port}" + (f", TCP {status.tcp}" if status.tcp else "")
    if not status.version:
        gone = f" (process {status.pid} said it would)" if status.pid else ""
        return f"acestepd is not running: nobody answers on {where}{gone}"
    lines = [
        f"acestepd {status.version} listens on {where}"
        + (f", process {status.pid}" if status.pid else "")
    ]
    lines.append(f"{status.model} is {status.state}, {status.waiting} waiting")
    lines += [f"tempo {status.bpm:g} ({status.tempo})"] if status.tempo else []
    lines += [f"bank {status.bank} with {status.pads} pads"] if status.bank else []
    for job in status.jobs:
        lines.append(f"  {job['id']}  {_job(job)}")
    return "\n".join(lines)


def _job(job: dict[str, Any]) -> str:
    if job["event"] == "fail":
        return f"is kept: {job['message']}; {job['hint']}"
    what = (
        f"waits at {job['position']}"
        if job["event"] == "queued"
        else f"{job['fraction']:.0%} {job['stage']}"
    )
    return what + (f", {job['eta']:.0f} s to go" if job["eta"] else "")
