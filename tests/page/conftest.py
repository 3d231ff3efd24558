"""A daemon whose page is served, programs that ask it, and a browser that shows it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.support.stage import Stage, on_stage
from tests.support.waiting import until

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE = 60_000  # milliseconds
DROP = """([name, content]) => {
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name));
    const how = { dataTransfer, bubbles: true, cancelable: true };
    for (const kind of ["dragover", "drop"])
        document.body.dispatchEvent(new DragEvent(kind, how));
}"""
LOUDEST = """() => {
    const samples = new Float32Array(acestepd.player.analyser.fftSize);
    acestepd.player.analyser.getFloatTimeDomainData(samples);
    return Math.max(...samples.map(Math.abs));
}"""


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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("needs Chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens the page of a port; how a browser is set may follow. Nothing may be wrong in the
    console of any.
    """
    wrong: list[str] = []
    contexts = []

    def open_page(port: int, **settings: Any) -> Page:
        given: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}} | settings
        context = browser.new_context(**given)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda told: wrong.append(told.text) if is_wrong(told) else None)
        page.goto(f"http://127.0.0.1:{port}")
        expect(page.locator("#engine-text")).to_contain_text("ready", timeout=PATIENCE)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def is_wrong(message: ConsoleMessage) -> bool:
    """What is refused is told on the page; Chromium tells it in its console as well."""
    known = ("Failed to load resource", "WebSocket connection to")
    return message.type == "error" and not message.text.startswith(known)


@pytest.fixture
def page(open_page: OpenPage, asker: Asker) -> Page:
    return open_page(asker.port)


def find_row(page: Page, text: str) -> Locator:
    return page.locator("#rows li").filter(has_text=text)


def choose_take(page: Page, text: str = "") -> None:
    """Choose a take that is finished, once the page knows that it is: the API tells it earlier."""
    row = find_row(page, text)
    expect(row.locator(".hear")).to_be_visible(timeout=PATIENCE)
    row.locator(".choose").click()


def wait_for_level(page: Page, low: float, high: float) -> None:
    """What is heard has its peak in between."""
    until(lambda: low <= page.evaluate(LOUDEST) <= high)
