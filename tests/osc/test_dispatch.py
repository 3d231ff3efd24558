"""A message finds its row of the table, or is one that a daemon sends."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

from daemon.osc import handlers
from daemon.osc.command import Command
from daemon.osc.command_table import COMMANDS
from daemon.osc.dispatch import is_outgoing
from daemon.osc.outgoing import OUTGOING
from daemon.osc.wire import Message
from tests.tools import tables


def test_every_row_of_the_handlers_is_in_the_table_once() -> None:
    rows: list[Command] = []
    for module in pkgutil.iter_modules(handlers.__path__, f"{handlers.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            values = value if isinstance(value, tuple) else (value,)
            rows += [row for row in values if isinstance(row, Command)]
    assert sorted(row.address for row in rows) == sorted(COMMANDS)


def test_the_types_of_a_row_are_those_that_its_arguments_tell() -> None:
    for row in COMMANDS.values():
        first_of_several, _, _ = row.arguments.partition(", or")
        assert "".join(re.findall(r"\b([sif]) ", first_of_several)) == row.types, row.address


def test_the_readmes_tables_have_a_row_for_each() -> None:
    assert [row.split("`")[1] for row in tables.messages().splitlines()[2:]] == list(COMMANDS)
    assert [row.split("`")[1] for row in tables.events().splitlines()[2:]] == [
        f"/ace/{name}" for name in OUTGOING
    ]
    for name, table in tables.TABLES.items():
        rows = [line for line in table().splitlines() if line.startswith("|")]
        widths = {row.replace("\\|", "").count("|") for row in rows}
        assert len(widths) == 1, name


@pytest.mark.parametrize(
    ("address", "count", "outgoing"),
    [
        ("/ace/state", 0, True),
        ("/ace/fail", 5, True),
        ("/ace/param/bars", 1, True),
        ("/ace/set/bars", 1, False),
        ("/ace/generate", 3, False),
        ("/ace/tempo", 0, False),
        ("/ace/tempo", 1, False),
        ("/ace/tempo", 2, True),
        ("/ace/favourite", 2, False),
        ("/ace/favourite", 3, True),
        ("/ace/insert", 3, False),
        ("/ace/insert", 4, True),
        ("/ace/insert", 5, True),
        ("/ace/inserted", 3, False),
        ("/ace/inserted", 4, True),
        ("/ace/clients", 0, False),
        ("/ace/client", 4, True),
        ("/other/state", 0, False),
        ("state", 0, False),
    ],
)
def test_what_a_daemon_sends_is_no_command(address: str, count: int, outgoing: bool) -> None:
    row = OUTGOING.get(address.removeprefix("/ace/")) if outgoing else None
    fields = row.fields.split() if row else []
    arguments = ["/out/a.wav" if name == "path" else 1 for name in fields][:count]
    message = Message(address, (*arguments, *(1,) * (count - len(arguments))))
    assert is_outgoing(message) is outgoing


def test_a_command_in_more_words_than_it_needs_is_none_of_another_daemon() -> None:
    assert not is_outgoing(Message("/ace/inserted", ("take1", "live", "track", "three")))
    assert not is_outgoing(Message("/ace/inserted", ("take1", "live", "track", 3, "slot", 5)))
    assert not is_outgoing(Message("/ace/insert", ("take1", 1, 2, "please")))
    assert not is_outgoing(Message("/ace/favourite", ("take1", 1, "please")))
