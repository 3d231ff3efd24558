"""The README says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from daemon import osc, protocol, tables

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_its_tables_are_what_the_code_says() -> None:
    assert set(re.findall(r"<!-- table: (\w+) -->", README)) == set(tables.TABLES)
    assert tables.updated(README) == README, "run: python -m daemon.tables README.md"


def test_every_message_has_a_handler_and_every_handler_a_row() -> None:
    assert set(osc._HANDLERS) == set(protocol.COMMANDS)


def test_ci_runs_the_readmes_own_test_command() -> None:
    (command,) = re.findall(r"<!-- command two -->\n```sh\n(.+)\n```", README)
    assert command in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "examples/README.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text("utf-8")):
        assert target.startswith("http") or (folder / target).exists(), target
