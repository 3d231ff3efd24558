"""A layout of TouchOSC: zlib over XML in one line (lexml 3, which every version of it reads), with
its Lua in properties.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.tools.layout_page import COLOURS, HEIGHT, ORANGE, WIDTH, Item

SCRIPT = Path(__file__).with_name("touchosc.lua")
SPACE = uuid.UUID("7f1c1c0e-5b0b-4d7e-9d2b-0a6f6f2c9111")  # of the controls' ids

PRESS = """function onValueChanged(key)
  if key == 'x' and self.values.x == 1 then
    self.parent:notify('press', self.name)
  end
end"""
# only a finger turns it: what the daemon says is not sent back
TURN = """function onValueChanged(key)
  if key == 'x' and self.values.touch then
    self.parent:notify('turn', self.name)
  end
end"""

EAST = 1
TOGGLE = 2
Property = bool | int | float | str | tuple[float, ...]


def build_document(items: Iterable[Item]) -> str:
    """The XML of a layout."""
    items = list(items)
    children = "".join(node for item in items for node in _build_nodes(item))
    root = _build_node(
        "GROUP",
        "acestepd",
        (0, 0, WIDTH, HEIGHT),
        "#171923",
        {"script": build_script(items), "interactive": False},
        children=f"<children>{children}</children>",
    )
    return f"<?xml version='1.0' encoding='UTF-8'?><lexml version='3'>{root}</lexml>"


def build_script(items: Iterable[Item]) -> str:
    """The root's Lua with its tables."""
    items = list(items)
    tables: dict[str, dict[str, str | tuple[float, ...]]] = {
        "COLOURS": {state: _split_colour(colour) for state, colour in COLOURS.items()},
        "RANGES": {item.name: item.range for item in items if item.kind == "fader"},
        "PROMPTS": {item.name: item.text for item in items if item.kind == "chip"},
    }
    script = SCRIPT.read_text("utf-8")
    for name, table in tables.items():
        rows = "".join(f"  {key} = {_write_lua(value)},\n" for key, value in table.items())
        before, _, after = script.partition(f"local {name} = {{}}")
        comment, _, rest = after.partition("\n")
        comment = comment.replace(f" @{name}@", "").strip()
        script = f"{before}{comment}\nlocal {name} = {{\n{rows}}}\n{rest}"
    return script


def _write_lua(value: str | tuple[float, ...]) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    return "{" + ", ".join(f"{number:g}" for number in value) + "}"


def _split_colour(colour: str) -> tuple[float, ...]:
    return tuple(round(int(colour[at : at + 2], 16) / 255, 3) for at in (1, 3, 5))


def _build_nodes(item: Item) -> Iterator[str]:
    """The control, and above it what is written on it: buttons and faders have no caption."""
    if item.kind in ("bars", "pad"):
        # a button is filled as far as its value says: what is lit is one that nobody presses
        more: dict[str, Property] = {"interactive": False}
        colour = ORANGE if item.kind == "bars" else item.colour
        yield _build_node("BUTTON", f"{item.name}_light", item.frame, colour, more, x=0)
    match item.kind:
        case "bars" | "pad":
            more = {"script": PRESS, "background": False}
            yield _build_node("BUTTON", item.name, item.frame, item.colour, more, x=0)
        case "button" | "chip":
            more = {"script": PRESS}
            yield _build_node("BUTTON", item.name, item.frame, item.colour, more, x=0)
        case "toggle":
            more = {"buttonType": TOGGLE}
            yield _build_node("BUTTON", item.name, item.frame, item.colour, more, x=0)
        case "fader":
            more = {"script": TURN, "orientation": EAST}
            yield _build_node("FADER", item.name, item.frame, item.colour, more, x=0)
        case "ring":
            more = {"interactive": False}
            yield _build_node("RADIAL", item.name, item.frame, item.colour, more, x=0)
        case "label":
            more = {"interactive": False, "textSize": 17, "background": False}
            yield _build_node("LABEL", item.name, item.frame, item.colour, more, text="")
        case "text":
            more = {"interactive": False, "textSize": 17, "background": False}
            yield _build_node("TEXT", item.name, item.frame, item.colour, more, text="")
        case "entry":
            more = {"interactive": True, "textSize": 20}
            yield _build_node("TEXT", item.name, item.frame, item.colour, more, text=item.label)
        case _:
            raise ValueError(item.kind)
    if item.label and item.kind != "entry":
        more = {"interactive": False, "background": False, "outline": False, "textSize": 17}
        kind = "TEXT" if item.kind == "pad" else "LABEL"
        caption = f"{item.name}_label"
        yield _build_node(kind, caption, item.frame, "#ffffff", more, text=item.label)


def _build_node(
    kind: str,
    name: str,
    frame: tuple[int, int, int, int],
    colour: str,
    more: dict[str, Property],
    children: str = "",
    **values: float | str,
) -> str:
    properties: dict[str, Property] = {
        "name": name,
        "frame": frame,
        "color": (*_split_colour(colour), 1),
        **more,
    }
    written = "".join(_write_property(key, properties[key]) for key in sorted(properties))
    given = {**values, "touch": False}
    written_values = "".join(_write_value(key, value) for key, value in given.items())
    return (
        f"<node ID='{uuid.uuid5(SPACE, name)}' type='{kind}'>"
        f"<properties>{written}</properties><values>{written_values}</values>{children}</node>"
    )


def _write_property(key: str, value: Property) -> str:
    match value:
        case bool():
            kind, text = "b", str(int(value))
        case int():
            kind, text = "i", str(value)
        case float():
            kind, text = "f", f"{value:g}"
        case str():
            kind, text = "s", _quote(value)
        case tuple():
            kind, names = ("c", "rgba") if key == "color" else ("r", "xywh")
            text = "".join(f"<{one}>{number:g}</{one}>" for one, number in zip(names, value))
    return f"<property type='{kind}'><key>{_quote(key)}</key><value>{text}</value></property>"


def _write_value(key: str, value: float | str) -> str:
    default = str(value).lower() if isinstance(value, bool) else str(value)
    return (
        f"<value><key>{_quote(key)}</key><locked>0</locked>"
        "<lockedDefaultCurrent>0</lockedDefaultCurrent>"
        f"<default>{_quote(default)}</default><defaultPull>0</defaultPull></value>"
    )


def _quote(text: str) -> str:
    """TouchOSC cannot load one such section in another, and once crashed at other letters."""
    if "]]>" in text or not text.isascii():
        raise ValueError(f"TouchOSC cannot read {text!r}")
    return f"<![CDATA[{text}]]>"
