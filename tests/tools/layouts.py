"""The layouts for TouchOSC and Open Stage Control from the tables of parameters and messages, and
the pictures of them and of Bitwig's panel: `python -m tests.tools.layouts` writes them anew.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from html import escape
from pathlib import Path

from tests.tools import open_stage_control, touchosc
from tests.tools.layout_page import COLOURS, GREEN, HEIGHT, WIDTH, Item, list_items

INTEGRATIONS = Path(__file__).parents[2] / "integrations"

# --- the picture ----------------------------------------------------------------------------------


def draw(items: Iterable[Item]) -> str:
    """An SVG file's text. Some pads are lit, as they are while one plays."""
    shown = {f"pad{number + 1}": colour for number, colour in enumerate(COLOURS.values())}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="17" text-anchor="middle">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#171923"/>',
    ]
    examples = {
        "stage": "diffusion, 3 s",
        "clip": "lo-fi-beat_84bpm_s7",
        "preparing": "preparing pad 7",
        "hint": "what to do",
    }
    for item in items:
        x, y, width, height = item.frame
        colour = shown.get(item.name, item.colour)
        text = examples.get(item.name, item.label)
        if item.kind == "ring":
            radius = width // 2 - 10
            lines.append(
                f'<circle cx="{x + width // 2}" cy="{y + height // 2}" r="{radius}" fill="none" '
                f'stroke="{colour}" stroke-width="14" stroke-dasharray="200 400"/>'
            )
        else:
            opacity = 0.25 if item.kind in ("label", "text", "entry", "fader") else 1
            lines.append(
                f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" '
                f'fill="{colour}" fill-opacity="{opacity}"/>'
            )
        if text:
            lines.append(
                f'<text x="{x + width // 2}" y="{y + height // 2 + 6}" '
                f'fill="#ffffff">{escape(text)}</text>'
            )
    return "\n".join([*lines, "</svg>", ""])


def draw_panel() -> str:
    """An SVG file's text: what Bitwig's script adds to the panel at the side, and the launcher."""
    script = (INTEGRATIONS / "bitwig" / "acestepd.control.js").read_text("utf-8")
    panel = script[script.index("getDocumentState") :]
    settings = re.findall(r"get(\w+)Setting\('([^']+)'", panel)
    height = 24 + 34 * len(settings)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" '
        'font-family="sans-serif" font-size="14">',
        f'<rect width="760" height="{height}" fill="#2d3748"/>',
    ]
    for row, (kind, label) in enumerate(settings):
        top = 12 + row * 34
        colour = "#dd8833" if kind == "Signal" else "#4a5568"
        value = {"Prompt": "warm lo-fi beat", "Bars": "4"}.get(label, "")
        lines.append(f'<rect x="12" y="{top}" width="340" height="28" rx="4" fill="{colour}"/>')
        lines.append(f'<text x="22" y="{top + 19}" fill="#fff">{escape(label)}</text>')
        lines.append(f'<text x="232" y="{top + 19}" fill="#fff">{value}</text>')
    for column, track in enumerate(("Drums", "Bass")):
        for row in range(5):
            x, y = 390 + column * 180, 12 + row * 50
            filled = {(0, 1): "selected: here", (0, 2): "then here"}.get((column, row), "")
            colour = GREEN if filled else "#1a202c"
            text = track if row == 0 else filled
            lines.append(f'<rect x="{x}" y="{y}" width="170" height="42" rx="4" fill="{colour}"/>')
            lines.append(f'<text x="{x + 12}" y="{y + 26}" fill="#fff">{text}</text>')
    return "\n".join([*lines, "</svg>", ""])


# --- the files ------------------------------------------------------------------------------------


def build_files() -> dict[str, bytes]:
    """The contents of every file, by its path below `integrations`."""
    items = list(list_items())
    session = open_stage_control.build_session(items)
    page = draw(items).encode()
    return {
        "touchosc/acestepd.tosc": zlib.compress(touchosc.build_document(items).encode(), 6),
        "touchosc/layout.svg": page,
        "openstagecontrol/page.svg": page,
        "openstagecontrol/acestepd.json": session.encode(),
        "bitwig/panel.svg": draw_panel().encode(),
        "openstagecontrol/takes.svg": open_stage_control.draw_takes().encode(),
    }


if __name__ == "__main__":
    for path, content in build_files().items():
        (INTEGRATIONS / path).write_bytes(content)
