"""The page of Open Stage Control: its session against the list of properties, its module under Node
with the globals that it has there, beside a real daemon.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon.integrations import installer
from daemon.integrations.catalogue import find_integration
from daemon.integrations.places import Machine
from daemon.osc.command_table import COMMANDS
from pipeline.request import FIELDS
from tests.integrations.conftest import KEY_NOTE, NOTED_PROMPT, TEMPO_NOTE
from tests.support.harness import SteppedModel
from tests.support.junk import make_junk
from tests.support.node import NodeProgram, find_module, needs_node, running
from tests.support.osc_client import OscClient
from tests.support.relay import find_free_port
from tests.support.stage import Stage, on_stage, subscribed
from tests.tools.layout_page import COLOURS
from tests.tools.open_stage_control import TAKES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "integrations" / "openstagecontrol"
FAKE = Path(__file__).parent / "open_stage_control_fake.js"
SESSION: dict[str, Any] = json.loads((FOLDER / "acestepd.json").read_text("utf-8"))

# what its documentation lists for every widget, and for those that are used
EVERY = (
    "lock type id visible interaction comments left top width height expand colorText colorWidget "
    "colorStroke colorFill alphaStroke alphaFillOff alphaFillOn lineWidth borderRadius padding "
    "html css value default linkId address preArgs typeTags decimals target ignoreDefaults bypass "
    "onCreate onValue"
).split()
OWN = {
    "root": "tabs widgets",
    "tab": "label widgets",
    "button": "colorTextOn label vertical wrap on off mode doubleTap decoupled",
    "dropdown": "label icon align values",
    "input": "align unit asYouType numeric validation maxLength",
    "textarea": "",
    "text": "vertical wrap align",
    "fader": "design knobSize colorKnob horizontal pips dashed gradient snap touchZone spring "
    "doubleTap range logScale sensitivity steps origin onTouch",
}
# what the documentation says of the values of those that we set, as a JSON schema
PERCENT = {"type": "string", "pattern": r"^\d+(\.\d+)?%$"}
TEXT = {"type": "string"}
SWITCH = {"type": "boolean"}
COLOUR = {"type": "string", "pattern": r"^(#[0-9a-f]{6}|OSC\{/\S+, #[0-9a-f]{6}, false\})$"}
LIST = {"type": "array"}
SCHEMA = {
    "type": "object",
    "required": ["type", "id"],
    "properties": {
        "type": {"enum": list(OWN)},
        "id": {"type": "string", "pattern": r"^\w+$"},
        **dict.fromkeys(("left", "top", "width", "height"), PERCENT),
        "label": {"type": ["string", "boolean"]},
        "comments": TEXT,
        "colorWidget": COLOUR,
        "alphaFillOff": {"type": "number"},
        **dict.fromkeys(("interaction", "bypass", "asYouType", "horizontal"), SWITCH),
        "numeric": {"type": ["boolean", "number"]},
        "validation": TEXT,
        "address": {"type": "string", "pattern": "^/"},
        "typeTags": {"type": "string", "pattern": "^[ifs]+$"},
        "preArgs": {"type": ["number", "array"]},
        "decimals": {"type": "integer"},
        "on": {"type": ["number", "string"]},
        "mode": {"enum": ["toggle", "push", "momentary", "tap"]},
        "align": {"enum": ["left", "center", "right"]},
        "design": {"enum": ["default", "round", "compact"]},
        "wrap": {"enum": [False, True, "soft"]},
        "default": {"type": "string"},
        "range": {
            "type": "object",
            "required": ["min", "max"],
            "additionalProperties": {"type": "number"},
        },
        "values": {
            "type": "object",
            "required": ["labels", "values"],
            "properties": {"labels": LIST, "values": LIST},
        },
        "tabs": {"type": "array", "items": {"$ref": "#"}},
        "widgets": {"type": "array", "items": {"$ref": "#"}},
    },
    "additionalProperties": False,
}


def list_widgets(widget: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """A widget, or the session's root, with all in it."""
    widget = widget or SESSION["content"]
    yield widget
    for child in (*widget.get("tabs", ()), *widget.get("widgets", ())):
        yield from list_widgets(child)


@contextmanager
def open_page(folder: Path, stage: Stage) -> Iterator[NodeProgram]:
    """Open Stage Control with our files, as the installer puts them, and one page; the daemon knows
    it.
    """
    machine = Machine("Linux", folder)
    installer.install(find_integration("openstagecontrol"), folder / "state", machine, folder)
    with running(FAKE, folder / "openstagecontrol", stage.osc.address[1], find_free_port()) as page:
        page.wait("ready")
        wait_for(page, "shows", "hint", "")
        yield page


def wait_for(page: NodeProgram, kind: str, name: str, value: Any) -> None:
    while page.wait(kind, name) != [name, value]:
        pass


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path) as running_stage:
        yield running_stage


@pytest.fixture
def page(stage: Stage, tmp_path: Path) -> Iterator[NodeProgram]:
    with open_page(tmp_path / "page", stage) as opened:
        yield opened


# --- the session ----------------------------------------------------------------------------------


def test_every_property_is_one_that_its_widget_has() -> None:
    assert SESSION["type"] == "session"
    for widget in list_widgets():
        allowed = {*EVERY, *OWN[widget["type"]].split()}
        assert set(widget) <= allowed, (widget["id"], set(widget) - allowed)
        assert not ("tabs" in widget and "widgets" in widget)
    ids = [widget["id"] for widget in list_widgets()]
    assert len(set(ids)) == len(ids)


def test_the_session_is_valid_by_its_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    jsonschema.validate(SESSION["content"], SCHEMA)


def test_every_widget_is_on_its_page() -> None:
    for widget in list_widgets():
        if widget["type"] in ("root", "tab"):
            continue
        left, top, width, height = (
            float(widget[name].removesuffix("%")) for name in ("left", "top", "width", "height")
        )
        assert left >= 0
        assert left + width <= 100.1, widget["id"]
        assert top + height <= 100.1, widget["id"]


def test_every_parameter_is_there_with_its_limits() -> None:
    widgets = {widget["id"]: widget for widget in list_widgets()}
    for name in set(FIELDS) - {"prompt", "lyrics"}:
        widget = widgets[f"{name}_value"]
        assert widget["address"] == f"/ace/set/{name}"
        if "values" in widget:
            assert widget["values"]["values"] == list(FIELDS[name].choices)
        assert widgets[f"{name}_name"]["comments"] == FIELDS[name].help


def test_the_module_has_the_colours_of_controllers_and_sends_only_messages_that_there_are() -> None:
    module = (FOLDER / "acestepd.module.js").read_text("utf-8")
    assert dict(re.findall(r"^  (\w+): '(#\w{6})'", module, re.MULTILINE)) == COLOURS
    for address in re.findall(r"client\.send\('(/ace/[\w/]+)'", module):
        begins = address.endswith("/") and any(one.startswith(address) for one in COMMANDS)
        assert begins or address in COMMANDS or address == "/ace/set/lyrics"


@needs_node
def test_the_module_is_ecmascript_that_old_versions_read() -> None:
    acorn = find_module("acorn") / "bin" / "acorn"
    file = FOLDER / "acestepd.module.js"
    subprocess.run(["node", acorn, "--ecma2017", "--silent", file], check=True)


# --- the page beside a daemon ---------------------------------------------------------------------


@needs_node
def test_a_press_makes_a_take_that_is_in_the_list(page: NodeProgram) -> None:
    page.do(touch=["prompt1", None])
    wait_for(page, "shows", "prompt", "dusty lo-fi beat, warm piano, vinyl")
    page.do(touch=["prompt", "warm lo-fi beat"])
    page.do(touch=["bars1", None])
    page.do(touch=["keep", 0])
    page.do(touch=["go", None])
    wait_for(page, "shows", "stage", "finished")
    [name] = {value for id, value in page.list_seen("shows") if id == "name1" and value}
    assert re.fullmatch(r"warm-lo-fi-beat_\d+bpm_.*1bars_s\d+", name)
    progress = [value for id, value in page.list_seen("shows") if id == "progress"]
    assert progress[-1] == 0


@needs_node
def test_a_heart_marks_its_take_and_shows_what_others_marked(
    page: NodeProgram, stage: Stage
) -> None:
    with subscribed(stage, "favourite") as client:
        for id in ("one", "two"):
            client.send("/ace/go", id, "warm lo-fi beat", 1)
            client.until("/ace/finished", id)
        page.do(touch=["heart2", 1])
        assert client.until("/ace/favourite")[-1][1][:2] == ["one", 1]
        wait_for(page, "shows", "heart2", 1)
        client.send("/ace/favourite", "two")
        wait_for(page, "shows", "heart1", 1)
        page.do(touch=["reroll2", None])
        client.until("/ace/favourite")


@needs_node
def test_the_same_seed_is_kept_if_that_is_wished(page: NodeProgram) -> None:
    for prompt in ("one", "two"):
        page.do(touch=["prompt", prompt])
        page.do(touch=["keep", 1])
        page.do(touch=["go", None])
        wait_for(page, "shows", "stage", "finished")
    names = [value for id, value in page.list_seen("shows") if id == "clip"]
    assert len(names) == 2
    assert names[0].rpartition("_")[2] == names[1].rpartition("_")[2]


@needs_node
def test_long_lyrics_arrive_whole(page: NodeProgram, stage: Stage) -> None:
    lyrics = "[verse]\n" + "\n".join(f"line {number}, wärm \u2665" for number in range(300))
    page.do(touch=["lyrics", lyrics])
    shown = page.wait("shows", "lyrics_state")[1]
    while shown == "none: instrumental":  # of before
        shown = page.wait("shows", "lyrics_state")[1]
    assert stage.panel.request.lyrics == lyrics
    page.do(touch=["lyrics", " "])
    wait_for(page, "shows", "lyrics_state", "none: instrumental")


@needs_node
def test_a_parameter_goes_both_ways(page: NodeProgram, stage: Stage) -> None:
    with subscribed(stage, "param") as client:
        page.do(touch=["variation", 0.25])
        assert client.until("/ace/param/variation")[-1][1] == [0.25]
        wait_for(page, "shows", "variation_value", 0.25)
        page.do(touch=["seed_value", "4294967295"])
        assert client.until("/ace/param/seed")[-1][1] == ["4294967295"]
        page.do(touch=["loop_value", 1])
        assert client.until("/ace/param/loop")[-1][1] == [1]
        page.do(touch=["sampler_value", "heun"])
        assert client.until("/ace/param/sampler")[-1][1] == ["heun"]
        client.send("/ace/set/bpm", 97.5)
        wait_for(page, "shows", "bpm_value", 97.5)


@needs_node
def test_the_pads_show_how_they_stand_and_play(page: NodeProgram, stage: Stage) -> None:
    page.do(touch=["prompt", "warm lo-fi beat"])
    page.do(touch=["fill", None])
    wait_for(page, "colorWidget", "pad16", COLOURS["ready"])
    page.do(touch=["pad3", None])
    wait_for(page, "shows", "stage", "finished")
    page.do(touch=["mark", 1])
    page.do(touch=["pad3", None])
    wait_for(page, "colorWidget", "pad3", COLOURS["favourite"])
    wait_for(page, "label", "pad3", "3 favourite")


@needs_node
def test_undo_and_redo_of_the_bank_and_which_pad_is_prepared(tmp_path: Path) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model) as stage, open_page(tmp_path / "page", stage) as page:
        page.do(touch=["undo", None])
        hint = "there is nothing to undo. fills, rerolls and loads are kept"
        wait_for(page, "shows", "hint", hint)
        page.do(touch=["fill", None])
        wait_for(page, "shows", "preparing", "preparing pad 1")
        page.do(touch=["undo", None])
        wait_for(page, "shows", "preparing", "")
        page.do(touch=["redo", None])
        wait_for(page, "shows", "preparing", "preparing pad 1")


@needs_node
def test_what_fails_is_said_with_its_hint(page: NodeProgram) -> None:
    page.do(touch=["prompt", "bad"])
    page.do(touch=["go", None])
    wait_for(page, "shows", "hint", "it is bad. be good")
    page.do(touch=["prompt", " "])
    page.do(touch=["go", None])
    wait_for(page, "shows", "hint", "write a prompt first")


@needs_node
def test_the_notes_on_a_prompt_are_said_together_until_the_next_one(page: NodeProgram) -> None:
    page.do(touch=["prompt", NOTED_PROMPT])
    page.do(touch=["go", None])
    wait_for(page, "shows", "hint", f"{TEMPO_NOTE}: it was taken. {KEY_NOTE}")
    page.do(touch=["prompt", "rain"])
    page.do(touch=["go", None])
    wait_for(page, "shows", "hint", "")


@needs_node
def test_where_a_clip_was_put_is_in_its_row(page: NodeProgram, stage: Stage) -> None:
    with closing(stage.client()) as daw:
        daw.ask("/ace/notify", 1, 0, "insert", "live")
        page.do(touch=["prompt", "warm lo-fi beat"])
        page.do(touch=["go", None])
        _, (id, *_) = daw.until("/ace/insert")[-1]
        daw.send("/ace/inserted", id, "live", "track 3")
        wait_for(page, "shows", "where", "in live: track 3")


@needs_node
def test_takes_from_before_are_listed_and_a_page_that_is_opened_later_shows_all(
    stage: Stage, tmp_path: Path
) -> None:
    with closing(stage.client()) as client:
        for number in range(TAKES + 2):
            client.send("/ace/go", f"take{number}", f"song {number}", 1)
            client.until("/ace/finished")
    with open_page(tmp_path / "page", stage) as page:
        while not page.wait("shows", "name1")[1].startswith(f"song-{TAKES + 1}"):
            pass
        page.do(open=True)
        while not page.wait("shows", f"name{TAKES}")[1].startswith("song-2"):
            pass


@needs_node
def test_a_daemon_that_goes_and_comes_back_is_said(tmp_path: Path) -> None:
    port = find_free_port()
    with on_stage(tmp_path, port=port) as stage, open_page(tmp_path / "page", stage) as page:
        page.do(touch=["prompt", "warm lo-fi beat"])
        stage.__exit__(None, None, None)
        wait_for(page, "shows", "hint", "acestepd does not answer: is it running?")
        with on_stage(tmp_path, port=port):
            wait_for(page, "shows", "hint", "")
            page.do(touch=["go", None])
            wait_for(page, "shows", "stage", "finished")


@pytest.mark.long
@needs_node
def test_ten_thousand_datagrams_of_junk_leave_it_alive(stage: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    with open_page(folder, stage):
        pass
    port = find_free_port()
    with running(FAKE, folder / "openstagecontrol", stage.osc.address[1], port) as page:
        page.wait("ready")
        with closing(OscClient(("127.0.0.1", port))) as junk:
            for packet in make_junk(10_000):
                junk.send_raw(packet)
        page.do(touch=["prompt", "bad"])
        page.do(touch=["go", None])
        wait_for(page, "shows", "hint", "it is bad. be good")
