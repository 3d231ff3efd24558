"""Asking a daemon that runs: `acestepd status`, as any OSC client would."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from ..osc.outgoing import EVENTS
from ..osc.wire import MAX_DATAGRAM, Address, Message, encode, read_message
from ..runtime import lock
from ..settings import Settings

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
    def exit_code(self) -> int:
        if not self.version:
            return STOPPED
        return TROUBLED if self.state == "error" else WELL


def ask(settings: Settings, anywhere: bool = True) -> Status:
    """The daemon of the settings' state folder, `anywhere` it listens, or whichever listens on the
    settings' port.
    """
    values: dict[str, Any] = {"host": settings.host, "port": settings.port}
    holder = lock.read_holder(settings.state)
    if holder and holder.port and (anywhere or holder.port == settings.port):
        values = {
            "host": holder.host,
            "port": holder.port,
            "pid": holder.pid,
            "tcp": holder.tcp,
            "started": holder.started,
        }
    jobs: dict[str, dict[str, Any]] = {}
    server = (make_reachable(values["host"]), values["port"])
    for message in _ask_all(server, settings.token):
        _read_answer(message, values, jobs)
    return Status(**values, jobs=list(jobs.values()))


def ask_version(host: str, port: int) -> str:
    """The version of the daemon that answers a ping there; empty when nobody does."""
    values: dict[str, Any] = {}
    for message in _converse((make_reachable(host), port), [encode("/ace/ping", "s", "status")]):
        _read_answer(message, values, {})
    return str(values.get("version", ""))


def make_reachable(host: str) -> str:
    return "127.0.0.1" if host == "0.0.0.0" else host


def _ask_all(server: Address, token: str = "") -> Iterator[Message]:
    """What a daemon answers to a ping, and to being asked for every event, which begins with a
    snapshot.
    """
    questions = []
    if token and not server[0].startswith("127."):
        questions.append(encode("/ace/hello", "s", token))
    questions.append(encode("/ace/ping", "s", "status"))
    questions.append(encode("/ace/notify", "i", 1))
    questions.append(encode("/ace/notify", "i", 0))
    return _converse(server, questions)


def _converse(server: Address, questions: list[bytes]) -> Iterator[Message]:
    """What a daemon answers, up to the answer to a last question that marks the end."""
    end = time.monotonic() + TIMEOUT
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as client:
        try:
            client.connect(server)  # so that a port where nobody listens says so at once
            for question in [*questions, encode("/ace/sync", "i", 1)]:
                client.send(question)
            while (left := end - time.monotonic()) > 0:
                client.settimeout(left)
                message = read_message(client.recv(MAX_DATAGRAM))
                if message.address == "/ace/synced":
                    return
                yield message
        except (OSError, ValueError):
            return


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
    elif kind in JOB_EVENTS and arguments and arguments[0]:
        fields = EVENTS[kind].fields.split()
        jobs[str(arguments[0])] = {"event": kind} | dict(zip(fields, arguments))


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
    if status.tempo:
        lines.append(f"tempo {status.bpm:g} ({status.tempo})")
    if status.bank:
        lines.append(f"bank {status.bank} with {status.pads} pads")
    lines += [f"  {job['id']}  {_format_job(job)}" for job in status.jobs]
    return "\n".join(lines)


def _format_job(job: dict[str, Any]) -> str:
    if job["event"] == "fail":
        return f"is kept: {job['message']}; {job['hint']}"
    if job["event"] == "queued":
        line = f"waits at {job['position']}"
    else:
        line = f"{job['fraction']:.0%} {job['stage']}"
    return f"{line}, {job['eta']:.0f} s to go" if job["eta"] else line
