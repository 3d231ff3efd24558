"""A daemon that can be found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.stage import Stage, on_stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """For all tests that only talk to it."""
    with on_stage(tmp_path_factory.mktemp("found"), discovery=True) as running:
        yield running


@pytest.fixture
def port(stage: Stage) -> int:
    """Of its OSCQuery server."""
    assert stage.discovery
    return stage.discovery.port
