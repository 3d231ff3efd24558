"""The page in a real browser, over a real daemon: what a hand does, and what comes of it."""

from __future__ import annotations

import base64
import re
import threading
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from playwright.sync_api import Request as Ask

from daemon.engine.lander import Lander
from daemon.engine.speculation import PAUSE_SECONDS
from daemon.integrations.sources import SOURCES
from daemon.jobs import Event
from daemon.page import drops
from pipeline.request import Request
from pipeline.singer.lines import LineTime
from pipeline.voices import voice_folder
from tests.page.conftest import (
    DROP,
    LOUDEST,
    PATIENCE,
    Asker,
    OpenPage,
    choose_take,
    find_row,
    make_take,
    wait_for_level,
)
from tests.support.harness import SteppedModel
from tests.support.stage import Stage, on_stage
from tests.support.trash import use_trash
from tests.support.waiting import until

HOSTILE = ["<img src=x onerror=window.hit=1>", "'\"><script>window.hit=1</script>", "\u202egnp 🎹"]
DRAG_OUT = """(link) => {
    const dataTransfer = new DataTransfer();
    link.dispatchEvent(new DragEvent("dragstart", { dataTransfer, bubbles: true }));
    return dataTransfer.getData("DownloadURL");
}"""

TUNE = bytes.fromhex(  # a crotchet of C at 120 bpm
    "4d546864 00000006 0000 0001 01e0 4d54726b 0000000d 00903c50 8360803c00 00ff2f00"
)

long = pytest.mark.long


def drop(page: Page, name: str, content: bytes) -> None:
    page.evaluate(DROP, [name, base64.b64encode(content).decode()])


# --- to ask -------------------------------------------------------------------------------------


def test_a_prompt_is_typed_and_becomes_a_take(page: Page) -> None:
    page.fill("#prompt", "warm keys, 84 bpm in Eb")
    expect(page.locator("#reading")).to_contain_text("84 bpm from the prompt", timeout=PATIENCE)
    expect(page.locator("#reading")).to_contain_text("Eb major")
    expect(page.locator("#bpm")).to_have_attribute("placeholder", "84")
    page.fill("#bars", "1")
    page.click("#go")
    row = find_row(page, "warm keys")
    expect(row).to_contain_text("1 bar ·", timeout=PATIENCE)
    expect(row.locator(".hear")).to_be_visible(timeout=PATIENCE)


@long
def test_what_is_typed_is_the_panel_of_all(stage: Stage, page: Page) -> None:
    page.fill("#prompt", "dusty drums")
    until(lambda: stage.panel.request.prompt == "dusty drums")
    stage.panel.set("bpm", 97.1)
    expect(page.locator("#bpm")).to_have_value("97.1", timeout=PATIENCE)
    stage.panel.set("lyrics", "a long line of words\n" * 200)
    expect(page.locator("#lyrics")).to_have_value(re.compile("words\n?$"), timeout=PATIENCE)


@long
def test_what_another_sets_while_a_field_has_the_focus_is_not_set_back(
    stage: Stage, page: Page
) -> None:
    page.focus("#bpm")
    stage.panel.set("bpm", 99)
    until(lambda: page.evaluate("acestepd.panel.values.bpm") == 99)
    page.keyboard.press("Control+Enter")
    page.focus("#key")
    expect(page.locator("#bpm")).to_have_value("99")
    assert stage.panel.request.bpm == 99


@long
def test_markers_are_offered_and_what_is_not_sung_is_told(stage: Stage, page: Page) -> None:
    page.click("#markers >> text=/^chorus$/")
    page.keyboard.type("la la la\n123 ...")
    until(lambda: stage.panel.request.lyrics == "[chorus]\nla la la\n123 ...")
    expect(page.locator("#reading")).to_contain_text("chorus: ", timeout=PATIENCE)
    page.fill("#lyrics", "[verse]\nПривет")
    expect(page.locator("#reading")).to_contain_text("no rules for Cyrillic", timeout=PATIENCE)


@long
def test_a_seed_is_drawn_kept_and_let_go(stage: Stage, page: Page) -> None:
    page.click("#dice")
    until(lambda: stage.panel.request.seed >= 0)
    expect(page.locator("#lock")).to_be_checked()
    page.uncheck("#lock")
    until(lambda: stage.panel.request.seed == -1)
    expect(page.locator("#seed")).to_have_value("")


@long
def test_every_parameter_is_in_the_drawer(stage: Stage, page: Page) -> None:
    page.click("#drawer summary")
    page.fill("#param-guidance_scale", "4.5")
    page.keyboard.press("Tab")
    until(lambda: stage.panel.request.guidance_scale == 4.5)
    page.check("#param-loop")
    until(lambda: stage.panel.request.loop)
    page.fill("#param-lm_temperature", "0")
    page.keyboard.press("Tab")
    until(lambda: stage.panel.request.lm_temperature == 0)
    expect(page.locator("#param-lm_temperature")).to_have_value("0")
    page.fill("#param-guidance_scale", "99")
    page.keyboard.press("Tab")
    problem = page.locator("#param-guidance_scale-problem")
    expect(problem).to_contain_text("guidance_scale", timeout=PATIENCE)
    expect(page.locator("#param-guidance_scale")).to_have_value("99")
    assert stage.panel.request.guidance_scale == 4.5
    page.fill("#param-guidance_scale", "5")
    page.keyboard.press("Tab")
    until(lambda: stage.panel.request.guidance_scale == 5)
    expect(problem).to_have_count(0)


@long
def test_go_waits_until_what_is_refused_is_mended(stage: Stage, asker: Asker, page: Page) -> None:
    page.fill("#prompt", "keys")
    page.fill("#bars", "99999")
    page.keyboard.press("Control+Enter")
    bars = page.locator("#bars")
    expect(bars).to_have_attribute("aria-invalid", "true", timeout=PATIENCE)
    expect(bars).to_be_focused()
    expect(page.locator("#bars-problem")).not_to_contain_text("/ace")
    expect(page.locator("#reading .problem")).to_contain_text("bars", timeout=PATIENCE)
    page.fill("#bars", "1")
    page.keyboard.press("Control+Enter")
    until(lambda: [take["state"] for take in asker.find_takes()] == ["finished"])
    [take] = asker.find_takes()
    assert take["bars"] == 1
    expect(bars).not_to_have_attribute("aria-invalid", "true")


@long
def test_what_is_no_number_is_told_when_its_field_is_left(stage: Stage, page: Page) -> None:
    page.focus("#bars")
    page.keyboard.type("1e")
    page.keyboard.press("Tab")
    bars = page.locator("#bars")
    expect(bars).to_have_attribute("aria-invalid", "true", timeout=PATIENCE)
    page.focus("#bars")
    page.keyboard.type("1")
    page.keyboard.press("Tab")
    until(lambda: stage.panel.request.bars == 10)
    expect(bars).not_to_have_attribute("aria-invalid", "true")


@long
def test_what_is_refused_of_a_field_that_is_folded_is_told_above_all(page: Page) -> None:
    page.evaluate("acestepd.connection.send('/ace/set/guidance_scale', 99)")
    expect(page.locator("#notice")).to_contain_text("guidance_scale", timeout=PATIENCE)
    expect(page.locator("#param-guidance_scale-problem")).to_have_count(0)
    page.click("#drawer summary")
    page.evaluate("acestepd.connection.send('/ace/set/guidance_scale', 99)")
    expect(page.locator("#param-guidance_scale-problem")).to_have_count(1, timeout=PATIENCE)


@long
def test_what_is_not_sung_is_read_first_and_whole(stage: Stage, page: Page) -> None:
    page.fill("#prompt", "keys in Am, 84 bpm, in 4/4, 92 bpm later")
    expect(page.locator("#reading")).to_contain_text("A minor", timeout=PATIENCE)
    assert "language" not in page.inner_text("#reading")
    page.fill("#lyrics", "[verse]\nla la\nПривет\n" * 9)
    more = page.locator("#reading .more")
    expect(more).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#reading li").first).to_contain_text("no rules for Cyrillic")
    more.click()
    expect(page.locator("#reading .chip").last).to_be_visible()
    expect(more).to_have_text("fewer")


@long
def test_go_says_what_is_missing(asker: Asker, page: Page) -> None:
    page.click("#go")
    notice = page.locator("#notice")
    expect(notice).to_contain_text("Write what it is to sound like", timeout=PATIENCE)
    expect(page.locator("#prompt")).to_be_focused()
    page.fill("#prompt", "keys")
    page.select_option("#task", "extract")
    page.click("#go")
    expect(notice).to_contain_text("extract works on a sound", timeout=PATIENCE)
    expect(page.locator("#file")).to_be_focused()
    assert asker.find_takes() == []


@long
def test_a_take_has_bars_or_seconds(stage: Stage, page: Page) -> None:
    page.fill("#bars", "20")
    page.keyboard.press("Tab")
    page.fill("#seconds", "30")
    page.keyboard.press("Tab")
    expect(page.locator("#bars")).to_have_value("")
    until(lambda: (stage.panel.request.bars, stage.panel.request.seconds) == (0, 30))


@long
def test_stems_are_chosen_by_name(stage: Stage, page: Page) -> None:
    page.click("#stems summary")
    page.click("#tracks >> text=drums")
    page.click("#tracks >> text=backing vocals")
    until(lambda: stage.panel.request.stems == "drums backing_vocals")
    page.click("#tracks >> text=drums")
    until(lambda: stage.panel.request.stems == "backing_vocals")


@long
def test_the_session_has_a_tempo(stage: Stage, page: Page) -> None:
    page.fill("#tempo-bpm", "97.5")
    page.keyboard.press("Enter")
    until(lambda: stage.tempo.current == (97.5, "explicit"))
    expect(page.locator("#tempo-source")).to_have_text("set here", timeout=PATIENCE)
    page.fill("#prompt", "keys")
    expect(page.locator("#reading")).to_contain_text("97.5 bpm from the session", timeout=PATIENCE)
    page.fill("#tempo-bpm", "")
    page.keyboard.press("Tab")
    until(lambda: stage.tempo.current[1] == "default")


@long
def test_every_script_is_written_as_it_is_typed(stage: Stage, asker: Asker, page: Page) -> None:
    prompt = "тёплый бит 🎹 שלום"
    lyrics = "[verse]\nПривет, мир\nمرحبا 👋🏽 日本\ncafe\u0301"
    for field, text in (("#prompt", prompt), ("#lyrics", lyrics)):
        page.focus(field)
        page.keyboard.insert_text(text)
    page.keyboard.press("Control+Enter")
    until(lambda: [take["state"] for take in asker.find_takes()] == ["finished"])
    [take] = asker.find_takes()
    request = asker.ask(f"/takes/{take['number']}/manifest").json["request"]
    assert request["prompt"] == prompt
    assert request["lyrics"] == unicodedata.normalize("NFC", lyrics)
    expect(page.locator("#rows .title")).to_have_text(prompt)


# --- files that are dropped ---------------------------------------------------------------------


@long
def test_a_sound_is_dropped_and_worked_on(stage: Stage, asker: Asker, page: Page) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    drop(page, "my loop.wav", Path(take["path"]).read_bytes())
    expect(page.locator("#source")).to_contain_text("source: my loop", timeout=PATIENCE)
    until(lambda: stage.panel.request.task == "cover")
    assert Path(stage.panel.request.source).parent == stage.settings.out / SOURCES
    page.fill("#prompt", "deep house")
    page.click("#go")
    row = find_row(page, "deep house")  # and not by the name of its source
    expect(row.locator(".facts")).to_contain_text("cover", timeout=PATIENCE)
    page.click("#source >> text=Leave it out")
    until(lambda: (stage.panel.request.source, stage.panel.request.task) == ("", ""))


@long
def test_a_midi_file_is_dropped_and_followed(stage: Stage, page: Page) -> None:
    drop(page, "tune.mid", TUNE)
    expect(page.locator("#source")).to_contain_text("guide: tune", timeout=PATIENCE)
    # the page shows what it sets before the daemon has it
    until(lambda: Path(stage.panel.request.guide).parent == stage.settings.out / SOURCES)


@long
def test_what_follows_either_a_sound_or_a_midi_file_asks_which(
    stage: Stage, asker: Asker, page: Page
) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    drop(page, "tune.mid", TUNE)
    expect(page.locator("#source")).to_contain_text("guide: tune", timeout=PATIENCE)
    drop(page, "my loop.wav", Path(take["path"]).read_bytes())
    for answer in ("the sound", "the MIDI file"):
        expect(page.locator(f"#source >> text={answer}")).to_be_in_viewport(ratio=1)
    page.click("#source >> text=the MIDI file")
    until(lambda: stage.panel.request.source == "")
    assert stage.panel.request.guide


@long
@pytest.mark.parametrize("name", ["wrong.wav", "wrong.mid", "notes.pdf"])
def test_what_is_no_sound_is_refused_by_its_name(stage: Stage, page: Page, name: str) -> None:
    drop(page, name, b"neither sound nor notes")
    expect(page.locator("#notice")).to_contain_text(name, timeout=PATIENCE)
    assert (stage.panel.request.source, stage.panel.request.guide) == ("", "")


@long
def test_a_refusal_is_over_when_the_next_of_its_kind_succeeds(stage: Stage, page: Page) -> None:
    notice = page.locator("#notice")
    page.evaluate("setTimeout = () => 0")  # and not by itself
    drop(page, "wrong.mid", b"no notes")
    expect(notice).to_contain_text("wrong.mid", timeout=PATIENCE)
    drop(page, "tune.mid", TUNE)
    expect(page.locator("#source")).to_contain_text("guide: tune", timeout=PATIENCE)
    expect(notice).to_be_hidden()
    page.evaluate("acestepd.connection.send('/ace/tempo', 9999)")
    expect(notice).to_contain_text("30", timeout=PATIENCE)
    page.evaluate("acestepd.connection.send('/ace/set/bpm', 90)")  # of another kind
    until(lambda: stage.panel.request.bpm == 90)
    expect(page.locator("#bpm")).to_have_value("90", timeout=PATIENCE)
    expect(notice).to_be_visible()
    page.evaluate("acestepd.connection.send('/ace/tempo', 120)")
    expect(notice).to_be_hidden(timeout=PATIENCE)


@long
def test_what_is_too_large_is_refused(
    stage: Stage, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drops, "MAX_BYTES", 1000)
    drop(page, "large.wav", bytes(100_000))
    expect(page.locator("#notice")).to_be_visible(timeout=PATIENCE)
    assert not stage.panel.request.source


@long
def test_a_cover_follows_its_sound_or_the_midi_file_and_not_both(
    stage: Stage, asker: Asker, page: Page
) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    page.fill("#prompt", "keys")
    drop(page, "tune.mid", TUNE)
    expect(page.locator("#source")).to_contain_text("guide: tune", timeout=PATIENCE)
    assert "/" not in page.input_value("#guide")
    drop(page, "loop.wav", Path(take["path"]).read_bytes())
    expect(page.locator("#source")).to_contain_text("It follows one of them", timeout=PATIENCE)
    page.click("#source >> text=the sound")
    until(lambda: stage.panel.request.guide == "")
    expect(page.locator("#source")).not_to_contain_text("one of them")
    page.select_option("#task", "")
    expect(page.locator("#source")).to_contain_text("does without it", timeout=PATIENCE)
    page.keyboard.press("Control+Enter")
    until(lambda: len(asker.find_takes()) == 2)
    newest, *_ = stage.journal.search(limit=1)
    assert newest.request.source == ""


@long
def test_what_came_with_a_source_goes_with_it(stage: Stage, asker: Asker, page: Page) -> None:
    source = make_take(stage, asker, "a", "prompt", "x", "bars", 4, "bpm", 240)["path"]
    window = ("repaint_bar", 2, "repaint_bars", 2, "repaint_strength", 0.25)
    make_take(stage, asker, "b", "prompt", "y", "task", "repaint", "source", source, *window)
    find_row(page, "repainted").locator(".choose").click()
    page.click("#detail >> text=Edit")
    page.click("#source >> text=Leave it out")
    page.fill("#prompt", "all new")
    page.click("#go")
    until(lambda: len(asker.find_takes()) == 3)
    newest, *_ = stage.journal.search(limit=1)
    asked = newest.request
    assert (asked.prompt, asked.task, asked.source) == ("all new", "", "")
    assert (asked.repaint_bar, asked.repaint_bars, asked.repaint_strength) == (0, 0, 0.5)


@long
def test_a_source_is_left_out_although_it_is_told_again_meanwhile(
    stage: Stage, asker: Asker, page: Page
) -> None:
    source = make_take(stage, asker, "a", "prompt", "x", "bars", 4, "bpm", 240)["path"]
    stage.panel.set("source", source)
    stage.panel.set("task", "repaint")
    page.hover("#source >> text=Leave it out")
    page.mouse.down()
    page.evaluate("acestepd.connection.send('/ace/get/source')")
    page.evaluate(
        """() => new Promise((resolve) => {
            acestepd.connection.on("/ace/synced", resolve);
            acestepd.connection.send("/ace/sync", 99);
        })"""
    )
    page.mouse.up()
    until(lambda: (stage.panel.request.task, stage.panel.request.source) == ("", ""))


@long
def test_a_text_that_is_replaced_comes_back(stage: Stage, asker: Asker, page: Page) -> None:
    take = make_take(stage, asker, "a", "prompt", "warm keys", "bars", 1, "key", "Am")
    page.locator(".choose").click()
    page.fill("#prompt", "an hour's work")
    page.fill("#lyrics", "and its words")
    page.click("#detail >> text=Edit")
    expect(page.locator("#notice")).to_contain_text("Your text was replaced", timeout=PATIENCE)
    expect(page.locator("#prompt")).to_have_value("warm keys")
    expect(page.locator("#seed")).to_have_value(str(take["seed"]))
    expect(page.locator("#lock")).to_be_checked()
    page.click("#form-undo")
    expect(page.locator("#prompt")).to_have_value("an hour's work", timeout=PATIENCE)
    expect(page.locator("#lyrics")).to_have_value("and its words")
    expect(page.locator("#lock")).not_to_be_checked()
    request = stage.panel.request
    assert (request.prompt, request.lyrics, request.key) == ("an hour's work", "and its words", "")
    page.click("#form-undo")  # and again what came in its place
    expect(page.locator("#prompt")).to_have_value("warm keys", timeout=PATIENCE)


@long
def test_a_second_undo_waits_for_the_first(stage: Stage, asker: Asker, page: Page) -> None:
    make_take(stage, asker, "a", "prompt", "warm keys", "bars", 1)
    page.locator(".choose").click()
    page.fill("#prompt", "an hour's work")
    page.click("#detail >> text=Edit")
    expect(page.locator("#notice")).to_contain_text("Your text was replaced", timeout=PATIENCE)
    release = hold(page, "/panel")
    with page.expect_request(is_get_panel):
        page.click("#form-undo")
    page.click("#form-undo")  # the first still reads all values
    page.wait_for_timeout(500)  # what does not wait for it is done
    release()
    expect(page.locator("#prompt")).to_have_value("warm keys", timeout=PATIENCE)


@long
def test_a_browsers_undo_brings_back_what_edit_replaced(
    stage: Stage, asker: Asker, page: Page
) -> None:
    make_take(stage, asker, "a", "prompt", "warm keys", "bars", 1, "key", "Am")
    page.fill("#prompt", "an hour's work")
    page.fill("#bars", "7")
    choose_take(page)
    page.keyboard.press("e")
    prompt = page.locator("#prompt")
    expect(prompt).to_have_value("warm keys", timeout=PATIENCE)
    expect(prompt).to_be_focused()
    page.keyboard.press("Control+z")
    expect(prompt).to_have_value("an hour's work", timeout=PATIENCE)
    expect(page.locator("#bars")).to_have_value("7")
    expect(page.locator("#key")).to_have_value("")
    page.keyboard.press("Control+z")  # and again what came in its place
    expect(prompt).to_have_value("warm keys", timeout=PATIENCE)
    page.fill("#bars", "2")
    page.focus("#prompt")
    page.keyboard.press("Control+z")  # what was changed since stays
    expect(prompt).to_have_value("an hour's work", timeout=PATIENCE)
    expect(page.locator("#bars")).to_have_value("2")
    until(lambda: stage.panel.request.prompt == "an hour's work")
    assert (stage.panel.request.bars, stage.panel.request.key) == (2, "A minor")
    page.keyboard.insert_text(" and more")
    page.keyboard.press("Control+z")  # what is typed is the browser's
    expect(prompt).to_have_value("an hour's work")


@long
def test_a_text_that_a_take_has_is_not_called_replaced(
    stage: Stage, asker: Asker, page: Page
) -> None:
    make_take(stage, asker, "a", "prompt", "warm keys", "bars", 1)
    page.fill("#prompt", "cold horns")
    page.click("#go")
    until(lambda: len(asker.find_takes()) == 2)
    find_row(page, "warm keys").locator(".choose").click()
    page.click("#detail >> text=Edit")
    expect(page.locator("#notice")).to_contain_text("The form has", timeout=PATIENCE)
    expect(page.locator("#notice")).not_to_contain_text("replaced")
    expect(page.locator("#form-undo")).to_be_hidden()


@long
@pytest.mark.parametrize("width", [360, 1440])
def test_a_new_form_is_as_the_settings_say(tmp_path: Path, open_page: OpenPage, width: int) -> None:
    with on_stage(tmp_path, page=0, request=Request(bpm=90, key="A minor")) as stage:
        assert stage.page
        page = open_page(stage.page.port, viewport={"width": width, "height": 740})
        page.fill("#bpm", "9999")
        page.fill("#key", "C major")
        page.fill("#count", "4")
        page.fill("#prompt", "what was typed last")
        page.get_by_role("button", name="New", exact=True).click()
        expect(page.locator("#prompt")).to_have_value("", timeout=PATIENCE)
        expect(page.locator("#key")).to_have_value("A minor")
        expect(page.locator("#bpm")).to_have_value("90")
        expect(page.locator("#count")).to_have_value("1")
        assert stage.panel.request == stage.panel.defaults
        page.click("#form-undo")
        expect(page.locator("#prompt")).to_have_value("what was typed last", timeout=PATIENCE)
        expect(page.locator("#key")).to_have_value("C major")
        expect(page.locator("#count")).to_have_value("4")
        assert stage.panel.request.prompt == "what was typed last"


@long
@pytest.mark.parametrize("name", ["song.txt", "Song.MD"])
def test_lyrics_are_dropped_as_a_file(stage: Stage, page: Page, name: str) -> None:
    page.fill("#lyrics", "what was written")
    drop(page, name, "[verse]\r\nÜber die Brücke\r\n".encode("utf-8-sig"))
    expect(page.locator("#lyrics")).to_have_value("[verse]\nÜber die Brücke\n", timeout=PATIENCE)
    until(lambda: stage.panel.request.lyrics.startswith("[verse]\nÜber die Brücke"))
    expect(page.locator("#reading")).to_contain_text("verse: 1 line", timeout=PATIENCE)
    page.click("#form-undo")
    expect(page.locator("#lyrics")).to_have_value("what was written", timeout=PATIENCE)


def is_get_panel(request: Ask) -> bool:
    return request.method == "GET" and request.url.endswith("/panel")


def hold(page: Page, path: str) -> Callable[[], None]:
    """What the page gets from there is held back until the function is called."""
    held: list[Route] = []
    is_held = True

    def answer(route: Route) -> None:
        if is_held and route.request.method == "GET":
            held.append(route)
        else:
            route.continue_()

    def release() -> None:
        nonlocal is_held
        is_held = False
        for route in held:
            route.continue_()

    page.route(f"**{path}", answer)
    return release


@long
def test_what_was_typed_last_does_not_come_back_over_a_form_that_is_replaced(
    stage: Stage, page: Page
) -> None:
    page.wait_for_load_state("networkidle")
    release = hold(page, "/panel")
    page.fill("#lyrics", "what was written")
    with page.expect_request(lambda request: request.url.endswith("/panel")):
        drop(page, "song.txt", b"over the bridge")
    page.wait_for_timeout(1000)  # the pause after typing is over meanwhile
    release()
    expect(page.locator("#lyrics")).to_have_value("over the bridge", timeout=PATIENCE)
    assert stage.panel.request.lyrics == "over the bridge"


@long
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe\x00la", "UTF-8"),
        (b"la " * 100_000, "256 KB"),
        (b"la la la\n" * 10_000, "lyrics"),
    ],
)
def test_what_are_no_lyrics_is_refused(stage: Stage, page: Page, content: bytes, told: str) -> None:
    page.fill("#lyrics", "what was written")
    drop(page, "song.txt", content)
    expect(page.locator("#notice")).to_contain_text(told, timeout=PATIENCE)
    expect(page.locator("#lyrics")).to_have_value("what was written")
    until(lambda: stage.panel.request.lyrics == "what was written")


# --- to listen ----------------------------------------------------------------------------------


@long
def test_a_take_is_heard_and_loops(stage: Stage, asker: Asker, page: Page) -> None:
    make_take(stage, asker, "a", "prompt", "x", "bars", 1, "bpm", 240)
    page.locator(".hear").first.click()
    wait_for_level(page, 0.1, 1)
    until(lambda: page.evaluate("acestepd.player.clock - acestepd.player.began > 1.5"))
    assert page.evaluate("acestepd.player.seconds") == 1.0
    wait_for_level(page, 0.1, 1)
    page.click("#play")
    assert not page.evaluate("acestepd.player.isPlaying")


@long
@pytest.mark.parametrize("loops", [True, False])
def test_another_take_of_its_length_goes_on_in_the_beat(
    stage: Stage, asker: Asker, page: Page, loops: bool
) -> None:
    page.locator("#loop").set_checked(loops)
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
    assert page.evaluate("acestepd.player.position > 0.4")


def drag_over(page: Page, low: float, high: float) -> None:
    """The waveform, from one part of its width to another."""
    box = page.locator("#picture").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * low, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * high, box["y"] + 20)
    page.mouse.up()


@long
def test_bars_that_are_chosen_are_looped_in_the_beat(
    stage: Stage, asker: Asker, page: Page
) -> None:
    for id in ("first", "second"):
        make_take(stage, asker, id, "prompt", id, "bars", 4, "bpm", 240)
    find_row(page, "first").locator(".choose").click()
    drag_over(page, 0.3, 0.7)
    page.keyboard.press("l")
    expect(page.locator("#loop-bars")).to_have_attribute("aria-pressed", "true", timeout=PATIENCE)
    until(lambda: page.evaluate("acestepd.player.clock - acestepd.player.began > 5"))
    places = page.evaluate("acestepd.player.position")
    assert 1 <= places < 3
    wait_for_level(page, 0.1, 1)  # it did not end
    began = page.evaluate("acestepd.player.began")
    find_row(page, "second").locator(".hear").click()
    until(lambda: page.evaluate("acestepd.player.take.id === 'second'"))
    shift = (page.evaluate("acestepd.player.began") - began) % 2
    assert min(shift, 2 - shift) < 0.5 / 48_000, "a whole number of loops later, to the sample"
    assert 1 <= page.evaluate("acestepd.player.position") < 3
    expect(page.locator("#repaint-from")).to_have_value("2")
    page.keyboard.press("l")
    expect(page.locator("#loop-bars")).to_have_attribute("aria-pressed", "false")
    until(lambda: page.evaluate("acestepd.player.position >= 3"))


@long
def test_a_row_that_is_clicked_goes_on_in_the_beat_of_what_plays(
    stage: Stage, asker: Asker, page: Page
) -> None:
    for id in ("first", "second"):
        make_take(stage, asker, id, "prompt", id, "bars", 4, "bpm", 120)
    find_row(page, "second").locator(".choose").click()
    assert not page.evaluate("acestepd.player.isPlaying"), "nothing did"
    find_row(page, "first").locator(".hear").click()
    until(lambda: page.evaluate("acestepd.player.isPlaying && acestepd.player.position > 0.5"))
    began = page.evaluate("acestepd.player.began")
    find_row(page, "second").locator(".choose").click()
    until(lambda: page.evaluate("acestepd.player.take.id === 'second'"))
    seconds = page.evaluate("acestepd.player.seconds")
    shift = (page.evaluate("acestepd.player.began") - began) % seconds
    assert min(shift, seconds - shift) < 0.5 / 48_000
    find_row(page, "second").locator(".choose").dblclick()
    find_row(page, "first").locator(".choose").dblclick()  # the same as one click
    until(lambda: page.evaluate("acestepd.player.take.id === 'first'"))
    assert page.evaluate("acestepd.player.isPlaying")


@long
def test_bars_are_chosen_looped_and_repainted_by_keys(
    stage: Stage, asker: Asker, page: Page
) -> None:
    make_take(stage, asker, "a", "prompt", "four bars", "bars", 4, "bpm", 240)
    page.keyboard.press("b")
    expect(page.locator("#notice")).to_contain_text("choose bars first", timeout=PATIENCE)
    choose_take(page, "four bars")
    first, last = page.locator("#repaint-from"), page.locator("#repaint-to")
    for key, bars in (
        ("ArrowRight", ("1", "1")),
        ("ArrowRight", ("2", "2")),
        ("ArrowLeft", ("1", "1")),
        ("ArrowLeft", ("1", "1")),
        ("ArrowRight", ("2", "2")),
        ("Shift+ArrowRight", ("2", "3")),
        ("Shift+ArrowRight", ("2", "4")),
        ("ArrowRight", ("2", "4")),
        ("Shift+ArrowLeft", ("2", "3")),
    ):
        page.keyboard.press(key)
        assert (first.input_value(), last.input_value()) == bars
    expect(page.locator("#bars-chosen")).to_have_text("bars 2 to 3")
    page.keyboard.press("l")
    until(lambda: page.evaluate("acestepd.player.part?.start") == 1)
    page.keyboard.press("b")
    until(lambda: len(asker.find_takes()) == 2)
    newest, *_ = stage.journal.search(limit=1)
    asked = newest.request
    assert (asked.task, asked.repaint_bar, asked.repaint_bars) == ("repaint", 2, 2)


@long
def test_stems_are_muted_and_heard_alone_by_keys(stage: Stage, asker: Asker, page: Page) -> None:
    make_take(stage, asker, "a", "prompt", "no stems", "bars", 2)
    make_take(stage, asker, "b", "prompt", "two stems", "bars", 2, "stems", "drums bass")
    choose_take(page, "no stems")
    page.keyboard.press("s")
    expect(page.locator("#notice")).to_contain_text("has no stems", timeout=PATIENCE)
    choose_take(page, "two stems")
    page.keyboard.press("s")
    expect(page.locator("[aria-label='Solo drums']")).to_be_focused()
    page.keyboard.press("m")
    expect(page.locator("[aria-label='Mute drums']")).to_have_attribute("aria-pressed", "true")
    for key in ("ArrowDown", "ArrowDown", "s"):
        page.keyboard.press(key)
    alone = page.locator("[aria-label='Solo bass']")
    expect(alone).to_be_focused()
    expect(alone).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowUp")
    expect(page.locator("[aria-label='Solo drums']")).to_be_focused()
    until(lambda: page.evaluate("acestepd.player.levels.get('drums')") == 0)
    expect(page.locator("#detail h3")).to_have_text("two stems")


@long
def test_a_click_beside_the_bars_that_are_looped_leaves_them(
    stage: Stage, asker: Asker, page: Page
) -> None:
    make_take(stage, asker, "a", "prompt", "short one", "bars", 4, "bpm", 120)
    make_take(stage, asker, "b", "prompt", "long one", "bars", 8, "bpm", 120)
    find_row(page, "short one").locator(".choose").click()
    drag_over(page, 0.3, 0.45)
    page.click("#loop-bars")
    until(lambda: page.evaluate("acestepd.player.isPlaying"))
    choose_take(page, "long one")
    expect(page.locator("#repaint-to")).to_have_value("8", timeout=PATIENCE)
    expect(page.locator("#loop-bars")).to_have_attribute("aria-pressed", "false")
    choose_take(page, "short one")
    expect(page.locator("#repaint-to")).to_have_value("2", timeout=PATIENCE)
    expect(page.locator("#loop-bars")).to_have_attribute("aria-pressed", "true")
    box = page.locator("#picture").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + 20)
    until(lambda: page.evaluate("acestepd.player.position > 6"))
    expect(page.locator("#loop-bars")).to_have_attribute("aria-pressed", "false")


@long
def test_the_line_that_is_sung_is_marked_and_its_words_are_used_again(
    tmp_path: Path, open_page: OpenPage
) -> None:
    model = SteppedModel()
    model.lines = (LineTime("we are alive", 0.0, 60.0, "Verse", 1, 9, 1, ()),)
    lyrics = "[Verse]\nwe are alive\n" + "\nla la la la" * 60
    with on_stage(tmp_path, model, page=0) as stage:
        assert stage.page
        make_take(stage, Asker(stage.page.port), "a", "prompt", "x", "seconds", 8, "lyrics", lyrics)
        page = open_page(stage.page.port)
        page.locator(".choose").click()
        box = page.locator("#lyrics-sung")
        height = box.evaluate("(box) => box.clientHeight")
        expect(box.locator("p")).to_have_count(lyrics.count("\n") + 1, timeout=PATIENCE)
        assert box.evaluate("(box) => box.clientHeight") == height, "nothing moves"
        page.click("#play-take")
        expect(box.locator("[aria-current]")).to_have_text("we are alive", timeout=PATIENCE)
        page.click("#play-take")
        expect(box.locator("[aria-current]")).to_have_count(0)
        page.click("#use-words")
        until(lambda: stage.panel.request.lyrics == lyrics)
        expect(page.locator("#lyrics")).to_have_value(lyrics)


# --- pads -----------------------------------------------------------------------------------------


@long
def test_models_and_adapters_are_changed_and_refused_where_they_were_asked_for(
    tmp_path: Path, open_page: OpenPage
) -> None:
    lora = tmp_path / "lofi.safetensors"
    lora.touch()
    other = tmp_path / "other"
    other.symlink_to(voice_folder("mini"))
    models = (str(other), "Somebody/model")
    given: dict[str, Any] = {"models": models, "folders": (tmp_path,)}
    with on_stage(tmp_path / "stage", page=0, **given) as stage:
        assert stage.page
        page = open_page(stage.page.port)
        page.click("#open-daemon")
        page.click("[aria-label='Put on lofi']")
        expect(page.locator("#adapters [aria-current]")).to_have_count(1, timeout=PATIENCE)
        scale = page.locator("[aria-label='Scale of lofi']")
        scale.fill("0.5")
        page.keyboard.press("Enter")
        until(lambda: [one.scale for one in stage.engine.adapters] == [0.5])
        scale.fill("99")
        page.keyboard.press("Enter")
        told = page.locator("#daemon .told")
        expect(told).to_contain_text("scale", timeout=PATIENCE)
        expect(scale).to_have_value("0.5", timeout=PATIENCE)
        page.click("[aria-label='Take off lofi']")
        until(lambda: stage.engine.adapters == ())
        page.fill("#adapter-path", "/nowhere/x.safetensors")
        page.keyboard.press("Enter")
        expect(told).to_contain_text("is not in a folder", timeout=PATIENCE)
        missing = page.locator("#models li").filter(has_text="Somebody/model")
        expect(missing).to_contain_text("acestepd pull Somebody/model")
        expect(missing.locator("button")).to_have_count(0)
        page.click(f"[aria-label='Load {other}']")
        expect(page.locator("#models [aria-current]")).to_contain_text(str(other), timeout=PATIENCE)
        page.click("[aria-label='Load mini']")
        expect(page.locator("#model-state")).to_have_text("ready", timeout=PATIENCE)


@long
def test_the_model_that_plays_is_loaded_anew_in_its_variant(
    stage: Stage, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.engine.switch_model("mini", "other")
    expect(page.locator("#engine-text")).to_contain_text("ready", timeout=PATIENCE)
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(stage.engine, "switch_model", lambda *choice: asked.append(choice))
    page.click("#open-daemon")
    expect(page.locator("#models [aria-current]")).to_contain_text("mini/other", timeout=PATIENCE)
    page.click("[aria-label='Load anew mini']")
    until(lambda: asked == [("mini", "other")])


@long
def test_all_that_doctor_looked_at_is_folded(page: Page) -> None:
    page.click("#open-daemon")
    page.click("#daemon-body summary")
    expect(page.locator("#findings")).to_contain_text("out: ", timeout=PATIENCE)


@long
def test_nothing_is_called_well_while_the_engine_is_in_trouble(
    tmp_path: Path, open_page: OpenPage
) -> None:
    with on_stage(tmp_path, page=0) as stage:
        assert stage.page
        page = open_page(stage.page.port)
        page.click("#open-daemon")
        summary = page.locator("#daemon-body summary")
        expect(summary).to_contain_text("All is well: ", timeout=PATIENCE)
        stage.engine.publish(Event("state", None, ("error", "mini", 0)))
        expect(page.locator("#daemon-body")).to_contain_text("in trouble", timeout=PATIENCE)
        expect(summary).to_contain_text("looked at")
        expect(summary).not_to_contain_text("All is well")


@long
def test_where_no_program_puts_clips_in_it_is_said_what_to_do(
    stage: Stage, asker: Asker, page: Page
) -> None:
    make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    page.locator(".choose").click()
    page.locator(".actions").get_by_text("Into the DAW").click()
    expect(page.locator("#into-daw")).to_contain_text("Ableton Live", timeout=PATIENCE)
    expect(page.locator("#into-daw-why")).to_contain_text("no integration is connected")


@long
def test_banks_are_saved_by_name_listed_and_loaded(stage: Stage, page: Page) -> None:
    page.click("#bank")
    page.fill("#bank-name", "verse")
    page.keyboard.press("Enter")
    expect(page.locator("#bank-list [aria-current]")).to_contain_text("verse", timeout=PATIENCE)
    expect(page.locator("#bank-name")).to_have_value("", timeout=PATIENCE)
    page.fill("#bank-name", "chorus")
    page.click("#bank-save button")
    expect(page.locator("#bank-list [aria-current]")).to_contain_text("chorus", timeout=PATIENCE)
    page.click("[aria-label='Load verse']")
    expect(page.locator("#bank")).to_have_text("Bank verse", timeout=PATIENCE)
    expect(page.locator("#bank")).to_have_attribute("title", re.compile("^Bank verse: "))
    expect(page.locator("#bank-list [aria-current]")).to_contain_text("verse", timeout=PATIENCE)
    page.fill("#bank-name", "chorus")
    page.keyboard.press("Enter")
    expect(page.locator("#confirm-text")).to_contain_text("in place of bank chorus")
    page.click("#confirm [value=no]")
    page.fill("#bank-name", "a/b")
    page.keyboard.press("Enter")
    expect(page.locator("#banks .told")).to_contain_text("a bank's name has", timeout=PATIENCE)
    assert stage.pads
    assert stage.pads.banks.current[0] == "verse"


@long
def test_banks_are_renamed_and_thrown_away(
    stage: Stage, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trash = use_trash(tmp_path, monkeypatch)
    assert stage.pads
    for name in ("verse", "chorus"):
        stage.pads.banks.save(name)
    page.click("#bank")
    expect(page.locator("[aria-label='Delete chorus']")).to_be_disabled(timeout=PATIENCE)
    for name, new in (("chorus", "drop"), ("verse", "quiet verse")):
        page.click(f"[aria-label='Rename {name}']")
        field = page.get_by_label(f"Another name for {name}")
        expect(field).to_be_focused()
        field.fill(new)
        page.keyboard.press("Enter")
        expect(page.locator(f"[aria-label='Rename {new}']")).to_be_focused(timeout=PATIENCE)
    expect(page.locator("#bank")).to_have_text("Bank drop")
    page.click("[aria-label='Rename drop']")
    page.keyboard.press("Escape")  # which closes the field alone
    expect(page.locator("[aria-label='Rename drop']")).to_be_focused()
    page.click("[aria-label='Rename drop']")
    page.get_by_label("Another name for drop").fill("quiet verse")
    page.keyboard.press("Enter")
    told = page.locator("#banks .told")
    expect(told).to_contain_text("there is a bank 'quiet verse' already", timeout=PATIENCE)
    page.keyboard.press("Escape")
    page.click("[aria-label='Delete quiet verse']")
    expect(page.locator("#confirm-text")).to_contain_text("quiet verse")
    page.click("#confirm-yes")
    expect(page.locator("#bank-list li")).to_have_count(1, timeout=PATIENCE)
    expect(page.locator("#bank-name")).to_be_focused()
    assert (trash / "files" / "quiet verse.json").exists()


@long
def test_a_click_on_the_waveform_plays_from_there(stage: Stage, asker: Asker, page: Page) -> None:
    make_take(stage, asker, "a", "prompt", "x", "bars", 8, "bpm", 60)
    page.locator(".choose").click()
    box = page.locator("#picture").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 20)
    until(lambda: page.evaluate("acestepd.player.isPlaying"))
    assert 15.9 < page.evaluate("acestepd.player.position") < 30
    page.mouse.click(box["x"] + 1, box["y"] + 20)
    until(lambda: page.evaluate("acestepd.player.position < 15"))


@long
def test_stems_are_muted_and_heard_alone(stage: Stage, asker: Asker, page: Page) -> None:
    make_take(stage, asker, "a", "prompt", "x", "bars", 2, "stems", "drums bass", "peak_db", -12)
    page.locator(".choose").click()
    stems = page.locator("#play-stems")
    stems.click()
    until(lambda: page.evaluate("acestepd.player.stems.length") == 2)
    until(lambda: page.evaluate(LOUDEST) > 0.1)
    both = page.evaluate(LOUDEST)
    page.click("[aria-label='Mute drums']")
    wait_for_level(page, 0.1, 0.7 * both)
    page.click("[aria-label='Mute bass']")
    wait_for_level(page, 0, 0.001)
    page.click("[aria-label='Solo drums']")
    wait_for_level(page, 0.1, 0.7 * both)
    expect(page.locator("[aria-label='Solo drums']")).to_have_attribute("aria-pressed", "true")
    expect(stems).to_have_text("Stop the stems")
    stems.click()
    until(lambda: not page.evaluate("acestepd.player.isPlaying"))
    expect(stems).to_have_text("Play the stems")


@long
def test_a_stem_that_is_muted_in_the_mix_goes_silent_in_the_beat(
    stage: Stage, asker: Asker, page: Page
) -> None:
    make_take(stage, asker, "a", "prompt", "x", "bars", 4, "bpm", 120, "stems", "drums bass")
    find_row(page, "x").locator(".hear").click()
    until(lambda: page.evaluate("acestepd.player.isPlaying && acestepd.player.position > 0.5"))
    began = page.evaluate("acestepd.player.began")
    page.click("[aria-label='Mute drums']")
    until(lambda: page.evaluate("acestepd.player.stems.join()") == "drums,bass")
    seconds = page.evaluate("acestepd.player.seconds")
    shift = (page.evaluate("acestepd.player.began") - began) % seconds
    assert min(shift, seconds - shift) < 0.5 / 48_000
    page.click("[aria-label='Mute bass']")
    wait_for_level(page, 0, 0.001)
    page.keyboard.press("Space")  # a mouse has pressed M: it is the player's key
    until(lambda: not page.evaluate("acestepd.player.isPlaying"))
    expect(page.locator("[aria-label='Mute bass']")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")  # what is shown as muted stays so
    until(lambda: page.evaluate("acestepd.player.isPlaying"))
    wait_for_level(page, 0, 0.001)
    assert page.evaluate("acestepd.player.stems.join()") == "drums,bass"
    page.keyboard.press("Tab")
    page.focus("[aria-label='Mute bass']")
    page.keyboard.press("Space")
    expect(page.locator("[aria-label='Mute bass']")).to_have_attribute("aria-pressed", "false")


@long
def test_a_stem_that_is_heard_alone_stays_so_in_the_takes_that_have_it(
    stage: Stage, asker: Asker, page: Page
) -> None:
    pairs = ("prompt", "x", "bars", 2, "bpm", 120)
    make_take(stage, asker, "a", *pairs, "stems", "drums bass")
    make_take(stage, asker, "b", *pairs, "stems", "drums")
    make_take(stage, asker, "c", *pairs, "stems", "drums bass")
    expect(page.locator(".hear:visible")).to_have_count(3, timeout=PATIENCE)
    page.locator(".choose").first.click()
    page.click("[aria-label='Solo bass']")
    until(lambda: page.evaluate("acestepd.player.isPlaying"))
    alone = {"drums": 0, "bass": 1}
    for key, id, stems, levels in (
        ("j", "b", ["mix"], {"drums": 1}),
        ("j", "a", ["drums", "bass"], alone),
        ("k", "b", ["mix"], {"drums": 1}),
        ("k", "c", ["drums", "bass"], alone),
    ):
        page.keyboard.press(key)
        page.wait_for_function("id => acestepd.player.take.id === id", arg=id)
        assert page.evaluate("acestepd.player.stems") == stems
        now = page.evaluate("Object.fromEntries(acestepd.player.levels)")
        assert {stem: now[stem] for stem in levels} == levels
    solo = page.locator("[aria-label='Solo bass']")
    expect(solo).to_have_attribute("aria-pressed", "true")


@long
def test_panic_says_that_pads_are_not_made_in_advance_for_a_while(page: Page) -> None:
    page.click("#panic")
    told = f"no pad is made in advance for {PAUSE_SECONDS:g} seconds"
    expect(page.locator("#notice")).to_contain_text(told, timeout=PATIENCE)


@long
def test_what_opens_is_seen(stage: Stage, asker: Asker, page: Page) -> None:
    page.set_viewport_size({"width": 1366, "height": 768})
    make_take(stage, asker, "a", "prompt", "x", "bars", 4, "stems", "drums bass")
    page.locator(".choose").click()
    page.click("text=Between two takes")
    expect(page.locator("#variation")).to_be_in_viewport(ratio=1)
    page.click("#stems summary")
    expect(page.locator("#tracks")).to_be_in_viewport(ratio=1)


# --- what becomes of takes ----------------------------------------------------------------------


@long
def test_progress_is_seen_and_a_take_is_cancelled(tmp_path: Path, open_page: OpenPage) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model, page=0) as stage:
        assert stage.page
        page = open_page(stage.page.port)
        page.fill("#prompt", "slow")
        page.click("#go")
        row = find_row(page, "slow")
        model.step(2)
        expect(row.locator("progress")).to_have_js_property("value", 0.5, timeout=PATIENCE)
        expect(row).to_contain_text("diffusion 50 %")
        page.set_viewport_size({"width": 390, "height": 800})
        expect(page.locator("#badge")).to_have_text("50 %")
        page.set_viewport_size({"width": 1440, "height": 900})
        page.locator("#loop").focus()
        page.keyboard.press("x")
        expect(row.locator("progress")).to_be_hidden(timeout=PATIENCE)
        [job] = stage.journal.search()
        assert job.state.value == "cancelled"
        page.keyboard.press("x")
        expect(page.locator("#notice")).to_have_text("no take is being made")
        model.run()


@long
def test_a_take_is_heard_before_it_is_made(tmp_path: Path, open_page: OpenPage) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model, page=0) as stage:
        assert stage.page
        page = open_page(stage.page.port)
        stage.panel.set("preview", "1")
        page.fill("#prompt", "slow")
        page.click("#go")
        model.step(1)
        hear = find_row(page, "slow").locator(".hear")
        expect(hear).to_be_visible(timeout=PATIENCE)
        hear.click()
        until(lambda: page.evaluate("acestepd.player.stems.join()") == "preview")
        wait_for_level(page, 0.05, 1)
        model.run()
        expect(find_row(page, "slow").locator(".drag")).to_be_visible(timeout=PATIENCE)


@long
def test_a_take_is_rerolled_marked_and_searched_for(stage: Stage, asker: Asker, page: Page) -> None:
    make_take(stage, asker, "a", "prompt", "the first", "bars", 1, "seed", 7654321)
    make_take(stage, asker, "b", "prompt", "another", "bars", 1)
    find_row(page, "the first").locator(".choose").click()
    page.click("#detail >> text=Reroll")
    expect(find_row(page, "the first")).to_have_count(2, timeout=PATIENCE)
    newest, *_ = stage.journal.search(limit=1)
    assert (newest.parent, newest.request.prompt) == ("a", "the first")
    find_row(page, "seed 7654321").locator(".star").click()
    expect(page.locator("#rows li.favourite")).to_have_count(1, timeout=PATIENCE)
    page.check("#favourites")
    expect(page.locator("#count-text")).to_have_text("1 of 3 takes", timeout=PATIENCE)
    page.uncheck("#favourites")
    for words in ("7654321", "another"):
        page.fill("#words", words)
        expect(page.locator("#rows li")).to_have_count(1, timeout=PATIENCE)
        expect(page.locator("#count-text")).to_have_text("1 of 3 takes")
    page.fill("#words", "nothing like it")
    expect(page.locator("#none")).to_have_text("No take is like that.", timeout=PATIENCE)


@long
def test_a_search_stays_until_escape_is_pressed_again_and_hides_what_delete_would_ask_about(
    stage: Stage, asker: Asker, page: Page
) -> None:
    make_take(stage, asker, "a", "prompt", "horns", "bars", 1)
    make_take(stage, asker, "b", "prompt", "keys", "bars", 1)
    choose_take(page, "horns")
    page.keyboard.press("/")
    page.keyboard.type("keys")
    expect(page.locator("#count-text")).to_have_text("1 of 2 takes", timeout=PATIENCE)
    expect(page.locator("#detail h3")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("#words")).not_to_be_focused()
    expect(page.locator("#words")).to_have_value("keys")
    page.keyboard.press("Delete")
    expect(page.locator("#confirm")).to_be_hidden()
    page.evaluate(
        "fetch('/takes?words=horns').then((answer) => answer.json())"
        ".then(({ takes: [take] }) => acestepd.takes.select(take))"
    )
    expect(page.locator("#detail h3")).to_have_text("horns")  # as a pad may choose it
    page.keyboard.press("Delete")
    expect(page.locator("#notice")).to_contain_text("the search hides", timeout=PATIENCE)
    expect(page.locator("#confirm")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#count-text")).to_have_text("2 takes", timeout=PATIENCE)
    expect(page.locator("#words")).to_have_value("")
    page.keyboard.press("Delete")
    expect(page.locator("#confirm")).to_be_visible()


@long
def test_a_row_begins_with_tempo_and_key(stage: Stage, asker: Asker, page: Page) -> None:
    values = ("prompt", "لحن هادئ", "bars", 1, "bpm", 97, "key", "Am", "seed", 7)
    make_take(stage, asker, "a", *values)
    row = page.locator("#rows li")
    expect(row.locator(".facts")).to_have_text(
        re.compile("^97 bpm · A minor · seed 7 · 1 bar"), timeout=PATIENCE
    )
    # where there is no room its end is cut, and not its beginning
    direction = row.locator(".title").evaluate("each => getComputedStyle(each).direction")
    assert direction == "rtl"


@long
def test_what_was_stopped_says_so(tmp_path: Path, open_page: OpenPage) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model, page=0) as stage:
        assert stage.page
        page = open_page(stage.page.port)
        page.fill("#prompt", "slow")
        page.click("#go")
        expect(find_row(page, "slow")).to_be_visible(timeout=PATIENCE)
        page.click("#panic")
        expect(page.locator("#notice")).to_contain_text("1 take cancelled", timeout=PATIENCE)
        expect(page.locator("#engine")).to_be_hidden()  # it is behind what is told
        page.locator("#rows .choose").click()
        expect(page.locator("#detail .facts")).to_contain_text("cancelled", timeout=PATIENCE)
        model.run()


@long
def test_what_was_asked_for_is_chosen_when_it_is_there(
    stage: Stage, asker: Asker, page: Page
) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.fill("#prompt", "the first")
    page.fill("#bars", "1")
    page.click("#go")
    tab = page.locator("nav a[href='#take']")
    expect(tab).to_contain_text("new", timeout=PATIENCE)
    page.keyboard.press("Escape")
    page.click("#play")
    until(lambda: page.evaluate("acestepd.player.isPlaying"))
    tab.click()
    expect(page.locator("#detail h3")).to_have_text("the first")
    expect(tab).not_to_contain_text("new")
    page.evaluate("location.hash = '#takes'")
    page.set_viewport_size({"width": 1440, "height": 900})  # where it is in view at once
    page.fill("#prompt", "the second")
    page.click("#go")
    expect(page.locator("#detail h3")).to_have_text("the second", timeout=PATIENCE)
    page.set_viewport_size({"width": 360, "height": 740})
    expect(tab).not_to_contain_text("new")


@long
def test_a_choice_is_kept_when_what_was_asked_for_is_there(
    tmp_path: Path, open_page: OpenPage
) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model, page=0) as stage:
        assert stage.page
        page = open_page(stage.page.port)
        page.fill("#prompt", "the first")
        page.click("#go")
        model.step(model.defaults.num_steps)
        expect(page.locator("#detail h3")).to_have_text("the first", timeout=PATIENCE)
        page.fill("#prompt", "the second")
        page.click("#go")
        expect(find_row(page, "the second")).to_be_visible(timeout=PATIENCE)
        find_row(page, "the first").locator(".choose").click()
        model.run()
        expect(find_row(page, "the second").locator(".hear")).to_be_visible(timeout=PATIENCE)
        expect(page.locator("#detail h3")).to_have_text("the first")


@long
def test_what_was_cancelled_is_taken_off_at_once(tmp_path: Path, open_page: OpenPage) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model, page=0) as stage:
        assert stage.page
        page = open_page(stage.page.port)
        page.fill("#prompt", "slow")
        page.fill("#count", "5")
        page.click("#go")
        expect(page.locator("#rows li")).to_have_count(5, timeout=PATIENCE)
        page.click("#cancel")
        until(lambda: {job.state.value for job in stage.journal.search()} == {"cancelled"})
        page.locator("#rows .choose").first.click()
        page.click("text=Delete all 5 without a file")
        expect(page.locator("#confirm-text")).to_contain_text("5 takes")
        page.click("text=Take them off")
        expect(page.locator("#rows li")).to_have_count(0, timeout=PATIENCE)
        model.run()


@long
def test_what_lies_between_two_takes_is_made(stage: Stage, asker: Asker, page: Page) -> None:
    for seed in (5, 6):
        make_take(stage, asker, f"t{seed}", "prompt", "x", "bars", 1, "seed", seed)
    find_row(page, "seed 5").locator(".choose").click()
    page.click("text=Between two takes")
    expect(page.locator("#variation-to option").nth(1)).to_contain_text("seed 6, ")
    page.select_option("#variation-to", index=1)
    page.locator("#variation-amount").fill("0.25")
    page.click("#variation")
    until(lambda: len(asker.find_takes()) == 3)
    newest, *_ = stage.journal.search(limit=1)
    request = newest.request
    assert (request.seed, request.variation, request.variation_seed) == (5, 0.25, 6)


@long
def test_bars_are_chosen_on_the_waveform_and_repainted(
    stage: Stage, asker: Asker, page: Page
) -> None:
    make_take(stage, asker, "a", "prompt", "four bars", "lyrics", "la", "bars", 4, "bpm", 240)
    stage.panel.set("prompt", "what is asked for next")
    stage.panel.set("bars", 16)
    find_row(page, "four bars").locator(".choose").click()
    drag_over(page, 0.3, 0.7)
    expect(page.locator("#repaint-from")).to_have_value("2")
    expect(page.locator("#repaint-to")).to_have_value("3")
    page.click("#repaint")
    until(lambda: len(asker.find_takes()) == 2)
    newest, *_ = stage.journal.search(limit=1)
    expect(page.locator("#rows")).to_contain_text("bars 2 to 3 repainted", timeout=PATIENCE)
    assert newest.request.task == "repaint"
    assert (newest.request.repaint_bar, newest.request.repaint_bars) == (2, 2)
    assert (newest.request.prompt, newest.request.lyrics) == ("four bars", "la")
    assert not page.evaluate("acestepd.player.isPlaying")


@long
def test_a_wav_is_dragged_out_or_saved(stage: Stage, asker: Asker, page: Page) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1, "stems", "drums")
    name = Path(take["path"]).name
    address = f"{asker.origin}/takes/{take['number']}/sound"
    row = page.locator("#rows .drag")
    expect(row).to_be_visible(timeout=PATIENCE)
    assert row.evaluate(DRAG_OUT) == f"audio/wav:{name}:{address}/mix"
    page.locator(".choose").click()
    lane = page.locator(".lane .drag")
    assert lane.evaluate(DRAG_OUT).endswith(f"_drums.wav:{address}/drums")
    with page.expect_download() as download:
        row.click()
    assert download.value.suggested_filename == name
    assert Path(download.value.path()).read_bytes() == Path(take["path"]).read_bytes()


@long
@pytest.mark.parametrize("width", [360, 1440])
def test_a_take_is_edited_and_made_otherwise(
    stage: Stage, asker: Asker, page: Page, width: int
) -> None:
    make_take(stage, asker, "a", "prompt", "warm keys", "bars", 1, "key", "Am", "stems", "drums")
    page.set_viewport_size({"width": width, "height": 740})
    page.evaluate("location.hash = '#takes'")
    page.fill("#words", "warm")
    page.locator(".choose").click()
    page.click("#detail >> text=Edit")
    prompt = page.locator("#prompt")
    expect(prompt).to_have_value("warm keys", timeout=PATIENCE)
    expect(prompt).to_be_focused()
    expect(page.locator("#key")).to_have_value("A minor")
    page.keyboard.press("End")
    page.keyboard.type(", brighter")
    page.keyboard.press("Control+Enter")
    expect(find_row(page, "warm keys, brighter")).to_contain_text("A minor", timeout=PATIENCE)
    newest, *_ = stage.journal.search(limit=1)
    assert (newest.request.stems, newest.request.bars) == ("drums", 1)


@long
def test_a_recipe_can_be_read(stage: Stage, asker: Asker, page: Page) -> None:
    make_take(stage, asker, "a", "prompt", "x", "bars", 1, "key", "Am", "seed", 77)
    page.locator(".choose").click()
    page.click("#detail >> text=Recipe")
    facts = page.locator("#recipe dl")
    for text in ("A minor", "77", "model"):
        expect(facts).to_contain_text(text, timeout=PATIENCE)
    assert "peak" not in facts.inner_text()  # it is as it is by default
    page.keyboard.press("Escape")
    expect(page.locator("#recipe")).to_be_hidden()


@long
def test_a_take_is_thrown_away_once_it_is_said_twice(
    stage: Stage, asker: Asker, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trash = use_trash(tmp_path, monkeypatch)
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    expect(page.locator(".hear")).to_be_visible(timeout=PATIENCE)
    choose_take(page)
    page.keyboard.press("Delete")
    expect(page.locator("#confirm-text")).to_contain_text(Path(take["path"]).name)
    page.keyboard.press("Enter")  # what has the focus keeps it
    expect(page.locator("#confirm")).to_be_hidden()
    assert Path(take["path"]).exists()
    page.click("#detail >> text=Delete")
    page.click("text=Move to the trash")
    expect(page.locator("#rows li")).to_have_count(0, timeout=PATIENCE)
    until(lambda: (trash / "files" / Path(take["path"]).name).exists())


@long
@pytest.mark.parametrize("text", HOSTILE)
def test_what_others_write_is_text(stage: Stage, asker: Asker, page: Page, text: str) -> None:
    make_take(stage, asker, "a", "prompt", text, "bars", 1, "lyrics", f"[verse]\n{text}")
    row = page.locator("#rows li").first
    expect(row.locator(".title")).to_have_text(text, timeout=PATIENCE)
    row.locator(".choose").click()
    expect(page.locator("#detail h3")).to_have_text(text)
    page.click("#open-daemon")
    expect(page.locator("#daemon-body")).to_contain_text("mini", timeout=PATIENCE)
    assert page.evaluate("window.hit") is None


@long
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
    rows = page.locator("#rows li")
    assert rows.count() < 60
    page.evaluate("document.getElementById('list').scrollTop = 76 * 250")
    expect(page.locator("#rows li[aria-posinset='260']")).to_have_count(1, timeout=PATIENCE)
    assert rows.count() < 60


# --- pads, other pages, and a daemon that goes --------------------------------------------------


@long
def test_a_pad_is_hit_held_and_marked(stage: Stage, page: Page) -> None:
    stage.panel.set("prompt", "warm keys")
    pad = page.locator(".pad").filter(has_text=re.compile("^3"))
    pad.click()
    expect(pad).to_have_attribute("data-state", "ready", timeout=PATIENCE)
    until(lambda: page.evaluate("acestepd.player.isPlaying"))
    expect(pad).to_have_attribute(
        "aria-label", re.compile("^Pad 3, warm keys, .*: .*ready, heard$")
    )
    expect(find_row(page, "pad 3").first).to_be_visible()
    page.keyboard.press("Space")
    expect(pad).to_have_attribute("aria-label", re.compile("^Pad 3, warm keys, .*ready$"))
    pad.click(modifiers=["Shift"])
    expect(pad).to_have_attribute("data-state", "favourite", timeout=PATIENCE)
    pad.focus()
    page.keyboard.press("f")
    expect(pad).to_have_attribute("data-state", "ready", timeout=PATIENCE)
    before = {job.request.seed for job in stage.journal.search()}
    pad.click(delay=900)
    until(lambda: {job.request.seed for job in stage.journal.search()} - before)


@long
def test_a_pad_is_held_as_long_as_its_events_say_however_late_the_page_is(
    stage: Stage, page: Page
) -> None:
    stage.panel.set("prompt", "warm keys")
    pad = page.locator(".pad").filter(has_text=re.compile("^3"))
    pad.evaluate(
        """(pad) => pad.addEventListener("pointerdown", () => {
            const end = performance.now() + 1500;
            while (performance.now() < end);
        })"""
    )
    pad.click()
    until(lambda: page.evaluate("acestepd.player.isPlaying"))  # what is rerolled is not
    pad.hover()
    page.mouse.down()
    page.mouse.move(5, 5)
    page.mouse.up()
    assert len(stage.journal.search()) == 1, "it was let go elsewhere"


@long
def test_a_pad_is_heard_whatever_the_list_shows(stage: Stage, asker: Asker, page: Page) -> None:
    stage.panel.set("prompt", "warm keys")
    page.fill("#words", "nothing like it")
    # "0 takes" there were before it was searched, and the search takes the choice of what it hides
    expect(page.locator("#count-text")).to_have_text("0 of 0 takes", timeout=PATIENCE)
    page.locator(".pad").filter(has_text=re.compile("^3")).click()
    until(lambda: page.evaluate("acestepd.player.isPlaying"))
    expect(page.locator("#detail .facts")).to_contain_text("pad 3")
    page.locator("#loop").focus()
    page.keyboard.press("f")  # what is shown is what is marked
    until(lambda: [take["favourite"] for take in asker.find_takes()] == [True])
    expect(page.locator("#detail .favourite")).to_have_text("Favourite", timeout=PATIENCE)


@long
def test_a_pad_that_was_made_in_advance_is_heard_at_its_first_hit(
    stage: Stage, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_land = threading.Event()
    name_files = Lander.name_files

    def wait_and_name_files(*given: Any) -> None:
        may_land.wait(60)
        name_files(*given)

    monkeypatch.setattr(Lander, "name_files", wait_and_name_files)
    page.fill("#prompt", "warm keys")
    until(lambda: stage.panel.request.prompt == "warm keys")
    page.click("#bank-fill")
    pad = page.locator(".pad").filter(has_text=re.compile("^1(?![0-9])"))
    expect(pad).to_have_attribute("data-state", "ready", timeout=PATIENCE)
    page.evaluate("acestepd.connection.on('/ace/clip', () => (window.isTold = true))")
    pad.click()
    until(lambda: page.evaluate("window.isTold"))
    page.evaluate("acestepd.takes.fetch('pad1-')")  # who asked before this has an answer, too
    may_land.set()
    until(lambda: page.evaluate("acestepd.player.isPlaying"))
    assert page.evaluate("acestepd.player.take.id").startswith("pad1-")


@long
def test_a_pads_hit_opens_the_sound_of_a_take_that_is_there_later(
    tmp_path: Path, open_page: OpenPage
) -> None:
    """A browser may let sound begin only while a hand does something."""
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model, page=0) as stage:
        assert stage.page
        page = open_page(stage.page.port)
        page.fill("#prompt", "keys")
        until(lambda: stage.panel.request.prompt == "keys")
        page.locator(".pad").filter(has_text=re.compile("^1(?![0-9])")).click()
        until(lambda: page.evaluate("acestepd.player.analyser?.context.state") == "running")
        assert not page.evaluate("acestepd.player.isPlaying")
        model.run()
        until(lambda: page.evaluate("acestepd.player.isPlaying"))


@long
def test_a_pad_says_what_it_plays_while_a_fill_makes_it(
    tmp_path: Path, open_page: OpenPage
) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model, page=0) as stage:
        assert stage.page
        page = open_page(stage.page.port)
        first, second = (
            page.locator(".pad").filter(has_text=re.compile(f"^{number}(?![0-9])"))
            for number in (1, 2)
        )
        expect(first).to_have_attribute("aria-label", "Pad 1: empty")
        page.fill("#prompt", "warm keys in Eb")
        until(lambda: stage.panel.request.prompt == "warm keys in Eb")
        page.click("#bank-fill")
        told = re.compile(r"^Pad 2, warm keys in Eb, \d+, Eb major: .* bpm, not made yet$")
        expect(second).to_have_attribute("aria-label", told, timeout=PATIENCE)
        seed = Asker(stage.page.port).ask("/pads").json[1]["seed"]
        expect(second.locator(".how span")).to_have_text([str(seed), "Eb major"])
        model.step(2)
        told = re.compile("^Pad 1, warm keys in Eb, .*in the making 50 %$")
        expect(first).to_have_attribute("aria-label", told, timeout=PATIENCE)
        model.run()
        expect(first).to_have_attribute("aria-label", re.compile("ready$"))


@long
def test_nothing_begins_to_play_in_the_place_of_a_pad_that_was_cancelled(
    tmp_path: Path, open_page: OpenPage
) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model, page=0) as stage:
        assert stage.page
        page = open_page(stage.page.port)
        stage.panel.set("prompt", "warm keys")
        page.locator(".pad").filter(has_text=re.compile("^3")).click()
        until(lambda: len(stage.journal.search()) == 1)
        page.click("#panic")
        until(lambda: stage.journal.search()[0].state.value == "cancelled")
        model.run()
        page.click("#go")
        expect(page.locator("#rows .hear:visible")).to_have_count(1, timeout=PATIENCE)
        page.locator(".pad").filter(has_text=re.compile("^4")).click()
        until(lambda: page.evaluate("acestepd.player.isPlaying"))
        assert page.evaluate("acestepd.player.take.id").startswith("pad4-")


@long
def test_two_pages_show_the_same(asker: Asker, open_page: OpenPage) -> None:
    first, second = open_page(asker.port), open_page(asker.port)
    first.fill("#prompt", "from the first")
    expect(second.locator("#prompt")).to_have_value("from the first", timeout=PATIENCE)
    first.fill("#bars", "1")
    first.click("#go")
    for page in (first, second):
        expect(find_row(page, "from the first").locator(".hear")).to_be_visible(timeout=PATIENCE)


@long
def test_what_two_pages_write_in_one_field_is_to_be_had_on_both(
    stage: Stage, asker: Asker, open_page: OpenPage
) -> None:
    first, second = open_page(asker.port), open_page(asker.port)
    second.focus("#prompt")
    first.focus("#prompt")
    first.keyboard.type("warm keys")
    changed = second.locator(".elsewhere")
    expect(changed).to_contain_text("Changed elsewhere. It was empty", timeout=PATIENCE)
    expect(second.locator("#prompt")).to_have_value("warm keys")
    second.keyboard.press("Control+a")
    second.keyboard.type("cold horns")
    changed = first.locator(".elsewhere")
    expect(changed).to_contain_text("cold horns", timeout=PATIENCE)
    expect(first.locator("#prompt")).to_have_value("warm keys")
    changed.get_by_text("Take that").click()
    expect(first.locator("#prompt")).to_have_value("cold horns")
    until(lambda: stage.panel.request.prompt == "cold horns")
    changed.get_by_text("Bring it back").click()
    expect(first.locator("#prompt")).to_have_value("warm keys")
    until(lambda: stage.panel.request.prompt == "warm keys")
    expect(second.locator(".elsewhere").first).to_contain_text("warm keys", timeout=PATIENCE)
    expect(second.locator("#prompt")).to_have_value("cold horns")
    second.keyboard.press("Control+Enter")  # what is seen is made
    until(lambda: [take["prompt"] for take in asker.find_takes()] == ["cold horns"])
    expect(second.locator(".elsewhere")).to_have_count(0)


@long
def test_what_a_program_sets_in_the_field_that_has_the_focus_is_told(
    stage: Stage, page: Page
) -> None:
    long_text = "la la la\n" * 300  # longer than it is told at once
    page.fill("#lyrics", f"{long_text}and mine")
    until(lambda: stage.panel.request.lyrics.endswith("and mine"))
    page.focus("#prompt")
    page.focus("#lyrics")
    stage.panel.set("lyrics", f"{long_text}and theirs")
    changed = page.locator(".elsewhere")
    expect(changed).to_contain_text("and mine", timeout=PATIENCE)
    expect(page.locator("#lyrics")).to_have_value(re.compile("and theirs$"))
    changed.get_by_label("Keep what is in the field").click()
    expect(changed).to_have_count(0)


@long
def test_what_the_daemon_writes_otherwise_is_not_called_changed(stage: Stage, page: Page) -> None:
    page.focus("#key")
    page.keyboard.type("am")
    page.keyboard.press("Enter")
    until(lambda: stage.panel.request.key == "A minor")
    page.focus("#prompt")
    for words in ("warm", "warm keys, ", "warm keys, and so "):
        page.keyboard.insert_text(words.removeprefix(page.input_value("#prompt")))
        page.wait_for_function(
            "text => acestepd.panel.values.prompt.trim() === text.trim()", arg=words
        )
    page.focus("#lyrics")
    page.keyboard.insert_text("la la la\n" * 300)
    until(lambda: stage.panel.request.lyrics.count("la la la") == 300)
    stage.panel.set("bpm", 97)  # which is told after all of it
    expect(page.locator("#bpm")).to_have_value("97", timeout=PATIENCE)
    expect(page.locator(".elsewhere")).to_have_count(0)


@long
def test_a_daemon_that_goes_and_comes_is_found_again(tmp_path: Path, open_page: OpenPage) -> None:
    with on_stage(tmp_path, page=0) as stage:
        assert stage.page
        port = stage.page.port
        page = open_page(port)
        page.fill("#prompt", "before it went")
        until(lambda: stage.panel.request.prompt == "before it went")
        make_take(stage, Asker(port), "a", "prompt", "before it went", "bars", 1)
    expect(page.locator("#engine-text")).to_contain_text("away", timeout=PATIENCE)
    page.fill("#prompt", "typed while it was away")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#notice")).to_contain_text("press Go again")
    with on_stage(tmp_path, page=port) as stage:
        expect(page.locator("#engine-text")).to_contain_text("ready", timeout=PATIENCE)
        expect(find_row(page, "before it went")).to_be_visible(timeout=PATIENCE)
        until(lambda: stage.panel.request.prompt == "typed while it was away")
        expect(page.locator("#prompt")).to_have_value("typed while it was away")


@long
def test_what_was_typed_while_the_daemon_was_away_does_not_come_back_over_a_form_that_is_replaced(
    tmp_path: Path, open_page: OpenPage
) -> None:
    with on_stage(tmp_path, page=0) as stage:
        assert stage.page
        port = stage.page.port
        page = open_page(port)
        page.wait_for_load_state("networkidle")
    expect(page.locator("#engine-text")).to_contain_text("away", timeout=PATIENCE)
    page.fill("#lyrics", "what was written")
    release = hold(page, "/panel/defaults")
    with on_stage(tmp_path, page=port) as stage:
        page.wait_for_event("request", lambda request: request.url.endswith("/panel/defaults"))
        drop(page, "song.txt", b"over the bridge")
        page.wait_for_timeout(1000)  # what is not waited for is done
        with page.expect_response(lambda response: response.url.endswith("/panel")):
            release()  # all values are read again after what was typed was sent
        expect(page.locator("#lyrics")).to_have_value("over the bridge", timeout=PATIENCE)
        until(lambda: stage.panel.request.lyrics == "over the bridge")


@long
def test_what_the_settings_say_is_not_taken_for_what_somebody_has_turned(
    tmp_path: Path, open_page: OpenPage
) -> None:
    with on_stage(tmp_path, page=0, request=Request(bpm=90, key="A minor")) as stage:
        assert stage.page
        port = stage.page.port
        page = open_page(port)
        expect(page.locator("#bpm")).to_have_value("90", timeout=PATIENCE)
        page.fill("#bpm", "97")
        page.locator("#bpm").blur()
        until(lambda: stage.panel.request.bpm == 97)
    expect(page.locator("#engine-text")).to_contain_text("away", timeout=PATIENCE)
    with on_stage(tmp_path, page=port, request=Request(bpm=90, key="C major", bars=2)) as stage:
        expect(page.locator("#engine-text")).to_contain_text("ready", timeout=PATIENCE)
        until(lambda: stage.panel.request.bpm == 97)
        expect(page.locator("#key")).to_have_value("C major", timeout=PATIENCE)
        expect(page.locator("#bars")).to_have_value("2")
        expect(page.locator("#bpm")).to_have_value("97")
        assert (stage.panel.request.key, stage.panel.request.bars) == ("C major", 2)


@long
def test_a_variation_may_lead_to_any_take(tmp_path: Path, open_page: OpenPage) -> None:
    with on_stage(tmp_path, page=0) as stage:
        assert stage.page
        asker = Asker(stage.page.port)
        old = make_take(stage, asker, "old", "prompt", "needle in the hay", "bars", 1, "seed", 5)
        make_take(stage, asker, "new", "prompt", "hay", "bars", 1, "seed", 7)
        page = open_page(stage.page.port)
        find_row(page, "seed 7").locator(".choose").click()
        page.get_by_text("Between two takes").click()
        page.fill("#variation-words", "needle")
        options = page.locator("#variation-to option")
        expect(options).to_have_count(2, timeout=PATIENCE)
        page.select_option("#variation-to", str(old["number"]))
        page.fill("#variation-words", "no take has these")
        expect(options).to_have_count(2, timeout=PATIENCE)  # what is chosen stays
        page.select_option("#variation-to", "0")
        page.select_option("#variation-to", str(old["number"]))
        page.click("#variation")
        until(lambda: len(asker.find_takes()) == 3)
        newest, *_ = stage.journal.search(limit=1)
        assert (newest.request.seed, newest.request.variation_seed) == (7, 5)


@long
def test_what_a_daemon_has_forgotten_the_page_says_again(
    tmp_path: Path, open_page: OpenPage
) -> None:
    with on_stage(tmp_path, page=0) as stage:
        assert stage.page
        port = stage.page.port
        page = open_page(port)
        page.fill("#prompt", "all of it")
        page.fill("#bars", "7")
        page.click("#stems summary")
        page.click("#tracks >> text=drums")
        take = make_take(stage, Asker(port), "a", "prompt", "x", "bars", 1)
        drop(page, "loop.wav", Path(take["path"]).read_bytes())
        until(lambda: stage.panel.request.task == "cover")
        source = stage.panel.request.source
    expect(page.locator("#engine-text")).to_contain_text("away", timeout=PATIENCE)
    page.fill("#key", "Am")
    page.keyboard.press("Tab")
    with on_stage(tmp_path, page=port) as stage:
        expect(page.locator("#engine-text")).to_contain_text("ready", timeout=PATIENCE)
        until(lambda: stage.panel.request.prompt == "all of it")
        until(lambda: stage.panel.request.task == "cover")
        until(lambda: stage.panel.request.source == source)
        until(lambda: stage.panel.request.stems == "drums")
        until(lambda: stage.panel.request.bars == 7)
        until(lambda: stage.panel.request.key == "A minor")
        expect(page.locator("#bars")).to_have_value("7")
