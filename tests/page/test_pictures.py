"""A session with the embedded voice, from an empty page to a daemon that is away. Pictures of what
was to be seen lie in the folder that ACESTEPD_PICTURES names; the README's are among them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from daemon.service import Daemon
from daemon.settings import Settings
from tests.page.conftest import OpenPage, find_row, wait_for_level
from tests.support.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

PATIENCE = 300_000  # milliseconds
LYRICS = """[verse]
We are alive tonight
under a paper moon

[chorus]
Stay, stay, stay with me"""


class Album:
    """Pictures of a page, in the folder where they are kept."""

    def __init__(self, page: Page, folder: Path) -> None:
        self._page = page
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, name: str, width: int = 1280, height: int = 800, scheme: str = "dark") -> None:
        self._page.set_viewport_size({"width": width, "height": height})
        self._page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        self._page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        self._page.screenshot(path=self._folder / f"{name}.jpg", quality=80)


def ask_for(page: Page, prompt: str, bars: int, lyrics: str = "") -> None:
    page.fill("#prompt", prompt)
    page.fill("#lyrics", lyrics)
    page.fill("#bars", str(bars))
    page.keyboard.press("Control+Enter")
    expect(find_row(page, prompt).first).to_be_visible(timeout=PATIENCE)


def test_a_session(open_page: OpenPage, tmp_path: Path) -> None:
    folder = Path(os.environ.get("ACESTEPD_PICTURES", tmp_path / "pictures"))
    settings = Settings(
        port=0, tcp=0, page=0, model="mini", out=tmp_path / "out", state=tmp_path / "state"
    )
    with Daemon(settings) as daemon:
        assert daemon.page
        page = open_page(daemon.page.port)
        album = Album(page, folder)
        album.take("empty")
        ask_for_takes(page, daemon, album)
        hear_them(page, album)
        see_the_rest(page, album)
    expect(page.locator("#engine-text")).to_contain_text("away", timeout=PATIENCE)
    album.take("away")


def ask_for_takes(page: Page, daemon: Daemon, album: Album) -> None:
    ask_for(page, "deep house, round bass, 124 bpm, Am", 4)
    ask_for(page, "dusty lo-fi, warm keys, 84 bpm, F#m", 4)
    page.click("#reroll")
    page.click("#bank-fill")
    page.click("#stems summary")
    for track in ("drums", "bass", "vocals"):
        page.click(f"#tracks >> text=/^{track}$/")
    until(lambda: daemon.panel.request.stems == "drums bass vocals")
    ask_for(page, "sunny indie pop, female voice, 118 bpm", 8, LYRICS)
    expect(page.locator("#reading")).to_contain_text("118 bpm from the prompt", timeout=PATIENCE)
    page.click("#stems summary")
    album.take("rendering")
    album.take("rendering-light", scheme="light")
    expect(page.locator("#rows .drag:visible")).to_have_count(4, timeout=PATIENCE)


def hear_them(page: Page, album: Album) -> None:
    find_row(page, "sunny").locator(".star").click()
    find_row(page, "sunny").locator(".hear").click()
    until(lambda: page.evaluate("acestepd.player.position > 4"))
    wait_for_level(page, 0.02, 1)
    page.evaluate("document.getElementById('ask').scrollTop = 0")
    expect(page.locator("#rows .favourite")).to_have_count(1, timeout=PATIENCE)
    expect(page.locator(".pad .what:text('dusty lo-fi')")).to_have_count(16, timeout=PATIENCE)
    album.take("takes")
    album.take("takes-light", scheme="light")
    album.take("takes-beside-a-daw", 820, 700)
    album.take("takes-4k", 3840, 2160)
    album.take("takes-phone", 360, 740)
    page.evaluate("location.hash = '#take'")
    album.take("take-phone", 360, 740)
    page.evaluate("location.hash = '#ask'")
    album.take("ask-phone", 360, 740, "light")
    page.click("#play")


def see_the_rest(page: Page, album: Album) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.click("[aria-label^='Pad 1, ']")
    pad = page.locator("[aria-label^='Pad 1, '][data-state=ready]")
    expect(pad).to_be_visible(timeout=PATIENCE)
    pad.click(modifiers=["Shift"])
    expect(page.locator("[data-state=favourite].pad")).to_be_visible(timeout=PATIENCE)
    album.take("pads")
    page.evaluate("location.hash = '#pads'")
    album.take("pads-phone", 360, 740, "light")
    page.set_viewport_size({"width": 1280, "height": 800})
    for opener, name in (
        ("#open-daemon", "daemon"),
        ("#open-help", "keys"),
        ("text=Recipe", "recipe"),
    ):
        page.click(opener)
        expect(page.locator("dialog[open]")).to_contain_text("e", timeout=PATIENCE)
        album.take(name)
        page.keyboard.press("Escape")
    page.click("#drawer summary")
    page.fill("#param-guidance_scale", "99")
    page.keyboard.press("Tab")
    scale = page.locator("#param-guidance_scale")
    expect(scale).to_have_attribute("aria-invalid", "true", timeout=PATIENCE)
    album.take("refused")
