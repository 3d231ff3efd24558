"""Which programs could put clips in, and what is left to do until one does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..integrations import catalogue, installer
from ..integrations.installer import InstallState


def list_programs(state: Path) -> list[dict[str, Any]]:
    """Each with its title, whether its part is in place, and the steps by hand; `state` is where
    that is recorded. Reads files.
    """
    installations = installer.read_installations(state)
    programs = []
    for integration in catalogue.list_available():
        if integration.inserts:
            is_installed = installer.find_state(integration, installations) != InstallState.ABSENT
            own = [one for one in installations if one.name == integration.name]
            steps = installer.list_clicks(integration, own)
            command = f"acestepd integrations install {integration.name}"
            programs.append(
                {
                    "title": integration.title,
                    "isInstalled": is_installed,
                    "steps": steps if is_installed else [f"in a terminal: {command}"],
                }
            )
    return programs
