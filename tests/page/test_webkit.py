"""The main path in WebKitGTK, which has Safari's engine and its rules for sound. It is not Safari:
a Mac's keys, menus and media are its own.
"""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service
from selenium.webdriver.webkitgtk.webdriver import WebDriver

from tests.page.conftest import DROP, LOUDEST, Asker
from tests.support.harness import SteppedModel
from tests.support.running_program import RunningProgram
from tests.support.stage import Stage, on_stage
from tests.support.waiting import until

pytestmark = [
    pytest.mark.long,
    # of Selenium, by Selenium
    pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning"),
]

BROWSERS = "*/webkit2gtk-*/MiniBrowser"  # in /usr/lib
LISTEN = """
    window.wrong = [];
    const listen = (kind, tell) => addEventListener(kind, (event) => wrong.push(tell(event)), true);
    listen("error", ({ message, target }) => message ?? target.outerHTML);
    listen("unhandledrejection", ({ reason }) => String(reason));
    listen("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        `${violatedDirective}: ${blockedURI}`);
    console.error = (...told) => wrong.push(told.join(" "));
"""


class WebKit:
    """A page in WebKit."""

    def __init__(self, driver: WebDriver, url: str) -> None:
        self._driver = driver
        driver.get(url)
        driver.execute_script(LISTEN)
        self.wait_for_text("#engine-text", "ready")

    def ask(self, expression: str) -> Any:
        return self._driver.execute_script(f"return {expression}")

    def find(self, selector: str) -> WebElement:
        return self._driver.find_element(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        element = self.find(selector)
        self._driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", element)
        element.click()

    def press(self, *keys: str) -> None:
        """All but the last are held."""
        *held, last = keys
        chain = ActionChains(self._driver)
        for key in held:
            chain.key_down(key)
        chain.send_keys(last)
        for key in held:
            chain.key_up(key)
        chain.perform()

    def drop(self, name: str, content: bytes) -> None:
        given = [name, base64.b64encode(content).decode()]
        self._driver.execute_script(f"({DROP})(arguments[0])", given)

    def wait_for_text(self, selector: str, text: str) -> None:
        until(lambda: text in self.ask(f"document.querySelector({selector!r}).textContent"))

    def wait_for_level(self, low: float, high: float) -> None:
        """What is heard has its peak in between."""
        until(lambda: low <= self.ask(f"acestepd.player.analyser ? ({LOUDEST})() : 0") <= high)

    @property
    def finished(self) -> int:
        takes: list[dict[str, Any]] = self.ask("acestepd.takes.all")
        return sum(take["state"] == "finished" for take in takes)


OpenWebKit = Callable[[int], WebKit]


@pytest.fixture
def open_webkit(tmp_path: Path) -> Iterator[OpenWebKit]:
    """Opens the page of a port, on a screen of its own. Nothing may be wrong in its console."""
    browser = next(Path("/usr/lib").glob(BROWSERS), None)
    driver = shutil.which("WebKitWebDriver")
    if not (browser and driver and shutil.which("Xvfb")):
        pytest.skip("needs WebKit and a screen (apt-get install webkit2gtk-driver xvfb)")
    command = ("Xvfb", "-displayfd", "1", "-screen", "0", "1600x1000x24")
    with RunningProgram(*command, folder=tmp_path) as screen:
        until(lambda: any(line.isdigit() for line in screen.lines))
        display = next(line for line in screen.lines if line.isdigit())
        options = Options()
        options.binary_location = str(browser)
        options.add_argument("--automation")
        environment = os.environ | {"DISPLAY": f":{display}", "GDK_BACKEND": "x11"}
        session = WebDriver(options, service=Service(driver, env=environment))
        try:
            session.set_window_size(1440, 900)
            yield lambda port: WebKit(session, f"http://127.0.0.1:{port}")
            assert session.execute_script("return wrong") == []
        finally:
            session.quit()


def test_a_take_is_asked_for_heard_looped_and_rerolled(
    stage: Stage, asker: Asker, open_webkit: OpenWebKit
) -> None:
    webkit = open_webkit(asker.port)
    webkit.press("p")
    webkit.press("warm keys, 120 bpm in Am")
    webkit.wait_for_text("#reading", "120 bpm from the prompt")
    webkit.click("#bars")
    webkit.press("4")
    webkit.click("#stems summary")
    for track in ("drums", "bass"):
        webkit.click(f"[data-track={track}]")
    webkit.press(Keys.CONTROL, Keys.ENTER)
    until(lambda: webkit.finished == 1)
    webkit.click("#rows .hear")
    webkit.wait_for_level(0.1, 1)
    assert webkit.ask("acestepd.player.seconds") == 8
    began = webkit.ask("acestepd.player.began")

    webkit.click("[aria-label='Mute drums']")
    until(lambda: webkit.ask("acestepd.player.stems") == ["drums", "bass"])
    webkit.click("[aria-label='Mute bass']")
    webkit.wait_for_level(0, 0.001)
    webkit.click("[aria-label='Solo drums']")
    webkit.wait_for_level(0.1, 1)

    webkit.press("r")
    until(lambda: webkit.finished == 2)
    webkit.press("k")
    until(lambda: webkit.ask("acestepd.player.take.id").startswith("reroll"))
    away = (webkit.ask("acestepd.player.began") - began) % 8
    assert min(away, 8 - away) * 48_000 < 0.01  # samples

    webkit.click("#repaint-from")
    webkit.press(Keys.CONTROL, "a")
    webkit.press("3")
    webkit.press(Keys.TAB)
    webkit.press(Keys.ESCAPE)
    webkit.press("l")
    assert webkit.ask("acestepd.player.part") == {"start": 4, "end": 8, "of": 8}
    until(lambda: webkit.ask("acestepd.player.clock - acestepd.player.began") > 17)
    assert 4 <= webkit.ask("acestepd.player.position") < 8
    webkit.wait_for_level(0.1, 1)

    webkit.drop("words.txt", b"[verse]\r\nla la")
    until(lambda: stage.panel.request.lyrics == "[verse]\nla la")
    webkit.press(" ")
    until(lambda: not webkit.ask("acestepd.player.isPlaying"))


def test_a_pads_take_is_heard_that_is_there_when_no_hand_does_anything(
    tmp_path: Path, open_webkit: OpenWebKit
) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model, page=0) as stage:
        assert stage.page
        stage.panel.set("prompt", "keys")
        webkit = open_webkit(stage.page.port)
        webkit.click("#grid > :last-child")
        until(lambda: not webkit.ask("navigator.userActivation.isActive"))
        model.run()
        webkit.wait_for_level(0.1, 1)
        style = "getComputedStyle(document.querySelector('.pad'))"
        assert webkit.ask(f"{style}.webkitUserSelect") == "none"
