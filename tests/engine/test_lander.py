"""Landing alone: a real folder and journal, and a listener that is told how it went."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
import pytest

from daemon.engine.lander import Lander
from daemon.engine.run import Run
from daemon.jobs import Job
from daemon.journal import Journal
from daemon.landing import audio_files, clips, staging
from daemon.landing.manifest import JobFacts
from daemon.messages import MixLatents
from daemon.settings import Settings
from pipeline.request import Request
from pipeline.take import TakeInfo
from tests.support.harness import PATIENCE
from tests.support.takes import SilentOwner, arrived_take, finished_take

REQUEST = Request(prompt="x", seconds=0.1, seed=1)


class Listener:
    """Every outcome, in order."""

    def __init__(self) -> None:
        self.outcomes: Queue[tuple[Any, ...]] = Queue()
        self.takes_away = False

    def on_staged(self, run: Run, staged: staging.Staged, info: TakeInfo) -> bool:
        if self.takes_away:
            self.outcomes.put(("taken away", staged))
        return self.takes_away

    def on_landed(
        self, run: Run, landed: clips.Landed, info: TakeInfo | None = None, due: float = 0.0
    ) -> None:
        self.outcomes.put(("landed", landed, due))

    def on_landing_failure(self, run: Run, error: Exception) -> None:
        self.outcomes.put(("not landed", error))

    def on_preview(self, run: Run, step: int, path: Path) -> None:
        self.outcomes.put(("preview", step, path))

    def next(self) -> tuple[Any, ...]:
        return self.outcomes.get(timeout=PATIENCE)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "journal.sqlite")) as opened:
        yield opened


@pytest.fixture
def lander(tmp_path: Path, out: Path, journal: Journal, listener: Listener) -> Iterator[Lander]:
    with closing(
        Lander(Settings(out=out, state=tmp_path, latents_mb=10), journal, listener)
    ) as opened:
        yield opened


@pytest.fixture
def job(out: Path, journal: Journal) -> Job:
    job = Job("me", "a", REQUEST, REQUEST, out)
    journal.add([job])
    return job


@pytest.fixture
def run(job: Job) -> Run:
    return Run(job, SilentOwner())


def test_the_journal_knows_every_name_before_it_is_taken(
    lander: Lander,
    listener: Listener,
    job: Job,
    run: Run,
    out: Path,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    land = clips.land
    journaled = []

    def watched(staged: staging.Staged) -> clips.Landed | None:
        journaled.append(staging.Staged.from_json(journal.read_landing(job)) == staged)
        if len(journaled) == 1:
            staged.files[0].target.write_text("a stranger's")
        return land(staged)

    monkeypatch.setattr(clips, "land", watched)
    lander.land(run, arrived_take(REQUEST))
    what, landed, _ = listener.next()
    assert what == "landed"
    assert journaled == [True, True]
    assert landed.manifest.stem.endswith("_2")
    assert landed.manifest.exists()


def test_what_nobody_asked_for_is_taken_away_before_the_journal_hears_of_it(
    lander: Lander, listener: Listener, job: Job, run: Run, out: Path, journal: Journal
) -> None:
    listener.takes_away = True
    lander.land(run, arrived_take(REQUEST))
    what, staged = listener.next()
    assert what == "taken away"
    assert journal.read_landing(job) == ""
    assert [path for path in out.iterdir() if not path.name.startswith(".")] == []
    lander.discard(staged)
    lander.close()
    assert list(out.iterdir()) == []


def test_files_that_the_journal_cannot_note_are_removed_and_said(
    lander: Lander, listener: Listener, run: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Journal, "update", full)
    lander.land(run, arrived_take(REQUEST))
    what, error = listener.next()
    assert what == "not landed"
    assert error.errno == errno.ENOSPC
    assert list(out.iterdir()) == []


def test_what_was_noted_lands_after_a_crash(
    lander: Lander, listener: Listener, job: Job, out: Path
) -> None:
    assert lander.recover(job) is None, "nothing of it was staged"
    staged = staging.stage(out, "token", JobFacts(job.id), finished_take(REQUEST))
    lander.note_staged(job, staged)
    assert lander.read_staged(job) == staged
    landed = lander.recover(job)
    assert landed is not None
    assert landed.manifest.exists()


def test_what_is_given_up_leaves_nothing(lander: Lander, job: Job, out: Path) -> None:
    lander.note_staged(job, staging.stage(out, "token", JobFacts(job.id), finished_take(REQUEST)))
    staged = lander.read_staged(job)
    assert staged
    lander.discard(staged)
    lander.close()
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(("rate", "kept"), [(48_000, 1), (44_100, 0)])
def test_what_a_mix_was_decoded_from_is_kept_where_the_file_is_the_mix(
    lander: Lander,
    listener: Listener,
    out: Path,
    journal: Journal,
    tmp_path: Path,
    rate: int,
    kept: int,
) -> None:
    request = Request(prompt="x", seconds=0.1, seed=1, sample_rate=rate)
    job = Job("me", "a", request, request, out)
    journal.add([job])
    run = Run(job, SilentOwner())
    latents = MixLatents(run.ticket, "vae", 1.0, np.ones((3, 64), np.float32))
    take = arrived_take(request)
    take.latents = latents
    lander.land(run, take)
    assert listener.next()[0] == "landed"
    files = [path for path in (tmp_path / "latents").rglob("*") if path.is_file()]
    assert bool(files) == bool(kept)


def test_a_preview_that_cannot_be_written_is_no_loss(
    lander: Lander, listener: Listener, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = audio_files.write_preview

    def first_fails(folder: Path, name: str, audio: np.ndarray) -> Path:
        if name.endswith("_1"):
            raise OSError(errno.ENOSPC, "full")
        return write(folder, name, audio)

    monkeypatch.setattr(audio_files, "write_preview", first_fails)
    for step in (1, 2):
        lander.write_preview(run, step, np.zeros((2, 480), np.float32))
    what, step, path = listener.next()
    assert what == "preview"
    assert step == 2
    assert path.exists() is True
