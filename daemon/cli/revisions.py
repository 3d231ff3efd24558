"""The line of the settings file that says which commits of the hub's models are loaded."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.private import open_private

from ..settings import SettingsError

_LINE = re.compile(r"^#?revisions = \[[^\]\n]*\](?=\r?$)", re.MULTILINE)


def format_line(pins: Iterable[str]) -> str:
    """The setting as TOML writes it."""
    return f"revisions = [{', '.join(json.dumps(pin) for pin in pins)}]"


def record(file: Path, pins: Iterable[str]) -> None:
    """Pin these repositories in a settings file that is there; what else it says stays, others that
    are pinned too. Raises `SettingsError` where that cannot be done without harm.
    """
    try:
        file = file.resolve(strict=True)  # a link stays one
        text = untrusted.read_bytes(file, LIMITS.settings_bytes).decode("utf-8-sig")
        values = untrusted.parse_toml(text)
        pinned = {pin.rpartition("=")[0]: pin for pin in (*values.get("revisions", ()), *pins)}
        line = format_line(pinned.values())
        changed = _LINE.sub(lambda _: line, text, count=1)
        if changed == text and values.get("revisions") != list(pinned.values()):
            changed = f"{line}\n{text}"  # above all tables
        if _read(changed) != values | {"revisions": list(pinned.values())}:
            raise SettingsError(f"{file} is not changed: its revisions are not in a line")
        _replace(file, changed)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        if isinstance(error, SettingsError):
            raise
        raise SettingsError(f"{file} could not be changed: {error}") from error


def _read(text: str) -> dict[str, Any]:
    try:
        return untrusted.parse_toml(text)
    except ValueError:
        return {}


def _replace(file: Path, text: str) -> None:
    """In one step, with the modes that it had."""
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    with open(draft, "x", encoding="utf-8", newline="", opener=open_private) as stream:
        stream.write(text)
    draft.chmod(file.stat().st_mode & 0o777)
    os.replace(draft, file)
