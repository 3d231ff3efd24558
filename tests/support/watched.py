"""A watched folder to save into, and an engine that only writes down what is ordered."""

from __future__ import annotations

import json
import os
import queue
import time
from dataclasses import asdict
from pathlib import Path

from daemon.engine.job_events import make_line_events
from daemon.jobs import Event, Job, JobState, Listener, Order, Refused
from daemon.panel import Panel
from daemon.paths import AllowedFolders
from daemon.settings import Settings, Watch
from daemon.watch.folder import WatchedFolder
from daemon.watch.watchers import Watchers
from pipeline.request import Request
from pipeline.singer.lines import LineTime

PATIENCE = 60.0
WORDS = "[verse]\nCity lights are calling me home\n"


class JournalStub:
    def __init__(self, jobs: list[Job]) -> None:
        self.first: dict[str, float] = {}
        self._jobs = jobs
        self.texts: dict[str, str] = {}

    def known_since(self, name: str) -> float:
        return self.first.setdefault(name, time.time())

    def remember_first(self, name: str, text: str) -> str:
        return self.texts.setdefault(name, text)

    def search(self, text: str) -> list[Job]:
        return [job for job in reversed(self._jobs) if text in job.id]


class EngineStub:
    """An engine that makes nothing by itself. It outlives the watchers, as the journal does."""

    def __init__(self, out: Path) -> None:
        self.settings = Settings(out=out)
        self.title = "mini"
        self.state = "warm"
        self.orders: queue.Queue[Order] = queue.Queue()
        self.jobs: list[Job] = []
        self.journal = JournalStub(self.jobs)
        self.published: list[Event] = []
        self.refusal: Refused | None = None
        self.most_open = 0
        self.listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        self.listeners.append(listener)

    def submit(self, order: Order) -> list[Job]:
        if self.refusal:
            raise self.refusal
        assert all((job.client, job.id) != (order.client, order.id) for job in self.jobs)
        assert order.out is not None
        job = Job(
            order.client,
            order.id,
            order.request,
            order.request.resolved(),
            order.out,
            origin=order.origin,
        )
        job.created = time.time()
        self.jobs.append(job)
        self.most_open = max(self.most_open, len(self.active()))
        self.orders.put(order)
        return [job]

    def cancel(self, client: str, id: str) -> int:
        job = self.find(client, id)
        if job.state is JobState.LANDING:
            raise Refused(409, "its files are just landing")
        self._end(job, "cancelled")
        return 1

    def find(self, client: str, id: str) -> Job:
        found = [job for job in self.jobs if job.id == id]
        if not found:
            raise Refused(404, f"no job is called {id!r}")
        return next((job for job in found if job.client == client), found[-1])

    def active(self) -> list[Job]:
        return [job for job in self.jobs if not job.has_ended]

    def publish(self, event: Event) -> None:
        self.published.append(event)

    def states(self) -> list[tuple[str, JobState]]:
        """The lyrics of every job, and its state."""
        return [(job.request.lyrics, job.state) for job in self.jobs]

    def finish(self, job: Job) -> Path:
        """Its clip's path."""
        job.out.mkdir(exist_ok=True)
        clip = job.out / f"{job.resolved.name}_s{job.resolved.seed}.wav"
        clip.write_bytes(b"RIFF")
        clip.with_suffix(".json").write_text(manifest_of(job.resolved, self.title))
        job.clip_events = (Event("clip", job, ("mix", str(clip), 0.0, 0, str(job.resolved.seed))),)
        self._end(job, "finished", 1, str(clip.with_suffix(".json")))
        return clip

    def sing(self, job: Job, *lines: LineTime) -> None:
        """The worker has said when the lyrics of a job are sung."""
        for event in make_line_events(job, lines):
            for listener in self.listeners:
                listener(event)

    def fail(self, job: Job, message: str) -> None:
        self._end(job, "fail", "/ace/generate", 500, message, "try it again")

    def _end(self, job: Job, kind: str, *values: object) -> None:
        job.state = JobState(kind)
        job.last_event = Event(kind, job, values)
        for listener in self.listeners:
            listener(job.last_event)


class PolledFolder:
    """A watched folder with a clock of its own: no test waits for time to pass."""

    def __init__(self, path: Path, engine: EngineStub, watch: Watch | None = None) -> None:
        self.path = path
        self.engine = engine
        self.now = 1000.0
        self.watch = watch or Watch(folder=path)
        self.restart()

    def restart(self) -> None:
        self.watched = WatchedFolder(
            self.watch, self.engine, Panel(Request()), AllowedFolders([self.path])
        )
        self.engine.listeners[:] = [self._on_event]

    def _on_event(self, event: Event) -> None:
        if event.kind in ("words", "finished", "fail"):
            self.watched.on_job_event(event)

    def poll(self, later: float = 0.0, hints: tuple[str, ...] = ()) -> None:
        self.now += later
        self.watched.poll(self.now, hints, [self.engine.settings.out, self.watch.out])

    def settle(self) -> list[Order]:
        """Poll until all is quiet. What was ordered."""
        for _ in range(8):
            self.poll(0.7)
        orders = []
        while not self.engine.orders.empty():
            orders.append(self.engine.orders.get())
        return orders

    def save(self, name: str, content: str | bytes = WORDS) -> Path:
        path = self.path / name
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if path.stat().st_mtime_ns == before:  # a kernel's clock stands still for milliseconds
            os.utime(path, ns=(before, before + 1))
        return path

    def notes_on(self, name: str) -> list[tuple[int, int, str]]:
        """What was published about a file: line, code and text."""
        path = str(self.path / name)
        events = [event.values for event in self.engine.published if event.values[0] == path]
        return [(line, code, text) for _, line, code, text in events]

    def report_on(self, name: str) -> str:
        """Empty where there is none."""
        path = self.watch.out / f"{name}.report.txt"
        return path.read_text() if path.exists() else ""


class RunningWatchers:
    """Watchers at work on a folder, which is empty and has been watched before."""

    def __init__(self, path: Path, engine: EngineStub) -> None:
        self.path = path
        self.engine = engine
        engine.journal.first[f"watch:{path}"] = time.time() - 10
        self.watchers = Watchers([Watch(folder=path)], engine, Panel(Request()), AllowedFolders([]))
        self.watchers.start()

    def next_lyrics(self) -> str:
        """Those of the next order."""
        return self.engine.orders.get(timeout=PATIENCE).request.lyrics

    def save(self, name: str, content: str) -> None:
        temporary = self.path.parent / "fresh"
        temporary.write_text(content)
        temporary.rename(self.path / name)

    def is_quiet(self) -> bool:
        """Whether nothing else was ordered before a last file is."""
        self.save("last.txt", "last")
        return self.next_lyrics() == "last" and self.engine.orders.empty()


def requests_of(orders: list[Order]) -> list[Request]:
    return [order.request for order in orders]


def manifest_of(request: Request, model: str = "mini") -> str:
    return json.dumps({"request": asdict(request), "model": model})


def set_age(path: Path, seconds: float) -> None:
    """Make a file seem saved so many seconds ago; negative ones are in the future."""
    os.utime(path, (time.time() - seconds,) * 2)
