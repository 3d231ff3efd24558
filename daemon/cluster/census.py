"""Who is in a cluster, for people: `acestepd cluster`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from distributed import Client

from pipeline.weights.checkpoint import CheckpointError
from pipeline.weights.identity import ModelIdentity

from ..engine.model_state import ModelChoice
from ..runtime.lines import escape_line
from ..settings import Settings, SettingsError
from .cluster_worker import describe_silence
from .facts import Facts, Metric
from .identities import Identities
from .plugin import NAME
from .security import build_security, check_address, explain_no_answer, silence_dask
from .shared_folder import OTHER_FOLDER, is_marked

ANSWER_SECONDS = 5.0
GIGABYTE = 2.0**30
CLOCK = "acestepd-clock"  # a topic of events, for when they are
STATES = {"loading": "is being loaded", "warm": "is warm", "error": "could not be loaded"}
UNKNOWN = "?"  # where a worker does not say it, or not as this version does


@dataclass(frozen=True)
class ClusterMachine:
    """A worker. `state` is loading, warm or error, when it was heard last; `doing` are the takes
    that it makes, as sentences; `silence` are the seconds since its last heartbeat; `obstacle` is
    why this machine's daemon would not use it.
    """

    name: str
    address: str
    model: str
    device: str
    version: str
    state: str
    doing: tuple[str, ...]
    free_memory: int
    silence: float
    obstacle: str = ""


@dataclass(frozen=True)
class Census:
    """`dashboard` is Dask's page of the scheduler, which needs bokeh there."""

    scheduler: str
    dashboard: str
    machines: tuple[ClusterMachine, ...]
    others: tuple[str, ...]  # addresses of workers that are not acestepd's


def take_census(scheduler: str, settings: Settings, choice: ModelChoice) -> Census:
    """Raises `SettingsError` where nobody answers there."""
    silence_dask()
    check_address(scheduler, settings.cluster)
    try:
        return asyncio.run(_ask(scheduler, settings, choice))
    except (OSError, TimeoutError) as error:
        reason = explain_no_answer(scheduler, error)
        raise SettingsError(f"no scheduler answers at {scheduler}: {reason}") from error


async def _ask(scheduler: str, settings: Settings, choice: ModelChoice) -> Census:
    client = Client(
        scheduler,
        asynchronous=True,
        set_as_default=False,
        security=build_security(settings.cluster),
        timeout=ANSWER_SECONDS,
    )
    try:
        await client
        info = await client.scheduler.identity(n_workers=-1)
        now = await _read_clock(client)
        dashboard = client.dashboard_link
    finally:  # also of one that was never connected: Dask warns of it otherwise
        await client.close()
    ours = _identify(settings, choice)
    workers = info["workers"]
    return Census(
        scheduler,
        dashboard,
        tuple(
            _read(address, each, ours, settings, now)
            for address, each in workers.items()
            if NAME in each
        ),
        tuple(address for address, each in workers.items() if NAME not in each),
    )


async def _read_clock(client: Client) -> float:
    """What time it is for the scheduler, which stamps events: heartbeats go by its clock."""
    await client.log_event(CLOCK, "")
    stamp, _ = (await client.get_events(CLOCK))[-1]
    return float(stamp)


def _identify(settings: Settings, choice: ModelChoice) -> ModelIdentity | None:
    """Of what plays on this machine; None where it has none."""
    try:
        return Identities(settings).read(choice)
    except (CheckpointError, OSError):
        return None


def _read(
    address: str,
    each: dict[str, Any],
    ours: ModelIdentity | None,
    settings: Settings,
    now: float,
) -> ClusterMachine:
    facts, metric = Facts.read(each[NAME]), Metric.read(each)
    identity = facts.identity
    obstacle = facts.obstacle or metric.error
    if identity and ours and not obstacle:
        obstacle = identity.describe_difference(ours)
    if facts.shared and not obstacle and not is_marked(settings.cluster.shared_folder, facts.mark):
        obstacle = f"{OTHER_FOLDER} (there it is {facts.shared})"
    return ClusterMachine(
        name=facts.machine or address,
        address=address,
        model=escape_line(identity.title) if identity else UNKNOWN,
        device=facts.device or UNKNOWN,
        version=facts.version,
        state=metric.state,
        doing=metric.doing,
        free_memory=metric.free_memory,
        silence=max(0.0, now - each["last_seen"]),
        obstacle=obstacle,
    )


def format_census(census: Census) -> str:
    lines = [f"scheduler {census.scheduler}, dashboard {census.dashboard}"]
    if not census.machines:
        lines.append(f"no worker is there; on another machine: acestepd worker {census.scheduler}")
    for one in census.machines:
        memory = f"{one.free_memory / GIGABYTE:.1f} GB free"
        state = STATES.get(one.state, f"is {one.state}")
        lines.append(f"  {one.name}  {one.model} {state}, {one.device}, {memory}")
        if silence := describe_silence(one.silence):
            lines.append(f"    is {silence}; what is said of it is from before")
        lines += [f"    makes {each}" for each in one.doing]
        if one.obstacle:
            lines.append(f"    is not used from here: {one.obstacle}")
    lines += [f"  {each} is no worker of acestepd" for each in census.others]
    return "\n".join(lines)
