"""Orders become jobs: whether there is room for one, and which seeds its takes have."""

from __future__ import annotations

import itertools
import secrets
from collections import Counter
from collections.abc import Collection, Container, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.explain import Explanation
from pipeline.request import FILE_FIELDS, Request
from pipeline.request_files import (
    follow_links,
    follow_source,
    list_file_explanations,
    resolve_request,
)

from ..jobs import Job, Order, Priority, Refused
from ..settings import Settings


def check_order(order: Order, settings: Settings, waiting: Sequence[Collection[Job]]) -> None:
    """Raises `Refused`: 422 for what can never be made, 429 while too many are waiting.

    What is less urgent than an order leaves its room alone. An order of batch priority is taken
    whole where there is room for one take of it, and of each client no more than its share counts:
    a thousand takes keep nobody from ordering.
    """
    if order.count < 1:
        raise Refused(422, f"count must be at least 1, got {order.count}")
    limit = settings.queue_per_client
    most = min(settings.queue, limit)
    needed = 1 if order.priority <= Priority.BATCH else order.count
    if needed > most:
        raise Refused(
            422,
            f"count must be at most {most}, which may wait, got {order.count}",
            "see queue, settings; with priority batch there may be more",
        )
    if sum(map(len, waiting)) + needed <= most:
        return
    as_urgent = (job for job in itertools.chain(*waiting) if job.priority >= order.priority)
    counts = Counter(job.client for job in as_urgent)
    if sum(min(count, limit) for count in counts.values()) + needed > settings.queue:
        raise Refused(429, f"the queue is full ({settings.queue} jobs)", "wait, or /ace/cancel *")
    if counts[order.client] + needed > limit:
        raise Refused(429, f"{limit} of your jobs may wait at a time", "wait, or /ace/cancel *")


class Resolution(NamedTuple):
    """What an order asks for, as its source has it where nobody said otherwise, and what is made
    for it.
    """

    asked: Request
    made: Request


def resolve_order(
    order: Order, linked: Container[str] | None, default_guide: str = "off"
) -> Resolution:
    """`linked`: the files that the settings name, where links are followed; `default_guide`: what
    its guide is where it leaves that open. Reads files. Raises `BadRequest`.
    """
    request = follow_source(follow_links(order.request, linked), order.session).request
    named = {name: getattr(order.request, name) for name in FILE_FIELDS}
    return Resolution(request.changed(named), resolve_request(request, default_guide))


def explain_order(order: Order, linked: Container[str] | None) -> tuple[Explanation, ...]:
    """What was read of an order's source and its MIDI guide. Reads files."""
    request, said = follow_source(follow_links(order.request, linked), order.session)
    return (*said, *list_file_explanations(request))


def make_jobs(order: Order, first: Request, out: Path) -> list[Job]:
    """A job for every take, called id, or id.1, id.2 and so on, with consecutive seeds. `first` is
    the order's request, resolved; `out` the folder of an order that names none.

    Variations of a seed that is given have that seed, and consecutive variation seeds: 1, 2, ...
    where none is given.
    """
    out = order.out or out
    id = order.id or secrets.token_hex(3)
    if order.count == 1:
        job = Job(order.client, id, order.request, first, out, order.priority)
        job.origin = order.origin
        job.parent = order.parent
        job.insert_for = order.insert
        job.command = order.command
        return [job]
    jobs = []
    for number, resolved in enumerate(list_takes(order.request, first, order.count), 1):
        job = Job(
            order.client,
            f"{id}.{number}",
            order.request,
            resolved,
            out,
            order.priority,
            id,
            order.origin,
            parent=order.parent,
            takes=order.count,
            insert_for=order.insert,
            command=order.command,
        )
        jobs.append(job)
    return jobs


def list_takes(request: Request, first: Request, count: int) -> list[Request]:
    """The request of each take, with consecutive seeds. `first` is `request`, resolved."""
    if count == 1:
        return [first]
    return [make_take(request, first, number) for number in range(count)]


def make_take(request: Request, first: Request, number: int) -> Request:
    """The same of one of several takes, counted from 0."""
    name = "seed"
    if first.variation and request.seed >= 0:
        # they differ in where they vary to, and are called by it: 1, 2, ...
        name = "variation_seed"
        if request.variation_seed < 0:
            first = first.changed({name: 1})
    return first.changed({name: (getattr(first, name) + number) % 2**32})
