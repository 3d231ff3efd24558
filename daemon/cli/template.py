"""The settings file as `acestepd settings` prints it: every setting, commented out, with what it
means.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.request import FIELDS

from ..settings import DEFAULT_FILE, RANGES, Midi, PadSettings, Settings, Watch

HEAD = f"""\
# Settings of acestepd. It reads them from {DEFAULT_FILE}, or from where --settings says.
# Each line shows a default: take away the # in front of it and change it. \
Flags of the command line win over it.
"""
REQUEST = """\
[request]
# What a message leaves out is taken from here.
"""
MIDI = """\
# Pad controllers: take the # and the space in front of these lines away.
# [midi]"""
MIDI_EXAMPLES = {
    "ports": ("Launchpad", "MPD"),
    "knobs": {"cc 21": "variation", "cc 22": "bars 1 16"},
}
PAD = """\
# Pads with a note or a request of their own: one [[midi.pad]] for each.
# [[midi.pad]]"""
PAD_REQUEST = """\
# [midi.pad.request]       # over those of [request]
"""
WATCH = """\
# Watched folders: one [[watch]] for each, \
with the # and the space in front of these lines taken away.
# [[watch]]
"""
WATCH_REQUEST = """\
# [watch.request]          # what its files leave out; the same parameters as in [request]
"""


def build_template() -> str:
    """TOML with nothing but comments. Without the # before a name it says the defaults."""
    lines = [HEAD]
    for setting in dataclasses.fields(Settings):
        if setting.name not in ("watch", "midi", "request"):
            limits = RANGES.get(setting.name)
            lines += _format_entry(setting.name, setting.default, setting.metadata["help"], limits)
    lines += [REQUEST]
    for name, spec in FIELDS.items():
        limits = (spec.low, spec.high) if abs(spec.low) < float("inf") else None
        lines += _format_entry(name, spec.default, spec.help, limits)
    lines += [MIDI, *_format_table(Midi, MIDI_EXAMPLES), ""]
    lines += [PAD, *_format_table(PadSettings, {"slot": 3}), PAD_REQUEST]
    watch = [*_format_table(Watch, {"folder": Path("~/Lyrics")}), WATCH_REQUEST]
    return "\n".join([*lines, WATCH + "\n".join(watch)])


def to_json(settings: Settings) -> dict[str, Any]:
    """The settings in force, for scripts. The token is nobody's business."""
    values = dataclasses.asdict(settings)
    values["token"] = "(set)" if settings.token else ""
    return values


def _format_entry(
    name: str, default: object, help: str, limits: tuple[float, float] | None
) -> list[str]:
    within = f" ({limits[0]:.10g} to {limits[1]:.10g})" if limits else ""
    return [f"# {help}{within}", f"#{name} = {_format_toml(default)}", ""]


def _format_table(kind: type, examples: Mapping[str, object]) -> Iterator[str]:
    for setting in dataclasses.fields(kind):
        if setting.name in ("request", "pad"):
            continue
        default = {} if setting.default is dataclasses.MISSING else setting.default
        value = _format_toml(examples.get(setting.name, default))
        yield f"# {f'{setting.name} = {value}':24} # {setting.metadata['help']}"


def _format_toml(value: object) -> str:
    """A default as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        pairs = [f"{json.dumps(name)} = {_format_toml(each)}" for name, each in value.items()]
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_format_toml, value))}]"
    if isinstance(value, Path):
        return json.dumps("" if value == Path() else str(value), ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
