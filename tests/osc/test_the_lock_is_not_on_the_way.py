"""While another thread has the engine's lock, everybody is answered, whoever sends orders; and what
is about orders comes behind them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.osc_client import SHORT, OscClient
from tests.support.stage import Stage, on_stage
from tests.support.waiting import held_elsewhere

ORDERS = 50


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path, queue=ORDERS, queue_per_client=ORDERS) as running:
        yield running


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as client:
        yield client


def ping(client: OscClient) -> list[str]:
    """The addresses of what came before the answer."""
    client.send("/ace/ping", "there?")
    return [address for address, _ in client.until("/ace/pong")[:-1]]


def test_everybody_is_answered_while_orders_wait_for_the_lock(
    stage: Stage, client: OscClient
) -> None:
    with held_elsewhere(stage.engine.lock), closing(stage.client()) as other:
        for number in range(ORDERS):
            client.send("/ace/generate", f"a{number}", *SHORT)
        client.send("/ace/reroll", "again")
        assert ping(client) == []
        assert ping(other) == []
    heard = client.until("/ace/queued", f"a{ORDERS - 1}")
    queued = [arguments[0] for address, arguments in heard if address == "/ace/queued"]
    assert queued == [f"a{number}" for number in range(ORDERS)]


def test_what_is_about_an_order_comes_behind_it(stage: Stage, client: OscClient) -> None:
    with held_elsewhere(stage.engine.lock):
        client.send("/ace/generate", "a", *SHORT, "count", 2)
        client.send("/ace/cancel", "a.2")
        client.send("/ace/query", "b")
        client.send("/ace/sync", 7)
        assert ping(client) == []
    heard = client.until("/ace/synced")
    assert ("/ace/fail", ["b", "/ace/query", 404]) in [
        (address, arguments[:3]) for address, arguments in heard
    ]
    client.until("/ace/cancelled", "a.2")
    client.until("/ace/finished", "a.1")
