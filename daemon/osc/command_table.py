"""The table of all commands, by address, in the order in which the README lists them."""

from __future__ import annotations

from .command import Command
from .handlers import (
    adapters,
    daemon,
    jobs,
    lyrics,
    midi,
    models,
    pads,
    parameters,
    subscriptions,
    tempo,
)

COMMANDS: dict[str, Command] = {
    command.address: command
    for command in (
        *daemon.COMMANDS,
        *subscriptions.COMMANDS,
        *jobs.COMMANDS,
        *parameters.COMMANDS,
        *lyrics.COMMANDS,
        *tempo.COMMANDS,
        *models.COMMANDS,
        *pads.COMMANDS,
        midi.LEARN,
        *adapters.COMMANDS,
        midi.FORGET,
        daemon.SYNC,
    )
}
