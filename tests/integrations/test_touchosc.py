"""TouchOSC's layout: read by a parser that is not ours, its Lua run beside a real daemon."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pythonosc.osc_message import OscMessage

from daemon.osc.command_table import COMMANDS
from daemon.osc.outgoing import TOPICS
from pipeline.request import FIELDS
from tests.integrations.conftest import KEY_NOTE, NOTED_PROMPT, TEMPO_NOTE
from tests.support.harness import SteppedModel
from tests.support.junk import make_junk
from tests.support.osc_client import OscClient, encode_message
from tests.support.relay import find_free_port
from tests.support.stage import Stage, on_stage, subscribed
from tests.tools.layout_page import COLOURS, FADERS, PADS
from tests.tools.layouts import build_files

py2tosc = pytest.importorskip("py2tosc", reason="py2tosc is not installed")
lupa = pytest.importorskip("lupa", reason="lupa is not installed")

ROOT = Path(__file__).parents[2]
FILE = ROOT / "integrations" / "touchosc" / "acestepd.tosc"
# what a control's script finds there, by the manual; anything else ends the test
CALLBACKS = ("init", "update", "onReceiveNotify", "onReceiveOSC", "onValueChanged")
FAKE = """
local mine = {...}
local sent, clock, version = mine[1], mine[2], mine[3]
getMillis = function() return clock() end
sendOSC = function(message) sent(message[1], message[2]) end
Color = function(r, g, b, a) return {r = r, g = g, b = b, a = a} end
print, io, os, require, dofile, loadfile, debug = nil, nil, nil, nil, nil, nil, nil
-- each script has globals of its own
local known = {}
for name in pairs(_G) do known[name] = _G[name] end
return function(source, control, callbacks)
  local own = setmetatable({self = control}, {
    __index = function(_, name)
      if known[name] ~= nil then return known[name] end
      if callbacks[name] then return nil end
      if name == 'unpack' then return nil end
      error('TouchOSC has no ' .. tostring(name))
    end
  })
  local run
  if setfenv then
    run = assert(loadstring(source))
    setfenv(run, own)
  else
    run = assert(load(source, 'script', 't', own))
  end
  run()
  return own
end
"""


class Screen:
    """TouchOSC with our layout: scripts of their own for every control, and an OSC connection."""

    def __init__(self, port: int, version: str = "lua51", token: str = "") -> None:
        self.document = py2tosc.load(FILE)
        self.now = 0.0
        self.client = OscClient(("127.0.0.1", port))
        self.sent: list[str] = []
        self.lua = getattr(__import__(f"lupa.{version}"), version).LuaRuntime(
            unpack_returned_tuples=True
        )
        self.load = self.lua.execute(FAKE, self._send, lambda: self.now, version)
        self.callbacks = self.lua.table_from(dict.fromkeys(CALLBACKS, True))
        self.controls: dict[str, Any] = {}
        self.scripts: dict[str, Any] = {}
        self._build(token)

    def _build(self, token: str) -> None:
        root = self.document.root
        self.root = self._make_control(root, token)
        children = self.lua.table()
        for node in root.children:
            control = self._make_control(node)
            control.parent = self.root
            self.controls[node.get("name")] = control
            children[node.get("name")] = control
        self.root.children = children
        self.root_script = self.load(root.script, self.root, self.callbacks)
        self.root.notify = lambda _, key, value: self.root_script.onReceiveNotify(key, value)
        for node in root.children:
            if node.get("script"):
                name = node.get("name")
                self.scripts[name] = self.load(node.script, self.controls[name], self.callbacks)
        self.root_script.init()

    def _make_control(self, node: Any, token: str = "") -> Any:
        """A table that has what the control has, and refuses the rest."""
        values = self.lua.table_from({value.key: value.default for value in node.values})
        properties = {"name": node.get("name"), "tag": token, "values": self._strict(values)}
        table = self.lua.table_from({**properties, "color": True, "children": False})
        return self._strict(table, "parent", "notify")

    def _strict(self, table: Any, *more: str) -> Any:
        refuse = self.lua.eval(
            "function(t, more) local may = {} for k in pairs(t) do may[k] = true end "
            "for _, k in pairs(more) do may[k] = true end "
            "return setmetatable(t, {__index = function(_, k) "
            "if not may[k] then error('no ' .. tostring(k)) end end, "
            "__newindex = function(t, k, v) if not may[k] then error('no ' .. tostring(k)) end "
            "rawset(t, k, v) end}) end"
        )
        return refuse(table, self.lua.table_from(list(more)))

    def _send(self, address: str, arguments: Any) -> None:
        """Over real UDP; where it listens, is where it sends from."""
        pairs = [(one["tag"], one["value"]) for one in arguments.values()]
        types = "".join(tag for tag, _ in pairs)
        values = [int(value) if tag == "i" else value for tag, value in pairs]
        if address == "/ace/notify":
            assert values[1] == 9111
            values[1] = self.client.port
        self.sent.append(address)
        self.client.send(address, *values, types=types)

    def hear(self, packet: bytes) -> None:
        message = OscMessage(packet)
        arguments = [self.lua.table_from({"tag": "f", "value": value}) for value in message.params]
        pair = self.lua.table_from([message.address, self.lua.table_from(arguments)])
        self.root_script.onReceiveOSC(pair, self.lua.table())

    def until(self, name: str, *texts: str) -> str:
        """Hear what comes until that control's text is one of these; it."""
        while (text := str(self.controls[name]["values"]["text"])) not in texts:
            self.hear(self.client.receive_raw())
        return text

    def until_colour(self, name: str, state: str) -> None:
        wanted = tuple(int(COLOURS[state][at : at + 2], 16) / 255 for at in (1, 3, 5))
        while self.colour(name) != pytest.approx(wanted, abs=0.002):
            self.hear(self.client.receive_raw())

    def colour(self, name: str) -> tuple[float, ...]:
        """What lights below a pad, by its colour and how far it is filled."""
        light = self.controls[f"{name}_light"]
        if light["color"] is True:
            return ()
        return tuple(light["color"][one] * light["values"]["x"] for one in "rgb")

    def text(self, name: str) -> str:
        return str(self.controls[name]["values"]["text"])

    def press(self, name: str) -> None:
        for x in (1, 0):
            self.controls[name]["values"]["x"] = x
            self.scripts[name].onValueChanged("x")

    def toggle(self, name: str, on: bool) -> None:
        self.controls[name]["values"]["x"] = float(on)

    def turn(self, name: str, x: float, touching: bool = True) -> None:
        self.controls[name]["values"]["touch"] = touching
        self.controls[name]["values"]["x"] = x
        self.scripts[name].onValueChanged("x")

    def after(self, seconds: float) -> None:
        for _ in range(int(seconds * 10)):
            self.now += 100
            self.root_script.update()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path) as running:
        yield running


@pytest.fixture(params=["lua51", "lua54"])
def screen(request: pytest.FixtureRequest, stage: Stage) -> Iterator[Screen]:
    made = Screen(stage.osc.address[1], request.param)
    with closing(made.client):
        yield made


# --- the file -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", build_files())
def test_the_files_are_what_the_tables_say(path: str) -> None:
    content = (ROOT / "integrations" / path).read_bytes()
    expected = build_files()[path]
    if path.endswith(".tosc"):  # zlib's versions write other bytes for the same
        assert content[:2] == b"\x78\x9c"
        content, expected = zlib.decompress(content), zlib.decompress(expected)
    assert content == expected, "run: python -m tests.tools.layouts"


def test_another_library_reads_it_finds_nothing_wrong_and_writes_the_same() -> None:
    document = py2tosc.load(FILE)
    assert [str(issue) for issue in document.validate()] == []
    assert py2tosc.dumps(document).encode() == zlib.decompress(FILE.read_bytes())
    assert str(document.version) == "3"


def test_it_is_one_line_of_ascii_with_ids_of_their_own() -> None:
    text = zlib.decompress(FILE.read_bytes()).decode("ascii")
    assert text.startswith("<?xml version='1.0' encoding='UTF-8'?><lexml version='3'>")
    ids = [node.get("ID") for node in ET.fromstring(text).iter("node")]
    assert len(set(ids)) == len(ids)
    names = [node.get("name") for node in py2tosc.load(FILE).find_all()]
    assert len(set(names)) == len(names)


def test_nothing_that_is_touched_lies_on_another_or_off_the_page() -> None:
    root = py2tosc.load(FILE).root
    frames = [
        (node.get("name"), *node.get("frame")) for node in root.children if node.get("interactive")
    ]
    for name, x, y, w, h in frames:
        assert min(x, y) >= 0
        assert x + w <= root.get("frame")[2], name
        assert y + h <= root.get("frame")[3], name
        for other, x2, y2, w2, h2 in frames:
            apart = x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
            assert name == other or apart, (name, other)


def test_its_script_sends_only_messages_that_there_are() -> None:
    script = py2tosc.load(FILE).root.script
    for address in re.findall(r"send\('(/ace/[\w/]*)'", script):
        assert address in COMMANDS or address == "/ace/set/"
    [topics] = re.findall(r"TOPICS = '([\w ]+)'", script)
    assert set(topics.split()) <= set(TOPICS)


# --- the page beside a daemon ---------------------------------------------------------------------


def test_a_chip_and_go_make_a_clip(screen: Screen, stage: Stage) -> None:
    with subscribed(stage, "clip") as client:
        screen.press("prompt1")
        assert screen.text("prompt") == "dusty lo-fi beat, warm piano, vinyl"
        screen.press("bars2")
        assert screen.controls["bars2_light"]["values"]["x"] == 1
        assert screen.controls["bars4_light"]["values"]["x"] == 0
        screen.press("go")
        *_, (_, clip) = client.until("/ace/clip")
        screen.until("stage", "finished")
        assert screen.text("clip") == Path(clip[2]).name
        assert clip[4] == 2
        assert float(screen.controls["progress"]["values"]["x"]) == 0
        screen.toggle("keep", True)
        screen.press("prompt2")
        screen.press("go")
        assert client.until("/ace/clip")[-1][1][5] == clip[5]


def test_the_pages_own_prompt_stays_until_another_surface_sets_one(
    screen: Screen, stage: Stage
) -> None:
    own = screen.text("prompt")

    def hear_prompt() -> str:
        packet = b""
        while not packet.startswith(b"/ace/param/prompt\0"):
            screen.hear(packet := screen.client.receive_raw())
        return screen.text("prompt")

    assert hear_prompt() == own, "the daemon has none"
    for prompt in ("rain", ""):
        stage.panel.set("prompt", prompt)
        assert hear_prompt() == prompt


def test_without_a_prompt_the_settings_are_played(screen: Screen, tmp_path: Path) -> None:
    screen.controls["prompt"]["values"]["text"] = ""
    screen.press("go")
    screen.until("stage", "finished", "failed (400)", "failed (422)")


def test_reroll_favourite_and_stop(screen: Screen, stage: Stage) -> None:
    with subscribed(stage, "clip finished favourite") as client:
        screen.press("go")
        client.until("/ace/finished")
        screen.until("stage", "finished")
        screen.press("reroll")
        client.until("/ace/finished")
        screen.press("heart")
        assert client.until("/ace/favourite")[-1][1][1] == 1
        screen.until("where", "a favourite")
        screen.press("stop")


def test_the_pads_light_as_on_a_controller(screen: Screen, stage: Stage) -> None:
    with subscribed(stage, "finished favourite") as client:
        screen.press("fill")
        screen.until_colour(f"pad{PADS}", "ready")
        screen.press("pad3")
        client.until("/ace/finished")
        screen.toggle("mark", True)
        screen.press("pad3")
        client.until("/ace/favourite")
        screen.until_colour("pad3", "favourite")
        assert screen.text("pad3_label") == "3\nfavourite"
        screen.toggle("mark", False)
        screen.toggle("another", True)
        screen.press("pad4")
        screen.until_colour("pad4", "ready")


def test_undo_and_redo_of_the_bank_and_which_pad_is_prepared(tmp_path: Path) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model) as stage:
        screen = Screen(stage.osc.address[1])
        with closing(screen.client):
            screen.press("undo")
            screen.until("hint", "there is nothing to undo. fills, rerolls and loads are kept")
            screen.press("fill")
            screen.until("preparing", "preparing pad 1")
            screen.press("undo")
            screen.until("preparing", "")
            screen.press("redo")
            screen.until("preparing", "preparing pad 1")


def test_a_fader_turns_its_parameter_and_follows_it(screen: Screen, stage: Stage) -> None:
    with subscribed(stage, "param") as client:
        for name in FADERS:
            low, high = FIELDS[name].low, FIELDS[name].high
            screen.turn(name, 0.75)
            *_, (_, [value]) = client.until(f"/ace/param/{name}")
            assert value == pytest.approx(low + 0.75 * (high - low), rel=1e-5)
            screen.turn(name, 0.5, touching=False)  # the daemon's own value
        client.send("/ace/set/variation", 0.25)
        while float(screen.controls["variation"]["values"]["x"]) != 0.25:
            screen.hear(screen.client.receive_raw())
        assert screen.sent.count("/ace/set/variation") == 1


def test_what_fails_is_readable(screen: Screen) -> None:
    screen.controls["prompt"]["values"]["text"] = "bad"
    screen.press("go")
    screen.until("hint", "it is bad. be good")


def test_the_notes_on_a_prompt_are_readable_together_until_the_next_one(screen: Screen) -> None:
    screen.controls["prompt"]["values"]["text"] = NOTED_PROMPT
    screen.press("go")
    screen.until("hint", f"{TEMPO_NOTE}: it was taken. {KEY_NOTE}")
    screen.until("stage", "finished")
    screen.controls["prompt"]["values"]["text"] = "rain"
    screen.press("go")
    screen.until("hint", "")


def test_where_a_clip_was_put_is_shown(screen: Screen, stage: Stage) -> None:
    with closing(stage.client()) as daw:
        daw.ask("/ace/notify", 1, 0, "insert", "live")
        screen.press("go")
        _, (id, *_) = daw.until("/ace/insert")[-1]
        daw.send("/ace/inserted", id, "live", "track 3")
        screen.until("where", "in live: track 3")


def test_a_daemon_that_goes_and_comes_back_is_said(tmp_path: Path) -> None:
    port = find_free_port()
    with on_stage(tmp_path, port=port):
        screen = Screen(port)
        screen.hear(screen.client.receive_raw())
    screen.after(11)
    assert "does not answer" in screen.text("hint")
    with on_stage(tmp_path, port=port), closing(screen.client):
        screen.after(5)
        screen.until("hint", "")
        screen.press("go")
        screen.until("stage", "finished")


def test_another_machines_daemon_is_told_the_token(stage: Stage) -> None:
    screen = Screen(stage.osc.address[1], token="secret")
    with closing(screen.client):
        assert screen.sent == ["/ace/hello", "/ace/notify"]


@pytest.mark.long
def test_ten_thousand_messages_of_junk_leave_it_alive(screen: Screen) -> None:
    for packet in make_junk(10_000):
        try:
            OscMessage(packet)
        except Exception:  # TouchOSC reads packets itself
            continue
        screen.hear(packet)
    for _ in range(1000):
        screen.hear(encode_message("/ace/pad", random.choice((0, 17, "x")), "ready", 0.5))
    screen.controls["prompt"]["values"]["text"] = "bad"
    screen.press("go")
    screen.until("hint", "it is bad. be good")
