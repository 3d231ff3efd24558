"""Landing alone: a real folder and journal, and somebody who hears how it went."""

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
from daemon.engine.reassembly import Latents
from daemon.jobs import Job
from daemon.journal import Journal
from daemon.landing import clips
from daemon.settings import Settings
from pipeline.latent_store import StoredLatents
from pipeline.request import Request
from pipeline.take import TakeInfo
from tests.support.takes import finished_take
from tests.support.workshop import PATIENCE

WISH = Request(prompt="x", seconds=0.1, seed=1)


class Heard:
    """Every outcome, in order."""

    def __init__(self) -> None:
        self.outcomes: Queue[tuple[Any, ...]] = Queue()
        self.takes_away = False

    def put_aside(self, job: Job, staged: clips.Staged, info: TakeInfo) -> bool:
        if self.takes_away:
            self.outcomes.put(("put aside", staged))
        return self.takes_away

    def landed(
        self, job: Job, landed: clips.Landed, info: TakeInfo | None = None, due: float = 0.0
    ) -> None:
        self.outcomes.put(("landed", landed, due))

    def not_landed(self, job: Job, error: Exception) -> None:
        self.outcomes.put(("not landed", error))

    def previewed(self, job: Job, step: int, path: Path) -> None:
        self.outcomes.put(("previewed", step, path))

    def next(self) -> tuple[Any, ...]:
        return self.outcomes.get(timeout=PATIENCE)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "journal.sqlite")) as opened:
        yield opened


@pytest.fixture
def lander(tmp_path: Path, out: Path, journal: Journal, heard: Heard) -> Iterator[Lander]:
    with closing(
        Lander(Settings(out=out, state=tmp_path, latents_mb=10), journal, heard)
    ) as opened:
        yield opened


@pytest.fixture
def job(out: Path, journal: Journal) -> Job:
    one = Job("me", "a", WISH, WISH, out)
    journal.add([one])
    return one


def test_the_journal_knows_every_name_before_it_is_taken(
    lander: Lander,
    heard: Heard,
    job: Job,
    out: Path,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    land = clips.land
    known = []

    def watched(staged: clips.Staged) -> clips.Landed | None:
        known.append(clips.Staged.from_json(journal.landing(job)) == staged)
        if len(known) == 1:
            staged.files[0].target.write_text("a stranger's")
        return land(staged)

    monkeypatch.setattr(clips, "land", watched)
    lander.land(job, finished_take(WISH), None)
    what, landed, _ = heard.next()
    assert what == "landed"
    assert known == [True, True]
    assert landed.manifest.stem.endswith("_2")
    assert landed.manifest.exists()


def test_what_nobody_asked_for_is_taken_away_before_the_journal_hears_of_it(
    lander: Lander, heard: Heard, job: Job, out: Path, journal: Journal
) -> None:
    heard.takes_away = True
    lander.land(job, finished_take(WISH), None)
    what, staged = heard.next()
    assert what == "put aside"
    assert journal.landing(job) == ""
    assert [path for path in out.iterdir() if not path.name.startswith(".")] == []
    lander.discard(staged)
    lander.close()
    assert list(out.iterdir()) == []


def test_files_that_the_journal_cannot_note_are_removed_and_said(
    lander: Lander, heard: Heard, job: Job, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Journal, "note", full)
    lander.land(job, finished_take(WISH), None)
    what, error = heard.next()
    assert what == "not landed"
    assert error.errno == errno.ENOSPC
    assert list(out.iterdir()) == []


def test_what_was_noted_lands_after_a_crash(
    lander: Lander, heard: Heard, job: Job, out: Path
) -> None:
    assert lander.recovered(job) is None, "nothing of it was staged"
    staged = clips.stage(out, "token", job.id, "", finished_take(WISH))
    lander.remember(job, staged)
    assert lander.staged(job) == staged
    landed = lander.recovered(job)
    assert landed is not None
    assert landed.manifest.exists()


def test_what_is_given_up_leaves_nothing(lander: Lander, job: Job, out: Path) -> None:
    lander.remember(job, clips.stage(out, "token", job.id, "", finished_take(WISH)))
    lander.forget(job)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(("rate", "kept"), [(48_000, 1), (44_100, 0)])
def test_what_a_mix_was_decoded_from_is_kept_where_the_file_is_the_mix(
    lander: Lander, heard: Heard, out: Path, journal: Journal, tmp_path: Path, rate: int, kept: int
) -> None:
    wish = Request(prompt="x", seconds=0.1, seed=1, sample_rate=rate)
    job = Job("me", "a", wish, wish, out)
    journal.add([job])
    lander.land(
        job, finished_take(wish), Latents("vae", StoredLatents(np.ones((3, 64), np.float32), 1.0))
    )
    assert heard.next()[0] == "landed"
    files = [path for path in (tmp_path / "latents").rglob("*") if path.is_file()]
    assert bool(files) == bool(kept)


def test_a_preview_that_cannot_be_written_is_no_loss(
    lander: Lander, heard: Heard, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = clips.write_preview

    def first_fails(folder: Path, name: str, audio: np.ndarray) -> Path:
        if name.endswith("_1"):
            raise OSError(errno.ENOSPC, "full")
        return write(folder, name, audio)

    monkeypatch.setattr(clips, "write_preview", first_fails)
    for step in (1, 2):
        lander.preview(job, step, np.zeros((2, 480), np.float32))
    what, step, path = heard.next()
    assert what == "previewed"
    assert step == 2
    assert path.exists() is True
