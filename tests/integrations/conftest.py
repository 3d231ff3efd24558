"""What the tests of programs share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from daemon.service import Daemon
from daemon.settings import Settings
from tests.support.relay import Relay


@pytest.fixture(scope="module")
def spaced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the embedded voice, and a space in the paths that it announces."""
    state = tmp_path_factory.mktemp("state")
    out = tmp_path_factory.mktemp("my takes")
    with Daemon(Settings(port=0, out=out, state=state, model="mini")) as running:
        yield running


@pytest.fixture
def relay() -> Iterator[Relay]:
    with closing(Relay()) as between:
        yield between
