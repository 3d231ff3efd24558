"""The settings file as `acestepd settings` prints it: every setting, commented out, with what it
means.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.request import FIELDS, FieldSpec

from ..settings import DEFAULT_FILE, LIMITS, Midi, PadSettings, Settings, Watch

HEAD = f"""\
# Settings of acestepd. It reads them from {DEFAULT_FILE}, or from where --settings says.
# Each line shows a default: take away the # in front of it and change it. Flags of the command line win over it.
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
# Watched folders: one [[watch]] for each, with the # and the space in front of these lines taken away.
# [[watch]]
"""
WATCH_REQUEST = """\
# [watch.request]          # what its files leave out; the same parameters as in [request]
"""


def template() -> str:
    """TOML with nothing but comments. Without the # before a name it says the defaults."""
    lines = [HEAD]
    for spec in dataclasses.fields(Settings):
        if spec.name not in ("watch", "midi", "request"):
            lines += _entry(spec, spec.metadata["help"], LIMITS.get(spec.name))
    lines += [REQUEST]
    for spec in FIELDS.values():
        allowed: FieldSpec = spec.metadata["allowed"]
        limits = (allowed.low, allowed.high) if abs(allowed.low) < float("inf") else None
        lines += _entry(spec, allowed.help, limits)
    lines += [
        MIDI,
        *_table(Midi, MIDI_EXAMPLES),
        "",
        PAD,
        *_table(PadSettings, {"slot": 3}),
        PAD_REQUEST,
    ]
    return "\n".join(
        [*lines, WATCH + "\n".join([*_table(Watch, {"folder": Path("~/Lyrics")}), WATCH_REQUEST])]
    )


def _entry(
    spec: dataclasses.Field[Any], help: str, limits: tuple[float, float] | None
) -> list[str]:
    within = f" ({limits[0]:.10g} to {limits[1]:.10g})" if limits else ""
    return [f"# {help}{within}", f"#{spec.name} = {_toml(spec.default)}", ""]


def _table(kind: type, examples: Mapping[str, Any]) -> Iterator[str]:
    for spec in dataclasses.fields(kind):
        if spec.name not in ("request", "pad"):
            default = {} if spec.default is dataclasses.MISSING else spec.default
            yield f"# {f'{spec.name} = {_toml(examples.get(spec.name, default))}':24} # {spec.metadata['help']}"


def _toml(value: Any) -> str:
    """A default as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(name)} = {_toml(each)}' for name, each in value.items())} }}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Path):
        return json.dumps("" if value == Path() else str(value), ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def as_json(settings: Settings) -> dict[str, Any]:
    """The settings in force, for scripts. The token is nobody's business."""
    values = dataclasses.asdict(settings)
    values["token"] = "(set)" if settings.token else ""
    return values
