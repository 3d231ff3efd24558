"""The page in a real browser, over a real daemon."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from daemon.integrations.sources import SOURCES
from tests.page.conftest import Asker, make_take
from tests.support.stage import Stage, on_stage
from tests.support.waiting import until

CHROMIUM = "/usr/bin/chromium"
PATIENCE = 60_000  # milliseconds
HOSTILE = ["<img src=x onerror=window.hit=1>", "'\"><script>window.hit=1</script>", "\u202egnp 🎹"]

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not Path(CHROMIUM).exists(), reason="needs chromium (apt-get install chromium)"
    ),
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()


def is_wrong(message: ConsoleMessage) -> bool:
    """What is refused is told on the page; Chromium tells it in its console as well."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


@pytest.fixture
def open_page(browser: Browser, asker: Asker) -> Iterator[Callable[[], Page]]:
    """Opens another page; nothing may be wrong in the console of any."""
    wrong: list[str] = []
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(PATIENCE)

    def open_page() -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda message: wrong.append(message.text) if is_wrong(message) else None,
        )
        page.goto(asker.origin)
        expect(page.locator("#engine-text")).to_contain_text("mini", timeout=PATIENCE)
        return page

    yield open_page
    context.close()
    assert wrong == []


@pytest.fixture
def page(open_page: Callable[[], Page]) -> Page:
    return open_page()


def find_row(page: Page, text: str) -> Any:
    return page.locator("#rows li").filter(has_text=text)


def test_a_prompt_is_typed_and_becomes_a_take(page: Page) -> None:
    page.fill("#prompt", "warm keys, 84 bpm in Eb")
    expect(page.locator("#reading")).to_contain_text("84 bpm", timeout=PATIENCE)
    expect(page.locator("#reading")).to_contain_text("Eb major")
    page.fill("#bars", "1")
    page.click("#go")
    row = find_row(page, "warm keys")
    expect(row).to_contain_text("1 bars", timeout=PATIENCE)
    expect(row.locator(".hear")).to_be_visible(timeout=PATIENCE)


def test_what_is_typed_is_the_panel_of_all(stage: Stage, page: Page) -> None:
    page.fill("#prompt", "dusty drums")
    until(lambda: stage.panel.request.prompt == "dusty drums")
    stage.panel.set("bpm", 97.5)
    expect(page.locator("#bpm")).to_have_value("97.5", timeout=PATIENCE)
    stage.panel.set("lyrics", "a long line of words\n" * 200)
    expect(page.locator("#lyrics")).to_have_value(re.compile("words\n?$"), timeout=PATIENCE)


def test_markers_are_offered(stage: Stage, page: Page) -> None:
    page.click("#markers >> text=chorus >> nth=1")
    page.keyboard.type("la la la")
    until(lambda: stage.panel.request.lyrics == "[chorus]\nla la la")
    expect(page.locator("#reading")).to_contain_text("chorus", timeout=PATIENCE)


def test_a_seed_is_drawn_kept_and_let_go(stage: Stage, page: Page) -> None:
    page.click("#dice")
    until(lambda: stage.panel.request.seed >= 0)
    expect(page.locator("#lock")).to_be_checked()
    page.uncheck("#lock")
    until(lambda: stage.panel.request.seed == -1)


def test_every_parameter_is_in_the_drawer(stage: Stage, page: Page) -> None:
    page.click("#drawer summary")
    page.fill("#param-guidance_scale", "4.5")
    page.keyboard.press("Tab")
    until(lambda: stage.panel.request.guidance_scale == 4.5)
    page.check("#param-loop")
    until(lambda: stage.panel.request.loop)
    page.fill("#param-guidance_scale", "99")
    page.keyboard.press("Tab")
    expect(page.locator("#notice")).to_contain_text("guidance_scale", timeout=PATIENCE)
    assert stage.panel.request.guidance_scale == 4.5


def test_a_take_is_heard_and_loops(stage: Stage, asker: Asker, page: Page) -> None:
    make_take(stage, asker, "a", "prompt", "x", "bars", 1, "bpm", 240)
    page.locator(".hear").first.click()
    until(lambda: page.evaluate("acestepd.player.isPlaying"))
    until(lambda: page.evaluate("acestepd.player.clock - acestepd.player.began > 1.5"))
    assert page.evaluate("acestepd.player.seconds") == 1.0
    until(
        lambda: page.evaluate("""() => {
            const samples = new Float32Array(acestepd.player.analyser.fftSize);
            acestepd.player.analyser.getFloatTimeDomainData(samples);
            return samples.some((sample) => Math.abs(sample) > 1e-4);
        }""")
    )
    page.keyboard.press("Escape")
    page.click("#play")
    assert not page.evaluate("acestepd.player.isPlaying")


def test_another_take_of_its_length_goes_on_in_the_beat(
    stage: Stage, asker: Asker, page: Page
) -> None:
    for id in ("first", "second"):
        make_take(stage, asker, id, "prompt", id, "bars", 4, "bpm", 120)
    find_row(page, "first").locator(".hear").click()
    until(lambda: page.evaluate("acestepd.player.isPlaying && acestepd.player.position > 0.5"))
    began = page.evaluate("acestepd.player.began")
    find_row(page, "second").locator(".hear").click()
    until(lambda: page.evaluate("acestepd.player.take.id === 'second'"))
    seconds = page.evaluate("acestepd.player.seconds")
    shift = (page.evaluate("acestepd.player.began") - began) % seconds
    # it began a whole number of loops later: to the sample
    assert min(shift, seconds - shift) < 0.5 / 48_000


def test_rows_are_chosen_rerolled_and_marked_by_keys(
    stage: Stage, asker: Asker, page: Page
) -> None:
    make_take(stage, asker, "a", "prompt", "the first", "bars", 1)
    expect(find_row(page, "the first")).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("ArrowDown")
    expect(page.locator("#detail h3")).to_have_text("the first")
    page.keyboard.press("f")
    expect(page.locator("#rows li.favourite")).to_have_count(1, timeout=PATIENCE)
    page.keyboard.press("r")
    expect(page.locator("#rows li")).to_have_count(2, timeout=PATIENCE)
    page.keyboard.press("/")
    page.keyboard.type("nothing like it")
    expect(page.locator("#count-text")).to_have_text("0 takes", timeout=PATIENCE)


def test_bars_are_chosen_on_the_waveform_and_made_anew(
    stage: Stage, asker: Asker, page: Page
) -> None:
    make_take(stage, asker, "a", "prompt", "four bars", "bars", 4, "bpm", 240)
    find_row(page, "four bars").locator(".choose").click()
    box = page.locator("#picture").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 20)
    page.mouse.up()
    expect(page.locator("#repaint-from")).to_have_value("2")
    expect(page.locator("#repaint-to")).to_have_value("3")
    page.click("#repaint")
    until(lambda: len(asker.find_takes()) == 2)
    [newest, _] = stage.journal.search(limit=2)
    assert newest.request.task == "repaint"
    assert (newest.request.repaint_bar, newest.request.repaint_bars) == (2, 2)


def test_a_wav_is_dragged_out(stage: Stage, asker: Asker, page: Page) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    page.wait_for_selector(".drag:visible")
    data = page.evaluate(
        """() => {
            const dataTransfer = new DataTransfer();
            const event = new DragEvent("dragstart", { dataTransfer, bubbles: true });
            document.querySelector(".drag").dispatchEvent(event);
            return dataTransfer.getData("DownloadURL");
        }"""
    )
    name = Path(take["path"]).name
    assert data == f"audio/wav:{name}:{asker.origin}/takes/{take['number']}/sound/mix"


def test_a_sound_is_dropped_and_worked_on(
    stage: Stage, asker: Asker, page: Page, tmp_path: Path
) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    page.set_input_files("#file", take["path"])
    expect(page.locator("#source")).to_contain_text("source:", timeout=PATIENCE)
    until(lambda: stage.panel.request.task == "cover")
    assert Path(stage.panel.request.source).parent == stage.settings.out / SOURCES
    wrong = tmp_path / "wrong.wav"
    wrong.write_bytes(b"no sound")
    page.set_input_files("#file", wrong)
    expect(page.locator("#notice")).to_contain_text("wrong.wav", timeout=PATIENCE)


def test_two_pages_show_the_same(stage: Stage, open_page: Callable[[], Page]) -> None:
    first, second = open_page(), open_page()
    first.fill("#prompt", "from the first")
    expect(second.locator("#prompt")).to_have_value("from the first", timeout=PATIENCE)
    first.fill("#bars", "1")
    first.click("#go")
    for page in (first, second):
        expect(find_row(page, "from the first").locator(".hear")).to_be_visible(timeout=PATIENCE)


def test_a_pad_is_hit_held_and_marked(stage: Stage, asker: Asker, page: Page) -> None:
    stage.panel.set("prompt", "warm keys")
    pad = page.locator(".pad").filter(has_text=re.compile("^3"))
    pad.click()
    expect(pad).to_have_attribute("data-state", "ready", timeout=PATIENCE)
    pad.click(modifiers=["Shift"])
    expect(pad).to_have_attribute("data-state", "favourite", timeout=PATIENCE)
    [first] = asker.find_takes()
    pad.click(delay=900)
    until(lambda: len(asker.find_takes()) == 2)
    assert asker.find_takes()[0]["seed"] != first["seed"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_others_write_is_text(stage: Stage, asker: Asker, page: Page, text: str) -> None:
    make_take(stage, asker, "a", "prompt", text, "bars", 1, "lyrics", f"[verse]\n{text}")
    row = page.locator("#rows li").first
    expect(row.locator(".title")).to_have_text(text, timeout=PATIENCE)
    row.locator(".choose").click()
    expect(page.locator("#detail h3")).to_have_text(text)
    assert page.evaluate("window.hit") is None


def test_ten_thousand_takes_are_a_few_rows(stage: Stage, asker: Asker, page: Page) -> None:
    make_take(stage, asker, "a", "prompt", "the newest of all", "bars", 1)
    db = stage.journal._file.db
    columns = [row["name"] for row in db.execute("PRAGMA table_info(jobs)")]
    others = ", ".join(name for name in columns if name not in ("number", "id"))
    db.execute(
        f"INSERT INTO jobs (number, id, {others}) WITH RECURSIVE n(i) AS "
        f"(SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
        f"SELECT n.i, 'copy' || n.i, {others} FROM jobs, n WHERE number = 1"
    )
    db.commit()
    page.reload()
    expect(page.locator("#count-text")).to_have_text("10000 takes", timeout=PATIENCE)
    assert page.locator("#rows li").count() < 60
    page.evaluate("document.getElementById('list').scrollTop = 76 * 250")
    expect(page.locator("#rows li").first).to_be_visible(timeout=PATIENCE)
    assert page.locator("#rows li").count() < 60


def test_a_daemon_that_goes_and_comes_is_found_again(browser: Browser, tmp_path: Path) -> None:
    with on_stage(tmp_path, page=0) as stage:
        assert stage.page
        port = stage.page.port
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}")
        expect(page.locator("#engine-text")).to_contain_text("mini", timeout=PATIENCE)
        page.fill("#prompt", "kept")
        until(lambda: stage.panel.request.prompt == "kept")
        make_take(stage, Asker(port), "a", "prompt", "before it went", "bars", 1)
    expect(page.locator("#engine-text")).to_contain_text("away", timeout=PATIENCE)
    with on_stage(tmp_path, page=port) as stage:
        expect(page.locator("#engine-text")).to_contain_text("mini", timeout=PATIENCE)
        expect(find_row(page, "before it went")).to_be_visible(timeout=PATIENCE)
    page.close()


@pytest.mark.parametrize("width", [360, 1024, 3840])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nothing_is_wider_than_the_window(
    stage: Stage, asker: Asker, browser: Browser, width: int, scheme: Any
) -> None:
    make_take(stage, asker, "a", "prompt", "x" * 300, "bars", 1)
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(asker.origin)
    page.locator(".choose").first.click()
    page.wait_for_selector("#picture")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
