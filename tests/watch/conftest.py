"""Watched folders: real ones, saved into as real editors do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.watched import EngineStub, PolledFolder, RunningWatchers


@pytest.fixture
def engine(tmp_path: Path) -> EngineStub:
    return EngineStub(tmp_path / "clips")


@pytest.fixture
def folder(tmp_path: Path, engine: EngineStub) -> PolledFolder:
    """An empty watched folder that was polled once."""
    (tmp_path / "lyrics").mkdir()
    polled = PolledFolder(tmp_path / "lyrics", engine)
    polled.poll()
    return polled


@pytest.fixture
def running(tmp_path: Path, engine: EngineStub) -> Iterator[RunningWatchers]:
    (tmp_path / "lyrics").mkdir()
    watching = RunningWatchers(tmp_path / "lyrics", engine)
    with closing(watching.watchers):
        yield watching
