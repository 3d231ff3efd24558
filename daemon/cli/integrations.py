"""`acestepd integrations`: what ships for which program, and where it was put."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.user_paths import expand_path

from ..integrations import catalogue, installer
from ..integrations.clients import read_heard
from ..integrations.places import describe_this_machine
from ..settings import Settings, SettingsError
from . import client

TIMEOUT = 2.0  # seconds for an answer of the daemon


class Heard(NamedTuple):
    """A program that has named itself to a daemon."""

    time: float  # seconds since the epoch
    inserts: bool = False  # it puts clips in, and is connected
    seconds: float = math.inf  # since it was heard, where it is connected


def list_integrations(settings: Settings, name: str = "") -> list[dict[str, object]]:
    """A row for each, or for the one of that name, as scripts get it. Raises `SettingsError` for
    a name that is none.
    """
    chosen = [catalogue.find_integration(name)] if name else catalogue.list_available()
    machine = describe_this_machine()
    installations = installer.read_installations(settings.state)
    heard = find_heard(settings)
    rows = []
    for integration in chosen:
        own = [one for one in installations if one.name == integration.name]
        found = {part.place.find(machine) for part in integration.parts}
        last = find_last(heard, integration.name)
        rows.append(
            {
                "name": integration.name,
                "title": integration.title,
                "does": integration.does,
                "state": installer.find_state(integration, installations),
                "folders": [one.root for one in own],
                "found": sorted(str(folder) for folder in found if folder),
                "version": own[0].version if own else "",
                "inserts": integration.inserts,
                "heard": last.time if last else None,
                "seconds_since": time.time() - last.time if last else None,
                "clicks": installer.list_clicks(integration, own),
            }
        )
    return rows


def find_last(heard: Mapping[str, Heard], name: str) -> Heard | None:
    """Of a program and its further copies, max and max2, the one that was heard last."""
    copies = [heard[one] for one in heard if re.fullmatch(rf"{re.escape(name)}\d*", one)]
    return max(copies, key=lambda one: one.time, default=None)


def find_heard(settings: Settings) -> dict[str, Heard]:
    """When each program was last heard, by its name: those that are connected to the daemon that
    runs come first and in its order, then those that the state folder remembers.
    """
    now = time.time()
    daemon = client.find_daemon(settings)
    connected = {}
    for message in client.ask(
        (daemon.host, daemon.port), ("/ace/clients",), token=settings.token, timeout=TIMEOUT
    ):
        row = client.to_json(message)
        if row["event"] == "client":
            seconds = float(str(row["seconds"]))
            if math.isfinite(seconds):  # or else that is no daemon of ours
                connected[str(row["name"])] = Heard(now - seconds, row["inserts"] == 1, seconds)
    remembered = {name: Heard(moment) for name, moment in read_heard(settings.state).items()}
    return connected | {name: one for name, one in remembered.items() if name not in connected}


def format_age(seconds: float) -> str:
    """As people say it: 5 s ago."""
    for unit, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name} ago"
    return f"{max(seconds, 0):.0f} s ago"


def format_list(rows: list[dict[str, object]]) -> str:
    states = [_format_state(row) for row in rows]
    width = max(map(len, states), default=0)
    lines = [
        f"{row['name']!s:16}  {state:{width}}  {row['title']}" for row, state in zip(rows, states)
    ]
    lines.append("\nacestepd integrations install NAME puts one in; its page is NAME/README.md in")
    lines.append(str(catalogue.FOLDER))
    return "\n".join(lines)


def _format_state(row: dict[str, object]) -> str:
    since = row["seconds_since"]
    heard = f", heard {format_age(since)}" if isinstance(since, float) else ""
    return f"{row['state']}{heard}"


def install(name: str, settings: Settings, to: str | None) -> dict[str, list[str]]:
    """Install it: the files that were put in, and the clicks that are left."""
    integration = catalogue.find_integration(name)
    installed = installer.install(
        integration, settings.state, describe_this_machine(), _make_absolute(to)
    )
    files = [str(Path(one.root) / path) for one in installed for path in one.files]
    return {"installed": files, "next": installer.list_clicks(integration, installed)}


def uninstall(name: str, settings: Settings, to: str | None) -> dict[str, list[str]]:
    """Remove it: the files that were removed, and those that stay, as they were edited or are
    somebody else's.
    """
    removals = installer.uninstall(name, settings.state, _make_absolute(to))
    if not removals:
        catalogue.find_integration(name)  # a name that is wrong is said
    return {
        "removed": [str(Path(one.root) / path) for one in removals for path in one.removed],
        "edited, stays": [str(Path(one.root) / path) for one in removals for path in one.kept],
        "was there before, stays": [
            str(Path(one.root) / path) for one in removals for path in one.found
        ],
    }


def format_change(change: dict[str, list[str]]) -> str:
    """A line for each file and click."""
    lines = [f"{word}: {line}" for word, lines in change.items() for line in lines]
    return "\n".join(lines) or "nothing to remove: it is not installed there"


def _make_absolute(folder: str | None) -> Path | None:
    if folder is None:
        return None
    if not folder:
        raise SettingsError("--to must name a folder, got an empty text")
    try:
        return Path(expand_path(folder)).absolute()
    except ValueError as error:
        raise SettingsError(f"--to {error}") from error
