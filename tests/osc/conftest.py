"""Daemons with a `Tape` for a model, and clients of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.harness import SteppedModel
from tests.support.osc_client import OscClient
from tests.support.stage import Stage, on_stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """For all tests that only talk to it."""
    with on_stage(tmp_path_factory.mktemp("stage")) as running:
        yield running


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as connected:
        yield connected


@pytest.fixture
def restored_panel(stage: Stage) -> Iterator[None]:
    """Puts the panel back as it was before the test."""
    before = stage.panel.request
    yield
    stage.panel.replace(before)


@pytest.fixture
def paused_stage(tmp_path: Path) -> Iterator[Stage]:
    """One whose model takes no step until it is told to, so that jobs stay where they are."""
    with on_stage(tmp_path, SteppedModel(running=False)) as running:
        yield running


@pytest.fixture
def paused_client(paused_stage: Stage) -> Iterator[OscClient]:
    """A client of that one."""
    with closing(paused_stage.client()) as connected:
        yield connected
