"""`acestepd integrations`: what ships for which program, and where it was put."""

from __future__ import annotations

from pathlib import Path

from ..integrations import catalogue, installer
from ..integrations.catalogue import Integration
from ..integrations.installer import Installation
from ..integrations.places import Machine, describe_this_machine
from ..settings import Settings, SettingsError


def list_integrations(
    settings: Settings, machine: Machine | None = None
) -> list[dict[str, object]]:
    """A row for each, as scripts get it."""
    machine = machine or describe_this_machine()
    installations = installer.read_installations(settings.state)
    rows = []
    for integration in catalogue.list_available():
        own = [one for one in installations if one.name == integration.name]
        found = {part.place.find(machine) for part in integration.parts}
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
                "clicks": list_clicks(integration, own),
            }
        )
    return rows


def list_clicks(integration: Integration, installations: list[Installation]) -> list[str]:
    """What is left to do by hand, with the folder where it was put."""
    root = Path(installations[0].root) if installations else Path("DIR")
    folder = root / integration.parts[0].folder
    return [click.format(folder=folder) for click in integration.clicks]


def format_list(rows: list[dict[str, object]]) -> str:
    lines = [f"{row['name']!s:17} {_format_state(row):26} {row['title']}" for row in rows]
    lines.append("\nacestepd integrations install NAME puts one in; its page is NAME/README.md in")
    lines.append(str(catalogue.FOLDER))
    return "\n".join(lines)


def _format_state(row: dict[str, object]) -> str:
    return str(row["state"])


def install(name: str, settings: Settings, to: Path | None) -> dict[str, list[str]]:
    """Install it: the files that were put in, and the clicks that are left."""
    integration = catalogue.find_integration(name)
    installed = installer.install(
        integration, settings.state, describe_this_machine(), _make_absolute(to)
    )
    files = [str(Path(one.root) / path) for one in installed for path in one.files]
    return {"installed": files, "next": list_clicks(integration, installed)}


def uninstall(name: str, settings: Settings, to: Path | None) -> dict[str, list[str]]:
    """Remove it: the files that were removed, and those that stay as they were edited."""
    removals = installer.uninstall(name, settings.state, _make_absolute(to))
    if not removals:
        catalogue.find_integration(name)  # a name that is wrong is said
    return {
        "removed": [str(Path(one.root) / path) for one in removals for path in one.removed],
        "edited, stays": [str(Path(one.root) / path) for one in removals for path in one.kept],
    }


def format_change(change: dict[str, list[str]]) -> str:
    """A line for each file and click."""
    lines = [f"{word}: {line}" for word, lines in change.items() for line in lines]
    return "\n".join(lines) or "nothing to remove: it is not installed there"


def _make_absolute(folder: Path | None) -> Path | None:
    try:
        return folder.expanduser().absolute() if folder else None
    except RuntimeError as error:
        raise SettingsError(f"--to {folder}: {error}") from error
