"""Inboxes whose daemon was killed, one at every line that it runs through while it enters a take.

`python -m tests.support.inbox_wrecks ROOT STEP` leaves ROOT/1, ROOT/2, ...: in each the output
folder `out`, with the files of a take, and the `journal` that knows of it. Killed is a process of
its own, by SIGKILL, at every STEP-th line.
"""

from __future__ import annotations

import itertools
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from daemon.integrations import entries, inbox, json_files
from daemon.integrations.clients import Clients
from daemon.integrations.inbox import Inbox
from daemon.integrations.inserter import Inserter
from daemon.integrations.readers import Readers
from daemon.jobs import Event, Job, JobState, Refused
from daemon.journal import Journal
from daemon.landing import clips
from daemon.settings import Settings
from pipeline.request import Request
from tests.support.takes import finished_take
from tests.support.wrecks import is_killed

STEMS = ("mix", "drums")
TRACED = {module.__file__ for module in (entries, inbox, json_files)}


class NoEngine:
    """One without jobs."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def publish(self, event: Event) -> None: ...

    def find(self, client: str, id: str) -> Job:
        raise Refused(404, "there is none")


class OpenInbox(NamedTuple):
    clients: Clients
    inserter: Inserter
    inbox: Inbox


def open_inbox(place: Path, journal: Journal, clock: Callable[[], float] = time.time) -> OpenInbox:
    settings = Settings(out=place / "out", state=place)
    clients = Clients(place, clock)
    inserter = Inserter(settings, clients, NoEngine(journal), clock)
    inbox = Inbox(settings, journal, Readers(clients, inserter, clock), clock)
    return OpenInbox(clients, inserter, inbox)


def land(place: Path, journal: Journal, id: str) -> Event:
    """A take that has landed, and whose end is in the journal."""
    request = Request(prompt=id, seed=1, bars=1, bpm=120)
    job = Job("me", id, request, request, place / "out")
    journal.add([job])
    landed = clips.write_take(place / "out", id, finished_take(request, *STEMS, samples=480))
    job.clip_events = tuple(
        Event("clip", job, (stem, str(path), 120.0, 1, "1")) for stem, path in landed.clips
    )
    job.state = JobState.FINISHED
    job.last_event = Event("finished", job, (len(landed.clips), str(landed.manifest)))
    journal.update(job)
    return job.last_event


def enter(place: Path) -> None:
    """What the daemon does with a take that has landed."""
    journal = Journal(place / "journal.sqlite")
    opened = open_inbox(place, journal).inbox
    opened.tick()
    opened.on_event(land(place, journal, "take"))
    opened.tick()
    journal.close()


def main(root: Path, step: int) -> None:
    template = root / "template"
    (template / "out").mkdir(parents=True)
    with_progress = Journal(template / "journal.sqlite")
    open_inbox(template, with_progress).inbox.tick()
    with_progress.close()
    for line in itertools.count(1, step):
        place = root / str(line)
        shutil.copytree(template, place)
        if not is_killed(lambda: enter(place), line, TRACED):  # noqa: B023
            break
    shutil.rmtree(template)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
