"""A session of Open Stage Control: pages to play, to write lyrics and look at takes, and one with
every parameter. What its module acts on has addresses below /ui; the rest goes to acestepd itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from daemon.osc.outgoing import SEEDS
from pipeline.request import FIELDS, FieldSpec
from tests.tools.layout_page import HEIGHT, ORANGE, RED, WIDTH, Item

VERSION = "1.29.0"
TAKES = 12
COLUMNS = 4  # of the page of parameters
OWN_PAGE = ("prompt", "lyrics")  # have a place of their own
Widget = dict[str, Any]


def build_session(items: Iterable[Item]) -> str:
    tabs = [
        build_tab("play", (widget for item in items for widget in build_widgets(item))),
        build_tab("takes", build_takes()),
        build_tab("parameters", build_parameters()),
    ]
    root = {"type": "root", "id": "root", "tabs": tabs}
    session = {
        "version": VERSION,
        "createdWith": "Open Stage Control",
        "type": "session",
        "content": root,
    }
    return json.dumps(session, indent=1, ensure_ascii=False) + "\n"


def build_tab(name: str, widgets: Iterable[Widget]) -> Widget:
    return {"type": "tab", "id": f"tab_{name}", "label": name, "widgets": list(widgets)}


def build_widgets(item: Item) -> Iterator[Widget]:
    """What an item of the page is here."""
    place = _place(item.frame, WIDTH, HEIGHT)
    common: Widget = {"id": item.name, **place, "address": f"/ui/{item.name}"}
    colour = {"colorWidget": item.colour}
    match item.kind:
        case "chip":
            chosen = {"label": item.label, "mode": "tap", "on": item.text, "address": "/ui/chosen"}
            yield {"type": "button", **common, **colour, **chosen}
        case "button":
            yield {"type": "button", **common, **colour, "label": item.label, "mode": "tap"}
        case "toggle":
            yield {"type": "button", **common, **colour, "label": item.label, "mode": "toggle"}
        case "bars":
            number = int(item.name.removeprefix("bars"))
            lit = f"OSC{{/ui/lit/{item.name}, {item.colour}, false}}"
            look = {"label": item.label, "mode": "tap", "colorWidget": lit}
            yield {"type": "button", **common, **look, "on": number, "address": "/ui/bars"}
        case "pad":
            number = int(item.name.removeprefix("pad"))
            look = {
                "label": f"OSC{{/ui/label/{number}, {number}, false}}",
                "colorWidget": f"OSC{{/ui/colour/{number}, {item.colour}, false}}",
                "mode": "tap",
            }
            pad = {"on": number, "address": "/ui/pad", "alphaFillOff": 0.8}
            yield {"type": "button", **common, **look, **pad}
        case "fader":
            half = {**place, "width": _percent(item.frame[2] * 0.66, WIDTH)}
            half["left"] = _percent(item.frame[0] + item.frame[2] * 0.34, WIDTH)
            caption = {**place, "width": _percent(item.frame[2] * 0.33, WIDTH)}
            yield _text(f"{item.name}_label", caption, item.label)
            low, high = item.range
            yield {
                "type": "fader",
                "id": item.name,
                **half,
                **colour,
                "address": f"/ace/set/{item.name}",
                "horizontal": True,
                "range": {"min": low, "max": high},
                "decimals": 3,
                "design": "compact",
            }
        case "ring":
            yield {
                "type": "fader",
                **common,
                **colour,
                "interaction": False,
                "design": "compact",
                "range": {"min": 0, "max": 1},
            }
        case "label" | "text":
            yield {**_text(item.name, place, ""), "address": f"/ui/{item.name}", "wrap": "soft"}
        case "entry":
            yield {"type": "input", **common, "asYouType": True, "align": "left"}
        case _:
            raise ValueError(item.kind)


def build_takes() -> Iterator[Widget]:
    """The newest takes, each with its heart, and the lyrics."""
    for row in range(1, TAKES + 1):
        for kind, name, left, width in TAKE_ROW:
            place = _place((left, 8 + (row - 1) * 62, width, 56), WIDTH, HEIGHT)
            address = {"id": f"{name}{row}", **place, "address": f"/ui/take/{name}"}
            if kind == "text":
                yield {**_text(f"{name}{row}", place, ""), "address": f"/ui/take/{name}/{row}"}
                continue
            more: Widget = {"label": LABELS[name], "mode": kind, "preArgs": row, "typeTags": "ii"}
            if name == "heart":
                more |= {"colorWidget": RED}
            yield {"type": "button", **address, **more}
    place = _place((660, 8, 356, 50), WIDTH, HEIGHT)
    yield _text("lyrics_label", place, "lyrics: what is written here is sung")
    place = _place((660, 60, 356, 620), WIDTH, HEIGHT)
    yield {"type": "textarea", "id": "lyrics", **place, "address": "/ui/lyrics"}
    place = _place((660, 690, 356, 62), WIDTH, HEIGHT)
    yield {**_text("lyrics_state", place, ""), "address": "/ui/lyrics/state", "wrap": "soft"}


# what a take has in its row: kind of widget, name, where it begins, how wide it is
TAKE_ROW = (
    ("text", "name", 8, 380),
    ("toggle", "heart", 394, 56),
    ("tap", "reroll", 456, 92),
    ("tap", "insert", 554, 92),
)
LABELS = {"heart": "^heart", "reroll": "reroll", "insert": "insert"}


def build_parameters() -> Iterator[Widget]:
    """Every parameter of the panel, by its name, with its limits."""
    names = [name for name in FIELDS if name not in OWN_PAGE]
    width = (WIDTH - 8) // COLUMNS
    rows = -(-len(names) // COLUMNS)
    height = (HEIGHT - 8) // rows
    for index, name in enumerate(names):
        column, row = divmod(index, rows)
        left, top = 8 + column * width, 8 + row * height
        half = (width - 8) // 2
        place = _place((left, top, half, height - 6), WIDTH, HEIGHT)
        yield {**_text(f"{name}_name", place, name), "comments": FIELDS[name].help}
        place = _place((left + half, top, half, height - 6), WIDTH, HEIGHT)
        # its fader on the first page has the same address
        address = {"id": f"{name}_value", **place, "address": f"/ace/set/{name}"}
        yield address | build_control(name, FIELDS[name])


def build_control(name: str, spec: FieldSpec) -> Widget:
    """What a parameter is turned with: a switch, a menu, a number or a text. It has no default of
    its own: the module shows what acestepd has.
    """
    if isinstance(spec.default, bool):
        return {"type": "button", "label": name, "mode": "toggle", "typeTags": "i"}
    if spec.choices:
        labels = [choice or "(none)" for choice in spec.choices]
        values = {"labels": labels, "values": list(spec.choices)}
        return {"type": "dropdown", "values": values, "typeTags": "s"}
    if name in SEEDS:
        # too long for the floats that numbers are sent as
        return {"type": "input", "validation": "^-?[0-9]+$", "typeTags": "s"}
    if isinstance(spec.default, int | float):
        kind = "f" if isinstance(spec.default, float) else "i"
        return {"type": "input", "numeric": True, "decimals": 3, "typeTags": kind}
    return {"type": "input", "typeTags": "s", "align": "left"}


def _text(name: str, place: Widget, text: str) -> Widget:
    return {"type": "text", "id": name, **place, "default": text, "align": "left", "bypass": True}


def _place(frame: tuple[float, float, float, float], width: int, height: int) -> Widget:
    left, top, wide, high = frame
    return {
        "left": _percent(left, width),
        "top": _percent(top, height),
        "width": _percent(wide, width),
        "height": _percent(high, height),
    }


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%"


# --- its picture ----------------------------------------------------------------------------------


def draw_takes() -> str:
    """An SVG file's text: the page with takes and lyrics."""
    names = ("lo-fi-beat_84bpm_4bars_s7  in live: track 3", "house-groove_124bpm_4bars_s81")
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 320" '
        'font-family="sans-serif" font-size="16">',
        f'<rect width="{WIDTH}" height="320" fill="#171923"/>',
    ]
    for row, name in enumerate((*names, "", "", "")):
        for kind, column, left, width in TAKE_ROW:
            top = 8 + row * 62
            colour = ORANGE if (column, row) == ("heart", 0) else "#4a5568"
            opacity = 0.3 if kind == "text" else 1
            lines.append(
                f'<rect x="{left}" y="{top}" width="{width}" height="56" rx="6" fill="{colour}" '
                f'fill-opacity="{opacity}"/>'
            )
            text = name if kind == "text" else {"heart": "\u2665"}.get(column, column)
            lines.append(f'<text x="{left + 12}" y="{top + 34}" fill="#fff">{escape(text)}</text>')
    lines.append(
        '<rect x="660" y="8" width="356" height="304" rx="6" fill="#4a5568" fill-opacity="0.3"/>'
    )
    for number, line in enumerate(("[verse]", "Rain on the window", "lights in the street")):
        lines.append(f'<text x="672" y="{40 + number * 26}" fill="#fff">{line}</text>')
    return "\n".join([*lines, "</svg>", ""])
