"""The settings file as `acestepd settings` prints it: every setting, commented out, with what it
means; first what musicians turn, network and memory last.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline.request import FIELDS

from ..settings import DEFAULT_FILE, RANGES, ClusterSettings, Midi, PadSettings, Settings, Watch

HEAD = f"""\
# Settings of acestepd. It reads them from {DEFAULT_FILE}, or from where --settings says.
# Each line shows a default: take away the # in front of it and change it. \
Flags of the command line win over it.
# A table may stand at the end of the file instead of its lines here: \
[request] with bars = 4 below it, for request.bars = 4.
"""
HEADINGS = {  # above these settings
    "out": "What you turn",
    "model": "What plays, and how",
    "cluster": "Several machines",
    "discovery": "The network",
    "idle_unload": "Memory",
}
TURNED = ("prompt", "bars", "bpm", "key")  # the parameters that stand first
REST = "What else a message, a sheet or a pad may leave out"
BEFORE_NETWORK = "discovery"
EXAMPLES = {
    "watch": '[{ folder = "~/Lyrics" }]',
    "midi.ports": '["Launchpad", "MPD"]',
    "midi.knobs": '{ "cc 21" = "variation", "cc 22" = "bars 1 16" }',
    "midi.pad": "[{ slot = 3, request = { bars = 2 } }]",
}


def build_template() -> str:
    """TOML with nothing but comments. Without the # before a name it says the defaults."""
    lines = [HEAD]
    for setting in dataclasses.fields(Settings):
        if setting.name == BEFORE_NETWORK:
            lines += _format_heading(REST)
            lines += _format_parameters(name for name in FIELDS if name not in TURNED)
        if setting.name in HEADINGS:
            lines += _format_heading(HEADINGS[setting.name])
        if setting.name == "request":
            lines += _format_parameters(TURNED)
        elif setting.name == "midi":
            for part in dataclasses.fields(Midi):
                inner = PadSettings if part.name == "pad" else None
                lines += _format_setting(part, "midi.", inner)
        elif setting.name == "cluster":
            for part in dataclasses.fields(ClusterSettings):
                lines += _format_setting(part, "cluster.")
        else:
            lines += _format_setting(setting, inner=Watch if setting.name == "watch" else None)
    return "\n".join(lines)


def to_json(settings: Settings) -> dict[str, Any]:
    """The settings in force, for scripts. The token is nobody's business."""
    values = dataclasses.asdict(settings)
    values["token"] = "(set)" if settings.token else ""
    return values


def _format_heading(text: str) -> list[str]:
    return [f"# --- {text} ".ljust(100, "-"), ""]


def _format_parameters(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        spec = FIELDS[name]
        limits = (spec.low, spec.high) if abs(spec.low) < float("inf") else None
        yield from _format_entry(f"request.{name}", spec.default, [spec.help], limits)


def _format_setting(
    setting: dataclasses.Field[Any], table: str = "", inner: type | None = None
) -> list[str]:
    """`inner`: what stands in the tables that the setting is a list of."""
    name = f"{table}{setting.name}"
    help = [setting.metadata["help"]]
    if name in EXAMPLES:
        help.append(f"like {name} = {EXAMPLES[name]}")
    if inner:
        help += [f"{one.name}: {one.metadata['help']}" for one in dataclasses.fields(inner)]
    default = {} if setting.default is dataclasses.MISSING else setting.default
    return _format_entry(name, default, help, RANGES.get(name))


def _format_entry(
    name: str, default: object, help: list[str], limits: tuple[float, float] | None
) -> list[str]:
    within = f" ({limits[0]:.10g} to {limits[1]:.10g})" if limits else ""
    first, *others = help
    comments = [f"# {first}{within}", *(f"#   {line}" for line in others)]
    return [*comments, f"#{name} = {_format_toml(default)}", ""]


def _format_toml(value: object) -> str:
    """A default as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        pairs = [f"{json.dumps(name)} = {_format_toml(each)}" for name, each in value.items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_format_toml, value))}]"
    if isinstance(value, Path):
        return json.dumps("" if value == Path() else str(value), ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
