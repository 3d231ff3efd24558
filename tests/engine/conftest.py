"""An engine whose takes are all made elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.engine import Engine, ModelChoice
from daemon.journal import Journal
from daemon.settings import Settings
from tests.support.harness import stop


@pytest.fixture
def remote(tmp_path: Path, out: Path) -> Iterator[Engine]:
    """An engine without a local worker."""
    journal = Journal(tmp_path / "state" / "journal.sqlite")
    settings = Settings(out=out, state=tmp_path / "state")
    engine = Engine(settings, ModelChoice("tape", ""), journal, None)
    engine.start()
    yield engine
    stop(engine)
