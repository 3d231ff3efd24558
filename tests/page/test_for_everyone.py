"""The page by keyboard only, for screen readers, on every screen, and without motion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from daemon.jobs import Event
from tests.page.conftest import PATIENCE, Asker, OpenPage, find_row, make_take
from tests.support.harness import SteppedModel
from tests.support.node import find_module
from tests.support.stage import Stage, on_stage
from tests.support.waiting import until

pytestmark = pytest.mark.long

SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries())
            shifts.push([value, ...sources.map(({ node }) => node?.id || node?.className)]);
    }).observe({ type: "layout-shift", buffered: true });
"""
OUTLINE = """() => {
    const shown = [document.activeElement, document.activeElement.parentElement];
    return shown.some((element) => getComputedStyle(element).outlineStyle !== "none");
}"""
SMALL = """() => [...document.querySelectorAll("button, .switch, .drag, summary, nav a")]
    .filter((each) => each.checkVisibility() && getComputedStyle(each).visibility === "visible")
    .filter((each) => !each.closest("#reading") && each.getBoundingClientRect().height < 43.9)
    .map((each) => each.outerHTML)"""
WIDE = """() => [document.documentElement, ...document.querySelectorAll("section, dialog[open]")]
    .filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.id)"""


IS_WHOLE = "each => each.scrollWidth <= each.clientWidth && each.scrollHeight <= each.clientHeight"
FIND_END = """(each, text) => {
    const range = document.createRange();
    const at = each.textContent.indexOf(text);
    range.setStart(each.firstChild, at);
    range.setEnd(each.firstChild, at + text.length);
    const { right, bottom } = range.getBoundingClientRect();
    return [right, bottom];
}"""
PRESS = """([key, keyCode]) => document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", { key, keyCode, bubbles: true, cancelable: true }))"""
FIELD_SIZES = """() => [...document.querySelectorAll("input, textarea, select")]
    .map((each) => parseFloat(getComputedStyle(each).fontSize))"""
PLACES = """() => [...document.querySelectorAll(".pad, #panic, nav a")]
    .map((each) => JSON.stringify(each.getBoundingClientRect()))"""
COUNT_FLASHES = """() => {
    const { animate } = Element.prototype;
    window.flashes = 0;
    Element.prototype.animate = function (...how) {
        window.flashes += 1;
        return animate.apply(this, how);
    };
}"""


@pytest.fixture(scope="session")
def axe() -> str:
    return (find_module("axe-core") / "axe.min.js").read_text()


def find_violations(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate("axe.run()")["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing(
    stage: Stage, asker: Asker, open_page: OpenPage, axe: str, scheme: str
) -> None:
    page = open_page(asker.port, color_scheme=scheme)
    assert find_violations(page, axe) == []
    lyrics = "[verse]\nla la\nПривет"
    make_take(stage, asker, "a", "prompt", "x", "lyrics", lyrics, "bars", 1, "stems", "drums")
    page.fill("#prompt", "keys, 84 bpm")
    page.click("#drawer summary")
    page.click("#stems summary")
    page.locator(".choose").click()
    page.click("text=Between two takes")
    page.keyboard.press("f")
    expect(page.locator(".favourite.chosen")).to_have_count(1, timeout=PATIENCE)
    page.locator(".pad").first.click()
    expect(page.locator("[data-state=ready].pad")).to_have_count(1, timeout=PATIENCE)
    page.fill("#param-guidance_scale", "99")
    page.keyboard.press("Tab")
    refused = page.locator("#param-guidance_scale[aria-invalid=true]")
    expect(refused).to_have_count(1, timeout=PATIENCE)
    page.evaluate("acestepd.connection.send('/ace/tempo', 9999)")
    expect(page.locator("#notice")).to_be_visible(timeout=PATIENCE)
    assert find_violations(page, axe) == []
    for opener in (
        "#open-daemon",
        "#open-help",
        "#bank",
        "#detail >> text=Into the DAW",
        "#detail >> text=Recipe",
        "#detail >> text=Delete",
    ):
        page.click(opener)
        expect(page.locator("dialog[open]")).to_be_visible()
        assert find_violations(page, axe) == []
        page.keyboard.press("Escape")
    page.set_viewport_size({"width": 360, "height": 740})
    for view in ("Ask", "Takes", "Take", "Pads"):
        page.click(f"nav >> text=/^{view}$/")
        assert find_violations(page, axe) == []


def test_axe_finds_nothing_where_the_token_is_asked_for(
    asker: Asker, browser: Browser, axe: str
) -> None:
    page = browser.new_page()
    page.goto(f"{asker.origin}/token")
    assert find_violations(page, axe) == []
    page.close()


def test_all_of_it_goes_by_keyboard(stage: Stage, asker: Asker, page: Page) -> None:
    press = page.keyboard.press
    press("p")
    page.keyboard.type("the first")
    press("Control+Enter")
    expect(find_row(page, "the first").locator(".hear")).to_be_visible(timeout=PATIENCE)
    press("Escape")
    press("ArrowDown")
    expect(page.locator("#detail h3")).to_have_text("the first")
    press("Space")
    until(lambda: page.evaluate("acestepd.player.isPlaying"))
    press("l")
    expect(page.locator("#loop")).not_to_be_checked()
    press("l")
    press("r")
    expect(page.locator("#rows li:has(.drag:visible)")).to_have_count(2, timeout=PATIENCE)
    press("k")
    newest, *_ = asker.find_takes()
    until(lambda: page.evaluate("acestepd.takes.selected?.number") == newest["number"])
    until(lambda: page.evaluate("acestepd.player.take.number") == newest["number"])  # in its beat
    press("f")
    expect(page.locator("#rows li.favourite")).to_have_count(1, timeout=PATIENCE)
    press("Space")
    until(lambda: not page.evaluate("acestepd.player.isPlaying"))
    press("d")
    until(lambda: stage.panel.request.seed >= 0)
    press("2")
    expect(page.locator("[aria-label^='Pad 2, '][data-state=ready]")).to_have_count(
        1, timeout=PATIENCE
    )
    press("/")
    page.keyboard.type("nothing like it")
    expect(page.locator("#count-text")).to_have_text("0 of 3 takes", timeout=PATIENCE)
    press("Escape")
    press("?")
    expect(page.locator("#help")).to_be_visible()
    press("Escape")
    press("Shift+Escape")
    until(lambda: not page.evaluate("acestepd.player.isPlaying"))


def test_from_the_search_a_key_leads_to_what_was_found(
    stage: Stage, asker: Asker, page: Page
) -> None:
    for prompt in ("horns", "keys", "drums"):
        make_take(stage, asker, prompt, "prompt", prompt, "bars", 1)
    page.keyboard.press("/")
    page.keyboard.type("keys")
    page.keyboard.press("Enter")  # before it was looked for
    expect(page.locator("#detail h3")).to_have_text("keys", timeout=PATIENCE)
    expect(page.locator("#rows .chosen .choose")).to_be_focused()
    page.keyboard.press("Space")
    until(lambda: page.evaluate("acestepd.player.isPlaying && acestepd.player.take.id") == "keys")


def test_tab_stops_in_one_row_of_the_list(stage: Stage, asker: Asker, page: Page) -> None:
    for id in "abc":
        make_take(stage, asker, id, "prompt", id, "bars", 1)
    expect(page.locator("#rows .hear:visible")).to_have_count(3, timeout=PATIENCE)
    page.focus("#list")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#detail h3")).to_have_text("b")
    for name in ("hear", "choose", "star", "drag"):
        page.keyboard.press("Tab")
        expect(page.locator(f"#rows .chosen .{name}")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.getElementById('detail').contains(document.activeElement)")


def test_whatever_has_the_focus_is_seen_to_have_it(stage: Stage, asker: Asker, page: Page) -> None:
    make_take(stage, asker, "a", "prompt", "x", "bars", 1, "stems", "drums")
    expect(page.locator(".hear")).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("ArrowDown")
    reached = set()
    for _ in range(100):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        reached.add(page.evaluate("document.activeElement.id"))
        assert page.evaluate(OUTLINE), page.evaluate("document.activeElement.outerHTML")
    needed = {"prompt", "lyrics", "bars", "dice", "lock", "task", "file", "go", "reroll", "cancel"}
    assert reached >= needed | {
        "words",
        "list",
        "play",
        "loop",
        "position",
        "volume",
        "panic",
        "open-daemon",
        "repaint",
    }


def test_what_is_shown_anew_keeps_the_focus(stage: Stage, asker: Asker, page: Page) -> None:
    make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    page.locator(".choose").click()
    page.click("text=Between two takes")
    for place in ("#detail >> text=Favourite", "#rows .star"):
        page.focus(place)
        page.keyboard.press("Enter")
        name = page.evaluate("document.activeElement.textContent")
        marked = int(place != "#rows .star")
        expect(page.locator("#rows .favourite")).to_have_count(marked, timeout=PATIENCE)
        assert page.evaluate("document.activeElement !== document.body")
        assert name in page.evaluate("document.activeElement.textContent")
    expect(page.locator("#variation")).to_be_visible()


@pytest.mark.parametrize("width", [360, 768, 1024, 1440, 3840])
def test_nothing_is_wider_than_the_window(
    shared_stage: Stage, shared_asker: Asker, open_page: OpenPage, width: int
) -> None:
    id = f"w{width}"
    make_take(shared_stage, shared_asker, id, "prompt", "x" * 300, "bars", 1, "stems", "drums")
    page = open_page(shared_asker.port, viewport={"width": width, "height": 800})
    for view in ("ask", "takes", "take", "pads"):
        page.evaluate(f"location.hash = '#{view}'")
        if view == "takes":
            page.locator(".choose").first.click()
            page.wait_for_selector("#picture")
        assert page.evaluate(WIDE) == []
    page.click("#open-daemon")
    expect(page.locator("#daemon-body")).to_contain_text("mini", timeout=PATIENCE)
    assert page.evaluate(WIDE) == []


def test_on_a_phone_fingers_hit_what_they_mean(stage: Stage, asker: Asker, page: Page) -> None:
    make_take(stage, asker, "a", "prompt", "x", "bars", 1, "stems", "drums")
    page.set_viewport_size({"width": 366, "height": 740})
    page.evaluate("acestepd.connection.send('/ace/tempo', 9999)")
    notice = page.locator("#notice")
    expect(notice).to_be_visible(timeout=PATIENCE)
    for view in ("ask", "takes", "take", "pads"):
        page.evaluate(f"location.hash = '#{view}'")
        if view == "takes":
            page.locator(".choose").first.click()
            page.wait_for_selector("#picture")
            expect(page.locator("#detail >> text=Download")).to_be_visible()
            page.evaluate("location.hash = '#takes'")
        expect(page.locator(f"body[data-view={view}]")).to_have_count(1)
        assert page.evaluate(SMALL) == []
        # a tab's link brings its panel into view, and must not push the header out of it
        assert page.evaluate("scrollY + document.body.scrollTop") == 0
        assert page.evaluate("document.querySelector('header').getBoundingClientRect().top") == 0
    notice.locator("button").click()
    expect(notice).to_be_hidden()


def test_no_pad_moves_from_under_a_finger(stage: Stage, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.evaluate("location.hash = '#pads'")
    before = page.evaluate(PLACES)
    page.click("#panic")
    notice = page.locator("#notice")
    expect(notice).to_contain_text("Everything is stopped", timeout=PATIENCE)
    assert page.evaluate(PLACES) == before
    page.click("#panic")  # nothing lies over it
    page.evaluate("acestepd.connection.send('/ace/set/key', 'H flat')")
    expect(notice).to_contain_text("key must be", timeout=PATIENCE)  # more than one line
    assert page.evaluate(PLACES) == before
    page.click("#panic")


def test_on_a_phone_the_whole_of_what_is_wrong_is_read(tmp_path: Path, open_page: OpenPage) -> None:
    with on_stage(tmp_path, page=0) as stage:
        assert stage.page
        page = open_page(stage.page.port, viewport={"width": 360, "height": 740})
        header, engine = page.locator("header"), page.locator("#engine")
        height = header.evaluate("each => each.offsetHeight")
        before = page.locator("#panic").bounding_box()
        stage.engine.publish(Event("state", None, ("error", "ACE-Step/a-long-name-of-a-model", 3)))
        expect(engine).to_contain_text("in trouble", timeout=PATIENCE)
        assert engine.evaluate(IS_WHOLE)
        stage.engine.publish(Event("state", None, ("warm", "mini", 0)))
        expect(engine).to_contain_text("ready", timeout=PATIENCE)
        assert header.evaluate("each => each.offsetHeight") == height
    expect(engine).to_contain_text("away; what you type is kept", timeout=PATIENCE)
    assert engine.evaluate(IS_WHOLE)
    assert page.locator("#panic").bounding_box() == before
    page.click("#panic")
    expect(page.locator("#notice")).to_be_visible()
    assert engine.evaluate("each => getComputedStyle(each).visibility") == "visible"


def test_on_a_phone_takes_of_one_prompt_are_told_apart(
    stage: Stage, asker: Asker, page: Page
) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    values = ("prompt", "x " * 100, "bars", 1, "bpm", 184, "key", "C# minor", "seed", 4294967295)
    make_take(stage, asker, "a", *values, "variation", 0.25)
    page.evaluate("location.hash = '#takes'")
    facts = page.locator("#rows .facts")
    expect(facts).to_contain_text("variation 0.25 · seed 4294967295", timeout=PATIENCE)
    right, bottom = facts.evaluate(FIND_END, "4294967295")
    box = facts.bounding_box()
    assert box
    assert right <= box["x"] + box["width"] + 1
    assert bottom <= box["y"] + box["height"] + 1
    row = page.locator("#rows li").bounding_box()
    assert row
    assert bottom < row["y"] + row["height"]


def test_a_key_that_an_input_method_has_had_is_not_the_pages(page: Page) -> None:
    """Safari tells of it once the composition is over: by its code alone."""
    page.focus("#words")
    assert page.evaluate(PRESS, ["Escape", 229])  # nobody has prevented what it does
    expect(page.locator("#words")).to_be_focused()
    assert not page.evaluate(PRESS, ["Escape", 27])
    expect(page.locator("#words")).not_to_be_focused()


def test_a_field_on_a_phone_has_a_text_of_16_pixels(page: Page) -> None:
    """Of smaller ones an iPhone enlarges the page when they get the focus."""
    page.set_viewport_size({"width": 360, "height": 740})
    page.click("#drawer summary")
    sizes = page.evaluate(FIELD_SIZES)
    assert len(sizes) > 50
    assert min(sizes) >= 16


def test_a_bank_of_a_long_name_is_read_whole(stage: Stage, asker: Asker, page: Page) -> None:
    name = "ambient chords for the second half"
    page.click("#bank")
    page.fill("#bank-name", name)
    page.keyboard.press("Enter")
    title = page.locator("#bank-list [aria-current] .title")
    expect(title).to_have_text(name, timeout=PATIENCE)
    page.set_viewport_size({"width": 360, "height": 740})
    assert title.evaluate(IS_WHOLE)
    page.keyboard.press("Escape")
    page.evaluate("location.hash = '#pads'")
    bank = page.get_by_role("button", name=f"Bank {name}")
    expect(bank).to_have_attribute("title", f"Bank {name}: load a bank of pads, or save this one")


def test_fingers_mark_pads_as_favourites(stage: Stage, page: Page) -> None:
    stage.panel.set("prompt", "keys")
    page.set_viewport_size({"width": 360, "height": 740})
    page.evaluate("location.hash = '#pads'")
    pad = page.locator(".pad").first
    pad.click()
    expect(pad).to_have_attribute("data-state", "ready", timeout=PATIENCE)
    page.click("text=Taps mark favourites")
    pad.click()
    expect(pad).to_have_attribute("data-state", "favourite", timeout=PATIENCE)


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_for_who_wants_no_motion(
    tmp_path: Path, open_page: OpenPage, motion: Any
) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model, page=0) as stage:
        assert stage.page
        page = open_page(stage.page.port, reduced_motion=motion)
        stage.panel.set("prompt", "keys")
        page.locator(".pad").first.click()
        expect(page.locator(".pad[data-state=rendering]")).to_have_count(1, timeout=PATIENCE)
        assert page.evaluate("document.getAnimations().length > 0") == (motion != "reduce")
        other = page.locator(".pad").last
        other.focus()
        page.evaluate(COUNT_FLASHES)
        page.keyboard.press("r")
        assert page.evaluate("window.flashes") == int(motion != "reduce")
        model.step(2)
        expect(page.locator(".pad").first).to_contain_text("50 %", timeout=PATIENCE)
        model.run()


def test_nothing_jumps(stage: Stage, asker: Asker, page: Page) -> None:
    """Neither while it opens, nor when what is read, told and made is shown."""
    page.add_init_script(SHIFTS)
    page.reload()
    expect(page.locator("#engine-text")).to_contain_text("ready", timeout=PATIENCE)
    stage.panel.set("prompt", "keys, 84 bpm")
    expect(page.locator("#reading")).to_contain_text("84 bpm", timeout=PATIENCE)
    make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    expect(page.locator(".hear")).to_be_visible(timeout=PATIENCE)
    page.evaluate("acestepd.connection.send('/ace/tempo', 9999)")
    expect(page.locator("#notice")).to_be_visible(timeout=PATIENCE)
    page.evaluate("new Promise(requestAnimationFrame)")
    shifts = page.evaluate("shifts")
    assert sum(value for value, *_ in shifts) < 0.01, shifts
    page.set_viewport_size({"width": 740, "height": 360})  # a phone on its side
    height = page.locator("header").evaluate("each => each.offsetHeight")
    page.evaluate("document.getElementById('preparing').textContent = 'pad 12 is made in advance'")
    assert page.locator("header").evaluate("each => each.offsetHeight") == height
