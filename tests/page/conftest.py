"""A daemon whose page is served, and programs that ask it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.support.stage import Stage, on_stage
from tests.support.waiting import until


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]  # names in small letters
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Asker:
    """Asks as a page of the server's own would, where nothing else is said."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.origin = f"http://127.0.0.1:{port}"

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with closing(connection):
            own = {"Origin": self.origin} if method not in ("GET", "HEAD") else {}
            connection.request(method, path, body, own | (headers or {}))
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())

    def connect(self, origin: str | None = "") -> ClientConnection:
        """A WebSocket, of its own page where no other origin is said."""
        url = f"ws://127.0.0.1:{self.port}/messages"
        return connect(url, origin=None if origin is None else Origin(origin or self.origin))

    def find_takes(self, query: str = "") -> list[dict[str, Any]]:
        takes: list[dict[str, Any]] = self.ask(f"/takes{query}").json["takes"]
        return takes


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path, page=0) as stage:
        yield stage


@pytest.fixture
def asker(stage: Stage) -> Asker:
    assert stage.page
    return Asker(stage.page.port)


@pytest.fixture(scope="module")
def shared_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """For all tests of a module, where none of them changes what others ask."""
    with on_stage(tmp_path_factory.mktemp("shared"), page=0) as stage:
        yield stage


@pytest.fixture(scope="module")
def shared_asker(shared_stage: Stage) -> Asker:
    assert shared_stage.page
    return Asker(shared_stage.page.port)


def make_take(stage: Stage, asker: Asker, id: str, *pairs: Any) -> dict[str, Any]:
    """A finished take, as the page is told of it."""
    with closing(stage.client()) as client:
        client.send("/ace/generate", id, *pairs)
        client.until_end(id)
    found: list[dict[str, Any]] = []

    def look() -> bool:
        found[:] = [take for take in asker.find_takes() if take["id"] == id]
        return bool(found) and found[0]["state"] == "finished"

    until(look)
    return found[0]
